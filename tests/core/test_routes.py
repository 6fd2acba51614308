"""Which consumers a canary is routed to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.routes import Route

DAGS = [f"dag_{number}" for number in range(2_000)]


@given(st.floats(0.1, 100), st.floats(0.1, 100))
def test_who_reads_it_at_one_share_does_at_every_larger_one(one: float, other: float) -> None:
    small, large = sorted((one, other))
    taken = {dag for dag in DAGS if Route(percent=small).takes("nyc.flights", dag)}
    assert taken <= {dag for dag in DAGS if Route(percent=large).takes("nyc.flights", dag)}


@pytest.mark.parametrize("percent", [1, 10, 50, 100])
def test_the_share_is_about_what_was_asked_for(percent: float) -> None:
    taken = sum(Route(percent=percent).takes("nyc.flights", dag) for dag in DAGS)
    assert abs(taken - len(DAGS) * percent / 100) <= len(DAGS) * 0.03


def test_other_datasets_have_other_consumers_first() -> None:
    ten = Route(percent=10)
    assert {d for d in DAGS if ten.takes("nyc.flights", d)} != {d for d in DAGS if ten.takes("nyc.weather", d)}


def test_named_consumers_read_it_whatever_the_share_is() -> None:
    route = Route.of(0, ["report"])
    assert (route.takes("nyc.flights", "report"), route.takes("nyc.flights", "other")) == (True, False)
    assert str(route) == "report"
    assert str(Route.of(12.5, ["report"])) == "12.5 % of the consumers and report"
    assert Route.from_dict(route.to_dict()) == route


@pytest.mark.parametrize(
    ("percent", "consumers", "said"),
    [
        (101, (), "percent=101 is no share"),
        (-1, (), "percent=-1"),
        (float("nan"), (), "percent=nan"),
        ("10", (), "percent='10'"),
        (True, (), "percent=True"),
        (0, (), "Nobody would read the canary"),
        (10, "report", "consumers='report' must be a list"),
        (10, [""], r"consumers=\[''\]"),
    ],
)
def test_what_cannot_be_meant_is_refused(percent: object, consumers: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Route.of(percent, consumers)  # type: ignore[arg-type]
