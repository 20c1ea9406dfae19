"""Who uses a record: counted for everybody, named as far as one may see, and no foreign key forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core import uses
from app.core.access import SYSTEM, has_row_rule
from app.core.db import transaction
from app.core.errors import BusinessError
from app.customers.models import Customer
from app.customers.services import archive_customer
from app.forms import services as forms
from app.forms.models import Form
from app.forms.queries import form_by_code
from app.processes import drawing
from app.processes import services as processes
from app.processes.models import Process
from app.security import leaving
from app.security import services as security
from app.security.models import Team
from app.tasks.models import Task
from app.uses import KINDS


def sentences(found) -> list[str]:
    return [str(use.sentence) for use in found]


def test_every_foreign_key_has_its_place(app):
    assert uses.unplaced() == [], "say in app/uses.py whether it is a use, and in which words"


def test_whoever_is_named_as_a_user_has_a_name(app):
    named = [kind.model for kind in KINDS if has_row_rule(kind.model)]
    assert named
    assert [model.__name__ for model in named if model.__str__ is object.__str__] == []


def test_the_work_of_a_customer_is_counted_open_apart_from_closed(session, story):
    story.start()
    found = uses.uses_of(session, Customer, story.customer_id, story.cast.lan)
    assert sentences(found) == ["1 hồ sơ đang chạy", "1 việc đang mở"]
    task = next(use for use in found if use.kind.model is Task)
    assert (task.titles[0].url or "").startswith("/cong-viec/")
    assert task.beyond is None


def test_what_one_may_not_see_is_counted_and_not_named(session, story):
    story.start()
    found = uses.uses_of(session, Customer, story.customer_id, story.cast.tuan)
    assert [(use.count, use.hidden, list(use.titles)) for use in found] == [(1, 1, []), (1, 1, [])]
    assert str(found[0].beyond) == "có 1 mục bạn không xem được"


def test_who_uses_a_version_uses_its_process_and_who_uses_two_counts_once(session, story):
    story.start()
    process = story.process()
    assert sentences(uses.uses_of(session, Process, process.id, SYSTEM)) == ["1 hồ sơ đang chạy"]
    assert sentences(uses.uses_of_many(session, Process, [process.id, process.id], SYSTEM)) == ["1 hồ sơ đang chạy"]


def test_more_than_are_counted_are_told_as_more(session, story, monkeypatch):
    story.start()
    story.start()
    monkeypatch.setattr(uses, "MOST_COUNTED", 1)
    found = uses.uses_of(session, Customer, story.customer_id, SYSTEM)
    assert sentences(found)[0].startswith("hơn 1 hồ sơ")


def test_a_record_that_nobody_uses_has_no_users(session, cast):
    with transaction(cast.hoa) as inside:
        team = security.create_team(inside, code="moi", name="Mới", by=cast.hoa)
    assert uses.uses_of(session, Team, team.id, cast.hoa) == []


# ── where it must not happen ──
@pytest.mark.both_databases
def test_a_team_with_people_is_kept_and_an_empty_one_leaves_and_comes_back(session, cast):
    with pytest.raises(uses.InUseError) as refused, transaction(cast.hoa) as inside:
        security.archive_team(inside, inside.get_one(Team, cast.team("cskh").id), by=cast.hoa)
    assert "2 người" in str(refused.value)
    with transaction(cast.hoa) as inside:
        team = security.create_team(inside, code="moi", name="Mới", by=cast.hoa)
        below = security.create_team(inside, code="duoi", name="Tổ dưới", parent=team, by=cast.hoa)
        with pytest.raises(uses.InUseError, match="Tổ dưới"):
            security.archive_team(inside, team, by=cast.hoa)
        security.archive_team(inside, below, by=cast.hoa)
        security.archive_team(inside, team, by=cast.hoa)
        with pytest.raises(BusinessError, match="Mới"):
            security.restore_team(inside, below, by=cast.hoa)
        security.restore_team(inside, team, by=cast.hoa)
        security.restore_team(inside, below, by=cast.hoa)
    assert below.archived_at is None


def test_a_team_that_a_process_gives_work_to_is_kept(session, story):
    story.process()
    with pytest.raises(uses.InUseError, match="Giao hàng chậm"), transaction(story.cast.hoa) as inside:
        security.archive_team(inside, inside.get_one(Team, story.cast.team("cskh").id), by=story.cast.hoa)


def test_a_form_that_a_process_asks_is_kept_until_the_process_is_retired(session, story):
    process = story.process()
    hoa = story.cast.hoa
    with pytest.raises(uses.InUseError, match=process.name), transaction(hoa) as inside:
        forms.retire_form(inside, form_by_code(inside, "phan-anh-giao-cham"), by=hoa)
    with transaction(hoa) as inside:
        drawing.retire_process(inside, inside.get_one(Process, process.id), by=hoa)
        forms.retire_form(inside, form_by_code(inside, "phan-anh-giao-cham"), by=hoa)
    assert session.query(Form).filter(Form.archived_at.is_not(None)).count() == 1


def test_a_retired_process_is_not_begun_and_what_runs_goes_on(session, story):
    instance = story.start()
    with transaction(story.cast.hoa) as inside:
        drawing.retire_process(inside, inside.get_one(Process, story.process().id), by=story.cast.hoa)
    with pytest.raises(processes.ProcessRetiredError):
        story.start()
    assert story.task(instance, "receive").is_open


def test_the_last_administrator_stays(session, cast):
    with pytest.raises(BusinessError, match="người quản trị cuối cùng"), transaction(SYSTEM) as inside:
        leaving.deactivate_member(inside, inside.merge(cast.member("hoa")), by=SYSTEM)


def test_an_archived_customer_keeps_what_used_it(session, story):
    story.start()
    with transaction(story.cast.minh) as inside:
        archive_customer(inside, inside.get_one(Customer, story.customer_id), by=story.cast.minh)
    assert sentences(uses.uses_of(session, Customer, story.customer_id, SYSTEM))


def test_a_process_that_one_may_not_see_is_counted_where_it_needs_a_team_and_not_named(session, story):
    process, team, hoa = story.process(), session.query(Team).filter_by(code="cskh").one(), story.cast.hoa
    blind = replace(hoa, permissions=hoa.permissions - {("view", "Process")})
    told, hidden = (str(security.team_hindrances(session, [team], who)[team.id]) for who in (hoa, blind))
    assert process.name in told
    assert process.name not in hidden
    assert "1 mục mà bạn không xem được" in hidden
