"""How do twenty thousand stories in progress come to be? A few are lived through the services, and then copied.

Whatever the services write of a story (its tasks, answers, grants, events, alerts) is read back as a stamp; each copy
changes nothing but whose story it is, its ids and its moments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, and_, or_, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor
from app.core.db import transaction
from app.customers.models import TimelineEntry
from app.customers.services import create_customer
from app.forms.models import Submission, SubmissionValue
from app.forms.queries import context_for
from app.forms.services import parse_answers
from app.notifications.models import Alert, Notification
from app.processes.models import Process, ProcessEvent, ProcessInstance, ProcessToken
from app.processes.services import OWNER, start_instance
from app.security.models import Grant
from app.tasks import queries as tasks
from app.tasks.alerts import alert_overdue
from app.tasks.models import Task, TaskEvent
from app.tasks.services import claim_task, complete_task
from bench.bulk import Bulk

STEPS = ("receive", "find-order", "update", "approve", "call-back")
#: those that wait in a team until somebody claims them
OFFERED = ("receive", "find-order")
# From here on a compensation is approved by the head.
_HIGH = 800_000
_ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "receive": {"happened": "Đơn trễ một ngày, khách cần hàng trước buổi tối", "apology": "Dạ em xin lỗi chị"},
    "find-order": {"finding": "Xe hỏng ở kho Gia Lâm, hàng đã sang xe khác"},
    "update": {"message": "Báo khách hàng đã sang xe khác, giao trong sáng mai"},
    "call-back": {"satisfied": True},
}


@dataclass(frozen=True)
class Kind:
    """How far a story is: `step` is open (None: it is over)."""

    step: str | None
    is_claimed: bool = False
    is_late: bool = False
    is_approved: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """The steps that are behind it."""
        steps = [step for step in STEPS if step != "approve" or self.is_approved or self.step == "approve"]
        return tuple(steps[: steps.index(self.step)] if self.step else steps)


@dataclass(frozen=True)
class Roles:
    """Who acts in a story: each of them is somebody else in each copy."""

    initiator: Actor
    receiver: Actor
    operator: Actor
    head: Actor

    def of(self, step: str) -> Actor:
        return {"receive": self.receiver, "find-order": self.operator, "approve": self.head}.get(step, self.initiator)


@dataclass
class Copy:
    """What is different in one copy."""

    instance_id: int
    code: str
    customer_id: int
    people: Mapping[int, int]
    teams: Mapping[int, int]
    shift: timedelta
    #: table name → old id → new id, for the rows that others point at
    ids: dict[str, dict[int, int]] = field(default_factory=dict)


Cell = Callable[[Copy], Any]
#: in the order in which they must be written
TABLES: tuple[Table, ...] = tuple(
    model.__table__  # type: ignore[misc]
    for model in (ProcessInstance, ProcessToken, Submission, SubmissionValue, Task, TaskEvent, ProcessEvent, Grant,
                  Alert, Notification, TimelineEntry)
)  # fmt: skip
#: others point at these rows, so their ids are ours to give
_NUMBERED = ("task", "submission", "alert")
_SUBJECTS = {"task": "task", OWNER: "process_instance"}


@dataclass(frozen=True)
class Stamp:
    """All rows of one story, ready to be copied."""

    #: due moment of the open task, or the end of the story
    anchor: datetime
    #: from the opening of the open task until it is due
    span: timedelta
    tasks: int
    rows: Mapping[str, Sequence[tuple[Cell, ...]]]
    columns: Mapping[str, Sequence[str]]
    own_ids: Mapping[str, Sequence[int]]


def live(session: Session, process: Process, kind: Kind, roles: Roles, *, at: datetime) -> Stamp:
    """One story through the services, from `at` on."""
    now = at
    by = roles.initiator
    with clock.at(now), transaction(by) as inside:
        customer = create_customer(inside, by=by, name="Đặng Thị Mỹ Duyên", note="Khách của bộ dữ liệu mẫu")
        instance = start_instance(inside, process, by=by, customer=customer)
        customer_id, instance_id, code = customer.id, instance.id, instance.code
    for step in (*kind.path, *([kind.step] if kind.step else [])):
        who = roles.of(step)
        task = session.scalars(select(Task).where(Task.owner_id == instance_id, Task.step == step)).one()
        task_id = task.id
        is_open = step == kind.step
        if step in OFFERED and (not is_open or kind.is_claimed):
            now += timedelta(minutes=1)
            with clock.at(now), transaction(who) as inside:
                claim_task(inside, task_id, by=who)
        if is_open:
            break
        now += timedelta(minutes=3)
        compensation = _HIGH if "approve" in (*kind.path, kind.step) else 0
        with clock.at(now), transaction(who) as inside:
            task = inside.get_one(Task, task_id)
            answers = _answers(inside, task, who, compensation=compensation)
            outcome = "approve" if task.outcomes else None
            complete_task(inside, task_id, by=who, answers=answers, outcome=outcome)
    open_task = session.scalars(select(Task).where(Task.owner_id == instance_id, tasks.is_open())).one_or_none()
    anchor, span = now, timedelta()
    if open_task is not None:
        assert open_task.due_at is not None
        anchor, span = open_task.due_at, open_task.due_at - open_task.opened_at
        if kind.is_late:
            noticed = open_task.due_at + timedelta(seconds=7)
            with clock.at(noticed), transaction(None) as inside:
                alert_overdue(inside, inside.get_one(Task, open_task.id), at=noticed)
    return _read(session, instance_id, customer_id, code, anchor=anchor, span=span)


def _answers(session: Session, task: Task, who: Actor, **more: Any) -> Any:
    if task.form_version is None:
        return None
    fields = task.form_version.definition["fields"]
    keys = {one["key"] for one in fields}
    options = {one["key"]: one["options"][0]["value"] for one in fields if one["type"] == "choice"}
    typed = {**_ANSWERS[task.step], **options, **{key: value for key, value in more.items() if key in keys}}
    return parse_answers(task.form_version, typed, context=context_for(session, who))


def _read(
    session: Session, instance_id: int, customer_id: int, code: str, *, anchor: datetime, span: timedelta
) -> Stamp:
    task_ids = list(session.scalars(select(Task.id).where(Task.owner_id == instance_id)))
    about = lambda subject, key: or_(  # noqa: E731 - one condition for three tables of the same shape
        and_(subject == "task", key.in_(task_ids)), and_(subject == OWNER, key == instance_id)
    )
    conditions: dict[Table, Any] = {
        ProcessInstance.__table__: ProcessInstance.id == instance_id,
        ProcessToken.__table__: ProcessToken.instance_id == instance_id,
        ProcessEvent.__table__: ProcessEvent.instance_id == instance_id,
        Task.__table__: Task.id.in_(task_ids),
        TaskEvent.__table__: TaskEvent.task_id.in_(task_ids),
        Submission.__table__: about(Submission.subject_type, Submission.subject_id),
        SubmissionValue.__table__: SubmissionValue.submission_id.in_(
            select(Submission.id).where(about(Submission.subject_type, Submission.subject_id))
        ),
        Grant.__table__: Grant.reason.in_([f"task:{task_id}" for task_id in task_ids]),
        Alert.__table__: about(Alert.subject_type, Alert.subject_id),
        Notification.__table__: about(Notification.subject_type, Notification.subject_id),
        TimelineEntry.__table__: about(TimelineEntry.subject_type, TimelineEntry.subject_id),
    }
    found = {
        table: session.execute(select(table).where(conditions[table]).order_by(table.c.id)).mappings().all()
        for table in TABLES
    }
    columns = {
        table.name: [
            column.name for column in table.columns
            if column.name != "id" or table.name in (*_NUMBERED, "process_instance")
        ]
        for table in TABLES
    }  # fmt: skip
    return Stamp(
        anchor=anchor,
        span=span,
        tasks=len(task_ids),
        rows={
            table.name: [
                tuple(_cell(table, column, row, instance_id, customer_id, code) for column in columns[table.name])
                for row in rows
            ]
            for table, rows in found.items()
        },
        columns=columns,
        own_ids={table.name: [row["id"] for row in rows] for table, rows in found.items() if table.name in _NUMBERED},
    )


def _cell(table: Table, column: str, row: Mapping[str, Any], instance_id: int, customer_id: int, code: str) -> Cell:
    """How a copy's value in that column comes from the stamp's."""
    value = row[column]
    if value is None:
        return lambda _copy: None
    if isinstance(value, datetime):
        return lambda copy: value + copy.shift
    target = _points_at(table, column, row)
    if target is not None:
        return _id_cell(target, value)
    if table.name == "access_grant" and column == "reason":
        kind, _, number = value.partition(":")
        return lambda copy: f"{kind}:{copy.ids['task'][int(number)]}"
    if isinstance(value, str) and code in value:
        return lambda copy: value.replace(code, copy.code)
    if isinstance(value, dict) and _differs(value, code):
        return lambda copy: _changed(value, code, copy)
    return lambda _copy: value


def _points_at(table: Table, column: str, row: Mapping[str, Any]) -> str | None:
    """At which table's rows the column points, by key or by (type, id)."""
    if column == "id":
        return table.name
    for key in table.c[column].foreign_keys:
        return key.column.table.name
    if column == "owner_id":
        return "process_instance"
    if column == "record_id":
        return {"Instance": "process_instance", "Customer": "customer", "Task": "task"}[row["resource"]]
    if column == "subject_id":
        return _SUBJECTS[row["subject_type"]]
    return None


def _id_cell(target: str, value: int) -> Cell:
    match target:
        case "member" | "ab_user":
            return lambda copy: copy.people.get(value, value)
        case "team":
            return lambda copy: copy.teams.get(value, value)
        case "customer":
            return lambda copy: copy.customer_id
        case "process_instance":
            return lambda copy: copy.instance_id
        case "task" | "submission" | "alert":
            return lambda copy: copy.ids[target][value]
    return lambda _copy: value


_WHO = ("assignee_id", "from", "to")


def _differs(told: Mapping[str, Any], code: str) -> bool:
    return any(key in _WHO for key in told) or code in str(told)


def _changed(told: Mapping[str, Any], code: str, copy: Copy) -> dict[str, Any]:
    def one(key: str, value: Any) -> Any:
        if key in _WHO and isinstance(value, int):
            return copy.people.get(value, value)
        if key in _WHO and isinstance(value, list):
            return [copy.people.get(each, each) for each in value]
        return value.replace(code, copy.code) if isinstance(value, str) else value

    return {key: one(key, value) for key, value in told.items()}


class Copier:
    """Copies stamps, thousands at a time."""

    def __init__(self, bulk: Bulk, *, first: Mapping[str, int]) -> None:
        self._bulk = bulk
        self._next = dict(first)
        self._waiting: dict[str, list[list[Any]]] = {table.name: [] for table in TABLES}
        self._columns: Mapping[str, Sequence[str]] = {}

    def add(self, stamp: Stamp, copy: Copy, *, only: Iterable[str] = ()) -> None:
        """`only`: the tables to write; none named: all."""
        wanted = set(only) or set(stamp.rows)
        self._columns = stamp.columns
        for name, old_ids in stamp.own_ids.items():
            if name in wanted:
                start = self._next[name]
                self._next[name] += len(old_ids)
                copy.ids[name] = {old: start + place for place, old in enumerate(old_ids)}
        for name, rows in stamp.rows.items():
            if name in wanted:
                self._waiting[name] += [[cell(copy) for cell in row] for row in rows]
        if len(self._waiting["task"]) >= 20_000:
            self.flush()

    def flush(self) -> None:
        for table in TABLES:
            rows = self._waiting[table.name]
            if rows:
                self._bulk.write(table, self._columns[table.name], rows)
                rows.clear()


def without_answers(stamp: Stamp) -> Stamp:
    """The instance and its tasks alone."""
    place = stamp.columns["task"].index("submission_id")
    bare = [(*row[:place], lambda _copy: None, *row[place + 1 :]) for row in stamp.rows["task"]]
    kept = {"process_instance": stamp.rows["process_instance"], "task": bare}
    return Stamp(stamp.anchor, stamp.span, stamp.tasks, kept, stamp.columns, {"task": stamp.own_ids["task"]})


def kinds() -> Iterator[tuple[Kind, float]]:
    """The standings of stories in progress, each with its weight."""
    for is_late, part in ((False, 0.8), (True, 0.2)):
        yield Kind("receive", is_late=is_late), 0.10 * part
        yield Kind("receive", is_claimed=True, is_late=is_late), 0.10 * part
        yield Kind("find-order", is_late=is_late), 0.12 * part
        yield Kind("find-order", is_claimed=True, is_late=is_late), 0.13 * part
        yield Kind("update", is_late=is_late), 0.30 * part
        yield Kind("approve", is_late=is_late), 0.03 * part
        yield Kind("call-back", is_late=is_late), 0.22 * part


FINISHED = (Kind(None), Kind(None, is_approved=True))
