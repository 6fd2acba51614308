"""What the release services work on, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_dataops.core.freezes import Window
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Release

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Connector, Database, Publisher
    from airflow_dataops.stores.store import Store


@dataclass(frozen=True, kw_only=True)
class Target:
    """A database that holds releases, and the store that remembers them.

    :param store: the record.
    :param publisher: moves what readers see.
    :param connector: opens the target, for measuring.
    :param fingerprint: measures a release's content in a session, exactly as gates do.
    :param freezes: reads when nothing is promoted; asked by promotions alone.
    """

    store: Store
    publisher: Publisher
    connector: Connector
    fingerprint: Callable[[Database, Relation], str]
    freezes: Callable[[], Sequence[Window]] = tuple

    def looking(self) -> Target:
        """Return the same target for a look that changes nothing, as a dry run is."""
        return replace(self, publisher=self.publisher.looking())


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a promote or a roll-back.

    :param release: what the operation made (or would have made) live.
    :param switched: whether this operation has made a switch that was not announced yet: there is news for readers.
    :param message: one line for people.
    :param previous: what was live before.
    :param overtaken: nothing was done, as readers have something newer.
    :param readers: who has read the release that was rolled back, whose own output stands.
    """

    release: Release
    switched: bool
    message: str
    previous: Release | None = None
    overtaken: bool = False
    readers: tuple[str, ...] = ()


def readers_of(target: Target, bad: Release | None) -> tuple[str, ...]:
    """Return who has read a release: what they built from it stands."""
    if bad is None:
        return ()
    readers = target.store.usage.readers(bad.dataset.name, bad.number)
    return tuple(sorted({reader.consumer for reader in readers}))


def built_from(readers: Sequence[str]) -> str:
    """Return in words whose own output stands, whatever becomes of the release."""
    return f"Already built from it: {', '.join(readers)}." if readers else "Nobody has read it."
