"""The holes that FAB leaves in its screens, each with the cure's test (notes of design.md §4.2)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder import ModelView
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import event, select

from app import create_app
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.i18n import _, in_language
from app.core.screens import Interface, Screen, ScreenError, all_screens, bare_views, route
from app.core.screens.fields import TAKEN
from app.security import queries
from app.security.roles import RESOURCES
from config import TestConfig
from tests.core.library import METADATA, SCREENS, Remark, Shelf, Visit, Volume, VolumeScreen
from tests.pages import tables

Client = Callable[..., FlaskClient]
#: writes a row, gives its id
Maker = Callable[..., int]
#: member id by user name
Ids = dict[str, int]
Says = Callable[[Any], str]


@pytest.fixture(scope="module")
def libraries() -> dict[str, Flask]:
    """Applications with the library's screens, by database: screens cannot join one that has served requests."""
    return {}


@pytest.fixture
def app(app: Flask, libraries: dict[str, Flask], tmp_path: Path) -> Iterator[Flask]:
    """An application with the library's screens, on the fresh database of the shared one and with its own tables."""
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
def people(app: Flask) -> Ids:
    with app.app_context():
        names = ("lan", "minh", "hoa", "tuan")
        return {name: queries.member_by_username(db.session(), name).id for name in names}  # type: ignore[union-attr]


@pytest.fixture
def put(app: Flask) -> Maker:
    """Write a row past all rules; returns its id."""

    def write(row: Any) -> int:
        with app.app_context(), transaction(SYSTEM) as session:
            session.add(row)
            session.flush()
            return int(row.id)

    return write


@pytest.fixture
def a_volume(put: Maker, people: Ids) -> Maker:
    def write(title: str, owner: str = "lan", **more: Any) -> int:
        return put(Volume(title=title, owner_id=people[owner], **more))

    return write


@pytest.fixture
def stored(app: Flask) -> Callable[..., Any]:
    """What the database holds of the volume now: stored(id, "title")."""

    def read(volume_id: int, column: str) -> Any:
        with app.app_context():
            return db.session.scalar(select(getattr(Volume, column)).where(Volume.id == volume_id))

    return read


@pytest.fixture
def says(app: Flask) -> Callable[[Any], str]:
    """The sentence as people in the tests read it."""

    def say(sentence: Any) -> str:
        with app.test_request_context(), in_language("vi"):
            return str(sentence)

    return say


def shown(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "lxml")


def text_of(answer: Any) -> str:
    return " ".join(shown(answer.text).get_text(" ").split())


def typed(**changes: Any) -> dict[str, Any]:
    return {
        "title": "Truyện Kiều",
        "summary": "",
        "pages": "",
        "binding": "paper",
        "bought_at": "",
        "shelf": "",
    } | changes


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The SQL statements that the application sends meanwhile."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


# ── rows of others ──


def test_list_shows_own_rows_and_not_those_of_others(client: Client, a_volume: Maker) -> None:
    a_volume("Của Lan")
    a_volume("Của Tuấn", "tuan")
    page = text_of(client("lan").get("/sach/list/"))
    assert "Của Lan" in page
    assert "Của Tuấn" not in page


def test_whoever_lacks_the_right_gets_403_and_who_is_not_signed_in_goes_to_sign_in(client: Client, app: Flask) -> None:
    assert client("lan").get("/nhan-xet/list/").status_code == 403
    answer = app.test_client().get("/nhan-xet/list/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/?next=/nhan-xet/list/")


@pytest.mark.parametrize("path", ["/sach/show/{id}", "/sach/edit/{id}"])
def test_page_and_form_of_anothers_row_do_not_exist(path: str, client: Client, a_volume: Maker) -> None:
    volume = a_volume("Của Tuấn", "tuan")
    answer = client("lan").get(path.format(id=volume))
    assert answer.status_code == 404
    assert "Của Tuấn" not in answer.text


@pytest.mark.parametrize("key", ["0", "-1", "abc", "1e3", "99999999999999999999", "٣"])
def test_ids_that_cannot_be_are_not_there(key: str, client: Client) -> None:
    lan = client("lan")
    assert lan.get(f"/sach/show/{key}").status_code == 404
    assert lan.post(f"/sach/action/read/{key}").status_code == 404


def test_saving_anothers_row_changes_nothing(client: Client, a_volume: Maker, stored: Any) -> None:
    volume = a_volume("Của Tuấn", "tuan")
    assert client("lan").post(f"/sach/edit/{volume}", data=typed(rev=1)).status_code == 404
    assert stored(volume, "title") == "Của Tuấn"


def test_action_on_anothers_row_is_refused(client: Client, a_volume: Maker, stored: Any) -> None:
    theirs = a_volume("Của Tuấn", "tuan", pages=5)
    mine = a_volume("Của Lan", pages=5)
    lan = client("lan")
    assert lan.post(f"/sach/action/read/{theirs}").status_code == 404
    assert lan.post(f"/sach/action/read/{mine}").status_code == 302
    assert (stored(theirs, "pages"), stored(mine, "pages")) == (5, 6)


@pytest.mark.both_databases
def test_bulk_action_does_own_rows_and_reports_the_refused_ones(client: Client, a_volume: Maker, stored: Any) -> None:
    mine, empty = a_volume("Của Lan", pages=5), a_volume("Sách trắng", pages=0)
    theirs = a_volume("Của Tuấn", "tuan", pages=5)
    lan = client("lan")
    answer = lan.post("/sach/action_post", data={"action": "read", "rowid": [mine, theirs, empty, mine]})
    assert answer.status_code == 302
    assert (stored(mine, "pages"), stored(theirs, "pages"), stored(empty, "pages")) == (6, 5, 0)
    page = text_of(lan.get("/sach/list/"))
    assert "Sách trắng – There is nothing in it." in page
    assert f"#{theirs}" in page
    assert "Của Tuấn" not in page


def test_action_needs_its_own_right_and_not_just_the_list(client: Client, a_volume: Maker, stored: Any) -> None:
    volume = a_volume("Của Lan")
    lan = client("lan")  # staff may edit, not delete
    assert lan.post(f"/sach/action/archive/{volume}").status_code == 403
    assert lan.post("/sach/action_post", data={"action": "archive", "rowid": [volume]}).status_code == 403
    assert stored(volume, "archived_at") is None
    assert client("hoa").post(f"/sach/action/archive/{volume}").status_code == 302
    assert stored(volume, "archived_at") is not None


@pytest.mark.parametrize("rows", [[], ["x"], [str(number) for number in range(1, 102)]])
def test_bulk_action_on_no_row_or_too_many_is_refused(rows: list[str], client: Client) -> None:
    assert client("lan").post("/sach/action_post", data={"action": "read", "rowid": rows}).status_code == 400


def test_unknown_action_is_not_there(client: Client, a_volume: Maker) -> None:
    volume = a_volume("Của Lan")
    lan = client("lan")
    assert lan.post(f"/sach/action/check/{volume}").status_code == 404
    assert lan.post("/sach/action_post", data={"action": "", "rowid": [volume]}).status_code == 404


def test_route_of_a_screen_asks_for_its_right(client: Client) -> None:
    assert client("lan").get("/sach/dem").status_code == 403
    assert client("hoa").get("/sach/dem").text == "counted"


# ── related tabs ──


def test_related_tab_is_closed_without_its_own_permission(client: Client, a_volume: Maker, put: Maker) -> None:
    volume = a_volume("Của Lan")
    put(Remark(text="Chỉ cho kiểm toán", volume_id=volume))
    lan = client("lan")
    assert "Chỉ cho kiểm toán" not in lan.get(f"/sach/show/{volume}").text
    assert lan.get(f"/sach/show/{volume}?tab=RemarkScreen").status_code == 404
    assert "Chỉ cho kiểm toán" in client("hoa").get(f"/sach/show/{volume}?tab=RemarkScreen").text


def test_related_tab_shows_visible_rows_of_this_record_alone(
    client: Client, a_volume: Maker, put: Maker, people: Ids
) -> None:
    volume, other = a_volume("Của Lan"), a_volume("Quyển khác")
    put(Visit(text="Lan đọc", volume_id=volume, owner_id=people["lan"]))
    put(Visit(text="Tuấn đọc", volume_id=volume, owner_id=people["tuan"]))
    put(Visit(text="Lan đọc quyển khác", volume_id=other, owner_id=people["lan"]))
    page = client("lan").get(f"/sach/show/{volume}?tab=VisitScreen")
    assert "Lan đọc" in page.text
    assert "Tuấn đọc" not in page.text
    assert "Lan đọc quyển khác" not in page.text


def test_related_tab_is_paged(client: Client, a_volume: Maker, put: Maker, people: Ids) -> None:
    volume = a_volume("Của Lan")
    for number in range(12):
        put(Visit(text=f"Lượt {number:02}", volume_id=volume, owner_id=people["lan"]))
    lan = client("lan")
    page = lan.get(f"/sach/show/{volume}?tab=VisitScreen&order=text&page=2")
    assert "Lượt 11" in page.text
    assert "Lượt 05" not in page.text
    assert lan.get(f"/sach/show/{volume}?tab=VisitScreen&page=x").status_code == 400


# ── look-ups ──


def test_choices_offer_only_rows_that_may_be_seen(client: Client, put: Maker, people: Ids) -> None:
    put(Shelf(name="Kệ của Lan", owner_id=people["lan"]))
    put(Shelf(name="Kệ của Tuấn", owner_id=people["tuan"]))
    lan = client("lan")
    found = lan.get("/sach/lookup/shelf").json["results"]
    assert [row["text"] for row in found] == ["Kệ của Lan"]
    assert found[0]["hint"] == f"#{found[0]['id']}"
    assert lan.get("/sach/lookup/shelf?q=Tuấn").json == {"results": [], "more": False}


def test_form_never_loads_the_table_that_it_chooses_from(client: Client, put: Maker, people: Ids) -> None:
    for number in range(30):
        put(Shelf(name=f"Kệ {number:02}", owner_id=people["lan"]))
    lan = client("lan")
    assert "Kệ 07" not in lan.get("/sach/add").text
    first, second = lan.get("/sach/lookup/shelf").json, lan.get("/sach/lookup/shelf?page=2").json
    assert (len(first["results"]), first["more"], len(second["results"]), second["more"]) == (20, True, 10, False)


@pytest.mark.parametrize(
    "path",
    ["shelf?q=%00", "shelf?page=0", "shelf?page=abc", "shelf?page=99999999", "shelf?x=1", "shelf?q=" + "a" * 201],
)
def test_lookup_refuses_strange_arguments(path: str, client: Client) -> None:
    assert client("lan").get(f"/sach/lookup/{path}").status_code == 400


def test_lookup_of_an_undeclared_column_or_by_a_mere_reader_is_refused(client: Client, app: Flask, people: Ids) -> None:
    assert client("lan").get("/sach/lookup/created_by").status_code == 404
    with app.app_context(), transaction(SYSTEM) as session:
        minh = queries.member_by_username(session, "minh")
        assert minh is not None
        minh.user.roles = [queries.role_by_code(session, "Auditor")]
        minh.rights_version += 1
    assert client("minh").get("/sach/list/").status_code == 200
    assert client("minh").get("/sach/lookup/shelf").status_code == 403


def test_choosing_a_row_that_may_not_be_seen_is_refused_beside_the_field(
    says: Says, client: Client, put: Maker, people: Ids
) -> None:
    theirs = put(Shelf(name="Kệ của Tuấn", owner_id=people["tuan"]))
    answer = client("lan").post("/sach/add", data=typed(shelf=theirs, owner=people["lan"]))
    assert answer.status_code == 422
    assert says(_("Please choose one from the list.")) in text_of(answer)
    assert "Kệ của Tuấn" not in answer.text


def test_the_row_chosen_before_may_stay_though_the_editor_cannot_see_it(
    client: Client, a_volume: Maker, put: Maker, people: Ids, stored: Any
) -> None:
    shelf = put(Shelf(name="Kệ của Tuấn", owner_id=people["tuan"]))
    volume = a_volume("Của Lan", shelf_id=shelf)
    answer = client("lan").post(f"/sach/edit/{volume}", data=typed(rev=1, shelf=shelf, owner=people["lan"]))
    assert answer.status_code == 302
    assert (stored(volume, "title"), stored(volume, "shelf_id")) == ("Truyện Kiều", shelf)


def test_nobody_puts_a_row_out_of_his_own_sight(
    says: Says, client: Client, people: Ids, a_volume: Maker, stored: Any
) -> None:
    lan = client("lan")
    answer = lan.post("/sach/add", data=typed(owner=people["tuan"]))
    assert answer.status_code == 422
    sentence = _("Saved like this, you could no longer see it yourself. Please choose otherwise.")
    assert says(sentence) in text_of(answer)
    volume = a_volume("Của Lan")
    assert lan.post(f"/sach/edit/{volume}", data=typed(rev=1, owner=people["tuan"])).status_code == 422
    assert stored(volume, "owner_id") == people["lan"]


# ── what a list may be asked ──


@pytest.mark.parametrize(
    "query",
    [
        "order=created_by.password",
        "order=owner.name",
        "order=owner_id",
        "order=nope",
        "order=",
        "order=--title",
        "page=abc",
        "page=-1",
        "page=0",
        "page=1000000000",
        "page=٣",
        "page_size=101",
        "page_size=1000000",
        "page_size=0",
        "psize_VolumeScreen=1000000",
        "page_VolumeScreen=abc",
        "_oc_VolumeScreen=created_by.password&_od_VolumeScreen=asc",
        "_flt_0_title=x",
        "where=summary = 'x'",
        "where=created_by.password = 'x'",
        "where=title =",
        "where={",
        'where={"and": 1}',
        "where=" + "(" * 500,
        "where=pages = 'abc'",
        "where=binding = 'gold'",
        "where=bought_at = 'hôm nay'",
        "where=" + "a" * 30_000,
        "columns=title,summary",
        "columns=created_by.password",
        "view=abc",
        "view=-1",
        "after=abc",
        "after=W10",
        "before=!!",
        "after=a&before=b",
        "unknown=1",
        "archived=2",
        "q=%00",
        "q=a&q=b",
        "q=" + "a" * 201,
    ],
)
def test_list_refuses_what_it_does_not_offer(query: str, client: Client) -> None:
    assert client("lan").get(f"/sach/list/?{query}").status_code == 400


@pytest.mark.parametrize(
    "query", ["after=abc", "before=!!", "after=W10&page=7", "view=abc", "order=pages&after=WyJ0ZXh0IiwgImEiLCAxXQ"]
)
def test_a_page_that_cannot_be_found_is_told_over_the_first_one(query: str, client: Client, a_volume: Maker) -> None:
    a_volume("Alpha")
    page = BeautifulSoup(client("lan").get(f"/sach/list/?{query}").text, "lxml")
    assert len(page.select(".tt-listcol > .tt-listnote")) == 1
    assert page.select("tbody .tt-rowlink[title=Alpha]")
    assert "Trang 2" not in page.text


def titles(answer: Any, *known: str) -> list[str]:
    """The known titles on the page in the order in which they stand there."""
    assert answer.status_code == 200, answer.text
    shown = [link["title"] for link in tables(answer.text).select(".tt-rowlink")]
    return [title for title in shown if title in known]


@pytest.mark.both_databases
def test_list_is_ordered_filtered_searched_and_paged(client: Client, a_volume: Maker) -> None:
    a_volume("Alpha", pages=3)
    a_volume("Beta", pages=1)
    a_volume("Gamma", pages=None, bought_at=datetime(2026, 11, 22, 1, tzinfo=UTC))
    lan, known = client("lan"), ("Alpha", "Beta", "Gamma")
    for query, expected in {
        "": ["Alpha", "Beta", "Gamma"],
        "?order=-title": ["Gamma", "Beta", "Alpha"],
        "?order=pages": ["Beta", "Alpha", "Gamma"],
        "?order=-pages": ["Alpha", "Beta", "Gamma"],
        "?q=et": ["Beta"],
        "?where=pages > 2": ["Alpha"],
        "?where=title contains 'ga'": ["Gamma"],
        "?where=bought_at > '2026-11-21'": ["Gamma"],
        "?where=binding = 'leather'": [],
        "?where=pages = 1 or title = 'Gamma'": ["Beta", "Gamma"],
        '?where={"field": "pages", "op": "empty"}': ["Gamma"],
        "?columns=pages,title": ["Alpha", "Beta", "Gamma"],
        "?page_size=2&page=2": ["Gamma"],
        "?page=10000": [],
    }.items():
        assert titles(lan.get(f"/sach/list/{query}"), *known) == expected, query


def test_archived_rows_leave_the_list_and_come_back(client: Client, a_volume: Maker, stored: Any) -> None:
    volume = a_volume("Alpha")
    hoa = client("hoa")
    assert hoa.post("/sach/action_post", data={"action": "archive", "rowid": [volume]}).status_code == 302
    hoa.get("/")  # takes the message away
    assert titles(hoa.get("/sach/list/"), "Alpha") == []
    assert titles(hoa.get("/sach/list/?archived=1"), "Alpha") == ["Alpha"]
    assert hoa.post(f"/sach/action/archive/{volume}").status_code == 422
    assert hoa.post(f"/sach/action/restore/{volume}").status_code == 302
    assert stored(volume, "archived_at") is None


def test_filters_of_one_request_do_not_reach_another(app: Flask, client: Client, a_volume: Maker) -> None:
    for title in ("Alpha", "Beta"):
        a_volume(title)
    wrong: list[str] = []
    barrier = threading.Barrier(2)

    def ask(name: str, other: str) -> None:
        lan = client("lan")
        for _turn in range(15):
            barrier.wait(60)
            page = text_of(lan.get(f"/sach/list/?where=title = '{name}'"))
            if name not in page or other in page:
                wrong.append(page)

    threads = [threading.Thread(target=ask, args=names) for names in (("Alpha", "Beta"), ("Beta", "Alpha"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    # By construction: nothing is left on the view that requests could share.
    view = next(view for view in all_screens(app.appbuilder) if isinstance(view, VolumeScreen))  # type: ignore[attr-defined]
    assert view._filters is None


def test_list_takes_a_few_queries_however_many_rows_and_people(
    app: Flask, client: Client, a_volume: Maker, put: Maker, people: Ids
) -> None:
    hoa = client("hoa")
    a_volume("Quyển đầu", shelf_id=put(Shelf(name="Kệ đầu", owner_id=people["lan"])))
    hoa.get("/sach/list/")
    with counted(app) as for_one_row:
        hoa.get("/sach/list/")
    for number in range(24):
        shelf = put(Shelf(name=f"Kệ {number:02}", owner_id=people["lan"]))
        a_volume(f"Quyển {number:02}", shelf_id=shelf, owner="lan" if number % 2 else "minh")
    with counted(app) as for_many:
        assert "Kệ 23" in hoa.get("/sach/list/").text
    assert len(for_many) == len(for_one_row), for_many
    with counted(app) as for_none:
        hoa.get("/sach/list/?archived=1")
    # The rows with their number and the names of shelves and owners: one query.
    assert len(for_many) == len(for_none), for_many
    assert len([statement for statement in for_many if "test_" in statement]) == 1, for_many


def test_page_of_one_row_takes_a_few_queries(app: Flask, client: Client, a_volume: Maker) -> None:
    volume = a_volume("Alpha")
    hoa = client("hoa")
    hoa.get(f"/sach/show/{volume}")
    with counted(app) as statements:
        assert hoa.get(f"/sach/show/{volume}").status_code == 200
    # The row, the rights over it, the counts of all tabs, and the rows of the open one.
    assert len([statement for statement in statements if "test_" in statement]) == 4, statements


def test_counting_stops_where_it_is_not_worth_it(
    client: Client, a_volume: Maker, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    monkeypatch.setattr("app.core.paging.COUNT_CAP", 3)
    for number in range(5):
        a_volume(f"Quyển {number}")
    lan = client("lan")
    with counted(app) as statements:
        page = text_of(lan.get("/sach/list/?page_size=2"))
    assert "3" in shown(lan.get("/sach/list/?page_size=2").text).find("h1").text
    assert "more than 3" in page or "hơn 3" in page
    counting = [statement for statement in statements if "count(" in statement and "test_volume" in statement]
    assert ["LIMIT" in statement for statement in counting] == [True]


# ── forms ──


def test_adding_and_changing_a_row(client: Client, people: Ids, app: Flask, stored: Any) -> None:
    lan = client("lan")
    data = typed(title="  Số đỏ ", pages="320", binding="leather", bought_at="01/02/2026 08:30", owner=people["lan"])
    answer = lan.post("/sach/add", data=data)
    assert answer.status_code == 302, answer.text
    volume = int(answer.headers["Location"].rsplit("/", 1)[1])
    assert stored(volume, "title") == "Số đỏ"
    assert stored(volume, "bought_at") == datetime(2026, 2, 1, 1, 30, tzinfo=UTC)
    assert stored(volume, "created_by_id") == people["lan"]
    form = shown(lan.get(f"/sach/edit/{volume}").text)
    assert form.find("input", {"name": "bought_at"})["value"] == "01/02/2026 08:30"
    assert form.find("input", {"name": "rev"})["value"] == "1"
    assert lan.post(f"/sach/edit/{volume}", data=data | {"title": "Giông tố", "rev": 1}).status_code == 302
    assert (stored(volume, "title"), stored(volume, "rev")) == ("Giông tố", 2)


def test_refusal_with_fields_stands_beside_them_and_the_form_stays_filled(client: Client, people: Ids) -> None:
    answer = client("lan").post("/sach/add", data=typed(title="cấm", summary="Gõ lâu lắm", owner=people["lan"]))
    assert answer.status_code == 422
    page = shown(answer.text)
    assert "This title is forbidden." in page.text
    assert page.find("input", {"name": "title"})["value"] == "cấm"
    assert page.find("textarea", {"name": "summary"}).text.strip() == "Gõ lâu lắm"
    assert page.find("select", {"name": "owner"}).find("option", selected=True)["value"] == str(people["lan"])


def test_refusal_without_fields_stands_above_the_filled_form(client: Client, a_volume: Maker, people: Ids) -> None:
    volume = a_volume("Alpha")
    answer = client("lan").post(
        f"/sach/edit/{volume}", data=typed(title="từ chối", summary="Gõ lâu lắm", rev=1, owner=people["lan"])
    )
    assert answer.status_code == 422
    assert "Not today." in text_of(answer)
    assert "Gõ lâu lắm" in answer.text


def test_nothing_of_a_refused_change_is_kept(client: Client, a_volume: Maker, people: Ids, stored: Any) -> None:
    volume = a_volume("Alpha", summary="Cũ")
    lan = client("lan")
    lan.post(f"/sach/edit/{volume}", data=typed(title="từ chối", summary="Mới", rev=1, owner=people["lan"]))
    assert (stored(volume, "title"), stored(volume, "summary"), stored(volume, "rev")) == ("Alpha", "Cũ", 1)
    assert lan.post(f"/sach/edit/{volume}", data=typed(title="Beta", rev=1, owner=people["lan"])).status_code == 302
    assert stored(volume, "summary") is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "a" * 51),
        ("title", "a\0b"),
        ("pages", "abc"),
        ("pages", "99999999999"),
        ("binding", "gold"),
        ("bought_at", "31/02/2026"),
        ("bought_at", "01/01/2026 25:00"),
        ("shelf", "abc"),
        ("shelf", "99999999999"),
        ("owner", ""),
    ],
)
def test_wrong_input_comes_back_with_the_form(field: str, value: str, client: Client, people: Ids) -> None:
    answer = client("lan").post("/sach/add", data=typed(owner=people["lan"], summary="Gõ lâu lắm") | {field: value})
    assert answer.status_code == 422
    assert "Gõ lâu lắm" in answer.text


def test_a_bug_is_a_bug_and_not_a_polite_message(client: Client, people: Ids, app: Flask) -> None:
    answer = client("lan").post("/sach/add", data=typed(title="lỗi", owner=people["lan"]))
    assert answer.status_code == 500
    assert "a bug, not a refusal" not in answer.text


def test_a_bug_behind_a_refused_form_is_told_in_the_log(
    client: Client, people: Ids, caplog: pytest.LogCaptureFixture
) -> None:
    sent = typed(title="lỗi", pages="abc", bought_at="31/02/2026 08:30", owner=people["lan"])
    answer = client("lan").post("/sach/add", data=sent)
    assert answer.status_code == 422
    assert "tháng đó chỉ có 28 ngày" in answer.text
    assert [one.levelname for one in caplog.records if "a bug, not a refusal" in (one.exc_text or "")] == ["ERROR"]


def test_a_commit_below_the_screen_is_stopped(client: Client, people: Ids, app: Flask) -> None:
    assert client("lan").post("/sach/add", data=typed(title="lén", owner=people["lan"])).status_code == 500
    with app.app_context():
        assert db.session.scalar(select(Volume.id).where(Volume.title == "lén")) is None


def test_interface_never_commits(app: Flask, people: Ids) -> None:
    interface = Interface(Volume)
    with app.app_context():
        volume = Volume(title="Alpha", owner_id=people["lan"])
        interface.add(volume, commit=True)
        volume.title = "Beta"
        interface.edit(volume, commit=True)
        interface.delete(volume, commit=True)
        db.session.rollback()
        assert db.session.scalars(select(Volume)).all() == []


def test_a_value_taken_already_is_told_beside_the_field(
    says: Says, client: Client, a_volume: Maker, people: Ids
) -> None:
    a_volume("Truyện Kiều", "tuan")
    answer = client("lan").post("/sach/add", data=typed(owner=people["lan"]))
    assert answer.status_code == 422
    assert says(TAKEN) in text_of(answer)


@pytest.mark.both_databases
def test_a_value_taken_between_check_and_writing_is_a_refusal_too(
    says: Says, client: Client, a_volume: Maker, people: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.screens.fields.Unique.__call__", lambda *_arguments: None)
    a_volume("Truyện Kiều", "tuan")
    answer = client("lan").post("/sach/add", data=typed(owner=people["lan"]))
    assert answer.status_code == 422
    assert says(TAKEN) in text_of(answer)


@pytest.mark.both_databases
def test_saving_over_a_newer_revision_shows_who_and_what_and_keeps_what_was_typed(
    client: Client, a_volume: Maker, people: Ids, stored: Any
) -> None:
    volume = a_volume("Alpha", pages=10)
    owner = people["lan"]
    assert (
        client("hoa").post(f"/sach/edit/{volume}", data=typed(title="Của Hoa", rev=1, owner=owner)).status_code == 302
    )
    lan = client("lan")
    answer = lan.post(f"/sach/edit/{volume}", data=typed(title="Của Lan", summary="Gõ lâu lắm", rev=1, owner=owner))
    assert answer.status_code == 409
    page = shown(answer.text)
    assert "Hoa" in page.text
    assert "Của Hoa" in page.text
    assert page.find("input", {"name": "title"})["value"] == "Của Lan"
    assert page.find("input", {"name": "summary"})["value"] == "Gõ lâu lắm"
    assert page.find("input", {"name": "rev"})["value"] == "2"
    assert stored(volume, "title") == "Của Hoa"
    # Saving once more is a decision, made in sight of the other's change.
    again = lan.post(f"/sach/edit/{volume}", data=typed(title="Của Lan", summary="Gõ lâu lắm", rev=2, owner=owner))
    assert again.status_code == 302
    assert stored(volume, "title") == "Của Lan"
    own = lan.post(f"/sach/edit/{volume}", data=typed(title="Thẻ kia", rev=2, owner=owner))
    assert (own.status_code, "cửa sổ khác" in shown(own.text).select_one(".tt-conflict").text) == (409, True)


def test_saving_without_a_revision_is_refused(client: Client, a_volume: Maker, people: Ids, stored: Any) -> None:
    volume = a_volume("Alpha")
    assert client("lan").post(f"/sach/edit/{volume}", data=typed(owner=people["lan"])).status_code == 400
    assert stored(volume, "title") == "Alpha"


def test_fields_that_the_form_does_not_have_cannot_be_set(client: Client, people: Ids, stored: Any) -> None:
    answer = client("lan").post(
        "/sach/add", data=typed(owner=people["lan"], created_by_id=people["hoa"], archived_at="01/01/2026", id="77")
    )
    volume = int(answer.headers["Location"].rsplit("/", 1)[1])
    assert volume != 77
    assert (stored(volume, "created_by_id"), stored(volume, "archived_at")) == (people["lan"], None)


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", "evil"],
)
def test_nobody_is_sent_elsewhere_after_saving(back: str, client: Client, people: Ids) -> None:
    answer = client("lan").post("/sach/add", data=typed(owner=people["lan"], back=back))
    assert answer.headers["Location"].startswith("/sach/show/")


# ── methods ──


@pytest.mark.parametrize("path", ["/sach/action/archive/{id}", "/sach/action/read/{id}", "/sach/action_post"])
def test_get_changes_nothing_and_leads_to_the_list(path: str, client: Client, a_volume: Maker, stored: Any) -> None:
    volume = a_volume("Alpha", pages=5)
    answer = client("hoa").get(path.format(id=volume))
    assert (answer.status_code, answer.location) == (302, "/sach/")
    assert (stored(volume, "pages"), stored(volume, "archived_at")) == (5, None)


@pytest.mark.parametrize("method", ["get", "post"])
def test_delete_and_download_of_fab_are_not_there(method: str, client: Client, a_volume: Maker, stored: Any) -> None:
    volume = a_volume("Alpha")
    hoa = client("hoa")
    assert getattr(hoa, method)(f"/sach/delete/{volume}").status_code == 404
    assert getattr(hoa, method)("/sach/download/tantam.db").status_code == 404
    assert stored(volume, "title") == "Alpha"


def test_a_screen_without_a_form_has_no_door_to_it(client: Client, put: Maker, a_volume: Maker) -> None:
    remark = put(Remark(text="Ghi chú", volume_id=a_volume("Alpha")))
    hoa = client("hoa")
    assert hoa.get("/nhan-xet/add").status_code == 404
    assert hoa.get(f"/nhan-xet/edit/{remark}").status_code == 404


def test_every_post_needs_the_token_of_the_page(
    app: Flask,
    client: Client,
    a_volume: Maker,
    people: Ids,
    stored: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    volume = a_volume("Alpha", pages=5)
    hoa = client("hoa")
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    for path, data in (
        ("/sach/add", typed(owner=people["lan"])),
        (f"/sach/edit/{volume}", typed(rev=1, owner=people["lan"])),
        (f"/sach/action/archive/{volume}", {}),
        ("/sach/action_post", {"action": "read", "rowid": [volume]}),
    ):
        assert hoa.post(path, data=data).status_code == 400, path
    assert (stored(volume, "title"), stored(volume, "pages"), stored(volume, "archived_at")) == ("Alpha", 5, None)
    token = shown(hoa.get("/sach/add").text).find("input", {"name": "csrf_token"})["value"]
    assert hoa.post(f"/sach/action/archive/{volume}", data={"csrf_token": token}).status_code == 302


@pytest.mark.parametrize("path", ["/sach/list/", "/sach/show/{id}", "/sach/add", "/sach/edit/{id}"])
def test_pages_carry_no_inline_script_or_style(path: str, client: Client, a_volume: Maker) -> None:
    page = shown(client("hoa").get(path.format(id=a_volume("Alpha"))).text)
    assert [tag for tag in page.find_all("script") if not tag.get("src")] == []
    assert page.find_all("style") == []
    assert page.find_all(style=True) == []
    assert [tag for tag in page.find_all() if any(name.startswith("on") for name in tag.attrs)] == []


def test_what_people_typed_is_text_and_never_markup(client: Client, a_volume: Maker) -> None:
    attack = "<img src=x onerror=alert(1)>"
    volume = a_volume(attack)
    hoa = client("hoa")
    for path in ("/sach/list/", f"/sach/show/{volume}", f"/sach/edit/{volume}"):
        assert "<img src=x" not in hoa.get(path).text, path


# ── declaration ──


@pytest.mark.parametrize(
    ("holes", "told"),
    [
        ({"resource": ""}, "resource"),
        ({"list_title": ""}, "list_title"),
        ({"edit_title": "Edit Volume"}, "edit_title"),
        ({"list_columns": []}, "list_columns is empty"),
        ({"label_columns": {"title": _("Title")}}, "no translatable label for binding"),
        ({"search_columns": ["title", "shelf"]}, "search_columns has shelf"),
        ({"order_columns": ["title", "owner"]}, "order_columns has owner"),
        ({"base_order": ("pages", "asc"), "order_columns": ["title"]}, "base_order is by pages"),
        ({"show_columns": ["title", "created_by.password"]}, "show_columns shows created_by.password"),
        ({"list_columns": ["title", "nothing"]}, "which Volume does not have"),
        ({"title_column": "name"}, "title_column names name"),
        ({"list_columns": ["title", "shelf"]}, "list_columns has shelf"),
        ({"lookups": {}}, "how shelf is looked up"),
        ({"choice_labels": {}}, "choice_labels has no labels for binding"),
        ({"edit_columns": ["title", "rev"]}, "rev is the screen's own field"),
        ({"delete": ModelView.delete}, "delete() is"),
        ({"peek": ModelView.show}, "peek() is open to everybody"),
    ],
)
def test_a_screen_that_leaves_something_to_guess_does_not_start(holes: dict[str, Any], told: str, app: Flask) -> None:
    careless = type("CarelessScreen", (VolumeScreen,), holes)
    with app.app_context(), pytest.raises(ScreenError, match=told.replace("(", r"\(").replace(")", r"\)")):
        careless()


def test_a_table_without_a_row_rule_gets_no_screen(app: Flask) -> None:
    from app.core.files import StoredFile

    declared = {"resource": "Customer", "datamodel": Interface(StoredFile), "list_columns": ["name"]}
    told = {"list_title": _("Files"), "label_columns": {"name": _("Name")}}
    careless = type("FileScreen", (Screen,), declared | told)
    with app.app_context(), pytest.raises(ScreenError, match="StoredFile has no row rule"):
        careless()


def test_a_route_names_a_right_that_exists() -> None:
    with pytest.raises(ScreenError, match="read"):
        route("/x", right="read")


def test_labels_declared_in_one_class_do_not_grow_into_another(app: Flask) -> None:
    before = dict(VolumeScreen.label_columns)
    with app.app_context():
        VolumeScreen()
    assert VolumeScreen.label_columns == before


class BareView(ModelView):
    datamodel = SQLAInterface(Volume)


def test_a_bare_fab_view_is_found(app: Flask) -> None:
    with app.app_context():
        views = [BareView(), *app.appbuilder.baseviews]  # type: ignore[attr-defined]
        assert bare_views(type("Some", (), {"baseviews": views})) == ["BareView"]


def test_every_registered_view_stands_on_our_bases(app: Flask) -> None:
    assert bare_views(app.appbuilder) == []  # type: ignore[attr-defined]
    for screen in all_screens(app.appbuilder):  # type: ignore[attr-defined]
        assert screen.resource in RESOURCES, type(screen).__name__
        needed = {one.func._right for one in screen.actions.values()} | {"view"}
        assert needed <= set(RESOURCES[screen.resource]), type(screen).__name__
