from __future__ import annotations

from tests.forms.examples import Examples, read, told

EXAMPLES = Examples(
    "integer",
    right=(
        ("1.250.000", 1250000, "1.250.000"),
        ("1 250", 1250, "1.250"),
        ("-12", -12, "-12"),
        ("０１２", 12, "12"),
        (0, 0, "0"),
        (5.0, 5, "5"),
        (2**53 - 1, 2**53 - 1, "9.007.199.254.740.991"),
    ),
    wrong=("abc", "1,5", "1.5", 1.5, "12.34.56", "1e5", "0x10", "٣", "²", "--1", "1_000", 2**53, -(2**53),
           "9.007.199.254.740.992"),
)  # fmt: skip


def test_limits_are_told_as_people_write_them():
    assert read("integer", 10, min=0, max=10).value == 10
    assert "1.000.000" in told("integer", 1_000_001, max=1_000_000)
    assert "1.250" in told("integer", "x")


def test_zero_is_an_answer():
    assert read("integer", "0", required=True).value == 0


def test_figures_without_end_are_too_large_and_no_riddle():
    assert "1.000" in told("integer", f"1{'0' * 400}", max=1000)
    assert "-5" in told("integer", f"-1{'0' * 400}", min=-5)
    assert "too long" in told("decimal", "9" * 80)
