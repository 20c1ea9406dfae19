"""A customer's profile on his pages: typed, read, withheld; what he agreed to, and his tags."""

from __future__ import annotations

from bs4 import BeautifulSoup

from tests.rest import Rest
from tests.security.test_field_rights import MASKED, hold_back


def test_a_profile_is_typed_section_by_section_and_read_on_the_page(app, client):
    lan = client("lan")
    page = BeautifulSoup(lan.get("/khach-hang/add").text, "lxml")
    assert [one.text for one in page.select("form[data-guard] fieldset > legend")] == [
        "Tên và liên hệ", "Nguồn và lần liên hệ tới", "Nhận diện", "Địa chỉ", "Phân loại", "Đồng ý và hạn chế",
    ]  # fmt: skip
    ward = lan.get("/tim/phuong-xa?q=ben+thanh&with=79").json["results"][0]
    assert (ward["text"], ward["hint"]) == ("Phường Bến Thành", "")
    typed = {
        "name": "Đỗ Thị Ánh", "kind": "person", "honorific": "chi", "birthday": "5/3/1990", "tax_code": "0100109106",
        "ward_code": ward["id"], "street": "12 Lê Lợi", "tier": "vip", "stage": "new", "risk_reason": "Chậm trả tiền",
    }  # fmt: skip
    wrong = lan.post("/khach-hang/add", data=typed | {"birthday": "31/02/1990", "do_not_contact": "y"})
    assert (wrong.status_code, "31/02/1990" in wrong.text, "Phường Bến Thành" in wrong.text) == (422, True, True)
    number = lan.post("/khach-hang/add", data=typed).location.rsplit("/", 1)[1]
    text = BeautifulSoup(lan.get(f"/khach-hang/show/{number}").text, "lxml").text
    for told in (
        "05/03/1990",
        "0100109106",
        "12 Lê Lợi, Phường Bến Thành, Thành phố Hồ Chí Minh",
        "VIP",
        "Mới",
        "Chậm",
    ):
        assert told in text
    assert lan.get("/khach-hang/list/?columns=name,address,tier,stage,birthday&where=tier = 'vip'").status_code == 200


def test_what_a_customer_agreed_to_and_his_tags_are_written_on_his_page(app, client):
    lan = client("lan")
    number = lan.post("/khach-hang/add", data={"name": "Ánh", "kind": "person"}).location.rsplit("/", 1)[1]
    said = {"purpose": "marketing", "channel": "zalo", "state": "given", "text_version": "2026-01"}
    refused = lan.post(f"/khach-hang/{number}/dong-y", data=said)
    assert refused.status_code == 422
    form = BeautifulSoup(refused.text, "html.parser").find("form", action=f"/khach-hang/{number}/dong-y")
    assert form.parent.has_attr("open")
    assert (form.find(id="text_version")["value"], "Ghi khách hàng đã đồng ý" in form.text) == ("2026-01", True)
    typed = {"kind": "phone", "text": "0912 không phải số", "shared": "y"}
    refused = lan.post(f"/khach-hang/{number}/lien-he", data=typed)
    form = BeautifulSoup(refused.text, "html.parser").find("form", action=f"/khach-hang/{number}/lien-he")
    assert (refused.status_code, form.find(id="text")["value"]) == (422, "0912 không phải số")
    told = lan.post(f"/khach-hang/{number}/dong-y", data=said | {"proof": "Cuộc gọi sáng nay"}, follow_redirects=True)
    assert "Cuộc gọi sáng nay" in told.text
    told = lan.post(
        f"/khach-hang/{number}/the", data={"tags": "Khách quen, thích trà,khach quen"}, follow_redirects=True
    )
    assert told.text.count('<span class="tt-tag tt-tag--line">Khách quen</span>') == 1
    # A colleague put “Mới” on while this form was open, and took “thích trà” off.
    lan.post(f"/khach-hang/{number}/the", data={"tags": "Khách quen, Mới", "before": "Khách quen, thích trà"})
    lan.post(
        f"/khach-hang/{number}/the",
        data={"tags": "thích trà, Hay mua", "before": "Khách quen, thích trà"},
    )
    told = lan.get(f"/khach-hang/show/{number}").text
    assert [f'tag--line">{name}</span>' in told for name in ("Mới", "Hay mua", "Khách quen", "thích trà")] == [
        True, True, False, False,
    ]  # fmt: skip
    refused = lan.post(f"/khach-hang/{number}/the", data={"tags": "a; b", "before": ""})
    assert (refused.status_code, 'value="a; b"' in refused.text) == (422, True)
    assert client("tuan").post(f"/khach-hang/{number}/the", data={"tags": "Lạ"}).status_code == 404


def test_an_address_is_one_field_to_people(app, client):
    lan = client("lan")
    typed = {"name": "Ánh", "kind": "person", "street": "12 Lê Lợi", "province_code": "79", "birthday": "5/3/1990"}
    number = lan.post("/khach-hang/add", data=typed).location.rsplit("/", 1)[1]
    with app.app_context():
        hold_back("Staff", MASKED, "address", "birthday")
    page = lan.get(f"/khach-hang/show/{number}").text
    assert "Lê Lợi" not in page
    assert "05/03/1990" not in page
    form = lan.get(f"/khach-hang/edit/{number}").text
    assert ('name="street"' in form, "Lê Lợi" in form, 'name="birthday"' in form) == (False, False, False)
    assert lan.post(
        f"/khach-hang/edit/{number}", data={"name": "Ánh", "kind": "person", "street": "1 Hàng Bài", "rev": "1"}
    ).status_code == 422  # fmt: skip


def test_the_timeline_says_what_was_said_bought_and_agreed_to(app, client):
    lan, rest = client("lan"), Rest(app, "lan")
    number = rest.post("customers/", {"name": "Đỗ Thị Ánh", "honorific": "chi", "stage": "new"}).json["id"]
    rest.put(f"customers/{number}", {"rev": 1, "stage": "considering", "do_not_contact": True,
                                     "do_not_contact_reason": "Khách yêu cầu"})  # fmt: skip
    call = {"customer": number, "kind": "call", "result": "reached", "text": "Khen phở ngon", "next_on": "2099-01-05"}
    rest.post("interactions/", call)
    rest.post(f"customers/{number}/purchases", {"bought_on": "2026-01-05", "product": "Gạo ST25", "amount": 250_000})
    consent = {"purpose": "marketing", "channel": "zalo", "state": "withdrawn"}
    rest.post(f"customers/{number}/consents", consent)
    text = " ".join(BeautifulSoup(lan.get(f"/khach-hang/show/{number}").text, "lxml").text.split())
    for told in (
        "Chị Ánh", "Không liên hệ: Khách yêu cầu", "Mới → Đang cân nhắc", "Khen phở ngon", "Đã nói chuyện",
        "Lần liên hệ tới: 05/01/2099", "Gạo ST25 · 250.000", "Quảng cáo, khuyến mãi · Zalo",
    ):  # fmt: skip
        assert told in text, told
