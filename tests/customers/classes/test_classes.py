"""Tiers and groups by rules: who falls where, moved once, told why, and never against a choice by hand."""

from __future__ import annotations

import html
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import select

from app.catalogues.models import CatalogueEntry
from app.core import clock
from app.core.access import SYSTEM
from app.core.audit import AuditEvent
from app.core.errors import ConflictError, InvalidInputError, NotAllowedError
from app.core.leases import LeaseState
from app.customers import purchases, services, timeline
from app.customers.classes import jobs, queries, rules
from app.customers.classes import services as classes
from app.customers.classes.models import ClassKind, ClassMove, ClassRun
from app.customers.classes.rules import EVER, Facts, Rule
from app.customers.forgotten.services import ensure_targets
from app.customers.models import Customer, TimelineEntry
from app.customers.profile_models import Purchase
from app.customers.timeline_words import SIGNS


def test_of_the_rules_the_first_whose_every_question_is_answered_counts():
    tier, behaviour = rules.DEFAULTS[ClassKind.tier], rules.DEFAULTS[ClassKind.behaviour]

    def falls(some, **facts):
        found = rules.chosen(some, Facts(**facts))
        return found and (found[0].code, found[1])

    assert falls(tier) is None
    assert falls(tier, times={EVER: 1, 365: 0}, amount={EVER: 9, 365: 0}) == ("small", {"times": 1})
    rich = {EVER: 99_000_000, 365: 20_000_000}
    assert falls(tier, times={EVER: 1}, amount=rich) == ("vip", {"amount": 20_000_000, "over_days": 365})
    assert falls(behaviour, bought_days=60, pause=180)[0] == "returning"
    assert falls(behaviour, bought_days=61, pause=180) is None
    assert falls(behaviour, bought_days=10, times={365: 3})[0] == "regular"
    assert falls(behaviour, bought_days=181)[0] == "dormant"
    assert falls(behaviour, heard_days=0) == ("potential", {"heard_days": 0})
    assert rules.chosen([Rule("vip")], Facts()) is None
    wrong = [Rule("a", bought_within=5, bought_before=9), Rule("b", over_days=3), Rule("c", times=0)]
    assert set(rules.problems(wrong)) == {"a.bought_before", "b.over_days", "c.times"}


@pytest.fixture
def shop(change, app):
    """Rich with much, Poor with a little, Fixed whose tier was chosen by hand, Nobody without a purchase."""
    ids = {}

    def make(session, cast):
        classes.ensure_rules(session)
        today = clock.today("Asia/Ho_Chi_Minh")
        for name, amounts, tier in (
            ("Rich", (15_000_000, 6_000_000), None), ("Poor", (90_000,), "vip"), ("Fixed", (90_000,), "vip"),
            ("Nobody", (), "medium"),
        ):  # fmt: skip
            one = services.create_customer(session, by=cast.hoa, name=name, tier=tier)
            one.tier_is_fixed = name == "Fixed"
            for number, amount in enumerate(amounts):
                purchases.add_purchase(session, one, by=cast.hoa, bought_on=today - timedelta(days=number * 200),
                                       product="Trà", amount=amount, quantity=Decimal(1))  # fmt: skip
            session.flush()
            ids[name] = one.id

    change(make)
    return ids


def tiers(session):
    return dict(session.execute(select(Customer.name, Customer.tier)).all())


def test_a_round_moves_each_once_tells_why_and_leaves_what_was_chosen_by_hand(shop, change, app, session, monkeypatch):
    monkeypatch.setattr(queries, "PIECE", 2)
    seen = queries.preview(session, queries.all_rules(session))
    assert {(kind.value, before, after): n for (kind, before, after), n in seen.moves.items()} == {
        ("tier", None, "vip"): 1, ("tier", "vip", "small"): 1, ("behaviour", None, "returning"): 1,
    }  # fmt: skip
    change(lambda session, cast: classes.ask_round(session, by=cast.hoa))
    with pytest.raises(ConflictError):
        change(lambda session, cast: classes.ask_round(session, by=cast.hoa))
    session.rollback()
    assert (classes.work(), classes.work()) == (3, 0)
    session.expire_all()
    assert tiers(session) == {"Rich": "vip", "Poor": "small", "Fixed": "vip", "Nobody": "medium"}
    moves = session.scalars(select(ClassMove).where(ClassMove.customer_id == shop["Rich"]).order_by(ClassMove.id)).all()
    assert [(one.kind, one.before, one.after) for one in moves] == [
        (ClassKind.tier, None, "vip"), (ClassKind.behaviour, None, "returning"),
    ]  # fmt: skip
    assert moves[0].reason == {"amount": 21_000_000, "over_days": 365}
    told = session.scalars(select(TimelineEntry).where(TimelineEntry.kind == "classified")).all()
    assert len(told) == 3
    days = timeline.shown(session, shop["Rich"], SYSTEM, timeline.Asked())["days"]
    moved = [one for day in days for one in day["entries"] if one["sign"] == SIGNS["classified"]]
    assert moved
    assert all(one["meta"] and not one["quote"] for one in moved)  # in words, not as it is stored
    run = session.scalars(select(ClassRun)).one()
    assert (run.examined, run.moved, run.finished_at is not None) == (4, 3, True)


def test_a_round_that_died_goes_on_where_it_was(shop, change, session, monkeypatch):
    monkeypatch.setattr(queries, "PIECE", 1)
    monkeypatch.setattr(classes, "TOGETHER", 1)
    change(lambda session, cast: classes.ask_round(session, by=cast.hoa))
    session.rollback()
    kept, moves = classes._note, []

    def dies(*given):
        moves.append(1)
        if len(moves) == 2:
            raise KeyboardInterrupt
        kept(*given)

    monkeypatch.setattr(classes, "_note", dies)
    with pytest.raises(KeyboardInterrupt):
        classes.work()
    monkeypatch.setattr(classes, "_note", kept)
    assert classes.work() == 0  # still held by the one that died
    change(lambda session, cast: session.query(ClassRun).update({"lease_until": clock.now() - timedelta(seconds=1)}))
    session.rollback()
    classes.work()
    session.expire_all()
    assert tiers(session) == {"Rich": "vip", "Poor": "small", "Fixed": "vip", "Nobody": "medium"}
    run = session.scalars(select(ClassRun)).one()
    assert (run.moved, run.examined) == (3, 4)
    assert len(session.scalars(select(ClassMove)).all()) == 3


@pytest.mark.both_databases
def test_a_preview_says_of_all_what_the_round_says_of_each(change, session):
    """Of forty customers with all kinds of purchases: the statement and the walk agree."""
    draw = Random(6)

    def make(session, cast):
        classes.ensure_rules(session)
        today = clock.today("Asia/Ho_Chi_Minh")
        run = ClassRun(asked_at=clock.now(), finished_at=clock.now(), status=LeaseState.done)
        session.add(run)
        session.flush()
        for number in range(40):
            one = services.create_customer(session, by=cast.hoa, name=f"Khách {number}")
            one.tier, one.behaviour = draw.choice([None, "vip", "small"]), draw.choice([None, "loyal", "potential"])
            one.tier_is_fixed, one.behaviour_is_fixed = draw.random() < 0.2, draw.random() < 0.2
            if draw.random() < 0.5:
                one.last_contact_at = clock.now() - timedelta(days=draw.randrange(90), minutes=draw.randrange(1440))
            for column in ("tier", "behaviour"):
                if draw.random() < 0.5:
                    session.add(ClassMove(customer_id=one.id, run_id=run.id, at=clock.now(), kind=ClassKind(column),
                                          before=None, after=getattr(one, column) or "", reason={}))  # fmt: skip
            for _purchase in range(draw.choice([0, 0, 1, 2, 4, 8])):
                purchases.add_purchase(
                    session, one, by=cast.hoa, product="Trà", quantity=Decimal(1), amount=draw.randrange(9_000_000),
                    bought_on=today - timedelta(days=draw.choice([0, 30, 59, 60, 61, 90, 181, 240, 365, 400])),
                )  # fmt: skip

    change(make)
    by_kind = queries.all_rules(session)
    walked = Counter(
        (one.kind, one.before, one.after) for piece in queries.pieces(session, by_kind) for one in piece.moves
    )
    seen = queries.preview(session, by_kind)
    assert (dict(seen.moves), seen.examined) == (dict(walked), 40)
    fixed = session.execute(select(Customer.tier_is_fixed, Customer.behaviour_is_fixed)).all()
    assert list(seen.held.values()) == [sum(one) for one in zip(*fixed, strict=True)]
    assert any(after == "" for _kind, _before, after in walked)


def test_what_a_rule_gave_goes_with_what_it_rested_on_and_the_customer_does_not_count_as_changed(shop, change, session):
    def round_(session, cast):
        classes.ask_round(session, by=cast.hoa)

    seen = session.get_one(Customer, shop["Rich"])
    before = (seen.rev, seen.updated_at)
    change(round_)
    session.rollback()
    classes.work()
    session.expire_all()
    assert (seen.tier, seen.behaviour, (seen.rev, seen.updated_at)) == ("vip", "returning", before)
    logged = session.scalars(select(AuditEvent).where(AuditEvent.record_id == seen.id).order_by(AuditEvent.id)).all()
    assert [one.changes for one in logged if one.table_name == "customer"][-1] == {
        "tier": [None, "vip"], "behaviour": [None, "returning"],
    }  # fmt: skip

    def gone(session, cast):
        rich = session.get_one(Customer, shop["Rich"])
        services.change_customer(session, rich, by=cast.hoa, rev=rich.rev, behaviour_is_fixed=True)
        for one in session.scalars(select(Purchase).where(Purchase.customer_id == rich.id)).all():
            purchases.archive_purchase(session, one, by=cast.hoa)

    change(gone)
    change(round_)
    session.rollback()
    classes.work()
    session.expire_all()
    assert (seen.tier, seen.behaviour) == (None, "returning")
    assert tiers(session)["Nobody"] == "medium"  # no rule gave it, so none takes it
    told = session.scalars(select(TimelineEntry).where(TimelineEntry.kind == "classified")).all()[-1]
    assert told.data["to"] is None


def test_one_customer_who_breaks_does_not_stop_the_others_and_a_dead_round_blocks_no_new_one(
    shop, change, session, monkeypatch
):
    kept = classes.record_timeline

    def breaks(session, customer_id, **more):
        if customer_id == shop["Poor"]:
            raise RuntimeError("a broken row")
        return kept(session, customer_id, **more)

    monkeypatch.setattr(classes, "record_timeline", breaks)
    change(lambda session, cast: classes.ask_round(session, by=cast.hoa))
    session.rollback()
    assert classes.work() == 2
    session.expire_all()
    run = session.scalars(select(ClassRun)).one()
    assert (run.failed, run.examined, run.status) == (1, 4, LeaseState.done)
    assert tiers(session) == {"Rich": "vip", "Poor": "vip", "Fixed": "vip", "Nobody": "medium"}

    def given_up(session, cast):
        session.add(ClassRun(asked_at=clock.now(), status=LeaseState.dead, attempts=9))
        session.flush()
        classes.ask_round(session, by=cast.hoa)

    change(given_up)


def test_a_retired_class_keeps_its_rule_and_gets_nobody(shop, change, client):
    def retire(session, cast):
        entry = session.scalars(select(CatalogueEntry).where(CatalogueEntry.code == "vip")).one()
        entry.retired_at = clock.now()

    def look(session, cast):
        known = queries.all_rules(session)
        assert known[ClassKind.tier] == [*rules.DEFAULTS[ClassKind.tier]]
        assert [one.code for one in queries.in_use(session, known)[ClassKind.tier]] == ["medium", "small"]

    change(retire)
    hoa = client("hoa")
    page = hoa.get("/xep-nhom/").text
    assert "đã ngừng dùng" in page
    inputs = re.findall(r'name="((?:tier|behaviour)[^"]+)" value="([^"]*)"', page)
    sent = {name: html.unescape(value) for name, value in inputs}
    assert hoa.post("/xep-nhom/", data=sent | {"do": "save"}).status_code == 302
    change(look)


def test_every_night_has_one_round_and_the_first_day_none(app, session, monkeypatch):
    def nights(*hours):
        for hour in hours:
            at = datetime(2026, 11, 21, 17, tzinfo=UTC) + timedelta(hours=hour)
            monkeypatch.setattr(clock, "now", lambda at=at: at)
            jobs.classify()
        session.rollback()
        return session.scalars(select(ClassRun.night).order_by(ClassRun.id)).all()

    assert nights(1, 9) == []
    assert nights(26, 27, 28) == [date(2026, 11, 23)]
    assert nights(24 + 25, 48 + 9, 48 + 10) == [date(2026, 11, 23), date(2026, 11, 24)]


def test_rules_are_saved_by_whoever_keeps_the_settings(change, session, cast):
    new = {ClassKind.tier: [Rule("small", times=2), Rule("vip", amount=1_000_000)], ClassKind.behaviour: []}
    with pytest.raises(NotAllowedError):
        classes.save_rules(session, new, by=cast.minh)
    with pytest.raises(InvalidInputError) as refused:
        classes.save_rules(session, {ClassKind.tier: [Rule("vip", times=0)]}, by=cast.hoa)
    assert set(refused.value.fields) == {"tier.vip.times"}
    classes.ensure_rules(session)
    classes.save_rules(session, new, by=cast.hoa)
    assert queries.all_rules(session) == new


def test_the_page_shows_what_rules_would_do_before_they_are_saved(shop, client, change):
    hoa, kept = client("hoa"), []
    page = hoa.get("/xep-nhom/")
    assert page.status_code == 200
    typed = {"tier.vip.amount": "100.000.000", "tier.small.times": "1", "do": "preview"}
    told = hoa.post("/xep-nhom/", data=typed)
    assert told.status_code == 200
    assert "2 trong 4 khách hàng sẽ chuyển" in told.text
    change(lambda session, cast: kept.extend(queries.rules_of(session, ClassKind.tier)))
    assert kept == [*rules.DEFAULTS[ClassKind.tier]]
    wrong = hoa.post("/xep-nhom/", data=typed | {"tier.vip.amount": "nhiều", "do": "save"})
    assert (wrong.status_code, 'value="nhiều"' in wrong.text) == (422, True)
    assert hoa.post("/xep-nhom/", data=typed | {"do": "save"}).status_code == 302
    assert client("minh").get("/xep-nhom/").status_code == 403


def test_programs_read_try_and_keep_the_rules_and_the_targets_and_ask_for_a_round(shop, client, change, token):
    change(lambda session, cast: ensure_targets(session))
    program, hoa, lan = client(), token("hoa"), token("lan")
    before = program.get("/api/v1/classes/", headers=hoa).json
    assert [one["code"] for one in before["tier"]] == ["vip", "medium", "small"]
    rules = {"tier": [{"code": "vip", "amount": 1, "over_days": 30}, {"code": "small", "times": None}]}
    seen = program.post("/api/v1/classes/preview", json=rules, headers=hoa).json
    assert seen["moved"] == sum(one["count"] for one in seen["moves"]) > 0
    assert program.get("/api/v1/classes/", headers=hoa).json == before
    saved = program.put("/api/v1/classes/", json=rules, headers=hoa).json
    assert [(one["code"], one["amount"]) for one in saved["tier"]] == [("vip", 1), ("small", None)]
    assert saved["behaviour"] == before["behaviour"]
    wrong = {"tier": [{"code": "vip"}, {"code": "vip"}, {"code": "none"}]}
    refused = program.put("/api/v1/classes/", json=wrong, headers=hoa)
    assert (refused.status_code, set(refused.json["fields"])) == (422, {"tier.1.code", "tier.2.code"})
    assert program.post("/api/v1/classes/rounds", json={}, headers=hoa).status_code == 201
    assert program.post("/api/v1/classes/rounds", json={}, headers=hoa).status_code == 409
    assert program.get("/api/v1/classes/rounds", headers=hoa).json["result"][0]["status"] == "waiting"
    assert program.put("/api/v1/classes/", json=rules, headers=lan).status_code == 403

    targets = "/api/v1/forgotten/targets"
    kept = program.put(targets, json={"result": [{"tier": "vip", "days": 7}, {"days": None}]}, headers=hoa).json
    days = {one["tier"]: one["days"] for one in kept["result"]}
    assert (days["vip"], days["medium"], days[None]) == (7, 30, None)
    for told, key in (({"tier": "vip", "days": 0}, "days"), ({"tier": "zzz", "days": 1}, "tier"), ({}, "days")):
        refused = program.put(targets, json={"result": [told]}, headers=hoa)
        assert (refused.status_code, set(refused.json["fields"])) == (422, {f"result.0.{key}"})
