"""One rule a table says which rows somebody sees: his scope or what was handed to him, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import event, select

from app.core.access import SYSTEM, Actor, Scope, get_visible, row_rule, scoped, visible
from app.core.db import db, transaction
from app.core.errors import NotAllowedError, NotFoundError
from app.core.models import JobHeartbeat
from app.customers.models import Customer
from app.customers.services import create_customer
from app.security.models import Team
from app.security.services import create_team
from app.security.teams import appoint_head


@pytest.fixture
def customers(session, cast) -> dict[str, int]:
    """One customer each of: Lan, her colleague Minh, the team below CSKH, another team, nobody."""
    made = {}
    with transaction(SYSTEM) as inside:
        below = create_team(inside, code="cskh-toi", name="CSKH tối", parent=cast.team("cskh"), by=SYSTEM)
        owners = {
            "lan": (cast.lan.user_id, cast.team("cskh").id),
            "minh": (cast.minh.user_id, cast.team("cskh").id),
            "below": (None, below.id),
            "elsewhere": (cast.tuan.user_id, cast.team("van-hanh").id),
            "nobody": (None, None),
        }
        for who, (owner_id, team_id) in owners.items():
            customer = create_customer(inside, by=SYSTEM, name=f"Khách {who}", phone=None)
            customer.owner_id, customer.team_id = owner_id, team_id
            made[who] = customer.id
    return made


def seen(session, customers, actor: Actor, scope: Scope) -> set[str]:
    rule = scoped(scope, actor, owner_id=(Customer.owner_id, Customer.created_by_id), team_id=Customer.team_id)
    ids = set(session.scalars(select(Customer.id).where(rule)))
    return {who for who, customer_id in customers.items() if customer_id in ids}


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope.none, set()),
        (Scope.own, {"lan"}),
        (Scope.team, {"lan", "minh"}),
        (Scope.subtree, {"lan", "minh", "below"}),
        (Scope.all, {"lan", "minh", "below", "elsewhere", "nobody"}),
    ],
)
def test_a_scope_reaches_as_far_as_it_says(session, cast, customers, scope, expected):
    assert seen(session, customers, cast.lan, scope) == expected


def test_a_head_reaches_the_teams_below_the_one_he_heads_without_being_a_member(session, cast, customers):
    with transaction(SYSTEM) as inside:
        appoint_head(inside, cast.team("van-hanh"), cast.member("binh"), by=SYSTEM)
        create_team(inside, code="kho", name="Kho", parent=cast.team("van-hanh"), by=SYSTEM)
        inside.get_one(Customer, customers["below"]).team_id = cast.team("kho").id
    outsider = replace(cast.binh, team_ids=frozenset(), subtree_team_ids=frozenset())
    assert seen(session, customers, outsider, Scope.subtree) == {"elsewhere", "below"}


def test_somebody_without_a_team_sees_only_his_own(session, cast, customers):
    assert seen(session, customers, cast.hoa, Scope.team) == set()
    assert seen(session, customers, cast.hoa, Scope.subtree) == set()


def test_the_wider_scope_is_the_wider_one():
    assert [scope.width for scope in (Scope.none, Scope.own, Scope.team, Scope.subtree, Scope.all)] == [0, 1, 2, 3, 4]


def test_a_scope_without_the_right_reaches_nothing(cast):
    lan = replace(cast.lan, permissions=frozenset(), scopes={("Customer", "view"): Scope.all})
    assert lan.scope("Customer") is Scope.none
    with pytest.raises(NotAllowedError):
        lan.must("view", "Customer")


def test_a_right_without_a_scope_reaches_nothing(cast):
    assert replace(cast.lan, scopes={}).scope("Customer") is Scope.none


def test_the_system_sees_everything(session, customers):
    assert len(session.scalars(select(Customer).where(visible(Customer, SYSTEM))).all()) == len(customers)
    assert SYSTEM.scope("Customer", "delete") is Scope.all


# ── rules ──
def test_a_table_without_a_rule_is_shown_to_nobody(cast):
    for actor in (cast.hoa, SYSTEM):
        with pytest.raises(LookupError, match="no row rule"):
            visible(JobHeartbeat, actor)


def test_a_table_has_one_rule():
    with pytest.raises(RuntimeError, match="two row rules"):
        row_rule(Customer)(lambda _actor, _action: Customer.id > 0)


# ── one row ──
def test_what_is_out_of_sight_is_not_there(session, cast, customers):
    assert get_visible(session, Customer, customers["lan"], cast.lan).id == customers["lan"]
    with pytest.raises(NotFoundError):
        get_visible(session, Customer, customers["elsewhere"], cast.lan)
    with pytest.raises(NotFoundError):
        get_visible(session, Customer, customers["elsewhere"], cast.lan, "edit")


def test_what_is_in_sight_but_not_to_be_touched_is_refused(session, cast, customers):
    with pytest.raises(NotAllowedError):
        get_visible(session, Customer, customers["lan"], cast.lan, "delete")


@pytest.mark.parametrize("row_id", [0, -1, 2**31, 2**63, 10**30, True, "1", None, 1.0])
def test_an_id_that_cannot_be_one_never_reaches_the_database(session, cast, customers, row_id):
    cast_lan, statements = cast.lan, []

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with pytest.raises(NotFoundError):
            get_visible(session, Customer, row_id, cast_lan)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert statements == []


def test_teams_are_no_secret_inside_the_company(session, cast):
    assert len(session.scalars(select(Team).where(visible(Team, cast.lan))).all()) == 2
    with pytest.raises(NotAllowedError):
        get_visible(session, Team, cast.team("cskh").id, cast.lan, "edit")
