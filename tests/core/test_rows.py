"""What is read and written past the mapper is the mapper's all the same: one row a session, told of in the log."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app.core import rows
from app.core.audit import AuditEvent
from app.core.db import transaction
from app.core.prepared import PreparedRows
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessInstance
from app.security import queries as people
from app.security.models import Member
from tests.story import MONDAY

pytestmark = pytest.mark.both_databases

INSTANCE = ProcessInstance.__table__
OF_ID = PreparedRows(select(*INSTANCE.c).where(INSTANCE.c.id == bindparam("number")))


def by_mapper(row: object) -> dict[str, object]:
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}


def test_a_row_read_past_the_mapper_is_the_one_that_the_mapper_reads(session, cast, story):
    number = story.start()
    expected = by_mapper(session.get_one(ProcessInstance, number))
    session.expunge_all()
    row = rows.first(session, ProcessInstance, OF_ID, {"number": number})
    assert by_mapper(row) == expected
    assert session.get(ProcessInstance, number) is row
    assert row.initiator.name == "Nguyễn Ngọc Lan"
    assert not session.is_modified(row)


def test_columns_that_were_not_read_are_read_when_they_are_asked_for(session, cast, story):
    member_id = cast.lan.user_id
    session.expunge_all()
    lan = people.colleague(session, member_id)
    assert set(inspect(lan).unloaded) >= {"phone", "sort_key"}
    assert (lan.name, lan.is_active, lan.username) == ("Nguyễn Ngọc Lan", True, "lan")
    assert lan.sort_key == session.scalar(select(Member.sort_key).where(Member.id == member_id))


def test_a_row_that_the_session_has_already_is_as_it_is_by_now(session, cast, story):
    number = story.start()
    with transaction(cast.lan) as inside:
        row = rows.first(inside, ProcessInstance, OF_ID, {"number": number})
        inside.connection().execute(INSTANCE.update().where(INSTANCE.c.id == number).values(seq=77))
        assert rows.first(inside, ProcessInstance, OF_ID, {"number": number}) is row
        assert row.seq == 77
        row.seq = 78  # a change of the mapper's is written before it is read again
        assert rows.first(inside, ProcessInstance, OF_ID, {"number": number}).seq == 78


def test_a_row_made_past_the_mapper_is_stamped_told_of_and_changed_by_it(session, cast, story):
    version_id = story.instance(story.start()).version_id
    with transaction(cast.lan) as inside:
        made = rows.make(
            inside, ProcessInstance, code="HS-9", version_id=version_id, status=InstanceStatus.new, data={"a": 1},
            initiator_id=cast.lan.user_id, next_token=1, seq=0, started_at=MONDAY,
        )  # fmt: skip
        number = made.id
        made.incident = "stopped"  # by the mapper, which finds its revision
    session.expunge_all()
    row = session.get_one(ProcessInstance, number)
    assert (row.rev, row.incident) == (2, "stopped")
    assert row.created_by_id == row.updated_by_id == cast.lan.user_id
    assert (row.data, row.created_at, row.ended_at) == ({"a": 1}, MONDAY, None)
    of_it = select(AuditEvent).where(AuditEvent.table_name == "process_instance", AuditEvent.record_id == number)
    made, changed = session.scalars(of_it.order_by(AuditEvent.id)).all()
    assert made.changes["code"] == [None, "HS-9"]
    assert str(made.changes["data"][1]).startswith("hmac:")
    assert changed.changes == {"incident": [None, "stopped"]}


def test_what_another_has_changed_meanwhile_is_refused(session, cast, story):
    number = story.start()
    with transaction(cast.lan) as inside:
        row = rows.first(inside, ProcessInstance, OF_ID, {"number": number})
        inside.connection().execute(INSTANCE.update().where(INSTANCE.c.id == number).values(rev=99))
        with pytest.raises(StaleDataError):
            rows.change(inside, row, seq=78)


def test_what_the_database_refuses_is_the_same_error(session, cast, story):
    code = story.instance(story.start()).code
    with pytest.raises(IntegrityError), transaction(cast.lan) as inside:
        rows.make(
            inside, ProcessInstance, code=code, version_id=1, status=InstanceStatus.new, data={},
            initiator_id=cast.lan.user_id, next_token=1, seq=0, started_at=MONDAY,
        )  # fmt: skip
