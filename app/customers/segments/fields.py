"""By what are customers narrowed besides their own columns? By tags, purchases, age, consent, silence, segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Integer, Select, String, cast, extract, func, literal, null, select, type_coerce
from sqlalchemy.orm import aliased

from app.catalogues import queries as catalogues
from app.catalogues.shipped import CONSENT_PURPOSE
from app.core import clock, guarded
from app.core.access import Actor, visible
from app.core.conditions import Condition, ConditionError
from app.core.conditions.fields import Kind, Total
from app.core.conditions.since import Since
from app.core.db import db
from app.core.i18n import _
from app.core.screens.columns import Derived
from app.customers.beside_fields import BOUGHT
from app.customers.forgotten import queries as forgotten
from app.customers.labels import CONSENT_CHANNELS, FIELD_LABELS
from app.customers.models import Customer
from app.customers.profile_models import ConsentEvent, ConsentState, CustomerTag, Purchase, Tag
from app.customers.segments.models import Segment, SegmentKind, SegmentMember

MONTHS = range(1, 13)


class _Labels(Mapping[str, Any]):
    """Stored value → label, read once in each read of the database: whatever names hundreds of values asks once."""

    def __init__(self, read: Callable[[], dict[str, Any]]) -> None:
        self._read = read
        self._known: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()

    def _all(self) -> dict[str, Any]:
        session = db.session()
        begun = session.get_transaction()
        if begun is None or session.info.get("transaction"):
            # Before the first read there is nothing to remember by; what is being changed may be new.
            return self._read()
        if begun not in self._known:
            self._known[begun] = self._read()
        return self._known[begun]

    def __getitem__(self, key: str) -> Any:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _tag_names() -> dict[str, Any]:
    rows = db.session().execute(select(Tag.key, Tag.name).order_by(Tag.archived_at.is_not(None), Tag.key))
    return {row.key: row.name for row in rows}


def _consents() -> dict[str, Any]:
    purposes = catalogues.Choices(CONSENT_PURPOSE)
    return {
        f"{code}.{channel}": f"{label} · {told}"
        for code, label in purposes.items() for channel, told in CONSENT_CHANNELS.items()
    }  # fmt: skip


def _tags() -> Select[Any]:
    rows = select(Tag.key).join(CustomerTag, CustomerTag.tag_id == Tag.id)
    return rows.where(CustomerTag.customer_id == Customer.id).correlate(Customer)


def _agreed() -> Select[Any]:
    """What the customer agrees to now, as "purpose.channel": the last event of each says so."""
    event, later = ConsentEvent, aliased(ConsentEvent)
    newer = (
        select(later.id)
        .where(later.customer_id == event.customer_id, later.purpose == event.purpose, later.channel == event.channel)
        .where((later.at > event.at) | ((later.at == event.at) & (later.id > event.id)))
        .correlate(event)
    )  # fmt: skip
    told = event.purpose + "." + type_coerce(event.channel, String)
    rows = select(told).where(event.customer_id == Customer.id, event.state == ConsentState.given, ~newer.exists())
    return rows.correlate(Customer)


def _bought(what: Any) -> Select[Any]:
    rows = select(what).where(Purchase.customer_id == Customer.id, Purchase.archived_at.is_(None))
    return rows.correlate(Customer)


def _total(value: Any, *, nothing: int | None = 0, since: date | None = None) -> Total:
    """Over all purchases of each customer, or those from this day on."""
    rows = select(Purchase.customer_id).where(Purchase.archived_at.is_(None)).group_by(Purchase.customer_id)
    return Total(Customer.id.expression, _from(rows, since), value, nothing)


def _from(rows: Select[Any], first: date | None) -> Select[Any]:
    return rows if first is None else rows.where(Purchase.bought_on >= first)


def _over(kind: Kind, value: Any, days: int, guarded_as: str = "") -> Derived:
    """Counted or added up over the purchases of the last so many days."""

    def seen_by(who: Actor) -> Derived:
        first = clock.today(who.time_zone) - timedelta(days=days)
        return Derived(kind, null(), _total(value, since=first))

    return Derived(kind, null(), seen_by=seen_by, guarded_as=guarded_as)


_COUNT, _SUM, _LAST = func.count(Purchase.customer_id), func.sum(Purchase.amount), func.max(Purchase.bought_on)


def _segments(who: Actor) -> Derived:
    """The frozen ones that he sees: a dynamic one is its condition."""
    kept = (Segment.kind == SegmentKind.frozen) & Segment.archived_at.is_(None) & visible(Segment, who)
    known = select(Segment.id, Segment.name).where(kept)
    ids = select(cast(SegmentMember.segment_id, String)).join(Segment, Segment.id == SegmentMember.segment_id)
    members = ids.where(SegmentMember.customer_id == Customer.id, kept)
    if who.fields and (withheld := _withheld(who, kept)):
        known, members = known.where(Segment.id.not_in(withheld)), members.where(Segment.id.not_in(withheld))
    names = _Labels(lambda: {str(row.id): row.name for row in db.session().execute(known.order_by(Segment.name))})
    return Derived(Kind.choice, null(), members.correlate(Customer), choices=names)


def _withheld(who: Actor, kept: ColumnElement[bool]) -> list[int]:
    """Frozen segments whose members would tell him what he may not read."""
    found = []
    for row in db.session().execute(select(Segment.id, Segment.condition).where(kept)):
        try:
            keys = Condition.from_json(row.condition).keys
        except ConditionError:
            continue
        asked = {FIELDS[key].guarded_as or key if key in FIELDS else guarded.key_of(key) for key in keys}
        if not all(who.reads("Customer", key) for key in asked):
            found.append(row.id)
    return found


#: field → what it compares; the customers' list takes them into its filter
FIELDS: Mapping[str, Derived] = {
    "tag": Derived(Kind.choice, null(), _tags(), choices=_Labels(_tag_names), absent_differs=True),
    "forgotten": Derived(
        Kind.yes_no, null(), is_always_there=True,
        seen_by=lambda _who: Derived(Kind.yes_no, forgotten.is_forgotten()),
    ),
    "silent_days": Derived(Kind.number, null(), forgotten.heard_at(), since=Since.days),
    "age": Derived(Kind.number, null(), Customer.birthday.expression, since=Since.years, guarded_as="birthday"),
    "birth_month": Derived(
        Kind.choice, null(), cast(cast(extract("month", Customer.birthday), Integer), String),
        choices={str(month): _("Month %(month)s", month=month) for month in MONTHS}, guarded_as="birthday",
    ),
    "bought_times": Derived(Kind.number, _bought(_COUNT).scalar_subquery(), _total(_COUNT)),
    "bought_amount": Derived(
        Kind.money, _bought(_SUM).scalar_subquery(), _total(_SUM, nothing=None), guarded_as=BOUGHT
    ),
    "bought_times_year": _over(Kind.number, _COUNT, 365),
    "bought_amount_year": _over(Kind.money, _SUM, 365, BOUGHT),
    "bought_times_quarter": _over(Kind.number, _COUNT, 90),
    "bought_amount_quarter": _over(Kind.money, _SUM, 90, BOUGHT),
    "bought_last": Derived(Kind.date, null(), _total(_LAST, nothing=None)),
    "bought_days": Derived(Kind.number, null(), _total(_LAST, nothing=None), since=Since.days),
    "product": Derived(Kind.text, null(), _bought(Purchase.product), absent_differs=True),
    "consent": Derived(Kind.choice, null(), _agreed(), choices=_Labels(_consents), absent_differs=True),
    "at_risk": Derived(Kind.yes_no, null(), Customer.risk_since.is_not(None), is_always_there=True),
    "segment": Derived(Kind.choice, null(), literal(None, String), seen_by=_segments, absent_differs=True),
}  # fmt: skip
LABELS: Mapping[str, Any] = {
    "tag": _("Tag"),
    "forgotten": _("Forgotten"),
    "silent_days": _("Days without a contact"),
    "age": _("Age"),
    "birth_month": _("Month of birth"),
    "bought_times": _("Number of purchases"),
    "bought_amount": _("Bought for"),
    "bought_times_year": _("Purchases in 12 months"),
    "bought_amount_year": _("Bought for in 12 months"),
    "bought_times_quarter": _("Purchases in 90 days"),
    "bought_amount_quarter": _("Bought for in 90 days"),
    "bought_last": _("Last purchase"),
    "bought_days": _("Days since the last purchase"),
    "product": _("Product bought"),
    "consent": _("Agrees to"),
    "at_risk": _("At risk"),
    "segment": _("Frozen segment"),
    "tier_is_fixed": FIELD_LABELS["tier_is_fixed"],
    "behaviour_is_fixed": FIELD_LABELS["behaviour_is_fixed"],
}
#: of the customer's own row, which the list has no other use for
OWN = ("tier_is_fixed", "behaviour_is_fixed")
