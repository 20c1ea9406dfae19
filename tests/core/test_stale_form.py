"""A form sent past its time comes back with all that was typed."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup


@pytest.fixture
def guarded(app):
    app.config["WTF_CSRF_ENABLED"] = True
    yield app
    app.config["WTF_CSRF_ENABLED"] = False


TYPED = {"csrf_token": "từ hôm qua", "name": "Phan Thị Ngưỡng <b>", "kind": "person"}


def test_what_was_typed_comes_back_to_be_sent_once_more(client, guarded):
    guarded.config["WTF_CSRF_ENABLED"] = False
    lan = client("lan")
    guarded.config["WTF_CSRF_ENABLED"] = True
    page = lan.post("/khach-hang/add", data=TYPED, headers={"Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 400
    form = BeautifulSoup(page.text, "lxml").select_one("form[action='/khach-hang/add']")
    typed = {field["name"]: field["value"] for field in form.find_all("input")}
    assert typed["name"] == TYPED["name"]
    again = lan.post("/khach-hang/add", data={**typed, "phone": "", "email": "", "source": "", "note": ""})
    assert again.status_code == 302


def test_what_another_site_posts_is_not_offered_again(client, guarded):
    page = client().post("/khach-hang/add", data=TYPED, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 400
    assert "Phan Thị Ngưỡng" not in page.text
    assert "Trang này đã mở quá lâu" in page.text
