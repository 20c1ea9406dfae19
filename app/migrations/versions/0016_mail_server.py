"""The company sets its mail server in the browser; first passwords from before expire too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SECURITIES = ("starttls", "tls", "none", "offered")


def upgrade() -> None:
    op.create_table(
        "mail_server",
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column(
            "security",
            sa.Enum(*_SECURITIES, name="security_known", native_enum=False, length=20, create_constraint=True),
            nullable=False,
        ),
        sa.Column("username", sa.String(length=254), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("sender_address", sa.String(length=254), nullable=False),
        sa.Column("reply_to", sa.String(length=254), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_mail_server_the_only_one")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_mail_server_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_mail_server_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_server")),
    )
    op.create_index("ix_mail_server_created_by_id", "mail_server", ["created_by_id"])
    # Whoever was given a password before 0012 and never made one of his own: nobody is locked out by the update
    # itself, but a password that somebody else knows opens no door for ever. A week, as for a new one.
    member = sa.table(
        "member",
        sa.column("must_change_password", sa.Boolean()),
        sa.column("first_password_until", sa.DateTime(timezone=True)),
    )
    until = datetime.now(UTC) + timedelta(days=7)
    if op.get_bind().dialect.name == "sqlite":
        until = until.replace(tzinfo=None)
    op.execute(
        member.update()
        .where(member.c.must_change_password.is_(sa.true()), member.c.first_password_until.is_(None))
        .values(first_password_until=until)
    )


def downgrade() -> None:
    op.drop_table("mail_server")
