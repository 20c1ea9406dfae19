from __future__ import annotations

from tests.forms.examples import Examples, read, told

EXAMPLES = Examples(
    "percent",
    right=(("12,5", 12.5, "12,5%"), ("8 %", 8.0, "8%"), (100, 100.0, "100%")),
    wrong=("x", "101", -1, "12,345"),
    is_typed_as_shown=False,
)


def test_more_than_a_whole_can_be_allowed():
    assert read("percent", 150, max=200).value == 150
    assert "100%" in told("percent", 150)
