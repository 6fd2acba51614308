"""The ports: what the services need of a database, an engine, a publisher and a store, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from airflow_dataops.core.metrics import Known, Metric
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.switching import Pointer, Switch, SwitchRecord


class Database(Protocol):
    """One open session of a database, as small as measuring and switching need it.

    Outside ``transaction()`` each statement commits by itself.
    """

    dialect: str  # sqlglot's name: "postgres", "sqlite", "duckdb"

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement with ``?`` placeholders and return all its rows (none for DDL).

        :raises MeasureError: with the database's own message; ``retryable`` where waiting can help.
        :raises LockTimeout: when a lock could not be had in time.
        """

    def transaction(self) -> AbstractContextManager[None]:
        """Run a block in one explicit transaction, taking the write lock at once where the engine has one."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Run a block of reads on one state of the data, without a write lock; in an open transaction, on its."""

    def columns(self, relation: Relation) -> list[Column]:
        """Return the relation's columns in order; empty where there is no such relation."""

    def describe(self, query: str) -> list[Column]:
        """Return the columns that a SELECT yields, without running it over the data."""

    def cancel(self) -> None:
        """Interrupt the running statement, from another thread."""

    def close(self) -> None:
        """Close the session; a transaction that is open is rolled back."""


class Voucher(Protocol):
    """What a source knows of itself without reading a row: validated constraints, file footers, snapshot statistics."""

    def known(self, metric: Metric) -> Known | None:
        """Return the metric's value if the source vouches for it; ``None``, unknown, means that it must be measured.

        Never a guess: what is known equals what a scan of the same data would measure.
        """


class Connector(Protocol):
    """Opens sessions of one database: what a connection id stands for below the hooks."""

    @property
    def dialect(self) -> str:
        """sqlglot's name of the database's SQL."""

    @property
    def label(self) -> str:
        """The connection as a person names it: its id, never a secret."""

    def open(self, *, read_only: bool = False) -> AbstractContextManager[Database]:
        """Open a session for a block; waits with jitter while another process holds the database's file.

        :raises ConfigurationError: unsupported database, or one that lives in this process's memory only.
        :raises LockTimeout: the file stayed locked.
        """


class Publisher(Protocol):
    """Moves what readers see. Every publisher passes one contract suite (``tests/publishers``).

    The pointer and the switch log live in the target, beside the reader-facing name; both are made on
    first use. Each method opens its own session, works and closes it.
    """

    name: str  # "view"

    def reader(self, target: str) -> Relation:
        """Return the reader-facing relation of ``target`` (``nyc.flights``); without schemas dots become ``_``."""

    def physical(self, target: str, release: int) -> Relation:
        """Return the release's own relation, ``<name>__r42``, within the engine's identifier limit."""

    def build(self, relation: Relation, sql: str) -> None:
        """Create ``relation`` from a SELECT, whole or not at all.

        :raises ConfigurationError: there is a relation of that name.
        """

    def take(self, source: Relation, relation: Relation) -> None:
        """Rename ``source``, a table that somebody built, to the release's own name.

        :raises ConfigurationError: there is no such table, or it is a view.
        """

    def drop(self, relation: Relation) -> None:
        """Drop the release's table if it is there; never CASCADE."""

    def exists(self, relation: Relation) -> bool:
        """Return whether there is a table or view of that name."""

    def resolve(self, relation: Relation) -> Relation | None:
        """Return the table or view as the catalogue names it, with its schema where there are any; ``None`` if missing.

        Two spellings of one relation resolve to the same.
        """

    def adoptable(self, target: str) -> bool:
        """Return whether the reader-facing name is a plain table that a first switch would adopt.

        :raises ConfigurationError: it is a view that no release stands behind.
        """

    def pointer(self, dataset: str, target: str) -> Pointer:
        """Return the pointer; epoch 0 and no release before the first switch."""

    def switched(self, dataset: str, target: str, op_id: str) -> SwitchRecord | None:
        """Return the switch that ``op_id`` made, from the target's own log."""

    def last_switch(self, dataset: str, target: str) -> SwitchRecord | None:
        """Return the newest switch in the target's own log."""

    def preflight(self, switch: Switch) -> tuple[str, ...]:
        """Return what would make the switch fail, a line each; empty if nothing."""

    def switch(self, switch: Switch, verify: Callable[[Database], None]) -> Pointer:
        """Flip the reader-facing name, the pointer (compare-and-set) and the log row in one transaction.

        ``verify`` runs in the same transaction before any lock that readers could feel, and raises to refuse.

        :raises PublishConflict: the pointer is not at ``switch.expect``.
        :raises LockTimeout: the lock could not be had within the deadline; names the blocker.
        """

    def fence(self, dataset: str, target: str, expect: int) -> Pointer:
        """Raise the epoch by one and leave the relation, so that a switch begun before loses.

        :raises PublishConflict: the pointer is not at ``expect``.
        """
