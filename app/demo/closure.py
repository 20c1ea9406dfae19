"""What goes when records of the demo go, and what of the real company holds them? Read from the foreign keys."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Set
from functools import cache
from typing import Any

from sqlalchemy import Column, Table, select
from sqlalchemy.orm import Session

from app.comments.models import Comment
from app.core.accounts import User
from app.core.db import Entity
from app.core.files import StoredFile
from app.core.removing import a_few
from app.forms.models import Submission
from app.notifications.models import Alert, Notification
from app.security.models import Grant
from app.tasks.models import Task

Rows = dict[str, set[int]]
#: id of a record → what keeps it: table → how many of its rows
Held = dict[int, Counter[str]]

#: A row of the table goes when what one of these columns points to goes. Every other column that points somewhere
#: holds what it points to: nothing real loses what it names.
GOES_WITH: Mapping[str, tuple[str, ...]] = {
    "access_grant": ("member_id", "team_id"),
    "alert": ("recipient_id",),
    "answer_file": ("form_version_id", "submission_id"),
    "answer_indexing": ("form_id",),
    "assign_turn": ("process_id",),
    "bulk_edit_row": ("customer_id",),
    "class_move": ("customer_id",),
    "comment_mention": ("comment_id", "member_id"),
    "consent_event": ("customer_id",),
    "contact_point": ("customer_id",),
    "customer_answers": ("customer_id",),
    "customer_merge": ("kept_id", "merged_id"),
    "customer_stage": ("customer_id",),
    "customer_tag": ("customer_id",),
    "customer_value": ("customer_id",),
    "duplicate_pair": ("first_id", "second_id"),
    "export": ("member_id",),
    "form_version": ("form_id",),
    "idempotent_answer": ("user_id",),
    "interaction": ("customer_id",),
    "look": ("sign_in_id", "member_id"),
    "member_invitation": ("member_id",),
    "notification": ("user_id", "alert_id"),
    "outbox": ("to_user_id",),
    "call_pin": ("version_id",),
    "process_call": ("parent_id",),
    "process_event": ("instance_id",),
    "process_instance": ("customer_id",),
    "process_message": ("instance_id",),
    "process_request": ("instance_id",),
    "awaited_mail": ("instance_id",),
    "process_subscription": ("instance_id", "version_id"),
    "process_timer": ("instance_id", "version_id"),
    "process_token": ("instance_id",),
    "process_version": ("process_id",),
    "promise": ("customer_id",),
    "public_entry": ("link_id", "form_version_id", "submission_id"),
    "public_link": ("form_id",),
    "purchase": ("customer_id",),
    "saved_view": ("owner_id",),
    "saved_view_default": ("member_id", "view_id"),
    "segment_member": ("segment_id", "customer_id"),
    "sign_in": ("member_id",),
    "submission": ("customer_id",),
    "submission_draft": ("member_id", "form_id", "form_version_id", "customer_id"),
    "submission_revision": ("submission_id",),
    "submission_value": ("submission_id",),
    "task": ("customer_id",),
    "task_event": ("task_id",),
    "team_member": ("member_id",),
    "timeline_entry": ("customer_id",),
}
#: Columns that are emptied where their row stays: they hold nothing.
LETS_GO: Mapping[str, tuple[str, ...]] = {
    "class_run": ("asked_by_id",),
    "process_message": ("sent_by_id",),
    "team": ("head_id",),
}
#: The same by (kind, number), for rows that are about records of any kind. A task of care holds its round.
ABOUT: tuple[tuple[type[Entity], str, str], ...] = (
    (Alert, "subject_type", "subject_id"),
    (Comment, "resource", "record_id"),
    (Grant, "resource", "record_id"),
    (Notification, "subject_type", "subject_id"),
    (StoredFile, "owner_type", "owner_id"),
    (Submission, "subject_type", "subject_id"),
    (Task, "owner_type", "owner_id"),
)
_WORDS: Mapping[str, tuple[str, ...]] = {
    "answer_file": ("answer_file",),
    "care_round": ("CareRound",),
    "comment": ("Comment", "comment"),
    "customer": ("Customer", "customer"),
    "form": ("Form", "form"),
    "member": ("Member", "member"),
    "process": ("Process", "process"),
    "process_instance": ("Instance", "instance"),
    "segment": ("Segment", "segment"),
    "task": ("Task", "task"),
    "team": ("Team", "team"),
}
_CARE = "care"
#: who made, changed or published a row: the account stays for their sake, without a name
_STAMPS = frozenset({"created_by_id", "updated_by_id", "published_by_id"})
#: the log keeps its rows for good, and the account with them
_LOGS = frozenset({"audit_event"})
#: accounts and members have one number
_PEOPLE = ("member", User.__tablename__)


def table_of(name: str) -> Table:
    found: Table = Entity.metadata.tables[name]
    return found


def what_goes(session: Session, table: str, ids: Set[int]) -> tuple[Rows, Mapping[tuple[str, int], tuple[str, int]]]:
    """These records and all that goes with them, by table; and for each row that follows, one that it follows."""
    rows: Rows = defaultdict(set)
    follows: dict[tuple[str, int], tuple[str, int]] = {}
    rows[table] |= ids
    fresh: Rows = {table: set(ids)}
    while fresh:
        reached: Rows = defaultdict(set)
        for target, some in fresh.items():
            for other, number, key in _following(session, target, some):
                if number not in rows[other]:
                    rows[other].add(number)
                    reached[other].add(number)
                    follows[other, number] = (target, key)
        fresh = reached
    return {name: found for name, found in rows.items() if found}, follows


def _following(session: Session, target: str, ids: Set[int]) -> Iterator[tuple[str, int, int]]:
    """(table, id, id of the one that it goes with)."""
    for table, column in _pointing_to(target):
        if column.name in GOES_WITH.get(table.name, ()):
            for some in a_few(ids):
                for number, key in session.execute(select(table.c.id, column).where(column.in_(some))):
                    yield table.name, number, key
    for words, model, kind, number in _about(target):
        if model is Task and target == "care_round":
            continue
        for some in a_few(ids):
            rows = select(model.id, number).where(kind.in_(words), number.in_(some))
            for row_id, key in session.execute(rows):
                yield model.__tablename__, row_id, key


def settle(session: Session, table: str, ids: Set[int], gone: Rows) -> tuple[Rows, Held]:
    """Of these records those that can go, with all that goes with them; and those that rows outside hold.

    `gone`: what goes before, and so holds nothing.
    """
    kept: Held = {}
    while True:
        rows, follows = what_goes(session, table, ids - kept.keys())
        holding = list(_holding(session, rows, gone))
        if not holding:
            return rows, kept
        for name, number, by, count in holding:
            at = (name, number)
            while at in follows:
                at = follows[at]
            kept.setdefault(at[1], Counter())[by] += count


def _holding(session: Session, rows: Rows, gone: Rows) -> Iterator[tuple[str, int, str, int]]:
    """(table, id, table that points to it from outside, how many of its rows)."""
    for target, ids in rows.items():
        found: Counter[tuple[int, str]] = Counter()
        for table, column in _pointing_to(target):
            if column.name in GOES_WITH.get(table.name, ()) or column.name in LETS_GO.get(table.name, ()):
                continue
            going = rows.get(table.name, set()) | gone.get(table.name, set())
            for some in a_few(ids):
                for number, key in session.execute(select(table.c.id, column).where(column.in_(some))):
                    if number not in going:
                        found[key, table.name] += 1
        if target == "care_round":
            going = rows.get("task", set()) | gone.get("task", set())
            for some in a_few(ids):
                made = select(Task.id, Task.owner_id).where(Task.owner_type == _CARE, Task.owner_id.in_(some))
                for number, key in session.execute(made):
                    if number not in going:
                        found[key, Task.__tablename__] += 1
        for (number, by), count in found.items():
            yield target, number, by, count


@cache
def _pointing_to(target: str) -> tuple[tuple[Table, Column[Any]], ...]:
    """Every column of ours that points to the table; those that point to accounts count for members."""
    targets = _PEOPLE if target in _PEOPLE else (target,)
    return tuple(
        (table, column)
        for table in _ours() if table.name not in _LOGS
        for column in table.columns if column.name not in _STAMPS and not column.primary_key
        for key in column.foreign_keys if key.column.table.name in targets
    )  # fmt: skip


@cache
def _ours() -> tuple[Table, ...]:
    return tuple(
        mapper.local_table for mapper in Entity.registry.mappers
        if issubclass(mapper.class_, Entity) and mapper.class_.__module__.startswith("app.")
    )  # fmt: skip


def _about(target: str) -> Iterator[tuple[Collection[str], Any, Any, Any]]:
    words = _WORDS.get(target)
    if words:
        for model, kind, number in ABOUT:
            yield words, model, getattr(model, kind), getattr(model, number)


def in_order(rows: Rows) -> list[Table]:
    """The tables of these rows, so that none is deleted before what points to it."""
    return [table for table in reversed(Entity.metadata.sorted_tables) if rows.get(table.name)]


def own_links(table: Table) -> list[Column[Any]]:
    """Columns by which rows of the table point to others of the same table."""
    return [one for one in table.columns if any(key.column.table is table for key in one.foreign_keys)]
