"""The demo company goes for good: who asked for it and how far it is; rows that are kept can go by name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

#: table → when a row of it is kept, and what is told to whoever deletes it
_KEPT = {
    "consent_event": ("1", "the consent ledger is append-only"),
    "form_version": ("OLD.state <> 'draft'", "a published form version does not change"),
    "process_event": ("1", "what happened in an instance is never changed"),
    "process_version": ("OLD.state <> 'draft'", "a published process version never changes"),
}
_PERMITTED = "EXISTS (SELECT 1 FROM removal_permit WHERE table_name = {} AND record_id = OLD.id)"
_UNLESS = f"""IF TG_OP = 'DELETE' THEN IF {_PERMITTED.format("TG_TABLE_NAME")} THEN RETURN OLD; END IF; END IF;
"""


def _known(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
    )
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "removal_permit",
        sa.Column("table_name", sa.String(length=60), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removal_permit")),
        sa.UniqueConstraint("table_name", "record_id", name=op.f("uq_removal_permit_table_name_record_id")),
    )
    op.create_table(
        "demo_removal",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("phase", _known("removalphase_known", "removing", "removed", "failed"), nullable=False),
        sa.Column("with_tried", sa.Boolean(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("finished_at", moment, nullable=True),
        sa.Column("records_all", sa.Integer(), nullable=False),
        sa.Column("records_done", sa.Integer(), nullable=False),
        sa.Column("gone", json, nullable=False),
        sa.Column("kept", json, nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=True),
        sa.Column("status", _known("leasestate_known", "waiting", "leased", "done", "dead", "held"), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("lease_owner", sa.String(length=120), nullable=True),
        sa.Column("lease_until", moment, nullable=True),
        sa.Column("failing_since", moment, nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_demo_removal_member_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demo_removal")),
    )
    op.create_index(op.f("ix_demo_removal_member_id"), "demo_removal", ["member_id"])
    for columns, state in ((["next_at", "id"], "waiting"), (["lease_until"], "leased")):
        where = sa.text(f"status = '{state}'")
        name = op.f(f"ix_demo_removal_{'_'.join(columns)}")
        op.create_index(name, "demo_removal", columns, sqlite_where=where, postgresql_where=where)
    for table, (when, why) in _KEPT.items():
        _keep(table, when, why, may_go=True)


def downgrade() -> None:
    for table, (when, why) in _KEPT.items():
        _keep(table, when, why, may_go=False)
    op.drop_table("demo_removal")
    op.drop_table("removal_permit")


def _keep(table: str, when: str, why: str, *, may_go: bool) -> None:
    if op.get_context().dialect.name == "sqlite":
        permitted = f" AND NOT {_PERMITTED.format(repr(table))}" if may_go else ""
        op.execute(f"DROP TRIGGER tr_{table}_no_delete")
        op.execute(
            f"CREATE TRIGGER tr_{table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW WHEN {when}{permitted} "
            f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
        )
        return
    unless = _UNLESS if may_go else ""
    op.execute(
        f"""CREATE OR REPLACE FUNCTION {table}_is_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN {unless}RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'; END $$"""
    )
