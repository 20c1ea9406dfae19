"""Of a file whose steps were done thousands of times: the last of a step, who did it, what was answered there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_OF = ["owner_type", "owner_id"]


def upgrade() -> None:
    done, answered = sa.text("completed_by_id IS NOT NULL"), sa.text("submission_id IS NOT NULL")
    op.create_index("ix_task_step", "task", [*_OF, "step", "token"])
    op.create_index(
        "ix_task_doer", "task", [*_OF, "step", "completed_by_id", "token"], sqlite_where=done, postgresql_where=done
    )
    op.create_index("ix_task_answered", "task", [*_OF, "token"], sqlite_where=answered, postgresql_where=answered)


def downgrade() -> None:
    for name in ("ix_task_answered", "ix_task_doer", "ix_task_step"):
        op.drop_index(name, table_name="task")
