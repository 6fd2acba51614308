"""What a gate costs against hand-written SQL and against its peers: ``python -m tests.bench``.

One run, variants in turns, medians and their ratios as a table. It fails when a verdict differs between a peer and us.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench import databases, others, processes, suites, switching, usage
from tests.bench.machine import described, versions
from tests.bench.suites import Report
from tests.bench.targets import Figure, markdown

# What is written together comes of one run.
PARTS = {
    "figures": ("duckdb", "frames", "postgres", "wide", "failing", "parquet", "memory", "import"),
    "switching": ("switching",),
    "usage": ("usage",),
}
CASES = tuple(case for cases in PARTS.values() for case in cases)
DOCS = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the trips (default 1,000,000)")
    parser.add_argument("--parquet-rows", type=int, default=100_000_000, help="of the Parquet files (100,000,000)")
    parser.add_argument("--switch-rows", type=int, default=200_000, help="of what is switched (200,000)")
    parser.add_argument("--events", type=int, default=10_000_000, help="in the store of usage (10,000,000)")
    parser.add_argument("--runs", type=int, default=5, help="turns that count, after one that warms up (5)")
    parser.add_argument("--no-peers", action="store_true", help="hand-written and ours alone: nothing is installed")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES, help="only these (all)")
    parser.add_argument("--write", action="store_true", help=f"put the table into docs/{DOCS.name}")
    arguments = parser.parse_args()
    if arguments.rows < 2_000:
        parser.error("--rows must be at least 2,000: among fewer some kinds of bad rows are missing")
    if arguments.write and (arguments.no_peers or not written_parts(arguments.cases)):
        whole = " or ".join(f"--cases {' '.join(cases)}" for cases in PARTS.values())
        parser.error(f"--write needs a whole run, with the peers: all cases, or {whole}")
    return arguments


def _reports(wanted: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Report]]:
    """Run the cases that are wanted, one after the other; yield each report with the part that it belongs to."""
    for report in _figures(wanted, folder):
        yield "figures", report
    if "switching" in wanted.cases:
        with databases.postgres() as host:
            yield "switching", switching.on_postgres(host, rows=wanted.switch_rows, runs=wanted.runs)
    if "usage" in wanted.cases:
        yield "usage", usage.tasks(folder / "tasks", runs=wanted.runs)
        asked = {"home": folder / "airflow", "events": wanted.events, "runs": wanted.runs}
        yield "usage", usage.answers(f"sqlite:///{folder / 'usage.db'}", "SQLite", **asked)
        with databases.postgres() as host:
            yield "usage", usage.answers(databases.postgres_url(host, "+psycopg"), "PostgreSQL", **asked)


def _figures(wanted: argparse.Namespace, folder: Path) -> Iterator[Report]:
    """Run the cases of what a gate costs."""
    cases, runs = set(wanted.cases), {"runs": wanted.runs}
    rows, peers = {"rows": wanted.rows}, {"with_peers": not wanted.no_peers}
    file = folder / "trips.duckdb"
    if cases & {"duckdb", "frames", "failing", "memory"}:
        databases.fill_duckdb(file, **rows)
    if "duckdb" in cases:
        yield suites.on_duckdb(file, **rows, **runs, **peers)
    if "frames" in cases:
        frame_rows = min(wanted.rows, databases.MOST_FRAME_ROWS)
        yield from suites.on_frames(folder, rows=frame_rows, **runs, **peers)
    if "failing" in cases:
        yield others.failing_on_duckdb(file, **rows, **runs)
    if "memory" in cases:
        yield processes.memory("duckdb", "DuckDB file", {"host": str(file)}, home=folder / "airflow", **rows, **runs)
    if cases & {"postgres", "wide", "failing", "memory"}:
        yield from _postgres_reports(wanted, folder)
    if "parquet" in cases:
        yield others.on_parquet(folder / "parquet", rows=wanted.parquet_rows, **runs)
    if "import" in cases:
        yield processes.imports(**runs)


def _postgres_reports(wanted: argparse.Namespace, folder: Path) -> Iterator[Report]:
    cases, runs, rows = set(wanted.cases), {"runs": wanted.runs}, {"rows": wanted.rows}
    with databases.postgres() as host:
        if cases & {"postgres", "failing", "memory"}:
            databases.fill_postgres(host, **rows)
        if "postgres" in cases:
            yield suites.on_postgres(host, **rows, **runs, with_peers=not wanted.no_peers)
        if "failing" in cases:
            yield others.failing_on_postgres(host, **rows, **runs)
        if "wide" in cases:
            yield others.on_wide_table(host, rows=min(wanted.rows, 1_000_000), **runs)
        if "memory" in cases:
            place = {"host": host, "login": "postgres", "schema": "postgres"}
            yield processes.memory("postgres", "PostgreSQL", place, home=folder / "airflow", **rows, **runs)


def written_parts(cases: Sequence[str]) -> list[str]:
    """Return the parts of the page that these cases are the whole of; none where a case belongs to none of them."""
    parts = [part for part, whole in PARTS.items() if set(whole) <= set(cases)]
    return parts if {case for part in parts for case in PARTS[part]} == set(cases) else []


def marks(part: str) -> tuple[str, str]:
    """Return what stands before and behind a part of the page."""
    return f"<!-- {part}: written by `make bench`, not by hand -->\n", f"<!-- end of {part} -->\n"


def written(page: str, part: str, text: str) -> str:
    """Return the page with ``text`` between a part's marks."""
    begin, end = marks(part)
    before, _, rest = page.partition(begin)
    _, mark, after = rest.partition(end)
    if not mark:
        raise SystemExit(f"docs/{DOCS.name} has lost its marks: {begin.strip()} and {end.strip()}.")
    return f"{before}{begin}\n{text}\n\n{end}{after}"


def conclusion(figures: Sequence[Figure], *, runs: int) -> str:
    """Return all figures as one table, with the machine before it and what was missed behind it."""
    missed = [f"- missed: {one.case}, {one.what}: {one.value:.2f} {one.unit}" for one in figures if one.missed]
    measured = f"{described()} {versions()} Medians of {runs} interleaved runs."
    counted = f"Bounds: {sum(one.bound for one in figures)}, missed: {len(missed)}."
    return "\n".join([measured, "", markdown(figures), "", counted, *missed])


def main() -> None:
    """Run, print the table and say what differs.

    :raises SystemExit: a verdict differs, or something could not be run.
    """
    wanted = _arguments()
    reports: dict[str, list[Report]] = {part: [] for part in PARTS}
    with tempfile.TemporaryDirectory(prefix="dataops-bench-") as folder:
        for part, report in _reports(wanted, Path(folder)):
            reports[part].append(report)
            print(f"{markdown(report.figures)}\n", flush=True)
    differences = [one for found in reports.values() for report in found for one in report.differences]
    texts = {
        part: conclusion([one for report in found for one in report.figures], runs=wanted.runs)
        for part, found in reports.items()
        if found
    }
    print("\n\n".join(texts.values()))
    if differences:
        print("\nVERDICTS DIFFER:\n" + "\n".join(differences), file=sys.stderr)
        raise SystemExit(1)
    if wanted.write:
        for part, text in texts.items():
            DOCS.write_text(written(DOCS.read_text(), part, text))


if __name__ == "__main__":
    main()
