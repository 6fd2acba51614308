"""The first tables: datasets, releases, gates and usage."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataops_consumer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=520), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "dataops_dataset",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("conn_id", sa.String(length=250), nullable=False),
        sa.Column("publisher", sa.String(length=250), nullable=False),
        sa.Column("target", sa.String(length=250), nullable=False),
        sa.Column("reader", sa.String(length=250), nullable=False),
        sa.Column("reader_key", sa.String(length=250), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("conn_id", "reader_key"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "dataops_gate_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("suite", sa.String(length=250), nullable=False),
        sa.Column("suite_hash", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("conn_id", sa.String(length=250), nullable=True),
        sa.Column("dataset", sa.String(length=250), nullable=True),
        sa.Column("release", sa.Integer(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("on_fail", sa.String(length=10), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("statements", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("run_id", sa.String(length=250), nullable=True),
        sa.Column("task_id", sa.String(length=250), nullable=True),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dataops_gate_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataops_gate_run_at"), ["at"], unique=False)
        batch_op.create_index("ix_dataops_gate_run_release", ["dataset", "release"], unique=False)
        batch_op.create_index("ix_dataops_gate_run_task", ["dag_id", "run_id", "task_id", "map_index"], unique=False)

    op.create_table(
        "dataops_check_result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("gate_run_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["gate_run_id"],
            ["dataops_gate_run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dataops_check_result", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataops_check_result_check_id"), ["check_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dataops_check_result_gate_run_id"), ["gate_run_id"], unique=False)

    op.create_table(
        "dataops_intent",
        sa.Column("op_id", sa.String(length=64), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("from_epoch", sa.Integer(), nullable=False),
        sa.Column("leaves", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("run_id", sa.String(length=250), nullable=True),
        sa.Column("task_id", sa.String(length=250), nullable=True),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataops_dataset.id"],
        ),
        sa.PrimaryKeyConstraint("op_id"),
    )
    with op.batch_alter_table("dataops_intent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataops_intent_dataset_id"), ["dataset_id"], unique=False)

    op.create_table(
        "dataops_pin",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataops_dataset.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dataset_id", "dag_id", "run_id"),
    )
    op.create_table(
        "dataops_release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("gates", sa.JSON(), nullable=False),
        sa.Column("interval_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("op_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("run_id", sa.String(length=250), nullable=True),
        sa.Column("task_id", sa.String(length=250), nullable=True),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataops_dataset.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dataset_id", "number"),
    )
    with op.batch_alter_table("dataops_release", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataops_release_op_id"), ["op_id"], unique=False)
        batch_op.create_index(
            "ux_dataops_release_live",
            ["dataset_id"],
            unique=True,
            sqlite_where=sa.text("state = 'LIVE'"),
            postgresql_where=sa.text("state = 'LIVE'"),
        )

    op.create_table(
        "dataops_usage_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("consumer_id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.String(length=250), nullable=True),
        sa.Column("release", sa.Integer(), nullable=True),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("run_id", sa.String(length=250), nullable=True),
        sa.Column("task_id", sa.String(length=250), nullable=True),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consumer_id"],
            ["dataops_consumer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dataops_usage_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataops_usage_event_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_dataops_usage_event_consumer_id"), ["consumer_id"], unique=False)
        batch_op.create_index("ix_dataops_usage_event_dataset", ["dataset", "release"], unique=False)

    op.create_table(
        "dataops_release_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("from_state", sa.String(length=20), nullable=True),
        sa.Column("to_state", sa.String(length=20), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("op_id", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("run_id", sa.String(length=250), nullable=True),
        sa.Column("task_id", sa.String(length=250), nullable=True),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["dataops_release.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dataops_release_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataops_release_event_release_id"), ["release_id"], unique=False)
