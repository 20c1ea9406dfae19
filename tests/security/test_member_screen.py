"""Hoa adds, lets in and lets go through the pages; a new colleague comes in; nobody else comes near."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.notifications.models import Outbox
from app.security import rules
from app.security.models import Member
from tests.cast import PASSWORD, Cast
from tests.rest import Rest
from tests.story import Story

OWN = "trời hôm nay xanh quá"


def page_of(answer) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "lxml")


def filled(page: BeautifulSoup, **changes) -> dict:
    """What the form of the page would send, with changes; None leaves a field out."""
    form = page.select_one("main form[data-guard]")
    sent: dict = {}
    for one in form.find_all("input"):
        if one.get("type") in ("checkbox", "radio") and (not one.has_attr("checked") or one.has_attr("disabled")):
            continue
        sent.setdefault(one["name"], []).append(one.get("value", ""))
    for one in form.find_all("select"):
        chosen = one.find("option", selected=True) or one.find("option")
        sent[one["name"]] = [chosen["value"]]
    for one in form.find_all("textarea"):
        sent[one["name"]] = [one.text.strip()]
    sent |= {name: value if isinstance(value, list) else [value] for name, value in changes.items()}
    return {name: value for name, value in sent.items() if value != [None]}


def new(browser, **changes):
    begun = filled(page_of(browser.get("/nhan-su/add")))
    return browser.post("/nhan-su/add", data={**begun, "family_name": "Đặng Thị", "given_name": "Ưng Hòa",
                                              "email": "ung@phosen.example", **changes})  # fmt: skip


@pytest.fixture
def told(app):
    """told(lambda session, cast: …): what stands in the database now."""

    def read(ask):
        with app.app_context():
            return ask(db.session(), Cast(db.session()))

    return read


def id_of(told, username):
    return told(lambda _session, cast: cast.member(username).id)


def link(told) -> str:
    body = told(lambda session, _cast: session.scalars(select(Outbox.body_text).order_by(Outbox.id.desc())).first())
    return re.search(r"/loi-moi/[\w-]+", body).group()


# ── coming by an invitation ──
def test_a_colleague_is_added_invited_and_comes_in_once(client, told):
    hoa = client("hoa")
    form = page_of(hoa.get("/nhan-su/add"))
    assert form.find("input", {"name": "role_codes", "value": "Staff"}).has_attr("checked")
    answer = new(hoa, team_id=str(told(lambda _s, cast: cast.team("cskh").id)), phone="0912.345.678")
    assert answer.status_code == 302, page_of(answer).select_one(".tt-problems")
    page = page_of(hoa.get(answer.location))
    assert "Đặng Thị Ưng Hòa" in page.h1.text
    assert "CSKH" in page.text

    door, stranger = link(told), client()
    came = page_of(stranger.get(door))
    assert "hoa.dang" in came.text
    rule = came.find(id="password-help").text  # said before anything is typed
    assert "8" in rule
    assert "128" in rule
    assert stranger.post(door, data={"password": OWN, "repeat": "khác"}).status_code == 422
    assert stranger.post(door, data={"password": "hoa.dang", "repeat": "hoa.dang"}).status_code == 422
    answer = stranger.post(door, data={"password": OWN, "repeat": OWN})
    assert (answer.status_code, answer.location) == (302, "/")
    assert stranger.get("/").status_code == 200
    late = client().get(door)
    assert late.status_code == 410
    assert "Bạn đã đặt mật khẩu rồi" in late.text
    assert page_of(late).select_one("main a[href='/login/']")
    answer = client().post("/login/", data={"username": "hoa.dang", "password": OWN})
    assert answer.location == "/"


def test_what_will_not_do_stands_beside_its_field_with_everything_that_was_typed(client, told):
    answer = new(client("hoa"), username="lan", phone="12", title="Thu ngân", role_codes=["Staff", "Manager"])
    assert answer.status_code == 422
    page = page_of(answer)
    assert "lan2" in page.find(id="username-error").text
    assert "0912 345 678" in page.find(id="phone-error").text
    assert page.find("input", {"name": "title"})["value"] == "Thu ngân"
    ticked = {one["value"] for one in page.find_all("input", {"name": "role_codes"}) if one.has_attr("checked")}
    assert ticked == {"Staff", "Manager"}
    assert told(lambda session, _cast: session.scalars(select(Outbox)).all()) == []


def test_a_user_name_is_suggested_while_one_types(client):
    hoa = client("hoa")
    ask = "/nhan-su/ten-dang-nhap"
    assert hoa.get(ask, query_string={"family_name": "Nguyễn", "given_name": "Lan"}).json == {
        "username": "lan.nguyen", "problem": ""}  # fmt: skip
    assert "minh2" in hoa.get(ask, query_string={"typed": "minh"}).json["problem"]
    assert "hoa.nguyen" in hoa.get(ask, query_string={"typed": "Hòa"}).json["problem"]
    assert client("lan").get(ask).status_code == 403


# ── coming by a first password ──
def test_a_first_password_is_shown_once_and_opens_nothing_but_the_page_to_change_it(app, client, told):
    hoa, key = client("hoa"), id_of(told, "lan")
    lan = client("lan")
    page = f"/nhan-su/mat-khau-dau/{key}"
    assert lan.get("/").status_code == 200
    assert page_of(hoa.get(page)).find("dl", class_="tt-secret") is None
    asked = {"rev": page_of(hoa.get(page)).find("input", {"name": "rev"})["value"]}
    answer = hoa.post(page, data=asked)
    assert answer.headers["Cache-Control"] == "no-store"
    password = page_of(answer).select("dl.tt-secret dd")[1].text
    assert password not in hoa.get(page).text
    again = hoa.post(page, data=asked)  # the page loaded once more: the password that was handed on stays
    assert (again.status_code, page_of(again).find("dl", class_="tt-secret")) == (409, None)
    assert lan.get("/").location.startswith("/login/")

    lan = client()
    lan.post("/login/", data={"username": "lan", "password": password})
    for address in ("/", "/khach-hang/list/", "/tai-khoan/", f"/nhan-su/show/{key}"):
        assert lan.get(address).location == "/mat-khau-moi", address
    assert lan.post("/tai-khoan/ho-so", data={}).location == "/mat-khau-moi"
    refused = lan.get("/api/v1/customers/")
    assert (refused.status_code, refused.json["error"]) == (403, "password_to_change")
    body = {"username": "lan", "password": password, "provider": "db"}
    refused = app.test_client().post("/api/v1/security/login", json=body)
    assert (refused.status_code, refused.json["error"]) == (403, "password_to_change")
    assert "128" in lan.get("/mat-khau-moi").text
    assert lan.post("/mat-khau-moi", data={"password": password, "repeat": password}).status_code == 422
    assert lan.post("/mat-khau-moi", data={"password": OWN, "repeat": OWN}).location == "/"
    assert lan.get("/").status_code == 200
    assert lan.get("/mat-khau-moi").location == "/tai-khoan/"
    body["password"] = OWN
    assert app.test_client().post("/api/v1/security/login", json=body).status_code == 200


def test_a_first_password_whose_time_is_over_is_told_to_whoever_knows_it_and_logged(app, client, told):
    hoa, key = client("hoa"), id_of(told, "lan")
    page = f"/nhan-su/mat-khau-dau/{key}"
    asked = {"rev": page_of(hoa.get(page)).find("input", {"name": "rev"})["value"]}
    password = page_of(hoa.post(page, data=asked)).select("dl.tt-secret dd")[1].text
    with clock.at(clock.now() + rules.INVITATION_LASTS + timedelta(minutes=1)):
        wrong = client().post("/login/", data={"username": "lan", "password": f"{password}x"})
        assert wrong.status_code == 401
        assert "hết hạn" not in wrong.text  # nobody learns of an account whose password he does not know
        right = client().post("/login/", data={"username": "lan", "password": password})
        assert right.status_code == 403
        assert "Mật khẩu đầu tiên này đã hết hạn" in right.text
        body = {"username": "lan", "password": password, "provider": "db"}
        refused = app.test_client().post("/api/v1/security/login", json=body)
        assert (refused.status_code, refused.json["error"]) == (403, "first_password_expired")
    names = told(
        lambda session, _cast: session.scalars(select(AuditEvent.name).where(AuditEvent.record_id == key)).all()
    )
    assert names.count("first_password_expired") == 2


def test_choosing_a_first_password_leads_there_after_adding(client):
    answer = new(client("hoa"), entrance="password")
    assert re.fullmatch(r"/nhan-su/mat-khau-dau/\d+", answer.location)


# ── changing ──
def test_two_people_change_one_member_and_choose_role_by_role(client, told):
    key = id_of(told, "tuan")
    address = f"/nhan-su/edit/{key}"
    first, second = client("hoa"), client("hoa")
    opened = page_of(second.get(address))
    assert first.post(address, data=filled(page_of(first.get(address)), role_codes=["Staff", "Auditor"])).location
    answer = second.post(address, data=filled(opened, role_codes=["Manager"], title="Bếp trưởng"))
    assert answer.status_code == 409
    page = page_of(answer)
    assert "Kiểm soát" in page.find(id="role_codes").text or "Auditor" not in page.find(id="role_codes").text
    kept = filled(page, **{"keep-role_codes": "theirs", "keep-title": "mine"})
    assert second.post(address, data=kept).status_code == 302
    roles, title = told(lambda _s, cast: (set(cast.member("tuan").role_codes), cast.member("tuan").title))
    assert (roles, title) == ({"Staff", "Auditor"}, "Bếp trưởng")


def test_changing_nothing_changes_nothing(client, told):
    key = id_of(told, "minh")
    hoa = client("hoa")
    before = told(lambda _s, cast: (cast.member("minh").role_codes, cast.member("minh").team_id))
    answer = hoa.post(f"/nhan-su/edit/{key}", data=filled(page_of(hoa.get(f"/nhan-su/edit/{key}"))))
    assert answer.status_code == 302, answer.text
    assert told(lambda _s, cast: (cast.member("minh").role_codes, cast.member("minh").team_id)) == before
    assert told(lambda _s, cast: cast.member("minh").time_zone) == "Asia/Ho_Chi_Minh"


# ── leaving ──
def test_somebody_leaves_and_one_person_takes_everything_over(app, client, told):
    with app.app_context():
        story = Story(db.session(), Cast(db.session()))
        customer = story.customer_id
    lan, key, binh = client("lan"), id_of(told, "lan"), id_of(told, "binh")
    hoa = client("hoa")
    show = page_of(hoa.get(f"/nhan-su/show/{key}?tab=dang-giu"))
    assert "Đặng Thị Mỹ Duyên" in show.text
    page = f"/nhan-su/ngung/{key}"
    assert hoa.post(f"/nhan-su/action/leave/{key}").location == page
    answer = hoa.post(page, data=filled(page_of(hoa.get(page))))
    assert answer.status_code == 422
    assert page_of(answer).find(id="to-customers-error").text.strip()
    assert lan.get("/").status_code == 200
    found = hoa.get(f"/nhan-su/nguoi-nhan/{key}?q=binh").json["results"]
    assert [one["id"] for one in found] == [binh]
    assert hoa.post(page, data=filled(page_of(answer), to="0")).status_code == 422
    answer = hoa.post(page, data=filled(page_of(hoa.get(page)), to=str(binh)))
    assert answer.location == f"/nhan-su/show/{key}"
    assert re.search(r"Đã bàn giao \d+ mục cho Đỗ Thanh Bình", hoa.get(answer.location).text)
    for closed in (key, id_of(told, "hoa")):
        assert page_of(hoa.get(f"/nhan-su/ngung/{closed}")).select_one("main form button") is None
    assert lan.get("/").location.startswith("/login/")
    assert client().post("/login/", data={"username": "lan", "password": PASSWORD}).status_code == 401
    assert told(lambda session, _cast: session.get_one(Member, key).deactivated_at) is not None
    binhs = Rest(app, "binh")
    assert binhs.get(f"customers/{customer}").json["owner"] == "binh"
    assert "Không còn làm việc" in page_of(hoa.get(f"/nhan-su/show/{key}")).main.text
    hoa.post(f"/nhan-su/action/reactivate/{key}")
    assert client("lan").get("/").status_code == 200


@pytest.mark.parametrize("username", ["lan", "minh"])
def test_nobody_else_comes_near(client, told, username):
    browser, key = client(username), id_of(told, "tuan")
    show = page_of(browser.get(f"/nhan-su/show/{key}")).main.text
    assert "Đang giữ" not in show
    for address in ("add", f"edit/{key}", f"mat-khau-dau/{key}", f"ngung/{key}", f"nguoi-nhan/{key}"):
        assert browser.get(f"/nhan-su/{address}").status_code == 403, address
    for name in ("invite", "withdraw", "password", "leave", "reactivate"):
        assert browser.post(f"/nhan-su/action/{name}/{key}").status_code == 403, name
    assert browser.post(f"/nhan-su/ngung/{key}", data={"to": str(key)}).status_code == 403
    assert told(lambda session, _cast: session.get_one(Member, key).is_active)


@pytest.mark.parametrize("address", ["mat-khau-dau", "ngung", "nguoi-nhan", "edit", "show"])
@pytest.mark.parametrize("key", ["999999", "99999999999", "x", "0"])
def test_a_member_who_is_not_there_is_not_there(client, address, key):
    assert client("hoa").get(f"/nhan-su/{address}/{key}").status_code == 404
