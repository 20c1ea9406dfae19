"""How calls to programs outside went is counted, for whoever watches the installation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_RESULTS = ("ok", "3xx", "4xx", "5xx", "not_allowed", "unknown_host", "unreachable", "untrusted", "timeout",
            "too_large", "unreadable")  # fmt: skip


def upgrade() -> None:
    made = op.create_table(
        "request_count",
        sa.Column("result", sa.String(length=40), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_count")),
        sa.UniqueConstraint("result", name=op.f("uq_request_count_result")),
    )
    op.bulk_insert(made, [{"result": one, "count": 0} for one in _RESULTS])


def downgrade() -> None:
    op.drop_table("request_count")
