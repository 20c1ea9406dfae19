"""Many customers changed in one go: as each one would be alone, told in numbers before, and given back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import func, select

from app.core import clock
from app.core.access import FieldRight, FieldRule
from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.errors import ConflictError, InvalidInputError
from app.core.turns import LEASE
from app.customers import services as customers
from app.customers import tags
from app.customers.bulk import changing, fields, queries, services
from app.customers.bulk.models import BulkEdit, BulkEditRow, BulkOutcome, BulkPhase
from app.customers.bulk.queries import Fate
from app.customers.models import Customer, TimelineEntry
from app.customers.profile_models import CustomerStage
from app.jobs import run_bulk_edits
from app.notifications.models import Notification
from config import ROOT
from tests.cast import Cast
from tests.core.test_exports import counted
from tests.rest import Rest


def made(by: Any, *names: str, **values: Any) -> list[int]:
    with transaction(by) as session:
        return [customers.create_customer(session, by=by, name=name, **values).id for name in names]


def one(number: int) -> Customer:
    db.session.rollback()
    return db.session.get_one(Customer, number)


def edit(number: int) -> BulkEdit:
    db.session.rollback()
    return db.session.get_one(BulkEdit, number)


def begun(by: Any, ids: list[int], **typed: Any) -> int:
    """Chosen, and said what is set."""
    with transaction(by) as session:
        job = services.choose(session, ids, by=by)
        services.say(session, job, typed, by=by)
        return job.id


def go(step: Any, number: int, by: Any) -> BulkEdit:
    with transaction(by) as session:
        step(session, session.get_one(BulkEdit, number), by=by)
    return edit(number)


def reasons(number: int, customer_id: int) -> str:
    rows = select(BulkEditRow.reasons).where(BulkEditRow.job_id == number, BulkEditRow.customer_id == customer_id)
    return " ".join(db.session.scalar(rows) or [])


def kinds(customer_id: int) -> list[str]:
    rows = select(TimelineEntry.kind).where(TimelineEntry.customer_id == customer_id).order_by(TimelineEntry.id)
    return list(db.session.scalars(rows))


@pytest.mark.both_databases
def test_everybody_is_changed_as_alone_and_given_back_where_nobody_touched_it_since(app: Flask, cast):
    an, binh, chi = made(cast.lan, "An", "Bình", "Chi", tier="medium")
    with transaction(cast.lan) as session:
        tags.set_tags(session, session.get_one(Customer, an), ["cũ"], by=cast.lan)
    number = begun(
        cast.minh, [an, binh, chi], tier="vip", stage="buying", stage_reason="Đợt tháng 11", owner=cast.minh.user_id,
        tags_add=["Tết"], tags_remove=["cu"], risk_reason="Chậm trả",
    )  # fmt: skip
    done = go(services.apply, number, cast.minh)
    assert (done.phase, done.written) == (BulkPhase.applied, {BulkOutcome.changed: 3})
    changed = one(an)
    assert (changed.tier, changed.tier_is_fixed, changed.stage, changed.owner_id) == (
        "vip", True, "buying", cast.minh.user_id,
    )  # fmt: skip
    assert changed.risk_since is not None
    assert "tet" in changed.search_text
    assert "cu" not in changed.search_text.split("|")[0].split()
    assert kinds(an) == ["created", "tagged", "changed", "stage_changed", "tagged"]
    way = select(CustomerStage.reason).where(CustomerStage.customer_id == an, CustomerStage.until.is_(None))
    assert db.session.scalar(way) == "Đợt tháng 11"
    events = select(func.count(AuditEvent.id)).where(
        AuditEvent.table_name == "customer", AuditEvent.record_id == an, AuditEvent.actor_id == cast.minh.user_id
    )
    assert db.session.scalar(events)

    with transaction(cast.lan) as session:
        touched = session.get_one(Customer, binh)
        customers.change_customer(session, touched, by=cast.lan, rev=touched.rev, tier="small")
    back = go(services.undo, number, cast.minh)
    assert back.phase is BulkPhase.undone
    assert (back.written[BulkOutcome.undone], back.written[BulkOutcome.left]) == (2, 1)
    given = one(an)
    assert (given.tier, given.tier_is_fixed, given.stage, given.owner_id, given.risk_reason, given.risk_since) == (
        "medium", True, None, cast.lan.user_id, None, None,
    )  # fmt: skip
    worn = select(func.count()).select_from(CustomerStage).where(CustomerStage.customer_id == an)
    assert db.session.scalar(worn) == 1
    assert [tag.name for tag in tags.worn(db.session(), [an])[an]] == ["cũ"]
    left = one(binh)  # the tier is Lan's now, the rest is as it was
    assert (left.tier, left.owner_id, left.stage) == ("small", cast.lan.user_id, None)
    assert cast.lan.name in reasons(number, binh)
    with transaction(cast.minh) as session, pytest.raises(ConflictError):
        services.undo(session, session.get_one(BulkEdit, number), by=cast.minh)


def test_who_may_not_be_changed_is_counted_before_and_left_with_the_reason(app: Flask, cast):
    an, gone, has = made(cast.lan, "An", "Gone", "Has")
    (foreign,) = made(cast.tuan, "Dũng")
    with transaction(cast.hoa) as session:
        customers.archive_customer(session, session.get_one(Customer, gone), by=cast.hoa)
        already = session.get_one(Customer, has)
        customers.change_customer(session, already, by=cast.hoa, rev=already.rev, tier="vip")
    with transaction(cast.lan) as session:
        job = services.choose(session, [an, gone, has, foreign], by=cast.lan)
        services.say(session, job, {"tier": "vip"}, by=cast.lan)
        assert job.rows_all == 3  # Dũng is not hers to see: she never hears of him
        told = queries.preview(session, job, cast.lan)
        assert told.counts == {Fate.change: 1, Fate.same: 1, Fate.archived: 1}
        assert [code for code, _name in told.named[Fate.archived]] == [session.get_one(Customer, gone).code]
        number = job.id
    with transaction(cast.minh) as session:  # somebody is faster than Lan
        met = session.get_one(Customer, an)
        customers.change_customer(session, met, by=cast.minh, rev=met.rev, note="Mới gọi")
    done = go(services.apply, number, cast.lan)
    assert done.written == {BulkOutcome.same: 1, BulkOutcome.refused: 2}
    assert (one(an).tier, one(an).note) == (None, "Mới gọi")
    assert cast.minh.name in reasons(number, an)
    assert not services.can_undo(done)


def test_only_what_one_may_write_is_offered_and_taken(app: Flask, cast):
    (an,) = made(cast.lan, "An")
    assert not {"owner", "team"} & fields.fields_for(cast.lan).keys()
    assert fields.fields_for(cast.minh).keys() == fields.FIELDS.keys()
    withheld = replace(cast.minh, fields={("Customer", "source"): FieldRule(FieldRight.read_only)})
    assert "source" not in fields.fields_for(withheld)
    yesterday = clock.today(cast.lan.time_zone) - timedelta(days=1)
    for by, typed, beside in (
        (cast.lan, {}, "set"),
        (cast.lan, {"owner": cast.lan.user_id}, "owner"),
        (withheld, {"source": "zalo"}, "source"),
        (cast.lan, {"name": "Khác"}, "name"),
        (cast.lan, {"tier": "gold"}, "tier"),
        (cast.lan, {"do_not_contact": True}, "do_not_contact_reason"),
        (cast.lan, {"next_contact_on": yesterday}, "next_contact_on"),
        (cast.lan, {"tags_add": ["#"]}, "tags_add"),
        (cast.minh, {"owner": 99_999}, "owner"),
    ):
        with transaction(by) as session, pytest.raises(InvalidInputError) as refusal:
            services.say(session, services.choose(session, [an], by=by), typed, by=by)
        assert beside in refusal.value.fields, typed


KILLED = """
import os, signal, sys
from pathlib import Path
from app import create_app
from app.customers.bulk import changing
from app.jobs import run_bulk_edits
from config import TestConfig

app = create_app(TestConfig(Path(sys.argv[1]), database_url=sys.argv[2]))
changing.LOT = 4
count, lots = changing._count, []
def count_and_die(*arguments):
    count(*arguments)
    lots.append(1)
    if len(lots) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
changing._count = count_and_die
with app.app_context():
    run_bulk_edits()
"""


@pytest.mark.usefixtures("machine_time")
def test_a_worker_killed_half_way_is_followed_by_one_that_goes_on_and_it_is_taken_back_by_the_worker(
    app: Flask, cast, monkeypatch
):
    monkeypatch.setattr(services, "AT_ONCE", 5)
    monkeypatch.setattr(changing, "LOT", 4)
    ids = made(cast.lan, *(f"Khách {number}" for number in range(14)))

    def of(tier: str | None) -> int:
        db.session.rollback()
        return db.session.scalar(select(func.count(Customer.id)).where(Customer.tier == tier)) or 0

    number = begun(cast.lan, ids, tier="vip")
    assert go(services.apply, number, cast.lan).state is BulkPhase.applying
    db.session.close()
    place = app.config["UPLOAD_FOLDER"].removesuffix("/uploads")
    died = subprocess.run(
        [sys.executable, "-c", KILLED, place, db.engine.url.render_as_string(hide_password=False)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, timeout=120, capture_output=True,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert of("vip") == 8  # the third lot went with its transaction
    run_bulk_edits()
    assert of("vip") == 8  # its lease still stands
    with clock.at(clock.now() + LEASE):
        run_bulk_edits()
    job = edit(number)
    assert (job.phase, job.written, of("vip")) == (BulkPhase.applied, {BulkOutcome.changed: 14}, 14)
    assert kinds(ids[0]) == ["created", "changed"]
    go(services.undo, number, cast.lan)
    run_bulk_edits()
    assert (edit(number).phase, of("vip")) == (BulkPhase.undone, 0)
    told = select(Notification.kind).where(Notification.user_id == cast.lan.user_id).order_by(Notification.id)
    assert db.session.scalars(told).all() == ["bulk_edit_done", "bulk_edit_undone"]


def test_the_number_of_statements_grows_with_lots_not_with_customers(app: Flask, cast, monkeypatch):
    monkeypatch.setattr(services, "AT_ONCE", 2)
    spent: dict[int, list[int]] = {}
    for count in (4, 60):
        ids = made(cast.lan, *(f"Khách {count} {number}" for number in range(count)), tier="small")
        number = begun(
            cast.minh, ids, tier="vip", stage="buying", owner=cast.minh.user_id, tags_add=["Tết"], risk_reason="Trễ"
        )
        for step in (services.apply, services.undo):
            go(step, number, cast.minh)
            with counted() as statements:
                run_bulk_edits()
            # What is written is written row by row; nothing is asked for each of them.
            asked = [one for one in statements if not one.startswith(("INSERT INTO customer", "UPDATE customer "))]
            spent.setdefault(count, []).append(len(asked))
        assert edit(number).written[BulkOutcome.undone] == count
        assert kinds(ids[-1]) == ["created", *["changed", "stage_changed", "tagged"] * 2]
    assert all(many <= few for few, many in zip(spent[4], spent[60], strict=True)), spent


def of_lan(app: Flask, *names: str, **values: Any) -> list[int]:
    """Customers of hers, without leaving a context open."""
    with app.app_context():
        return made(Cast(db.session()).lan, *names, **values)


def each(app: Flask, column: Any, ids: list[int]) -> list[Any]:
    with app.app_context():
        return list(db.session.scalars(select(column).where(Customer.id.in_(ids)).order_by(Customer.id)))


def test_on_the_pages_rows_are_chosen_set_counted_changed_and_taken_back(app: Flask, client):
    ids = of_lan(app, "An", "Bình", tier="small")
    page = client("lan")
    listed = page.get("/khach-hang/list/").text
    assert "/khach-hang/sua-hang-loat/chon" in listed  # she may archive nobody, and change many all the same
    chosen = page.post("/khach-hang/sua-hang-loat/chon", data={"all": "1", "query": "?where=tier = 'small'",
                                                               "back": "/khach-hang/list/?q=x"})  # fmt: skip
    address = chosen.headers["Location"]
    form = page.get(address).text
    assert 'name="tier"' in form
    assert 'name="owner"' not in form
    refused = page.post(f"{address}/xem", data={"set": ["next_contact_on", "tags_add"], "next_contact_on": "31/02/2030",
                                               "tags_add": "Tết"})  # fmt: skip
    assert refused.status_code == 422
    assert "31/02/2030" in refused.text
    assert 'value="Tết"' in refused.text
    seen = page.post(f"{address}/xem", data={"set": "tier", "tier": "vip"}, follow_redirects=True).text
    assert "2 khách hàng" in seen
    done = page.post(f"{address}/lam")
    assert done.headers["Location"] == "/khach-hang/list/?q=x"
    told = page.get("/khach-hang/list/").text
    assert f"{address}/hoan-tac" in told
    assert each(app, Customer.tier, ids) == ["vip", "vip"]
    assert client("tuan").get(address).status_code == 404
    back = page.post(f"{address}/hoan-tac", data={"back": "/khach-hang/list/"})
    assert back.headers["Location"] == "/khach-hang/list/"
    assert each(app, Customer.tier, ids) == ["small", "small"]
    assert page.get(address).status_code == 200
    assert address in page.get("/khach-hang/sua-hang-loat/").text


def test_ones_own_bulk_edit_is_not_called_another_tab(app: Flask, client):
    number = of_lan(app, "An", tier="small")[0]
    lan, rest = client("lan"), Rest(app, "lan")
    rev = rest.get(f"customers/{number}").json["rev"]
    assert rest.post("bulk_edits/", {"customers": [number], "set": {"tier": "vip"}}).json["written"] == {"changed": 1}
    page = lan.post(f"/khach-hang/edit/{number}", data={"name": "An Khang", "kind": "person", "rev": str(rev)})
    assert page.status_code == 409
    told = BeautifulSoup(page.text, "lxml").select_one(".tt-conflict").text
    assert "sửa hàng loạt" in told


def test_a_program_does_the_same_with_a_dry_run_first(app: Flask):
    ids = of_lan(app, "An", "Bình")
    minh = Rest(app, "minh")
    wrong = minh.post("bulk_edits/", {"customers": ids, "set": {"tier": "gold", "owner": "nobody"}})
    assert (wrong.status_code, set(wrong.json["fields"])) == (422, {"set.owner"})
    assert minh.post("bulk_edits/", {"set": {"tier": "vip"}}).status_code == 400
    dry = minh.post("bulk_edits/", {"where": "name contains 'an'", "set": {"owner": "minh"}, "dry_run": True}).json
    assert (dry["state"], dry["preview"]["changes"], dry["total"]) == ("draft", 1, 1)
    done = minh.post(f"bulk_edits/{dry['id']}/apply").json
    assert (done["state"], done["written"], done["set"]) == ("applied", {"changed": 1}, {"owner": "minh"})
    assert minh.get(f"customers/{ids[0]}").json["owner"] == "minh"
    assert [row["customer"] for row in minh.rows(f"bulk_edits/{dry['id']}/rows", outcome="changed")] == ids[:1]
    assert minh.post(f"bulk_edits/{dry['id']}/undo").json["state"] == "undone"
    assert minh.get(f"customers/{ids[0]}").json["owner"] == "lan"
    lan = Rest(app, "lan")
    assert lan.get(f"bulk_edits/{dry['id']}").status_code == 404
    assert lan.post("bulk_edits/", {"customers": ids, "set": {"owner": "lan"}}).status_code in (403, 422)


def test_what_nobody_went_on_with_is_thrown_away_and_old_rows_too(app: Flask, cast):
    ids = made(cast.lan, "An")
    draft, old = begun(cast.lan, ids, tier="vip"), begun(cast.lan, ids, tier="vip")
    go(services.apply, old, cast.lan)
    with transaction() as session:
        services.forget(session, at=clock.now() + services.UNDO_FOR + timedelta(minutes=1))
    assert db.session.get(BulkEdit, draft) is None
    assert edit(old).written == {BulkOutcome.changed: 1}
    assert db.session.scalar(select(func.count(BulkEditRow.id))) == 0
