"""Answers of several parts, and moments, can be filtered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("submission_value", schema=None) as table:
        table.add_column(sa.Column("item", sa.Integer(), server_default=sa.text("0"), nullable=False))
        table.add_column(sa.Column("moment", sa.DateTime(timezone=True), nullable=True))
        table.drop_constraint("uq_submission_value_submission_id_field_key", type_="unique")
        table.create_unique_constraint(
            "uq_submission_value_submission_id_field_key_item", ["submission_id", "field_key", "item"]
        )
        table.create_index("ix_submission_value_moment", ["field_key", "moment", "submission_id"], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM submission_value WHERE item > 0")
    with op.batch_alter_table("submission_value", schema=None) as table:
        table.drop_index("ix_submission_value_moment")
        table.drop_constraint("uq_submission_value_submission_id_field_key_item", type_="unique")
        table.create_unique_constraint("uq_submission_value_submission_id_field_key", ["submission_id", "field_key"])
        table.drop_column("moment")
        table.drop_column("item")
