"""The customer's page: what features above bring, each as far as the reader may see it."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from app.customers.events import parts
from app.processes.models import ProcessInstance
from app.processes.services import cancel_instance
from app.tasks.models import Task


@pytest.fixture
def complaint(begun):
    """A late delivery whose first step is Lan's: the customer's id."""
    return begun["customer"]


def page(browser, path):
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "lxml")


def tabs(shown):
    return {link.contents[0].strip(): link.small and link.small.text for link in shown.select(".tt-tabs a")}


def test_the_page_counts_the_customers_work_and_process_instances(client, complaint):
    shown = page(client("lan"), f"/khach-hang/show/{complaint}")
    counted = tabs(shown)
    assert [counted[name] for name in ("Dòng thời gian", "Công việc", "Hồ sơ quy trình")] == ["2", "1", "1"]
    assert list(counted)[-1] == "Lịch sử thay đổi"


def test_the_next_step_is_the_readers_own_most_urgent_work(client, complaint):
    step = page(client("lan"), f"/khach-hang/show/{complaint}").select_one(".tt-next")
    assert "Tiếp nhận phản ánh" in step.text
    assert "phụ trách" not in step.text
    assert step.a["href"].startswith("/cong-viec/")


def test_who_has_none_himself_sees_what_others_have_to_do_and_who(client, complaint):
    step = page(client("hoa"), f"/khach-hang/show/{complaint}").select_one(".tt-next")
    assert "Tiếp nhận phản ánh" in step.text
    answer = client("hoa").get(f"/khach-hang/panel/{complaint}", headers={"X-Part": "1"})
    assert "Tiếp nhận phản ánh" in BeautifulSoup(answer.text, "lxml").select_one(".tt-panel__next").text


def test_no_process_is_started_for_an_archived_customer(client, complaint):
    hoa, starts = client("hoa"), f'a[href="/ho-so/bat-dau?khach={complaint}"]'
    assert page(hoa, f"/khach-hang/show/{complaint}").select_one(starts)
    assert hoa.post(f"/khach-hang/action/archive/{complaint}").status_code == 302
    assert page(hoa, f"/khach-hang/show/{complaint}").select_one(starts) is None


def test_of_an_archived_customer_the_one_thing_to_do_is_to_restore_him(client, complaint):
    hoa, path = client("hoa"), f"/khach-hang/show/{complaint}"
    hoa.post(f"/khach-hang/action/archive/{complaint}")
    shown = page(hoa, path)
    assert [button.text.strip() for button in shown.select(".tt-main .btn-primary")] == ["Khôi phục"]
    assert shown.select_one(".tt-menu__list form[action*=restore]") is None
    assert shown.select_one(".tt-rechead .tt-st--done use")["href"].endswith("#archive")
    assert shown.select_one(".tt-recnote + .tt-next")
    answer = hoa.get(f"/khach-hang/panel/{complaint}", headers={"X-Part": "1"})
    assert "Khôi phục" in BeautifulSoup(answer.text, "lxml").select_one(".tt-panel__head .tt-outform").text


def test_the_work_tab_leads_to_the_task(client, complaint):
    shown = page(client("lan"), f"/khach-hang/show/{complaint}?phan=cong-viec")
    row = shown.select_one(".tt-mini [data-row]")
    assert "Tiếp nhận phản ánh" in row.text
    assert client("lan").get(row.a["href"]).status_code == 200


def test_the_process_tab_shows_where_it_stands(client, complaint):
    row = page(client("lan"), f"/khach-hang/show/{complaint}?phan=ho-so").select_one(".tt-mini [data-row]")
    assert "Giao hàng chậm" in row.text
    assert "Tiếp nhận phản ánh" in row.text
    assert row.a["href"].startswith("/ho-so/")


def chip(shown):
    return shown.select_one(".tt-card .tt-toolbar [aria-current]").text


def test_each_part_has_its_own_filters_and_its_tab_counts_what_it_shows_by_itself(client, complaint, begun, change):
    path = f"/khach-hang/show/{complaint}?phan=cong-viec"
    assert chip(page(client("lan"), path)) == "Đang mở"
    done = page(client("lan"), f"{path}&loc=xong")
    assert chip(done) == "Đã xong"
    assert not done.select(".tt-mini[data-worklist] [data-row]")
    assert "chưa có mục nào như vậy" in done.select_one(".tt-empty").text
    change(lambda session, cast: cancel_instance(session, begun["instance"], by=cast.minh, reason="Khách tự xử lý"))
    over = page(client("hoa"), f"{path}&loc=tat-ca")
    assert "Đã hủy" in over.select_one(".tt-mini[data-worklist] [data-row]").text
    assert tabs(over)["Công việc"] == "0"
    files = f"/khach-hang/show/{complaint}?phan=ho-so&loc="
    assert [len(page(client("lan"), files + key).select(".tt-mini[data-worklist] [data-row]"))
            for key in ("", "dang-chay", "da-ket-thuc")] == [1, 0, 1]  # fmt: skip


@pytest.mark.parametrize(
    "query", ["phan=cong-viec&loc=khac", "phan=luong", "phan=cong-viec&page=0", "phan=cong-viec&page=x"]
)
def test_a_part_or_page_that_does_not_exist_is_refused(client, complaint, query):
    assert client("lan").get(f"/khach-hang/show/{complaint}?{query}").status_code in (400, 404)


def test_every_part_follows_the_row_rule_of_its_table(story):
    """Tuấn sees nothing of a customer of CSKH, whichever part is asked."""
    story.start()
    assert {part.model for part in parts()} >= {Task, ProcessInstance}
    for part in parts():
        found = story.session.scalars(part.select(story.customer_id, story.cast.tuan)).all()
        assert found == []
        if part.model in (Task, ProcessInstance):
            assert story.session.scalars(part.select(story.customer_id, story.cast.lan)).all()
