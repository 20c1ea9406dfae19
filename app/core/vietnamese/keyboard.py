"""What did the person mean to type, whatever keyboard or page the text came from?"""

from __future__ import annotations

# What keyboards and copied text leave behind: full-width forms, odd spaces, invisible direction marks.
_UNUSUAL: dict[int, str | None] = {
    **{0xFF01 + offset: chr(0x21 + offset) for offset in range(94)},
    **dict.fromkeys(map(ord, "\t\n\r\u00a0\u2007\u2009\u202f\u3000"), " "),
    **dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF], None),
}


def as_typed(text: str) -> str:
    """The text as an ordinary keyboard would have written it, without outer spaces."""
    return text.translate(_UNUSUAL).strip()
