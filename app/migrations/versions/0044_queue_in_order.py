"""What waits to be taken is found, put in order and counted in one small index, without looking at a single task."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_WAITS = sa.text("state = 'ready'")
_OPEN = sa.text("state IN ('scheduled', 'ready', 'claimed', 'in_progress', 'waiting_customer', 'waiting_team')")


def upgrade() -> None:
    op.drop_index("ix_task_queue", "task")
    op.drop_index("ix_task_queue_role", "task")
    keys = ["due_at", "id", "offered_team_id", "offered_role", "warn_at"]
    op.create_index("ix_task_queue", "task", keys, sqlite_where=_WAITS, postgresql_where=_WAITS)


def downgrade() -> None:
    op.drop_index("ix_task_queue", "task")
    for name, receiver in (("ix_task_queue", "offered_team_id"), ("ix_task_queue_role", "offered_role")):
        op.create_index(name, "task", [receiver, "due_at", "id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
