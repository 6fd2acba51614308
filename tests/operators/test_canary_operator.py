"""The canary's task: it holds, widens, ends well, or takes the release back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from runs import Airflow

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.operators.release import CanaryReleaseOperator

SECOND = ReleaseName(dataset="nyc.flights", number=2)


def actions(airflow: Airflow, name: ReleaseName = SECOND) -> list[str]:
    return [event["action"] for event in airflow.store.releases.events(name)]


def read_before(airflow: Airflow, *, fail: bool) -> str:
    """Make release 1 live, and have a consumer run whose run counts as one that reads release 2."""
    airflow.run("canary_of_nobody", day=1, v=1)
    run = airflow.run("canary_reader", day=2, fail=fail)
    assert run.state == ("failed" if fail else "success")
    later = datetime.now(UTC) + timedelta(days=1)  # so that it has begun in whatever step there is
    airflow.store.usage.pin("nyc.flights", "canary_reader", run.run_id, SECOND.number, later, anew=True)
    return run.run_id


def test_it_widens_step_by_step_and_goes_live_where_its_readers_succeed(airflow: Airflow) -> None:
    read_before(airflow, fail=False)
    run = airflow.run("canary", day=3, v=2)
    assert set(run.tasks.values()) == {"success"}
    routes = [e["detail"] for e in airflow.store.releases.events(SECOND) if e["action"] == "canary"]
    assert routes == [{"percent": share, "consumers": ["canary_reader"]} for share in (10, 100)]
    assert actions(airflow) == ["stage", "built", "canary", "canary", "promote", "announced"]


def test_a_readers_run_that_fails_takes_it_back(airflow: Airflow) -> None:
    failed = read_before(airflow, fail=True)
    run = airflow.run("canary", day=3, v=2)
    assert (run.tasks["canary"], run.tries["canary"], run.tasks["promote"]) == ("failed", 1, "upstream_failed")
    assert actions(airflow) == ["stage", "built", "canary", "unroute"]
    last = airflow.store.releases.events(SECOND)[-1]
    assert last["reason"] == f"a DAG run that read it failed: canary_reader {failed}"
    assert airflow.states() == {"nyc.flights@r2": "ROLLED_BACK", "nyc.flights@r1": "LIVE"}


def test_bad_data_is_routed_to_nobody(airflow: Airflow) -> None:
    run = airflow.run("canary", day=3, v=99)
    assert (run.tasks["gate"], run.tasks["canary"]) == ("failed", "upstream_failed")
    assert "canary" not in actions(airflow, ReleaseName(dataset="nyc.flights", number=1))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": []}, r"steps=\[\]: expected shares"),
        ({"steps": [50, 10]}, r"steps=\[50, 10\]: expected shares in percent that grow"),
        ({"steps": [10, 10]}, r"steps=\[10, 10\]"),
        ({"steps": "10"}, "steps='10'"),
        ({"steps": [110]}, "percent=110 is no share"),
        ({"steps": [0]}, "Nobody would read the canary"),
        ({"hold": 3}, "hold=3: expected a timedelta"),
        ({"check_every": timedelta(0)}, "check_every="),
        ({"min_runs": -1}, "min_runs=-1"),
        ({"consumers": "report"}, "consumers='report' must be a list"),
    ],
)
def test_what_cannot_be_meant_is_said(given: dict[str, object], said: str) -> None:
    task = CanaryReleaseOperator(task_id="canary", release="a.b@r1", **given)
    with pytest.raises(ConfigurationError, match=said):
        task._routes()
