"""Contracts: the checks of a dataset that a consumer relies on, run beside a gate's own on what is to go live."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from airflow_dataops.core.checks import CONTRACT, Check, Suite
from airflow_dataops.core.results import CheckResult, GateResult
from airflow_dataops.core.values import counted
from airflow_dataops.core.verdicts import Outcome

UNREADABLE = "contract"
"""The kind of the check that stands for a contract that cannot be read: it is an ERROR, whatever the data."""
_WORDS = {Outcome.FAIL: " BROKEN", Outcome.WARN: " broken (a warning)", Outcome.INFO: " broken (an info)"}


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What one consumer relies on of one dataset.

    :param consumer: a DAG, a DAG's task (``dag.task``), or any name outside of Airflow.
    :param owner: who is to be asked; ``None`` where nobody is named.
    :param origin: where it is written: a file's path.
    :param registered_at: when its present content was first seen.
    :param problem: why it cannot be read; then it has no checks, and no gate that asks for contracts passes.
    """

    consumer: str
    dataset: str
    checks: tuple[Check, ...]
    owner: str | None
    origin: str
    registered_at: datetime
    problem: str | None = None

    @property
    def hash(self) -> str:
        """Identify its content: a gate's evidence says which rules it was measured against."""
        return Suite(name=self.consumer, checks=self.checks).hash


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A contract, and whether its consumer is one still.

    :param last_read: when the consumer last read the dataset, as far as is known; ``None`` where it never has.
    :param active: it read it, or registered the contract, within the window: its contract counts.
    """

    contract: Contract
    last_read: datetime | None
    active: bool

    @classmethod
    def at(cls, contract: Contract, last_read: datetime | None, now: datetime, window: timedelta) -> Bound:
        """Return the contract as it stands at a time."""
        seen = max(contract.registered_at, last_read or contract.registered_at)
        return cls(contract=contract, last_read=last_read, active=seen >= now - window)

    def whose(self, now: datetime) -> str:
        """Return whose it is: ``Contract of mart.load (owner data-mart, last read 2 days ago)``."""
        read = f"last read {_ago(now - self.last_read)}" if self.last_read else "has not read it yet"
        owner = f"owner {self.contract.owner}, " if self.contract.owner else ""
        return f"Contract of {self.contract.consumer} ({owner}{read})"


def with_contracts(suite: Suite, bound: Iterable[Bound]) -> Suite:
    """Return a suite's checks and those of contracts, which say whose they are: one hash for all that is judged."""
    return replace(suite, checks=(*suite.checks, *(check for each in bound for check in _marked(each.contract))))


def _marked(contract: Contract) -> Iterable[Check]:
    mark = {"consumer": contract.consumer, "owner": contract.owner}
    if contract.problem is not None:
        mark["problem"] = contract.problem
        return [Check(kind=UNREADABLE, meta={CONTRACT: mark})]
    return [replace(check, meta={**check.meta, CONTRACT: mark}) for check in contract.checks]


def naming(result: GateResult, bound: Sequence[Bound], now: datetime) -> GateResult:
    """Return a gate's result in which each check of a contract that does not hold says whose it is."""
    whose = {each.contract.consumer: each.whose(now) for each in bound}
    return replace(result, results=tuple(_named(each, whose) for each in result.results))


def _named(result: CheckResult, whose: dict[str, str]) -> CheckResult:
    contract = result.check.contract
    if contract is None or result.outcome is Outcome.PASS:
        return result
    said = f"{result.check.name}: {result.message}" if result.check.name else result.message
    return replace(result, message=f"{whose[contract['consumer']]}{_WORDS.get(result.outcome, '')}: {said}")


def _ago(age: timedelta) -> str:
    if age >= timedelta(days=1):
        return f"{counted(age.days, 'day')} ago"
    hours = age // timedelta(hours=1)
    return f"{counted(hours, 'hour')} ago" if hours > 0 else "within the hour"
