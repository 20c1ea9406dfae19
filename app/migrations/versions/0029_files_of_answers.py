"""Files can be answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer_file",
        sa.Column("form_version_id", sa.Integer(), nullable=False),
        sa.Column("field_key", sa.String(length=41), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_answer_file_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["form_version_id"], ["form_version.id"], name=op.f("fk_answer_file_form_version_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_answer_file_submission_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_answer_file_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_file")),
    )
    with op.batch_alter_table("answer_file", schema=None) as table:
        table.create_index(op.f("ix_answer_file_created_by_id"), ["created_by_id"], unique=False)
        table.create_index(op.f("ix_answer_file_submission_id"), ["submission_id"], unique=False)
        table.create_index(op.f("ix_answer_file_form_version_id"), ["form_version_id"], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM stored_file WHERE owner_type = 'answer_file'")
    op.drop_table("answer_file")
