"""Facts about the whole product that hold whatever is added to it."""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
from enum import StrEnum
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask_appbuilder.baseviews import BaseView
from sqlalchemy import DateTime, Enum

import app as product
from app import jobs, models
from app.core.access import ACTIONS, has_row_rule
from app.core.api import Api
from app.core.db import Entity, Model, UtcDateTime
from app.core.screens import all_screens
from app.security.roles import RESOURCES
from config import ROOT

#: Tables that no screen, interface or list shows by themselves, and why. All others have a row rule.
NEVER_SHOWN = {
    "AnswerIndexing": "housekeeping of the index of answers",
    "SubmissionRevision": "read on the page of its submission",
    "AuditSeal": "the chain of the log",
    "AuditSensitive": "values that only an erasure touches",
    "BulkEditRow": "part of its bulk edit",
    "CalendarException": "part of its calendar",
    "CalendarExceptionInterval": "part of its calendar",
    "CalendarInterval": "part of its calendar",
    "Counter": "the next number",
    "ProcessSubscription": "told with its process file, or with its process",
    "CustomerAnswers": "part of its customer",
    "CustomerValue": "part of its customer",
    "VersionMove": "told on the page of the versions, to whoever may draw the process",
    "DemoRemoval": "one page, opened by the right to settings",
    "DuplicateRun": "told beside the pairs, to whoever may decide on them",
    "FormVersion": "part of its form",
    "Grant": "what the rules themselves read",
    "IdempotentAnswer": "what was answered to a repeated request",
    "ImportKey": "digests by which the worker knows the rows before; gone when the file is done",
    "ImportRow": "part of its import, for whoever brought the file",
    "JobHeartbeat": "read by /health alone",
    "Look": "part of a sign-in",
    "MemberInvitation": "opened by its secret; told on the page of its member",
    "MailServer": "one page, opened by the right to settings",
    "CallPin": "part of its process",
    "ProcessCall": "part of its instance",
    "ProcessEvent": "part of its instance",
    "AssignTurn": "part of its process",
    "ProcessRequest": "part of its instance",
    "RequestCount": "read by /metrics alone",
    "AwaitedMail": "part of its instance",
    "Receiver": "one list, opened by the right to settings",
    "ProcessTimer": "part of its instance, or of its process",
    "ProcessToken": "part of its instance",
    "ProcessVersion": "part of its process",
    "PublicLink": "part of its form",
    "RemovalPermit": "there is none outside of a transaction",
    "SavedViewDefault": "with which view a list opens: read with the views themselves",
    "RoleField": "what the rules themselves read; told on the page of its role",
    "RoleScope": "what the rules themselves read",
    "SegmentMember": "part of its segment",
    "Setting": "one screen, opened by its right",
    "SetupLink": "opened by its secret",
    "SignInFailure": "counted only",
    "AnswerFile": "seen with its answers, before that by who sent it",
    "SubmissionDraft": "seen by whom it belongs to alone, on the page where he goes on",
    "CommentMention": "part of its comment",
    "StoredFile": "seen with its owner",
    "SubmissionValue": "a copy to filter by",
    "TaskEvent": "part of its task",
    "TeamMember": "part of its team",
}
#: What may be opened without being signed in.
OPEN_TO_ALL = {"/login/", "/api/v1/_openapi", "/health/live", "/health/ready", "/health/scheduler"}


def modules() -> list[str]:
    found = [module.name for module in pkgutil.walk_packages(product.__path__, "app.")]
    return [name for name in found if not name.startswith("app.migrations")]


def entities() -> list[type[Entity]]:
    return sorted((m.class_ for m in Model.registry.mappers if issubclass(m.class_, Entity)), key=lambda c: c.__name__)


def ours() -> list[type[Entity]]:
    return [entity for entity in entities() if entity.__module__.startswith("app.")]


# ── tables ──
def test_every_table_that_is_shown_has_a_row_rule_and_no_other(app):
    ruled = {entity.__name__ for entity in ours() if has_row_rule(entity)}
    assert ruled.isdisjoint(NEVER_SHOWN)
    assert ruled | set(NEVER_SHOWN) == set(models.__all__)


def test_every_screen_stands_on_a_table_with_a_rule_and_a_known_resource(app):
    screens = all_screens(app.appbuilder)
    assert screens
    for screen in screens:
        assert has_row_rule(screen.datamodel.obj), screen
        assert screen.resource in RESOURCES, screen


def test_every_interface_names_a_known_resource(app):
    interfaces = [view for view in app.appbuilder.baseviews if isinstance(view, Api)]
    assert len(interfaces) > 5
    for interface in interfaces:
        if getattr(interface, "resource", None):
            assert interface.resource in RESOURCES, interface


def test_nothing_is_deleted_with_something_else():
    for entity in ours():
        for column in entity.__table__.columns:
            for key in column.foreign_keys:
                assert key.ondelete == "RESTRICT", f"{entity.__name__}.{column.name}"


def test_every_moment_is_aware():
    for entity in ours():
        for column in entity.__table__.columns:
            if isinstance(column.type, DateTime):
                pytest.fail(f"{entity.__name__}.{column.name} is a bare DateTime: use UtcDateTime")
            assert isinstance(column.type, UtcDateTime) or not column.name.endswith("_at"), column


def test_a_state_is_stored_under_its_own_name():
    for entity in ours():
        for column in entity.__table__.columns:
            if isinstance(column.type, Enum):
                kind = column.type.enum_class
                assert issubclass(kind, StrEnum), column
                assert [state.name for state in kind] == [state.value for state in kind] == column.type.enums, column
                assert column.type.create_constraint, column


# ── files ──
@pytest.mark.parametrize("name", modules())
def test_every_module_says_first_what_it_answers(name):
    told = ast.get_docstring(ast.parse(Path(importlib.util.find_spec(name).origin).read_text("utf-8")))
    if Path(importlib.util.find_spec(name).origin).stat().st_size:
        assert told, name


def test_the_folders_beside_the_product_are_no_packages():
    for folder in ("babel", "app/migrations", "app/migrations/versions"):
        assert not (ROOT / folder / "__init__.py").exists(), folder


#: what a condition means for rows; the language itself does not import it
ON_ROWS = {
    f"app.core.conditions.{module}"
    for module in ("containing", "editor", "examples", "fields", "places", "shown", "sql")
}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in modules()
        if name.startswith(("app.processes.engine.", "app.core.conditions.")) and name not in ON_ROWS
    ],
)
def test_the_engine_and_the_conditions_know_neither_database_nor_web(name):
    tree = ast.parse(Path(importlib.util.find_spec(name).origin).read_text("utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    assert {one.partition(".")[0] for one in imported}.isdisjoint({"flask", "flask_appbuilder", "sqlalchemy"})
    assert imported.isdisjoint({"app.core.db", "app.core.access", "app.core.edge", *ON_ROWS})


# ── the clock ──
def test_every_job_has_a_name_of_its_own_a_period_and_a_reason():
    assert len({job.name for job in jobs.JOBS}) == len(jobs.JOBS)
    for job in jobs.JOBS:
        assert job.every.total_seconds() > 0
        assert job.reason
        assert callable(job.run)


# ── doors ──
def doors(app) -> list[str]:
    return sorted(
        rule.rule.replace("<", "").replace(">", "")
        for rule in app.url_map.iter_rules()
        if "GET" in rule.methods and not rule.arguments and rule.endpoint != "static"
    )


def test_without_signing_in_every_door_is_closed(app, client):
    browser, opened = client(), []
    all_doors = doors(app)
    assert len(all_doors) > 20
    for door in all_doors:
        if door in OPEN_TO_ALL:
            continue
        answer = browser.get(door)
        closed = answer.status_code in (401, 403, 404, 405) or (
            answer.status_code == 302 and answer.location.startswith("/login/")
        )
        if not closed:
            opened.append(f"{door}: {answer.status_code}")
    assert opened == []


def test_every_view_that_is_not_a_screen_is_one_of_ours(app):
    foreign = {
        type(view).__name__
        for view in app.appbuilder.baseviews
        if isinstance(view, BaseView) and not type(view).__module__.startswith("app.")
    }
    assert foreign <= {"UtilView", "LocaleView"}, foreign


def test_the_seven_rights_are_all_there_are():
    assert ACTIONS == ("view", "add", "edit", "delete", "export", "assign", "approve")
    assert {action for actions in RESOURCES.values() for action in actions} <= set(ACTIONS)


@pytest.mark.parametrize("path", ["/khach-hang/list/", "/cong-viec/", "/ho-so/", "/thong-bao/", "/thu-di/"])
def test_a_page_past_the_end_of_a_list_leads_to_its_first(client, path):
    told = BeautifulSoup(client("hoa").get(path + "?page=99").text, "lxml").select_one(".tt-empty")
    assert told.p.text == "Trang này không còn nữa."
    assert told.a["href"] == "?page=1"
