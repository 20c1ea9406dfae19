"""A step of a process is written into the indexes that somebody asks, and only where there is something to find."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_LIVE = "ended_at IS NULL"
#: table, name, columns, of which rows before, of which rows now
_NARROWED = (
    ("task", "ix_task_customer", ("customer_id", "id"), None, "customer_id IS NOT NULL"),
    ("task", "ix_task_done", ("completed_by_id", "completed_at"), None, "completed_by_id IS NOT NULL"),
    ("task", "ix_task_form_version_id", ("form_version_id",), None, "form_version_id IS NOT NULL"),
    ("task", "ix_task_submission_id", ("submission_id",), None, "submission_id IS NOT NULL"),
    ("process_event", "ix_process_event_task_id", ("task_id",), None, "task_id IS NOT NULL"),
    ("access_grant", "ix_access_grant_live_member", ("member_id", "resource", "right", "record_id"), _LIVE,
     f"{_LIVE} AND member_id IS NOT NULL"),
    ("access_grant", "ix_access_grant_live_team", ("team_id", "resource", "right", "record_id"), _LIVE,
     f"{_LIVE} AND team_id IS NOT NULL"),
    ("access_grant", "ix_access_grant_until", ("until",), _LIVE, f"{_LIVE} AND until IS NOT NULL"),
)  # fmt: skip
#: nobody asks who made these: who began, did or was given it has a column of its own
_GONE = ("task", "access_grant", "process_instance")


def upgrade() -> None:
    for table, name, columns, _before, now in _NARROWED:
        _again(table, name, columns, now)
    for table in _GONE:
        op.drop_index(f"ix_{table}_created_by_id", table)


def downgrade() -> None:
    for table in _GONE:
        op.create_index(f"ix_{table}_created_by_id", table, ["created_by_id"])
    for table, name, columns, before, _now in _NARROWED:
        _again(table, name, columns, before)


def _again(table: str, name: str, columns: tuple[str, ...], which: str | None) -> None:
    op.drop_index(name, table)
    where = None if which is None else sa.text(which)
    op.create_index(name, table, list(columns), sqlite_where=where, postgresql_where=where)
