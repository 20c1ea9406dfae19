"""What does a form of 200 questions cost?

    python -m bench.forms [--fields 200]

Every kind of question in turn, a tenth of them asked only with other answers. Milliseconds of this process's CPU for
the page, for sending it right and for sending it with a mistake (the page again), each the middle of several; and for
a sheet of paper. Issue 7 asks 300 ms for the page and for sending it.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.demo import people
from app.forms import services
from config import TestConfig

_TARGET = 300
_TIMES = 10
_OPTIONS = {"options": [{"value": f"v{at}", "label": f"Lựa chọn {at}"} for at in range(6)]}
#: kind → (its settings, what one types)
_KINDS: dict[str, tuple[dict[str, Any], Any]] = {
    "text": ({}, "Bát sứ"), "long_text": ({}, "Vỡ hai cái"), "integer": ({}, "3"), "money": ({}, "1.000"),
    "date": ({}, "01/02/2026"), "choice": (_OPTIONS, "v1"), "choices": (_OPTIONS, ["v1", "v2"]), "yes_no": ({}, "yes"),
    "phone": ({}, "0912345678"), "email": ({}, "lan@phosen.vn"), "decimal": ({}, "1,5"), "stars": ({}, "3"),
    "time": ({}, "08:30"), "nps": ({}, "9"), "citizen_id": ({}, ""), "address": ({}, None),
}  # fmt: skip


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


def spent(what: Callable[[], Any]) -> tuple[float, Any]:
    """(CPU ms in the middle, what came last)."""
    what()
    times, found = [], None
    for _time in range(_TIMES):
        began = time.process_time()
        found = what()
        times.append((time.process_time() - began) * 1000)
    return median(times), found


def measure(client: Any, fields: list[dict[str, Any]]) -> bool:
    path = "/dien-phieu/dai"
    page, answer = spent(lambda: client.get(path))
    version = re.search(r'name="version" value="(\d+)"', answer.text)
    assert version is not None, answer.status
    typed = {f"answer_{one['key']}": _KINDS[one["type"]][1] for one in fields if _KINDS[one["type"]][1]}
    typed["version"] = version[1]
    sent, answer = spent(lambda: client.post(path, data=typed))
    assert answer.status_code == 302, answer.text
    paper, _sheet = spent(lambda: client.get(f"{answer.location}/phieu.pdf"))
    wrong, answer = spent(lambda: client.post(path, data=typed | {"answer_f2": "ba"}))
    assert answer.status_code == 422
    print(f"{len(fields)} questions: page {page:.0f} ms, sent {sent:.0f} ms, with a mistake {wrong:.0f} ms, "
          f"on paper {paper:.0f} ms")  # fmt: skip
    return max(page, sent, wrong) <= _TARGET


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, default=200)
    asked = parser.parse_args(arguments)
    from app import create_app
    from app.cli import prepare
    from app.core.db import Model
    from app.security.services import hash_password

    fields = drawn(asked.fields)
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(TestConfig(Path(folder)))
        with app.app_context():
            Model.metadata.create_all(db.engine)
            prepare()
            with transaction(SYSTEM) as session:
                people.hire(session, people.PEOPLE, password_hash=hash_password("Sen-2026-thom", "pbkdf2:sha256:1"))
                form = services.create_form(session, code="dai", name="Dài", by=SYSTEM)
                services.save_draft(session, form, {"name": "Dài", "fields": fields}, by=SYSTEM)
                services.publish_form(session, form, by=SYSTEM)
        client = app.test_client()
        client.post("/login/", data={"username": "lan", "password": "Sen-2026-thom"})
        return 0 if measure(client, fields) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
