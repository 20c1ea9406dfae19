"""Whose turn it was last where a step goes round, and which work found nobody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assign_turn",
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=120), nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["process_id"], ["process.id"], name=op.f("fk_assign_turn_process_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assign_turn")),
        sa.UniqueConstraint("process_id", "step", name=op.f("uq_assign_turn_process_id_step")),
    )
    op.add_column("task", sa.Column("nobody_found", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("task", "nobody_found")
    op.drop_table("assign_turn")
