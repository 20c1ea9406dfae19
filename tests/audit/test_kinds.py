"""Everything that the log can hold has words for people: each table, each column, each event."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from sqlalchemy import inspect

from app.audit.kinds import EVENTS, KINDS
from app.core import audit, guarded, history
from app.core.accounts import Permission, PermissionView, Role, User, ViewMenu
from app.core.db import Entity, Model
from config import ROOT

#: FAB's tables whose changes are made through mapped rows; the others are links, told with their rows
OF_FAB = {User, Role, Permission, ViewMenu, PermissionView}
#: columns of FAB's user and role that we do not use
UNUSED = {"ab_user": {"created_by_fk", "changed_by_fk"}}
MODULES = {"sa", "sqlalchemy", "sql", "postgresql", "sqlite"}
#: Statements past the flush, which nobody writes down by himself: what they change, and why that is right.
UNTOLD = {
    ("app/core/screens/saved.py", "SavedView"): "places of tabs; told as saved_view.moved",
    ("app/customers/indexing.py", "table"): "words to be found by, which say nothing new",
    ("app/forms/own_fields/services.py", "CustomerAnswers"): "told by audit.record_made",
    ("app/imports/customers.py", "model"): "told by audit.record_made",
    ("app/customers/classes/services.py", "table"): "classes given by the rules; told by audit.record_changed",
    ("app/customers/forgotten/keeping.py", "table"): "a moment that follows from what is told, and how far it is kept",
    ("app/customers/keys.py", "Customer"): "keys of the name and the address, which say nothing",
    ("app/customers/duplicates/children.py", "table"): "whose the rows are; told as customer.merged and merge_undone",
    ("app/customers/duplicates/looking.py", "DuplicatePair"): "what the worker suggests; what people say of it is told",
    ("app/processes/migrating.py", "Task"): "the name of a step; told as instance.migrated",
    ("app/core/removing.py", "table"): "rows that go for good; told as demo.removed",
    ("app/demo/running.py", "table"): "columns of rows that are about to go, and who asked for a run of classes",
    ("app/core/prepared.py", "plain"): "what `inserting` is given; whoever calls it stands in this list",
    ("app/core/rows.py", "table"): "told by itself, as a flush tells of it",
    ("app/core/leases.py", "model"): "queues, which are no audited tables",
    ("app/notifications/services.py", "model"): "mails and notifications, which are none either",
    **{
        ("app/processes/store.py", table): "tokens, clocks and events of a run, which are no audited tables"
        for table in ("_TOKEN", "_TIMER", "_SUBSCRIPTION", "_EVENT")
    },
    ("app/security/role_services.py", "assoc_permissionview_role"): "told as role.rights_changed",
    ("app/security/services.py", "Member"): "rights_version, which says nothing",
    ("app/security/services.py", "SetupLink"): "links that were never used",
    ("app/processes/store.py", "_TOKEN"): "where an instance stands; its own log tells how it came there",
    ("app/processes/store.py", "_TIMER"): "the same",
    ("app/processes/store.py", "_EVENT"): "the log of an instance itself, which nobody changes",
    ("app/tasks/alerts.py", "Task"): "next_alert_at, which says nothing",
    ("app/tasks/orphans.py", "Task"): "orphan_since, which says nothing",
    ("app/security/role_services.py", "RoleScope"): "told as role.rights_changed",
}


def audited() -> list[type]:
    ours = [
        one.class_ for one in Model.registry.mappers
        if issubclass(one.class_, Entity) and one.class_.__module__.startswith("app.") and one.class_.__audited__
    ]  # fmt: skip
    return sorted([*ours, *OF_FAB], key=lambda one: one.__name__)


@pytest.mark.parametrize("model", audited(), ids=lambda one: one.__tablename__)
def test_every_audited_table_and_column_has_words(model):
    table = model.__tablename__
    assert table in KINDS, f"say in app/audit/kinds.py what {table} is"
    known = KINDS[table]
    told = {
        attribute.key for attribute in inspect(model).column_attrs
        if attribute.key not in audit._TECHNICAL and not attribute.columns[0].primary_key
    } | set(audit._LISTS.get(table, ()))  # fmt: skip
    unknown = told - set(known.labels) - known.silent - UNUSED.get(table, set())
    assert not unknown, f"{table}: {sorted(unknown)} have no label in app/audit/kinds.py"


#: personal columns that fall under no right to a field, and why
FREE = {
    "customer.name": "whoever sees a customer has to call him something",
    "customer.risk_reason": "stands over the page, so that nobody overlooks it",
    "customer.do_not_contact_reason": "the same",
    "customer_stage.reason": "why he is where he is: part of his way, which whoever sees him works with",
    "customer_merge.before": "kept to take a merge back; shown to nobody",
    "customer_merge.after": "the same",
    "member.name": "colleagues have to be called something",
    "member.signature": "stands under his own mails",
    "task.note": "written for whoever has the work next",
    "task.draft": "half-typed answers, shown to their writer",
    "timeline_entry.data": "told by customers.timeline_words alone, amounts as its reader reads them",
    "class_move.reason": "the same, by customers.classes.rules.reason_text",
    "submission.answers": "each question has its class of personal data, judged by forms.reading",
    "submission.correction": "why answers are as they are, told to whoever may read them",
    "submission.reason": "the same",
    "submission_revision.answers": "judged as those of the submission",
    "submission_revision.reason": "why they were so, told to whoever may read them",
    "public_entry.answers": "what waits to become a submission, read like one (forms.public.screens)",
    "submission_value.text": "the same answers, to be searched",
    "customer_answers.answers": "each answer falls under the right to its own field (forms.reading)",
    "customer_value.text": "the same answers, to be compared",
    "customer_value.sort": "the same answers, to be put in order",
    "comment.text": "a conversation is for whoever sees the record; what is delicate is no comment",
    "access_grant.note": "why somebody shares, told to whom he shares with",
    "saved_view.wanted": "compares only with what its reader may read (core.screens.wanted)",
    "saved_view.earlier": "the same",
    "segment.condition": "the same",
    "import_job.samples": "lines of the file, shown to whoever brought it",
    "import_row.label": "the same",
    "import_row.before": "kept to take the import back; shown to nobody",
    "bulk_edit.changes": "what is set for many, told field by field as its reader may read them",
    "bulk_edit_row.before": "kept to take the bulk edit back; shown to nobody",
}


def test_every_personal_column_falls_under_a_right_to_a_field_or_says_why_not(app):
    held, free = set(), set()
    for mapper in Model.registry.mappers:
        if not mapper.class_.__module__.startswith("app."):
            continue
        table = mapper.local_table.name
        known = KINDS.get(table)
        for attribute in mapper.column_attrs:
            if not attribute.columns[0].info.get("sensitive"):
                continue
            keys = known.fields.get(attribute.key, (guarded.key_of(attribute.key),)) if known else ()
            is_held = bool(keys) and all(known and guarded.field_of(known.resource, key) for key in keys)
            (held if is_held else free).add(f"{table}.{attribute.key}")
    assert free - set(FREE) == set(), "declare a field for it (core.guarded, audit.kinds), or say in FREE why not"
    assert set(FREE) - free == set(), "these are held back by now, or gone"
    assert {"contact_point.value", "interaction.text", "purchase.note", "consent_event.proof"} <= held


def test_what_is_said_of_a_table_is_there():
    for table, known in KINDS.items():
        model = history.model_of(table)
        if model is None:
            continue
        columns = {one.key for one in inspect(model).attrs}
        assert {*known.labels, *known.choices, *known.show} <= columns, table
        assert known.title == "" or hasattr(model, known.title), table
        assert known.part_of is None or (known.part_of[0] in columns and known.part_of[1] in KINDS), table


@cache
def sources() -> list[tuple[str, ast.Module]]:
    files = [file for file in (ROOT / "app").rglob("*.py") if "migrations" not in file.parts]
    return [(file.relative_to(ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8"))) for file in files]


def named_events(tree: ast.Module) -> set[str]:
    """The names that are given to audit.record() and to the functions that pass them on."""
    found = set()
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        is_record = function == "record" and getattr(getattr(call.func, "value", None), "id", "") == "audit"
        given = call.args[1:2] if is_record or function == "_told" else []
        given += [one.value for one in call.keywords if function == "record_failure" and one.arg == "what"]
        found |= {one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return found


def test_every_event_that_is_written_has_words():
    written = set().union(*(named_events(tree) for _file, tree in sources()))
    assert {"sign_in", "password_not_confirmed", "export", "process.published"} <= written
    assert written <= set(EVENTS), f"say in app/audit/kinds.py what these are: {sorted(written - set(EVENTS))}"


def changed_past_the_flush(tree: ast.Module) -> Iterator[str]:
    """What update(), insert() and delete() of SQLAlchemy are given, however they are reached: `sa.update(Name)`,
    `Name.__table__.update()`, `session.query(Name).delete()`, `inserting(Name.__table__, …)` of app/core/prepared.py.
    What is no name of a class is told as it stands."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        function, given = call.func, ast.unparse(call.args[0]) if call.args else ""
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        of = ast.unparse(function.value) if isinstance(function, ast.Attribute) else "sa"
        whole = ""
        if name in ("update", "insert", "delete"):
            whole = of if ".__table__" in of or ".query(" in of else given if of in MODULES else ""
        elif name.startswith("bulk_") or name == "inserting":
            whole = given
        if whole:
            yield re.sub(r".*\.query\(|\.__table__.*|\).*", "", whole)


def test_nothing_audited_is_changed_past_the_flush_without_being_told(app):
    """Such statements go past the listener: each of them is listed, with a reason; so is one of which it cannot be read
    what it changes."""
    names = {model.__name__ for model in audited()}
    known = {model.class_.__name__ for model in Model.registry.mappers}
    found = {
        (file, name) for file, tree in sources() for name in changed_past_the_flush(tree)
        if name in names or name not in known
    }  # fmt: skip
    assert found == set(UNTOLD), (sorted(found - set(UNTOLD)), sorted(set(UNTOLD) - found))


@pytest.mark.parametrize(
    "statement",
    ["update(Customer)", "sa.update(Customer)", "delete(Customer.__table__)", "Customer.__table__.update()",
     "session.query(Customer).filter(x).delete()", "session.bulk_insert_mappings(Customer, rows)"],
)  # fmt: skip
def test_such_a_statement_is_seen_however_it_is_written(statement):
    assert list(changed_past_the_flush(ast.parse(statement))) == ["Customer"]
