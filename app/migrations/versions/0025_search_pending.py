"""What waits to be taken into the index of the search stays short, and does not slow every search down.

Revises: 0024
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX ix_customer_search SET (gin_pending_list_limit = 64)")
        op.execute("SELECT gin_clean_pending_list('ix_customer_search')")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX ix_customer_search RESET (gin_pending_list_limit)")
