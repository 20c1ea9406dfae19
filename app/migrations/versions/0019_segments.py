"""Segments of customers, classes by rules with every move, targets for contacts, and rounds of care tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
_MOMENT = sa.DateTime(timezone=True)


def _known(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT")


def _stamps(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        _key(table, "created_by_id", "ab_user"),
        _key(table, "updated_by_id", "ab_user"),
    ]


def _stamp_indexes(table: str) -> None:
    op.create_index(op.f(f"ix_{table}_created_by_id"), table, ["created_by_id"])


def upgrade() -> None:
    op.create_table(
        "segment",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("purpose", sa.String(length=300), nullable=True),
        sa.Column("condition", _JSON, nullable=False),
        sa.Column("kind", _known("segmentkind_known", "dynamic", "frozen"), nullable=False),
        sa.Column("frozen_at", _MOMENT, nullable=True),
        sa.Column("frozen_by_id", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("archived_at", _MOMENT, nullable=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        *_stamps("segment"),
        sa.Column("id", sa.Integer(), nullable=False),
        _key("segment", "frozen_by_id", "member"),
        _key("segment", "owner_id", "member"),
        _key("segment", "team_id", "team"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
    )
    for column in ("frozen_by_id", "owner_id", "team_id"):
        op.create_index(op.f(f"ix_segment_{column}"), "segment", [column])
    _stamp_indexes("segment")
    op.create_table(
        "segment_member",
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        _key("segment_member", "segment_id", "segment"),
        _key("segment_member", "customer_id", "customer"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_member")),
        sa.UniqueConstraint("segment_id", "customer_id", name=op.f("uq_segment_member_segment_id_customer_id")),
    )
    op.create_index("ix_segment_member_customer_id", "segment_member", ["customer_id", "segment_id"])
    op.create_table(
        "class_rule",
        sa.Column("kind", _known("classkind_known", "tier", "behaviour"), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in ("bought_within", "bought_before", "times")),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in ("over_days", "pause", "heard_within")),
        *_stamps("class_rule"),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_class_rule")),
        sa.UniqueConstraint("kind", "code", name=op.f("uq_class_rule_kind_code")),
    )
    _stamp_indexes("class_rule")
    op.create_table(
        "class_run",
        sa.Column("night", sa.Date(), nullable=True),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("examined", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column(
            "status", _known("leasestate_known", "waiting", "leased", "done", "dead", "held"), nullable=False
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", _MOMENT, nullable=False),
        sa.Column("lease_owner", sa.String(length=120), nullable=True),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.Column("failing_since", _MOMENT, nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        _key("class_run", "asked_by_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_class_run")),
        sa.UniqueConstraint("night", name=op.f("uq_class_run_night")),
    )
    op.create_index(op.f("ix_class_run_asked_by_id"), "class_run", ["asked_by_id"])
    for name, columns, state in (("lease_until", ["lease_until"], "leased"), ("next_at_id", ["next_at", "id"], "waiting")):
        given = sa.text(f"status = '{state}'")
        op.create_index(op.f(f"ix_class_run_{name}"), "class_run", columns, sqlite_where=given, postgresql_where=given)
    op.create_table(
        "class_move",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("kind", _known("classkind_known", "tier", "behaviour"), nullable=False),
        sa.Column("before", sa.String(length=60), nullable=True),
        sa.Column("after", sa.String(length=60), nullable=False),
        sa.Column("reason", _JSON, nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        _key("class_move", "customer_id", "customer"),
        _key("class_move", "run_id", "class_run"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_class_move")),
    )
    op.create_index("ix_class_move_customer", "class_move", ["customer_id", "id"])
    op.create_index(op.f("ix_class_move_run_id"), "class_move", ["run_id"])
    op.create_table(
        "contact_target",
        sa.Column("tier", sa.String(length=60), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        *_stamps("contact_target"),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_target")),
        sa.UniqueConstraint("tier", name=op.f("uq_contact_target_tier")),
    )
    _stamp_indexes("contact_target")
    op.create_table(
        "care_round",
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("tasks", sa.Integer(), nullable=False),
        sa.Column("taken_back_at", _MOMENT, nullable=True),
        *_stamps("care_round"),
        sa.Column("id", sa.Integer(), nullable=False),
        _key("care_round", "made_by_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_round")),
    )
    op.create_index(op.f("ix_care_round_made_by_id"), "care_round", ["made_by_id"])
    _stamp_indexes("care_round")


def downgrade() -> None:
    for table in ("care_round", "contact_target", "class_move", "class_run", "class_rule", "segment_member", "segment"):
        op.drop_table(table)
