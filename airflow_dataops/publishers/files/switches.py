"""The switch log of a dataset's folder, one file for each epoch, of which the newest is the pointer."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.switching import Pointer, Switch, SwitchRecord
from airflow_dataops.publishers.files.drives import Place

OURS = "_dataops"
"""The folder in a dataset's folder that holds the log and the pointer."""
RELEASE = re.compile(r"r(\d{1,9})")
"""What a release's folder is called."""
_EPOCH = re.compile(r"(\d{12})\.json")
_PROBE = "exclusive"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One epoch: what is live in it, and the switch that made it so; a fence has none, and keeps what was live.

    :param at: ISO 8601, UTC.
    """

    dataset: str | None
    epoch: int
    release: int | None
    relation: str | None
    op_id: str | None = None
    at: str | None = None
    by: str | None = None

    @classmethod
    def of(cls, switch: Switch) -> Entry:
        """Return the epoch that a switch would make."""
        return cls(
            dataset=switch.dataset,
            epoch=switch.expect + 1,
            release=switch.release,
            relation=str(switch.relation),
            op_id=switch.op_id,
            at=switch.at.isoformat(),
            by=switch.by,
        )

    @property
    def content(self) -> bytes:
        """The entry as it is written."""
        return json.dumps(asdict(self), indent=1).encode() + b"\n"

    @classmethod
    def read(cls, content: bytes, where: str) -> Entry:
        """Return what is written.

        :raises MeasureError: it is something else.
        """
        try:
            return cls(**json.loads(content))
        except (ValueError, TypeError):
            raise MeasureError(
                f"{where} is no epoch of a switch log as this package writes it. Put back the file that was there."
            ) from None

    def pointer(self, dataset: str) -> Pointer:
        """Return it as the pointer."""
        return Pointer(dataset=dataset, epoch=self.epoch, release=self.release, relation=self.relation)

    def record(self) -> SwitchRecord | None:
        """Return the switch; ``None`` of a fence."""
        if None in (self.op_id, self.release, self.dataset):
            return None
        return SwitchRecord(
            dataset=str(self.dataset),
            epoch=self.epoch,
            op_id=str(self.op_id),
            release=int(self.release or 0),
            at=datetime.fromisoformat(str(self.at)),
            by=str(self.by),
        )


class Switches:
    """The log of one dataset.

    Who creates the file of the next epoch has switched: that one file is the log's row and the pointer, so that neither
    can be without the other. ``pointer.json`` repeats the newest, for readers that read one file alone; where a process
    was killed between the two, whoever comes next mends it.

    :param folder: the dataset's.
    """

    def __init__(self, folder: Place) -> None:
        self._folder = folder
        self._drive = folder.drive
        self._log = folder.child(OURS).child("switches")
        self._shown = folder.child(OURS).child("pointer.json")

    def newest(self) -> Entry | None:
        """Return the present epoch; ``None`` before the first."""
        hint = self._hinted()
        entry = self._read(hint.epoch) if hint else None
        if entry is None:
            epochs = self._epochs()
            entry = self._read(epochs[-1]) if epochs else None
        while (after := self._read(entry.epoch + 1 if entry else 1)) is not None:
            entry = after
        return entry

    def of(self, dataset: str) -> Entry | None:
        """Return the present epoch.

        :raises ConfigurationError: the log is another dataset's.
        """
        entry = self.newest()
        if entry is not None and entry.dataset not in (None, dataset):
            raise ConfigurationError(
                f"{self._folder.text} holds the releases of the dataset {entry.dataset}, not of {dataset}: one's would "
                "go live in place of the other's. Give another target=."
            )
        return entry

    def switch(self, op_id: str) -> Entry | None:
        """Return the newest switch that an operation has made."""
        return next((entry for entry in reversed(self.all()) if entry.op_id == op_id), None)

    def last_switch(self) -> Entry | None:
        """Return the newest switch, whatever fences came after it."""
        entry = self.newest()
        while entry is not None and entry.op_id is None:
            entry = self._read(entry.epoch - 1) if entry.epoch > 1 else None
        return entry

    def add(self, entry: Entry) -> bool:
        """Make it the present epoch, and tell whether nobody else was first.

        :raises ConfigurationError: the storage lets two be first.
        """
        if entry.epoch == 1:
            self._refuse_unexclusive()
        if not self._drive.create(self._file(entry.epoch).path, entry.content):
            return False
        self.mend()
        return True

    def fenced(self, entry: Entry | None) -> Entry:
        """Return the epoch after ``entry``, in which the same is live."""
        if entry is None:
            return Entry(dataset=None, epoch=1, release=None, relation=None)
        return replace(entry, epoch=entry.epoch + 1, op_id=None, at=None, by=None)

    def apart(self) -> bool:
        """Return whether ``pointer.json`` does not say what the log says: amid a switch, or after a killed one."""
        return self._hinted() != self.newest()

    def mend(self) -> None:
        """Let ``pointer.json`` say what the log says; who is late finds what came after it, and says that."""
        while (newest := self.newest()) is not None and newest != self._hinted():
            self._drive.replace(self._shown.path, newest.content)

    def all(self) -> list[Entry]:
        """Return all epochs, the oldest first."""
        files = [self._file(epoch) for epoch in self._epochs()]
        contents = self._drive.read_all([file.path for file in files])
        return [Entry.read(content, file.text) for content, file in zip(contents, files, strict=True)]

    def _hinted(self) -> Entry | None:
        """Return what ``pointer.json`` says; nothing where it says nothing that can be understood."""
        content = self._drive.read(self._shown.path)
        try:
            return Entry.read(content, self._shown.text) if content else None
        except MeasureError:
            return None

    def _epochs(self) -> list[int]:
        found = (_EPOCH.fullmatch(name) for name in self._drive.names(self._log.path))
        return [int(match[1]) for match in found if match]

    def _file(self, epoch: int) -> Place:
        return self._log.child(f"{epoch:012d}.json")

    def _read(self, epoch: int) -> Entry | None:
        file = self._file(epoch)
        content = self._drive.read(file.path)
        return Entry.read(content, file.text) if content is not None else None

    def _refuse_unexclusive(self) -> None:
        """Try whether what is there is overwritten: some storages take the condition and do not heed it."""
        probe = self._folder.child(OURS).child(_PROBE).path
        self._drive.create(probe, b"one")
        if self._drive.create(probe, b"another"):
            raise ConfigurationError(
                f"{self._folder.text} is in a storage that overwrites an object though it is asked not to: of two that "
                "switch at once, none would be told that it has lost. Keep the dataset in another storage."
            )
