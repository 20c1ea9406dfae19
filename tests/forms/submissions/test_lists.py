"""The list over all answers, and that of one form: who sees what, filtered, ordered, taken away."""

from __future__ import annotations

import csv
import io

import pytest
from bs4 import BeautifulSoup

from app.core import paging
from app.core.access import SYSTEM
from app.core.db import transaction
from app.customers.services import create_customer
from app.forms.models import SubmissionSource
from tests.cast import Cast
from tests.forms.submissions.conftest import DRAWN, publish, submit
from tests.rest import statements

LIST = "/bieu-mau/mon-an/phieu/list/"


def table(page):
    assert page.status_code == 200, page.text
    soup = BeautifulSoup(page.text, "lxml")
    heads = [one.get_text(" ", strip=True) for one in soup.select("table thead th")]
    rows = [[cell.get_text(" ", strip=True) for cell in row.select("td")] for row in soup.select("table tbody tr")]
    return heads, rows


def cells(page, column):
    heads, rows = table(page)
    return [row[heads.index(column)] for row in rows]


def test_every_form_s_answers_stand_on_one_list_as_far_as_one_may_see(client, given):
    assert cells(client("lan").get("/phieu/list/"), "Số") == [f"#{given.second}", f"#{given.first}"]
    assert f"#{given.other}" in cells(client("hoa").get("/phieu/list/"), "Số")


def test_questions_are_columns_of_their_form_and_read_as_people_read_them(client, given):
    heads, rows = table(client("hoa").get(LIST))
    assert heads[3:7] == ["Lỗi", "Đền bù", "Ngày ăn", "Ghi chú"]
    assert rows[1][3:7] == ["Trễ", "200.000\xa0₫", "21/11/2026", "Trễ hẹn"]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("[answers.fault] = 'late'", {"second", "other"}),
        ("[answers.fault] != 'late'", {"first"}),
        ("answers.amount >= 100000", {"second"}),
        ("answers.on = '2026-11-20'", {"first"}),
        ("answers.note contains 'tre hen'", {"second"}),
        ("answers.amount empty", {"other"}),
        ("state = 'voided'", set()),
    ],
)
def test_rows_are_narrowed_by_answers_as_what_they_are(client, given, where, found):
    page = client("hoa").get(LIST, query_string={"where": where, "view": 0})
    assert set(cells(page, "Số")) == {f"#{getattr(given, name)}" for name in found}


@pytest.mark.both_databases
@pytest.mark.parametrize("is_long", [False, True])
def test_the_index_alone_names_each_row_once_also_where_a_question_had_several_answers_before(
    app, client, monkeypatch, is_long
):
    wanted = {
        "[answers.dishes] in ('pho', 'bun')": ["#3", "#1"],
        "[answers.dishes] = 'com'": ["#2"],
        "[answers.dishes] != 'pho' and answers.eaten >= 2": ["#3", "#2"],
        "answers.eaten >= 1 and answers.eaten <= 2 and [answers.dishes] in ('pho', 'com')": ["#2", "#1"],
        "answers.eaten >= 1 and state = 'submitted'": ["#3", "#2", "#1"],
    }
    options = [{"value": one, "label": one} for one in ("pho", "bun", "com")]
    dishes = {"key": "dishes", "type": "choices", "label": "Món", "searchable": True, "options": options}
    eaten = {"key": "eaten", "type": "integer", "label": "Số bát", "searchable": True}
    with app.app_context(), transaction(SYSTEM) as session:
        publish(session, {"name": "Quán", "fields": [dishes, eaten]}, code="quan")
        submit(session, {"dishes": ["pho", "bun"], "eaten": 1}, by=SYSTEM, code="quan")
        publish(session, {"name": "Quán", "fields": [{**dishes, "type": "choice"}, eaten]}, code="quan")
        submit(session, {"dishes": "com", "eaten": 2}, by=SYSTEM, code="quan")
        submit(session, {"dishes": "bun", "eaten": 3}, by=SYSTEM, code="quan")
    if is_long:
        monkeypatch.setattr(paging, "COUNT_CAP", 1)
    hoa, path = client("hoa"), "/bieu-mau/quan/phieu/list/"
    for where, found in wanted.items():
        for _time in range(2):
            assert cells(hoa.get(path, query_string={"where": where, "view": 0}), "Số") == found, where
        page = hoa.get(path, query_string={"where": where, "view": 0, "page_size": 1})
        onward = BeautifulSoup(page.text, "lxml").select_one("a[rel=next]")
        assert (onward is not None) is (len(found) > 1), where
        if onward is not None:
            assert cells(hoa.get(f"{path}{onward['href']}"), "Số") == found[1:2], where


def test_who_filled_in_is_one_thing_to_column_filter_order_file_and_programs(app, client, given):
    with app.app_context(), transaction(SYSTEM) as session:
        cast = Cast(session)
        outside = submit(session, {"fault": "late"}, by=cast.lan, source=SubmissionSource.public).id
        lan_id, name = cast.lan.user_id, cast.lan.name
    lan = client("lan")
    for path in (LIST, "/phieu/list/"):
        found = lan.get(path, query_string={"where": f"created_by = {lan_id}", "view": 0})
        assert set(cells(found, "Số")) == {f"#{given.first}", f"#{given.second}"}, path
        mine = lan.get(path, query_string={"where": "created_by = me()", "view": 0})
        assert f"#{outside}" not in cells(mine, "Số")
        nobody = lan.get(path, query_string={"where": "created_by empty", "view": 0})
        assert cells(nobody, "Số") == [f"#{outside}"]
        ordered = lan.get(path, query_string={"order": "created_by", "view": 0, "columns": "number,created_by"})
        assert sorted(cells(ordered, "Người điền")) == ["", name, name]
        assert f"#{outside}" in (cells(ordered, "Số")[0], cells(ordered, "Số")[-1])
        taken_in = lan.get(
            path, query_string={"where": "taken_in_by = me()", "view": 0, "columns": "number,taken_in_by"}
        )
        assert (cells(taken_in, "Số"), cells(taken_in, "Người nhận")) == ([f"#{outside}"], [name])
    told = taken(client("hoa"), {"format": "csv", "query": "?columns=number,created_by&view=0"})
    rows = {row[0]: row[1] for row in csv.reader(io.StringIO(told))}
    assert (rows[str(outside)], rows[str(given.first)]) == ("", name)


def test_rows_are_ordered_by_an_answer_and_turned_page_by_page(client, given):
    page = client("hoa").get(LIST, query_string={"order": "-answers.amount", "view": 0, "page_size": 1})
    assert cells(page, "Số") == [f"#{given.second}"]
    onward = BeautifulSoup(page.text, "lxml").select_one("a[rel=next]")["href"]
    assert cells(client("hoa").get(f"{LIST}{onward}"), "Số") == [f"#{given.first}"]


def test_what_a_role_may_not_read_is_no_column_no_filter_and_no_order_for_it(client, given):
    page = client("lan").get(LIST, query_string={"columns": "number,answers.inside", "view": 0})
    assert page.status_code == 400
    assert "Khách quen" not in page.text
    assert "answers.inside" not in client("lan").get("/bieu-mau/mon-an/phieu/fields").text
    shown = client("hoa").get(LIST, query_string={"columns": "number,answers.inside", "view": 0})
    assert "Khách quen" in cells(shown, "Nội bộ")


def test_the_list_leaves_as_a_file_without_what_was_voided_and_nothing_in_it_runs(app, client, given, void):
    hoa = client("hoa")
    sent = {"format": "csv", "query": "?columns=number,answers.note,answers.amount&view=0"}
    told = taken(hoa, sent)
    rows = list(csv.reader(io.StringIO(told)))
    assert [len(rows), rows[0][1:]] == [4, ["Ghi chú", "Đền bù"]]
    assert not any(cell.startswith("=") for row in rows for cell in row)
    void(given.first)
    assert "Phở nguội" not in taken(hoa, sent)
    voided = "?where=state%3D'voided'&view=0&columns=answers.note"
    assert "Phở nguội" in taken(hoa, {**sent, "query": voided})


def test_a_file_that_names_customers_asks_for_them_all_together(app, client):
    drawn = {"name": "Mua giúp", "fields": [{"key": "whom", "type": "customer", "label": "Khách", "required": True}]}
    with app.app_context(), transaction(SYSTEM) as session:
        publish(session, drawn, code="mua-giup")
        for number in range(4):
            customer = create_customer(session, by=SYSTEM, name=f"Khách số {number}", phone=f"098765432{number}")
            submit(session, {"whom": customer.id}, by=SYSTEM, code="mua-giup")
    sent = {"format": "csv", "query": "?columns=number,answers.whom&view=0"}
    hoa = client("hoa")
    with statements(app) as seen, hoa.post("/bieu-mau/mua-giup/phieu/export", data=sent) as answer:
        assert "Khách số 3" in answer.data.decode("utf-8-sig")
    assert len([one for one in seen if "customer.name" in one]) == 1


def test_what_is_ticked_leaves_alone(client, given):
    hoa = client("hoa")
    page = hoa.get(LIST, query_string={"columns": "number,answers.note", "view": 0})
    form = BeautifulSoup(page.text, "lxml").select_one(".tt-listform")
    button = form.select_one("[data-bulk] button[name=format]")
    assert button["formaction"] == form["action"] == "/bieu-mau/mon-an/phieu/export"
    ticked = form.find("input", {"name": "rowid", "value": str(given.first)})
    asked = {one["name"]: one["value"] for one in form.select("input[type=hidden]")}
    told = taken(hoa, {**asked, "rowid": ticked["value"], "format": "csv"})
    assert [row[1] for row in csv.reader(io.StringIO(told))][1:] == ["Phở nguội"]


def taken(who, sent):
    with who.post("/bieu-mau/mon-an/phieu/export", data=sent) as answer:
        assert answer.status_code == 200, answer.text
        return answer.data.decode("utf-8-sig")


def test_a_new_version_shows_the_old_answers_as_they_were_given(change, client, given):
    changed = [{**one, "type": "choice", "options": [{"value": "a", "label": "A"}]} if one["key"] == "stars" else one
               for one in DRAWN["fields"] if one["key"] != "note"]  # fmt: skip
    change(lambda session, _cast: publish(session, {**DRAWN, "fields": changed}))
    page = client("hoa").get(LIST, query_string={"columns": "number,version,answers.stars", "view": 0})
    assert [row[2:] for row in table(page)[1]] == [["v1", ""], ["v1", "4/5"], ["v1", "2/5"]]


def test_a_form_that_is_not_there_or_asks_nothing_yet_has_no_list(client, given):
    for code in ("khong-co", "A" * 300):
        assert client("hoa").get(f"/bieu-mau/{code}/phieu/list/").status_code == 404


def test_a_view_of_a_form_s_list_is_kept_for_that_form_alone(client, given):
    hoa = client("hoa")
    sent = {"name": "Bồi thường lớn", "query": "?where=answers.amount%3E%3D100000&view=0"}
    kept = hoa.post("/bieu-mau/mon-an/phieu/views", data=sent, follow_redirects=True)
    assert cells(kept, "Số") == [f"#{given.second}"]
    assert "Bồi thường lớn" in kept.text
    assert "Bồi thường lớn" not in hoa.get("/phieu/list/").text


def test_a_list_asks_no_more_queries_for_more_rows_and_columns(app, client, given):
    hoa = client("hoa")
    asked = {"columns": "number", "view": 0}, {"columns": "number,answers.fault,answers.amount,answers.note", "view": 0}
    counted = []
    for query in asked:
        hoa.get(LIST, query_string=query)
        with statements(app) as seen:
            assert hoa.get(LIST, query_string=query).status_code == 200
        counted.append(len(seen))
    assert counted[1] <= counted[0] + 1
    assert counted[1] <= 8
