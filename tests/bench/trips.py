"""Tables of taxi trips, one good in every row and one that breaks five checks, and twenty checks over them."""

from __future__ import annotations

from typing import Any

from airflow_dataops.core.ports import Database

_SERIES = {"duckdb": "range(1, {last})", "postgres": "generate_series(CAST(1 AS BIGINT), {rows})"}

# Twenty columns whose every value follows from the row's number, so that all databases hold the same table. Three
# trips begin at one time, so that neither column of the compound key is one by itself.
_TRIPS = """
CREATE TABLE trips AS SELECT
  CAST(i AS BIGINT) AS id,
  CAST(i % 3 + 1 AS INTEGER) AS vendor,
  'V' || CAST(i % 500 AS TEXT) AS vehicle,
  TIMESTAMP '2013-01-01 00:00:00' + CAST(i - i % 3 AS INTEGER) * INTERVAL '10 seconds' AS pickup,
  TIMESTAMP '2013-01-01 00:10:00' + CAST(i AS INTEGER) * INTERVAL '10 seconds' AS dropoff,
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

# What differs in the bad rows: a null, a value out of range, one not accepted, a repeated id and a licence cut short.
_BROKEN = {
    "vendor": "CASE WHEN id % 997 = 0 THEN NULL ELSE vendor END",
    "fare": "CASE WHEN id % 1009 = 0 THEN -5 ELSE fare END",
    "payment": "CASE WHEN id % 1013 = 0 THEN 'gold' ELSE payment END",
    "id": "CASE WHEN id % 1019 = 0 THEN id - 1 ELSE id END",
    "licence": "CASE WHEN id % 1021 = 0 THEN 'LIC-12' ELSE licence END",
}


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
    # With its time: a date alone is none that Great Expectations compares with pandas' timestamps.
    _check("column_max_to_be_between", "pickup", min_value="2013-01-01T00:00:00"),
]

# The numbers of the checks that ``broken_trips`` fails.
BROKEN = frozenset({3, 9, 12, 14, 16})


def create_trips(db: Database, *, rows: int) -> None:
    """Create the tables ``trips``, nulls and repeats where the checks allow them, and ``broken_trips``.

    :param rows: more than 1,021, so that each kind of bad row is there.
    """
    series = _SERIES[db.dialect].format(last=rows + 1, rows=rows)
    db.execute(_TRIPS.format(series=series))
    names = (
        name
        for (name,) in db.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'trips' ORDER BY ordinal_position"
        )
    )
    broken = ", ".join(f"{_BROKEN.get(name, name)} AS {name}" for name in names)
    db.execute(f"CREATE TABLE broken_trips AS SELECT {broken} FROM trips")
