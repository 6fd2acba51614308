"""A DAG run that reads several datasets of a release set: to its end it reads what was live together."""

from __future__ import annotations

import pytest
from pair import DAILY, FLIGHTS, Pair, gate_of, values
from story import NOW

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.releases import TaskKey
from airflow_dataops.services.releasing import Target, reconcile
from airflow_dataops.services.usage import await_release, pin

pytestmark = pytest.mark.parametrize("target", ["sqlite"], indirect=True)


@pytest.fixture
def pair(target: Target) -> Pair:
    return Pair(target)


def read(pair: Pair, dataset: str, run: str = "a") -> str:
    """Return the release that a run of the report reads."""
    return str(pin(pair.store, dataset, TaskKey(dag_id="report", run_id=run, task_id="build"), NOW))


@pytest.mark.parametrize(("one", "other"), [(FLIGHTS, DAILY), (DAILY, FLIGHTS)])
def test_a_switch_between_two_reads_is_not_seen(pair: Pair, one: str, other: str) -> None:
    pair.live("jan", 1)
    assert read(pair, one) == f"{one}@r1"
    pair.live("feb", 2)
    assert read(pair, other) == f"{other}@r1"
    assert (read(pair, one, "b"), read(pair, other, "b")) == (f"{one}@r2", f"{other}@r2")


def test_what_has_moved_on_by_itself_is_read_as_it_is_live(pair: Pair) -> None:
    pair.live("jan", 1)
    newer = pair.daily.stage("feb", values(2))
    pair.daily.gate(newer, "feb", task=f"gate_{DAILY}")
    pair.daily.promote(newer, "feb", required=[gate_of(DAILY)])
    assert read(pair, FLIGHTS) == "nyc.flights@r1"
    pair.live("mar", 3)
    assert read(pair, DAILY) == "nyc.daily@r2"


def test_what_was_rolled_back_is_resolved_anew_for_both(pair: Pair) -> None:
    pair.live("jan", 1)
    pair.live("feb", 2)
    assert read(pair, FLIGHTS) == "nyc.flights@r2"
    pair.rollback("ops")
    assert read(pair, FLIGHTS) == "nyc.flights@r1"
    pair.live("mar", 3)
    assert read(pair, DAILY) == "nyc.daily@r1"


@pytest.mark.parametrize("recorded", [FLIGHTS, DAILY])
@pytest.mark.parametrize("one", [FLIGHTS, DAILY])
def test_a_set_of_which_one_member_is_recorded_so_far_is_read_whole(pair: Pair, recorded: str, one: str) -> None:
    pair.live("jan", 1)
    second = pair.staged("feb", 2)
    finalise = pair.store.switches.finalise

    def gone(*args: object, **kwargs: object) -> bool:
        raise MeasureError("the worker is gone", retryable=True)

    pair.store.switches.finalise = gone
    with pytest.raises(MeasureError):
        pair.promote(second, "feb")
    pair.store.switches.finalise = finalise
    stories = {story.name: story for story in pair.stories}
    reconcile(pair.target, stories[recorded].dataset)
    other = DAILY if one == FLIGHTS else FLIGHTS
    number = 2 if one == recorded else 1
    assert (read(pair, one), read(pair, other)) == (f"{one}@r{number}", f"{other}@r{number}")
    reconcile(pair.target, stories[other].dataset)
    reconcile(pair.target, stories[one].dataset)
    assert (read(pair, one), read(pair, other)) == (f"{one}@r{number}", f"{other}@r{number}")


def test_a_run_that_waited_for_one_reads_the_other_as_it_went_live_with_it(pair: Pair) -> None:
    pair.live("jan", 1)
    key = TaskKey(dag_id="report", run_id="a", task_id="wait")
    assert str(await_release(pair.store, DAILY, key, NOW)) == "nyc.daily@r1"
    pair.live("feb", 2)
    assert read(pair, FLIGHTS) == "nyc.flights@r1"
