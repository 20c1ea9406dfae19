"""Whom a process file waits for outside, and when it is asked again: on its page, for programs, and in numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock
from app.core.db import db, transaction
from app.processes import jobs, services
from tests.cast import Cast
from tests.processes.drawn import Drawn
from tests.processes.test_requests import FLOW, HTTP, keep
from tests.receiver import receiver_here
from tests.story import MONDAY

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def _monday():
    with clock.at(MONDAY):
        yield


def test_whoever_sees_the_file_reads_how_the_call_stands_and_when_it_is_made_again(app, client, token, monkeypatch):
    monkeypatch.setitem(app.config, "METRICS_TOKEN", "a-long-secret")
    with receiver_here() as outside:
        outside.says(500, {})
        with app.app_context():
            cast = Cast(db.session())
            keep(cast, outside.url)
            drawn = Drawn(db.session(), cast, FLOW, services={"serve": HTTP})
            instance = drawn.start(amount=5, order_code="DH-1")
            drawn.finish(instance, "ask")
        lan, path = client("lan"), f"/api/v1/instances/{instance}"

        def seen():
            """What its page says, what programs read of it, and the numbers."""
            numbers = app.test_client().get("/metrics", headers={"Authorization": "Bearer a-long-secret"}).text
            told = dict(line.rsplit(" ", 1) for line in numbers.splitlines() if not line.startswith("#"))
            return lan.get(f"/ho-so/{instance}").text, lan.get(path).json["calls"], told

        page, calls, numbers = seen()
        assert "Chờ phần mềm bên ngoài trả lời" in page
        assert "Sắp gọi Kho" in page
        assert [(one["node"], one["state"], one["tries"]) for one in calls] == [("serve", "waiting", 0)]
        assert (numbers['tantam_requests{state="waiting"}'], numbers["tantam_requests_failing"]) == ("1", "0")

        with app.app_context():
            assert jobs.ask_outside() == 1
        with clock.at(MONDAY + timedelta(seconds=30)):
            page, calls, numbers = seen()
        assert "Kho hàng đang gặp trục trặc (mã 500). Đã thử 1 lần. Còn 3 lần." in page
        assert "Thử lại" in page
        (call,) = calls
        assert (call["state"], call["tries"], call["tries_left"]) == ("retrying", 1, 3)
        assert call["again_at"] == "2026-11-23T02:01:00Z"
        assert call["key"] == outside.heard[0].headers["Idempotency-Key"]
        assert (numbers['tantam_requests_total{result="5xx"}'], numbers["tantam_requests_failing"]) == ("1", "1")
        assert numbers["tantam_requests_oldest_wait_seconds"] == "30"

        with app.app_context():
            cast = Cast(db.session())
            with transaction(cast.lan) as inside:
                services.suspend_instance(inside, instance, by=cast.lan, reason="Chờ khách")
        page, calls, numbers = seen()
        assert "Chờ đến khi hồ sơ chạy tiếp" in page
        assert (calls[0]["state"], numbers['tantam_requests{state="held"}']) == ("paused", "1")

        outside.says(200, {"result": {"count": 1}})
        with app.app_context():
            cast = Cast(db.session())
            with transaction(cast.lan) as inside:
                services.resume_instance(inside, instance, by=cast.lan)
        with clock.at(MONDAY + timedelta(minutes=1)):
            with app.app_context():
                assert jobs.ask_outside() == 1
            page, calls, numbers = seen()
        assert (calls, "Chờ phần mềm bên ngoài" in page) == ([], False)
        assert numbers['tantam_requests_total{result="ok"}'] == "1"
        assert numbers["tantam_requests_oldest_wait_seconds"] == "0"
    events = {one["kind"]: one for one in lan.get(f"{path}/events").json["result"]}
    assert events["instance_suspended"]["reason"] == "Chờ khách"
