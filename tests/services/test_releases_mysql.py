"""What plans, retiring and handing back come to on MariaDB and MySQL, where DDL commits by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pair import Pair
from seeing import rows_of
from story import Story

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.retiring import Retention
from airflow_dataops.services.releasing import Target, promote, retire, unadopt

pytestmark = pytest.mark.parametrize("target", ["mysql"], indirect=True)


def values(number: int) -> str:
    return f"SELECT {number} AS v UNION ALL SELECT {number}"


def test_a_dry_run_tells_the_plan_and_changes_nothing(story: Story) -> None:
    story.live("one", values(1))
    second = story.stage("two", "SELECT 'two' AS w")
    lines: list[str] = []
    outcome = promote(
        story.target, second.name, story.op("promote", "two"), required=[], ungated="x", dry_run=True, say=lines.append
    )
    assert not outcome.switched
    told = "\n".join(lines)
    assert "point nyc_flights from nyc_flights__r1 (nyc.flights@r1) to nyc_flights__r2 (nyc.flights@r2)" in told
    assert "columns dropped: v" in told
    assert story.rows() == [(1,), (1,)]


def test_what_nobody_needs_is_retired_once(story: Story) -> None:
    for number in (1, 2, 3):
        story.live(f"run {number}", values(number))
    keep = Retention(keep=1, older_than=None, read_within=timedelta(0), rollback_window=timedelta(0))
    op = story.op("retire", "r", reason="space")
    for _ in range(2):
        retire(story.target, "nyc.flights", op, keep, running=lambda dag_id, runs: False)
    assert story.states() == {"nyc.flights@r1": "RETIRED", "nyc.flights@r2": "SUPERSEDED", "nyc.flights@r3": "LIVE"}
    assert not story.target.publisher.exists(story.target.publisher.physical("nyc.flights", 1))
    assert story.rows() == [(3,), (3,)]


def test_a_release_set_is_refused_with_the_reason_before_anything_happens(target: Target) -> None:
    pair = Pair(target)
    releases = pair.staged("jan", 1)
    before = rows_of(target.store)
    for set_of_two in (lambda: pair.promote(releases, "jan"), lambda: pair.rollback("ops")):
        with pytest.raises(
            ConfigurationError,
            match=r"nyc\.flights and nyc\.daily cannot be one release set: MariaDB and MySQL commit each DDL statement "
            r"by itself, so that no transaction holds several\. Give each dataset a task of its own\.",
        ):
            set_of_two()
    assert rows_of(target.store) == before
    assert pair.promote(releases[:1], "jan")[0].switched


def test_an_adopted_table_is_not_handed_back_where_no_transaction_could_hold_it_together(story: Story) -> None:
    reader = story.target.publisher.reader("nyc.flights")
    story.target.publisher.build(reader, values(0))
    story.live("one", values(1))
    story.rollback("back")
    with pytest.raises(ConfigurationError, match="cannot be handed back on MariaDB or MySQL"):
        unadopt(story.target, "nyc.flights", story.op("unadopt", "r", reason="pilot is over"))
    assert story.rows() == [(0,), (0,)]
