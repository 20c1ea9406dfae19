"""All process files of a process go to another version by the worker: each once, and whoever cannot stays."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select, update

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import ConflictError
from app.core.leases import LeaseState
from app.notifications.models import Notification
from app.processes import migrating, version_moves
from app.processes.models import ProcessInstance, ProcessVersion, VersionMove
from app.security.queries import present_actor
from tests.cast import Cast
from tests.processes.drawn import Drawn
from tests.story import MONDAY

PATH = "/phien-ban/thu-nghiem/?den=2"


@pytest.fixture(autouse=True)
def _monday(monkeypatch):
    monkeypatch.setattr(version_moves, "LOT", 2)
    with clock.at(MONDAY):
        yield


@pytest.fixture
def drawn(session, cast):
    """Five files by version 1; the second and the fourth have done what version 2 does not have."""
    drawn = Drawn(session, cast, "start > ask > check > end")
    for number in range(5):
        instance = drawn.start()
        if number % 2:
            drawn.finish(instance, "ask")
    drawn.publish("start > ask > look > end", by=cast.hoa)
    return drawn


def begun(drawn, **more):
    with transaction(drawn.cast.hoa) as inside:
        version = inside.scalars(select(ProcessVersion).where(ProcessVersion.number == 2)).one()
        return version_moves.begin(
            inside, version, more.pop("names", {}), by=drawn.cast.hoa, reason="Quy trình mới", anew=False
        ).id


def work(drawn):
    drawn.session.rollback()
    version_moves.run_waiting(present_actor)
    drawn.session.rollback()


def versions(drawn):
    drawn.session.rollback()
    numbers = select(ProcessVersion.number).join(ProcessInstance, ProcessInstance.version_id == ProcessVersion.id)
    return drawn.session.scalars(numbers.order_by(ProcessInstance.id)).all()


def told(drawn):
    rows = select(Notification.kind, Notification.data).where(Notification.kind.startswith("version_move"))
    return [(kind, data["count"]) for kind, data in drawn.session.execute(rows)]


@pytest.mark.both_databases
def test_each_that_can_is_moved_and_counted_once(drawn):
    begun(drawn)
    with pytest.raises(ConflictError):
        begun(drawn)
    work(drawn)
    move = version_moves.newest(drawn.session, drawn.process_id)
    assert (move.rows_all, move.moved, move.stayed, move.is_working) == (5, 3, 2, False)
    assert versions(drawn) == [2, 1, 2, 1, 2]
    assert told(drawn) == [("version_move_done", 3)]
    begun(drawn, names={"check": "look"})
    work(drawn)
    assert versions(drawn) == [2] * 5
    for number in range(1, 6):
        drawn.check(number)


@pytest.mark.both_databases
def test_a_worker_that_dies_over_one_leaves_the_rest_to_the_next_and_counts_no_other_twice(drawn, monkeypatch):
    begun(drawn)
    move_one = migrating.move_to_version

    def dies(session, instance_id, *all_, **more):
        if instance_id == 3:
            raise SystemExit
        return move_one(session, instance_id, *all_, **more)

    with monkeypatch.context() as patched:
        patched.setattr(migrating, "move_to_version", dies)
        with pytest.raises(SystemExit):
            work(drawn)
    assert versions(drawn) == [2, 1, 1, 1, 1]
    with clock.at(MONDAY + 2 * version_moves.turns.LEASE):
        work(drawn)
    move = version_moves.newest(drawn.session, drawn.process_id)
    assert (versions(drawn), move.moved, move.stayed) == ([2, 1, 2, 1, 2], 3, 2)


def test_one_over_which_the_product_stumbles_stays_and_stops_no_other(drawn, monkeypatch):
    begun(drawn)
    move_one = migrating.move_to_version

    def stumbles(session, instance_id, *all_, **more):
        return 1 / 0 if instance_id == 1 else move_one(session, instance_id, *all_, **more)

    monkeypatch.setattr(migrating, "move_to_version", stumbles)
    work(drawn)
    move = version_moves.newest(drawn.session, drawn.process_id)
    assert (versions(drawn), move.moved, move.stayed) == ([1, 1, 2, 1, 2], 2, 3)


def test_whoever_may_not_draw_any_more_moves_nobody(drawn):
    begun(drawn)
    with transaction() as inside:
        inside.execute(update(VersionMove).values(member_id=drawn.cast.lan.user_id))
    work(drawn)
    move = version_moves.newest(drawn.session, drawn.process_id)
    assert (move.status, move.problem) == (
        LeaseState.dead, "Quyền vẽ quy trình này đã bị thu lại. Hồ sơ nào đã chuyển thì giữ nguyên như bây giờ.",
    )  # fmt: skip
    assert (versions(drawn), told(drawn)) == ([1] * 5, [("version_move_stopped", 0)])


def test_on_the_page_all_are_moved_seen_on_their_way_and_stopped(app, client):
    with app.app_context():
        drawn = Drawn(db.session(), Cast(db.session()), "start > ask > check > end")
        for _one in range(27):
            drawn.start()
        drawn.finish(27, "ask")
        drawn.publish("start > ask > look > end", by=drawn.cast.hoa)
    hoa = client("hoa")
    assert "Chuyển tất cả hồ sơ chuyển được" in hoa.get(PATH).text
    assert hoa.post(PATH, data={"tat_ca": "1", "reason": ""}).status_code == 422
    asked = {"tat_ca": "1", "reason": "Quy trình mới"}
    begun_page = hoa.post(PATH, data=asked, follow_redirects=True).text
    assert "Đang chuyển sang phiên bản 2" in begun_page
    assert "0 trên 27 hồ sơ" in begun_page
    assert "đang được chuyển" in hoa.post(PATH, data=asked, follow_redirects=True).text
    assert hoa.get("/phien-ban/thu-nghiem/?phan=1").status_code == 200
    stopped = hoa.post("/phien-ban/thu-nghiem/dung", follow_redirects=True).text
    assert "Đã dừng giữa chừng." in stopped
    assert "Việc này đã xong rồi." in hoa.post("/phien-ban/thu-nghiem/dung", follow_redirects=True).text
    hoa.post(PATH, data=asked)
    with app.app_context():
        version_moves.run_waiting(present_actor)
    assert hoa.get("/phien-ban/thu-nghiem/?phan=1").headers["HX-Refresh"] == "true"
    over = BeautifulSoup(hoa.get(PATH).text, "lxml")
    assert (
        "đã chuyển 26 hồ sơ sang phiên bản này, 1 hồ sơ giữ nguyên." in over.select_one("[aria-labelledby=chuyen]").text
    )
    assert [one["value"] for one in over.select("input[name=ho_so]")] == []
