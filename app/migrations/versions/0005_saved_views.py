"""Saved views of lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _to(column: str, target: str, *, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT")


def _stamps() -> list[sa.Column]:
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
    ]


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
    )
    op.create_table(
        "saved_view",
        sa.Column("list_key", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.Column("wanted", json, nullable=False),
        sa.Column("earlier", json, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        *_stamps(),
        sa.Column("id", sa.Integer(), nullable=False),
        _to("owner_id", "ab_user.id", table="saved_view"),
        _to("role_id", "ab_role.id", table="saved_view"),
        _to("created_by_id", "ab_user.id", table="saved_view"),
        _to("updated_by_id", "ab_user.id", table="saved_view"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
    )
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_view_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_saved_view_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_saved_view_role_id"), ["role_id"], unique=False)
        batch_op.create_index("ix_saved_view_owner", ["list_key", "owner_id"], unique=False)
        batch_op.create_index("ix_saved_view_role", ["list_key", "role_id"], unique=False)
        batch_op.create_index(
            "uq_saved_view_live_name",
            ["owner_id", "list_key", "name"],
            unique=True,
            sqlite_where=sa.text("archived_at IS NULL"),
            postgresql_where=sa.text("archived_at IS NULL"),
        )
    op.create_table(
        "saved_view_default",
        sa.Column("list_key", sa.String(length=80), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.Column("view_id", sa.Integer(), nullable=True),
        *_stamps(),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(member_id IS NULL) <> (role_id IS NULL)", name=op.f("ck_saved_view_default_one_receiver")),
        _to("member_id", "ab_user.id", table="saved_view_default"),
        _to("role_id", "ab_role.id", table="saved_view_default"),
        _to("view_id", "saved_view.id", table="saved_view_default"),
        _to("created_by_id", "ab_user.id", table="saved_view_default"),
        _to("updated_by_id", "ab_user.id", table="saved_view_default"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view_default")),
        sa.UniqueConstraint("list_key", "member_id", name=op.f("uq_saved_view_default_list_key_member_id")),
        sa.UniqueConstraint("list_key", "role_id", name=op.f("uq_saved_view_default_list_key_role_id")),
    )
    with op.batch_alter_table("saved_view_default", schema=None) as batch_op:
        for column in ("created_by_id", "member_id", "role_id", "view_id"):
            batch_op.create_index(batch_op.f(f"ix_saved_view_default_{column}"), [column], unique=False)


def downgrade() -> None:
    op.drop_table("saved_view_default")
    op.drop_table("saved_view")
