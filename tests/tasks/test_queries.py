"""Work lists come from small indexes on open work, however much is done."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, func, insert, select, text

from app.comments.models import Comment
from app.core.access import SYSTEM, Scope, visible
from app.core.accounts import Permission, PermissionView, ViewMenu
from app.core.db import db, transaction
from app.core.errors import NotFoundError
from app.security.models import RoleScope
from app.security.queries import role_by_code
from app.security.services import create_member, rights_changed
from app.security.teams import appoint_head
from app.tasks import queries
from app.tasks.models import IS_OPEN, Task, TaskState
from app.tasks.rules import Deadline, Offer
from app.tasks.services import claim_task, comment_task, open_task
from tests.story import MONDAY

pytestmark = pytest.mark.both_databases


@pytest.fixture
def many(session, cast):
    """6,000 tasks, most of them done."""
    done = {
        "owner_type": "instance", "owner_id": 1, "step": "s", "name": "n", "context": "", "outcomes": [], "rev": 1,
        "attempt": 1, "opened_at": MONDAY, "created_at": MONDAY, "updated_at": MONDAY, "state": TaskState.completed,
        "completed_at": MONDAY, "due_at": MONDAY, "next_alert_at": None, "assignee_id": cast.lan.user_id,
        "offered_team_id": cast.team("cskh").id, "team_id": cast.team("cskh").id,
    }  # fmt: skip
    with transaction() as inside:
        rows = [{**done, "token": number, "due_at": MONDAY + timedelta(seconds=number)} for number in range(6_000)]
        for row in rows[::100]:
            row |= {"state": TaskState.claimed, "completed_at": None, "next_alert_at": row["due_at"]}
        for row in rows[50::100]:
            row |= {"state": TaskState.ready, "completed_at": None, "assignee_id": None}
        inside.execute(insert(Task), rows)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def plan(statement) -> str:
    """How the database answers the statement as it is really sent, with its values bound."""
    words = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}[db.engine.dialect.name]

    def explain(_connection, _cursor, sql, parameters, _context, _many):
        return words + sql, parameters

    event.listen(db.engine, "before_cursor_execute", explain, retval=True)
    try:
        with db.engine.connect() as connection:
            return "\n".join(str(row) for row in connection.execute(statement).cursor.fetchall())
    finally:
        event.remove(db.engine, "before_cursor_execute", explain)


@pytest.mark.usefixtures("many")
def test_a_list_of_open_work_is_found_by_a_small_index_and_never_reads_what_is_done(cast):
    told = plan(queries.alerts_due(MONDAY + timedelta(hours=1), limit=200))
    assert "ix_task_next_alert" in told
    assert "Seq Scan" not in told
    assert "ix_task_mine" in plan(queries.by_due(queries.mine(cast.lan)).limit(25))
    for statement in (
        queries.queue(cast.lan), queries.of_my_teams(cast.minh), select(Task.id).where(queries.overdue(MONDAY)),
    ):  # fmt: skip
        told = plan(statement)
        assert re.search(r"ix_task_(queue|team|open_due|mine)", told)
        assert not re.search(r"Seq Scan on task|SCAN task(?! USING)", told), told


@pytest.mark.usefixtures("many")
def test_a_queue_is_counted_in_its_own_index(cast):
    """However much of it there is; each of 10,000 rows would cost 0.1 ms if the task were read for it."""
    told = plan(select(func.count()).select_from(queries.queue(cast.lan).with_only_columns(Task.id).subquery()))
    # Among a few hundred rows PostgreSQL may ask a second index besides; it never reads them all.
    found = set(re.findall(r"ix_task_\w+", told))
    assert "ix_task_queue" in found, told
    assert found == {"ix_task_queue"} or "BitmapAnd" in told, told
    assert "Seq Scan" not in told


def test_open_states_are_those_of_the_indexes():
    """The words of the query and of the index must be the same, or no planner sees that they are."""
    words = str(queries.is_open().compile(compile_kwargs={"literal_binds": True})).replace("task.", "")
    assert words == str(IS_OPEN)


# ── whose work ──
@pytest.fixture
def offered(story) -> int:
    """A task offered to Vận hành."""
    return story.run_to(story.start(), "find-order").id


def ids(session, statement) -> list[int]:
    session.rollback()
    return [task.id for task in session.scalars(statement)]


def test_offered_work_waits_in_the_queue_of_the_team_until_somebody_takes_it(session, cast, offered):
    assert ids(session, queries.queue(cast.tuan)) == ids(session, queries.queue(cast.binh)) == [offered]
    assert ids(session, queries.queue(cast.lan)) == []
    with transaction(cast.tuan) as inside:
        claim_task(inside, offered, by=cast.tuan)
    assert ids(session, queries.queue(cast.binh)) == []
    assert ids(session, queries.mine(cast.tuan)) == [offered]
    assert ids(session, queries.of_my_teams(cast.binh)) == [offered]
    assert ids(session, queries.of_my_teams(cast.minh)) == []


def test_work_that_is_out_of_sight_cannot_be_noted_upon(session, cast, offered):
    with pytest.raises(NotFoundError), transaction(cast.lan) as inside:
        comment_task(inside, offered, "Tôi xem được không?", by=cast.lan)
    with transaction(cast.tuan) as inside:
        claim_task(inside, offered, by=cast.tuan)
        comment_task(inside, offered, "Đang kiểm tra kho", by=cast.tuan)
    # His head reads it with the task; Lan, who began the work, with the instance.
    for reader in (cast.tuan, cast.binh, cast.lan):
        seen = select(Comment.text).where(visible(Comment, reader))
        assert session.scalars(seen).all() == ["Đang kiểm tra kho"]


def test_least_time_left_comes_first_and_no_deadline_last(session, cast, story):
    instance_id = story.start()
    with transaction() as inside:
        for token, due in ((901, None), (902, MONDAY + timedelta(hours=9)), (903, MONDAY + timedelta(hours=1))):
            open_task(
                inside, owner_type="instance", owner_id=instance_id, step="s", token=token, name=str(token), context="",
                customer_id=None, offer=Offer(member_id=cast.lan.user_id), deadline=Deadline(due), form_version=None,
                by=SYSTEM,
            )  # fmt: skip
    listed = session.scalars(queries.by_due(queries.mine(cast.lan))).all()
    assert [task.name for task in listed] == ["903", "902", "901"]


# ── a head whose role reaches no further than himself ──
@pytest.fixture
def taken(session, cast, offered) -> int:
    """Tuấn has taken the task; Thu, a member of staff, is in no team yet."""
    with transaction(cast.tuan) as inside:
        claim_task(inside, offered, by=cast.tuan)
    with transaction(SYSTEM) as inside:
        create_member(
            inside, username="thu", family_name="Mai", given_name="Thu", email="thu@phosen.example",
            password_hash="-", roles=["Staff"], by=SYSTEM,
        )  # fmt: skip
    return offered


def head(cast) -> None:
    with transaction(SYSTEM) as inside:
        appoint_head(inside, cast.team("van-hanh"), cast.member("thu"), by=SYSTEM)


def test_a_head_sees_the_work_of_the_team_whatever_the_role(session, cast, taken):
    seen = select(Task).where(visible(Task, cast.actor("thu")))
    assert ids(session, seen) == ids(session, queries.of_my_teams(cast.actor("thu"))) == []
    head(cast)
    thu = cast.actor("thu")
    assert thu.scope("Task", "view") is Scope.own
    assert ids(session, select(Task).where(visible(Task, thu))) == [taken]  # and nothing of CSKH
    assert ids(session, queries.of_my_teams(thu)) == [taken]
    for action in ("edit", "assign", "approve", "export"):
        assert ids(session, select(Task).where(visible(Task, thu, action))) == [], action


def test_a_head_hands_the_work_of_the_team_on_when_the_role_hands_on_any(session, cast, taken):
    head(cast)
    with transaction(SYSTEM) as inside:
        staff = role_by_code(inside, "Staff")
        staff.permissions.append(
            inside.scalars(
                select(PermissionView).join(PermissionView.permission).join(PermissionView.view_menu)
                .where(Permission.name == "can_assign", ViewMenu.name == "Task")
            ).one()
        )  # fmt: skip
        inside.add(RoleScope(role_id=staff.id, resource="Task", action="assign", scope=Scope.own))
        rights_changed(inside, [cast.member(name).id for name in ("thu", "tuan", "lan")])
    assert ids(session, select(Task).where(visible(Task, cast.actor("thu"), "assign"))) == [taken]
    assert ids(session, select(Task).where(visible(Task, cast.lan, "assign"), Task.id == taken)) == []


def test_a_head_who_may_see_no_tasks_at_all_sees_none(session, cast, taken):
    head(cast)
    blind = replace(cast.actor("thu"), permissions=frozenset())
    assert blind.headed_team_ids
    assert ids(session, select(Task).where(visible(Task, blind))) == []


def test_work_that_is_due_is_found_before_work_without_a_due_moment(session, story, monkeypatch):
    """Only so many tasks are looked through: those due next, on both databases."""
    monkeypatch.setattr(queries, "MOST_LOOKED_AT", 2)
    minh, instance_id = story.cast.minh, story.start()
    with transaction(SYSTEM) as inside:
        for token, due in ((901, None), (902, None), (903, MONDAY + timedelta(days=9))):
            open_task(
                inside, owner_type="instance", owner_id=instance_id, step="s", token=token, context="",
                name="Sinh nhật khách" if due else "Việc khác", customer_id=None, offer=Offer(member_id=minh.user_id),
                deadline=Deadline(due), form_version=None, by=SYSTEM,
            )  # fmt: skip
    assert [hit.title for hit in queries.find_tasks(session, minh, "sinh nhat", 5)] == ["Sinh nhật khách"]
