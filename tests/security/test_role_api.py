"""Roles by program: the same rules as on the page."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.core.db import db
from app.security.models import RoleProfile
from app.security.roles import RESOURCES


def asked(client, token, who: str):
    program, headers = client(), token(who)

    def ask(method: str, address: str, body=None, **more):
        return getattr(program, method)(f"/api/v1/roles/{address}", json=body, headers={**headers, **more})

    return ask


def test_roles_are_listed_with_every_right_and_its_reach(client, token):
    answer = asked(client, token, "hoa")("get", "").json
    assert [row["code"] for row in answer["result"]] == ["Admin", "Manager", "Staff", "Auditor"]
    staff = answer["result"][2]
    assert staff["label"] == "Nhân viên"
    assert staff["rights"]["Customer"]["view"] == "team"
    assert {part: set(rights) for part, rights in staff["rights"].items()} == {
        part: set(actions) for part, actions in RESOURCES.items()
    }


def test_a_role_is_made_changed_renamed_archived_and_restored(client, token):
    hoa = asked(client, token, "hoa")
    made = hoa("post", "", {"label_vi": "Trưởng ca", "like": "Staff", "rights": {"Customer": {"export": "own"}}})
    assert made.status_code == 201, made.text
    role = made.json
    assert (role["code"], role["rights"]["Customer"]["export"], role["rights"]["Customer"]["view"]) == (
        "truong-ca", "own", "team",
    )  # fmt: skip
    changed = hoa("patch", "truong-ca/rights", {"rev": role["rev"], "rights": {"Customer": {"view": "none"}}}).json
    assert changed["rights"]["Customer"]["view"] == "none"
    assert (
        hoa("patch", "truong-ca/rights", {"rev": role["rev"], "rights": {"Team": {"view": "none"}}}).status_code == 409
    )
    named = hoa("put", "truong-ca", {"rev": changed["rev"], "label_en": "Shift lead"}).json
    assert (named["label_vi"], named["label_en"]) == ("Trưởng ca", "Shift lead")
    assert hoa("get", "truong-ca", **{"Accept-Language": "en"}).json["label"] == "Shift lead"
    assert hoa("post", "truong-ca/archive").json["archived_at"] is not None
    assert hoa("post", "truong-ca/restore").json["archived_at"] is None


@pytest.mark.parametrize(
    ("method", "address", "body", "status", "key"),
    [
        ("post", "", {"label_vi": " "}, 422, "label_vi"),
        ("post", "", {"label_vi": "A", "like": "Nobody"}, 422, "like"),
        ("post", "", {"label_vi": "A", "rights": {"Customer": {"view": "far"}}}, 422, "rights.Customer.view"),
        ("post", "", {"label_vi": "A", "rights": {"Moon": {"view": "all"}}}, 422, "rights.Moon.view"),
        ("post", "", {"label_vi": "A", "rights": {"Customer": "all"}}, 422, "rights.Customer"),
        ("post", "", {"label_vi": "A", "code": "x"}, 422, "code"),
        ("patch", "Admin/rights", {"rev": 1, "rights": {"Customer": {"view": "none"}}}, 422, None),
        ("patch", "Staff/rights", {"rev": 1, "rights": {"Role": {"view": "own"}}}, 400, None),
        ("patch", "Nobody/rights", {"rev": 1, "rights": {}}, 404, None),
        ("post", "Staff/archive", None, 422, None),
        ("get", "?order=secret", None, 400, None),
    ],
)
def test_what_is_not_right_is_told(app, client, token, method, address, body, status, key):
    answer = asked(client, token, "hoa")(method, address, body)
    assert answer.status_code == status, answer.text
    assert answer.json["message"]
    assert key is None or key in answer.json["fields"]
    with app.app_context():
        assert db.session().scalar(select(func.count()).select_from(RoleProfile)) == 4


def test_roles_are_not_for_everybody(client, token):
    lan = asked(client, token, "lan")
    for method, address, body in (("get", "", None), ("get", "Staff", None), ("post", "", {"label_vi": "A"}),
                                  ("patch", "Staff/rights", {"rev": 1, "rights": {}})):  # fmt: skip
        assert lan(method, address, body).status_code == 403
