"""What a task tells Airflow's OpenLineage provider, where that is installed and configured; nothing else calls this."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_dataops.core.releases import Release, ReleaseName
    from airflow_dataops.lineage.columns import Origin
    from airflow_dataops.stores.gates import GateRun

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Touched:
    """Which releases a task has read and written, and what its gate found: kept until the provider asks.

    :param sources: the tables that the SQL of ``writes`` reads, as written.
    :param sql: that SQL, where there is any.
    """

    reads: tuple[ReleaseName, ...] = ()
    writes: tuple[ReleaseName, ...] = ()
    sources: tuple[str, ...] = ()
    sql: str | None = None
    run: GateRun | None = None
    table: str | None = None


class TellsLineage:
    """An operator of which OpenLineage events name the releases.

    The provider calls the method after a success and after a failure, in a process or thread of its own with a
    time-out; what is raised there it logs as a warning, and the task ends as it would have ended.
    """

    touched: Touched | None = None

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return what this task has touched, as the provider takes it."""
        from airflow.providers.openlineage.extractors.base import OperatorLineage

        if self.touched is None:
            return OperatorLineage()
        owner = str(task_instance.task.dag.owner)
        return told(self.touched, owners=tuple(name.strip() for name in owner.split(",")))


def told(touched: Touched, owners: tuple[str, ...]) -> Any:
    """Return the provider's value for what a task has touched; what has no name in OpenLineage is left out."""
    from airflow.providers.openlineage.extractors.base import OperatorLineage

    from airflow_dataops.core.relations import Relation
    from airflow_dataops.hooks.lineage import place_of
    from airflow_dataops.hooks.store import open_store
    from airflow_dataops.lineage.openlineage import release_input, release_output, table_input

    found = OperatorLineage()
    judged = touched.run.result if touched.run else None
    store = open_store() if touched.reads or touched.writes else None
    for names, written in ((touched.reads, False), (touched.writes, True)):
        for name in names if store else ():
            release = store.releases.get(name)
            place = place_of(release.dataset.conn_id)
            if place is None:
                continue
            if written:
                plain = [source for source in touched.sources if _plain(source)]
                found.outputs.append(release_output(place, release, owners, _made_from(touched.sql, plain, release)))
                found.inputs += [table_input(place, Relation.parse(source)) for source in plain]
            else:
                found.inputs.append(release_input(place, release, judged))
    if touched.table and touched.run and touched.run.conn_id and _plain(touched.table):
        place = place_of(touched.run.conn_id)
        if place is not None:
            found.inputs.append(table_input(place, Relation.parse(touched.table), judged))
    return found


def _made_from(sql: str | None, sources: list[str], release: Release) -> dict[str, tuple[Origin, ...]]:
    """Return what each column of a release is made from, where its SQL and the tables that it reads tell."""
    from airflow_dataops.core.relations import Relation
    from airflow_dataops.hooks.targets import connector_of
    from airflow_dataops.lineage.columns import origins

    if not sql:
        return {}
    try:
        connector = connector_of(release.dataset.conn_id, release.dataset.publisher)
        with connector.open(read_only=True) as db:
            tables = {each: [column.name for column in db.columns(Relation.parse(each))] for each in sources}
    except Exception as error:  # the tables were there when the release was built, and need not be any more
        log.info("Of which columns %s is made is not told: %s", release, type(error).__name__)
        return {}
    found = origins(sql, connector.dialect, tables)
    if len(found) != len(release.columns):
        return {}
    return {column.name: made for column, made in zip(release.columns, found, strict=True) if made}


def _plain(source: str) -> bool:
    """Whether ``table`` or ``schema.table`` is written without quotes or further parts."""
    from airflow_dataops.core.relations import Relation

    return Relation.parse(source).plain
