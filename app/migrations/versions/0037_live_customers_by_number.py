"""Who of those that were found is in use, and whose he is, is told by an index alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_INDEX = "ix_customer_live_id"


def upgrade() -> None:
    in_use = sa.text("archived_at IS NULL")
    op.create_index(
        _INDEX, "customer", ["id", "owner_id", "team_id"], sqlite_where=in_use, postgresql_where=in_use
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="customer")
