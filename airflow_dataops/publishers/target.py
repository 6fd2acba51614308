"""What differs between databases when what readers see is moved; one module for each implements this."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.switching import Switch
from airflow_dataops.publishers.patience import Patience


class Target(Protocol):
    """One kind of database, as the view publisher needs it."""

    name_limit: int | None  # bytes of an identifier; beyond it PostgreSQL cuts silently

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

    def steady(self, db: Database, relation: Relation) -> None:
        """Keep writers, not readers, off ``relation`` until the transaction ends."""

    def obstacles(self, db: Database, switch: Switch) -> list[str]:
        """Return what only this kind of database has against the switch, a line each."""

    def rename(self, db: Database, source: Relation, relation: Relation) -> None:
        """Rename a table, without touching the text of views that mention it."""

    def freeze(self, db: Database, relation: Relation) -> None:
        """Make a finished release as unchangeable as the engine allows, and ready to be read."""

    def flip(self, db: Database, switch: Switch, patience: Patience) -> None:
        """Point the reader-facing name to ``switch.relation``, adopting a plain table; part of a transaction."""

    def dependents(self, db: Database, relation: Relation) -> list[str]:
        """Return the views that read ``relation``, by name."""

    def blockers(self, db: Database, alone: Iterable[Relation], unwritten: Iterable[Relation]) -> list[str]:
        """Return who uses ``alone`` or writes ``unwritten``, in words; empty where the engine does not tell."""


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
