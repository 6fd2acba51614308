"""The publisher of Iceberg tables: one commit sets ``main`` to a release's snapshot, the pointer and the log's row."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self, TypeVar

from airflow_dataops.core.errors import ConfigurationError, LockTimeout, PublishConflict, RelationTaken
from airflow_dataops.core.plans import Finding
from airflow_dataops.core.ports import Database, Run, run_plainly
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Pointer, Switch, SwitchRecord, conflict, still
from airflow_dataops.publishers.differences import changed_columns
from airflow_dataops.publishers.iceberg import lake
from airflow_dataops.publishers.iceberg.building import Build, changes_schema, written
from airflow_dataops.publishers.iceberg.conditions import row_filter
from airflow_dataops.publishers.iceberg.lake import MAIN, Catalogue, Lake, branch_of, table_of, tag_of
from airflow_dataops.publishers.iceberg.pointer import (
    Place,
    moved,
    of_same_table,
    place_of,
    standing,
    switches,
    tagged,
    unmoved,
    unpointed,
)
from airflow_dataops.publishers.one_by_one import OneByOne
from airflow_dataops.publishers.patience import Patience

log = logging.getLogger(__name__)
T = TypeVar("T")


class IcebergPublisher(OneByOne):
    """Sets the branch ``main`` of a table to the snapshot of a release, which is a tag of the table.

    :param connector: opens the catalogue, and sessions in which its tables and tags can be read.
    :param deadline: seconds to try while others commit to the table.
    """

    name = "iceberg"
    takes = "branch"
    one_by_one = "an Iceberg catalogue commits one table at a time"
    unchanging = "a tag stands for one snapshot of the table, which nobody can change"

    def __init__(self, connector: Lake, *, deadline: float = 60.0) -> None:
        self._connector = connector
        self._deadline = deadline

    def looking(self) -> Self:
        """Return the publisher: its looks change nothing, as a killed switch leaves nothing to put right."""
        return self

    def reader(self, target: str) -> Relation:
        """Return the table that readers read.

        :raises ConfigurationError: it cannot be a table's name.
        """
        return lake.table_named(target)

    def physical(self, target: str, release: int) -> Relation:
        """Return the release's tag, ``nyc.flights.tag_dataops_r42``, as Spark reads it."""
        return lake.release_of(self.reader(target), release)

    def build(self, relation: Relation, sql: str, run: Run = run_plainly) -> None:
        """Write the rows of a SELECT as a snapshot of their own, and tag it; a table that is not there is made, empty.

        :raises ConfigurationError: there is a tag of that name, or the rows cannot be the table's.
        """
        with self._connector.catalogue() as catalogue, self._connector.open(read_only=True) as db:
            there = self._untagged(catalogue.table(table_of(relation)), relation)

            def begun(arrow: Any) -> tuple[Any, tuple[Any, ...]]:
                if there is not None:
                    return there, ()
                transaction = catalogue.begun(table_of(relation), arrow)
                return transaction._table, transaction._updates

            self._commit(catalogue, written(db, relation, sql, run, begun))

    def build_part(self, relation: Relation, base: Relation, where: str, rows: str, run: Run = run_plainly) -> bool:
        """Tag a snapshot upon that of ``base``, in which files are rewritten alone that hold rows to be replaced.

        :return: ``False`` where the condition is more than Iceberg's filters say, or the table's columns are no more
            those of ``base``.
        """
        with self._connector.catalogue() as catalogue, self._connector.open(read_only=True) as db:
            table = self._untagged(catalogue.table(table_of(relation)), relation)
            ref = table.metadata.refs.get(tag_of(base) or MAIN)
            replaces = row_filter(where, table.schema())
            schemas = {table.metadata.current_schema_id, ref and table.snapshot_by_id(ref.snapshot_id).schema_id}
            if ref is None or replaces is None or len(schemas) > 1:
                why = "its condition is no row filter of Iceberg" if replaces is None else "the table's columns changed"
                log.info("%s is built whole, and not by the files it changes: %s", relation, why)
                return False
            build = written(db, relation, rows, run, lambda arrow: (table, ()))
            if build.metadata.current_schema_id != table.metadata.current_schema_id:
                build.discard()
                return False
            build.base, build.replaces = ref.snapshot_id, replaces
            self._commit(catalogue, build)
        return True

    def take(self, source: Relation, relation: Relation) -> None:
        """Tag the head of a branch that a task has written; the branch stays, and what comes to it later is no part.

        :raises ConfigurationError: it is no branch of this table, or the release's tag is there already.
        """
        branch = branch_of(source)
        if branch is None or table_of(source) != table_of(relation):
            raise ConfigurationError(
                f"{source} is no branch of {table_of(relation)}, of which releases are tags. Have your task write to a "
                "branch of it, and give its name as branch=; or stage with sql= instead."
            )

        def work() -> bool:
            with self._connector.catalogue() as catalogue:
                table = self._untagged(catalogue.table(table_of(relation)), relation)
                ref = table.metadata.refs.get(branch) if table is not None else None
                if table is None or ref is None or ref.snapshot_ref_type.value != "branch":
                    raise ConfigurationError(
                        f"{table_of(relation)} has no branch {branch!r}, or nothing is written to it yet. Check the "
                        "name, or stage with sql= instead."
                    )
                tag = tag_of(relation)
                requirements = [of_same_table(table), unmoved(table, branch), unmoved(table, tag)]
                return catalogue.commit(table, requirements, [tagged(tag, ref.snapshot_id)])

        self._patiently(f"tag branch {branch} as {relation}", work)

    def drop(self, relation: Relation) -> None:
        """Remove the release's tag if it is there; Iceberg's expiry of snapshots removes its files.

        :raises ConfigurationError: it is live.
        """
        from pyiceberg.table.update import RemoveSnapshotRefUpdate

        def work() -> bool:
            with self._connector.catalogue() as catalogue:
                table = catalogue.table(table_of(relation))
                if table is None or tag_of(relation) not in table.metadata.refs:
                    return True
                place = standing(table)
                if place is not None and place.pointer.relation == str(relation):
                    raise ConfigurationError(
                        f"{relation} is live: {place.pointer.dataset}@r{place.pointer.release} is what readers get. "
                        "Promote or roll back to another release first."
                    )
                tag = tag_of(relation)
                requirements = [of_same_table(table), *unpointed(table, place, tag)]
                return catalogue.commit(table, requirements, [RemoveSnapshotRefUpdate(ref_name=tag)])

        self._patiently(f"drop {relation}", work)

    def dependents(self, relation: Relation) -> tuple[str, ...]:
        """Return nothing: a catalogue does not tell what reads a tag."""
        return ()

    def built(self, target: str) -> dict[int, Relation]:
        """Return the tags that are named like releases of ``target``, by the release's number."""
        table = self._table(self.reader(target))
        return lake.releases_in(self.reader(target), list(table.metadata.refs)) if table is not None else {}

    def exists(self, relation: Relation) -> bool:
        """Return whether there is such a table, tag or branch."""
        return self.resolve(relation) is not None

    def resolve(self, relation: Relation) -> Relation | None:
        """Return the relation, of which there is one spelling; ``None`` if missing."""
        table = self._table(table_of(relation)) if relation.schema else None
        if table is None:
            return None
        kind, _, name = relation.name.partition(".")[2].partition("_")
        ref = table.metadata.refs.get(name)
        return relation if not kind or (ref is not None and ref.snapshot_ref_type.value == kind) else None

    def adoptable(self, target: str) -> bool:
        """Return whether readers get rows that no release stands behind, which a first switch would adopt."""
        table = self._table(self.reader(target))
        place = standing(table)
        return table is not None and MAIN in table.metadata.refs and (place is None or place.pointer.release is None)

    def pointer(self, dataset: str, target: str) -> Pointer:
        """Return the pointer; epoch 0 and no release before the first switch."""
        return place_of(self._table(self.reader(target)), dataset).pointer

    def switched(self, dataset: str, target: str, op_id: str) -> SwitchRecord | None:
        """Return the switch that ``op_id`` made, from the newest of the table's own log."""
        found = switches(self._table(self.reader(target)), dataset)
        return next((record for record in found if record.op_id == op_id), None)

    def last_switch(self, dataset: str, target: str) -> SwitchRecord | None:
        """Return the newest switch in the table's own log."""
        return next(reversed(switches(self._table(self.reader(target)), dataset)), None)

    def preflight(self, switch: Switch) -> tuple[str, ...]:
        """Return what would make the switch fail, a line each; empty if nothing."""
        table = self._table(switch.reader)
        place = place_of(table, switch.dataset)
        lines = _obstacles(table, switch, place)
        return tuple(lines) if place.pointer.epoch == switch.expect else (conflict(switch, place.pointer),)

    def report(self, switch: Switch) -> tuple[Finding, ...]:
        """Return what stands against the switch, and what readers will find changed."""
        table = self._table(switch.reader)
        place = place_of(table, switch.dataset)
        lines, aside = _obstacles(table, switch, place), _put_aside(table, switch, place)
        with self._connector.open(read_only=True) as db:
            before, after = db.columns(switch.reader), db.columns(switch.relation)
        notes = changed_columns(before, after) if before and after else []
        return (*(Finding(text=line, stops=True) for line in lines), *(Finding(text=line) for line in [*aside, *notes]))

    def switch(self, switch: Switch, verify: Callable[[Database], None]) -> Pointer:
        """Set ``main``, the pointer and the log's row in one commit; done already is fine.

        What is verified is what is published: the commit demands that the release's tag, ``main`` and the pointer are
        where they were.

        :raises ConfigurationError: something stands against it that waiting cannot change.
        """

        def work() -> Pointer | None:
            with self._connector.catalogue() as catalogue:
                table = catalogue.table(switch.reader)
                before = place_of(table, switch.dataset)
                if before.pointer.epoch != switch.expect:
                    return self._done_already(table, switch, before)
                lines = _obstacles(table, switch, before)
                if lines or table is None:
                    raise ConfigurationError(
                        f"{switch.dataset}@r{switch.release} cannot go live: {' '.join(lines)} {still(before.pointer)}"
                    )
                with self._connector.open(read_only=True) as db:
                    verify(db)
                for line in _put_aside(table, switch, before):
                    log.warning("%s@r%d: %s", switch.dataset, switch.release, line)
                return self._published(catalogue, table, switch, before)

        return self._patiently(f"make {switch.dataset}@r{switch.release} live", work)

    def hand_back(self, switch: Switch) -> Pointer:
        """Leave the table to its owner as it is, without a live release and without the tag of what was adopted.

        :raises ConfigurationError: that tag is not there.
        """
        from pyiceberg.table.update import RemoveSnapshotRefUpdate

        def work() -> Pointer | None:
            with self._connector.catalogue() as catalogue:
                table = catalogue.table(switch.reader)
                before = place_of(table, switch.dataset)
                if before.pointer.epoch != switch.expect:
                    return self._done_already(table, switch, before)
                tag = tag_of(switch.relation)
                if table is None or tag not in table.metadata.refs:
                    raise ConfigurationError(
                        f"{switch.reader} cannot be handed back: its tag {switch.relation} is not there."
                    )
                after = Place(pointer=replace(before.pointer, epoch=switch.expect + 1, release=None, relation=None))
                requirements, updates = moved(table, before, after, _record(switch))
                requirements += [unmoved(table, tag)]
                updates += [RemoveSnapshotRefUpdate(ref_name=tag)]
                return after.pointer if catalogue.commit(table, requirements, updates) else None

        return self._patiently(f"hand {switch.reader} back", work)

    def fence(self, dataset: str, target: str, expect: int) -> Pointer:
        """Raise the epoch by one and leave ``main``, so that a switch begun before loses.

        In a table without a snapshot there is no release, and nothing that a switch could make live.
        """

        def work() -> Pointer | None:
            with self._connector.catalogue() as catalogue:
                table = catalogue.table(self.reader(target))
                before = place_of(table, dataset)
                if before.pointer.epoch != expect:
                    raise PublishConflict(
                        f"{dataset} was not fenced: its pointer is at epoch {before.pointer.epoch}, expected {expect}. "
                        "Another switch came first; reconcile again."
                    )
                if table is None or not table.metadata.snapshots:
                    return before.pointer
                after = replace(before, pointer=replace(before.pointer, epoch=expect + 1))
                return after.pointer if catalogue.commit(table, *moved(table, before, after, None)) else None

        return self._patiently(f"fence {dataset}", work)

    def _published(self, catalogue: Catalogue, table: Any, switch: Switch, before: Place) -> Pointer | None:
        """Commit the switch; ``None`` if somebody has committed since the table was read."""
        from pyiceberg.table.refs import SnapshotRefType
        from pyiceberg.table.update import AssertCurrentSchemaId, AssertRefSnapshotId, SetSnapshotRefUpdate

        tag = tag_of(switch.relation)
        snapshot = table.snapshot_by_id(table.metadata.refs[tag].snapshot_id)
        schema = next((each for each in table.metadata.schemas if each.schema_id == snapshot.schema_id), table.schema())
        pointer = Pointer(
            dataset=switch.dataset, epoch=switch.expect + 1, release=switch.release, relation=str(switch.relation)
        )
        after = Place(pointer=pointer, snapshot=snapshot.snapshot_id, schema=schema.schema_id)
        requirements, updates = moved(table, before, after, _record(switch))
        requirements += [unmoved(table, tag), unmoved(table, MAIN)]
        requirements += [AssertCurrentSchemaId(current_schema_id=table.metadata.current_schema_id)]
        main = table.metadata.refs.get(MAIN)
        if before.pointer.release is None and main is not None and switch.adopt is not None:
            adopted = tag_of(switch.adopt)
            requirements += [unmoved(table, adopted)]
            updates += [tagged(adopted, main.snapshot_id)]
        if main is not None and _has_rows_of_others(table, before, snapshot.snapshot_id):
            aside = tag_of(lake.aside_of(switch.reader, pointer.epoch))
            requirements += [AssertRefSnapshotId(ref=aside, snapshot_id=None)]
            updates += [tagged(aside, main.snapshot_id)]
        updates += [
            *changes_schema(table.metadata, schema),
            SetSnapshotRefUpdate(ref_name=MAIN, type=SnapshotRefType.BRANCH, snapshot_id=snapshot.snapshot_id),
        ]
        return pointer if catalogue.commit(table, requirements, updates) else None

    def _commit(self, catalogue: Catalogue, build: Build) -> None:
        """Commit a build; the files of one that is refused are deleted."""
        try:
            self._patiently(f"build {build.relation}", lambda: self._committed(catalogue, build))
        except BaseException:
            # Whatever is not known to be refused may have been committed, whose files readers need.
            if not self._tagged(catalogue, build.relation):
                build.discard()
            raise

    def _committed(self, catalogue: Catalogue, build: Build) -> bool:
        """Commit a build; ``False`` if somebody has committed since the table was read.

        :raises PublishConflict: somebody has made the table meanwhile.
        """
        table = self._untagged(catalogue.table(table_of(build.relation)), build.relation)
        if bool(build.creates) == (table is not None):
            raise PublishConflict(
                f"{build.relation} was not built: {table_of(build.relation)} was made or dropped meanwhile. "
                "Run this again."
            )
        target = build.table if table is None else table
        return catalogue.commit(target, *build.change(target))

    def _untagged(self, table: Any, relation: Relation) -> Any:
        """Return the table, of which no tag or branch has the release's name.

        :raises RelationTaken: one has.
        """
        if table is not None and tag_of(relation) in table.metadata.refs:
            raise RelationTaken(
                f"There is {relation} already, and nothing is overwritten. A retry takes another name by itself; if "
                "it is not a release, remove the tag."
            )
        return table

    def _tagged(self, catalogue: Catalogue, relation: Relation) -> bool:
        """Return whether the release is there, or may be: nothing of it is deleted then."""
        try:
            table = catalogue.table(table_of(relation))
        except Exception:
            return True
        return table is not None and tag_of(relation) in table.metadata.refs

    def _done_already(self, table: Any, switch: Switch, place: Place) -> Pointer:
        """Return the pointer if this very switch has been made: a commit whose answer got lost, or a twin.

        :raises PublishConflict: it has not.
        """
        for record in switches(table, switch.dataset):
            if (record.op_id, record.epoch, record.release) == (switch.op_id, switch.expect + 1, switch.release):
                return Pointer(
                    dataset=switch.dataset, epoch=record.epoch, release=record.release, relation=str(switch.relation)
                )
        raise PublishConflict(conflict(switch, place.pointer))

    def _table(self, relation: Relation) -> Any | None:
        with self._connector.catalogue() as catalogue:
            return catalogue.table(relation)

    def _patiently(self, what: str, work: Callable[[], T | None]) -> T:
        """Run ``work`` again while others commit in its midst, to the deadline, each time from a new look.

        :raises LockTimeout: they never stopped.
        """
        patience = Patience(self._deadline)
        while True:
            locked: LockTimeout | None = None
            done = None
            try:
                done = work()
            except LockTimeout as error:
                locked = error
            if done:
                return done
            if not patience.wait():
                raise LockTimeout(
                    f"Could not {what} within {patience.seconds:g} s, nothing was changed: "
                    f"{locked or 'others kept committing to the table'}. Let them finish, and run this again."
                ) from locked


def _obstacles(table: Any | None, switch: Switch, before: Place) -> list[str]:
    """Return what stands against the switch."""
    tag = tag_of(switch.relation)
    ref = table.metadata.refs.get(tag) if table is not None else None
    if table is None or ref is None:
        return [f"its tag {switch.relation} is not there. Stage a new release."]
    main = table.metadata.refs.get(MAIN)
    lines = []
    if main is not None and before.pointer.release is None:
        if switch.adopt is None:
            lines.append(f"{switch.reader} is a plain table, and nothing says where it is to go (adopt).")
        elif tag_of(switch.adopt) in table.metadata.refs:
            lines.append(f"{switch.reader} cannot be kept as {switch.adopt}: that tag is taken. Remove it.")
    if switch.goes_back:
        return lines
    if main is not None and _has_rows_of_others(table, before, ref.snapshot_id):
        lines.append(
            f"main of {switch.reader} is at snapshot {main.snapshot_id}, expected {before.snapshot}, which is "
            f"{switch.dataset}@r{before.pointer.release}: somebody has written to the table itself, whose rows readers "
            f"have and would lose. Stage it with branch='main' to make that a release, or set main back to "
            f"{before.snapshot}; and have that writer write to a branch."
        )
    if _has_columns_of_others(table, before, ref.snapshot_id):
        lines.append(
            f"the columns of {switch.reader} were changed since {switch.dataset}@r{before.pointer.release} went live, "
            f"and {switch.relation} has not got them. Stage a new release."
        )
    return lines


def _put_aside(table: Any | None, switch: Switch, before: Place) -> list[str]:
    """Return what a roll-back takes from readers that others have done to the table, and how to get at it."""
    ref = table.metadata.refs.get(tag_of(switch.relation)) if table is not None else None
    if table is None or ref is None or not switch.goes_back:
        return []
    lines = []
    main = table.metadata.refs.get(MAIN)
    if main is not None and _has_rows_of_others(table, before, ref.snapshot_id):
        lines.append(
            f"somebody has written to {switch.reader} itself since {switch.dataset}@r{before.pointer.release} went "
            f"live, up to snapshot {main.snapshot_id}: readers have those rows no more, which the tag "
            f"{lake.aside_of(switch.reader, switch.expect + 1)} keeps. To make a release of them, make a branch of it "
            "and stage that with branch=; have that writer write to a branch."
        )
    if _has_columns_of_others(table, before, ref.snapshot_id):
        lines.append(
            f"somebody has changed the columns of {switch.reader}: readers have those of {switch.relation} again, and "
            f"the table keeps the others as its schema {table.metadata.current_schema_id}"
        )
    return lines


def _has_rows_of_others(table: Any, before: Place, to: int) -> bool:
    """Return whether ``main`` has got rows that neither the live release has nor the snapshot ``to``.

    Compactions, which write the same rows to other files, are no such writes.
    """
    from pyiceberg.table.snapshots import Operation, ancestors_of

    if before.pointer.release is None:
        return False
    released = {each.snapshot_id for each in ancestors_of(table.snapshot_by_id(to), table.metadata)} | {before.snapshot}
    for each in ancestors_of(table.current_snapshot(), table.metadata):
        if each.snapshot_id in released:
            return False
        if each.summary is None or each.summary.operation is not Operation.REPLACE:
            return True
    return True


def _has_columns_of_others(table: Any, before: Place, to: int) -> bool:
    """Return whether the table's columns are neither the live release's nor those of the snapshot ``to``."""
    known = (before.schema, table.snapshot_by_id(to).schema_id)
    return before.schema is not None and table.metadata.current_schema_id not in known


def _record(switch: Switch) -> SwitchRecord:
    return SwitchRecord(
        dataset=switch.dataset,
        epoch=switch.expect + 1,
        op_id=switch.op_id,
        release=switch.release,
        at=switch.at,
        by=switch.by,
    )
