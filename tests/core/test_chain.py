"""A forged log is found out: what was changed, is missing, or was put in later is named."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text
from sqlalchemy.exc import IntegrityError

from app.core import anchor, audit, chain, clock
from app.core.access import SYSTEM
from app.core.audit import AuditAction, AuditEvent, AuditSeal, AuditSensitive
from app.core.db import db, transaction
from app.security.models import Member
from tests.story import MONDAY

BOTH = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def _no_seal_kept(app):
    """The folder outlives a test, its database does not."""
    (Path(app.config["DATA_FOLDER"]) / anchor.FILE).unlink(missing_ok=True)


def seal_everything() -> int:
    """Long after all that the tests do, whatever the day is."""
    with clock.at(datetime(2099, 1, 1, tzinfo=UTC)):
        return chain.seal()


@pytest.fixture
def sealed(session, cast):
    """Three batches in the chain, the log unprotected: its owner may drop triggers, and must still be found out."""
    for batch in range(3):
        with clock.at(MONDAY + timedelta(minutes=batch)), transaction(cast.hoa) as inside:
            for number in range(4):
                audit.record(inside, f"event.{batch}.{number}", changes={"number": number})
        with clock.at(MONDAY + timedelta(days=365, minutes=batch)):
            chain.seal()
    assert chain.verify(session)[1] is None
    session.rollback()  # it has read the tables, and would be waited for
    for table in ("audit_event", "audit_seal"):
        drop_triggers(table, "update", "delete")
    return session


def drop_triggers(table: str, *actions: str) -> None:
    with db.engine.begin() as connection:
        on = {"sqlite": "", "postgresql": f" ON {table}"}[connection.dialect.name]
        for action in actions:
            connection.execute(text(f"DROP TRIGGER tr_{table}_no_{action}{on}"))


def tamper(statement: str, **values) -> None:
    with db.engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount > 0


def id_of(session, name: str) -> int:
    found = session.scalar(select(AuditEvent.id).where(AuditEvent.name == name))
    session.rollback()
    return found


def put_in(**values) -> None:
    with transaction() as inside:
        inside.execute(insert(AuditEvent).values(action=AuditAction.event, changes={}, **values))


def test_a_personal_value_that_was_taken_out_is_missed_unless_the_log_tells_of_it(session, cast):
    with clock.at(MONDAY), transaction(cast.hoa) as inside:
        inside.get_one(Member, cast.lan.user_id).phone = "+84912345678"
    seal_everything()
    told = select(AuditEvent).where(AuditEvent.table_name == "member", AuditEvent.action == AuditAction.change)
    event_id = [one.id for one in session.scalars(told.order_by(AuditEvent.id)) if "phone" in one.changes][-1]
    with transaction() as inside:
        inside.execute(delete(AuditSensitive).where(AuditSensitive.event_id == event_id))
    assert chain.verify(session)[1] == chain.Broken(event_id, "value")
    assert chain.verify(session, values=False)[1] is None
    session.rollback()
    with transaction(cast.hoa) as inside:
        audit.record(inside, audit.ERASED, table="member", record_id=cast.lan.user_id, reason="người ấy yêu cầu")
    seal_everything()
    assert chain.verify(session)[1] is None


@BOTH
def test_a_personal_value_cannot_be_changed_and_a_forged_one_does_not_fit_its_fingerprint(session, cast):
    with clock.at(MONDAY), transaction(cast.hoa) as inside:
        inside.get_one(Member, cast.lan.user_id).phone = "+84912345678"
    seal_everything()
    newest = session.scalars(select(AuditSensitive).order_by(AuditSensitive.id.desc()).limit(1)).one()
    event_id, value_id = newest.event_id, newest.id
    session.rollback()
    forge = """UPDATE audit_sensitive SET new = '"+84999999999"' WHERE id = :id"""
    with pytest.raises(IntegrityError, match="never changed"), transaction() as inside:
        inside.execute(text(forge), {"id": value_id})
    drop_triggers("audit_sensitive", "update")
    tamper(forge, id=value_id)
    assert chain.verify(session)[1] == chain.Broken(event_id, "value")


@BOTH
@pytest.mark.parametrize("table", ["audit_event", "audit_seal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_log_can_neither_be_changed_nor_deleted(session, table, statement):
    seal_everything()
    assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() > 0
    with pytest.raises(IntegrityError, match="append-only"), transaction() as inside:
        inside.execute(text(statement.format(table)))


@BOTH
def test_an_honest_log_is_intact_to_its_last_event(sealed):
    assert chain.verify(sealed) == (sealed.scalar(text("SELECT count(*) FROM audit_event")), None)


@BOTH
@pytest.mark.parametrize(
    "change",
    [
        "actor_id = NULL",
        "changes = '{\"number\": 7}'",
        "reason = 'không ai'",
        "name = 'event.1.9'",
        "record_id = 5",
        "address = '10.0.0.1'",
        "at = '2026-11-23 02:01:01'",
        "origin = 'page'",
        "origin = NULL",
        "on_behalf_of_id = actor_id",
    ],
)
def test_a_changed_event_is_named(sealed, change):
    event_id = id_of(sealed, "event.1.2")
    tamper(f"UPDATE audit_event SET {change} WHERE id = :id", id=event_id)
    checked, broken = chain.verify(sealed)
    assert broken == chain.Broken(event_id, "changed")
    assert checked == sealed.scalar(text("SELECT count(*) FROM audit_event WHERE id < :id"), {"id": event_id})


@BOTH
def test_a_missing_event_is_named(sealed):
    event_id = id_of(sealed, "event.1.2")
    tamper("DELETE FROM audit_event WHERE id = :id", id=event_id)
    assert chain.verify(sealed)[1] == chain.Broken(event_id, "missing")


@BOTH
def test_an_event_put_in_later_is_named(session, cast):
    with clock.at(MONDAY), transaction(cast.hoa) as inside:
        audit.record(inside, "before")
        first = inside.scalar(select(AuditEvent.id).where(AuditEvent.name == "before"))
        # a gap, as a rolled-back transaction leaves one
        inside.execute(insert(AuditEvent).values(id=first + 5, at=MONDAY, action=AuditAction.event, changes={}))
    seal_everything()
    assert chain.verify(session)[1] is None
    session.rollback()
    with transaction() as inside:
        inside.execute(insert(AuditEvent).values(id=first + 2, at=MONDAY, action=AuditAction.event, changes={}))
    assert chain.verify(session)[1] == chain.Broken(first + 2, "inserted")


@BOTH
def test_events_that_changed_places_are_found_out(sealed):
    one, two = id_of(sealed, "event.1.1"), id_of(sealed, "event.1.2")
    for old, new in ((one, -1), (two, one), (-1, two)):
        tamper("UPDATE audit_event SET id = :new WHERE id = :old", old=old, new=new)
    assert chain.verify(sealed)[1] == chain.Broken(one, "reordered")


@BOTH
@pytest.mark.parametrize("statement", ["UPDATE audit_seal SET previous_hash = hash", "DELETE FROM audit_seal"])
def test_a_link_of_the_chain_that_is_changed_or_gone_is_found_out(sealed, statement):
    middle = sealed.scalars(select(AuditSeal).order_by(AuditSeal.id)).all()[-2].id
    sealed.rollback()
    tamper(f"{statement} WHERE id = :id", id=middle)
    assert chain.verify(sealed)[1].what in ("seal", "inserted")


@BOTH
def test_an_end_that_was_cut_off_shows_only_by_a_seal_that_was_kept_elsewhere(sealed):
    newest = chain.newest_seal(sealed)
    last_id, noted = newest.last_id, newest.hash
    first = sealed.scalar(select(AuditSeal.last_id).order_by(AuditSeal.id.desc()).offset(1).limit(1))
    sealed.rollback()
    assert chain.verify(sealed, noted=[noted])[1] is None
    sealed.rollback()
    tamper("DELETE FROM audit_seal WHERE last_id = :last", last=last_id)
    tamper("DELETE FROM audit_event WHERE id > :first", first=first)
    assert chain.verify(sealed)[1] is None  # nothing in the database says that there was more
    assert chain.verify(sealed, noted=[noted])[1] == chain.Broken(first, "cut")


def test_the_worker_keeps_the_newest_seal_and_does_not_take_a_shorter_log_for_granted(app, sealed):
    folder = Path(app.config["DATA_FOLDER"])
    with clock.at(datetime(2099, 1, 1, tzinfo=UTC)):
        anchor.seal_and_keep()
    newest = chain.newest_seal(sealed)
    assert anchor.kept(folder) == anchor.Anchor(newest.last_id, newest.hash)
    assert (folder / anchor.FILE).stat().st_mode & 0o777 == 0o600
    last_id, kept = newest.last_id, newest.hash
    sealed.rollback()
    answer = app.test_cli_runner().invoke(args=["audit-verify"])
    assert (answer.exit_code, kept in answer.output) == (0, True), answer.output
    tamper("DELETE FROM audit_seal WHERE last_id = :last", last=last_id)
    tamper("DELETE FROM audit_event WHERE id > 0 AND id >= :last", last=last_id)
    with clock.at(datetime(2099, 1, 2, tzinfo=UTC)):
        for _minute in range(2):
            with pytest.raises(anchor.CutShortError):
                anchor.seal_and_keep()
    assert anchor.kept(folder).hash == kept
    answer = app.test_cli_runner().invoke(args=["audit-verify"])
    assert answer.exit_code == 1
    assert "cut" in answer.output


def test_a_seal_that_somebody_noted_is_expected_by_hand(app, sealed):
    noted = chain.newest_seal(sealed).hash
    sealed.rollback()
    run = app.test_cli_runner().invoke
    assert run(args=["audit-verify", "--expect", noted.upper()]).exit_code == 0
    assert run(args=["audit-verify", "--expect", "0" * 64]).exit_code == 1


def test_a_kept_seal_that_cannot_be_read_is_no_seal(app, sealed):
    (Path(app.config["DATA_FOLDER"]) / anchor.FILE).write_text("12 abc")
    answer = app.test_cli_runner().invoke(args=["audit-verify"])
    assert answer.exit_code == 1
    assert "cannot be read" in answer.output


def test_what_was_sealed_before_origins_were_noted_still_fits(session):
    with transaction() as inside:
        inside.execute(
            insert(AuditEvent).values(at=MONDAY, action=AuditAction.event, name="before", changes={}, actor_id=None)
        )
    row = session.scalars(select(AuditEvent).where(AuditEvent.name == "before")).one()
    told = [row.id, "2026-11-23T02:00:00+00:00", None, None, "event", "before", None, None, {}, None]
    assert chain._row_hash(row) == hashlib.sha256(json.dumps(told).encode()).digest()


def test_a_whole_batch_forged_with_its_link_breaks_the_next_link(sealed):
    """Whoever can compute hashes can forge one link, but not without all that come after it."""
    middle = sealed.scalars(select(AuditSeal).order_by(AuditSeal.id)).all()[-2]
    middle_id, event_id = middle.id, id_of(sealed, "event.1.2")
    tamper("UPDATE audit_event SET reason = 'khác' WHERE id = :id", id=event_id)
    link = sealed.get_one(AuditSeal, middle_id, populate_existing=True)
    rows = [sealed.get_one(AuditEvent, event_id, populate_existing=True) for event_id in link.ids]
    hashes = b"".join(chain._row_hash(row) for row in rows)
    forged = chain._link(link.previous_hash, link.ids, hashes, link.at)
    sealed.rollback()
    tamper(
        "UPDATE audit_seal SET row_hashes = :rows, hash = :hash WHERE id = :id", rows=hashes, hash=forged, id=middle_id
    )
    assert chain.verify(sealed)[1].what == "seal"


def test_young_events_wait_for_the_seal(session, cast):
    seal_everything()
    with clock.at(MONDAY):
        with transaction(cast.hoa) as inside:
            audit.record(inside, "young")
        assert chain.seal() == 0
    with clock.at(MONDAY + timedelta(seconds=61)):
        assert chain.seal() == 1
        assert chain.seal() == 0


@BOTH
def test_what_is_dated_in_the_future_holds_nobody_up(session, cast):
    """A clock that jumped, or a row that somebody made: it is sealed with what was written behind it."""
    seal_everything()
    ahead = datetime(2199, 1, 1, tzinfo=UTC)
    with transaction() as inside:  # more than one batch
        row = {"at": ahead, "name": "ahead", "action": AuditAction.event, "changes": {}}
        inside.execute(insert(AuditEvent), [row] * 1_001)
    with clock.at(MONDAY):
        put_in(at=MONDAY, name="now")
        # nobody writes any more: what is ahead is all there
        assert chain.seal() == 1_001
    with clock.at(MONDAY + timedelta(seconds=61)):
        put_in(at=ahead, name="ahead")
        assert chain.seal() == 2
    assert chain.verify(session)[1] is None


@BOTH
def test_what_waits_too_long_for_its_seal_is_told(app, session, cast):
    """No worker runs: the command fails, though all that is sealed is intact."""
    run = app.test_cli_runner().invoke
    with clock.at(MONDAY):
        seal_everything()
        put_in(at=MONDAY, name="young")
    young = id_of(session, "young")
    with clock.at(MONDAY + timedelta(minutes=9)):
        assert run(args=["audit-verify"]).exit_code == 0
    with clock.at(MONDAY + timedelta(minutes=11)):
        answer = run(args=["audit-verify"])
        assert (answer.exit_code, f"audit event {young}: unsealed" in answer.output) == (1, True), answer.output
        chain.seal()
        assert run(args=["audit-verify"]).exit_code == 0
        put_in(at=MONDAY + timedelta(hours=1), name="ahead")
        assert run(args=["audit-verify"]).exit_code == 1


@BOTH
def test_a_number_below_all_others_is_found_out_too(session):
    seal_everything()
    put_in(id=-5, at=MONDAY)
    assert chain.verify(session)[1] == chain.Broken(-5, "inserted")


@BOTH
@pytest.mark.parametrize("change", ["at = '2026-01-01 00:00:00+00'", "first_id = first_id - 1", "last_id = 900000000"])
def test_nothing_that_a_seal_says_of_itself_can_be_changed(sealed, change):
    newest = chain.newest_seal(sealed).id
    sealed.rollback()
    tamper(f"UPDATE audit_seal SET {change} WHERE id = :id", id=newest)
    assert chain.verify(sealed)[1].what == "seal"


def test_a_seal_from_before_its_moment_was_bound_still_holds(sealed):
    first = sealed.scalars(select(AuditSeal).order_by(AuditSeal.id)).first()
    seal_id, bare = first.id, chain._link(first.previous_hash, first.ids, first.row_hashes, None)
    assert first.hash != bare
    last = chain.newest_seal(sealed)
    of_last = chain._link(last.previous_hash, last.ids, last.row_hashes, None)
    last_id = last.id
    sealed.rollback()
    tamper("UPDATE audit_seal SET hash = :hash WHERE id = :id", hash=of_last, id=last_id)
    assert chain.verify(sealed)[1] is None
    sealed.rollback()
    tamper("UPDATE audit_seal SET hash = :hash WHERE id = :id", hash=bare, id=seal_id)
    assert chain.verify(sealed)[1].what == "seal"  # the next one is bound to the other hash


@pytest.mark.usefixtures("machine_time")
@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"])
def test_a_long_transaction_holds_the_seal_back(session, cast):
    """Its events have smaller ids than those committed meanwhile: sealed without them, they would look forged."""
    seal_everything()
    event = insert(AuditEvent).values(action=AuditAction.event, changes={}, at=clock.now())
    with db.engine.connect() as importing:
        importing.execute(event)
        with transaction() as inside:
            inside.execute(event)
        assert seal_everything() == 0
        importing.commit()
    assert seal_everything() == 2
    assert chain.verify(session)[1] is None


def test_the_command_names_what_is_broken(app, sealed):
    event_id = id_of(sealed, "event.0.0")
    tamper("UPDATE audit_event SET reason = 'khác' WHERE id = :id", id=event_id)
    answer = app.test_cli_runner().invoke(args=["audit-verify"])
    assert answer.exit_code == 1
    assert f"audit event {event_id}: changed" in answer.output


def test_a_past_that_is_told_now_does_not_overtake_what_was_written_before(session):
    """The demo lives through its past: its rows carry old moments behind young ones."""
    with transaction(SYSTEM) as inside:
        audit.record(inside, "young")
    with clock.at(clock.now() - timedelta(days=30)), transaction(SYSTEM) as inside:
        audit.record(inside, "told of the past")
    chain.seal()
    with clock.at(clock.now() + timedelta(minutes=5)):
        chain.seal()
    assert chain.verify(session)[1] is None
