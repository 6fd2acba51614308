"""The twenty checks of the trips: hand-written, ours and the peers', in turns, and nobody's verdict may differ."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_dataops import validate
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.results import GateResult
from airflow_dataops.core.verdicts import Outcome
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge
from tests.bench import floors
from tests.bench.databases import duckdb_session, postgres_session
from tests.bench.peering import Peer, RunningPeer
from tests.bench.targets import Figure
from tests.bench.timing import Timed, interleaved, timed
from tests.bench.trips import BROKEN, CHECKS

SUITE = read_suite(CHECKS)

# A peer's key in the table of targets -> the peer.
POSTGRES_PEERS = {
    "gx": Peer(name="Great Expectations, default", script="gx", options={"result_format": None}),
    "gx-boolean": Peer(name="Great Expectations, BOOLEAN_ONLY", script="gx", options={"result_format": "BOOLEAN_ONLY"}),
    "soda": Peer(name="Soda", script="soda"),
    "common-sql": Peer(name="common-sql operators", script="common_sql"),
}
DUCKDB_PEERS = {"soda": Peer(name="Soda", script="soda")}
PANDAS_PEERS = {
    "pandera": Peer(name="pandera", script="pandera"),
    "gx": Peer(name="Great Expectations, default", script="gx", options={"result_format": None}),
}
POLARS_PEERS = {"pandera": Peer(name="pandera", script="pandera")}


@dataclass(kw_only=True)
class Report:
    """What a case found: its figures, and where a peer's verdict differs from ours."""

    figures: list[Figure] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def held(result: GateResult) -> dict[int, bool]:
    """Return for each check's number whether it holds.

    :raises SystemExit: a check could not be measured.
    """
    numbers = {id(check): number for number, check in enumerate(SUITE)}
    unmeasured = [one.message for one in result.results if one.outcome is Outcome.ERROR]
    if unmeasured:
        raise SystemExit(f"The bench's own data could not be measured: {unmeasured[0]}")
    return {numbers[id(one.check)]: one.outcome is Outcome.PASS for one in result.results}


def expect(found: Mapping[int, bool], broken: frozenset[int]) -> None:
    """Make sure that our own verdict is what the data was made for.

    :raises SystemExit: it is not.
    """
    failing = {number for number, holds in found.items() if not holds}
    if failing != broken or len(found) != len(CHECKS):
        raise SystemExit(f"Ours is wrong: checks {sorted(failing)} do not hold, expected {sorted(broken)}.")


@contextlib.contextmanager
def running(peers: Mapping[str, Peer], data: Mapping[str, Any]) -> Iterator[dict[str, RunningPeer]]:
    """Start the peers on one table or frame, and end them."""
    with contextlib.ExitStack() as stack:
        started = {}
        for key, peer in peers.items():
            started[key] = RunningPeer(peer, data)
            stack.callback(started[key].close)
        yield started


def compare(
    key: str,
    case: str,
    *,
    runs: int,
    hand_written: Mapping[str, Callable[[], object]],
    ours: Mapping[str, Callable[[], GateResult]],
    peers: Mapping[str, Peer],
    data: Mapping[str, Mapping[str, Any]],
    broken: Callable[[], GateResult],
) -> Report:
    """Run all variants in turns, and compare each peer's verdict on good and on broken rows with ours.

    :param hand_written: by name; the fastest of them is what ours is measured against.
    :param ours: by name; the first is what peers are measured against.
    :param data: where a peer finds the ``good`` and the ``broken`` rows.
    :param broken: our verdict on the broken rows.
    """
    report = Report()
    last: dict[str, GateResult] = {}

    def judged(name: str) -> Callable[[], None]:
        def work() -> None:
            last[name] = ours[name]()

        return work

    with running(peers, data["good"]) as started:
        variants: dict[str, Timed] = {name: timed(work) for name, work in hand_written.items()}
        variants |= {name: timed(judged(name)) for name in ours} | {key: one.run for key, one in started.items()}
        medians = interleaved(runs, variants)
        for result in last.values():
            expect(held(result), frozenset())
        for one in started.values():
            report.differences += one.differences(held(next(iter(last.values()))))
    with running(peers, {**data["broken"]}) as started_on_broken:
        verdict = held(broken())
        expect(verdict, BROKEN)
        for one in started_on_broken.values():
            one.run()
            report.differences += [f"{line} (on the broken rows)" for line in one.differences(verdict)]
    best, mine = min(hand_written, key=medians.__getitem__), next(iter(ours))
    for name in (*hand_written, *ours):
        what = f"airflow_dataops{name}" if name in ours else f"hand-written: {name}"
        figure = f"{key}/ours" if name == mine else f"{key}/{name}"
        report.figures.append(
            Figure(
                key=figure,
                case=case,
                what=what,
                value=medians[name] / medians[best],
                unit="x best by hand",
                seconds=medians[name],
            )
        )
    for name, one in started.items():
        ratio = medians[name] / medians[mine]
        report.figures.append(
            Figure(key=f"{key}/{name}", case=case, what=one.name, value=ratio, unit="x ours", seconds=medians[name])
        )
    return report


def _sql_variants(db: Database, dialect: str) -> dict[str, Any]:
    """Return the hand-written and our variants on a session."""
    trips, broken = Relation(name="trips"), Relation(name="broken_trips")

    def by_hand(statements: Sequence[str]) -> Callable[[], object]:
        return lambda: [db.execute(sql) for sql in statements]

    return {
        "hand_written": {name: by_hand(statements) for name, statements in floors.statements(dialect).items()},
        "ours": {
            "": lambda: judge(db, trips, SUITE),
            ", with the fingerprint": lambda: judge(db, trips, SUITE, fingerprint=True),
        },
        "broken": lambda: judge(db, broken, SUITE),
    }


def _tables(**place: str) -> dict[str, dict[str, str]]:
    return {kind: {**place, "table": table} for kind, table in (("good", "trips"), ("broken", "broken_trips"))}


def on_postgres(host: str, *, rows: int, runs: int, with_peers: bool) -> Report:
    """Compare on PostgreSQL."""
    with postgres_session(host) as db:
        return compare(
            "postgres",
            f"PostgreSQL, {rows:,} rows",
            runs=runs,
            peers=POSTGRES_PEERS if with_peers else {},
            data=_tables(engine="postgres", host=host),
            **_sql_variants(db, "postgres"),
        )


def on_duckdb(file: Path, *, rows: int, runs: int, with_peers: bool) -> Report:
    """Compare on a DuckDB file."""
    with duckdb_session(file) as db:
        return compare(
            "duckdb",
            f"DuckDB file, {rows:,} rows",
            runs=runs,
            peers=DUCKDB_PEERS if with_peers else {},
            data=_tables(engine="duckdb", file=str(file)),
            **_sql_variants(db, "duckdb"),
        )


def on_frames(folder: Path, *, rows: int, runs: int, with_peers: bool) -> list[Report]:
    """Compare on a pandas and on a polars frame, read from the Parquet files in ``folder``."""
    import pandas as pd
    import polars as pl

    def files(engine: str) -> dict[str, dict[str, str]]:
        names = (("good", "trips"), ("broken", "broken_trips"))
        return {kind: {"engine": engine, "frame": str(folder / f"{name}.parquet")} for kind, name in names}

    reports = []
    for engine, read, hand_written, peers in (
        ("pandas", pd.read_parquet, _PANDAS, PANDAS_PEERS),
        ("polars", pl.read_parquet, _POLARS, POLARS_PEERS),
    ):
        good, broken = (read(files(engine)[kind]["frame"]) for kind in ("good", "broken"))
        reports.append(
            compare(
                engine,
                f"{engine} frame, {rows:,} rows",
                runs=runs,
                hand_written={name: _certain(holds, good) for name, holds in hand_written.items()},
                ours={"": functools.partial(validate, good, SUITE)},
                peers=peers if with_peers else {},
                data=files(engine),
                broken=functools.partial(validate, broken, SUITE),
            )
        )
    return reports


_PANDAS = {"pandas to polars, conversion included": floors.pandas_to_polars_holds, "pandas": floors.pandas_holds}
_POLARS = {"polars": floors.polars_holds}


def _certain(holds: Callable[[Any], bool], frame: Any) -> Callable[[], None]:
    """Return the hand-written variant on a frame; that it says the right thing is part of it."""

    def work() -> None:
        if not holds(frame):
            raise SystemExit(f"The hand-written {holds.__name__} is wrong: the data is good.")

    return work
