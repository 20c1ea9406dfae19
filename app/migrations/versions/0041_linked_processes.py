"""A process calls another one: who waits for whom, and which versions stay the ones that are called."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_WHY = "a published process version never changes"
_PERMITTED = "EXISTS (SELECT 1 FROM removal_permit WHERE table_name = {table} AND record_id = OLD.id)"


def upgrade() -> None:
    op.create_table(
        "process_call",
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Integer(), nullable=False),
        sa.Column("root_id", sa.Integer(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [name], ["process_instance.id"], name=op.f(f"fk_process_call_{name}"), ondelete="RESTRICT"
            )
            for name in ("parent_id", "child_id", "root_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_call")),
        sa.UniqueConstraint("child_id", name=op.f("uq_process_call_child_id")),
    )
    op.create_index("ix_process_call_parent", "process_call", ["parent_id", "token"])
    op.create_index(op.f("ix_process_call_root_id"), "process_call", ["root_id"])
    op.create_table(
        "call_pin",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("process", sa.String(length=60), nullable=False),
        sa.Column("pinned_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [name], ["process_version.id"], name=op.f(f"fk_call_pin_{name}"), ondelete="RESTRICT"
            )
            for name in ("version_id", "pinned_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_pin")),
        sa.UniqueConstraint("version_id", "process", name=op.f("uq_call_pin_version_id_process")),
    )
    op.create_index(op.f("ix_call_pin_pinned_id"), "call_pin", ["pinned_id"])
    _keep()


def downgrade() -> None:
    op.drop_table("call_pin")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION call_pin_is_kept")
    op.drop_table("process_call")


def _keep() -> None:
    if op.get_bind().dialect.name == "sqlite":
        gone = _PERMITTED.format(table="'call_pin'")
        for action, when in (("UPDATE", "1"), ("DELETE", f"1 AND NOT {gone}")):
            op.execute(
                f"CREATE TRIGGER tr_call_pin_no_{action.lower()} BEFORE {action} ON call_pin FOR EACH ROW WHEN {when} "
                f"BEGIN SELECT RAISE(ABORT, '{_WHY}'); END"
            )
        return
    gone = _PERMITTED.format(table="TG_TABLE_NAME")
    op.execute(
        "CREATE FUNCTION call_pin_is_kept() RETURNS trigger LANGUAGE plpgsql AS\n"
        f"$$ BEGIN IF TG_OP = 'DELETE' THEN IF {gone} THEN RETURN OLD; END IF; END IF;\n"
        f"RAISE EXCEPTION '{_WHY}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER tr_call_pin_no_{action.lower()} BEFORE {action} ON call_pin FOR EACH ROW "
            "EXECUTE FUNCTION call_pin_is_kept()"
        )
    op.execute(
        "CREATE TRIGGER tr_call_pin_no_truncate BEFORE TRUNCATE ON call_pin FOR EACH STATEMENT "
        "EXECUTE FUNCTION call_pin_is_kept()"
    )
