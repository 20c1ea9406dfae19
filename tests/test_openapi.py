"""Does the interface describe itself whole, and does the example of the documentation work against a real server?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from app.core.api import Api
from app.security.roles import RESOURCES
from tests.cast import PASSWORD
from tests.rest import Rest, install_late_delivery

ROOT = Path(__file__).parents[1]


@pytest.fixture
def document(app: Flask) -> dict:
    answer = Rest(app).get("_openapi")
    assert answer.status_code == 200
    return answer.json


def test_every_address_of_the_interface_is_described(app, document):
    described = {(path, method) for path, entry in document["paths"].items() for method in entry}
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert described == served
    assert len(served) > 35


def test_every_verb_says_what_it_takes_and_what_it_gives(document):
    for path, entry in document["paths"].items():
        for method, operation in entry.items():
            assert operation["summary"], path
            assert operation["operationId"], path
            assert [p["name"] for p in operation["parameters"] if p["in"] == "path"] == re.findall(r"{(\w+)}", path)
            assert any(status.startswith("2") for status in operation["responses"]), path
            if method == "put":
                assert "requestBody" in operation, path


def test_operations_have_names_of_their_own(document):
    names = [operation["operationId"] for entry in document["paths"].values() for operation in entry.values()]
    assert len(names) == len(set(names))


def test_making_answers_201_and_verbs_200(document):
    made = {path for path, entry in document["paths"].items() if "201" in entry.get("post", {}).get("responses", {})}
    assert made == {
        "/api/v1/customers/", "/api/v1/forms/", "/api/v1/processes/", "/api/v1/instances/",
        "/api/v1/forms/{code}/submissions", "/api/v1/forms/import", "/api/v1/forms/{code}/copy", "/api/v1/exports/",
        "/api/v1/views/", "/api/v1/catalogues/{code}/entries", "/api/v1/comments/", "/api/v1/members/",
        "/api/v1/classes/rounds",
        "/api/v1/roles/", "/api/v1/shares/", "/api/v1/teams/", "/api/v1/interactions/",
        "/api/v1/customers/{id}/consents", "/api/v1/customers/{id}/purchases", "/api/v1/customers/{id}/contact_points",
        "/api/v1/promises/", "/api/v1/tasks/", "/api/v1/customers/{id}/mails", "/api/v1/duplicates/merge",
        "/api/v1/forgotten/tasks", "/api/v1/imports/", "/api/v1/segments/",
        "/api/v1/bulk_edits/", "/api/v1/messages/",
    }  # fmt: skip


def test_bodies_are_closed_and_name_what_is_required(document):
    customer = document["paths"]["/api/v1/customers/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert customer["additionalProperties"] is False
    assert customer["required"] == ["name"]
    assert customer["properties"]["name"] == {"type": "string", "maxLength": 200}
    drawing = document["paths"]["/api/v1/processes/{code}/draft"]["put"]["requestBody"]["content"]
    assert list(drawing) == ["application/xml"]


def test_lists_describe_every_filter_that_they_understand(app, document):
    hoa = Rest(app, "hoa")
    for path, entry in document["paths"].items():
        queries = [p["name"] for p in entry.get("get", {}).get("parameters", []) if p["in"] == "query"]
        if "{" in path or "page" not in queries:
            continue
        for name in queries:
            answer = hoa.get(path.removeprefix("/api/v1/"), **{name: ""})
            assert "filter" not in answer.json.get("message", ""), (path, name)


def test_every_resource_asks_for_a_right_that_roles_know(app):
    for view in app.appbuilder.baseviews:
        if isinstance(view, Api):
            for name in dir(type(view)):
                verb = getattr(getattr(type(view), name), "verb", None)
                if verb is not None and verb.right is not None:
                    assert verb.right in RESOURCES[verb.resource or view.resource], (view, name)


@pytest.fixture
def address(app: Flask):
    """A real server on this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_example_of_the_documentation_runs(app, address):
    install_late_delivery(app)
    run = subprocess.run(
        [sys.executable, ROOT / "docs" / "rest_example.py", address],
        env={**os.environ, "TANTAM_DEMO_PASSWORD": PASSWORD, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "completed" in run.stdout
    lan = Rest(app, "lan")
    (instance,) = lan.rows("instances/")
    assert instance["status"] == "completed"
    assert lan.rows("customers/")[0]["id"] == instance["customer_id"]
