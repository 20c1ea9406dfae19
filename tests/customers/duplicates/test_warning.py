"""Nobody is saved a second time unnoticed: by no form, no program, no service; with a reason it is kept, and told."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.access import SYSTEM
from app.core.audit import AuditEvent
from app.core.db import transaction
from app.core.errors import InvalidInputError
from app.customers import services
from app.customers.duplicates import hard
from app.customers.duplicates.hard import DuplicateCustomerError, HardField, HardKey
from app.customers.duplicates.models import DuplicatePair
from app.customers.models import ContactKind, Customer, TimelineEntry
from tests.rest import Rest
from tests.threads import at_once

PHONE, MAIL, TAX = "0912 345 678", "anh@sen.vn", "0101243150"
REASON = "Vợ chồng dùng chung số"


def anh(session, by=SYSTEM, **values):
    return services.create_customer(session, by=by, name="Nguyễn Thị Ánh", **values)


@pytest.mark.parametrize(
    "values",
    [
        {"phone": "+84912345678"}, {"phone": "84 912.345.678"}, {"email": "ANH@sen.vn"}, {"tax_code": "0101243150"},
        {"contact_points": [(ContactKind.zalo, "0912345678")]},
    ],
)  # fmt: skip
def test_the_same_phone_mail_or_tax_code_is_refused_in_any_spelling(session, cast, values):
    known = anh(session, by=cast.lan, phone=PHONE, email=MAIL, tax_code=TAX)
    with pytest.raises(DuplicateCustomerError) as refused:
        services.create_customer(session, by=cast.minh, name="Ánh", **values)
    assert [(one.customer_id, one.code, one.name) for one in refused.value.matches] == [
        (known.id, "KH000001", known.name)
    ]


def test_who_is_out_of_sight_shows_initials_and_no_way_to_him(session, cast):
    anh(session, by=cast.lan, phone=PHONE)
    with pytest.raises(DuplicateCustomerError) as refused:
        services.create_customer(session, by=cast.tuan, name="Ánh", phone=PHONE)
    assert refused.value.details["matches"] == [{"field": "phone", "id": None, "code": None, "name": "N… T… Á…"}]


def test_a_reason_saves_and_is_kept_told_and_audited(session, cast):
    known = anh(session, by=cast.lan, phone=PHONE)
    with pytest.raises(InvalidInputError) as refused:
        services.create_customer(session, by=cast.lan, name="Bảo", phone=PHONE, duplicate_reason="abc")
    assert set(refused.value.fields) == {"duplicate_reason"}
    other = services.create_customer(session, by=cast.lan, name="Bảo", phone=PHONE, duplicate_reason=REASON)
    pair = session.scalars(select(DuplicatePair)).one()
    assert (pair.first_id, pair.second_id, pair.note, pair.reasons) == (known.id, other.id, REASON, ["hard_phone"])
    entry = session.scalars(select(TimelineEntry).where(TimelineEntry.kind == "saved_twice")).one()
    assert entry.data == {"fields": ["phone"], "reason": REASON}
    event = session.scalars(select(AuditEvent).where(AuditEvent.name == "customer.saved_twice")).one()
    assert (event.record_id, event.reason) == (other.id, REASON)


def test_shared_numbers_and_those_out_of_use_say_nothing(session, cast):
    first = anh(session, by=cast.lan, phone=PHONE)
    services.share_contact_point(session, first.contact_points[0], by=cast.lan, shared=True)
    second = services.create_customer(session, by=cast.lan, name="Bảo", phone=PHONE)
    with pytest.raises(DuplicateCustomerError):
        services.share_contact_point(session, first.contact_points[0], by=cast.lan, shared=False)
    services.change_customer(session, second, by=cast.lan, rev=second.rev, phone=None)
    services.share_contact_point(session, first.contact_points[0], by=cast.lan, shared=False)
    third = services.create_customer(
        session, by=cast.lan, name="Cúc", contact_points=[(ContactKind.phone, PHONE)], shared=[0]
    )
    assert third.contact_points[0].is_shared


def test_changing_and_adding_are_asked_too_and_his_own_number_is_not(session, cast):
    anh(session, by=cast.lan, phone=PHONE)
    other = services.create_customer(session, by=cast.lan, name="Bảo", phone="0977 000 111")
    services.change_customer(session, other, by=cast.lan, rev=other.rev, phone="0977000111", name="Bảo Bảo")
    for change in (
        lambda: services.change_customer(session, other, by=cast.lan, rev=other.rev, phone=PHONE),
        lambda: services.add_contact_point(session, other, by=cast.lan, kind=ContactKind.zalo, text=PHONE),
    ):
        with pytest.raises(DuplicateCustomerError):
            change()
    services.add_contact_point(session, other, by=cast.lan, kind=ContactKind.zalo, text=PHONE, duplicate_reason=REASON)
    assert {one.kind for one in other.contact_points} == {ContactKind.phone, ContactKind.zalo}


def test_thousands_are_asked_at_once(session, cast):
    known = anh(session, by=cast.lan, phone=PHONE, email=MAIL, tax_code=TAX)
    keys = [HardKey(HardField.phone, f"+8491234{number:04}") for number in range(10_000)]
    keys += [HardKey(HardField.email, MAIL), HardKey(HardField.tax_code, TAX)]
    found = hard.holders(session, keys)
    assert {key.field: ids for key, ids in found.items()} == {key: [known.id] for key in HardField}


@pytest.mark.both_databases
def test_of_two_at_once_the_second_is_refused(app, session, cast):
    known = [anh(session, by=cast.lan, phone="0977 000 111").id, anh(session, by=cast.lan, phone="0977 000 222").id]
    session.commit()
    lan = cast.lan

    def change(number):
        with transaction(lan) as inside:
            customer = inside.get_one(Customer, number)
            services.change_customer(inside, customer, by=lan, rev=customer.rev, phone=PHONE)
        return number

    results = at_once(app, [lambda n=n: change(n) for n in known])
    assert sorted(type(one).__name__ for one in results) == ["DuplicateCustomerError", "int"]


def test_a_program_is_told_who_and_saves_with_a_reason(app):
    lan, tuan = Rest(app, "lan"), Rest(app, "tuan")
    known = lan.customer(phone=PHONE)
    refused = lan.post("customers/", {"name": "Duyên", "phone": "0912345678"})
    assert (refused.status_code, refused.json["error"]) == (409, "duplicate_customer")
    assert refused.json["matches"] == [
        {"field": "phone", "id": known["id"], "code": known["code"], "name": known["name"]}
    ]
    hidden = tuan.post("customers/", {"name": "Duyên", "phone": "0912345678"})
    assert (hidden.status_code, hidden.json["matches"][0]["id"]) == (409, None)
    assert known["name"] not in hidden.text
    saved = lan.post("customers/", {"name": "Duyên", "phone": "0912345678", "duplicate_reason": REASON})
    assert saved.status_code == 201
    point = {"kind": "zalo", "value": PHONE}
    third = lan.customer(name="Ba", phone="0977 000 111")
    assert lan.post(f"customers/{third['id']}/contact_points", point).status_code == 409
    assert lan.post(f"customers/{third['id']}/contact_points", point | {"duplicate_reason": REASON}).status_code == 201
    put = lan.put(f"customers/{third['id']}", {"rev": lan.get(f"customers/{third['id']}").json["rev"], "email": MAIL})
    assert put.status_code == 200
