from __future__ import annotations

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
