"""Customers for programs: list, read, make and change them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Select, false, select
from sqlalchemy.orm import Session, joinedload, lazyload, selectinload

from app.catalogues.models import CODE_LENGTH
from app.core import edge
from app.core.access import get_visible, visible
from app.core.api import Api, equals, flag, id_is, listing, moment, not_here, state_is, verb
from app.core.db import db
from app.core.errors import InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.schema import UNKNOWN, free_object, list_of, maybe, one_of, record, text, whole_number, yes_or_no
from app.core.screens import extra
from app.core.vietnamese import phone_e164
from app.customers import places, profile, profile_queries, queries, search, services, tags
from app.customers.duplicates import queries as duplicates
from app.customers.models import (
    CONTACT_LENGTH,
    JOB_TITLE_LENGTH,
    NAME_LENGTH,
    OLD_ADDRESS_LENGTH,
    REASON_LENGTH,
    SOURCE_LENGTH,
    STREET_LENGTH,
    ContactKind,
    Customer,
    CustomerKind,
    Gender,
)
from app.customers.places import PROVINCE_LENGTH, WARD_LENGTH
from app.customers.profile import ProfileValues
from app.customers.profile_models import TAG_LENGTH
from app.customers.queries import CustomerCard
from app.customers.rules import NOTE_LENGTH, PHONE_KINDS, Contact
from app.customers.tags import MOST_TAGS
from app.security.models import Member, Team
from app.security.queries import member_by_username, team_by_code

MOST_CONTACTS = 20

_CODE = maybe(text(CODE_LENGTH))
_CONTACT = record(
    required=("kind", "value"), kind=one_of(ContactKind), value=text(CONTACT_LENGTH), is_shared=yes_or_no()
)
_PROFILE: dict[str, Any] = {
    "honorific": _CODE,
    "gender": maybe(one_of(Gender)),
    "birthday": maybe(text(10)),
    "tax_code": maybe(text(60)),
    "id_number": maybe(text(60)),
    "company": maybe(whole_number()),
    "job_title": maybe(text(JOB_TITLE_LENGTH)),
    "street": maybe(text(STREET_LENGTH)),
    "ward_code": maybe(text(WARD_LENGTH)),
    "province_code": maybe(text(PROVINCE_LENGTH)),
    "old_address": maybe(text(OLD_ADDRESS_LENGTH)),
    "touchpoint": _CODE,
    "tier": _CODE,
    "behaviour": _CODE,
    "stage": _CODE,
    "stage_reason": maybe(text(REASON_LENGTH)),
    "risk_reason": maybe(text(REASON_LENGTH)),
    "do_not_contact": yes_or_no(),
    "tier_is_fixed": yes_or_no(),
    "behaviour_is_fixed": yes_or_no(),
    "do_not_contact_reason": maybe(text(REASON_LENGTH)),
    "next_contact_on": maybe(text(10)),
    "tags": list_of(text(TAG_LENGTH), most=MOST_TAGS),
}
#: what the company wants to know besides (core.screens.extra)
_OWN = free_object("Own fields of the company: field key → value, as GET /customers/{id} shows them")
_DAYS = ("birthday", "next_contact_on")
_NEW = record(
    required=("name",),
    name=text(NAME_LENGTH),
    kind=one_of(CustomerKind),
    phone=maybe(text(CONTACT_LENGTH)),
    email=maybe(text(CONTACT_LENGTH)),
    source=maybe(text(SOURCE_LENGTH)),
    note=maybe(text(NOTE_LENGTH)),
    duplicate_reason=maybe(text(REASON_LENGTH)),
    phone_is_shared=yes_or_no(),
    contact_points=list_of(_CONTACT, most=MOST_CONTACTS),
    own=_OWN,
    **_PROFILE,
)
_CHANGED = record(
    required=("rev",),
    rev=whole_number(),
    name=text(NAME_LENGTH),
    kind=one_of(CustomerKind),
    phone=maybe(text(CONTACT_LENGTH)),
    email=maybe(text(CONTACT_LENGTH)),
    source=maybe(text(SOURCE_LENGTH)),
    note=maybe(text(NOTE_LENGTH)),
    owner=maybe(text()),
    team=maybe(text()),
    duplicate_reason=maybe(text(REASON_LENGTH)),
    phone_is_shared=yes_or_no(),
    own=_OWN,
    **_PROFILE,
)

_ORDERS = {
    "name": Customer.sort_key,
    "code": Customer.code,
    "created": Customer.created_at,
    "created_at": Customer.created_at,
    "updated_at": Customer.updated_at,
    "next_contact_on": Customer.next_contact_on,
    "last_contact_at": Customer.last_contact_at,
    "id": Customer.id,
}
_LOAD = (
    joinedload(Customer.owner).options(lazyload(Member.memberships)),
    joinedload(Customer.team),
    selectinload(Customer.all_contact_points),
)


class CustomerApi(Api):
    """Lists and searches hold the customers that the actor sees whole; work on one shows its header by id."""

    resource_name = "customers"
    resource = "Customer"
    exact = frozenset({"phone", "email"})

    @verb(
        "/", "GET", "Customers, archived ones left out",
        query=listing(
            _ORDERS,
            q="words of name, code, tags, company, phones and e-mails, accents or none; phones in any spelling or by "
            "their last 4 digits",
            name="exactly", code="exactly", phone="in any spelling", email="exactly, in any case",
            kind="person or company", owner="user name", team="team code", source="code of a channel",
            tier="code of a value tier", stage="code of a stage", behaviour="code of a group",
            province="code of a province", ward="code of a ward", tag="name of a tag, accents or none",
            company="id of the company they work at", do_not_contact="1 or 0",
        ),
    )  # fmt: skip
    def index(self) -> dict[str, Any]:
        filters = {
            "q": lambda rows, typed: rows.where(search.search(typed, edge.actor())),
            "name": equals(Customer.name),
            "code": equals(Customer.code),
            "phone": _with_phone,
            "email": _with_email,
            "kind": state_is(Customer.kind, CustomerKind),
            "owner": _owned_by,
            "team": lambda rows, code: rows.where(Customer.team_id.in_(select(Team.id).where(Team.code == code))),
            "source": equals(Customer.source),
            "tier": equals(Customer.tier),
            "stage": equals(Customer.stage),
            "behaviour": equals(Customer.behaviour),
            "province": equals(Customer.province_code),
            "ward": equals(Customer.ward_code),
            "tag": lambda rows, name: rows.where(profile_queries.tagged(name)),
            "company": id_is(Customer.company_id),
            "do_not_contact": lambda rows, typed: flag(rows, typed, Customer.do_not_contact),
        }
        rows = select(Customer).where(queries.live(), visible(Customer, edge.actor()))
        return self.page(
            rows,
            show_all=_all_whole,
            orders=_ORDERS,
            default_order="name",
            filters=filters,
            key=Customer.id,
            load=_LOAD,
        )

    @verb("/<id>", "GET", "One customer; for whoever only has work on him: name, code and contact points", right=None)
    def get(self, id: str) -> dict[str, Any]:
        session, actor, customer_id = db.session(), edge.actor(), self.id(id)
        try:
            customer = get_visible(session, Customer, customer_id, actor)
        except NotFoundError:
            return _header(queries.customer_card(session, customer_id, actor))
        return _all_whole([customer])[0]

    @verb(
        "/",
        "POST",
        "A new customer; 409 with the one who is known by the same, unless duplicate_reason says why",
        right="add",
        body=_NEW,
        status=201,
    )
    def post(self) -> dict[str, Any]:
        body = self.read()
        self.days(body, *_DAYS)
        sent = body.get("contact_points", ())
        points = [(ContactKind(point["kind"]), point["value"]) for point in sent]

        def create(session: Session) -> dict[str, Any]:
            customer = services.create_customer(
                session,
                by=edge.actor(),
                name=body["name"],
                kind=CustomerKind(body.get("kind", CustomerKind.person)),
                phone=body.get("phone"),
                email=body.get("email"),
                source=body.get("source"),
                note=body.get("note"),
                contact_points=points,
                shared={number for number, point in enumerate(sent) if point.get("is_shared")},
                phone_is_shared=body.get("phone_is_shared", False),
                duplicate_reason=body.get("duplicate_reason"),
                **_profile(session, body),
            )
            if "tags" in body:
                tags.set_tags(session, customer, body["tags"], by=edge.actor())
            _keep_own(session, customer, body.get("own", {}), is_new=True)
            return _all_whole([customer])[0]

        return self.write(create)

    @verb(
        "/<id>",
        "PUT",
        "Change what is sent and leave the rest; rev as read; 409 as for a new one",
        right="edit",
        body=_CHANGED,
    )
    def put(self, id: str) -> dict[str, Any]:
        customer_id, body = self.id(id), self.read()
        self.days(body, *_DAYS)
        rev, names, own = body.pop("rev"), body.pop("tags", None), body.pop("own", None)
        if "kind" in body:
            body["kind"] = CustomerKind(body["kind"])

        def change(session: Session) -> dict[str, Any]:
            actor = edge.actor()
            customer = get_visible(session, Customer, customer_id, actor)
            values = {**body, **_people(session, body), **_profile(session, body)}
            services.change_customer(session, customer, by=actor, rev=rev, **cast("services.CustomerValues", values))
            if names is not None:
                tags.set_tags(session, customer, names, by=actor)
            if own is not None:
                _keep_own(session, customer, own, is_new=False)
            return _all_whole([customer])[0]

        return self.write(change)


def _keep_own(session: Session, customer: Customer, said: dict[str, Any], *, is_new: bool) -> None:
    """Raises InvalidInputError beside "own.KEY"."""
    added = extra.extra_of("Customer")
    if added is not None:
        added.save(session, customer.id, said, by=edge.actor(), is_new=is_new)
    elif said:
        raise InvalidInputError(fields={f"{extra.PREFIX}{key}"[:200]: [UNKNOWN] for key in said})


def _people(session: Session, body: dict[str, Any]) -> dict[str, Member | Team | None]:
    """The owner and the team that the body names. Raises InvalidInputError."""
    named: dict[str, Member | Team | None] = {}
    if "owner" in body:
        named["owner"] = member_by_username(session, body["owner"]) if body["owner"] else None
        if body["owner"] and named["owner"] is None:
            raise not_here("owner", _("Nobody has this user name."))
    if "team" in body:
        named["team"] = team_by_code(session, body["team"]) if body["team"] else None
        if body["team"] and named["team"] is None:
            raise not_here("team", _("No team has this code."))
    return named


def _profile(session: Session, body: dict[str, Any]) -> ProfileValues:
    """What the body says of the profile. Raises InvalidInputError for a company that is not there, or not for him."""
    values = {key: body[key] for key in profile.KEYS if key in body}
    if values.get("company") is not None:
        try:
            values["company"] = get_visible(session, Customer, values["company"], edge.actor())
        except NotFoundError:
            raise not_here("company", _("There is no such company, or you may not see it.")) from None
    return cast("ProfileValues", values)


# ── narrowing the list ──


def _with_phone(rows: Select[Any], typed: str) -> Select[Any]:
    value = phone_e164(typed)
    return rows.where(false() if value is None else search.reached_by(PHONE_KINDS, value))


def _with_email(rows: Select[Any], typed: str) -> Select[Any]:
    return rows.where(search.reached_by({ContactKind.email}, typed.strip().lower()))


def _owned_by(rows: Select[Any], username: str) -> Select[Any]:
    owner = member_by_username(db.session(), username)
    return rows.where(Customer.owner_id == owner.id if owner else false())


# ── as the interface writes it ──

_AS_KEPT = (
    "honorific", "gender", "tax_code", "id_number", "job_title", "street", "ward_code", "province_code", "old_address",
    "touchpoint", "tier", "tier_is_fixed", "behaviour", "behaviour_is_fixed", "stage", "risk_reason", "do_not_contact",
    "do_not_contact_reason",
)  # fmt: skip


def _contact(point: Contact) -> dict[str, Any]:
    return {"kind": point.kind, "value": point.value, "shown": point.shown}


def _value(points: list[dict[str, Any]], kind: ContactKind) -> str | None:
    return next((point["value"] for point in points if point["kind"] == kind), None)


def _header(card: CustomerCard) -> dict[str, Any]:
    points = [_contact(point) for point in card.contact_points]
    return {
        "id": card.id, "code": card.code, "name": card.name, "contact_points": points,
        "do_not_contact": card.restriction is not None, "do_not_contact_reason": card.restriction,
    }  # fmt: skip


def _all_whole(customers: Sequence[Customer]) -> list[dict[str, Any]]:
    """Rows as the interface writes them, with their tags from one query."""
    session = db.session()
    tags_of = profile_queries.tags_of_each(session, [one.id for one in customers])
    # Whoever became part of another one is archived; the other one has his number now.
    parts = {one.id: duplicates.merged_into(session, one.id) for one in customers if one.is_archived}
    added = extra.extra_of("Customer")
    own = added.values(session, [one.id for one in customers], edge.actor()) if added is not None else {}
    return [
        _whole(one)
        | {"tags": [tag.name for tag in tags_of[one.id]], "merged_into": parts.get(one.id)}
        | {"own": dict(own.get(one.id, {}))}
        for one in customers
    ]


def _whole(customer: Customer) -> dict[str, Any]:
    """Phones in E.164; `contact_points` are those in use, the preferred one first; `owner` is a user name."""
    points = [_contact(point) for point in queries.contacts_seen(customer.contact_points, edge.actor())]
    return {
        "id": customer.id,
        "code": customer.code,
        "name": customer.name,
        "kind": customer.kind,
        "phone": _value(points, ContactKind.phone),
        "email": next((point["shown"] for point in points if point["kind"] == ContactKind.email), None),
        "contact_points": points,
        "source": customer.source,
        "note": customer.note,
        **{key: getattr(customer, key) for key in _AS_KEPT},
        "company": customer.company_id,
        "birthday": customer.birthday.isoformat() if customer.birthday else None,
        "address": places.address_line(customer.street, customer.ward_code, customer.province_code) or None,
        "risk_since": moment(customer.risk_since),
        "next_contact_on": customer.next_contact_on.isoformat() if customer.next_contact_on else None,
        "last_contact_at": moment(customer.last_contact_at),
        "owner": customer.owner.user.username if customer.owner else None,
        "team": customer.team.code if customer.team else None,
        "archived_at": moment(customer.archived_at),
        "created_at": moment(customer.created_at),
        "updated_at": moment(customer.updated_at),
        "rev": customer.rev,
    }
