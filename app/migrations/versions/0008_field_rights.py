"""Field rights, and a text index in which a customer's name can be told from his numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.customers.rules import search_text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BATCH = 1_000

_customer = sa.table("customer", sa.column("id"), sa.column("code"), sa.column("name"), sa.column("search_text"))
_contact = sa.table(
    "contact_point", sa.column("id"), sa.column("customer_id"), sa.column("kind"), sa.column("value"),
    sa.column("is_preferred", sa.Boolean()), sa.column("archived_at"),
)  # fmt: skip


def _to(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_field_right_{column}"), ondelete="RESTRICT")


def upgrade() -> None:
    op.create_table(
        "field_right",
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("resource", sa.String(length=60), nullable=False),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column(
            "right",
            sa.Enum(
                "hidden", "masked", "read_only", "full",
                name="fieldright_known", native_enum=False, create_constraint=True, length=20,
            ),
            nullable=False,
        ),
        sa.Column("may_reveal", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        _to("role_id", "ab_role.id"),
        _to("created_by_id", "ab_user.id"),
        _to("updated_by_id", "ab_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_right")),
        sa.UniqueConstraint("role_id", "resource", "field", name=op.f("uq_field_right_role_id_resource_field")),
    )
    with op.batch_alter_table("field_right", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_field_right_created_by_id"), ["created_by_id"], unique=False)
    _index_anew()


def _index_anew() -> None:
    """Every customer's searched words, as they are written from now on."""
    database, last = op.get_bind(), 0
    changed = sa.update(_customer).where(_customer.c.id == sa.bindparam("key")).values(search_text=sa.bindparam("words"))
    while True:
        rows = database.execute(
            sa.select(_customer.c.id, _customer.c.code, _customer.c.name)
            .where(_customer.c.id > last).order_by(_customer.c.id).limit(_BATCH)
        ).all()  # fmt: skip
        if not rows:
            return
        last, contacts = rows[-1].id, {row.id: [] for row in rows}
        for point in database.execute(
            sa.select(_contact.c.customer_id, _contact.c.kind, _contact.c.value)
            .where(_contact.c.customer_id.in_(contacts), _contact.c.archived_at.is_(None))
            .order_by(_contact.c.is_preferred.desc(), _contact.c.id)
        ):
            contacts[point.customer_id].append((point.kind, point.value))
        database.execute(
            changed, [{"key": row.id, "words": search_text(row.code, row.name, contacts[row.id])} for row in rows]
        )


def downgrade() -> None:
    op.drop_table("field_right")
