"""Who has this phone number, e-mail address or tax code already? Asked by normal forms, one or many thousands at once.

Numbers marked as shared by several people say nothing, and a merged customer is found as the one he became part of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.core.access import Actor, FieldRight
from app.core.db import queue_up_all
from app.core.errors import BusinessError, FieldMessages, InvalidInputError, Sentence
from app.core.i18n import _
from app.core.vietnamese import show_phone
from app.customers import rules
from app.customers.duplicates.models import CustomerMerge
from app.customers.models import ContactKind, ContactPoint, Customer
from app.customers.queries import header_visible

#: as many as a person compares
MOST_TOLD = 10
#: values a query asks for at once
_BATCH = 5_000
_PHONES = sorted(rules.PHONE_KINDS)


class HardField(StrEnum):
    """What two customers can only have in common when they are one."""

    phone = auto()
    email = auto()
    tax_code = auto()


class HardKey(NamedTuple):
    """`value` is in normal form: that of rules.read_contact and identity.read_tax_code."""

    field: HardField
    value: str


class DuplicateCustomerError(BusinessError):
    """Someone has this number, address or tax code already. It is saved when it is said why.

    `matches` are those who have it, `details["matches"]` the same for programs.
    """

    status = 409
    code = "duplicate_customer"
    message = _("There is such a customer already. Open that one, or say why this one is saved as well.")

    def __init__(self, matches: Sequence[HardMatch]) -> None:
        self.matches = matches
        super().__init__(fields=beside(matches), matches=[match.plain() for match in matches])


class InvalidCustomerError(InvalidInputError):
    """Something typed is wrong, and besides somebody has something of it already: `matches`, as above."""

    def __init__(self, fields: FieldMessages, matches: Sequence[HardMatch]) -> None:
        self.matches = matches
        told = {"matches": [match.plain() for match in matches]} if matches else {}
        super().__init__(fields={**beside(matches), **fields}, **told)


@dataclass(frozen=True)
class HardMatch:
    """A customer who has it already. Beyond the reader's sight: no id, no code, the name masked."""

    field: HardField
    #: as people read it
    shown: str
    name: str
    customer_id: int | None
    code: str | None
    is_archived: bool = False

    def plain(self) -> dict[str, Any]:
        return {"field": str(self.field), "id": self.customer_id, "code": self.code, "name": self.name}


def beside(matches: Sequence[HardMatch]) -> dict[str, list[Sentence]]:
    """The sentence at each field that somebody has already."""
    return {str(one.field): [_("Another customer has this already.")] for one in matches}


def contact_key(kind: ContactKind, value: str, *, is_shared: bool = False) -> HardKey | None:
    """By what a way to reach somebody tells that he is the same; None for those that tell nothing."""
    if is_shared:
        return None
    if kind is ContactKind.email:
        return HardKey(HardField.email, value)
    if kind is ContactKind.phone or (kind is ContactKind.zalo and rules.is_number(value)):
        return HardKey(HardField.phone, value)
    return None


def tax_key(tax_code: str | None) -> HardKey | None:
    return HardKey(HardField.tax_code, tax_code) if tax_code else None


def keys_of(customer: Customer) -> set[HardKey]:
    """What this customer has of the kind now."""
    found = {contact_key(one.kind, one.value, is_shared=one.is_shared) for one in customer.contact_points}
    found.add(tax_key(customer.tax_code))
    return {key for key in found if key is not None}


def holders(session: Session, keys: Collection[HardKey]) -> dict[HardKey, list[int]]:
    """The ids of the customers who have each of them, the oldest first; archived ones too. Nobody: no entry.

    Three queries for every 5,000 keys of a kind, each by an index; whoever reads it has no part in it.
    """
    by_field: Mapping[HardField, list[str]] = defaultdict(list)
    for key in sorted(set(keys)):
        by_field[key.field].append(key.value)
    found: dict[HardKey, list[int]] = defaultdict(list)
    for field, values in by_field.items():
        for start in range(0, len(values), _BATCH):
            for value, number in session.execute(_holding(field, values[start : start + _BATCH])):
                if number not in found[HardKey(field, value)]:
                    found[HardKey(field, value)].append(number)
    return {key: sorted(numbers) for key, numbers in found.items()}


def _holding(field: HardField, values: Sequence[str]) -> Select[Any, int]:
    if field is HardField.tax_code:
        merged = select(CustomerMerge.merged_id).where(CustomerMerge.undone_at.is_(None))
        return select(Customer.tax_code, Customer.id).where(
            Customer.tax_code.in_(values), Customer.id.not_in(merged.correlate(None))
        )
    kinds = _PHONES if field is HardField.phone else [ContactKind.email]
    return select(ContactPoint.value, ContactPoint.customer_id).where(
        ContactPoint.kind.in_(kinds), ContactPoint.value.in_(values), ContactPoint.archived_at.is_(None),
        ContactPoint.is_shared.is_(False),
    )  # fmt: skip


def own_numbers(value: str) -> Select[ContactPoint]:
    """Where this number stands as one person's own."""
    return select(ContactPoint).where(
        ContactPoint.kind.in_(_PHONES), ContactPoint.value == value, ContactPoint.archived_at.is_(None),
        ContactPoint.is_shared.is_(False),
    )  # fmt: skip


def matches(session: Session, keys: Collection[HardKey], *, who: Actor, besides: int | None = None) -> list[HardMatch]:
    """Who has one of these already, as this person may be told; the first MOST_TOLD. `besides`: who is being saved."""
    found = holders(session, keys)
    ids = {number for number in chain.from_iterable(found.values()) if number != besides}
    if not ids:
        return []
    rows = session.execute(
        select(Customer.id, Customer.code, Customer.name, Customer.archived_at, header_visible(who).label("known"))
        .where(Customer.id.in_(sorted(ids)[:MOST_TOLD]))
    )  # fmt: skip
    known = {row.id: row for row in rows}
    return [_told(key, known[one]) for key, ids_of in sorted(found.items()) for one in ids_of if one in known]


def with_phone(session: Session, typed: str, *, who: Actor) -> list[HardMatch]:
    """Who has this number, in any spelling; what is no number has nobody. Nothing where numbers are kept from him."""
    if who.field_right("Customer", "phone") is FieldRight.hidden:
        return []
    try:
        key = contact_key(ContactKind.phone, rules.read_contact(ContactKind.phone, typed).value)
    except rules.UnreadableError:
        return []
    return matches(session, [key] if key is not None else [], who=who)


def _told(key: HardKey, row: Any) -> HardMatch:
    shown = show_phone(key.value) if key.field is HardField.phone else key.value
    if row.known:
        return HardMatch(key.field, shown, row.name, row.id, row.code, row.archived_at is not None)
    return HardMatch(key.field, shown, rules.masked(row.name), None, None)


def hold(session: Session, keys: Iterable[HardKey]) -> None:
    """Until the transaction ends nobody else saves one of these: of two at once, the second one finds the first."""
    queue_up_all(session, (f"customer.{key.field}.{key.value}" for key in keys))
