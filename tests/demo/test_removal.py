"""The demo goes as a whole, through the services, and not while real work hangs on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core import clock, settings
from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.errors import InvalidInputError, NotAllowedError
from app.customers.models import Customer
from app.customers.services import create_customer
from app.demo import removal
from app.demo.people import PEOPLE
from app.processes.models import Process, ProcessInstance
from app.security import queries
from app.security.models import Member, Team
from app.security.services import create_member

NAME = "Công ty Phở Sen"


@pytest.fixture
def owner(session, cast, story):
    """The administrator of the real company, after the demo was made; as an actor. The clock stands still."""
    story.start()
    with transaction(SYSTEM) as inside:
        for process in inside.scalars(select(Process)):
            process.created_by_id = cast.hoa.user_id  # as in the demo, where Hoa has published it
        member = create_member(inside, username="chu", family_name="Trần", given_name="Chủ", email="chu@that.vn",
                               password_hash="x", roles=["Admin"], by=SYSTEM)  # fmt: skip
        settings.put(inside, "demo_loaded_at", clock.now().isoformat(), by=SYSTEM)
        return queries.actor_of(inside, member)


@pytest.fixture
def later(owner):
    """After the demo was made."""
    with clock.at(clock.now() + timedelta(hours=1)):
        yield


def reasons(session, by) -> str:
    return " ".join(str(one) for one in removal.plan(session, by=by).hindrances)


@pytest.mark.both_databases
@pytest.mark.usefixtures("later")
def test_all_of_it_goes_in_one_transaction_and_real_things_stay(session, owner):
    with transaction(owner) as inside:
        mine = create_customer(inside, by=owner, name="Khách thật").id
    told = removal.plan(session, by=owner)
    assert (told.customers, told.instances, told.people, told.hindrances) == (1, 1, len(PEOPLE), [])
    with transaction(owner) as inside:
        removal.remove(inside, f" {NAME.upper()} ", by=owner)
    live = session.scalars(select(Customer.id).where(Customer.archived_at.is_(None))).all()
    assert list(live) == [mine]
    assert session.scalar(select(func.count()).where(ProcessInstance.ended_at.is_(None))) == 0
    assert session.scalar(select(func.count()).where(Team.archived_at.is_(None))) == 0
    assert session.scalar(select(func.count()).where(Process.archived_at.is_(None))) == 0
    assert [one.username for one in session.scalars(queries.active_members())] == ["chu"]
    assert session.scalar(select(func.count(Member.id))) == len(PEOPLE) + 1  # nothing is deleted
    assert removal.plan(session, by=owner) is None


@pytest.mark.usefixtures("later")
def test_real_work_that_hangs_on_it_is_counted_and_keeps_it(session, cast, owner):
    with transaction(owner) as inside:
        lan = inside.get_one(Member, cast.lan.user_id)
        create_customer(inside, by=owner, name="Khách thật", owner=lan)
    assert "1 khách hàng thật" in reasons(session, owner)
    with pytest.raises(removal.DemoNeededError), transaction(owner) as inside:
        removal.remove(inside, NAME, by=owner)
    assert session.scalar(select(func.count()).where(Customer.archived_at.is_(None))) == 2
    assert len(session.scalars(queries.active_members()).all()) == len(PEOPLE) + 1


@pytest.mark.usefixtures("later")
def test_a_demo_account_does_not_remove_itself_and_nobody_else_does_without_the_right(session, cast, owner):
    assert "tài khoản mẫu" in reasons(session, cast.hoa)
    for who in (cast.lan, cast.minh):
        with pytest.raises(NotAllowedError), transaction(who) as inside:
            removal.remove(inside, NAME, by=who)
    with pytest.raises(InvalidInputError) as refused, transaction(owner) as inside:
        removal.remove(inside, "Công ty khác", by=owner)
    assert list(refused.value.fields) == ["typed"]


def test_without_a_demo_there_is_nothing_to_remove(session, cast):
    assert removal.plan(session, by=cast.hoa) is None
