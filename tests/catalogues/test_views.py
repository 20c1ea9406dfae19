"""The page of the catalogues, and what forms, lists and programs see of them."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import event

from app.core.db import db


def soup(answer) -> BeautifulSoup:
    assert answer.status_code in (200, 409, 422), answer.status_code
    return BeautifulSoup(answer.text, "lxml")


def labels(page: BeautifulSoup) -> list[str]:
    return [one.text for one in page.select(".tt-entry__name b")]


def entry_id(page: BeautifulSoup, code: str) -> str:
    return page.select_one(f'[data-code="{code}"]')["id"].removeprefix("muc-")


def test_an_admin_adds_renames_and_retires(client):
    hoa = client("hoa")
    assert hoa.post("/danh-muc/channel/them", data={"entries": "Đại lý\nBáo chí | Press"}).status_code == 302
    page = soup(hoa.get("/danh-muc/channel"))
    assert labels(page)[-2:] == ["Đại lý", "Báo chí"]
    number = entry_id(page, "dai-ly")
    renamed = {"label_vi": "Nhà phân phối", "label_en": "Dealer", "colour": "blue", "rev": "1"}
    assert hoa.post(f"/danh-muc/muc/{number}", data=renamed).status_code == 302
    assert hoa.post(f"/danh-muc/muc/{number}/ngung").status_code == 302
    page = soup(hoa.get("/danh-muc/channel"))
    row = page.select_one('[data-code="dai-ly"]')
    assert row.select_one("b").text == "Nhà phân phối"
    assert "Ngừng dùng" in row.text
    assert hoa.get(f"/danh-muc/muc/{number}").location.endswith(f"/danh-muc/channel#muc-{number}")


def test_a_duplicate_is_told_beside_the_field_and_what_was_typed_stays(client):
    hoa = client("hoa")
    page = soup(hoa.post("/danh-muc/channel/them", data={"entries": "Mới\nZalo"}))
    assert "“Zalo” đã có trong danh mục này." in page.select_one(".tt-entries__add .tt-err").text
    assert page.select_one("#entries").text.strip() == "Mới\nZalo"
    number = entry_id(page, "store")
    page = soup(hoa.post(f"/danh-muc/muc/{number}", data={"label_vi": "zalo", "rev": "1", "colour": "grey"}))
    form = page.select_one(f"#muc-{number} .tt-entry__edit[open]")
    assert "đã có trong danh mục này" in form.select_one(".tt-err").text
    assert form.select_one("input[name=label_vi]")["value"] == "zalo"


def test_a_stale_change_is_a_conflict_that_keeps_what_was_typed(client):
    hoa = client("hoa")
    number = entry_id(soup(hoa.get("/danh-muc/channel")), "store")
    first = {"label_vi": "Quán", "rev": "1", "colour": "grey"}
    assert hoa.post(f"/danh-muc/muc/{number}", data=first).status_code == 302
    answer = hoa.post(f"/danh-muc/muc/{number}", data={**first, "label_vi": "Tiệm"})
    assert answer.status_code == 409
    assert soup(answer).select_one(f"#label_vi-{number}")["value"] == "Tiệm"


def test_the_order_is_sent_by_the_script_and_by_buttons(client):
    hoa = client("hoa")
    page = soup(hoa.get("/danh-muc/call-result"))
    order = [row["data-code"] for row in page.select("[data-arrange] > li")]
    answer = hoa.post("/danh-muc/call-result/thu-tu", data={"code": order[::-1]})
    assert answer.json == {"message": "Đã lưu thứ tự mới."}
    assert hoa.post("/danh-muc/call-result/thu-tu", data={"code": order[1:]}).status_code == 409
    assert hoa.post(f"/danh-muc/muc/{entry_id(page, order[0])}/len").status_code == 302
    page = soup(hoa.get("/danh-muc/call-result"))
    assert [row["data-code"] for row in page.select("[data-arrange] > li")][-2:] == [order[0], order[1]]


def test_staff_read_and_do_not_change(client):
    lan = client("lan")
    page = soup(lan.get("/danh-muc/"))
    assert page.select(".tt-entry__name")
    assert page.h2.text == "Kênh"
    assert not page.select(".tt-entries__add, [data-grip], .tt-entry__edit")
    assert lan.post("/danh-muc/channel/them", data={"entries": "x"}).status_code == 403
    assert not soup(lan.get("/khach-hang/add")).select("[data-entry-add]")


def test_an_entry_is_seen_beside_the_list_and_its_page_is_its_place_in_the_catalogue(client):
    hoa = client("hoa")
    number = entry_id(soup(hoa.get("/danh-muc/channel")), "zalo")
    panel = soup(hoa.get(f"/muc-danh-muc/panel/{number}", headers={"X-Part": "1"}))
    assert panel.h2.text == "Zalo"
    assert "Kênh" in panel.text
    assert hoa.get(f"/muc-danh-muc/show/{number}").location == f"/danh-muc/muc/{number}"


@pytest.mark.parametrize("path", ["/danh-muc/khong-co", "/danh-muc/muc/999999", "/danh-muc/muc/x"])
def test_what_is_not_there_is_not_found(client, path):
    assert client("hoa").get(path).status_code == 404


def test_the_customer_form_offers_channels_and_the_list_tells_them_by_label(client):
    lan = client("lan")
    form = soup(lan.get("/khach-hang/add"))
    assert "Giới thiệu" in [option.text for option in form.select("select[name=source] option")]
    assert lan.post("/khach-hang/add", data={"name": "Ánh", "kind": "person", "source": "referral"}).status_code == 302
    page = soup(lan.get("/khach-hang/list/?columns=name,source"))
    assert "Giới thiệu" in page.select_one("tbody").text
    assert soup(lan.get("/khach-hang/list/?columns=name,source&where=source = 'referral'")).select("tbody tr")
    assert not soup(lan.get("/khach-hang/list/?columns=name,source&where=source = 'zalo'")).select("tbody tr")
    assert lan.post("/khach-hang/add", data={"name": "B", "kind": "person", "source": "Zalo OA"}).status_code == 422


def test_choosing_costs_no_query_of_its_own(app, client):
    lan = client("lan")
    lan.get("/khach-hang/add")
    asked: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(_connection, _cursor, statement, *_more) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert "Giới thiệu" in lan.get("/khach-hang/add").text
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert not [one for one in asked if "catalogue_entry" in one]


# ── for programs ──
def test_programs_read_and_keep_catalogues(client, token):
    api, hoa, lan = client(), token("hoa"), token("lan")
    read = api.get("/api/v1/catalogues/channel", headers={**lan, "Accept-Language": "en"}).json
    assert (read["code"], read["label"]) == ("channel", "Channels")
    assert {"code": "referral", "label": "Referral"}.items() <= read["entries"][6].items()
    assert api.get("/api/v1/catalogues/", headers=lan).json["count"] == 10
    address = "/api/v1/catalogues/channel/entries"
    made = api.post(address, json={"label_vi": "Đại lý", "colour": "rose"}, headers=hoa)
    assert (made.status_code, made.json["code"], made.json["colour"]) == (201, "dai-ly", "rose")
    assert api.post(address, json={"label_vi": "đại lý"}, headers=hoa).json["fields"].keys() == {"label_vi"}
    assert api.post(address, json={"label_vi": "Khác"}, headers=lan).status_code == 403
    renamed = api.put(f"{address}/dai-ly", json={"rev": made.json["rev"], "label_en": "Dealer"}, headers=hoa)
    assert (renamed.json["label_vi"], renamed.json["label_en"]) == ("Đại lý", "Dealer")
    assert api.put(f"{address}/dai-ly", json={"rev": 1, "label_vi": "x"}, headers=hoa).status_code == 409
    assert api.post(f"{address}/dai-ly/retire", headers=hoa).json["retired_at"]
    assert api.post(f"{address}/dai-ly/restore", headers=hoa).json["retired_at"] is None
    assert api.delete(f"{address}/dai-ly", headers=hoa).status_code == 200
    assert api.delete(f"{address}/dai-ly", headers=hoa).status_code == 404


def test_programs_are_told_which_channels_there_are(client, token):
    api, lan = client(), token("lan")
    refused = api.post("/api/v1/customers/", json={"name": "Ánh", "source": "Truyền hình"}, headers=lan)
    assert refused.status_code == 422
    assert "zalo" in refused.json["fields"]["source"][0]
    made = api.post("/api/v1/customers/", json={"name": "Ánh", "source": "zalo"}, headers=lan)
    assert made.json["source"] == "zalo"
    assert api.get("/api/v1/customers/?source=zalo", headers=lan).json["count"] == 1
