"""Who did what when? Each thing in the demo company's past is one act: a moment, a person, and the service he used."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor
from app.core.i18n import DEFAULT_TIME_ZONE
from app.customers.models import ContactKind, Customer
from app.customers.services import (
    add_contact_point,
    archive_customer,
    change_customer,
    create_customer,
    restore_customer,
)
from app.demo.complaints import APOLOGY, CANCELLED, DECISIONS
from app.demo.names import Profile
from app.demo.past import WorkingPast
from app.demo.stories import PROCESS, Stand, Story, opened_at
from app.forms.about_customer import context_for
from app.forms.services import parse_answers
from app.notifications.models import Notification
from app.notifications.services import mark_read
from app.processes import library
from app.processes.models import OWNER
from app.processes.queries import process_by_code
from app.processes.services import cancel_instance, start_instance
from app.security.models import Member
from app.tasks.models import Task
from app.tasks.services import (
    claim_task,
    comment_task,
    complete_task,
    reassign_task,
    release_task,
    save_draft,
)

Do = Callable[[Session, Actor], None]


@dataclass(frozen=True)
class Act:
    """`do` is done by `who` at `at`."""

    at: datetime
    who: str
    do: Do


@dataclass
class Book:
    """What the acts so far have made: ids by the names that the tellings use."""

    members: Mapping[str, Member]
    customers: dict[str, int] = field(default_factory=dict)
    instances: dict[Story, int] = field(default_factory=dict)

    def customer(self, session: Session, name: str) -> Customer:
        return session.get_one(Customer, self.customers[name])

    def task(self, session: Session, story: Story, step: str) -> Task:
        """The step's task in the story's instance."""
        of_this = (Task.owner_type == OWNER, Task.owner_id == self.instances[story], Task.step == step)
        return session.scalars(select(Task).where(*of_this)).one()


# ── The administrator ──
def publish_process(at: datetime) -> Act:
    """Hoa publishes the process as any admin does."""

    def do(session: Session, by: Actor) -> None:
        library.install(session, PROCESS, by=by)

    return Act(at, "hoa", do)


# ── Customers ──
def make_customer(book: Book, profile: Profile, *, at: datetime, who: str, owner: str | None = None) -> Act:
    """A person of the company writes a customer down, for himself or (a head does) for somebody of the team."""

    def do(session: Session, by: Actor) -> None:
        customer = create_customer(
            session, by=by, name=profile.name, kind=profile.kind, phone=profile.phone, email=profile.email,
            owner=book.members[owner] if owner else None, note=profile.note, source=profile.source,
            contact_points=[(ContactKind.zalo, profile.phone)] if profile.has_zalo else [],
        )  # fmt: skip
        book.customers[profile.name] = customer.id

    return Act(at, who, do)


def change_note(book: Book, name: str, note: str, *, at: datetime, who: str) -> Act:
    def do(session: Session, by: Actor) -> None:
        customer = book.customer(session, name)
        change_customer(session, customer, by=by, rev=customer.rev, note=note)

    return Act(at, who, do)


def hand_customer_on(book: Book, name: str, owner: str, *, at: datetime, who: str) -> Act:
    def do(session: Session, by: Actor) -> None:
        customer = book.customer(session, name)
        change_customer(session, customer, by=by, rev=customer.rev, owner=book.members[owner])

    return Act(at, who, do)


def add_number(book: Book, name: str, phone: str, *, at: datetime, who: str) -> Act:
    def do(session: Session, by: Actor) -> None:
        add_contact_point(session, book.customer(session, name), by=by, kind=ContactKind.phone, text=phone)

    return Act(at, who, do)


def archive(book: Book, name: str, *, at: datetime, who: str) -> Act:
    def do(session: Session, by: Actor) -> None:
        archive_customer(session, book.customer(session, name), by=by)

    return Act(at, who, do)


def restore(book: Book, name: str, *, at: datetime, who: str) -> Act:
    def do(session: Session, by: Actor) -> None:
        restore_customer(session, book.customer(session, name), by=by)

    return Act(at, who, do)


# ── The bell ──
def read_bell(who: str, *, at: datetime) -> Act:
    """Whoever looks at the bell has read what stands in it."""

    def do(session: Session, by: Actor) -> None:
        assert by.user_id is not None
        unread = select(Notification.id).where(Notification.user_id == by.user_id, Notification.read_at.is_(None))
        mark_read(session, by.user_id, list(session.scalars(unread)), at=clock.now())

    return Act(at, who, do)


# ── A late delivery ──
def story_acts(book: Book, story: Story, call: str, *, past: WorkingPast, rng: random.Random) -> Iterator[Act]:
    """All that people did in this story, in order. `call`: how one speaks to the customer."""
    opened = opened_at(story, rng)
    words = _Words(story, call, rng)
    yield _start(book, story, at=past.ago(opened[story.path[0]]))
    for step, following in zip(story.path, (*story.path[1:], None), strict=True):
        begin = opened[step]
        if following is not None:
            yield from _done(book, story, step, words, past=past, begin=begin, end=opened[following], rng=rng)
        elif story.stand is Stand.completed:
            yield from _done(book, story, step, words, past=past, begin=begin, end=story.minutes, rng=rng)
        elif story.stand is Stand.cancelled:
            yield from _called_off(book, story, past=past, begin=begin, rng=rng)
        else:
            yield from _unfinished(book, story, step, words, past=past, begin=begin)


def _start(book: Book, story: Story, *, at: datetime) -> Act:
    def do(session: Session, by: Actor) -> None:
        process = process_by_code(session, PROCESS)
        assert process is not None
        customer = book.customer(session, story.customer)
        book.instances[story] = start_instance(session, process, by=by, customer=customer).id

    return Act(at, story.initiator, do)


def _done(
    book: Book,
    story: Story,
    step: str,
    words: _Words,
    *,
    past: WorkingPast,
    begin: float,
    end: float,
    rng: random.Random,
) -> Iterator[Act]:
    """The step from its opening `begin` minutes ago to its completion `end` minutes ago."""

    def at(part: float) -> datetime:
        return past.ago(begin + (end - begin) * part)

    who = story.worker(step)
    if step in ("receive", "find-order"):
        yield _claim(book, story, step, at=at(rng.uniform(0.05, 0.3)), who=who)
    if step == "find-order" and rng.random() < 0.6:
        yield _comment(book, story, step, story.complaint.remark, at=at(rng.uniform(0.5, 0.9)), who=who)
    yield _complete(book, story, step, words, at=at(1), who=who)


def _unfinished(
    book: Book, story: Story, step: str, words: _Words, *, past: WorkingPast, begin: float
) -> Iterator[Act]:
    """The step that waits for somebody or is being worked on; opened `begin` minutes ago."""

    def at(part: float) -> datetime:
        return past.ago(begin * (1 - part))

    who = story.worker(step)
    if story.was_released:
        yield _claim(book, story, step, at=at(0.2), who=who)
    elif story.stand is not Stand.offered and step in ("receive", "find-order"):
        yield _claim(book, story, step, at=at(0.3), who=who)
    for number, (author, text) in enumerate(story.notes, start=1):
        yield _comment(book, story, step, text, at=at(0.3 + 0.4 * number / len(story.notes)), who=author)
    if story.was_released:
        yield _release(book, story, step, at=at(0.75), who=who)
    if story.reassigned_to:
        yield _reassign(book, story, step, story.reassigned_to, at=at(0.8))
    if story.stand is Stand.in_progress:
        yield _save_draft(book, story, step, words.draft(step), at=at(0.85), who=who)


def _called_off(book: Book, story: Story, *, past: WorkingPast, begin: float, rng: random.Random) -> Iterator[Act]:
    reason = rng.choice(CANCELLED)

    def do(session: Session, by: Actor) -> None:
        cancel_instance(session, book.instances[story], by=by, reason=reason)

    if story.step == "find-order":
        yield _claim(book, story, story.step, at=past.ago((begin + story.minutes) / 2), who=story.operator)
    yield Act(past.ago(story.minutes), story.initiator, do)


def _claim(book: Book, story: Story, step: str, *, at: datetime, who: str) -> Act:
    def do(session: Session, by: Actor) -> None:
        claim_task(session, book.task(session, story, step).id, by=by)

    return Act(at, who, do)


def _release(book: Book, story: Story, step: str, *, at: datetime, who: str) -> Act:
    def do(session: Session, by: Actor) -> None:
        release_task(session, book.task(session, story, step).id, by=by)

    return Act(at, who, do)


def _reassign(book: Book, story: Story, step: str, to: str, *, at: datetime) -> Act:
    def do(session: Session, by: Actor) -> None:
        reassign_task(session, book.task(session, story, step).id, book.members[to], by=by, reason="Chia lại việc")

    return Act(at, "minh", do)


def _comment(book: Book, story: Story, step: str, text: str, *, at: datetime, who: str) -> Act:
    def do(session: Session, by: Actor) -> None:
        comment_task(session, book.task(session, story, step).id, text, by=by)

    return Act(at, who, do)


def _save_draft(book: Book, story: Story, step: str, typed: Mapping[str, str], *, at: datetime, who: str) -> Act:
    def do(session: Session, by: Actor) -> None:
        save_draft(session, book.task(session, story, step).id, typed, by=by)

    return Act(at, who, do)


def _complete(book: Book, story: Story, step: str, words: _Words, *, at: datetime, who: str) -> Act:
    def do(session: Session, by: Actor) -> None:
        task = book.task(session, story, step)
        if task.form_version is None:
            complete_task(session, task.id, by=by, outcome=story.decision, note=words.decision)
            return
        context = context_for(session, task.form_version, task.customer_id, by)
        answers = parse_answers(task.form_version, words.answers(step), context=context)
        complete_task(session, task.id, by=by, answers=answers)

    return Act(at, who, do)


class _Words:
    """What people write in one story."""

    def __init__(self, story: Story, call: str, rng: random.Random) -> None:
        self._story = story
        self._names = {"order": story.order, "call": call}
        self._channel = rng.choice(("phone", "phone", "zalo", "email"))
        self._days_to_go = rng.choice((1, 1, 2))
        self.decision = rng.choice(DECISIONS[story.decision])

    def answers(self, step: str) -> Mapping[str, Any]:
        """All that the step's form asks."""
        complaint = self._story.complaint
        match step:
            case "receive":
                return {
                    "happened": self._say(complaint.happened),
                    "order_code": self._story.order,
                    "compensation": self._story.compensation,
                    "note_for_operations": self._say(complaint.for_operations),
                    "apology": self._say(APOLOGY),
                }
            case "find-order":
                expected = clock.today(DEFAULT_TIME_ZONE) + timedelta(days=self._days_to_go)
                return {
                    "order_status": complaint.status,
                    "expected_delivery": expected.isoformat(),
                    "cause": complaint.cause,
                    "finding": self._say(complaint.finding),
                }
            case "update":
                return {"channel": self._channel, "message": self._say(complaint.told)}
            case _:
                return {
                    "reached": "reached",
                    "satisfied": complaint.satisfied,
                    "customer_words": self._say(complaint.words),
                }

    def draft(self, step: str) -> Mapping[str, str]:
        """What was typed so far, in the fields of the form as they stand on screen."""
        if step == "call-back":
            return {"reached": "reached", "customer_words": self._say(self._story.complaint.words)}
        return {"channel": self._channel, "message": self._say(self._story.complaint.told)[:40]}

    def _say(self, text: str) -> str:
        said = text.format(**self._names)
        return said[0].upper() + said[1:]
