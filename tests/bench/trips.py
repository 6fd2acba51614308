"""A table of taxi trips, good in every row, and twenty checks over it."""

from __future__ import annotations

from typing import Any

from airflow_dataops.core.ports import Database

_SERIES = {"duckdb": "range(1, {last})", "postgres": "generate_series(CAST(1 AS BIGINT), {rows})"}

# Twenty columns whose every value follows from the row's number, so that both databases hold the same table.
_TRIPS = """
CREATE TABLE trips AS SELECT
  CAST(i AS BIGINT) AS id,
  CAST(i % 3 + 1 AS INTEGER) AS vendor,
  'V' || CAST(i % 500 AS TEXT) AS vehicle,
  TIMESTAMP '2013-01-01 00:00:00' + CAST(i AS INTEGER) * INTERVAL '30 seconds' AS pickup,
  TIMESTAMP '2013-01-01 00:10:00' + CAST(i AS INTEGER) * INTERVAL '30 seconds' AS dropoff,
  CAST(i % 6 + 1 AS INTEGER) AS passengers,
  CAST((i * 7919) % 3000 AS DOUBLE PRECISION) / 100 AS distance,
  CAST((i * 104729) % 9000 AS DOUBLE PRECISION) / 100 + 2.5 AS fare,
  CASE WHEN i % 40 = 0 THEN NULL ELSE CAST((i * 31) % 900 AS DOUBLE PRECISION) / 100 END AS tip,
  CASE WHEN i % 50 = 0 THEN NULL ELSE CAST((i * 17) % 500 AS DOUBLE PRECISION) / 100 END AS tolls,
  CASE WHEN i % 60 = 0 THEN NULL ELSE 'promo' || CAST(i % 90 AS TEXT) END AS promotion,
  CASE i % 4 WHEN 0 THEN 'card' WHEN 1 THEN 'cash' WHEN 2 THEN 'free' ELSE 'dispute' END AS payment,
  CASE i % 3 WHEN 0 THEN 'standard' WHEN 1 THEN 'airport' ELSE 'shared' END AS rate,
  'LIC-' || CAST(100000 + i % 900000 AS TEXT) AS licence,
  'driver' || CAST(i % 7000 AS TEXT) || '@cabs.example' AS email,
  CAST((i * 13) % 265 + 1 AS INTEGER) AS zone_from,
  CAST((i * 29) % 265 + 1 AS INTEGER) AS zone_to,
  40.5 + CAST((i * 37) % 10000 AS DOUBLE PRECISION) / 20000 AS latitude,
  -74.5 + CAST((i * 41) % 10000 AS DOUBLE PRECISION) / 20000 AS longitude,
  i % 2 = 0 AS shared
FROM {series} AS numbers(i)
"""


def _check(kind: str, column: str | None = None, **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", **({"column": column} if column else {}), **kwargs}


CHECKS: list[dict[str, Any]] = [
    _check("table_row_count_to_be_between", min_value=1),
    *(_check("column_values_to_not_be_null", column) for column in ("id", "pickup", "vendor", "fare")),
    *(_check("column_values_to_not_be_null", column, mostly=0.95) for column in ("tip", "tolls", "promotion")),
    _check("column_values_to_be_between", "distance", min_value=0, max_value=100),
    _check("column_values_to_be_between", "fare", min_value=0, max_value=1000),
    _check("column_values_to_be_between", "latitude", min_value=40, max_value=42),
    _check("column_values_to_be_between", "passengers", min_value=1, max_value=8),
    _check("column_values_to_be_in_set", "payment", value_set=["card", "cash", "free", "dispute"]),
    _check("column_values_to_be_in_set", "rate", value_set=["standard", "airport", "shared"]),
    _check("column_values_to_be_unique", "id"),
    _check("compound_columns_to_be_unique", column_list=["vehicle", "pickup"]),
    _check("column_values_to_match_regex", "licence", regex=r"^LIC-\d{6}$"),
    _check("column_values_to_match_regex", "email", regex=r"^[a-z0-9]+@[a-z]+\.example$"),
    _check("column_mean_to_be_between", "fare", min_value=1, max_value=100),
    _check("column_max_to_be_between", "pickup", min_value="2013-01-01"),
]


def create_trips(db: Database, *, rows: int) -> None:
    """Create the table ``trips`` with ``rows`` rows, nulls and repeats where the checks allow them."""
    series = _SERIES[db.dialect].format(last=rows + 1, rows=rows)
    db.execute(_TRIPS.format(series=series))


# What a person who knows each engine would write for the same twenty checks.
_AGGREGATES = """
SELECT count(*), count(id), count(pickup), count(vendor), count(fare), count(tip), count(tolls), count(promotion),
  count(*) FILTER (WHERE distance NOT BETWEEN 0 AND 100), count(distance),
  count(*) FILTER (WHERE fare NOT BETWEEN 0 AND 1000),
  count(*) FILTER (WHERE latitude NOT BETWEEN 40 AND 42), count(latitude),
  count(*) FILTER (WHERE passengers NOT BETWEEN 1 AND 8), count(passengers),
  count(*) FILTER (WHERE payment NOT IN ('card', 'cash', 'free', 'dispute')), count(payment),
  count(*) FILTER (WHERE rate NOT IN ('standard', 'airport', 'shared')), count(rate),
  count(*) FILTER (WHERE NOT {licence}), count(licence), count(*) FILTER (WHERE NOT {email}), count(email),
  avg(fare), max(pickup)
FROM trips
"""
_LICENCE, _EMAIL = r"'^LIC-[0-9]{6}$'", r"'^[a-z0-9]+@[a-z]+\.example$'"
FLOOR: dict[str, tuple[str, ...]] = {
    "duckdb": (
        _AGGREGATES.format(licence=f"regexp_matches(licence, {_LICENCE})", email=f"regexp_matches(email, {_EMAIL})"),
        "SELECT count(*) FROM (SELECT 1 FROM trips GROUP BY id)",
        "SELECT count(*) FROM (SELECT 1 FROM trips GROUP BY vehicle, pickup)",
    ),
    "postgres": (
        _AGGREGATES.format(licence=f"licence ~ {_LICENCE}", email=f"email ~ {_EMAIL}"),
        "SELECT count(DISTINCT id) FROM trips",
        "SELECT count(*) FROM (SELECT 1 FROM trips GROUP BY vehicle, pickup) AS groups",
    ),
}
