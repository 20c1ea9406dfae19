"""Audit: in whose name and by which way something was done; erasable values cannot be changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ORIGINS = "origin IN ('page', 'api', 'job', 'command')"
_ACTIONS = "action IN ('create', 'change', 'delete', 'event')"
_KEPT = "the audit log is append-only"
_ERASED = "values of the audit log are erased, never changed"
_INDEXES = (
    ("ix_audit_event_name", ["name", "id"], "name IS NOT NULL"),
    ("ix_audit_event_address", ["address", "id"], "address IS NOT NULL"),
    ("ix_audit_event_reason", ["id"], "reason IS NOT NULL"),
    ("ix_audit_event_on_behalf_of", ["on_behalf_of_id", "id"], "on_behalf_of_id IS NOT NULL"),
)


def _sqlite_triggers() -> tuple[str, ...]:
    return tuple(
        f"CREATE TRIGGER tr_audit_event_no_{action.lower()} BEFORE {action} ON audit_event FOR EACH ROW "
        f"WHEN 1 BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"
        for action in ("UPDATE", "DELETE")
    )


def upgrade() -> None:
    more = [
        sa.Column("on_behalf_of_id", sa.Integer(), nullable=True),
        sa.Column("origin", sa.String(length=20), nullable=True),
    ]
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(more)
        op.execute(
            "CREATE TRIGGER tr_audit_sensitive_no_update BEFORE UPDATE ON audit_sensitive FOR EACH ROW "
            f"WHEN 1 BEGIN SELECT RAISE(ABORT, '{_ERASED}'); END"
        )
    else:
        for column in more:
            op.add_column("audit_event", column)
        op.create_foreign_key(
            op.f("fk_audit_event_on_behalf_of_id"), "audit_event", "ab_user", ["on_behalf_of_id"], ["id"],
            ondelete="RESTRICT",
        )  # fmt: skip
        op.create_check_constraint(op.f("ck_audit_event_origin_known"), "audit_event", _ORIGINS)
        op.execute(
            f"""CREATE FUNCTION audit_sensitive_is_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{_ERASED}' USING ERRCODE = 'integrity_constraint_violation'; END $$"""
        )
        op.execute(
            "CREATE TRIGGER tr_audit_sensitive_no_update BEFORE UPDATE ON audit_sensitive FOR EACH ROW "
            "EXECUTE FUNCTION audit_sensitive_is_kept()"
        )
        op.execute(
            "CREATE TRIGGER tr_audit_sensitive_no_truncate BEFORE TRUNCATE ON audit_sensitive FOR EACH STATEMENT "
            "EXECUTE FUNCTION audit_sensitive_is_kept()"
        )
    for name, columns, where in _INDEXES:
        op.create_index(name, "audit_event", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    for name, _columns, _where in _INDEXES:
        op.drop_index(name, "audit_event")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER tr_audit_sensitive_no_update")
        _rebuild([])
        return
    op.execute("DROP TRIGGER tr_audit_sensitive_no_update ON audit_sensitive")
    op.execute("DROP TRIGGER tr_audit_sensitive_no_truncate ON audit_sensitive")
    op.execute("DROP FUNCTION audit_sensitive_is_kept")
    for column in ("origin", "on_behalf_of_id"):
        op.drop_column("audit_event", column)


def _rebuild(more: list[sa.Column]) -> None:
    """SQLite adds no constraint to a table: a new one takes its rows and its name. Dropping fires no trigger."""
    json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
    constraints = [
        sa.ForeignKeyConstraint(
            ["actor_id"], ["ab_user.id"], name=op.f("fk_audit_event_actor_id"), ondelete="RESTRICT"
        ),
        sa.CheckConstraint(_ACTIONS, name=op.f("ck_audit_event_auditaction_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    ]
    if more:
        constraints += [
            sa.ForeignKeyConstraint(
                ["on_behalf_of_id"], ["ab_user.id"], name=op.f("fk_audit_event_on_behalf_of_id"), ondelete="RESTRICT"
            ),
            sa.CheckConstraint(_ORIGINS, name=op.f("ck_audit_event_origin_known")),
        ]
    op.create_table(
        "audit_event_rebuilt",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=60), nullable=True),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=True),
        sa.Column("table_name", sa.String(length=60), nullable=True),
        sa.Column("record_id", sa.Integer(), nullable=True),
        sa.Column("changes", json, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        *more,
        *constraints,
    )
    kept = "at, actor_id, address, action, name, table_name, record_id, changes, reason, id"
    op.execute(f"INSERT INTO audit_event_rebuilt ({kept}) SELECT {kept} FROM audit_event ORDER BY id")
    op.execute("DROP TABLE audit_event")
    op.execute("ALTER TABLE audit_event_rebuilt RENAME TO audit_event")
    op.create_index(op.f("ix_audit_event_actor_id"), "audit_event", ["actor_id"], unique=False)
    op.create_index(op.f("ix_audit_event_at"), "audit_event", ["at"], unique=False)
    op.create_index("ix_audit_event_record", "audit_event", ["table_name", "record_id"], unique=False)
    for statement in _sqlite_triggers():
        op.execute(statement)
