"""What could not be stored, kept on this host until it can be: bounded, and what does not fit is counted."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_dataops.core.releases import TaskKey
from airflow_dataops.core.usage import Access, Coverage, Observed, Use

log = logging.getLogger(__name__)

FILES = 10_000
"""How many tasks' uses are kept."""
LOST_BYTES = 1_000_000
"""How long the list of those that were lost may grow."""
_ABANDONED_SECONDS = 600
"""After which whoever has taken a file is held for dead."""
_KEPT, _TAKEN, _LOST = ".json", ".taken", "lost.jsonl"


@dataclass(frozen=True)
class Kept:
    """One task's uses, taken by this process."""

    observed: Observed
    path: Path

    def done(self) -> None:
        """Forget it: it is stored."""
        self.path.unlink(missing_ok=True)

    def put_back(self) -> None:
        """Leave it to the next one."""
        with contextlib.suppress(FileNotFoundError):
            self.path.rename(self.path.with_suffix(_KEPT))


class Spool:
    """A folder on this host.

    :param folder: made when it is needed.
    :param files: how many tasks' uses it holds.
    """

    def __init__(self, folder: Path, *, files: int = FILES) -> None:
        self._folder, self._files = folder, files

    def add(self, observed: Observed) -> bool:
        """Keep what could not be stored; False if there is no room: then it is counted as lost.

        :raises OSError: the folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if sum(1 for _ in self._kept()) >= self._files:
            self._lose(observed)
            return False
        path = self._folder / f"{time.time_ns():020d}-{uuid.uuid4().hex}"
        path.with_suffix(".new").write_text(json.dumps(_said(observed)))
        path.with_suffix(".new").rename(path.with_suffix(_KEPT))
        return True

    def __len__(self) -> int:
        return sum(1 for _ in self._kept())

    def take(self) -> Iterator[Kept]:
        """Take each that is kept, the oldest first; no other process gets it meanwhile."""
        self._return_abandoned()
        for path in sorted(self._kept()):
            mine = path.with_suffix(_TAKEN)
            try:
                path.rename(mine)
                os.utime(mine)
                observed = _read(json.loads(mine.read_text()))
            except FileNotFoundError:  # another process was faster
                continue
            except (ValueError, KeyError, TypeError) as error:  # a full disk's half
                log.warning("What a task has used is lost: %s cannot be read (%s)", path.name, type(error).__name__)
                mine.unlink(missing_ok=True)
                continue
            yield Kept(observed, mine)

    def lost(self) -> Iterator[Observed]:
        """Take what is known of those that were lost: who, when, how many."""
        path = self._folder / _LOST
        mine = path.with_name(f"{uuid.uuid4().hex}{_TAKEN}-lost")
        try:
            path.rename(mine)
        except FileNotFoundError:
            return
        for line in mine.read_text().splitlines():
            with contextlib.suppress(ValueError, KeyError):
                yield _read(json.loads(line))
        mine.unlink()

    def _kept(self) -> Iterator[Path]:
        return self._folder.glob(f"*{_KEPT}")

    def _return_abandoned(self) -> None:
        for path in self._folder.glob(f"*{_TAKEN}"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                    path.rename(path.with_suffix(_KEPT))

    def _lose(self, observed: Observed) -> None:
        lost = Observed(
            consumer=observed.consumer, at=observed.at, uses=(), coverage=Coverage(lost=max(len(observed.uses), 1))
        )
        with (self._folder / _LOST).open("a") as file:
            if file.tell() < LOST_BYTES:
                file.write(json.dumps(_said(lost)) + "\n")


def _said(observed: Observed) -> dict[str, Any]:
    return {
        "consumer": observed.consumer,
        "at": observed.at.isoformat(),
        "coverage": vars(observed.coverage),
        "uses": [
            {
                "relation": use.relation,
                "source": use.source,
                "access": use.access,
                "columns": use.columns,
                "conn_id": use.conn_id,
                "key": vars(use.key),
            }
            for use in observed.uses
        ],
    }


def _read(said: dict[str, Any]) -> Observed:
    at = datetime.fromisoformat(said["at"])
    return Observed(
        consumer=said["consumer"],
        at=at,
        coverage=Coverage(**said["coverage"]),
        uses=tuple(
            Use(
                relation=use["relation"],
                consumer=said["consumer"],
                source=use["source"],
                at=at,
                key=TaskKey(**use["key"]),
                access=Access(use["access"]),
                columns=None if use["columns"] is None else tuple(use["columns"]),
                conn_id=use["conn_id"],
            )
            for use in said["uses"]
        ),
    )
