"""How does a value look to somebody who may only recognise it? Pure."""

from __future__ import annotations

import re
from enum import StrEnum, auto

from app.core.vietnamese import read_phone

DOTS = "•••"
#: a shorter number would be told by its ends
_SHORTEST_PHONE = 8
_SHORTEST_NUMBER = 6


class Mask(StrEnum):
    """What is left to recognise a value by."""

    phone = auto()
    email = auto()
    number = auto()
    text = auto()


class Covered(str):
    """A text with dots in it. Its type says so: dots are also something that people type."""

    __slots__ = ()


def masked(mask: Mask, value: object) -> Covered:
    """The value with dots in it: 09•• ••• 321, l•••@p•••.vn, ••• 321, N•••. Nothing stays nothing.

    What does not look like its kind is masked like any text; what is no text at all leaves nothing but dots. What is
    covered already stays as it is.
    """
    if isinstance(value, Covered):
        return value
    if value is None or value == "":
        return Covered()
    if not isinstance(value, str):
        return Covered(DOTS)
    match mask:
        case Mask.phone:
            return Covered(_phone(value))
        case Mask.email:
            return Covered(_email(value))
        case Mask.number:
            return Covered(_number(value))
        case Mask.text:
            return Covered(_text(value))


def _phone(value: str) -> str:
    phone = read_phone(value)
    if phone is None:
        return _text(value)
    known = phone.number
    at_home = f"0{known.removeprefix('+84')}" if known.startswith("+84") else known
    if len(at_home) < _SHORTEST_PHONE:
        return DOTS
    return f"{at_home[:2]}•• {DOTS} {at_home[-3:]}"


def _email(value: str) -> str:
    local, at, domain = value.strip().rpartition("@")
    host, dot, end = domain.rpartition(".")
    if not (local and at and host and dot and end):
        return _text(value)
    return f"{local[0]}{DOTS}@{host[0]}{DOTS}.{end}"


def _number(value: str) -> str:
    digits = re.sub(r"\W", "", value)
    return f"{DOTS} {digits[-3:]}" if len(digits) >= _SHORTEST_NUMBER else DOTS


def _text(value: str) -> str:
    first = value.strip()[:1]
    return f"{first}{DOTS}" if first.isalpha() else DOTS
