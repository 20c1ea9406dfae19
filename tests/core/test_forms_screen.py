"""Forms of the base screen: what is wrong and where, two people at one record, amounts, and a row added inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app import create_app
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.i18n import in_language
from app.core.screens import MoneyField
from app.core.screens.fields import NumberField, WholeField
from app.core.screens.merging import Said, Seen
from app.customers.models import Customer
from app.security import queries
from config import TestConfig
from tests.core.library import METADATA, Binding, Shelf, Volume
from tests.core.shelves import SCREENS

Client = Callable[..., FlaskClient]


@pytest.fixture(scope="module")
def libraries() -> dict[str, Flask]:
    """Applications with the library's screens, by database: screens cannot join one that has served requests."""
    return {}


@pytest.fixture
def app(app: Flask, libraries: dict[str, Flask], tmp_path: Path) -> Iterator[Flask]:
    """An application with shelves and volumes, on the fresh database of the shared one and with its own tables."""
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    if url not in libraries:
        libraries[url] = create_app(TestConfig(tmp_path, database_url=url))
        with libraries[url].app_context():
            for screen in SCREENS:
                libraries[url].appbuilder.add_view_no_menu(screen)  # type: ignore[attr-defined]
    with libraries[url].app_context():
        METADATA.create_all(db.engine)
    yield libraries[url]
    with libraries[url].app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def lan_id(app: Flask) -> int:
    with app.app_context():
        return queries.member_by_username(db.session(), "lan").id  # type: ignore[union-attr]


@pytest.fixture
def volume(app: Flask, lan_id: int) -> int:
    """Alpha, ten pages, without a summary."""
    with app.app_context(), transaction(SYSTEM) as session:
        row = Volume(title="Alpha", pages=10, owner_id=lan_id)
        session.add(row)
        session.flush()
        return int(row.id)


@pytest.fixture
def stored(app: Flask, volume: int) -> Callable[[str], Any]:
    def read(column: str) -> Any:
        with app.app_context():
            return db.session.scalar(select(getattr(Volume, column)).where(Volume.id == volume))

    return read


def page_of(answer: Any) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "html.parser")


def sent_by(page: BeautifulSoup) -> dict[str, str]:
    """What a browser would send of the form with `data-guard`."""
    form = page.select_one("form[data-guard]")
    assert form is not None
    sent = {}
    for control in form.select("input[name], textarea[name], select[name]"):
        if control.get("type") in ("radio", "checkbox") and not control.has_attr("checked"):
            continue
        if control.name == "select":
            chosen = control.select_one("option[selected]") or control.select_one("option")
            sent[str(control["name"])] = str(chosen["value"]) if chosen else ""
        else:
            sent[str(control["name"])] = str(control.get("value") or control.text.removeprefix("\r").removeprefix("\n"))
    return sent


def three_of(page: BeautifulSoup, name: str) -> dict[str, str]:
    """Mine, theirs and as it was of a field in conflict, and which side is chosen."""
    block = page.select_one(f"fieldset#{name}")
    assert isinstance(block, Tag), page.text
    mine, theirs, was = (one.text for one in block.select(".tt-value"))
    chosen = block.select_one("input[checked]")
    return {"mine": mine, "theirs": theirs, "was": was, "kept": str(chosen["value"]) if chosen else ""}


# ── what is wrong, and where ──


def test_every_wrong_field_is_named_on_top_with_a_link_and_tied_to_its_sentence(client: Client) -> None:
    sent = {"title": "", "pages": "nhiều", "binding": "paper", "bought_at": "31/02/2026", "summary": "Gõ lâu lắm"}
    answer = client("lan").post("/sach/add", data=sent)
    assert answer.status_code == 422
    page = page_of(answer)
    summary = page.select_one("[data-problems]")
    assert summary is not None
    assert (summary["role"], summary["tabindex"]) == ("alert", "-1")
    assert [link["href"] for link in summary.select("a")] == ["#title", "#pages", "#bought_at", "#owner"]
    for name in ("title", "pages", "bought_at", "owner"):
        field = page.select_one(f"#{name}")
        assert field is not None
        assert field["aria-invalid"] == "true"
        assert page.select_one(f"#{name}-error") is not None
        assert f"{name}-error" in str(field["aria-describedby"]).split()
    assert page.select_one("#title-error").text.strip() == "Nhập chức danh."  # type: ignore[union-attr]
    assert page.select_one("#owner-error").text.strip() == "Chọn owner."  # type: ignore[union-attr]
    assert "bắt buộc" in page.select_one("label[for=title]").text  # type: ignore[union-attr]
    assert page.select_one("textarea#summary").text.strip() == "Gõ lâu lắm"  # type: ignore[union-attr]


def test_one_wrong_field_is_told_on_top_too(client: Client, lan_id: int) -> None:
    page = page_of(client("lan").post("/sach/add", data={"title": "", "binding": "paper", "owner": lan_id}))
    assert [link["href"] for link in page.select("[data-problems] a")] == ["#title"]


@pytest.mark.both_databases
@pytest.mark.parametrize("text", ["ế" * 350_000, "a\0b", "x" * 51])
def test_what_cannot_be_kept_is_a_sentence_beside_its_field_and_stays(text: str, client: Client, lan_id: int) -> None:
    answer = client("lan").post("/sach/add", data={"title": text, "binding": "paper", "owner": lan_id})
    assert answer.status_code == 422
    field = page_of(answer).select_one("input#title")
    assert field is not None
    assert field["aria-invalid"] == "true"
    assert field["data-most"] == "50"
    assert not field.has_attr("maxlength")
    assert field["value"] == text


def test_more_than_a_form_may_hold_is_refused_by_a_page(client: Client) -> None:
    answer = client("lan").post("/sach/add", data={"title": "x" * 5_000_000})
    assert answer.status_code == 413
    assert page_of(answer).select_one("h1") is not None


def test_fields_say_what_helps_typing_them(client: Client) -> None:
    page = page_of(client("lan").get("/sach/add"))
    assert page.select_one("input#bought_at[data-moment]") is not None
    assert page.select_one("input#pages[data-number]") is not None


# ── amounts and numbers ──


class _Amounts(FlaskForm):
    price = MoneyField("Giá")
    pages = WholeField("Số trang")
    weight = NumberField("Nặng")


@pytest.mark.parametrize(
    "typed", ["1250000", "1.250.000", "1,250,000", "1 250 000", "1.250.000 đ", "1.250.000 ₫", " 1250000vnd "]
)
def test_an_amount_is_read_however_it_is_written(typed: str, app: Flask) -> None:
    with app.test_request_context(), in_language("vi"):
        form = _Amounts(MultiDict({"price": typed}), meta={"csrf": False})
        assert form.validate(), form.errors
        assert form.price.data == 1_250_000
        assert _Amounts(None, data={"price": 1_250_000}, meta={"csrf": False}).price._value() == "1.250.000"


@pytest.mark.parametrize("typed", ["1250,5", "nhiều", "1.25", "9" * 30, "1e9"])
def test_what_is_no_amount_says_how_one_looks_and_stays(typed: str, app: Flask) -> None:
    with app.test_request_context(), in_language("vi"):
        form = _Amounts(MultiDict({"price": typed}), meta={"csrf": False})
        assert not form.validate()
        assert form.price.errors == ["Số tiền chưa đúng. Ví dụ: 500.000"]
        assert form.price._value() == typed


# ── two people at one record ──


@pytest.mark.both_databases
def test_each_side_is_kept_where_it_alone_changed_and_one_has_to_choose_where_both_did(
    client: Client, volume: int, stored: Callable[[str], Any]
) -> None:
    lan, hoa, path = client("lan"), client("hoa"), f"/sach/edit/{volume}"
    opened = sent_by(page_of(lan.get(path)))
    theirs = sent_by(page_of(hoa.get(path))) | {"title": "Của Hoa", "pages": "1.250", "binding": "leather"}
    assert hoa.post(path, data=theirs).status_code == 302

    answer = lan.post(path, data=opened | {"title": "Của Lan", "summary": "Gõ lâu lắm", "pages": "10"})
    assert answer.status_code == 409
    page = page_of(answer)
    assert "Hoa" in page.select_one(".tt-conflict").text  # type: ignore[union-attr]
    assert three_of(page, "title") == {"mine": "Của Lan", "theirs": "Của Hoa", "was": "Alpha", "kept": ""}
    assert three_of(page, "pages") == {"mine": "10", "theirs": "1.250", "was": "10", "kept": "theirs"}
    assert three_of(page, "summary") == {"mine": "Gõ lâu lắm", "theirs": "(trống)", "was": "(trống)", "kept": "mine"}
    assert three_of(page, "binding")["kept"] == "theirs"
    assert three_of(page, "binding")["theirs"] != "leather"  # its label, not its value
    assert page.select_one("fieldset#owner") is None
    assert stored("title") == "Của Hoa"

    # One choice is missing: nothing is saved, nothing is lost, and the sentence leads there.
    undecided = lan.post(path, data=sent_by(page))
    assert undecided.status_code == 422
    page = page_of(undecided)
    assert [link["href"] for link in page.select("[data-problems] a")] == ["#title"]
    assert three_of(page, "summary")["mine"] == "Gõ lâu lắm"
    assert stored("rev") == 2

    assert lan.post(path, data=sent_by(page) | {"keep-title": "mine"}).status_code == 302
    assert [stored(name) for name in ("title", "summary", "pages", "binding")] == [
        "Của Lan", "Gõ lâu lắm", 1250, Binding.leather,
    ]  # fmt: skip


@pytest.mark.parametrize(("side", "title"), [("mine", "Của Lan"), ("theirs", "Của Hoa")])
def test_all_of_one_side_is_chosen_by_one_button_and_looked_at_before_it_is_saved(
    side: str, title: str, client: Client, volume: int, stored: Callable[[str], Any]
) -> None:
    lan, hoa, path = client("lan"), client("hoa"), f"/sach/edit/{volume}"
    opened = sent_by(page_of(lan.get(path)))
    hoa.post(path, data=opened | {"title": "Của Hoa", "summary": "Hoa viết"})
    met = page_of(lan.post(path, data=opened | {"title": "Của Lan"}))
    chosen = lan.post(path, data=sent_by(met) | {"keep_all": side})
    assert chosen.status_code == 200
    page = page_of(chosen)
    assert {three_of(page, name)["kept"] for name in ("title", "summary")} == {side}
    assert stored("title") == "Của Hoa"
    assert lan.post(path, data=sent_by(page)).status_code == 302
    assert (stored("title"), stored("summary")) == (title, "Hoa viết" if side == "theirs" else None)


def test_a_third_person_in_between_leads_to_the_choice_once_more(
    client: Client, volume: int, stored: Callable[[str], Any]
) -> None:
    lan, hoa, path = client("lan"), client("hoa"), f"/sach/edit/{volume}"
    opened = sent_by(page_of(lan.get(path)))
    hoa.post(path, data=opened | {"title": "Hai"})
    met = page_of(lan.post(path, data=opened | {"title": "Của Lan"}))
    hoa.post(path, data=sent_by(page_of(hoa.get(path))) | {"title": "Ba"})
    again = lan.post(path, data=sent_by(met) | {"keep-title": "mine"})
    assert again.status_code == 409
    assert three_of(page_of(again), "title") == {"mine": "Của Lan", "theirs": "Ba", "was": "Hai", "kept": ""}
    assert lan.post(path, data=sent_by(page_of(again)) | {"keep-title": "theirs"}).status_code == 302
    assert stored("title") == "Ba"


def test_what_is_wrong_besides_the_conflict_brings_the_choices_back(client: Client, volume: int) -> None:
    lan, hoa, path = client("lan"), client("hoa"), f"/sach/edit/{volume}"
    opened = sent_by(page_of(lan.get(path)))
    hoa.post(path, data=opened | {"title": "Của Hoa"})
    met = page_of(lan.post(path, data=opened | {"title": "Của Lan"}))
    answer = lan.post(path, data=sent_by(met) | {"keep-title": "mine", "pages": "nhiều"})
    assert answer.status_code == 422
    page = page_of(answer)
    assert three_of(page, "title")["kept"] == "mine"
    assert page.select_one("input#pages")["value"] == "nhiều"  # type: ignore[index]


@pytest.mark.parametrize("seen", ["", "x.y", "forged"])
def test_without_knowing_how_it_was_nothing_is_chosen_beforehand(seen: str, client: Client, volume: int) -> None:
    lan, hoa, path = client("lan"), client("hoa"), f"/sach/edit/{volume}"
    opened = sent_by(page_of(lan.get(path)))
    hoa.post(path, data=opened | {"title": "Của Hoa"})
    page = page_of(lan.post(path, data=opened | {"summary": "Mới", "_seen": seen}))
    assert three_of(page, "title") == {"mine": "Alpha", "theirs": "Của Hoa", "was": "–", "kept": ""}


def test_what_another_records_form_showed_says_nothing_here(app: Flask) -> None:
    with app.app_context():
        sealed = Seen(was={"title": Said("A", "A")}, at=datetime(2026, 11, 22, tzinfo=UTC)).seal("VolumeScreen/1")
        assert Seen.read(sealed, "VolumeScreen/1").was == {"title": Said("A", "A")}
        assert Seen.read(sealed, "VolumeScreen/2") == Seen()


@pytest.mark.both_databases
def test_a_customers_phone_is_compared_though_it_is_no_column(client: Client, app: Flask) -> None:
    lan, hoa = client("lan"), client("hoa")
    lan.post("/khach-hang/add", data={"name": "Đặng Thị Mỹ Duyên", "kind": "person", "phone": "0903118201"})
    with app.app_context():
        path = f"/khach-hang/edit/{db.session.scalar(select(Customer.id))}"
    opened = sent_by(page_of(lan.get(path)))
    assert hoa.post(path, data=opened | {"phone": "0903118299"}).status_code == 302
    page = page_of(lan.post(path, data=opened | {"note": "Gọi buổi sáng"}))
    assert three_of(page, "phone") == {
        "mine": "0903 118 201", "theirs": "0903 118 299", "was": "0903 118 201", "kept": "theirs",
    }  # fmt: skip
    assert lan.post(path, data=sent_by(page)).status_code == 302
    again = sent_by(page_of(lan.get(path)))
    assert (again["phone"], again["note"]) == ("0903 118 299", "Gọi buổi sáng")


# ── adding inside ──


def test_the_way_to_add_is_there_for_those_who_may_add_there(client: Client) -> None:
    lan = client("lan")
    select_of = page_of(lan.get("/sach/add")).select_one("select#shelf")
    assert select_of is not None
    assert select_of["data-add-url"] == "/ke/add"
    link = page_of(lan.get("/sach/add")).select_one("a[data-add-inside=shelf]")
    assert link is not None
    assert (link["href"], link["target"]) == ("/ke/add", "_blank")
    closed = page_of(lan.get("/sach-kin/add"))
    assert closed.select_one("select#shelf") is not None
    assert closed.select_one("[data-add-url], a[data-add-inside]") is None
    assert lan.get("/ke-kin/add?inside=1").status_code == 403
    assert lan.post("/ke-kin/add?inside=1", data={"inside-name": "Kệ"}).status_code == 403


def test_a_row_added_inside_comes_back_to_be_chosen(client: Client, app: Flask) -> None:
    lan = client("lan")
    form = page_of(lan.get("/ke/add?inside=1&q=Kệ mới")).select_one("form[data-inside]")
    assert form is not None
    assert form.select_one("input[name=inside-name]")["value"] == "Kệ mới"  # type: ignore[index]
    refused = lan.post("/ke/add?inside=1", data={"inside-name": ""})
    assert refused.status_code == 422
    again = page_of(refused).select_one("form[data-inside]")
    assert again is not None
    assert again.select_one("#inside-name[aria-invalid=true]") is not None
    added = lan.post("/ke/add?inside=1", data={"inside-name": "Kệ mới"})
    assert (added.status_code, added.json["text"]) == (201, "Kệ mới")
    with app.app_context():
        assert db.session.scalar(select(Shelf.name).where(Shelf.id == added.json["id"])) == "Kệ mới"
    # It is not announced on the page that follows: that is the form one still fills in.
    assert "Kệ mới" not in lan.get("/").text


def test_a_beginning_with_nul_is_refused(client: Client) -> None:
    assert client("lan").get("/ke/add?inside=1&q=%00").status_code == 400


# ── afterwards ──


def test_a_new_record_opens_with_the_way_back_to_its_list(client: Client) -> None:
    lan = client("lan")
    sent = sent_by(page_of(lan.get("/khach-hang/add"))) | {"name": "Ưng Hoàng Đức"}
    answer = lan.post("/khach-hang/add", data=sent)
    assert answer.headers["Location"].startswith("/khach-hang/show/")
    toast = page_of(lan.get(answer.headers["Location"])).select_one(".tt-toast a")
    assert toast is not None
    assert (toast.text, toast["href"]) == ("Xem danh sách", "/khach-hang/list/")


def test_a_number_that_was_looked_for_begins_the_phone_of_the_new_one(client: Client) -> None:
    page = page_of(client("lan").get("/khach-hang/add?inside=1&q=0903118444"))
    assert page.select_one("input[name=inside-phone]")["value"] == "0903118444"  # type: ignore[index]
    assert not page.select_one("input[name=inside-name]").get("value")  # type: ignore[union-attr]


# ── files on their way ──


def test_an_upload_by_script_is_told_where_to_go_instead_of_being_sent_there(client: Client) -> None:
    lan = client("lan")
    sent = sent_by(page_of(lan.get("/khach-hang/add"))) | {"name": "Ưng Hoàng Đức"}
    answer = lan.post("/khach-hang/add", data=sent, headers={"X-Upload": "1"})
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["X-Go"].startswith("/khach-hang/show/")
    assert "Location" not in answer.headers
    assert "Ưng Hoàng Đức" in page_of(lan.get(answer.headers["X-Go"])).select_one(".tt-toast").text  # type: ignore[union-attr]
