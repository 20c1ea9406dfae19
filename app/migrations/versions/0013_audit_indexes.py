"""Audit: a million events are looked through by kind, by person, by what happened and by reason."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_event_kind", "audit_event", ["table_name", "at"])
    op.create_index("ix_audit_event_actor", "audit_event", ["actor_id", "at"])
    op.drop_index("ix_audit_event_actor_id", "audit_event")
    op.execute("CREATE INDEX ix_audit_event_what ON audit_event ((coalesce(name, action)), at)")
    _anew("reason", ["at", "reason"])
    _anew("address", ["address", "at"])


def downgrade() -> None:
    op.drop_index("ix_audit_event_what", "audit_event")
    op.create_index("ix_audit_event_actor_id", "audit_event", ["actor_id"])
    op.drop_index("ix_audit_event_actor", "audit_event")
    op.drop_index("ix_audit_event_kind", "audit_event")
    _anew("reason", ["id"])
    _anew("address", ["address", "id"])


def _anew(column: str, keys: list[str]) -> None:
    name, given = f"ix_audit_event_{column}", sa.text(f"{column} IS NOT NULL")
    op.drop_index(name, "audit_event")
    op.create_index(name, "audit_event", keys, sqlite_where=given, postgresql_where=given)
