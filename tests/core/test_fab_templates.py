"""Whatever Flask-AppBuilder renders by itself looks like a page of ours: every template of its own is shadowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import flask_appbuilder
import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask, render_template
from flask.testing import FlaskClient
from flask_appbuilder.security.forms import LoginForm_db
from sqlalchemy import select

import app as product
from app.core.db import db
from tests.core.bookshop import PASSWORD, Book, Label, bookshop

FAB = Path(flask_appbuilder.__file__).parent / "templates"
OURS = Path(product.__file__).parent / "templates"
FOREIGN = {
    "Bootstrap 3": re.compile(
        r"panel-|btn-default|col-(xs|sm|md|lg)-|glyphicon|data-toggle|dropdown-toggle|my_select2|input-group|\bfa fa-"
    ),
    "a script in the page": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "a style in the page": re.compile(r"\sstyle\s*=|<style", re.IGNORECASE),
    "a handler in the page": re.compile(r"\son[a-z]+\s*=", re.IGNORECASE),
    "a file of FAB": re.compile(r"/static/appbuilder|appbuilder\.static"),
    "an address elsewhere": re.compile(r"(src|href)=[\"'](https?:)?//"),
}


def shadowed() -> list[str]:
    return sorted(str(path.relative_to(FAB)) for path in (FAB / "appbuilder").rglob("*") if path.is_file())


def foreign(text: str) -> list[str]:
    return [name for name, pattern in FOREIGN.items() if pattern.search(text)]


# ── the files ──
def test_every_template_of_fab_has_one_of_ours_in_its_place():
    assert len(shadowed()) > 40
    assert [path for path in shadowed() if not (OURS / path).is_file()] == []


def test_nothing_of_ours_stands_where_fab_has_nothing():
    ours = {str(path.relative_to(OURS)) for path in (OURS / "appbuilder").rglob("*.html")}
    assert ours - set(shadowed()) == {"appbuilder/_parts.html"}


@pytest.mark.parametrize("path", [*shadowed(), "appbuilder/_parts.html"])
def test_no_shadow_holds_what_fab_brings(path: str):
    assert foreign((OURS / path).read_text("utf-8")) == []


def test_one_place_alone_takes_text_as_it_is():
    unescaped = re.compile(r"\|\s*safe\b|autoescape")
    found = {
        str(path.relative_to(OURS)): len(unescaped.findall(path.read_text("utf-8"))) for path in OURS.rglob("*.html")
    }
    assert {path: times for path, times in found.items() if times} == {"appbuilder/_parts.html": 1}


@pytest.mark.parametrize(
    "path", ["appbuilder/general/lib.html", "appbuilder/baselib.html", "appbuilder/_formhelpers.html"]
)
def test_macros_keep_their_names_and_arguments(path: str):
    macro = re.compile(r"{%-?\s*macro\s+(\w+)\((.*?)\)")
    ours = dict(macro.findall((OURS / path).read_text("utf-8")))
    for name, arguments in macro.findall((FAB / path).read_text("utf-8")):
        assert ours.get(name, "").replace('"', "'") == arguments.replace('"', "'"), name


# ── the pages ──
@pytest.fixture(scope="module")
def shop(prepared: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """One shop for all tests here: making it takes seconds. Each test leaves its books and labels as it found them."""
    return bookshop(tmp_path_factory.mktemp("shop"), prepared("sqlite").app)


@pytest.fixture
def hoa(shop: Flask) -> Iterator[FlaskClient]:
    """The shop's admin, signed in through FAB's own page."""
    browser = shop.test_client()
    answer = fill_in(browser, "/login/", username="hoa", password=PASSWORD)
    assert answer.status_code == 302, answer.text
    yield browser
    with shop.app_context():
        db.session.remove()


def page(browser: FlaskClient, address: str) -> BeautifulSoup:
    """The page, which is there, ours and clean."""
    answer = browser.get(address, follow_redirects=True)
    assert answer.status_code == 200, (address, answer.text[-3000:])
    assert foreign(answer.text) == [], address
    soup = BeautifulSoup(answer.text, "lxml")
    assert soup.select_one(".tt-shell, .tt-bare"), address
    assert soup.select_one("link[href*='/static/dist/']"), address
    assert len(soup.select("main")) == 1, address
    ids = [tag["id"] for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids)), (address, sorted(ids))
    assert soup.select("form form") == [], address
    for control in soup.select("main input:not([type=hidden]), main select, main textarea"):
        is_named = control.get("aria-label") or control.find_parent("label") or control.get("aria-labelledby")
        assert is_named or soup.select_one(f"label[for='{control.get('id')}']"), (address, control)
    return soup


def fill_in(browser: FlaskClient, address: str, **typed: Any) -> Any:
    """Send the page's form as a browser would: what stands in it, changed by what is typed."""
    form = page(browser, address).select_one("main form[method=post]:not(#tt-post, [id^=tt-bulk])")
    assert form is not None, address
    return browser.post(form.get("action") or address, data=standing_in(form) | typed)


def press(browser: FlaskClient, soup: BeautifulSoup, button: Tag, **chosen: Any) -> Any:
    """Send the form that the button belongs to, wherever it stands."""
    form = soup.find(id=button["form"]) if button.get("form") else button.find_parent("form")
    assert form is not None
    named = {button["name"]: button["value"]} if button.get("name") else {}
    return browser.post(button.get("formaction") or form["action"], data=standing_in(form) | named | chosen)


def standing_in(form: Tag) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for control in form.select("[name]:not([disabled])"):
        if control.name == "select":
            first = [] if control.has_attr("multiple") else control.select("option")[:1]
            sent[control["name"]] = [one["value"] for one in control.select("option[selected]") or first]
        elif control.name == "textarea":
            sent[control["name"]] = control.text.removeprefix("\n")
        elif control.name == "input" and (
            control.get("type") not in ("checkbox", "file") or control.has_attr("checked")
        ):
            sent[control["name"]] = control.get("value", "y")
    return sent


def words(soup: BeautifulSoup) -> str:
    return " ".join(soup.get_text(" ").split())


def id_of(shop: Flask, name: str, model: type[Any] = Book) -> int:
    with shop.app_context():
        return db.session.scalars(select(model.id).where(model.name == name)).one()


def names(shop: Flask, model: type[Any]) -> list[str]:
    with shop.app_context():
        return sorted(db.session.scalars(select(model.name)))


SECURITY = [
    "/users/list/", "/users/add", "/users/show/1", "/users/edit/1", "/users/userinfo/", "/roles/list/", "/roles/add",
    "/roles/show/1", "/roles/edit/1", "/groups/list/", "/groups/add", "/registeruser/list/", "/resetmypassword/form",
    "/resetpassword/form?pk=1", "/userinfoeditview/form", "/permissions/list/", "/viewmenus/list/",
    "/permissionviews/list/", "/swagger/v1",
]  # fmt: skip
BOOKS = ["bookview", "thumbnailview", "linkview", "itemview", "blockview", "carouselview"]
ROWS = [
    "/", "/authorview/list/", "/authorview/show/1", "/authorview/edit/1", "/authorcascadeview/show/1",
    "/authorcascadeview/edit/1", "/authormasterview/list/", "/authormasterview/list/1", "/twolistsview/list/",
    "/labelonepageview/list/", "/wishview/form",
    *(f"/{view}/{door}" for view in BOOKS for door in ("list/", "show/1", "add", "edit/1")),
]  # fmt: skip
CHARTS = [
    "/sumview/chart/", "/sumview/chart/0", "/directview/chart/", "/severalview/chart/", "/olddirectview/chart/",
    "/oldchartview/chart/", "/oldtimeview/chart/", "/oldtimeview/chart/printed/year",
]  # fmt: skip
OPEN = ["/login/", "/register/form"]


@pytest.mark.parametrize("address", SECURITY + ROWS)
def test_page_is_there_and_wears_our_dress(address: str, hoa: FlaskClient):
    assert page(hoa, address).h1


@pytest.mark.parametrize("address", OPEN)
def test_page_for_those_who_are_not_signed_in_wears_it_too(address: str, shop: Flask):
    assert page(shop.test_client(), address).select("main form[method=post]")


@pytest.mark.parametrize("address", CHARTS)
def test_chart_is_a_table_of_its_numbers(address: str, hoa: FlaskClient):
    table = page(hoa, address).select_one("main table")
    assert table is not None
    assert table.caption.text
    assert len(table.select("tbody tr")) >= 1
    assert all(row.select_one("th[scope=row]").text.strip() for row in table.select("tbody tr"))
    assert all(cell.text.strip().lstrip("-").isdigit() for cell in table.select("tbody td.tt-num"))


def test_chart_tells_the_numbers_that_fab_draws(hoa: FlaskClient):
    rows = page(hoa, "/sumview/chart/").select("main tbody tr")
    assert [[cell.text.strip() for cell in row.select("th, .tt-num")] for row in rows] == [
        ["Nguyễn Du", "111", "1"], ["Tô Hoài", "220", "2"],
    ]  # fmt: skip


def test_sign_in_by_other_doors_wears_it(shop: Flask):
    with shop.test_request_context("/login/?next=/a%22b"):
        for name in ("login_ldap", "login_oauth", "login_saml", "register_oauth"):
            text = render_template(
                f"appbuilder/general/security/{name}.html", title="Vào", form=LoginForm_db(),
                providers=[{"name": "google", "icon": "fa-google"}], appbuilder=shop.appbuilder,  # type: ignore[attr-defined]
            )  # fmt: skip
            assert foreign(text) == [], name
            assert ('href="/login/google?next=/a%22b"' in text) == (name != "login_ldap"), name


def test_a_new_members_name_is_told_as_text(shop: Flask):
    told = {"first_name": "<b>", "last_name": "Lê", "username": "le", "url": "http://localhost/register/activation/x"}
    with shop.test_request_context("/"):
        for name in ("activation", "register_mail"):
            text = render_template(f"appbuilder/general/security/{name}.html", appbuilder=shop.appbuilder, **told)  # type: ignore[attr-defined]
            assert "&lt;b&gt; Lê" in text, name
            assert "<b>" not in text, name


# ── what one does there ──
def test_a_row_is_added_changed_and_deleted_through_the_forms(shop: Flask, hoa: FlaskClient):
    answer = fill_in(
        hoa, "/bookview/add", name="Số đỏ", author="1", pages="250", price="99.5", cover="leather",
        printed="2026-05-06", sold_at="2026-05-07 08:09:10", labels=["1"], note="hay <b>",
    )  # fmt: skip
    assert answer.status_code == 302, answer.text
    book = id_of(shop, "Số đỏ")
    shown = words(page(hoa, f"/bookview/show/{book}"))
    assert "250" in shown
    assert "06/05/2026" in shown
    assert "07/05/2026 08:09" in shown
    assert "[Kinh điển]" not in shown
    assert "Kinh điển" in shown
    assert "hay <b>" in shown  # told as text
    form = page(hoa, f"/bookview/edit/{book}")
    assert form.select_one("#printed")["value"] == "2026-05-06"
    assert form.select_one("#cover option[selected]")["value"] == "leather"
    assert form.select_one("#note").text.strip() == "hay <b>"
    assert fill_in(hoa, f"/bookview/edit/{book}", name="Số đỏ, bản mới").status_code == 302
    assert id_of(shop, "Số đỏ, bản mới") == book
    listed = page(hoa, "/bookview/list/")
    button = listed.select_one(f"button[formaction='/bookview/delete/{book}']")
    assert button["data-confirm"]
    assert press(hoa, listed, button).status_code == 302
    assert "Số đỏ, bản mới" not in names(shop, Book)


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(shop: Flask, hoa: FlaskClient):
    answer = fill_in(hoa, "/bookview/add", name="Truyện Kiều", author="1", pages="nhiều")
    assert answer.status_code == 200
    assert foreign(answer.text) == []
    soup = BeautifulSoup(answer.text, "lxml")
    assert soup.select_one("#pages")["value"] == "nhiều"
    assert soup.select_one("#pages")["aria-invalid"] == "true"
    assert soup.select_one(f"#{soup.select_one('#pages')['aria-describedby'].split()[0]}").text.strip()
    assert soup.select_one("[data-problems] a[href='#name']")


def test_a_file_is_sent_and_taken_away_again(shop: Flask, hoa: FlaskClient):
    sent = fill_in(hoa, "/bookview/add", name="Có bản đọc thử", author="1", sample=(BytesIO(b"mot"), "thu.txt"))
    assert sent.status_code == 302
    book = id_of(shop, "Có bản đọc thử")
    form = page(hoa, f"/bookview/edit/{book}")
    assert "thu.txt" in words(form)
    assert fill_in(hoa, f"/bookview/edit/{book}", **{"_sample-delete": "y"}).status_code == 302
    assert "thu.txt" not in words(page(hoa, f"/bookview/edit/{book}"))
    listed = page(hoa, "/bookview/list/")
    press(hoa, listed, listed.select_one(f"button[formaction='/bookview/delete/{book}']"))


def test_action_runs_on_the_chosen_rows_and_on_one(shop: Flask, hoa: FlaskClient):
    listed = page(hoa, "/bookview/list/")
    book = id_of(shop, "Dế Mèn")
    button = listed.select_one("[data-bulk] button[value=praise]")
    assert button["data-confirm"] == "Praise the chosen ones?"
    assert len(listed.select("form input[name=rowid]")) == len(names(shop, Book))
    assert press(hoa, listed, button, rowid=[book]).status_code == 302
    assert "praised" in words(page(hoa, f"/bookview/show/{book}"))
    one = page(hoa, f"/bookview/show/{book}")
    assert press(hoa, one, one.select_one("button[formaction*='/action/praise/']")).status_code == 302


@pytest.mark.parametrize("view", ["bookview", "thumbnailview", "linkview", "itemview", "blockview"])
def test_every_kind_of_list_offers_its_rows_and_their_buttons(view: str, hoa: FlaskClient):
    soup = page(hoa, f"/{view}/list/")
    assert len(soup.select("[data-row]")) == 3
    for row in soup.select("[data-row]"):
        assert row.select_one("a[href*='/show/']")
        assert row.select_one("a[href*='/edit/']")
        assert row.select_one("button[form=tt-post][formaction*='/delete/']")


def test_list_is_paged_and_ordered_by_its_head(hoa: FlaskClient):
    soup = page(hoa, "/bookview/list/?psize_BookView=2")
    assert soup.select_one(".tt-pager [rel=next]")["href"] == "/bookview/list/?psize_BookView=2&page_BookView=1"
    assert "1–2" in words(soup)
    assert len(page(hoa, "/bookview/list/?psize_BookView=2&page_BookView=1").select("[data-row]")) == 1
    link = soup.select_one("thead a[href*='_oc_BookView=pages']")["href"]
    head = page(hoa, link).select_one("th[aria-sort]")
    assert head["aria-sort"] == "ascending"
    assert "_od_BookView=desc" in head.a["href"]


@pytest.mark.parametrize(("lang", "shown"), [("vi", "05/03/2026 00:30"), ("en", "5 Mar 2026 00:30")])
def test_days_and_moments_are_written_for_their_reader(lang: str, shown: str, shop: Flask):
    with shop.test_request_context(f"/?lang={lang}"):
        draw = shop.jinja_env.get_template("appbuilder/_parts.html").module.shown  # type: ignore[attr-defined]
        in_saigon = datetime(2026, 3, 4, 17, 30, tzinfo=UTC)
        assert draw(in_saigon) == draw(datetime(2026, 3, 5, 0, 30)) == shown
        assert draw(in_saigon.date() + timedelta(1)) == shown.removesuffix(" 00:30")


def test_related_lists_are_tabs_named_in_the_address(hoa: FlaskClient):
    soup = page(hoa, "/authorview/show/1")
    links = [link["href"] for link in soup.select("[data-tabs] > nav a")]
    assert links == ["#tab-Home", "#tab-BookView"]
    assert all(soup.select_one(link) for link in links)
    assert "Truyện Kiều" in soup.select_one("#tab-BookView").text
    # The form of a new row knows whose it is.
    assert soup.select_one("#tab-BookView a[href='/bookview/add?_flt_0_author=1']")
    assert "Truyện Kiều" in page(hoa, "/authorcascadeview/show/1").select_one("details#tab-BookView").text


def test_master_and_detail_stand_side_by_side(hoa: FlaskClient):
    assert "Truyện Kiều" not in words(page(hoa, "/authormasterview/list/"))
    soup = page(hoa, "/authormasterview/list/1")
    assert soup.select_one(".tt-choices [aria-current]").text.strip() == "Nguyễn Du"
    assert "Truyện Kiều" in words(soup)


def test_rows_are_added_on_the_page_of_their_list(shop: Flask, hoa: FlaskClient):
    hoa.get("/labelonepageview/list/")
    hoa.get("/labelonepageview/add/")
    answer = fill_in(hoa, "/labelonepageview/list/", name="Mới về")
    assert answer.status_code == 302, answer.text
    assert "Mới về" in names(shop, Label)
    listed = page(hoa, "/labelonepageview/list/")
    button = listed.select_one(f"button[formaction='/labelonepageview/delete/{id_of(shop, 'Mới về', Label)}']")
    press(hoa, listed, button)
    assert names(shop, Label) == ["Kinh điển"]


def test_simple_form_is_sent(hoa: FlaskClient):
    wrong = fill_in(hoa, "/wishview/form", title="", needed="2026-12-31")
    assert wrong.status_code == 200
    assert foreign(wrong.text) == []
    assert fill_in(hoa, "/wishview/form", title="Tắt đèn", needed="2026-12-31").status_code == 302
    assert "We look for Tắt đèn by 2026-12-31" in words(page(hoa, "/"))


def test_member_is_added_and_password_set_through_fabs_own_screens(shop: Flask, hoa: FlaskClient):
    with shop.app_context():
        admin = str(shop.appbuilder.sm.find_role("Admin").id)  # type: ignore[attr-defined]
    answer = fill_in(
        hoa, "/users/add", first_name="Lan", last_name="Trần", username="lan", email="lan@phosen.example",
        password="Sen-2026-xanh", conf_password="Sen-2026-xanh", roles=[admin], active="y",
    )  # fmt: skip
    assert answer.status_code == 302, answer.text
    user = shop.test_client()
    assert fill_in(user, "/login/", username="lan", password="Sen-2026-xanh").status_code == 302
    assert fill_in(user, "/userinfoeditview/form", first_name="Lan Anh").status_code == 302
    assert "Lan Anh" in words(page(user, "/users/userinfo/"))
    changed = fill_in(user, "/resetmypassword/form", password="Sen-2026-hong", conf_password="Sen-2026-hong")
    assert changed.status_code == 302
    again = shop.test_client()
    assert fill_in(again, "/login/", username="lan", password="Sen-2026-hong").status_code == 302


def test_role_of_the_configuration_stays_as_it_is(hoa: FlaskClient):
    rows = {row.select_one("td a").text.strip(): row for row in page(hoa, "/roles/list/").select("[data-row]")}
    assert rows["Admin"].select_one("button[formaction*='/delete/']")
    assert not rows["Reader"].select_one("button, a[href*='/edit/']")
    assert "BookView: can_list" in rows["Reader"].text


def test_interface_is_described_by_our_own_document(hoa: FlaskClient):
    assert page(hoa, "/swagger/v1").select_one("main a.btn-primary")["href"] == "/api/v1/_openapi"
