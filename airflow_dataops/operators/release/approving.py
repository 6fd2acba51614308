"""Approve: people are asked before a release goes live, in Airflow's own "Required Actions"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator

from airflow_dataops.core.approvals import Answer, ApprovalRef, Question, Response, Rules
from airflow_dataops.core.errors import ConfigurationError, DataOpsError
from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.targets import target_of
from airflow_dataops.hooks.tasks import task_key, task_operation
from airflow_dataops.operators.errors import DataOpsFailed, airflow_errors
from airflow_dataops.operators.release import asking

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dataops.stores.store import Store


class ApproveReleaseOperator(ApprovalOperator):
    """Ask people whether a release may go live; promote demands their approval of exactly this content.

    The task waits without a worker until enough people have answered in Airflow ("Required Actions", or ``PATCH
    …/hitlDetails``). Each answer is recorded in the store before anything comes of it. A rejection skips what is
    downstream; one that does not count (of somebody who is not asked, or who has approved already) is recorded as
    refused, and the task asks again. Where enough people have approved this content already, nobody is asked.

    :param release: ``stage.output``. (templated)
    :param subject: the headline of the question. (templated)
    :param quorum: how many different people must approve.
    :param assigned_users: who may answer, as Airflow has it: ``[{"id": "ada", "name": "ada"}]``; without it, whoever
        may edit the run in Airflow. (templated)
    :param author_may_approve: whether who started the DAG run by hand may approve, too.
    :param expires_after: how long an approval counts; without it, while the content stays the same.
    :param response_timeout: how long to wait for all answers. No answer in time fails the task, and never approves.
    :param fail_on_reject: fail at a rejection, instead of skipping what is downstream.
    """

    template_fields: Sequence[str] = ("release", "subject", "assigned_users")
    ui_color = "#f3e8fd"

    def __init__(
        self,
        *,
        release: str,
        subject: str = "",
        quorum: int = 1,
        author_may_approve: bool = True,
        expires_after: timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(subject=subject, body=None, **kwargs)
        self.release = release
        self.quorum = quorum
        self.author_may_approve = author_may_approve
        self.expires_after = expires_after

    def execute(self, context: Context) -> str:
        """Ask and wait; return the release's name at once where there is nothing to ask."""
        from airflow_dataops.services.releasing.approving import lacking, note_asked, question_about
        from airflow_dataops.services.releasing.telling import told

        with airflow_errors():
            rules = self._rules(context)
            name, store = ReleaseName.parse(self.release), open_store()
            self._take_kept(context, store, rules)
            op = task_operation(context, "approve", name)
            deadline = op.now + self.response_timeout if self.response_timeout else None
            target = target_of(store, name.dataset)
            question = question_about(target, name, deadline=deadline)
            if question is None or not lacking(store, question, self._ref(context), op.now):
                self.log.info("%s is %s already.", name, "live" if question is None else "approved")
                return str(name)
            self.subject = self.subject or f"May {name} go live?"
            self.body = told(store, question, rules, op)
            note_asked(store, question, rules, op)
        self._ask(question, context)
        return str(name)  # never: the task waits, and goes on in execute_complete

    def execute_complete(self, context: Context, event: dict[str, Any], asked: dict[str, Any]) -> str:
        """Record an answer, and then do what it says: go on, ask for the next one, or stop what is downstream."""
        from airflow_dataops.services.releasing.approving import lacking, take, verdict_of

        question = Question.from_dict(asked)
        response = asking.response_of(event, question)
        if response is None:
            return self._nobody(context, event, question)
        with airflow_errors():
            try:
                store = open_store()
                op = task_operation(context, "approve", question.release)
                approval = take(store, question, response, self._rules(context), op)
                missing = lacking(store, question, self._ref(context), op.now)
            except DataOpsError:
                self._keep(context, question, response)
                raise
        message = verdict_of(approval, question, missing)
        self.log.info(message)
        if approval.answer is Answer.REJECT and not approval.refused:
            return self._reject(context, event, question, message)
        if missing:
            self._ask(question, context)
        self._airflows_own(context, event)
        return str(question.release)

    def _ref(self, context: Context) -> ApprovalRef:
        key = task_key(context)
        return ApprovalRef(dag_id=key.dag_id or "", task_id=key.task_id or "", quorum=self.quorum)

    def _rules(self, context: Context) -> Rules:
        """Return whose answer counts.

        :raises ConfigurationError: an argument cannot be meant, or the quorum can never be reached.
        """
        author = getattr(context.get("dag_run"), "triggering_user_name", None)
        asking.check_arguments(self)
        rules = Rules(
            quorum=self.quorum,
            assigned=frozenset(user["id"] for user in self.assigned_users or ()),
            author=None if self.author_may_approve else author,
            expires_after=self.expires_after,
        )
        may = {user for user in rules.assigned if user.casefold() != (rules.author or "").casefold()}
        if rules.assigned and len(may) < self.quorum:
            started = f": {author} has started this run (author_may_approve=False)" if may != rules.assigned else ""
            raise ConfigurationError(
                f"quorum={self.quorum} can never be reached: {len(may)} of the assigned_users may approve{started}."
            )
        return rules

    def _ask(self, question: Question, context: Context) -> None:
        """Put the question to people and wait; what goes on with the answer knows which question it is for.

        :raises BaseException: Airflow's signal that the task waits.
        """
        asking.ask(self, question, context, super().execute)

    def _nobody(self, context: Context, event: dict[str, Any], question: Question) -> str:
        """Record that no person has answered: that is no approval, whatever Airflow's default says.

        :raises DataOpsFailed: unless the default is to reject.
        """
        from airflow_dataops.services.releasing.approving import TIMED_OUT

        with airflow_errors():
            op = task_operation(context, "approve", question.release, reason=str(event.get("error") or "no answer"))
            open_store().releases.note(question.release, TIMED_OUT, op)
        message = f"Nobody has answered in time whether {question.release} may go live: it is not approved."
        if event.get("chosen_options") == [self.REJECT]:
            return self._reject(context, event, question, message)
        raise DataOpsFailed(f"{message} Clear this task to ask again.")

    def _reject(self, context: Context, event: dict[str, Any], question: Question, message: str) -> str:
        """Stop what is downstream: skip it, or fail.

        :raises DataOpsFailed: with ``fail_on_reject``, and where the task is one of many: Airflow skips nothing then.
        """
        if self.fail_on_reject or task_key(context).map_index >= 0:
            raise DataOpsFailed(f"{message} Readers keep what is live.")
        self._airflows_own(context, event)
        return str(question.release)

    def _airflows_own(self, context: Context, event: Mapping[str, Any]) -> None:
        """Let Airflow do its part; what people wrote has been read already and fits no form of a later try."""
        super().execute_complete(context, {**event, "params_input": {}})

    def _keep(self, context: Context, question: Question, response: Response) -> None:
        """Keep an answer that could not be recorded where the task's next try finds it: Airflow forgets it then."""
        kept = {"question": question.to_dict(), "response": response.to_dict()}
        self.log.error("Not recorded: the answer of %s (%s). It is kept for the next try.", response.person, kept)
        state = context.get("task_state_store")
        if state is not None:
            state.set(asking.KEPT, kept)

    def _take_kept(self, context: Context, store: Store, rules: Rules) -> None:
        """Record the answer that an earlier try had to keep."""
        from airflow_dataops.services.releasing.approving import take

        state = context.get("task_state_store")
        kept = state.get(asking.KEPT) if state is not None and task_key(context).try_number > 1 else None
        if kept:
            question, response = Question.from_dict(kept["question"]), Response.from_dict(kept["response"])
            take(store, question, response, rules, task_operation(context, "approve", question.release))
            state.delete(asking.KEPT)
            self.log.info("The answer of %s at %s is recorded now.", response.person, response.at)
