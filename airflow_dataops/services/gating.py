"""Gating: a suite judges data, and what it found is stored before anybody hears of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.checks import Suite
from airflow_dataops.core.contracts import Bound, naming, with_contracts
from airflow_dataops.core.errors import ConfigurationError, DataOpsError, IllegalTransition
from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.releases import Release, ReleaseName, State, TaskKey
from airflow_dataops.core.results import CheckResult, GateResult
from airflow_dataops.core.verdicts import Outcome, Verdict

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Database
    from airflow_dataops.stores.gate_lists import GateSummary
    from airflow_dataops.stores.gates import GateRun
    from airflow_dataops.stores.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Data a gate can judge.

    :param label: the data in words.
    :param judge: opens and measures it with a suite.
    :param neighbours: opens a session of another connection that a check names, by its id.
    """

    label: str
    judge: Callable[..., GateResult]
    neighbours: Callable[[str], AbstractContextManager[Database]]
    conn_id: str | None = None
    release: ReleaseName | None = None


CONTRACTS = "contracts"
"""The name of the suite of a gate that judges by contracts alone."""
_MAPPED = 1_000
"""Of how many of a mapped gate's tasks the verdicts are looked at."""
NO_CONTRACT = (
    "no active consumer has a contract, so nothing is known of the data: give the gate a suite= of its own too "
    "(`airflow dataops usage contracts` lists the contracts)"
)

_GONE = (State.BUILDING, State.ABORTED, State.RETIRED)


def release_to_judge(store: Store, name: ReleaseName) -> Release:
    """Return the release a gate is asked to judge.

    :raises ReleaseNotFound: there is none of that name.
    :raises IllegalTransition: its relation is not there (any more).
    """
    release = store.releases.get(name)
    if release.state in _GONE:
        live = store.releases.live(name.dataset)
        raise IllegalTransition(
            f"{release} is {release.state}: there is nothing to judge. "
            + (f"Judge {live}, which is live, or stage a new release." if live else "Stage a new release.")
        )
    return release


def run_gate(
    store: Store,
    suite: Suite,
    judged: Judged,
    *,
    key: TaskKey,
    by: str,
    now: datetime,
    interval_end: datetime | None = None,
    on_fail: str = "fail",
    contracts: Sequence[Bound] = (),
    **options: Any,
) -> GateRun:
    """Measure, judge and store; return the run with its number in the store.

    What cannot be reached at all is an ERROR of every check, with the database's own words; what was asked wrongly
    (no such connection, an unsupported database) is raised as it is.

    :param interval_end: the end of the run's data interval, which freshness is counted from.
    :param contracts: judged together with the suite, in the same scans.
    :param options: ``where``, ``on_empty``, ``samples`` and ``watch``, as
        :func:`airflow_dataops.services.judging.judge` has them.
    """
    from airflow_dataops.stores.gates import GateRun

    started = time.monotonic()
    suite = with_contracts(suite, contracts)
    try:
        occasion = Occasion(now=now, interval_end=interval_end, neighbours=judged.neighbours)
        result = judged.judge(suite, occasion=occasion, **options)
    except ConfigurationError:
        raise
    except DataOpsError as error:
        result = _unmeasured(suite, judged.label, error)
    run = GateRun(
        result=naming(result, contracts, now).with_seconds(time.monotonic() - started),
        at=now,
        by=by,
        key=key,
        on_fail=on_fail,
        conn_id=judged.conn_id,
        release=judged.release,
    )
    return replace(run, id=store.gates.add(run))


def verdict_since(store: Store, dag_id: str, task_id: str, since: datetime) -> GateSummary | None:
    """Return the run that is a gate's verdict, the newest one's since a time; ``None`` where it has not judged yet.

    A shadow gate says nothing, and one that could not measure has not judged. Of a mapped gate the worst run counts.
    """
    found = store.gates.summaries(dag_id=dag_id, task_id=task_id, since=since, limit=_MAPPED)
    found = [each for each in found if each.on_fail != "shadow"]
    newest: dict[int, GateSummary] = {}
    for each in found:
        if each.key.run_id == found[0].key.run_id:
            newest.setdefault(each.key.map_index, each)
    if any(each.verdict is Verdict.ERROR for each in newest.values()):
        return None
    return max(newest.values(), key=lambda each: list(Verdict).index(each.verdict), default=None)


def _unmeasured(suite: Suite, source: str, error: DataOpsError) -> GateResult:
    results = tuple(
        CheckResult(check=check, outcome=Outcome.ERROR, message=str(error), retryable=error.retryable)
        for check in suite
    )
    return GateResult(suite=suite.name, suite_hash=suite.hash, source=source, results=results)


def headline(run: GateRun, live: str | None = None, reached: str = "") -> str:
    """Return the line a failed task shows: what failed, by how much, what readers get meanwhile, and who they are.

    :param reached: whom the data would reach, as a sentence.
    """
    result = run.result
    bad = result.of(Outcome.FAIL, Outcome.ERROR)
    word = "FAILED" if result.verdict is Verdict.FAIL else "could not measure"
    told = list(dict.fromkeys(r.complaint.rstrip(".") for r in bad))
    more = [f"{len(told) - 3} more"] if len(told) > 3 else []
    if not result.results:
        told = [NO_CONTRACT if result.suite == CONTRACTS else "the suite has no checks"]
    kept = ""
    if run.release:
        kept = " Candidate kept; " + (f"{live} is still live." if live else "nothing is live yet.")
    return (
        f"Gate '{run.gate}' {word} for {run.release or result.source}: {len(bad)} of {len(result.results)} checks. "
        f"{'; '.join(told[:3] + more)}.{kept}{f' {reached}' if reached else ''}"
    )


def report(run: GateRun) -> list[str]:
    """Return the lines the task's log shows: the verdict, what does not hold with its advice, the count of passes."""
    return f"Gate '{run.gate}' of {run.release or run.result.source}: {run.result}".splitlines()
