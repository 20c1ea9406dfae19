from __future__ import annotations

from tests.forms.examples import Examples, told

EXAMPLES = Examples(
    "file",
    right=(([3, 4, 3], [3, 4], "anh.jpg\ndon.pdf"), ("4", [4], "don.pdf")),
    wrong=([9], ["don.pdf"], [[3]], -1, [0]),
    is_typed_as_shown=False,
)


def test_how_many_can_be_limited():
    assert "1" in told("file", [3, 4], max=1)
