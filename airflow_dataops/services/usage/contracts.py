"""Contracts: registered by consumers, and found for the gate that is to keep them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_dataops.core.contracts import Bound, Contract
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.formats.contracts import Clause, read_contracts
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.usage.answers import WINDOW, who_reads

if TYPE_CHECKING:
    from airflow_dataops.core.readers import Reader
    from airflow_dataops.stores.store import Store


def register_file(
    store: Store, path: Path, *, consumer: str, owner: str | None, now: datetime
) -> tuple[list[Contract], int]:
    """Make a file's contracts the consumer's: the same as before stay, others replace, what is gone is withdrawn.

    A file that is not there has none. One that cannot be read leaves its consumer's contracts with that as their
    problem: no gate that asks for them passes until it is mended.

    :param consumer: whose they are.
    :param owner: where the file names none.
    :return: what is new, and how many were withdrawn.
    :raises SuiteError: the file cannot be read, and nothing was registered from it before.
    """
    origin = path.name
    before = [each for each in store.contracts.of(consumer=consumer) if each.origin == origin]
    clauses: Mapping[str, Clause] = {}
    try:
        if path.exists():
            named, clauses = read_contracts(path)
            owner = named or owner
    except SuiteError as error:
        if not before:
            raise
        clauses = {each.dataset: Clause(problem=str(error)) for each in before}
    new = store.contracts.keep(
        *(
            Contract(
                consumer=consumer,
                dataset=dataset,
                checks=clause.checks,
                owner=owner,
                origin=origin,
                registered_at=now,
                problem=clause.problem,
            )
            for dataset, clause in clauses.items()
        )
    )
    gone = [each.dataset for each in before if each.dataset not in clauses]
    return new, store.contracts.withdraw(consumer, gone) if gone else 0


def register_one(
    store: Store, source: str, *, base: Path, consumer: str, dataset: str, owner: str | None, now: datetime
) -> None:
    """Register the suite at a path as a consumer's contract for one dataset.

    :param base: where a relative path starts.
    :raises SuiteError: it cannot be read; what was registered before stays.
    """
    checks = read_suite(source, base=base).checks
    if not checks:
        raise SuiteError(f"{source}: there is no check.")
    contract = Contract(
        consumer=consumer, dataset=dataset, checks=checks, owner=owner, origin=f"ref: {source}", registered_at=now
    )
    store.contracts.keep(contract)


def withdraw_one(store: Store, *, consumer: str, dataset: str) -> None:
    """Withdraw what ``ref`` has registered for a consumer: it names no contract any more."""
    found = store.contracts.of(dataset, consumer=consumer)
    if any(each.origin.startswith("ref: ") for each in found):
        store.contracts.withdraw(consumer, [dataset])


def contracts_of(store: Store, now: datetime, dataset: str | None = None, *, window: timedelta = WINDOW) -> list[Bound]:
    """Return the contracts for a dataset, or all, with when their consumers last read it and whether they count."""
    found = store.contracts.of(dataset)
    reads = who_reads(store, dataset) if found else []
    return [Bound.at(each, _last_read(reads, each), now, window) for each in found]


def _last_read(reads: list[Reader], contract: Contract) -> datetime | None:
    """Return when a consumer last read the dataset; a DAG reads what any of its tasks does."""
    mine = (
        read.last_read
        for read in reads
        if read.reads and read.name == contract.dataset and contract.consumer in (read.consumer, read.dag_id)
    )
    return max(mine, default=None)
