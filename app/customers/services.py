"""What changes a customer? Each change is checked, made, and written on his timeline in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, guarded
from app.core.access import Actor, get_visible, visible
from app.core.errors import BusinessError, ConflictError, NotAllowedError
from app.core.guarded import NOT_YOURS
from app.core.i18n import _
from app.core.numbering import next_number
from app.core.screens import extra
from app.customers import indexing, profile, queries, reach, rules, stages
from app.customers.duplicates import hard, warning
from app.customers.duplicates import queries as duplicates
from app.customers.duplicates.hard import HardKey
from app.customers.models import (
    SOURCES,
    ContactKind,
    ContactPoint,
    Customer,
    CustomerKind,
    TimelineEntry,
)
from app.customers.profile import Problems, ProfileValues, code_of
from app.customers.reach import TypedContact
from app.security.models import Member, Team


class CustomerValues(ProfileValues, total=False):
    """What change_customer takes. An empty phone or e-mail takes the main one out of use."""

    name: str
    kind: CustomerKind
    phone: str | None
    email: str | None
    owner: Member | None
    team: Team | None
    source: str | None
    note: str | None
    #: why a number, address or tax code that somebody has already is his too
    duplicate_reason: str | None
    #: others are reached by the phone as well: by the new one, as create_customer takes it, or by the one that stays
    phone_is_shared: bool
    #: of the form whose answers these values are, its name: the timeline tells it
    from_form: str | None


class CustomerArchivedError(BusinessError):
    """Archived customers are kept as they were."""

    code = "customer_archived"
    message = _("This customer is archived. Restore the customer first.")


def create_customer(
    session: Session,
    *,
    by: Actor,
    name: str,
    kind: CustomerKind = CustomerKind.person,
    phone: str | None = None,
    email: str | None = None,
    owner: Member | None = None,
    note: str | None = None,
    source: str | None = None,
    contact_points: Sequence[TypedContact] = (),
    shared: Collection[int] = (),
    phone_is_shared: bool = False,
    duplicate_reason: str | None = None,
    **values: Unpack[ProfileValues],
) -> Customer:
    """A new customer, who belongs to its creator and to the creator's primary team; the first contact is preferred.

    `shared` are the numbers of the `contact_points` that others are reached by too, `phone_is_shared` says so of the
    phone: whoever has it already is told all the same, and with a reason it becomes a shared number of his as well.
    Raises InvalidInputError with every problem beside its field: name, phone, email, source, note, contact_points.N,
    and those of ProfileValues; DuplicateCustomerError when somebody is known by the same, unless it is said why.
    """
    by.must("add", "Customer")
    customer = Customer(kind=kind, name="", created_by_id=by.user_id, team_id=by.primary_team_id)
    customer.owner_id = owner.id if owner else by.user_id
    contacts: dict[tuple[ContactKind, str], tuple[rules.Contact, bool]] = {}
    for_several = {f"contact_points.{number}" for number in shared}
    problems = Problems()
    with problems.beside("name"):
        customer.name = rules.read_name(name)
    with problems.beside("source"):
        customer.source = code_of(session, SOURCES, source)
    with problems.beside("note"):
        customer.note = rules.read_note(note or "") or None
    for key, contact_kind, typed in reach.typed_contacts(phone, email, contact_points):
        with problems.beside(key):
            contact = rules.read_contact(contact_kind, typed)
            if not reach.may_write(by, contact, is_new=True):
                raise rules.UnreadableError(NOT_YOURS)
            is_shared = key in for_several or (key == "phone" and phone_is_shared)
            contacts.setdefault((contact.kind, contact.value), (contact, is_shared))
    new = profile.read_profile(session, customer, values, problems, by=by, kind=kind)
    known_by = {hard.contact_key(one.kind, one.value, is_shared=is_shared) for one, is_shared in contacts.values()}
    known_by.add(hard.tax_key(new.get("tax_code")))
    household = _number_of_several(contacts.values()) if phone_is_shared else None
    known_by.add(household)
    warning.refuse_any(session, problems.fields, known_by, by=by, besides=None, reason=duplicate_reason)
    stage, stage_reason = new.get("stage"), new.pop("stage_reason", None)
    for column, value in new.items():
        setattr(customer, column, value)
    said = [key for key in ("source", "note", *new) if getattr(customer, key)]
    guarded.refuse_unwritable(by, "Customer", said, is_new=True)
    elsewhere = _own_elsewhere(session, household, by=by) if household and duplicate_reason else []
    accepted = warning.accept(session, known_by, by=by, besides=None, reason=duplicate_reason)
    for point in elsewhere:
        share_contact_point(session, point, by=by, shared=True)

    customer.all_contact_points = [
        ContactPoint(
            kind=contact.kind, value=contact.value, shown=contact.shown, is_preferred=number == 0, is_shared=is_shared
        )
        for number, (contact, is_shared) in enumerate(contacts.values())
    ]
    customer.code = rules.customer_code(next_number(session, "customer"))
    indexing.index(session, customer)
    session.add(customer)
    session.flush()
    if stage is not None:
        stages.enter(session, customer, stage, reason=stage_reason)
        session.flush()
    record_timeline(session, customer.id, kind="created", by=by)
    _keep(session, customer, accepted, by=by, household=household)
    return customer


def change_customer(
    session: Session, customer: Customer, *, by: Actor, rev: int, **values: Unpack[CustomerValues]
) -> Customer:
    """Change what is given and leave the rest. `rev` is the one that the editor saw: raises ConflictError on another.

    A new owner or team needs the right to assign. Raises InvalidInputError and DuplicateCustomerError like
    create_customer.
    """
    lock_for(session, customer, by, "edit")
    _refuse_stale(session, customer, rev)
    problems = Problems()
    new = read_values(session, customer, values, problems, by=by)
    contacts: dict[ContactKind, rules.Contact | None] = {}
    for kind in (ContactKind.phone, ContactKind.email):
        if kind.value in values:
            with problems.beside(kind.value):
                typed = (values[kind.value] or "").strip()  # type: ignore[literal-required]
                contacts[kind] = rules.read_contact(kind, typed) if typed else None
    stage_reason = new.pop("stage_reason", None)
    main = customer.first_contact(ContactKind.phone)
    if values.get("phone_is_shared") and contacts.get(ContactKind.phone, main) is None:
        problems.fields["phone_is_shared"] = [_("There is no phone number that others could be reached by too.")]
    changed = [column for column, value in new.items() if getattr(customer, column) != value]
    other = [kind.value for kind, contact in contacts.items() if reach.is_other_main(customer, kind, contact)]
    known_by = {
        hard.contact_key(one.kind, one.value, is_shared=reach.is_shared(customer, one))
        for kind, one in contacts.items() if one is not None and kind.value in other
    }  # fmt: skip
    known_by.add(hard.tax_key(new["tax_code"]) if "tax_code" in changed else None)
    shared = contacts.get(ContactKind.phone) if values.get("phone_is_shared") and "phone" in other else None
    household = _number_of_several([(shared, True)]) if shared is not None else None
    known_by.add(household)
    known_by -= hard.keys_of(customer)
    reason = values.get("duplicate_reason")
    warning.refuse_any(session, problems.fields, known_by, by=by, besides=customer.id, reason=reason)

    guarded.refuse_unwritable(by, "Customer", [*changed, *other])
    _may_hand(session, customer, changed, by)
    elsewhere = _own_elsewhere(session, household, by=by, besides=customer.id) if household and reason else []
    accepted = warning.accept(session, known_by, by=by, besides=customer.id, reason=reason)
    for point in elsewhere:
        share_contact_point(session, point, by=by, shared=True)
    came_from = customer.stage
    if "stage" in changed:
        stages.enter(session, customer, new["stage"], reason=stage_reason)
    for column in changed:
        setattr(customer, column, new[column])
    if "company_id" in changed:
        session.flush()
        session.refresh(customer, ["company"])
    changed += [kind.value for kind, contact in contacts.items() if reach.replace_main(customer, kind, contact)]
    if shared is not None and (number := reach.same(customer, shared, customer.contact_points)) is not None:
        number.is_shared = True
    if changed:
        indexing.index(session, customer)
        session.flush()
        if "name" in changed and customer.kind is CustomerKind.company:
            indexing.changed(session, indexing.works_at(customer.id))
        _tell_changed(session, customer, changed, came_from, by=by, form=values.get("from_form"))
        _keep(session, customer, accepted, by=by, household=household)
    if values.get("phone_is_shared") and "phone" not in other and main is not None:
        share_contact_point(session, main, by=by, shared=True)
    return customer


def read_values(
    session: Session, customer: Customer, values: Mapping[str, Any], problems: Problems, *, by: Actor
) -> dict[str, Any]:
    """Column → new value of those that are given, and `stage_reason`; what is wrong is told to `problems`."""
    new: dict[str, Any] = {}
    readers: dict[str, Callable[[Any], Any]] = {
        "name": rules.read_name,
        "kind": CustomerKind,
        "source": lambda typed: code_of(session, SOURCES, typed, present=customer.source),
        "note": lambda typed: rules.read_note(typed or "") or None,
    }
    for key, read in readers.items():
        if key in values:
            with problems.beside(key):
                new[key] = read(values[key])
    new |= profile.read_profile(session, customer, values, problems, by=by, kind=new.get("kind"))
    for key, column in (("owner", "owner_id"), ("team", "team_id")):
        if key in values:
            row: Member | Team | None = values[key]
            new[column] = row.id if row else None
    return new


def add_contact_point(
    session: Session, customer: Customer, *, by: Actor, kind: ContactKind, text: str, preferred: bool = False,
    shared: bool = False, duplicate_reason: str | None = None,
) -> ContactPoint:  # fmt: skip
    """One more way to reach the customer; one that was taken out of use comes back.

    Raises InvalidInputError (field "text") when it cannot be read or is there already, and DuplicateCustomerError.
    """
    lock_for(session, customer, by, "edit")
    problems = Problems()
    with problems.beside("text"):
        contact = rules.read_contact(kind, text)
        if not reach.may_write(by, contact):
            raise rules.UnreadableError(NOT_YOURS)
        if reach.same(customer, contact, customer.contact_points):
            raise rules.UnreadableError(_("The customer has this contact already."))
    problems.refuse_any()
    known_by = {hard.contact_key(contact.kind, contact.value, is_shared=shared)} - hard.keys_of(customer)
    accepted = warning.accept(session, known_by, by=by, besides=customer.id, reason=duplicate_reason)
    point = reach.put_in_use(customer, contact)
    point.is_shared = shared
    if preferred or len(customer.contact_points) == 1:
        reach.prefer(customer, point)
    _contacts_changed(session, customer, point, kind="contact_added", by=by)
    _keep(session, customer, accepted, by=by)
    return point


def remove_contact_point(session: Session, point: ContactPoint, *, by: Actor) -> ContactPoint:
    """Take a contact point out of use. The row stays, since earlier calls and mails refer to it."""
    customer = point.customer
    lock_for(session, customer, by, "edit", must=partial(reach.refuse_withheld, point, by))
    if point.archived_at is None:
        reach.take_out_of_use(customer, point)
        _contacts_changed(session, customer, point, kind="contact_removed", by=by)
    return point


def prefer_contact_point(session: Session, point: ContactPoint, *, by: Actor) -> ContactPoint:
    """Make this the customer's preferred way to be reached, instead of the present one."""
    customer = point.customer
    lock_for(session, customer, by, "edit", must=partial(reach.refuse_withheld, point, by))
    if point.archived_at is not None:
        raise BusinessError(_("This contact is no longer in use."))
    if not point.is_preferred:
        reach.prefer(customer, point)
        _contacts_changed(session, customer, point, kind="contact_preferred", by=by)
    return point


def share_contact_point(
    session: Session, point: ContactPoint, *, by: Actor, shared: bool, duplicate_reason: str | None = None
) -> ContactPoint:
    """Say whether others are reached by it too (a family, a switchboard): then it is no sign of the same customer.

    Raises DuplicateCustomerError when it is said to be his own and somebody else has it.
    """
    customer = point.customer
    lock_for(session, customer, by, "edit", must=partial(reach.refuse_withheld, point, by))
    if point.is_shared is not shared:
        known_by = {None if point.archived_at else hard.contact_key(point.kind, point.value, is_shared=shared)}
        accepted = warning.accept(session, known_by, by=by, besides=customer.id, reason=duplicate_reason)
        point.is_shared = shared
        _contacts_changed(session, customer, point, kind="contact_shared" if shared else "contact_own", by=by)
        _keep(session, customer, accepted, by=by)
    return point


def archive_customer(session: Session, customer: Customer, *, by: Actor) -> Customer:
    """Take the customer out of lists and searches. All that belongs to him stays."""
    lock_for(session, customer, by, "delete")
    customer.archived_at, customer.archived_by_id = clock.now(), by.user_id
    record_timeline(session, customer.id, kind="archived", by=by)
    session.flush()
    return customer


def restore_customer(session: Session, customer: Customer, *, by: Actor) -> Customer:
    """Bring an archived customer back. One that is not archived stays as he is.

    Raises BusinessError for one who is part of another, or has what only one may have and somebody else has by now.
    """
    lock_for(session, customer, by, "delete", archived=True)
    log = session.scalars(duplicates.live_merge(customer.id)).one_or_none()
    if log is not None:
        raise BusinessError(_("This customer is part of %(code)s now. Take the merge back there.", code=log.kept.code))
    if customer.is_archived:
        extra.refuse_not_alone("Customer", session, customer.id)
        customer.archived_at, customer.archived_by_id = None, None
        record_timeline(session, customer.id, kind="restored", by=by)
        session.flush()
    return customer


def hand_over_customers(session: Session, member: Member, to: Member, *, by: Actor) -> int:
    """Everyone in use whom `member` looks after is looked after by `to` from now on; how many.

    Raises NotAllowedError while one of them is not the actor's to assign.
    """
    by.must("assign", "Customer")
    rows = select(Customer).where(*queries.looked_after_by(member.id))
    found = session.scalars(rows.with_for_update(of=Customer).execution_options(populate_existing=True)).all()
    allowed = set(session.scalars(rows.where(visible(Customer, by, "assign")).with_only_columns(Customer.id)))
    if any(customer.id not in allowed for customer in found):
        raise NotAllowedError
    for customer in found:
        customer.owner_id = to.id
    session.flush()
    for customer in found:
        record_timeline(session, customer.id, kind="changed", by=by, data={"fields": ["owner_id"]})
    session.flush()
    return len(found)


def record_timeline(
    session: Session,
    customer_id: int,
    *,
    kind: str,
    by: Actor,
    at: datetime | None = None,
    subject_type: str | None = None,
    subject_id: int | None = None,
    data: dict[str, Any] | None = None,
) -> TimelineEntry:
    """Write what happened with a customer. `kind` is a stable key; `data` holds plain JSON and nothing sensitive."""
    entry = TimelineEntry(
        customer_id=customer_id,
        at=at or clock.now(),
        kind=kind,
        actor_id=by.user_id,
        subject_type=subject_type,
        subject_id=subject_id,
        data=data or {},
    )
    session.add(entry)
    return entry


# ── Inside ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def lock_for(
    session: Session, customer: Customer, by: Actor, action: str, *, archived: bool = False,
    must: Callable[[], None] | None = None,
) -> None:  # fmt: skip
    """Load the customer's present state and keep others from changing it, once he is the actor's to change.

    `must` raises where that part of him is not the actor's. Whoever may not is told so before anything of the state.
    """
    by.must(action, "Customer")
    get_visible(session, Customer, customer.id, by, action)
    if must is not None:
        must()
    # What is written about him holds him too, by its foreign key: only who takes him away has to wait for that.
    session.refresh(customer, with_for_update={"key_share": action == "edit"})
    # Loaded now: later it would flush a half-made change, and `rev` would grow twice.
    session.refresh(customer, ["all_contact_points"])
    if customer.is_archived and not archived:
        raise CustomerArchivedError


def _refuse_stale(session: Session, customer: Customer, rev: int) -> None:
    if customer.rev != rev:
        name = session.scalar(select(Member.name).where(Member.id == customer.updated_by_id))
        raise ConflictError(by=name, at=customer.updated_at, rev=customer.rev)


def _may_hand(session: Session, customer: Customer, changed: Iterable[str], by: Actor) -> None:
    """Raises NotAllowedError when he gets another owner or team, and is not the actor's to assign."""
    if {"owner_id", "team_id"} & set(changed):
        get_visible(session, Customer, customer.id, by, "assign")


def _tell_changed(
    session: Session, customer: Customer, changed: Iterable[str], came_from: str | None, *, by: Actor, form: str | None
) -> None:  # fmt: skip
    for kind, data in told_of(changed, came_from, customer.stage):
        record_timeline(session, customer.id, kind=kind, by=by, data={**data, "form": form} if form else data)


def told_of(changed: Iterable[str], came_from: str | None, goes_to: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the timeline tells of a change of these columns, from this stage to that one: kind and data. The names of
    the fields only: old and new values stand in the audit log, which can forget them."""
    told = sorted({*changed} - profile.FOLLOWING - {"stage"})
    if told:
        yield "changed", {"fields": told}
    if "stage" in changed:
        yield "stage_changed", {"from": came_from, "to": goes_to}


def _number_of_several(contacts: Iterable[tuple[rules.Contact, bool]]) -> HardKey | None:
    shared = (hard.contact_key(one.kind, one.value) for one, is_shared in contacts if is_shared)
    return next((key for key in shared if key is not None), None)


def _own_elsewhere(
    session: Session, number: HardKey, *, by: Actor, besides: int | None = None
) -> list[ContactPoint]:  # fmt: skip
    """Where the number stands as somebody's own and the actor may change that; those customers are locked."""
    rows = hard.own_numbers(number.value).where(visible(ContactPoint, by, "edit")).order_by(ContactPoint.customer_id)
    if besides is not None:
        rows = rows.where(ContactPoint.customer_id != besides)
    found = [point for point in session.scalars(rows) if not point.customer.is_archived and reach.may_write(by, point)]
    for point in found:
        lock_for(session, point.customer, by, "edit")
    return found


def _keep(
    session: Session, customer: Customer, accepted: warning.Accepted | None, *, by: Actor,
    household: HardKey | None = None,
) -> None:  # fmt: skip
    if accepted is not None:
        warning.keep(session, customer, accepted, by=by, household=household)
        data = {"fields": accepted.fields, "reason": accepted.reason}
        record_timeline(session, customer.id, kind=warning.SAVED, by=by, data=data)
        session.flush()


def _contacts_changed(
    session: Session, customer: Customer, point: ContactPoint, *, kind: str, by: Actor
) -> ContactPoint:
    indexing.index(session, customer)
    session.flush()
    record_timeline(
        session, customer.id, kind=kind, by=by, subject_type="contact_point", subject_id=point.id,
        data={"kind": point.kind.value},
    )  # fmt: skip
    return point
