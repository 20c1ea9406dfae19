from __future__ import annotations

import pytest
from flask import Flask

from app.customers.dialogs import ContactPointDialog, CustomerDialog


@pytest.fixture
def post(app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)

    def fill(dialog, values, **options):
        with app.test_request_context("/", method="POST", data=values):
            filled = dialog(**options)
            filled.validate()
            return filled

    return fill


def test_a_name_is_enough(post):
    dialog = post(CustomerDialog, {"name": "Ánh", "kind": "person", "owner_id": "", "rev": "3"})
    assert dialog.errors == {}
    assert (dialog.name.data, dialog.owner_id.data, dialog.rev.data) == ("Ánh", None, 3)


def test_every_problem_stands_beside_its_field_and_what_was_typed_stays(post):
    typed = {
        "name": " ",
        "kind": "person",
        "phone": "12",
        "email": "x",
        "source": "s" * 61,
        "note": "\0",
        "owner_id": "",
    }
    dialog = post(CustomerDialog, typed)
    assert set(dialog.errors) == {"name", "phone", "email", "source", "note"}
    assert (dialog.phone.data, dialog.email.data) == ("12", "x")


@pytest.mark.parametrize(("chosen", "ok"), [("7", True), ("8", False), ("x", False)])
def test_only_offered_owners_can_be_chosen(post, chosen, ok):
    dialog = post(
        CustomerDialog, {"name": "Ánh", "kind": "person", "owner_id": chosen}, owners=[(7, "Nguyễn Ngọc Lan")]
    )
    assert ("owner_id" not in dialog.errors) is ok


def test_an_unknown_kind_is_refused(post):
    assert "kind" in post(CustomerDialog, {"name": "Ánh", "kind": "robot", "owner_id": ""}).errors
    assert "kind" in post(ContactPointDialog, {"kind": "pigeon", "text": "x"}).errors


@pytest.mark.parametrize(
    ("kind", "typed", "ok"), [("phone", "0912345678", True), ("phone", "x", False), ("zalo", "x", True)]
)
def test_a_contact_point_is_read_by_its_kind(post, kind, typed, ok):
    assert (post(ContactPointDialog, {"kind": kind, "text": typed}).errors == {}) is ok
