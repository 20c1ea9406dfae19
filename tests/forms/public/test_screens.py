"""An admin opens a form, and a manager looks at what came in."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.customers.models import Customer
from app.customers.services import create_customer
from app.forms.models import Form, Submission
from app.forms.public.models import EntryState, PublicEntry, PublicLink
from app.security.queries import team_by_code
from tests.cast import Cast
from tests.forms.public.conftest import Stranger, opened
from tests.rest import Rest
from tests.story import MONDAY

WHO = {"who": "Trần Thị Bưởi", "call": "0987 654 321"}


def entry_of(app, state):
    with app.app_context():
        return db.session.scalars(select(PublicEntry).where(PublicEntry.state == state)).one()


def held(app, stranger):
    stranger.opens()
    stranger.sends(trap="http://x", **WHO)
    return entry_of(app, EntryState.held).id


def test_hoa_opens_a_form_and_hands_out_its_address(app, client, door):
    hoa = client("hoa")
    with app.app_context():
        form_id = db.session.scalar(select(Form.id).where(Form.code == "gop-y"))
    tab = f"/bieu-mau/show/{form_id}?tab=cong-khai"
    page = BeautifulSoup(hoa.get(tab).text, "html.parser")
    assert page.select_one("#dia-chi")["value"].endswith(f"/f/{door}")
    assert page.select_one("#ma-nhung") is None
    saved = hoa.post("/bieu-mau/gop-y/cong-khai", data={"source": "zalo", "team": "", "thanks": "Cảm ơn!",
                                                        "sites": "https://phosen.vn"})  # fmt: skip
    assert saved.status_code == 302
    page = BeautifulSoup(hoa.get(tab).text, "html.parser")
    assert f"/f/{door}/nhung" in page.select_one("#ma-nhung").text
    assert "Cảm ơn!" in client().get(f"/f/{door}/cam-on").text
    assert hoa.post("/bieu-mau/gop-y/cong-khai/dong").status_code == 302
    assert client().get(f"/f/{door}").status_code == 404
    assert hoa.post("/bieu-mau/gop-y/cong-khai/mo").status_code == 302
    assert client().get(f"/f/{door}").status_code == 200
    picture = hoa.get("/bieu-mau/gop-y/ma-qr.svg")
    assert picture.mimetype == "image/svg+xml"
    assert b"<svg" in picture.data
    assert hoa.get("/bieu-mau/gop-y/ma-qr.png").data.startswith(b"\x89PNG")
    assert hoa.get("/bieu-mau/gop-y/ma-qr.exe").status_code == 404


def test_a_wrong_site_is_told_beside_its_field_and_what_was_typed_stays(client, door):
    answer = client("hoa").post("/bieu-mau/gop-y/cong-khai", data={
        "source": "carrier-pigeon", "team": "", "thanks": "Cảm ơn", "sites": "phosen.vn"})  # fmt: skip
    assert answer.status_code == 422
    assert "Cảm ơn" in answer.text
    answer = client("hoa").post("/bieu-mau/gop-y/cong-khai", data={
        "source": "zalo", "team": "", "thanks": "Cảm ơn", "sites": "phosen.vn"})  # fmt: skip
    page = BeautifulSoup(answer.text, "html.parser")
    assert answer.status_code == 422
    assert "phosen.vn không phải" in page.select_one("#sites-error").text
    assert page.select_one("#sites").text.strip() == "phosen.vn"


def test_whoever_changes_the_thanks_leaves_the_team_though_it_is_archived(app, client, door):
    with app.app_context(), transaction(SYSTEM) as session:
        team = team_by_code(session, "cskh")
        team.archived_at, number = MONDAY, team.id
    hoa, path = client("hoa"), "/bieu-mau/gop-y/cong-khai"
    choice = BeautifulSoup(hoa.get(path).text, "html.parser").select_one("select[name=team]")
    chosen = choice.select_one("option[selected]")
    assert (chosen["value"], len(choice.select("option")) > 2) == (str(number), True)
    saved = hoa.post(path, data={"source": "zalo", "team": chosen["value"], "thanks": "Cảm ơn!", "sites": ""})
    assert saved.status_code == 302
    with app.app_context():
        link = db.session.scalars(select(PublicLink)).one()
        assert (link.team_id, link.thanks) == (number, "Cảm ơn!")


def test_only_who_may_publish_opens_a_form(app, client, door):
    for who in ("lan", "minh"):
        browser = client(who)
        assert browser.post("/bieu-mau/gop-y/cong-khai/doi").status_code == 403
        assert browser.get("/bieu-mau/gop-y/cong-khai").status_code == 403
    with app.app_context():
        assert db.session.scalars(select(PublicLink.key)).one() == door


def test_minh_takes_in_what_was_put_aside(app, client, stranger):
    number = held(app, stranger)
    minh = client("minh")
    listed = minh.get("/phieu-ngoai/list/")
    assert "Góp ý" in listed.text
    assert "Ô ẩn mà người thật không nhìn thấy" in listed.text
    for page in (minh.get(f"/phieu-ngoai/show/{number}?tab=tra-loi"),
                 minh.get(f"/phieu-ngoai/panel/{number}", headers={"X-Part": "1"})):  # fmt: skip
        assert "Trần Thị Bưởi" in page.text
        assert "0987 654 321" in page.text
    assert minh.post(f"/phieu-ngoai/action/accept/{number}").status_code == 302
    with app.app_context():
        submission = db.session.scalars(select(Submission)).one()
        assert submission.customer_id is not None
        assert db.session.get(PublicEntry, number).decided_by_id is not None
        read = BeautifulSoup(minh.get(f"/phieu/{submission.id}").text, "html.parser").find("dl", "tt-kv").text
    assert "Người không đăng nhập" in read
    assert read.index("Người nhận") < read.index("Minh")
    again = minh.post(f"/phieu-ngoai/action/accept/{number}", follow_redirects=True)
    assert "vừa được người khác quyết định" in again.text


def test_what_was_refused_waits_again_by_undo(app, client, stranger):
    number = held(app, stranger)
    minh = client("minh")
    assert minh.post(f"/phieu-ngoai/action/refuse/{number}").status_code == 302
    assert entry_of(app, EntryState.refused).id == number
    assert minh.post(f"/phieu-ngoai/action/put_back/{number}").status_code == 302
    assert entry_of(app, EntryState.held).decided_by_id is None


def test_another_team_and_staff_see_none_of_it(app, client, stranger):
    number = held(app, stranger)
    assert client("binh").get(f"/phieu-ngoai/show/{number}").status_code == 404
    assert client("binh").post(f"/phieu-ngoai/action/accept/{number}").status_code == 404
    assert client("lan").get("/phieu-ngoai/list/").status_code == 403
    assert isinstance(stranger, Stranger)


def test_minh_says_whose_answers_they_are_where_several_have_the_number(app, client, stranger):
    with app.app_context(), transaction(SYSTEM) as session:
        cast = Cast(session)
        first = create_customer(session, by=cast.minh, name="Trần Bưởi", phone=WHO["call"]).id
        create_customer(session, by=cast.minh, name="Trần Bưởi Con", phone=WHO["call"], duplicate_reason="Mẹ con dùng")
        hidden = create_customer(session, by=cast.binh, name="Kín", email="kin@phosen.example").id
    number = held(app, stranger)
    minh, path = client("minh"), f"/phieu-ngoai/{number}/nhan"
    told = minh.post(f"/phieu-ngoai/action/accept/{number}", follow_redirects=True)
    assert "Nhiều khách hàng cùng có số điện thoại" in told.text
    assert path in minh.get(f"/phieu-ngoai/show/{number}").text
    page = BeautifulSoup(minh.get(path).text, "lxml")
    assert [one["value"] for one in page.select("[name=whom]")] == [str(first), str(first + 1), "new", "nobody"]
    for wrong in ("", "x", "9" * 11, "999999", str(hidden)):
        assert minh.post(path, data={"whom": wrong}).status_code == 422, wrong
    assert minh.post(path, data={"whom": str(first)}).status_code == 302
    with app.app_context():
        assert db.session.scalars(select(Submission.customer_id)).all() == [first]
        assert db.session.get(Customer, first).name == "Trần Bưởi"
    assert "vừa được người khác quyết định" in minh.get(path, follow_redirects=True).text


@pytest.mark.parametrize("said", [{"whom": "new"}, {"whom": "nobody"}, {"customer_id": 1}])
def test_programs_say_whose_answers_they_are(app, stranger, said):
    with app.app_context(), transaction(SYSTEM) as session:
        cast = Cast(session)
        ids = [
            create_customer(session, by=cast.minh, name=name, phone=WHO["call"], duplicate_reason="Mẹ con").id
            for name in ("Trần Bưởi", "Trần Bưởi Con")
        ]
    said = {"customer_id": ids[1]} if "customer_id" in said else said
    number = held(app, stranger)
    minh = Rest(app, "minh")
    assert minh.get("public-entries/", state="held").json["result"][0]["id"] == number
    assert minh.post(f"public-entries/{number}/accept", {}).status_code == 422
    assert minh.post(f"public-entries/{number}/accept", {"whom": "new", "customer_id": 1}).status_code == 422
    assert minh.post(f"public-entries/{number}/refuse").json["state"] == "refused"
    assert minh.post(f"public-entries/{number}/put-back").json["state"] == "held"
    taken = minh.post(f"public-entries/{number}/accept", said)
    assert (taken.status_code, taken.json["state"]) == (200, "taken")
    with app.app_context():
        about = db.session.scalars(select(Submission.customer_id)).one()
        assert about not in (None, *ids) if said == {"whom": "new"} else about == said.get("customer_id")
    assert minh.post(f"public-entries/{number}/accept", said).status_code == 409


def test_programs_open_and_shut_the_door(app, client, door):
    hoa = Rest(app, "hoa")
    link = hoa.get("public-links/gop-y").json
    assert link["address"].endswith(f"/f/{door}")
    assert link["is_open"] is True
    assert hoa.put("public-links/gop-y", {"sites": ["https://phosen.vn"]}).json["sites"] == ["https://phosen.vn"]
    assert hoa.put("public-links/gop-y", {"team_id": 999}).status_code == 422
    assert hoa.post("public-links/gop-y/close").json["is_open"] is False
    assert client().get(f"/f/{door}").status_code == 404
    assert not hoa.post("public-links/gop-y/renew").json["address"].endswith(door)
    assert hoa.post("public-links/gop-y/open").json["is_open"] is True
    assert Rest(app, "minh").get("public-links/gop-y").status_code == 403
    assert hoa.get("public-links/khong-co").status_code == 404


def test_why_it_cannot_be_taken_in_is_told_with_its_question(app, client):
    drawn = {"name": "Đơn", "fields": [{"key": "order", "type": "text", "label": "Mã đơn", "unique": "form"}]}
    stranger = Stranger(client(), opened(app, "don", drawn))
    for _ in range(2):
        stranger.opens()
        stranger.sends(trap="http://x", order="PS-1")
    with app.app_context():
        first, second = db.session.scalars(select(PublicEntry.id).order_by(PublicEntry.id))
    minh = client("minh")
    assert minh.post(f"/phieu-ngoai/{first}/nhan", data={"whom": "nobody"}).status_code == 302
    refused = minh.post(f"/phieu-ngoai/{second}/nhan", data={"whom": "nobody"})
    assert refused.status_code == 422
    assert "Mã đơn: " in refused.text
