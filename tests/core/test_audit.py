"""Every change is written down by itself, and cannot be taken back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.core import audit, clock, rows
from app.core.access import SYSTEM
from app.core.audit import AuditAction, AuditEvent, AuditSensitive, Origin
from app.core.db import db, transaction
from app.core.settings import Setting
from app.customers.models import Customer
from app.customers.services import change_customer
from app.notifications.models import MailServer
from app.security.models import Member, Team
from app.security.services import change_password, create_member, create_team, hash_password
from app.tasks.services import claim_task, comment_task, save_draft
from tests.story import ANSWERS, MONDAY

BOTH = pytest.mark.both_databases


def events(session, table: str, action: AuditAction | None = None) -> list[AuditEvent]:
    session.rollback()
    rows = select(AuditEvent).where(AuditEvent.table_name == table).order_by(AuditEvent.id)
    return [row for row in session.scalars(rows) if action is None or row.action is action]


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


def test_the_fingerprint_cannot_be_made_without_the_key(app):
    first = audit.fingerprint("+84912345678")
    audit.configure("another secret, also long enough")
    assert audit.fingerprint("+84912345678") != first


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


def test_settings_of_the_system_have_no_actor(session):
    with transaction(SYSTEM) as inside:
        inside.add(Setting(key="logo_file_id", value=1))
    assert events(session, "setting")[-1].actor_id is None


@BOTH
def test_inside_a_savepoint_too_the_log_is_in_the_order_in_which_it_happened(session, cast):
    with transaction(cast.hoa) as inside:
        team = inside.scalars(select(Team)).first()
        lan, minh = (inside.get_one(Member, one.user_id) for one in (cast.lan, cast.minh))
        with inside.begin_nested():
            rows.change(inside, lan, title="Một")
            team.name = "Hai"  # by the mapper
            inside.flush()
            audit.record(inside, "three")
            audit.record(inside, "four", personal={"note": "Bốn"})
            audit.record_changed(inside, Member, {minh.id: {"title": (minh.title, "Năm")}})
        undone = inside.begin_nested()
        rows.change(inside, lan, title="Nie")
        team.name = "Nie"
        inside.flush()
        audit.record(inside, "never")
        undone.rollback()
        rows.change(inside, lan, title="Sáu")
    told = select(AuditEvent.name, AuditEvent.changes).order_by(AuditEvent.id.desc()).limit(6)
    happened = [name or next(iter(changes.values()))[1] for name, changes in session.execute(told)]
    assert happened[::-1] == ["Một", "Hai", "three", "four", "Năm", "Sáu"]
    last = select(AuditSensitive.new).join(AuditEvent, AuditEvent.id == AuditSensitive.event_id)
    assert session.scalars(last.where(AuditEvent.name == "four")).all() == ["Bốn"]


def test_a_secret_is_kept_nowhere_past_the_mapper_either(session, cast):
    old, new = "pbkdf2:sha256:1$aa$11", "pbkdf2:sha256:1$bb$22"
    with transaction(cast.hoa) as inside:
        audit.record_changed(inside, User, {cast.lan.user_id: {"password": (old, new)}})
        audit.record_made(inside, MailServer, [{"id": 9, "host": "mail.phosen.example", "password": new}])
    assert events(session, "ab_user", AuditAction.change)[-1].changes == {"password": ["…", "…"]}
    assert events(session, "mail_server")[-1].changes["password"] == [None, "…"]
    kept = [json.dumps([one.old, one.new]) for one in session.scalars(select(AuditSensitive))]
    assert not [one for one in kept if "pbkdf2" in one]
