"""Which signs can be printed? Those that one of the built fonts draws; in the place of every other stands a square."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

#: stands for a sign that no font has; Noto Emoji draws it
SQUARE = "◻"
#: what makes a key of a digit (1️⃣), or an emoji of a sign that is one anyhow
_DRESS = dict.fromkeys(map(ord, "\ufe0f\u20e3"))
#: what is never drawn by itself: joiners, marks above letters, blanks, ends of lines
_UNDRAWN = frozenset({"Cc", "Cf", "Mn", "Me", "Zs"})


def printable(text: str, fonts: Path) -> str:
    """The same text, with a square for each sign that would stay empty on the sheet."""
    composed = unicodedata.normalize("NFC", text).translate(_DRESS)
    drawn = _drawn(fonts)
    missing = (one for one in set(composed) if ord(one) not in drawn and unicodedata.category(one) not in _UNDRAWN)
    return composed.translate(dict.fromkeys(map(ord, missing), SQUARE))


@lru_cache(1)
def _drawn(folder: Path) -> frozenset[int]:
    return frozenset(sign for font in folder.glob("*.ttf") for sign in _signs(font.read_bytes()))


def _signs(font: bytes) -> Iterator[int]:
    """What the table of signs (cmap, OpenType) of a font leads from."""
    tables = struct.unpack_from(">H", font, 4)[0]
    places = {font[at : at + 4]: struct.unpack_from(">I", font, at + 8)[0] for at in range(12, 12 + 16 * tables, 16)}
    cmap = places[b"cmap"]
    for number in range(struct.unpack_from(">H", font, cmap + 2)[0]):
        at = cmap + struct.unpack_from(">I", font, cmap + 4 + 8 * number + 4)[0]
        match struct.unpack_from(">H", font, at)[0]:
            case 4:
                doubled = struct.unpack_from(">H", font, at + 6)[0]
                last = struct.unpack_from(f">{doubled // 2}H", font, at + 14)
                first = struct.unpack_from(f">{doubled // 2}H", font, at + 16 + doubled)
                for begin, end in zip(first, last, strict=True):
                    yield from range(begin, end + 1)
            case 12:
                for group in range(struct.unpack_from(">I", font, at + 12)[0]):
                    begin, end = struct.unpack_from(">II", font, at + 16 + 12 * group)
                    yield from range(begin, end + 1)
