from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(
    ("typed", "says"),
    [("091234567", "this one has 9"), ("09123456789", "this one has 11"), ("+84 91234567", "this one has 9"),
     ("0283823456", "11 digits; this one has 10"), ("0112345678", "begins with 01"), ("0712345678", "begins with 071")],
)  # fmt: skip
def test_a_refusal_says_what_is_wrong_with_the_number(typed, says):
    assert says in told("phone", typed)
