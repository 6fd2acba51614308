"""What a look into a database's record has found, sorted: whose it is, what it used, and what is known already.

Left out are this package's own statements, system tables, who is excluded, and what Airflow's tasks have told of
already: reads by a role with which Airflow itself logs in, of what a task has read by that login since the day before
the last harvest. Somebody else who shares that login and reads the same cannot be told from the task.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from airflow_dataops.core.harvest import Kept, Look, Ran, Record, named_in
from airflow_dataops.core.releases import ReleaseName, State, TaskKey
from airflow_dataops.core.usage import Access, Coverage, Observed, Touch, Use
from airflow_dataops.services.usage.recording import of_datasets

if TYPE_CHECKING:
    from airflow_dataops.core.usage import Lineage
    from airflow_dataops.stores.store import Store

_TOLD_BEFORE = timedelta(days=1)
"""How long before the last harvest a task may have told what a later one runs again and tells when it ends."""
_SYSTEM = re.compile(r"(?:.*\.)?(?:pg_catalog|information_schema|pg_toast)\..*|snowflake\..*|pg_[^.]*", re.IGNORECASE)
_OWN_TABLE = re.compile(r"(?:.*\.)?dataops_[^.]*", re.IGNORECASE)
# What stands in double quotes or between dollars stays; the rest are literals and comments.
_VALUES = re.compile(
    r"""("(?:[^"]|"")*"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"""
    r"""|--[^\n]*|/\*.*?\*/|\be'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\b\d[\d.]*\b""",
    re.DOTALL | re.IGNORECASE,
)
_GONE = (State.RETIRED, State.ABORTED)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A database whose records are harvested.

    :param conn_id: the connection by which they are read.
    :param conn_ids: all connections to the same database, this one among them.
    :param logins: the roles with which Airflow logs in there.
    :param log: the server's log, a path or a glob.
    :param region: BigQuery's.
    :param exclude: roles, applications and consumers that are left out.
    """

    conn_id: str
    conn_ids: frozenset[str]
    logins: frozenset[str] = frozenset()
    log: str | None = None
    region: str | None = None
    database: str | None = None
    exclude: frozenset[str] = frozenset()

    def leaves_out(self, ran: Ran) -> bool:
        """Whether a statement is of somebody who is excluded."""
        names = {name.casefold() for name in (ran.role, ran.application, ran.consumer) if name}
        return not names.isdisjoint(map(str.casefold, self.exclude))


class Names:
    """The datasets and releases of one database, by whatever name its records have for their relations."""

    def __init__(self, store: Store, source: Source) -> None:
        self.store, self.source = store, source
        releases = store.releases.of(limit=None)
        self.releases = [release for release in releases if release.dataset.conn_id in source.conn_ids]
        self.kept = [release for release in self.releases if release.state not in _GONE]
        self._known = {str(release.relation).casefold(): str(release.relation) for release in self.releases}
        self._known |= {release.dataset.reader.casefold(): release.dataset.reader for release in self.releases}

    def canonical(self, relation: str) -> str:
        """Return the name that the store has for a relation; the given one where it has none."""
        parts = relation.casefold().split(".")
        here = (self.source.database or parts[0]).casefold()
        ways = [parts, parts[1:]] if len(parts) > 2 and parts[0] == here else [parts]
        ways += [["public", *parts]] if len(parts) == 1 else [way[1:] for way in ways if way[0] == "public"]
        found = (self._known.get(".".join(way)) for way in ways)
        return next(filter(None, found), relation)

    def task(self, label: str) -> str:
        """Return the task that a label names, in which BigQuery takes no capitals; the label where none is known."""
        return self._tasks.get(label.casefold(), label)

    @cached_property
    def _tasks(self) -> dict[str, str]:
        reported = self.store.harvests.reported(self.source.conn_ids, None)
        return {consumer.casefold(): consumer for consumer, _ in reported}

    @cached_property
    def conn_ids(self) -> dict[str, str]:
        """The connection to which the dataset of a relation is bound, by the store's name for the relation."""
        found = {str(release.relation): release.dataset.conn_id for release in self.releases}
        return found | {release.dataset.reader: release.dataset.conn_id for release in self.releases}


class Sorting:
    """Sorts what a look has found: whose it is, what it used, and what of it is known already.

    :ivar own: the releases that this package itself has touched.
    :ivar covered: how much of each consumer's statements could be read.
    """

    def __init__(
        self, source: Source, record: Record, look: Look, before: Kept | None, names: Names, now: datetime
    ) -> None:
        self._source, self._record, self._names, self._now = source, record, names, now
        self._since = before.at - _TOLD_BEFORE if before else None
        self._parsed: dict[str, Lineage] = {}
        self.covered: dict[str, Coverage] = {}
        self._by_login: set[str] = set()
        self._rest = Coverage(statements=look.bad, unparsed=look.bad, dropped=look.gaps)
        own, others = [], []
        for ran in look.ran:
            if ran.own:
                own += self._uses_of(ran)
            elif not source.leaves_out(ran):
                others += self._uses_of(ran)
        self._found = self._resolved(others)
        self.own = {_release(use) for use in self._resolved(own) if use.release is not None}

    def _resolved(self, uses: Iterable[Use]) -> list[Use]:
        """Return uses with their releases; a table of the same name in another database is no dataset."""
        here: list[Use] = []
        elsewhere: list[Use] = []
        for use in uses:
            (here if use.relation in self._names.conn_ids else elsewhere).append(use)
        return [*of_datasets(self._names.store, tuple(here)), *elsewhere]

    def uses(self) -> list[Use]:
        """Return what is new to the store, a consumer's uses of one day as one."""
        reported = self._names.store.harvests.reported(self._source.conn_ids, self._since)
        by_logins = {name for _, name in reported}

        def told(use: Use) -> bool:
            name = use.dataset or use.relation
            return (use.consumer in self._by_login and name in by_logins) or (use.consumer, name) in reported

        return _by_day(use for use in self._found if not told(use))

    def told_by_nobody_else(self, own: Collection[ReleaseName], before: Kept | None) -> list[Use]:
        """Return the scans of releases that nobody is known to have touched since the last harvest."""
        touched = self._names.store.harvests.touched(before.at) if before else set()
        fresh = [use for use in self._found if use.release is not None]
        return _by_day(use for use in fresh if _release(use) not in touched and _release(use) not in own)

    def observed(self) -> list[Observed]:
        """Return how much is known of each consumer, and of what the record itself has lost."""
        parts = dict(self.covered)
        if self._rest != Coverage():
            parts[f"{self._record} of {self._source.conn_id}"] = self._rest
        return [Observed(consumer=name, at=self._now, uses=(), coverage=parts[name]) for name in sorted(parts)]

    def _uses_of(self, ran: Ran) -> list[Use]:
        if ran.task and self._record is Record.JOBS:
            ran = replace(ran, task=self._names.task(ran.task))
        reads, writes, unparsed = self._touches(ran)
        consumer = f"{ran.consumer} of {self._source.conn_id}" if self._record is Record.TABLES else ran.consumer
        # Histories tell an application of every session, which is Airflow's driver, too.
        unnamed = ran.consumer == ran.role or (
            self._record in (Record.ACCESS_HISTORY, Record.JOBS) and not ran.task and named_in(ran.sql) is None
        )
        if unnamed and ran.role.casefold() in map(str.casefold, self._source.logins):
            self._by_login.add(consumer)
        dag_id, _, task_id = (ran.task or "").partition(".")
        found = []
        for access, touches in ((Access.READ, reads), (Access.WRITE, writes)):
            for touch in touches:
                relation = self._names.canonical(touch.relation)
                if _SYSTEM.fullmatch(relation) or _OWN_TABLE.fullmatch(relation):
                    continue
                found.append(
                    Use(
                        relation=relation,
                        consumer=consumer,
                        source=self._record,
                        at=ran.at,
                        key=TaskKey(dag_id=dag_id or None, task_id=task_id or None),
                        access=access,
                        columns=touch.columns,
                        conn_id=self._names.conn_ids.get(relation, self._source.conn_id),
                        count=ran.count,
                    )
                )
        # What uses no table (BEGIN, a pool's SELECT 1) would make what could not be read look like little.
        if (found or unparsed) and not ran.own and self._record is not Record.TABLES:
            part = Coverage(statements=ran.count, unparsed=ran.count if unparsed else 0)
            self.covered[consumer] = Coverage.sum([self.covered.get(consumer, Coverage()), part])
        return found

    def _touches(self, ran: Ran) -> tuple[Iterable[Touch], Iterable[Touch], bool]:
        """Return what a statement reads and writes, and whether it could not be understood."""
        if ran.reads is not None:
            return ran.reads, ran.writes, False
        from airflow_dataops.lineage.sql import lineage_of

        key = _VALUES.sub(lambda found: found[1] or "?", ran.sql)  # what differs in its values alone uses the same
        if key not in self._parsed:
            self._parsed[key] = lineage_of([(ran.sql, self._record.dialect)])
        found = self._parsed[key]
        return found.reads, found.writes, found.unparsed > 0


def _release(use: Use) -> ReleaseName:
    assert use.dataset is not None
    assert use.release is not None
    return ReleaseName(dataset=use.dataset, number=use.release)


def _by_day(uses: Iterable[Use]) -> list[Use]:
    """Join the uses that are the same but for their time and are of one day (UTC): what the store adds up by."""
    joined: dict[tuple[Use, date], Use] = {}
    for use in uses:
        key = (replace(use, at=datetime.min.replace(tzinfo=UTC), count=0), use.at.astimezone(UTC).date())
        old = joined.get(key)
        joined[key] = use if old is None else replace(old, at=max(old.at, use.at), count=old.count + use.count)
    return list(joined.values())
