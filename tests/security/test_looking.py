"""An admin looks as somebody else: he sees what they see, changes nothing, and both ends stand in the audit log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import exists, select

from app.core import clock, exports
from app.core.access import SYSTEM, Scope, visible
from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.errors import BusinessError, NotAllowedError
from app.notifications.models import Notification
from app.notifications.services import post_bell
from app.security import admission, looking, role_services, services
from app.security.models import Look, SignIn, SignInKind
from tests.cast import Cast


@pytest.fixture
def ids(app):
    with app.app_context():
        cast = Cast(db.session())
        return {name: cast.member(name).id for name in ("lan", "minh", "hoa", "tuan")}


def banner(answer) -> str:
    found = BeautifulSoup(answer.text, "lxml").select_one(".tt-looking")
    return " ".join(found.get_text(" ").split()) if found else ""


def events(app) -> list[tuple[str, int | None, int | None, int | None]]:
    with app.app_context():
        rows = db.session().scalars(select(AuditEvent).where(AuditEvent.name.like("look%")).order_by(AuditEvent.id))
        return [(row.name, row.actor_id, row.on_behalf_of_id, row.record_id) for row in rows]


def test_he_sees_what_they_see_until_he_stops(app, client, ids):
    hoa = client("hoa")
    assert hoa.get("/vai-tro/list/").status_code == 200
    assert hoa.post(f"/xem-nhu/{ids['lan']}").status_code == 302
    assert "Nguyễn Ngọc Lan" in banner(hoa.get("/"))
    assert hoa.get("/vai-tro/list/").status_code == 403
    listed = BeautifulSoup(hoa.get("/khach-hang/list/").text, "lxml")  # nothing that writes is offered
    assert "Bạn đang xem như" in listed.body["data-looking"]
    assert listed.select("a[href$='/add'], [data-bulk] button") == []
    assert hoa.post("/xem-nhu/thoi").status_code == 302
    assert banner(hoa.get("/")) == ""
    assert hoa.get("/vai-tro/list/").status_code == 200
    assert events(app) == [
        ("look_began", ids["hoa"], None, ids["lan"]), ("look_ended", ids["hoa"], ids["lan"], ids["lan"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "address"),
    [("post", "/khach-hang/add"), ("post", "/tai-khoan/ngon-ngu"), ("post", "/khong-co"), ("put", "/api/v1/teams/"),
     ("delete", "/cong-viec/1"), ("patch", "/"), ("post", "/xem-nhu/2")],
)  # fmt: skip
def test_nothing_is_changed_meanwhile(app, client, ids, method, address):
    hoa = client("hoa")
    hoa.post(f"/xem-nhu/{ids['lan']}")
    before = events(app)
    answer = getattr(hoa, method)(address, data={"name": "X", "language": "en"})
    assert answer.status_code == 403
    assert "Bạn đang xem như Nguyễn Ngọc Lan" in (answer.json["message"] if answer.is_json else answer.text)
    assert events(app) == before


def test_what_was_typed_is_given_back_and_cannot_be_sent(client, ids):
    hoa = client("hoa")
    hoa.post(f"/xem-nhu/{ids['lan']}")
    typed = {"text": "Chị ấy <b>bận</b> tới 14:30", "rev": "123456", "back": "/khach-hang/list/", "kind": "1"}
    page = BeautifulSoup(hoa.post("/khach-hang/add", data=typed).text, "lxml")
    assert page.select_one("textarea[readonly]").text.strip() == typed["text"]
    assert page.select("main form") == []
    told = hoa.post("/tai-khoan/mat-khau", data={"new_password": "Sen-2026-thom"}).text
    assert "textarea" not in told
    assert "Sen-2026-thom" not in told


def test_after_half_an_hour_it_is_over(app, client, ids):
    hoa = client("hoa")
    hoa.post(f"/xem-nhu/{ids['lan']}")
    with clock.at(clock.now() + timedelta(minutes=31)):
        assert banner(hoa.get("/")) == ""
        with app.app_context(), transaction() as inside:
            assert looking.end_stale_looks(inside) == 1
            assert looking.end_stale_looks(inside) == 0
    assert [row[0] for row in events(app)] == ["look_began", "look_ended"]
    assert events(app)[1][1:] == (ids["hoa"], ids["lan"], ids["lan"])


def test_what_is_somebody_s_own_business_is_not_looked_at(app, client, ids):
    with app.app_context(), transaction(SYSTEM) as inside:
        lan = Cast(db.session()).lan
        services.sign_in(inside, Cast(inside).member("lan"), kind=SignInKind.web, address="10.1.2.3", agent="")
        post_bell(inside, to=ids["lan"], kind="mentioned", data={}, subject_type="task", subject_id=1, at=clock.now())
        wanted = exports.Wanted("customers", exports.Format.csv)
        inside.add(
            exports.Export(
                member_id=ids["lan"],
                list_key=wanted.list_key,
                format=wanted.format,
                wanted={},
                rows_all=0,
                next_at=clock.now(),
                expires_at=clock.now() + timedelta(days=1),
            )
        )
        inside.flush()
        own = [visible(model, lan) for model in (SignIn, Notification, exports.Export)]  # her rules are kept now
        assert all(inside.scalar(select(exists().where(rule))) for rule in own)
    hoa = client("hoa")
    hoa.post(f"/xem-nhu/{ids['lan']}")
    for address in ("/tai-khoan/", "/thong-bao/", "/xuat/", "/xuat/1", "/xuat/1/tep"):
        refused = hoa.get(address)
        assert refused.status_code == 403, address
        assert "Nguyễn Ngọc Lan" in refused.text
        assert "10.1.2.3" not in refused.text
    for address in ("notifications", "exports"):
        assert hoa.get(f"/api/v1/{address}/").json["result"] == []
    assert hoa.get("/api/v1/exports/1").status_code == 404
    assert "10.1.2.3" in client("lan").get("/tai-khoan/").text


def test_colleagues_read_in_no_history_who_looked_how_one_came_in_and_what_one_signs_with(app, client, ids):
    hoa = client("hoa")
    hoa.post(f"/xem-nhu/{ids['minh']}")
    hoa.post("/xem-nhu/thoi")
    with app.app_context(), transaction(SYSTEM) as inside:
        minh = Cast(inside).member("minh")
        minh.title, minh.signature = "Trưởng nhóm Phở", "Minh, 0912 345 678"
        admission.give_first_password(inside, minh, password_hash="x", by=SYSTEM)
    page = f"/nhan-su/show/{ids['minh']}?tab=lich-su"
    theirs, ours = client("lan").get(page).text, client("hoa").get(page).text
    for told in ("Bắt đầu xem như", "Đã đưa mật khẩu đầu tiên", "Minh, 0912 345 678"):
        assert told.lower() in ours.lower()
        assert told.lower() not in theirs.lower()
    assert "Trưởng nhóm Phở" in theirs


def test_a_page_from_before_its_end_changes_nothing_in_one_s_own_name(app, client, ids):
    hoa = client("hoa")
    hoa.post(f"/xem-nhu/{ids['lan']}")
    with clock.at(clock.now() + timedelta(minutes=31)):
        assert hoa.get("/vai-tro/list/").status_code == 200
        refused = hoa.post("/tai-khoan/ngon-ngu", data={"language": "en"})
        assert refused.status_code == 403
        assert "không còn xem như" in refused.text
        assert hoa.post("/tai-khoan/ngon-ngu", data={"language": "en"}).status_code == 302
    assert [row[0] for row in events(app)] == ["look_began", "look_ended"]


def test_signing_out_ends_it(app, client, ids):
    hoa = client("hoa")
    hoa.post(f"/xem-nhu/{ids['lan']}")
    hoa.post("/logout/")
    assert [row[0] for row in events(app)] == ["look_began", "look_ended"]
    with app.app_context():
        assert db.session().scalars(select(Look).where(Look.ended_at.is_(None))).all() == []


def test_programs_are_not_concerned(client, token, ids):
    hoa = client("hoa")
    hoa.post(f"/xem-nhu/{ids['lan']}")
    program = client()
    assert {row["username"] for row in program.get("/api/v1/users/", headers=token("hoa")).json["result"]} >= {"hoa"}


@pytest.mark.parametrize(("who", "whom", "status"), [("lan", "tuan", 403), ("minh", "lan", 403), ("hoa", "hoa", 302)])
def test_who_may_not_look(app, client, ids, who, whom, status):
    browser = client(who)
    assert browser.post(f"/xem-nhu/{ids[whom]}").status_code == status
    assert banner(browser.get("/")) == ""
    assert events(app) == []


def test_nobody_looks_as_somebody_with_more_rights(session, cast):
    with transaction(SYSTEM) as inside:
        made = role_services.create_role(inside, label_vi="Nhân sự", by=SYSTEM)
        rights = {("Member", "edit"): Scope.all, ("Member", "view"): Scope.all}
        role_services.change_rights(inside, made, rights, rev=made.rev, by=SYSTEM)
        role_services.assign_roles(inside, cast.member("minh"), ["Manager", made.name], by=SYSTEM)
        secret = services.sign_in(inside, cast.member("minh"), kind=SignInKind.web, address="", agent="")
    with transaction(cast.minh) as inside, pytest.raises(BusinessError):
        looking.begin_look(inside, secret, cast.member("hoa"), by=cast.minh)
    with transaction(cast.minh) as inside:
        looking.begin_look(inside, secret, cast.member("lan"), by=cast.minh)
    minh = cast.minh
    assert looking.as_another(session, minh, cast.member("lan").id).real_user_id == minh.user_id
    with transaction(SYSTEM) as inside:  # who comes to have more is no longer looked at
        role_services.assign_roles(inside, cast.member("lan"), ["Staff", "Auditor"], by=SYSTEM)
    assert looking.as_another(session, minh, cast.member("lan").id) is None
    with transaction(cast.binh) as inside, pytest.raises(NotAllowedError):
        looking.begin_look(inside, secret, cast.member("tuan"), by=cast.binh)
    assert session.scalars(select(SignIn)).one().member_id == minh.user_id
