"""Two customers become one: their own fields stand side by side, and come apart again."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.db import db
from tests.forms.own_fields.drawing import FIELDS, publish
from tests.rest import Rest


@pytest.fixture
def minh(app: Flask) -> Rest:
    with app.app_context():
        publish()
        db.session.remove()
    return Rest(app, "minh")


@pytest.mark.both_databases
def test_what_was_chosen_stays_and_comes_apart_again(minh, client):
    first = minh.post("customers/", {"name": "Trần Văn Đức", "own": {"dish": "Phở", "parties": 3}}).json
    second = minh.post("customers/", {"name": "Trần Văn Đức", "own": {"dish": "Bún", "channel": "zalo"}}).json
    page = client("minh").get(f"/nghi-trung/{first['id']}/{second['id']}").text
    for told in ("Món hay dùng", "Phở", "Bún", "Kênh ưa thích", "Zalo"):
        assert told in page
    merged = minh.post("duplicates/merge", {
        "kept": first["id"], "merged": second["id"], "kept_rev": first["rev"], "merged_rev": second["rev"],
        "own": {"dish": "kept"},
    })  # fmt: skip
    assert merged.status_code == 201, merged.text
    kept = minh.get(f"customers/{first['id']}").json
    assert {key: kept["own"][key] for key in ("dish", "parties", "channel")} == {
        "dish": "Phở", "parties": 3, "channel": "zalo",
    }  # fmt: skip
    found = minh.rows("customers/", where="own.channel = 'zalo'")
    assert [one["id"] for one in found] == [first["id"]]
    changed = minh.put(f"customers/{first['id']}", {"rev": kept["rev"], "own": {"parties": 9}})
    assert changed.status_code == 200
    undone = minh.post(f"duplicates/merges/{merged.json['id']}/undo", {})
    assert undone.status_code == 200, undone.text
    apart = minh.get(f"customers/{first['id']}").json["own"]
    assert {key: apart[key] for key in ("dish", "parties", "channel")} == {"dish": "Phở", "parties": 9, "channel": None}
    assert minh.get(f"customers/{second['id']}").json["own"]["dish"] == "Bún"
    found = minh.rows("customers/", where="own.channel = 'zalo'")
    assert [one["id"] for one in found] == [second["id"]]


@pytest.mark.both_databases
def test_a_value_of_the_type_that_its_field_had_before_is_told_as_it_was_and_does_not_come_back(app, minh, client):
    first = minh.post("customers/", {"name": "Trần Văn Đức", "own": {"parties": 5, "dish": "Phở"}}).json
    second = minh.post("customers/", {"name": "Trần Văn Đức", "own": {"dish": "Bún"}}).json
    merged = minh.post("duplicates/merge", {
        "kept": first["id"], "merged": second["id"], "kept_rev": first["rev"], "merged_rev": second["rev"], "own": {},
    }).json  # fmt: skip
    for number, dish in ((first["id"], "Phở"), (second["id"], "Bún")):
        rev = minh.get(f"customers/{number}").json["rev"] if number == first["id"] else None
        if rev is not None:
            emptied = minh.put(f"customers/{number}", {"rev": rev, "own": {"parties": None}})
            assert emptied.status_code == 200, (dish, emptied.text)
    with app.app_context():
        publish([{"key": "parties", "type": "date", "label": "Ngày đặt tiệc"}, FIELDS[0], *FIELDS[2:]])
        db.session.remove()
    page = client("hoa").get(f"/khach-hang/show/{first['id']}?phan=lich-su")
    assert page.status_code == 200
    undone = minh.post(f"duplicates/merges/{merged['id']}/undo", {})
    assert undone.status_code == 200, undone.text
    assert minh.get(f"customers/{first['id']}").json["own"]["parties"] is None
