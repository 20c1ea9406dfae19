"""Programs of those who keep the people: the same rules as on the pages, and nobody else's."""

from __future__ import annotations

import pytest

from app.core.access import FieldRight
from app.core.db import db
from app.security.models import RoleField
from app.security.queries import role_by_code
from tests.cast import Cast
from tests.rest import Rest, statements
from tests.story import Story

NEW = {"family_name": "Đặng Thị", "given_name": "Ưng Hòa", "email": "ung@phosen.example"}


@pytest.fixture
def hoa(app):
    return Rest(app, "hoa")


def test_a_member_is_added_read_changed_and_invited(hoa):
    made = hoa.post("members/", {**NEW, "team": "cskh", "roles": ["Staff"], "phone": "0912 345 678"})
    assert made.status_code == 201, made.json
    one = made.json
    told = {key: one[key] for key in ("username", "team", "roles", "phone", "standing", "active")}
    assert told == {"username": "hoa.dang", "team": "cskh", "roles": ["Staff"], "phone": "+84912345678",
                    "standing": "waiting", "active": False}  # fmt: skip
    path = f"members/{one['id']}"
    changed = hoa.put(path, {"rev": one["rev"], "title": "Thu ngân", "more_teams": ["van-hanh"]})
    assert (changed.json["title"], changed.json["more_teams"], changed.json["team"]) == (
        "Thu ngân",
        ["van-hanh"],
        "cskh",
    )
    assert hoa.put(path, {"rev": one["rev"], "title": "Bếp"}).status_code == 409
    assert hoa.post(f"{path}/invite").json["standing"] == "invited"
    assert hoa.post(f"{path}/withdraw").json["standing"] == "waiting"
    assert [row["username"] for row in hoa.rows("members/", q="ung hoa")] == ["hoa.dang"]
    assert "hoa.dang" not in [row["username"] for row in hoa.rows("members/", active=1)]


@pytest.mark.parametrize(
    ("body", "key"),
    [({}, "email"), ({**NEW, "email": "x"}, "email"), ({**NEW, "phone": "12"}, "phone"),
     ({**NEW, "team": "khong-co"}, "team"), ({**NEW, "roles": ["Zzz"]}, "roles"),
     ({**NEW, "language": "fr"}, "language"), ({**NEW, "time_zone": "Mars/Olympus"}, "time_zone"),
     ({**NEW, "salary": 1}, "salary")],
)  # fmt: skip
def test_what_will_not_do_is_told_by_its_key(hoa, body, key):
    answer = hoa.post("members/", body)
    assert answer.status_code == 422
    assert key in answer.json["fields"]


def test_who_leaves_hands_over_first(app, hoa):
    with app.app_context():
        Story(db.session(), Cast(db.session()))
        key = Cast(db.session()).member("lan").id
    assert hoa.get(f"members/{key}/work").json == {"customers": 1}
    refused = hoa.post(f"members/{key}/deactivate")
    assert (refused.status_code, refused.json["error"], list(refused.json["fields"])) == (
        422,
        "open_work",
        ["customers"],
    )
    refused = hoa.post(f"members/{key}/deactivate", {"to": "khong-co"})
    assert (refused.status_code, refused.json["error"]) == (422, "invalid")
    gone = hoa.post(f"members/{key}/deactivate", {"to": "minh", "hand_over": {"customers": "binh"}})
    assert (gone.status_code, gone.json["standing"]) == (200, "gone")
    assert [row["owner"] for row in Rest(app, "binh").rows("customers/")] == ["binh"]
    assert hoa.post(f"members/{key}/reactivate").json["standing"] == "active"


@pytest.mark.parametrize("username", ["lan", "minh"])
def test_others_read_and_change_nothing(app, username):
    rest = Rest(app, username)
    with app.app_context():
        key = Cast(db.session()).member("tuan").id
    one = rest.get(f"members/{key}").json
    assert "roles" not in one
    assert "signature" not in one
    assert rest.post("members/", NEW).status_code == 403
    assert rest.put(f"members/{key}", {"rev": 1, "title": "x"}).status_code == 403
    for verb in ("invite", "withdraw", "deactivate", "reactivate"):
        assert rest.post(f"members/{key}/{verb}").status_code == 403, verb
    assert rest.get(f"members/{key}/work").status_code == 403
    assert rest.get("members/999999").status_code == 404


def test_a_field_that_is_held_back_is_neither_told_nor_asked_for(app, change):
    change(lambda session, _cast: session.add(RoleField(role_id=role_by_code(session, "Staff").id, resource="Member",
                                                        field="email", right=FieldRight.hidden)))  # fmt: skip
    lan = Rest(app, "lan")
    assert all("email" not in row for row in lan.rows("members/"))
    assert lan.get("members/", email="hoa@phosen.example").status_code == 400


def test_a_whole_page_asks_as_often_as_one_row(app, hoa):
    for number in range(3):
        made = hoa.post("members/", {"family_name": "Đỗ", "given_name": f"An {number}", "email": f"an{number}@a.vn"})
        assert made.status_code == 201, made.text
        shared = {"resource": "Customer", "record": hoa.customer()["id"], "right": "view", "reason": "Cùng chăm sóc"}
    assert hoa.post("shares/", {**shared, "member": "lan"}).status_code == 201

    def asked(path, **query):
        hoa.rows(path, **query)
        with statements(app) as seen:
            assert hoa.rows(path, **query)
        return len(seen)

    assert asked("members/", order="-id", page_size=1) == asked("members/", order="-id")
    assert asked("roles/", page_size=1) == asked("roles/")
    record = {"resource": "Customer", "record": shared["record"]}
    one = asked("shares/", **record)
    for receiver in ({"member": "minh"}, {"member": "tuan"}):
        assert hoa.post("shares/", {**shared, **receiver}).status_code == 201
    assert asked("shares/", **record) == one
