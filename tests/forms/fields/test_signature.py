from __future__ import annotations

from tests.forms.examples import Examples

DRAWN = "M12 80L14 76L20 70M30 10"
TYPED = {"kind": "typed", "name": "Lê Thị Hoa"}
EXAMPLES = Examples(
    "signature",
    right=(
        (DRAWN, DRAWN, "Signed"),
        (TYPED | {"name": " Lê  Thị Hoa "}, TYPED, "Signed by typing the name: Lê Thị Hoa"),
    ),
    wrong=(
        "M1",
        "M1 1L",
        "M1 1 L2 2",
        "M601 1",
        "M1 201",
        "M1 1Z",
        "M1.5 1",
        "M1 1" * 6000,
        "<svg>",
        5,
        TYPED | {"name": "…"},
        TYPED | {"name": "a" * 201},
        TYPED | {"kind": "drawn"},
        TYPED | {"at": 1},
        {"name": "Hoa"},
        {},
    ),
    is_typed_as_shown=False,
)
