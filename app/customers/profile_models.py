"""What is kept about a customer beside his own row: his way so far, what he agreed to, tags, purchases, contacts."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum, auto
from typing import ClassVar

from sqlalchemy import BigInteger, Date, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from app.catalogues.models import CODE_LENGTH, CatalogueEntry, Colour
from app.core import clock
from app.core.db import Entity, Stamped, UtcDateTime, stored
from app.core.ddl import declare, refuse_changes
from app.customers.models import REASON_LENGTH, Customer

TAG_LENGTH = 40
VERSION_LENGTH = 60
PURCHASE_CODE_LENGTH = 60
PRODUCT_LENGTH = 200
#: where a row was taken over from, and what it was called there
SOURCE_LENGTH = 80
EXTERNAL_LENGTH = 120


class Thousandths(TypeDecorator[Decimal]):
    """A number of up to three decimals, exact on both databases (SQLite knows none): stored times 1,000."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value.scaleb(3))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-3).normalize() + 0


class CustomerStage(Stamped, Entity):
    """A stage of the way that a customer was at, from when to when; the one without an end is the present one."""

    __tablename__ = "customer_stage"
    __table_args__: ClassVar = (
        Index("ix_customer_stage_customer", "customer_id", "since", "id"),
        Index("uq_customer_stage_present", "customer_id", unique=True,
              sqlite_where=text("until IS NULL"), postgresql_where=text("until IS NULL")),
        {"extend_existing": False},
    )  # fmt: skip

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    #: a code of the catalogue JOURNEY_STAGE
    stage: Mapped[str] = mapped_column(String(CODE_LENGTH))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(REASON_LENGTH), info={"sensitive": True})

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return self.customer.name


class ConsentChannel(StrEnum):
    """A way by which the company itself gets in touch."""

    call = auto()
    sms = auto()
    email = auto()
    zalo = auto()
    facebook = auto()
    post = auto()


class ConsentState(StrEnum):
    given = auto()
    withdrawn = auto()


class ConsentEvent(Stamped, Entity):
    """A customer agreed to something, or took it back. Only ever added to: the last event of a purpose and channel
    says how it stands, and where there is none he never agreed."""

    __tablename__ = "consent_event"
    __table_args__: ClassVar = (
        Index("ix_consent_event_newest", "customer_id", "purpose", "channel", "at", "id"),
        {"extend_existing": False},
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    #: a code of the catalogue CONSENT_PURPOSE
    purpose: Mapped[str] = mapped_column(String(CODE_LENGTH))
    channel: Mapped[ConsentChannel] = mapped_column(stored(ConsentChannel))
    state: Mapped[ConsentState] = mapped_column(stored(ConsentState))
    #: when the customer said so
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: how that can be shown later: in which mail, call or paper
    proof: Mapped[str | None] = mapped_column(Text, info={"sensitive": True})
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    #: which wording he was shown
    text_version: Mapped[str | None] = mapped_column(String(VERSION_LENGTH))

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return self.customer.name


# Merged customers hand their events over, and a proof can be erased on request; nothing else of an event changes.
refuse_changes(
    ConsentEvent.__table__,
    when="/*new*/ NEW.purpose <> OLD.purpose OR NEW.channel <> OLD.channel OR NEW.state <> OLD.state "
    "OR NEW.at <> OLD.at OR coalesce(NEW.text_version, '') <> coalesce(OLD.text_version, '') "
    "OR (NEW.proof IS NOT NULL AND NEW.proof <> coalesce(OLD.proof, ''))",
    why="the consent ledger is append-only",
    may_go=True,
)


class Tag(Stamped, Entity):
    """A word that people put on customers."""

    __tablename__ = "tag"

    name: Mapped[str] = mapped_column(String(TAG_LENGTH))
    #: two tags never differ by accents or capitals alone
    key: Mapped[str] = mapped_column(String(TAG_LENGTH), unique=True)
    colour: Mapped[Colour] = mapped_column(stored(Colour), default=Colour.grey)
    #: offered no more; customers keep it
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def __str__(self) -> str:
        return self.name


class CustomerTag(Stamped, Entity):
    """This customer has this tag."""

    __tablename__ = "customer_tag"
    __table_args__: ClassVar = (
        UniqueConstraint("customer_id", "tag_id"),
        Index("ix_customer_tag_tag_id", "tag_id", "customer_id"),
        {"extend_existing": False},
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id", ondelete="RESTRICT"))

    tag: Mapped[Tag] = relationship()


_ONCE = "source IS NOT NULL AND external_id IS NOT NULL"


class Purchase(Stamped, Entity):
    """Something that a customer bought."""

    __tablename__ = "purchase"
    __table_args__: ClassVar = (
        Index("ix_purchase_customer", "customer_id", "bought_on", "id"),
        # What everybody bought, added up without looking at the rows themselves.
        Index("ix_purchase_totals", "customer_id", "bought_on", "amount",
              sqlite_where=text("archived_at IS NULL"), postgresql_where=text("archived_at IS NULL")),
        # The same row of another system is never taken over twice.
        Index("uq_purchase_source", "source", "external_id", unique=True,
              sqlite_where=text(_ONCE), postgresql_where=text(_ONCE)),
        {"extend_existing": False},
    )  # fmt: skip

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    bought_on: Mapped[date] = mapped_column(Date)
    #: of the order or the invoice
    code: Mapped[str | None] = mapped_column(String(PURCHASE_CODE_LENGTH))
    product: Mapped[str] = mapped_column(String(PRODUCT_LENGTH))
    quantity: Mapped[Decimal] = mapped_column(Thousandths, default=Decimal(1))
    #: of all of it, in whole VND
    amount: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str | None] = mapped_column(Text, info={"sensitive": True})
    source: Mapped[str | None] = mapped_column(String(SOURCE_LENGTH))
    external_id: Mapped[str | None] = mapped_column(String(EXTERNAL_LENGTH))
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return self.product


class InteractionKind(StrEnum):
    call = auto()
    mail = auto()
    message = auto()
    visit = auto()
    note = auto()


class Direction(StrEnum):
    inbound = auto()
    outbound = auto()


class Interaction(Stamped, Entity):
    """A call, mail, message or visit, or a note about the customer; told on his timeline by an entry of its own."""

    __tablename__ = "interaction"
    __table_args__: ClassVar = (
        Index("ix_interaction_customer", "customer_id", "at", "id"),
        Index("uq_interaction_source", "source", "external_id", unique=True,
              sqlite_where=text(_ONCE), postgresql_where=text(_ONCE)),
        {"extend_existing": False},
    )  # fmt: skip

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    kind: Mapped[InteractionKind] = mapped_column(stored(InteractionKind))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    #: a code of the catalogue of channels
    channel: Mapped[str | None] = mapped_column(String(CODE_LENGTH))
    #: of a note: none
    direction: Mapped[Direction | None] = mapped_column(stored(Direction))
    #: how a call ended: a code of the catalogue CALL_RESULT
    result: Mapped[str | None] = mapped_column(String(CODE_LENGTH))
    text: Mapped[str | None] = mapped_column(Text, info={"sensitive": True})
    #: when to get in touch again, as it was agreed
    next_on: Mapped[date | None] = mapped_column(Date)
    #: the number or address that was used
    contact_point_id: Mapped[int | None] = mapped_column(ForeignKey("contact_point.id", ondelete="RESTRICT"))
    source: Mapped[str | None] = mapped_column(String(SOURCE_LENGTH))
    external_id: Mapped[str | None] = mapped_column(String(EXTERNAL_LENGTH))
    #: written by mistake: told no more
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return self.customer.name


# Codes are no foreign keys: this is what RESTRICT would do. Channels of customers have a trigger of their own.
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
_USED = " OR ".join(
    f"(catalogue.code = '{catalogue}' AND EXISTS (SELECT 1 FROM {table} WHERE {table}.{column} = OLD.code))"  # noqa: S608 - ours
    for catalogue, table, column in _CODES
)
_IN_USE = f"EXISTS (SELECT 1 FROM catalogue WHERE catalogue.id = OLD.catalogue_id AND ({_USED}))"  # noqa: S608 - ours
declare(
    "customer_codes",
    CatalogueEntry.__table__,
    sqlite=(
        "CREATE TRIGGER tr_customer_codes_kept BEFORE DELETE ON catalogue_entry FOR EACH ROW "
        f"WHEN {_IN_USE} BEGIN SELECT RAISE(ABORT, 'customers have this entry'); END",
    ),
    postgresql=(
        "CREATE FUNCTION customer_codes_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_IN_USE} THEN RAISE EXCEPTION 'customers have this entry' "
        "USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$",
        "CREATE TRIGGER tr_customer_codes_kept BEFORE DELETE ON catalogue_entry FOR EACH ROW "
        "EXECUTE FUNCTION customer_codes_kept()",
    ),
)
