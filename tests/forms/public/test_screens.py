"""An admin opens a form, and a manager looks at what came in."""

from __future__ import annotations

from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core.db import db
from app.forms.models import Form, Submission
from app.forms.public.models import EntryState, PublicEntry, PublicLink
from tests.forms.public.conftest import Stranger

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
    page = minh.get(f"/phieu-ngoai/show/{number}?tab=tra-loi")
    assert "Trần Thị Bưởi" in page.text
    assert "0987 654 321" in page.text
    assert minh.post(f"/phieu-ngoai/action/accept/{number}").status_code == 302
    with app.app_context():
        submission = db.session.scalars(select(Submission)).one()
        assert submission.customer_id is not None
        assert db.session.get(PublicEntry, number).decided_by_id is not None
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
