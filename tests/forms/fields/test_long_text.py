from __future__ import annotations

from tests.forms.examples import Examples

EXAMPLES = Examples(
    "long_text",
    right=(
        ("một\r\nhai  \rba\n", "một\nhai\nba", "một\nhai\nba"),
        ("cột\tcột", "cột\tcột", "cột\tcột"),
    ),
    wrong=("a" * 5001, 12),
)
