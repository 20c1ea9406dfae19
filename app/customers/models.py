"""Who are our customers, how are they reached, and what has happened with them?"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalogues.models import CODE_LENGTH, CatalogueEntry
from app.catalogues.shipped import CHANNEL
from app.core import clock
from app.core.db import Entity, Json, Revisioned, Stamped, UtcDateTime, sorted_text, stored
from app.core.ddl import declare
from app.customers.places import PROVINCE_LENGTH, WARD_LENGTH
from app.security.models import Member, Team

NAME_LENGTH = 200
SORT_KEY_LENGTH = 400
SOURCE_LENGTH = 60
#: the catalogue of the channels that customers come through
SOURCES = CHANNEL
#: an e-mail address has at most 254 characters (RFC 5321), links get the same room
CONTACT_LENGTH = 254
JOB_TITLE_LENGTH = 120
STREET_LENGTH = 200
OLD_ADDRESS_LENGTH = 300
REASON_LENGTH = 500
ADDRESS_KEY_LENGTH = 600
FORMER_CODES_LENGTH = 400
#: 12 digits; a branch's tax code is 10 digits and 3 more behind a bar
ID_NUMBER_LENGTH = 12
TAX_CODE_LENGTH = 14


class CustomerKind(StrEnum):
    person = auto()
    company = auto()


class ContactKind(StrEnum):
    phone = auto()
    email = auto()
    zalo = auto()
    facebook = auto()
    website = auto()
    shop_id = auto()
    other = auto()


class Gender(StrEnum):
    female = auto()
    male = auto()
    other = auto()


_STALE = "search_is_stale"
_WAITING = "next_contact_on IS NOT NULL AND archived_at IS NULL"
_MAY_BE_FORGOTTEN = "forgotten_from IS NOT NULL"


class Customer(Revisioned, Stamped, Entity):
    """A person or a company that we serve. Archived customers stay readable and leave the lists."""

    __tablename__ = "customer"
    __table_args__: ClassVar = (
        # The list: live customers in name order.
        Index("ix_customer_live", "sort_key", "id",
              sqlite_where=text("archived_at IS NULL"), postgresql_where=text("archived_at IS NULL")),
        # Who of those that an own field, a tag or a purchase found is in use, and whose he is: without his row.
        Index("ix_customer_live_id", "id", "owner_id", "team_id", "created_by_id",
              sqlite_where=text("archived_at IS NULL"), postgresql_where=text("archived_at IS NULL")),
        # Who of them is not: few, so that they are taken off at once.
        Index("ix_customer_archived", "id",
              sqlite_where=text("archived_at IS NOT NULL"), postgresql_where=text("archived_at IS NOT NULL")),
        Index("ix_customer_source", "source"),
        # What finds the same customer a second time.
        Index("ix_customer_tax_code", "tax_code",
              sqlite_where=text("tax_code IS NOT NULL"), postgresql_where=text("tax_code IS NOT NULL")),
        Index("ix_customer_name_key", "name_key"),
        # Who lives in a ward: one of 3,321, so that few do.
        Index("ix_customer_ward", "ward_code", "id",
              sqlite_where=text("ward_code IS NOT NULL"), postgresql_where=text("ward_code IS NOT NULL")),
        # Who is to be reached next: live customers with a day.
        Index("ix_customer_next_contact", "next_contact_on", "id",
              sqlite_where=text(_WAITING), postgresql_where=text(_WAITING)),
        # Who is forgotten: the first ones, and those of each person.
        Index("ix_customer_forgotten", "forgotten_from", "id",
              sqlite_where=text(_MAY_BE_FORGOTTEN), postgresql_where=text(_MAY_BE_FORGOTTEN)),
        Index("ix_customer_forgotten_of", "owner_id", "forgotten_from",
              sqlite_where=text(_MAY_BE_FORGOTTEN), postgresql_where=text(_MAY_BE_FORGOTTEN)),
        Index("ix_customer_search_stale", "id",
              sqlite_where=text(_STALE), postgresql_where=text(_STALE)),
        {"extend_existing": False},
    )  # fmt: skip

    #: "KH000001"; never changes
    code: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[CustomerKind] = mapped_column(stored(CustomerKind), default=CustomerKind.person)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), info={"sensitive": True})
    sort_key: Mapped[str] = mapped_column(sorted_text(SORT_KEY_LENGTH))
    #: what the text index holds: the words of rules.search_text, kept by customers.indexing
    search_text: Mapped[str] = mapped_column(Text)
    #: who looks after the customer
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    #: the channel he came through: a code of the catalogue SOURCES
    source: Mapped[str | None] = mapped_column(String(SOURCE_LENGTH))
    note: Mapped[str | None] = mapped_column(Text, info={"sensitive": True})
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    archived_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))

    # ── who it is ──
    #: how he is spoken to (anh, chị, …): a code of the catalogue HONORIFIC
    honorific: Mapped[str | None] = mapped_column(String(CODE_LENGTH), sort_order=1)
    gender: Mapped[Gender | None] = mapped_column(stored(Gender), info={"sensitive": True}, sort_order=1)
    birthday: Mapped[date | None] = mapped_column(Date, info={"sensitive": True}, sort_order=1)
    #: normal form: 0312345673, 0312345673-001. Two customers may have the same one
    tax_code: Mapped[str | None] = mapped_column(String(TAX_CODE_LENGTH), info={"sensitive": True}, sort_order=1)
    #: of the citizen card (CCCD): 12 digits
    id_number: Mapped[str | None] = mapped_column(String(ID_NUMBER_LENGTH), info={"sensitive": True}, sort_order=1)
    #: where a person works: a customer of kind company
    company_id: Mapped[int | None] = mapped_column(
        ForeignKey("customer.id", ondelete="RESTRICT"), index=True, sort_order=1
    )
    job_title: Mapped[str | None] = mapped_column(String(JOB_TITLE_LENGTH), sort_order=1)
    # ── where ──
    street: Mapped[str | None] = mapped_column(String(STREET_LENGTH), info={"sensitive": True}, sort_order=1)
    ward_code: Mapped[str | None] = mapped_column(String(WARD_LENGTH), info={"sensitive": True}, sort_order=1)
    province_code: Mapped[str | None] = mapped_column(String(PROVINCE_LENGTH), sort_order=1)
    #: as it was written before July 2025, districts included
    old_address: Mapped[str | None] = mapped_column(String(OLD_ADDRESS_LENGTH), info={"sensitive": True}, sort_order=1)
    # ── what kind of customer: codes of the catalogues of the same names ──
    touchpoint: Mapped[str | None] = mapped_column(String(CODE_LENGTH), sort_order=1)
    tier: Mapped[str | None] = mapped_column(String(CODE_LENGTH), sort_order=1)
    #: somebody chose the tier: no rule moves it
    tier_is_fixed: Mapped[bool] = mapped_column(default=False, server_default=false(), sort_order=1)
    behaviour: Mapped[str | None] = mapped_column(String(CODE_LENGTH), sort_order=1)
    #: where on his way he is now; the way so far stands in customer_stage
    stage: Mapped[str | None] = mapped_column(String(CODE_LENGTH), sort_order=1)
    # ── what to heed ──
    #: why he may be about to leave or not to pay; empty: no risk
    risk_reason: Mapped[str | None] = mapped_column(String(REASON_LENGTH), info={"sensitive": True}, sort_order=1)
    risk_since: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)
    do_not_contact: Mapped[bool] = mapped_column(default=False, server_default=false(), sort_order=1)
    do_not_contact_reason: Mapped[str | None] = mapped_column(
        String(REASON_LENGTH), info={"sensitive": True}, sort_order=1
    )
    next_contact_on: Mapped[date | None] = mapped_column(Date, sort_order=1)
    #: when both sides last spoke or met, kept by the services
    last_contact_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)
    # ── by which the same customer is found again, kept by the services; None: not worked out yet ──
    name_key: Mapped[str | None] = mapped_column(String(NAME_LENGTH), sort_order=1)
    addr_key: Mapped[str | None] = mapped_column(String(ADDRESS_KEY_LENGTH), sort_order=1)

    #: codes of customers who became part of him: he is found by them too
    former_codes: Mapped[str | None] = mapped_column(String(FORMER_CODES_LENGTH), sort_order=1)
    #: a tag of his or the company where he works got another name: the worker brings search_text up to date
    search_is_stale: Mapped[bool] = mapped_column(default=False, server_default=true(), sort_order=1)
    #: when the longest time without a contact is over (customers.forgotten.keeping); None: never
    forgotten_from: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=2)
    #: somebody chose the behaviour group: no rule moves it
    behaviour_is_fixed: Mapped[bool] = mapped_column(default=False, server_default=false(), sort_order=2)

    company: Mapped[Customer | None] = relationship(remote_side="Customer.id", foreign_keys=[company_id])
    owner: Mapped[Member | None] = relationship(foreign_keys=[owner_id])
    team: Mapped[Team | None] = relationship(foreign_keys=[team_id])
    #: all there ever were, the oldest first; `contact_points` are those in use
    all_contact_points: Mapped[list[ContactPoint]] = relationship(back_populates="customer", order_by="ContactPoint.id")

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    @property
    def contact_points(self) -> list[ContactPoint]:
        """The ways to reach him that are in use, the preferred one first."""
        in_use = [point for point in self.all_contact_points if point.archived_at is None]
        return sorted(in_use, key=lambda point: not point.is_preferred)

    def first_contact(self, kind: ContactKind) -> ContactPoint | None:
        """His main phone, e-mail, …: the preferred or the oldest one."""
        return next((point for point in self.contact_points if point.kind is kind), None)

    @property
    def phone(self) -> str | None:
        """The main phone number as people read it."""
        point = self.first_contact(ContactKind.phone)
        return point.shown if point else None

    @property
    def email(self) -> str | None:
        point = self.first_contact(ContactKind.email)
        return point.shown if point else None


class ContactPoint(Stamped, Entity):
    """One way to reach a customer. Numbers no longer in use are archived: an old call still shows its number."""

    __tablename__ = "contact_point"
    __table_args__: ClassVar = (
        UniqueConstraint("customer_id", "kind", "value"),
        Index("ix_contact_point_value", "kind", "value"),
        {"extend_existing": False},
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    kind: Mapped[ContactKind] = mapped_column(stored(ContactKind))
    #: normal form, by which equal ones are found: phones in E.164, e-mails in lower case
    value: Mapped[str] = mapped_column(String(CONTACT_LENGTH), info={"sensitive": True})
    #: as people read it
    shown: Mapped[str] = mapped_column(String(CONTACT_LENGTH), info={"sensitive": True})
    #: at most one per customer
    is_preferred: Mapped[bool] = mapped_column(default=False)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: of a family, a shop, a switchboard: the same number elsewhere is no sign of the same customer
    is_shared: Mapped[bool] = mapped_column(default=False, server_default=false(), sort_order=1)

    customer: Mapped[Customer] = relationship(back_populates="all_contact_points")

    def __str__(self) -> str:
        return self.shown


class TimelineEntry(Entity):
    """Something that happened with a customer. Every feature that touches him writes here; his page reads one table."""

    __tablename__ = "timeline_entry"
    __audited__ = False
    __table_args__: ClassVar = (
        # Read backwards: the newest first, of equal moments the one written last.
        Index("ix_timeline_entry_newest", "customer_id", "at", "id"),
        Index("ix_timeline_entry_subject", "subject_type", "subject_id"),
        {"extend_existing": False},
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    #: stable key of what happened ("created", "contact_added", "task_completed", …)
    kind: Mapped[str] = mapped_column(String(40))
    #: None: the system itself
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    #: the record it is about, when it is not the customer himself (table name and id)
    subject_type: Mapped[str | None] = mapped_column(String(60))
    subject_id: Mapped[int | None] = mapped_column()
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, info={"sensitive": True})
    #: through which it came, where something came: a code of the catalogue of channels
    channel: Mapped[str | None] = mapped_column(String(CODE_LENGTH), sort_order=1)

    actor: Mapped[Member | None] = relationship(foreign_keys=[actor_id])


# search_text holds plain words only, so both databases cut it alike. The prefix indexes serve the first letters typed.
declare(
    "customer_search",
    Customer.__table__,
    sqlite=(
        "CREATE VIRTUAL TABLE customer_fts USING fts5(search_text, content='customer', content_rowid='id', "
        "tokenize='unicode61 remove_diacritics 0', prefix='2 3')",
        "CREATE TRIGGER tr_customer_fts_insert AFTER INSERT ON customer BEGIN "
        "INSERT INTO customer_fts (rowid, search_text) VALUES (new.id, new.search_text); END",
        "CREATE TRIGGER tr_customer_fts_delete AFTER DELETE ON customer BEGIN "
        "INSERT INTO customer_fts (customer_fts, rowid, search_text) VALUES ('delete', old.id, old.search_text); END",
        "CREATE TRIGGER tr_customer_fts_update AFTER UPDATE OF search_text ON customer "
        "WHEN old.search_text <> new.search_text BEGIN "
        "INSERT INTO customer_fts (customer_fts, rowid, search_text) VALUES ('delete', old.id, old.search_text); "
        "INSERT INTO customer_fts (rowid, search_text) VALUES (new.id, new.search_text); END",
    ),
    # Every search reads what waits to be taken into the index: 4 MB of it, as it comes, is most of what a search costs.
    postgresql=(
        "CREATE INDEX ix_customer_search ON customer USING gin (to_tsvector('simple', search_text)) "
        "WITH (gin_pending_list_limit = 64)",
    ),
)

# A code is no foreign key: this is what RESTRICT would do.
_CAME_THROUGH = (
    "EXISTS (SELECT 1 FROM customer JOIN catalogue ON catalogue.code = 'channel' "
    "WHERE catalogue.id = OLD.catalogue_id AND customer.source = OLD.code)"
)
declare(
    "customer_source",
    CatalogueEntry.__table__,
    sqlite=(
        "CREATE TRIGGER tr_customer_source_kept BEFORE DELETE ON catalogue_entry FOR EACH ROW "
        f"WHEN {_CAME_THROUGH} BEGIN SELECT RAISE(ABORT, 'customers came through this channel'); END",
    ),
    postgresql=(
        "CREATE FUNCTION customer_source_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_CAME_THROUGH} THEN RAISE EXCEPTION 'customers came through this channel' "
        "USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$",
        "CREATE TRIGGER tr_customer_source_kept BEFORE DELETE ON catalogue_entry FOR EACH ROW "
        "EXECUTE FUNCTION customer_source_kept()",
    ),
)
