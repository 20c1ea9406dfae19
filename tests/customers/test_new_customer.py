"""A new customer as somebody on the telephone writes him down: everything wrong told at once, a household's number."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, select

from app.core.db import db
from app.customers import services
from app.customers.duplicates.hard import DuplicateCustomerError, InvalidCustomerError
from app.customers.duplicates.models import DuplicatePair
from app.customers.models import ContactPoint, Customer
from tests.rest import Rest

NEW = "/khach-hang/add"
TAKEN = "Đã có khách hàng khác dùng thông tin này."


def wrong(page: BeautifulSoup) -> dict[str, str]:
    """Field → what is told beside it."""
    fields = page.select("form[data-guard] [aria-invalid='true']")
    return {one["name"]: " ".join(page.find(id=f"{one['id']}-error").text.split()) for one in fields}


def customers(app) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Customer)) or 0


@pytest.mark.parametrize("address", ["add", "edit"])
def test_all_that_is_wrong_is_told_in_one_answer_and_nothing_typed_is_lost(app, client, address):
    rest, lan = Rest(app, "lan"), client("lan")
    assert rest.post("customers/", {"name": "Ngô Bảy", "email": "bay@sen.example"}).status_code == 201
    number = rest.post("customers/", {"name": "Trần Tám"}).json["id"]
    before = customers(app)
    typed = {
        "name": "Đỗ Thị Ánh", "kind": "person", "phone": "09123", "email": "bay@sen.example", "tax_code": "0100109107",
        "birthday": "31/02/1990", "next_contact_on": "01/01/2020", "do_not_contact": "y", "street": "12 Lê Lợi",
        "rev": "1",
    }  # fmt: skip
    answer = lan.post(NEW if address == "add" else f"/khach-hang/edit/{number}", data=typed)
    page = BeautifulSoup(answer.text, "lxml")
    told = wrong(page)
    assert answer.status_code == 422
    assert sorted(told) == sorted(
        ["phone", "email", "tax_code", "birthday", "next_contact_on", "do_not_contact_reason"]
    )  # fmt: skip
    assert told["birthday"] == "Không có ngày 31/02/1990: tháng đó chỉ có 28 ngày."
    assert told["email"] == TAKEN
    assert "Ngô Bảy" in page.find(id="trung").text
    for name in ("name", "phone", "email", "tax_code", "birthday", "next_contact_on", "street"):
        assert page.find(attrs={"name": name})["value"] == typed[name]
    assert page.find(attrs={"name": "do_not_contact"}).has_attr("checked")
    assert (customers(app), rest.get(f"customers/{number}").json["street"]) == (before, None)


def test_the_phone_comes_right_after_the_name(client):
    page = BeautifulSoup(client("lan").get(NEW).text, "lxml")
    named = [one["name"] for one in page.select("form[data-guard] .tt-field :is(input, select, textarea)")]
    assert named[:3] == ["name", "phone", "phone_is_shared"]
    page = BeautifulSoup(client("lan").get(f"{NEW}?phone=0912345678").text, "lxml")
    assert page.find(id="phone")["value"] == "0912 345 678"


def test_a_number_of_a_household_is_shared_from_the_warning_on(app, client):
    rest, lan = Rest(app, "lan"), client("lan")
    mother = rest.post("customers/", {"name": "Trần Thị Mẹ", "phone": "0912345678"}).json["id"]
    typed = {"name": "Trần Văn Con", "kind": "person", "phone": "0912 345 678"}
    page = BeautifulSoup(lan.post(NEW, data=typed).text, "lxml")
    assert wrong(page) == {"phone": TAKEN}
    (box,) = page.select("[name='phone_is_shared']")
    assert box.find_parent(id="trung")
    unsaid = lan.post(NEW, data=typed | {"phone_is_shared": "y"})
    assert (unsaid.status_code, "phone_is_shared" in unsaid.text) == (409, True)
    said = {"phone_is_shared": "y", "duplicate_reason": "Hai mẹ con dùng chung số"}
    child = int(lan.post(NEW, data=typed | said).location.rsplit("/", 1)[1])
    with app.app_context():
        for number in (mother, child):
            assert [one.is_shared for one in db.session.get_one(Customer, number).contact_points] == [True]
        assert db.session.scalars(select(DuplicatePair)).all() == []
    assert lan.post(NEW, data=typed | {"name": "Trần Văn Út"}).status_code == 302


def test_one_who_is_here_already_gets_the_number_of_his_household(app, client):
    rest, lan = Rest(app, "lan"), client("lan")
    mother = rest.post("customers/", {"name": "Trần Thị Mẹ", "phone": "0912345678", "tax_code": "0100109106"}).json[
        "id"
    ]
    child = rest.post("customers/", {"name": "Trần Văn Con", "phone": "0912345679"}).json["id"]
    typed = {"name": "Trần Văn Con", "kind": "person", "phone": "0912345679", "rev": "1"}
    page = BeautifulSoup(lan.post(f"/khach-hang/edit/{child}", data=typed | {"tax_code": "0100109106"}).text, "lxml")
    assert (list(wrong(page)), page.select("[name='phone_is_shared']")) == (["tax_code"], [])
    typed["phone"] = "0912 345 678"
    page = BeautifulSoup(lan.post(f"/khach-hang/edit/{child}", data=typed).text, "lxml")
    assert wrong(page) == {"phone": TAKEN}
    assert len(page.select("#trung [name='phone_is_shared']")) == 1
    short = lan.post(f"/khach-hang/edit/{child}", data=typed | {"phone_is_shared": "y", "duplicate_reason": "x"})
    assert BeautifulSoup(short.text, "lxml").select_one("#trung [name='phone_is_shared']").has_attr("checked")
    said = {"phone_is_shared": "y", "duplicate_reason": "Hai mẹ con dùng chung số"}
    assert lan.post(f"/khach-hang/edit/{child}", data=typed | said).status_code == 302
    with app.app_context():
        for number in (mother, child):
            assert [one.is_shared for one in db.session.get_one(Customer, number).contact_points] == [True]
        assert db.session.scalars(select(DuplicatePair)).all() == []
    new = {"name": "Trần Văn Út", "phone": "0912345670"}
    last = rest.post("customers/", new).json
    shared = {"rev": last["rev"], "phone": "0912345678", "phone_is_shared": True}
    assert rest.put(f"customers/{last['id']}", shared).status_code == 200
    with app.app_context():
        points = db.session.scalars(select(ContactPoint).where(ContactPoint.customer_id == last["id"]))
        assert {one.shown: one.is_shared for one in points} == {"0912 345 670": False, "0912 345 678": True}


@pytest.mark.both_databases
def test_a_shared_number_stays_anothers_own_where_that_one_is_not_ours(session, cast):
    theirs = services.create_customer(session, by=cast.tuan, name="Bảy", phone="0912345678")
    new = {"name": "Tám", "phone": "0912345678", "phone_is_shared": True}
    with pytest.raises(DuplicateCustomerError):
        services.create_customer(session, by=cast.lan, **new)
    customer = services.create_customer(session, by=cast.lan, **new, duplicate_reason="Tổng đài của toà nhà")
    assert (customer.contact_points[0].is_shared, theirs.contact_points[0].is_shared) == (True, False)
    with pytest.raises(InvalidCustomerError) as refused:
        services.create_customer(session, by=cast.lan, **new, tax_code="1")
    assert sorted(refused.value.fields) == ["phone", "tax_code"]
