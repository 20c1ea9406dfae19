"""The numbers that a monitor collects: for whoever has the token alone, and without names."""

from __future__ import annotations

from app.core.db import db
from tests.cast import Cast
from tests.story import Story


def test_a_monitor_with_the_token_reads_how_the_engine_is(app, monkeypatch):
    with app.app_context():
        story = Story(db.session(), Cast(db.session()))
        story.start()
    browser = app.test_client()
    assert browser.get("/metrics").status_code == 404
    assert browser.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    monkeypatch.setitem(app.config, "METRICS_TOKEN", "a-long-secret")
    assert browser.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    answer = browser.get("/metrics", headers={"Authorization": "Bearer a-long-secret"})
    assert answer.content_type.startswith("text/plain")
    told = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert told['tantam_instances{status="running"}'] == "1"
    assert (told["tantam_tasks_open"], told["tantam_tasks_orphan"], told["tantam_instances_stuck"]) == ("1", "0", "0")
    assert int(told["tantam_engine_turns_total"]) >= 1
    assert float(told["tantam_engine_turn_seconds_total"]) > 0
