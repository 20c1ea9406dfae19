"""Clocks run in process files, and start them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_TABLE = "process_timer"
_TOKEN_STATES = ("waiting", "joining", "stopped")


def _known(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)


def _tokens_may_be(*states: str) -> None:
    """Tokens are few: only those of running instances have rows."""
    name = op.f("ck_process_token_tokenstate_known")
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(name, "process_token", type_="check")
        op.create_check_constraint(name, "process_token", sa.column("state", sa.String()).in_(states))
        return
    columns = ("instance_id", "token", "node", "via", "state", "id")
    op.create_table(
        "process_token_rebuilt",
        sa.Column("instance_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(length=120), nullable=False),
        sa.Column("via", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(sa.column("state", sa.String()).in_(states), name=name),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["process_instance.id"], name=op.f("fk_process_token_instance_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_token")),
        sa.UniqueConstraint("instance_id", "token", name=op.f("uq_process_token_instance_id_token")),
    )
    kept = ", ".join(columns)
    op.execute(f"INSERT INTO process_token_rebuilt ({kept}) SELECT {kept} FROM process_token")
    op.drop_table("process_token")
    op.rename_table("process_token_rebuilt", "process_token")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    _tokens_may_be(*_TOKEN_STATES, "listening")
    op.create_table(
        _TABLE,
        sa.Column("instance_id", sa.Integer(), nullable=True),
        sa.Column("version_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("token", sa.Integer(), nullable=True),
        sa.Column("node", sa.String(length=120), nullable=False),
        sa.Column("left", sa.Integer(), nullable=True),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("status", _known("leasestate_known", "waiting", "leased", "done", "dead", "held"), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("lease_owner", sa.String(length=120), nullable=True),
        sa.Column("lease_until", moment, nullable=True),
        sa.Column("failing_since", moment, nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(instance_id IS NULL) <> (version_id IS NULL)", name=op.f(f"ck_{_TABLE}_of_one")),
        sa.CheckConstraint(
            "(instance_id IS NULL) = (number IS NULL)", name=op.f(f"ck_{_TABLE}_numbered_in_its_instance")
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["process_instance.id"], name=op.f(f"fk_{_TABLE}_instance_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["process_version.id"], name=op.f(f"fk_{_TABLE}_version_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.UniqueConstraint("instance_id", "number", name=op.f(f"uq_{_TABLE}_instance_id_number")),
    )
    op.create_index(op.f(f"ix_{_TABLE}_version_id"), _TABLE, ["version_id"])
    for columns, state in ((["next_at", "id"], "waiting"), (["lease_until"], "leased")):
        where = sa.text(f"status = '{state}'")
        name = op.f(f"ix_{_TABLE}_{'_'.join(columns)}")
        op.create_index(name, _TABLE, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_table(_TABLE)
    op.execute("UPDATE process_token SET state = 'stopped' WHERE state = 'listening'")
    _tokens_may_be(*_TOKEN_STATES)
