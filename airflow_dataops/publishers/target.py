"""What differs between databases when what readers see is moved; one module for each implements this."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.ports import Connector, Database
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.switching import Pointer, Switch
from airflow_dataops.publishers.patience import Patience
from airflow_dataops.publishers.pointers import PointerTables, Wording


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One dataset's part in a transaction that switches.

    :param before: the pointer as it was when the transaction first looked.
    """

    switch: Switch
    tables: PointerTables
    before: Pointer


class Target(Protocol):
    """One kind of database, as the view publisher needs it; what has a body suits most of them."""

    name_limit: int | None  # bytes of an identifier; beyond it PostgreSQL cuts silently
    wording: Wording
    one_by_one: str | None  # why several datasets cannot be switched in one transaction; None where they can
    freezing: Mapping[str, str | None]  # each way to keep a release from being changed, and why it is not to be had

    def relation(self, name: str) -> Relation:
        """Return the relation that a person calls ``name``."""

    def kind(self, db: Database, relation: Relation) -> str | None:
        """Return ``"table"``, ``"view"``, another word for what else has the name, or ``None``."""

    def resolve(self, db: Database, relation: Relation) -> Relation | None:
        """Return the relation as the catalogue names it, or ``None``; two spellings of one resolve to the same."""

    def prepare(self, db: Database) -> None:
        """Set what must be set before a transaction that writes."""

    def ensure_schema(self, db: Database, schema: str) -> None:
        """Create the schema where it is missing."""

    def guard(self, db: Database) -> None:
        """Make lock waits in this transaction short, so that readers do not queue behind ours for long."""

    def switching(self, db: Database) -> AbstractContextManager[None]:
        """Run a switch or a fence: in one transaction, where DDL is part of one."""

    def steadied(
        self, db: Database, relations: Sequence[Relation], connector: Connector
    ) -> AbstractContextManager[None]:
        """Keep writers, not readers, off ``relations`` from before they are verified until readers have them."""

    def publish(self, db: Database, turns: Sequence[Turn], patience: Patience) -> list[Pointer]:
        """Move each pointer from where it was, write the log's rows and flip; return the pointers.

        Those alone that come before the first which was not there any more: then nothing may be committed.
        """

    def alone(
        self, db: Database, reader: Relation, tables: PointerTables, patience: Patience
    ) -> AbstractContextManager[None]:
        """Run a block while nobody flips ``reader``, having put right what a killed switch has left of it."""

    def apart(self, db: Database, reader: Relation, tables: PointerTables) -> bool:
        """Return whether ``reader`` shows another release than its pointer says: amid a switch, or a killed one's."""

    def claim(self, db: Database, relation: Relation, tables: PointerTables) -> None:
        """Keep everybody off a table that is to be dropped, where a view over it would not stop that."""

    def obstacles(self, db: Database, switch: Switch) -> list[str]:
        """Return what only this kind of database has against the switch, a line each."""

    def rename(self, db: Database, source: Relation, relation: Relation) -> None:
        """Rename a table, without touching the text of views that mention it."""

    def freeze(self, db: Database, relation: Relation, by: str | None = None) -> None:
        """Make a finished release ready to be read and, in one of the ways of ``freezing``, unchangeable."""

    def dependents(self, db: Database, relation: Relation) -> list[str]:
        """Return the views that read ``relation``, by name."""

    def blockers(self, db: Database, alone: Iterable[Relation], unwritten: Iterable[Relation]) -> list[str]:
        """Return who uses ``alone`` or writes ``unwritten``, in words; empty where the engine does not tell."""

    def hand_back(self, db: Database, view: Relation, table: Relation) -> None:
        """Put ``table`` in the place of the view over it, as it was before releases; part of a transaction.

        :raises ConfigurationError: others read the table under the name that it loses.
        """
        db.execute(f"DROP VIEW {view.sql}")
        refuse_dependents(table, self.dependents(db, table))
        self.rename(db, table, view)

    def tables(self, db: Database, beside: Relation) -> list[str]:
        """Return the names of all tables in the schema of ``beside``."""
        rows = db.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND table_schema = COALESCE(?, current_schema()) ORDER BY table_name",
            (beside.schema,),
        )
        return [name for (name,) in rows]

    # What the preflight tells of a relation, for people; an engine that does not tell says nothing.

    def fittings(self, db: Database, relation: Relation) -> list[str]:
        """Return what a table has beside columns, alike for two tables that have the same: indexes, keys, defaults."""
        return []

    def comparable(self, type_: str) -> str:
        """Return a column's type so that two which hold the same are equal."""
        return type_

    def grants(self, db: Database, relation: Relation) -> list[str]:
        """Return who may do what with ``relation``, its owner aside."""
        return []

    def file(self, db: Database) -> str | None:
        """Return the database's file, where it is one on this machine."""
        return None


def refuse_dependents(table: Relation, views: list[str]) -> None:
    """Raise if others read ``table``."""
    if views:
        raise ConfigurationError(f"{', '.join(views)} depend on {table}. Drop or change these first.")


class Transactional(Target):
    """A database where DDL is part of a transaction: a switch is one, and of a killed one nothing is left."""

    wording = Wording()
    one_by_one: str | None = None

    def guard(self, db: Database) -> None:
        """Make lock waits in this transaction short, so that readers do not queue behind ours for long."""
        raise NotImplementedError

    def steady(self, db: Database, relation: Relation) -> None:
        """Keep writers, not readers, off ``relation`` until the transaction ends."""
        raise NotImplementedError

    def flip(self, db: Database, switches: Sequence[Switch], patience: Patience) -> None:
        """Point each reader-facing name to its new relation, adopting a plain table; part of a transaction."""
        raise NotImplementedError

    @contextlib.contextmanager
    def switching(self, db: Database) -> Iterator[None]:
        """Run a switch or a fence in one transaction."""
        with db.transaction():
            self.guard(db)
            yield

    @contextlib.contextmanager
    def steadied(self, db: Database, relations: Sequence[Relation], connector: Connector) -> Iterator[None]:
        """Keep writers off until the transaction ends."""
        for relation in relations:
            self.steady(db, relation)
        yield

    def publish(self, db: Database, turns: Sequence[Turn], patience: Patience) -> list[Pointer]:
        """Record, then flip: the locks that readers feel are held to the commit only."""
        moved = []
        for turn in turns:
            after = turn.tables.advance(db, turn.before, turn.switch.release, str(turn.switch.relation))
            if after is None:
                return moved
            turn.tables.append(db, turn.switch, after.epoch)
            moved.append(after)
        self.flip(db, [turn.switch for turn in turns], patience)
        return moved

    @contextlib.contextmanager
    def alone(self, db: Database, reader: Relation, tables: PointerTables, patience: Patience) -> Iterator[None]:
        """Run the block: what others do is not to be seen before it is done."""
        yield

    def apart(self, db: Database, reader: Relation, tables: PointerTables) -> bool:
        """Return ``False``: view and pointer move together."""
        return False

    def claim(self, db: Database, relation: Relation, tables: PointerTables) -> None:
        """Do nothing: the view over a table, or the transaction's own lock, keeps it from being dropped."""


def own_relation(reader: Relation, release: int, limit: int | None) -> Relation:
    """Return the release's own relation; a name too long is shortened with a hash and keeps its ``__r42``."""
    tail = f"__r{release}"
    if limit and len((reader.name + tail).encode()) > limit:
        tail = f"_{hashlib.sha256(reader.name.encode()).hexdigest()[:8]}{tail}"
        stem = reader.name.encode()[: limit - len(tail)].decode(errors="ignore")
        return Relation(schema=reader.schema, name=stem + tail)
    return Relation(schema=reader.schema, name=reader.name + tail)


def standing(tables: PointerTables, db: Database, reader: Relation, limit: int | None) -> Pointer | None:
    """Return the pointer that says which release readers of ``reader`` get, whatever its dataset is called."""
    for pointer in tables.live(db):
        if pointer.release is not None and pointer.relation == str(own_relation(reader, pointer.release, limit)):
            return pointer
    return None


def mentioning(name: str, views: Iterable[tuple[str, str]]) -> list[str]:
    """Return the labels of those (label, SQL) whose SQL mentions ``name`` as a word, in any case."""
    word = re.compile(rf"(?<!\w){re.escape(name.replace(chr(34), chr(34) * 2))}(?!\w)", re.IGNORECASE)
    return [label for label, sql in views if word.search(sql)]


def missing_columns(before: Iterable[Column], after: Iterable[Column]) -> list[str]:
    """Return the names of ``before`` that ``after`` lacks, in databases that ignore case."""
    kept = {column.name.lower() for column in after}
    return [column.name for column in before if column.name.lower() not in kept]


def breaks_dependents(db: Database, target: Target, switch: Switch) -> list[str]:
    """Return the refusal where columns vanish that other views may read (views bind by name here)."""
    gone = missing_columns(db.columns(switch.reader), db.columns(switch.relation))
    views = target.dependents(db, switch.reader) if gone else []
    if not views:
        return []
    return [
        f"{switch.relation} lacks {', '.join(gone)}, and views read {switch.reader}: {', '.join(views)}. "
        "Change or drop these views first."
    ]
