"""Usage that adds up: who uses what how, in all and per day, and how much of it is known."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WHAT = ("dag_id", "dataset", "relation", "source")
_USE = ("consumer_id", *_WHAT)


def upgrade() -> None:
    op.create_table(
        "dataops_usage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("consumer_id", sa.Integer(), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("dataset", sa.String(length=250), nullable=True),
        sa.Column("release", sa.Integer(), nullable=True),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("conn_id", sa.String(length=250), nullable=True),
        sa.Column("access", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=True),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["consumer_id"], ["dataops_consumer.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_dataops_usage_dataset", "dataops_usage", ["dataset"])
    op.create_index("ix_dataops_usage_consumer_id", "dataops_usage", ["consumer_id"])
    op.create_table(
        "dataops_usage_day",
        sa.Column("usage_id", sa.Integer(), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["usage_id"], ["dataops_usage.id"]),
        sa.PrimaryKeyConstraint("usage_id", "release", "day"),
    )
    op.create_table(
        "dataops_usage_coverage",
        sa.Column("consumer_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("statements", sa.BigInteger(), nullable=False),
        sa.Column("unparsed", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("lost", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["consumer_id"], ["dataops_consumer.id"]),
        sa.PrimaryKeyConstraint("consumer_id", "day"),
    )
    op.create_index("ix_dataops_usage_coverage_day", "dataops_usage_coverage", ["day"])
    op.create_index("ix_dataops_release_relation", "dataops_release", ["relation"])
    op.create_index("ix_dataops_release_state", "dataops_release", ["state"])
    op.add_column("dataops_usage_event", sa.Column("usage_id", sa.Integer(), nullable=True))
    _add_up()
    with op.batch_alter_table("dataops_usage_event") as batch:
        batch.drop_index("ix_dataops_usage_event_consumer_id")
        batch.drop_index("ix_dataops_usage_event_dataset")
        for name in ("consumer_id", "dataset", "relation", "source"):
            batch.drop_column(name)
        batch.alter_column("usage_id", existing_type=sa.Integer(), nullable=False)
        batch.create_foreign_key("fk_dataops_usage_event_usage_id", "dataops_usage", ["usage_id"], ["id"])
        batch.create_index("ix_dataops_usage_event_task", ["run_id", "usage_id"])


def _add_up() -> None:
    """Make the rows that the events there are add up to."""
    connection = op.get_bind()
    tables = sa.MetaData()
    event, usage, day, consumer = (
        sa.Table(name, tables, autoload_with=connection)
        for name in ("dataops_usage_event", "dataops_usage", "dataops_usage_day", "dataops_consumer")
    )
    named = sa.select(event, consumer.c.name).join(consumer, consumer.c.id == event.c.consumer_id)
    made: dict[str, int] = {}
    for row in connection.execute(named.order_by(event.c.at.desc(), event.c.id)).mappings().all():
        use = {name: row[name] for name in _USE}
        relation = row["relation"] if row["dataset"] is None else None
        said = [row["name"], row["dag_id"], row["dataset"], relation, None, "read", row["source"], None]
        key = hashlib.sha256(json.dumps(said).encode()).hexdigest()
        at, release = row["at"], -1 if row["release"] is None else row["release"]
        times = {"events": 1, "first_at": at, "last_at": at}
        if key not in made:  # with what was used last
            new = usage.insert().values(**use, **times, key=key, access="read", release=row["release"])
            made[key] = connection.execute(new).inserted_primary_key[0]
        else:
            _count(connection, usage, at, usage.c.key == key)
        where = {"usage_id": made[key], "release": release, "day": (at.astimezone(UTC) if at.tzinfo else at).date()}
        same = [day.c[name] == value for name, value in where.items()]
        if not _count(connection, day, at, *same):
            connection.execute(day.insert().values(**where, **times))
        connection.execute(event.update().where(event.c.id == row["id"]).values(usage_id=made[key]))


def _count(connection: sa.Connection, table: sa.Table, at: datetime, *same: sa.ColumnElement[bool]) -> int:
    """Count one more, which is the earliest so far."""
    return connection.execute(table.update().where(*same).values(events=table.c.events + 1, first_at=at)).rowcount
