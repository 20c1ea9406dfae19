"""Every change is written down by itself, cannot be taken back, and a forged log is found out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import delete, insert, select, text
from sqlalchemy.exc import IntegrityError

from app.core import anchor, audit, clock
from app.core.access import SYSTEM
from app.core.audit import AuditAction, AuditEvent, AuditSeal, AuditSensitive, Origin
from app.core.db import db, transaction
from app.core.settings import Setting
from app.customers.models import Customer
from app.customers.services import change_customer
from app.security.models import Member, Team
from app.security.services import change_password, create_member, create_team, hash_password
from app.tasks.services import claim_task, comment_task, save_draft
from tests.story import ANSWERS, MONDAY

BOTH = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def _no_seal_kept(app):
    """The folder outlives a test, its database does not."""
    (Path(app.config["DATA_FOLDER"]) / anchor.FILE).unlink(missing_ok=True)


def events(session, table: str, action: AuditAction | None = None) -> list[AuditEvent]:
    session.rollback()
    rows = select(AuditEvent).where(AuditEvent.table_name == table).order_by(AuditEvent.id)
    return [row for row in session.scalars(rows) if action is None or row.action is action]


# ── what is written ──
@BOTH
def test_a_change_says_who_did_what_from_what_to_what(session, cast):
    with clock.at(MONDAY), transaction(cast.hoa) as inside:
        team = create_team(inside, code="moi", name="Mới", by=cast.hoa)
        team_id = team.id
        team.name = "Mới hơn"
    created, changed = [event for event in events(session, "team") if event.record_id == team_id]
    assert (created.action, created.actor_id, created.at) == (AuditAction.create, cast.hoa.user_id, MONDAY)
    assert created.changes["code"] == [None, "moi"]
    assert (changed.action, changed.changes) == (AuditAction.change, {"name": ["Mới", "Mới hơn"]})


def test_a_deletion_keeps_what_was_there(session):
    with transaction() as inside:
        setting = Setting(key="logo_file_id", value=7)
        inside.add(setting)
        inside.flush()
        inside.delete(setting)
    gone = events(session, "setting", AuditAction.delete)[-1]
    assert gone.changes == {"key": ["logo_file_id", None], "value": [7, None]}


def test_a_change_to_what_it_was_says_nothing(session):
    before = len(events(session, "team"))
    with transaction() as inside:
        team = inside.scalars(select(Team)).first()
        team.name = str(team.name)
    assert len(events(session, "team")) == before


def test_a_member_who_comes_is_written_down_without_the_password(session, cast):
    password_hash = hash_password("Một mật khẩu dài")
    with transaction(cast.hoa) as inside:
        member = create_member(
            inside, username="moi", family_name="Người", given_name="Mới", email="moi@phosen.example",
            password_hash=password_hash, roles=["Staff"], by=SYSTEM,
        )  # fmt: skip
        user_id = member.id
    event = [event for event in events(session, "ab_user") if event.record_id == user_id][-1]
    assert event.changes["username"] == [None, "moi"]
    assert event.changes["password"] == [None, "…"]
    assert event.changes["roles"] == [[], ["Staff"]]
    with transaction(cast.hoa) as inside:
        change_password(inside, inside.get_one(Member, user_id), password_hash=hash_password("Một mật khẩu khác"))
    assert [event.changes for event in events(session, "ab_user", AuditAction.change)][-1] == {"password": ["…", "…"]}
    everything = json.dumps([event.changes for event in session.scalars(select(AuditEvent))])
    assert "scrypt" not in everything
    assert "pbkdf2" not in everything


def test_who_gets_which_role_and_what_a_role_may_is_written_down(session, cast):
    with transaction(cast.hoa) as inside:
        user = inside.get_one(User, cast.lan.user_id)
        user.roles = [*user.roles, inside.scalars(select(Role).where(Role.name == "Manager")).one()]
    changed = events(session, "ab_user", AuditAction.change)[-1]
    assert (changed.record_id, changed.actor_id) == (cast.lan.user_id, cast.hoa.user_id)
    assert changed.changes == {"roles": [["Staff"], ["Manager", "Staff"]]}
    with transaction(cast.hoa) as inside:
        staff = inside.scalars(select(Role).where(Role.name == "Staff")).one()
        permission = staff.permissions[0]
        gone = str(permission)
        staff.permissions.remove(permission)
    before, after = events(session, "ab_role", AuditAction.change)[-1].changes["permissions"]
    assert set(before) - set(after) == {gone}


def test_an_event_that_no_column_tells_has_a_name(session, cast):
    with transaction(cast.minh) as inside:
        audit.record(inside, "process.published", table="process", record_id=3, changes={"version": 2}, reason="mới")
    event = session.scalars(select(AuditEvent).where(AuditEvent.name == "process.published")).one()
    assert (event.action, event.actor_id, event.record_id) == (AuditAction.event, cast.minh.user_id, 3)
    assert (event.changes, event.reason) == ({"version": 2}, "mới")


# ── what may be erased one day ──
@BOTH
def test_a_sensitive_value_lies_beside_the_log_which_keeps_its_fingerprint(session, cast):
    for phone in ("+84912345678", "+84912345679", "+84912345678", None):
        with transaction(cast.hoa) as inside:
            inside.get_one(Member, cast.lan.user_id).phone = phone
    told = [event.changes["phone"] for event in events(session, "member", AuditAction.change)]
    prints = [new for _old, new in told]
    assert prints[0] == prints[2] != prints[1]  # equal values look equal
    assert all(print_.startswith("hmac:") and "912345" not in print_ for print_ in prints[:3])
    assert (told[0][0], prints[3]) == (None, None)
    rows = select(AuditSensitive.old, AuditSensitive.new).where(AuditSensitive.field == "phone")
    beside = session.execute(rows.order_by(AuditSensitive.id)).all()
    assert [tuple(row) for row in beside] == [
        (None, "+84912345678"), ("+84912345678", "+84912345679"), ("+84912345679", "+84912345678"),
        ("+84912345678", None),
    ]  # fmt: skip


@BOTH
def test_of_many_rows_written_at_once_each_value_lies_beside_its_own_event(session):
    names = {f"Phở Sen {number}": f"+849123456{number:02}" for number in range(40)}
    with transaction() as inside:
        inside.add(Setting(key="logo_file_id", value=7))
        for name, phone in names.items():
            user = User(first_name=name, last_name="x", username=phone, email=f"{phone}@phosen.example", active=True)
            inside.add(user)
    told = session.execute(
        select(AuditEvent.id, AuditEvent.changes["username"][1].as_string(), AuditSensitive.new)
        .join(AuditSensitive, AuditSensitive.event_id == AuditEvent.id)
        .where(AuditEvent.table_name == "ab_user", AuditSensitive.field == "first_name")
        .order_by(AuditEvent.id.desc())
        .limit(40)
    ).all()
    assert [(name, phone) for _id, phone, name in reversed(told)] == list(names.items())
    session.rollback()


@BOTH
def test_who_and_what_it_was_about_stands_nowhere_in_the_log_itself(session, cast, story):
    """A late delivery from the call to the call back, with drafts, notes and a new number on the way."""
    instance_id = story.start()
    receive = story.task(instance_id, "receive")
    with transaction(cast.lan) as inside:
        claim_task(inside, receive.id, by=cast.lan)
        save_draft(inside, receive.id, {"happened": "Chữ mới gõ dở"}, by=cast.lan)
        comment_task(inside, receive.id, "Chị ấy đang bực", by=cast.lan)
        customer = inside.get_one(Customer, story.customer_id)
        change_customer(
            inside, customer, by=cast.lan, rev=customer.rev, phone="0987 654 321", note="Ở ngõ 5", email="duyen@sen.vn"
        )
    with transaction(cast.hoa) as inside:
        inside.get_one(Member, cast.lan.user_id).phone = "+84911222333"
    story.run_to(instance_id, "call-back", compensation=777_123)
    story.do("lan", story.task(instance_id, "call-back"))
    session.rollback()
    log = json.dumps(list(session.scalars(select(AuditEvent.changes))), ensure_ascii=False)
    beside = json.dumps(
        [list(row) for row in session.execute(select(AuditSensitive.old, AuditSensitive.new))], ensure_ascii=False
    )
    answers = [text for step in ANSWERS.values() for text in step.values() if isinstance(text, str)]
    for secret in (
        "Đặng Thị Mỹ Duyên", "dang thi my", "912345678", "0912 345 678", "987654321", "0987 654 321", "Ở ngõ 5",
        "duyen@sen.vn", "Chị ấy đang bực", "777123", "911222333", "Nguyễn Ngọc Lan", "lan@phosen.example", *answers,
    ):  # fmt: skip
        assert secret not in log, secret
        assert secret in beside or secret == "dang thi my", secret
    assert "gõ dở" not in log + beside  # what was never handed in


def test_a_personal_value_that_was_taken_out_is_missed_unless_the_log_tells_of_it(session, cast):
    with clock.at(MONDAY), transaction(cast.hoa) as inside:
        inside.get_one(Member, cast.lan.user_id).phone = "+84912345678"
    seal_everything()
    event = [one for one in events(session, "member", AuditAction.change) if "phone" in one.changes][-1]
    event_id = event.id
    with transaction() as inside:
        inside.execute(delete(AuditSensitive).where(AuditSensitive.event_id == event_id))
    assert audit.verify(session)[1] == audit.Broken(event_id, "value")
    assert audit.verify(session, values=False)[1] is None
    session.rollback()
    with transaction(cast.hoa) as inside:
        audit.record(inside, audit.ERASED, table="member", record_id=cast.lan.user_id, reason="người ấy yêu cầu")
    seal_everything()
    assert audit.verify(session)[1] is None


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
    assert audit.verify(session)[1] == audit.Broken(event_id, "value")


def test_the_fingerprint_cannot_be_made_without_the_key(app):
    first = audit._fingerprint("+84912345678")
    key = audit._key
    try:
        audit.configure("another secret, also long enough")
        assert audit._fingerprint("+84912345678") != first
    finally:
        audit._key = key


# ── what cannot be taken back ──
@BOTH
@pytest.mark.parametrize("table", ["audit_event", "audit_seal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_log_can_neither_be_changed_nor_deleted(session, table, statement):
    seal_everything()
    assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() > 0
    with pytest.raises(IntegrityError, match="append-only"), transaction() as inside:
        inside.execute(text(statement.format(table)))


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("tables", ["audit_event, audit_sensitive", "audit_seal", "audit_sensitive"])
def test_the_log_cannot_be_emptied_on_postgresql(session, tables):
    with pytest.raises(IntegrityError, match=r"append-only|never changed"), transaction() as inside:
        inside.execute(text(f"TRUNCATE {tables}"))


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_log_cannot_be_written_over_on_sqlite(session):
    columns = "id, at, action, changes"
    with pytest.raises(IntegrityError, match="append-only"), transaction() as inside:
        inside.execute(text(f"INSERT OR REPLACE INTO audit_event ({columns}) SELECT {columns} FROM audit_event"))


# ── the chain ──
def seal_everything() -> int:
    """Long after all that the tests do, whatever the day is."""
    with clock.at(datetime(2099, 1, 1, tzinfo=UTC)):
        return audit.seal()


@pytest.fixture
def sealed(session, cast):
    """Three batches in the chain, the log unprotected: its owner may drop triggers, and must still be found out."""
    for batch in range(3):
        with clock.at(MONDAY + timedelta(minutes=batch)), transaction(cast.hoa) as inside:
            for number in range(4):
                audit.record(inside, f"event.{batch}.{number}", changes={"number": number})
        with clock.at(MONDAY + timedelta(days=365, minutes=batch)):
            audit.seal()
    assert audit.verify(session)[1] is None
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


@BOTH
def test_an_honest_log_is_intact_to_its_last_event(sealed):
    assert audit.verify(sealed) == (sealed.scalar(text("SELECT count(*) FROM audit_event")), None)


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
    checked, broken = audit.verify(sealed)
    assert broken == audit.Broken(event_id, "changed")
    assert checked == sealed.scalar(text("SELECT count(*) FROM audit_event WHERE id < :id"), {"id": event_id})


@BOTH
def test_a_missing_event_is_named(sealed):
    event_id = id_of(sealed, "event.1.2")
    tamper("DELETE FROM audit_event WHERE id = :id", id=event_id)
    assert audit.verify(sealed)[1] == audit.Broken(event_id, "missing")


@BOTH
def test_an_event_put_in_later_is_named(session, cast):
    with clock.at(MONDAY), transaction(cast.hoa) as inside:
        audit.record(inside, "before")
        first = inside.scalar(select(AuditEvent.id).where(AuditEvent.name == "before"))
        # a gap, as a rolled-back transaction leaves one
        inside.execute(insert(AuditEvent).values(id=first + 5, at=MONDAY, action=AuditAction.event, changes={}))
    seal_everything()
    assert audit.verify(session)[1] is None
    session.rollback()
    with transaction() as inside:
        inside.execute(insert(AuditEvent).values(id=first + 2, at=MONDAY, action=AuditAction.event, changes={}))
    assert audit.verify(session)[1] == audit.Broken(first + 2, "inserted")


@BOTH
def test_events_that_changed_places_are_found_out(sealed):
    one, two = id_of(sealed, "event.1.1"), id_of(sealed, "event.1.2")
    for old, new in ((one, -1), (two, one), (-1, two)):
        tamper("UPDATE audit_event SET id = :new WHERE id = :old", old=old, new=new)
    assert audit.verify(sealed)[1] == audit.Broken(one, "reordered")


@BOTH
@pytest.mark.parametrize("statement", ["UPDATE audit_seal SET previous_hash = hash", "DELETE FROM audit_seal"])
def test_a_link_of_the_chain_that_is_changed_or_gone_is_found_out(sealed, statement):
    middle = sealed.scalars(select(AuditSeal).order_by(AuditSeal.id)).all()[-2].id
    sealed.rollback()
    tamper(f"{statement} WHERE id = :id", id=middle)
    assert audit.verify(sealed)[1].what in ("seal", "inserted")


# ── what the chain alone does not show ──
@BOTH
def test_an_end_that_was_cut_off_shows_only_by_a_seal_that_was_kept_elsewhere(sealed):
    newest = audit.newest_seal(sealed)
    last_id, noted = newest.last_id, newest.hash
    first = sealed.scalar(select(AuditSeal.last_id).order_by(AuditSeal.id.desc()).offset(1).limit(1))
    sealed.rollback()
    assert audit.verify(sealed, noted=[noted])[1] is None
    sealed.rollback()
    tamper("DELETE FROM audit_seal WHERE last_id = :last", last=last_id)
    tamper("DELETE FROM audit_event WHERE id > :first", first=first)
    assert audit.verify(sealed)[1] is None  # nothing in the database says that there was more
    assert audit.verify(sealed, noted=[noted])[1] == audit.Broken(first, "cut")


def test_the_worker_keeps_the_newest_seal_and_does_not_take_a_shorter_log_for_granted(app, sealed):
    folder = Path(app.config["DATA_FOLDER"])
    with clock.at(datetime(2099, 1, 1, tzinfo=UTC)):
        anchor.seal_and_keep()
    newest = audit.newest_seal(sealed)
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
    noted = audit.newest_seal(sealed).hash
    sealed.rollback()
    run = app.test_cli_runner().invoke
    assert run(args=["audit-verify", "--expect", noted.upper()]).exit_code == 0
    assert run(args=["audit-verify", "--expect", "0" * 64]).exit_code == 1


def test_a_kept_seal_that_cannot_be_read_is_no_seal(app, sealed):
    (Path(app.config["DATA_FOLDER"]) / anchor.FILE).write_text("12 abc")
    answer = app.test_cli_runner().invoke(args=["audit-verify"])
    assert answer.exit_code == 1
    assert "cannot be read" in answer.output


# ── who, in whose name, from where ──
@BOTH
def test_what_is_done_in_anothers_name_tells_of_both(session, cast):
    looking = replace(cast.lan, real_user_id=cast.hoa.user_id, address="10.0.0.7")
    with transaction(looking) as inside:
        inside.get_one(Team, cast.team("cskh").id).name = "CSKH mới"
        audit.record(inside, "looked", table="team", record_id=1)
    for event in (events(session, "team", AuditAction.change)[-1], events(session, "team", AuditAction.event)[-1]):
        assert (event.actor_id, event.on_behalf_of_id) == (cast.hoa.user_id, cast.lan.user_id)
        assert event.address == "10.0.0.7"
    with transaction(cast.lan) as inside:
        inside.get_one(Team, cast.team("cskh").id).name = "CSKH"
    event = events(session, "team", AuditAction.change)[-1]
    assert (event.actor_id, event.on_behalf_of_id) == (cast.lan.user_id, None)


def test_where_it_came_from_is_noted(app, client, token, change):
    change(lambda session, cast: audit.record(session, "by command"))
    client("lan")
    token("lan")
    with app.app_context():
        noted = select(AuditEvent.name, AuditEvent.origin, AuditEvent.address).order_by(AuditEvent.id.desc()).limit(3)
        assert [tuple(row) for row in db.session.execute(noted)] == [
            ("sign_in", Origin.api, "127.0.0.1"), ("sign_in", Origin.page, "127.0.0.1"),
            ("by command", Origin.command, None),
        ]  # fmt: skip


def test_the_reason_of_a_transaction_stands_beside_all_that_it_changes_and_goes_with_it(session, cast):
    with transaction(cast.hoa) as inside:
        audit.because(inside, "vì thế")
        inside.get_one(Team, cast.team("cskh").id).name = "Một"
    with transaction(cast.hoa) as inside:
        inside.get_one(Team, cast.team("cskh").id).name = "Hai"
    assert [event.reason for event in events(session, "team", AuditAction.change)[-2:]] == ["vì thế", None]


def test_what_was_sealed_before_origins_were_noted_still_fits(session):
    with transaction() as inside:
        inside.execute(
            insert(AuditEvent).values(at=MONDAY, action=AuditAction.event, name="before", changes={}, actor_id=None)
        )
    row = session.scalars(select(AuditEvent).where(AuditEvent.name == "before")).one()
    told = [row.id, "2026-11-23T02:00:00+00:00", None, None, "event", "before", None, None, {}, None]
    assert audit._row_hash(row) == hashlib.sha256(json.dumps(told).encode()).digest()


def test_a_whole_batch_forged_with_its_link_breaks_the_next_link(sealed):
    """Whoever can compute hashes can forge one link, but not without all that come after it."""
    middle = sealed.scalars(select(AuditSeal).order_by(AuditSeal.id)).all()[-2]
    middle_id, event_id = middle.id, id_of(sealed, "event.1.2")
    tamper("UPDATE audit_event SET reason = 'khác' WHERE id = :id", id=event_id)
    link = sealed.get_one(AuditSeal, middle_id, populate_existing=True)
    rows = [sealed.get_one(AuditEvent, event_id, populate_existing=True) for event_id in link.ids]
    hashes = b"".join(audit._row_hash(row) for row in rows)
    forged = audit._link(link.previous_hash, link.ids, hashes, link.at)
    sealed.rollback()
    tamper(
        "UPDATE audit_seal SET row_hashes = :rows, hash = :hash WHERE id = :id", rows=hashes, hash=forged, id=middle_id
    )
    assert audit.verify(sealed)[1].what == "seal"


def test_young_events_wait_for_the_seal(session, cast):
    seal_everything()
    with clock.at(MONDAY):
        with transaction(cast.hoa) as inside:
            audit.record(inside, "young")
        assert audit.seal() == 0
    with clock.at(MONDAY + timedelta(seconds=61)):
        assert audit.seal() == 1
        assert audit.seal() == 0


def put_in(**values) -> None:
    with transaction() as inside:
        inside.execute(insert(AuditEvent).values(action=AuditAction.event, changes={}, **values))


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
        assert audit.seal() == 1_001
    with clock.at(MONDAY + timedelta(seconds=61)):
        put_in(at=ahead, name="ahead")
        assert audit.seal() == 2
    assert audit.verify(session)[1] is None


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
        audit.seal()
        assert run(args=["audit-verify"]).exit_code == 0
        put_in(at=MONDAY + timedelta(hours=1), name="ahead")
        assert run(args=["audit-verify"]).exit_code == 1


@BOTH
def test_a_number_below_all_others_is_found_out_too(session):
    seal_everything()
    put_in(id=-5, at=MONDAY)
    assert audit.verify(session)[1] == audit.Broken(-5, "inserted")


@BOTH
@pytest.mark.parametrize("change", ["at = '2026-01-01 00:00:00+00'", "first_id = first_id - 1", "last_id = 900000000"])
def test_nothing_that_a_seal_says_of_itself_can_be_changed(sealed, change):
    newest = audit.newest_seal(sealed).id
    sealed.rollback()
    tamper(f"UPDATE audit_seal SET {change} WHERE id = :id", id=newest)
    assert audit.verify(sealed)[1].what == "seal"


def test_a_seal_from_before_its_moment_was_bound_still_holds(sealed):
    first = sealed.scalars(select(AuditSeal).order_by(AuditSeal.id)).first()
    seal_id, bare = first.id, audit._link(first.previous_hash, first.ids, first.row_hashes, None)
    assert first.hash != bare
    last = audit.newest_seal(sealed)
    of_last = audit._link(last.previous_hash, last.ids, last.row_hashes, None)
    last_id = last.id
    sealed.rollback()
    tamper("UPDATE audit_seal SET hash = :hash WHERE id = :id", hash=of_last, id=last_id)
    assert audit.verify(sealed)[1] is None
    sealed.rollback()
    tamper("UPDATE audit_seal SET hash = :hash WHERE id = :id", hash=bare, id=seal_id)
    assert audit.verify(sealed)[1].what == "seal"  # the next one is bound to the other hash


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
    assert audit.verify(session)[1] is None


def test_the_command_names_what_is_broken(app, sealed):
    event_id = id_of(sealed, "event.0.0")
    tamper("UPDATE audit_event SET reason = 'khác' WHERE id = :id", id=event_id)
    answer = app.test_cli_runner().invoke(args=["audit-verify"])
    assert answer.exit_code == 1
    assert f"audit event {event_id}: changed" in answer.output


def test_settings_of_the_system_have_no_actor(session):
    with transaction(SYSTEM) as inside:
        inside.add(Setting(key="logo_file_id", value=1))
    assert events(session, "setting")[-1].actor_id is None


def test_a_past_that_is_told_now_does_not_overtake_what_was_written_before(session):
    """The demo lives through its past: its rows carry old moments behind young ones."""
    with transaction(SYSTEM) as inside:
        audit.record(inside, "young")
    with clock.at(clock.now() - timedelta(days=30)), transaction(SYSTEM) as inside:
        audit.record(inside, "told of the past")
    audit.seal()
    with clock.at(clock.now() + timedelta(minutes=5)):
        audit.seal()
    assert audit.verify(session)[1] is None
