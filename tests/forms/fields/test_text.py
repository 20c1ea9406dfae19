from __future__ import annotations

import pytest

from app.forms import rules
from app.forms.fields.base import Context
from tests.forms.examples import Examples, read, told

EXAMPLES = Examples(
    "text",
    right=(
        ("  PS-00123 ", "PS-00123", "PS-00123"),
        ("một\ndòng", "một dòng", "một dòng"),
        ("e\u0323\u0302", "ệ", "ệ"),
        ("<b>đậm</b>", "<b>đậm</b>", "<b>đậm</b>"),
    ),
    wrong=("a" * 201, 12),
)


def test_limits_belong_to_what_is_allowed():
    settings = {"min_length": 2, "max_length": 4}
    assert read("text", "ab", **settings).problems == read("text", "abcd", **settings).problems == ()
    assert "2" in told("text", "a", **settings)
    assert "4" in told("text", "abcde", **settings)


def test_a_pattern_fits_the_whole_answer_and_no_pattern_is_slow():
    settings = {"pattern": "PS-[0-9]{5}"}
    assert read("text", "PS-00123", **settings).problems == ()
    assert "PS-00123x" not in told("text", "PS-00123x", **settings)
    assert told("text", "a" * 180 + "b", pattern="(a+)+$")
    own = {"key": "code", "type": "text", "label": "Mã", "message": "Mã đơn có dạng PS-00123."}
    form = rules.read_definition({"name": "F", "fields": [{**own, **settings}]})
    found = rules.read_answers(form, {"code": "PS"}, context=Context())
    assert found.problems["code"] == ("Mã đơn có dạng PS-00123.",)


@pytest.mark.parametrize("pattern", ["(", "(?=a)", "((a{1000}){1000}){1000}", "a" * 301, 5, ""])
def test_a_pattern_that_cannot_be_read_is_refused_at_publishing(pattern):
    form = {"name": "F", "fields": [{"key": "code", "type": "text", "label": "Mã", "pattern": pattern}]}
    assert [(one.path, one.code) for one in rules.check_definition(form)] == [("fields[0].pattern", "bad_pattern")]
