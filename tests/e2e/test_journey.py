"""Do people get from a complaint to a satisfied customer? Lan, Minh, Hoa, Tuấn and Bình at a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Desk
from tests.e2e.looks import PHONE
from tests.e2e.product import LATE_DELIVERY, Product, Rest, until
from tests.notifications.sink import Sink

pytestmark = pytest.mark.e2e

RECEIVE, FIND, UPDATE = "Tiếp nhận phản ánh và xin lỗi", "Tìm đơn hàng và tình trạng giao", "Cập nhật cho khách"
APPROVE, CALL_BACK = "Duyệt bồi thường", "Gọi lại xác nhận hài lòng"


def press(page: Page, name: str) -> None:
    page.get_by_role("main").get_by_role("button", name=name, exact=False).first.click()


def said(page: Page, sentence: str) -> None:
    """The short message about what was just done."""
    expect(page.locator("#toasts")).to_contain_text(sentence)


def row(page: Page, *words: str) -> Any:
    """The line of a list that holds all these words."""
    found = page.locator("[data-row]")
    for word in words:
        found = found.filter(has_text=word)
    return found


def is_not_there(page: Page, path: str) -> None:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="Không có trang này")).to_be_visible()


def start_for_new_customer(page: Page, name: str, phone: str) -> None:
    """From the button on every page to the form of the first task."""
    page.goto("/")
    page.locator("header").get_by_text("Tạo mới").click()
    page.get_by_role("link", name="Chạy quy trình").first.click()
    page.get_by_role("link", name="Giao hàng chậm").click()
    page.get_by_role("button", name="Thêm khách hàng mới").click()
    page.get_by_label("Tên khách hàng").fill(name)
    page.get_by_label("Số điện thoại").fill(phone)
    press(page, "Bắt đầu")
    said(page, "Đã mở hồ sơ HS-")
    expect(page.get_by_role("heading", name=RECEIVE, level=1)).to_be_visible()


def receive(page: Page, compensation: str) -> None:
    page.get_by_label("Khách phản ánh gì").fill("Đơn trễ một ngày, khách cần trước 18 giờ")
    page.get_by_label("Số tiền bồi thường").fill(compensation)
    page.get_by_label("Lời nhắn cho bộ phận Vận hành").fill("Tìm giúp em đơn PS-00123")
    page.get_by_label("Lời xin lỗi").fill("Em xin lỗi chị, bên em sẽ báo lại trong hai giờ")
    press(page, "Hoàn thành")
    said(page, f"Đã xong “{RECEIVE}”")


def find_order(page: Page) -> None:
    page.get_by_label("Đơn hàng đang ở đâu").select_option(label="Đang trên đường giao")
    page.get_by_label("Kết quả kiểm tra").fill("Xe hỏng ở Gia Lâm, sáng mai giao")
    press(page, "Hoàn thành")
    said(page, f"Đã xong “{FIND}”")


def update(page: Page) -> None:
    page.get_by_text("Điện thoại", exact=True).click()
    page.get_by_label("Nội dung đã báo khách").fill("Hẹn giao sáng mai trước 9 giờ")
    press(page, "Hoàn thành")
    said(page, f"Đã xong “{UPDATE}”")


def call_back(page: Page) -> None:
    page.get_by_text("Gọi được", exact=True).click()
    page.get_by_text("Có", exact=True).click()
    press(page, "Hoàn thành")
    said(page, f"Đã xong “{CALL_BACK}”")


def open_work(page: Page, task: str, customer: str) -> str:
    """Open the task from the person's own list; its address."""
    page.goto("/cong-viec/")
    row(page, task, customer).get_by_role("link", name=task).click()
    expect(page.get_by_role("heading", name=task, level=1)).to_be_visible()
    return page.url


def is_completed(page: Page, customer: str) -> None:
    page.goto("/ho-so/?trang_thai=completed")
    row(page, customer).get_by_role("link", name="Giao hàng chậm").click()
    expect(page.get_by_role("main")).to_contain_text("Hồ sơ đã hoàn thành")


def test_a_late_delivery_goes_from_the_first_call_to_a_satisfied_customer(desk: Desk, tmp_path: Path) -> None:
    lan, minh, tuan, binh = desk("lan"), desk("minh"), desk("tuan"), desk("binh")
    customer = "Trịnh Thị Quỳnh Như"

    # Lan starts it for somebody who has never called before, and forgets two answers.
    start_for_new_customer(lan, customer, "0903 118 301")
    expect(lan.locator("html")).to_have_attribute("lang", "vi")
    lan.get_by_label("Khách phản ánh gì").fill("Đơn trễ một ngày")
    lan.get_by_label("Số tiền bồi thường").fill("sáu trăm")
    press(lan, "Hoàn thành")
    summary = lan.get_by_role("alert").filter(has_text="2 mục")
    expect(summary.get_by_role("listitem")).to_have_count(2)
    apology, compensation = lan.get_by_label("Lời xin lỗi"), lan.get_by_label("Số tiền bồi thường")
    expect(compensation).to_have_accessible_description(re.compile("Số tiền chưa đúng. Ví dụ: 500.000"))
    expect(apology).to_have_attribute("aria-invalid", "true")
    expect(apology).to_have_accessible_description("Điền thông tin vào đây.")
    expect(compensation).to_have_value("sáu trăm")
    expect(lan.get_by_label("Khách phản ánh gì")).to_have_value("Đơn trễ một ngày")
    receive(lan, "650.000")

    # Vận hành has it: both see it, Bình takes it, and from then on it is his alone.
    for page in (tuan, binh):
        page.goto("/cong-viec/?queue=1")
        expect(row(page, FIND, customer)).to_be_visible()
    row(tuan, FIND, customer).get_by_role("link", name=FIND).click()
    expect(tuan.get_by_role("heading", name=FIND, level=1)).to_be_visible()
    offered = tuan.url
    row(binh, FIND, customer).get_by_role("button", name="Nhận việc").click()
    said(binh, "Bạn đã nhận việc này")
    is_not_there(tuan, offered)
    tuan.goto("/cong-viec/?queue=1")
    expect(row(tuan, FIND, customer)).to_have_count(0)

    # He reads what Lan wrote, leaves a note with a file, and sees as much of the customer as he needs.
    expect(binh.get_by_text("Tìm giúp em đơn PS-00123")).to_be_visible()
    binh.get_by_label("Viết nội dung trao đổi").fill("Đã gọi tài xế")
    with binh.expect_file_chooser() as chooser:
        binh.get_by_text("chọn tệp").click()
    chooser.value.set_files({"name": "Lệnh giao hàng.txt", "mimeType": "text/plain", "buffer": b"Xe 29C-123.45"})
    press(binh, "Gửi")
    expect(binh.locator(".tt-talk__list > li").last).to_contain_text("Đã gọi tài xế")
    with binh.expect_download() as download:
        binh.get_by_role("link", name="Lệnh giao hàng.txt").click()
    kept = tmp_path / "kept"
    download.value.save_as(kept)
    assert download.value.suggested_filename == "Lệnh giao hàng.txt"
    assert kept.read_text(encoding="utf-8") == "Xe 29C-123.45"
    task = binh.url
    binh.get_by_role("link", name=customer, exact=True).click()
    expect(binh.get_by_role("heading", name=customer, level=1)).to_be_visible()
    expect(binh.get_by_role("main")).to_contain_text("0903 118 301")
    expect(binh.get_by_role("main")).to_contain_text("nhờ công việc được giao")
    handed = binh.url
    for page in (binh, tuan):
        page.goto("/khach-hang/list/")
        expect(page.get_by_role("main")).not_to_contain_text(customer)
        expect(page.get_by_role("main")).not_to_contain_text("Đặng Thị Mỹ Duyên")
    is_not_there(tuan, handed)
    binh.goto(task)
    find_order(binh)

    # Lan tells the customer, Minh decides, Lan reads the decision before she calls back.
    open_work(lan, UPDATE, customer)
    update(lan)
    open_work(minh, APPROVE, customer)
    expect(minh.get_by_text("650.000 ₫", exact=True)).to_be_visible()
    minh.get_by_label("Lý do hoặc ghi chú").fill("Khách quen, lỗi của mình")
    minh.get_by_role("button", name="Duyệt").click()
    said(minh, f"Đã xong “{APPROVE}”")
    open_work(lan, CALL_BACK, customer)
    expect(lan.get_by_text("Đã duyệt")).to_be_visible()
    expect(lan.get_by_text("Khách quen, lỗi của mình")).to_be_visible()
    call_back(lan)
    is_completed(lan, customer)
    expect(lan.get_by_role("main")).to_contain_text("Đỗ Thanh Bình")
    is_not_there(binh, handed)  # what was lent for the work ends with it


def test_a_compensation_that_is_refused_is_told_before_the_customer_is_called(desk: Desk, product: Product) -> None:
    lan, minh = desk("lan"), desk("minh")
    customer = "Lý Gia Hân"
    run_to_approval(product, customer)
    open_work(minh, APPROVE, customer)
    minh.get_by_label("Lý do hoặc ghi chú").fill("Đơn chỉ có 300.000 ₫")
    minh.get_by_role("button", name="Từ chối").click()
    said(minh, f"Đã xong “{APPROVE}”")
    open_work(lan, CALL_BACK, customer)
    expect(lan.get_by_text("Đã từ chối")).to_be_visible()
    expect(lan.get_by_text("Đơn chỉ có 300.000 ₫")).to_be_visible()
    call_back(lan)
    is_completed(lan, customer)


def run_to_approval(product: Product, customer: str) -> None:
    """What comes before the decision, by programs; the pages of these steps are looked at above."""
    lan, binh = Rest(product, "lan"), Rest(product, "binh")
    number = lan.post("customers/", {"name": customer, "phone": "0903 118 302"})["id"]
    instance = lan.post("instances/", {"process": LATE_DELIVERY, "customer_id": number})["id"]
    answers = (
        (lan, {"happened": "Đơn trễ một ngày", "compensation": 2_000_000, "apology": "Em xin lỗi chị"}),
        (binh, {"order_status": "on_the_way", "finding": "Xe hỏng ở Gia Lâm"}),
        (lan, {"channel": "phone", "message": "Hẹn giao sáng mai"}),
    )
    for who, given in answers:
        (task,) = lan.get(f"instances/{instance}")["open_tasks"]
        rev = who.get(f"tasks/{task['id']}")["rev"]
        who.post(f"tasks/{task['id']}/complete", {"answers": given, "rev": rev})


def test_a_task_whose_time_is_over_tells_the_bell_and_sends_one_mail(desk: Desk, product: Product, mails: Sink) -> None:
    step = "Gọi khách trước giờ giao"
    hoa = Rest(product, "hoa")
    hoa.publish("goi-truoc", step, assign="user:lan", due="PT1S")
    hoa.post("instances/", {"process": "goi-truoc", "customer_id": None})
    lan, minh, admin = desk("lan"), desk("minh"), desk("hoa")

    until(lambda: _about(mails, step), "the mail")
    (mail,) = _about(mails, step)
    assert mail["To"] == "lan@phosen.example"
    (link,) = re.findall(r"http://\S+/cong-viec/\d+", mail.get_body(("plain",)).get_content())

    lan.goto("/")
    lan.get_by_role("link", name=re.compile("Thông báo, [1-9]")).click()
    row(lan, f"{step} đã quá hạn").get_by_role("button").click()
    expect(lan).to_have_url(link)
    expect(lan.get_by_role("timer")).to_contain_text(re.compile("[Qq]uá hạn"))
    lan.goto("/cong-viec/?qua_han=1")
    expect(row(lan, step)).to_contain_text(re.compile("[Qq]uá hạn"))

    # Minh sees how late his team is.
    minh.goto("/cong-viec/?team=1&qua_han=1")
    expect(row(minh, step, "Nguyễn Ngọc Lan")).to_contain_text(re.compile("[Qq]uá hạn"))
    minh.goto("/")
    expect(minh.locator(".tt-team li").filter(has_text="Ngọc Lan")).to_contain_text(re.compile("[1-9] quá hạn"))

    admin.goto("/thu-di/")
    expect(row(admin, step, "lan@phosen.example")).to_contain_text("Đã gửi")
    row(admin, step).get_by_role("link", name=step).click()
    expect(admin.get_by_role("main")).to_contain_text(str(mail["Message-ID"]).strip("<>"))
    assert len(_about(mails, step)) == 1


def _about(mails: Sink, task: str) -> list[Any]:
    return [mail for mail in mails.mails if task in str(mail["Subject"])]


def test_a_mail_that_was_refused_is_explained_and_sent_again_by_hand(desk: Desk, product: Product, mails: Sink) -> None:
    step = "Gọi lại cho kho"
    mails.replies["binh@phosen.example"] = ["451 4.2.1 Mailbox busy"]
    rest = Rest(product, "hoa")
    rest.publish("goi-kho", step, assign="user:binh", due="PT1S")
    rest.post("instances/", {"process": "goi-kho", "customer_id": None})
    hoa = desk("hoa")
    until(lambda: product.rows("SELECT 1 FROM outbox WHERE last_error LIKE '%Mailbox busy%'"), "the refusal")
    hoa.goto("/thu-di/")
    expect(row(hoa, step)).to_contain_text("thử lại")
    expect(row(hoa, step)).to_contain_text("Mailbox busy")
    row(hoa, step).get_by_role("button", name="Gửi lại").click()
    until(lambda: _about(mails, step), "the mail")
    until(lambda: product.rows("SELECT 1 FROM outbox WHERE status = 'done' AND subject LIKE ?", f"%{step}"), "its mark")
    hoa.goto("/thu-di/")
    expect(row(hoa, step)).to_contain_text("Đã gửi")
    assert len(_about(mails, step)) == 1


def test_a_head_hands_work_to_somebody_else_who_hears_of_it_at_the_bell(
    desk: Desk, product: Product, mails: Sink
) -> None:
    step = "Soạn thư xin lỗi"
    hoa = Rest(product, "hoa")
    hoa.publish("soan-thu", step, assign="user:lan", due="PT8H")
    hoa.post("instances/", {"process": "soan-thu", "customer_id": None})
    minh, lan, dat = desk("minh"), desk("lan"), desk("dat")

    minh.goto("/cong-viec/?team=1")
    row(minh, step, "Nguyễn Ngọc Lan").get_by_role("link", name=step).click()
    minh.get_by_label("Thao tác với công việc").click()
    minh.get_by_role("button", name="Giao lại").first.click()
    dialog = minh.get_by_role("dialog")
    dialog.get_by_label("Giao cho").select_option(label="Vũ Thành Đạt, 0 việc đang mở")
    dialog.get_by_label("Lời nhắn").fill("Lan nghỉ chiều nay")
    dialog.get_by_role("button", name="Giao lại").click()
    said(minh, "giao")
    expect(minh.get_by_role("main")).to_contain_text("Vũ Thành Đạt")

    dat.goto("/thong-bao/")
    row(dat, f"Phạm Quang Minh giao cho bạn: {step}").get_by_role("button").click()
    expect(dat.get_by_role("heading", name=step, level=1)).to_be_visible()
    expect(dat.get_by_role("main")).to_contain_text("Lan nghỉ chiều nay")
    lan.goto("/cong-viec/")
    expect(row(lan, step)).to_have_count(0)
    assert not _about(mails, step)


def test_of_two_who_finish_one_task_the_second_keeps_what_he_typed_and_reads_who_was_faster(
    desk: Desk, product: Product
) -> None:
    lan, dat = desk("lan"), desk("dat")
    start_for_new_customer(lan, "Hồ Thanh Trúc", "0903 118 304")
    dat.goto("/cong-viec/?queue=1")
    row(dat, RECEIVE, "Hồ Thanh Trúc").get_by_role("link", name=RECEIVE).click()
    dat.get_by_label("Khách phản ánh gì").fill("Khách gọi lần thứ hai")
    dat.get_by_label("Số tiền bồi thường").fill("300000")
    dat.get_by_label("Lời xin lỗi").fill("Xin lỗi chị Trúc")
    receive(lan, "0")

    press(dat, "Hoàn thành")
    conflict = dat.get_by_role("alert")
    expect(conflict).to_contain_text("Nguyễn Ngọc Lan đã hoàn thành việc này")
    expect(conflict).to_contain_text("Những gì bạn nhập vẫn còn đây")
    expect(dat.get_by_label("Khách phản ánh gì")).to_have_value("Khách gọi lần thứ hai")
    expect(dat.get_by_label("Số tiền bồi thường")).to_have_value(re.compile(r"300\.?000"))
    expect(dat.get_by_label("Lời xin lỗi")).to_have_value("Xin lỗi chị Trúc")


def test_hands_stay_on_the_keyboard(desk: Desk, product: Product) -> None:
    rest = Rest(product, "lan")
    for _ in range(2):
        rest.post("instances/", {"process": LATE_DELIVERY, "customer_id": None})
    lan = desk("lan")
    lan.goto("/cong-viec/?queue=1")
    rows = lan.locator("[data-row]")
    cursor = re.compile("is-cursor")
    lan.keyboard.press("j")
    expect(rows.nth(0)).to_have_class(cursor)
    lan.keyboard.press("j")
    expect(rows.nth(1)).to_have_class(cursor)
    lan.keyboard.press("k")
    expect(rows.nth(0)).to_have_class(cursor)
    lan.keyboard.press("Enter")
    expect(lan).to_have_url(re.compile(r"/cong-viec/\d+$"))
    expect(lan.get_by_role("heading", name=RECEIVE, level=1)).to_be_visible()
    lan.go_back()
    lan.keyboard.press("j")
    lan.keyboard.press("n")
    said(lan, "Bạn đã nhận việc này")
    lan.wait_for_load_state()  # keys work as soon as the scripts are there
    lan.keyboard.press("/")
    expect(lan.get_by_role("combobox", name="Tìm nhanh")).to_be_focused()


PAGES = {
    "lan": ("/", "/cong-viec/", "/cong-viec/?queue=1", "/khach-hang/list/", "/khach-hang/add", "/khach-hang/show/1",
            "/ho-so/", "/ho-so/bat-dau", "/ho-so/bat-dau/giao-hang-cham", "/thong-bao/", "/tim/?q=duyen"),
    "minh": ("/", "/cong-viec/?team=1", "/ho-so/"),
    "hoa": ("/", "/thu-di/", "/cai-dat/"),
}  # fmt: skip


@pytest.mark.parametrize("username", PAGES)
def test_on_a_phone_no_page_is_wider_than_the_screen(desk: Desk, product: Product, username: str) -> None:
    instance = Rest(product, "lan").post("instances/", {"process": LATE_DELIVERY, "customer_id": 1})
    work = (f"/ho-so/{instance['id']}", f"/cong-viec/{instance['open_tasks'][0]['id']}")
    page = desk.page(username, PHONE)
    for path in (*PAGES[username], *work):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        shown = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
        assert shown[0] <= shown[1], path
