"""Organisation: what more is known of members, and how they are invited."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("member", sa.Column("signature", sa.Text(), nullable=True))
    op.add_column("member", sa.Column("must_change_password", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("member", sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE member SET deactivated_at = updated_at "
        "WHERE NOT EXISTS (SELECT 1 FROM ab_user WHERE ab_user.id = member.id AND ab_user.active)"
    )
    op.create_table(
        "member_invitation",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        _to("member_id", "member.id"),
        _to("created_by_id", "ab_user.id"),
        _to("updated_by_id", "ab_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_member_invitation_token_hash")),
    )
    for column in ("created_by_id", "member_id"):
        op.create_index(op.f(f"ix_member_invitation_{column}"), "member_invitation", [column], unique=False)


def downgrade() -> None:
    op.drop_table("member_invitation")
    for column in ("deactivated_at", "must_change_password", "signature"):
        op.drop_column("member", column)


def _to(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_member_invitation_{column}"), ondelete="RESTRICT")
