"""What the release services work on, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    """

    store: Store
    publisher: Publisher
    connector: Connector
    fingerprint: Callable[[Database, Relation], str]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a promote or a roll-back.

    :param release: what the operation made (or would have made) live.
    :param switched: whether this operation has made a switch that was not announced yet: there is news for readers.
    :param message: one line for people.
    :param previous: what was live before.
    """

    release: Release
    switched: bool
    message: str
    previous: Release | None = None
