"""The frame of every page: a menu of one's own, a page that tells where it stands, a palette that keeps secrets."""

from __future__ import annotations

import re
from datetime import timedelta
from random import Random

import pytest
from bs4 import BeautifulSoup
from flask import flash, redirect
from sqlalchemy import event, select

from app import views
from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.edge import sign_in_cookie
from app.core.find_view import FEW
from app.core.pages import Undo
from app.core.screens import acting
from app.core.screens.saving import unpacked
from app.customers.models import Customer
from app.customers.services import create_customer
from app.tasks.models import Task
from tests.cast import Cast

CUSTOMERS = ["Khách hàng", "Nhóm khách hàng", "Khách bị lãng quên"]
WORK = ["Hồ sơ quy trình", "Điền biểu mẫu", "Phiếu"]
STAFF = ["Sáng nay", "Công việc", *CUSTOMERS, *WORK]
HEAD = ["Sáng nay", "Công việc", *CUSTOMERS, "Nghi trùng", "Nhập dữ liệu", *WORK, "Phiếu gửi từ ngoài"]
ADMIN = [*HEAD, "Biểu mẫu & phiếu", "Quản trị"]


def read(browser, address):
    answer = browser.get(address, follow_redirects=True)
    assert answer.status_code == 200, (address, answer.status_code)
    return BeautifulSoup(answer.text, "lxml")


def words(tag):
    return " ".join(tag.get_text(" ").split())


# ── the menu ──


def entries(soup):
    """The links of the sidebar by their words; a group by its own."""
    nav = soup.select_one(".tt-nav")
    return [
        words(one.select_one(":scope > span") or one) for one in nav.select(":scope > a, :scope > details > summary")
    ]


@pytest.mark.parametrize(("username", "menu"), [("lan", STAFF), ("tuan", STAFF), ("minh", HEAD), ("hoa", ADMIN)])
def test_the_menu_stands_in_the_order_of_the_day_and_holds_what_one_may_use(client, username, menu):
    assert entries(read(client(username), "/")) == menu


@pytest.mark.parametrize("username", ["lan", "minh", "hoa", "tuan"])
def test_no_entry_and_no_command_leads_to_a_closed_door(client, begun, username):
    browser = client(username)
    links = {one["href"] for one in read(browser, "/").select("a[data-command]")}
    assert len(links) >= len(STAFF)
    refused = {link: status for link in links if (status := browser.get(link).status_code) != 200}
    assert refused == {}


def test_a_group_is_open_where_the_page_belongs_to_it(client):
    group = read(client("hoa"), "/thu-di/").select_one('details[data-group="admin"]')
    assert group.has_attr("open")
    assert group.has_attr("data-here")
    assert words(group.select_one('[aria-current="page"]')) == "Thư đi"
    assert not read(client("hoa"), "/").select_one('details[data-group="admin"]').has_attr("data-here")


def test_groups_have_names_of_their_own():
    keys = [entry.key for entry in views.MENU if isinstance(entry, views.Group)]
    assert keys
    assert len(keys) == len(set(keys))


def due(app, moment):
    with app.app_context(), transaction(SYSTEM) as session:
        task = session.scalars(select(Task)).one()
        task.assignee_id = Cast(db.session()).lan.user_id
        task.state = "claimed"
        task.due_at = moment


def badge(client):
    return read(client("lan"), "/khach-hang/list/").select_one('.tt-nav a[href="/cong-viec/"] .tt-nav__count')


def test_the_badge_counts_open_work_and_is_red_only_for_what_is_late(app, client, begun):
    assert badge(client) is None
    due(app, clock.now() + timedelta(hours=2))
    calm = badge(client)
    assert "tt-nav__count--late" not in calm["class"]
    assert calm["title"] == "1 việc đang mở"
    due(app, clock.now() - timedelta(hours=2))
    red = badge(client)
    assert "tt-nav__count--late" in red["class"]
    assert red["title"] == "1 việc quá hạn trong 1 việc đang mở"
    assert red["title"] in words(red)


# ── where one stands ──

#: pages that the menu names, and the ones in front of it
SECTIONS = {"/", "/cong-viec/", "/khach-hang/list/", "/ho-so/", "/bieu-mau/list/", "/quy-trinh/list/", "/nhan-su/list/",
            "/bo-phan/list/", "/vai-tro/list/", "/thu-di/", "/tin-bao/", "/cai-dat/"}  # fmt: skip


def crumbs(soup):
    return [words(one) for one in soup.select(".tt-crumb--page li")]


def below(begun):
    """address → what stands above and the page itself."""
    code = "HS-000001"
    return {
        "/khach-hang/add": ["Khách hàng", "Thêm khách hàng"],
        f"/khach-hang/show/{begun['customer']}": ["Khách hàng", "KH000001"],
        f"/khach-hang/edit/{begun['customer']}": ["Khách hàng", "Đặng Thị Mỹ Duyên", "Sửa khách hàng"],
        f"/ho-so/{begun['instance']}": ["Hồ sơ quy trình", code],
        "/ho-so/bat-dau": ["Hồ sơ quy trình", "Chạy quy trình"],
        "/ho-so/bat-dau/giao-hang-cham": ["Hồ sơ quy trình", "Chạy quy trình", "Giao hàng chậm"],
        f"/cong-viec/{begun['task']}": ["Công việc", code, "Tiếp nhận phản ánh và xin lỗi"],
        "/thong-bao/": ["Sáng nay", "Thông báo"],
        "/tai-khoan/": ["Sáng nay", "Tài khoản của bạn"],
        f"/nhan-su/show/{begun['member']}": ["Nhân sự", "Nguyễn Ngọc Lan"],
        "/tim/?q=zzz": ["Sáng nay", "Tìm kiếm"],
    }


def test_every_page_below_a_section_tells_the_way_back(client, begun):
    browser = client("lan")
    shown = {address: crumbs(read(browser, address)) for address in below(begun)}
    assert shown == below(begun)


def test_every_step_above_can_be_opened(client, begun):
    browser = client("lan")
    for address in below(begun):
        soup = read(browser, address)
        steps = soup.select(".tt-crumb--page li")
        assert steps[-1].select_one('[aria-current="page"]'), address
        for step in steps[:-1]:
            assert browser.get(step.a["href"]).status_code == 200, (address, step.a["href"])


def test_a_page_of_the_menu_stands_alone(client):
    browser = client("hoa")
    menu = {link["href"] for link in read(browser, "/").select(".tt-nav a")}
    assert menu >= SECTIONS
    assert {address: crumbs(read(browser, address)) for address in menu} == {key: [] for key in menu}


def test_every_generated_page_of_a_record_has_its_way_back(client, begun):
    browser = client("hoa")
    for section, kind in (("quy-trinh", "Quy trình"), ("bieu-mau", "Biểu mẫu"), ("bo-phan", "Bộ phận")):
        shown = crumbs(read(browser, f"/{section}/show/1"))
        assert len(shown) == 2, section
        assert shown[0].startswith(kind)


# ── what a browser remembers ──


def test_pages_of_records_name_their_record_and_other_pages_none(client, begun):
    browser = client("lan")
    named = {f"/khach-hang/show/{begun['customer']}": "customer", f"/ho-so/{begun['instance']}": "instance",
             f"/cong-viec/{begun['task']}": "task"}  # fmt: skip
    for address, kind in named.items():
        assert read(browser, address).main["data-record"] == f"{kind}:{begun[kind]}"
    for address in ("/", "/khach-hang/list/", "/tim/?q=zzz", f"/khach-hang/edit/{begun['customer']}"):
        assert not read(browser, address).main.has_attr("data-record"), address


def test_recently_opened_answers_names_in_the_order_of_the_keys(client, begun):
    asked = "&".join(f"r={kind}:{begun[kind]}" for kind in ("task", "customer", "instance"))
    items = client("lan").get(f"/tim/vua-mo?{asked}&r=customer:999&r=nothing").json["items"]
    assert [item["title"] for item in items] == [
        "Tiếp nhận phản ánh và xin lỗi", "Đặng Thị Mỹ Duyên", "Giao hàng chậm",
    ]  # fmt: skip
    assert items[0]["key"] == f"task:{begun['task']}"
    assert items[1]["url"] == f"/khach-hang/show/{begun['customer']}"


def test_recently_opened_is_silent_of_what_one_may_not_see(client, begun):
    asked = "&".join(f"r={kind}:{number}" for kind, number in begun.items() if kind not in ("process", "member"))
    assert client("tuan").get(f"/tim/vua-mo?{asked}").json == {"items": []}


# ── the palette ──


def found(browser, text):
    answer = browser.get("/tim/goi-y", query_string={"q": text})
    assert answer.status_code == 200, text
    return {group["label"]: [item["title"] for item in group["items"]] for group in answer.json["groups"]}


def test_the_palette_finds_records_by_kind(client, begun):
    assert found(client("lan"), "duyen") == {
        "Khách hàng": ["Đặng Thị Mỹ Duyên"],
        "Công việc": ["Tiếp nhận phản ánh và xin lỗi"],
        "Hồ sơ quy trình": ["Giao hàng chậm"],
    }


def test_the_palette_never_tells_of_another_teams_customers(client, begun):
    tuan = client("tuan")
    for text in ("duyen", "dang thi my", "0912345678", "5678", "KH000001", "HS-000001", "giao hang cham, hs"):
        told = found(tuan, text)
        assert "Công việc" not in told, text
        assert "Hồ sơ quy trình" not in told, text
        assert not any("Duyên" in title for titles in told.values() for title in titles), text


def test_a_phone_that_nobody_has_is_offered_with_the_number_filled_in(client, begun):
    lan = client("lan")
    (group,) = lan.get("/tim/goi-y?q=0966.111.222").json["groups"]
    (offer,) = group["items"]
    assert offer["title"] == "Thêm khách hàng với số 0966 111 222"
    form = read(lan, offer["url"])
    assert form.find(id="phone")["value"] == "0966 111 222"


@pytest.mark.parametrize("typed", ["", "abc", "0" * 500, "%00", "<script>"])
def test_the_add_form_takes_nothing_but_a_phone_number_from_the_address(client, typed):
    answer = client("lan").get(f"/khach-hang/add?phone={typed}")
    assert answer.status_code == 200
    assert BeautifulSoup(answer.text, "lxml").find(id="phone").get("value", "") == ""


HARMLESS = ["%", "_", "'", '"', "';--", "\\", "*", '"*', "(", "a" * 10_000, "đ" * 10_000, "0" * 10_000, "🙂", "\ufffe"]


@pytest.mark.both_databases
def test_no_text_does_harm(client, begun):
    lan = client("lan")
    assert {text: found(lan, text) for text in HARMLESS} == {text: {} for text in HARMLESS}
    for text in HARMLESS[:12]:
        assert lan.get("/tim/", query_string={"q": text}).status_code == 200, text[:20]
    assert lan.get("/tim/goi-y?q=a%00b").status_code == 400


def test_nobody_signed_in_is_told_nothing(client, begun):
    for address in ("/tim/goi-y?q=duyen", f"/tim/vua-mo?r=customer:{begun['customer']}", "/tim/?q=duyen"):
        answer = client().get(address)
        assert answer.status_code == 302
        assert "Duyên" not in answer.text


def test_a_palette_answer_is_short_and_takes_few_queries(app, client, begun):
    with app.app_context():
        lan = Cast(db.session()).lan
        with transaction(lan) as session:
            for number in range(FEW + 3):
                create_customer(session, by=lan, name=f"Duyên {number}", phone=None)
    browser, asked = client("lan"), []

    def listen(*given):
        asked.append(given[2])

    browser.get("/tim/goi-y?q=duyen")
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", listen)
    try:
        groups = browser.get("/tim/goi-y?q=duyen").json["groups"]
    finally:
        with app.app_context():
            event.remove(db.engine, "before_cursor_execute", listen)
    assert max(len(group["items"]) for group in groups) == FEW
    assert len([one for one in asked if one.startswith("SELECT")]) <= 12


# ── the page of the search box ──


def test_the_search_page_lists_by_kind(client, begun):
    soup = read(client("lan"), "/tim/?q=duyen")
    assert [words(head) for head in soup.select("main h2")] == ["Khách hàng", "Công việc", "Hồ sơ quy trình"]
    assert soup.select_one(".tt-search input")["value"] == "duyen"


@pytest.mark.parametrize("typed", ["0912345678", "+84 912 345 678", "kh000001"])
def test_a_whole_phone_number_or_a_code_opens_the_customer(client, begun, typed):
    answer = client("lan").get("/tim/", query_string={"q": typed})
    assert answer.status_code == 302
    assert answer.location == f"/khach-hang/show/{begun['customer']}"


def test_the_last_four_digits_open_the_one_customer_and_a_name_is_shown_first(client, begun):
    browser = client("lan")
    assert browser.get("/tim/", query_string={"q": "5678"}).location.startswith("/khach-hang/show/")
    assert browser.get("/tim/", query_string={"q": "duyen dang"}).status_code == 200


def test_nothing_found_says_so_and_what_to_do(client, begun):
    empty = read(client("lan"), "/tim/?q=zzz").select_one(".tt-empty")
    assert "Không tìm thấy “zzz”" in words(empty)
    assert empty.a["href"] == "/khach-hang/add"
    assert "Gõ tên" in words(read(client("lan"), "/tim/").select_one(".tt-empty"))


# ── messages ──


def test_what_was_done_is_put_into_a_region_that_was_there_before(client, begun):
    lan = client("lan")
    answer = lan.post(f"/cong-viec/{begun['task']}/nhan", follow_redirects=True)
    soup = BeautifulSoup(answer.text, "lxml")
    assert "Bạn đã nhận việc này" in words(soup.select_one("#toasts [data-toast] > span"))
    assert soup.find(id="said")["role"] == "status"
    assert soup.find(id="said-at-once")["aria-live"] == "assertive"
    assert words(soup.find(id="said")) == words(soup.find(id="said-at-once")) == ""


def test_archiving_one_record_can_be_undone_from_the_message(client, begun):
    minh = client("minh")
    page = f"/khach-hang/show/{begun['customer']}"
    answer = minh.post(f"/khach-hang/action/archive/{begun['customer']}", data={"back": page}, follow_redirects=True)
    undo = BeautifulSoup(answer.text, "lxml").select_one("form[data-toast-undo]")
    assert words(undo.button) == "Hoàn tác"
    sent = {field["name"]: field["value"] for field in undo.select("input")}
    assert sent["back"] == page
    restored = minh.post(undo["action"], data=sent, follow_redirects=True)
    assert restored.status_code == 200
    assert "Đã lưu trữ" not in words(BeautifulSoup(restored.text, "lxml").select_one(".tt-rechead"))
    assert BeautifulSoup(restored.text, "lxml").select_one("form[data-toast-undo]") is None


def live_customers(app):
    with app.app_context():
        return set(db.session.scalars(select(Customer.id).where(Customer.archived_at.is_(None))))


def test_archiving_many_can_be_undone_from_the_message_for_those_alone(app, client, begun):
    with app.app_context(), transaction(Cast(db.session()).lan) as session:
        lan = Cast(session).lan
        chosen = [create_customer(session, by=lan, name=f"Chị {name}", phone=None).id for name in ("Ba", "Tư", "Năm")]
    before, minh, here = live_customers(app), client("minh"), "/khach-hang/list/?order=name"
    minh.post(f"/khach-hang/action/archive/{chosen[0]}")  # was archived before: it stays so
    answer = minh.post("/khach-hang/action_post", data={"action": "archive", "rowid": chosen, "back": here},
                       follow_redirects=True)  # fmt: skip
    assert live_customers(app) == before - set(chosen)
    page = BeautifulSoup(answer.text, "lxml")
    assert "2 xong, 1 bị từ chối" in words(page.select_one(".tt-flash"))
    undo = page.select_one(".tt-flash form")
    sent = {field["name"]: field["value"] for field in undo.select("input")}
    assert unpacked(sent["rows"], 1000) == chosen[1:]
    restored = minh.post(undo["action"], data=sent)
    assert restored.location == here
    assert live_customers(app) == before - {chosen[0]}


def test_a_message_that_takes_many_rows_back_and_tells_many_refusals_fits_the_cookie(app):
    random = Random(4)
    rows = ".".join(str(random.randint(1, 9999)) for _row in range(acting._LONGEST_UNDO))[: acting._LONGEST_UNDO]
    reason = "Khách hàng này đã được lưu trữ bởi Phạm Quang Minh lúc "
    refused = [(f"KH{number:06}", f"{reason}{random.random()}"[:140]) for number in range(20)]
    with app.test_request_context():
        sign_in_cookie("t" * 43)
        flash(acting._result(700, refused, Undo("/khach-hang/action_post", rows, "restore"), ""), "warning")
        answer = app.process_response(redirect("/"))
    assert len(answer.headers["Set-Cookie"]) < 3600  # browsers drop one above 4096


# ── empty lists ──

EMPTY = ["/", "/cong-viec/", "/cong-viec/?queue=1", "/khach-hang/list/", "/ho-so/", "/ho-so/?trang_thai=completed",
         "/ho-so/?trang_thai=cancelled", "/ho-so/bat-dau", "/thong-bao/", "/tim/?q=zzz"]  # fmt: skip


def test_every_empty_list_has_a_sentence_of_its_own_and_a_picture(client):
    browser, told = client("lan"), {}
    for address in EMPTY:
        empty = read(browser, address).select_one(".tt-empty")
        assert empty.svg is not None, address
        told[address] = words(empty.p)
    assert len(set(told.values())) == len(EMPTY), told
    assert all(re.match(r"\w.{15,}\.$", sentence) for sentence in told.values()), told
