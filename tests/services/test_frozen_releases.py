"""Releases that the database keeps from being changed, all their life long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from story import Story

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.retiring import Retention
from airflow_dataops.services.releasing import retire


@pytest.mark.parametrize("target", ["sqlite", "postgres", "mysql", "pointer_view"], indirect=True)
def test_a_frozen_release_is_promoted_built_upon_rolled_back_and_retired(story: Story) -> None:
    first = story.stage("jan", "SELECT 1 AS v UNION ALL SELECT 2", frozen_by="triggers")
    story.gate(first, "jan")
    story.promote(first, "jan")
    with (
        pytest.raises(MeasureError, match=f"{first.relation.name} is a frozen release"),
        story.target.connector.open() as db,
    ):
        db.execute(f"UPDATE {story.sql(first.relation)} SET v = 9")
    second = story.stage("feb", "SELECT 3 AS v", replace_where="v > 1", frozen_by="triggers")
    story.gate(second, "feb")
    story.promote(second, "feb")
    assert story.rows() == [(1,), (3,)]
    story.rollback("ops")
    assert story.rows() == [(1,), (2,)]
    story.live("mar", "SELECT 4 AS v UNION ALL SELECT 4")
    keep = Retention(keep=1, older_than=None, read_within=timedelta(0), rollback_window=timedelta(0))
    retired = retire(
        story.target, story.name, story.op("retire", "r", reason="space"), keep, running=lambda dag_id, runs: False
    )
    assert second.name in retired
    assert not story.target.publisher.exists(second.relation)


@pytest.mark.parametrize("target", ["duckdb"], indirect=True)
def test_where_nothing_freezes_a_stage_that_asks_for_it_does_nothing(story: Story) -> None:
    with pytest.raises(ConfigurationError, match="DuckDB has neither triggers nor grants"):
        story.stage("jan", frozen_by="triggers")
    assert story.store.releases.datasets() == []
