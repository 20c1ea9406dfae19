"""Programs keep the views that people look through, with the same limits and the same refusals."""

from __future__ import annotations

import pytest
from flask import Flask, g
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access import SYSTEM
from app.core.api import Api
from app.core.db import db, transaction
from app.core.errors import BusinessError
from app.core.models import SavedView
from app.core.taken import TAKEN
from app.security import queries
from app.security.services import rights_changed
from tests.cast import Cast
from tests.rest import Rest

VIEW_CUSTOMERS = ("can_view", "Customer")


@pytest.fixture
def hoa(app: Flask) -> Rest:
    hoa = Rest(app, "hoa")
    for number in range(3):
        hoa.customer(f"Khách {number}", f"0912 000 10{number}")
    return hoa


@pytest.mark.parametrize("name", ["customers", "forms", "instances", "processes", "tasks", "teams", "users"])
def test_every_list_that_has_a_screen_is_narrowed_viewed_and_taken_away_alike(name: str, app: Flask) -> None:
    hoa = Rest(app, "hoa")
    assert hoa.get(f"{name}/", where="created_at = 'x'").status_code == 400
    assert hoa.get("views/", list=name).json["result"] == []
    assert hoa.post("exports/", {"list": name, "format": "csv"}).json["list"] == name


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
    assert (changed.json["name"], changed.json["where"]) == ("Đảo", made.json["where"])
    assert [one["name"] for one in hoa.rows("customers/", view=number)] == ["Khách 1"]
    changed = hoa.put(f"views/{number}", {"rev": changed.json["rev"], "where": None, "page_size": 10})
    assert [changed.json[name] for name in ("where", "order", "page_size")] == [None, "-name", 10]
    assert [one["name"] for one in hoa.rows("customers/", view=number)] == ["Khách 2", "Khách 1", "Khách 0"]
    assert hoa.put(f"views/{number}", {"rev": made.json["rev"], "name": "Cũ"}).status_code == 409
    assert hoa.post(f"views/{number}/archive", {"rev": changed.json["rev"]}).status_code == 200
    assert hoa.get("customers/", view=number).status_code == 404


def test_what_is_named_is_replaced_and_the_rest_stays(hoa: Rest) -> None:
    asked = {"where": "kind = 'company'", "q": "khách", "order": "-name", "columns": ["name", "phone"], "page_size": 50}
    view = hoa.post("views/", {"list": "customers", "name": "Công ty", **asked}).json
    for name, value in (("q", "phở"), ("order", "name"), ("columns", ["name"]), ("page_size", 10), ("where", None)):
        changed = hoa.put(f"views/{view['id']}", {"rev": view["rev"], name: value})
        assert changed.status_code == 200, changed.text
        assert changed.json == {**view, name: value, "rev": view["rev"] + 1}
        view = changed.json
    assert hoa.put(f"views/{view['id']}", {"rev": view["rev"], "page_size": 0}).status_code == 400
    assert hoa.put(f"views/{view['id']}", {"rev": view["rev"], "columns": []}).json["columns"] is None


def test_a_collection_through_a_view_is_ordered_as_its_screen_is(hoa: Rest) -> None:
    """By itself the collection of customers is ordered by name, and its screen by what is newest."""
    newest_first = ["Khách 2", "Khách 1", "Khách 0"]
    for order, kept in (("-created_at", "-created_at"), (None, None)):
        view = hoa.post("views/", {"list": "customers", "name": f"Theo {order}", "order": order}).json
        assert view["order"] == kept
        assert [one["name"] for one in hoa.rows("customers/", view=view["id"])] == newest_first
        assert [one["name"] for one in hoa.rows("customers/", view=view["id"], order="name")] == newest_first[::-1]
    assert [one["name"] for one in hoa.rows("customers/")] == newest_first[::-1]


def test_who_may_not_see_a_list_sees_none_of_its_views(app: Flask) -> None:
    lan = Rest(app, "lan")
    view = lan.post("views/", {"list": "customers", "name": "Của Lan", "order": "-name"}).json
    with app.app_context(), transaction(SYSTEM) as session:
        staff = queries.role_by_code(session, "Staff")
        assert staff is not None
        (seeing,) = [one for one in staff.permissions if (one.permission.name, one.view_menu.name) == VIEW_CUSTOMERS]
        staff.permissions.remove(seeing)
        rights_changed(session, [Cast(session).member("lan").id])
    assert lan.get("views/", list="customers").status_code == 403
    assert lan.post("views/", {"list": "customers", "name": "x"}).status_code == 403
    assert lan.get(f"views/{view['id']}").status_code == 403
    assert lan.put(f"views/{view['id']}", {"rev": 1, "q": "x"}).status_code == 403


def test_what_others_took_meanwhile_is_a_sentence_for_programs_too(app: Flask) -> None:
    with app.test_request_context("/api/v1/views/", method="POST"):
        g.actor, g.repeatable = Cast(db.session()).lan, None
        row = {"list_key": "CustomerScreen", "name": "Công ty", "owner_id": g.actor.user_id}

        def twice(session: Session) -> dict[str, object]:
            session.add_all(SavedView(**row) for _number in range(2))
            return {}

        with pytest.raises(BusinessError) as refusal:
            Api.write(twice)
        assert refusal.value.message == TAKEN
        assert db.session.scalars(select(SavedView)).all() == []


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
        ({"list": "customers", "name": "x", "page_size": 0}, 400),
    ):
        answer = hoa.post("views/", body)
        assert answer.status_code == status, (body, answer.text)
        assert answer.json["message"]
    assert hoa.get("customers/", view="abc").status_code in (400, 404)
    assert hoa.get("customers/", view=10**8).status_code == 404
