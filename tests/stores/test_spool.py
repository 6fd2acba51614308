"""What could not be stored is kept on this host, taken by one process at a time, and counted where it does not fit."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from airflow_dataops.core.errors import StoreUnavailable
from airflow_dataops.core.releases import TaskKey
from airflow_dataops.core.usage import Access, Coverage, Observed, Use
from airflow_dataops.services.usage import flush
from airflow_dataops.stores.spool import Spool
from airflow_dataops.stores.store import Store

NOW = datetime(2013, 1, 1, 12, tzinfo=UTC)


def seen(run: str) -> Observed:
    key = TaskKey(dag_id="report", run_id=run, task_id="build", map_index=3, try_number=2)
    use = Use(
        relation="sales.orders",
        consumer="report.build",
        source="sql",
        at=NOW,
        key=key,
        access=Access.WRITE,
        columns=("day", "price"),
        conn_id="warehouse",
    )
    return Observed(consumer="report.build", at=NOW, uses=(use,), coverage=Coverage(statements=3, unparsed=1))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", files=2)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path}/dataops.db", create=True)


def test_what_was_kept_is_the_same_when_it_is_taken(spool: Spool) -> None:
    assert spool.add(seen("a"))
    assert [item.observed for item in spool.take()] == [seen("a")]


def test_what_one_process_has_taken_no_other_gets_until_it_puts_it_back(spool: Spool) -> None:
    spool.add(seen("a"))
    (item,) = spool.take()
    assert list(spool.take()) == []
    item.put_back()
    assert len(list(spool.take())) == 1


def test_what_a_killed_process_had_taken_comes_back(spool: Spool, tmp_path: Path) -> None:
    spool.add(seen("a"))
    list(spool.take())
    (left,) = (tmp_path / "spool").iterdir()
    os.utime(left, (time.time() - 3600,) * 2)
    assert len(list(spool.take())) == 1


def test_all_that_is_kept_is_stored_once_and_what_did_not_fit_is_counted(spool: Spool, store: Store) -> None:
    assert [spool.add(seen(run)) for run in ("a", "b", "c", "d")] == [True, True, False, False]
    assert flush(store, spool) == (2, 2)
    assert flush(store, spool) == (0, 0)
    (use,) = store.usage.uses()
    assert (use.events, use.relation, use.columns, use.access) == (2, "sales.orders", ("day", "price"), Access.WRITE)
    assert store.usage.coverage(NOW.date())["report.build"] == Coverage(statements=6, unparsed=2, lost=2)


def test_a_task_stores_a_part_of_what_was_kept_and_leaves_the_rest_to_the_next(spool: Spool, store: Store) -> None:
    for run in ("a", "b"):
        spool.add(seen(run))
    assert flush(store, spool, limit=1) == (1, 0)
    assert len(spool) == 1


def test_nothing_is_lost_while_the_store_stays_away(spool: Spool, store: Store, tmp_path: Path) -> None:
    spool.add(seen("a"))
    (tmp_path / "dataops.db").rename(tmp_path / "elsewhere.db")
    with pytest.raises(StoreUnavailable):
        flush(store, spool)
    (tmp_path / "elsewhere.db").rename(tmp_path / "dataops.db")
    assert flush(store, spool) == (1, 0)


def test_half_a_file_is_told_and_stops_nobody(
    spool: Spool, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool.add(seen("a"))
    (tmp_path / "spool" / "0.json").write_text('{"consumer": "rep')
    assert flush(store, spool) == (1, 0)
    assert "What a task has used is lost: 0.json cannot be read (JSONDecodeError)" in caplog.text
