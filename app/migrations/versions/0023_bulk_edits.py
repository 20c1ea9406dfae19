"""Bulk edits of customers, and what became of each customer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_PHASES = ("draft", "applying", "applied", "undoing", "undone", "failed", "cancelled")
_OUTCOMES = ("changed", "same", "refused", "undone", "left")


def _known(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
    )
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "bulk_edit",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("acting_id", sa.Integer(), nullable=False),
        sa.Column("phase", _known("bulkphase_known", *_PHASES), nullable=False),
        sa.Column("changes", json, nullable=False),
        sa.Column("came_from", sa.Text(), nullable=False),
        sa.Column("rows_all", sa.Integer(), nullable=False),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("written", json, nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("applied_at", moment, nullable=True),
        sa.Column("finished_at", moment, nullable=True),
        sa.Column("status", _known("leasestate_known", "waiting", "leased", "done", "dead", "held"), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("lease_owner", sa.String(length=120), nullable=True),
        sa.Column("lease_until", moment, nullable=True),
        sa.Column("failing_since", moment, nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_bulk_edit_member_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["acting_id"], ["member.id"], name=op.f("fk_bulk_edit_acting_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_edit")),
    )
    op.create_index(op.f("ix_bulk_edit_member_id_id"), "bulk_edit", ["member_id", "id"])
    for column, state in ((["next_at", "id"], "waiting"), (["lease_until"], "leased")):
        where = sa.text(f"status = '{state}'")
        name = op.f(f"ix_bulk_edit_{'_'.join(column)}")
        op.create_index(name, "bulk_edit", column, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "bulk_edit_row",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("outcome", _known("bulkoutcome_known", *_OUTCOMES), nullable=True),
        sa.Column("reasons", json, nullable=False),
        sa.Column("before", json, nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["bulk_edit.id"], name=op.f("fk_bulk_edit_row_job_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_bulk_edit_row_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_edit_row")),
        sa.UniqueConstraint("job_id", "customer_id", name=op.f("uq_bulk_edit_row_job_id_customer_id")),
    )
    op.create_index(op.f("ix_bulk_edit_row_job_id_outcome_id"), "bulk_edit_row", ["job_id", "outcome", "id"])
    op.create_index(op.f("ix_bulk_edit_row_customer_id"), "bulk_edit_row", ["customer_id"])


def downgrade() -> None:
    op.drop_table("bulk_edit_row")
    op.drop_table("bulk_edit")
