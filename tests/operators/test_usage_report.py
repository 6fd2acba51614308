"""The report on usage, as a DAG makes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from runs import Airflow
from test_life import GOOD, NEXT

from airflow_dataops.core.releases import TaskKey
from airflow_dataops.core.usage import Coverage, Observed, Use


def watched_for(airflow: Airflow, days: int) -> None:
    """Let usage be logged since so many days."""
    at = datetime.now(UTC) - timedelta(days=days)
    airflow.store.usage.add(Use(relation="old", consumer="old.job", source="sql", at=at, key=TaskKey()))


def test_what_nobody_reads_is_unused_where_all_was_watched(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    airflow.run("mapped", day=1)
    watched_for(airflow, 100)
    report = airflow.run("report_usage", day=2).xcom("report")
    datasets = ("nyc.flights", "nyc.weather")
    assert sorted(report["unused"]) == sorted(f"{name}{part}" for name in datasets for part in ("", "@r1", ".v"))
    assert (report["used"], report["unknown"], report["behind"]) == ([], [], {})
    assert "## Unused (6)" in report["markdown"]
    assert "| nyc.weather | never | 0 reads in 92 days" in report["markdown"]
    out = capfd.readouterr().out
    assert all(line in out for line in report["markdown"].splitlines())
    alone = airflow.run("report_usage", day=3, dataset="nyc.weather").xcom("report")
    assert alone["unused"] == ["nyc.weather", "nyc.weather@r1", "nyc.weather.v"]


def test_nothing_is_called_unused_where_nobody_has_watched_for_so_long(airflow: Airflow) -> None:
    airflow.run("mapped", day=1)
    report = airflow.run("report_usage", day=2).xcom("report")
    assert (len(report["unknown"]), report["unused"]) == (6, [])
    assert "but usage is logged since" in report["markdown"]


def test_who_sits_on_an_old_release_is_named(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql=GOOD)
    airflow.run("read", day=1, name="nyc.flights")
    airflow.run("life", day=2, sql=NEXT)
    report = airflow.run("report_usage", day=3).xcom("report")
    assert report["behind"] == {"nyc.flights": ["read.after"]}
    assert "| nyc.flights | r2 | read.after | r1 |" in report["markdown"]
    assert "## Not yet on the live release (1)" in report["markdown"]
    assert airflow.run("report_usage", day=3).xcom("report")["behind"] == report["behind"]  # cleared: the same


def test_old_events_go_with_the_report_and_what_they_add_up_to_stays(
    airflow: Airflow, capfd: pytest.CaptureFixture[str]
) -> None:
    airflow.run("life", day=1, sql=GOOD)
    watched_for(airflow, 100)
    known = [(use.consumer, use.events) for use in airflow.store.usage.uses()]
    assert airflow.run("report_usage", day=2, keep=31).state == "success"
    assert "Events older than 31 days removed: 1." in capfd.readouterr().out
    assert [(use.consumer, use.events) for use in airflow.store.usage.uses()] == known
    airflow.run("report_usage", day=3, keep=31)
    assert "Events older than 31 days removed: 0." in capfd.readouterr().out


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"days": "soon"}, "window_days='soon' is no number of days"),
        ({"keep": -1}, "keep_days='-1' is no number of days"),
        ({"dataset": "nyc.boats"}, "There is no dataset 'nyc.boats'"),
    ],
)
def test_what_cannot_be_reported_fails_with_the_reason(
    airflow: Airflow, capfd: pytest.CaptureFixture[str], conf: dict[str, object], said: str
) -> None:
    assert airflow.run("report_usage", **conf).tasks == {"report": "failed"}
    assert said in capfd.readouterr().out


def test_a_store_that_is_away_is_asked_again(airflow: Airflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    away = {"conn_type": "sqlite", "host": str(tmp_path / "away" / "store.db")}
    with monkeypatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", json.dumps(away))
        assert airflow.run("report_usage", day=1).tries == {"report": 2}
    assert airflow.run("report_usage", day=1).state == "success"


def test_what_is_read_unread_and_not_known_stands_apart(airflow: Airflow) -> None:
    airflow.run("mapped", day=1)
    airflow.run("read", day=1, name="nyc.flights")
    watched_for(airflow, 100)
    read = ["nyc.flights", "nyc.flights@r1"]
    column = "nyc.flights.v"  # which columns the reader reads is not known
    other = ["nyc.weather", "nyc.weather@r1", "nyc.weather.v"]
    report = airflow.run("report_usage", day=2).xcom("report")
    assert (report["used"], report["unused"], report["unknown"]) == (read, other, [column])
    half = Observed(
        consumer="old.job", at=datetime.now(UTC), uses=(), coverage=Coverage(statements=10_000, unparsed=5_000)
    )
    airflow.store.usage.record(half)
    report = airflow.run("report_usage", day=3).xcom("report")
    assert (report["used"], report["unused"], report["unknown"]) == (read, [], [column, *other])
    assert "statements parsed, but a verdict needs 95%" in report["markdown"]
