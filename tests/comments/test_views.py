"""The conversation on the pages: said, refused without a loss, edited, taken away and back."""

from __future__ import annotations

import io

import pytest
from bs4 import BeautifulSoup

from app.comments import shown
from app.core import links
from app.core.db import db, transaction
from app.customers.services import archive_customer
from app.security.models import Right
from app.security.services import hand_over
from tests.cast import Cast
from tests.comments.conftest import customer
from tests.rest import statements

PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 64
MINH = "Phạm Quang Minh"
PART = {"X-Part": "1"}


def soup(answer):
    return BeautifulSoup(answer.text, "lxml")


def texts(answer):
    return [" ".join(one.get_text().split()) for one in soup(answer).select(".tt-talk > ol .tt-say__text")]


def tab(customer_id):
    return f"{links.customer_path(customer_id)}?phan=trao-doi"


def at(customer_id):
    return f"/trao-doi/customer/{customer_id}"


def problem(answer):
    return soup(answer).select_one("[data-talk-problem]:not([hidden])").get_text(strip=True)


# ── on the record's page ──
def test_what_is_sent_stands_on_the_customers_page(client, known):
    lan = client("lan")
    sent = lan.post(at(known), data={"text": "Khách cần gọi lại\n@minh xem"})
    assert sent.status_code == 302
    assert sent.location.startswith(f"{tab(known)}#tra-loi-")
    page = lan.get(tab(known))
    assert texts(page) == [f"Khách cần gọi lại @{MINH} xem"]
    assert soup(page).select_one(".tt-mention").get_text() == f"@{MINH}"
    chosen = soup(page).select_one(".tt-tabs [aria-current]")
    assert "Trao đổi" in chosen.get_text()
    assert chosen.find("small").get_text(strip=True) == "1"


def test_a_script_gets_the_conversation_alone(client, known):
    answer = client("lan").post(at(known), data={"text": "Khách cần gọi lại"}, headers=PART)
    assert answer.status_code == 200
    assert soup(answer).find("h1") is None
    assert texts(answer) == ["Khách cần gọi lại"]


def test_the_history_of_the_customer_tells_it_and_leads_there(client, known, said):
    comment_id, lan = said("lan", known, "Khách cần gọi lại"), client("lan")
    link = soup(lan.get(links.customer_path(known))).select_one(f'.tt-tl a[href="/trao-doi/{comment_id}"]')
    assert "Khách cần gọi lại" in link.find_parent("li").get_text()
    assert lan.get(link["href"]).location == f"{tab(known)}#tra-loi-{comment_id}"


def test_what_runs_in_no_browser_stands_there_as_it_was_typed(client, known):
    lan = client("lan")
    lan.post(at(known), data={"text": '<script>alert(1)</script> https://x.vn/"><img src=x> javascript:alert(1)'})
    page = soup(lan.get(tab(known)))
    (text,) = page.select(".tt-say__text")
    assert "<script>alert(1)</script>" in text.get_text()
    assert [link["href"] for link in text.find_all("a")] == ["https://x.vn/"]
    assert not text.find_all(["script", "img"])
    assert "noopener" in text.a["rel"]


# ── refused ──
@pytest.mark.parametrize(("headers", "status"), [({}, 422), (PART, 200)], ids=["page", "script"])
def test_what_was_typed_comes_back_with_the_reason(client, known, headers, status):
    answer = client("lan").post(at(known), data={"text": "@tuan xem giúp chị Duyên"}, headers=headers)
    assert answer.status_code == status
    assert soup(answer).find("textarea", id="talk-new").get_text(strip=True) == "@tuan xem giúp chị Duyên"
    assert "không xem được trang này" in problem(answer)


def test_a_refused_file_leaves_no_comment_behind(client, known):
    files = [(io.BytesIO(PICTURE), "kho.jpg"), (io.BytesIO(b"<script>"), "anh.html")]
    data = {"text": "Ảnh chụp kho", "files": files}
    lan = client("lan")
    answer = lan.post(at(known), data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert problem(answer).startswith("anh.html:")
    assert "Ảnh chụp kho" in soup(answer).find("textarea", id="talk-new").get_text()
    assert texts(lan.get(tab(known))) == []


def test_nothing_at_all_is_refused(client, known):
    answer = client("lan").post(at(known), data={"text": "  "})
    assert (answer.status_code, problem(answer)) == (422, "Viết vài chữ hoặc chọn một tệp.")


# ── rights ──
def test_who_does_not_see_the_customer_finds_nothing(client, known, said):
    comment_id, tuan = said("lan", known, "Khách cần gọi lại"), client("tuan")
    for path in (at(known), f"{at(known)}/nguoi", f"/trao-doi/{comment_id}", "/trao-doi/customer/999", "/trao-doi/x/1",
                 "/trao-doi/role/1", "/trao-doi/customer/a"):  # fmt: skip
        assert tuan.get(path).status_code == 404, path
    for path in (at(known), *(f"/trao-doi/{comment_id}/{verb}" for verb in ("sua", "luu-tru", "khoi-phuc"))):
        assert tuan.post(path, data={"text": "tò mò"}).status_code == 404, path


def test_a_header_alone_does_not_open_the_conversation(app, client, known, said):
    comment_id = said("lan", known, "Chuyện riêng của khách")
    with app.app_context():
        cast = Cast(db.session())
        with transaction(cast.hoa) as session:
            hand_over(session, "Customer", known, right=Right.header, reason="task:1", member_id=cast.tuan.user_id)
    tuan = client("tuan")
    assert "Chuyện riêng" not in tuan.get(tab(known)).text
    assert tuan.get(at(known)).status_code == 404
    assert tuan.get(f"/trao-doi/{comment_id}").status_code == 404


def test_an_archived_customer_says_why_nobody_writes(app, client, known, said):
    said("lan", known, "Khách cần gọi lại")
    with app.app_context():
        cast = Cast(db.session())
        with transaction(cast.hoa) as session:
            archive_customer(session, customer(session, known), by=cast.hoa)
    page = client("lan").get(at(known))
    assert texts(page) == ["Khách cần gọi lại"]
    assert soup(page).find("textarea") is None
    assert "Khách hàng này đã được lưu trữ" in page.text


def test_files_are_read_with_their_comment_and_go_with_it(client, known):
    lan = client("lan")
    lan.post(at(known), data={"files": (io.BytesIO(PICTURE), "hộp móp.jpg")}, content_type="multipart/form-data")
    page = soup(lan.get(tab(known)))
    link = page.select_one("a.tt-file")["href"]
    with lan.get(link) as fetched:
        assert fetched.data == PICTURE
    assert client("tuan").get(link).status_code == 404
    archive = page.select_one('form[action$="/luu-tru"]')["action"]
    lan.post(archive)
    assert lan.get(link).status_code == 404


# ── edited, taken away, back ──
def test_the_author_edits_in_place(client, known, said, stored):
    comment_id, lan = said("lan", known, "Sai"), client("lan")
    form = soup(lan.get(tab(known))).select_one(f'form[action="/trao-doi/{comment_id}/sua"]')
    assert form.textarea.get_text(strip=True) == "Sai"
    rev = form.select_one("[name=rev]")["value"]
    lan.post(form["action"], data={"text": "Đúng", "rev": rev})
    assert stored(comment_id) == ("Đúng", False)
    assert "đã sửa" in lan.get(tab(known)).text
    late = lan.post(form["action"], data={"text": "Muộn", "rev": rev})
    assert late.status_code == 409
    assert "vừa được sửa ở nơi khác" in problem(late)
    assert soup(late).find("textarea", id=f"talk-{comment_id}").get_text(strip=True) == "Muộn"
    assert stored(comment_id) == ("Đúng", False)


def test_others_are_offered_no_edit_and_are_refused(client, known, said, stored):
    comment_id, minh = said("lan", known, "Của Lan"), client("minh")
    page = soup(minh.get(tab(known)))
    assert page.select_one('form[action$="/sua"]') is None
    assert page.select_one('form[action$="/luu-tru"]') is not None
    assert minh.post(f"/trao-doi/{comment_id}/sua", data={"text": "Của Minh"}).status_code == 403
    assert stored(comment_id) == ("Của Lan", False)


def test_what_is_taken_away_can_be_brought_back_at_once_and_later(client, known, said, stored):
    comment_id, lan = said("lan", known, "Nhầm khách"), client("lan")
    page = lan.post(f"/trao-doi/{comment_id}/luu-tru", follow_redirects=True)
    assert stored(comment_id) == ("Nhầm khách", True)
    undo = soup(page).select_one("[data-toast-undo]")["action"]
    lan.post(undo)
    assert stored(comment_id) == ("Nhầm khách", False)
    lan.post(f"/trao-doi/{comment_id}/luu-tru")
    page = lan.get(tab(known))
    assert texts(page) == []
    lan.post(soup(page).select_one(".tt-talk__gone form")["action"])
    assert stored(comment_id) == ("Nhầm khách", False)


def test_what_was_taken_away_is_shown_to_those_alone_who_may_bring_it_back(app, client, known, said):
    with app.app_context():
        cast = Cast(db.session())
        with transaction(cast.hoa) as session:
            hand_over(session, "Customer", known, right=Right.view, reason="share", member_id=cast.tuan.user_id)
    comment_id = said("lan", known, "Nhầm khách")
    client("lan").post(f"/trao-doi/{comment_id}/luu-tru")
    assert "Nhầm khách" in client("minh").get(at(known)).text
    assert "Nhầm khách" not in client("tuan").get(at(known)).text
    there = {who: client(who).get(f"/trao-doi/{comment_id}").status_code for who in ("lan", "minh", "tuan")}
    assert there == {"lan": 302, "minh": 302, "tuan": 404}


def test_ones_own_archived_comments_are_found_behind_many_of_others(app, client, known, said, monkeypatch):
    monkeypatch.setattr(shown, "ARCHIVED_SHOWN", 1)
    with app.app_context():
        cast = Cast(db.session())
        with transaction(cast.hoa) as session:
            hand_over(session, "Customer", known, right=Right.view, reason="share", member_id=cast.tuan.user_id)
    client("tuan").post(f"/trao-doi/{said('tuan', known, 'Của Tuấn')}/luu-tru")
    client("lan").post(f"/trao-doi/{said('lan', known, 'Của Lan')}/luu-tru")
    page = client("tuan").get(at(known)).text
    assert "Của Tuấn" in page
    assert "Của Lan" not in page


# ── long conversations ──
def test_the_page_shows_the_last_ones_and_leads_to_the_earlier_and_to_each(client, known, said):
    ids = [said("lan", known, f"Lần {number}") for number in range(1, 24)]
    lan = client("lan")
    page = lan.get(tab(known))
    assert texts(page) == [f"Lần {number}" for number in range(4, 24)]
    earlier = soup(page).select_one('.tt-talk a[href*="truoc="]')
    assert "3" in earlier.get_text()
    assert texts(lan.get(earlier["href"])) == ["Lần 1", "Lần 2", "Lần 3"]
    first = lan.get(f"/trao-doi/{ids[0]}")
    assert first.location.endswith(f"#tra-loi-{ids[0]}")
    assert texts(lan.get(first.location)) == ["Lần 1"]


def test_the_page_costs_as_many_questions_with_sixty_comments_as_with_forty(app, client, known, said):
    lan, costs = client("lan"), []
    for more in (2, 17, 21, 20):
        for number in range(more):
            said("lan", known, f"@minh {number}")
        lan.get(tab(known))
        with statements(app) as seen:
            assert lan.get(tab(known)).status_code == 200
        costs.append(len(seen))
    # Up to twenty are shown at once; of more it is asked how many there are, and how many before.
    assert costs[0] == costs[1] == costs[2] - 2 == costs[3] - 2


# ── who can be mentioned ──
def test_offered_are_those_who_may_see_it_by_any_part_of_their_name(client, known):
    lan = client("lan")

    def offered(typed):
        answer = lan.get(f"{at(known)}/nguoi", query_string={"q": typed})
        return [one["mention"] for one in answer.json["results"]]

    assert "@minh" in offered("")
    assert offered("minh") == ["@minh"]
    assert offered("tuan") == offered("tuấn") == []
    assert offered("%") == []


def test_tasks_and_instances_have_the_same_conversation(client, begun):
    lan = client("lan")
    for kind, path in (("task", f"/cong-viec/{begun['task']}"), ("instance", f"/ho-so/{begun['instance']}"),
                       ("process", f"/quy-trinh/show/{begun['process']}?tab=trao-doi")):  # fmt: skip
        record = begun[kind]
        sent = lan.post(f"/trao-doi/{kind}/{record}", data={"text": "Đã gọi kho"})
        assert sent.status_code == 302, kind
        assert sent.location.split("#")[0] == path
        page = lan.get(path)
        assert page.status_code == 200, kind
        assert texts(page) == ["Đã gọi kho"], kind
