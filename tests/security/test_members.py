"""Who comes, who is changed and who leaves: ways in, rights of whoever does it, and what goes into other hands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event
from time import monotonic

import pytest
from sqlalchemy import func, select, text

from app.core import clock
from app.core.access import SYSTEM, FieldRight, Scope, visible
from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.core.models import SavedView
from app.customers.models import Customer
from app.notifications.models import Notification, Outbox
from app.notifications.queries import text_for
from app.notifications.rules import bell_text
from app.security import admission, leaving, members, queries, rules
from app.security import member_queries as about
from app.security.events import duties
from app.security.models import Grant, Member, MemberInvitation, Right, RoleField, RoleScope, SignIn
from app.security.role_services import assign_roles
from app.security.services import hand_over, hash_password, matches_password, rights_changed
from app.security.teams import add_person, make_primary, place
from app.tasks.models import Task
from app.tasks.services import claim_task
from tests.threads import at_once

NEW = {"family_name": "Đặng Thị", "given_name": "Ưng Hòa", "email": "hoa2@phosen.example"}


@pytest.fixture
def hire(session, cast):
    """hire(given_name=…): a new colleague, added by Hoa."""

    def add(**more):
        with transaction(cast.hoa) as inside:
            return members.add_member(inside, by=cast.hoa, **{**NEW, **more}).id

    return add


def let_managers(inside, action, resource, scope):
    """The role does that from now on, that far."""
    manager = queries.role_by_code(inside, "Manager")
    have = {(p.permission.name, p.view_menu.name): p for p in queries.role_by_code(inside, "Admin").permissions}
    manager.permissions.append(have[f"can_{action}", resource])
    inside.add(RoleScope(role_id=manager.id, resource=resource, action=action, scope=scope))


@pytest.fixture
def lead_staff(session, cast):
    """Minh may now add and change people, as far as `scope` reaches; he is no administrator."""

    def let(scope=Scope.all):
        with transaction(SYSTEM) as inside:
            for action in ("add", "edit"):
                let_managers(inside, action, "Member", scope)
            inside.execute(Member.__table__.update().values(rights_version=Member.rights_version + 1))

    return let


def deactivate(cast, who, **receivers):
    """As Hoa; without receivers nobody takes over."""
    with transaction(cast.hoa) as inside:
        taken = {key: inside.get_one(Member, cast.member(name).id) for key, name in receivers.items()}
        return leaving.deactivate_member(inside, inside.get_one(Member, who), receivers=taken, by=cast.hoa)


def everything(name):
    return {duty.key: name for duty in duties()}


# ── names ──
@pytest.mark.parametrize(
    ("family", "given", "made"),
    [("Nguyễn Ngọc", "Lan", "lan.nguyen"), ("Đỗ", "Thị Ứng", "ung.do"), ("", "Hồ", "ho"), ("李", "雷", ""),
     ("O'Neil Trần", "Anna-Maria", "annamaria.oneil")],
)  # fmt: skip
def test_a_user_name_is_made_from_the_name_without_accents(family, given, made):
    assert rules.username_of(family, given) == made


def test_of_two_people_with_one_name_the_second_gets_a_number(session, cast, hire):
    first, second = hire(), hire(email="khac@phosen.example")
    assert session.get_one(Member, first).username == "hoa.dang"
    assert session.get_one(Member, second).username == "hoa.dang2"


def test_everything_that_is_wrong_is_told_at_once_beside_its_field(session, cast):
    with pytest.raises(InvalidInputError) as refused, transaction(cast.hoa) as inside:
        members.add_member(
            inside, by=cast.hoa, family_name="\u200b", given_name="x" * 65, username="LAN", email="lan@", phone="12",
            title="t" * 101, language="fr", time_zone="Mars/Olympus", signature="s" * 1001,
        )  # fmt: skip
    assert set(refused.value.fields) == {"family_name", "given_name", "username", "email", "phone", "title", "language",
                                         "time_zone", "signature"}  # fmt: skip


def test_a_taken_user_name_comes_with_a_free_one_and_an_address_belongs_to_one(session, cast):
    with pytest.raises(InvalidInputError) as refused, transaction(cast.hoa) as inside:
        members.add_member(inside, by=cast.hoa, **{**NEW, "username": "lan", "email": "LAN@phosen.example"})
    assert "lan2" in str(refused.value.fields["username"][0])
    assert "email" in refused.value.fields


def test_the_phone_is_kept_as_our_phone_code_reads_it_and_the_signature_as_plain_text(session, hire):
    member = session.get_one(Member, hire(phone="0168 345 6789", signature="Trân trọng\r\n\u202eHòa\0"))
    assert (member.phone, member.signature) == ("+84383456789", "Trân trọng\nHòa")


# ── what is changed ──
def test_a_change_keeps_what_is_left_out_and_refuses_an_older_state(session, cast, hire):
    key = hire(title="Thu ngân")
    with transaction(cast.hoa) as inside:
        member = inside.get_one(Member, key)
        rev = member.rev
        members.change_member(inside, member, by=cast.hoa, rev=rev, given_name="Hương")
    member = session.get_one(Member, key)
    assert (member.name, member.title) == ("Đặng Thị Hương", "Thu ngân")
    with pytest.raises(ConflictError), transaction(cast.hoa) as inside:
        members.change_member(inside, inside.get_one(Member, key), by=cast.hoa, rev=rev, title="Kế toán")


def test_there_is_one_main_team_and_a_head_cannot_leave_his_team(session, cast, hire):
    key = hire(team=cast.team("cskh"), more_teams=[cast.team("van-hanh")])
    assert [(team.code, main) for team, main in about.teams_of_member(session, key)] == [
        ("cskh", True), ("van-hanh", False)]  # fmt: skip

    def place(who, **teams):
        with transaction(cast.hoa) as inside:
            member = inside.get_one(Member, who)
            members.change_member(inside, member, by=cast.hoa, rev=member.rev, **teams)

    place(key, team=cast.team("van-hanh"), more_teams=[])
    assert [(team.code, main) for team, main in about.teams_of_member(session, key)] == [("van-hanh", True)]
    with pytest.raises(InvalidInputError) as refused:
        place(key, team=None, more_teams=[cast.team("cskh")])
    assert "team" in refused.value.fields
    with pytest.raises(InvalidInputError) as refused:
        place(cast.minh.user_id, team=None, more_teams=[])
    assert "CSKH" in str(refused.value.fields["team"][0])


def test_nobody_changes_or_lets_in_somebody_who_may_more_than_he(session, cast, lead_staff):
    lead_staff()
    hoa, lan = cast.hoa.user_id, cast.lan.user_id

    def try_all(key):
        told = []
        for act in (
            lambda inside, member: members.change_member(inside, member, by=cast.minh, rev=member.rev, email="m@x.vn"),
            lambda inside, member: admission.give_first_password(inside, member, password_hash="x", by=cast.minh),
        ):
            try:
                with transaction(cast.minh) as inside:
                    act(inside, inside.get_one(Member, key))
            except BusinessError as refusal:
                told.append(str(refusal))
        return told

    assert len(try_all(hoa)) == 2
    assert len(try_all(cast.tuan.user_id)) == 2  # the same rights, over another team
    assert try_all(lan) == []


def test_whoever_reads_less_of_customers_lets_nobody_in_who_reads_more(session, cast, lead_staff):
    lead_staff()
    with transaction(SYSTEM) as inside:
        manager = queries.role_by_code(inside, "Manager")
        inside.add(RoleField(role_id=manager.id, resource="Customer", field="phone", right=FieldRight.masked))
        rights_changed(inside, [cast.member("minh").id])
    with pytest.raises(BusinessError), transaction(cast.minh) as inside:
        admission.give_first_password(inside, cast.member("lan"), password_hash="x", by=cast.minh)


def test_the_main_team_is_not_changed_by_whoever_may_not_change_that_team(session, cast, lead_staff):
    lead_staff()
    with transaction(SYSTEM) as inside:
        let_managers(inside, "edit", "Team", Scope.team)
        add_person(inside, cast.team("van-hanh"), cast.member("minh"), by=SYSTEM)
        add_person(inside, cast.team("van-hanh"), cast.member("lan"), by=SYSTEM)
    minh = replace(cast.minh, team_ids=frozenset({cast.team("cskh").id}))  # he sees both and may change one
    minh = replace(minh, scopes={**minh.scopes, ("Customer", "view"): Scope.all})
    with pytest.raises(NotAllowedError), transaction(minh) as inside:
        place(inside, cast.member("lan"), cast.team("van-hanh"), [cast.team("cskh")], by=minh)
    with pytest.raises(NotAllowedError), transaction(minh) as inside:
        make_primary(inside, cast.team("van-hanh"), cast.member("lan"), by=minh)
    assert cast.lan.primary_team_id == cast.team("cskh").id


def test_nobody_adds_a_person_whom_he_would_not_see(session, cast, lead_staff):
    lead_staff()
    minh = replace(cast.minh, scopes={**cast.minh.scopes, ("Member", "view"): Scope.team})
    with pytest.raises(InvalidInputError) as refused, transaction(minh) as inside:
        members.add_member(inside, by=minh, **NEW)
    assert list(refused.value.fields) == ["team"]
    assert queries.member_by_username(session, "hoa.dang") is None


def test_a_narrow_right_reaches_the_people_of_ones_teams(session, cast, lead_staff):
    lead_staff(Scope.team)
    reached = set(session.scalars(select(Member.id).where(visible(Member, cast.minh, "edit"))))
    assert {cast.lan.user_id, cast.minh.user_id} <= reached
    assert cast.tuan.user_id not in reached


# ── the way in ──
@pytest.mark.both_databases
def test_an_invitation_works_once_and_only_the_last_one_for_seven_days(session, cast, hire):
    key = hire(language="en")
    now = clock.now()

    def invite(at):
        with clock.at(at), transaction(cast.hoa) as inside:
            return admission.invite_member(inside, inside.get_one(Member, key), by=cast.hoa)

    first, second = invite(now), invite(now + timedelta(days=1))
    with pytest.raises(NotFoundError):
        admission.open_invitation(session, first)
    with clock.at(now + timedelta(days=8, seconds=1)), pytest.raises(NotFoundError):
        admission.open_invitation(session, second)
    with clock.at(now + timedelta(days=7)), transaction(SYSTEM) as inside:
        admission.accept_invitation(inside, second, password_hash=hash_password("một câu dài", "pbkdf2:sha256:1"))
    member = session.get_one(Member, key)
    assert member.is_active
    assert not member.must_change_password
    with pytest.raises(admission.AlreadyInError):
        admission.open_invitation(session, second)
    with pytest.raises(BusinessError):
        invite(now + timedelta(days=7))


def test_the_mail_has_link_name_and_signature_in_the_readers_language(session, cast, hire):
    with transaction(cast.hoa) as inside:
        inside.get_one(Member, cast.hoa.user_id).signature = "Hòa\nPhở Sen"
    key = hire(language="en")
    with transaction(cast.hoa) as inside:
        token = admission.invite_member(inside, inside.get_one(Member, key), by=cast.hoa)
    mail = session.scalars(select(Outbox)).one()
    assert mail.to_address == NEW["email"]
    assert f"/loi-moi/{token}?lang=en" in mail.body_text
    assert "hoa.dang" in mail.body_text
    assert "Hòa\nPhở Sen" in mail.body_text
    # Whoever reads all mails, but could not let the person in, does not come in by the mail either.
    assert token in text_for(session, mail, cast.hoa)
    assert token not in text_for(session, mail, cast.minh)
    assert token not in str([row.changes for row in session.scalars(select(AuditEvent))])


def test_a_withdrawn_invitation_opens_nothing(session, cast, hire):
    key = hire()
    with transaction(cast.hoa) as inside:
        token = admission.invite_member(inside, inside.get_one(Member, key), by=cast.hoa)
    assert about.standing(session, session.get_one(Member, key)) is about.Standing.invited
    with transaction(cast.hoa) as inside:
        admission.withdraw_invitation(inside, inside.get_one(Member, key), by=cast.hoa)
    with pytest.raises(NotFoundError):
        admission.open_invitation(session, token)
    with pytest.raises(BusinessError), transaction(cast.hoa) as inside:
        admission.withdraw_invitation(inside, inside.get_one(Member, key), by=cast.hoa)


def test_another_address_ends_the_invitation_to_the_old_one(session, cast, hire):
    key = hire()
    with transaction(cast.hoa) as inside:
        token = admission.invite_member(inside, inside.get_one(Member, key), by=cast.hoa)
    for values, is_open in (({"email": NEW["email"], "title": "Thu ngân"}, True), ({"email": "dung@x.vn"}, False)):
        with transaction(cast.hoa) as inside:
            member = inside.get_one(Member, key)
            members.change_member(inside, member, by=cast.hoa, rev=member.rev, **values)
        assert (about.live_invitation(session, key) is not None) is is_open
    with pytest.raises(NotFoundError):
        admission.open_invitation(session, token)


@pytest.mark.both_databases
@pytest.mark.parametrize("end", ["withdraw", "deactivate"])
def test_whoever_waits_at_the_door_is_told_that_the_link_was_taken_back(app, session, cast, hire, end):
    key = hire()
    with transaction(cast.hoa) as inside:
        token = admission.invite_member(inside, inside.get_one(Member, key), by=cast.hoa)
    hoa = cast.hoa
    session.rollback()
    held = Event()

    def take_back():
        with transaction(hoa) as inside:
            act = {"withdraw": admission.withdraw_invitation, "deactivate": leaving.deactivate_member}[end]
            act(inside, inside.get_one(Member, key), by=hoa)
            inside.flush()
            held.set()
            if inside.get_bind().dialect.name == "postgresql":  # SQLite does not even begin a second one
                waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
                with db.engine.connect() as other:
                    until = monotonic() + 20
                    while not other.scalar(waits) and monotonic() < until:
                        pass

    def come_in():
        assert held.wait(20)
        with transaction(SYSTEM) as inside:
            admission.accept_invitation(inside, token, password_hash="x")

    _taken, refused = at_once(app, [take_back, come_in])
    assert isinstance(refused, NotFoundError)
    assert not session.get_one(Member, key).is_active


def test_a_first_password_opens_the_door_for_a_week_and_is_never_forgotten_to_be_one(session, cast):
    tuan, secret = cast.tuan.user_id, "mua-sen-tre-lua-4821"
    hashed = hash_password(secret, "pbkdf2:sha256:1")
    with transaction(cast.hoa) as inside:
        admission.give_first_password(inside, inside.get_one(Member, tuan), password_hash=hashed, by=cast.hoa)
    deactivate(cast, tuan, **everything("binh"))
    with transaction(cast.hoa) as inside:
        leaving.reactivate_member(inside, inside.get_one(Member, tuan), by=cast.hoa)
    member = cast.member("tuan")
    assert member.must_change_password
    assert matches_password(member, secret)
    with clock.at(clock.now() + timedelta(days=7, minutes=1)):
        assert not matches_password(member, secret)
    with transaction(cast.tuan) as inside:
        admission.choose_own_password(inside, cast.member("tuan"), password_hash=hashed)
    with clock.at(clock.now() + timedelta(days=700)):
        assert matches_password(cast.member("tuan"), secret)


def test_a_first_password_ends_every_session_and_the_invitation(session, cast, hire):
    with transaction(cast.hoa) as inside:
        admission.give_first_password(inside, inside.get_one(Member, cast.lan.user_id), password_hash="x", by=cast.hoa)
    assert cast.member("lan").must_change_password
    assert session.scalar(select(func.count(SignIn.id)).where(SignIn.ended_at.is_(None))) == 0
    with pytest.raises(BusinessError), transaction(cast.hoa) as inside:
        admission.give_first_password(inside, inside.get_one(Member, cast.hoa.user_id), password_hash="x", by=cast.hoa)
    assert rules.password_problem(rules.first_password()) is None


def test_only_those_with_the_right_come_near(session, cast, hire):
    key = hire()
    for act in (
        lambda inside: members.add_member(inside, by=cast.minh, **NEW),
        lambda inside: admission.invite_member(inside, inside.get_one(Member, key), by=cast.minh),
        lambda inside: admission.withdraw_invitation(inside, inside.get_one(Member, key), by=cast.minh),
        lambda inside: admission.give_first_password(
            inside, inside.get_one(Member, key), password_hash="x", by=cast.lan
        ),
        lambda inside: leaving.deactivate_member(inside, inside.get_one(Member, key), by=cast.minh),
        lambda inside: leaving.reactivate_member(inside, inside.get_one(Member, key), by=cast.minh),
    ):
        with pytest.raises(NotAllowedError), transaction(cast.minh) as inside:
            act(inside)


# ── leaving ──
@pytest.mark.both_databases
def test_all_that_somebody_has_in_hand_goes_over_in_one_step(session, cast, story):
    lan = cast.lan.user_id
    task = story.task(story.start(), "receive").id
    with transaction(cast.lan) as inside:
        claim_task(inside, task, by=cast.lan)
    with transaction(SYSTEM) as inside:
        role = queries.role_by_code(inside, "Staff")
        for list_key, owner in (("customers", lan), ("customers", cast.minh.user_id)):
            inside.add(SavedView(list_key=list_key, name="Của đội", owner_id=owner, role_id=role.id, wanted={}))
        hand_over(inside, "Customer", story.customer_id, right=Right.view, reason="share", member_id=lan)
    work = {duty.key: held.count for duty, held in leaving.open_work(session, cast.member("lan"), cast.hoa)}
    assert work == {"tasks": 1, "customers": 1, "views": 1}
    with pytest.raises(leaving.OpenWorkError) as refused:
        deactivate(cast, lan, tasks="minh")
    assert set(refused.value.fields) == {"customers", "views"}
    assert cast.member("lan").is_active

    told = deactivate(cast, lan, tasks="minh", customers="minh", views="minh")
    assert told == {"minh": {"tasks": 1, "customers": 1, "views": 1}}
    minh = cast.minh.user_id
    assert session.get_one(Task, task).assignee_id == minh
    assert session.get_one(Customer, story.customer_id).owner_id == minh
    assert set(session.scalars(select(SavedView.name).where(SavedView.owner_id == minh))) == {"Của đội", "Của đội (2)"}
    assert session.scalar(select(func.count(Grant.id)).where(Grant.member_id == lan, Grant.ended_at.is_(None))) == 0
    member = cast.member("lan")
    assert (member.is_active, member.deactivated_at is not None) == (False, True)
    lines = [str(bell_text(line)) for line in session.scalars(select(Notification).where(Notification.user_id == minh))]
    assert any("Nguyễn Ngọc Lan" in line and "1" in line for line in lines)
    event = session.scalars(select(AuditEvent).where(AuditEvent.name == "member_deactivated")).one()
    assert (event.record_id, event.changes, event.actor_id) == (lan, told, cast.hoa.user_id)


def test_what_only_he_could_take_and_the_team_he_heads_need_somebody_else(session, cast, story):
    story.start()
    with transaction(SYSTEM) as inside:
        inside.get_one(Member, cast.lan.user_id).user.active = False
    work = {duty.key: held.count for duty, held in leaving.open_work(session, cast.member("minh"), cast.hoa)}
    assert work["teams"] == 1
    assert work["queue"] == 1
    with pytest.raises(InvalidInputError) as refused:
        deactivate(cast, cast.minh.user_id, **everything("lan"))
    assert refused.value.fields
    deactivate(cast, cast.minh.user_id, **everything("binh"))
    assert cast.team("cskh").head_id == cast.binh.user_id
    assert cast.team("cskh").id in cast.binh.team_ids


def test_nobody_comes_to_head_a_team_by_taking_it_over(session, cast, lead_staff):
    lead_staff()
    with transaction(SYSTEM) as inside:
        let_managers(inside, "edit", "Team", Scope.all)
        rights_changed(inside, [cast.member("minh").id])
        teams = {code: cast.team(code).id for code in ("cskh", "van-hanh")}
    # as far as his rights go he may do all of it, but for taking the team himself
    reach = frozenset(teams.values())
    minh = replace(cast.minh, team_ids=reach, subtree_team_ids=reach, headed_team_ids=reach)

    def hand_to(receiver):
        with transaction(minh) as inside:
            taken = {key: cast.member(receiver) for key in everything(receiver)}
            leaving.deactivate_member(inside, cast.member("binh"), receivers=taken, by=minh)

    with pytest.raises(NotAllowedError) as refused:
        hand_to("minh")
    assert list(refused.value.fields) == ["teams"]
    assert cast.team("van-hanh").head_id == cast.binh.user_id
    hand_to("tuan")
    assert cast.team("van-hanh").head_id == cast.tuan.user_id


def test_half_of_it_is_none_of_it(session, cast, story):
    """Bình takes tasks, but Lan's customers go to somebody who may not look after any: nothing changes."""
    task = story.task(story.start(), "receive").id
    with transaction(cast.lan) as inside:
        claim_task(inside, task, by=cast.lan)
    with transaction(SYSTEM) as inside:
        assign_roles(inside, inside.get_one(Member, cast.tuan.user_id), ["Auditor"], by=SYSTEM)
    with pytest.raises(InvalidInputError) as refused:
        deactivate(cast, cast.lan.user_id, tasks="binh", customers="tuan")
    assert set(refused.value.fields) == {"customers"}
    assert session.get_one(Task, task).assignee_id == cast.lan.user_id


def test_neither_oneself_nor_the_last_administrator_leaves(session, cast):
    with pytest.raises(BusinessError):
        deactivate(cast, cast.hoa.user_id, **everything("minh"))
    with pytest.raises(BusinessError), transaction(SYSTEM) as inside:
        leaving.deactivate_member(inside, inside.get_one(Member, cast.hoa.user_id), by=SYSTEM)


def test_who_comes_back_has_what_he_had_and_who_was_never_in_has_to_be_invited(session, cast, hire):
    tuan, new = cast.tuan.user_id, hire()
    for key in (tuan, new):
        deactivate(cast, key, **everything("binh"))
        with transaction(cast.hoa) as inside:
            leaving.reactivate_member(inside, inside.get_one(Member, key), by=cast.hoa)
    assert cast.member("tuan").is_active
    assert cast.tuan.roles == {"Staff"}
    assert about.standing(session, session.get_one(Member, new)) is about.Standing.waiting


def test_what_he_began_goes_on_and_is_told(session, cast, story):
    story.start("lan")
    told = " ".join(map(str, leaving.going_on(session, cast.member("lan"), cast.hoa)))
    assert "Nguyễn Ngọc Lan" in told


def test_the_secret_of_an_invitation_is_kept_as_a_hash(session, cast, hire):
    key = hire()
    with transaction(cast.hoa) as inside:
        token = admission.invite_member(inside, inside.get_one(Member, key), by=cast.hoa)
    assert session.scalars(select(MemberInvitation)).one().token_hash == rules.token_hash(token)
