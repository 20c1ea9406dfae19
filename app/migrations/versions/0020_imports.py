"""Files of customers, purchases and contacts that are brought in, and what became of their rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_PHASES = (
    "draft", "checking", "checked", "applying", "applied", "undoing", "undone", "failed", "cancelled",
)  # fmt: skip


def _known(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
    )
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "import_job",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("acting_id", sa.Integer(), nullable=False),
        sa.Column("target", _known("importtarget_known", "customers", "purchases", "interactions"), nullable=False),
        sa.Column("phase", _known("importphase_known", *_PHASES), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("headings", json, nullable=False),
        sa.Column("header_key", sa.String(length=64), nullable=False),
        sa.Column("samples", json, nullable=False),
        sa.Column("mapping", json, nullable=False),
        sa.Column("on_update", _known("onupdate_known", "fill", "overwrite"), nullable=False),
        sa.Column("on_duplicate", _known("onduplicate_known", "skip", "update", "make"), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("defaults", json, nullable=False),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("rows_all", sa.Integer(), nullable=False),
        sa.Column("found", json, nullable=False),
        sa.Column("written", json, nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("applied_at", moment, nullable=True),
        sa.Column("finished_at", moment, nullable=True),
        sa.Column("status", _known("leasestate_known", "waiting", "leased", "done", "dead", "held"), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("lease_owner", sa.String(length=120), nullable=True),
        sa.Column("lease_until", moment, nullable=True),
        sa.Column("failing_since", moment, nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_import_job_member_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["acting_id"], ["member.id"], name=op.f("fk_import_job_acting_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_import_job_file_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_job")),
    )
    op.create_index(op.f("ix_import_job_member_id_id"), "import_job", ["member_id", "id"])
    op.create_index(op.f("ix_import_job_header_key_id"), "import_job", ["header_key", "id"])
    op.create_index(op.f("ix_import_job_sha256"), "import_job", ["sha256"])
    for column, state in ((["next_at", "id"], "waiting"), (["lease_until"], "leased")):
        where = sa.text(f"status = '{state}'")
        name = op.f(f"ix_import_job_{'_'.join(column)}")
        op.create_index(name, "import_job", column, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "import_row",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "finding", _known("finding_known", "new", "update", "unchanged", "duplicate", "error"), nullable=False
        ),
        sa.Column("outcome", _known("outcome_known", "made", "changed", "skipped", "undone", "left"), nullable=True),
        sa.Column("record_id", sa.Integer(), nullable=True),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("reasons", json, nullable=False),
        sa.Column("before", json, nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["import_job.id"], name=op.f("fk_import_row_job_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_row")),
        sa.UniqueConstraint("job_id", "number", name=op.f("uq_import_row_job_id_number")),
    )
    op.create_index(op.f("ix_import_row_job_id_finding_number"), "import_row", ["job_id", "finding", "number"])
    op.create_index(op.f("ix_import_row_record_id_job_id"), "import_row", ["record_id", "job_id"])


def downgrade() -> None:
    op.drop_table("import_row")
    op.drop_table("import_job")
