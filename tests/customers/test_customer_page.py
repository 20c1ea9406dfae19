"""The customer's page: his story by kind and channel, what is written down in place, promises, mails, and its cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core import clock
from app.core.access import FieldRight, FieldRule, get_visible
from app.core.errors import ConflictError, InvalidInputError
from app.core.masking import DOTS
from app.customers import consent, interactions, mails, promise_alerts, promises, purchases, services
from app.customers.models import Customer
from app.customers.profile_models import ConsentChannel, ConsentState, InteractionKind
from app.customers.promise_models import Promise, PromiseState
from app.notifications import events
from app.notifications.channels.settings import MailSettings, configure, operators_settings, parse_smtp_url
from app.notifications.jobs import dispatch_outbox
from app.notifications.models import Outbox
from app.notifications.queries import text_for
from app.notifications.rules import NOT_WANTED
from app.tasks.customer_tasks import add_task
from tests.notifications.sink import Sink
from tests.rest import Rest, statements

TODAY = "25/12/2098"


@pytest.fixture
def anh(app):
    """A customer of Lan's: his id."""
    return Rest(app, "lan").customer("Đỗ Thị Ánh", "0987 654 321", email="anh.do@gmail.com", honorific="chi")["id"]


def page(browser, path, status=200):
    answer = browser.get(path)
    assert answer.status_code == status, answer.text
    return BeautifulSoup(answer.text, "lxml")


def entries(shown):
    return [" ".join(one.text.split()) for one in shown.select(".tt-ev > div")]


def write_down(change, number, *, calls):
    """Calls, a message, a purchase, a promise, consents and a comment's worth of story."""

    def all_of_it(session, cast):
        customer = get_visible(session, Customer, number, cast.lan)
        for turn in range(calls):
            interactions.log_interaction(
                session, customer, by=cast.lan, kind=InteractionKind.call, result="reached", text=f"Cuộc gọi số {turn}"
            )
        interactions.log_interaction(
            session, customer, by=cast.lan, kind=InteractionKind.message, channel="zalo", text="Nhắn Zalo"
        )
        purchases.add_purchase(
            session, customer, by=cast.lan, bought_on=date(2026, 1, 5), product="Phở khô", amount=250_000
        )
        promises.make_promise(session, customer, by=cast.lan, text="Gọi lại", due_on=clock.today("Asia/Ho_Chi_Minh"))
        consent.record_consent(
            session, customer, by=cast.lan, purpose="care", channel=ConsentChannel.call, state=ConsentState.given,
            proof="Trong cuộc gọi",
        )  # fmt: skip

    change(all_of_it)


def test_the_page_costs_the_same_however_long_the_story_is(app, client, change, begun):
    lan, number = client("lan"), begun["customer"]
    write_down(change, number, calls=3)
    Rest(app, "lan").post(f"comments/customer/{number}", {"text": "Chị ấy thích gọi buổi sáng"})
    page(lan, f"/khach-hang/show/{number}")

    def cost():
        with statements(app) as seen:
            page(lan, f"/khach-hang/show/{number}")
        return len(seen)

    short = cost()
    write_down(change, number, calls=30)
    assert (cost(), short <= 12) == (short, True)


def test_the_story_is_narrowed_by_kind_and_channel_and_turned_by_cursor(client, change, anh):
    write_down(change, anh, calls=32)
    lan, path = client("lan"), f"/khach-hang/show/{anh}"
    first = page(lan, path)
    chips = {one.contents[0].strip().rsplit(" ", 1)[0]: one["href"] for one in first.select(".tt-chipline > a")[1:]}
    assert {"Cuộc gọi", "Tin nhắn", "Mua hàng", "Lời hứa", "Thay đổi"} <= set(chips)
    assert len(entries(page(lan, chips["Tin nhắn"]))) == 1
    assert "Nhắn Zalo" in entries(page(lan, f"{path}?kenh=zalo"))[0]
    told, at = [], chips["Cuộc gọi"]
    while at:
        shown = page(lan, at)
        told += entries(shown)
        older = shown.select_one(".tt-pager a:last-child")
        at = older["href"] if older and "truoc=" in older["href"] else None
    assert len(told) == len(set(told)) == 32
    for wrong in ("loai=khac", "truoc=xyz"):
        page(lan, f"{path}?{wrong}", 400)


def test_a_call_is_written_down_with_the_next_day_and_what_was_promised(client, anh, change):
    lan, path = client("lan"), f"/khach-hang/show/{anh}"
    assert page(lan, path).select_one(".tt-quicklog form")["action"] == f"/khach-hang/ghi/{anh}/goi"
    typed = {"result": "reached", "text": "Hẹn giao lại", "next_on": TODAY, "direction": "outbound",
             "promise": "Giao bù một phần", "promise_on": TODAY}  # fmt: skip
    wrong = lan.post(f"/khach-hang/ghi/{anh}/goi", data=typed | {"promise_on": "31/02/2098"})
    kept = BeautifulSoup(wrong.text, "lxml")
    assert (wrong.status_code, kept.select_one("#promise_on")["value"]) == (422, "31/02/2098")
    assert kept.select_one("#text").text.strip() == "Hẹn giao lại"
    unfinished = lan.post(f"/khach-hang/ghi/{anh}/goi", data=typed | {"promise_on": ""})
    assert (unfinished.status_code, "Ghi rõ chậm nhất ngày nào" in unfinished.text) == (422, True)
    assert lan.post(f"/khach-hang/ghi/{anh}/goi", data=typed).status_code == 302
    text = " ".join(page(lan, path).text.split())
    for told in ("Hẹn giao lại", "Giao bù một phần", "25/12/2098", "Đã nói chuyện"):
        assert told in text


def test_a_note_a_message_a_task_and_a_promise_are_two_clicks_away(client, anh):
    lan = client("lan")
    bodies = {
        "ghi-chu": {"text": "Dị ứng đậu phộng"},
        "tin-nhan": {"kind": "visit", "text": "Ghé cửa hàng", "direction": "inbound"},
        "viec": {"name": "Gửi bảng giá", "due_on": TODAY},
        "loi-hua": {"promise": "Báo giá mới", "promise_on": TODAY},
    }
    for key, typed in bodies.items():
        assert page(lan, f"/khach-hang/show/{anh}?ghi={key}").select_one(".tt-quicklog form")["data-quick"] == key
        assert lan.post(f"/khach-hang/ghi/{anh}/{key}", data=typed).status_code == 302
        assert lan.post(f"/khach-hang/ghi/{anh}/{key}", data={}).status_code == 422
    text = page(lan, f"/khach-hang/show/{anh}").text
    for told in ("Dị ứng đậu phộng", "Ghé cửa hàng", "Gửi bảng giá", "Báo giá mới"):
        assert told in text
    step = page(lan, f"/khach-hang/show/{anh}").select_one(".tt-next")
    task = page(lan, step.a["href"])
    assert "Gửi bảng giá" in task.text
    assert lan.post(f"{step.a['href']}/hoan-thanh", data={"rev": "1"}).status_code in (200, 302)
    assert lan.post(f"/khach-hang/ghi/{anh}/khong-co", data={}).status_code == 404
    assert client("tuan").post(f"/khach-hang/ghi/{anh}/goi", data={}).status_code == 404


def test_a_promise_is_kept_or_broken_and_opened_again(story):
    customer = get_visible(story.session, Customer, story.customer_id, story.cast.lan)
    lan = story.cast.lan
    with pytest.raises(InvalidInputError) as refused:
        promises.make_promise(story.session, customer, by=lan, text=" ", due_on=date(2020, 1, 1))
    assert set(refused.value.fields) == {"promise", "promise_on"}
    day = clock.today("Asia/Ho_Chi_Minh") + timedelta(days=1)
    promise = promises.make_promise(story.session, customer, by=lan, text="Gọi lại", due_on=day)
    promises.settle_promise(story.session, promise, PromiseState.broken, by=lan)
    with pytest.raises(ConflictError):
        promises.settle_promise(story.session, promise, PromiseState.kept, by=lan)
    promises.settle_promise(story.session, promise, PromiseState.open, by=lan)
    promises.settle_promise(story.session, promise, PromiseState.kept, by=lan)
    assert (promise.state, promise.settled_at is not None, promise.owner_id) == (PromiseState.kept, True, lan.user_id)


def test_what_was_promised_for_today_stands_above_the_page(client, anh, change):
    write_down(change, anh, calls=1)
    lan = client("lan")
    shown = page(lan, f"/khach-hang/show/{anh}")
    assert "Đã hứa: Gọi lại" in shown.select_one(".tt-next").text
    assert shown.select_one(".tt-next .btn-primary")["href"].startswith("tel:")
    keep = shown.select_one("#loi-hua form[action$='/giu']")["action"]
    assert "Đã giữ lời hứa" in lan.post(keep, follow_redirects=True).text
    assert page(lan, f"/khach-hang/show/{anh}").select_one(".tt-next") is None
    assert client("tuan").post(keep).status_code == 404


def test_what_became_of_a_mail_is_told_beside_it_and_its_sender_learns_of_a_failure(client, anh, app):
    lan, before = client("lan"), operators_settings()

    def send(reply=""):
        asked = {"template": "customer_thanks", "words": "Cảm ơn chị"}
        _mail, seen = look_at(lan.post(f"/khach-hang/ghi/{anh}/thu", data=asked))
        lan.post(f"/khach-hang/ghi/{anh}/thu", data=asked | {"seen": seen})
        assert "đang chờ gửi" in entries(page(lan, f"/khach-hang/show/{anh}?loai=thu"))[0]
        with Sink().running() as sink:
            sink.replies["anh.do@gmail.com"] = [reply] if reply else []
            configure(MailSettings(server=parse_smtp_url(sink.url), sender="cskh@phosen.example"))
            with app.app_context():
                dispatch_outbox()
            configure(before)
        return page(lan, f"/khach-hang/show/{anh}?loai=thu")

    assert "máy chủ thư đã nhận lúc" in entries(send())[0]
    refused = send("550 no such user anh.do@gmail.com")
    assert "không gửi được: máy chủ thư từ chối" in entries(refused)[0]
    assert "550" not in entries(refused)[0], "the server's words may hold an address that not everybody reads"
    assert "Không gửi được thư cho Đỗ Thị Ánh" in page(lan, "/thong-bao/").text


def test_whoever_may_not_read_what_was_said_reads_no_mail_to_a_customer_in_the_outbox(session, cast):
    made = services.create_customer(session, by=cast.lan, name="Đỗ Thị Ánh", email="anh.do@gmail.com")
    mails.send_mail(session, made, by=cast.lan, template="customer_thanks", words="Cảm ơn chị")
    mail = session.scalars(select(Outbox)).one()
    blind = replace(cast.hoa, fields={("Customer", "said"): FieldRule(FieldRight.hidden)})
    assert "Cảm ơn chị" in text_for(session, mail, cast.hoa)
    assert text_for(session, mail, blind) == DOTS


def test_a_promise_is_put_right_and_struck_and_comes_back(client, anh, app):
    rest, lan = Rest(app, "lan"), client("lan")
    made = rest.post("promises/", {"customer": anh, "text": "Gọi lại", "due_on": "2098-12-25"}).json
    edit = page(lan, f"/khach-hang/show/{anh}").select_one("#loi-hua a[href*='/loi-hua/']")["href"]
    typed = shown(lan, edit) | {"text": "Gọi lại cho chị", "due_on": "26/12/2098"}
    assert lan.post(edit, data=typed).status_code == 302
    assert lan.post(edit, data=typed | {"text": "Khác"}).status_code == 409
    assert lan.post(edit, data=shown(lan, edit) | {"text": ""}).status_code == 422
    assert "Gọi lại cho chị" in page(lan, f"/khach-hang/show/{anh}").select_one("#loi-hua").text
    assert lan.post(f"{edit}/bo").status_code == 302
    assert "Gọi lại cho chị" not in page(lan, f"/khach-hang/show/{anh}").select_one(".tt-rail").text
    assert rest.get("promises/").json["count"] == 0
    assert rest.post(f"promises/{made['id']}/restore", {}).json["archived_at"] is None
    assert rest.put(f"promises/{made['id']}", {"text": "Gọi"}).json["due_on"] == "2098-12-26"
    assert client("tuan").get(edit).status_code == 404


def test_a_promise_is_told_of_on_its_day_and_once_more_when_it_is_over(client, anh, app, change):
    today = clock.today("Asia/Ho_Chi_Minh")

    def promise(session, cast):
        customer = get_visible(session, Customer, anh, cast.lan)
        for text, days in (("Gọi lại", 0), ("Gửi giá", 0), ("Sau này", 5)):
            promises.make_promise(session, customer, by=cast.lan, text=text, due_on=today + timedelta(days=days))

    change(promise)
    with app.app_context():
        assert [promise_alerts.remind() for _turn in range(2)] == [2, 0]
    bell = page(client("lan"), "/thong-bao/")
    assert bell.text.count("Hôm nay là hạn lời hứa với Đỗ Thị Ánh") == 2
    assert "Gọi lại" not in bell.text
    change(lambda session, cast: promises.settle_promise(
        session, session.scalars(select(Promise).where(Promise.text == "Gọi lại")).one(), PromiseState.kept, by=cast.lan
    ))  # fmt: skip
    with app.app_context(), clock.at(clock.now() + timedelta(days=1)):
        assert [promise_alerts.remind() for _turn in range(2)] == [1, 0]
    assert page(client("lan"), "/thong-bao/").text.count("Lời hứa với Đỗ Thị Ánh đã quá hạn") == 1


def test_a_mail_needs_an_address_a_yes_where_one_is_asked_for_and_no_no(client, anh, change, app):
    lan = client("lan")

    def send(template, **more):
        return lan.post(f"/khach-hang/ghi/{anh}/thu", data={"template": template, **more})

    first, seen = look_at(send("customer_thanks", words="Hẹn"))
    for part in ("anh.do@gmail.com", "cảm ơn chị Ánh", "Kính gửi chị Ánh", "Trân trọng"):
        assert part in first, "it is read before it goes out"
    again, seen = look_at(send("customer_thanks", words="Hẹn gặp lại chị", seen=seen))
    assert ("Hẹn gặp lại chị" in again, "Thư đã thay đổi" in again) == (True, True)
    assert send("customer_thanks", words="Hẹn gặp lại chị", seen=seen).status_code == 302
    offer = send("customer_offer", words="Giảm 10 %")
    assert (offer.status_code, "chưa đồng ý nhận thư" in offer.text, "Giảm 10 %" in offer.text) == (422, True, True)

    def look(session, cast):
        mail = session.scalars(select(Outbox).order_by(Outbox.id.desc())).first()
        assert (mail.to_address, "Kính gửi chị Ánh" in mail.body_text) == ("anh.do@gmail.com", True)
        assert "Hẹn gặp lại chị" in mail.body_text
        customer = get_visible(session, Customer, anh, cast.lan)
        consent.record_consent(
            session, customer, by=cast.lan, purpose="care", channel=ConsentChannel.email, state=ConsentState.withdrawn
        )
        with pytest.raises(mails.MayNotBeContactedError):
            mails.send_mail(session, customer, by=cast.lan, template="customer_thanks")
        assert events.refusal(session, mail.id) == NOT_WANTED

    change(look)
    assert any(
        "cảm ơn chị Ánh" in one and "Kính gửi chị Ánh" in one
        for one in entries(page(lan, f"/khach-hang/show/{anh}?loai=thu"))
    )
    rest = Rest(app, "lan")
    rev = rest.get(f"customers/{anh}").json["rev"]
    said = {"rev": rev, "do_not_contact": True, "do_not_contact_reason": "Khách yêu cầu"}
    assert rest.put(f"customers/{anh}", said).status_code == 200
    shown = page(lan, f"/khach-hang/show/{anh}?ghi=thu")
    assert (shown.select_one(".tt-quicklog form"), "Khách yêu cầu" in shown.select_one(".tt-quicklog").text) == (
        None,
        True,
    )


def look_at(answer) -> tuple[str, str]:
    """A mail before it goes out, and by what it is known again."""
    mail = BeautifulSoup(answer.text, "html.parser").select_one(".tt-quicklog__mail")
    return mail.text, mail.find_previous("input", {"name": "seen"})["value"]


def shown(who, path) -> dict[str, str]:
    """What the form of a page holds unseen."""
    return {one["name"]: one["value"] for one in page(who, path).select("form[data-guard] input[type=hidden]")}


def test_of_two_who_put_the_same_right_the_second_chooses_field_by_field(app, client, anh):
    lan, minh = client("lan"), client("minh")
    typed = {"bought_on": "5/1/2026", "product": "Phở khô", "quantity": "2", "amount": "100.000", "code": "PS-1"}
    lan.post(f"/khach-hang/{anh}/mua-hang/them", data=typed)
    path = page(lan, f"/khach-hang/show/{anh}?phan=mua-hang").select_one("[data-row]").a["href"]
    before = shown(lan, path)
    assert minh.post(path, data=shown(minh, path) | typed | {"amount": "200.000", "code": "PS-2"}).status_code == 302
    mine = typed | {"amount": "300.000", "product": "Phở bò"}
    met = lan.post(path, data=before | mine)
    told = BeautifulSoup(met.data, "lxml")
    assert (met.status_code, "Phạm Quang Minh" in told.select_one(".tt-conflict").text) == (409, True)
    choices = {one["id"]: one.select_one("[checked]") for one in told.select("fieldset.tt-versions")}
    assert choices.keys() == {"amount", "product", "code"}
    assert (choices["product"]["value"], choices["code"]["value"], choices["amount"]) == ("mine", "theirs", None)
    hidden = {one["name"]: one["value"] for one in told.select("form[data-guard] input[type=hidden]")}
    both = {**typed, **hidden, "keep-product": "mine", "keep-code": "theirs"}
    assert lan.post(path, data=both).status_code == 422, "the amount is not settled"
    assert lan.post(path, data=both | {"keep-amount": "mine"}).status_code == 302
    row = Rest(app, "lan").get(f"customers/{anh}/purchases").json["result"][0]
    assert (row["product"], row["code"], row["amount"]) == ("Phở bò", "PS-2", 300_000)
    late = {"amount": 1, "updated_at": "2026-01-01T00:00:00+00:00"}
    assert Rest(app, "lan").put(f"purchases/{row['id']}", late).status_code == 409
    assert Rest(app, "lan").put(f"purchases/{row['id']}", late | {"updated_at": row["updated_at"]}).status_code == 200


def test_purchases_and_contacts_are_put_right_taken_out_and_brought_back(client, anh, change):
    lan, base = client("lan"), f"/khach-hang/{anh}"
    typed = {"bought_on": "5/1/2026", "product": "Phở khô", "quantity": "2,5", "amount": "1.250.000", "code": "PS-1"}
    wrong = lan.post(f"{base}/mua-hang/them", data=typed | {"amount": "nhiều"})
    assert (wrong.status_code, "Phở khô" in wrong.text) == (422, True)
    assert lan.post(f"{base}/mua-hang/them", data=typed).status_code == 302
    tab = page(lan, f"/khach-hang/show/{anh}?phan=mua-hang")
    row = tab.select_one("[data-row]")
    assert ("2,5 × Phở khô" in row.text, "1.250.000" in row.text) == (True, True)
    lan.post(row.a["href"], data=shown(lan, row.a["href"]) | typed | {"product": "Phở bò khô"})
    assert "Phở bò khô" in page(lan, f"/khach-hang/show/{anh}?phan=mua-hang").select_one("[data-row]").text
    assert lan.post(f"{row.a['href']}/bo").status_code == 302
    assert page(lan, f"/khach-hang/show/{anh}?phan=mua-hang").select_one("[data-row]") is None
    lan.post(f"{row.a['href']}/khoi-phuc")
    assert page(lan, f"/khach-hang/show/{anh}?phan=mua-hang").select_one("[data-row]")
    lan.post(f"/khach-hang/ghi/{anh}/goi", data={"result": "reached", "text": "Nhầm", "direction": "outbound"})
    edit = page(lan, f"/khach-hang/show/{anh}?loai=cuoc-goi").select_one(".tt-ev__edit")["href"]
    right = {"result": "busy", "text": "Đúng rồi", "channel": "phone", "direction": "outbound"}
    lan.post(edit, data=shown(lan, edit) | right)
    assert "Đúng rồi" in entries(page(lan, f"/khach-hang/show/{anh}?loai=cuoc-goi"))[0]
    lan.post(f"{edit}/bo")
    assert page(lan, f"/khach-hang/show/{anh}").select(".tt-ev")[0].text.count("Ghi nhầm") <= 1
    lan.post(f"{edit}/khoi-phuc")
    assert "Đúng rồi" in entries(page(lan, f"/khach-hang/show/{anh}?loai=cuoc-goi"))[0]
    for path in (row.a["href"], edit, f"{base}/mua-hang/them"):
        assert client("tuan").get(path).status_code == 404


def test_a_proof_is_a_file_and_a_number_is_used_by_several(client, anh, change):
    lan = client("lan")
    said = {"purpose": "care", "channel": "call", "state": "given"}
    paper = (BytesIO(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"), "giay-dong-y.pdf")
    answer = lan.post(f"/khach-hang/{anh}/dong-y", data=said | {"file": paper}, follow_redirects=True)
    assert answer.status_code == 200
    link = page(lan, f"/khach-hang/show/{anh}").select_one(".tt-card a.tt-file")
    with lan.get(link["href"]) as fetched:
        assert fetched.status_code == 200
    assert client("tuan").get(link["href"]).status_code == 404
    assert "giay-dong-y.pdf" in page(lan, f"/khach-hang/show/{anh}?phan=tep").text
    share = page(lan, f"/khach-hang/show/{anh}").select_one("form[action$='/dung-chung']")["action"]
    lan.post(share)
    assert "dung-chung" not in page(lan, f"/khach-hang/show/{anh}").select_one("form[action$='/rieng']")["action"]


def test_whoever_has_work_for_a_customer_sees_the_header_alone(client, begun, change):
    number = begun["customer"]
    write_down(change, number, calls=1)

    def hand(session, cast):
        add_task(session, get_visible(session, Customer, number, cast.hoa), by=cast.hoa, name="Tìm đơn", due_at=None,
                 to=cast.member("tuan"))  # fmt: skip

    change(hand)
    shown = page(client("tuan"), f"/khach-hang/show/{number}")
    assert (shown.select(".tt-tl"), shown.select(".tt-quicklog"), shown.select("#loi-hua")) == ([], [], [])
    assert "0912" in shown.text
    assert "Cuộc gọi số 0" not in shown.text
