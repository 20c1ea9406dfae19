"""Teams: their names and codes, where they stand, who heads them, who is in them, and who may say so."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.core.access import SYSTEM, Scope
from app.core.audit import AuditAction, AuditEvent
from app.core.db import transaction
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError
from app.security import queries, teams
from app.security import team_queries as hanging
from app.security.models import Member, RoleScope, Team, TeamMember
from app.security.services import archive_team


def member(inside, cast, name):
    return inside.get_one(Member, cast.member(name).id)


def team(inside, code):
    return queries.team_by_code(inside, code)


@pytest.fixture
def make(session, cast):
    """make("Chăm sóc", parent="cskh"): a new team, made by Hoa; its code."""

    def add(name, *, parent=None, code="", head=None):
        with transaction(cast.hoa) as inside:
            above = team(inside, parent) if parent else None
            who = member(inside, cast, head) if head else None
            return teams.add_team(inside, by=cast.hoa, name=name, code=code, parent=above, head=who,
                                  head_joins=True).code  # fmt: skip

    return add


@pytest.fixture
def change(session, cast):
    def do(code, who="hoa", **values):
        by = cast.actor(who)
        with transaction(by) as inside:
            one = team(inside, code)
            if isinstance(values.get("parent"), str):
                values["parent"] = team(inside, values["parent"])
            if isinstance(values.get("head"), str):
                values["head"] = member(inside, cast, values["head"])
            teams.change_team(inside, one, by=by, rev=values.pop("rev", one.rev), **values)

    return do


@pytest.fixture
def let_minh(session, cast):
    """Minh, who is no administrator, may now change teams as far as `scope` reaches."""

    def let(scope, *actions):
        with transaction(SYSTEM) as inside:
            role = queries.role_by_code(inside, "Manager")
            have = {(p.permission.name, p.view_menu.name): p for p in queries.role_by_code(inside, "Admin").permissions}
            for action in actions or ("add", "edit"):
                role.permissions.append(have[f"can_{action}", "Team"])
                inside.add(RoleScope(role_id=role.id, resource="Team", action=action, scope=scope))
            inside.execute(Member.__table__.update().values(rights_version=Member.rights_version + 1))

    return let


def versions(session):
    session.rollback()
    return dict(session.execute(select(Member.id, Member.rights_version)).all())


def act(cast, code, name, do, who="hoa", **more):
    by = cast.actor(who)
    with transaction(by) as inside:
        return do(inside, team(inside, code), member(inside, cast, name), by=by, **more)


# ── the team itself ──
def test_the_code_is_made_from_the_name_and_numbered_where_it_is_taken(make):
    assert make("Chăm sóc – Miền Đông") == "cham-soc-mien-dong"
    assert make("Chăm sóc, miền Đông") == "cham-soc-mien-dong-2"


def test_everything_that_is_wrong_is_told_beside_its_field(session, cast):
    with pytest.raises(InvalidInputError) as refused, transaction(cast.hoa) as inside:
        teams.add_team(inside, by=cast.hoa, name="\u200b", code="CSKH", head=member(inside, cast, "lan"))
    assert set(refused.value.fields) == {"name", "code", "head"}
    assert "Nguyễn Ngọc Lan" in str(refused.value.fields["head"][0])


def test_a_taken_code_is_told_with_whose_it_is_and_a_free_one(session, cast):
    with pytest.raises(InvalidInputError) as refused, transaction(cast.hoa) as inside:
        teams.add_team(inside, by=cast.hoa, name="Khác", code="cskh")
    assert "CSKH" in str(refused.value.fields["code"][0])
    assert "cskh-2" in str(refused.value.fields["code"][0])


def test_a_circle_is_refused_with_the_names_of_the_teams_in_it(session, cast, make, change):
    make("Miền Bắc", parent="cskh", code="bac")
    make("Hà Nội", parent="bac", code="ha-noi")
    with pytest.raises(InvalidInputError) as refused:
        change("cskh", parent="ha-noi")
    told = str(refused.value.fields["parent"][0])
    assert "CSKH → Miền Bắc → Hà Nội → CSKH" in told
    with pytest.raises(InvalidInputError):
        change("bac", parent="bac")
    assert team(session, "cskh").parent_id is None


def test_a_head_from_outside_is_refused_by_name_or_comes_in_with_the_office(session, cast, change):
    with pytest.raises(InvalidInputError) as refused:
        change("van-hanh", head="lan")
    assert "Nguyễn Ngọc Lan" in str(refused.value.fields["head"][0])
    change("van-hanh", head="lan", head_joins=True)
    assert team(session, "van-hanh").head.name == "Nguyễn Ngọc Lan"
    row = hanging.membership(session, team(session, "van-hanh").id, cast.member("lan").id)
    assert row is not None
    assert not row.is_primary


def test_whoever_was_slower_is_refused(change):
    change("cskh", name="Chăm sóc khách hàng")
    with pytest.raises(ConflictError):
        change("cskh", name="Khác", rev=1)


def test_moving_a_team_renews_the_rights_of_all_above_and_in_it(session, cast, make, change):
    make("Miền Bắc", parent="cskh", code="bac", head="tuan")
    before = versions(session)
    change("bac", parent="van-hanh")
    after = versions(session)
    risen = {name for name in ("lan", "minh", "hoa", "tuan", "binh")
             if after[cast.member(name).id] > before[cast.member(name).id]}  # fmt: skip
    assert risen == {"lan", "minh", "tuan", "binh"}
    assert team(session, "bac").id in cast.binh.headed_team_ids
    assert team(session, "bac").id not in cast.minh.headed_team_ids


# ── its people ──
def test_people_come_go_and_have_one_main_team(session, cast):
    act(cast, "van-hanh", "lan", teams.add_person)
    act(cast, "van-hanh", "lan", teams.make_primary)
    assert cast.lan.primary_team_id == team(session, "van-hanh").id
    assert act(cast, "van-hanh", "lan", teams.remove_person) is True
    assert cast.lan.primary_team_id == team(session, "cskh").id
    with pytest.raises(BusinessError):
        act(cast, "van-hanh", "lan", teams.remove_person)
    told = session.scalars(select(AuditEvent.action).where(AuditEvent.table_name == "team_member",
                                                           AuditEvent.actor_id == cast.hoa.user_id)).all()  # fmt: skip
    assert {AuditAction.create, AuditAction.change, AuditAction.delete} <= set(told)


def test_the_first_team_is_the_main_one(session, cast):
    act(cast, "cskh", "hoa", teams.add_person)
    assert cast.hoa.primary_team_id == team(session, "cskh").id


def test_the_head_does_not_leave_his_team(cast):
    with pytest.raises(BusinessError, match="Phạm Quang Minh"):
        act(cast, "cskh", "minh", teams.remove_person)


# ── who may ──
def test_without_the_right_nothing_is_changed(session, cast):
    count = session.scalar(select(func.count()).select_from(TeamMember))
    for do in (teams.add_person, teams.make_primary, teams.remove_person):
        with pytest.raises(NotAllowedError):
            act(cast, "cskh", "tuan", do, who="lan")
    with pytest.raises(NotAllowedError), transaction(cast.lan) as inside:
        teams.add_team(inside, by=cast.lan, name="Riêng")
    session.rollback()
    assert session.scalar(select(func.count()).select_from(TeamMember)) == count


def test_the_right_reaches_as_far_as_its_scope(session, cast, let_minh):
    let_minh(Scope.subtree, "edit")
    act(cast, "cskh", "tuan", teams.add_person, who="minh")
    with pytest.raises(NotAllowedError):
        act(cast, "van-hanh", "lan", teams.add_person, who="minh")


def test_nobody_widens_his_own_reach(session, cast, change, let_minh):
    let_minh(Scope.all, "edit")
    with pytest.raises(InvalidInputError):
        act(cast, "van-hanh", "minh", teams.add_person, who="minh")
    with pytest.raises(InvalidInputError):
        change("van-hanh", who="minh", head="minh", head_joins=True)
    with pytest.raises(InvalidInputError):
        change("van-hanh", who="minh", parent="cskh")
    assert team(session, "van-hanh").id not in cast.minh.subtree_team_ids


# ── how they hang together ──
def test_the_chart_is_read_in_three_queries_with_heads_and_numbers(session, cast, make):
    make("Miền Bắc", parent="cskh", code="bac", head="tuan")
    by = cast.hoa
    (cskh,) = [node for node in hanging.forest(session, by) if node.code == "cskh"]
    assert (cskh.head, [below.name for below in cskh.below]) == ("Phạm Quang Minh", ["Miền Bắc"])
    assert cskh.below[0].people == 1


def test_archived_teams_take_nobody(session, cast, make):
    make("Tạm", code="tam")
    with transaction(cast.hoa) as inside:
        archive_team(inside, team(inside, "tam"), by=cast.hoa)
    with pytest.raises(BusinessError, match="Tạm"):
        act(cast, "tam", "lan", teams.add_person)
    assert "tam" not in {node.code for node in hanging.forest(session, cast.hoa)}
    assert session.scalar(select(Team.archived_at).where(Team.code == "tam")) is not None
