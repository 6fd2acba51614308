"""Harvests of what cannot be had here, and of a log: recorded rows, counted once whatever happens in between."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlalchemy import event
from warehouses import Warehouse

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.harvest import Look, Record
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Action, Dataset, Operation, State, TaskKey
from airflow_dataops.core.usage import Access, Coverage, Touch, Use
from airflow_dataops.lineage.records.counters import tables_scanned
from airflow_dataops.services.usage import Source, harvest, is_still_used, records_of, who_reads
from airflow_dataops.stores import harvests
from airflow_dataops.stores.store import Store
from tests.engines.test_warehouses import Recorded, entry, opened

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECORDED = Path(__file__).parents[1] / "lineage" / "recorded"
SOURCE = Source(conn_id="warehouse", conn_ids=frozenset({"warehouse"}), logins=frozenset({"airflow"}), region="eu")
HISTORIES = {
    Record.ACCESS_HISTORY: ("snowflake", "access_history.json", "ACCESS_HISTORY"),
    Record.JOBS: ("gcpbigquery", "jobs.json", "INFORMATION_SCHEMA.JOBS"),
}


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Make a store with one live release; in SQLite, where a test does not ask for PostgreSQL, too."""
    url = f"sqlite:///{tmp_path}/store.db"
    if getattr(request, "param", "") == "postgres":
        url = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://")
    made = Store.open(url, create=True)
    op = Operation(op_id="stage", by="tests", now=NOW - timedelta(days=30))
    place = {"target": "sales.orders", "reader": "sales.orders"}
    made.releases.bind(Dataset(name="shop.orders", conn_id="warehouse", publisher="view", **place), op.now)
    release = made.releases.begin(
        "shop.orders", lambda number: Relation(schema="sales", name=f"orders__r{number}"), op, interval_end=None
    )
    made.releases.built(release, op, columns=(), fingerprint="f")
    made.releases.move(release.name, Action.PROMOTE, op)
    assert made.releases.get(release.name).state is State.LIVE
    return made


def recorded(record: Record) -> Recorded:
    """Return a connection that answers with the recorded rows."""
    _, file, words = HISTORIES[record]
    rows = [(datetime.fromisoformat(row[0]), *row[1:]) for row in json.loads((RECORDED / file).read_text())]
    return Recorded({words: ([entry("any", 2)] * 7, rows)})


def readers(store: Store) -> dict[tuple[str, str], int]:
    return {(reader.consumer, reader.name): reader.reads for reader in who_reads(store)}


TRUTH = {
    Record.ACCESS_HISTORY: {
        ("JDBC 3.16.1 (LOADER)", "shop.orders"): 1,
        ("dbt model.shop.totals", "shop.orders"): 1,
    },
    Record.JOBS: {("ana@example.com", "shop.orders"): 1, ("report.build", "shop.orders"): 1},
}


@pytest.mark.parametrize("record", HISTORIES)
def test_a_warehouses_history_tells_who_read_which_release(store: Store, record: Record) -> None:
    conn_type, _, words = HISTORIES[record]
    connection = recorded(record)
    with opened(conn_type, connection) as db:
        (found,) = harvest(store, db, SOURCE, [record], NOW)
    assert readers(store) == TRUTH[record]
    assert {reader.release for reader in who_reads(store, "shop.orders")} == {1}
    assert (found.uses, found.unparsed) == (3, 1)
    written = [usage for usage in store.usage.uses() if usage.access is Access.WRITE]
    assert [usage.name.casefold() for usage in written] == ["shop.sales.totals"]
    assert store.usage.coverage(NOW.date())[f"{record} of warehouse"] == Coverage(statements=1, unparsed=1)
    (asked,) = [statement for statement in connection.statements if words in statement]
    assert sqlglot.parse_one(asked, dialect=str(db.dialect)).find(sqlglot.exp.Select)


def test_a_label_of_bigquery_in_small_letters_is_the_task_that_told_of_itself(store: Store) -> None:
    key = TaskKey(dag_id="Report", run_id="r", task_id="Build", try_number=1)
    read = Use(
        relation="sales.orders__r1", dataset="shop.orders", release=1, consumer="Report.Build", source="sql",
        at=NOW - timedelta(hours=4), key=key, conn_id="warehouse",
    )  # fmt: skip
    store.usage.add(read)
    with opened("gcpbigquery", recorded(Record.JOBS)) as db:
        harvest(store, db, SOURCE, [Record.JOBS], NOW)
    assert readers(store) == {("ana@example.com", "shop.orders"): 1, ("Report.Build", "shop.orders"): 1}
    assert {usage.dag_id for usage in store.usage.uses() if usage.consumer == "Report.Build"} == {"Report"}


@pytest.mark.parametrize("record", HISTORIES)
def test_a_window_ends_before_now_and_the_next_begins_where_it_ended(store: Store, record: Record) -> None:
    conn_type, _, words = HISTORIES[record]
    asked = []
    for hours in (0, 1):
        connection = recorded(record)
        with opened(conn_type, connection) as db:
            harvest(store, db, SOURCE, [record], NOW + timedelta(hours=hours))
        asked += [statement for statement in connection.statements if words in statement]
    late = timedelta(hours=3) if record is Record.ACCESS_HISTORY else timedelta(minutes=10)
    end = f"{NOW - late:%Y-%m-%d %H:%M:%S}"
    first, second = ("<=" in part and part for part in asked)
    assert end in first.split("<=")[1]
    assert end in second.split("<=")[0]


def test_bigquery_needs_its_region(store: Store) -> None:
    with opened("gcpbigquery", Recorded({})) as db, pytest.raises(ConfigurationError, match="by region"):
        harvest(store, db, Source(conn_id="w", conn_ids=frozenset({"w"})), [Record.JOBS], NOW)


def test_a_database_without_a_record_says_which_have_one() -> None:
    with pytest.raises(ConfigurationError, match=r"sqlite keeps no record .* bigquery, postgres, snowflake"):
        records_of("sqlite", None, None)


class Server:
    """What a log's database says of itself."""

    def execute(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        return [("shop", "UTC", "all", -1)]


def line(number: int, sql: str, at: datetime = NOW, **more: str) -> str:
    """Return a line of a csvlog."""
    row = [f"{at:%Y-%m-%d %H:%M:%S}.123 UTC", "ana", "shop", *["1"] * 8, "LOG", "00000", f'"statement: {sql}"']
    row += [*[""] * 8, more.get("application", "psql"), "client backend", "", "0"]
    row[5] = f"session {number}"
    return ",".join(row) + "\n"


def log_source(file: Path) -> Source:
    return Source(conn_id="warehouse", conn_ids=frozenset({"warehouse"}), log=str(file))


def look(store: Store, file: Path) -> int:
    (found,) = harvest(store, Server(), log_source(file), [Record.LOG], NOW)
    return found.uses


def test_a_log_is_read_on_renamed_begun_anew_and_cut_off(store: Store, tmp_path: Path) -> None:
    file, files = tmp_path / "a.csv", tmp_path / "*.csv"
    whole = line(1, "SELECT 1\nFROM sales.orders WHERE x = 'a;'")
    file.write_text(whole + whole[:-9])
    assert look(store, files) == 1
    assert look(store, files) == 0
    file.write_text(whole * 2)
    assert look(store, files) == 1
    file.rename(tmp_path / "b.csv")
    file.write_text(line(2, "SELECT 1 FROM sales.orders"))
    assert look(store, files) == 1
    file.write_text(line(3, "TABLE sales.orders"))
    assert look(store, files) == 1
    assert readers(store) == {("psql (ana)", "shop.orders"): 4}


def test_a_bad_line_is_counted_and_what_stands_in_quotes_is_not_kept(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    secret = "SELECT v FROM sales.orders WHERE card = 'X4711'"
    file.write_text(line(1, secret) + "nonsense\n" + line(2, "SELECT FROM WHERE nothing ((").replace("psql", "app"))
    assert look(store, file) == 1
    coverage = store.usage.coverage(NOW.date())
    assert coverage["log of warehouse"] == Coverage(statements=1, unparsed=1)
    assert coverage["app (ana)"] == Coverage(statements=1, unparsed=1)
    assert b"4711" not in b"".join(each.read_bytes() for each in tmp_path.glob("store.db*"))
    (found,) = [each for each in is_still_used(store, NOW, dataset="shop.orders") if each.name == "shop.orders"]
    assert "33% of 3 statements parsed; PostgreSQL log (warehouse) since 2026-03-01" in found.why


def test_ten_thousand_statements_are_one_transaction(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    at = [NOW - timedelta(seconds=number) for number in range(10_000)]
    file.write_text("".join(line(n, f"SELECT v FROM sales.orders WHERE id = {n}", at[n]) for n in range(10_000)))
    began: list[Any] = []

    def begins(connection: Any) -> None:
        began.append(connection)

    event.listen(store.engine, "begin", begins)
    start = time.monotonic()
    try:
        assert look(store, file) == 10_000
    finally:
        event.remove(store.engine, "begin", begins)
    assert len(began) < 12
    assert time.monotonic() - start < 30
    (reader,) = who_reads(store, "shop.orders")
    assert (reader.reads, reader.last_read.replace(microsecond=0)) == (10_000, NOW)


@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
def test_of_two_harvests_at_once_one_counts_and_one_that_is_killed_counts_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(line(1, "SELECT v FROM sales.orders"))

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(harvests, "cover", killed)
        with pytest.raises(KeyboardInterrupt):
            look(store, file)
    assert store.usage.uses() == []
    before = store.harvests.find("warehouse", Record.LOG)
    assert look(store, file) == 1
    with monkeypatch.context() as patched:  # the other looked at the same time
        patched.setattr(harvests.HarvestShelf, "find", lambda *_: before)
        assert harvest(store, Server(), log_source(file), [Record.LOG], NOW) == []
    assert readers(store) == {("psql (ana)", "shop.orders"): 1}


def test_a_login_of_airflows_tells_nothing_of_what_a_task_has_told(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    told = Use(
        relation="sales.orders",
        dataset="shop.orders",
        release=1,
        consumer="report.build",
        source="sql",
        at=NOW,
        conn_id="warehouse",
        key=TaskKey(dag_id="report", run_id="r", task_id="build"),
    )
    store.usage.add(told)
    ours = line(1, "SELECT v FROM sales.orders", application="")
    file.write_text(ours + ours.replace("orders", "other") + line(2, "SELECT v FROM sales.orders"))
    source = Source(conn_id="warehouse", conn_ids=frozenset({"warehouse"}), log=str(file), logins=frozenset({"ana"}))
    harvest(store, Server(), source, [Record.LOG], NOW)
    assert readers(store) == {
        ("report.build", "shop.orders"): 1,
        ("ana", "sales.other"): 1,
        ("psql (ana)", "shop.orders"): 1,
    }


def test_from_postgres_16_on_a_tables_counters_tell_when_and_one_that_begins_anew_is_noticed(postgres_url: str) -> None:
    relation = Relation(schema="public", name="orders__r1")
    warehouse = Warehouse("postgres", postgres_url)

    def run(*statements: str) -> None:
        with warehouse.open() as db:
            for statement in statements:
                db.execute(statement)

    def scanned(before: Look | None) -> Look:
        with warehouse.open() as db:
            state, since = (before.state, before.since) if before else (None, None)
            return tables_scanned(db, [relation, Relation(name="gone")], state, since, datetime.now(UTC))

    run("CREATE TABLE orders__r1 AS SELECT 1 AS v", "SELECT * FROM orders__r1")
    first = scanned(None)
    assert first.ran == ()
    run("SELECT * FROM orders__r1", "SELECT count(*) FROM orders__r1")
    read_by = datetime.now(UTC)
    (ran,) = (second := scanned(first)).ran
    assert (ran.count, ran.reads) == (2, (Touch(relation="public.orders__r1", columns=None),))
    assert ran.at <= read_by
    assert second.since == first.since
    run("SELECT pg_stat_reset()")
    run("SELECT * FROM orders__r1")
    (ran,) = (third := scanned(second)).ran
    assert ran.count == 1
    assert third.since > second.since
    assert scanned(third).ran == ()


def test_statements_that_differ_in_their_values_alone_are_told_from_others(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    said = (
        "-- it's\nSELECT v FROM sales.orders WHERE x = 'b'",
        "-- it's\nSELECT v FROM sales.other WHERE x = 'b'",
        """SELECT v FROM sales.""2024"" WHERE x = 'b'""",
        """SELECT v FROM sales.""2025"" WHERE x = 'c'""",
        r"SELECT v FROM sales.orders WHERE x = e'\'' AND y <> 'FROM z'",
    )
    file.write_text("".join(line(number, sql) for number, sql in enumerate(said)))
    assert look(store, file) == 5
    assert {name for _, name in readers(store)} == {"shop.orders", "sales.other", "sales.2024", "sales.2025"}


def test_a_table_of_the_same_name_in_another_database_is_no_dataset(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(line(1, "SELECT v FROM sales.orders"))
    source = Source(conn_id="rehearsal", conn_ids=frozenset({"rehearsal"}), log=str(file))
    harvest(store, Server(), source, [Record.LOG], NOW)
    assert readers(store) == {("psql (ana)", "sales.orders"): 1}
