"""Tables, views and their columns, by name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_dataops.core.errors import ConfigurationError

QUERY_WORDS = ("SELECT", "WITH", "FROM", "VALUES", "TABLE")
"""What SQL that only reads begins with."""
LONGEST = 200
"""Characters of a name, its schema's with it, that the store keeps."""
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
        return str(self) if self.plain else self.sql

    @property
    def plain(self) -> bool:
        """Whether every database takes the relation without quotes."""
        return _PLAIN.fullmatch(str(self)) is not None

    @property
    def sql(self) -> str:
        """The relation quoted for SQL with double quotes, as SQLite, DuckDB and PostgreSQL take it."""
        return self.quoted('"')

    def quoted(self, mark: str) -> str:
        """Return the relation for SQL with ``mark`` around each part."""
        parts = (self.schema, self.name) if self.schema else (self.name,)
        return ".".join(mark + part.replace(mark, mark * 2) + mark for part in parts)


def check_name(argument: str, value: object) -> str:
    """Return ``value`` if it can name a table or view: any text of one line, of which all is quoted.

    :raises ConfigurationError: it cannot; says why.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{argument} is a {type(value).__name__}, not a text such as 'sales.orders'.")
    why = None
    if not all(value.split(".", 1)):
        why = "a part of it is empty"
    elif len(value) > LONGEST:
        why = f"it has {len(value):,} characters, and {LONGEST} are allowed"
    elif not value.isprintable():  # line ends, halves of characters, what turns the direction of writing, …
        why = "it holds a character that cannot be printed"
    if why:
        raise ConfigurationError(
            f"{argument}={value[:80]!r} cannot name a table: {why}. Give a name such as 'sales.orders'."
        )
    return value
