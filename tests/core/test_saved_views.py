"""Views of a list: whose they are, who sees and changes them, with which a list opens, what becomes of what is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.access import Actor
from app.core.audit import AuditEvent, AuditSensitive
from app.core.conditions import parse
from app.core.db import db, transaction
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.core.models import SavedView
from app.core.screens import saved
from app.core.screens.listing import Offer
from app.core.screens.shown import RESOURCE, roles_to_share_with, views_of
from app.core.screens.wanted import Fitted, Wanted, fitted
from app.customers.models import CustomerKind
from app.customers.services import create_customer
from app.security import queries

LIST = "CustomerScreen"
COMPANIES = Wanted(where=parse("kind = 'company'"), order="name", columns=("name", "phone"), page_size=50)


def keep(who: Actor, name: str = "Công ty", wanted: Wanted = COMPANIES) -> int:
    with transaction(who) as session:
        return saved.save_new(session, LIST, name, wanted, by=who).id


def role_id(name: str) -> int:
    role = queries.role_by_code(db.session(), name)
    assert role is not None
    return int(role.id)


def do(who: Actor, verb: Callable[..., object], number: int, *values: object, rev: int = 1) -> None:
    with transaction(who) as session:
        verb(session, LIST, number, *values, rev=rev, by=who)


def names(session, who: Actor) -> list[str]:
    return [one.view.name for one in views_of(session, LIST, who).shown]


# ── whose they are ──
@pytest.mark.both_databases
def test_a_view_is_kept_as_it_was_asked_and_seen_by_nobody_else(session, cast):
    number = keep(cast.lan)
    (shown,) = views_of(session, LIST, cast.lan).shown
    assert shown.view.id == number
    assert shown.view.wanted == {
        "where": {"field": "kind", "op": "=", "value": "company"}, "order": "name", "columns": ["name", "phone"],
        "page_size": 50,
    }  # fmt: skip
    assert views_of(session, "TaskScreen", cast.lan).shown == ()
    for other in (cast.minh, cast.hoa, cast.tuan):
        assert views_of(session, LIST, other, asked=number).shown == ()


@pytest.mark.parametrize("verb", [saved.rename, saved.archive, saved.share, saved.save_over])
def test_what_is_not_ones_own_is_not_there(session, cast, verb):
    number = keep(cast.lan)
    values = {saved.rename: ["Khác"], saved.archive: [], saved.share: [None], saved.save_over: [Wanted()]}[verb]
    with pytest.raises(NotFoundError):
        do(cast.tuan, verb, number, *values)
    assert names(session, cast.lan) == ["Công ty"]


def test_a_view_of_another_list_is_not_there(session, cast):
    number = keep(cast.lan)
    with transaction(cast.lan) as inside, pytest.raises(NotFoundError):
        saved.rename(inside, "TaskScreen", number, "Khác", rev=1, by=cast.lan)


@pytest.mark.parametrize("name", ["", "   ", "…", "a" * 61, "công TY", "Mới\x1b[31m", "Mới\x00", "Mới\x7f", "Mới\x9b"])
def test_a_name_is_one_to_sixty_letters_and_given_once(session, cast, name):
    keep(cast.lan)
    with pytest.raises(InvalidInputError) as refusal:
        keep(cast.lan, name)
    assert len(refusal.value.fields["name"]) == 1
    assert names(session, cast.lan) == ["Công ty"]


def test_two_people_may_give_the_same_name_and_one_gives_it_again_after_archiving(session, cast):
    number = keep(cast.lan)
    keep(cast.minh)
    do(cast.lan, saved.archive, number)
    keep(cast.lan)
    with transaction(cast.lan) as inside, pytest.raises(InvalidInputError):
        saved.restore(inside, LIST, number, by=cast.lan)


def test_fifty_views_are_the_most(session, cast, monkeypatch):
    monkeypatch.setattr(saved, "MOST_VIEWS", 2)
    keep(cast.lan, "Một")
    keep(cast.lan, "Hai")
    with pytest.raises(InvalidInputError):
        keep(cast.lan, "Ba")
    keep(cast.minh, "Một")
    assert names(session, cast.lan) == ["Một", "Hai"]


def test_nothing_comes_back_where_there_is_no_room(session, cast, monkeypatch):
    number = keep(cast.lan, "Một")
    do(cast.lan, saved.archive, number)
    keep(cast.lan, "Hai")
    monkeypatch.setattr(saved, "MOST_VIEWS", 1)
    with transaction(cast.lan) as inside, pytest.raises(InvalidInputError):
        saved.restore(inside, LIST, number, by=cast.lan)
    assert names(session, cast.lan) == ["Hai"]


def test_archived_views_do_not_grow_without_an_end(session, cast, monkeypatch):
    monkeypatch.setattr(saved, "MOST_EVER", 2)
    for name in ("Một", "Hai"):
        do(cast.lan, saved.archive, keep(cast.lan, name))
    with pytest.raises(InvalidInputError):
        keep(cast.lan, "Ba")
    assert keep(cast.minh, "Một")


def test_what_was_archived_comes_back(session, cast):
    number = keep(cast.lan)
    do(cast.lan, saved.archive, number)
    assert names(session, cast.lan) == []
    with transaction(cast.lan) as inside:
        saved.restore(inside, LIST, number, by=cast.lan)
    assert names(session, cast.lan) == ["Công ty"]


# ── changing ──
@pytest.mark.both_databases
def test_saving_over_can_be_taken_back(session, cast):
    number = keep(cast.lan)
    do(cast.lan, saved.save_over, number, Wanted(q="phở"))
    assert session.get_one(SavedView, number).wanted == {"q": "phở"}
    do(cast.lan, saved.take_back, number, rev=2)
    session.expire_all()
    assert session.get_one(SavedView, number).wanted == COMPANIES.stored()
    with pytest.raises(BusinessError):
        do(cast.lan, saved.take_back, number, rev=3)


def test_whoever_was_slower_is_told_who_was_faster(session, cast):
    number = keep(cast.minh)
    do(cast.minh, saved.share, number, role_id("Manager"))
    do(cast.hoa, saved.rename, number, "Doanh nghiệp", rev=2)
    with pytest.raises(ConflictError) as refusal:
        do(cast.minh, saved.save_over, number, Wanted(), rev=2)
    assert "Lê Thị Hoa" in str(refusal.value.message)
    assert session.get_one(SavedView, number).wanted == COMPANIES.stored()


@pytest.mark.both_databases
def test_views_are_put_in_order_without_being_changed(session, cast):
    first, _second, third = [keep(cast.lan, name) for name in ("Một", "Hai", "Ba")]
    with transaction(cast.lan) as inside:
        saved.move(inside, LIST, third, -1, by=cast.lan)
        saved.move(inside, LIST, first, 1, by=cast.lan)
    assert names(session, cast.lan) == ["Ba", "Một", "Hai"]
    assert {view.rev for view in session.scalars(select(SavedView))} == {1}
    with transaction(cast.lan) as inside:
        saved.move(inside, LIST, third, -1, by=cast.lan)
    assert names(session, cast.lan) == ["Ba", "Một", "Hai"]


def test_every_change_is_told_by_the_audit(session, cast):
    number = keep(cast.minh)
    keep(cast.minh, "Hai")
    do(cast.minh, saved.rename, number, "Doanh nghiệp")
    do(cast.minh, saved.share, number, role_id("Manager"), rev=2)
    with transaction(cast.minh) as inside:
        saved.open_for_role(inside, LIST, number, by=cast.minh)
        saved.move(inside, LIST, number, 1, by=cast.minh)
    told = session.execute(
        select(AuditEvent.actor_id, AuditEvent.name, AuditEvent.changes)
        .where(AuditEvent.table_name.in_(["saved_view", "saved_view_default"]), AuditEvent.record_id.is_not(None))
        .order_by(AuditEvent.id)
    ).all()  # fmt: skip
    assert {row.actor_id for row in told} == {cast.minh.user_id}
    changed = [set(row.changes) for row in told]
    assert {"name"} in changed
    assert any("role_id" in one for one in changed)
    assert any("view_id" in one for one in changed)


def test_what_a_view_looks_for_stands_where_the_audit_can_forget_it(session, cast):
    number = keep(cast.lan, wanted=Wanted(q="Đặng Thị Mỹ Duyên"))
    do(cast.lan, saved.save_over, number, Wanted(q="0912 345 678"))
    changes = session.scalars(select(AuditEvent.changes).where(AuditEvent.table_name == "saved_view")).all()
    assert len(changes) == 2
    assert not any(said in str(changes) for said in ("Duyên", "0912"))
    kept = session.scalars(select(AuditSensitive.new).where(AuditSensitive.field == "wanted")).all()
    assert kept == [{"q": "Đặng Thị Mỹ Duyên"}, {"q": "0912 345 678"}]


# ── roles ──
@pytest.mark.both_databases
def test_a_shared_view_is_seen_by_the_whole_role_and_changed_by_who_may_share(session, cast):
    number = keep(cast.hoa)
    do(cast.hoa, saved.share, number, role_id("Staff"))
    for colleague in (cast.lan, cast.tuan):
        (shown,) = views_of(session, LIST, colleague).shown
        assert (shown.view.id, shown.role, shown.may_change) == (number, "Staff", False)
        with pytest.raises(NotAllowedError):
            do(colleague, saved.rename, number, "Của tôi", rev=2)
    assert names(session, cast.minh) == []
    do(cast.hoa, saved.share, number, None, rev=2)
    assert names(session, cast.lan) == []


def test_a_manager_shares_with_his_own_roles_and_a_member_of_staff_with_none(session, cast):
    assert [role for role, _label in roles_to_share_with(session, cast.minh)] == [role_id("Manager")]
    assert roles_to_share_with(session, cast.lan) == []
    assert {role_id("Staff"), role_id("Auditor")} <= {role for role, _l in roles_to_share_with(session, cast.hoa)}
    number = keep(cast.minh)
    with pytest.raises(NotAllowedError):
        do(cast.minh, saved.share, number, role_id("Staff"))
    lans = keep(cast.lan)
    with pytest.raises(NotAllowedError):
        do(cast.lan, saved.share, lans, role_id("Staff"))


def test_who_shares_with_every_role_opens_a_shared_view_by_its_address(session, cast):
    number = keep(cast.minh)
    do(cast.minh, saved.share, number, role_id("Manager"))
    assert names(session, cast.hoa) == []
    (shown,) = views_of(session, LIST, cast.hoa, asked=number).shown
    assert shown.may_change


def test_who_may_change_a_view_follows_his_rights_at_once(session, cast):
    number = keep(cast.hoa)
    do(cast.hoa, saved.share, number, role_id("Manager"))

    def may_change(who: Actor) -> bool:
        return views_of(session, LIST, who).of(number).may_change

    minh = cast.minh
    assert may_change(minh)
    assert not may_change(replace(minh, permissions=minh.permissions - {("assign", RESOURCE)}))
    assert may_change(minh)


# ── with which a list opens ──
def opens(session, who: Actor) -> tuple[int | None, bool]:
    views = views_of(session, LIST, who)
    return views.opens_with, views.is_chosen


@pytest.mark.both_databases
def test_a_list_opens_as_its_reader_chose_or_else_as_his_role_did(session, cast):
    number = keep(cast.hoa)
    own = keep(cast.lan, "Của tôi")
    do(cast.hoa, saved.share, number, role_id("Staff"))
    assert opens(session, cast.lan) == (None, False)
    with transaction(cast.hoa) as inside:
        saved.open_for_role(inside, LIST, number, by=cast.hoa)
    assert opens(session, cast.lan) == opens(session, cast.tuan) == (number, False)
    assert opens(session, cast.minh) == (None, False)
    for chosen in (own, None):
        with transaction(cast.lan) as inside:
            saved.open_with(inside, LIST, chosen, by=cast.lan)
        assert opens(session, cast.lan) == (chosen, True)
        assert opens(session, cast.tuan) == (number, False)
    with transaction(cast.lan) as inside:
        saved.open_as_usual(inside, LIST, by=cast.lan)
    assert opens(session, cast.lan) == (number, False)
    with transaction(cast.hoa) as inside:
        saved.open_as_usual_for_role(inside, LIST, number, by=cast.hoa)
    assert opens(session, cast.lan) == (None, False)


@pytest.mark.parametrize("end", ["archived", "shared with another role"])
def test_a_default_ends_with_its_view_and_comes_back_with_it(session, cast, end):
    number = keep(cast.hoa)
    do(cast.hoa, saved.share, number, role_id("Staff"))
    with transaction(cast.hoa) as inside:
        saved.open_for_role(inside, LIST, number, by=cast.hoa)
    if end == "archived":
        do(cast.hoa, saved.archive, number, rev=2)
    else:
        do(cast.hoa, saved.share, number, role_id("Manager"), rev=2)
    assert opens(session, cast.lan) == opens(session, cast.minh) == (None, False)
    with transaction(cast.hoa) as inside:
        if end == "archived":
            saved.restore(inside, LIST, number, by=cast.hoa)
        else:
            saved.share(inside, LIST, number, role_id("Staff"), rev=3, by=cast.hoa)
    assert opens(session, cast.lan) == (number, False)


def test_only_who_shares_says_how_the_lists_of_a_role_open(session, cast):
    number = keep(cast.hoa)
    with transaction(cast.hoa) as inside, pytest.raises(BusinessError):
        saved.open_for_role(inside, LIST, number, by=cast.hoa)
    do(cast.hoa, saved.share, number, role_id("Staff"))
    with transaction(cast.lan) as inside, pytest.raises(NotAllowedError):
        saved.open_for_role(inside, LIST, number, by=cast.lan)


def test_nobody_opens_his_list_with_a_view_that_he_does_not_see(session, cast):
    number = keep(cast.lan)
    with transaction(cast.tuan) as inside, pytest.raises(NotFoundError):
        saved.open_with(inside, LIST, number, by=cast.tuan)


# ── what is gone ──
OFFER = Offer(orders={"name": 1, "code": 1}, default_order="-code", page_size=25, search=True, archive=True,
              columns=["name", "code", "phone"])  # fmt: skip


def fit(stored, known=("kind", "name")):
    return fitted(stored, OFFER, lambda condition: condition.keys <= set(known), {"kind": "Loại", "team": "Nhóm"})


def test_a_view_that_names_nothing_retired_loses_nothing():
    assert fit(COMPANIES.stored()) == Fitted(COMPANIES)


def test_what_was_retired_is_left_out_and_told_by_its_name():
    where = parse("kind = 'company' and grade = 'vip' and name contains 'phở'")
    wanted = Wanted(where, order="-grade", columns=("grade", "phone", "x"), labels={"grade": "Hạng", "x": "Vùng"})
    found = fit(wanted.stored())
    assert found.wanted.columns == ("phone",)
    assert found.wanted.order == ""
    assert found.wanted.where == parse("kind = 'company' and name contains 'phở'")
    columns, order, condition = map(str, found.lost)
    assert "Hạng, Vùng" in columns
    assert "Hạng" in order
    assert "Hạng" in condition
    assert "kind" not in condition


def test_what_the_list_knows_and_does_not_show_this_reader_is_told_as_it_is_called_now():
    found = fit(Wanted(columns=("name", "team"), labels={"team": "Team"}).stored())
    assert "Nhóm" in str(found.lost[0])


def test_what_the_reader_may_not_read_is_left_out_without_its_name_and_value():
    where = parse("kind = 'company' and phone = '0912345678'")
    stored = Wanted(where, order="phone", columns=("email",), labels={"phone": "Điện thoại", "email": "Thư"}).stored()
    found = fitted(
        stored, OFFER, lambda condition: condition.keys <= {"kind"}, {}, lambda key: key in ("phone", "email")
    )
    assert found.wanted.where == parse("kind = 'company'")
    assert (found.wanted.order, found.wanted.columns) == ("", ())
    (told,) = map(str, found.lost)
    assert not any(word in told for word in ("0912", "phone", "Điện thoại", "Thư", "email"))


@pytest.mark.parametrize(
    "stored",
    [{"where": {"mọi": "thứ"}}, {"where": {"field": "kind", "op": "like", "value": 1}}, {"columns": ["gone"]},
     {"order": "password"}],
)  # fmt: skip
def test_what_can_no_longer_be_read_is_left_out_whole(stored):
    found = fit(stored)
    assert found.wanted == Wanted()
    assert len(found.lost) == 1


@pytest.mark.parametrize("size", [0, -1, 10**9, "25", None])
def test_a_page_size_that_is_none_is_the_usual_one(size):
    assert fit({"page_size": size}) == Fitted(Wanted())


# ── on the page ──
PAGE = "/khach-hang/list/"


@pytest.fixture
def hoa(app: Flask, client: Callable[..., FlaskClient]) -> FlaskClient:
    """Hoa, with two companies and a person on her list."""
    with app.app_context():
        who = queries.actor_of(db.session(), queries.member_by_username(db.session(), "hoa"))
        with transaction(who) as session:
            for name, kind in (("Phở Bò", "company"), ("An", "person"), ("Bún Chả", "company")):
                create_customer(session, by=who, name=name, kind=CustomerKind(kind))
    return client("hoa")


def soup(answer) -> BeautifulSoup:
    assert answer.status_code < 500, answer.text[:500]
    return BeautifulSoup(answer.text, "lxml")


def rows(page: BeautifulSoup) -> list[str]:
    return [link.text for link in page.select("[data-row] .tt-rowlink")]


def tab(page: BeautifulSoup) -> str:
    return page.select_one(".tt-views__tabs [aria-current]").text.strip()


def save(browser: FlaskClient, name: str, query: str) -> int:
    answer = browser.post("/khach-hang/views", data={"name": name, "query": query})
    assert answer.status_code == 302, answer.text
    return int(parse_qs(urlsplit(answer.location).query)["view"][0])


def test_a_view_shows_the_list_as_it_was_saved(hoa):
    number = save(hoa, "Công ty", "?where=kind = 'company'&order=name&columns=code,name&page_size=10")
    page = soup(hoa.get(f"{PAGE}?view={number}"))
    assert tab(page) == "Công ty"
    assert [head.text.strip() for head in page.select("thead th a")] == ["Mã", "Tên"]
    assert len(rows(page)) == 2
    assert not page.select('[value="save"]')


def test_what_is_asked_besides_a_view_marks_it_as_changed_and_is_saved_over(hoa):
    number = save(hoa, "Công ty", "?where=kind = 'company'")
    page = soup(hoa.get(f"{PAGE}?view={number}&where=kind = 'person'"))
    assert rows(page) == ["An"]
    assert tab(page) == "Công ty đã sửa"
    form = page.select_one('[value="save"]').find_parent("form")
    sent = {one["name"]: one["value"] for one in form.select("input")} | {"verb": "save"}
    assert hoa.post(form["action"], data=sent).status_code == 302
    page = soup(hoa.get(f"{PAGE}?view={number}"))
    assert (rows(page), tab(page)) == (["An"], "Công ty")
    stale = hoa.post(form["action"], data=sent)
    assert stale.status_code == 409
    assert "Lê Thị Hoa đã sửa cách xem này lúc" in stale.text


def test_a_filter_of_a_view_can_be_taken_off(hoa):
    number = save(hoa, "Công ty", "?where=kind = 'company'")
    chip = soup(hoa.get(f"{PAGE}?view={number}")).select_one(".tt-toolbar .tt-chip a:last-child")
    page = soup(hoa.get(PAGE + chip["href"]))
    assert len(rows(page)) == 3
    assert tab(page) == "Công ty đã sửa"


def test_a_list_opens_with_the_chosen_view_and_all_rows_stay_one_click_away(hoa):
    number = save(hoa, "Công ty", "?where=kind = 'company'")
    assert hoa.post(f"/khach-hang/views/{number}", data={"verb": "open_with"}).status_code == 302
    page = soup(hoa.get(PAGE))
    assert (tab(page), len(rows(page))) == ("Công ty", 2)
    page = soup(hoa.get(PAGE + page.select_one(".tt-views__tabs a")["href"]))
    assert (tab(page), len(rows(page))) == ("Tất cả", 3)


@pytest.mark.parametrize("name", ["", "x" * 61])
def test_a_refused_name_comes_back_with_all_that_was_asked(hoa, name):
    answer = hoa.post("/khach-hang/views", data={"name": name, "query": "?where=kind = 'company'"})
    assert answer.status_code == 422
    page = soup(answer)
    assert page.select_one("#name")["value"] == name
    assert page.select_one('[name="query"]')["value"] == "?where=kind = 'company'"
    error = page.select_one(f"#{page.select_one('#name')['aria-describedby']}")
    assert error.text.strip()


def test_the_message_takes_it_back(hoa):
    number = save(hoa, "Công ty", "")
    hoa.post(f"/khach-hang/views/{number}", data={"verb": "rename", "rev": "1", "name": "Doanh nghiệp"})
    undo = soup(hoa.get(f"{PAGE}?view={number}")).select("form[data-toast-undo]")[-1]
    hoa.post(undo["action"], data={one["name"]: one["value"] for one in undo.select("input")})
    assert tab(soup(hoa.get(f"{PAGE}?view={number}"))) == "Công ty"
    hoa.post(f"/khach-hang/views/{number}", data={"verb": "archive", "rev": "3"})
    undo = soup(hoa.get(PAGE)).select("form[data-toast-undo]")[-1]
    assert hoa.get(f"{PAGE}?view={number}").status_code == 404
    hoa.post(undo["action"], data={one["name"]: one["value"] for one in undo.select("input")})
    assert tab(soup(hoa.get(f"{PAGE}?view={number}"))) == "Công ty"


def test_a_retired_column_is_told_and_the_list_is_shown(app, hoa):
    number = save(hoa, "Công ty", "?where=kind = 'company'&columns=name,code")
    with app.app_context(), transaction() as session:
        view = session.get_one(SavedView, number)
        view.wanted = {
            **view.wanted, "columns": ["name", "grade"], "labels": {"grade": "Hạng"},
            "where": parse("kind = 'company' and grade = 'vip' and created_at = 'hôm kia'").to_json(),
        }  # fmt: skip
    for address in (f"{PAGE}?view={number}", f"{PAGE}?view={number}&page=1"):
        page = soup(hoa.get(address))
        assert len(rows(page)) == 2
        notes = " ".join(note.text for note in page.select(".tt-listnote"))
        assert "Cột Hạng không còn" in notes
        assert "hôm kia" in notes


BAD = ["view=x", "view=-1", "view=99999999999"]


@pytest.mark.parametrize("query", BAD)
def test_a_number_that_is_none_is_a_sentence(hoa, query):
    assert hoa.get(f"{PAGE}?{query}").status_code == 400


@pytest.mark.parametrize(
    ("data", "status"),
    [({"verb": "fly"}, 404), ({"verb": "rename", "name": "a"}, 400), ({"verb": "rename", "rev": "x"}, 400),
     ({"verb": "save", "rev": "1", "query": "?order=created_by.password"}, 400),
     ({"verb": "save", "rev": "1", "query": "?where=" + "x" * 40_000}, 400),
     ({"verb": "share", "rev": "1", "role": "x"}, 404), ({"verb": "rename", "rev": "1", "name": "a\0b"}, 400)],
)  # fmt: skip
def test_what_no_form_of_ours_sends_is_refused(hoa, data, status):
    number = save(hoa, "Công ty", "")
    assert hoa.post(f"/khach-hang/views/{number}", data=data).status_code == status


def test_a_view_that_is_not_there_and_one_of_somebody_else_are_told_alike_over_the_usual_list(hoa, client):
    number = save(hoa, "Chỉ mình Hoa", "")
    lan = client("lan")
    told = []
    for browser, address in ((hoa, f"{PAGE}?view={number + 7}"), (lan, f"{PAGE}?view={number}&page=9")):
        answer = browser.get(address)
        assert answer.status_code == 404
        page = soup(answer)
        assert tab(page) == "Tất cả"
        told.append(page.select_one(".tt-listnote").text.strip())
        assert browser is hoa or "Chỉ mình Hoa" not in answer.text
    assert told[0] == told[1]
    assert "không còn" in told[0]
    assert len(rows(soup(hoa.get(f"{PAGE}?view={number + 7}")))) == 3
    assert rows(soup(hoa.get(f"{PAGE}?view={number + 7}&where=kind = 'person'"))) == ["An"]
    assert lan.post(f"/khach-hang/views/{number}", data={"verb": "archive", "rev": "1"}).status_code == 404


# ── a condition that is wrong ──
@pytest.mark.parametrize(
    "where", ["kind =", "password = 'x'", "kind = 'unknown'", "created_at = 'hôm kia'", "{", "((((("]
)
def test_a_condition_that_cannot_be_read_stays_where_it_was_typed(hoa, where):
    answer = hoa.get(PAGE, query_string={"where": where})
    assert answer.status_code == 400
    page = soup(answer)
    assert page.select_one("#dieu-kien").text.strip() == where
    assert page.select_one("#dieu-kien-error").text.strip()
    assert rows(page) == []
    sentence = page.select_one("#dieu-kien-error").text.strip()
    assert page.select_one(".tt-empty p").text.strip() == sentence
    assert len(rows(soup(hoa.get(PAGE + page.select_one(".tt-empty a")["href"])))) == 3
    assert not page.select(".tt-views__tabs [aria-current], .tt-count, .tt-pager")
    assert not page.select("form[action$='/export'], form[action$='/views']")


@pytest.mark.parametrize("where", ["(((", "'Hà Nội' = name", "name 'Hà Nội'"])
def test_what_cannot_be_read_is_told_with_an_example_that_this_list_takes(hoa, where):
    page = soup(hoa.get(PAGE, query_string={"where": where}))
    example = "name contains 'Hà Nội'"
    assert example in page.select_one("#dieu-kien-error").text
    help_text = page.select_one("#dieu-kien-help code").text
    assert help_text.startswith(example)
    assert hoa.get(PAGE, query_string={"where": help_text}).status_code == 200


def test_the_editor_is_told_what_was_typed_or_what_is_wrong_in_it(hoa):
    told = hoa.post("/khach-hang/condition", data={"where": "kind = 'company'"}).json
    assert told == {"stored": {"field": "kind", "op": "=", "value": "company"}, "names": {}}
    assert hoa.post("/khach-hang/condition", data={"where": " "}).json == {"stored": None, "names": {}}
    assert list(hoa.post("/khach-hang/condition", data={"where": "kind ="}).json) == ["refusal"]


def test_the_editor_knows_people_by_their_names(hoa):
    lan = hoa.get("/chon/nguoi?q=lan").json["results"][0]
    told = hoa.post("/khach-hang/condition", data={"where": f"owner.name = {lan['id']}"}).json
    assert told["names"] == {"owner.name": {str(lan["id"]): lan["text"]}}
