"""The settings screen keeps the company's name and face, says what is wrong beside it, and is for those who may."""

from __future__ import annotations

import io

import pytest
from bs4 import BeautifulSoup

from app.core import files, settings
from app.core.db import db
from tests.company.pictures import jpeg, png

COMPANY = {"company_name": "Công ty Phở Sen"}


def page_of(answer) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "lxml")


def sent(name: str, content: bytes, **more: str) -> dict:
    return {**COMPANY, **more, "logo": (io.BytesIO(content), name)}


@pytest.fixture
def kept(app):
    """kept("logo_file_id") → the setting as it is stored."""

    def read(key: str):
        with app.app_context():
            return settings.get(db.session(), key)

    return read


@pytest.fixture
def on_disk(app):
    """How many uploads lie on the disk."""

    def count() -> int:
        with app.app_context():
            return len(list(files.folder().iterdir()))

    return count


def test_a_logo_is_kept_shown_and_taken_away_again(client, kept):
    hoa = client("hoa")
    assert hoa.post("/cai-dat/cong-ty", data=sent("logo.jpg", jpeg(64, 64))).location == "/cai-dat/"
    assert kept("logo_file_id") is not None
    page = page_of(hoa.get("/cai-dat/"))
    assert page.select_one(".tt-face__now img")["src"] == f"/cong-ty/logo?v={kept('logo_file_id')}"
    assert page.find(id="remove_logo") is not None
    hoa.post("/cai-dat/cong-ty", data=COMPANY)
    assert kept("logo_file_id") is not None  # saving the rest leaves it alone
    hoa.post("/cai-dat/cong-ty", data={**COMPANY, "remove_logo": "y"})
    assert kept("logo_file_id") is None
    assert page_of(hoa.get("/cai-dat/")).select_one(".tt-face__now img") is None


@pytest.mark.parametrize(
    ("action", "typed"),
    [
        ("/cai-dat/cong-ty", {**COMPANY, "company_name": ""}),
        ("/cai-dat/gio-lam-viec", {"day_0": "sáng"}),
        ("/cai-dat/gio-lam-viec", {"rev": "999", "day_0": "08:00-12:00"}),
    ],
    ids=["company", "hours", "hours that another has changed"],
)
def test_what_was_refused_is_still_unsaved_and_the_other_form_is_not(client, action, typed):
    page = page_of(client("hoa").post(action, data=typed))
    assert [form["action"] for form in page.select("form[data-guard][data-unsaved]")] == [action]


def test_a_fresh_page_holds_nothing_unsaved(client):
    forms = page_of(client("hoa").get("/cai-dat/")).select("form[data-guard]")
    assert [form.has_attr("data-unsaved") for form in forms] == [False, False, False]


def test_a_new_logo_counts_more_than_the_tick_to_take_the_old_one_away(client, kept):
    hoa = client("hoa")
    hoa.post("/cai-dat/cong-ty", data=sent("logo.png", png(64, 64)))
    before = kept("logo_file_id")
    hoa.post("/cai-dat/cong-ty", data=sent("logo.png", png(65, 65), remove_logo="y"))
    assert kept("logo_file_id") not in (None, before)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("logo.svg", b"<svg onload='alert(1)'/>", "SVG"),
        ("logo.png", b"<svg onload='alert(1)'/>", "lỗi hoặc tải lên chưa đủ"),
        ("logo.png", png(64, 64)[:-5], "lỗi hoặc tải lên chưa đủ"),
        ("logo.png", b"", "lỗi hoặc tải lên chưa đủ"),
        ("logo.png", jpeg(64, 64), "không khớp với đuôi"),
        ("logo.pdf", b"%PDF-1.4", "PNG, JPG hoặc WebP"),
        ("logo.png", png(16, 16), "16 × 16"),
        ("logo", png(64, 64), "PNG, JPG hoặc WebP"),
    ],
    ids=["svg", "svg in disguise", "cut", "empty", "other kind", "pdf", "small", "no ending"],
)
def test_a_picture_that_will_not_do_is_told_beside_its_field(client, kept, on_disk, name, content, sentence):
    before = on_disk()
    answer = client("hoa").post("/cai-dat/cong-ty", data=sent(name, content, company_name="Tên Vừa Gõ"))
    assert answer.status_code == 422
    page = page_of(answer)
    assert sentence in page.find(id="logo-error").text
    assert "logo-error" in page.find(id="logo")["aria-describedby"]
    assert page.find(id="company_name")["value"] == "Tên Vừa Gõ"
    assert kept("logo_file_id") is None
    assert kept("company_name") == "Công ty Phở Sen"
    assert on_disk() == before


def test_a_good_picture_with_a_bad_name_of_the_company_leaves_nothing_behind(client, kept, on_disk):
    before = on_disk()
    answer = client("hoa").post("/cai-dat/cong-ty", data=sent("logo.png", png(64, 64), company_name="   "))
    assert answer.status_code == 422
    assert kept("logo_file_id") is None
    assert on_disk() == before


@pytest.mark.parametrize("username", ["lan", "minh"])
def test_it_is_for_those_who_may(client, kept, username):
    browser = client(username)
    assert browser.get("/cai-dat/").status_code == 403
    assert browser.post("/cai-dat/cong-ty", data=sent("logo.png", png(64, 64))).status_code == 403
    assert kept("logo_file_id") is None


def test_the_file_field_is_a_drop_zone_with_a_name(client):
    page = page_of(client("hoa").get("/cai-dat/"))
    zone = page.find("input", id="logo").find_parent(attrs={"data-drop": True})
    assert zone.find("label", attrs={"for": "logo"}).text
    assert page.find(id="logo-help").text
