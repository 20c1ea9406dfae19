"""Is every bad request refused with its own status, a sentence and nothing else? The rules that all resources share."""

from __future__ import annotations

import json

import pytest
from flask import Flask, session
from flask_wtf.csrf import generate_csrf

from tests.cast import PASSWORD
from tests.rest import Rest

LISTS = (
    "customers", "forms", "submissions", "processes", "instances", "tasks", "alerts", "notifications", "teams", "users",
    "calendars", "outbox",
)  # fmt: skip


def refused(answer, status: int) -> dict:
    """The body of a refusal, in the one shape."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/json"
    assert {"error", "message", "fields"} <= set(answer.json)
    assert answer.json["error"]
    assert answer.json["message"]
    return answer.json


# ── lists ──


@pytest.mark.both_databases
def test_every_list_speaks_the_same_protocol(app):
    hoa = Rest(app, "hoa")
    for path in LISTS:
        listed = hoa.get(f"{path}/").json
        assert set(listed) == {"result", "page", "page_size", "count", "count_capped", "next"}, path
        assert (listed["page"], listed["page_size"], listed["count_capped"]) == (1, 25, False), path
        assert listed["count"] == len(listed["result"]), path
        beyond = hoa.get(f"{path}/", page=10_000, page_size=100).json
        assert (beyond["result"], beyond["count"]) == ([], listed["count"]), path
        upwards, downwards = (hoa.get(f"{path}/", order=order).json["result"] for order in ("id", "-id"))
        assert upwards == downwards[::-1], path


NOT_OFFERED = (
    "page=-1", "page=0", "page=abc", "page=1000000000", "page=10001", "page=1.0", "page=%2B1", "page=", "page=１",
    "page_size=0", "page_size=101", "page_size=1e2", "order=created_by.password", "order=--id", "order=", "order=-",
    "order=id;drop", "order=id%00", "password=1", "created_by.password=x", "page=1&page=2", "order=id&order=id",
    "q[]=1", "_=1", "page_size=25%00", "%00=1",
)  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_what_a_list_does_not_offer_is_a_bad_request(app, path):
    hoa = Rest(app, "hoa")
    for query in NOT_OFFERED:
        refused(hoa.get(f"{path}/?{query}"), 400)


@pytest.mark.parametrize("q", ["a%00b", "x" * 1001])
def test_a_search_text_has_bounds(app, q):
    refused(Rest(app, "lan").get(f"customers/?q={q}"), 400)


# ── who asks ──


def test_nobody_is_told_to_sign_in(app):
    for path in LISTS:
        refused(Rest(app).get(f"{path}/"), 401)


@pytest.mark.parametrize("header", ["Bearer x", "Bearer", "Bearer ", "Basic bGFuOng=", "x" * 5000, "Bearer a\u00e9"])
def test_a_wrong_token_is_nobody(app, header):
    refused(Rest(app, Authorization=header).get("customers/"), 401)


def test_a_token_that_is_signed_out_with_its_row_is_dead(app):
    lan = Rest(app, "lan")
    assert lan.get("tasks/").status_code == 200
    refused(Rest(app, Authorization=lan._headers["Authorization"] + "x").get("tasks/"), 401)


def test_a_browser_needs_its_csrf_token_to_change_something(app: Flask):
    browser = app.test_client()
    browser.post("/login/", data={"username": "lan", "password": PASSWORD})
    assert browser.get("/api/v1/customers/").status_code == 200
    refused(browser.post("/api/v1/customers/", json={"name": "Chị Ba"}), 400)
    with app.test_request_context():
        token, secret = generate_csrf(), session["csrf_token"]
    with browser.session_transaction() as cookie:
        cookie["csrf_token"] = secret
    refused(browser.post("/api/v1/customers/", json={"name": "Chị Ba"}, headers={"X-CSRFToken": "x"}), 400)
    made = browser.post("/api/v1/customers/", json={"name": "Chị Ba"}, headers={"X-CSRFToken": token})
    assert made.status_code == 201


def test_a_token_header_counts_alone_and_the_cookie_beside_it_does_not(app: Flask):
    browser = app.test_client()
    browser.post("/login/", data={"username": "lan", "password": PASSWORD})
    answer = browser.post("/api/v1/customers/", json={"name": "Chị Ba"}, headers={"Authorization": "Bearer x"})
    refused(answer, 401)


# ── the request itself ──


@pytest.mark.parametrize(
    "data",
    [b"{", b"[]", b'"a"', b"null", b"\xff", b'{"name": NaN}', b'{"name": Infinity}', b'{"name": "\\ud800"}',
     b'{"\\udfff": 1}', b"[" * 100_000, b'{"name": ' + b"9" * 5000 + b"}", b"name=A"],
)  # fmt: skip
def test_what_is_no_json_object_is_a_bad_request(app, data):
    refused(Rest(app, "lan").post("customers/", data=data), 400)


@pytest.mark.parametrize("path", ["customers/", "instances/", "notifications/read"])
def test_a_body_of_a_megabyte_is_refused(app, path):
    refused(Rest(app, "lan").post(path, data=json.dumps({"name": "x" * 1_048_576})), 413)


def test_many_unknown_keys_are_told_in_part(app):
    answer = Rest(app, "lan").post("customers/", {"name": "A", **{f"k{n}": n for n in range(500)}, "x" * 5000: 1})
    assert len(refused(answer, 422)["fields"]) == 20
    assert len(answer.data) < 5000


def test_what_is_not_there_is_told_in_json(app):
    lan = Rest(app, "lan")
    for path in ("khong-co", "customers/1/delete", "customers/1/2/3", "tasks/1/finish", "%00", "customers/%00"):
        refused(lan.get(path), 404)


def test_a_wrong_method_is_told_in_json(app):
    lan = Rest(app, "lan")
    refused(lan.put("customers/", {}), 405)
    refused(lan.post("customers/1"), 405)
    refused(lan.get("tasks/1/claim"), 405)


def test_what_one_may_see_but_not_do_is_forbidden(app):
    refused(Rest(app, "lan").post("forms/", {"code": "a", "name": "A"}), 403)


def test_only_an_object_with_a_user_and_a_password_signs_in(app):
    nobody = Rest(app)
    refused(nobody.post("security/login", {"username": "lan", "password": "sai mật khẩu"}), 401)
    for body in (
        {"username": "lan"},
        {"username": "lan", "password": 5},
        {"username": "lan", "password": "x", "provider": "ldap"},
    ):
        refused(nobody.post("security/login", body), 400)
    for body in (
        {"password": "x"},
        {"username": "lan", "password": "x", "admin": True},
        {"username": "l\0", "password": "x"},
    ):
        refused(nobody.post("security/login", body), 422)


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Question"), ("vi-VN,vi;q=0.9", "Câu hỏi"), ("de", "Câu hỏi"), ("", "Câu hỏi")]
)
def test_the_language_is_the_one_asked_for_else_the_members(app, language, title):
    hoa = Rest(app, "hoa", **{"Accept-Language": language})
    hoa.post("forms/", {"code": "f", "name": "F"})
    label = {"vi": "Câu hỏi", "en": "Question"}
    hoa.put("forms/f/draft", {"name": label, "fields": [{"key": "a", "type": "text", "label": label}]})
    hoa.post("forms/f/publish")
    assert hoa.get("forms/f/schema").json["title"] == title
