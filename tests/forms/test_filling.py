"""A form is filled in that no task asks for: its page, the draft that keeps itself, two windows, and what was sent."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import event, func, select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.customers.models import Customer
from app.forms import services
from app.forms.models import AnswerFile, Submission, SubmissionDraft
from tests.forms.test_uploads import a_picture

JSON = {"Accept": "application/json"}
DRAWN = {
    "name": "Khiếu nại",
    "pages": [{"key": "one", "title": "Chuyện gì"}, {"key": "two", "title": "Đền bù"}],
    "sections": [{"key": "a", "page": "one"}, {"key": "b", "page": "two"}],
    "fields": [
        {"key": "what", "type": "text", "label": "Chuyện gì", "required": True, "section": "a", "width": "third"},
        {"key": "photos", "type": "photo", "label": "Ảnh", "section": "a"},
        {"key": "items", "type": "rows", "label": "Hàng", "section": "b", "sums": ["price"],
         "fields": [{"key": "price", "type": "money", "label": "Giá"}]},
        {"key": "all", "type": "calculated", "label": "Tất cả", "section": "b", "formula": "sum(items.price)",
         "shown_as": "money"},
        {"key": "why", "type": "text", "label": "Vì sao", "section": "b", "required": True,
         "visible_if": {"field": "all", "op": ">", "value": 500000}},
    ],
}  # fmt: skip


@pytest.fixture
def asked(app, begun):
    """A published form, and a customer of Lan's: his number."""
    with app.app_context(), transaction(SYSTEM) as session:
        form = services.create_form(session, code="khieu-nai", name="Khiếu nại", by=SYSTEM)
        publish(session, form, DRAWN)
    return begun["customer"]


def publish(session, form, drawn):
    services.save_draft(session, form, drawn, by=SYSTEM)
    services.publish_form(session, form, by=SYSTEM)


def opened(who, path="/dien-phieu/khieu-nai"):
    page = who.get(path)
    assert page.status_code == 200, page.text
    return Window(who, path, BeautifulSoup(page.text, "html.parser"))


class Window:
    """A page that stands open: sends what it holds with what is typed."""

    def __init__(self, who, path, soup):
        self.who, self.path, self.soup = who, path, soup
        self.held = {
            one["name"]: one.get("value", "") for one in soup.select("main form input[name]")
            if one.get("type") not in {"checkbox", "radio", "file"} and one["name"] != "csrf_token"
        }  # fmt: skip

    def __getitem__(self, name):
        return self.held[name]

    def typed(self, **answers):
        self.held |= {f"answer_{key.replace('__', '.')}": one for key, one in answers.items()}
        return self

    def keep(self, headers=None):
        path, question, about = self.path.partition("?")
        answer = self.who.post(f"{path}/nhap{question}{about}", data=self.held, headers=headers)
        if answer.is_json and answer.status_code == 200:
            self.held["rev"] = answer.json["rev"]
            typed = {name.removeprefix("answer_"): text for name, text in self.held.items() if name[:7] == "answer_"}
            self.held["began"] = json.dumps(typed)  # as drafts.js does
        return answer

    def send(self):
        answer = self.who.post(self.path, data=self.held)
        return answer, BeautifulSoup(answer.text, "html.parser")


def counted(app, table):
    with app.app_context():
        return db.session.scalar(select(func.count(table.id)))


@pytest.mark.both_databases
def test_what_is_filled_in_about_a_customer_stands_on_his_page_and_a_second_click_sends_nothing(app, client, asked):
    lan = client("lan")
    page = opened(lan, f"/dien-phieu/khieu-nai?khach-hang={asked}")
    assert "tt-w-third" in page.soup.find(attrs={"data-question": "what"})["class"]
    page.typed(what="Hộp móp", items__0__price="400.000", items__1__price="200.000")
    assert page.keep(JSON).json["rev"] == 1
    answer, soup = page.send()
    assert answer.status_code == 422  # more than 500.000: why?
    assert soup.find(id="answer_why-error")
    page.typed(why='Vỡ hết #read("/etc/passwd") $x$ */ //')
    sent, _soup = page.send()
    assert sent.status_code == 302, sent.text
    assert page.send()[0].location == sent.location
    assert (counted(app, Submission), counted(app, SubmissionDraft)) == (1, 0)
    read = lan.get(sent.location).text
    assert "600.000" in read
    assert "Vỡ hết #read" in read
    assert sent.location in lan.get(f"/khach-hang/show/{asked}?phan=phieu").text
    paper = lan.get(f"{sent.location}/phieu.pdf")
    assert (paper.mimetype, paper.data[:5]) == ("application/pdf", b"%PDF-")
    for path in (sent.location, f"{sent.location}/phieu.pdf"):
        assert client("tuan").get(path).status_code == 404


def test_a_draft_is_gone_on_with_elsewhere_and_two_windows_lose_nothing(app, client, asked):
    here = opened(client("lan")).typed(what="Hộp móp", items__0__price="1")
    assert here.keep(JSON).status_code == 200
    there = opened(client("lan"))
    assert there["answer_what"] == "Hộp móp"
    assert "khieu-nai" in there.who.get("/dien-phieu/").text
    assert there.typed(what="Hộp ướt").keep(JSON).json["rev"] == 2
    here.typed(items__0__price="7.000")
    assert here.keep(JSON).status_code == 409
    for answer in (here.keep(), here.send()[0]):
        assert answer.status_code == 409
        soup = BeautifulSoup(answer.text, "html.parser")
        assert [one.legend.text for one in soup.select("fieldset.tt-versions")] == ["Chuyện gì", "Hàng"]
        told = " ".join(one.text for one in soup.select(".tt-value"))
        assert all(text in told for text in ("Hộp móp", "Hộp ướt", "7.000"))
        first = soup.select_one("fieldset.tt-versions")
        assert [one.text for one in first.select(".tt-value")] == ["Hộp móp", "Hộp ướt", "Hộp móp"]
        assert first.select_one("[checked]")["value"] == "theirs"  # this window has not changed it
    for lie in ("", "{", '["x"]', '{"what": "\\ud800"}', '{"what": {"a": 1}}'):
        here.held["began"] = lie
        assert here.send()[0].status_code == 409
    both = Window(here.who, here.path, soup)
    both.held["keep-what"], both.held["keep-items"] = "theirs", "mine"
    assert both.keep().status_code == 302
    merged = opened(client("lan"))
    assert (merged["answer_what"], merged["answer_items.0.price"]) == ("Hộp ướt", "7.000")


def test_a_draft_that_was_thrown_away_elsewhere_is_not_lost_in_this_window(app, client, asked):
    here = opened(client("lan")).typed(what="Hộp móp")
    throw = here.keep(JSON).json["throw"]
    assert client("minh").post(throw).status_code == 404
    assert "Bạn đang điền dở" not in client("minh").get("/dien-phieu/").text
    assert client("lan").post(throw).status_code == 302
    answer, soup = here.send()
    assert answer.status_code == 409
    again = Window(here.who, here.path, soup)
    assert (again["answer_what"], again["rev"]) == ("Hộp móp", "")
    assert again.send()[0].status_code == 302


def test_a_form_that_was_published_anew_meanwhile_is_looked_over_first(app, client, asked):
    here = opened(client("lan")).typed(what="Hộp móp")
    here.keep(JSON)
    with app.app_context(), transaction(SYSTEM) as session:
        publish(session, services.queries.form_by_code(session, "khieu-nai"), DRAWN | {"name": "Phản ánh"})
    answer, soup = here.send()
    assert answer.status_code == 409
    assert Window(here.who, here.path, soup).send()[0].status_code == 302


def test_what_was_taken_back_stays_taken_back_and_what_is_asked_since_then_begins_as_it_does(app, client, asked):
    fields = [{"key": key, "type": "yes_no", "label": key, "default": "yes"} for key in ("gift", "call")]
    for number in (1, 2):
        with app.app_context(), transaction(SYSTEM) as session:
            form = services.queries.form_by_code(session, "khieu-nai")
            publish(session, form, {"name": "Quà", "fields": fields[:number]})
        if number == 1:  # a choice that was taken back sends nothing
            assert opened(client("lan")).keep(JSON).status_code == 200
    soup = opened(client("lan")).soup
    chosen = [one["name"] for one in soup.select("[data-question] > * input[type=radio][checked][value=yes]")]
    assert chosen == ["answer_call"]


def test_a_list_of_colleagues_is_asked_for_once_however_many_questions_show_it(app, client, asked):
    def queries_of(count: int) -> int:
        fields = [{"key": f"m{number}", "type": "member", "label": str(number)} for number in range(count)]
        with app.app_context(), transaction(SYSTEM) as session:
            publish(session, services.queries.form_by_code(session, "khieu-nai"), {"name": "Ai", "fields": fields})
        lan, told = client("lan"), []
        opened(lan)
        with app.app_context():
            engine = db.engine
        listener = lambda *given: told.append(given[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", listener)
        opened(lan)
        event.remove(engine, "before_cursor_execute", listener)
        return len(told)

    assert queries_of(1) == queries_of(6)


@pytest.mark.both_databases
def test_what_comes_past_the_browser_is_refused(app, client, asked):
    lan = client("lan")
    page = opened(lan)
    for number in ("9999999999", "٣"):
        assert page.typed(photos=number).keep(JSON).status_code == 200
        assert lan.get(page.path).status_code == 200
        answer, soup = page.send()
        assert (answer.status_code, bool(soup.find(id="answer_photos-error"))) == (422, True)
    del page.held["answer_photos"]
    nul = page.typed(what="Hộp\0móp").keep(JSON)
    assert (nul.status_code, nul.json["message"].partition(":")[0]) == (422, "Chuyện gì")
    assert page.typed(what="x" * 30_000).keep(JSON).status_code == 422
    answer, soup = page.typed(what="Hộp\0móp").send()
    assert (answer.status_code, bool(soup.find(id="answer_what-error"))) == (422, True)
    assert page.typed(what="Hộp móp", why="không hỏi", nothing="x", all="5").send()[0].status_code == 302
    with app.app_context():
        assert db.session.scalars(select(Submission.answers)).one() == {"what": "Hộp móp", "all": 0}
    for path in ("/dien-phieu/khong-co", "/dien-phieu/khieu-nai?khach-hang=999999", "/phieu/999999", "/phieu/abc"):
        assert lan.get(path).status_code == 404


def test_a_file_goes_on_its_way_alone_and_stays_as_long_as_a_draft_names_it(app, client, asked):
    lan = client("lan")
    page = opened(lan)
    path = page.soup.find("input", type="file")["data-upload-to"]
    for name, contents in (("virus.exe", b"MZ"), ("don.pdf", b"%PDF-1.4 x"), ("anh.jpg", b"MZ")):
        refused = lan.post(path, data={"file": (io.BytesIO(contents), name)})
        assert (refused.status_code, bool(refused.json["message"])) == (422, True)
    assert lan.post(path.replace("photos", "what"), data={"file": a_picture()}).status_code == 404
    sent = lan.post(path, data={"file": a_picture("hộp móp.jpg")}).json
    throw = page.typed(what="Móp", photos=str(sent["id"])).keep(JSON).json["throw"]
    assert "hộp móp.jpg" in lan.get("/dien-phieu/khieu-nai").text
    for kept in (1, 0):
        with app.app_context(), transaction(SYSTEM) as session:
            services.forget_files(session, before=clock.now() + timedelta(days=1))
        assert counted(app, AnswerFile) == kept
        lan.post(throw)


def test_rows_and_columns_are_added_up_on_a_page_without_a_script(client, asked):
    page = opened(client("lan"))
    answer, soup = page.typed(items__0__price="1.000", items__3__price="500").send()
    assert answer.status_code == 422
    frame = soup.find(attrs={"data-rows": True})
    assert frame.find(attrs={"data-sum": "price"}).text == "1.500\u00a0₫"
    assert json.loads(frame["data-rows"])["today"] == clock.today("Asia/Ho_Chi_Minh").isoformat()
    assert len(frame.find("tbody").find_all("tr")) == 2 + 3


def test_more_rows_are_asked_for_without_a_script_and_nothing_is_judged_or_lost(app, client, asked):
    page = opened(client("lan"))
    for count, price in enumerate(("1.000", "mười", "500", "200"), 1):
        page.held[f"answer_items.{count - 1}.price"] = price
    button = page.soup.select_one("noscript button[name=more_rows]")
    page.held[button["name"]] = button["value"]
    answer, soup = page.send()
    assert answer.status_code == 422
    assert not soup.select(".tt-err")
    rows = soup.find(attrs={"data-rows": True}).find("tbody").find_all("tr")
    assert [row.input["value"] for row in rows] == ["1.000", "mười", "500", "200", "", "", ""]
    assert counted(app, Submission) == 0


def test_a_choice_is_taken_back_and_a_customer_named_without_a_script(app, client, asked):
    with app.app_context(), transaction(SYSTEM) as session:
        name = session.scalar(select(Customer.name).where(Customer.id == asked))
        drawn = {"name": "Ai", "fields": [
            {"key": "stars", "type": "stars", "label": "Sao"}, {"key": "who", "type": "customer", "label": "Khách"},
            {"key": "why", "type": "text", "label": "Vì sao", "required": True},
        ]}  # fmt: skip
        publish(session, services.create_form(session, code="ai", name="Ai", by=SYSTEM), drawn)
    page = opened(client("lan"), "/dien-phieu/ai")
    assert page.soup.select_one("noscript input[type=radio][name=answer_stars]")["value"] == ""
    answer, soup = page.typed(stars="", who="", who__words=name.upper()).send()
    assert answer.status_code == 422
    assert [one.text for one in soup.select("select[name=answer_who] option[selected]")] == [name]
    again = Window(page.who, page.path, soup).typed(why="Móp", who=str(asked))
    assert again.send()[0].status_code == 302
    with app.app_context():
        assert db.session.scalars(select(Submission.answers)).one() == {"who": asked, "why": "Móp"}
