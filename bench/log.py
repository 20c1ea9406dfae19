"""What does a long audit log cost? `python -m bench.log --url sqlite:////tmp/log.db` fills an empty database with a
million events, seals them, and measures the log's list, its filters and `flask audit-verify`; a second run measures
the database as it is.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import inspect, select

from app.cli import prepare
from app.core import audit, chain, clock
from app.core.access import SYSTEM
from app.core.audit import AuditAction, AuditEvent, AuditSensitive, Origin
from app.core.db import db, transaction
from app.demo.people import COLLEAGUES, PEOPLE, hire
from app.models import Member
from app.security.services import hash_password
from bench import PASSWORD
from bench.bulk import fast, tidy

_YEARS = timedelta(days=3 * 365)
#: table, how often, action, its changes; None: a personal value
_KINDS: tuple[tuple[str, float, AuditAction, str | None, dict[str, Any]], ...] = (
    ("customer", 0.24, AuditAction.change, None, {"note": None}),
    ("customer", 0.10, AuditAction.create, None, {"name": None, "code": [None, "KH000123"], "owner_id": [None, 5]}),
    ("customer", 0.01, AuditAction.change, audit.ARCHIVED, {"archived_at": [None, "2026-01-05T02:00:00+00:00"]}),
    ("contact_point", 0.10, AuditAction.create, None, {"value": None, "shown": None, "kind": [None, "phone"]}),
    ("task", 0.30, AuditAction.change, None, {"state": ["ready", "claimed"], "assignee_id": [None, 7]}),
    ("task", 0.08, AuditAction.create, None, {"name": [None, "Gọi lại cho khách"], "customer_id": [None, 17]}),
    ("comment", 0.05, AuditAction.create, None, {"text": None, "resource": [None, "Customer"]}),
    ("submission", 0.05, AuditAction.create, None, {"answers": None}),
    ("member", 0.04, AuditAction.event, "sign_in", {"kind": "web"}),
    ("member", 0.02, AuditAction.event, "sign_in_failed", {}),
    ("export", 0.002, AuditAction.event, "export", {"list_key": [None, "customers"], "rows": [None, 120]}),
    ("ab_role", 0.0002, AuditAction.event, "role.rights_changed", {"Customer.view": ["team", "all"]}),
    ("setting", 0.0001, AuditAction.change, None, {"value": ["a", "b"]}),
)
_COLUMNS = (
    "id", "at", "actor_id", "address", "action", "name", "table_name", "record_id", "changes", "reason", "origin",
)  # fmt: skip
_VALUES = ("Đặng Thị Mỹ Duyên", "0912 345 678", "Gọi sau 14:30, chị ấy bận đón con", "Giao lại trước 18:00")


def fill(count: int) -> None:
    """Schema, people, and so many events over three years, sealed by the product's own function."""
    upgrade()
    prepare()
    rng, now = random.Random("log"), clock.now().replace(microsecond=0)
    with clock.at(now - _YEARS), transaction(SYSTEM) as session:
        hire(session, (*PEOPLE, *COLLEAGUES), password_hash=hash_password(PASSWORD, "pbkdf2:sha256:1000"))
    people = [*db.session().scalars(select(Member.id)), None]
    first = (db.session().scalar(select(AuditEvent.id).order_by(AuditEvent.id.desc()).limit(1)) or 0) + 1
    db.session.remove()
    prints = {value: audit.fingerprint(value) for value in _VALUES}
    beside: list[tuple[int, str, str]] = []

    def events() -> Iterator[tuple[Any, ...]]:
        weights = [kind[1] for kind in _KINDS]
        for number in range(count):
            table, _share, action, name, told = rng.choices(_KINDS, weights)[0]
            changes = dict(told)
            for column in [one for one, value in told.items() if value is None]:
                value = rng.choice(_VALUES)
                changes[column] = [None, prints[value]]
                beside.append((first + number, column, value))
            who = rng.choice(people)
            yield (
                first + number, now - _YEARS + _YEARS * (number / (count + count // 500)), who,
                f"10.0.{rng.randrange(4)}.{rng.randrange(250)}" if who else None, action, name, table,
                rng.randrange(1, 100_000), changes, "khách yêu cầu đổi số" if rng.random() < 0.01 else None,
                Origin.page if who else Origin.job,
            )  # fmt: skip

    with db.engine.connect() as connection, fast(connection) as bulk:
        bulk.write(AuditEvent.__table__, _COLUMNS, events())
        bulk.write(AuditSensitive.__table__, ("event_id", "field", "new"), beside)
        bulk.continue_numbers(AuditEvent.__table__)
    began = time.perf_counter()
    sealed = chain.seal()
    print(f"sealed {sealed:,} in {time.perf_counter() - began:.1f} s")
    tidy(db.engine)


def lists(person: int, now: datetime) -> dict[str, dict[str, str]]:
    """What people ask of the log: in words → the arguments of the list."""

    def day(ago: int) -> str:
        return (now - timedelta(days=ago)).date().isoformat()

    wanted = {
        "kind, many": "kind = 'customer'",
        "kind, few": "kind = 'setting'",
        "several kinds": "kind in ('ab_user', 'ab_role', 'role_scope', 'setting')",
        "what: changed": "what = 'change'",
        "what: put away": "what = 'archived'",
        "what: removed (none)": "what = 'delete'",
        "sign-ins": "what in ('sign_in', 'sign_in_failed', 'sign_out', 'sign_ins_ended')",
        "one person": f"actor = {person}",
        "one person and kind": f"actor = {person} and kind = 'setting'",
        "a week two years ago": f"at >= '{day(730)}' and at <= '{day(723)}'",
        "a week and a kind": f"at >= '{day(730)}' and at <= '{day(723)}' and kind = 'setting'",
        "the last year": f"at >= '{day(365)}'",
        "one record": "kind = 'customer' and record_id = 4711",
        "address": "address = '10.0.1.17'",
        "address contains": "address contains '0.3.24'",
        "reason contains": "reason contains 'đổi số'",
        "reason contains (none)": "reason contains 'không ai nói'",
        "way in": "origin = 'job'",
    }
    found = {"as it opens": {}, **{name: {"where": where} for name, where in wanted.items()}}
    found |= {"searched: one word": {"q": "lan"}, "searched: two words": {"q": "khách lan"},
              "searched: two rare words": {"q": "xuất minh"}, "searched: nothing": {"q": "khongcoai"},
              "searched: a reason": {"q": "đổi số"}, "page 3,900, typed": {"page": "3900"}}  # fmt: skip
    return found


def measure(app: Flask, times: int, only: str) -> None:
    """Milliseconds of each list in this process; with SQLite the database's share is among them."""
    browser = app.test_client()
    token = browser.get("/login/").text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    browser.post("/login/", data={"username": "hoa", "password": PASSWORD, "csrf_token": token})
    with app.app_context():
        person = db.session().scalar(select(Member.id).order_by(Member.id).offset(5).limit(1)) or 1
    for name, arguments in lists(person, clock.now()).items():
        if only in name:
            url = "/nhat-ky/list/?" + urlencode({"view": "0", **arguments})
            spent = [_timed(lambda url=url: browser.get(url)) for _time in range(times)]
            wall, cpu = (min(one[part] for one in spent) * 1000 for part in (0, 1))
            print(f"{name:28} first {spent[0][0] * 1000:6.0f}   smallest {wall:6.0f} ms, of which here {cpu:6.0f} ms"
                  f"  {spent[0][2]}")  # fmt: skip


def _timed(ask: Callable[[], Any]) -> tuple[float, float, str]:
    """Seconds, of these on this process's cores, and the answer's status if it is not 200."""
    began, used = time.perf_counter(), time.process_time()
    answer = ask()
    spent = time.perf_counter() - began, time.process_time() - used
    return (*spent, "" if answer.status_code == 200 else str(answer.status_code))


def main() -> None:
    from app import create_app
    from config import Config

    parser = argparse.ArgumentParser(prog="python -m bench.log", description="Measure a long audit log.")
    parser.add_argument("--url", required=True, help="sqlite:////path/file.db or postgresql://…")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--only", default="", help="the rows with these words; verify: the check of the chain alone")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = {"TANTAM_DATA": folder, "TANTAM_DATABASE_URL": asked.url, "TANTAM_SECRET_KEY": "measured " * 8}
        app = create_app(Config({**os.environ, **kept}))
        with app.app_context():
            if not inspect(db.engine).has_table("audit_event"):
                fill(asked.events)
            db.session.remove()
        if asked.only != "verify":
            measure(app, asked.times, asked.only)
        if asked.only in ("", "verify"):
            before, began = _memory(), time.perf_counter()
            with app.app_context():
                checked, broken = chain.verify(db.session())
            print(f"audit-verify: {checked:,} events, {broken or 'intact'}: {time.perf_counter() - began:.1f} s, "
                  f"{_memory() - before:.0f} MiB more than before")  # fmt: skip


def _memory() -> float:
    """The most that this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
