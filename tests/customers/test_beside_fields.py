"""What was said, bought and proved of a customer is held back from a role, wherever it would be told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.core import clock
from app.core.conditions.fields import Kind
from app.core.errors import NotAllowedError
from app.customers import consent, interactions, promises, purchases, services
from app.customers.beside_fields import BOUGHT
from app.customers.profile_models import ConsentChannel, ConsentState, InteractionKind
from app.customers.segments.fields import FIELDS
from tests.rest import Rest
from tests.security.test_field_rights import HIDDEN, MASKED, READ_ONLY, hold_back

SAID, PROMISED, AMOUNT, NOTE, PROOF = "Chê phở nguội", "Đổi tô khác", 1_234_567, "trả góp sáu tháng", "Giấy ký ngày Tết"
#: as they would stand in a page or an answer
CANARIES = (SAID, PROMISED, "1.234.567", "1234567", NOTE, PROOF)
PAGES = ("/khach-hang/show/{0}", "/khach-hang/show/{0}?phan=mua-hang", "/khach-hang/show/{0}?phan=lich-su",
         "/khach-hang/list/?view=0&columns=name,bought_amount", "/khach-hang/list/?view=0")  # fmt: skip
ANSWERS = ("interactions/?customer={0}", "customers/{0}/purchases", "customers/{0}/consents", "promises/?customer={0}")


@pytest.fixture
def customer(app) -> int:
    rest = Rest(app, "lan")
    number: int = rest.post("customers/", {"name": "Trần Bích"}).json["id"]
    call = {"customer": number, "kind": "call", "result": "reached", "text": SAID}
    bought = {"bought_on": "2026-01-05", "product": "Gạo ST25", "amount": AMOUNT, "note": NOTE}
    agreed = {"purpose": "marketing", "channel": "zalo", "state": "given", "proof": PROOF}
    promised = {"customer": number, "text": PROMISED, "due_on": "2099-01-05"}
    for path, body in (("interactions/", call), ("promises/", promised), (f"customers/{number}/purchases", bought),
                       (f"customers/{number}/consents", agreed)):  # fmt: skip
        assert rest.post(path, body).status_code == 201
    return number


def told(app, client, number: int) -> str:
    lan, rest = client("lan"), Rest(app, "lan")
    pages = [lan.get(path.format(number)).text for path in PAGES]
    answers = [json.dumps(rest.get(path.format(number)).json, ensure_ascii=False) for path in ANSWERS]
    return " ".join(["".join(pages).replace("\xa0", " "), *answers])


@pytest.mark.parametrize("rule", [HIDDEN, MASKED], ids=["hidden", "masked"])
def test_what_is_held_back_stands_on_no_page_and_in_no_answer(app, client, customer, rule):
    before = told(app, client, customer)
    assert [one for one in CANARIES if one not in before] == []
    with app.app_context():
        hold_back("Staff", rule, "said", "bought", "proof")
    after = told(app, client, customer)
    assert [one for one in CANARIES if one in after] == []
    assert "Gạo ST25" in after
    rest, lan = Rest(app, "lan"), client("lan")
    assert rest.get(f"customers/{customer}/purchases?order=amount").status_code == 400
    assert "1.234.567" in client("minh").get(PAGES[1].format(customer)).text
    purchase = rest.get(f"customers/{customer}/purchases").json["result"][0]["id"]
    contact = rest.get(f"interactions/?customer={customer}").json["result"][0]["id"]
    for path in (f"mua-hang/{purchase}", f"lien-lac/{contact}"):
        page = lan.get(f"/khach-hang/{customer}/{path}")
        assert (page.status_code, any(one in page.text for one in CANARIES)) == (403, False)


@pytest.mark.parametrize("rule", [HIDDEN, READ_ONLY], ids=["hidden", "read only"])
def test_what_may_not_be_written_is_not_written_by_programs_either(app, client, customer, rule):
    rest = Rest(app, "lan")
    purchase = rest.get(f"customers/{customer}/purchases").json["result"][0]["id"]
    contact = rest.get(f"interactions/?customer={customer}").json["result"][0]["id"]
    with app.app_context():
        hold_back("Staff", rule, "said", "bought", "proof")
    for path, body in (
        (f"purchases/{purchase}/archive", {}), (f"purchases/{purchase}/restore", {}),
        (f"customers/{customer}/purchases", {"bought_on": "2026-01-05", "product": "Nếp", "amount": 1}),
        (f"interactions/{contact}/archive", {}), ("interactions/", {"customer": customer, "kind": "note", "text": "a"}),
        ("promises/", {"customer": customer, "text": "a", "due_on": "2099-01-05"}),
    ):  # fmt: skip
        assert rest.post(path, body).status_code == 403, path
    assert rest.post("interactions/", {"customer": customer, "kind": "call", "result": "busy"}).status_code == 201
    lan = client("lan")
    page = lan.get(f"/khach-hang/show/{customer}").text
    assert [one for one in ("mua-hang/them", "/lien-lac/", "ghi=ghi-chu") if one in page] == []


@pytest.mark.parametrize(("rule", "shown"), [(HIDDEN, None), (MASKED, "09•• ••• 321")], ids=["hidden", "masked"])
def test_no_verb_on_a_way_to_reach_opens_it(app, rule, shown):
    rest = Rest(app, "lan")
    made = rest.customer(phone="0912 345 321")
    path = "contact_points/1"
    with app.app_context():
        hold_back("Staff", rule, "phone")
    lan = Rest(app, "lan")
    for body in ({}, {"is_preferred": False}):
        answer = lan.put(path, body)
        assert (answer.status_code, answer.json.get("shown"), answer.json.get("value")) == (200, shown, shown)
    for answer in (
        lan.put(path, {"is_preferred": True}), lan.put(path, {"is_shared": True}), lan.post(f"{path}/archive"),
        lan.post(f"customers/{made['id']}/contact_points", {"kind": "phone", "value": "0987 111 222"}),
    ):  # fmt: skip
        assert "912345321" not in answer.text


def test_every_amount_that_customers_are_narrowed_by_falls_under_the_right_to_amounts():
    money = {name: one.guarded_as for name, one in FIELDS.items() if one.kind is Kind.money}
    assert set(money.values()) == {BOUGHT}, money


@pytest.mark.both_databases
def test_who_may_not_is_told_that_and_not_that_the_customer_is_archived(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Ánh", phone="0912345678")
    (point,) = customer.contact_points
    today = clock.today("Asia/Ho_Chi_Minh")
    promise = promises.make_promise(session, customer, by=cast.lan, text=PROMISED, due_on=today)
    purchase = purchases.add_purchase(session, customer, by=cast.lan, bought_on=today, product="Gạo", amount=1)
    note = interactions.log_interaction(session, customer, by=cast.lan, kind=InteractionKind.note, text=SAID)
    services.archive_customer(session, customer, by=cast.minh)
    held_back = ("phone", "said", "bought", "proof")
    withheld = replace(cast.lan, fields={("Customer", name): HIDDEN for name in held_back})
    agreed = {"purpose": "marketing", "channel": ConsentChannel.zalo, "state": ConsentState.given, "proof": PROOF}
    for refused, by in ((NotAllowedError, withheld), (services.CustomerArchivedError, cast.lan)):
        for attempt in (
            lambda by: services.share_contact_point(session, point, by=by, shared=True),
            lambda by: services.prefer_contact_point(session, point, by=by),
            lambda by: services.remove_contact_point(session, point, by=by),
            lambda by: promises.archive_promise(session, promise, by=by),
            lambda by: promises.make_promise(session, customer, by=by, text="x", due_on=today),
            lambda by: purchases.archive_purchase(session, purchase, by=by),
            lambda by: purchases.add_purchase(session, customer, by=by, bought_on=today, product="x", amount=1),
            lambda by: interactions.archive_interaction(session, note, by=by),
            lambda by: interactions.log_interaction(session, customer, by=by, kind=InteractionKind.note, text="x"),
            lambda by: consent.record_consent(session, customer, by=by, **agreed),
        ):
            with pytest.raises(refused):
                attempt(by)
