"""Customers who are in here twice: pairs that may be one, what was made one, the runs that look; and former codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_LIVE = sa.text("undone_at IS NULL")
_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def _known(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT")


def upgrade() -> None:
    op.add_column("customer", sa.Column("former_codes", sa.String(length=400), nullable=True))
    op.create_table(
        "duplicate_pair",
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("reasons", _JSON, nullable=False),
        sa.Column("state", _known("pairstate_known", "open", "not_duplicate", "merged"), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_duplicate_pair_in_order")),
        _key("duplicate_pair", "first_id", "customer"),
        _key("duplicate_pair", "second_id", "customer"),
        _key("duplicate_pair", "decided_by_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_pair")),
        sa.UniqueConstraint("first_id", "second_id", name="uq_duplicate_pair_once"),
    )
    op.create_index("ix_duplicate_pair_state", "duplicate_pair", ["state", "score", "id"])
    op.create_index("ix_duplicate_pair_second_id", "duplicate_pair", ["second_id"])
    op.create_index(op.f("ix_duplicate_pair_decided_by_id"), "duplicate_pair", ["decided_by_id"])
    op.create_table(
        "customer_merge",
        sa.Column("kept_id", sa.Integer(), nullable=False),
        sa.Column("merged_id", sa.Integer(), nullable=False),
        sa.Column("before", _JSON, nullable=False),
        sa.Column("after", _JSON, nullable=False),
        sa.Column("moved", _JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        _key("customer_merge", "kept_id", "customer"),
        _key("customer_merge", "merged_id", "customer"),
        _key("customer_merge", "by_id", "member"),
        _key("customer_merge", "undone_by_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_merge")),
    )
    op.create_index(
        "uq_customer_merge_live", "customer_merge", ["merged_id"], unique=True,
        sqlite_where=_LIVE, postgresql_where=_LIVE,
    )  # fmt: skip
    op.create_index("ix_customer_merge_kept", "customer_merge", ["kept_id", "id"])
    op.create_index("ix_customer_merge_at", "customer_merge", ["at", "id"])
    op.create_index(op.f("ix_customer_merge_by_id"), "customer_merge", ["by_id"])
    op.create_index(op.f("ix_customer_merge_undone_by_id"), "customer_merge", ["undone_by_id"])
    op.create_table(
        "duplicate_run",
        sa.Column("kind", _known("runkind_known", "changed", "full"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_run")),
    )
    op.create_index("ix_duplicate_run_started", "duplicate_run", ["started_at", "id"])


def downgrade() -> None:
    op.drop_table("duplicate_run")
    op.drop_table("customer_merge")
    op.drop_table("duplicate_pair")
    op.drop_column("customer", "former_codes")
