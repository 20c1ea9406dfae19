"""A process tells others something, waits for its mails to be out, and knows how many messages came before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("process_message", sa.Column("hops", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_table(
        "awaited_mail",
        sa.Column("instance_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["process_instance.id"], name=op.f("fk_awaited_mail_instance_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_awaited_mail")),
        sa.UniqueConstraint("instance_id", "token", name=op.f("uq_awaited_mail_instance_id_token")),
    )
    op.create_index(op.f("ix_awaited_mail_key"), "awaited_mail", ["key"])


def downgrade() -> None:
    op.drop_table("awaited_mail")
    op.drop_column("process_message", "hops")
