"""Forms stand open to everybody behind a link, and what comes in is kept until it is a submission."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def _json() -> sa.types.TypeEngine[object]:
    return sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def _known(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)


def _stamps() -> list[sa.Column[object]]:
    return [
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
    ]


def _points(table: str, to: dict[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([name], [f"{other}.id"], name=op.f(f"fk_{table}_{name}"), ondelete="RESTRICT")
        for name, other in to.items()
    ]


def upgrade() -> None:
    op.create_table(
        "public_link",
        sa.Column("form_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=22), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=True),
        sa.Column("source", sa.String(length=60), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("thanks", sa.Text(), nullable=False),
        sa.Column("sites", _json(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        *_stamps(),
        *_points("public_link", {"form_id": "form", "team_id": "team", "created_by_id": "ab_user",
                                 "updated_by_id": "ab_user"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_link")),
        sa.UniqueConstraint("form_id", name=op.f("uq_public_link_form_id")),
        sa.UniqueConstraint("key", name=op.f("uq_public_link_key")),
    )  # fmt: skip
    op.create_table(
        "public_entry",
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("form_version_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("state", _known("entrystate_known", "received", "held", "taken", "refused"), nullable=False),
        sa.Column("reasons", _json(), nullable=False),
        sa.Column("answers", _json(), nullable=False),
        sa.Column("nonce", sa.String(length=32), nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("campaign", sa.String(length=200), nullable=False),
        sa.Column("medium", sa.String(length=200), nullable=False),
        sa.Column("came_from", sa.String(length=200), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=True),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("status", _known("leasestate_known", "waiting", "leased", "done", "dead", "held"), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", _MOMENT, nullable=False),
        sa.Column("lease_owner", sa.String(length=120), nullable=True),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.Column("failing_since", _MOMENT, nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        *_stamps(),
        *_points("public_entry", {"link_id": "public_link", "form_version_id": "form_version", "team_id": "team",
                                  "submission_id": "submission", "decided_by_id": "ab_user", "created_by_id": "ab_user",
                                  "updated_by_id": "ab_user"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_entry")),
        sa.UniqueConstraint("nonce", name=op.f("uq_public_entry_nonce")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_public_entry_submission_id")),
    )  # fmt: skip
    for table, columns in (
        ("public_link", ("team_id", "created_by_id")),
        ("public_entry", ("form_version_id", "team_id", "decided_by_id", "created_by_id")),
    ):
        for name in columns:
            op.create_index(op.f(f"ix_{table}_{name}"), table, [name])
    op.create_index("ix_public_entry_address", "public_entry", ["address_key", "created_at"])
    op.create_index("ix_public_entry_link", "public_entry", ["link_id", "created_at"])
    held = sa.text("state = 'held'")
    op.create_index("ix_public_entry_held", "public_entry", ["id"], sqlite_where=held, postgresql_where=held)
    for columns, status in ((["next_at", "id"], "waiting"), (["lease_until"], "leased")):
        where = sa.text(f"status = '{status}'")
        op.create_index(op.f(f"ix_public_entry_{'_'.join(columns)}"), "public_entry", columns,
                        sqlite_where=where, postgresql_where=where)  # fmt: skip


def downgrade() -> None:
    op.drop_table("public_entry")
    op.drop_table("public_link")
