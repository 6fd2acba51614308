"""The figures beside the twenty checks: failing data, many checks at once, Parquet's footers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow_dataops import validate
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.results import GateResult
from airflow_dataops.core.verdicts import Outcome, Verdict
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge
from tests.bench.databases import duckdb_session, postgres_session
from tests.bench.suites import SUITE, Report, expect, held
from tests.bench.targets import Figure
from tests.bench.timing import interleaved, timed
from tests.bench.trips import BROKEN

_SAMPLES = 5


def on_failing_data(db: Database, name: str, *, rows: int, runs: int) -> Report:
    """Measure five failing checks, with samples of their rows, against the same checks on good rows."""
    good, broken = Relation(name="trips"), Relation(name="broken_trips")
    expect(held(judge(db, broken, SUITE, samples=_SAMPLES)), BROKEN)
    medians = interleaved(
        runs,
        {
            "passing": timed(lambda: judge(db, good, SUITE)),
            "failing": timed(lambda: judge(db, broken, SUITE, samples=_SAMPLES)),
        },
    )
    figure = Figure(
        key=f"failing/{db.dialect}",
        case=f"{name}, {rows:,} rows, five checks failing",
        what=f"airflow_dataops, {_SAMPLES} rows of each kept",
        value=medians["failing"] / medians["passing"],
        unit="x passing",
        seconds=medians["failing"],
    )
    return Report(figures=[figure])


_WIDE_COLUMNS = 30


def on_wide_table(host: str, *, rows: int, runs: int) -> Report:
    """Measure a not-null and a range check on each of thirty columns against one SELECT that counts the same."""
    names = [f"c{number}" for number in range(_WIDE_COLUMNS)]
    columns = ", ".join(f"(i * {7 + n}) % 1000 AS {name}" for n, name in enumerate(names))
    checks: list[dict[str, Any]] = []
    counts = ["count(*)"]
    for name in names:
        checks += [
            {"type": "expect_column_values_to_not_be_null", "column": name},
            {"type": "expect_column_values_to_be_between", "column": name, "min_value": 0, "max_value": 999},
        ]
        counts += [f"count({name})", f"count(*) FILTER (WHERE {name} NOT BETWEEN 0 AND 999)"]
    suite = read_suite(checks)
    with postgres_session(host) as db:
        db.execute(f"CREATE TABLE wide AS SELECT {columns} FROM generate_series(1, {rows}) AS numbers(i)")
        db.execute("VACUUM ANALYZE wide")
        sql = f"SELECT {', '.join(counts)} FROM wide"
        result = _passing(lambda: judge(db, Relation(name="wide"), suite))
        medians = interleaved(
            runs,
            {
                "hand": timed(lambda: db.execute(sql)),
                "ours": timed(lambda: judge(db, Relation(name="wide"), suite)),
            },
        )
    case = f"PostgreSQL, {len(checks)} not-null and range checks, {rows:,} rows"
    ratio = medians["ours"] / medians["hand"]
    return Report(
        figures=[
            Figure(key="wide/scans", case=case, what="scans of the table", value=result.scans, unit="scans"),
            Figure(
                key="wide/ours",
                case=case,
                what="airflow_dataops",
                value=ratio,
                unit="x one hand-written SELECT",
                seconds=medians["ours"],
            ),
        ]
    )


def _passing(run: Callable[[], GateResult]) -> GateResult:
    result = run()
    if result.verdict is not Verdict.PASS:
        raise SystemExit(f"The bench's own data does not pass: {result.results[0].message}")
    return result


_FILES = 20
_PARQUET_CHECKS: list[dict[str, Any]] = [
    {"type": "expect_table_row_count_to_be_between", "min_value": 1},
    *({"type": "expect_column_values_to_not_be_null", "column": name} for name in ("id", "day", "quantity")),
    {"type": "expect_column_values_to_be_between", "column": "id", "min_value": 0},
    {"type": "expect_column_values_to_be_between", "column": "quantity", "min_value": 0, "max_value": 99},
    {
        "type": "expect_column_values_to_be_between",
        "column": "day",
        "min_value": "2024-01-01",
        "max_value": "2025-12-31",
    },
]
_PARQUET_SCAN = """SELECT count(*), count(id), count(day), count(quantity), count(*) FILTER (WHERE id < 0),
count(*) FILTER (WHERE quantity NOT BETWEEN 0 AND 99),
count(*) FILTER (WHERE day NOT BETWEEN DATE '2024-01-01' AND DATE '2025-12-31') FROM read_parquet('{files}')"""


def on_parquet(folder: Path, *, rows: int, runs: int) -> Report:
    """Measure checks that the files' footers can prove against a scan, and how many of them read a page.

    The latter is asked of a copy whose every page is blank: what is still true of it was known from the footer alone.
    """
    import duckdb

    files = _parquet_files(folder, rows=rows)
    size = sum(file.stat().st_size for file in folder.glob("*.parquet")) / 1e6
    suite = read_suite(_PARQUET_CHECKS)
    result = _passing(lambda: validate(files, suite))
    on_blank_pages = validate(_without_pages(folder / "0.parquet"), suite)
    with duckdb.connect(":memory:") as db:
        scan = _PARQUET_SCAN.format(files=files)
        medians = interleaved(
            runs,
            {
                "scan": timed(lambda: db.execute(scan).fetchall()),
                "ours": timed(lambda: validate(files, suite)),
            },
        )
    ours, case = medians["ours"], f"Parquet, {rows:,} rows in {_FILES} files of {size:.0f} MB, provable checks"
    proved = f"airflow_dataops, {len(result.proved)} of {len(_PARQUET_CHECKS)} checks proved"
    return Report(
        figures=[
            Figure(
                key="parquet/pages",
                case=case,
                what="checks that read a page",
                value=sum(one.outcome is not Outcome.PASS for one in on_blank_pages.results),
                unit="checks",
            ),
            Figure(key="parquet/seconds", case=case, what=proved, value=ours, unit="s", seconds=ours),
            Figure(
                key="parquet/ours",
                case=case,
                what="against a scan by DuckDB",
                value=ours / medians["scan"],
                unit="x scan",
                seconds=medians["scan"],
            ),
        ]
    )


def _parquet_files(folder: Path, *, rows: int) -> str:
    """Write files of ``rows`` rows in all, the same rows in each, and return their glob."""
    import duckdb

    folder.mkdir()
    with duckdb.connect(":memory:") as db:
        db.execute(
            f"COPY (SELECT i AS id, DATE '2024-01-01' + CAST(i % 700 AS INTEGER) AS day, CAST(i % 100 AS INTEGER) AS"
            f" quantity FROM range({rows // _FILES}) AS numbers(i)) TO '{folder}/0.parquet'"
            " (COMPRESSION zstd, ROW_GROUP_SIZE 500000)"
        )
    for number in range(1, _FILES):
        shutil.copyfile(folder / "0.parquet", folder / f"{number}.parquet")
    return f"{folder}/*.parquet"


def _without_pages(file: Path) -> Path:
    """Return a copy of a Parquet file in which all is zero but the footer and the marks at both ends."""
    content = file.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8  # its length and the last mark stand behind it
    blank = file.with_suffix(".blank")
    blank.mkdir()
    (blank / file.name).write_bytes(content[:4] + bytes(len(content) - footer - 4) + content[-footer:])
    return blank / file.name


def failing_on_duckdb(file: Path, *, rows: int, runs: int) -> Report:
    """Measure failing data on a DuckDB file."""
    with duckdb_session(file) as db:
        return on_failing_data(db, "DuckDB file", rows=rows, runs=runs)


def failing_on_postgres(host: str, *, rows: int, runs: int) -> Report:
    """Measure failing data on PostgreSQL."""
    with postgres_session(host) as db:
        return on_failing_data(db, "PostgreSQL", rows=rows, runs=runs)
