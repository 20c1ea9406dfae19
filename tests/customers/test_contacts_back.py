"""What no form changes comes back by the services: an earlier number, and a customer who was put away."""

from __future__ import annotations

from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core import audit
from app.core.audit import AuditEvent
from app.core.db import db
from app.customers.models import ContactPoint
from tests.rest import Rest
from tests.security.test_field_rights import HIDDEN, hold_back

OLD, NEW = "0912 345 678", "0987 654 321"


def ways(browser, number: int) -> list[str]:
    page = BeautifulSoup(browser.get(f"/khach-hang/show/{number}?phan=lich-su").text, "lxml")
    return [one["href"] for one in page("a") if "Khôi phục giá trị cũ" in one.text]


def test_a_number_that_was_taken_out_of_use_comes_back(app, client):
    rest, lan = Rest(app, "lan"), client("lan")
    number = rest.post("customers/", {"name": "Trần Bích", "phone": OLD}).json["id"]
    assert rest.put(f"customers/{number}", {"rev": 1, "phone": NEW}).status_code == 200
    (way,) = ways(lan, number)
    page = BeautifulSoup(lan.get(way).text, "lxml")
    assert [OLD in one.text for one in page.select(".tt-changes > div ins")] == [True, False]
    assert lan.post(way).status_code == 302
    with app.app_context():
        points = db.session.scalars(select(ContactPoint).where(ContactPoint.customer_id == number)).all()
        assert {(one.shown, one.archived_at, one.is_preferred) for one in points} == {
            (OLD, None, True), (NEW, None, False)}  # fmt: skip
        newest = select(AuditEvent).where(AuditEvent.table_name == "contact_point").order_by(AuditEvent.id.desc())
        reasons = {one.reason for one in db.session.scalars(newest.limit(2))}
        assert all(one.startswith(f"{audit.RESTORES}{way.rsplit('/', 1)[1]}:") for one in reasons)
        hold_back("Staff", HIDDEN, "phone")
    assert "Không có gì để khôi phục" in lan.get(way).text
    assert "/khoi-phuc/" not in "".join(ways(lan, number))
    assert client("tuan").get(way).status_code == 404


def test_a_day_and_a_choice_that_were_empty_before_are_empty_again(app, client):
    rest, lan = Rest(app, "lan"), client("lan")
    number = rest.post("customers/", {"name": "Trần Bích", "phone": OLD}).json["id"]
    assert rest.put(f"customers/{number}", {"rev": 1, "birthday": "1990-03-05", "gender": "female"}).status_code == 200
    (way,) = ways(lan, number)
    rev = BeautifulSoup(lan.get(way).text, "lxml").select_one("[name=rev]")["value"]
    assert lan.post(way, data={"rev": rev}).status_code == 302
    again = rest.get(f"customers/{number}").json
    assert (again["birthday"], again["gender"]) == (None, None)


def test_a_number_that_somebody_else_has_by_now_does_not_come_back_unasked(app, client):
    rest, lan = Rest(app, "lan"), client("lan")
    number = rest.post("customers/", {"name": "Trần Bích", "phone": OLD}).json["id"]
    rest.put(f"customers/{number}", {"rev": 1, "phone": NEW})
    (way,) = ways(lan, number)
    assert rest.post("customers/", {"name": "Lê Sen", "phone": OLD}).status_code == 201
    answer = lan.post(way)
    assert (answer.status_code, "Không có gì để khôi phục" in answer.text) == (409, False)
    with app.app_context():
        of = select(ContactPoint.shown).where(ContactPoint.customer_id == number, ContactPoint.archived_at.is_(None))
        assert db.session.scalars(of).all() == [NEW]


def test_whom_was_put_away_the_history_and_the_log_take_back_by_the_action(app, client):
    number = Rest(app, "lan").post("customers/", {"name": "Trần Bích"}).json["id"]
    minh, back = client("minh"), f"/khach-hang/preview/restore/{number}"
    assert minh.post(f"/khach-hang/action/archive/{number}").status_code == 302
    assert back in ways(minh, number)
    assert back not in ways(client("lan"), number)
    with app.app_context():
        newest = db.session.scalar(select(AuditEvent.id).where(AuditEvent.name == audit.ARCHIVED))
    assert f'href="{back}"' in client("hoa").get(f"/nhat-ky/show/{newest}").text
    assert minh.post(f"/khach-hang/action/restore/{number}").status_code == 302
    assert back not in ways(minh, number)
