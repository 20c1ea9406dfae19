"""Narrowing by own fields takes a way of its own: does it find whom the row rule and the condition find?"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from app.core import clock
from app.core.access import SYSTEM, Actor, Scope, visible
from app.core.conditions import parse, sql
from app.core.db import transaction
from app.core.screens.lists import reader_of
from app.customers.found import seen_in_use
from app.customers.models import Customer, CustomerKind
from app.customers.queries import live
from app.customers.segments.queries import customer_list
from app.forms.own_fields.models import CustomerValue
from app.security.models import Grant, Member, Right, Team
from tests.forms.own_fields.drawing import publish

CUSTOMERS, GRANTS, CONDITIONS = 60, 60, 7
CHANNELS = ("zalo", "call", "mail")


def fill(chance: random.Random) -> None:
    """Customers of anybody's, some archived, some with values, some handed over or no longer."""
    now = clock.now()
    with transaction(SYSTEM) as session:
        members = [*session.scalars(select(Member.id)), None]
        teams = [*session.scalars(select(Team.id)), None]
        for number in range(CUSTOMERS):
            (made,) = session.execute(
                insert(Customer.__table__).returning(Customer.id),
                {"code": f"KH-N{number:05}", "kind": CustomerKind.person, "name": f"Khách {number}", "sort_key": "k",
                 "search_text": "khach", "rev": 1, "created_at": now, "updated_at": now,
                 "owner_id": chance.choice(members), "created_by_id": chance.choice(members),
                 "team_id": chance.choice(teams), "archived_at": chance.choice((None, None, None, now))},
            ).one()  # fmt: skip
            said = {"parties": chance.randrange(9), "channel": chance.choice(CHANNELS)}
            for key, value in said.items():
                if chance.random() < 0.8:
                    column = "text" if key == "channel" else "number"
                    kept = {"customer_id": made, "field_key": key, "item": 0, column: value}
                    session.execute(insert(CustomerValue.__table__), kept)
        customers = session.scalars(select(Customer.id)).all()
        for _number in range(GRANTS):
            to_team = chance.random() < 0.4
            session.add(Grant(
                resource=chance.choice(("Customer", "Customer", "Task")), record_id=chance.choice(customers),
                member_id=None if to_team else chance.choice(members[:-1]),
                team_id=chance.choice(teams[:-1]) if to_team else None, right=chance.choice(list(Right)),
                reason="share", until=chance.choice((None, now + timedelta(days=1), now - timedelta(days=1))),
                ended_at=chance.choice((None, None, now)),
            ))  # fmt: skip


def conditions(chance: random.Random) -> Iterator[str]:
    one = (
        lambda: f"own.parties >= {chance.randrange(9)}",
        lambda: f"own.parties < {chance.randrange(9)}",
        lambda: f"own.parties != {chance.randrange(9)}",
        lambda: f"own.channel = '{chance.choice(CHANNELS)}'",
        lambda: f"own.channel in ('zalo', '{chance.choice(CHANNELS)}')",
        lambda: f"own.channel != '{chance.choice(CHANNELS)}'",
        lambda: "own.parties = 99999999999999",
    )
    for _number in range(CONDITIONS):
        yield " and ".join(chance.choice(one)() for _part in range(chance.randint(1, 3)))


def readers(actors: list[Actor]) -> Iterator[Actor]:
    for who in actors:
        yield who
        yield who.by_roles_alone()
        for scope in Scope:
            yield replace(who, scopes={**who.scopes, ("Customer", "view"): scope})
        yield replace(who, permissions=frozenset())
        yield replace(who, team_ids=frozenset())


@pytest.mark.both_databases
def test_it_finds_whom_the_row_rule_and_the_condition_find(session, cast):
    chance = random.Random("Phở Sen")
    publish()
    fill(chance)
    listed, found = customer_list(), 0
    actors = list(readers([cast.lan, cast.minh, cast.tuan, cast.hoa]))
    fields = listed.fields_for(cast.hoa)
    for where in conditions(chance):
        condition = parse(where)
        for who in actors:
            reader = reader_of(who)
            keys = sql.keys_beside(condition, fields, reader=reader)
            assert keys is not None, where
            quick = session.scalars(seen_in_use(session, keys, who)).all()
            plain = select(Customer.id).where(
                visible(Customer, who), live(), sql.where(condition, fields, reader=reader)
            )
            assert sorted(quick) == sorted(session.scalars(plain)), (where, who)
            found += len(quick)
    assert found > CUSTOMERS
