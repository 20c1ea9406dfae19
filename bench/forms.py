"""What do forms cost: drawing one, filling one in, finding answers among 100,000?

    python -m bench.forms [--database sqlite|postgresql] [--fields 200] [--submissions 100000] [--drawn 60]

A form of every kind of question in turn, a tenth of them asked only with other answers: its page, sending it right and
with a mistake, a sheet of paper. The list of 100,000 answers, as it opens and filtered. A builder with 60 fields in
Chromium: how long until a change stands on the screen, and until it is kept. Each beside a floor of the same run.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select
from werkzeug.test import TestResponse

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.forms import queries, services
from app.forms.models import Submission, SubmissionSource, SubmissionState, SubmissionValue
from app.forms.submissions.index import column_of, is_indexed
from bench import PASSWORD
from bench.builder import measure_builder
from bench.bulk import fast, tidy
from bench.company import company, person
from bench.customers import Meter

#: ms of this process: on a machine that does nothing else, what it takes by the wall
_FILLED, _LISTED = 300, 60
_TIMES = 10
_OPTIONS = {"options": [{"value": f"v{at}", "label": f"Lựa chọn {at}"} for at in range(6)]}
#: kind → (its settings, what one types)
_KINDS: dict[str, tuple[dict[str, Any], Any]] = {
    "text": ({}, "Bát sứ"), "long_text": ({}, "Vỡ hai cái"), "integer": ({}, "3"), "money": ({}, "1.000"),
    "date": ({}, "01/02/2026"), "choice": (_OPTIONS, "v1"), "choices": (_OPTIONS, ["v1", "v2"]), "yes_no": ({}, "yes"),
    "phone": ({}, "0912345678"), "email": ({}, "lan@phosen.vn"), "decimal": ({}, "1,5"), "stars": ({}, "3"),
    "time": ({}, "08:30"), "nps": ({}, "9"), "citizen_id": ({}, ""), "address": ({}, None),
}  # fmt: skip
#: of what there are many answers
_ASKED: list[dict[str, Any]] = [
    {"key": "reason", "type": "choice", "label": "Lý do", "searchable": True, **_OPTIONS},
    {"key": "amount", "type": "money", "label": "Bồi thường", "searchable": True},
    {"key": "day", "type": "date", "label": "Ngày giao", "searchable": True},
    {"key": "stars", "type": "stars", "label": "Khách chấm", "searchable": True},
    {"key": "order", "type": "text", "label": "Mã đơn", "searchable": True},
    {"key": "told", "type": "long_text", "label": "Khách kể"},
]
_ANSWERED = ("id", "form_version_id", "form_id", "state", "answers", "source", "rev", "revision", "created_at",
             "updated_at", "created_by_id")  # fmt: skip
_COLUMNS = ("text", "number", "date", "moment")
_VALUES = ("submission_id", "form_id", "field_key", "item", *_COLUMNS, "counts")
#: behind all that are sent while it is measured
_FIRST = 1_000_000
_FILTERS = (
    ("one of a choice", "answers.reason = 'v1'"),
    ("numbers from to", "answers.amount >= 400000 and answers.amount < 500000"),
    ("days", "answers.day >= '2026-01-01' and answers.day < '2026-02-01'"),
    ("a text", "answers.order = 'PS-00017'"),
    ("two together", "answers.reason = 'v2' and answers.stars <= 2"),
)


class Desk:
    """Somebody who asks for pages: in a thread of its own, since a request shares what the context around it knows."""

    def __init__(self, client: FlaskClient, thread: ThreadPoolExecutor) -> None:
        self._client, self._thread = client, thread

    def get(self, path: str) -> TestResponse:
        return self._thread.submit(self._client.get, path).result()

    def post(self, path: str, typed: dict[str, Any]) -> TestResponse:
        return self._thread.submit(self._client.post, path, data=typed).result()


def drawn(count: int) -> list[dict[str, Any]]:
    kinds = list(_KINDS)
    fields = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        field = {"key": f"f{number}", "type": kind, "label": f"Câu hỏi số {number}", **_KINDS[kind][0]}
        if number > len(kinds) and number % 10 == 0:
            field["visible_if"] = {"field": "f2", "op": ">", "value": 1}
        fields.append(field)
    return fields


def publish(code: str, fields: list[dict[str, Any]], *, is_draft: bool = False) -> None:
    with transaction(SYSTEM) as session:
        form = services.create_form(session, code=code, name=code, by=SYSTEM)
        services.save_draft(session, form, {"name": code, "fields": fields}, by=SYSTEM)
        if not is_draft:
            services.publish_form(session, form, by=SYSTEM)


def fill(count: int) -> None:
    """So many answers to one form, with all that makes them found."""
    chance, now, first = random.Random("Phở Sen"), clock.now(), date(2025, 1, 1)
    session = db.session()
    version = queries.published_version(session, "nhieu")
    lan = person("lan").user_id
    assert version is not None
    form_id, version_id = version.form_id, version.id
    fields = [one for one in queries.definition_of(version).fields if is_indexed(one)]
    session.rollback()
    state, source = SubmissionState.submitted, SubmissionSource.page
    with db.engine.connect() as connection, fast(connection) as bulk:
        for start in range(0, count, 10_000):
            answered, values = [], []
            for number in range(_FIRST + start, _FIRST + min(start + 10_000, count)):
                said = {
                    "reason": f"v{chance.randrange(6)}", "amount": chance.randrange(200) * 10_000,
                    "day": (first + timedelta(days=chance.randrange(690))).isoformat(), "stars": chance.randint(1, 5),
                    "order": f"PS-{chance.randrange(20_000):05}", "told": "Hộp móp, thiếu rau",
                }  # fmt: skip
                answered.append((number, version_id, form_id, state, said, source, 1, 1, now, now, lan))
                for one in fields:
                    for item, part in enumerate(one.type.indexed(said[one.key])):
                        kept = [part if column_of(one) == name else None for name in _COLUMNS]
                        values.append((number, form_id, one.key, item, *kept, True))
            bulk.write(Submission.__table__, _ANSWERED, answered)
            bulk.write(SubmissionValue.__table__, _VALUES, values)
    tidy(db.engine)


def measure_filling(meter: Meter, desk: Desk, count: int) -> None:
    def insert_one() -> None:
        version = version_of("mot")
        with db.engine.connect() as connection:
            connection.execute(insert(Submission.__table__).values(
                form_version_id=version.id, form_id=version.form_id, state=SubmissionState.submitted, answers={},
                source=SubmissionSource.page, rev=1, revision=1, created_at=clock.now(), updated_at=clock.now(),
            ))  # fmt: skip
            connection.rollback()

    fields = drawn(count)
    publish("mot", fields[:1])
    publish("dai", fields)
    meter.measure("floor: one answer written by one INSERT", insert_one, times=_TIMES)
    meter.measure("floor: the page of a form of 1 question", asking(desk, "/dien-phieu/mot"), times=_TIMES)
    page = desk.get("/dien-phieu/dai").text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    typed = {f"answer_{one['key']}": _KINDS[one["type"]][1] for one in fields if _KINDS[one["type"]][1]}
    typed["version"] = version[1]
    sent: list[str] = []

    def send() -> None:
        answer = desk.post("/dien-phieu/dai", typed)
        assert answer.status_code == 302, answer.text
        sent.append(answer.location)

    def send_wrong() -> None:
        assert desk.post("/dien-phieu/dai", typed | {"answer_f2": "ba"}).status_code == 422

    told = f"a form of {count} questions"
    meter.measure(f"{told}: its page", asking(desk, "/dien-phieu/dai"), times=_TIMES, most_cpu=_FILLED)
    meter.measure(f"{told}: sent", send, times=_TIMES, most_cpu=_FILLED)
    meter.measure(f"{told}: sent with a mistake", send_wrong, times=_TIMES, most_cpu=_FILLED)
    meter.measure(f"{told}: read", asking(desk, sent[-1]), times=_TIMES, most_cpu=_FILLED)
    meter.measure(f"{told}: on paper", asking(desk, f"{sent[-1]}/phieu.pdf"), times=_TIMES)


def measure_finding(meter: Meter, desk: Desk, count: int) -> None:
    publish("nhieu", _ASKED)
    fill(count)
    form_id = version_of("nhieu").form_id
    chosen = (SubmissionValue.form_id == form_id, SubmissionValue.field_key == "reason", SubmissionValue.text == "v1")

    def bare() -> None:
        with db.engine.connect() as connection:
            connection.execute(select(func.count()).where(*chosen)).scalar_one()
            newest = select(Submission.id, Submission.answers).join(
                SubmissionValue, SubmissionValue.submission_id == Submission.id
            )
            connection.execute(newest.where(*chosen).order_by(Submission.id.desc()).limit(25)).all()

    meter.measure("floor: one of a choice, counted and 25 read by SQL", bare, times=_TIMES)
    path = "/bieu-mau/nhieu/phieu/list/"
    meter.measure(f"the list of {count:,} answers", asking(desk, path), times=_TIMES, most_cpu=_LISTED)
    for label, where in _FILTERS:
        ask = asking(desk, f"{path}?where={quote(where)}")
        meter.measure(f"filtered: {label}", ask, times=_TIMES, most_cpu=_LISTED)
    meter.measure("its charts", asking(desk, "/bieu-mau/nhieu/phieu/bieu-do"), times=3)


def version_of(code: str) -> Any:
    version = queries.published_version(db.session(), code)
    assert version is not None
    db.session.rollback()
    return version


def asking(desk: Desk, path: str) -> Callable[[], None]:
    def ask() -> None:
        answer = desk.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"

    ask()  # what a process learns once is learned
    return ask


def main(arguments: list[str]) -> int:
    """Returns 1 when a row is over its target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, default=200)
    parser.add_argument("--submissions", type=int, default=100_000)
    parser.add_argument("--drawn", type=int, default=60)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    asked = parser.parse_args(arguments)
    with company(asked.database) as url, ThreadPoolExecutor(1) as thread:
        print(f"{asked.database}, load {os.getloadavg()[0]:.1f}")
        desk = Desk(current_app.test_client(), thread)
        assert desk.post("/login/", {"username": "hoa", "password": PASSWORD}).status_code == 302
        meter = Meter(url)
        measure_filling(meter, desk, asked.fields)
        measure_finding(meter, desk, asked.submissions)
        publish("ve", drawn(asked.drawn), is_draft=True)
        measure_builder(meter, "/bieu-mau/ve/ve", asked.drawn)
    return int(meter.is_over)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
