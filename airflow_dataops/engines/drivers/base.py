"""What a database's Python drivers do in their own way, with the answer most of them share."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from airflow_dataops.core.errors import DataOpsError, MeasureError
from airflow_dataops.core.relations import Column, Relation

log = logging.getLogger(__name__)

# A quoted value may hold quotes and line ends of its own: all is left out from the first quote to the last, or to the
# end; where names of a column or a key follow, as MySQL has it, these stay.
_VALUE_OF = re.compile(r"""(["']).*\1(?= for (?:column|key) )""", re.DOTALL)
_QUOTED = re.compile(r"""(["']).*\1|["'].*""", re.DOTALL)
_PLACEHOLDERS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|--[^\n]*|\?|%""")

Rows = list[tuple[Any, ...]]


class Asks(Protocol):
    """The part of a session that a driver needs to ask the database about itself."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run one statement with ``?`` placeholders and return all its rows."""

    def described(self, sql: str) -> Sequence[Any]:
        """Run one statement and return what its cursor says of each column, in the driver's own shape."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """What is to be cancelled, and with what.

    :param cursor: what runs the statement; ``None`` between two.
    :param number: what the server calls the connection: asked for at its beginning, as a busy one may not answer.
    :param another: opens a second connection of the same kind.
    """

    connection: Any
    cursor: Any | None
    number: int | None
    another: Callable[[], Any] | None


class Driver:
    """One database's ways; stateless, so that one serves every session.

    A subclass says only what is otherwise there.
    """

    dialect: ClassVar[str]
    """sqlglot's name of the database's SQL."""
    label: ClassVar[str]
    """The database as a person names it."""
    names: ClassVar[tuple[str, ...]]
    """What SQLAlchemy and Airflow's hooks call it."""
    begin: ClassVar[tuple[str, ...]] = ("BEGIN",)
    """Begins a transaction that writes."""
    snapshot: ClassVar[tuple[str, ...]] = ()
    """Begins a transaction that reads one state of the data; empty where there is none over several statements."""
    mark: ClassVar[str] = ""
    """Stands behind each statement where the database keeps them, so that its records tell ours from others'."""

    def enter(self, connection: Any) -> Callable[[], None]:
        """Let each statement commit by itself; return what makes the connection as it was."""
        return lambda: None

    def number(self, connection: Any) -> int | None:
        """Return what the server calls the connection, if cancelling takes that."""
        return None

    def cursor(self, connection: Any) -> AbstractContextManager[Any]:
        """Return a cursor to run one statement with."""
        return contextlib.closing(connection.cursor())

    def fetched(self, cursor: Any) -> Rows:
        """Return all rows."""
        return [_values(row) for row in cursor.fetchall()]

    def repeated(self, cursor: Any) -> list[int]:
        """Return the numbers that are more than once in the result's one column: of a database in this process."""
        raise NotImplementedError

    def shape(self, cursor: Any) -> Sequence[Any]:
        """Return what the cursor says of each column of its result."""
        return list(cursor.description)

    def styled(self, sql: str, connection: Any) -> str:
        """Return a statement with ``?`` placeholders in the driver's own style."""
        return sql

    def reads_only(self, db: Asks) -> None:
        """Let the session write nothing any more, where the database can be told so."""

    def columns(self, db: Asks, relation: Relation) -> list[Column]:
        """Return the relation's columns in order; empty where there is no such relation."""
        raise NotImplementedError

    def describe(self, db: Asks, query: str) -> list[Column]:
        """Return the columns that a SELECT yields, without running it over the data."""
        raise NotImplementedError

    def cancel(self, running: Running) -> None:
        """Interrupt the running statement, from another thread."""
        log.debug("%s: the driver cannot cancel a running statement; it runs to its end.", self.label)

    def close(self, connection: Any) -> None:
        """Close the connection; one that is closed stays so."""
        connection.close()

    def understood(self, error: Exception) -> DataOpsError | None:
        """Return the error of this package that ``error`` stands for, or ``None`` if no driver of it raised it.

        It has the database's own words and no row's values.
        """
        raise NotImplementedError

    @contextlib.contextmanager
    def understanding(self) -> Iterator[None]:
        """Raise what the driver raises in the block as an error of this package."""
        try:
            yield
        except Exception as error:
            raised = self.understood(error)
            if raised is None:
                raise
            raise raised from error


def _values(row: Any) -> tuple[Any, ...]:
    """Return a row as a tuple, though the connection were told to make dictionaries of them."""
    return tuple(row.values()) if isinstance(row, Mapping) else tuple(row)


def columns_of_no_row(driver: Driver, db: Asks, relation: Relation, *, missing: Sequence[str]) -> list[Column]:
    """Return a relation's columns by describing no row of it, where there is no catalogue that always knows them.

    :param missing: words of the messages that say that there is no such relation.
    """
    from airflow_dataops.engines.sql.dialects import rules_of

    try:
        return driver.describe(db, f"SELECT * FROM {rules_of(driver.dialect).relation(relation)}")
    except MeasureError as error:
        if any(words in str(error) for words in missing):
            return []
        raise


def percent_style(sql: str, *, doubled: bool = True) -> str:
    """Return ``sql`` with ``%s`` for each ``?`` that stands outside quotes and comments.

    :param doubled: whether the driver reads ``%%`` as the sign itself.
    """

    def swap(found: re.Match[str]) -> str:
        if found[0] == "?":
            return "%s"
        return found[0].replace("%", "%%") if doubled else found[0]

    return _PLACEHOLDERS.sub(swap, sql)


def without_values(text: str) -> str:
    """Return a message with the values that it quotes left out."""
    told, count = _VALUE_OF.subn("'…'", text)
    return told if count else _QUOTED.sub("'…'", text)


def family(error: Exception, *modules: str) -> set[str]:
    """Return the names of the error's classes that come from ``modules``: a driver is known without an import."""
    return {cls.__name__ for cls in type(error).__mro__ if cls.__module__.split(".")[0] in modules}
