from __future__ import annotations

from tests.forms.examples import Examples, read

EXAMPLES = Examples(
    "yes_no",
    right=((True, True, "Yes"), ("no", False, "No"), ("CÓ", True, "Yes"), ("co\u0301", True, "Yes")),
    wrong=(1, 0, 1.0, "maybe", "t", "on"),
    is_typed_as_shown=False,
)


def test_no_is_an_answer():
    assert read("yes_no", "no", required=True).value is False
