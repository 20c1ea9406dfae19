"""What did the person mean to type, whatever keyboard or page the text came from?"""

from __future__ import annotations

# What keyboards and copied text leave behind: full-width forms, odd spaces, letters without a shape, and what has none
# but steers the writing (Unicode's category Cf): it hides in names, and turns the words around them.
_UNUSUAL: dict[int, str | None] = {
    **{0xFF01 + offset: chr(0x21 + offset) for offset in range(94)},
    **dict.fromkeys(map(ord, "\t\n\r\u00a0\u2007\u2009\u202f\u3000\u115f\u1160\u2800\u3164\uffa0"), " "),
    **dict.fromkeys([0x00AD, 0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]),
    **dict.fromkeys([0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)]),
}


def as_typed(text: str) -> str:
    """The text as an ordinary keyboard would have written it, without outer spaces."""
    if text.isascii() and text.isprintable():  # nothing unusual in it: most of a file's cells
        return text.strip()
    return text.translate(_UNUSUAL).strip()
