"""A form is published again under the same number where it means the same."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_TABLE = "form_version"
_WHY = "a published form version does not change"
_CHANGED = (
    "OLD.state <> 'draft' /*new*/ AND (NEW.state = 'draft' OR (OLD.state = 'archived' AND NEW.state <> 'archived')"
    " OR NEW.id <> OLD.id OR NEW.form_id <> OLD.form_id OR NEW.number <> OLD.number"
    "{edition} OR NEW.definition <> OLD.definition OR NEW.checksum <> OLD.checksum OR NEW.published_at <> OLD.published_at"
    " OR COALESCE(NEW.published_by_id, 0) <> COALESCE(OLD.published_by_id, 0) OR NEW.created_at <> OLD.created_at"
    " OR COALESCE(NEW.created_by_id, 0) <> COALESCE(OLD.created_by_id, 0))"
)
_OF_ITS_NUMBER = """
UPDATE form_version SET number = (
    SELECT count(*) FROM form_version AS earlier WHERE earlier.form_id = form_version.form_id
    AND (earlier.number < form_version.number
         OR (earlier.number = form_version.number AND earlier.edition <= form_version.edition)))
"""
_UNIQUE = "uq_form_version_form_id_number"
_EDITION_UNIQUE = "uq_form_version_form_id_number_edition"


def upgrade() -> None:
    _let_go()
    with op.batch_alter_table(_TABLE, schema=None, table_args=_checks()) as table:
        table.add_column(sa.Column("edition", sa.Integer(), server_default=sa.text("1"), nullable=False))
        table.drop_constraint(_UNIQUE, type_="unique")
        table.create_unique_constraint(_EDITION_UNIQUE, ["form_id", "number", "edition"])
    _keep(" OR NEW.edition <> OLD.edition")


def downgrade() -> None:
    _let_go()
    with op.batch_alter_table(_TABLE, schema=None, table_args=_checks()) as table:
        table.drop_constraint(_EDITION_UNIQUE, type_="unique")
    op.execute(_OF_ITS_NUMBER)
    with op.batch_alter_table(_TABLE, schema=None, table_args=_checks()) as table:
        table.create_unique_constraint(_UNIQUE, ["form_id", "number"])
        table.drop_column("edition")
    _keep("")


def _on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def _checks() -> tuple[sa.CheckConstraint, ...]:
    """A table that SQLite writes anew keeps the checks that are told here."""
    if not _on_sqlite():
        return ()
    return (
        sa.CheckConstraint(
            "state = 'draft' OR published_at IS NOT NULL", name=op.f("ck_form_version_published_at_known")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'archived')", name=op.f("ck_form_version_versionstate_known")
        ),
    )


def _let_go() -> None:
    if _on_sqlite():
        op.execute("DROP TRIGGER tr_form_version_no_update")
        op.execute("DROP TRIGGER tr_form_version_no_delete")
    else:
        op.execute("DROP TRIGGER tr_form_version_no_update ON form_version")


def _keep(edition: str) -> None:
    changed = _CHANGED.format(edition=edition)
    if not _on_sqlite():
        op.execute(
            f"CREATE TRIGGER tr_form_version_no_update BEFORE UPDATE ON form_version FOR EACH ROW WHEN ({changed}) "
            "EXECUTE FUNCTION form_version_is_kept()"
        )
        return
    permitted = (
        " AND NOT EXISTS (SELECT 1 FROM removal_permit WHERE table_name = 'form_version' AND record_id = OLD.id)"
    )
    for action, when in (("UPDATE", changed), ("DELETE", f"OLD.state <> 'draft'{permitted}")):
        op.execute(
            f"CREATE TRIGGER tr_form_version_no_{action.lower()} BEFORE {action} ON form_version FOR EACH ROW "
            f"WHEN {when} BEGIN SELECT RAISE(ABORT, '{_WHY}'); END"
        )
