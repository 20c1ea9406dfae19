"""How does a list show, compare and order a field that the company added? One way for each kind of answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, and_, case, cast, func, null, select
from sqlalchemy.orm import aliased

from app.catalogues.queries import Choices
from app.core import edge
from app.core.access import Actor
from app.core.conditions.fields import Beside, Kind
from app.core.db import db
from app.core.i18n import LazySentence
from app.core.masking import Mask
from app.core.screens.columns import Derived, Walk
from app.core.screens.extra import PREFIX, ExtraField, Fields
from app.core.vietnamese import show_phone
from app.customers.models import Customer
from app.customers.queries import header_visible
from app.forms import reading
from app.forms.compared import KINDS
from app.forms.fields.base import FormField
from app.forms.own_fields import queries
from app.forms.own_fields.models import CustomerAnswers, CustomerValue
from app.forms.words import say
from app.security.models import Member, Team

_NUMBERS = {Kind.number, Kind.decimal, Kind.money}


def fields_of(drawn: queries.Drawn) -> Fields:
    return Fields({
        PREFIX + one.key: ExtraField(
            PREFIX + one.key, LazySentence(lambda spec=one.spec: say(spec.label)), _derived(one),
            is_compared=one.spec.searchable and one.type.index is not None and one.spec.type != "customer",
            mask=mask_of(one), is_sensitive=one.spec.personal_data != "none",
        )
        for one in drawn.fields.values() if one.spec.type in KINDS
    })  # fmt: skip


def mask_of(one: FormField) -> Mask:
    return reading.mask_of(one) or Mask.text


@dataclass(frozen=True)
class _Values:
    """The rows of one field."""

    key: str

    def of(self, column: Any) -> Any:
        """The first value of each customer, as a part of his row."""
        return select(column).where(*self.first).correlate(Customer).scalar_subquery()

    @property
    def first(self) -> Sequence[Any]:
        row = CustomerValue
        return (row.customer_id == Customer.id, row.field_key == self.key, row.item == 0)

    def beside(self, value: Any, *, several: bool = False) -> Beside:
        rows = select(CustomerValue.customer_id).where(CustomerValue.field_key == self.key, value.is_not(None))
        return Beside(Customer.id.expression, rows, value, several)

    def walk(self, by: Callable[[Any], Any]) -> Walk:
        one = aliased(CustomerValue)

        def joined(rows: Select[Any]) -> Select[Any]:
            on = and_(one.customer_id == Customer.id, one.field_key == self.key, one.item == 0)
            return rows.join(one, on).where(by(one).is_not(None))

        return Walk(joined, by(one), one.customer_id)


def _derived(one: FormField) -> Derived:
    kind, code, values = KINDS[one.spec.type], one.spec.type, _Values(one.key)
    if code == "customer":
        return Derived(kind, null(), seen_by=lambda who: _customer(values, who))
    if kind is Kind.choice:
        return _choice(one, values)
    if kind in (Kind.person, Kind.team):
        return _named(kind, values)
    if kind in _NUMBERS:
        return Derived(
            kind, values.of(_whole(CustomerValue.number) if kind is not Kind.decimal else CustomerValue.number),
            values.beside(CustomerValue.number), order=values.of(CustomerValue.number),
            show=_show(one) if kind is Kind.decimal else None, walk=values.walk(lambda row: row.number),
        )  # fmt: skip
    match kind:
        case Kind.date:
            return Derived(kind, values.of(CustomerValue.date), values.beside(CustomerValue.date),
                           walk=values.walk(lambda row: row.date))  # fmt: skip
        case Kind.moment:
            return Derived(kind, values.of(CustomerValue.moment), values.beside(CustomerValue.moment),
                           walk=values.walk(lambda row: row.moment))  # fmt: skip
        case Kind.yes_no:
            # As numbers they are kept, so that one index serves all.
            return Derived(kind, values.of(CustomerValue.number == 1), values.beside(CustomerValue.number == 1),
                           order=values.of(CustomerValue.number), walk=values.walk(lambda row: row.number))  # fmt: skip
        case Kind.phone:
            return Derived(kind, values.of(CustomerValue.text), values.beside(CustomerValue.text),
                           show=lambda value: show_phone(value) if value else "",
                           walk=values.walk(lambda row: row.text))  # fmt: skip
    if code in ("address", "long_text"):
        # Its text in the index is cut, or made for finding.
        answer, show = CustomerAnswers.answers[one.key], _show(one)
        return Derived(
            kind, _said(answer.as_json() if code == "address" else answer.as_string()),
            values.beside(CustomerValue.text), order=values.of(CustomerValue.sort), show=show, write=show,
            walk=values.walk(lambda row: row.sort),
        )  # fmt: skip
    return Derived(kind, values.of(CustomerValue.text), values.beside(CustomerValue.text),
                   order=values.of(CustomerValue.sort), walk=values.walk(lambda row: row.sort))  # fmt: skip


def _whole(column: Any) -> Any:
    return cast(func.round(column), BigInteger)


def _said(value: Any) -> Any:
    """Of the answers as they were given, as a part of the customer's row."""
    return select(value).where(CustomerAnswers.customer_id == Customer.id).correlate(Customer).scalar_subquery()


def _show(one: FormField) -> Callable[[Any], str]:
    """As a form shows it."""

    def show(value: Any) -> str:
        if value is None:
            return ""
        who = edge.actor()
        return one.type.show(value, one.spec, queries.context(db.session(), who, None))

    return show


def _choice(one: FormField, values: _Values) -> Derived:
    catalogue, options = one.spec.own.get("catalogue"), one.spec.own.get("options") or ()
    labels: Mapping[str, Any] = (
        Choices(catalogue) if catalogue
        else {option.value: LazySentence(lambda option=option: say(option.label)) for option in options}
    )  # fmt: skip
    compared = values.beside(CustomerValue.text, several=one.spec.type == "choices")
    if one.spec.type == "choices":
        rows = (
            select(CustomerValue.text).where(
                CustomerValue.customer_id == Customer.id, CustomerValue.field_key == one.key
            ).order_by(CustomerValue.item).correlate(Customer).subquery()
        )  # fmt: skip
        several = select(func.aggregate_strings(rows.c.text, "\n")).scalar_subquery()

        def show(codes: Any) -> str:
            return ", ".join(str(labels.get(code, code)) for code in str(codes).split("\n")) if codes else ""

        return Derived(Kind.choice, several, compared, choices=labels, show=show, order=values.of(CustomerValue.text))
    place = {option.value: number for number, option in enumerate(options)}

    def by(row: Any) -> Any:
        return case(place, value=row.text, else_=len(place)) if place else row.text

    return Derived(Kind.choice, values.of(CustomerValue.text), compared, choices=labels,
                   order=values.of(by(CustomerValue)), walk=values.walk(by))  # fmt: skip


def _named(kind: Kind, values: _Values) -> Derived:
    """A colleague or a team, by name."""
    model: Any = Member if kind is Kind.person else Team
    one = aliased(model)

    def of(column: Any) -> Any:
        rows = select(column).join(CustomerValue, one.id == cast(CustomerValue.number, Integer))
        return rows.where(*values.first).correlate(Customer).scalar_subquery()

    return Derived(kind, of(one.name), values.beside(CustomerValue.number), order=of(one.sort_key))


def _customer(values: _Values, who: Actor) -> Derived:
    other = aliased(Customer)
    seen = select(Customer.id).where(header_visible(who)).correlate(None)
    rows = select(other.name).join(CustomerValue, other.id == cast(CustomerValue.number, Integer))
    return Derived(Kind.text, rows.where(*values.first, other.id.in_(seen)).correlate(Customer).scalar_subquery())
