"""What may be done with a task, by whom, in which state, and what goes with it."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update

from app.comments.rules import LONGEST_TEXT
from app.core import clock
from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.customers.queries import customer_card
from app.notifications.models import Notification
from app.processes.applying import InstanceOverError
from app.processes.services import cancel_instance
from app.security.models import Grant, Member
from app.tasks.models import OPEN_STATES, Task, TaskEvent, TaskEventKind, TaskState
from app.tasks.rules import LONGEST_NOTE, Deadline, Offer, outcome_problem
from app.tasks.services import (
    TaskNotOpenError,
    TaskTakenError,
    claim_task,
    comment_task,
    complete_task,
    open_task,
    reassign_task,
    release_task,
    save_draft,
)
from tests.story import MONDAY

S = TaskState


@pytest.fixture
def desk(session, cast, story, once):
    def offer() -> tuple[int, int]:
        instance = story.start()
        return instance, story.run_to(instance, "find-order").id

    return Desk(session, cast, story, *once("story to find-order", offer))


class Desk:
    """A task offered to Vận hành, and the people around it."""

    def __init__(self, session, cast, story, instance_id: int, task_id: int) -> None:
        self.session, self.cast, self.story = session, cast, story
        self.instance_id, self.task_id = instance_id, task_id

    @property
    def task(self) -> Task:
        self.session.rollback()
        return self.session.get_one(Task, self.task_id, populate_existing=True)

    def do(self, verb, who: str, *args, **more) -> Task:
        actor = self.cast.actor(who)
        with transaction(actor) as inside:
            verb(inside, self.task_id, *args, by=actor, **more)
        return self.task

    def reassign(self, who: str, to: str, **more) -> Task:
        actor = self.cast.actor(who)
        with transaction(actor) as inside:
            reassign_task(inside, self.task_id, inside.get_one(Member, self.cast.actor(to).user_id), by=actor, **more)
        return self.task

    def complete(self, who: str, **more) -> Task:
        return self.do(complete_task, who, answers=self.story.answers(self.task, who), **more)

    def put_into(self, state: TaskState, assignee: str | None) -> None:
        """As later features will: nothing moves a task into every state yet."""
        with transaction() as inside:
            inside.execute(
                update(Task).where(Task.id == self.task_id).values(
                    state=state, assignee_id=self.cast.actor(assignee).user_id if assignee else None,
                    completed_at=MONDAY if state is S.completed else None,
                )
            )  # fmt: skip

    def live_grants(self) -> set[tuple[str, str]]:
        """(resource, receiver) of what is handed over for this task now."""
        rows = self.session.scalars(
            select(Grant).where(Grant.reason == f"task:{self.task_id}", Grant.ended_at.is_(None))
        )
        names = {self.cast.actor(name).user_id: name for name in ("lan", "minh", "hoa", "tuan", "binh")}
        teams = {self.cast.team(code).id: code for code in ("cskh", "van-hanh")}
        return {(row.resource, names.get(row.member_id) or teams[row.team_id]) for row in rows}

    def kinds(self) -> list[TaskEventKind]:
        rows = select(TaskEvent.kind).where(TaskEvent.task_id == self.task_id).order_by(TaskEvent.id)
        return list(self.session.scalars(rows))


# ── every verb in every state ──
VERBS = {
    "claim": lambda desk: desk.do(claim_task, "tuan"),
    "release": lambda desk: desk.do(release_task, "tuan"),
    "reassign": lambda desk: desk.reassign("binh", "binh"),
    "save draft": lambda desk: desk.do(save_draft, "tuan", {"finding": "Đang tìm"}),
    "complete": lambda desk: desk.complete("tuan"),
    "comment": lambda desk: desk.do(comment_task, "binh", "Ghi chú"),
}
MINE = (S.claimed, S.in_progress, S.waiting_customer, S.waiting_team)
OVER = {S.completed: TaskNotOpenError, S.cancelled: TaskNotOpenError}
TABLE: dict[str, dict[TaskState, object]] = {
    "claim": {S.scheduled: TaskTakenError, S.ready: S.claimed, **{state: state for state in MINE}, **OVER},
    "release": {S.scheduled: ConflictError, S.ready: ConflictError, **dict.fromkeys(MINE, S.ready), **OVER},
    "reassign": {**dict.fromkeys(OPEN_STATES, S.claimed), **OVER},
    "save draft": {S.scheduled: TaskTakenError, S.ready: S.in_progress, **dict.fromkeys(MINE, S.in_progress), **OVER},
    "complete": {S.scheduled: TaskTakenError, S.ready: S.completed, **dict.fromkeys(MINE, S.completed), **OVER},
    "comment": {**{state: state for state in OPEN_STATES}, **OVER},
}


@pytest.mark.parametrize("state", list(S), ids=str)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_in_every_state(desk, verb, state):
    """Tuấn, to whose team the task is offered and who has it once it is somebody's; Bình is his head."""
    assert set(TABLE[verb]) == set(S)
    desk.put_into(state, "tuan" if state in MINE else None)
    expected = TABLE[verb][state]
    if isinstance(expected, TaskState):
        assert VERBS[verb](desk).state is expected
    else:
        with pytest.raises(expected):
            VERBS[verb](desk)
        assert desk.task.state is state


# ── whose it is ──
OTHERS = {
    "claim": (lambda desk, who: desk.do(claim_task, who), {"binh": TaskTakenError, "lan": NotFoundError}),
    "release": (
        lambda desk, who: desk.do(release_task, who),
        {"binh": S.ready, "hoa": S.ready, "lan": NotFoundError, "minh": NotFoundError},
    ),
    "reassign": (
        lambda desk, who: desk.reassign(who, "binh"),
        {"binh": S.claimed, "hoa": S.claimed, "tuan": NotAllowedError, "lan": NotFoundError, "minh": NotFoundError},
    ),
    "save draft": (
        lambda desk, who: desk.do(save_draft, who, {"finding": "?"}),
        {"binh": TaskTakenError, "hoa": TaskTakenError, "lan": NotFoundError},
    ),
    "complete": (
        lambda desk, who: desk.complete(who),
        {"binh": TaskTakenError, "hoa": S.completed, "lan": NotFoundError, "minh": NotFoundError},
    ),
}


@pytest.mark.parametrize(("verb", "who"), [(verb, who) for verb, (_do, cases) in OTHERS.items() for who in cases])
def test_what_tuan_has_is_not_everybodys(desk, verb, who):
    desk.do(claim_task, "tuan")
    act, cases = OTHERS[verb]
    expected = cases[who]
    if isinstance(expected, TaskState):
        assert act(desk, who).state is expected
    else:
        with pytest.raises(expected):
            act(desk, who)
        assert desk.task.assignee_id == desk.cast.tuan.user_id


def test_the_refusal_says_who_was_faster_and_when(desk):
    desk.do(claim_task, "tuan")
    with pytest.raises(TaskTakenError) as taken:
        desk.do(claim_task, "binh")
    assert taken.value.details == {"by": "Trần Anh Tuấn", "at": "2026-11-23T02:00:00Z"}
    desk.complete("tuan")
    with pytest.raises(TaskNotOpenError) as over:
        desk.complete("binh")
    assert over.value.details == {"by": "Trần Anh Tuấn", "at": "2026-11-23T02:00:00Z"}


def test_a_task_seen_on_an_older_page_is_not_changed(desk):
    rev = desk.task.rev
    desk.do(claim_task, "tuan", rev=rev)
    for verb, args in ((release_task, ()), (save_draft, ({"finding": "?"},)), (complete_task, ())):
        with pytest.raises(ConflictError) as refused:
            desk.do(verb, "tuan", *args, rev=rev)
        assert refused.value.details["rev"] == desk.task.rev
        assert refused.value.details["by"] == "Trần Anh Tuấn"


@pytest.mark.parametrize("task_id", [0, -1, 999_999])
def test_a_task_that_is_not_there(session, cast, story, task_id):
    with pytest.raises(NotFoundError), transaction(cast.hoa) as inside:
        claim_task(inside, task_id, by=cast.hoa)


def test_the_system_claims_nothing(desk):
    with pytest.raises(NotAllowedError), transaction(SYSTEM) as inside:
        claim_task(inside, desk.task_id, by=SYSTEM)


# ── giving back and handing on ──
@pytest.mark.both_databases
def test_what_is_given_back_is_offered_again_with_its_draft(desk):
    desk.do(save_draft, "tuan", {"finding": "Xe hỏng"})
    task = desk.do(release_task, "tuan")
    assert (task.state, task.assignee_id, task.claimed_at) == (S.ready, None, None)
    assert task.team_id == desk.cast.team("van-hanh").id
    assert desk.live_grants() == {("Instance", "van-hanh"), ("Customer", "van-hanh")}
    task = desk.do(claim_task, "binh")
    assert (task.state, task.draft) == (S.in_progress, {"finding": "Xe hỏng"})
    assert desk.live_grants() == {("Instance", "binh"), ("Customer", "binh")}


def test_work_given_by_name_cannot_be_given_back(desk):
    desk.complete("tuan")
    desk.task_id = desk.story.task(desk.instance_id, "update").id  # Lan's, who began
    with pytest.raises(BusinessError) as refused:
        desk.do(release_task, "lan")
    assert refused.value.status == 422
    assert desk.task.assignee_id == desk.cast.lan.user_id


def test_who_gets_work_by_hand_is_told_in_the_bell_and_sees_what_it_takes(desk):
    desk.reassign("hoa", "lan", reason="Tuấn nghỉ ốm")
    bell = desk.session.scalars(select(Notification).where(Notification.kind == "task_assigned")).one()
    assert (bell.user_id, bell.subject_id, bell.data["by"]) == (desk.cast.lan.user_id, desk.task_id, "Lê Thị Hoa")
    assert desk.live_grants() == {("Instance", "lan"), ("Customer", "lan")}
    # Whose head answers for it has not changed: he can take it back.
    assert desk.task.team_id == desk.cast.team("van-hanh").id
    with pytest.raises(NotFoundError):
        customer_card(desk.session, desk.story.customer_id, desk.cast.tuan)


def test_taking_it_over_oneself_is_no_news(desk):
    desk.do(claim_task, "tuan")
    desk.reassign("binh", "binh")
    assert desk.session.scalars(select(Notification)).all() == []


def test_reassigning_to_who_has_it_changes_nothing(desk):
    rev = desk.do(claim_task, "tuan").rev
    assert desk.reassign("binh", "tuan").rev == rev
    assert TaskEventKind.reassigned not in desk.kinds()


def test_nobody_who_has_left_gets_work(desk):
    with transaction() as inside:
        inside.get_one(User, desk.cast.tuan.user_id).active = False
    with pytest.raises(InvalidInputError) as refused:
        desk.reassign("binh", "tuan")
    assert list(refused.value.fields) == ["assignee"]


def test_the_history_tells_every_change_of_hands(desk):
    desk.do(claim_task, "tuan")
    desk.do(save_draft, "tuan", {})
    desk.do(release_task, "tuan")
    desk.reassign("binh", "tuan", reason=" Gấp ")
    desk.do(comment_task, "tuan", "Xong ngay")
    desk.complete("tuan")
    assert desk.kinds() == ["opened", "claimed", "draft_saved", "released", "reassigned", "commented", "completed"]
    data = desk.session.scalars(select(TaskEvent.data).where(TaskEvent.kind == TaskEventKind.reassigned)).one()
    assert data == {"from": None, "to": desk.cast.tuan.user_id, "reason": "Gấp"}


# ── finishing ──
def test_finishing_offered_work_claims_it(desk):
    task = desk.complete("binh", note="  Đã gọi kho  ")
    assert (task.state, task.assignee_id, task.completed_by_id) == (S.completed, *[desk.cast.binh.user_id] * 2)
    assert (task.completed_at, task.note, task.draft, task.next_alert_at) == (MONDAY, "Đã gọi kho", None, None)
    assert task.submission.answers["finding"] == "Xe hỏng ở Gia Lâm"


@pytest.mark.parametrize(
    ("outcome", "allowed", "fits"),
    [
        (None, [], True), ("approve", [], False), (None, ["approve"], False), ("approve", ["approve", "reject"], True),
        ("return", ["approve", "reject"], False), ("", ["approve"], False), ("", [], False),
    ],
)  # fmt: skip
def test_an_outcome_is_chosen_where_there_are_some(outcome, allowed, fits):
    assert (outcome_problem(outcome, allowed) is None) is fits


@pytest.mark.parametrize(
    ("more", "field"),
    [({"outcome": "approve"}, "outcome"), ({"note": "x" * (LONGEST_NOTE + 1)}, "note"), ({"note": "a\0b"}, "note"),
     ({"answers": None}, "answers")],
    ids=["outcome", "long note", "nul", "no answers"],
)  # fmt: skip
def test_what_does_not_fit_is_told_and_nothing_is_done(desk, more, field):
    answers = desk.story.answers(desk.task, "tuan")
    with pytest.raises(InvalidInputError) as refused:
        desk.do(complete_task, "tuan", **{"answers": answers, **more})
    assert list(refused.value.fields) == [field]
    assert desk.task.state is S.ready


@pytest.mark.parametrize("text", ["", "   ", "x" * (LONGEST_TEXT + 1), "a\0b"])
def test_an_empty_or_endless_note_is_refused(desk, text):
    with pytest.raises(InvalidInputError):
        desk.do(comment_task, "tuan", text)


def test_a_note_may_be_nothing_but_files(desk):
    desk.do(comment_task, "tuan", "  ", has_files=True)
    assert desk.kinds()[-1] is TaskEventKind.commented


# ── the end of the instance ──
@pytest.mark.both_databases
def test_calling_off_ends_the_tasks_and_what_was_handed_over(desk):
    desk.do(claim_task, "tuan")
    with transaction(desk.cast.lan) as inside:
        cancel_instance(inside, desk.instance_id, by=desk.cast.lan, reason="Khách đổi ý")
    task = desk.task
    assert (task.state, task.cancelled_at, task.next_alert_at) == (S.cancelled, MONDAY, None)
    assert desk.session.scalars(select(Grant).where(Grant.ended_at.is_(None))).all() == []
    for verb in (claim_task, release_task):
        with pytest.raises((TaskNotOpenError, InstanceOverError)):
            desk.do(verb, "tuan")


def test_only_who_may_change_the_instance_calls_it_off_and_says_why(desk):
    for who, error in (("tuan", NotAllowedError), ("lan", InvalidInputError)):
        with pytest.raises(error), transaction(desk.cast.actor(who)) as inside:
            cancel_instance(inside, desk.instance_id, by=desk.cast.actor(who), reason="  ")
    assert desk.task.state is S.ready


# ── moments ──
@pytest.mark.parametrize(
    ("start", "warn", "due"),
    [
        ("Mon 23/11 09:00", "Mon 23/11 09:03", "Mon 23/11 09:05"),
        ("Mon 23/11 11:56", "Mon 23/11 11:59", "Mon 23/11 13:31"),
        ("Fri 20/11 17:28", "Mon 23/11 08:01", "Mon 23/11 08:03"),
        ("Sun 22/11 22:00", "Mon 23/11 08:03", "Mon 23/11 08:05"),
    ],
)
def test_due_and_warning_moments_count_working_time(story, start, warn, due):
    """`receive` has 5 minutes and warns 2 minutes before; lunch, evenings and the weekend do not count."""

    def moment(text: str) -> datetime:
        return datetime.strptime(f"2026 {text[4:]} +0700", "%Y %d/%m %H:%M %z")

    with clock.at(moment(start)):
        task = story.task(story.start(), "receive")
    assert (task.warn_at, task.due_at, task.next_alert_at) == (moment(warn), moment(due), moment(due))


def test_an_offer_names_exactly_one_receiver():
    for wrong in ({}, {"member_id": 1, "team_id": 2}, {"team_id": 1, "role": "Staff"}):
        with pytest.raises(ValueError, match="exactly one"):
            Offer(**wrong)


def test_work_offered_to_a_role_is_seen_by_all_who_have_it(session, cast, story):
    instance_id = story.start()
    with transaction() as inside:
        task_id = open_task(
            inside, owner_type="instance", owner_id=instance_id, step="s", token=900, name="Việc của quản lý",
            context="", customer_id=story.customer_id, offer=Offer(role="Manager"), deadline=Deadline(),
            form_version=None, by=SYSTEM,
        )  # fmt: skip
    assert customer_card(session, story.customer_id, cast.binh).full is False
    with pytest.raises(NotFoundError), transaction(cast.tuan) as inside:
        claim_task(inside, task_id, by=cast.tuan)
    with transaction(cast.binh) as inside:
        claim_task(inside, task_id, by=cast.binh)
    with pytest.raises(TaskTakenError), transaction(cast.minh) as inside:
        claim_task(inside, task_id, by=cast.minh)
