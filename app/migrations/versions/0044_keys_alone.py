"""Which of those that were found are not in use, and who made each, is told by indexes alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_LIVE, _GONE = "ix_customer_live_id", "ix_customer_archived"


def upgrade() -> None:
    _see_live("owner_id", "team_id", "created_by_id")
    put_away = sa.text("archived_at IS NOT NULL")
    op.create_index(_GONE, "customer", ["id"], sqlite_where=put_away, postgresql_where=put_away)


def downgrade() -> None:
    op.drop_index(_GONE, table_name="customer")
    _see_live("owner_id", "team_id")


def _see_live(*besides: str) -> None:
    in_use = sa.text("archived_at IS NULL")
    op.drop_index(_LIVE, table_name="customer")
    op.create_index(_LIVE, "customer", ["id", *besides], sqlite_where=in_use, postgresql_where=in_use)
