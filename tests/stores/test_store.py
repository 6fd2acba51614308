"""The store on SQLite and PostgreSQL: its schema, its address, and two processes at once."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from airflow_dataops.core.errors import (
    ConfigurationError,
    IllegalTransition,
    SchemaVersionError,
    StoreUnavailable,
)
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Action, Dataset, Operation, TaskKey
from airflow_dataops.core.usage import Use
from airflow_dataops.stores import schema
from airflow_dataops.stores.models import SCHEMA_VERSION, Base
from airflow_dataops.stores.store import Store

NOW = datetime(2013, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "psycopg", "psycopg2"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    return request.getfixturevalue("postgres_url").replace("postgresql://", f"postgresql+{request.param}://")


@pytest.fixture
def store(url: str) -> Store:
    return Store.open(url, create=True)


def op(name: str) -> Operation:
    return Operation(op_id=name, by="tests", now=NOW)


def set_version(store: Store, version: str) -> None:
    with store.writing() as session:
        session.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '{version}'"))


def test_the_newest_migration_is_what_the_package_expects_and_makes_what_the_models_say(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.engine.connect() as connection:
        assert schema.version_of(connection) == SCHEMA_VERSION
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or name != schema.VERSION_TABLE},
        )
        assert compare_metadata(context, Base.metadata) == []


def test_opening_twice_and_at_once_makes_one_schema(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: Store.open(url, create=True), range(4)))
    assert stores[0].upgrade() == SCHEMA_VERSION


def test_a_store_without_tables_says_what_to_run(url: str) -> None:
    Store(url).make_file()
    with pytest.raises(SchemaVersionError, match=r"has no tables yet\. Run: airflow dataops db upgrade"):
        Store.open(url)


def test_a_store_whose_file_is_not_there_is_away_and_none_is_made_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"no such file\. Bring it back, then retry.*airflow dataops db upgrade"):
        Store.open(f"sqlite:///{tmp_path}/store.db")
    store = Store.open(f"sqlite:///{tmp_path}/store.db", create=True)
    (tmp_path / "store.db").rename(tmp_path / "elsewhere.db")
    with pytest.raises(StoreUnavailable, match="cannot be reached: unable to open database file"):
        store.releases.datasets()
    assert not (tmp_path / "store.db").exists()
    with pytest.raises(StoreUnavailable, match="cannot be made: No such file or directory"):
        Store.open(f"sqlite:///{tmp_path}/no/such/folder/store.db", create=True)


def test_a_value_that_no_database_keeps_is_refused(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="can neither keep nor look for"):
        store.releases.find_dataset("half a character: \ud800")
    # Some databases take these, and find nothing.
    for look in (lambda: store.releases.find_dataset("a\x00b"), lambda: store.gates.get(10**30)):
        with contextlib.suppress(ConfigurationError):
            assert look() is None


def test_an_older_store_says_what_to_run(store: Store, url: str) -> None:
    set_version(store, "0000")
    with pytest.raises(SchemaVersionError, match=r"has schema 0000, older than \d+ .*airflow dataops db upgrade"):
        Store.open(url)


def test_a_newer_store_is_not_touched(store: Store, url: str) -> None:
    set_version(store, "9999")
    with pytest.raises(SchemaVersionError, match=r"has schema 9999, newer than .*pip install -U airflow-dataops"):
        Store.open(url, create=True)
    with pytest.raises(SchemaVersionError, match="newer"):
        store.upgrade()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql+pymysql://root@localhost/x", "cannot be kept in mysql"),
        ("sqlite://", "cannot live in memory"),
        ("sqlite:///:memory:", "cannot live in memory"),
        ("not an address", "not a database URL"),
    ],
)
def test_an_address_that_cannot_be_a_store_says_why(address: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Store(address)


def test_a_store_that_is_away_is_said_without_its_password() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        Store.open("postgresql+psycopg://u:hidden@127.0.0.1:1/d")
    assert "cannot be reached" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert caught.value.retryable


def test_numbers_are_given_once_to_many_at_once(store: Store) -> None:
    dataset = Dataset(name="a.b", conn_id="w", publisher="view", target="a.b", reader="a.b")

    def stage(i: int) -> int:
        store.releases.bind(dataset, NOW)
        return store.releases.begin(
            "a.b", lambda n: Relation(name=f"b__r{n}"), op(str(i)), interval_end=None, sources=[]
        ).number

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(stage, range(12))) == list(range(1, 13))


def test_of_two_datasets_with_one_reader_bound_at_once_one_is_refused(store: Store) -> None:
    def bind(name: str) -> str:
        try:
            store.releases.bind(Dataset(name=name, conn_id="w", publisher="view", target="a.b", reader="a.b"), NOW)
        except ConfigurationError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(bind, ["one", "two", "One", "Two"]))
    assert sorted(map(bool, said)) == [False, True, True, True]
    assert all("one's releases would overwrite the other's" in line for line in said if line)


def test_a_move_that_the_table_forbids_changes_nothing(store: Store) -> None:
    store.releases.bind(Dataset(name="a.b", conn_id="w", publisher="view", target="a.b", reader="a.b"), NOW)
    made = store.releases.begin("a.b", lambda n: Relation(name=f"b__r{n}"), op("1"), interval_end=None, sources=[])
    with pytest.raises(IllegalTransition, match=r"a\.b@r1 is BUILDING and cannot promote: that needs CANDIDATE or"):
        store.releases.move(made.name, Action.PROMOTE, op("2"))
    assert [e["action"] for e in store.releases.events(made.name)] == ["stage"]
    store.releases.move(made.name, Action.ABORT, op("3"))
    assert store.releases.get(made.name).state == "ABORTED"


def test_a_store_of_an_earlier_version_keeps_its_reads(url: str) -> None:
    from alembic import command
    from alembic.config import Config

    store = Store(url)
    store.make_file()
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.execute(text("INSERT INTO dataops_consumer (name) VALUES ('report.build')"))
        for hour, of in ((1, "'d', 1"), (30, "'d', 1"), (2, "NULL, NULL")):
            at = NOW + timedelta(hours=hour)
            connection.execute(
                text(
                    "INSERT INTO dataops_usage_event (consumer_id, dataset, release, relation, source, at, dag_id,"
                    f" run_id, task_id, map_index, try_number) VALUES (1, {of}, 'r', 'ref', :at, 'd', 'x', 'b', -1, 1)"
                ),
                {"at": f"{at:%Y-%m-%d %H:%M:%S}" if url.startswith("sqlite") else at},
            )
    assert store.upgrade() == "0003"
    found = {(use.dataset, use.release, use.events, use.first_at, use.last_at) for use in store.usage.uses()}
    assert found == {
        ("d", 1, 2, NOW + timedelta(hours=1), NOW + timedelta(hours=30)),
        (None, None, 1, NOW + timedelta(hours=2), NOW + timedelta(hours=2)),
    }
    key = TaskKey(dag_id="d", run_id="run 9", task_id="build", try_number=1)
    more = {"consumer": "report.build", "source": "ref", "at": NOW + timedelta(hours=31), "key": key}
    assert store.usage.add(Use(relation="r", dataset="d", release=1, **more)) == 1
    assert {(use.dataset, use.events) for use in store.usage.uses()} == {("d", 3), (None, 1)}  # in the same row
    assert store.usage.forget(NOW + timedelta(days=9)) == 4


def test_whoever_has_little_patience_waits_for_no_lock(url: str) -> None:
    store, hasty = Store(url), Store(url, patience=1.0)
    store.upgrade()
    use = Use(relation="r", consumer="report.build", source="sql", at=NOW, key=TaskKey(dag_id="d", run_id="x"))
    store.usage.add(use)
    with store.writing() as session:
        session.execute(text("UPDATE dataops_usage SET events = events + 1"))
        with pytest.raises(StoreUnavailable):
            hasty.usage.add(replace(use, key=TaskKey(dag_id="d", run_id="y")))
    hasty.usage.add(replace(use, key=TaskKey(dag_id="d", run_id="y")))
    assert [known.events for known in store.usage.uses()] == [3]
    hasty.close()
