from __future__ import annotations

from tests.forms.examples import Examples, told

EXAMPLES = Examples(
    "money",
    right=(
        ("500.000 đ", 500000, "500.000\u00a0₫"),
        ("500,000", 500000, "500.000\u00a0₫"),
        (1250000, 1250000, "1.250.000\u00a0₫"),
    ),
    wrong=("năm trăm", "1.5", 0.5, "$5", "5 triệu", "９" * 30),
)


def test_limits_and_examples_are_amounts():
    assert "500.000\u00a0₫" in told("money", 500_001, max=500_000)
    assert "500.000" in told("money", "x")
