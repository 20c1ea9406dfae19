"""Customers of a ward, found without looking at the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("ward_code IS NOT NULL")
    op.create_index("ix_customer_ward", "customer", ["ward_code", "id"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_customer_ward", "customer")
