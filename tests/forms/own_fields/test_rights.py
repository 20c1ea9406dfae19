"""Who reads an own field, and who fills it in? What is kept from somebody is kept everywhere."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.db import db, transaction
from app.customers.models import Customer
from app.security.queries import member_by_username, primary_team_of
from tests.forms.own_fields.drawing import FIELDS, publish
from tests.rest import Rest
from tests.security.test_field_rights import MASKED, hold_back

LIST = "/khach-hang/list/"
#: only heads read what is owed; only admins say who helps
RULED = [
    {**one, "read_roles": ["Manager", "Admin"]} if one["key"] == "limit"
    else {**one, "edit_roles": ["Admin"]} if one["key"] == "dish" else one
    for one in FIELDS
]  # fmt: skip


@pytest.fixture
def customer(app: Flask) -> int:
    with app.app_context():
        publish(RULED)
        db.session.remove()
    hoa = Rest(app, "hoa")
    own = {"dish": "Phở", "limit": 5_000_000, "parties": 7}
    made = hoa.post("customers/", {"name": "Trần Văn Đức", "own": own, "phone": "0909111222"})
    assert made.status_code == 201, made.text
    with app.app_context():
        with transaction() as session:
            row = session.get_one(Customer, made.json["id"])
            lan = member_by_username(session, "lan")
            row.owner_id, row.team_id = lan.id, primary_team_of(session, lan.id).id
        db.session.remove()
    return made.json["id"]


def test_what_only_heads_read_is_nowhere_for_staff(app, customer, client):
    lan, rest = client("lan"), Rest(app, "lan")
    shown = rest.get(f"customers/{customer}").json["own"]
    assert "limit" not in shown
    assert shown["dish"] == "Phở"
    page = lan.get(f"/khach-hang/show/{customer}").text
    assert "Hạn mức công nợ" not in page
    assert "5.000.000" not in page
    for asked in ({"where": "own.limit > 1"}, {"order": "own.limit"}, {"columns": "name,own.limit"}):
        assert lan.get(LIST, query_string=asked).status_code == 400
    assert rest.get("customers/", where="own.limit > 1").status_code == 400
    assert "Hạn mức" not in lan.get(f"/khach-hang/edit/{customer}").text
    refused = rest.put(
        f"customers/{customer}", {"rev": rest.get(f"customers/{customer}").json["rev"], "own": {"limit": 1}}
    )
    assert refused.status_code == 422
    assert set(refused.json["fields"]) == {"own.limit"}
    assert Rest(app, "minh").get(f"customers/{customer}").json["own"]["limit"] == 5_000_000


def test_what_others_fill_in_stays_as_it_was(app, customer, client):
    lan, rest = client("lan"), Rest(app, "lan")
    now = rest.get(f"customers/{customer}").json
    refused = rest.put(f"customers/{customer}", {"rev": now["rev"], "own": {"dish": "Bún"}})
    assert refused.status_code == 422
    assert set(refused.json["fields"]) == {"own.dish"}
    saved = rest.put(f"customers/{customer}", {"rev": now["rev"], "own": {"parties": 8}})
    assert saved.status_code == 200, saved.text
    hoa = Rest(app, "hoa").get(f"customers/{customer}").json["own"]
    assert (hoa["dish"], hoa["parties"], hoa["limit"]) == ("Phở", 8, 5_000_000)
    page = lan.get(f"/khach-hang/edit/{customer}").text
    assert 'name="answer_dish"' not in page
    assert "Phở" in page


def test_what_a_role_reads_with_dots_is_not_found_by_guessing(app, customer, client):
    with app.app_context():
        hold_back("Staff", MASKED, "own.parties")
        db.session.remove()
    lan, rest = client("lan"), Rest(app, "lan")
    assert rest.get(f"customers/{customer}").json["own"]["parties"] != 7
    assert lan.get(LIST, query_string={"where": "own.parties = 7"}).status_code == 400
    assert lan.get(LIST, query_string={"order": "own.parties"}).status_code == 400
    shown = lan.get(LIST, query_string={"columns": "name,own.parties"})
    assert shown.status_code == 200
    assert "•" in shown.text
    assert 'name="answer_parties"' not in lan.get(f"/khach-hang/edit/{customer}").text
    taken = lan.post(
        "/khach-hang/export", data={"format": "csv", "query": "columns=name,own.parties", "columns": "shown"}
    )
    assert taken.status_code in (200, 403)
    assert ",7" not in taken.text
