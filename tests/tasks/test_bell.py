"""What the bell says about tasks reaches the page in words."""

from __future__ import annotations

from datetime import UTC, datetime

from app.core.access import SYSTEM
from app.core.db import transaction
from app.notifications.services import post_bell
from app.security.queries import member_by_username


def test_a_bell_line_about_a_task_names_it(app, client):
    with app.app_context(), transaction(SYSTEM) as session:
        lan = member_by_username(session, "lan")
        for kind in ("task_assigned", "task_overdue"):
            post_bell(
                session, to=lan.id, kind=kind, data={"task": "Gọi lại khách", "by": "Quang Minh"}, subject_type="task",
                subject_id=1, at=datetime(2026, 11, 23, 2, tzinfo=UTC),
            )  # fmt: skip
    page = client("lan").get("/thong-bao/").text
    assert page.count("Gọi lại khách") >= 2
    assert "Quang Minh" in page
