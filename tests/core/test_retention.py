"""Which releases may be retired: a case for each reason to stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.plans import Keep, Retire
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Dataset, Release, State
from airflow_dataops.core.retiring import Retention, Standing, sorted_out

NOW = datetime(2013, 6, 1, tzinfo=UTC)
DATASET = Dataset(name="a.b", conn_id="c", publisher="view", target="a.b", reader="a.b")
OLD = timedelta(days=100)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def standing(number: int, state: State, **more: Any) -> Standing:
    """Return what is known of a release that is 100 days old, and was live until 100 days ago."""
    release = Release(
        dataset=DATASET,
        number=number,
        relation=Relation(schema="a", name=f"b__r{number}"),
        state=state,
        op_id="op",
        created_at=NOW - more.pop("age", OLD),
    )
    left = NOW - OLD if state in (State.SUPERSEDED, State.ROLLED_BACK) else None
    return Standing(**({"release": release, "left_at": left} | more))


def retention(**more: Any) -> Retention:
    return Retention.of(**({"keep": None, "older_than": None, "read_within": 7, "rollback_window": 7} | more))


def why(one: Standing, predecessor: int | None = None, **more: Any) -> tuple[str, ...] | str:
    """Return why a release stays beside a live one, or that it goes."""
    others = [standing(9, State.LIVE)]
    found = sorted_out([one, *others], retention(**(more or {"keep": 1})), NOW, predecessor=predecessor)
    return found[0].why if isinstance(found[0], Keep) else "goes"


def test_what_nobody_needs_goes_and_says_why() -> None:
    (found, _) = sorted_out(
        [standing(1, State.SUPERSEDED), standing(9, State.LIVE)], retention(keep=1), NOW, predecessor=None
    )
    assert isinstance(found, Retire)
    assert found.why == "not live since 100 days"


@pytest.mark.parametrize(
    ("one", "more", "said"),
    [
        (standing(1, State.LIVE), {"keep": 0, "older_than": 0}, "it is live"),
        (standing(10, State.BUILDING), {"keep": 0, "older_than": 0}, "it is being built"),
        (standing(0, State.SUPERSEDED), {"keep": 0, "older_than": 0}, "it was there before this dataset's releases"),
        (standing(1, State.SUPERSEDED), {"keep": 2}, "it is one of the newest 2"),
        (standing(1, State.ROLLED_BACK), {"older_than": 101}, "it is not older than 101 days"),
        (standing(10, State.CANDIDATE), {"keep": 0}, "it is a candidate, which only older_than retires"),
        (standing(10, State.CANDIDATE), {"older_than": 101}, "it is not older than 101 days"),
        (standing(1, State.SUPERSEDED), {"keep": 1, "rollback_window": 101}, "it was live within the last 101 days"),
        (standing(1, State.SUPERSEDED, last_read=NOW - days(6)), {"keep": 1}, "it was read 6 days ago"),
        (standing(1, State.SUPERSEDED, pinned=("d run",)), {"keep": 1}, "DAG runs are pinned to it: d run"),
        (standing(1, State.SUPERSEDED, dependents=("v",)), {"keep": 1}, "views depend on it: v"),
        (standing(1, State.SUPERSEDED), {"keep": 1, "older_than": 101}, "it is not older than 101 days"),
    ],
)
def test_what_is_needed_stays_and_says_what_for(one: Standing, more: dict[str, Any], said: str) -> None:
    reasons = why(one, **more)
    assert len(reasons) == 1
    assert reasons[0].startswith(said)


@pytest.mark.parametrize(
    ("one", "more"),
    [
        (standing(1, State.SUPERSEDED), {"keep": 0}),
        (standing(1, State.ROLLED_BACK), {"keep": 1}),
        (standing(1, State.ABORTED, age=days(1)), {"keep": 100, "older_than": 100}),
        (standing(10, State.CANDIDATE), {"older_than": 99}),
        (standing(1, State.SUPERSEDED), {"older_than": 100}),
        (standing(1, State.SUPERSEDED, last_read=NOW - days(7)), {"keep": 1}),
        (standing(1, State.SUPERSEDED), {"keep": 1, "older_than": 99}),
        (standing(1, State.SUPERSEDED, last_read=NOW - days(1)), {"keep": 1, "read_within": 0}),
    ],
)
def test_what_is_not_needed_goes(one: Standing, more: dict[str, Any]) -> None:
    assert why(one, **more) == "goes"


def test_what_a_roll_back_would_go_to_stays() -> None:
    assert why(standing(1, State.SUPERSEDED), predecessor=1) == ("a roll-back would go to it",)


def test_every_reason_is_told() -> None:
    one = standing(1, State.SUPERSEDED, last_read=NOW - days(1), pinned=("d run",))
    assert len(why(replace(one, left_at=NOW - days(1)), predecessor=1, keep=2)) == 5


def test_the_newest_are_those_that_readers_have_had() -> None:
    many = [standing(n, State.SUPERSEDED) for n in (1, 2, 3)] + [standing(4, State.CANDIDATE), standing(5, State.LIVE)]
    found = sorted_out(many, retention(keep=3), NOW, predecessor=None)
    assert [step.release.number for step in found if isinstance(step, Retire)] == [1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "Which releases may be retired is not said: give keep="),
        ({"keep": "three"}, "keep='three' is no number that counts: expected 0 or more"),
        ({"keep": 1.5}, "keep=1.5 is no number of releases: expected a whole number"),
        ({"keep": -1}, "keep=-1 is no number that counts"),
        ({"keep": True}, "keep=True is no number that counts"),
        ({"older_than": "nan"}, "older_than='nan' is no number that counts"),
        ({"older_than": 1e30}, "older_than=1e+30 is no number that counts"),
        ({"keep": 1, "read_within": []}, r"read_within=\[\] is no number that counts"),
    ],
)
def test_what_is_no_retention_says_so(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said.replace("+", r"\+")):
        retention(**more)


def test_templates_give_text() -> None:
    assert retention(keep="3", older_than="30.5") == retention(keep=3, older_than=30.5)
    assert str(retention(keep="3", older_than="30")) == "beyond the newest 3 and older than 30 days"
