"""For whom is a step? People leave, teams stand empty, and no work is ever for nobody."""

from __future__ import annotations

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import delete

from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.errors import NotAllowedError
from app.core.remembered import forget_all
from app.customers.models import Customer
from app.processes import drawing, services
from app.processes.assignment import NOBODY, offer_for
from app.processes.engine.graph import AssignKind, AssignRule, Node, NodeKind, TaskSpec
from app.processes.models import ProcessInstance
from app.security.models import Member, Team, TeamMember
from app.security.queries import members_of_team
from app.security.services import create_member
from app.security.teams import add_person
from app.tasks.customer_tasks import add_task
from app.tasks.models import Task, TaskState
from app.tasks.rules import Offer
from tests.rest import statements


@pytest.fixture
def instance(session, cast, story):
    """Lan's, of the team CSKH."""
    return story.instance(story.start())


def test_nobody_is_the_administrators():
    assert Offer(role="Admin") == NOBODY


@pytest.mark.parametrize("case", ["role", "team", "user", "initiator", "head of a team", "head of his own team"])
def test_each_rule_means_somebody(session, cast, instance, case):
    rule, offer = {
        "role": (AssignRule(AssignKind.role, "Manager"), Offer(role="Manager")),
        "team": (AssignRule(AssignKind.team, "van-hanh"), Offer(team_id=cast.team("van-hanh").id)),
        "user": (AssignRule(AssignKind.user, "tuan"), Offer(member_id=cast.tuan.user_id)),
        "initiator": (AssignRule(AssignKind.initiator, None), Offer(member_id=cast.lan.user_id)),
        "head of a team": (AssignRule(AssignKind.head, "van-hanh"), Offer(member_id=cast.binh.user_id)),
        "head of his own team": (AssignRule(AssignKind.head, None), Offer(member_id=cast.minh.user_id)),
    }[case]
    assert offer_for(session, rule, instance) == offer


def test_a_step_without_a_rule_is_the_administrators(session, cast, instance):
    assert offer_for(session, None, instance) == NOBODY


@pytest.mark.parametrize(
    "rule",
    [
        AssignRule(AssignKind.team, "no-such"),
        AssignRule(AssignKind.user, "no-such"),
        AssignRule(AssignKind.head, "no-such"),
    ],
    ids=str,
)
def test_a_rule_that_finds_nobody_is_the_administrators(session, cast, instance, rule):
    assert offer_for(session, rule, instance) == NOBODY


def leaves(session, cast, *names):
    with transaction() as inside:
        for name in names:
            inside.get_one(User, cast.actor(name).user_id).active = False


def test_the_work_of_who_has_left_is_his_teams(session, cast, instance):
    leaves(session, cast, "lan", "tuan")
    assert offer_for(session, AssignRule(AssignKind.user, "tuan"), instance) == Offer(team_id=cast.team("van-hanh").id)
    assert offer_for(session, AssignRule(AssignKind.initiator, None), instance) == Offer(team_id=cast.team("cskh").id)


def test_the_work_of_who_has_left_without_a_team_is_the_administrators(session, cast, instance):
    leaves(session, cast, "tuan")
    with transaction() as inside:
        inside.execute(delete(TeamMember).where(TeamMember.member_id == cast.tuan.user_id))
    assert offer_for(session, AssignRule(AssignKind.user, "tuan"), instance) == NOBODY


def test_the_work_of_a_head_who_has_left_is_his_teams(session, cast, instance):
    leaves(session, cast, "binh")
    assert offer_for(session, AssignRule(AssignKind.head, "van-hanh"), instance) == Offer(
        team_id=cast.team("van-hanh").id
    )


def test_the_work_of_the_head_of_a_headless_team_is_the_teams(session, cast, instance):
    with transaction() as inside:
        inside.get_one(Team, cast.team("cskh").id).head_id = None
    assert offer_for(session, AssignRule(AssignKind.head, None), instance) == Offer(team_id=cast.team("cskh").id)


def test_the_head_of_an_initiator_without_a_team_is_the_administrators(session, cast, instance):
    with transaction() as inside:
        inside.get_one(services.ProcessInstance, instance.id).team_id = None
    assert offer_for(session, AssignRule(AssignKind.head, None), instance) == NOBODY


# ── found while it runs ──
def said(offer):
    return [reason.code for reason in offer.why]


def rule(text):
    return AssignRule.parse(text)


def test_the_customers_own_person_has_it_and_without_one_his_team(session, cast, instance):
    def owned_by(member_id, team_id):
        with transaction() as inside:
            customer = inside.get_one(Customer, instance.customer_id)
            customer.owner_id, customer.team_id = member_id, team_id
        return offer_for(session, rule("owner"), session.get_one(ProcessInstance, instance.id))

    cskh, kho = cast.team("cskh").id, cast.team("van-hanh").id
    assert owned_by(cast.tuan.user_id, kho) == Offer(member_id=cast.tuan.user_id)
    found = owned_by(None, kho)
    assert (found, said(found)) == (Offer(team_id=kho), ["no_owner", "team_instead"])
    assert owned_by(None, None) == Offer(team_id=cskh)


@pytest.mark.parametrize("value", ["tuan", "id"])
def test_whoever_was_chosen_in_a_field_has_it(session, cast, instance, value):
    data = {"doer": cast.tuan.user_id if value == "id" else "tuan"}
    assert offer_for(session, rule("field:doer"), instance, data=data) == Offer(member_id=cast.tuan.user_id)


@pytest.mark.parametrize("value", [None, "", "nobody", 999999, True, 1.5, []], ids=str)
def test_a_field_that_names_nobody_leaves_it_to_the_team_in_which_it_began(session, cast, instance, value):
    found = offer_for(session, rule("field:doer"), instance, data={"doer": value})
    assert (found, said(found)) == (Offer(team_id=cast.team("cskh").id), ["field_empty", "team_instead"])


def test_whoever_did_a_step_does_the_other_too(session, cast, story, instance):
    assert said(offer_for(session, rule("same_as:receive"), instance))[0] == "not_done_yet"
    session.rollback()
    story.do("lan", story.task(instance.id, "receive"))
    assert offer_for(session, rule("same_as:receive"), instance) == Offer(member_id=cast.lan.user_id)
    leaves(session, cast, "lan")
    assert said(offer_for(session, rule("same_as:receive"), instance)) == ["gone", "team_instead"]


def test_people_take_turns(session, cast, instance):
    node = Node(NodeKind.user_task, "call", "Gọi")
    members = sorted(one.id for one in members_of_team(session, cast.team("cskh").id))
    with transaction() as inside:
        row = inside.get_one(ProcessInstance, instance.id)
        found = [offer_for(inside, rule("round_robin:team:cskh"), row, node=node) for _turn in range(5)]
    assert len(members) > 1
    assert [one.member_id for one in found] == (members * 5)[:5]


def test_a_large_pool_costs_no_more_questions_although_nothing_is_known_of_its_members(app, session, cast, instance):
    team, node, asked = cast.team("cskh").id, Node(NodeKind.user_task, "call", "Gọi"), []
    for more in (0, 20):
        with transaction() as inside:
            for number in range(more):
                one = create_member(
                    inside, username=f"nv{number}", family_name="Nguyễn", given_name=f"An {number}",
                    email=f"nv{number}@phosen.vn", password_hash="", roles=("Staff",), by=SYSTEM,
                )  # fmt: skip
                add_person(inside, inside.get_one(Team, team), one, primary=True, by=SYSTEM)
        forget_all()
        with transaction() as inside, statements(app) as seen:
            row = inside.get_one(ProcessInstance, instance.id)
            offer_for(inside, rule("round_robin:team:cskh"), row, node=node)
            seen.clear()  # the first one keeps whose turn it was
            offer_for(inside, rule("round_robin:team:cskh"), row, node=node)
            offer_for(inside, rule("user:minh"), row, node=node)
        asked.append(len(seen))
    assert asked[0] == asked[1] <= 10, asked


def test_the_one_with_the_least_open_work_has_it(session, cast, instance):
    session.rollback()
    with transaction(cast.minh) as inside:
        for _task in range(2):
            customer = inside.get_one(Customer, instance.customer_id)
            add_task(
                inside, customer, by=cast.minh, name="Gọi lại", due_at=None, to=inside.get_one(Member, cast.lan.user_id)
            )
    found = offer_for(session, rule("least_open:team:cskh"), instance)
    assert found == Offer(member_id=cast.minh.user_id)
    leaves(session, cast, "lan", "minh")
    assert said(offer_for(session, rule("least_open:team:cskh"), instance)) == ["team_empty"]


def test_whoever_did_what_keeps_him_away_is_passed_over(session, cast, story, instance):
    session.rollback()
    story.do("lan", story.task(instance.id, "receive"))
    node = Node(NodeKind.user_task, "check", "Kiểm tra", task=TaskSpec(not_by=("receive",)))
    for text in ("user:lan", "initiator", "same_as:receive"):
        found = offer_for(session, rule(text), instance, node=node)
        assert (found, said(found)) == (Offer(team_id=cast.team("cskh").id), ["did_other", "team_instead"])
    found = offer_for(session, rule("round_robin:team:cskh"), instance, node=node)
    assert found == Offer(member_id=cast.minh.user_id)


def test_an_empty_team_hands_it_to_the_head_above(session, cast, instance):
    with transaction() as inside:
        inside.get_one(Team, cast.team("van-hanh").id).parent_id = cast.team("cskh").id
    leaves(session, cast, "tuan", "binh")
    found = offer_for(session, rule("user:tuan"), instance)
    assert (found, said(found)) == (Offer(member_id=cast.minh.user_id), ["gone", "team_empty", "head_instead"])


# ── not by whoever did the other step ──
TWO_PAIRS_OF_EYES = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
                  xmlns:tt="https://tantam.vn/schema/bpmn/1" targetNamespace="https://tantam.vn/">
  <bpmn:process id="de-nghi-chi" name="Đề nghị chi" isExecutable="true">
    <bpmn:startEvent id="start" />
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="propose" />
    <bpmn:userTask id="propose" name="Đề nghị">
      <bpmn:extensionElements><tt:task assign="role:Manager" /></bpmn:extensionElements>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="f2" sourceRef="propose" targetRef="approve" />
    <bpmn:userTask id="approve" name="Duyệt">
      <bpmn:extensionElements>
        <tt:task assign="role:Manager" approval="any" outcomes="approve,reject" notBy="propose" />
      </bpmn:extensionElements>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="f3" sourceRef="approve" targetRef="end" />
    <bpmn:endEvent id="end" />
  </bpmn:process>
</bpmn:definitions>
"""


def test_nobody_approves_what_he_proposed(session, cast, story):
    with transaction(SYSTEM) as inside:
        process = drawing.create_process(inside, code="de-nghi-chi", name="Đề nghị chi", by=SYSTEM)
        drawing.save_draft(inside, process, TWO_PAIRS_OF_EYES, by=SYSTEM)
        drawing.publish_process(inside, process, by=SYSTEM)
    with transaction(cast.minh) as inside:
        process = inside.merge(process, load=True)
        instance_id = services.start_instance(inside, process, by=cast.minh).id
    story.do("minh", story.task(instance_id, "propose"))
    approve: Task = story.task(instance_id, "approve")
    with pytest.raises(NotAllowedError, match="Đề nghị"):
        story.do("minh", approve, "approve")
    session.rollback()
    assert story.task(instance_id, "approve").state is TaskState.ready
    story.do("binh", story.task(instance_id, "approve"), "approve")
    assert story.instance(instance_id).status == "completed"
