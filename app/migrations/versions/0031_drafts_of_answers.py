"""What somebody has typed into a form stays until he sends it or throws it away."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_TABLE = "submission_draft"
_POINTS_TO = {
    "member_id": "ab_user", "form_id": "form", "form_version_id": "form_version", "customer_id": "customer",
    "created_by_id": "ab_user", "updated_by_id": "ab_user",
}  # fmt: skip
_OPTIONAL = {"customer_id", "created_by_id", "updated_by_id"}


def _pointer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=name in _OPTIONAL)


def upgrade() -> None:
    op.create_table(
        _TABLE,
        *(_pointer(name) for name in ("member_id", "form_id", "form_version_id", "customer_id")),
        sa.Column(
            "answers",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        *(_pointer(name) for name in ("created_by_id", "updated_by_id")),
        sa.Column("id", sa.Integer(), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_{_TABLE}_{name}"), ondelete="RESTRICT")
            for name, table in _POINTS_TO.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.UniqueConstraint(
            "member_id", "form_id", "customer_id", name=op.f(f"uq_{_TABLE}_member_id_form_id_customer_id")
        ),
    )
    with op.batch_alter_table(_TABLE, schema=None) as table:
        for name in ("form_id", "form_version_id", "customer_id", "created_by_id"):
            table.create_index(op.f(f"ix_{_TABLE}_{name}"), [name], unique=False)
        of_nobody = sa.text("customer_id IS NULL")
        table.create_index(
            "uq_submission_draft_about_nobody", ["member_id", "form_id"], unique=True,
            sqlite_where=of_nobody, postgresql_where=of_nobody,
        )  # fmt: skip


def downgrade() -> None:
    op.drop_table(_TABLE)
