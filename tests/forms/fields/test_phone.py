from __future__ import annotations

from tests.forms.examples import Examples, told

EXAMPLES = Examples(
    "phone",
    right=(
        ("0912 345 678", "+84912345678", "0912 345 678"),
        ("+84 912.345.678", "+84912345678", "0912 345 678"),
    ),
    wrong=("123", "0912", 912345678, "0912 345 67x", "0912345678; 0987654321"),
)


def test_a_refusal_gives_an_example():
    assert "0912 345 678" in told("phone", "0912 34")
