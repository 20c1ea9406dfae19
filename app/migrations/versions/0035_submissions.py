"""Answers are corrected by revisions, locked and voided; they are found by their form; indexing them is leased work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_SOURCES = ("page", "customer", "task", "instance", "api", "public")
_STATES = ("submitted", "locked", "voided")
_PEOPLE = ("corrected_by_id", "locked_by_id", "voided_by_id")
_KEPT = "what was answered before a correction does not change"
_KINDS = ("text", "number", "date", "moment")
_FROM = """
UPDATE submission SET source = CASE
    WHEN subject_type = 'task' THEN 'task' WHEN subject_type = 'instance' THEN 'instance'
    WHEN customer_id IS NOT NULL THEN 'customer' ELSE 'page' END
"""


def upgrade() -> None:
    _submissions()
    _revisions()
    _values()
    _indexing()


def _submissions() -> None:
    with op.batch_alter_table("submission", schema=None) as table:
        table.add_column(sa.Column("form_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("source", sa.String(length=20), server_default="page", nullable=False))
        for name in ("rev", "revision"):
            table.add_column(sa.Column(name, sa.Integer(), server_default=sa.text("1"), nullable=False))
        for deed in ("corrected", "locked", "voided"):
            table.add_column(sa.Column(f"{deed}_at", _MOMENT, nullable=True))
            table.add_column(sa.Column(f"{deed}_by_id", sa.Integer(), nullable=True))
            if deed == "corrected":
                table.add_column(sa.Column("correction", sa.String(length=300), nullable=True))
        table.add_column(sa.Column("reason", sa.String(length=300), nullable=True))
    op.execute(
        "UPDATE submission SET form_id = "
        "(SELECT form_id FROM form_version WHERE form_version.id = submission.form_version_id)"
    )
    op.execute(_FROM)
    with op.batch_alter_table("submission", schema=None) as table:
        table.drop_constraint(op.f("ck_submission_submissionstate_known"), type_="check")
        table.create_check_constraint(op.f("ck_submission_submissionstate_known"), _among("state", _STATES))
        table.create_check_constraint(op.f("ck_submission_submissionsource_known"), _among("source", _SOURCES))
        table.alter_column("form_id", existing_type=sa.Integer(), nullable=False)
        table.create_foreign_key(op.f("fk_submission_form_id"), "form", ["form_id"], ["id"], ondelete="RESTRICT")
        for name in _PEOPLE:
            table.create_foreign_key(op.f(f"fk_submission_{name}"), "ab_user", [name], ["id"], ondelete="RESTRICT")
        table.create_index("ix_submission_of_form", ["form_id", "id"], unique=False)


def _revisions() -> None:
    op.create_table(
        "submission_revision",
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "answers",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("given_at", _MOMENT, nullable=False),
        sa.Column("given_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["given_by_id"], ["ab_user.id"], name=op.f("fk_submission_revision_given_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_submission_revision_submission_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission_revision")),
        sa.UniqueConstraint("submission_id", "number", name=op.f("uq_submission_revision_submission_id_number")),
    )
    permitted = (
        "EXISTS (SELECT 1 FROM removal_permit WHERE table_name = {} AND record_id = OLD.id)"
    )  # fmt: skip
    if _on_sqlite():
        for action, unless in (("UPDATE", ""), ("DELETE", f" AND NOT {permitted.format(repr('submission_revision'))}")):
            op.execute(
                f"CREATE TRIGGER tr_submission_revision_no_{action.lower()} BEFORE {action} ON submission_revision "
                f"FOR EACH ROW WHEN 1{unless} BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"
            )
        return
    op.execute(
        f"""CREATE FUNCTION submission_revision_is_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF TG_OP = 'DELETE' THEN IF {permitted.format("TG_TABLE_NAME")} THEN RETURN OLD; END IF; END IF;
RAISE EXCEPTION '{_KEPT}' USING ERRCODE = 'integrity_constraint_violation'; END $$"""
    )
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER tr_submission_revision_no_{action.lower()} BEFORE {action} ON submission_revision "
            "FOR EACH ROW EXECUTE FUNCTION submission_revision_is_kept()"
        )
    op.execute(
        "CREATE TRIGGER tr_submission_revision_no_truncate BEFORE TRUNCATE ON submission_revision FOR EACH STATEMENT "
        "EXECUTE FUNCTION submission_revision_is_kept()"
    )


def _values() -> None:
    with op.batch_alter_table("submission_value", schema=None) as table:
        for kind in _KINDS:
            table.drop_index(f"ix_submission_value_{kind}")
        table.add_column(sa.Column("form_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("counts", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.execute(
        "UPDATE submission_value SET form_id = "
        "(SELECT form_id FROM submission WHERE submission.id = submission_value.submission_id)"
    )
    with op.batch_alter_table("submission_value", schema=None) as table:
        table.alter_column("form_id", existing_type=sa.Integer(), nullable=False)
        for kind in _KINDS:
            table.create_index(
                f"ix_submission_value_{kind}", ["form_id", "field_key", kind, "counts", "submission_id"], unique=False
            )


def _indexing() -> None:
    op.create_table(
        "answer_indexing",
        sa.Column("form_id", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "waiting", "leased", "done", "dead", "held", name="leasestate_known", native_enum=False,
                create_constraint=True, length=20,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", _MOMENT, nullable=False),
        sa.Column("lease_owner", sa.String(length=120), nullable=True),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.Column("failing_since", _MOMENT, nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["form_id"], ["form.id"], name=op.f("fk_answer_indexing_form_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_indexing")),
        sa.UniqueConstraint("form_id", name=op.f("uq_answer_indexing_form_id")),
    )  # fmt: skip
    waiting, leased = sa.text("status = 'waiting'"), sa.text("status = 'leased'")
    with op.batch_alter_table("answer_indexing", schema=None) as table:
        table.create_index(
            op.f("ix_answer_indexing_next_at_id"), ["next_at", "id"], unique=False, sqlite_where=waiting,
            postgresql_where=waiting,
        )  # fmt: skip
        table.create_index(
            op.f("ix_answer_indexing_lease_until"), ["lease_until"], unique=False, sqlite_where=leased,
            postgresql_where=leased,
        )  # fmt: skip
    # What was answered before has no row for each answer that is counted now.
    op.execute(
        "INSERT INTO answer_indexing (form_id, cursor, done, total, status, attempts, next_at) "
        "SELECT id, 0, 0, 0, 'waiting', 0, CURRENT_TIMESTAMP FROM form "
        "WHERE EXISTS (SELECT 1 FROM submission WHERE submission.form_id = form.id)"
    )


def downgrade() -> None:
    op.drop_table("answer_indexing")
    with op.batch_alter_table("submission_value", schema=None) as table:
        for kind in _KINDS:
            table.drop_index(f"ix_submission_value_{kind}")
        table.drop_column("counts")
        table.drop_column("form_id")
        for kind in _KINDS:
            table.create_index(f"ix_submission_value_{kind}", ["field_key", kind, "submission_id"], unique=False)
    op.drop_table("submission_revision")
    if not _on_sqlite():
        op.execute("DROP FUNCTION submission_revision_is_kept()")
    op.execute("UPDATE submission SET state = 'submitted'")
    with op.batch_alter_table("submission", schema=None) as table:
        table.drop_constraint(op.f("ck_submission_submissionsource_known"), type_="check")
        table.drop_constraint(op.f("ck_submission_submissionstate_known"), type_="check")
        table.create_check_constraint(op.f("ck_submission_submissionstate_known"), _among("state", ("submitted",)))
        table.drop_index("ix_submission_of_form")
        for name in ("form_id", *_PEOPLE):
            table.drop_constraint(op.f(f"fk_submission_{name}"), type_="foreignkey")
        for name in ("form_id", "source", "rev", "revision", "correction", "reason"):
            table.drop_column(name)
        for deed in ("corrected", "locked", "voided"):
            table.drop_column(f"{deed}_at")
            table.drop_column(f"{deed}_by_id")


def _on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def _among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(map(repr, values))})"
