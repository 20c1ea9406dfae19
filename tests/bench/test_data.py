"""Are the rows that the maker writes in bulk those that the services write one by one?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text
from sqlalchemy.orm import Session

from app import create_app
from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.remembered import forget_all
from app.customers import queries as customers
from app.customers import search, services
from app.customers.models import ContactKind, ContactPoint, Customer
from app.demo.names import KNOWN
from app.processes.models import ProcessInstance
from app.security import queries as security
from app.tasks import queries as tasks
from app.tasks.models import Task, TaskState
from app.tasks.services import claim_task
from bench import stamps
from bench.data import Size, customer_rows, fill
from config import TestConfig

FIRST = sum(1 for _kind in (*stamps.FINISHED, *stamps.kinds())) + 1
SIZE = Size(customers=200, tasks=500, open_tasks=150)
#: the customers written in bulk: not those of the stories that were lived, nor those that a test makes
MADE = Customer.id.between(FIRST, FIRST + SIZE.customers - 1)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.slow])]
)
def made(request, tmp_path_factory, postgres) -> Iterator[Flask]:
    """The company on both databases, made once."""
    folder: Path = tmp_path_factory.mktemp("bench")
    server = postgres() if request.param == "postgresql" else None
    name = server.create_database() if server else None
    app = create_app(TestConfig(folder, database_url=server.url(name) if server else ""))
    fill(app, SIZE, say=lambda _told: None)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    forget_all()
    if server:
        server.drop_database(name)


@pytest.fixture
def company(made: Flask) -> Iterator[Session]:
    with made.app_context():
        yield db.session()
        db.session.rollback()


def test_there_is_as_much_as_was_asked_for(company):
    assert company.scalar(select(func.count()).select_from(Customer).where(MADE)) == SIZE.customers
    assert SIZE.tasks <= company.scalar(select(func.count(Task.id))) <= SIZE.tasks + 5
    # One more of each kind: the stories that the copies were made from.
    assert SIZE.open_tasks <= company.scalar(select(func.count(Task.id)).where(tasks.is_open())) <= SIZE.open_tasks + 20


def test_a_customer_is_written_as_the_service_writes_him(company):
    minh = security.actor_of(company, security.member_by_username(company, "minh"))
    now = clock.now()
    for profile in KNOWN:
        with clock.at(now), transaction(minh) as session:
            customer = services.create_customer(
                session, by=minh, name=profile.name, kind=profile.kind, phone=profile.phone, email=profile.email,
                note=profile.note, source=profile.source,
                contact_points=[(ContactKind.zalo, profile.phone)] if profile.has_zalo else [],
                duplicate_reason="Như người đã có",
            )  # fmt: skip
            number = customer.id
        row, points = customer_rows(
            int(customer.code.removeprefix("KH")), profile, owner=minh.user_id, team=minh.primary_team_id, at=now
        )
        written = company.execute(
            select(*(Customer.__table__.c[name] for name in CUSTOMER)).where(Customer.id == number)
        )
        assert tuple(written.one()) == row[1:]
        contacts = company.execute(
            select(*(ContactPoint.__table__.c[name] for name in CONTACT))
            .where(ContactPoint.customer_id == number).order_by(ContactPoint.id)
        )  # fmt: skip
        assert [tuple(one) for one in contacts] == [point[1:] for point in points]


CUSTOMER = ("code", "kind", "name", "sort_key", "search_text", "owner_id", "team_id", "source", "note", "archived_at",
            "archived_by_id", "rev", "created_at", "updated_at", "created_by_id", "updated_by_id",
            "name_key")  # fmt: skip
CONTACT = ("kind", "value", "shown", "is_preferred", "archived_at", "created_at", "updated_at", "created_by_id",
           "updated_by_id")  # fmt: skip


def test_search_finds_customers_by_name_and_number(company):
    newest = select(Customer).where(customers.live(), MADE).order_by(Customer.id.desc()).limit(10)
    for customer in company.scalars(newest):
        last_digits = (customer.phone or "").replace(" ", "")[-4:]
        for typed in (customer.name, customer.code, last_digits):
            assert customer.id in company.scalars(select(Customer.id).where(search.search(typed))).all(), typed


def test_names_are_in_vietnamese_order_and_the_newest_have_the_largest_ids(company):
    by_name = company.scalars(select(Customer.name).order_by(Customer.sort_key, Customer.id)).all()
    assert by_name.index("Đặng Thị Mỹ Duyên") < by_name.index("Ưng Hoàng Đức")
    moments = company.scalars(select(Customer.created_at).where(MADE).order_by(Customer.id)).all()
    assert moments == sorted(moments)


def test_every_key_points_at_a_row(company):
    """Also where the database was told to look away while it was filled."""
    for table in db.metadata.tables.values():
        for key in table.foreign_keys:
            here, there = table.alias(), key.column.table.alias()
            lost = select(func.count()).select_from(
                here.outerjoin(there, here.c[key.parent.name] == there.c[key.column.name])
            )  # fmt: skip
            missing = lost.where(here.c[key.parent.name].is_not(None), there.c[key.column.name].is_(None))
            assert company.scalar(missing) == 0, f"{table.name}.{key.parent.name}"


def test_a_copied_story_goes_on_through_the_services(company):
    """The next person claims, and what belongs to the copy is its own: grants, events, the instance's token."""
    team = security.team_by_code(company, "cskh")
    waiting = (
        select(Task).where(Task.state == TaskState.ready, Task.offered_team_id == team.id).order_by(Task.id.desc())
    )
    task = company.scalars(waiting.limit(1)).one()
    lan = security.actor_of(company, security.member_by_username(company, "lan"))
    task_id, instance = task.id, company.get_one(ProcessInstance, task.owner_id)
    assert (task.context, task.customer_id) == (f"Giao hàng chậm, {instance.code}", instance.customer_id)
    assert customers.customer_card(company, task.customer_id, lan).name
    with transaction(lan) as session:
        claim_task(session, task_id, by=lan)
    told = [str(event.kind) for event in tasks.history(company, task_id)]
    assert (told[0], told[-1]) == ("opened", "claimed")


@pytest.mark.usefixtures("machine_time")
def test_late_work_is_told_of_and_the_rest_will_be(company):
    now = clock.now()
    late = select(Task).where(tasks.overdue(now - timedelta(hours=3)))
    assert all(task.next_alert_at is None for task in company.scalars(late))
    in_time = company.scalars(select(Task).where(tasks.is_open(), Task.due_at > now)).all()
    assert in_time
    assert all(task.next_alert_at == task.due_at for task in in_time)


def test_alerts_are_found_by_their_index(company):
    scan = tasks.alerts_due(clock.now(), limit=100)
    compiled = scan.compile(company.get_bind(), compile_kwargs={"literal_binds": True})
    dialect = company.get_bind().dialect.name
    if dialect == "postgresql":
        company.execute(text("SET LOCAL enable_seqscan = off"))  # one page of rows is read faster without any index
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[dialect]
    plan = " ".join(str(row[-1]) for row in company.connection().exec_driver_sql(f"{explain} {compiled}"))
    assert "ix_task_next_alert" in plan


def test_the_next_record_gets_the_next_number(company):
    last = company.scalar(select(func.max(Customer.id)))
    codes = set(company.scalars(select(Customer.code)))
    with transaction(SYSTEM) as session:
        customer = services.create_customer(session, by=SYSTEM, name="Người Mới")
        assert (customer.id > last, customer.code in codes) == (True, False)
    assert inspect(customer).persistent
