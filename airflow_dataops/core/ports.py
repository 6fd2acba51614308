"""The ports: what the services need of a database, an engine, a publisher and a store, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from airflow_dataops.core.metrics import Known, Metric
from airflow_dataops.core.plans import Finding
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

    def repeated(self, sql: str) -> list[int]:
        """Run a SELECT of one column of whole numbers and return those that are there more than once.

        Asked only of a database in this process, which hands its columns over as they are.
        """

    def transaction(self) -> AbstractContextManager[None]:
        """Run a block in one explicit transaction, taking the write lock at once where the engine has one."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Run a block of reads on one state of the data, without a write lock; in an open transaction, on its."""

    def columns(self, relation: Relation) -> list[Column]:
        """Return the relation's columns in order; empty where there is no such relation."""

    def describe(self, query: str) -> list[Column]:
        """Return the columns that a SELECT yields, without running it over the data."""

    def identity(self, relation: Relation) -> str | None:
        """Return a mark of the relation's whole content that its source gives it; ``None`` where only its rows tell."""

    def vouchers(self, relation: Relation) -> tuple[Voucher, ...]:
        """Return what the relation's source knows of itself, its constraints aside."""

    def cancel(self) -> None:
        """Interrupt the running statement, from another thread."""

    def close(self) -> None:
        """Close the session; a transaction that is open is rolled back."""


Run = Callable[[Database, str], object]
"""Runs one statement on a session."""


def run_plainly(db: Database, statement: str) -> None:
    """Run a statement and wait for it."""
    db.execute(statement)


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

    name: str  # "view", "pointer_view", "iceberg", "files"
    takes: str  # the stage's argument that names what a task has built: "relation", "branch", "path"

    @property
    def one_by_one(self) -> str | None:
        """Why several datasets cannot be switched in one transaction here; ``None`` where they can."""

    def looking(self) -> Publisher:
        """Return a publisher for looks alone: they change nothing, not even what a killed switch has left."""

    def freezing(self, by: str) -> Publisher:
        """Return a publisher that also lets the database refuse changes of what it builds or takes.

        :param by: ``triggers`` or ``grants``.
        :raises ConfigurationError: it is neither, or cannot be had here; says why.
        """

    def reader(self, target: str) -> Relation:
        """Return the reader-facing relation of ``target`` (``nyc.flights``); without schemas dots become ``_``."""

    def physical(self, target: str, release: int) -> Relation:
        """Return the release's own relation, ``<name>__r42``, within the engine's identifier limit."""

    def build(self, relation: Relation, sql: str, run: Run = run_plainly) -> None:
        """Create ``relation`` from a SELECT, whole or not at all.

        :param run: runs the one statement that may take long.
        :raises ConfigurationError: there is a relation of that name.
        """

    def build_part(self, relation: Relation, base: Relation, where: str, rows: str, run: Run = run_plainly) -> bool:
        """Create ``relation`` as a cheap copy of ``base`` in which ``rows``, a SELECT, replace what meets ``where``.

        :param where: a SQL condition; rows for which it is null are kept.
        :return: ``False`` where there is no such copy, or none by this condition: then nothing was done.
        """

    def take(self, source: Relation, relation: Relation) -> None:
        """Rename ``source``, a table that somebody built, to the release's own name.

        :raises ConfigurationError: there is no such table, or it is a view.
        """

    def drop(self, relation: Relation) -> None:
        """Drop the release's table if it is there; never CASCADE."""

    def dependents(self, relation: Relation) -> tuple[str, ...]:
        """Return what reads ``relation``, by name."""

    def built(self, target: str) -> dict[int, Relation]:
        """Return the tables that are named like releases of ``target``, by the release's number, whoever made them."""

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

    def report(self, switch: Switch) -> tuple[Finding, ...]:
        """Return what stands against the switch, and what readers will find changed: for people, before it is made."""

    def switch(self, switch: Switch, verify: Callable[[Database], None]) -> Pointer:
        """Flip the reader-facing name, the pointer (compare-and-set) and the log row: all or none.

        ``verify`` runs while nobody can write to the release, before any lock that readers could feel, and raises to
        refuse. Where no transaction holds the three together, what a kill has left is put right by whoever comes next.

        :raises PublishConflict: the pointer is not at ``switch.expect``.
        :raises LockTimeout: the lock could not be had within the deadline; names the blocker.
        """

    def switch_all(self, switches: Sequence[tuple[Switch, Callable[[Database], None]]]) -> tuple[Pointer, ...]:
        """Make several switches in one transaction, each with what verifies it: all or none.

        Asked only of a publisher whose ``one_by_one`` is ``None``. Who reads several of the datasets in one snapshot
        gets the old releases or the new.

        :raises PublishConflict: one of the pointers is not where its switch expects it.
        :raises LockTimeout: a lock could not be had within the deadline; names the blocker.
        """

    def hand_back(self, switch: Switch) -> Pointer:
        """Put the release's table in the place of the view over it, without a live release from then on, atomically.

        :raises ConfigurationError: its table is not there, or views depend on what is dropped.
        :raises PublishConflict: the pointer is not at ``switch.expect``.
        """

    def fence(self, dataset: str, target: str, expect: int) -> Pointer:
        """Raise the epoch by one and leave the relation, so that a switch begun before loses.

        :raises PublishConflict: the pointer is not at ``expect``.
        """
