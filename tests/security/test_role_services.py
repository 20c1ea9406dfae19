"""Roles are data: made, copied, renamed, narrowed and given, and nobody comes by more than he was given."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.core.access import ACTIONS, SYSTEM, Scope, _row_rules
from app.core.accounts import Role
from app.core.audit import AuditEvent
from app.core.db import transaction
from app.core.errors import BadRequestError, BusinessError, ConflictError, InvalidInputError, NotAllowedError
from app.core.uses import InUseError
from app.security import queries, role_services, services
from app.security.models import RoleProfile, RoleScope, SignIn, SignInKind
from app.security.role_names import role_label, role_names
from app.security.roles import ADMIN, RESOURCES, SHIPPED, reaches
from tests.rest import statements


def profile(session, code: str) -> RoleProfile:
    return session.scalars(select(RoleProfile).join(Role).where(Role.name == code)).one()


def new_role(session, label: str = "Trưởng ca", **more) -> RoleProfile:
    with transaction(more.get("by", SYSTEM)) as inside:
        return role_services.create_role(inside, label_vi=label, **{"by": SYSTEM, **more})


def change(session, code: str, cells, *, by) -> None:
    with transaction(by) as inside:
        one = profile(inside, code)
        role_services.change_rights(inside, one, cells, rev=one.rev, by=by)


def give(cast, username: str, *codes: str, by) -> None:
    with transaction(by) as inside:
        role_services.assign_roles(inside, cast.member(username), codes, by=by)


def refusal(raised) -> str:
    error = raised.value
    return " ".join([str(error.message), *(str(one) for told in error.fields.values() for one in told)])


# ── making ──
def test_a_new_role_may_nothing_and_its_code_is_made_from_its_name(session, cast):
    made = new_role(session, by=cast.hoa)
    assert made.name == "truong-ca"
    assert queries.rights_of_role(session, made.role) == {}
    assert new_role(session, "Trưởng  cà!").name == "truong-ca-2"


def test_a_copy_may_what_its_model_may(session, cast):
    made = new_role(session, "Nhân viên tối", like=profile(session, "Staff"), by=cast.hoa)
    assert queries.rights_of_role(session, made.role) == queries.rights_of_role(session, profile(session, "Staff").role)


@pytest.mark.parametrize("name", ["", "  ", "…", "quản trị", "AUDITOR", "x" * 61])
def test_a_name_that_is_none_or_taken_is_refused_beside_its_field(session, cast, name):
    with pytest.raises(InvalidInputError) as raised:
        new_role(session, name, by=cast.hoa)
    assert list(raised.value.fields) == ["label_vi"]


def test_renaming_changes_words_and_never_the_code(session, cast):
    with transaction(cast.hoa) as inside:
        one = profile(inside, "Staff")
        role_services.rename_role(inside, one, label_vi="Tư vấn viên", label_en="Adviser", rev=one.rev, by=cast.hoa)
    assert (str(role_label("Staff")), profile(session, "Staff").name) == ("Tư vấn viên", "Staff")
    with transaction(cast.hoa) as inside:
        one = profile(inside, "Staff")
        with pytest.raises(ConflictError):
            role_services.rename_role(inside, one, label_vi="Khác", rev=one.rev - 1, by=cast.hoa)
    with transaction(cast.hoa) as inside:
        one = profile(inside, "Staff")
        role_services.rename_role(inside, one, label_vi="", rev=one.rev, by=cast.hoa)
    assert str(role_label("Staff")) == "Nhân viên"


# ── the matrix ──
def test_changed_rights_hold_with_the_next_click_and_are_told_in_one_line(session, cast):
    before = cast.lan
    assert before.scope("Customer", "export") is Scope.none
    cells = {("Customer", "export"): Scope.own, ("Customer", "view"): Scope.all, ("Team", "view"): Scope.none}
    change(session, "Staff", cells, by=cast.hoa)
    after = cast.lan
    assert {cell: after.scope(*cell) for cell in cells} == cells
    assert not after.may("view", "Team")
    told = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(3)).all()
    line = next(one for one in told if one.name == "role.rights_changed")
    assert line.actor_id == cast.hoa.user_id
    assert line.changes == {
        "Customer.export": ["none", "own"], "Customer.view": ["team", "all"], "Team.view": ["all", "none"],
    }  # fmt: skip


def test_what_stays_the_same_changes_nothing(session, cast):
    one = profile(session, "Staff")
    rev, version = one.rev, cast.member("lan").rights_version
    change(session, "Staff", {("Customer", "view"): Scope.team, ("Notification", "view"): Scope.all}, by=cast.hoa)
    assert (profile(session, "Staff").rev, cast.member("lan").rights_version) == (rev, version)


def test_two_people_at_one_role_do_not_overwrite_each_other(session, cast):
    with transaction(cast.hoa) as inside:
        one = profile(inside, "Staff")
        old = one.rev
        role_services.change_rights(inside, one, {("Customer", "delete"): Scope.own}, rev=old, by=cast.hoa)
    with pytest.raises(ConflictError), transaction(cast.hoa) as inside:
        role_services.change_rights(
            inside, profile(inside, "Staff"), {("Customer", "delete"): Scope.all}, rev=old, by=cast.hoa
        )


@pytest.mark.parametrize(
    "cell", [("Customer", "approve", Scope.all), ("Nothing", "view", Scope.all), ("Role", "view", Scope.own),
             ("Process", "edit", Scope.team)],
)  # fmt: skip
def test_a_right_that_there_is_not_is_refused(session, cast, cell):
    resource, action, scope = cell
    with pytest.raises(BadRequestError):
        change(session, "Staff", {(resource, action): scope}, by=cast.hoa)


def test_administrators_may_everything_always(session, cast):
    with pytest.raises(BusinessError, match=r"Quản trị|administrator"):
        change(session, ADMIN, {("Role", "edit"): Scope.none}, by=cast.hoa)
    hoa = cast.hoa
    assert all(hoa.scope(resource, action) is Scope.all for resource, known in RESOURCES.items() for action in known)


# ── nobody hands out more than he holds ──
@pytest.fixture
def keeper(session, cast):
    """Minh keeps roles beside what he may as a manager."""
    new_role(session, "Giữ vai trò")
    rights = dict.fromkeys([("Role", action) for action in RESOURCES["Role"]], Scope.all)
    change(session, "giu-vai-tro", rights, by=SYSTEM)
    give(cast, "minh", "Manager", "giu-vai-tro", by=SYSTEM)
    return lambda: cast.minh


@pytest.mark.both_databases
def test_nobody_gives_a_right_that_he_has_not_or_that_reaches_further(session, cast, keeper):
    new_role(session, "Trực đêm")
    change(session, "truc-dem", {("Customer", "view"): Scope.subtree, ("Role", "view"): Scope.all}, by=keeper())
    for cell, scope in ((("Customer", "view"), Scope.all), (("Setting", "edit"), Scope.all)):
        with pytest.raises(BusinessError):
            change(session, "truc-dem", {cell: scope}, by=keeper())
    change(session, "truc-dem", {("Setting", "view"): Scope.all}, by=cast.hoa)
    with pytest.raises(BusinessError):  # nor does he take away what he has not
        change(session, "truc-dem", {("Setting", "view"): Scope.none}, by=keeper())
    assert queries.rights_of_role(session, profile(session, "truc-dem").role)[("Customer", "view")] is Scope.subtree


def test_nobody_raises_himself(session, cast, keeper):
    for code in ("Manager", "giu-vai-tro"):
        with pytest.raises(BusinessError):
            change(session, code, {("Customer", "view"): Scope.all}, by=keeper())
    for code in ("Staff", "Auditor", ADMIN):
        with pytest.raises(InvalidInputError) as raised:
            give(cast, "minh", "Manager", "giu-vai-tro", code, by=keeper())
        assert list(raised.value.fields) == ["roles"]
    with pytest.raises(InvalidInputError, match=r"."):
        new_role(session, "Bản sao", like=profile(session, ADMIN), by=keeper())
    assert cast.minh.roles == {"Manager", "giu-vai-tro"}


def test_roles_are_given_and_taken_up_to_ones_own(session, cast, keeper):
    give(cast, "lan", "Staff", "Manager", by=keeper())
    assert cast.lan.roles == {"Staff", "Manager"}
    give(cast, "lan", "Staff", by=keeper())
    assert cast.lan.roles == {"Staff"}
    for codes in (("Staff", ADMIN), ("Auditor",), ("Staff", "khong-co")):
        with pytest.raises(InvalidInputError):
            give(cast, "lan", *codes, by=keeper())
    with pytest.raises(InvalidInputError):  # an administrator is nobody's to take down who is none
        give(cast, "hoa", by=keeper())


def test_what_may_be_given_is_found_out_at_once_for_all_roles(app, session, cast, keeper):
    asked = []
    for _more in range(2):
        for number in range(5):
            new_role(session, f"Vai {len(asked)}-{number}")
        minh = keeper()
        role_names(session)
        with statements(app) as seen:
            assert len(role_services.roles_to_choose(session, minh)) >= 10 + 5 * len(asked)
        asked.append(len(seen))
    assert asked[0] == asked[1] <= 3


def test_staff_keep_no_roles(session, cast):
    for refused in (
        lambda: new_role(session, by=cast.lan),
        lambda: change(session, "Staff", {("Customer", "view"): Scope.own}, by=cast.lan),
        lambda: give(cast, "tuan", "Manager", by=cast.lan),
    ):
        with pytest.raises(NotAllowedError):
            refused()


def test_a_role_that_is_given_ends_the_sessions_of_the_member_and_nobody_elses(session, cast):
    with transaction(SYSTEM) as inside:
        for username in ("lan", "tuan"):
            services.sign_in(inside, cast.member(username), kind=SignInKind.web, address="", agent="")
    give(cast, "lan", "Staff", "Auditor", by=cast.hoa)
    live = select(SignIn.member_id).where(SignIn.ended_at.is_(None))
    assert session.scalars(live).all() == [cast.tuan.user_id]
    assert session.scalar(select(SignIn.ended_reason).where(SignIn.ended_at.is_not(None))) == "roles"


def test_the_last_administrator_keeps_the_role_and_his_place(session, cast):
    with pytest.raises(InvalidInputError) as raised:
        give(cast, "hoa", "Staff", by=cast.hoa)
    assert list(raised.value.fields) == ["roles"]
    give(cast, "minh", "Manager", ADMIN, by=cast.hoa)
    give(cast, "hoa", "Staff", by=cast.minh)
    with pytest.raises(InvalidInputError):
        give(cast, "minh", "Manager", by=cast.minh)


# ── several roles ──
@pytest.mark.both_databases
def test_of_several_roles_the_widest_reach_wins(session, cast):
    new_role(session, "Chỉ của mình")
    change(session, "chi-cua-minh", {("Customer", "view"): Scope.own, ("Customer", "delete"): Scope.own}, by=SYSTEM)
    give(cast, "lan", "Staff", "chi-cua-minh", "Auditor", by=SYSTEM)
    lan = cast.lan
    assert lan.scope("Customer", "view") is Scope.all
    assert lan.scope("Customer", "edit") is Scope.team
    assert lan.scope("Customer", "delete") is Scope.own
    for resource, known in RESOURCES.items():
        for action in known:
            held = [
                queries.rights_of_role(session, profile(session, code).role).get((resource, action), Scope.none)
                for code in lan.roles
            ]
            assert lan.scope(resource, action) is max(held, key=lambda scope: scope.width), (resource, action)


def test_a_reach_without_its_right_widens_nothing(session, cast):
    new_role(session, "Trống")
    with transaction(SYSTEM) as inside:
        inside.add(RoleScope(role_id=profile(inside, "trong").id, resource="Customer", action="view", scope=Scope.all))
    give(cast, "lan", "Staff", "trong", by=SYSTEM)
    assert cast.lan.scope("Customer", "view") is Scope.team


# ── archiving ──
def test_a_role_in_use_is_not_archived_and_its_holders_are_named(session, cast):
    for code, needed in (("Staff", "Nguyễn Ngọc Lan"), (ADMIN, "")):
        with pytest.raises(InUseError) as raised, transaction(cast.hoa) as inside:
            role_services.archive_role(inside, profile(inside, code), by=cast.hoa)
        assert needed in refusal(raised)


def test_an_archived_role_is_given_to_nobody_until_it_is_restored(session, cast):
    new_role(session)
    with transaction(cast.hoa) as inside:
        role_services.archive_role(inside, profile(inside, "truong-ca"), by=cast.hoa)
    with pytest.raises(InvalidInputError):
        give(cast, "lan", "Staff", "truong-ca", by=cast.hoa)
    with pytest.raises(BusinessError):
        change(session, "truong-ca", {("Team", "view"): Scope.all}, by=cast.hoa)
    assert "truong-ca" not in {name.code for name, _held, _why in role_services.roles_to_choose(session, cast.hoa)}
    with transaction(cast.hoa) as inside:
        role_services.restore_role(inside, profile(inside, "truong-ca"), by=cast.hoa)
    give(cast, "lan", "Staff", "truong-ca", by=cast.hoa)
    assert "truong-ca" in cast.lan.roles


# ── what is offered ──
def test_the_reaches_that_are_offered_all_say_something_else(session, cast):
    """Of rights over rows: two reaches that mean the same rows would be one too many."""
    models = {model.__name__: model for model in _row_rules}
    models["Instance"] = models["ProcessInstance"]
    lan = replace(cast.lan, team_ids=frozenset({1}), subtree_team_ids=frozenset({1, 2}), headed_team_ids=frozenset())
    seen = 0
    for resource, actions in RESOURCES.items():
        model = models.get(resource)
        for action in actions:
            offered = reaches(resource, action)
            if len(offered) == 2 or model is None or resource == "SavedView":
                continue
            rows = set()
            for scope in offered:
                rights = lan.permissions | {(action, resource)}
                actor = replace(lan, permissions=rights, scopes={(resource, action): scope})
                rule = _row_rules[model](actor, action).compile(compile_kwargs={"literal_binds": True})
                rows.add(str(rule))
            assert len(rows) == len(offered), (resource, action)
            seen += 1
    assert seen > 15


def test_every_reach_that_a_row_rule_knows_is_offered(session, cast):
    """A rule that tells own rows from all of them is of no use where only yes or no can be chosen."""
    models = {model.__name__: model for model in _row_rules} | {"Audit": AuditEvent}
    models["Instance"] = models["ProcessInstance"]
    lan = replace(cast.lan, team_ids=frozenset({1}), subtree_team_ids=frozenset({1, 2}), headed_team_ids=frozenset())
    for resource in sorted(models.keys() & RESOURCES.keys()):
        for action in {"view", "export"} & set(RESOURCES[resource]):
            rules = {}
            for scope in Scope:
                actor = replace(lan, permissions=lan.permissions | {(action, resource)},
                                scopes={(resource, action): scope})  # fmt: skip
                rule = _row_rules[models[resource]](actor, action).compile(compile_kwargs={"literal_binds": True})
                rules[scope] = str(rule)
            offered = {rules[scope] for scope in reaches(resource, action)}
            assert set(rules.values()) == offered, (resource, action)


# ── flask init ──
def test_init_leaves_alone_what_an_admin_has_changed(session, cast):
    change(session, "Staff", {("Customer", "view"): Scope.own, ("Team", "view"): Scope.none}, by=cast.hoa)
    with transaction(SYSTEM) as inside:
        services.ensure_roles(inside)
    assert cast.lan.scope("Customer", "view") is Scope.own
    assert not cast.lan.may("view", "Team")
    assert set(role_names(session)) == set(SHIPPED)
    assert session.scalar(select(func.count()).select_from(RoleProfile)) == len(SHIPPED)


def test_every_right_fits_what_is_offered_in_the_shipped_roles():
    for role, matrix in SHIPPED.items():
        for resource, actions in matrix.items():
            for action, scope in actions.items():
                offered = reaches(resource, action)
                assert action in ACTIONS
                assert scope in offered or len(offered) == 2, (role, resource, action)
