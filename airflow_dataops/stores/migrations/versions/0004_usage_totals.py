"""Usage that adds up: who uses what how, in all and per day, and how much of it is known."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WHAT = ("dag_id", "dataset", "release", "relation", "source")


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
    op.create_index("ix_dataops_usage_dataset", "dataops_usage", ["dataset", "release"])
    op.create_index("ix_dataops_usage_consumer_id", "dataops_usage", ["consumer_id"])
    op.create_table(
        "dataops_usage_day",
        sa.Column("usage_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["usage_id"], ["dataops_usage.id"]),
        sa.PrimaryKeyConstraint("usage_id", "day"),
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
    op.add_column("dataops_usage_event", sa.Column("usage_id", sa.Integer(), nullable=True))
    _add_up()
    with op.batch_alter_table("dataops_usage_event") as batch:
        batch.drop_index("ix_dataops_usage_event_consumer_id")
        batch.drop_index("ix_dataops_usage_event_dataset")
        for name in ("consumer_id", "dataset", "release", "relation", "source"):
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
    what = [event.c.consumer_id, *(event.c[name] for name in _WHAT)]
    totals = sa.select(
        *what, consumer.c.name, sa.func.count().label("events"), sa.func.min(event.c.at).label("first_at"),
        sa.func.max(event.c.at).label("last_at"),
    ).join(consumer, consumer.c.id == event.c.consumer_id).group_by(*what, consumer.c.name)  # fmt: skip
    for row in connection.execute(totals).mappings().all():
        said = [row["name"], row["dag_id"], row["dataset"], row["release"], row["relation"], None, "read"]
        key = hashlib.sha256(json.dumps([*said, row["source"], None]).encode()).hexdigest()
        values = {name: row[name] for name in ("consumer_id", *_WHAT, "events", "first_at", "last_at")}
        made = connection.execute(usage.insert().values(**values, key=key, access="read"))
        number = made.inserted_primary_key[0]
        same = sa.and_(*(event.c[name].is_not_distinct_from(row[name]) for name in ("consumer_id", *_WHAT)))
        connection.execute(event.update().where(same).values(usage_id=number))
        days = Counter(at.date() for at in connection.scalars(sa.select(event.c.at).where(event.c.usage_id == number)))
        connection.execute(day.insert(), [{"usage_id": number, "day": on, "events": n} for on, n in days.items()])
