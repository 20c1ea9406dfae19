from __future__ import annotations

import pytest

from app.forms import rules
from tests.forms.examples import COLOURS, CONTEXT, Examples, a_field

EXAMPLES = Examples(
    "choice",
    right=(("blue", "blue", "Xanh"),),
    wrong=("green", "RED", "Đỏ", 1, "red "),
    settings={"options": COLOURS},
    is_typed_as_shown=False,
)


def test_entries_of_a_catalogue_are_chosen_and_a_retired_one_is_shown_only():
    one = a_field("choice", catalogue="channel")
    assert one.type.parse("zalo", one.spec, CONTEXT).value == "zalo"
    assert one.type.parse("fax", one.spec, CONTEXT).problems
    assert one.type.show("fax", one.spec, CONTEXT) == "Máy fax"
    assert one.type.schema(one.spec, CONTEXT)["oneOf"] == [{"const": "zalo", "title": "Zalo"}]


def test_an_option_that_is_gone_is_shown_by_its_value():
    one = a_field("choice", options=COLOURS)
    assert one.type.show("green", one.spec, CONTEXT) == "green"


@pytest.mark.parametrize("settings", [{}, {"options": COLOURS, "catalogue": "channel"}, {"catalogue": "Kênh"}])
def test_the_answers_come_from_one_place(settings):
    drawn = {"key": "k", "type": "choice", "label": "x", **settings}
    assert rules.check_definition({"name": "x", "fields": [drawn]})
