from __future__ import annotations

from tests.forms.examples import CONTEXT, Examples, a_field

EXAMPLES = Examples("member", right=(("2", 2, "Trần Thị Lan"),), wrong=(1, 0, "Lan", -2, 1.5), is_typed_as_shown=False)


def test_who_may_be_chosen_stands_in_one_list():
    one = a_field("member")
    assert [(option.value, option.label) for option in one.type.choices(one.spec, CONTEXT)] == [("2", "Trần Thị Lan")]
