"""Which tasks may this person see, which are his, which wait for somebody, and which are late?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, false, func, literal_column, or_, select
from sqlalchemy.orm import Session, joinedload, lazyload, load_only

from app.core import links
from app.core.access import Actor, Scope, among, row_rule, scoped, visible
from app.core.accounts import Role, User, assoc_user_role
from app.core.finding import Belonging, Hit, line, matcher, of_owners
from app.core.rows import every
from app.customers.models import Customer
from app.customers.queries import name_if_seen, names_seen
from app.customers.search import found_ids
from app.forms import about_customer
from app.forms.fields.base import Context
from app.forms.models import FormVersion, Submission
from app.security import queries as people
from app.security.grants import granted
from app.security.models import Member, Right, Team, TeamMember
from app.tasks.events import owners
from app.tasks.models import OPEN_STATES, Task, TaskEvent, TaskEventKind, TaskState

#: so many open tasks are looked through when somebody types a word; those of a customer are found beyond them
MOST_LOOKED_AT = 150
#: so many for each task that is wanted: of some that match by it he may not read the customer's name
MOST_MEANT = 3

# Written out, not bound: SQLite uses a partial index only when it can read the very words of its condition.
_OPEN: list[ColumnElement[Any]] = [literal_column(f"'{state}'") for state in OPEN_STATES]
_WAITS: ColumnElement[bool] = Task.state == literal_column(f"'{TaskState.ready}'")


def is_open() -> ColumnElement[bool]:
    return Task.state.in_(_OPEN)


def was_offered_to(actor: Actor) -> ColumnElement[bool]:
    """Tasks that this person could or could have claimed, whoever has them now."""
    to_me: ColumnElement[bool] = false()
    if actor.team_ids:
        to_me = to_me | among(Task.offered_team_id, actor.team_ids)
    if actor.roles:
        to_me = to_me | among(Task.offered_role, actor.roles)
    return to_me


def offered_to(actor: Actor) -> ColumnElement[bool]:
    """Tasks that wait for anyone of a team or role of this person."""
    return and_(_WAITS, was_offered_to(actor))


def _of_headed_teams(actor: Actor, action: str) -> ColumnElement[bool]:
    return among(Task.team_id, actor.headed_team_ids) if actor.may(action, "Task") else false()


# A head answers for his teams' work, however narrow his role: he sees it, and hands it on if his role hands on any.
_HEADS = ("view", "assign")


@row_rule(Task)
def _tasks(actor: Actor, action: str) -> ColumnElement[bool]:
    by_scope = scoped(
        actor.scope("Task", action), actor, owner_id=(Task.assignee_id, Task.completed_by_id), team_id=Task.team_id
    )
    if action in _HEADS:
        by_scope = or_(by_scope, _of_headed_teams(actor, action))
    if action == "view":
        return or_(by_scope, offered_to(actor), granted("Task", Task.id, actor))
    if action == "edit":
        if actor.scope("Task", "edit") is Scope.none:
            return false()
        # Whoever may finish it: its assignee, or anyone to whom it is offered; an admin's reach is his role's.
        return or_(by_scope, offered_to(actor), granted("Task", Task.id, actor, Right.edit))
    return by_scope


def may(session: Session, task_id: int, actor: Actor, action: str = "view") -> bool:
    """May he do that with this task?"""
    return session.scalar(select(Task.id).where(Task.id == task_id, visible(Task, actor, action))) is not None


def notes_readable(actor: Actor) -> ColumnElement[bool]:
    """Notes are read with their task, or with what it belongs to: who began the work reads what came of it."""
    with_owner = (and_(Task.owner_type == owner.kind, owner.seen_by(Task.owner_id, actor)) for owner in owners())
    return or_(visible(Task, actor), *with_owner)


def with_people(rows: Select[Task]) -> Select[Task]:
    """The same tasks with all that a list shows of them, in one query."""
    return rows.options(joinedload(Task.assignee), joinedload(Task.offered_team), joinedload(Task.customer))


BY_DUE = (Task.due_at.asc().nulls_last(), Task.id)


def by_due(rows: Select[Task]) -> Select[Task]:
    """Least time left first; what has no due moment comes last."""
    return rows.order_by(*BY_DUE)


def next_due(session: Session, rows: Select[Task], *, limit: int, offset: int = 0) -> list[Task]:
    """The next of these tasks by due moment, with the people that a list names.

    They are chosen by their ids before anything is joined: the queue of a large team has thousands.
    """
    ids = by_due(rows.with_only_columns(Task.id)).limit(limit).offset(offset).correlate(None)
    listed = by_due(select(Task).where(Task.id.in_(ids))).options(
        load_only(
            Task.name,
            Task.context,
            Task.customer_id,
            Task.state,
            Task.warn_at,
            Task.due_at,
            Task.outcomes,
            Task.completed_at,
        ),
        joinedload(Task.assignee).load_only(Member.name).lazyload("*"),
        joinedload(Task.offered_team).load_only(Team.name).lazyload("*"),
    )
    return list(session.scalars(listed).unique())


def mine(actor: Actor) -> Select[Task]:
    """My open work."""
    return on_desk(actor.user_id)


def on_desk(member_id: Any) -> Select[Task]:
    """The open work of a member, or of whoever is filled in for a bind parameter."""
    return select(Task).where(Task.assignee_id == member_id, is_open())


def queue(actor: Actor) -> Select[Task]:
    """Open work that I could take."""
    return select(Task).where(offered_to(actor))


def is_for(actor: Actor) -> ColumnElement[bool]:
    """Mine, or offered to me."""
    return or_(Task.assignee_id == actor.user_id, offered_to(actor))


def of_my_teams(actor: Actor) -> Select[Task]:
    """The open work of the teams that I head, and of all below them."""
    # All of it is his to see, so that nothing is asked of each task.
    return select(Task).where(_of_headed_teams(actor, "view"), is_open())


def of_owner(session: Session, kind: str, owner_id: int) -> list[Task]:
    """All tasks of one owner, oldest first."""
    rows = select(Task).where(Task.owner_type == kind, Task.owner_id == owner_id).order_by(Task.id)
    return list(session.scalars(with_people(rows).options(joinedload(Task.completed_by))).unique())


def newest_of_owner(session: Session, kind: str, owner_id: int, *, most: int) -> list[Task]:
    """Of one owner the open tasks, and the newest of all, so many of either; oldest first."""
    of_it = select(Task.id).where(Task.owner_type == kind, Task.owner_id == owner_id)
    newest, open_ones = of_it.order_by(Task.id.desc()), of_it.where(is_open()).order_by(*BY_DUE)
    either = or_(*(Task.id.in_(select(some.limit(most).subquery().c.id)) for some in (newest, open_ones)))
    rows = select(Task).where(either).order_by(Task.id)
    return list(session.scalars(with_people(rows).options(joinedload(Task.completed_by))).unique())


def done_before(session: Session, kind: str, owner_id: int, before: int | None, *, most: int) -> list[Task]:
    """Of one owner the newest finished tasks that are older than the task of that id; oldest first."""
    rows = select(Task).where(Task.owner_type == kind, Task.owner_id == owner_id, Task.completed_at.is_not(None))
    rows = rows if before is None else rows.where(Task.id < before)
    rows = with_people(rows).options(joinedload(Task.completed_by)).order_by(Task.id.desc()).limit(most)
    return list(session.scalars(rows).unique())[::-1]


def steps_of_owner(session: Session, kind: str, owner_id: int) -> set[str]:
    """At which steps there has been work so far."""
    return set(session.scalars(select(Task.step).where(Task.owner_type == kind, Task.owner_id == owner_id).distinct()))


def done_steps_of(session: Session, kind: str, owner_ids: Collection[int]) -> dict[int, set[str]]:
    """The steps that were finished, by owner."""
    rows = select(Task.owner_id, Task.step).where(Task.owner_type == kind, Task.owner_id.in_(owner_ids))
    found: dict[int, set[str]] = {}
    for owner_id, step in session.execute(rows.where(Task.completed_at.is_not(None)).distinct()):
        found.setdefault(owner_id, set()).add(step)
    return found


def count_open_of(session: Session, kind: str, owner_id: int) -> int:
    rows = select(func.count(Task.id)).where(Task.owner_type == kind, Task.owner_id == owner_id, is_open())
    return session.scalar(rows) or 0


def told_of_owners(
    session: Session, kind: str, owner_ids: Collection[int], whole: Collection[int]
) -> dict[int, list[Task]]:
    """The open tasks of each of these owners, of those in `whole` all of them, oldest first; with who has it and who
    did it, by name."""
    rows = select(Task).where(Task.owner_type == kind, Task.owner_id.in_(owner_ids))
    rows = rows.where(or_(is_open(), Task.owner_id.in_(whole)) if whole else is_open())
    named = (joinedload(one).options(lazyload(Member.memberships)) for one in (Task.assignee, Task.completed_by))
    found: dict[int, list[Task]] = {}
    for task in session.scalars(rows.options(*named).order_by(Task.id)):
        found.setdefault(task.owner_id, []).append(task)
    return found


_TASK: Any = Task.__table__
_OF_TOKENS = select(*_TASK.c).where(
    _TASK.c.owner_type == bindparam("kind"), _TASK.c.owner_id == bindparam("owner"),
    _TASK.c.token.in_(bindparam("tokens", expanding=True)),
)  # fmt: skip


def of_tokens(session: Session, kind: str, owner_id: int, tokens: Collection[int]) -> dict[int, Task]:
    """The task that its owner opened for each of these tokens, as far as there is one."""
    if not tokens:
        return {}
    found = every(session, Task, _OF_TOKENS, {"kind": kind, "owner": owner_id, "tokens": list(tokens)})
    return {task.token: task for task in found}


def last_of_step(session: Session, kind: str, owner_id: int, step: str, *, before: int | None = None) -> Task | None:
    """The newest task of that step, or of those whose token is older than `before`."""
    rows = _of_step(kind, owner_id, step)
    rows = rows if before is None else rows.where(Task.token < before)
    return session.scalars(rows.order_by(Task.token.desc()).limit(1)).one_or_none()


def last_done(session: Session, kind: str, owner_id: int, step: str, *, before: int | None = None) -> Task | None:
    """The same of those that were finished."""
    rows = _of_step(kind, owner_id, step).where(Task.completed_at.is_not(None))
    rows = rows if before is None else rows.where(Task.token < before)
    return session.scalars(rows.order_by(Task.token.desc()).limit(1)).one_or_none()


def _of_step(kind: str, owner_id: int, step: str) -> Select[Task]:
    return select(Task).where(Task.owner_type == kind, Task.owner_id == owner_id, Task.step == step)


def did(
    session: Session, kind: str, owner_id: int, step: str, members: Collection[int], *, since: int = 0, but: int = 0
) -> set[int]:
    """Which of these members have finished that step, at a token newer than `since` and by another task than `but`."""
    one = select(Task.id).where(
        Task.owner_type == kind, Task.owner_id == owner_id, Task.step == step, Task.completed_by_id == Member.id,
        Task.token > since, Task.id != but,
    )  # fmt: skip
    return set(session.scalars(select(Member.id).where(Member.id.in_(members), one.exists())))


def answered_of_owner(
    session: Session, kind: str, owner_id: int, *, before: int | None, most: int
) -> Sequence[Row[int, int]]:  # fmt: skip
    """(id, token) of the newest tasks that were answered, of those whose token is older than `before`."""
    rows = select(Task.id, Task.token).where(
        Task.owner_type == kind, Task.owner_id == owner_id, Task.submission_id.is_not(None)
    )
    rows = rows if before is None else rows.where(Task.token < before)
    return session.execute(rows.order_by(Task.token.desc()).limit(most)).all()


def returned_from(session: Session, task: Task) -> Task | None:
    """Whose doer sent the work back to this step; its note says why."""
    return _named_when_opened(session, task, "returned_from")


def _named_when_opened(session: Session, task: Task, key: str) -> Task | None:
    """The task that its first event names under this key."""
    opened = select(TaskEvent.data).where(TaskEvent.task_id == task.id, TaskEvent.kind == TaskEventKind.opened)
    number = (session.scalars(opened.limit(1)).one_or_none() or {}).get(key)
    return session.get(Task, number) if number is not None else None


def answered_before(session: Session, task: Task) -> Submission | None:
    """What was answered when the same was done before in the same run, if it asked the same questions. Of a step at
    which several are asked each has but his own part before him."""
    before: Task | None = task
    while before is not None and before.attempt > 1:
        before = _named_when_opened(session, before, "before")
        if before is not None and before.submission_id and before.form_version_id == task.form_version_id:
            return before.submission
    return None


def answering(session: Session, task: Task, version: FormVersion, actor: Actor) -> Context:
    """What the form of the task may ask while he answers, whichever way he does: what stands fast is what the record of
    the customer holds, or what this step was answered with before."""
    context = about_customer.context_for(session, version, task.customer_id, actor)
    before = answered_before(session, task) if task.attempt > 1 else None
    return context if before is None else replace(context, before=before.answers)


def open_of_owners(session: Session, kind: str, owner_ids: Collection[int]) -> dict[int, list[Task]]:
    """The open tasks of each of these owners, oldest first."""
    rows = select(Task).where(Task.owner_type == kind, Task.owner_id.in_(owner_ids), is_open())
    found: dict[int, list[Task]] = {}
    for task in session.scalars(with_people(rows).order_by(Task.id)).unique():
        found.setdefault(task.owner_id, []).append(task)
    return found


def assigned_to(member_id: int, *, to_decide: bool) -> Select[Task]:
    """His open work: decisions that wait for him, or all the rest."""
    rows = on_desk(member_id)
    return rows.where(Task.outcomes != []) if to_decide else rows.where(Task.outcomes == [])


def loads(session: Session, member_ids: Collection[int]) -> dict[int, int]:
    """How much open work each of them has on the desk; who has none is left out."""
    rows = select(Task.assignee_id, func.count()).where(Task.assignee_id.in_(member_ids), is_open())
    return {member_id: count for member_id, count in session.execute(rows.group_by(Task.assignee_id)) if member_id}


# Asked of membership as it is now: whoever joins takes the work out of it, and whoever leaves puts it in.
_ACTIVE = select(User.id).where(User.active.is_(True))
_ACTIVE_IN = select(TeamMember.team_id).where(TeamMember.member_id.in_(_ACTIVE))
_HELD_BY = (
    select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id.in_(_ACTIVE))
)  # fmt: skip
_NOBODY_THERE = or_(
    Task.offered_team_id.in_(select(Team.id).where(Team.id.not_in(_ACTIVE_IN)).correlate(None)),
    Task.offered_role.in_(select(Role.name).where(Role.id.not_in(_HELD_BY)).correlate(None)),
    Task.offered_role.is_not(None) & Task.offered_role.not_in(select(Role.name).correlate(None)),
)


def is_orphan() -> ColumnElement[bool]:
    """Open work that nobody will do by himself: its assignee has left, nobody is in the team or role to which it is
    offered, or its rule found nobody."""
    has_left = Task.assignee_id.in_(select(User.id).where(User.active.is_(False)).correlate(None))
    return and_(is_open(), or_(has_left, and_(Task.assignee_id.is_(None), or_(Task.nobody_found, _NOBODY_THERE))))


def orphans_of(session: Session, kind: str, owner_ids: Collection[int]) -> Sequence[Task]:
    """The work without anybody of these owners, oldest first."""
    rows = select(Task).where(Task.owner_type == kind, Task.owner_id.in_(owner_ids), is_orphan())
    return session.scalars(with_people(rows).order_by(Task.id)).unique().all()


def waiting_for_nobody_but(session: Session, member: Member) -> Select[Task]:
    """Open work that is offered to a team or role of which he is the only active member."""
    teams = [row.team_id for row in member.memberships]
    alone = [team_id for team_id in teams if _is_alone(people.members_of_team(session, team_id), member)]
    roles = [code for code in member.role_codes if _is_alone(people.members_with_role(session, code), member)]
    offered = or_(Task.offered_team_id.in_(sorted(alone)), Task.offered_role.in_(sorted(roles)))
    return select(Task).where(Task.state == TaskState.ready, offered)


def _is_alone(active: Collection[Member], member: Member) -> bool:
    return {one.id for one in active} == {member.id}


def is_late(at: datetime) -> ColumnElement[bool]:
    """Of open work: its due moment has passed."""
    return Task.due_at < at


def is_soon(at: datetime) -> ColumnElement[bool]:
    """Of open work: not late yet, but past the moment from which on it is soon due."""
    return and_(Task.due_at > at, Task.warn_at <= at)


def is_in_time(at: datetime) -> ColumnElement[bool]:
    """Of open work: neither late nor soon due, or without a due moment."""
    return or_(Task.due_at.is_(None), and_(Task.due_at > at, or_(Task.warn_at.is_(None), Task.warn_at > at)))


def overdue(at: datetime) -> ColumnElement[bool]:
    return and_(is_open(), is_late(at))


def finished_by(actor: Actor, since: datetime) -> Select[Task]:
    """What I have finished from that moment on."""
    return select(Task).where(Task.completed_by_id == actor.user_id, Task.completed_at >= since)


def alerts_due(at: datetime, *, limit: int) -> Select[int]:
    """The tasks that must be told of now; served by the partial index on next_alert_at."""
    return (
        select(Task.id)
        .where(Task.next_alert_at.is_not(None), Task.next_alert_at <= at)
        .order_by(Task.next_alert_at)
        .limit(limit)
    )


def history(session: Session, task_id: int) -> list[TaskEvent]:
    return list(session.scalars(select(TaskEvent).where(TaskEvent.task_id == task_id).order_by(TaskEvent.id)))


def _lines(actor: Actor, customer: Any) -> Select[int, str, str, str | None, int | None]:
    """id, name, context, `customer` and the customer's id."""
    columns = select(Task.id, Task.name, Task.context, customer.label("customer"), Task.customer_id)
    return columns.outerjoin(Customer, Customer.id == Task.customer_id).where(visible(Task, actor))


def _hit(row: Any, *, told: bool = True) -> Hit:
    """`told`: with the customer's name."""
    return Hit(row.id, row.name, line(row.customer if told else None, row.context), links.task_path(row.id))


def _soonest(who: Actor) -> Select[int, str, str, str | None, int | None]:
    """The MOST_LOOKED_AT open tasks due next that he may see, as _lines()."""
    return _lines(who, Customer.name).where(is_open()).order_by(*BY_DUE).limit(MOST_LOOKED_AT)


def belonging(who: Actor) -> Belonging:
    """Open tasks of the customers `owners`, least time left first, as finding looks through them."""
    # OFFSET 0: found by their customers and sorted then. The planner would walk all open tasks as they are due.
    rows = select(Task.id, Task.state).where(Task.customer_id.in_(bindparam("owners", expanding=True)))
    found = rows.offset(0).correlate(None).subquery()
    ids = select(found.c.id).where(found.c.state.in_(_OPEN)).correlate(None)
    texts = (Task.name, Task.context.label("second"), Customer.name.label("third"))
    lines = select(Task.id, *texts).outerjoin(Customer, Customer.id == Task.customer_id)
    return Belonging(lines.where(visible(Task, who), Task.id.in_(ids)), BY_DUE)


def find_tasks(
    session: Session, who: Actor, text: str, limit: int, of: Collection[int] | None = None, theirs: Sequence[Any] = ()
) -> list[Hit]:
    """Open tasks by words of their name, of where they stand, and of the customer; least time left first.

    Task names have no text index: the MOST_LOOKED_AT tasks due next that he may see are looked through. With them come
    `theirs`, which belong to the customers `of`, whom he sees and the same text has found; None: to all that match.
    """
    if of is None:
        of = session.scalars(found_ids(text, who)).all()
        theirs = of_owners(session, belonging(who), of, limit)
    near = session.execute(who.once(("soonest tasks", MOST_LOOKED_AT), lambda: _soonest(who)))
    fits = matcher(text)
    meant = [row for row in near if fits(*row[1:4])]
    # Whose names he may read is asked of the few that match, not of all that are looked through.
    asked = {row.customer_id for row in meant[: MOST_MEANT * limit] if row.customer_id not in of}
    seen = names_seen(session, asked - {None}, who) | set(of)
    hits = [
        _hit(row, told=row.customer_id in seen) for row in meant
        if row.customer_id in seen or fits(row.name, row.context)
    ]  # fmt: skip
    known = {hit.id for hit in hits}
    hits += [
        Hit(row.id, row.name, line(row.third, row.second), links.task_path(row.id))
        for row in theirs if row.id not in known
    ]  # fmt: skip
    return hits[:limit]


def named_tasks(session: Session, who: Actor, ids: Collection[int]) -> list[Hit]:
    return [_hit(row) for row in session.execute(_lines(who, name_if_seen(who)).where(Task.id.in_(ids)))]


def typed_drafts(session: Session) -> Iterator[Mapping[str, Any]]:
    """What was typed into the forms of open work and not given yet."""
    rows = select(Task.draft).where(Task.draft.is_not(None), is_open())
    yield from (draft for draft in session.scalars(rows.execution_options(yield_per=200)) if draft)
