"""An answer stands in the index of its own kind of value alone; PostgreSQL knows which values a question has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_KINDS = ("text", "number", "date", "moment")
_STATISTICS = (
    "CREATE STATISTICS st_submission_value_text (mcv) ON form_id, field_key, text FROM submission_value",
    "CREATE STATISTICS st_submission_value_number (mcv) ON form_id, field_key, number FROM submission_value",
)


def upgrade() -> None:
    for kind in _KINDS:
        there = sa.text(f"{kind} IS NOT NULL")
        op.drop_index(f"ix_submission_value_{kind}", table_name="submission_value")
        op.create_index(
            f"ix_submission_value_{kind}", "submission_value", ["form_id", "field_key", kind, "counts", "submission_id"],
            sqlite_where=there, postgresql_where=there,
        )  # fmt: skip
    if op.get_bind().dialect.name == "postgresql":
        for statement in _STATISTICS:
            op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP STATISTICS st_submission_value_text, st_submission_value_number")
    for kind in _KINDS:
        op.drop_index(f"ix_submission_value_{kind}", table_name="submission_value")
        op.create_index(
            f"ix_submission_value_{kind}", "submission_value", ["form_id", "field_key", kind, "counts", "submission_id"]
        )
