"""A step is done by several people: tokens know for which of them they are, and one gathers what they answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_STATES = ("waiting", "joining", "stopped", "listening")
_CHECK = "ck_process_token_tokenstate_known"


def _new() -> list[sa.Column]:
    gathered = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
    return [
        sa.Column("outer", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("gathered", gathered, nullable=True),
    ]


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild((*_STATES, "gathering"), _new())
        return
    _tokens_may_be(*_STATES, "gathering")
    for column in _new():
        op.add_column("process_token", column)


def downgrade() -> None:
    op.execute('DELETE FROM process_token WHERE "outer" <> 0')
    op.execute("UPDATE process_token SET state = 'stopped' WHERE state = 'gathering'")
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(_STATES, [])
        return
    for column in _new():
        op.drop_column("process_token", column.name)
    _tokens_may_be(*_STATES)


def _tokens_may_be(*states: str) -> None:
    op.drop_constraint(op.f(_CHECK), "process_token", type_="check")
    op.create_check_constraint(op.f(_CHECK), "process_token", sa.column("state", sa.String()).in_(states))


def _rebuild(states: tuple[str, ...], more: list[sa.Column]) -> None:
    """Tokens are few: only those of running instances have rows."""
    columns = ("instance_id", "token", "node", "via", "state", "id")
    op.create_table(
        "process_token_rebuilt",
        sa.Column("instance_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(length=120), nullable=False),
        sa.Column("via", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        *more,
        sa.CheckConstraint(sa.column("state", sa.String()).in_(states), name=op.f(_CHECK)),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["process_instance.id"], name=op.f("fk_process_token_instance_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_token")),
        sa.UniqueConstraint("instance_id", "token", name=op.f("uq_process_token_instance_id_token")),
    )
    kept = ", ".join(columns)
    op.execute(f"INSERT INTO process_token_rebuilt ({kept}) SELECT {kept} FROM process_token")
    op.drop_table("process_token")
    op.rename_table("process_token_rebuilt", "process_token")
