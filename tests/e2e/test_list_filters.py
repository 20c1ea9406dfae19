"""Looking at a list in one's own way: filters by mouse, by keys and typed, kept as views, shared; columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE

pytestmark = pytest.mark.e2e

LIST = "/khach-hang/list/"


def asked(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query, keep_blank_values=True).items()}


def opened(page: Page, address: str = LIST) -> Locator:
    """The editor of the filter, with its fields."""
    page.goto(address)
    page.locator("summary", has_text="Lọc").click()
    expect(page.locator("[data-fe-row]").first).to_be_visible()
    return page.locator("[data-filter-editor]")


def row(editor: Locator, at: int, field: str) -> Locator:
    """The row at this place, about this field."""
    made = editor.locator("[data-fe-row]").nth(at)
    made.get_by_label("Trường", exact=True).select_option(field)
    return editor.locator("[data-fe-row]").nth(at)


def applied(editor: Locator) -> str:
    """Apply, and what is asked then."""
    page = editor.page
    before = page.url
    editor.get_by_role("button", name="Áp dụng").click()
    page.wait_for_url(lambda url: url != before)
    return asked(page).get("where", "")


def chips(page: Page) -> Locator:
    return page.locator(".tt-toolbar .tt-chip:has(.tt-clip)")


def take_off(chip: Locator) -> None:
    chip.get_by_role("link", name="Bỏ điều kiện này").click()


def nothing_sticks_out(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_list_is_narrowed_by_rows_and_a_group_and_widened_by_its_chips(size: tuple[int, int], desk: Desk) -> None:
    hoa = desk.page("hoa", size)
    editor = opened(hoa)
    row(editor, 0, "Loại").get_by_label("Công ty").check()
    editor.get_by_role("button", name="Thêm cụm điều kiện").click()
    row(editor, 1, "Ngày tạo").get_by_label("Ngày tạo: Giá trị").select_option("90 ngày qua")
    row(editor, 2, "Người phụ trách").get_by_label("tôi").check()
    nothing_sticks_out(hoa)
    assert applied(editor) == "kind = 'company' and (created_at = last_days(90) or owner.name = me())"
    expect(chips(hoa)).to_have_count(2)
    expect(chips(hoa).first).to_have_text("Loại là Công ty")
    nothing_sticks_out(hoa)
    take_off(chips(hoa).last)
    expect(chips(hoa)).to_have_count(1)
    take_off(chips(hoa).first)
    expect(chips(hoa)).to_have_count(0)


def test_it_opens_with_what_the_list_is_narrowed_to(desk: Desk) -> None:
    hoa = desk("hoa")
    typed = "created_at >= '2026-01-05' and created_at <= '2026-12-31' and name contains 'it''s'"
    editor = opened(hoa, f"{LIST}?where={typed}")
    expect(editor.locator("[data-fe-row]")).to_have_count(2)
    expect(editor.get_by_label("Ngày tạo: Từ")).to_have_value("05/01/2026")
    expect(editor.get_by_label("Ngày tạo: Đến")).to_have_value("31/12/2026")
    expect(editor.get_by_label("Tên: Giá trị")).to_have_value("it's")
    editor.get_by_label("Ngày tạo: Từ").fill("6/1/2026")
    assert applied(editor) == typed.replace("01-05", "01-06").replace("'it''s'", '"it\'s"')


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_chip_opens_its_own_condition_in_the_words_of_the_editor(size: tuple[int, int], desk: Desk) -> None:
    hoa = desk.page("hoa", size)
    typed = "kind = 'person' and created_at >= '2026-01-05' and created_at <= '2026-12-31' and name contains 'duyen'"
    hoa.goto(f"{LIST}?where={typed}")
    said = ["Loại là Cá nhân", "Ngày tạo từ 05/01/2026 đến 31/12/2026", "Tên chứa “duyen”"]
    expect(chips(hoa)).to_have_text(said)
    expect(hoa.locator(".tt-filters__count")).to_have_text("3")
    editor = hoa.locator("[data-filter-editor]")
    chips(hoa).last.get_by_text("duyen").click()
    text = editor.get_by_label("Tên: Giá trị")
    expect(text).to_be_focused()
    told = [row.get_by_label("Cách so sánh").locator("option:checked") for row in editor.locator("[data-fe-row]").all()]
    assert [one.inner_text() for one in told] == ["là", "từ … đến", "chứa"]
    hoa.keyboard.press("Escape")
    chips(hoa).nth(1).get_by_text("Ngày tạo").press("Enter")
    expect(editor.get_by_label("Ngày tạo: Từ")).to_be_focused()
    hoa.keyboard.press("Escape")
    chips(hoa).last.get_by_text("duyen").click()
    text.fill("an")
    assert applied(editor).endswith("name contains 'an'")
    nothing_sticks_out(hoa)


def test_a_day_that_is_none_is_told_and_not_sent(desk: Desk) -> None:
    hoa = desk("hoa")
    editor = opened(hoa)
    row(editor, 0, "Ngày tạo").get_by_label("Ngày tạo: Cách so sánh").select_option("là ngày")
    editor.get_by_label("Ngày tạo: Giá trị").fill("hôm qua")
    editor.get_by_role("button", name="Áp dụng").click()
    expect(editor.get_by_role("alert").filter(has_text="Ví dụ: 31/12/2026")).to_be_visible()
    expect(editor.get_by_label("Ngày tạo: Giá trị")).to_be_focused()
    assert hoa.url.endswith(LIST)


def test_a_person_is_looked_up_and_known_again(desk: Desk) -> None:
    hoa = desk("hoa")
    editor = opened(hoa)
    row(editor, 0, "Người phụ trách").locator(".ts-control input").fill("ngoc lan")
    editor.locator(".ts-dropdown .option", has_text="Nguyễn Ngọc Lan").first.click()
    assert re.fullmatch(r"owner\.name = \d+", applied(editor))
    expect(chips(hoa)).to_have_text(["Người phụ trách là Nguyễn Ngọc Lan"])
    hoa.locator("summary", has_text="Lọc").click()
    expect(editor.locator(".ts-control .item")).to_have_text("Nguyễn Ngọc Lan")


def test_by_keys_alone(desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto(LIST)
    summary = hoa.locator("summary", has_text="Lọc")
    hoa.keyboard.press("f")
    field = hoa.locator("[data-fe-row]").first.get_by_label("Trường", exact=True)
    expect(field).to_be_focused()
    hoa.keyboard.press("Escape")
    expect(hoa.locator("[data-filter-editor] form")).to_be_hidden()
    expect(summary).to_be_focused()
    hoa.keyboard.press("Enter")
    hoa.keyboard.press("Tab")
    expect(field).to_be_focused()
    hoa.keyboard.press("Tab")
    hoa.keyboard.press("Tab")
    hoa.keyboard.type("pho")
    hoa.keyboard.press("Enter")
    hoa.wait_for_url(re.compile("where="))
    expect(chips(hoa)).to_have_text(["Tên chứa “pho”"])


def test_what_is_typed_becomes_rows_or_is_told_why_not(desk: Desk) -> None:
    hoa = desk("hoa")
    editor = opened(hoa)
    editor.get_by_role("button", name="Viết điều kiện bằng chữ").click()
    text = editor.get_by_label("Điều kiện", exact=True)
    expect(text).to_be_focused()
    text.fill("kind = ")
    editor.get_by_role("button", name="Xếp thành dòng").click()
    expect(editor.locator("#dieu-kien-error")).not_to_be_empty()
    expect(text).to_have_value("kind = ")
    text.fill("kind = 'company' or not (note empty)")
    editor.get_by_role("button", name="Xếp thành dòng").click()
    expect(editor.locator("#dieu-kien-error")).to_contain_text("không xếp thành dòng được")
    text.fill("kind = 'company' or note not empty")
    editor.get_by_role("button", name="Xếp thành dòng").click()
    expect(editor.get_by_label("Hiện dòng khi")).to_have_value("or")
    expect(editor.get_by_label("Loại: Giá trị").locator("option:checked")).to_have_text("Công ty")
    editor.locator("[data-fe-row]").nth(1).get_by_role("button", name="Bỏ điều kiện này").click()
    editor.get_by_role("button", name="Viết điều kiện bằng chữ").click()
    expect(text).to_have_value("kind = 'company'")


def test_a_typed_condition_that_is_refused_stays_with_the_sentence_why(desk: Desk) -> None:
    hoa = desk("hoa")
    editor = opened(hoa)
    editor.get_by_role("button", name="Viết điều kiện bằng chữ").click()
    text = editor.get_by_label("Điều kiện", exact=True)
    text.fill("password = 'x'")
    editor.get_by_role("button", name="Áp dụng").click()
    hoa.wait_for_url(re.compile("where=password"))
    expect(text).to_be_visible()
    expect(text).to_have_value("password = 'x'")
    expect(editor.locator("#dieu-kien-error")).to_be_visible()
    expect(hoa.locator("[data-row], h1 .tt-count, .tt-pager")).to_have_count(0)
    expect(hoa.locator(".tt-listhead").get_by_text("Xuất")).to_have_count(0)
    hoa.keyboard.press("Escape")
    hoa.get_by_role("link", name="Bỏ bộ lọc").click()
    expect(hoa.locator("[data-row]").first).to_be_visible()


def test_fields_that_could_not_be_loaded_are_asked_for_again(desk: Desk) -> None:
    hoa = desk.page("hoa")
    hoa.route(
        "**/khach-hang/fields", lambda route: route.fulfill(status=200, body="…", content_type="text/html"), times=1
    )
    hoa.goto(LIST)
    hoa.locator("summary", has_text="Lọc").click()
    hoa.get_by_role("button", name="Thử lại").click()
    expect(hoa.locator("[data-fe-row]")).to_have_count(1)


def test_without_a_script_the_typed_condition_narrows_the_list(desk: Desk) -> None:
    hoa = desk.page("hoa", scripts=False)
    hoa.goto(LIST)
    hoa.locator("summary", has_text="Lọc").click()
    expect(hoa.locator("[data-fe-switch]")).to_be_hidden()
    hoa.get_by_label("Điều kiện", exact=True).fill("kind = 'company'")
    hoa.locator("[data-filter-editor]").get_by_role("button", name="Áp dụng").click()
    expect(chips(hoa)).to_have_text(["Loại là Công ty"])
    hoa.locator("summary", has_text="Lưu cách xem").click()
    hoa.get_by_role("button", name="Lưu cách xem").click()
    expect(hoa.locator("#name-error")).to_be_visible()
    hoa.get_by_label("Tên cách xem").fill("Không có script")
    hoa.get_by_role("button", name="Lưu", exact=True).click()
    expect(hoa.locator(".tt-views__tabs [aria-current]")).to_have_text("Không có script")
    expect(chips(hoa)).to_have_text(["Loại là Công ty"])


# ── views ──
def keep(page: Page, name: str) -> None:
    page.locator("summary", has_text="Lưu").first.click()
    page.get_by_label("Tên cách xem").fill(name)
    page.keyboard.press("Enter")
    expect(current(page)).to_have_text(name)


def current(page: Page) -> Locator:
    return page.locator(".tt-views__tabs [aria-current]")


def menu(page: Page, name: str) -> Locator:
    page.locator(f'summary[aria-label="Cách xem {name}"]').click()
    return page.locator(".tt-viewmenu")


@pytest.fixture
def tidy(desk: Desk) -> Callable[[Page, str], None]:
    """Archives a view again, from its own menu."""

    def archive(page: Page, name: str) -> None:
        page.goto(f"{LIST}?view=0")
        page.locator(".tt-views__tabs a", has_text=name).click()
        menu(page, name).get_by_role("button", name="Lưu trữ").click()
        expect(page.locator(".tt-views__tabs a", has_text=name)).to_have_count(0)

    return archive


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_view_is_kept_changed_renamed_archived_and_brought_back(size: tuple[int, int], desk: Desk) -> None:
    minh = desk.page("minh", size)
    minh.goto(f"{LIST}?where=kind%20%3D%20%27person%27")
    keep(minh, "Công ty")
    minh.goto(f"{minh.url}&where=kind%20%3D%20%27person%27&order=name")
    expect(current(minh)).to_have_text(re.compile("Công ty.*đã sửa", re.DOTALL))
    nothing_sticks_out(minh)
    minh.get_by_role("button", name="Lưu", exact=True).click()
    expect(current(minh)).to_have_text("Công ty")
    expect(minh.locator("th[aria-sort]")).to_have_count(1)
    panel = menu(minh, "Công ty")
    panel.get_by_label("Tên", exact=True).fill("Doanh nghiệp")
    panel.get_by_role("button", name="Đổi tên").click()
    expect(current(minh)).to_have_text("Doanh nghiệp")
    nothing_sticks_out(minh)
    menu(minh, "Doanh nghiệp").get_by_role("button", name="Lưu trữ").click()
    expect(current(minh)).to_have_text("Tất cả")
    minh.locator("form[data-toast-undo] button").last.click()
    expect(current(minh)).to_have_text("Doanh nghiệp")
    menu(minh, "Doanh nghiệp").get_by_role("button", name="Lưu trữ").click()
    expect(minh.locator(".tt-views__tabs a", has_text="Doanh nghiệp")).to_have_count(0)


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_name_that_is_taken_is_told_where_it_was_typed(
    size: tuple[int, int], desk: Desk, tidy: Callable[[Page, str], None]
) -> None:
    minh = desk.page("minh", size)
    minh.goto(f"{LIST}?where=kind%20%3D%20%27person%27")
    keep(minh, "Cá nhân")
    minh.goto(f"{LIST}?where=kind%20%3D%20%27company%27")
    minh.locator("summary", has_text="Lưu").first.click()
    name = minh.get_by_label("Tên cách xem")
    name.fill("cá nhân")
    minh.keyboard.press("Enter")
    expect(minh.get_by_role("alert").filter(has_text="Đã có cách xem tên")).to_be_visible()
    expect(name).to_be_focused()
    expect(name).to_have_value("cá nhân")
    nothing_sticks_out(minh)
    desk.complaints.clear()  # the browser notes the refusal that was asked for
    name.fill("Pháp nhân")
    expect(minh.get_by_role("alert").filter(has_text="Đã có")).to_have_count(0)
    minh.get_by_role("button", name="Lưu cách xem").click()
    expect(current(minh)).to_have_text("Pháp nhân")
    expect(chips(minh)).to_have_text(["Loại là Công ty"])
    panel = menu(minh, "Pháp nhân")
    panel.get_by_label("Tên", exact=True).fill("Cá nhân")
    panel.get_by_role("button", name="Đổi tên").click()
    expect(panel.get_by_role("alert")).to_contain_text("Đã có cách xem tên")
    desk.complaints.clear()
    for one in ("Pháp nhân", "Cá nhân"):
        tidy(minh, one)


def test_a_view_shared_with_a_role_opens_the_list_of_its_members(desk: Desk, tidy: Callable[[Page, str], None]) -> None:
    hoa, lan = desk("hoa"), desk("lan")
    hoa.goto(f"{LIST}?where=kind%20%3D%20%27person%27&columns=name,phone")
    keep(hoa, "Công ty chung")
    panel = menu(hoa, "Công ty chung")
    panel.get_by_label("Ai thấy cách xem này").select_option("Vai trò Nhân viên")
    panel.get_by_role("button", name="Dùng chung").click()
    expect(current(hoa)).to_contain_text("Dùng chung với vai trò Nhân viên")
    lan.goto(LIST)
    expect(current(lan)).not_to_contain_text("Công ty chung")
    lan.locator(".tt-views__tabs a", has_text="Công ty chung").click()
    expect(lan.locator("thead th", has_text="Số điện thoại")).to_have_count(1)
    expect(lan.locator("thead th", has_text="Email")).to_have_count(0)
    lan.locator('summary[aria-label="Cách xem Công ty chung"]').click()
    expect(lan.get_by_role("button", name="Đổi tên")).to_have_count(0)
    lan.keyboard.press("Escape")
    menu(hoa, "Công ty chung").get_by_role("button", name="Đặt làm mặc định của vai trò").click()
    expect(hoa.locator("#toasts")).to_contain_text("mọi người trong vai trò")
    lan.goto(LIST)
    expect(current(lan)).to_contain_text("Công ty chung")
    lan.locator(".tt-views__tabs a").first.click()
    expect(current(lan)).to_have_text("Tất cả")
    lan.locator('summary[aria-label="Danh sách này mở thế nào"]').click()
    with lan.expect_navigation():
        lan.get_by_role("button", name="Mở danh sách không qua cách xem").click()
    lan.goto(LIST)
    expect(current(lan)).to_have_text("Tất cả")
    tidy(hoa, "Công ty chung")


def test_views_are_put_in_order(desk: Desk, tidy: Callable[[Page, str], None]) -> None:
    hoa = desk("hoa")
    for name in ("Một", "Hai"):
        hoa.goto(f"{LIST}?view=0")
        keep(hoa, name)
    menu(hoa, "Hai").get_by_role("button", name="Sang trái").click()
    expect(hoa.locator(".tt-views__tabs a").filter(has_text=re.compile("^(Một|Hai)$"))).to_have_text(["Hai", "Một"])
    for name in ("Một", "Hai"):
        tidy(hoa, name)


# ── columns ──
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_columns_are_chosen_and_put_in_order_by_keys(size: tuple[int, int], desk: Desk) -> None:
    hoa = desk.page("hoa", size)
    hoa.goto(LIST)
    hoa.locator("details[data-columns] > summary").press("Enter")
    chooser = hoa.locator("details[data-columns]")
    up = chooser.get_by_role("button", name="Chuyển lên: Số điện thoại")
    expect(up).to_be_enabled()
    up.press("Enter")
    expect(up).to_be_focused()
    chooser.get_by_label("Email", exact=True).uncheck()
    chooser.get_by_label("Loại", exact=True).check()
    chooser.get_by_label("Số dòng mỗi trang").select_option("10")
    nothing_sticks_out(hoa)
    chooser.get_by_role("button", name="Áp dụng").click()
    hoa.wait_for_url(re.compile("columns="))
    assert asked(hoa)["columns"] == "name,phone,code,owner.name,created_at,kind"
    assert asked(hoa)["page_size"] == "10"
    expect(hoa.locator("#so-dong")).to_have_value("10")
    hoa.locator("details[data-columns] > summary").click()
    chooser.get_by_role("button", name="Về mặc định").click()
    chooser.get_by_role("button", name="Áp dụng").click()
    hoa.wait_for_url(lambda url: "columns=" not in url)
    assert "page_size" not in asked(hoa)


def test_columns_are_dragged(desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto(LIST)
    hoa.locator("details[data-columns] > summary").click()
    chooser = hoa.locator("details[data-columns]")
    expect(chooser.get_by_role("button", name="Chuyển xuống: Tên")).to_be_enabled()  # the script is there
    chooser.locator('[data-column="email"] [data-grip]').drag_to(chooser.locator('[data-column="name"]'))
    chooser.get_by_role("button", name="Áp dụng").click()
    hoa.wait_for_url(re.compile("columns=email"))


def test_the_list_of_people_has_it_all_too(desk: Desk) -> None:
    hoa = desk("hoa")
    editor = opened(hoa, "/nhan-su/list/")
    row(editor, 0, "Tên đăng nhập").get_by_label("Tên đăng nhập: Giá trị").fill("lan")
    assert applied(editor).endswith(" contains 'lan'")
    expect(chips(hoa)).to_have_count(1)
    keep(hoa, "Chỉ Lan")
    menu(hoa, "Chỉ Lan").get_by_role("button", name="Lưu trữ").click()
    expect(current(hoa)).to_have_text("Tất cả")


def test_cards_are_sorted_from_a_menu_that_a_desk_does_not_show(desk: Desk) -> None:
    phone = desk.page("hoa", PHONE)
    phone.goto(LIST)
    phone.locator("summary", has_text="Sắp xếp").click()
    falling = phone.get_by_role("link", name="Tên: giảm dần")
    box = falling.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    nothing_sticks_out(phone)
    falling.click()
    phone.wait_for_url(lambda url: "order=-name" in url)
    wide = desk.page("hoa", DESK)
    wide.goto(LIST)
    expect(wide.locator("summary", has_text="Sắp xếp")).to_be_hidden()


def test_a_condition_without_its_value_stays_and_is_told(desk: Desk) -> None:
    hoa = desk.page("hoa", DESK)
    hoa.goto(f"{LIST}?view=0")
    hoa.locator(".tt-fe__open").click()
    hoa.locator("[data-fe-add]").first.click()
    values = hoa.locator(".tt-fe__value input")
    values.first.fill("Bình")
    hoa.get_by_role("button", name="Áp dụng").locator("visible=true").click()
    expect(hoa.locator(".tt-fe__rows .tt-err")).to_have_text("Chọn hoặc nhập giá trị, hoặc bỏ điều kiện này.")
    expect(hoa.locator("[data-fe-row]")).to_have_count(2)
    values.nth(1).fill("Công ty")
    expect(hoa.locator(".tt-fe__rows .tt-err")).to_have_count(0)
