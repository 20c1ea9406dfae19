from __future__ import annotations

from app.forms.fields import TYPES
from tests.forms.examples import COLOURS, Examples, told

EXAMPLES = Examples(
    "choices",
    right=(
        (["blue", "red", "blue"], ["red", "blue"], "Đỏ, Xanh"),
        ("red", ["red"], "Đỏ"),
    ),
    wrong=("green", ["red", "green"], [["red"]], {"red": True}, 5),
    settings={"options": COLOURS},
    is_typed_as_shown=False,
)


def test_how_many_can_be_limited():
    assert "1" in told("choices", ["red", "blue"], options=COLOURS, max=1)
    assert "2" in told("choices", ["red"], options=COLOURS, min=2)


def test_each_choice_is_found_by_itself():
    assert TYPES["choices"].indexed(["red", "blue"]) == ["red", "blue"]
