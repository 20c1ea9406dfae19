"""Can whoever looks after the customers decide on pairs in the browser, and does nobody else?"""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core.db import db, transaction
from app.customers import services
from app.customers.duplicates.models import CustomerMerge, DuplicatePair, PairState
from app.customers.models import ContactPoint, Customer
from tests.cast import Cast

REASON = "Vợ chồng dùng chung số"


@pytest.fixture
def two(app) -> list[int]:
    with app.app_context(), transaction() as inside:
        lan = Cast(inside).lan
        ids = [
            services.create_customer(
                inside, by=lan, name=name, phone="0912 345 678", note=f"của {name}", duplicate_reason=REASON
            ).id
            for name in ("Nguyễn Ánh", "Chị Ánh")
        ]
        db.session.flush()
        return ids


def text_of(answer) -> str:
    return BeautifulSoup(answer.text, "lxml").get_text(" ", strip=True)


def test_two_are_compared_made_one_and_taken_apart_again(app, client, two):
    minh = client("minh")
    assert REASON in text_of(minh.get("/nghi-trung/"))
    path = f"/nghi-trung/{two[0]}/{two[1]}"
    page = minh.get(path)
    assert "của Chị Ánh" in page.text
    assert "cùng số điện thoại" in page.text
    revs = {one["name"]: one["value"] for one in BeautifulSoup(page.text, "lxml").select("[name^=rev]")}
    was = {one["name"]: one["value"] for one in BeautifulSoup(page.text, "lxml").select("[name^=was]")}
    stale = minh.post(
        path, data={**revs, **was, "rev1": "99", "kept": "1", "f-name": "0", "f-note": "0", "was1-note": ""}
    )
    assert stale.status_code == 409
    form = BeautifulSoup(stale.text, "lxml")
    assert [one["value"] for one in form.select("[name=f-name][checked]")] == ["0"]
    assert [one["value"] for one in form.select("[name=f-note][checked]")] == ["2"], "changed since: nothing is lost"
    assert ("Chọn lại: " in stale.text, "trước đó: (trống)" in stale.text) == (True, True)
    asked = minh.post(path, data={**revs, "kept": "1", "f-name": "0", "f-note": "2"})
    assert minh.get(f"/khach-hang/show/{two[0]}").status_code == 200, (
        "nothing is merged before the question is answered"
    )
    told = text_of(asked)
    assert "Gộp KH000001 vào KH000002?" in told
    assert "Tên: Nguyễn Ánh" in told
    assert "30 ngày" in told
    sent = {one["name"]: one.get("value", "") for one in BeautifulSoup(asked.text, "lxml").select("main form input")}
    back = BeautifulSoup(minh.post(path, data=sent | {"sure": "0"}).text, "lxml")
    assert [one["name"] for one in back.select("[name=f-note][value='2'][checked]")], "what was chosen is chosen still"
    merged = minh.post(path, data=sent | {"sure": "1"})
    assert (merged.status_code, merged.headers["Location"]) == (302, f"/khach-hang/show/{two[1]}")
    moved = minh.get(f"/khach-hang/show/{two[0]}")
    assert (moved.status_code, moved.headers["Location"]) == (308, f"/khach-hang/show/{two[1]}")
    page = text_of(minh.get(f"/khach-hang/show/{two[1]}"))
    assert "Nguyễn Ánh" in page
    assert "KH000002" in text_of(minh.get("/tim/?q=KH000001"))
    assert "KH000001" in text_of(minh.get("/nghi-trung/?muc=da-gop"))
    with app.app_context():
        log = db.session.scalars(select(CustomerMerge.id)).one()
    undone = minh.post(f"/nghi-trung/gop/{log}/hoan-tac")
    assert undone.headers["Location"] == f"/khach-hang/show/{two[1]}"
    assert minh.get(f"/khach-hang/show/{two[0]}").status_code == 200


def test_a_pair_is_said_to_be_two_and_that_is_taken_back(app, client, two):
    minh = client("minh")
    with app.app_context():
        pair = db.session.scalars(select(DuplicatePair.id)).one()
    minh.post(f"/nghi-trung/cap/{pair}/khong-phai")
    assert "Nguyễn Ánh" not in text_of(minh.get("/nghi-trung/"))
    assert "Nguyễn Ánh" in text_of(minh.get("/nghi-trung/?muc=khong-phai"))
    minh.post(f"/nghi-trung/cap/{pair}/xem-lai")
    with app.app_context():
        assert db.session.get(DuplicatePair, pair).state is PairState.open
    for who, status in (("lan", 403), ("binh", 404)):
        assert client(who).get(f"/nghi-trung/{two[0]}/{two[1]}").status_code == status
    assert "Nguyễn Ánh" not in client("binh").get("/nghi-trung/").text


def test_the_form_warns_keeps_what_was_typed_and_saves_with_a_reason(app, client, two):
    lan, tuan = client("lan"), client("tuan")
    typed = {"name": "Cúc", "kind": "person", "phone": "0912345678", "note": "mới"}
    warned = lan.post("/khach-hang/add", data=typed)
    form = BeautifulSoup(warned.text, "lxml")
    assert warned.status_code == 409
    assert form.select_one("#trung a")["href"] == f"/khach-hang/show/{two[0]}"
    assert form.select_one("#note").text.strip() == "mới"
    masked = tuan.post("/khach-hang/add", data=typed)
    assert "N… Á…" in masked.text
    assert "Nguyễn" not in BeautifulSoup(masked.text, "lxml").select_one("#trung").text
    assert lan.post("/khach-hang/add", data={**typed, "duplicate_reason": REASON}).status_code == 302


def test_one_more_number_asks_why_and_takes_the_reason(app, client, two):
    lan = client("lan")
    with app.app_context(), transaction() as inside:
        other = services.create_customer(inside, by=Cast(inside).lan, name="Cúc").id
    typed = {"kind": "phone", "text": "0912 345 678"}
    asked = lan.post(f"/khach-hang/{other}/lien-he", data=typed)
    form = BeautifulSoup(asked.text, "lxml")
    assert asked.status_code == 409
    assert form.select_one("input[name=text]")["value"] == typed["text"]
    assert lan.post(f"/khach-hang/{other}/lien-he", data={**typed, "duplicate_reason": "x"}).status_code == 422
    assert lan.post(f"/khach-hang/{other}/lien-he", data={**typed, "duplicate_reason": REASON}).status_code == 302
    with app.app_context():
        assert db.session.scalars(select(ContactPoint).where(ContactPoint.customer_id == other)).one().shown
        assert db.session.get(Customer, other) is not None
