"""Since when a process file stands still; and requests over which every worker died are found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    stuck, dead = sa.text("incident IS NOT NULL"), sa.text("status = 'dead'")
    op.add_column("process_instance", sa.Column("incident_at", sa.DateTime(timezone=True), nullable=True))
    # What the history still says: when a branch last stopped; else when the file was last touched.
    op.execute(
        "UPDATE process_instance SET incident_at = coalesce((SELECT max(at) FROM process_event"
        " WHERE process_event.instance_id = process_instance.id AND kind = 'raise_incident'), updated_at)"
        " WHERE incident IS NOT NULL"
    )
    op.create_index(
        "ix_process_instance_incident", "process_instance", ["incident_at", "id"],
        sqlite_where=stuck, postgresql_where=stuck,
    )  # fmt: skip
    op.create_index(
        "ix_process_request_given_up", "process_request", ["last_error"], sqlite_where=dead, postgresql_where=dead
    )


def downgrade() -> None:
    op.drop_index("ix_process_request_given_up", table_name="process_request")
    op.drop_index("ix_process_instance_incident", table_name="process_instance")
    op.drop_column("process_instance", "incident_at")
