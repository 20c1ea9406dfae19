"""Promises: what was promised to a customer, by when, and whether it was kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_OPEN = "state = 'open'"


def upgrade() -> None:
    op.create_table(
        "promise",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open", "kept", "broken", name="promisestate_known", native_enum=False, create_constraint=True, length=20
            ),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("interaction_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_promise_created_by_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_promise_customer_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=op.f("fk_promise_interaction_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_promise_owner_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_promise_updated_by_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
    )
    op.create_index(op.f("ix_promise_created_by_id"), "promise", ["created_by_id"], unique=False)
    op.create_index("ix_promise_customer", "promise", ["customer_id", "due_on", "id"], unique=False)
    op.create_index(op.f("ix_promise_interaction_id"), "promise", ["interaction_id"], unique=False)
    op.create_index(
        "ix_promise_open",
        "promise",
        ["due_on", "id"],
        unique=False,
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )
    op.create_index(op.f("ix_promise_owner_id"), "promise", ["owner_id"], unique=False)


def downgrade() -> None:
    op.drop_table("promise")
