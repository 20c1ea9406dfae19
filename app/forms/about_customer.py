"""Which answers are the customer's own values? They begin with what is known of him, and fill in what was empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access import Actor, visible
from app.core.db import row_id
from app.core.errors import BusinessError, Sentence
from app.core.guarded import key_of
from app.customers import rules as customer_rules
from app.customers.models import ContactKind, Customer
from app.customers.queries import header_visible
from app.customers.services import change_customer
from app.forms import queries, reading
from app.forms.fields.base import Context, FormField, Value
from app.forms.fields.settings import CUSTOMER_VALUES
from app.forms.models import FormVersion, Submission

#: what whoever works on a customer reads of him, though the rest of the record is not shown
_HEADER = frozenset({"name", "phone", "email"})


def mapped(version: FormVersion) -> Mapping[str, FormField]:
    """Code of CUSTOMER_VALUES → the question whose answer is this value of the customer."""
    asked = queries.definition_of(version).fields
    return {one.spec.own["maps_to"]: one for one in asked if one.spec.own.get("maps_to")}


def context_for(session: Session, version: FormVersion, customer_id: int | None, who: Actor) -> Context:
    """What fields may ask while he answers about this customer: such questions begin with what he may read of him."""
    context = queries.context_for(session, who)
    fields = mapped(version) if customer_id is not None else {}
    customer = _customer(session, customer_id, who) if fields and customer_id is not None else None
    if customer is None:
        return context
    found = known(customer, who, is_open=_is_seen(session, customer, who))
    # What he would not be let answer (a name that is too long here) is left to him.
    sound = {
        target: value for target, value in found.items()
        if target in fields and not fields[target].type.parse(value, fields[target].spec, context).problems
    }  # fmt: skip
    return replace(context, known=sound)


def chosen(typed: str | None) -> int | None:
    """The customer who was chosen on a page, by his number as text; None: nobody, or no number."""
    try:
        return row_id(typed) if typed else None
    except BusinessError:
        return None


def known(customer: Customer, who: Actor, *, is_open: bool) -> dict[str, Value]:
    """What stands in the record, as an answer to a form, as far as he reads it. `is_open`: not only its header."""
    return {
        target: value for target, value in _values(customer).items()
        if value and (is_open or target in _HEADER) and who.reads("Customer", key_of(target))
    }  # fmt: skip


def hold(session: Session, version: FormVersion, customer_id: int) -> None:
    """Call it before anything of the transaction refers to a customer whose record may be filled in (`fill_in`): of two
    who answer about him at once, the second waits here. Who only refers to him does not, as with `lock_for`."""
    if mapped(version):
        session.execute(select(Customer.id).where(Customer.id == customer_id).with_for_update(key_share=True))


def fill_in(
    session: Session, version: FormVersion, answers: Mapping[str, Value], customer_id: int, *, by: Actor
) -> list[str]:
    """What is still empty in the record is filled in from the answers, in the name of whoever gave them and as far as
    he may change it; nothing that stands there is replaced. Returns which values (codes of CUSTOMER_VALUES).

    Call `hold` first. A value that cannot be kept (the number of somebody else) stays an answer and nothing more.
    """
    said = {
        target: answers[one.key] for target, one in mapped(version).items()
        if one.key in answers and by.writes("Customer", key_of(target))
    }  # fmt: skip
    if not said or not by.may("edit", "Customer"):
        return []
    row = select(Customer).where(Customer.id == customer_id, visible(Customer, by, "edit"))
    customer = session.scalars(
        row.with_for_update(of=Customer, key_share=True).execution_options(populate_existing=True)
    ).one_or_none()  # fmt: skip
    if customer is None or customer.is_archived:
        return []
    present = _values(customer)
    missing = {target: value for target, value in said.items() if not present[target]}
    form = version.form.name
    if _kept(session, customer, missing, form, by=by):
        return sorted(missing)
    return sorted(one for one, value in missing.items() if _kept(session, customer, {one: value}, form, by=by))


def differing(session: Session, submission: Submission, who: Actor, context: Context) -> list[Sentence]:
    """Which values stand otherwise in the record than they were answered, as far as he reads both."""
    fields = mapped(submission.version)
    if not fields or submission.customer_id is None:
        return []
    customer = _customer(session, submission.customer_id, who)
    if customer is None:
        return []
    stands, numbers = known(customer, who, is_open=_is_seen(session, customer, who)), _reached(customer)
    return [
        CUSTOMER_VALUES[target] for target, one in fields.items()
        if target in stands and reading.is_read(one, context)
        and submission.answers.get(one.key) not in (None, stands[target], *numbers.get(target, ()))
    ]  # fmt: skip


def _customer(session: Session, customer_id: int, who: Actor) -> Customer | None:
    rows = select(Customer).where(Customer.id == customer_id, header_visible(who))
    return session.scalars(rows).one_or_none()


def _is_seen(session: Session, customer: Customer, who: Actor) -> bool:
    return session.scalar(select(Customer.id).where(Customer.id == customer.id, visible(Customer, who))) is not None


def _reached(customer: Customer) -> dict[str, list[str]]:
    """All numbers and addresses by which he is reached: one of them is not another one than the first."""
    found: dict[str, list[str]] = {"phone": [], "email": []}
    for point in customer.contact_points:
        field = customer_rules.field_of(point.kind, point.value)
        if field in found:
            found[field].append(point.value)
    return found


def _values(customer: Customer) -> dict[str, Any]:
    """Code of CUSTOMER_VALUES → what stands there, as the kind of question that maps to it keeps its answers."""
    phone, email = customer.first_contact(ContactKind.phone), customer.first_contact(ContactKind.email)
    parts = {"street": customer.street, "ward": customer.ward_code, "province": customer.province_code}
    address: Any = {key: value for key, value in parts.items() if value}
    if customer.old_address and not address:
        # It is known where he lives, in words of former times: no answer, and nothing that is missing.
        address = {"street": customer.old_address}
    return {
        "name": customer.name,
        "phone": phone.value if phone else None,
        "email": email.value if email else None,
        "birthday": customer.birthday.isoformat() if customer.birthday else None,
        "tax_code": customer.tax_code,
        "id_number": customer.id_number,
        "address": address,
        "note": customer.note,
    }


_AS_COLUMNS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "birthday": lambda value: {"birthday": date.fromisoformat(value)},
    "address": lambda value: {
        "street": value.get("street"), "ward_code": value.get("ward"), "province_code": value.get("province")
    },
}  # fmt: skip


def _kept(session: Session, customer: Customer, values: Mapping[str, Any], form: str, *, by: Actor) -> bool:
    said: dict[str, Any] = {}
    for target, value in values.items():
        said |= _AS_COLUMNS[target](value) if target in _AS_COLUMNS else {target: value}
    if not said:
        return False
    try:
        change_customer(session, customer, by=by, rev=customer.rev, from_form=form, **said)
    except BusinessError:
        return False
    return True
