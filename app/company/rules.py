"""Will this picture do as a logo, and do these facts about the company look right? Pure: opens nothing."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from app.core.errors import Sentence
from app.core.i18n import _

#: Extensions of the kinds that every browser shows and that can carry no script.
KINDS = ("png", "jpg", "jpeg", "webp")
LARGEST_MEGABYTES = 2
LARGEST = LARGEST_MEGABYTES * 1024 * 1024
#: In pixels, both ways.
SMALLEST_SIDE, LONGEST_SIDE = 32, 4000

# The tax office gives ten digits, a branch three more behind a dash, and since 2025 a person his twelve.
_TAX_CODE = re.compile(r"[0-9]{10}(-?[0-9]{3})?|[0-9]{12}")
# Also hotlines, which are no numbers that one could dial from abroad: 1900 1234.
_PHONE = re.compile(r"\+?[0-9]{3,14}")
_EMAIL = re.compile(r"[^@\s<>\",;]+@[^@\s<>\",;]+\.[^@\s<>\",;.]+")
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.IGNORECASE)

_PNG = b"\x89PNG\r\n\x1a\n"
# Start of frame, but for C4 (Huffman tables), C8 (reserved) and CC (arithmetic coding).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def name_problem(filename: str) -> Sentence | None:
    """Why a file of this name is no logo, or None."""
    extension = filename.rpartition(".")[2].lower()
    if extension == "svg":
        return _("SVG pictures can carry programs and are not taken. Save it as PNG, for instance logo.png")
    if extension not in KINDS:
        return _("A logo is a picture: PNG, JPG or WebP. Example: logo.png")
    return None


def profile_problems(typed: Mapping[str, str]) -> dict[str, Sentence]:
    """What is wrong with the facts about the company, by field; an empty fact is no problem."""
    checks: dict[str, tuple[Callable[[str], object], Sentence]] = {
        "tax_code": (
            lambda text: _TAX_CODE.fullmatch(text.replace(" ", "")),
            _("A tax code has 10, 12 or 13 digits. Example: 0312345673 or 0312345673-001"),
        ),
        "phone": (
            lambda text: _PHONE.fullmatch(re.sub(r"[\s.()-]", "", text)),
            _("This is no phone number. Example: 028 3822 1234 or 1900 1234"),
        ),
        "email": (_EMAIL.fullmatch, _("This is no e-mail address. Example: cskh@congty.vn")),
        "website": (is_website, _("This is no address of a website. Example: https://congty.vn")),
    }
    return {key: problem for key, (fits, problem) in checks.items() if typed.get(key) and not fits(typed[key].strip())}


def is_website(text: str) -> bool:
    """congty.vn, with or without https:// and what follows."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        return parts.scheme in ("http", "https") and bool(_HOST.fullmatch(parts.hostname or "")) and " " not in text
    except ValueError:
        return False


def picture_problem(content: bytes) -> Sentence | None:
    """Why this picture will not do, or None."""
    if len(content) > LARGEST:
        return _("The picture is larger than %(count)d MB. Save it smaller, for instance 512 × 512 pixels.",
                 count=LARGEST_MEGABYTES)  # fmt: skip
    size = picture_size(content)
    if size is None:
        return _("This picture is damaged or incomplete. Open it, save it once more as PNG, and choose that file.")
    if min(size) < SMALLEST_SIDE or max(size) > LONGEST_SIDE:
        return _(
            "The picture measures %(width)d × %(height)d pixels. A logo has %(smallest)d to %(longest)d on each side,"
            " for instance 512 × 512.",
            width=size[0], height=size[1], smallest=SMALLEST_SIDE, longest=LONGEST_SIDE,
        )  # fmt: skip
    return None


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a whole PNG, JPEG or WebP file; None for anything else, also a cut one."""
    try:
        if content.startswith(_PNG):
            return _png(content)
        if content.startswith(b"\xff\xd8"):
            return _jpeg(content)
        if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            return _webp(content)
    except (struct.error, IndexError):
        return None
    return None


def _png(content: bytes) -> tuple[int, int] | None:
    """Every chunk with its check sum, up to the last one."""
    at, size = len(_PNG), None
    while True:
        length, kind = struct.unpack_from(">I4s", content, at)
        (check,) = struct.unpack_from(">I", content, at + 8 + length)
        if zlib.crc32(content[at + 4 : at + 8 + length]) != check:
            return None
        if kind == b"IHDR":
            size = struct.unpack_from(">II", content, at + 8)
        if kind == b"IEND":
            return size
        at += 12 + length


def _jpeg(content: bytes) -> tuple[int, int] | None:
    """Segment by segment to the picture itself, which must have its end mark."""
    at, size = 2, None
    while True:
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:  # a filler
            at += 1
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            size = (width, height)
        if marker == 0xDA:  # the picture's own bytes follow
            return size if b"\xff\xd9" in content[at:] else None
        at += 2 + length


def _webp(content: bytes) -> tuple[int, int] | None:
    (length,) = struct.unpack_from("<I", content, 4)
    if len(content) < length + 8:
        return None
    kind = content[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return (
            int.from_bytes(content[24:27], "little") + 1,
            int.from_bytes(content[27:30], "little") + 1,
        )
    return None
