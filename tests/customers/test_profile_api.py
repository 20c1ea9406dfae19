"""A customer's profile, and what is kept beside it, for programs."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core import clock
from tests.rest import Rest
from tests.security.test_field_rights import MASKED, hold_back

PROFILE = {
    "honorific": "chi", "gender": "female", "birthday": "1990-03-05", "tax_code": "0100109106", "job_title": "Kế toán",
    "street": "12 Lê Lợi", "province_code": "79", "touchpoint": "advice", "tier": "vip", "stage": "new",
    "risk_reason": "Chậm trả tiền", "tags": ["Khách quen", "thích trà"],
}  # fmt: skip


@pytest.fixture
def lan(app: Flask) -> Rest:
    return Rest(app, "lan")


@pytest.mark.both_databases
def test_a_profile_is_made_changed_and_found(lan):
    company = lan.post("customers/", {"name": "Công ty Sen", "kind": "company"}).json
    made = lan.post("customers/", {"name": "Ánh", **PROFILE, "company": company["id"]})
    assert made.status_code == 201, made.json
    assert {key: made.json[key] for key in PROFILE} == PROFILE
    assert (made.json["company"], made.json["tier_is_fixed"]) == (company["id"], True)
    assert made.json["address"] == "12 Lê Lợi, Thành phố Hồ Chí Minh"
    number = made.json["id"]
    changed = lan.put(
        f"customers/{number}", {"rev": made.json["rev"], "stage": "considering", "tier": None, "tags": []}
    )
    assert (changed.json["stage"], changed.json["tier_is_fixed"], changed.json["tags"]) == ("considering", False, [])
    assert lan.get(f"customers/{number}").json == changed.json
    for query in (
        {"stage": "considering"},
        {"province": "79"},
        {"company": company["id"]},
        {"where": "gender = 'female'"},
    ):
        assert [row["id"] for row in lan.rows("customers/", **query)] == [number]
    assert [row["stage"] for row in lan.rows(f"customers/{number}/stages")] == ["considering", "new"]


def test_a_number_that_stays_is_said_to_be_shared_and_none_cannot_be(lan):
    made = lan.post("customers/", {"name": "Ánh", "phone": "0912 345 321"}).json
    assert lan.post("customers/", {"name": "Bình", "phone": "0912 345 321"}).status_code == 409
    shared = lan.put(f"customers/{made['id']}", {"rev": made["rev"], "phone_is_shared": True})
    assert shared.status_code == 200
    assert lan.post("customers/", {"name": "Bình", "phone": "0912 345 321", "phone_is_shared": True}).status_code == 201
    alone = lan.post("customers/", {"name": "Chi"}).json
    refused = lan.put(f"customers/{alone['id']}", {"rev": alone["rev"], "phone_is_shared": True})
    assert (refused.status_code, list(refused.json["fields"])) == (422, ["phone_is_shared"])


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({"birthday": "31/02/1990"}, {"birthday"}),
        (
            {"birthday": "2990-01-01", "tax_code": "0100109107", "id_number": "12"},
            {"birthday", "tax_code", "id_number"},
        ),
        ({"gender": "x", "tier": 5}, {"gender", "tier"}),
        ({"tier": "gold", "ward_code": "99999", "company": 999_999_999_999}, {"company"}),
        ({"tier": "gold", "ward_code": "99999"}, {"tier", "ward_code"}),
        ({"do_not_contact": True}, {"do_not_contact_reason"}),
        ({"tags": ["x"] * 31}, {"tags"}),
        ({"stage": "new", "stage_reason": "x" * 501}, {"stage_reason"}),
    ],
)
def test_what_is_wrong_in_a_profile_is_told_beside_its_key(lan, body, keys):
    answer = lan.post("customers/", {"name": "Ánh", **body})
    assert (answer.status_code, set(answer.json["fields"])) == (422, keys)


@pytest.mark.both_databases
def test_contacts_consents_and_purchases_are_written_and_listed(lan, app):
    number = lan.post("customers/", {"name": "Ánh", "phone": "0912345678"}).json["id"]
    call = {"customer": number, "kind": "call", "result": "reached", "text": "Khen ngon", "next_on": "2099-01-05"}
    made = lan.post("interactions/", call | {"source": "tong-dai", "external_id": "c1"})
    assert (made.status_code, made.json["by"], made.json["channel"]) == (201, "lan", "phone")
    assert lan.post("interactions/", call | {"source": "tong-dai", "external_id": "c1"}).status_code == 409
    read = lan.get(f"customers/{number}").json
    assert (read["next_contact_on"], read["last_contact_at"]) == ("2099-01-05", made.json["at"])
    assert [row["id"] for row in lan.rows("interactions/", customer=number, kind="call")] == [made.json["id"]]
    agreed = {"purpose": "marketing", "channel": "zalo", "state": "given"}
    assert lan.post(f"customers/{number}/consents", agreed).status_code == 422
    assert lan.post(f"customers/{number}/consents", agreed | {"proof": "Cuộc gọi"}).status_code == 201
    assert [row["state"] for row in lan.rows(f"customers/{number}/consents")] == ["given"]
    bought = {"bought_on": "2026-01-05", "product": "Gạo ST25", "quantity": "2.5", "amount": 250_000}
    made = lan.post(f"customers/{number}/purchases", bought)
    assert (made.status_code, made.json["quantity"]) == (201, "2.5")
    assert [row["amount"] for row in lan.rows(f"customers/{number}/purchases")] == [250_000]
    shared = lan.post(
        f"customers/{number}/contact_points", {"kind": "phone", "value": "028 3823 4567", "is_shared": True}
    )
    assert (shared.status_code, shared.json["is_shared"]) == (201, True)
    tuan = Rest(app, "tuan")
    assert tuan.get(f"customers/{number}/consents").status_code == 404
    assert set(tuan.post("interactions/", call).json["fields"]) == {"customer"}
    assert tuan.rows("interactions/") == []


def test_tags_are_offered_and_kept_by_admins(lan, app):
    lan.post("customers/", {"name": "Ánh", "tags": ["Khách quen"]})
    (tag,) = lan.rows("tags/", q="quen")
    assert lan.put(f"tags/{tag['id']}", {"name": "Khách cũ"}).status_code == 403
    assert Rest(app, "hoa").put(f"tags/{tag['id']}", {"name": "Khách cũ"}).json["name"] == "Khách cũ"
    assert [row["tags"] for row in lan.rows("customers/", tag="khach cu")] == [["Khách cũ"]]


def test_an_address_in_dots_is_neither_read_nor_asked_for(lan, app):
    number = lan.post("customers/", {"name": "Ánh", **PROFILE}).json["id"]
    with app.app_context():
        hold_back("Staff", MASKED, "address", "tax_code", "birthday")
    read = lan.get(f"customers/{number}").json
    assert read["tax_code"] == "••• 106"
    assert "Lê Lợi" not in str(read)
    assert "1990" not in str(read["birthday"])
    assert lan.get("customers/", province="79").status_code == 400
    assert set(lan.put(f"customers/{number}", {"rev": read["rev"], "street": "x"}).json["fields"]) == {"street"}


def test_the_timeline_tells_a_purchase_once_and_as_it_is_now(lan, client):
    number = lan.customer()["id"]
    bought = {"bought_on": "2026-01-05", "product": "Gạo", "amount": 12_500_000}
    purchase = lan.post(f"customers/{number}/purchases", bought).json["id"]
    lan.put(f"purchases/{purchase}", {"amount": 1_250_000, "product": "Nếp"})
    lan.post(f"purchases/{purchase}/archive")
    page = f"/khach-hang/show/{number}?loai=mua-hang"
    lan.post(f"purchases/{purchase}/restore")
    shown = client("lan").get(page).text.replace("\xa0", " ")
    assert (shown.count("tt-ev__edit"), "12.500.000" in shown, "Nếp · 1.250.000 ₫" in shown) == (1, False, True)


def test_the_next_day_of_contact_goes_with_the_contact_and_comes_back_when_it_was_a_mistake(lan):
    number = lan.customer()["id"]
    today = clock.today("Asia/Ho_Chi_Minh").isoformat()

    def log(**more):
        return lan.post("interactions/", {"customer": number, "kind": "call", "result": "busy", **more}).json["id"]

    def next_on():
        return lan.get(f"customers/{number}").json["next_contact_on"]

    log(next_on=today)
    mistaken = log(next_on="2099-01-05")
    lan.post(f"interactions/{mistaken}/archive")
    assert next_on() == today
    log(result="reached")
    assert next_on() is None


def test_what_was_sent_stays_as_it_was_sent(lan):
    number = lan.customer(email="bich@huongtram.vn")["id"]
    sent = lan.post(f"customers/{number}/mails", {"template": "customer_thanks"}).json
    assert lan.put(f"interactions/{sent['id']}", {"text": "Đã hứa bồi thường"}).status_code == 422
    assert lan.post(f"interactions/{sent['id']}/archive").status_code == 422


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_at_the_ends_of_time_is_refused_in_words(lan, at):
    number = lan.customer()["id"]
    note = {"customer": number, "kind": "note", "text": "a", "at": at}
    assert list(lan.post("interactions/", note).json["fields"]) == ["at"]
    agreed = {"purpose": "marketing", "channel": "zalo", "state": "given", "proof": "a", "at": at}
    assert list(lan.post(f"customers/{number}/consents", agreed).json["fields"]) == ["at"]


def test_amounts_beyond_two_thousand_million_are_paged_through(lan):
    number = lan.customer()["id"]
    for amount in (3_000_000_001, 3_000_000_002):
        lan.post(f"customers/{number}/purchases", {"bought_on": "2026-01-05", "product": "Xe", "amount": amount})
    first = lan.get(f"customers/{number}/purchases", order="-amount", page_size=1).json
    after = lan.get(f"customers/{number}/purchases", order="-amount", page_size=1, after=first["next"]).json
    assert [one["result"][0]["amount"] for one in (first, after)] == [3_000_000_002, 3_000_000_001]


def test_a_tag_is_one_word_of_the_list_and_one_that_was_put_away_stays_away(lan, app):
    made = lan.customer()
    path = f"customers/{made['id']}"
    assert lan.put(path, {"rev": made["rev"], "tags": ["Hà Nội, quận 1"]}).status_code == 422
    assert lan.put(path, {"rev": made["rev"], "tags": ["Cũ"]}).status_code == 200
    hoa = Rest(app, "hoa")
    assert hoa.post(f"tags/{hoa.rows('tags/')[0]['id']}/archive").status_code == 200
    assert lan.put(path, {"rev": lan.get(path).json["rev"], "tags": ["Cũ", "Mới"]}).json["tags"] == ["Cũ", "Mới"]
    assert [one["name"] for one in lan.rows("tags/")] == ["Mới"]
