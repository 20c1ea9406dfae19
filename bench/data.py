"""What does a company with 100,000 customers and a million tasks look like in the database? Made in a minute or two.

`python -m bench.data --url sqlite:////tmp/large.db` fills a fresh database of your own. The people come from the
services, the customers from the same pure rules that the services use, the stories in progress are copies of lived ones
(stamps.py). Two things are left out, since no page that is measured reads them: the audit log of the customers, and
whatever hangs on a finished task (answers, notes, events).
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app.cli import prepare
from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import db, transaction
from app.core.vietnamese import phone_e164
from app.customers import matching, rules
from app.customers.forgotten import keeping
from app.customers.forgotten.models import ContactTarget
from app.customers.models import ContactKind, ContactPoint, Customer, TimelineEntry
from app.deadlines.queries import company_calendar
from app.demo import names
from app.demo.names import Profile
from app.demo.past import DAY, WorkingPast
from app.demo.people import COLLEAGUES, PEOPLE, Person, hire
from app.models import Member
from app.processes import library
from app.processes.models import Process
from app.security import queries as people
from app.security import services as security
from app.security.models import Right
from app.security.services import hash_password
from app.security.teams import add_person
from app.tasks import queries as tasks
from app.tasks.alerts import alert_overdue
from app.tasks.models import Task
from bench import PASSWORD, own_fields, stamps
from bench.bulk import Bulk, fast, tidy
from bench.stamps import Copier, Copy, Kind, Roles, Stamp

_SEED = "Phở Sen"
_PROCESS = "giao-hang-cham"
_AUDITOR = Person("kiem", "Ngô", "Minh Kiểm", "Kiểm soát nội bộ", ("Auditor",), None)
#: further departments: with those of the cast, a company of a hundred people
_TEAMS = {
    "ban-hang": "Bán hàng", "dai-ly": "Đại lý", "cua-hang": "Cửa hàng", "giao-nhan": "Giao nhận", "kho": "Kho",
    "ky-thuat": "Kỹ thuật",
}  # fmt: skip
_A_TEAM = 12
#: share of the customers that CSKH looks after; the others share the rest
_CSKH = 0.3
# As many different names as a company of this size has, more or less; the numbers are all different.
_NAMES = 5_000
_MOBILES = ("032", "033", "034", "035", "036", "037", "038", "039", "070", "076", "077", "078", "079", "081", "082",
            "083", "084", "085", "086", "088", "089", "090", "091", "093", "094", "096", "097", "098")  # fmt: skip
_YEARS = timedelta(days=3 * 365)
_ARCHIVED_ONE_IN = 200
#: customers of other teams that were shared with Lan by hand
_SHARED = 200


@dataclass(frozen=True)
class Size:
    """How much there is to be. The tasks include the open ones."""

    customers: int = 100_000
    tasks: int = 1_000_000
    open_tasks: int = 20_000


@dataclass(frozen=True)
class Company:
    """Who works here, as the maker needs them: ids and actors."""

    actors: dict[str, Actor]
    #: the staff of each team, without its head
    staff: dict[int, list[int]]
    home: dict[int, int]
    cskh: int
    operations: int

    def someone_of(self, team_id: int, rng: random.Random) -> int:
        return rng.choice(self.staff[team_id])


@dataclass(frozen=True)
class Customers:
    """Whose customers the bulk ones are: they are numbered from `first` on, each has an owner."""

    first: int
    owners: Sequence[int]

    def __len__(self) -> int:
        return len(self.owners)


def fill(app: Flask, size: Size, *, say: Any = print) -> None:
    """Make the schema by its migrations, and the company in it. The database must be empty."""
    began = time.perf_counter()

    def told(what: str) -> None:
        say(f"  {time.perf_counter() - began:6.1f} s  {what}")

    rng = random.Random(_SEED)
    with app.app_context():
        upgrade()
        prepare()
        now = clock.now().replace(microsecond=0)
        with clock.at(now - _YEARS), transaction(SYSTEM) as session:
            company = _hire(session)
            process_id = library.install(session, _PROCESS, by=SYSTEM).id
            own_fields.draw(session)
        told("schema, people, process")
        # In working hours, so that what is due in an hour is due in an hour.
        lived = _live(
            db.session(), process_id, company, at=WorkingPast(company_calendar(db.session()), now).ago(20 * DAY)
        )
        told("a story of each kind, lived through the services")
        db.session.remove()
        with db.engine.connect() as connection, fast(connection) as bulk:
            customers = Customers(_last_id(bulk, "customer") + 1, _owners(company, size, rng))
            _write_customers(bulk, customers, company, rng, now=now)
            own_fields.write(db.session(), bulk, customers.first, len(customers), random.Random(_SEED), now=now)
            told(f"{size.customers:,} customers")
            count = _write_stories(bulk, lived, customers, company, size, rng, now=now)
            told(f"{size.tasks:,} tasks in {count:,} process instances")
        _notice_what_is_late(now)
        _share(company, customers, rng)
        _work_out_who_is_forgotten()
        tidy(db.engine)
        told("statistics for the planner")
        db.session.remove()


def _work_out_who_is_forgotten() -> None:
    """As the worker does when targets are new."""
    with transaction(SYSTEM) as session:
        session.execute(update(ContactTarget).values(renewed_to=0))
    while True:
        with transaction(SYSTEM) as session:
            if keeping.refresh(session) < keeping.MOST:
                return


# ── The people ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _hire(session: Session) -> Company:
    password_hash = hash_password(PASSWORD, "pbkdf2:sha256:1000")
    hired = hire(session, (*PEOPLE, *COLLEAGUES, _AUDITOR), password_hash=password_hash)
    teams = dict(hired.teams)
    for code, name in _TEAMS.items():
        teams[code] = security.create_team(session, code=code, name=name, by=SYSTEM)
    drawn = names.profiles(random.Random(f"{_SEED} staff"), 5_000)
    for code, team in teams.items():
        for number in range(_A_TEAM):
            profile = next(one for one in drawn if not one.is_company)
            family, _, given = profile.name.partition(" ")
            username = f"{code}-{number + 1:02d}"
            member = security.create_member(
                session, username=username, family_name=family, given_name=given, email=f"{username}@phosen.example",
                password_hash=password_hash, roles=["Staff"], title="Nhân viên", by=SYSTEM,
            )  # fmt: skip
            add_person(session, team, member, primary=True, by=SYSTEM)
    actors = {
        member.user.username: people.actor_of(session, member)
        for member in session.scalars(select(Member).order_by(Member.id))
    }
    staff: dict[int, list[int]] = {}
    home: dict[int, int] = {}
    for actor in actors.values():
        if actor.user_id is not None and actor.primary_team_id is not None:
            home[actor.user_id] = actor.primary_team_id
            if "Staff" in actor.roles:
                staff.setdefault(actor.primary_team_id, []).append(actor.user_id)
    return Company(actors, staff, home, teams["cskh"].id, teams["van-hanh"].id)


# ── The customers ────────────────────────────────────────────────────────────────────────────────────────────────────


def _owners(company: Company, size: Size, rng: random.Random) -> Sequence[int]:
    """Who looks after whom: customer id - 1 → member id."""
    others = [member for team, members in company.staff.items() if team != company.cskh for member in members]
    return [
        company.someone_of(company.cskh, rng) if rng.random() < _CSKH else rng.choice(others)
        for _number in range(size.customers)
    ]


_CUSTOMER = ("id", "code", "kind", "name", "sort_key", "search_text", "owner_id", "team_id", "source", "note",
             "archived_at", "archived_by_id", "rev", "created_at", "updated_at", "created_by_id",
             "updated_by_id", "name_key")  # fmt: skip
_CONTACT = ("customer_id", "kind", "value", "shown", "is_preferred", "archived_at",
            "created_at", "updated_at", "created_by_id", "updated_by_id")  # fmt: skip
_TIMELINE = ("customer_id", "at", "kind", "actor_id", "subject_type", "subject_id", "data")


def _write_customers(bulk: Bulk, made: Customers, company: Company, rng: random.Random, *, now: datetime) -> None:
    customers: list[tuple[Any, ...]] = []
    contacts: list[tuple[Any, ...]] = []
    timeline: list[tuple[Any, ...]] = []

    def flush() -> None:
        bulk.write(Customer.__table__, _CUSTOMER, customers)
        bulk.write(ContactPoint.__table__, _CONTACT, contacts)
        bulk.write(TimelineEntry.__table__, _TIMELINE, timeline)
        for rows in (customers, contacts, timeline):
            rows.clear()

    # The newer, the more: the company grows. Ids follow the moments, as they do where people write customers down.
    moments = sorted(now - _YEARS * rng.random() ** 1.5 for _number in range(len(made)))
    for place, (owner, profile, at) in enumerate(zip(made.owners, _profiles(len(made), rng), moments, strict=True)):
        number = made.first + place
        archived = number % _ARCHIVED_ONE_IN == 0
        row, points = customer_rows(number, profile, owner=owner, team=company.home[owner], at=at)
        customers.append((*row[:10], now if archived else None, owner if archived else None, *row[12:]))
        contacts += points
        timeline.append((number, at, "created", owner, None, None, {}))
        if archived:
            timeline.append((number, now, "archived", owner, None, None, {}))
        if len(customers) >= 10_000:
            flush()
    flush()
    bulk.continue_numbers(Customer.__table__)
    bulk.count_on("customer", len(made))


def customer_rows(
    number: int, profile: Profile, *, owner: int, team: int | None, at: datetime
) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    """What create_customer writes for this profile: the customer's row and those of his contact points."""
    name = rules.read_name(profile.name)
    typed = [(ContactKind.phone, profile.phone)]
    if profile.email:
        typed.append((ContactKind.email, profile.email))
    if profile.has_zalo:
        typed.append((ContactKind.zalo, profile.phone))
    read = [rules.read_contact(kind, written) for kind, written in typed]
    code = rules.customer_code(number)
    words = rules.search_text(code, name, [(contact.kind, contact.value) for contact in read])
    note = rules.read_note(profile.note or "") or None
    stamped = (at, at, owner, owner)
    row = (number, code, profile.kind, name, _name_order(name, profile.kind), words, owner, team, profile.source,
           note, None, None, 1, *stamped, _name_key(name, profile.kind))  # fmt: skip
    points = [
        (number, contact.kind, contact.value, contact.shown, place == 0, None, *stamped)
        for place, contact in enumerate(read)
    ]
    return row, points


_name_order = lru_cache(maxsize=2 * _NAMES)(rules.name_order)
_name_key = lru_cache(maxsize=2 * _NAMES)(matching.name_key)


def _profiles(count: int, rng: random.Random) -> Iterator[Profile]:
    """Customers with names that come again, as names do, and numbers that do not."""
    drawn = list(names.profiles(rng, min(count, _NAMES)))
    yield from drawn
    numbers = {profile.phone for profile in drawn}
    for _number in range(count - len(drawn)):
        like = rng.choice(drawn)
        phone = _draw_number(rng, numbers)
        numbers.add(phone)
        yield Profile(
            name=like.name, kind=like.kind, phone=phone, call=like.call, email=like.email, has_zalo=like.has_zalo,
            source=like.source, note=like.note,
        )  # fmt: skip


def _draw_number(rng: random.Random, taken: Collection[str]) -> str:
    while True:
        phone = f"{rng.choice(_MOBILES)}{rng.randrange(10_000_000):07d}"
        if phone not in taken and not names.is_reserved(phone) and phone_e164(phone):
            return phone


# ── The work ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _live(session: Session, process_id: int, company: Company, *, at: datetime) -> dict[Kind, Stamp]:
    """A story of each kind."""
    roles = Roles(*(company.actors[name] for name in ("ban-hang-01", "lan", "tuan", "minh")))
    wanted = [*stamps.FINISHED, *(kind for kind, _weight in stamps.kinds())]
    process = session.get_one(Process, process_id)
    return {kind: stamps.live(session, process, kind, roles, at=at) for kind in wanted}


def _write_stories(
    bulk: Bulk,
    lived: dict[Kind, Stamp],
    customers: Customers,
    company: Company,
    size: Size,
    rng: random.Random,
    *,
    now: datetime,
) -> int:
    """As many stories in progress as there are to be open tasks, behind finished ones for the rest of the tasks."""
    instance_id = first_instance = _last_id(bulk, "process_instance") + 1
    copier = Copier(bulk, first={name: _last_id(bulk, name) + 1 for name in ("task", "submission", "alert")})
    actors = company.actors

    def copy_of(stamp: Stamp, shift: timedelta, number: int) -> Copy:
        customer = rng.randrange(len(customers))
        owner = customers.owners[customer]
        return Copy(
            instance_id=number,
            code=f"HS-{number:06d}",
            customer_id=customers.first + customer,
            people={
                actors["ban-hang-01"].user_id or 0: owner,
                actors["lan"].user_id or 0: company.someone_of(company.cskh, rng),
                actors["tuan"].user_id or 0: company.someone_of(company.operations, rng),
            },
            teams={actors["ban-hang-01"].primary_team_id or 0: company.home[owner]},
            shift=shift,
        )

    open_kinds = list(stamps.kinds())
    running = rng.choices(
        [kind for kind, _weight in open_kinds], [weight for _kind, weight in open_kinds], k=size.open_tasks
    )
    rest = size.tasks - sum(stamp.tasks for stamp in lived.values()) - sum(lived[kind].tasks for kind in running)
    finished = {kind: stamps.without_answers(lived[kind]) for kind in stamps.FINISHED}
    while rest > 0:
        kind = stamps.FINISHED[1] if rng.random() < 0.1 else stamps.FINISHED[0]
        stamp = finished[kind]
        ended = now - timedelta(days=1) - (_YEARS - timedelta(days=10)) * rng.random()
        copier.add(stamp, copy_of(stamp, ended - stamp.anchor, instance_id), only=("process_instance", "task"))
        rest -= stamp.tasks
        instance_id += 1
    for kind in running:
        stamp = lived[kind]
        due = now - timedelta(days=3) * rng.random() if kind.is_late else now + stamp.span * rng.random()
        copier.add(stamp, copy_of(stamp, due - stamp.anchor, instance_id))
        instance_id += 1
    copier.flush()
    bulk.continue_numbers(*stamps.TABLES)
    bulk.count_on("instance", instance_id - first_instance)
    return instance_id - first_instance


def _last_id(bulk: Bulk, table: str) -> int:
    return bulk.connection.scalar(text(f"SELECT max(id) FROM {table}")) or 0


def _notice_what_is_late(now: datetime) -> None:
    """The stories that were lived are overdue by now: they are told of, as the worker would have."""
    with transaction(None) as session:
        for task_id in session.scalars(tasks.alerts_due(now, limit=100)).all():
            alert_overdue(session, session.get_one(Task, task_id), at=now)


def _share(company: Company, customers: Customers, rng: random.Random) -> None:
    """Some customers of other teams are Lan's to read, because somebody shared them."""
    others = [place for place, owner in enumerate(customers.owners) if company.home[owner] != company.cskh]
    with transaction(SYSTEM) as session:
        for place in rng.sample(others, min(_SHARED, len(others))):
            security.hand_over(
                session, "Customer", customers.first + place, right=Right.view, reason="share",
                member_id=company.actors["lan"].user_id,
            )  # fmt: skip


def main() -> None:
    """Fill the database named on the command line."""
    from app import create_app
    from config import Config

    parser = argparse.ArgumentParser(prog="python -m bench.data", description="Fill a fresh database with plenty.")
    parser.add_argument("--url", required=True, help="sqlite:////path/file.db or postgresql://…; it must be empty")
    parser.add_argument("--customers", type=int, default=Size.customers)
    parser.add_argument("--tasks", type=int, default=Size.tasks)
    parser.add_argument("--open", type=int, default=Size.open_tasks, help="how many of the tasks are open")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Config({**os.environ, "TANTAM_DATA": folder, "TANTAM_DATABASE_URL": asked.url}))
        fill(app, Size(asked.customers, asked.tasks, asked.open))


if __name__ == "__main__":
    main()
