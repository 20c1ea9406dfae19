"""How does a program work with the product in a test? It signs in as one of the cast and speaks JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.processes import library
from tests.cast import PASSWORD

LATE_DELIVERY = "giao-hang-cham"

#: who does which step of the late delivery, and with which answers
STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "receive": ("lan", {"happened": "Đơn trễ một ngày", "compensation": 0, "apology": "Em xin lỗi chị"}),
    "find-order": ("binh", {"order_status": "on_the_way", "finding": "Xe hỏng ở Gia Lâm"}),
    "update": ("lan", {"channel": "phone", "message": "Hẹn giao sáng mai"}),
    "approve": ("minh", {}),
    "call-back": ("lan", {"reached": "reached", "satisfied": True}),
}


class Rest:
    """The interface as one of the cast sees it; without a name, as nobody."""

    def __init__(self, app: Flask, username: str | None = None, **headers: str) -> None:
        self._client = app.test_client()
        self._headers = headers
        if username is not None:
            body = {"username": username, "password": PASSWORD, "provider": "db"}
            answer = self._client.post("/api/v1/security/login", json=body)
            assert answer.status_code == 200, answer.text
            self._headers = {"Authorization": f"Bearer {answer.json['access_token']}", **headers}

    def get(self, path: str, **query: object) -> TestResponse:
        return self._client.get(f"/api/v1/{path}", query_string=query or None, headers=self._headers)

    def post(self, path: str, body: object = None, *, key: str | None = None, **more: Any) -> TestResponse:
        headers = {**self._headers, **({"Idempotency-Key": key} if key is not None else {})}
        content = more or {"json": {} if body is None else body}
        return self._client.post(f"/api/v1/{path}", headers=headers, **content)

    def put(self, path: str, body: object = None, **more: Any) -> TestResponse:
        content = more or {"json": body}
        return self._client.put(f"/api/v1/{path}", headers=self._headers, **content)

    def rows(self, path: str, **query: object) -> list[dict[str, Any]]:
        """The rows of a list."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json["result"]

    def customer(self, name: str = "Đặng Thị Mỹ Duyên", phone: str = "0912 345 678", **more: object) -> dict[str, Any]:
        """A new one; that there is somebody with this number already does not matter."""
        answer = self.post("customers/", {"name": name, "phone": phone, **more})
        if answer.status_code == 409:
            more["duplicate_reason"] = "Hai người dùng chung số"
            answer = self.post("customers/", {"name": name, "phone": phone, **more})
        assert answer.status_code == 201, answer.text
        return answer.json

    def start(self, customer_id: int | None = None) -> dict[str, Any]:
        answer = self.post("instances/", {"process": LATE_DELIVERY, "customer_id": customer_id})
        assert answer.status_code == 201, answer.text
        return answer.json


def install_late_delivery(app: Flask) -> None:
    """Publish the process that comes with the product."""
    with app.app_context(), transaction(SYSTEM) as session:
        library.install(session, LATE_DELIVERY, by=SYSTEM)


def finish(app: Flask, instance: dict[str, Any], outcome: str | None = None, **answers: object) -> dict[str, Any]:
    """Whoever the one open step is for finishes it; gives the instance as it is then."""
    (task,) = instance["open_tasks"]
    who, usual = STEPS[task["step"]]
    rest = Rest(app, who)
    shown = rest.get(f"tasks/{task['id']}").json
    done = rest.post(
        f"tasks/{task['id']}/complete",
        {"answers": {**usual, **answers}, "outcome": outcome, "rev": shown["rev"]},
    )
    assert done.status_code == 200, done.text
    return Rest(app, "lan").get(f"instances/{instance['id']}").json


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The SELECT, INSERT, UPDATE and DELETE statements that reach the database inside."""
    seen: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.split(None, 1)[0].upper() in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
