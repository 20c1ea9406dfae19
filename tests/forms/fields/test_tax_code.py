from __future__ import annotations

from tests.forms.examples import Examples

EXAMPLES = Examples(
    "tax_code",
    right=(
        ("MST 0100109106", "0100109106", "0100109106"),
        ("0100109106001", "0100109106-001", "0100109106-001"),
        ("001190000123", "001190000123", "001190000123"),
    ),
    wrong=("0100109107", "123", 100109106, "01001091060"),
)
