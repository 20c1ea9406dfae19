"""Which customers may I see, which ones match what I typed, and who has this phone number already?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, case, false, literal, or_, select, true
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from app.core import guarded, links
from app.core.access import SYSTEM, Actor, FieldRight, row_rule, scoped, visible
from app.core.errors import NotFoundError
from app.core.finding import Hit, Suggestion, line
from app.core.i18n import _
from app.core.vietnamese import phone_e164, show_phone
from app.customers import rules
from app.customers.models import ContactKind, ContactPoint, Customer, CustomerKind, TimelineEntry
from app.security.models import Right
from app.security.queries import granted

#: so many matches are sorted and shown; who has more types another letter
MOST_FOUND = 1000


# ── Who may see what ─────────────────────────────────────────────────────────────────────────────────────────────────

# A grant shares one record: to read it, or to edit it too. It never reaches further (export, assign, delete).
_GRANTS = {"view": (Right.view, Right.edit), "edit": (Right.edit,)}


@row_rule(Customer)
def _customers(actor: Actor, action: str) -> ColumnElement[bool]:
    """His own, his team's, … by his scope, and those handed to him. Archived ones too: lists ask for live()."""
    if not actor.may(action, "Customer"):
        return false()
    reach = scoped(
        actor.scope("Customer", action),
        actor,
        owner_id=(Customer.created_by_id, Customer.owner_id),
        team_id=Customer.team_id,
    )
    if action not in _GRANTS:
        return reach
    return or_(reach, granted("Customer", Customer.id, actor, *_GRANTS[action]))


@row_rule(ContactPoint)
def _contact_points(actor: Actor, action: str) -> ColumnElement[bool]:
    """Read with the customer's header, exported with the customer, and changed by whoever may edit him."""
    if action == "view":
        return ContactPoint.customer_id.in_(_ids(header_visible(actor)))
    return ContactPoint.customer_id.in_(_ids(visible(Customer, actor, "export" if action == "export" else "edit")))


@row_rule(TimelineEntry)
def _timeline(actor: Actor, action: str) -> ColumnElement[bool]:
    """Read by whoever sees the whole customer; written by services alone."""
    if action not in {"view", "export"}:
        return false()
    return TimelineEntry.customer_id.in_(_ids(visible(Customer, actor, action)))


def header_visible(actor: Actor) -> ColumnElement[bool]:
    """Whose name, code and contact points may he read? Work on a customer gives that much, whatever his role."""
    if actor.is_system:
        return true()
    return or_(visible(Customer, actor), granted("Customer", Customer.id, actor, Right.header, Right.view, Right.edit))


def looked_after_by(member_id: int) -> tuple[ColumnElement[bool], ...]:
    """The customers in use of whom this person is in charge."""
    return Customer.owner_id == member_id, Customer.archived_at.is_(None)


def live() -> ColumnElement[bool]:
    """Not archived: what lists, choices and searches offer."""
    return Customer.archived_at.is_(None)


def main_contact(kind: ContactKind) -> Any:
    """How the customer of a row is reached first: the preferred or the oldest number or address in use."""
    rows = (
        select(ContactPoint.shown)
        .where(ContactPoint.customer_id == Customer.id, ContactPoint.kind == kind, ContactPoint.archived_at.is_(None))
        .order_by(ContactPoint.is_preferred.desc(), ContactPoint.id).limit(1).correlate(Customer)
    )  # fmt: skip
    return rows.scalar_subquery()


def contacts(kind: ContactKind) -> Any:
    """All numbers or addresses in use of the customer of a row: a filter looks through each of them."""
    rows = select(ContactPoint.shown).where(
        ContactPoint.customer_id == Customer.id, ContactPoint.kind == kind, ContactPoint.archived_at.is_(None)
    )
    return rows.correlate(Customer)


def _ids(condition: ColumnElement[bool]) -> Select[int]:
    # On its own, even inside a query that joins customers: the rule must not lean on the outer one.
    return select(Customer.id).where(condition).correlate(None)


# ── Search ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class _WordBeginnings(TypeDecorator[list[str]]):
    """Words (letters and digits only) → all of them as prefixes, in the language of each text index."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return " ".join(f'"{word}"*' for word in value)
        return " & ".join(f"'{word}':*" for word in value)


class _InTextIndex(FunctionElement[Any]):
    """Is the customer among those whose search_text has all the word beginnings? Arguments: customer id, beginnings."""

    inherit_cache = True


@compiles(_InTextIndex)  # SQLAlchemy also writes statements down for itself, without a database
@compiles(_InTextIndex, "sqlite")
def _in_fts_table(element: _InTextIndex, compiler: SQLCompiler, **options: Any) -> str:
    key, beginnings = (compiler.process(part, **options) for part in element.clauses)
    return f"({key} IN (SELECT rowid FROM customer_fts WHERE customer_fts MATCH {beginnings}))"  # noqa: S608 - bound


@compiles(_InTextIndex, "postgresql")
def _in_gin_index(element: _InTextIndex, compiler: SQLCompiler, **options: Any) -> str:
    key, beginnings = (compiler.process(part, **options) for part in element.clauses)
    # OFFSET 0 keeps the planner from walking all customers in name order and looking at each one's text (0.9 s).
    return (
        f"({key} IN (SELECT hit.id FROM customer AS hit "  # noqa: S608 - bound
        f"WHERE to_tsvector('simple', hit.search_text) @@ CAST({beginnings} AS tsquery) OFFSET 0))"
    )


class _IsText(FunctionElement[Any]):
    """The same of the row itself. Arguments: customer id, beginnings, search_text."""

    inherit_cache = True


@compiles(_IsText)
@compiles(_IsText, "sqlite")
def _is_in_fts_table(element: _IsText, compiler: SQLCompiler, **options: Any) -> str:
    key, beginnings, _text = element.clauses
    return compiler.process(_InTextIndex(key, beginnings), **options)


@compiles(_IsText, "postgresql")
def _is_in_gin_index(element: _IsText, compiler: SQLCompiler, **options: Any) -> str:
    _key, beginnings, text = (compiler.process(part, **options) for part in element.clauses)
    return f"(to_tsvector('simple', {text}) @@ CAST({beginnings} AS tsquery))"


def search(text: str, who: Actor = SYSTEM) -> ColumnElement[bool]:
    """Customers in whose name, code, phones or e-mails every typed word begins a word; accents and order do not matter.

    Phones in any spelling, or their last 4 digits. Blank text: all; nothing but punctuation: none. Any text is safe.
    Whoever does not read phones and e-mails as they are finds by name and code, and by a number or address that he
    knows whole.
    """
    return _searched(text, who, lambda beginnings: _InTextIndex(Customer.id, beginnings))


def matches(text: str, who: Actor) -> ColumnElement[bool]:
    """search() for a query without an order of its own, which may leave the text index as soon as it has enough."""
    return _searched(text, who, lambda beginnings: _IsText(Customer.id, beginnings, Customer.search_text))


def _searched(text: str, who: Actor, indexed: Callable[[Any], FunctionElement[Any]]) -> ColumnElement[bool]:
    if not text.strip():
        return true()
    beginnings = rules.search_words(text)
    if not beginnings:
        return false()
    condition = cast("ColumnElement[bool]", indexed(bindparam(None, beginnings, type_=_WordBeginnings())))
    if all(who.reads("Customer", field) for field in ("phone", "email")):
        return condition
    words = literal(" ", Text) + Customer.search_text
    by_name = and_(condition, *(words.like(f"% {word}%{rules.NAME_ENDS}%") for word in beginnings))
    return or_(by_name, *_known_whole(text, who))


def _known_whole(text: str, who: Actor) -> Iterator[ColumnElement[bool]]:
    """Customers with exactly this number or address, where there is such a field for him."""
    phone, email = phone_e164(text), text.strip().lower()
    if phone is not None and who.field_right("Customer", "phone") is not FieldRight.hidden:
        yield reached_by(rules.PHONE_KINDS, phone)
    if "@" in email and who.field_right("Customer", "email") is not FieldRight.hidden:
        yield reached_by({ContactKind.email}, email)


def reached_by(kinds: Collection[ContactKind], value: str) -> ColumnElement[bool]:
    """Customers with this number or address, in normal form, in use."""
    points = select(ContactPoint.customer_id).where(
        ContactPoint.kind.in_(sorted(kinds)), ContactPoint.value == value, ContactPoint.archived_at.is_(None)
    )
    return Customer.id.in_(points.correlate(None))


def found(text: str, actor: Actor, *, limit: int = MOST_FOUND) -> Select[Customer]:
    """The live customers that he may see and that match: the first `limit` of them in name order.

    Ids and sort keys come from the text index first, MOST_FOUND of them are sorted, and whole rows are read for those
    that are shown: the cost is that of the page, not of the matches or the table.
    """
    matching = select(Customer.id, Customer.sort_key).where(matches(text, actor), live(), visible(Customer, actor))
    # OFFSET 0: sorted when they are found. The planner would rather walk all customers in name order.
    hits = matching.limit(MOST_FOUND).offset(0).correlate(None).subquery("hits")
    first = select(hits.c.id).order_by(hits.c.sort_key, hits.c.id).limit(limit).correlate(None)
    return select(Customer).where(Customer.id.in_(first)).order_by(Customer.sort_key, Customer.id)


def found_ids(text: str, actor: Actor, *, limit: int = MOST_FOUND) -> Select[int]:
    """The ids of some live customers that he may see and that match, in no order."""
    return (
        select(Customer.id).where(matches(text, actor), live(), visible(Customer, actor)).limit(limit).correlate(None)
    )


def find_customers(session: Session, who: Actor, text: str, limit: int) -> list[Hit]:
    """By words of name, code or e-mail, by phone in any spelling or its last 4 digits; from the text index."""
    phone, code = phone_e164(text), text.strip().upper()
    rows = session.execute(found(text, who, limit=limit).with_only_columns(*_LINE))
    return [_hit(one, who, exact=phone is not None or one.code == code) for one in rows]


def named_customers(session: Session, who: Actor, ids: Collection[int]) -> list[Hit]:
    """Also those of whom he sees the header alone: their page opens for him."""
    rows = select(*_LINE).where(Customer.id.in_(ids), header_visible(who))
    return [_hit(one, who) for one in session.execute(rows)]


#: what a line of a search tells of a customer
_LINE = (
    Customer.id, Customer.name, Customer.code,
    main_contact(ContactKind.phone).label("phone"), main_contact(ContactKind.email).label("email"),
)  # fmt: skip


def _hit(row: Any, who: Actor, *, exact: bool = False) -> Hit:
    phone = row.phone and guarded.seen(who, "Customer", "phone", row.phone)
    reached = phone or (row.email and guarded.seen(who, "Customer", "email", row.email))
    return Hit(row.id, row.name, line(row.code, reached), links.customer_path(row.id), exact)


def add_with_phone(who: Actor, text: str) -> Suggestion | None:
    """A number that nobody has is that of a new customer."""
    phone = phone_e164(text)
    if phone is None or not who.may("add", "Customer") or not who.writes("Customer", "phone", is_new=True):
        return None
    shown = show_phone(phone)
    title = _("Add a customer with the number %(phone)s", phone=shown)
    return Suggestion(title, f"/khach-hang/add?{urlencode({'phone': shown})}", "user-plus")


def companies(rows: Select[Any], text: str, who: Actor) -> Select[Any]:
    """Those of `rows` that are companies and match, in name order; where people work is chosen from them."""
    found = rows.where(Customer.kind == CustomerKind.company, search(text, who))
    return found.order_by(Customer.sort_key, Customer.id)


def name_if_seen(actor: Actor) -> ColumnElement[str | None]:
    """The customer's name in a query that joins customers, or NULL where he may not read it."""
    return case((header_visible(actor), Customer.name))


# ── One customer ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class CustomerCard:
    """The customer as far as this actor may see him: always the header, and with `full` the rest is his too."""

    full: bool
    id: int
    code: str
    name: str
    kind: CustomerKind
    #: as this actor reads them
    contact_points: tuple[rules.Contact, ...]

    @property
    def phone(self) -> str | None:
        """The number to call, as people read it."""
        return next((point.shown for point in self.contact_points if point.kind is ContactKind.phone), None)


class NamedCustomer(NamedTuple):
    """What a list of work tells of a customer; with `full` his page is open to this actor."""

    id: int
    name: str
    full: bool


def contact_seen(contact: rules.Contact, who: Actor) -> rules.Contact | None:
    """The way to reach as this person may read it: whole, with dots, or not at all."""
    field = rules.field_of(contact.kind, contact.value)
    if field is None or who.reads("Customer", field):
        return replace(contact, field=field)
    shown = guarded.seen(who, "Customer", field, contact.shown)
    return None if shown is None else replace(contact, value=shown, shown=shown, field=field, is_covered=True)


def contacts_seen(points: Iterable[ContactPoint], who: Actor) -> list[rules.Contact]:
    """Those of a customer that this person reads, as he reads them."""
    found = (contact_seen(rules.Contact(one.kind, one.value, one.shown, one.id), who) for one in points)
    return [one for one in found if one is not None]


def reveal_path(customer_id: int, contact: rules.Contact, who: Actor) -> str | None:
    """Where a covered way to reach is opened; None for one that stands open, and for whoever may not."""
    if not contact.is_covered or not who.field_rule("Customer", contact.field or "").may_reveal:
        return None
    return links.covered_contact_path(customer_id, contact.id)


def reached_first(customer: Customer, who: Actor) -> str | None:
    """His main phone number, or else e-mail, as this person may read it."""
    seen = contacts_seen(customer.contact_points, who)
    by_kind = {kind: next((one.shown for one in seen if one.kind is kind), None) for kind in ContactKind}
    return by_kind[ContactKind.phone] or by_kind[ContactKind.email]


def _headers(customer_ids: Collection[int], actor: Actor) -> Select[int, str, str, CustomerKind, bool]:
    header = select(Customer.id, Customer.code, Customer.name, Customer.kind, visible(Customer, actor).label("full"))
    return header.where(Customer.id.in_(customer_ids), header_visible(actor))


def customer_names(session: Session, customer_ids: Collection[int], actor: Actor) -> dict[int, NamedCustomer]:
    """Names by customer id, without those he may not read. One query, however many are asked for."""
    if not customer_ids:
        return {}
    rows = session.execute(_headers(customer_ids, actor))
    return {row.id: NamedCustomer(row.id, row.name, bool(row.full)) for row in rows}


def customer_cards(session: Session, customer_ids: Collection[int], actor: Actor) -> dict[int, CustomerCard]:
    """Cards by customer id, without those he may not see at all. Two queries, however many are asked for."""
    if not customer_ids:
        return {}
    rows = session.execute(_headers(customer_ids, actor)).all()
    contacts: dict[int, list[ContactPoint]] = {row.id: [] for row in rows}
    for point in session.scalars(
        select(ContactPoint)
        .where(ContactPoint.customer_id.in_(contacts), ContactPoint.archived_at.is_(None))
        .order_by(ContactPoint.is_preferred.desc(), ContactPoint.id)
    ):
        contacts[point.customer_id].append(point)
    return {
        row.id: CustomerCard(
            bool(row.full), row.id, row.code, row.name, row.kind, tuple(contacts_seen(contacts[row.id], actor))
        )
        for row in rows
    }


def customer_card(session: Session, customer_id: int, actor: Actor) -> CustomerCard:
    """Raises NotFoundError when there is no such customer, or none for him."""
    card = customer_cards(session, [customer_id], actor).get(customer_id)
    if card is None:
        raise NotFoundError
    return card


def timeline(customer_id: int, actor: Actor) -> Select[TimelineEntry]:
    """What happened with the customer, the newest first; nothing when he may not see the whole customer."""
    return (
        select(TimelineEntry)
        .where(TimelineEntry.customer_id == customer_id, visible(TimelineEntry, actor))
        .order_by(TimelineEntry.at.desc(), TimelineEntry.id.desc())
    )


# ── Nobody twice ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Duplicate:
    """A customer who has this phone or e-mail already. Beyond the actor's sight: no id, no code, the name masked."""

    kind: ContactKind
    #: the shared number or address, as people read it
    shown: str
    name: str
    customer_id: int | None
    code: str | None


#: as many as a person compares; a number shared by more is no warning but a switchboard
MOST_DUPLICATES = 10


def possible_duplicates(
    session: Session, *, actor: Actor, phone: str | None = None, email: str | None = None, besides: int | None = None
) -> list[Duplicate]:
    """Customers, archived ones too, with the same phone or e-mail. What cannot be read matches nobody.

    `besides` is the id of the customer who is being edited.
    """
    typed = [(kind, text) for kind, text in ((ContactKind.phone, phone), (ContactKind.email, email))
             if actor.field_right("Customer", kind.value) is not FieldRight.hidden]  # fmt: skip
    same = list(_same_values(typed))
    if not same:
        return []
    rows = session.execute(
        select(ContactPoint, Customer, header_visible(actor).label("known"))
        .join(Customer, Customer.id == ContactPoint.customer_id)
        .where(or_(*same), ContactPoint.archived_at.is_(None), Customer.id != (besides or 0))
        .order_by(Customer.id, ContactPoint.id)
        .limit(MOST_DUPLICATES)
    )
    return [_duplicate(point, customer, known=bool(known)) for point, customer, known in rows]


def _same_values(typed: Iterable[tuple[ContactKind, str | None]]) -> Iterable[ColumnElement[bool]]:
    for kind, text in typed:
        try:
            value = rules.read_contact(kind, text or "").value
        except rules.UnreadableError:
            continue
        kinds: Sequence[ContactKind] = sorted(rules.PHONE_KINDS) if kind in rules.PHONE_KINDS else [kind]
        yield ContactPoint.kind.in_(kinds) & (ContactPoint.value == value)


def _duplicate(point: ContactPoint, customer: Customer, *, known: bool) -> Duplicate:
    if known:
        return Duplicate(point.kind, point.shown, customer.name, customer.id, customer.code)
    return Duplicate(point.kind, point.shown, rules.masked(customer.name), None, None)
