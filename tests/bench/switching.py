"""What readers feel of a switch on PostgreSQL: how long they wait, what fails, and what the switch itself takes."""

from __future__ import annotations

import contextlib
import itertools
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow_dataops.core.switching import Switch
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.publishers.pointer_view import PointerViewPublisher
from airflow_dataops.publishers.view import ViewPublisher
from tests.bench.databases import postgres_session, postgres_url
from tests.bench.suites import Report
from tests.bench.targets import Figure

READERS = 2
_PAUSE = 0.002  # between a reader's reads: the switch is measured, not who gets a processor
_AFTER = 0.2  # seconds of reading before and behind a switch that belong to it
_TARGET = "shop.orders"
_READ = f"SELECT v FROM {_TARGET} LIMIT 1"
_ROWS = "SELECT i, i % 97 AS v FROM generate_series(1, {rows}) AS numbers(i)"


@dataclass(frozen=True)
class Open:
    """A connector whose one session is open already: connecting is no part of a switch."""

    session: DbApiSession
    dialect: str = "postgres"
    label: str = "bench"

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[DbApiSession]:
        yield self.session


# Makes the next release, or the table's next rows, what readers read; what must be there before is made when it is
# asked for the switch.
Way = Callable[[], Callable[[], object]]


def _by_publisher(db: DbApiSession, publisher: ViewPublisher, rows: int, *, new: bool) -> Way:
    """Switch between two releases, to and fro, or each time to a new one."""
    epochs = itertools.count()

    def build(release: int) -> None:
        publisher.build(publisher.physical(_TARGET, release), _ROWS.format(rows=rows))
        db.execute("CHECKPOINT")  # what a build has left to be written is not the switch's

    def next_switch() -> Callable[[], object]:
        epoch = next(epochs)
        release = epoch + 1 if new else epoch % 2 + 1
        if new or epoch < 2:
            build(release)
        if new and epoch > 1:
            publisher.drop(publisher.physical(_TARGET, epoch - 1))
        order = Switch(
            dataset="orders",
            reader=publisher.reader(_TARGET),
            relation=publisher.physical(_TARGET, release),
            release=release,
            expect=epoch,
            op_id=str(epoch),
            by="bench",
            at=datetime.now(UTC),
        )
        return lambda: publisher.switch(order, lambda db: None)

    return next_switch


def _by_hand(db: DbApiSession, rows: int, statements: tuple[str, ...]) -> Way:
    """Run statements between ``orders`` and ``orders_next``, which has the next rows."""
    db.execute("CREATE SCHEMA shop")
    for table in (_TARGET, "shop.orders_next"):
        db.execute(f"CREATE TABLE {table} AS {_ROWS.format(rows=rows)}")
        db.execute(f"ANALYZE {table}")
    db.execute("CHECKPOINT")

    def next_switch() -> Callable[[], object]:
        return lambda: [db.execute(sql) for sql in statements]

    return next_switch


_INSERT = ("BEGIN", f"TRUNCATE {_TARGET}", f"INSERT INTO {_TARGET} SELECT * FROM shop.orders_next", "COMMIT")
_RENAME = (
    f"ALTER TABLE {_TARGET} RENAME TO orders_before",
    "ALTER TABLE shop.orders_next RENAME TO orders",
    "ALTER TABLE shop.orders_before RENAME TO orders_next",
)


def _ways(db: DbApiSession, rows: int) -> dict[str, tuple[str, Callable[[], Way]]]:
    """Return the ways to switch: their key among the targets, their name, and what begins them."""
    view, pointer_view = ViewPublisher(Open(db)), PointerViewPublisher(Open(db))
    return {
        "view": ("airflow_dataops, view", lambda: _by_publisher(db, view, rows, new=False)),
        "pointer-view": ("airflow_dataops, pointer view", lambda: _by_publisher(db, pointer_view, rows, new=False)),
        "new": (
            "airflow_dataops, pointer view, a release that is new to it",
            lambda: _by_publisher(db, pointer_view, rows, new=True),
        ),
        "insert": ("TRUNCATE + INSERT", lambda: _by_hand(db, rows, _INSERT)),
        "rename": ("renames, autocommit", lambda: _by_hand(db, rows, _RENAME)),
    }


@dataclass(kw_only=True)
class Felt:
    """What one switch was like.

    :param began: of the monotonic clock, which all processes share.
    :param seconds: the switch's own.
    :param worst: the longest read that met it, in seconds.
    """

    began: float
    seconds: float
    worst: float = 0.0


@dataclass(kw_only=True)
class Reading:
    """What the readers found: of each read when it began, how long it took, and whether it was an error."""

    reads: list[tuple[float, float, bool]] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many reads were an error."""
        return sum(failed for _, _, failed in self.reads)

    def felt(self, switch: Felt) -> Felt:
        """Return the switch with the longest wait of those who read while it went on, or just before or after."""
        first, last = switch.began - _AFTER, switch.began + switch.seconds + _AFTER
        met = [seconds for began, seconds, _ in self.reads if began <= last and began + seconds >= first]
        if len(met) < READERS:
            raise SystemExit("The bench's readers did not read while it switched.")
        return Felt(began=switch.began, seconds=switch.seconds, worst=max(met))


# A reader, until its standard input is closed: then it tells of each read when it began, how long it took, and whether
# it was an error. In a process of its own, so that it waits for the database alone.
_READER = """
import json, select, sys, time
import psycopg
url, read, pause = sys.argv[1:]
reads = []
with psycopg.connect(url, autocommit=True) as connection:
    while not select.select([sys.stdin], [], [], float(pause))[0]:
        began = time.monotonic()
        try:
            failed = connection.execute(read).fetchone() is None
        except psycopg.Error:
            failed = True
        reads.append((began, time.monotonic() - began, failed))
        if len(reads) == 20:
            print("reading", flush=True)
print(json.dumps(reads))
"""


@contextlib.contextmanager
def _readers(url: str) -> Iterator[Reading]:
    """Let readers read during a block, each reading already; afterwards it is known what they found."""
    command, reading = [sys.executable, "-c", _READER, url, _READ, str(_PAUSE)], Reading()
    with contextlib.ExitStack() as stack:
        piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        readers = [stack.enter_context(subprocess.Popen(command, **piped)) for _ in range(READERS)]
        if any(reader.stdout.readline() != "reading\n" for reader in readers):
            raise SystemExit("The bench's readers could not begin to read.")
        yield reading
        for reader in readers:
            reading.reads += json.loads(reader.communicate()[0])


@contextlib.contextmanager
def _held(url: str, seconds: float) -> Iterator[None]:
    """Keep a reader's transaction open for ``seconds``, from before the block begins."""
    import psycopg

    reading = threading.Event()

    def hold() -> None:
        with psycopg.connect(url) as connection:
            connection.execute(_READ).fetchone()
            reading.set()
            time.sleep(seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    reading.wait(60)
    yield
    holder.join()


def _timed(switch: Callable[[], object]) -> Felt:
    began = time.monotonic()
    switch()
    seconds = time.monotonic() - began
    time.sleep(_AFTER)
    return Felt(began=began, seconds=seconds)


def on_postgres(host: str, *, rows: int, runs: int, hold: float = 3.0) -> Report:
    """Measure each way to switch while readers read, with nobody in the way and under a transaction held open.

    :param rows: of each release.
    :param hold: seconds for which a reader keeps its transaction open.
    """
    report, url = Report(), postgres_url(host)
    case = f"PostgreSQL, switching between releases of {rows:,} rows"
    with postgres_session(host) as db:
        for key, (name, begin) in _ways(db, rows).items():
            way = begin()
            for _ in range(2):  # the first make what the others switch between
                way()()
            with _readers(url) as reading:
                free = [_timed(way()) for _ in range(runs)]
                held = []
                for _ in range(runs):
                    switch = way()
                    with _held(url, hold):
                        held.append(_timed(switch))
            db.execute("DROP SCHEMA shop CASCADE")
            report.figures += _figures(key, case, name, free, [reading.felt(one) for one in held], reading.failed, hold)
    return report


def _figures(
    key: str, case: str, name: str, free: list[Felt], held: list[Felt], failed: int, hold: float
) -> list[Figure]:
    own = statistics.median(one.seconds for one in free)
    worst = [one.worst * 1000 for one in held]
    return [
        Figure(
            key=f"switching/{key}-own",
            case=case,
            what=f"{name}: the switch",
            value=own * 1000,
            unit="ms",
            seconds=own,
        ),
        Figure(
            key=f"switching/{key}-wait",
            case=case,
            what=f"{name}: readers' longest wait, a transaction open for {hold:g} s",
            value=statistics.median(worst),
            unit=f"ms, at worst {max(worst):.0f}",
            seconds=statistics.median(one.seconds for one in held),
        ),
        Figure(key=f"switching/{key}-failed", case=case, what=f"{name}: failed reads", value=failed, unit="reads"),
    ]
