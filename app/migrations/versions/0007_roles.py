"""Roles: what they are called and whether they are given still; looking at the product as somebody else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "role_profile",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("label_vi", sa.String(length=60), nullable=True),
        sa.Column("label_en", sa.String(length=60), nullable=True),
        sa.Column("purpose", sa.String(length=200), nullable=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        _to("role_profile", "id", "ab_role.id"),
        _to("role_profile", "created_by_id", "ab_user.id"),
        _to("role_profile", "updated_by_id", "ab_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_profile")),
    )
    op.create_index(op.f("ix_role_profile_created_by_id"), "role_profile", ["created_by_id"], unique=False)
    op.execute(
        "INSERT INTO role_profile (id, rev, created_at, updated_at) "
        "SELECT id, 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP FROM ab_role"
    )
    op.create_table(
        "look",
        sa.Column("sign_in_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        _to("look", "sign_in_id", "sign_in.id"),
        _to("look", "member_id", "member.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look")),
    )
    for column in ("sign_in_id", "member_id"):
        op.create_index(op.f(f"ix_look_{column}"), "look", [column], unique=False)
    op.create_index(
        "uq_look_live", "look", ["sign_in_id"], unique=True,
        sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("look")
    op.drop_table("role_profile")


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT")
