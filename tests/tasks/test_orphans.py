"""Work that nobody will do by himself: who hears of it, where it stands, and how it gets somebody again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.i18n import in_language
from app.notifications.models import Notification
from app.notifications.rules import bell_text
from app.processes.models import ProcessInstance
from app.processes.services import resume_instance, suspend_instance
from app.security.models import Member, Team, TeamMember
from app.tasks import queries
from app.tasks.models import Task
from app.tasks.orphans import tell_orphans
from app.tasks.rules import Deadline, Offer, Reason
from app.tasks.services import claim_task, open_task, reassign_task
from tests.cast import Cast
from tests.story import Story


def offered(story, offer: Offer, number: int, name: str = "Gọi kho") -> int:
    instance = story.session.scalars(select(ProcessInstance)).one()
    with transaction() as inside:
        return open_task(
            inside, owner_type="instance", owner_id=instance.id, step="call-back", token=900 + number, name=name,
            context="Giao hàng chậm, HS-000001", customer_id=story.customer_id, offer=offer, deadline=Deadline(),
            form_version=None, by=SYSTEM,
        )  # fmt: skip


@pytest.fixture
def a_task(session, cast, story):
    story.start()
    numbers = iter(range(100))
    return lambda offer: offered(story, offer, next(numbers))


def orphans(session) -> set[int]:
    session.rollback()
    return set(session.scalars(select(Task.id).where(queries.is_orphan())))


def left(session, cast, *names) -> None:
    with transaction() as inside:
        for name in names:
            inside.get_one(User, cast.actor(name).user_id).active = False


def lines(session, member) -> list[str]:
    session.rollback()
    rows = select(Notification).where(Notification.user_id == member.user_id, Notification.kind.like("%orphaned"))
    with in_language("vi"):
        return [str(bell_text(line)) for line in session.scalars(rows.order_by(Notification.id))]


def test_work_becomes_an_orphan_and_stops_being_one_as_people_come_and_go(session, cast, a_task):
    his, theirs = a_task(Offer(member_id=cast.tuan.user_id)), a_task(Offer(team_id=cast.team("van-hanh").id))
    lost, of_nobody = a_task(Offer(role="Admin", nobody_found=True)), a_task(Offer(role="no-such-role"))
    assert orphans(session) == {lost, of_nobody}
    left(session, cast, "tuan", "binh")
    assert orphans(session) == {his, theirs, lost, of_nobody}
    with transaction() as inside:
        inside.add(TeamMember(team_id=cast.team("van-hanh").id, member_id=cast.lan.user_id))
    assert orphans(session) == {his, lost, of_nobody}
    with transaction(cast.hoa) as inside:
        reassign_task(inside, his, inside.get_one(Member, cast.lan.user_id), by=cast.hoa)
        claim_task(inside, lost, by=cast.hoa)
    assert orphans(session) == {of_nobody}


def test_the_head_and_the_administrators_hear_of_it_once(session, cast, a_task):
    his = a_task(Offer(member_id=cast.lan.user_id))
    assert tell_orphans() == 0
    left(session, cast, "lan")
    assert (tell_orphans(), tell_orphans()) == (1, 0)
    told = ["Không có ai làm “Gọi kho”: hãy giao cho người khác · Đặng Thị Mỹ Duyên · Giao hàng chậm, HS-000001"]
    assert (lines(session, cast.minh), lines(session, cast.hoa)) == (told, told)
    with transaction(cast.hoa) as inside, clock.at(clock.now() + timedelta(hours=1)):
        reassign_task(inside, his, inside.get_one(Member, cast.tuan.user_id), by=cast.hoa)
    assert tell_orphans() == 0
    left(session, cast, "tuan")
    assert tell_orphans() == 1, "an orphan anew is told of anew"


def test_who_leaves_twice_leaves_his_work_twice(session, cast, a_task):
    a_task(Offer(member_id=cast.lan.user_id))
    for times in (1, 2):
        left(session, cast, "lan")
        assert (tell_orphans(), tell_orphans()) == (1, 0)
        assert len(lines(session, cast.minh)) == times
        with transaction() as inside:
            inside.get_one(User, cast.actor("lan").user_id).active = True
        assert tell_orphans() == 0


def test_work_of_a_file_that_is_paused_is_told_of_when_it_goes_on(session, cast, a_task):
    a_task(Offer(role="Admin", nobody_found=True))
    instance_id = session.scalars(select(ProcessInstance.id)).one()
    with transaction(cast.hoa) as inside:
        suspend_instance(inside, instance_id, by=cast.hoa, reason="Chờ khách")
    assert (tell_orphans(), lines(session, cast.hoa)) == (0, [])
    with transaction(cast.hoa) as inside:
        resume_instance(inside, instance_id, by=cast.hoa)
    assert tell_orphans() == 1


@pytest.fixture
def inside(app):
    """inside(lambda story: …): what happens before any request, with a late delivery under way."""

    def prepared(act):
        with app.app_context():
            story = Story(db.session(), Cast(db.session()))
            story.start()
            return act(story)

    return prepared


def test_many_at_once_are_one_line_that_leads_to_the_list(client, inside):
    def three(story):
        for number in range(3):
            offered(story, Offer(role="Admin", nobody_found=True), number, f"Việc {number}")
        assert tell_orphans() == 3
        assert lines(story.session, story.cast.hoa) == ["3 công việc không có ai làm: hãy giao cho người khác"]
        return story.session.scalars(select(Notification.id).where(Notification.kind == "tasks_orphaned")).one()

    line, hoa = inside(three), client("hoa")
    answer = hoa.post(f"/thong-bao/{line}", follow_redirects=True)
    assert all(f"Việc {number}" in answer.text for number in range(3))
    assert hoa.get("/api/v1/tasks/?orphan=1").json["count"] == 3
    (stuck,) = hoa.get("/api/v1/instances/?stuck=1").json["result"]
    assert "Không tìm được ai làm việc này. Hãy giao cho một người." in hoa.get(f"/ho-so/{stuck['id']}").text


def test_the_page_tells_why_it_is_his_also_after_the_team_has_another_name(client, inside):
    def taken(story):
        reasons = (Reason("gone", {"name": "Bình"}), Reason("team_instead", {"name": "Vận hành"}))
        team, tuan = story.cast.team("van-hanh").id, story.cast.tuan
        number = offered(story, Offer(team_id=team, why=reasons), 0)
        with transaction(tuan) as session:
            claim_task(session, number, by=tuan)
        with transaction() as session:
            session.get_one(Team, team).name = "Kho"
        return number, tuan.name

    number, name = inside(taken)
    tuan = client("tuan")
    why = BeautifulSoup(tuan.get(f"/cong-viec/{number}").text, "lxml").select_one("#vi-sao")
    assert why is not None
    assert why.summary.text.strip() == "Vì sao là tôi?"
    told = ["Bình không còn làm ở đây.", "Vì vậy việc dành cho bộ phận “Vận hành”.", f"{name} nhận việc"]
    assert [line.text for line in why.select("li")] == told
    assert tuan.get(f"/api/v1/tasks/{number}", headers={"Accept-Language": "vi"}).json["why"] == told
