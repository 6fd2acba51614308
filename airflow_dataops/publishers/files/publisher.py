"""The publisher of folders: a release is a frozen folder of Parquet files, a switch one file more in the log."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import NoReturn, Protocol, Self

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, MeasureError, PublishConflict
from airflow_dataops.core.plans import Finding
from airflow_dataops.core.ports import Connector, Database, Run, run_plainly
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Pointer, Switch, SwitchRecord, conflict, still
from airflow_dataops.publishers.differences import changed_columns, size
from airflow_dataops.publishers.files.drives import Place
from airflow_dataops.publishers.files.live import is_dataset
from airflow_dataops.publishers.files.switches import OURS, RELEASE, Entry, Switches
from airflow_dataops.publishers.one_by_one import OneByOne

LONGEST = 250
"""Characters of what readers read that the store keeps."""
FILE_BYTES = 256 * 2**20
"""About what a file of a release holds: many readers take one each."""
_ENDINGS = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".gz", ".zst", ".db", ".duckdb")
_FENCES = 20
_DEEP = 3
"""Folders between two datasets of which one lies in the other, where that is looked for."""


class Lake(Connector, Protocol):
    """A connector to files: in its sessions a folder of Parquet files is a relation, a dataset's its live release."""

    def place(self, name: str) -> Place:
        """Return where a dataset or folder lies.

        :param name: a path, absolute or below the connection's own folder, or a URL of its storage.
        :raises ConfigurationError: it leads out of there, or the connection is to something else.
        """


class FilesPublisher(OneByOne):
    """Moves readers between folders.

    :param lake: opens the sessions, and knows where the files are.
    """

    name = "files"
    takes = "path"
    one_by_one = "each folder has a log of its own, and no write reaches two of them at once"
    unchanging = (
        "a release's files are read-only as soon as they are whole, in an object storage by its own rules alone, and a "
        "promotion compares them all with what was judged"
    )

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._looks_only = False

    def looking(self) -> Self:
        """Return a publisher whose looks put nothing right that a killed switch has left."""
        other = copy.copy(self)
        other._looks_only = True
        return other

    def reader(self, target: str) -> Relation:
        """Return the dataset's folder.

        :raises ConfigurationError: it cannot be one, or its name is longer than the store keeps.
        """
        place = self._lake.place(target)
        text, parts = place.text, place.drive.parts(place.path)
        why = None
        if len(text) > LONGEST:
            why = f"with its {len(text)} characters it is longer than the {LONGEST} that are kept"
        elif any("=" in part for part in text.split("/")):
            why = "a folder with '=' in its name would be read as a column"
        elif any(sign in text for sign in "*?["):
            why = "'*', '?' and '[' would be read as a pattern"
        elif text.lower().endswith(_ENDINGS):
            why = "it is called like a file"
        elif any(part == OURS or RELEASE.fullmatch(part) for part in parts):
            why = "it is called like a release, or lies in a folder that is"
        if why:
            raise ConfigurationError(f"target={target!r}: {text} cannot hold a dataset: {why}. Choose another target=.")
        return Relation.parse(text)

    def physical(self, target: str, release: int) -> Relation:
        """Return the release's own folder, ``r42`` in the dataset's."""
        return Relation.parse(f"{self.reader(target)}/r{release}")

    def build(self, relation: Relation, sql: str, run: Run = run_plainly) -> None:
        """Write what a SELECT gives into a folder beside the release's, and rename that when it is whole.

        :raises ConfigurationError: there is a folder of that name, or the dataset's holds other data.
        """
        place = self._place(relation)
        self._refuse_unfit(place.parent)
        query = sql.strip().rstrip(";")
        with place.drive.filled(place.path) as folder, self._lake.open() as db:
            _refuse_twice(relation, [column.name for column in db.describe(query)])
            name = folder.replace("'", "''")
            options = f"FORMAT parquet, COMPRESSION zstd, FILE_SIZE_BYTES {FILE_BYTES}, OVERWRITE_OR_IGNORE"
            run(db, f"COPY (\n{query}\n) TO '{name}' ({options})")

    def build_part(self, relation: Relation, base: Relation, where: str, rows: str, run: Run = run_plainly) -> bool:
        """Return ``False``: a folder shares no files with another."""
        return False

    def take(self, source: Relation, relation: Relation) -> None:
        """Make the release of a folder that a task has written: rename it, or, in an object storage, copy its files.

        Done already (a retry) if it is gone and the release is there.

        :raises ConfigurationError: it is no folder of Parquet files, or the name is taken.
        """
        found, place = self._place(source), self._place(relation)
        if not found.drive.is_folder(found.path):
            if not found.drive.is_file(found.path) and place.drive.is_folder(place.path):
                return
            what = "is a file" if found.drive.is_file(found.path) else "is not there"
            raise ConfigurationError(
                f"{found.text} {what}: to become the release {relation} it must be a folder of Parquet files that a "
                "task has written. Check the path, or stage with sql= instead."
            )
        self._refuse_unfit(place.parent)
        self._refuse_released(found, place.parent)
        if is_dataset(found):
            raise ConfigurationError(
                f"path={found.text!r} holds a folder that is called like a release, by which a dataset's folder is "
                "told from others. Rename what is in it, or give the folder that your task has written."
            )
        with self._lake.open(read_only=True) as db:
            names = [column.name for column in db.columns(source)]
        if not names:
            raise ConfigurationError(
                f"path={found.text!r} has no columns: expected a folder of Parquet files. Check the path."
            )
        _refuse_twice(source, names)
        place.drive.take(found.path, place.path)

    def drop(self, relation: Relation) -> None:
        """Remove the release's folder, and what killed builds have left of it.

        A mark comes first, with which it cannot go live any more, then a fence, so that whoever was about to make it
        live loses, and looks again.

        :raises ConfigurationError: it is live.
        :raises PublishConflict: the pointer kept moving.
        """
        place = self._place(relation)
        mark = _mark(place)
        if place.drive.is_folder(place.path):
            self._refuse_live(place)
            place.drive.replace(mark.path, b"")
            try:
                self._fence_off(place)
            except DataOpsError:
                place.drive.remove(mark.path)
                raise
        try:
            place.drive.remove(place.path)
        except DataOpsError:
            if place.drive.is_folder(place.path):  # nothing of it was removed
                place.drive.remove(mark.path)
            raise
        place.drive.remove(mark.path)

    def _fence_off(self, place: Place) -> None:
        """Let every switch lose that was begun before now.

        :raises ConfigurationError: the release has gone live meanwhile.
        """
        switches = Switches(place.parent)
        for _ in range(_FENCES):
            if switches.add(switches.fenced(self._refuse_live(place))):
                return
        raise PublishConflict(f"{place.text} was not removed: its dataset's pointer keeps moving. Try again.")

    def _refuse_live(self, place: Place) -> Entry | None:
        """Return the present epoch, in which a release is not live.

        :raises ConfigurationError: it is.
        """
        entry = Switches(place.parent).newest()
        if entry is not None and entry.relation == place.text:
            raise ConfigurationError(
                f"{place.text} is live: {entry.dataset}@r{entry.release} is what readers get. "
                "Promote or roll back to another release first."
            )
        return entry

    def dependents(self, relation: Relation) -> tuple[str, ...]:
        """Return nothing: who reads a folder leaves no trace in it."""
        return ()

    def built(self, target: str) -> dict[int, Relation]:
        """Return the folders that are named like releases of ``target``, by the release's number."""
        folder = self._place(self.reader(target))
        names = [name for name in folder.drive.names(folder.path) if RELEASE.fullmatch(name)]
        return {int(name[1:]): Relation.parse(folder.child(name).text) for name in names}

    def exists(self, relation: Relation) -> bool:
        """Return whether there is a whole folder of that name."""
        place = self._place(relation)
        return place.drive.is_folder(place.path)

    def resolve(self, relation: Relation) -> Relation | None:
        """Return the folder by its full path; ``None`` if missing."""
        place = self._place(relation)
        return Relation.parse(place.text) if place.drive.is_folder(place.path) else None

    def adoptable(self, target: str) -> bool:
        """Return ``False``: files that people read where they lie cannot be adopted, as they would go on reading them.

        :raises ConfigurationError: the dataset's folder holds such files.
        """
        self._refuse_foreign(self._place(self.reader(target)))
        return False

    def pointer(self, dataset: str, target: str) -> Pointer:
        """Return the pointer; epoch 0 and no release before the first switch.

        Where a killed switch has left ``pointer.json`` behind the log, that is mended first.
        """
        switches = self._switches(self.reader(target))
        if not self._looks_only and switches.apart():
            switches.mend()
        entry = switches.of(dataset)
        return entry.pointer(dataset) if entry else Pointer(dataset=dataset, epoch=0)

    def switched(self, dataset: str, target: str, op_id: str) -> SwitchRecord | None:
        """Return the switch that ``op_id`` made, from the log."""
        entry = self._switches(self.reader(target)).switch(op_id)
        return entry.record() if entry else None

    def last_switch(self, dataset: str, target: str) -> SwitchRecord | None:
        """Return the newest switch in the log."""
        entry = self._switches(self.reader(target)).last_switch()
        return entry.record() if entry else None

    def preflight(self, switch: Switch) -> tuple[str, ...]:
        """Return what would make the switch fail, a line each; empty if nothing."""
        obstacles = self._obstacles(switch)
        pointer = self._pointer(switch)
        return obstacles if pointer.epoch == switch.expect else (conflict(switch, pointer),)

    def report(self, switch: Switch) -> tuple[Finding, ...]:
        """Return what stands against the switch, what readers will find changed, and the room that is left."""
        stops = self._obstacles(switch)
        if stops:
            return tuple(Finding(text=line, stops=True) for line in stops)
        with self._lake.open(read_only=True) as db:
            before = db.columns(switch.reader)
            notes = changed_columns(before, db.columns(switch.relation)) if before else []
        folder = self._place(switch.reader)
        room = folder.drive.room(folder.path)
        if room is not None:
            notes.append(f"{size(room)} are free where {folder.text} is")
        return tuple(Finding(text=line) for line in notes)

    def switch(self, switch: Switch, verify: Callable[[Database], None]) -> Pointer:
        """Create the next epoch's file, in which the release is live; done already is fine.

        :raises ConfigurationError: the release's folder is not there.
        """
        switches = self._switches(switch.reader)
        before = self._pointer(switch)
        if before.epoch != switch.expect:
            return self._done_already(switch, before)
        # After the pointer was read: who removes a release raises the epoch before.
        obstacles = self._obstacles(switch)
        if obstacles:
            raise ConfigurationError(
                f"{switch.dataset}@r{switch.release} cannot go live: {' '.join(obstacles)} {still(before)}"
            )
        place = self._place(switch.relation)
        place.drive.freeze(place.path)
        with self._lake.open(read_only=True) as db:
            verify(db)
        entry = Entry.of(switch)
        if not switches.add(entry):
            return self._done_already(switch, self._pointer(switch))
        return entry.pointer(switch.dataset)

    def hand_back(self, switch: Switch) -> Pointer:
        """Refuse: nothing is ever adopted here.

        :raises ConfigurationError: always.
        """
        raise ConfigurationError(f"{switch.reader} cannot be handed back: no folder is adopted by a release.")

    def fence(self, dataset: str, target: str, expect: int) -> Pointer:
        """Raise the epoch by one and leave the relation, so that a switch begun before loses."""
        switches = self._switches(self.reader(target))
        entry = switches.of(dataset)
        after = switches.fenced(entry)
        if after.epoch != expect + 1 or not switches.add(after):
            newest = switches.of(dataset)
            raise PublishConflict(
                f"{dataset} was not fenced: its pointer is at epoch {newest.epoch if newest else 0}, expected "
                f"{expect}. Another switch came first; reconcile again."
            )
        return after.pointer(dataset)

    def _place(self, relation: Relation) -> Place:
        return self._lake.place(str(relation))

    def _switches(self, reader: Relation) -> Switches:
        return Switches(self._place(reader))

    def _pointer(self, switch: Switch) -> Pointer:
        entry = self._switches(switch.reader).of(switch.dataset)
        return entry.pointer(switch.dataset) if entry else Pointer(dataset=switch.dataset, epoch=0)

    def _obstacles(self, switch: Switch) -> tuple[str, ...]:
        if not self.exists(switch.relation):
            return (f"its folder {switch.relation} is not there. Stage a new release.",)
        place = self._place(switch.relation)
        if place.drive.is_file(_mark(place).path):
            return (f"its folder {switch.relation} is being removed. Stage a new release, or retire it again.",)
        return ()

    def _done_already(self, switch: Switch, pointer: Pointer) -> Pointer:
        """Return the pointer if this very switch has been made: a commit whose answer got lost, or a twin.

        :raises PublishConflict: it has not.
        """
        entry = self._switches(switch.reader).switch(switch.op_id)
        if entry and (entry.epoch, entry.release) == (switch.expect + 1, switch.release):
            return entry.pointer(switch.dataset)
        raise PublishConflict(conflict(switch, pointer))

    def _refuse_unfit(self, folder: Place) -> None:
        """Raise if a folder cannot be a dataset's: it holds other data, or one dataset would lie in another."""
        self._refuse_foreign(folder)
        parts, above = folder.drive.parts(folder.path), folder
        for _ in parts[1:]:
            above = above.parent
            if is_dataset(above):
                _refuse_nested(folder, f"it lies in that of another, {above.text}")
        if parts and not is_dataset(folder):  # what all datasets lie in is none
            inner = next(_datasets_in(folder), None)
            if inner is not None:
                _refuse_nested(folder, f"another lies in it, {inner.text}")

    def _refuse_foreign(self, folder: Place) -> None:
        """Raise if a dataset's folder holds data of its own, beside releases: its readers would find a mix."""
        foreign = [
            name
            for name in folder.drive.names(folder.path)
            if not name.startswith((".", "_")) and (name.lower().endswith(_ENDINGS) or "=" in name)
        ]
        if foreign:
            raise ConfigurationError(
                f"{folder.text} holds data of its own ({foreign[0]}{', …' if len(foreign) > 1 else ''}), which people "
                "read where it lies: they would not follow the pointer, and find a mix of releases. Move it to a "
                "folder of its own and stage that with path= as the first release, or choose another target=."
            )

    def _refuse_released(self, source: Place, folder: Place) -> None:
        """Raise if what is to be taken is a release, a part of one, or holds the dataset's own folder."""
        place = source
        while place.path not in ("", "/") and place.parent.path != place.path:
            if (RELEASE.fullmatch(place.name) or place.name == OURS) and (
                place.parent.path == folder.path or place.drive.names(place.parent.child(OURS).path)
            ):
                raise ConfigurationError(
                    f"path={source.text!r} lies in the release {place.text}, and a release never changes. "
                    "Give the folder that your task has written."
                )
            place = place.parent
        if f"{folder.path}/".startswith(f"{source.path}/"):
            raise ConfigurationError(
                f"path={source.text!r} holds the dataset's own folder {folder.text}. Give the folder that your task "
                "has written."
            )


def _mark(release: Place) -> Place:
    """Return the file that is there while a release is removed."""
    return release.parent.child(OURS).child("removing").child(release.name)


def _datasets_in(folder: Place, deep: int = _DEEP) -> Iterator[Place]:
    """Yield the datasets' folders below a folder that is none."""
    for name in folder.drive.names(folder.path):
        child = folder.child(name)
        if is_dataset(child):
            yield child
        elif deep:
            yield from _datasets_in(child, deep - 1)


def _refuse_nested(folder: Place, why: str) -> NoReturn:
    raise ConfigurationError(
        f"{folder.text} cannot be a dataset's folder: {why}, and removing a release of the one could reach the other. "
        "Give another dataset= with another target=."
    )


def _refuse_twice(relation: Relation, names: list[str]) -> None:
    """Raise where a file would have two columns of one name, as most readers see it."""
    folded = [name.casefold() for name in names]
    twice = sorted({name for name in names if folded.count(name.casefold()) > 1})
    if twice:
        raise MeasureError(f"{relation} would have two columns of one name: {', '.join(twice)}. Rename one of them")
