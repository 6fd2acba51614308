"""Switches that are made together with others: a release set."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dataops_intent", sa.Column("together", sa.JSON(), nullable=True))
