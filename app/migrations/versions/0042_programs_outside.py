"""Processes ask programs outside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_KNOWN, _ASKED = "receiver", "process_request"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
    states = sa.Enum(
        "waiting", "leased", "done", "dead", "held", name="leasestate_known", native_enum=False, create_constraint=True,
        length=20,
    )  # fmt: skip
    op.create_table(
        _KNOWN,
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("may_be_inside", sa.Boolean(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("archived_at", moment, nullable=True),
        *(
            sa.ForeignKeyConstraint([name], ["ab_user.id"], name=op.f(f"fk_{_KNOWN}_{name}"), ondelete="RESTRICT")
            for name in ("created_by_id", "updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_KNOWN}")),
        sa.UniqueConstraint("code", name=op.f(f"uq_{_KNOWN}_code")),
    )
    op.create_index(op.f(f"ix_{_KNOWN}_created_by_id"), _KNOWN, ["created_by_id"])
    op.create_table(
        _ASKED,
        sa.Column("instance_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("body", json, nullable=False),
        sa.Column("outcome", json, nullable=True),
        sa.Column("status", states, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("lease_owner", sa.String(length=120), nullable=True),
        sa.Column("lease_until", moment, nullable=True),
        sa.Column("failing_since", moment, nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["process_instance.id"], name=op.f(f"fk_{_ASKED}_instance_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_ASKED}")),
        sa.UniqueConstraint("instance_id", "token", name=op.f(f"uq_{_ASKED}_instance_id_token")),
        sa.UniqueConstraint("key", name=op.f(f"uq_{_ASKED}_key")),
    )
    for columns, state in ((["next_at", "id"], "waiting"), (["lease_until"], "leased")):
        where = sa.text(f"status = '{state}'")
        name = op.f(f"ix_{_ASKED}_{'_'.join(columns)}")
        op.create_index(name, _ASKED, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_table(_ASKED)
    op.drop_table(_KNOWN)
