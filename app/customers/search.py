"""Which customers match what was typed: letters of names in any order, a number in any spelling, its last digits?

Both databases answer by the text index that they have built in, over the words of rules.search_text. What somebody
reads with dots in it, he does not find by a part of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from enum import Enum, auto
from typing import Any, cast
from urllib.parse import urlencode

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from app.core import guarded, links
from app.core.access import SYSTEM, Actor, FieldRight, Scope, visible
from app.core.finding import MOST_COUNTED, Capped, Hit, Suggestion, line
from app.core.i18n import _
from app.core.vietnamese import fold, phone_in, phone_tail, show_phone, stored_phone
from app.customers import rules
from app.customers.models import ContactKind, ContactPoint, Customer, CustomerKind
from app.customers.queries import header_visible, live, main_contact, names_seen


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


class _Work(Enum):
    """What of the place where somebody works may find him?"""

    #: its name, where it may be read
    seen = auto()
    #: its name; whoever asks drops those that may not be read
    any = auto()
    #: nothing, for whoever does not see every customer
    none = auto()


def search(text: str, who: Actor = SYSTEM) -> ColumnElement[bool]:
    """Customers in whose name, code, tags, company, phones or other addresses every typed word begins a word; accents
    and order do not matter.

    Phones in any spelling, or their last 4 digits. Blank text: all; nothing but punctuation: none. Any text is safe.
    Whoever does not read phones and e-mails as they are finds by name and code, and by a number or address that he
    knows whole; by a company, whoever may read its name.
    """
    return _searched(text, who, lambda beginnings: _InTextIndex(Customer.id, beginnings))


def matches(text: str, who: Actor, work: _Work = _Work.seen) -> ColumnElement[bool]:
    """search() for a query without an order of its own, which may leave the text index as soon as it has enough."""
    return _searched(text, who, lambda beginnings: _IsText(Customer.id, beginnings, Customer.search_text), work)


def _searched(
    text: str, who: Actor, indexed: Callable[[Any], FunctionElement[Any]], work: _Work = _Work.seen
) -> ColumnElement[bool]:
    if not text.strip():
        return true()
    beginnings = rules.search_words(text)
    if not beginnings:
        return false()
    condition = cast("ColumnElement[bool]", indexed(bindparam(None, beginnings, type_=_WordBeginnings())))
    if who.scope("Customer") is not Scope.all and work is not _Work.any:
        condition = and_(condition, _by_what_is_seen(beginnings, who, work))
    if all(who.reads("Customer", field) for field in ("phone", "email")):
        return condition
    by_name = and_(condition, *(or_(_before(rules.NAME_ENDS, word), _at_work(word)) for word in beginnings))
    return or_(by_name, *_known_whole(text, who))


def _before(sign: str, word: str) -> ColumnElement[bool]:
    """Does the word begin one of those before this sign in the searched text?"""
    return (literal(" ", Text) + Customer.search_text).like(f"% {word}%{sign}%")


def _at_work(word: str) -> ColumnElement[bool]:
    return Customer.search_text.like(f"%{rules.COMPANY_BEGINS}% {word}%")


def _by_what_is_seen(beginnings: Sequence[str], who: Actor, work: _Work) -> ColumnElement[bool]:
    """Where the company's name is needed for the match, it must be one that he may read."""
    enough = [Customer.company_id.is_(None), and_(*(_before(rules.COMPANY_BEGINS, word) for word in beginnings))]
    if work is _Work.seen:
        seen = select(Customer.id).where(Customer.kind == CustomerKind.company, header_visible(who)).correlate(None)
        enough.append(Customer.company_id.in_(seen))
    return or_(*enough)


def _known_whole(text: str, who: Actor) -> Iterator[ColumnElement[bool]]:
    """Customers with exactly this number or address, where there is such a field for him."""
    phone, email = phone_in(text), text.strip().lower()
    if phone is not None and who.field_right("Customer", "phone") is not FieldRight.hidden:
        yield reached_by(rules.PHONE_KINDS, phone.stored)
    if "@" in email and who.field_right("Customer", "email") is not FieldRight.hidden:
        yield reached_by({ContactKind.email}, email)


def reached_by(kinds: Collection[ContactKind], value: str) -> ColumnElement[bool]:
    """Customers with this number or address, in normal form, in use."""
    points = select(ContactPoint.customer_id).where(
        ContactPoint.kind.in_(sorted(kinds)), ContactPoint.value == value, ContactPoint.archived_at.is_(None)
    )
    return Customer.id.in_(points.correlate(None))


def found(text: str, actor: Actor, *, limit: int = MOST_COUNTED) -> Select[Customer]:
    """The live customers that he may see and that match, the first `limit` of them: names written as they were typed,
    accents and all, before the others, each in name order.

    Ids and sort keys come from the text index first, MOST_COUNTED of them are sorted, and whole rows are read for those
    that are shown: the cost is that of the page, not of the matches or the table.
    """
    first, rank = _first(_marked_words(text), actor, limit, matches(text, actor))
    return select(Customer).join(first, first.c.id == Customer.id).order_by(*rank)


def _first(
    marked: Sequence[tuple[str, ...]], actor: Actor, limit: Any, fits: ColumnElement[bool]
) -> tuple[Any, Sequence[Any]]:
    """The ids of the first ones, with how many were looked at as `total`; and the order that they stand in."""
    other_accents = _other_accents(marked)
    matching = select(Customer.id, Customer.sort_key, other_accents.label("rank"))
    # OFFSET 0: sorted when they are found. The planner would rather walk all customers in name order.
    inside = matching.where(fits, live(), visible(Customer, actor)).limit(MOST_COUNTED + 1).offset(0)
    hits = inside.correlate(None).subquery("hits")
    first = select(hits.c.id, func.count().over().label("total"), hits.c.rank)
    order = (hits.c.rank, hits.c.sort_key, hits.c.id)
    shown = first.order_by(*order).limit(limit).correlate(None).subquery("first")
    return shown, (shown.c.rank, Customer.sort_key, Customer.id)


_MARKED_WORD = re.compile(r"[^\W\d_]+")


def _marked_words(text: str) -> list[tuple[str, ...]]:
    """The words that were typed with accents, each as people write it: no database knows the capitals of all marked
    letters."""
    typed = _MARKED_WORD.findall(unicodedata.normalize("NFC", text[: rules.LONGEST_QUERY]).lower())
    marked = [word for word in dict.fromkeys(typed) if fold(word) != word][: rules.MOST_WORDS]
    return [(word, word.capitalize(), word.upper()) for word in marked]


def _named(marked: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """Marked words by the names under which _other_accents() binds them."""
    return {f"marked_{place}_{way}": f"% {one}%" for place, ways in enumerate(marked) for way, one in enumerate(ways)}


def _other_accents(marked: Sequence[tuple[str, ...]]) -> ColumnElement[int]:
    """0: every word that was typed with accents begins a word of the name just so. 1: it does without them."""
    if not marked:
        return literal(0)
    name, bound = literal(" ", Text) + Customer.name, _named(marked)
    same = (
        or_(*(name.like(bindparam(key, bound[key])) for key in (f"marked_{place}_{way}" for way in range(len(ways)))))
        for place, ways in enumerate(marked)
    )
    return case((and_(*same), 0), else_=1)


def found_ids(text: str, actor: Actor, *, limit: int = MOST_COUNTED) -> Select[int]:
    """The ids of some live customers that he may see and that match, in no order."""
    fits = matches(text, actor, _Work.none)
    return select(Customer.id).where(fits, live(), visible(Customer, actor)).limit(limit).correlate(None)


def find_customers(session: Session, who: Actor, text: str, limit: int) -> list[Hit]:
    """By words of name, code, tag, company or e-mail, by a phone in any spelling or its last 4 digits.

    Whoever has the e-mail that was typed whole is meant alone. A number that stands among words which do not fit is
    looked for alone: somebody pasted a line of a chat.
    """
    if meant := _with_email(session, who, text, limit):
        return meant
    hits = _find(session, who, text, limit)
    phone = phone_in(text)
    if hits or phone is None or rules.search_words(text) == rules.search_words(phone.number):
        return hits
    return _find(session, who, phone.number, limit)


def _find(session: Session, who: Actor, text: str, limit: int) -> list[Hit]:
    marked, beginnings = _marked_words(text), rules.search_words(text)

    def lines(fits: ColumnElement[bool], most: Any) -> Select[Any]:
        first, rank = _first(marked, who, most, fits)
        columns = (first.c.total, Customer.company_id, Customer.search_text)
        return _LINES.add_columns(*columns).join(first, first.c.id == Customer.id).order_by(*rank)

    def by_words() -> Select[Any]:
        words = bindparam("words", type_=_WordBeginnings())
        return lines(_IsText(Customer.id, words, Customer.search_text), bindparam("most", type_=Integer))

    if beginnings and all(who.reads("Customer", field) for field in ("phone", "email")):
        statement = who.once(("customers by words", len(marked)), by_words)
        rows = session.execute(statement, {"words": beginnings, "most": limit, **_named(marked)}).all()
    else:
        rows = session.execute(lines(matches(text, who, _Work.any), limit)).all()
    found = _without_hidden_work(session, who, text, rows)
    told = _numbers_meant(session, who, text, [row.id for row in found])
    code = text.strip().upper()
    hits = [_hit(row, who, meant=told.get(row.id), exact=row.id in told or row.code == code) for row in found]
    return Capped(hits) if found and found[0].total > MOST_COUNTED else hits


def _with_email(session: Session, who: Actor, text: str, limit: int) -> list[Hit]:
    """Those with exactly this address, where there is such a field for him."""
    email = text.strip().lower()
    if "@" not in email or who.field_right("Customer", "email") is FieldRight.hidden:
        return []
    rows = _LINES.where(reached_by({ContactKind.email}, email), live(), visible(Customer, who))
    found = session.execute(rows.order_by(Customer.sort_key, Customer.id).limit(limit))
    shown = str(guarded.seen(who, "Customer", "email", email))
    return [_hit(row, who, meant=(shown, ""), exact=True) for row in found]


def _without_hidden_work(session: Session, who: Actor, text: str, rows: Sequence[Any]) -> Sequence[Any]:
    """Without those whom the words of a company alone have found whose name he may not read."""
    if who.scope("Customer") is Scope.all:
        return rows
    words = rules.search_words(text)

    def needs_work(row: Any) -> bool:
        own = f" {row.search_text.partition(rules.COMPANY_BEGINS)[0]}"
        return row.company_id is not None and not all(f" {word}" in own for word in words)

    by_work = {row.company_id for row in rows if needs_work(row)}
    if not by_work:
        return rows
    seen = names_seen(session, by_work, who)
    return [row for row in rows if row.company_id in seen or not needs_work(row)]


def _numbers_meant(session: Session, who: Actor, text: str, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Customer → (the number of his that was typed, whole or by its last digits; the part of it that was typed).

    Whoever reads numbers with dots in them is told of a whole one alone, and with dots.
    """
    phone, tails = phone_in(text), rules.last_digits(text)
    reads = who.reads("Customer", "phone")
    if not ids or not (phone or (tails and reads)) or who.field_right("Customer", "phone") is FieldRight.hidden:
        return {}
    points = select(ContactPoint.customer_id, ContactPoint.value, ContactPoint.shown).where(
        ContactPoint.customer_id.in_(ids), ContactPoint.kind.in_(sorted(rules.PHONE_KINDS)),
        ContactPoint.archived_at.is_(None),
    )  # fmt: skip
    told: dict[int, tuple[str, str]] = {}
    for point in session.execute(points.order_by(ContactPoint.is_preferred.desc(), ContactPoint.id)):
        if phone is not None and stored_phone(point.value).number == phone.number:
            part = point.shown
        elif phone is None and phone_tail(point.value, rules.LAST_DIGITS) in tails:
            part = _end(show_phone(stored_phone(point.value).number))
        else:
            continue
        shown = guarded.seen(who, "Customer", "phone", point.shown)
        told.setdefault(point.customer_id, (shown, part if reads else ""))
    return told


def _end(shown: str) -> str:
    """The last digits of a number as it is shown: 0912 345 678 → 5 678."""
    at = [place for place, sign in enumerate(shown) if sign.isdigit()]
    return shown[at[-rules.LAST_DIGITS] :] if len(at) >= rules.LAST_DIGITS else shown


def named_customers(session: Session, who: Actor, ids: Collection[int]) -> list[Hit]:
    """Also those of whom he sees the header alone: their page opens for him."""
    rows = _LINES.where(Customer.id.in_(ids), header_visible(who))
    return [_hit(one, who) for one in session.execute(rows)]


#: what a line of a search tells of a customer
_LINES = select(
    Customer.id, Customer.name, Customer.code,
    main_contact(ContactKind.phone).label("phone"), main_contact(ContactKind.email).label("email"),
)  # fmt: skip


def _hit(row: Any, who: Actor, *, meant: tuple[str, str] | None = None, exact: bool = False) -> Hit:
    reached = meant[0] if meant else row.phone and guarded.seen(who, "Customer", "phone", row.phone)
    reached = reached or (row.email and guarded.seen(who, "Customer", "email", row.email))
    path, marked = links.customer_path(row.id), meant[1] if meant else ""
    return Hit(row.id, row.name, line(row.code, reached), path, exact, marked)


def add_with_phone(who: Actor, text: str) -> Suggestion | None:
    """A number that nobody has is that of a new customer."""
    phone = phone_in(text)
    if phone is None or not who.may("add", "Customer") or not who.writes("Customer", "phone", is_new=True):
        return None
    shown = show_phone(phone.stored)
    title = _("Add a customer with the number %(phone)s", phone=shown)
    return Suggestion(title, f"/khach-hang/add?{urlencode({'phone': shown})}", "user-plus")


def companies(rows: Select[Any], text: str, who: Actor) -> Select[Any]:
    """Those of `rows` that are companies and match, in name order; where people work is chosen from them."""
    matching = rows.where(Customer.kind == CustomerKind.company, search(text, who))
    return matching.order_by(Customer.sort_key, Customer.id)
