"""A form with every kind of field: drawn by dragging and by keys alone, filled in, changed twice; old answers stay."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from app.forms.fields import TYPES
from tests.e2e.conftest import Desk

pytestmark = pytest.mark.e2e

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)
PHOTO = FilePayload(name="bat-vo.png", mimeType="image/png", buffer=PNG)
LETTER = FilePayload(name="don.txt", mimeType="text/plain", buffer="Đơn PS-00123".encode())
#: where its upper left corner is, once it is in view
PLACE = """(one) => {
  one.scrollIntoView({ block: "nearest" });
  const { x, y } = one.getBoundingClientRect();
  return [x, y];
}"""
#: kind → what Lan types into it; the others are chosen, looked up, sent or drawn
TYPED = {
    "text": "Bát sứ Minh Long", "long_text": "Vỡ hai cái, khách gửi ảnh", "email": "an@sao-mai.example",
    "integer": "12",
    "decimal": "2,5", "percent": "12,5", "money": "250000", "date": "22/11/2026", "time": "14:30",
    "date_time": "22/11/2026 09:15", "phone": "0912345678", "citizen_id": "001190000123", "tax_code": "0312345673",
}  # fmt: skip
#: kind → by how many arrows the answer stands behind the first one
CHOSEN = {"choice": 1, "dependent_choice": 0, "yes_no": 0, "stars": 3, "nps": 9, "team": 0}
CUSTOMER, MEMBER = "Đặng Thị Mỹ Duyên", "Nguyễn Ngọc Lan"
#: kind → how its answer is told on the submission
SHOWN = {
    "text": "Bát sứ Minh Long", "long_text": "Vỡ hai cái, khách gửi ảnh", "email": "an@sao-mai.example",
    "integer": "12",
    "decimal": "2,5", "percent": "12,5%", "money": "250.000 ₫", "date": "22/11/2026", "time": "14:30",
    "date_time": "22/11/2026 09:15", "yes_no": "Có", "choice": "Lựa chọn 2", "choices": "Lựa chọn 1, Lựa chọn 2",
    "dependent_choice": "Lựa chọn 2", "stars": "4", "nps": "9", "phone": "0912 345 678", "citizen_id": "001190000123",
    "tax_code": "0312345673", "address": "Hà Nội", "customer": "Đặng Thị Mỹ Duyên", "member": "Lan", "team": "CSKH",
    "file": "don.txt", "photo": "bat-vo.png", "rows": "30.000", "calculated": "24",
}  # fmt: skip


class Builder:
    """Hoa at the builder; what she does with its parts is the same whether she drags or types."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator("[data-properties]")
        self.canvas = page.locator("[data-canvas]")
        kinds = page.locator("[data-kinds] [data-type]")
        expect(kinds).to_have_count(len(TYPES))
        #: kind → what the palette calls it, which is what a new field of it is labelled
        self.labels: dict[str, str] = dict(
            kinds.evaluate_all("(all) => all.map((one) => [one.dataset.type, one.textContent.trim()])")
        )

    def setting(self, name: str) -> Locator:
        return self.panel.locator(f"[data-setting='{name}']")

    def cell(self, label: str) -> Locator:
        """What is pressed to choose the field of that label."""
        return self.canvas.locator(f".tt-fcell__pick[aria-label^='{label}']")

    def is_drawn(self) -> None:
        """Everything is kept, nothing is to be corrected."""
        expect(self.page.locator("[data-fields-count]")).to_have_text(re.compile(rf"\b{len(TYPES)}\b"))
        expect(self.page.locator("[data-problems-head]")).to_have_text("Không có điều cần sửa")
        expect(self.page.locator("[data-saved]")).to_have_attribute("data-state", "saved")

    def publish(self, *told: str) -> None:
        """Published by mouse; the question names what is different."""
        self.page.get_by_role("button", name="Phát hành", exact=True).click()
        question = self.page.get_by_role("dialog")
        for sentence in told:
            expect(question).to_contain_text(sentence)
        with self.page.expect_navigation():
            question.get_by_role("button", name="Phát hành").click()


def begin(page: Page, name: str) -> Builder:
    page.goto("/bieu-mau/moi")
    page.get_by_label("Tên biểu mẫu").fill(name)
    page.get_by_label("Tên biểu mẫu").press("Enter")
    page.wait_for_url("**/ve")
    return Builder(page)


def drag(page: Page, what: Locator, onto: Locator) -> None:
    """Taken with the mouse and let go above the upper edge of the other."""
    (x, y), (to_x, to_y) = what.evaluate(PLACE), onto.evaluate(PLACE)
    page.mouse.move(x + 8, y + 8)
    page.mouse.down()
    page.mouse.move(x + 30, y + 12, steps=2)
    page.mouse.move(to_x + 20, to_y + 6, steps=6)
    page.wait_for_timeout(120)  # the list looks twenty times a second at what hangs over it
    page.mouse.up()


def draw_by_dragging(page: Page, name: str) -> Builder:
    builder = begin(page, name)
    for count, code in enumerate(sorted(builder.labels, reverse=True), 1):
        drag(page, page.locator(f"[data-kinds] [data-type='{code}']"), builder.canvas.locator(".tt-frow > *").first)
        expect(builder.canvas.locator("[data-field]")).to_have_count(count)
        if code == "rows":
            two_columns(builder)
    labels = builder.labels
    # Dragged inside of the form: the sums stand below the table that they are of.
    drag(page, builder.cell(labels["calculated"]), builder.cell(labels["rows"]))
    builder.cell(labels["dependent_choice"]).click()
    builder.setting("depends_on").get_by_role("combobox").select_option(label=labels["choice"])
    for number in (1, 2):
        offered = builder.setting("options").locator("li").nth(number - 1).locator("details.tt-options__for")
        offered.locator("summary").click()
        offered.get_by_label(f"Lựa chọn {number}").check()
    builder.cell(labels["calculated"]).click()
    builder.setting("formula").get_by_role("textbox").fill("so_nguyen * 2")
    builder.is_drawn()
    return builder


def two_columns(builder: Builder) -> None:
    """What was bought and what it cost, which is added up."""
    columns = builder.setting("fields")
    columns.locator("details").first.locator("summary").click()
    columns.get_by_label("Nhãn").fill("Món")
    columns.get_by_role("button", name="Thêm cột").click()
    cost = columns.locator("details").nth(1)
    cost.get_by_label("Nhãn").fill("Giá")
    cost.get_by_label("Loại").select_option("money")
    builder.setting("sums").get_by_label("Giá").check()


def asked(page: Page, label: str) -> Locator:
    """The question of that label, with all that it is answered with."""
    told = page.locator(".form-label", has_text=re.compile(rf"^\s*{re.escape(label)}\s*(bắt buộc)?\s*$"))
    return page.locator("[data-question]").filter(has=told).first


def fill_in(page: Page, labels: dict[str, str]) -> None:
    """Lan answers everything, by mouse."""

    def of(code: str) -> Locator:
        return asked(page, labels[code])

    for code, typed in TYPED.items():
        of(code).locator("input.form-control, textarea").fill(typed)
    for code, label in (("choice", "Lựa chọn 2"), ("yes_no", "Có"), ("stars", "4"), ("nps", "9"), ("team", "CSKH")):
        of(code).get_by_text(label, exact=True).click()
    # With the second answer above, the first one here is not offered any more.
    expect(of("dependent_choice").get_by_text("Lựa chọn 1")).to_be_hidden()
    of("dependent_choice").get_by_text("Lựa chọn 2").click()
    for number in (1, 2):
        of("choices").get_by_label(f"Lựa chọn {number}").check()
    of("member").get_by_role("combobox").select_option(label=MEMBER)
    of("address").get_by_label("Tỉnh, thành phố").select_option("01")
    look_up(page, of("address").get_by_role("combobox", name="Phường, xã"), "hoan kiem", "Hoàn Kiếm")
    of("address").get_by_label("Số nhà").fill("12 Hàng Bài")
    look_up(page, of("customer").get_by_role("combobox"), "my duyen", CUSTOMER)
    for code, sent in (("file", LETTER), ("photo", PHOTO)):
        of(code).locator("input[type=file]").set_input_files(sent)
        expect(of(code).get_by_text(sent["name"])).to_be_visible()
    rows = of("rows")
    for number, (what, price) in enumerate((("Phở bò", "10000"), ("Trà đá", "20000"))):
        if number:
            rows.get_by_role("button", name="Thêm dòng").click()
        rows.locator("tbody tr").nth(number).locator("input").nth(0).fill(what)
        rows.locator("tbody tr").nth(number).locator("input").nth(1).fill(price)
    expect(rows.locator("tfoot")).to_contain_text("30.000")
    expect(of("calculated").locator("output")).to_have_text("24")
    field = of("signature").get_by_role("application")
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 90, steps=5)
    page.mouse.up()


def look_up(page: Page, box: Locator, typed: str, wanted: str) -> None:
    box.click()
    page.keyboard.type(typed)
    page.get_by_role("option", name=wanted).first.click()


def send(page: Page) -> str:
    """Sent; the address of what came of it."""
    page.get_by_role("button", name="Gửi", exact=True).click()
    page.wait_for_url(re.compile(r"/phieu/[0-9]+$"))
    return page.url


def stands_as_answered(page: Page, address: str, labels: dict[str, str], version: int) -> None:
    page.goto(address)
    expect(page.locator(".tt-fillhead").first).to_contain_text(f"phiên bản {version}")
    answers = page.locator(".tt-answers > div")
    for code, shown in SHOWN.items():
        one = answers.filter(has=page.get_by_text(labels[code], exact=True))
        if code == "photo":
            expect(one.get_by_role("img", name=shown)).to_be_visible()
        else:
            expect(one.locator("dd"), code).to_contain_text(shown)
    expect(page.get_by_role("img", name="Đã ký")).to_be_visible()


def answer_one(page: Page, code: str, label: str) -> str:
    """Lan answers one question of the form and sends it."""
    page.goto(f"/dien-phieu/{code}")
    asked(page, label).locator("input.form-control").fill("5")
    return send(page)


def test_drawn_by_dragging_filled_in_and_changed_twice_and_what_was_answered_stays(desk: Desk) -> None:
    hoa, lan = desk("hoa"), desk("lan")
    builder = draw_by_dragging(hoa, "Đủ loại, kéo thả")
    code, labels = hoa.url.rpartition("/bieu-mau/")[2].removesuffix("/ve"), builder.labels
    builder.publish()
    lan.goto(f"/dien-phieu/{code}")
    fill_in(lan, labels)
    # The draft keeps all of it, files too.
    expect(lan.locator("form[data-kept]")).to_be_visible()
    lan.reload()
    for name in (LETTER["name"], PHOTO["name"]):
        expect(lan.get_by_text(name)).to_be_visible()
    first = send(lan)
    stands_as_answered(lan, first, labels, 1)

    # Version 2: a question is retired, after a look at who would miss it.
    hoa.goto(f"/bieu-mau/{code}/truong/so_nguyen")
    uses = hoa.get_by_role("main")
    expect(uses).to_contain_text("1 phiếu")
    expect(uses).to_contain_text(labels["calculated"])
    hoa.goto(f"/bieu-mau/{code}/truong/chu_ngan")
    uses.get_by_role("button", name="Ngừng dùng trường").click()
    hoa.goto(f"/bieu-mau/{code}/ve")
    builder.publish("phiên bản 2", labels["text"])
    lan.goto(f"/dien-phieu/{code}")
    expect(lan.get_by_text(labels["text"], exact=True)).to_have_count(0)
    second = answer_one(lan, code, labels["integer"])

    # Version 3: one is taken away, one has a new label, one must be answered.
    hoa.goto(f"/bieu-mau/{code}/ve")
    builder.cell(labels["stars"]).click()
    hoa.keyboard.press("Delete")
    builder.cell(labels["money"]).click()
    builder.setting("label").get_by_role("textbox").first.fill("Bồi thường")
    builder.cell(labels["integer"]).click()
    builder.setting("required").check()
    builder.publish("phiên bản 3", labels["stars"], "Bồi thường")
    third = answer_one(lan, code, labels["integer"])

    stands_as_answered(lan, first, labels, 1)
    for address, version in ((second, 2), (third, 3)):
        lan.goto(address)
        expect(lan.locator(".tt-fillhead").first).to_contain_text(f"phiên bản {version}")


# ── by keys alone: nothing below touches the mouse ──


def tab_to(page: Page, what: Locator, key: str = "Tab", most: int = 60) -> Locator:
    """On with Tab until it has the focus."""
    for _ in range(most):
        if what.evaluate_all("(all) => all.includes(document.activeElement)"):
            return what
        page.keyboard.press(key)
    raise AssertionError(f"{most} times {key} do not lead to {what}")


def turn_to(page: Page, select: Locator, label: str, key: str = "Tab") -> None:
    """The list stands on that choice, by the arrows."""
    tab_to(page, select, key)
    chosen = "(one) => one.selectedOptions[0]?.label"
    for _ in range(60):
        if select.evaluate(chosen) == label:
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{label} is not in the list")


def draw_by_keys(page: Page, name: str) -> Builder:
    builder = begin(page, name)
    labels, keys = builder.labels, page.keyboard
    search = page.get_by_label("Tìm loại trường")
    tab_to(page, search)
    for count, (code, label) in enumerate(labels.items(), 1):
        tab_to(page, search, "Shift+Tab")
        keys.insert_text(label)
        keys.press("Enter")
        expect(builder.canvas.locator("[data-field]")).to_have_count(count)
        expect(builder.setting("label").get_by_role("textbox").first).to_be_focused()
        assert builder.setting("label").get_by_role("textbox").first.input_value() == label
        if code == "dependent_choice":
            turn_to(page, builder.setting("depends_on").get_by_role("combobox"), labels["choice"])
            for number in (1, 2):
                offered = builder.setting("options").locator("li").nth(number - 1).locator("details.tt-options__for")
                tab_to(page, offered.locator("summary"))
                keys.press("Enter")
                tab_to(page, offered.get_by_label(f"Lựa chọn {number}"))
                keys.press("Space")
        elif code == "rows":
            columns = builder.setting("fields")
            tab_to(page, columns.get_by_role("button", name="Thêm cột"))
            keys.press("Enter")
            turn_to(page, columns.locator("details").nth(1).get_by_label("Loại"), labels["money"])
            tab_to(page, builder.setting("sums").get_by_label("Cột 2"))
            keys.press("Space")
        elif code == "calculated":
            tab_to(page, builder.setting("formula").get_by_role("textbox"))
            keys.insert_text("so_nguyen * 2")
    # The last one goes up by one, is taken away, and comes back.
    last = builder.cell(labels["signature"])
    tab_to(page, last, "Shift+Tab")
    keys.press("Alt+ArrowUp")
    expect(page.locator("[data-said]")).to_contain_text(f"vị trí {len(TYPES) - 1} trên {len(TYPES)}")
    expect(last).to_be_focused()
    keys.press("Delete")
    expect(last).to_have_count(0)
    keys.press("Control+z")
    builder.is_drawn()
    tab_to(page, page.get_by_role("button", name="Phát hành", exact=True), "Shift+Tab")
    keys.press("Enter")
    tab_to(page, page.get_by_role("dialog").get_by_role("button", name="Phát hành"))
    with page.expect_navigation():
        keys.press("Enter")
    return builder


def answer_by_keys(page: Page, labels: dict[str, str]) -> None:
    """From question to question with Tab, as they stand; every one is answered with the keys that its kind knows."""
    keys = page.keyboard
    # Listened to from here on, so that no key is pressed before the browser knows that its chooser is waited for.
    page.on("filechooser", lambda _chooser: None)

    def into(code: str, which: str) -> Locator:
        return tab_to(page, asked(page, labels[code]).locator(which).locator("visible=true"))

    for code in labels:
        if code in TYPED:
            into(code, "input.form-control, textarea")
            keys.insert_text(TYPED[code])
        elif code in CHOSEN:
            into(code, "input[type=radio]")
            keys.press("Space")
            for _ in range(CHOSEN[code]):
                keys.press("ArrowRight")
        elif code == "choices":
            for box in asked(page, labels[code]).get_by_role("checkbox").all():
                tab_to(page, box)
                keys.press("Space")
        elif code == "member":
            turn_to(page, asked(page, labels[code]).get_by_role("combobox"), MEMBER)
        elif code == "address":
            into(code, "select[name$='.province']")
            while "Hà Nội" not in page.evaluate("document.activeElement.selectedOptions[0].label"):
                keys.press("ArrowDown")
            choose_by_keys(page, into(code, "input[role=combobox]"), "hoan kiem", "Hoàn Kiếm")
        elif code == "customer":
            choose_by_keys(page, into(code, "input[role=combobox]"), "my duyen", CUSTOMER)
        elif code in ("file", "photo"):
            choose_file(page, into(code, "input[type=file]"), LETTER if code == "file" else PHOTO)
            expect(asked(page, labels[code]).get_by_text("don.txt" if code == "file" else "bat-vo.png")).to_be_visible()
        elif code == "rows":
            for price in ("10000", "20000"):
                into(code, "tbody tr:last-child td:last-child input, tbody tr:last-child input[name$='.cot_2']")
                keys.insert_text(price)
                if price == "10000":
                    tab_to(page, asked(page, labels[code]).get_by_role("button", name="Thêm dòng"))
                    keys.press("Enter")
        elif code == "signature":
            into(code, "[role=application]")
            for key in ("Space", "ArrowRight", "ArrowRight", "ArrowDown", "Space"):
                keys.press(key)


def choose_file(page: Page, box: Locator, file: FilePayload) -> None:
    """By the browser's own chooser, which Space opens. A browser that has much to do opens none at times: as anybody
    would, we press again, if the focus is still there."""
    for _ in range(3):
        expect(box).to_be_focused()
        with suppress(PlaywrightTimeoutError):
            with page.expect_file_chooser(timeout=6_000) as asks:
                page.keyboard.press("Space")
            asks.value.set_files(file)
            return
    raise AssertionError("Space opens no chooser")


def choose_by_keys(page: Page, box: Locator, typed: str, wanted: str) -> None:
    expect(box).to_be_focused()
    page.keyboard.type(typed)
    expect(page.get_by_role("option", name=wanted).first).to_be_visible()
    page.keyboard.press("Enter")


def test_drawn_and_filled_in_by_keys_alone(desk: Desk) -> None:
    hoa, lan = desk("hoa"), desk("lan")
    builder = draw_by_keys(hoa, "Đủ loại, bàn phím")
    labels = builder.labels
    expect(hoa.get_by_text("Đã phát hành phiên bản 1.")).to_be_visible()
    lan.goto(hoa.get_by_role("link", name="Điền phiếu này").get_attribute("href") or "")
    answer_by_keys(lan, labels)
    tab_to(lan, lan.get_by_role("button", name="Gửi", exact=True))
    lan.keyboard.press("Enter")
    lan.wait_for_url(re.compile(r"/phieu/[0-9]+$"))
    stands_as_answered(lan, lan.url, labels, 1)


# ── two windows ──


def test_two_windows_draw_one_form_and_whoever_comes_second_chooses_among_three(desk: Desk) -> None:
    first = begin(desk("hoa"), "Hai cửa sổ")
    first.page.get_by_label("Tìm loại trường").press("Enter")
    expect(first.page.locator("[data-saved]")).to_have_attribute("data-state", "saved")
    other = desk.page("hoa")
    other.goto(first.page.url)
    second = Builder(other)

    def call(builder: Builder, label: str) -> None:
        builder.canvas.locator(".tt-fcell__pick").click()
        builder.setting("label").get_by_role("textbox").first.fill(label)

    def stands(builder: Builder, label: str) -> None:
        expect(builder.cell(label)).to_have_count(1)
        expect(builder.page.locator("[data-saved]")).to_have_attribute("data-state", "saved")

    def choose(builder: Builder, way: str, *told: str) -> None:
        question = builder.page.get_by_role("alert").filter(has_text="Lê Thị Hoa đã lưu bản nháp này")
        for label in told:
            expect(question).to_contain_text(label)
        question.get_by_role("button", name=way).click()
        expect(question).to_be_hidden()

    call(first, "Bản một")
    stands(first, "Bản một")
    call(second, "Bản hai")
    choose(second, "Dùng bản của tôi", "Bản một", "Bản hai")
    stands(second, "Bản hai")
    call(first, "Bản ba")
    choose(first, "Lấy bản của Lê Thị Hoa", "Bản ba", "Bản hai")
    expect(first.cell("Bản hai")).to_have_count(1)
    first.page.get_by_role("button", name="Hoàn tác").click()
    stands(first, "Bản ba")
    call(second, "Bản bốn")
    choose(second, "Trở về bản gốc", "Bản ba", "Bản bốn")
    stands(second, "Bản hai")
    # The browser notes the refusals that were asked for, and nothing else.
    assert all("409" in one for one in desk.complaints)
    desk.complaints.clear()
