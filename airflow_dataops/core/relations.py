"""Tables, views and their columns, by name."""

from __future__ import annotations

import re
from dataclasses import dataclass

QUERY_WORDS = ("SELECT", "WITH", "FROM", "VALUES", "TABLE")
"""What SQL that only reads begins with."""
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?")


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column as the database describes it: its name as stored, and its type in the database's own words."""

    name: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table or view by name; parts are raw names, never quoted, never holding a dot that separates.

    >>> str(Relation(schema="nyc", name="flights"))
    'nyc.flights'
    """

    name: str
    schema: str | None = None

    @classmethod
    def parse(cls, text: str) -> Relation:
        """Split ``schema.name`` at its first dot; a name without a dot has no schema."""
        schema, dot, name = text.partition(".")
        return cls(schema=schema, name=name) if dot else cls(name=text)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def text(self) -> str:
        """The relation as people write it in SQL: quoted only where it must be."""
        return str(self) if _PLAIN.fullmatch(str(self)) else self.sql

    @property
    def sql(self) -> str:
        """The relation quoted for SQL with double quotes, as SQLite, DuckDB and PostgreSQL take it."""
        parts = (self.schema, self.name) if self.schema else (self.name,)
        return ".".join('"' + part.replace('"', '""') + '"' for part in parts)
