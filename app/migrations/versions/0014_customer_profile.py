"""Customers: who they are, where, what they agreed to and bought, how far they are on their way, and who spoke with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ONCE = "source IS NOT NULL AND external_id IS NOT NULL"
_PRESENT = "until IS NULL"
_WAITING = "next_contact_on IS NOT NULL AND archived_at IS NULL"
_KNOWN = "tax_code IS NOT NULL"
_LIVE = "archived_at IS NULL"
_CONTACTS = ("phone", "email", "zalo", "facebook", "website", "other")
_GENDERS = ("female", "male", "other")
_MORE_CONTACTS = (*_CONTACTS[:-1], "shop_id", "other")
_CODES = (
    ("honorific", "customer", "honorific"),
    ("touchpoint", "customer", "touchpoint"),
    ("customer-tier", "customer", "tier"),
    ("behaviour", "customer", "behaviour"),
    ("journey-stage", "customer", "stage"),
    ("journey-stage", "customer_stage", "stage"),
    ("consent-purpose", "consent_event", "purpose"),
    ("channel", "interaction", "channel"),
    ("call-result", "interaction", "result"),
)
_IN_USE = "EXISTS (SELECT 1 FROM catalogue WHERE catalogue.id = OLD.catalogue_id AND ({}))".format(
    " OR ".join(
        f"(catalogue.code = '{catalogue}' AND EXISTS (SELECT 1 FROM {table} WHERE {table}.{column} = OLD.code))"
        for catalogue, table, column in _CODES
    )
)
_CAME_THROUGH = (
    "EXISTS (SELECT 1 FROM customer JOIN catalogue ON catalogue.code = 'channel' "
    "WHERE catalogue.id = OLD.catalogue_id AND customer.source = OLD.code)"
)
_REWRITTEN = (
    "/*new*/ NEW.purpose <> OLD.purpose OR NEW.channel <> OLD.channel OR NEW.state <> OLD.state "
    "OR NEW.at <> OLD.at OR coalesce(NEW.text_version, '') <> coalesce(OLD.text_version, '') "
    "OR (NEW.proof IS NOT NULL AND NEW.proof <> coalesce(OLD.proof, ''))"
)
_LEDGER = "the consent ledger is append-only"
_STATEMENTS = {
    "sqlite": (
        "CREATE TRIGGER tr_consent_event_no_update BEFORE UPDATE ON consent_event FOR EACH ROW "
        f"WHEN {_REWRITTEN} BEGIN SELECT RAISE(ABORT, '{_LEDGER}'); END",
        "CREATE TRIGGER tr_consent_event_no_delete BEFORE DELETE ON consent_event FOR EACH ROW "
        f"WHEN 1 BEGIN SELECT RAISE(ABORT, '{_LEDGER}'); END",
        "CREATE TRIGGER tr_customer_codes_kept BEFORE DELETE ON catalogue_entry FOR EACH ROW "
        f"WHEN {_IN_USE} BEGIN SELECT RAISE(ABORT, 'customers have this entry'); END",
    ),
    "postgresql": (
        f"""CREATE FUNCTION consent_event_is_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{_LEDGER}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
        "CREATE TRIGGER tr_consent_event_no_update BEFORE UPDATE ON consent_event FOR EACH ROW "
        f"WHEN ({_REWRITTEN}) EXECUTE FUNCTION consent_event_is_kept()",
        "CREATE TRIGGER tr_consent_event_no_delete BEFORE DELETE ON consent_event FOR EACH ROW "
        "EXECUTE FUNCTION consent_event_is_kept()",
        "CREATE TRIGGER tr_consent_event_no_truncate BEFORE TRUNCATE ON consent_event FOR EACH STATEMENT "
        "EXECUTE FUNCTION consent_event_is_kept()",
        "CREATE FUNCTION customer_codes_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_IN_USE} THEN RAISE EXCEPTION 'customers have this entry' "
        "USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$",
        "CREATE TRIGGER tr_customer_codes_kept BEFORE DELETE ON catalogue_entry FOR EACH ROW "
        "EXECUTE FUNCTION customer_codes_kept()",
    ),
}
# What goes with the table in SQLite, which rebuilds it: the triggers that keep the text index.
_BESIDE_CUSTOMER = (
    "CREATE TRIGGER tr_customer_fts_insert AFTER INSERT ON customer BEGIN "
    "INSERT INTO customer_fts (rowid, search_text) VALUES (new.id, new.search_text); END",
    "CREATE TRIGGER tr_customer_fts_delete AFTER DELETE ON customer BEGIN "
    "INSERT INTO customer_fts (customer_fts, rowid, search_text) VALUES ('delete', old.id, old.search_text); END",
    "CREATE TRIGGER tr_customer_fts_update AFTER UPDATE OF search_text ON customer "
    "WHEN old.search_text <> new.search_text BEGIN "
    "INSERT INTO customer_fts (customer_fts, rowid, search_text) VALUES ('delete', old.id, old.search_text); "
    "INSERT INTO customer_fts (rowid, search_text) VALUES (new.id, new.search_text); END",
    "CREATE TRIGGER tr_customer_source_kept BEFORE DELETE ON catalogue_entry FOR EACH ROW "
    f"WHEN {_CAME_THROUGH} BEGIN SELECT RAISE(ABORT, 'customers came through this channel'); END",
)


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        _rebuild_customer(_profile())
        _rebuild_contact_point(_MORE_CONTACTS, [_is_shared()])
    else:
        for column in _profile():
            op.add_column("customer", column)
        op.create_foreign_key(
            op.f("fk_customer_company_id"), "customer", "customer", ["company_id"], ["id"], ondelete="RESTRICT"
        )
        op.add_column("contact_point", _is_shared())
        _check("customer", "gender", "gender", _GENDERS)
        op.drop_constraint(op.f("ck_contact_point_contactkind_known"), "contact_point", type_="check")
        _check("contact_point", "contactkind", "kind", _MORE_CONTACTS)
    _more_customer_indexes()
    op.add_column("timeline_entry", sa.Column("channel", sa.String(length=60), nullable=True))
    op.create_table(
        "tag",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column(
            "colour",
            sa.Enum(
                "grey",
                "teal",
                "blue",
                "violet",
                "rose",
                "orange",
                "olive",
                name="colour_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        *_stamps(),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_tag_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_tag_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("key", name=op.f("uq_tag_key")),
    )
    op.create_index(op.f("ix_tag_created_by_id"), "tag", ["created_by_id"], unique=False)

    op.create_table(
        "consent_event",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "call",
                "sms",
                "email",
                "zalo",
                "facebook",
                "post",
                name="consentchannel_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "given", "withdrawn", name="consentstate_known", native_enum=False, create_constraint=True, length=20
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("text_version", sa.String(length=60), nullable=True),
        *_stamps(),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_consent_event_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_consent_event_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_consent_event_file_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_consent_event_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_event")),
    )
    op.create_index(op.f("ix_consent_event_created_by_id"), "consent_event", ["created_by_id"], unique=False)
    op.create_index(
        "ix_consent_event_newest", "consent_event", ["customer_id", "purpose", "channel", "at", "id"], unique=False
    )

    op.create_table(
        "customer_stage",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=60), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        *_stamps(),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_customer_stage_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_stage_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_customer_stage_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_stage")),
    )
    op.create_index(op.f("ix_customer_stage_created_by_id"), "customer_stage", ["created_by_id"], unique=False)
    op.create_index("ix_customer_stage_customer", "customer_stage", ["customer_id", "since", "id"], unique=False)
    op.create_index(
        "uq_customer_stage_present",
        "customer_stage",
        ["customer_id"],
        unique=True,
        sqlite_where=sa.text(_PRESENT),
        postgresql_where=sa.text(_PRESENT),
    )

    op.create_table(
        "customer_tag",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        *_stamps(),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_customer_tag_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_tag_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_customer_tag_tag_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_customer_tag_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_tag")),
        sa.UniqueConstraint("customer_id", "tag_id", name=op.f("uq_customer_tag_customer_id_tag_id")),
    )
    op.create_index(op.f("ix_customer_tag_created_by_id"), "customer_tag", ["created_by_id"], unique=False)
    op.create_index("ix_customer_tag_tag_id", "customer_tag", ["tag_id", "customer_id"], unique=False)

    op.create_table(
        "purchase",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("bought_on", sa.Date(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=True),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("source", sa.String(length=80), nullable=True),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        *_stamps(),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_purchase_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_purchase_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_purchase_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase")),
    )
    op.create_index(op.f("ix_purchase_created_by_id"), "purchase", ["created_by_id"], unique=False)
    op.create_index("ix_purchase_customer", "purchase", ["customer_id", "bought_on", "id"], unique=False)
    op.create_index(
        "uq_purchase_source",
        "purchase",
        ["source", "external_id"],
        unique=True,
        sqlite_where=sa.text(_ONCE),
        postgresql_where=sa.text(_ONCE),
    )

    op.create_table(
        "interaction",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "call",
                "mail",
                "message",
                "visit",
                "note",
                name="interactionkind_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=True),
        sa.Column(
            "direction",
            sa.Enum(
                "inbound", "outbound", name="direction_known", native_enum=False, create_constraint=True, length=20
            ),
            nullable=True,
        ),
        sa.Column("result", sa.String(length=60), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("contact_point_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=80), nullable=True),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        *_stamps(),
        sa.ForeignKeyConstraint(
            ["contact_point_id"],
            ["contact_point.id"],
            name=op.f("fk_interaction_contact_point_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_interaction_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_interaction_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_interaction_updated_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interaction")),
    )
    op.create_index(op.f("ix_interaction_created_by_id"), "interaction", ["created_by_id"], unique=False)
    op.create_index("ix_interaction_customer", "interaction", ["customer_id", "at", "id"], unique=False)
    op.create_index(
        "uq_interaction_source",
        "interaction",
        ["source", "external_id"],
        unique=True,
        sqlite_where=sa.text(_ONCE),
        postgresql_where=sa.text(_ONCE),
    )

    for statement in _STATEMENTS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute("DROP TRIGGER tr_customer_codes_kept" + ("" if is_sqlite else " ON catalogue_entry"))
    for table in ("interaction", "purchase", "customer_tag", "customer_stage", "consent_event", "tag"):
        op.drop_table(table)
    op.drop_column("timeline_entry", "channel")
    op.execute("UPDATE contact_point SET kind = 'other' WHERE kind = 'shop_id'")
    if is_sqlite:
        _rebuild_contact_point(_CONTACTS, [])
        _rebuild_customer([])
        return
    op.execute("DROP FUNCTION customer_codes_kept")
    op.execute("DROP FUNCTION consent_event_is_kept")
    op.drop_constraint(op.f("ck_contact_point_contactkind_known"), "contact_point", type_="check")
    _check("contact_point", "contactkind", "kind", _CONTACTS)
    op.drop_column("contact_point", "is_shared")
    for column in reversed(_profile()):
        op.drop_column("customer", column.name)


def _profile() -> list[sa.Column]:
    return [
        sa.Column("honorific", sa.String(length=60), nullable=True),
        sa.Column("gender", sa.String(length=20), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("tax_code", sa.String(length=14), nullable=True),
        sa.Column("id_number", sa.String(length=12), nullable=True),
        sa.Column("company_id", sa.Integer(), nullable=True),
        sa.Column("job_title", sa.String(length=120), nullable=True),
        sa.Column("street", sa.String(length=200), nullable=True),
        sa.Column("ward_code", sa.String(length=5), nullable=True),
        sa.Column("province_code", sa.String(length=2), nullable=True),
        sa.Column("old_address", sa.String(length=300), nullable=True),
        sa.Column("touchpoint", sa.String(length=60), nullable=True),
        sa.Column("tier", sa.String(length=60), nullable=True),
        sa.Column("tier_is_fixed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("behaviour", sa.String(length=60), nullable=True),
        sa.Column("stage", sa.String(length=60), nullable=True),
        sa.Column("risk_reason", sa.String(length=500), nullable=True),
        sa.Column("risk_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("do_not_contact", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("do_not_contact_reason", sa.String(length=500), nullable=True),
        sa.Column("next_contact_on", sa.Date(), nullable=True),
        sa.Column("last_contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("name_key", sa.String(length=200), nullable=True),
        sa.Column("addr_key", sa.String(length=600), nullable=True),
    ]


def _is_shared() -> sa.Column:
    return sa.Column("is_shared", sa.Boolean(), server_default=sa.false(), nullable=False)


def _more_customer_indexes() -> None:
    op.create_index(op.f("ix_customer_company_id"), "customer", ["company_id"], unique=False)
    op.create_index("ix_customer_name_key", "customer", ["name_key"], unique=False)
    for name, columns, where in (
        ("ix_customer_next_contact", ["next_contact_on", "id"], sa.text(_WAITING)),
        ("ix_customer_tax_code", ["tax_code"], sa.text(_KNOWN)),
    ):
        op.create_index(name, "customer", columns, sqlite_where=where, postgresql_where=where)


def _known(table: str, enum: str, column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    named = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({named})", name=op.f(f"ck_{table}_{enum}_known"))


def _check(table: str, enum: str, column: str, values: tuple[str, ...]) -> None:
    """PostgreSQL: the same on a table that is there."""
    known = _known(table, enum, column, values)
    op.create_check_constraint(known.name, table, known.sqltext)


def _stamps() -> tuple[sa.Column, ...]:
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
    )


def _stamped_by(table: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return tuple(
        sa.ForeignKeyConstraint([column], ["ab_user.id"], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT")
        for column in ("created_by_id", "updated_by_id")
    )


# ── SQLite adds no constraint to a table: a new one takes its rows and its name. Dropping it fires no trigger. ──
def _rebuild_customer(more: list[sa.Column]) -> None:
    # Its body names the table that is about to go.
    op.execute("DROP TRIGGER tr_customer_source_kept")
    before = [
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sort_key", sa.String(length=400), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=60), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_by_id", sa.Integer(), nullable=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        *_stamps(),
    ]
    of_more = [
        sa.ForeignKeyConstraint(
            ["company_id"], ["customer.id"], name=op.f("fk_customer_company_id"), ondelete="RESTRICT"
        ),
        _known("customer", "gender", "gender", _GENDERS),
    ]
    _rebuild(
        "customer", before, more,
        sa.ForeignKeyConstraint(
            ["archived_by_id"], ["member.id"], name=op.f("fk_customer_archived_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_customer_owner_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_customer_team_id"), ondelete="RESTRICT"),
        *_stamped_by("customer"),
        *(of_more if more else ()),
        _known("customer", "customerkind", "kind", ("person", "company")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("code", name=op.f("uq_customer_code")),
    )  # fmt: skip
    for column in ("created_by_id", "owner_id", "team_id"):
        op.create_index(op.f(f"ix_customer_{column}"), "customer", [column], unique=False)
    op.create_index("ix_customer_live", "customer", ["sort_key", "id"], sqlite_where=sa.text(_LIVE))
    op.create_index("ix_customer_source", "customer", ["source"], unique=False)
    for statement in _BESIDE_CUSTOMER:
        op.execute(statement)


def _rebuild_contact_point(kinds: tuple[str, ...], more: list[sa.Column]) -> None:
    before = [
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=254), nullable=False),
        sa.Column("shown", sa.String(length=254), nullable=False),
        sa.Column("is_preferred", sa.Boolean(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        *_stamps(),
    ]
    _rebuild(
        "contact_point", before, more, *_stamped_by("contact_point"),
        _known("contact_point", "contactkind", "kind", kinds),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_contact_point_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_point")),
        sa.UniqueConstraint("customer_id", "kind", "value", name=op.f("uq_contact_point_customer_id_kind_value")),
    )  # fmt: skip
    op.create_index(op.f("ix_contact_point_created_by_id"), "contact_point", ["created_by_id"], unique=False)
    op.create_index("ix_contact_point_value", "contact_point", ["kind", "value"], unique=False)


def _rebuild(table: str, before: list[sa.Column], more: list[sa.Column], *constraints: sa.Constraint) -> None:
    kept = ", ".join(column.name for column in before)
    op.create_table(f"{table}_rebuilt", *before, *more, *constraints)
    op.execute(f"INSERT INTO {table}_rebuilt ({kept}) SELECT {kept} FROM {table} ORDER BY id")
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {table}_rebuilt RENAME TO {table}")
