"""What customers bought is added up from an index alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_LIVE = sa.text("archived_at IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_purchase_totals", "purchase", ["customer_id", "bought_on", "amount"], unique=False,
        sqlite_where=_LIVE, postgresql_where=_LIVE,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_purchase_totals", table_name="purchase")
