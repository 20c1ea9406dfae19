"""Own fields of many customers at once: brought in from a file, set for those that were chosen, taken back."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.db import db
from tests.forms.own_fields.drawing import publish
from tests.rest import Rest


@pytest.fixture
def hoa(app: Flask) -> Rest:
    with app.app_context():
        publish()
        db.session.remove()
    return Rest(app, "hoa")


def own(rest: Rest, number: int) -> dict:
    return {key: value for key, value in rest.get(f"customers/{number}").json["own"].items() if value is not None}


@pytest.mark.both_databases
def test_they_are_set_for_many_and_taken_back(hoa, client):
    first = hoa.post("customers/", {"name": "An", "own": {"dish": "Phở", "channel": "call"}}).json["id"]
    second = hoa.post("customers/", {"name": "Bình", "own": {"channel": "zalo"}}).json["id"]
    asked = {"customers": [first, second], "set": {"own": {"channel": "zalo", "signed": "2026-03-01", "parties": 4}}}
    tried = hoa.post("bulk_edits/", {**asked, "dry_run": True})
    assert tried.status_code == 201, tried.text
    wrong = hoa.post("bulk_edits/", {"customers": [first], "set": {"own": {"parties": "nhiều", "channel": "fax"}}})
    assert wrong.status_code == 422
    assert set(wrong.json["fields"]) == {"set.own.parties", "set.own.channel"}
    done = hoa.post("bulk_edits/", asked)
    assert done.json["written"] == {"changed": 2}
    assert own(hoa, first) == {"dish": "Phở", "channel": "zalo", "signed": "2026-03-01", "parties": 4}
    assert own(hoa, second) == {"channel": "zalo", "signed": "2026-03-01", "parties": 4}
    page = client("hoa").get(f"/khach-hang/sua-hang-loat/{done.json['id']}")
    assert "Kênh ưa thích" in page.text
    assert "01/03/2026" in page.text
    undone = hoa.post(f"bulk_edits/{done.json['id']}/undo", {})
    assert undone.status_code == 200, undone.text
    assert own(hoa, first) == {"dish": "Phở", "channel": "call"}
    assert own(hoa, second) == {"channel": "zalo"}
