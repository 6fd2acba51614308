"""What must be true of a dataset whatever has happened to it: the target's log and the store's events agree."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from warehouses import Lake

from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import State
from airflow_dataops.publishers.files.switches import Switches
from airflow_dataops.publishers.iceberg.pointer import switches
from airflow_dataops.services.releasing import Target
from airflow_dataops.stores.models import DatasetRow, ReleaseEventRow, ReleaseRow
from airflow_dataops.stores.rows import event_of

GAINS = ("promote", "restore")
LEAVES = ("supersede", "rollback")


def log_of(target: Target, dataset: str = "nyc.flights") -> list[tuple[int, str, int]]:
    """Return the switches of the target's own log: epoch, operation, release."""
    if target.publisher.name == "iceberg":
        with target.connector.catalogue() as catalogue:  # type: ignore[attr-defined]
            table = catalogue.table(target.publisher.reader(dataset))
        return [(each.epoch, each.op_id, each.release) for each in switches(table, dataset)]
    if isinstance(target.connector, Lake):
        entries = Switches(target.connector.place(dataset)).all()
        return [(entry.epoch, entry.op_id, entry.release or 0) for entry in entries if entry.op_id is not None]
    table = Relation(schema=target.publisher.reader(dataset).schema, name="dataops_switch")
    if not target.publisher.exists(table):
        return []
    with target.connector.open(read_only=True) as db:
        quoted = [target.connector.sql(one) for one in (Relation(name="release"), table)]  # type: ignore[attr-defined]
        sql = "SELECT epoch, op_id, {} FROM {} WHERE dataset = ? ORDER BY epoch".format(*quoted)
        return [(epoch, op_id, release) for epoch, op_id, release in db.execute(sql, (dataset,))]


def events_of(target: Target, dataset: str = "nyc.flights") -> list[dict[str, Any]]:
    """Return all events of the dataset's releases in the order in which they were recorded."""
    query = select(ReleaseEventRow).join(ReleaseRow).join(DatasetRow).where(DatasetRow.name == dataset)
    with target.store.reading() as session:
        rows = session.scalars(query.order_by(ReleaseEventRow.id))
        return [{**event_of(row), "number": row.release.number} for row in rows]


def explain(target: Target, dataset: str = "nyc.flights") -> None:
    """Assert that the log, the pointer, the store's states and its events tell one story, exactly.

    :param dataset: is read under its own name, and this store has made all its switches.
    """
    releases = {r.number: r for r in target.store.releases.of(dataset, limit=10**6)}
    moves = events_of(target, dataset)
    log, pointer = log_of(target, dataset), target.publisher.pointer(dataset, dataset)
    gains = sorted((e["detail"]["epoch"], e["op_id"], e["number"]) for e in moves if e["action"] in GAINS)
    assert gains == log, "the store's events are not the target's log"
    live = None
    for _, op_id, number in log:
        if live is not None:
            assert number != live
            left = [(e["number"], e["action"]) for e in moves if e["op_id"] == op_id and e["action"] in LEAVES]
            assert [n for n, _ in left] == [live], f"{op_id} made r{number} live in place of r{live}: {left}"
        live = number
    assert pointer.release == live
    assert pointer.epoch >= (log[-1][0] if log else 0)
    assert len({epoch for epoch, _, _ in log}) == len(log)
    recorded = [number for number, release in releases.items() if release.state is State.LIVE]
    # A plain table is what readers read before the first switch, too.
    assert recorded == ([live] if live is not None else recorded and [0]), "the store does not say what is live"
    assert target.store.switches.intents(dataset) == []
    _add_up(moves)


def _add_up(moves: list[dict[str, Any]]) -> None:
    """Assert that each release's events begin where the one before ended."""
    state: dict[int, str | None] = {}
    for event in moves:
        before = state.get(event["number"])
        assert event["from_state"] in (before, None), event
        state[event["number"]] = event["to_state"]
