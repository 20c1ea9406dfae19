"""A form may be there to add its fields to customers, whose answers are kept beside them and compared by type."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_ANSWERS, _VALUES = "customer_answers", "customer_value"
_STATISTICS = (
    "CREATE STATISTICS st_customer_value_text (mcv) ON field_key, text FROM customer_value",
    "CREATE STATISTICS st_customer_value_number (mcv) ON field_key, number FROM customer_value",
)


def _points_to(table: str, **targets: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([name], [f"{target}.id"], name=op.f(f"fk_{table}_{name}"), ondelete="RESTRICT")
        for name, target in targets.items()
    ]


def upgrade() -> None:
    of_records = sa.text("purpose <> 'answers'")
    with op.batch_alter_table("form", schema=None) as table:
        table.add_column(
            sa.Column(
                "purpose",
                sa.Enum("answers", "customers", name="formpurpose_known", native_enum=False, length=20),
                server_default="answers",
                nullable=False,
            )
        )
        table.create_check_constraint(op.f("ck_form_formpurpose_known"), "purpose IN ('answers', 'customers')")
        table.create_index(
            "uq_form_purpose", ["purpose"], unique=True, sqlite_where=of_records, postgresql_where=of_records
        )
    op.create_table(
        _ANSWERS,
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("form_version_id", sa.Integer(), nullable=False),
        sa.Column(
            "answers",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        *_points_to(_ANSWERS, customer_id="customer", form_version_id="form_version", created_by_id="ab_user",
                    updated_by_id="ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_ANSWERS}")),
        sa.UniqueConstraint("customer_id", name=op.f(f"uq_{_ANSWERS}_customer_id")),
    )  # fmt: skip
    with op.batch_alter_table(_ANSWERS, schema=None) as table:
        for name in ("form_version_id", "created_by_id"):
            table.create_index(op.f(f"ix_{_ANSWERS}_{name}"), [name], unique=False)
    op.create_table(
        _VALUES,
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("field_key", sa.String(length=41), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=True),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("date", sa.Date(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "sort",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=True,
        ),
        *_points_to(_VALUES, customer_id="customer"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_VALUES}")),
        sa.UniqueConstraint("customer_id", "field_key", "item", name=op.f(f"uq_{_VALUES}_customer_id_field_key_item")),
    )
    with op.batch_alter_table(_VALUES, schema=None) as table:
        for name in ("text", "number", "date", "moment", "sort"):
            there = sa.text(f"{name} IS NOT NULL")
            table.create_index(
                f"ix_{_VALUES}_{name}", ["field_key", name, "customer_id"], unique=False, sqlite_where=there,
                postgresql_where=there,
            )  # fmt: skip
    if op.get_bind().dialect.name == "postgresql":
        for statement in _STATISTICS:
            op.execute(statement)


def downgrade() -> None:
    op.drop_table(_VALUES)
    op.drop_table(_ANSWERS)
    with op.batch_alter_table("form", schema=None) as table:
        table.drop_index("uq_form_purpose")
        table.drop_constraint(op.f("ck_form_formpurpose_known"), type_="check")
        table.drop_column("purpose")
