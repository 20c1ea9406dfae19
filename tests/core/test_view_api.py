"""Programs keep the views that people look through, with the same limits and the same refusals."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.rest import Rest


@pytest.fixture
def hoa(app: Flask) -> Rest:
    hoa = Rest(app, "hoa")
    for number in range(3):
        hoa.customer(f"Khách {number}", f"0912 000 10{number}")
    return hoa


def test_a_view_is_kept_looked_through_changed_and_put_away(hoa: Rest) -> None:
    asked = {"list": "customers", "name": "Số 101", "where": "phone contains '101'", "order": "-name"}
    made = hoa.post("views/", asked)
    assert made.status_code == 201, made.text
    number = made.json["id"]
    assert made.json["where"] == {"field": "phone", "op": "contains", "value": "101"}
    assert [one["name"] for one in hoa.rows("customers/", view=number)] == ["Khách 1"]
    assert [one["name"] for one in hoa.rows("customers/", view=number, where="name = 'Khách 2'")] == ["Khách 2"]
    assert [one["id"] for one in hoa.get("views/", list="customers").json["result"]] == [number]
    changed = hoa.put(f"views/{number}", {"rev": made.json["rev"], "name": "Đảo", "order": "-name"})
    assert changed.status_code == 200, changed.text
    assert (changed.json["name"], changed.json["where"]) == ("Đảo", None)
    assert [one["name"] for one in hoa.rows("customers/", view=number)] == ["Khách 2", "Khách 1", "Khách 0"]
    assert hoa.put(f"views/{number}", {"rev": made.json["rev"], "name": "Cũ"}).status_code == 409
    assert hoa.post(f"views/{number}/archive", {"rev": changed.json["rev"]}).status_code == 200
    assert hoa.get("customers/", view=number).status_code == 404


def test_a_view_of_another_is_not_there_and_a_bad_one_is_refused(app: Flask, hoa: Rest) -> None:
    number = hoa.post("views/", {"list": "customers", "name": "Của Hoa", "q": "khách"}).json["id"]
    lan = Rest(app, "lan")
    assert lan.get(f"views/{number}").status_code == 404
    assert lan.get("customers/", view=number).status_code == 404
    assert lan.put(f"views/{number}", {"rev": 1, "name": "x"}).status_code == 404
    for body, status in (
        ({"list": "salaries", "name": "x"}, 422),
        ({"list": "customers", "name": ""}, 422),
        ({"list": "customers", "name": "x" * 61}, 422),
        ({"list": "customers", "name": "Của Hoa"}, 422),
        ({"list": "customers", "name": "x", "where": "salary > 5"}, 400),
        ({"list": "customers", "name": "x", "where": "kind = 'gold'"}, 400),
        ({"list": "customers", "name": "x", "order": "created_by.password"}, 400),
        ({"list": "customers", "name": "x", "page_size": 10**9}, 400),
    ):
        answer = hoa.post("views/", body)
        assert answer.status_code == status, (body, answer.text)
        assert answer.json["message"]
    assert hoa.get("customers/", view="abc").status_code in (400, 404)
    assert hoa.get("customers/", view=10**8).status_code == 404
