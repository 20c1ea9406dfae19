"""How do a customer's ways to be reached change? The parts of which the services are made; he is locked by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.core import clock
from app.core.access import Actor
from app.core.errors import NotAllowedError
from app.core.guarded import NOT_YOURS
from app.customers import rules
from app.customers.models import ContactKind, ContactPoint, Customer

#: a contact point as typed
TypedContact = tuple[ContactKind, str]


def typed_contacts(
    phone: str | None, email: str | None, contact_points: Sequence[TypedContact]
) -> Iterator[tuple[str, ContactKind, str]]:
    """(field key, kind, typed text) of everything that was filled in."""
    if phone and phone.strip():
        yield "phone", ContactKind.phone, phone
    if email and email.strip():
        yield "email", ContactKind.email, email
    for number, (kind, typed) in enumerate(contact_points):
        yield f"contact_points.{number}", kind, typed


def same(customer: Customer, contact: rules.Contact, among: Sequence[ContactPoint]) -> ContactPoint | None:
    return next((point for point in among if (point.kind, point.value) == (contact.kind, contact.value)), None)


def is_shared(customer: Customer, contact: rules.Contact) -> bool:
    """Was this one of his ways to be reached, and others are reached by it too?"""
    point = same(customer, contact, customer.all_contact_points)
    return point is not None and point.is_shared


def put_in_use(customer: Customer, contact: rules.Contact) -> ContactPoint:
    point = same(customer, contact, customer.all_contact_points)
    if point is None:
        point = ContactPoint(kind=contact.kind, value=contact.value, is_preferred=False)
        customer.all_contact_points.append(point)
    point.shown, point.archived_at = contact.shown, None
    return point


def take_out_of_use(customer: Customer, point: ContactPoint) -> None:
    """The next one becomes preferred, so that there is always one while there is any."""
    was_preferred, point.is_preferred, point.archived_at = point.is_preferred, False, clock.now()
    if was_preferred and customer.contact_points:
        customer.contact_points[0].is_preferred = True


def prefer(customer: Customer, point: ContactPoint) -> None:
    for other in customer.all_contact_points:
        other.is_preferred = other is point


def may_write(by: Actor, contact: rules.Contact | ContactPoint, *, is_new: bool = False) -> bool:
    """Does his right to phone numbers or e-mails, whichever it is, let him say this one?"""
    field = rules.field_of(contact.kind, contact.value)
    return field is None or by.writes("Customer", field, is_new=is_new)


def refuse_withheld(point: ContactPoint, by: Actor) -> None:
    if not may_write(by, point):
        raise NotAllowedError(NOT_YOURS)


def is_other_main(customer: Customer, kind: ContactKind, contact: rules.Contact | None) -> bool:
    """Would _replace_main change anything?"""
    main = customer.first_contact(kind)
    return (main.value if main else None) != (contact.value if contact else None)


def replace_main(customer: Customer, kind: ContactKind, contact: rules.Contact | None) -> bool:
    """Put `contact` in the place of the customer's main phone or e-mail; None takes that out of use. Was it another?"""
    if not is_other_main(customer, kind, contact):
        return False
    main = customer.first_contact(kind)
    takes_over = main is None and not customer.contact_points
    if main is not None:
        takes_over = main.is_preferred and contact is not None
        take_out_of_use(customer, main)
    if contact is not None:
        point = put_in_use(customer, contact)
        if takes_over:
            prefer(customer, point)
    return True
