"""Whatever is sent, to whatever kind of question: it is taken or refused beside its field, and nothing breaks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.errors import BusinessError
from app.forms import rules, services
from tests.cast import PASSWORD
from tests.forms import test_fields
from tests.forms.examples import CONTEXT
from tests.rest import Rest

#: 1,000 in the quick profile, 10,000 in the thorough one; shared by the three tests
MOST = 1_000 if settings.default is not None and settings.default.max_examples <= 25 else 10_000
#: after minimaxir's big list of naughty strings: of each group what has broken somebody's form
NAUGHTY: tuple[str, ...] = (
    "", " ", "\u200b", "\ufeff", "undefined", "null", "NaN", "Infinity", "-Infinity", "True", "0x0", "1e309", "-0",
    "1/0", "$1.00", "0..0", "1,000,000,000,000,000,000,000", "9" * 400, "٠١٢٣", "１２３", "½", "Ω≈ç√∫˜µ≤≥÷", "ÅÍÎÏ˝ÓÔ",
    "田中さんにあげて下さい", "ﷺ", "👩‍👩‍👧‍👦", "🇻🇳", "̡͓̞ͅI̗̘̦͝n͇͇͙v̮̫ok̲̫̙͈i̖͙̭̹̠̞n̡̻̮̣̺g̲͈͙̭͙̬͎ ̰t͔̦h̞̲e̢̤ ͍̬̲͖f̴̘͕̣è͖ẹ̥̩l͖͔͚i͓͚̦͠n͖͍̗͓̳̮g͍ ̨o͚̪͡f̘̣̬ ̖̘͖̟͙̮c҉͔̫͖͓͇͖ͅh̵̤̣͚͔á̗̼͕ͅo̼̣̥s̱͈̺̖̦̻͢.̛̖̞̠̫̰",
    "\u202etest\u202e", "\u2028", "\ud800", "\x00", "a\x00b", "\x07\x1b[31m", "<script>alert(1)</script>",
    "<svg/onload=alert(1)>", "javascript:alert(1)", "'; DROP TABLE submission; --", "' OR '1'='1", "%s%s%s%n",
    "{{ 7*7 }}", "${7*7}", "{% raw %}", "../../../etc/passwd", "C:\\CON", "=1+1", "@SUM(1)", "+84",
    "\r\nSet-Cookie: a=b",
    "2026-02-30", "0000-00-00", "31/04/2026", "99:99", "2026-11-23T24:00", "9999-12-31T23:59:59Z",
    "1970-01-01T00:00:00-99:00",
    "a" * 20_000, "ẫ" * 501, "M0 0" + "L9 9" * 9000, "[]", "{}", '{"a":', "0912345678901234567890",
    "a@b", "@", "lan@phosen.example",
)  # fmt: skip
_PARTS = ("price", "province", "ward", "street", "k", "0", "")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60) | st.sampled_from(NAUGHTY),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(_PARTS) | st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """What a page sends: name → its values."""

    sent: dict[str, list[str]]


def every_kind() -> dict[str, Any]:
    """A form with a question of each kind, whose key is the name of its kind."""
    fields = [
        {"key": "city", "type": "choice", "label": "Nơi",
         "options": [{"value": "hn", "label": "Hà Nội"}, {"value": "hcm", "label": "Sài Gòn"}]},
        {"key": "amount", "type": "money", "label": "Số tiền"},
        {"key": "items", "type": "rows", "label": "Hàng",
         "fields": [{"key": "price", "type": "money", "label": "Giá"}]},
    ]  # fmt: skip
    known = test_fields.EXAMPLES
    for code in sorted(rules.TYPES):
        drawn = {"key": f"a_{code}", "type": code, "label": code, **known[code].settings}
        if rules.TYPES[code].index is not None:
            drawn["searchable"] = True
        fields.append(drawn)
    drawn_form = {"name": "Mọi loại", "fields": fields}
    assert rules.check_definition(drawn_form) == []
    return drawn_form


DRAWN = every_kind()
ASKED = rules.read_definition(DRAWN)
KEYS = [one.key for one in ASKED.fields]


@settings(max_examples=MOST * 4 // 10, deadline=None, suppress_health_check=list(HealthCheck))
@example(raw=[{"price": {"": True}}])
@given(raw=_JSON)
def test_every_kind_of_question_takes_or_refuses_whatever_comes(page, raw):
    for is_page in (False, True):
        found = rules.read_answers(ASKED, dict.fromkeys(KEYS, raw), context=CONTEXT, is_page=is_page)
        for one in ASKED.fields:
            value = found.values.get(one.key)
            if value is not None:
                assert isinstance(one.type.show(value, one.spec, CONTEXT), str)
                if one.type.index is not None:
                    assert one.type.indexed(value) is not None
        rules.canonical(found.values)
        for sentences in found.problems.values():
            assert all(str(one).encode() for one in sentences)


@settings(max_examples=MOST * 3 // 10, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=20), _JSON, max_size=6) | _JSON)
def test_whole_answers_of_any_shape_are_taken_or_refused(page, raw):
    with suppress(BusinessError):
        rules.parse_answers(ASKED, raw, context=CONTEXT)


def published(app: Flask) -> None:
    with app.app_context(), transaction(SYSTEM) as session:
        form = services.create_form(session, code="moi-loai", name="Mọi loại", by=SYSTEM)
        services.save_draft(session, form, DRAWN, by=SYSTEM)
        services.publish_form(session, form, by=SYSTEM)


#: what a browser could send under the names of the page: parts of answers too, right ones and others
_NAMES = st.sampled_from([f"answer_{key}" for key in KEYS]) | st.builds(
    "answer_{}.{}".format,
    st.sampled_from(["items", "a_rows", "a_address", "a_choices", "a_file"]),
    st.sampled_from(["0.price", "1.what", "9999.price", "0.", ".", "ward", "province", "-1.price", "²"]),
)
_SENT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [text for text in NAUGHTY if text.isprintable() or text.isascii()]
)


@pytest.fixture
def doors(app: Flask) -> tuple[Rest, Callable[..., TestResponse]]:
    """Hoa at both doors of the form: the interface, and its page."""
    published(app)
    page = app.test_client()
    page.post("/login/", data={"username": "hoa", "password": PASSWORD})
    version = re.search(r'name="version" value="(\d+)"', page.get("/dien-phieu/moi-loai").text)
    assert version is not None
    return Rest(app, "hoa"), lambda sent: page.post("/dien-phieu/moi-loai", data={**sent, "version": version[1]})


@pytest.mark.both_databases(slow=True)
@settings(max_examples=MOST * 3 // 10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    raw=st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=20), _JSON, max_size=6)
    | st.dictionaries(_NAMES, st.lists(_SENT, min_size=1, max_size=3), max_size=8).map(Typed)
    | _JSON
)
def test_whatever_is_sent_by_the_interface_or_by_the_page_is_taken_or_refused(doors, raw):
    interface, page = doors
    if isinstance(raw, Typed):
        # No browser sends NUL: it is told beside its question, refused by the frame, or passed over with an input that
        # no question has.
        has_nul = any("\0" in text for texts in raw.sent.values() for text in texts)
        answer, known = page(raw.sent), (302, 400, 422) if has_nul else (302, 422)
        if has_nul and answer.status_code == 302:
            kept = interface.get(f"submissions/{answer.location.rpartition('/')[2]}")
            assert kept.status_code == 200
            assert "\\u0000" not in kept.text, raw
    else:
        sent = json.dumps({"answers": raw})
        answer = interface.post("forms/moi-loai/submissions", data=sent, content_type="application/json")
        known = (201, 400, 422)
    event(f"{'page' if isinstance(raw, Typed) else 'interface'}: {answer.status_code}")
    assert answer.status_code in known, (raw, answer.status_code, answer.text[:300])


@pytest.mark.both_databases(slow=True)
def test_naughty_texts_come_by_the_interface_to_every_kind_and_break_nothing(app):
    published(app)
    hoa, taken = Rest(app, "hoa"), 0
    for text in NAUGHTY:
        for keys in (KEYS, ["a_text"], ["a_long_text"], ["zzz"]):
            sent = {"answers": dict.fromkeys(keys, text)}
            try:
                answer = hoa.post("forms/moi-loai/submissions", sent)
            except UnicodeEncodeError:  # no JSON can hold it
                continue
            assert answer.status_code in (201, 400, 413, 422), (text, answer.status_code, answer.text[:300])
            taken += answer.status_code == 201
    assert taken > len(NAUGHTY) // 2
    for path in ("forms/moi-loai/submissions", "submissions/?page_size=100"):
        assert hoa.get(path).status_code == 200
