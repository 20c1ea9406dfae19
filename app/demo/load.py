"""How does an empty installation become Phở Sen? By living its past through the services, all of it or nothing."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import click
from flask import Flask
from sqlalchemy.orm import Session

from app.core import clock, settings
from app.core.access import SYSTEM, Actor
from app.core.db import db, transaction
from app.core.i18n import DEFAULT_LANGUAGE, _, in_language
from app.deadlines.queries import company_calendar
from app.demo import acts, casting, groups, lives, outside, own_fields
from app.demo.acts import Act, Book
from app.demo.casting import FOUNDED
from app.demo.past import DAY, WorkingPast
from app.demo.people import COLLEAGUES, COMPANY, PEOPLE, Person, hire
from app.demo.stories import FINISHED, RUNNING, stories
from app.security import queries as people
from app.security.services import hash_password
from app.tasks import queries as tasks
from app.tasks.alerts import alert_overdue
from app.tasks.models import Task
from config import write_once

CUSTOMERS = 300

_SEED = "Phở Sen"
# The pace of the worker's scan: an alert is some seconds younger than the moment that was missed.
_NOTICED_AFTER = timedelta(seconds=7)
_ALERTS = 100
# The password is read from a file and typed: no two letters look alike.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4


def load_demo(app: Flask, *, customers: int = CUSTOMERS, running: int = RUNNING, finished: int = FINISHED) -> None:
    """Make the demo company unless the company has an administrator already; say who can sign in, and how.

    Needs an application context and what `flask init` makes. Sends no mail and queues none.
    """
    with in_language(DEFAULT_LANGUAGE):
        if not _has_admin():
            click.echo(_("Loading the demo company %(name)s…", name=COMPANY))
            password = _password(app)
            password_hash = hash_password(password, app.config["FAB_PASSWORD_HASH_METHOD"])
            with transaction(SYSTEM) as session:
                if not _has_admin():  # nobody else was faster
                    _live(session, password_hash, customers=customers, running=running, finished=finished)
        _tell_accounts(app)


def _has_admin() -> bool:
    return bool(people.members_with_role(db.session(), "Admin"))


# ── The past ──
def _live(session: Session, password_hash: str, *, customers: int, running: int, finished: int) -> None:
    """Everything from the first day until now, in the order in which it happened."""
    past = WorkingPast(company_calendar(session), clock.now())
    with clock.at(past.ago(FOUNDED + DAY)):
        staff = hire(session, (*PEOPLE, *COLLEAGUES), password_hash=password_hash)
    actors = {username: staff.actor(session, username) for username in staff.members}
    book = Book(staff.members)
    for act in _everything(book, past, customers=customers, running=running, finished=finished):
        _raise_alerts(session, until=act.at)
        with _in_the_name_of(session, actors[act.who], at=act.at):
            act.do(session, actors[act.who])
    _raise_alerts(session, until=past.now)
    settings.put(session, "demo_loaded_at", past.now.isoformat(), by=SYSTEM)


@contextmanager
def _in_the_name_of(session: Session, actor: Actor | None, *, at: datetime) -> Iterator[None]:
    """At that moment the transaction is this person's: rows and audit are stamped with his name and its time."""
    before = session.info.get("actor")
    session.info["actor"] = actor
    try:
        with clock.at(at):
            yield
            session.flush()
    finally:
        session.info["actor"] = before
        session.info.pop("reason", None)  # it was his, for this act


def _raise_alerts(session: Session, *, until: datetime) -> None:
    """What the worker would have noticed by then; told in the bell, without the mail."""
    while due := list(session.scalars(tasks.alerts_due(until - _NOTICED_AFTER, limit=_ALERTS))):
        for task_id in due:
            task = session.get_one(Task, task_id)
            assert task.next_alert_at is not None
            at = task.next_alert_at + _NOTICED_AFTER
            with _in_the_name_of(session, None, at=at):
                alert_overdue(session, task, at=at)


def _everything(book: Book, past: WorkingPast, *, customers: int, running: int, finished: int) -> list[Act]:
    """All acts by their moments; of one moment in the order in which they were told."""
    rng = random.Random(_SEED)  # noqa: S311 - made up, and the same every time
    told = list(stories(rng, past, running=running, finished=finished))
    cast = casting.cast(rng, told, customers=customers)
    done = [acts.publish_process(past.ago(FOUNDED + DAY / 2)), own_fields.draw(past.ago(FOUNDED + DAY / 2))]
    done += casting.customer_acts(book, cast, past=past, rng=rng)
    # Its own dice: the stories stay as they are told elsewhere.
    done += lives.life_acts(book, cast, past=past, rng=random.Random(f"{_SEED} lives"))  # noqa: S311 - made up
    done += groups.group_acts(past)
    dice = random.Random(f"{_SEED} own")  # noqa: S311 - made up, and the same every time
    for seeded in cast.customers:
        done += own_fields.fill_in(
            book, seeded.profile.name, dice, is_company=seeded.profile.is_company, at=past.ago(seeded.minutes),
            who=seeded.creator,
        )  # fmt: skip
    for story in cast.stories:
        done += acts.story_acts(book, story, cast.calls[story.customer], past=past, rng=rng)
    done += outside.feedback_acts(book, past=past, rng=random.Random(f"{_SEED} outside"))  # noqa: S311 - made up
    for person in (*PEOPLE, *COLLEAGUES):
        done.append(acts.read_bell(person.username, at=past.ago(DAY * rng.uniform(0.6, 0.9))))
    return sorted(done, key=lambda act: act.at)


# ── Signing in ──
def _password(app: Flask) -> str:
    """The operator's, else one that is made and kept where only he can read it."""
    file: Path = app.config["DEMO_PASSWORD_FILE"]
    given: str | None = app.config["DEMO_PASSWORD"]
    if given:
        file.unlink(missing_ok=True)  # it would name the password of a company that is gone
        return given
    groups = ("".join(secrets.choice(_LETTERS) for _letter in range(_GROUP)) for _group in range(_GROUPS))
    write_once(file, "-".join(groups))
    return file.read_text(encoding="utf-8").strip()


def _tell_accounts(app: Flask) -> None:
    """Who can sign in, where the password is (never the password itself), and the address."""
    accounts = [person for person in PEOPLE if _is_here(person)]
    if accounts:
        rows = [(_("Account"), _("Name"), _("Job")), *((p.username, p.name, p.title) for p in accounts)]
        table = [[str(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        click.echo()
        for row in table:
            click.echo("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
        file: Path = app.config["DEMO_PASSWORD_FILE"]
        click.echo()
        click.echo(
            _("Password: see the file %(path)s", path=file)
            if file.exists()
            else _("Password: the one in TANTAM_DEMO_PASSWORD when the demo was loaded")
        )
    click.echo(_("Address: %(address)s", address=app.config["BASE_URL"]))


def _is_here(person: Person) -> bool:
    """The demo's own person, not somebody of a real company who has the same user name."""
    member = people.member_by_username(db.session(), person.username)
    return member is not None and member.is_active and member.email == person.email
