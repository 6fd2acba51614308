"""Contracts as values: whose, active or not, and told apart from a gate's own checks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_dataops.core.checks import Check, Suite
from airflow_dataops.core.contracts import Bound, Contract, naming, with_contracts
from airflow_dataops.core.results import CheckResult, GateResult
from airflow_dataops.core.verdicts import Outcome

NOW = datetime(2013, 6, 1, tzinfo=UTC)
WINDOW = timedelta(days=92)
NOT_NULL = Check(kind="expect_column_values_to_not_be_null", kwargs={"column": "v"})


def bound(*, registered: int = 200, read: timedelta | None = None, owner: str | None = "data-mart") -> Bound:
    contract = Contract(
        consumer="mart.load",
        dataset="sales.orders",
        checks=(NOT_NULL,),
        owner=owner,
        origin="mart.contracts.yaml",
        registered_at=NOW - timedelta(days=registered),
    )
    return Bound.at(contract, None if read is None else NOW - read, NOW, WINDOW)


@pytest.mark.parametrize(
    ("registered", "read", "active"),
    [(200, None, False), (91, None, True), (200, 93, False), (200, 91, True), (1, 150, True)],
)
def test_active_is_who_read_or_registered_lately(registered: int, read: int | None, active: bool) -> None:
    assert bound(registered=registered, read=None if read is None else timedelta(days=read)).active is active


@pytest.mark.parametrize(
    ("read", "owner", "said"),
    [
        (None, None, "(has not read it yet)"),
        (timedelta(minutes=59), "a", "(owner a, last read within the hour)"),
        (timedelta(hours=1), "a", "(owner a, last read 1 hour ago)"),
        (timedelta(days=2, hours=5), "a", "(owner a, last read 2 days ago)"),
    ],
)
def test_whose_it_is(read: timedelta | None, owner: str | None, said: str) -> None:
    assert bound(read=read, owner=owner).whose(NOW) == f"Contract of mart.load {said}"


def test_a_contracts_check_is_another_than_the_suites_own_and_survives_storage() -> None:
    suite = with_contracts(Suite(name="own", checks=(NOT_NULL,)), [bound()])
    own, theirs = suite
    assert own.id != theirs.id
    assert theirs.label == f"{own.label} (contract of mart.load)"
    assert Suite.from_dict(suite.to_dict()) == suite
    assert suite.hash != Suite(name="own", checks=(NOT_NULL,)).hash


def test_only_what_does_not_hold_is_told_and_two_contracts_apart() -> None:
    suite = with_contracts(Suite(name="own", checks=(NOT_NULL,)), [bound(read=timedelta(days=2))])
    outcomes = [Outcome.PASS, Outcome.FAIL]
    results = tuple(CheckResult(check=c, outcome=o, message="v: 13 rows") for c, o in zip(suite, outcomes, strict=True))
    result = GateResult(suite="own", suite_hash=suite.hash, source="t", results=results)
    told = naming(result, [bound(read=timedelta(days=2))], NOW)
    assert told.complaints() == ("Contract of mart.load (owner data-mart, last read 2 days ago) BROKEN: v: 13 rows",)
