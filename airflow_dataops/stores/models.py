"""The store's tables. Evidence is append-only: nothing here updates an event, a gate run or a read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Dialect, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION = "0007"
"""The newest migration: what this package reads and writes (a test compares it with Alembic's head)."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time, on databases that forget the zone too."""

    impl = SqlDateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


class Base(DeclarativeBase):
    """Names every table ``dataops_…``, so that the store can live in a shared database."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        str: String(250),
    }


class TaskColumns:
    """Where in Airflow a row comes from; empty outside of it."""

    dag_id: Mapped[str | None]
    run_id: Mapped[str | None]
    task_id: Mapped[str | None]
    map_index: Mapped[int] = mapped_column(default=-1)
    try_number: Mapped[int] = mapped_column(default=0)


class DatasetRow(Base):
    __tablename__ = "dataops_dataset"
    __table_args__ = (UniqueConstraint("conn_id", "reader_key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    conn_id: Mapped[str]
    publisher: Mapped[str]
    target: Mapped[str]
    reader: Mapped[str]
    # Two datasets must not share what readers read: the second's releases would overwrite the first's.
    reader_key: Mapped[str]
    created_at: Mapped[datetime]


class ReleaseRow(TaskColumns, Base):
    __tablename__ = "dataops_release"
    __table_args__ = (
        UniqueConstraint("dataset_id", "number"),
        Index("ix_dataops_release_relation", "relation"),
        Index("ix_dataops_release_state", "state"),
        # One live release of a dataset, by the database's own word.
        Index(
            "ux_dataops_release_live",
            "dataset_id",
            unique=True,
            sqlite_where=text("state = 'LIVE'"),
            postgresql_where=text("state = 'LIVE'"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataops_dataset.id"))
    number: Mapped[int]
    relation: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    fingerprint: Mapped[str | None] = mapped_column(Text)
    columns: Mapped[list[Any]] = mapped_column(default=list)
    sources: Mapped[list[Any]] = mapped_column(default=list)
    gates: Mapped[list[Any]] = mapped_column(default=list)
    # None for releases that were staged before there were approvals.
    approvals: Mapped[list[Any] | None]
    interval_end: Mapped[datetime | None]
    # The release whose rows it was built from in part.
    base: Mapped[int | None]
    op_id: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]
    dataset: Mapped[DatasetRow] = relationship(lazy="joined", innerjoin=True)


class ReleaseEventRow(TaskColumns, Base):
    __tablename__ = "dataops_release_event"
    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("dataops_release.id"), index=True)
    action: Mapped[str] = mapped_column(String(20))
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str | None] = mapped_column(String(20))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    op_id: Mapped[str] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    release: Mapped[ReleaseRow] = relationship(lazy="joined", innerjoin=True)


class IntentRow(TaskColumns, Base):
    __tablename__ = "dataops_intent"
    op_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataops_dataset.id"), index=True)
    number: Mapped[int]
    from_epoch: Mapped[int]
    leaves: Mapped[str] = mapped_column(String(20))
    # The names of a release set's members; none where one release is switched by itself.
    together: Mapped[list[Any] | None]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)


class DiffRow(TaskColumns, Base):
    __tablename__ = "dataops_diff"
    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("dataops_release.id"), index=True)
    # The release that was live then; none where nothing was.
    base: Mapped[int | None]
    fingerprint: Mapped[str | None] = mapped_column(Text)
    refused: Mapped[list[Any]] = mapped_column(default=list)
    report: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Text)
    release: Mapped[ReleaseRow] = relationship(lazy="joined", innerjoin=True)


class ApprovalRow(TaskColumns, Base):
    __tablename__ = "dataops_approval"
    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("dataops_release.id"), index=True)
    # An answer counts only for the content that it was given for.
    fingerprint: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime | None]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Text)
    release: Mapped[ReleaseRow] = relationship(lazy="joined", innerjoin=True)


class GateRunRow(TaskColumns, Base):
    __tablename__ = "dataops_gate_run"
    __table_args__ = (
        Index("ix_dataops_gate_run_task", "dag_id", "run_id", "task_id", "map_index"),
        Index("ix_dataops_gate_run_release", "dataset", "release"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    suite: Mapped[str]
    suite_hash: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(Text)
    conn_id: Mapped[str | None]
    dataset: Mapped[str | None]
    release: Mapped[int | None]
    fingerprint: Mapped[str | None] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(String(10))
    on_fail: Mapped[str] = mapped_column(String(10))
    row_count: Mapped[int | None] = mapped_column(BigInteger)
    statements: Mapped[list[Any]] = mapped_column(default=list)
    seconds: Mapped[float]
    at: Mapped[datetime] = mapped_column(index=True)
    by: Mapped[str] = mapped_column(Text)
    results: Mapped[list[CheckResultRow]] = relationship(order_by="CheckResultRow.position")


class CheckResultRow(Base):
    __tablename__ = "dataops_check_result"
    id: Mapped[int] = mapped_column(primary_key=True)
    gate_run_id: Mapped[int] = mapped_column(ForeignKey("dataops_gate_run.id"), index=True)
    position: Mapped[int]
    check_id: Mapped[str] = mapped_column(String(32), index=True)
    outcome: Mapped[str] = mapped_column(String(10))
    result: Mapped[dict[str, Any]]


class ConsumerRow(Base):
    __tablename__ = "dataops_consumer"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(520), unique=True)


class UsageRow(Base):
    """Who uses what how, with what all such events add up to: the events themselves are not kept for ever.

    One row whatever the release, of which there may be one a day: ``release`` and ``relation`` are those used last.
    """

    __tablename__ = "dataops_usage"
    id: Mapped[int] = mapped_column(primary_key=True)
    # A hash of what makes it one row, which has columns that may be empty.
    key: Mapped[str] = mapped_column(String(64), unique=True)
    consumer_id: Mapped[int] = mapped_column(ForeignKey("dataops_consumer.id"), index=True)
    dag_id: Mapped[str | None]
    dataset: Mapped[str | None] = mapped_column(index=True)
    release: Mapped[int | None]
    relation: Mapped[str] = mapped_column(Text)
    conn_id: Mapped[str | None]
    access: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(20))
    columns: Mapped[list[Any] | None]
    events: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    consumer: Mapped[ConsumerRow] = relationship(lazy="joined", innerjoin=True)


class UsageDayRow(Base):
    """How often which release on one day (UTC)."""

    __tablename__ = "dataops_usage_day"
    usage_id: Mapped[int] = mapped_column(ForeignKey("dataops_usage.id"), primary_key=True)
    # -1 for what is of no release: a key has no empty column.
    release: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    events: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class UsageEventRow(TaskColumns, Base):
    __tablename__ = "dataops_usage_event"
    __table_args__ = (Index("ix_dataops_usage_event_task", "run_id", "usage_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    usage_id: Mapped[int] = mapped_column(ForeignKey("dataops_usage.id"))
    release: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(index=True)


class CoverageRow(Base):
    """How much of what a consumer did on one day (UTC) is known."""

    __tablename__ = "dataops_usage_coverage"
    __table_args__ = (Index("ix_dataops_usage_coverage_day", "day"),)
    consumer_id: Mapped[int] = mapped_column(ForeignKey("dataops_consumer.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    statements: Mapped[int] = mapped_column(BigInteger)
    unparsed: Mapped[int] = mapped_column(BigInteger)
    dropped: Mapped[int] = mapped_column(BigInteger)
    lost: Mapped[int] = mapped_column(BigInteger)


class ContractRow(Base):
    __tablename__ = "dataops_contract"
    __table_args__ = (UniqueConstraint("dataset", "consumer"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    consumer: Mapped[str] = mapped_column(String(520))
    dataset: Mapped[str]
    owner: Mapped[str | None] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    checks: Mapped[list[Any]]
    hash: Mapped[str] = mapped_column(String(64))
    # Why it cannot be read; then it has no checks.
    problem: Mapped[str | None] = mapped_column(Text)
    registered_at: Mapped[datetime]


class StopLiftRow(Base):
    """Somebody lets a dataset or table be read, whatever was found."""

    __tablename__ = "dataops_stop_lift"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)


class DeclaredRow(Base):
    __tablename__ = "dataops_declared"
    id: Mapped[int] = mapped_column(primary_key=True)
    origin: Mapped[str] = mapped_column(Text)
    consumer: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Text)
    columns: Mapped[list[Any] | None]
    kind: Mapped[str | None] = mapped_column(Text)
    owner: Mapped[str | None] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]


class HarvestRow(Base):
    """The last harvest of a database's record of its use."""

    __tablename__ = "dataops_harvest"
    conn_id: Mapped[str] = mapped_column(primary_key=True)
    record: Mapped[str] = mapped_column(String(20), primary_key=True)
    # How many there were: of two that run at once, one is first, and the other's finds are not counted.
    number: Mapped[int]
    at: Mapped[datetime]
    since: Mapped[datetime]
    state: Mapped[dict[str, Any]]


class PinRow(Base):
    __tablename__ = "dataops_pin"
    __table_args__ = (UniqueConstraint("dataset_id", "dag_id", "run_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataops_dataset.id"))
    dag_id: Mapped[str]
    run_id: Mapped[str]
    number: Mapped[int]
    at: Mapped[datetime]
