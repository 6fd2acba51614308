"""What is run outside of Airflow, from the databases' own records, as uses of datasets and releases."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.harvest import Kept, Look, Record
from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.core.usage import Coverage
from airflow_dataops.core.values import counted
from airflow_dataops.services.usage.outside import Names, Sorting, Source

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Database
    from airflow_dataops.stores.store import Store

log = logging.getLogger(__name__)

RECORDS = {
    "postgres": (Record.STATEMENTS, Record.TABLES),
    "snowflake": (Record.ACCESS_HISTORY,),
    "bigquery": (Record.JOBS,),
}
"""What is harvested of each dialect's databases, where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class Harvested:
    """What came of one harvest of one record.

    :param statements: those of others that use a table or could not be read, each as often as it ran.
    :param unparsed: those of them that could not be read.
    :param uses: reads and writes that were new.
    :param consumers: whose they are.
    :param since: from when on the record tells.
    """

    record: Record
    statements: int
    unparsed: int
    uses: int
    consumers: tuple[str, ...]
    since: datetime

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it, with how many consumers there are in place of their names."""
        return vars(self) | {
            "record": str(self.record),
            "consumers": len(self.consumers),
            "since": self.since.isoformat(),
        }

    @property
    def text(self) -> str:
        """It in a sentence."""
        return (
            f"{self.record.label}: {counted(self.statements, 'new statement')}, {self.unparsed:,} not parsed; "
            f"{counted(self.uses, 'use')} by {counted(len(self.consumers), 'consumer')}. It tells since "
            f"{self.since:%Y-%m-%d %H:%M}."
        )


def records_of(dialect: str, wanted: str | None, path: str | None) -> tuple[Record, ...]:
    """Return which records are harvested: what is wanted, else the log where one is given, else the usual ones.

    :raises ConfigurationError: the database has no such record.
    """
    if wanted is None and path is None:
        if dialect not in RECORDS:
            raise ConfigurationError(
                f"A database of {dialect} keeps no record of its use that is known here: expected one of "
                f"{', '.join(sorted(RECORDS))}."
            )
        return RECORDS[dialect]
    name = wanted or Record.LOG
    mine = [str(record) for record in Record if record.dialect == dialect]
    if name not in mine:
        raise ConfigurationError(
            f"source={name!r}: a database of {dialect} has {', '.join(sorted(mine)) or 'no record of its use'}."
        )
    if (name == Record.LOG) != (path is not None):
        raise ConfigurationError(f"source={name!r} and log={path!r}: the log needs its path, and nothing else has one.")
    return (Record(name),)


def harvest(
    store: Store, database: Database, source: Source, records: Iterable[Record], now: datetime
) -> list[Harvested]:
    """Log who has used what since the last harvest; one transaction for each record, so that nothing counts twice."""
    names = Names(store, source)
    own: set[ReleaseName] = set()
    found = []
    for record in records:
        before = store.harvests.find(source.conn_id, record)
        look = _look(store, database, source, record, before, now, names)
        sorting = Sorting(source, record, look, before, names, now)
        own |= sorting.own
        uses = sorting.told_by_nobody_else(own, before) if record is Record.TABLES else sorting.uses()
        covered = sorting.observed()
        known = Coverage.sum(each.coverage for each in covered)
        done = Harvested(
            record=record,
            statements=known.statements,
            unparsed=known.unparsed,
            uses=sum(use.count for use in uses),
            consumers=tuple(sorted({use.consumer for use in uses})),
            since=look.since,
        )
        if not store.harvests.add(source.conn_id, record, look, now, after=before, uses=uses, covered=covered):
            log.info("%s of %s: another harvest was faster, and has counted this.", record.label, source.conn_id)
            continue
        log.info(done.text)
        found.append(done)
    return found


def _look(
    store: Store,
    database: Database,
    source: Source,
    record: Record,
    before: Kept | None,
    now: datetime,
    names: Names,
) -> Look:
    from airflow_dataops.lineage.records.counters import statements_run, tables_scanned
    from airflow_dataops.lineage.records.logs import statements_logged
    from airflow_dataops.lineage.records.warehouses import history_of

    state, since = (before.state, before.since) if before else (None, None)
    if record is Record.STATEMENTS:
        return statements_run(database, state, since, now)
    if record is Record.TABLES:
        return tables_scanned(database, [release.relation for release in names.kept], state, since, now)
    if record is Record.LOG:
        return statements_logged(database, str(source.log), state, since, now)
    return history_of(database, record, state, now, region=source.region)
