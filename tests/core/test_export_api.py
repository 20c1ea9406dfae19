"""Programs take lists away as people do: the same rows, the same conditions, the same refusals."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from openpyxl import load_workbook

from app.jobs import write_exports
from tests.rest import Rest


@pytest.fixture
def hoa(app: Flask) -> Rest:
    hoa = Rest(app, "hoa")
    for number in range(3):
        hoa.customer(f"Khách {number}", f"0912 000 10{number}")
    return hoa


def names(rest: Rest, **query: object) -> list[str]:
    return [one["name"] for one in rest.rows("customers/", **query)]


@pytest.mark.both_databases
def test_a_list_answers_the_conditions_and_orders_of_its_screen(hoa: Rest) -> None:
    assert names(hoa, where="phone contains '101'") == ["Khách 1"]
    assert names(hoa, where='{"field": "name", "op": "=", "value": "Khách 2"}') == ["Khách 2"]
    assert names(hoa, where="owner.name = me()", order="-updated_at") == ["Khách 2", "Khách 1", "Khách 0"]
    for where in ("salary > 5", "kind = 'gold'", "name =", "created_by.password = 'x'", "{", "a" * 30_000):
        answer = hoa.get("customers/", where=where)
        assert answer.status_code == 400, where
        assert answer.json["message"], where


@pytest.mark.both_databases
def test_next_leads_through_all_pages(hoa: Rest) -> None:
    found, after, turns = [], {}, 0
    while True:
        answer = hoa.get("customers/", order="-name", page_size=2, **after).json
        found += [one["name"] for one in answer["result"]]
        turns += 1
        if answer["next"] is None:
            break
        after = {"after": answer["next"]}
    assert (found, turns) == (["Khách 2", "Khách 1", "Khách 0"], 2)
    assert hoa.get("customers/", after="x").status_code == 400


def test_a_list_is_asked_for_watched_and_fetched_as_a_file(app: Flask, hoa: Rest) -> None:
    asked = hoa.post("exports/", {"list": "customers", "format": "xlsx", "where": "phone contains '101'",
                                  "columns": ["name", "phone"]})  # fmt: skip
    assert asked.status_code == 201, asked.text
    assert (asked.json["state"], asked.json["total"], asked.json["file"]) == ("waiting", 1, None)
    with app.app_context():
        write_exports()
    done = hoa.get(f"exports/{asked.json['id']}").json
    assert (done["state"], done["done"], done["problem"]) == ("done", 1, None)
    with hoa.get(f"exports/{done['id']}/file") as file:
        sheet = load_workbook(io.BytesIO(file.data)).active
    assert [[cell.value for cell in row] for row in sheet.rows][1:] == [["Khách 1", "0912 000 101"]]
    assert [one["id"] for one in hoa.rows("exports/")] == [done["id"]]


def test_what_cannot_be_taken_away_is_refused(app: Flask, hoa: Rest) -> None:
    for body, status in (
        ({"list": "salaries", "format": "csv"}, 422),
        ({"list": "customers", "format": "exe"}, 422),
        ({"list": "customers", "format": "csv", "where": "salary > 5"}, 400),
        ({"list": "customers", "format": "csv", "columns": ["created_by.password"]}, 400),
        ({"list": "customers", "format": "csv", "order": "created_by.password"}, 400),
        ({"list": "customers", "format": "csv", "page_size": 5}, 422),
    ):
        answer = hoa.post("exports/", body)
        assert answer.status_code == status, (body, answer.text)
    mine = hoa.post("exports/", {"list": "customers", "format": "csv"}).json["id"]
    lan = Rest(app, "lan")
    assert lan.get(f"exports/{mine}").status_code == 404
    assert lan.get(f"exports/{mine}/file").status_code == 404
    assert lan.post(f"exports/{mine}/cancel").status_code == 404
    assert hoa.get(f"exports/{mine}/file").status_code == 404
    assert hoa.post(f"exports/{mine}/cancel").json["state"] == "cancelled"
