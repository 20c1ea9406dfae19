"""Processes wait for messages; what comes before its receiver is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_WAITING, _CAME = "process_subscription", "process_message"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        _WAITING,
        sa.Column("instance_id", sa.Integer(), nullable=True),
        sa.Column("version_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("token", sa.Integer(), nullable=True),
        sa.Column("node", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("armed_at", moment, nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(instance_id IS NULL) <> (version_id IS NULL)", name=op.f(f"ck_{_WAITING}_of_one")),
        sa.CheckConstraint(
            "(instance_id IS NULL) = (number IS NULL)", name=op.f(f"ck_{_WAITING}_numbered_in_its_instance")
        ),
        sa.CheckConstraint("(instance_id IS NULL) = (key IS NULL)", name=op.f(f"ck_{_WAITING}_keyed_in_its_instance")),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["process_instance.id"], name=op.f(f"fk_{_WAITING}_instance_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["process_version.id"], name=op.f(f"fk_{_WAITING}_version_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_WAITING}")),
        sa.UniqueConstraint("instance_id", "number", name=op.f(f"uq_{_WAITING}_instance_id_number")),
    )
    op.create_index(op.f(f"ix_{_WAITING}_name_key"), _WAITING, ["name", "key"])
    op.create_index(op.f(f"ix_{_WAITING}_version_id"), _WAITING, ["version_id"])
    op.create_table(
        _CAME,
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column(
            "values",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum("kept", "taken", name="messagestate_known", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("sent_by_id", sa.Integer(), nullable=True),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("taken_at", moment, nullable=True),
        sa.Column("instance_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'taken') = (taken_at IS NOT NULL)", name=op.f(f"ck_{_CAME}_taken_at_a_moment")),
        sa.ForeignKeyConstraint(
            ["sent_by_id"], ["ab_user.id"], name=op.f(f"fk_{_CAME}_sent_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["process_instance.id"], name=op.f(f"fk_{_CAME}_instance_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_CAME}")),
        sa.UniqueConstraint("source", "event_id", name=op.f(f"uq_{_CAME}_source_event_id")),
    )
    kept = sa.text("state = 'kept'")
    op.create_index("ix_process_message_kept", _CAME, ["name", "key"], sqlite_where=kept, postgresql_where=kept)
    op.create_index(op.f(f"ix_{_CAME}_state_expires_at"), _CAME, ["state", "expires_at"])
    op.create_index(op.f(f"ix_{_CAME}_instance_id"), _CAME, ["instance_id"])
    op.create_index(op.f(f"ix_{_CAME}_sent_by_id"), _CAME, ["sent_by_id"])


def downgrade() -> None:
    op.drop_table(_CAME)
    op.drop_table(_WAITING)
