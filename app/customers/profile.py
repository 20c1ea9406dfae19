"""What may stand in the columns of a customer's profile? Read from what was typed, each beside its field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any, TypedDict

from sqlalchemy.orm import Session

from app.catalogues.services import UnknownCodeError, chosen_code
from app.catalogues.shipped import BEHAVIOUR, CUSTOMER_TIER, HONORIFIC, JOURNEY_STAGE, TOUCHPOINT
from app.core import clock, guarded
from app.core.access import Actor
from app.core.errors import InvalidInputError, Sentence
from app.core.formats import local
from app.core.i18n import _
from app.customers import identity, places, rules
from app.customers.models import (
    JOB_TITLE_LENGTH,
    OLD_ADDRESS_LENGTH,
    REASON_LENGTH,
    STREET_LENGTH,
    Customer,
    CustomerKind,
    Gender,
)

#: column → the catalogue of which it keeps a code
CATALOGUES = {
    "honorific": HONORIFIC, "touchpoint": TOUCHPOINT, "tier": CUSTOMER_TIER, "behaviour": BEHAVIOUR,
    "stage": JOURNEY_STAGE,
}  # fmt: skip
_LINES = {"job_title": JOB_TITLE_LENGTH, "street": STREET_LENGTH, "old_address": OLD_ADDRESS_LENGTH}
_REASONS = ("risk_reason", "do_not_contact_reason", "stage_reason")


class ProfileValues(TypedDict, total=False):
    """What create_customer and change_customer take besides name, contacts and owner. Codes are those of catalogues
    and places, texts are as typed; None empties a field."""

    honorific: str | None
    gender: Gender | None
    birthday: date | None
    tax_code: str | None
    id_number: str | None
    company: Customer | None
    job_title: str | None
    street: str | None
    ward_code: str | None
    province_code: str | None
    old_address: str | None
    touchpoint: str | None
    tier: str | None
    behaviour: str | None
    #: no rule moves him out of it, though it is the rules that put him there
    tier_is_fixed: bool
    behaviour_is_fixed: bool
    stage: str | None
    #: why, in the history of stages
    stage_reason: str | None
    risk_reason: str | None
    do_not_contact: bool
    do_not_contact_reason: str | None
    next_contact_on: date | None


#: to people one field: whoever may not read it reads none of them
ADDRESS = ("street", "ward_code", "province_code", "old_address")
guarded.declare_parts("address", (*ADDRESS, "province", "ward"))

#: columns that change with another one, and are not told of beside it
FOLLOWING = frozenset({"tier_is_fixed", "behaviour_is_fixed", "risk_since"})
#: what the rules of customers.classes choose where nobody did → that somebody did
FIXED = {"tier": "tier_is_fixed", "behaviour": "behaviour_is_fixed"}
#: in the order in which people are told of them
KEYS = tuple(ProfileValues.__annotations__)
for _column, _fixed in FIXED.items():
    guarded.declare_parts(_column, (_fixed,))


class Problems:
    """Everything that is wrong with what was typed, told at once and beside its field."""

    def __init__(self) -> None:
        self.fields: dict[str, list[Sentence]] = {}

    @contextmanager
    def beside(self, key: str) -> Iterator[None]:
        try:
            yield
        except rules.UnreadableError as unreadable:
            self.fields.setdefault(key, []).append(unreadable.sentence)

    def refuse_any(self) -> None:
        if self.fields:
            raise InvalidInputError(fields=self.fields)


def read_profile(
    session: Session, customer: Customer, values: Mapping[str, Any], problems: Problems, *, by: Actor,
    kind: CustomerKind | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Column → new value of those that `values` names, and of those that follow from them; and `stage_reason`, which is
    no column. `kind` is the new one."""
    new: dict[str, Any] = {}
    today = local(clock.now(), by.time_zone).date()
    for key, value in values.items():
        with problems.beside(key):
            if key in CATALOGUES:
                new[key] = code_of(session, CATALOGUES[key], value, present=getattr(customer, key))
            elif key in _NUMBERS:
                new[key] = _NUMBERS[key](value or "", today=today)
            elif key in _READERS:
                new[key] = _READERS[key](value)
    with problems.beside("company"):
        if "company" in values:
            new["company_id"] = _employer(customer, kind or customer.kind, values["company"])
        elif kind is CustomerKind.company and customer.company_id is not None:
            raise rules.UnreadableError(_WORKS_NOWHERE)
    _read_address(customer, new, problems)
    _read_restrictions(customer, new, problems)
    for key, check in (("birthday", identity.check_birthday), ("next_contact_on", _check_next)):
        if new.get(key) is not None and new[key] != getattr(customer, key):
            with problems.beside(key):
                check(new[key], today=today)
    for column, fixed in FIXED.items():
        chosen = new.get(column, getattr(customer, column))
        # Chosen by hand it stays; emptied, the rules choose again.
        if chosen != getattr(customer, column):
            new[fixed] = chosen is not None
        elif fixed in new:
            new[fixed] = new[fixed] and chosen is not None
    return new


def code_of(session: Session, catalogue: str, code: str | None, *, present: str | None = None) -> str | None:
    """The code of an entry that may be chosen. Raises UnreadableError with those that can be."""
    try:
        return chosen_code(session, catalogue, code, present=present)
    except UnknownCodeError as unknown:
        raise rules.UnreadableError(unknown.sentence) from unknown


def _line(longest: int) -> Callable[[Any], str | None]:
    return lambda typed: rules.read_line(typed or "", longest) or None


def _gender(value: Any) -> Gender | None:
    return Gender(value) if value else None


_READERS: Mapping[str, Callable[[Any], Any]] = {
    **{key: _line(longest) for key, longest in _LINES.items()},
    **{key: _line(REASON_LENGTH) for key in _REASONS},
    "gender": _gender,
    "birthday": lambda day: day,
    "next_contact_on": lambda day: day,
    "do_not_contact": bool,
    "tier_is_fixed": bool,
    "behaviour_is_fixed": bool,
    "ward_code": lambda code: code or None,
    "province_code": lambda code: code or None,
}
_NUMBERS: Mapping[str, Callable[..., str | None]] = {
    "tax_code": identity.read_tax_code, "id_number": identity.read_citizen_id,
}  # fmt: skip


_WORKS_NOWHERE: Sentence = _("Only a person works at a company.")


def _employer(customer: Customer, kind: CustomerKind, company: Customer | None) -> int | None:
    if company is None:
        return None
    if company.id == customer.company_id and kind is CustomerKind.person:
        return company.id
    if kind is not CustomerKind.person:
        raise rules.UnreadableError(_WORKS_NOWHERE)
    if company.kind is not CustomerKind.company:
        raise rules.UnreadableError(_("%(name)s is a person. Choose a company.", name=company.name))
    if company.is_archived:
        raise rules.UnreadableError(_("%(name)s is archived. Choose another company.", name=company.name))
    return company.id


def _read_address(customer: Customer, new: dict[str, Any], problems: Problems) -> None:
    if not {"ward_code", "province_code"} & new.keys():
        return
    province = new.get("province_code", customer.province_code)
    ward = new.get("ward_code", customer.ward_code)
    if ward and not province:
        lies_in = places.province_of(ward)
        province = new["province_code"] = lies_in.code if lies_in else None
    problem = places.place_problem(province, ward)
    if problem is not None:
        key = "ward_code" if ward and not places.place_problem(province, None) else "province_code"
        problems.fields.setdefault(key, []).append(problem)


def _read_restrictions(customer: Customer, new: dict[str, Any], problems: Problems) -> None:
    if "do_not_contact" in new or "do_not_contact_reason" in new:
        reason = new.get("do_not_contact_reason", customer.do_not_contact_reason)
        if not new.get("do_not_contact", customer.do_not_contact):
            new["do_not_contact_reason"] = None
        elif not reason:
            with problems.beside("do_not_contact_reason"):
                raise rules.UnreadableError(_("Say why the customer is not to be contacted."))
    if "risk_reason" in new:
        at_risk = new["risk_reason"] is not None
        new["risk_since"] = (customer.risk_since or clock.now()) if at_risk else None


def _check_next(day: date, *, today: date) -> None:
    if day < today:
        raise rules.UnreadableError(_("This day is over. Choose today or a later day."))
