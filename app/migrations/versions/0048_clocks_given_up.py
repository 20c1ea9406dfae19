"""Clocks that were given up are found without a look at those that still run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    dead = sa.text("status = 'dead'")
    op.create_index(
        "ix_process_timer_given_up", "process_timer", ["last_error"], sqlite_where=dead, postgresql_where=dead
    )


def downgrade() -> None:
    op.drop_index("ix_process_timer_given_up", "process_timer")
