"""What the publisher needs of a connection to an Iceberg catalogue, and how its tables, tags and branches are named."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.ports import Connector, Database
from airflow_dataops.core.relations import Relation

MAIN = "main"
_TAG = "tag_dataops_r"
_ASIDE = "tag_dataops_aside_"
_BRANCH = "branch_"
# A table's name is part of where its files lie.
_NAME = re.compile(r"[^\W\d]\w*")


class Catalogue(Protocol):
    """An Iceberg catalogue."""

    def table(self, relation: Relation) -> Any | None:
        """Return the table as it is now, as PyIceberg has it; ``None`` if there is none."""

    def begun(self, relation: Relation, schema: Any) -> Any:
        """Return PyIceberg's transaction that would create a table, of which nothing is to be seen yet."""

    def commit(self, table: Any, requirements: Sequence[Any], updates: Sequence[Any]) -> bool:
        """Commit to the table as it is by now, at once; ``False`` if a requirement is not met.

        :raises LockTimeout: another commit holds the catalogue; nothing was changed.
        """


class Rows(Database, Protocol):
    """A session that hands over rows as Arrow batches."""

    def stream(self, sql: str, take: Callable[[Any], Any]) -> Any:
        """Run a SELECT, hand its rows to ``take`` as a reader of batches, and return what that returns."""


class Lake(Connector, Protocol):
    """Opens a catalogue, and sessions in which its tables, tags and branches are relations."""

    def open(self, *, read_only: bool = False) -> AbstractContextManager[Rows]:
        """Open a session for a block."""

    def catalogue(self) -> AbstractContextManager[Catalogue]:
        """Open the catalogue for a block."""


def table_named(target: str) -> Relation:
    """Return the table that readers read.

    :raises ConfigurationError: it cannot be a table's name.
    """
    relation = Relation.parse(target)
    if relation.schema and all(_NAME.fullmatch(part) for part in (relation.schema, relation.name)):
        return relation
    raise ConfigurationError(
        f"target={target!r} cannot be an Iceberg table here: expected a namespace and a name of letters, digits and "
        "'_', such as 'nyc.flights'. Choose another target=."
    )


def release_of(target: Relation, release: int) -> Relation:
    """Return a release's tag, as Spark reads it."""
    return Relation(schema=target.schema, name=f"{target.name}.{_TAG}{release}")


def aside_of(target: Relation, epoch: int) -> Relation:
    """Return the tag of what somebody had written to the table itself when a roll-back moved it to this epoch."""
    return Relation(schema=target.schema, name=f"{target.name}.{_ASIDE}{epoch}")


def table_of(relation: Relation) -> Relation:
    """Return the table of which ``relation`` is a tag or a branch, or that it is itself."""
    return Relation(schema=relation.schema, name=relation.name.partition(".")[0])


def tag_of(relation: Relation) -> str:
    """Return the tag's own name."""
    return relation.name.partition(".")[2].removeprefix("tag_")


def branch_of(relation: Relation) -> str | None:
    """Return the branch's own name; ``None`` if it is none."""
    ref = relation.name.partition(".")[2]
    return ref.removeprefix(_BRANCH) if ref.startswith(_BRANCH) else None


def releases_in(target: Relation, tags: Sequence[str]) -> dict[int, Relation]:
    """Return those tags that are named like releases, by the release's number."""
    found = {}
    for tag in tags:
        number = tag.removeprefix(_TAG.removeprefix("tag_"))
        if number != tag and number.isdecimal() and str(int(number)) == number:
            found[int(number)] = release_of(target, int(number))
    return found
