"""The worker finds who is in here twice, tells it once, forgets what is no longer alike and never what people said."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select, update

from app.core.db import transaction
from app.customers import services
from app.customers.duplicates import deciding, looking
from app.customers.duplicates.models import DuplicatePair, DuplicateRun, PairState, RunKind
from app.customers.models import Customer

pytestmark = pytest.mark.both_databases
ZONE = "Asia/Ho_Chi_Minh"
BORN = date(1990, 5, 3)


@pytest.fixture
def twins(session, cast) -> list[int]:
    with transaction(cast.minh) as inside:
        return [
            services.create_customer(inside, by=cast.minh, name=name, birthday=BORN, phone=phone).id
            for name, phone in (("Đặng Thị Ưu", "0912 345 678"), ("Chị Dang Thi Uu", "0977 000 111"))
        ]


def pairs(session):
    session.expire_all()
    return [(one.first_id, one.second_id, one.state) for one in session.scalars(select(DuplicatePair))]


def test_what_is_found_is_told_once_and_what_was_said_of_it_stays(session, cast, twins):
    assert looking.look_when_due(ZONE) == 1
    assert looking.look(RunKind.full) == 0
    with transaction(cast.minh) as inside:
        pair = inside.scalars(select(DuplicatePair)).one()
        deciding.say_not_duplicate(inside, pair.id, by=cast.minh)
    assert looking.look(RunKind.full) == 0
    assert pairs(session) == [(*twins, PairState.not_duplicate)]
    with transaction(cast.minh) as inside:
        deciding.look_again(inside, inside.scalars(select(DuplicatePair.id)).one(), by=cast.minh)
    assert pairs(session) == [(*twins, PairState.open)]
    runs = session.scalars(select(DuplicateRun).order_by(DuplicateRun.id)).all()
    assert [(run.kind, run.compared, run.found) for run in runs] == [
        (RunKind.full, 2, 1), (RunKind.full, 2, 0), (RunKind.full, 2, 0),
    ]  # fmt: skip


def test_between_the_nights_only_who_is_new_or_changed_is_compared(session, cast, twins):
    looking.look_when_due(ZONE)
    with transaction() as inside:  # long ago
        stamp = inside.scalar(select(DuplicateRun.started_at))
        inside.execute(update(Customer.__table__).values(updated_at=stamp - 2 * looking._MARGIN))
        inside.execute(update(services.ContactPoint.__table__).values(updated_at=stamp - 2 * looking._MARGIN))
    assert looking.look(RunKind.changed) == 0
    assert len(session.scalars(select(DuplicateRun)).all()) == 1
    session.rollback()
    with transaction(cast.minh) as inside:
        third = services.create_customer(inside, by=cast.minh, name="Đặng Thị Ưu", birthday=BORN).id
    assert looking.look(RunKind.changed) == 2
    last = session.scalars(select(DuplicateRun).order_by(DuplicateRun.id.desc())).first()
    assert (last.kind, last.compared, last.found) == (RunKind.changed, 1, 2)
    session.rollback()
    with transaction(cast.minh) as inside:
        row = inside.get_one(Customer, third)
        services.change_customer(inside, row, by=cast.minh, rev=row.rev, name="Lê Văn Tám")
    looking.look(RunKind.changed)
    assert pairs(session) == [(*twins, PairState.open)]


def test_a_run_that_was_broken_off_is_done_again(session, cast, twins, monkeypatch):
    def dies(*_given, **_more):
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(looking, "_write", dies)
        with pytest.raises(SystemExit):
            looking.look_when_due(ZONE)
    assert pairs(session) == []
    session.rollback()
    assert looking.look_when_due(ZONE) == 1
    assert [run.ended_at is None for run in session.scalars(select(DuplicateRun).order_by(DuplicateRun.id))] == [
        True, False,
    ]  # fmt: skip


def test_customers_from_before_get_their_keys_first(session, cast, twins):
    with transaction() as inside:
        inside.execute(update(Customer.__table__).values(name_key=None, addr_key=None))
    assert looking.look_when_due(ZONE) == 1
