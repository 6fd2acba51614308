"""People who answer what a task asks, while ``dag.test()`` waits for them: through the API's own function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Say = tuple[str, str, dict[str, Any]]


@contextmanager
def answering(dag_id: str, answers: Sequence[Say], *, marks: Callable[[], str] = lambda: "") -> Iterator[list[str]]:
    """Give these answers, each as soon as a task of the DAG waits for one; yield the subjects that were asked.

    :param answers: who says what, and what is written in the form; ``nobody`` lets the time run out, and ``clear``
        clears the whole run.
    :param marks: what is written for ``{mark}``.
    """
    # Not in the thread: for a moment FastAPI's import mutes warnings, for all threads.
    import airflow.api_fastapi.core_api.routes.public.hitl  # noqa: F401

    asked: list[str] = []
    trouble: list[BaseException] = []
    over = threading.Event()

    def answer_all() -> None:
        try:
            for user, option, written in answers:
                asked.append(_answer(dag_id, user, option, written, marks, over))
            while not over.wait(0.5):  # a question too many would be waited for without end
                if _waiting(dag_id) is not None:
                    raise AssertionError("somebody else is asked, whom nobody has told what to say")
        except BaseException as error:  # told in the test's own thread
            trouble.append(error)
            while not over.wait(0.5):
                _give_up(dag_id)

    people = threading.Thread(target=answer_all, daemon=True)
    people.start()
    try:
        yield asked
    finally:
        over.set()
        people.join()
    assert not trouble, trouble


def _answer(
    dag_id: str, user: str, option: str, written: dict[str, Any], marks: Callable[[], str], over: threading.Event
) -> str:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.utils.session import create_session

    found = None
    while found is None:
        assert not over.wait(0.1), "the run has ended, and nobody was asked"
        found = _waiting(dag_id)
    dag_run_id, task_id, map_index, subject = found
    written = {name: marks() if text == "{mark}" else text for name, text in written.items()}
    with create_session() as session:
        if user == "nobody":
            _time_runs_out(session, dag_id, dag_run_id)
        elif user == "clear":
            _clear(session, dag_id, dag_run_id)
        else:
            update_hitl_detail(
                dag_id=dag_id,
                dag_run_id=dag_run_id,
                task_id=task_id,
                map_index=map_index,
                update_hitl_detail_payload=UpdateHITLDetailPayload(chosen_options=[option], params_input=written),
                user=SimpleAuthManagerUser(username=user, role="user"),
                session=session,
            )
    return subject


def _waiting(dag_id: str) -> tuple[str, str, int, str] | None:
    """Return the first task that waits for a person: its run, id and map index, and the subject."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import handle_event_submit
    from airflow.triggers.base import TriggerEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    query = (
        select(TaskInstance, HITLDetail)
        .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
        .where(TaskInstance.dag_id == dag_id, TaskInstance.state == "awaiting_input")
        .order_by(TaskInstance.map_index)
    )
    with create_session() as session:
        for task, form in session.execute(query):
            if form.responded_at is None:
                return task.run_id, task.task_id, task.map_index, form.subject
            # dag.test() writes that the task waits once more, over an answer that was quicker; a scheduler does not.
            event = TriggerEvent(form.as_resume_event_payload())
            handle_event_submit(event, task_instance=task, session=session)
    return None


def _give_up(dag_id: str) -> None:
    """End what waits, so that the test ends."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    waits = (TaskInstance.dag_id == dag_id, TaskInstance.state == "awaiting_input")
    with create_session() as session:
        session.execute(update(TaskInstance).where(*waits).values(state="failed"))


def _time_runs_out(session: Any, dag_id: str, run_id: str) -> None:
    """Do what the scheduler does when nobody has answered in time."""
    from datetime import UTC, datetime

    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import update

    past = datetime(2013, 1, 1, tzinfo=UTC)
    session.execute(
        update(TaskInstance)
        .where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
        .values(trigger_timeout=past)
    )
    session.commit()
    SchedulerJobRunner(Job()).check_awaiting_input_timeouts(session=session)


def _clear(session: Any, dag_id: str, run_id: str) -> None:
    """Do what the button does."""
    from airflow.models.taskinstance import TaskInstance, clear_task_instances
    from sqlalchemy import select

    query = select(TaskInstance).where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
    clear_task_instances(list(session.scalars(query)), session)
