"""Whom nobody has spoken with for too long is read from one column; a chosen behaviour group stays; work that is over
shows nobody anything any more.

Revises: 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_customer_forgotten": ["forgotten_from", "id"],
    "ix_customer_forgotten_of": ["owner_id", "forgotten_from"],
}
#: somebody chose the group: no rule moved the customer there last
_CHOSEN = """
UPDATE customer SET behaviour_is_fixed = {true} WHERE behaviour IS NOT NULL AND behaviour <> coalesce((
    SELECT class_move.after FROM class_move WHERE class_move.customer_id = customer.id AND class_move.kind = 'behaviour'
    ORDER BY class_move.id DESC LIMIT 1), '')
"""
#: what was seen because of a task of a customer, which is over
_TASK = "CASE WHEN access_grant.reason LIKE 'task:%' THEN CAST(substr(access_grant.reason, 6) AS INTEGER) END"
_IS_OVER = f"""FROM task WHERE task.id = {_TASK} AND task.owner_type IN ('care', 'customer')
    AND task.state IN ('completed', 'cancelled')"""
_OVER = f"""
UPDATE access_grant SET ended_at = (SELECT coalesce(task.completed_at, task.cancelled_at, task.opened_at) {_IS_OVER})
WHERE ended_at IS NULL AND EXISTS (SELECT 1 {_IS_OVER})
"""


def upgrade() -> None:
    op.add_column("customer", sa.Column("forgotten_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("customer", sa.Column("behaviour_is_fixed", sa.Boolean(), server_default=sa.false(), nullable=False))
    given = sa.text("forgotten_from IS NOT NULL")
    for name, columns in _INDEXES.items():
        op.create_index(name, "customer", columns, sqlite_where=given, postgresql_where=given)
    # From 0 on: the worker fills the column of all that are here.
    op.add_column("contact_target", sa.Column("renewed_to", sa.Integer(), server_default="0", nullable=True))
    op.add_column("class_run", sa.Column("failed", sa.Integer(), server_default="0", nullable=False))
    op.drop_column("duplicate_run", "error")
    op.execute(_CHOSEN.format(true="true" if op.get_bind().dialect.name == "postgresql" else "1"))
    op.execute(_OVER)


def downgrade() -> None:
    op.add_column("duplicate_run", sa.Column("error", sa.Text(), nullable=True))
    op.drop_column("class_run", "failed")
    op.drop_column("contact_target", "renewed_to")
    for name in _INDEXES:
        op.drop_index(name, table_name="customer")
    op.drop_column("customer", "behaviour_is_fixed")
    op.drop_column("customer", "forgotten_from")
