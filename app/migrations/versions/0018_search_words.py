"""Customers are found by their tags and by where they work; the worker works the words of all of them out anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_STALE = "search_is_stale"


def upgrade() -> None:
    op.add_column("customer", sa.Column("search_is_stale", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_index(
        "ix_customer_search_stale", "customer", ["id"], unique=False,
        sqlite_where=sa.text(_STALE), postgresql_where=sa.text(_STALE),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_customer_search_stale", table_name="customer")
    op.drop_column("customer", "search_is_stale")
