"""Grants: found by the right that they give, without reading each of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BEFORE = ["resource", "record_id"]
_NOW = ["resource", "right", "record_id"]


def upgrade() -> None:
    _make_anew(_NOW)


def downgrade() -> None:
    _make_anew(_BEFORE)


def _make_anew(columns: list[str]) -> None:
    live = sa.text("ended_at IS NULL")
    for receiver in ("member", "team"):
        name = f"ix_access_grant_live_{receiver}"
        op.drop_index(name, "access_grant")
        keys = [f"{receiver}_id", *columns]
        op.create_index(name, "access_grant", keys, sqlite_where=live, postgresql_where=live)
