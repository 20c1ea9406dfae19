"""A message that cannot be handed over is tried later; since when work has nobody is kept with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("process_message", sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("process_message", sa.Column("next_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("task", sa.Column("orphan_since", sa.DateTime(timezone=True), nullable=True))
    there_is_one = sa.text("orphan_since IS NOT NULL")
    op.create_index(
        "ix_task_orphan", "task", ["orphan_since"], sqlite_where=there_is_one, postgresql_where=there_is_one
    )


def downgrade() -> None:
    op.drop_index("ix_task_orphan", "task")
    op.drop_column("task", "orphan_since")
    op.drop_column("process_message", "next_at")
    op.drop_column("process_message", "attempts")
