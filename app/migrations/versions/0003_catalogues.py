"""Catalogues: the small lists that admins keep; teams, processes and forms that are archived."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ARCHIVED = ("team", "process", "form")

# The channels as they are shipped: code, Vietnamese, English, colour.
_CHANNELS = (
    ("phone", "Điện thoại", "Phone", "teal"),
    ("zalo", "Zalo", "Zalo", "blue"),
    ("facebook", "Facebook", "Facebook", "blue"),
    ("website", "Website", "Website", "violet"),
    ("shopee", "Shopee", "Shopee", "orange"),
    ("tiktok-shop", "TikTok Shop", "TikTok Shop", "rose"),
    ("referral", "Giới thiệu", "Referral", "olive"),
    ("store", "Cửa hàng", "Store", "olive"),
    ("fair", "Hội chợ", "Trade fair", "orange"),
    ("other", "Kênh khác", "Another channel", "grey"),
)
_CATALOGUE = {
    "code": "channel", "label_vi": "Kênh", "label_en": "Channels",
    "purpose_vi": "Khách hàng biết đến công ty qua đâu", "purpose_en": "How customers come to know the company",
    "position": 1, "is_system": True,
}  # fmt: skip
_USED = (
    "EXISTS (SELECT 1 FROM customer JOIN catalogue ON catalogue.code = 'channel' "
    "WHERE catalogue.id = OLD.catalogue_id AND customer.source = OLD.code)"
)
_MOVED = "NEW.code <> OLD.code OR NEW.catalogue_id <> OLD.catalogue_id"
_STATEMENTS = {
    "sqlite": (
        "CREATE TRIGGER tr_catalogue_entry_no_update BEFORE UPDATE ON catalogue_entry FOR EACH ROW "
        f"WHEN {_MOVED} BEGIN SELECT RAISE(ABORT, 'the code of a catalogue entry never changes'); END",
        "CREATE TRIGGER tr_customer_source_kept BEFORE DELETE ON catalogue_entry FOR EACH ROW "
        f"WHEN {_USED} BEGIN SELECT RAISE(ABORT, 'customers came through this channel'); END",
    ),
    "postgresql": (
        """CREATE FUNCTION catalogue_entry_is_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the code of a catalogue entry never changes' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
        "CREATE TRIGGER tr_catalogue_entry_no_update BEFORE UPDATE ON catalogue_entry FOR EACH ROW "
        f"WHEN ({_MOVED}) EXECUTE FUNCTION catalogue_entry_is_kept()",
        "CREATE TRIGGER tr_catalogue_entry_no_truncate BEFORE TRUNCATE ON catalogue_entry FOR EACH STATEMENT "
        "EXECUTE FUNCTION catalogue_entry_is_kept()",
        "CREATE FUNCTION customer_source_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_USED} THEN RAISE EXCEPTION 'customers came through this channel' "
        "USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$",
        "CREATE TRIGGER tr_customer_source_kept BEFORE DELETE ON catalogue_entry FOR EACH ROW "
        "EXECUTE FUNCTION customer_source_kept()",
    ),
}


def upgrade() -> None:
    op.create_table(
        "catalogue",
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("label_vi", sa.String(length=80), nullable=False),
        sa.Column("label_en", sa.String(length=80), nullable=False),
        sa.Column("purpose_vi", sa.String(length=200), nullable=False),
        sa.Column("purpose_en", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_system", sa.Boolean(), nullable=False),
        *_stamps(),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_catalogue_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_catalogue_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue")),
        sa.UniqueConstraint("code", name=op.f("uq_catalogue_code")),
    )
    op.create_index(op.f("ix_catalogue_created_by_id"), "catalogue", ["created_by_id"], unique=False)
    op.create_table(
        "catalogue_entry",
        sa.Column("catalogue_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("label_vi", sa.String(length=80), nullable=False),
        sa.Column("label_en", sa.String(length=80), nullable=False),
        sa.Column(
            "colour",
            sa.Enum(
                "grey", "teal", "blue", "violet", "rose", "orange", "olive",
                name="colour_known", native_enum=False, create_constraint=True, length=20,
            ),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        *_stamps(),
        sa.ForeignKeyConstraint(
            ["catalogue_id"], ["catalogue.id"], name=op.f("fk_catalogue_entry_catalogue_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_catalogue_entry_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_catalogue_entry_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_entry")),
        sa.UniqueConstraint("catalogue_id", "code", name=op.f("uq_catalogue_entry_catalogue_id_code")),
    )
    op.create_index(op.f("ix_catalogue_entry_created_by_id"), "catalogue_entry", ["created_by_id"], unique=False)
    op.create_index("ix_catalogue_entry_order", "catalogue_entry", ["catalogue_id", "position", "id"], unique=False)
    for table in _ARCHIVED:
        op.add_column(table, sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_customer_source", "customer", ["source"], unique=False)
    _texts_to_codes(op.get_bind())
    for statement in _STATEMENTS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    bind = op.get_bind()
    bind.execute(
        sa.text(
            "UPDATE customer SET source = coalesce((SELECT substr(e.label_vi, 1, 60) FROM catalogue_entry e "
            "JOIN catalogue c ON c.id = e.catalogue_id WHERE c.code = 'channel' AND e.code = customer.source), source) "
            "WHERE source IS NOT NULL"
        )
    )
    op.drop_index("ix_customer_source", "customer")
    for table in reversed(_ARCHIVED):
        op.drop_column(table, "archived_at")
    op.drop_table("catalogue_entry")
    op.drop_table("catalogue")
    if bind.dialect.name == "postgresql":
        op.execute("DROP FUNCTION customer_source_kept")
        op.execute("DROP FUNCTION catalogue_entry_is_kept")


def _stamps() -> tuple[sa.Column, ...]:
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
    )


# ── "Bạn bè", "ban be", "ban-be" were typed freely: texts that give the same code become one channel ──
def _is_blank(text: str) -> bool:
    return not any(sign.isprintable() and not sign.isspace() for sign in text)


def _slug(text: str) -> str:
    """A text without a Latin letter or digit has no code of its own and stands for itself."""
    letters = unicodedata.normalize("NFKD", text).lower().replace("đ", "d")
    plain = "".join(sign for sign in letters if not unicodedata.combining(sign))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or " ".join(plain.split())


def _texts_to_codes(bind: sa.Connection) -> None:
    """Every text that customers have becomes the code of a channel; a company without customers gets them by init."""
    typed = bind.execute(
        sa.text("SELECT source, count(*) FROM customer WHERE source IS NOT NULL GROUP BY source")
    ).all()
    if not typed:
        return
    now = datetime.now(UTC) if bind.dialect.name == "postgresql" else datetime.now(UTC).replace(tzinfo=None)
    stamps = {"created_at": now, "updated_at": now}
    known: dict[str, str] = {}
    for code, label_vi, label_en, _colour in _CHANNELS:
        known |= {_slug(label_vi): code, _slug(label_en): code, code: code}
    spellings: dict[str, Counter[str]] = {}
    for text, count in sorted(typed):
        if not _is_blank(text) and _slug(text) not in known:
            spellings.setdefault(_slug(text), Counter())[" ".join(text.split())] += count
    codes = {code for code, *_labels in _CHANNELS}
    more = []
    for slug, spelled in sorted(spellings.items()):
        plain = slug[:54].strip("-") if slug.isascii() and slug[:1].isalnum() else "kenh"
        code, number = plain, 2
        while code in codes:
            code, number = f"{plain}-{number}", number + 1
        codes.add(code)
        known[slug] = code
        more.append((code, spelled.most_common(1)[0][0], "", "grey"))
    catalogue = sa.table("catalogue", *map(sa.column, (*_CATALOGUE, "created_at", "updated_at")))
    bind.execute(sa.insert(catalogue), [_CATALOGUE | stamps])
    catalogue_id = bind.scalar(sa.text("SELECT id FROM catalogue WHERE code = 'channel'"))
    names = ("catalogue_id", "code", "label_vi", "label_en", "colour", "position", "rev", "created_at", "updated_at")
    entry = sa.table("catalogue_entry", *map(sa.column, names))
    bind.execute(
        sa.insert(entry),
        [
            {"catalogue_id": catalogue_id, "code": code, "label_vi": label_vi, "label_en": label_en, "colour": colour,
             "position": position, "rev": 1} | stamps
            for position, (code, label_vi, label_en, colour) in enumerate((*_CHANNELS, *more), start=1)
        ],
    )  # fmt: skip
    # All at once through a table: a code that is written is never read again as a text.
    meaning = op.create_table(
        "source_meaning",
        sa.Column("text", sa.String(length=60), primary_key=True),
        sa.Column("code", sa.String(length=60), nullable=True),
    )
    rows = [{"text": text, "code": None if _is_blank(text) else known[_slug(text)]} for text, _count in typed]
    bind.execute(sa.insert(meaning), rows)
    bind.execute(
        sa.text(
            "UPDATE customer SET source = (SELECT m.code FROM source_meaning m WHERE m.text = customer.source) "
            "WHERE source IS NOT NULL"
        )
    )
    op.drop_table("source_meaning")
