from __future__ import annotations

from tests.forms.examples import Examples

EXAMPLES = Examples(
    "citizen_id",
    right=(("001190000123", "001190000123", "001190000123"), ("CCCD: 001 190 000 123", "001190000123", "001190000123")),
    wrong=("00119000012", "097190000123", "001899000123x", 1190000123, "001390000123"),
)
