"""What waits to be taken is found, put in order and counted in one small index, without looking at a single task."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

_WAITS = sa.text("state = 'ready'")
_OPEN = sa.text("state IN ('scheduled', 'ready', 'claimed', 'in_progress', 'waiting_customer', 'waiting_team')")

# What is open is two in a hundred of what was ever done. By the share of a table that has to change before it is tidied
# up (a fifth), months would pass, and until then PostgreSQL looks at each task that an index has counted already.
_TIDIED = {"autovacuum_vacuum_scale_factor": "0.01", "autovacuum_vacuum_insert_scale_factor": "0.01",
           "vacuum_index_cleanup": "on"}  # fmt: skip


def upgrade() -> None:
    op.drop_index("ix_task_queue", "task")
    op.drop_index("ix_task_queue_role", "task")
    keys = ["due_at", "id", "offered_team_id", "offered_role", "warn_at"]
    op.create_index("ix_task_queue", "task", keys, sqlite_where=_WAITS, postgresql_where=_WAITS)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE task SET ({', '.join(f'{name} = {value}' for name, value in _TIDIED.items())})")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE task RESET ({', '.join(_TIDIED)})")
    op.drop_index("ix_task_queue", "task")
    for name, receiver in (("ix_task_queue", "offered_team_id"), ("ix_task_queue_role", "offered_role")):
        op.create_index(name, "task", [receiver, "due_at", "id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
