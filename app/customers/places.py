"""Which provinces and wards are there, and which one is meant? Pure; read from places.tsv when first asked.

Since July 2025 an address has two levels: a province or city, and in it a ward, commune or special zone. What the file
holds, from where and of which day, stands in its head; how it is renewed in tools/places.py. Codes are those of the
statistics office: two digits for a province, five for a ward. A unit that was dissolved is no longer offered, and still
has its name (`gone`), for customers keep its code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from app.core.errors import Sentence
from app.core.i18n import _
from app.core.vietnamese import as_typed, fold, sort_key

FILE = Path(__file__).with_name("places.tsv")
PROVINCE_LENGTH = 2
WARD_LENGTH = 5
MOST_FOUND = 20
#: longer texts name no place
_LONGEST = 120

#: what a unit is called before its name, longest first
_TYPES = ("Thành phố", "Đặc khu", "Phường", "Tỉnh", "Xã")
# In folded text: words before a name, written out or short; and names that people use.
_BEFORE = re.compile(r"^(?:(?:thanh pho|dac khu|thi tran|thi xa|phuong|tinh|city|tp|xa|tt|tx|p|x|t)\b[ .]*)+(?=.)")
_NICKNAMES = {
    "hcm": "ho chi minh", "hcmc": "ho chi minh", "tphcm": "ho chi minh", "sai gon": "ho chi minh",
    "saigon": "ho chi minh", "sg": "ho chi minh", "hn": "ha noi", "hanoi": "ha noi", "danang": "da nang",
    "hp": "hai phong", "haiphong": "hai phong", "thua thien hue": "hue", "dac lac": "dak lak", "daklak": "dak lak",
}  # fmt: skip
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A province or a ward."""

    code: str
    #: in full: Phường Ba Đình
    name: str
    #: where a ward lies; "" for a province
    province_code: str
    #: ISO day since when there is no such unit; "": there is
    gone: str = ""
    #: the provinces of before July 2025 that are part of it, parted by ;
    formerly: str = ""

    @property
    def is_province(self) -> bool:
        return not self.province_code

    @property
    def type(self) -> str:
        """Thành phố, Tỉnh, Phường, Xã, Đặc khu; "" for another."""
        return next((kind for kind in _TYPES if self.name.startswith(f"{kind} ")), "")

    @property
    def short(self) -> str:
        """Ba Đình"""
        return self.name.removeprefix(self.type).strip()


# ── The units ────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _all() -> dict[str, Place]:
    return {one.code: one for one in _read(FILE.read_text(encoding="utf-8").splitlines())}


def _read(lines: Iterable[str]) -> Iterator[Place]:
    for line in lines:
        if not line.startswith("#"):
            code, province, name, *more = line.split("\t")
            yield Place(code, name, province, *more)


@cache
def state() -> str:
    """The day of which the units are: "2026-10-10"."""
    with FILE.open(encoding="utf-8") as lines:
        return next(line.removeprefix("# state:").strip() for line in lines if line.startswith("# state:"))


def place(code: str | None) -> Place | None:
    """The unit of that code, also one that is gone. None: there never was one."""
    return _all().get(code or "")


@cache
def provinces() -> tuple[Place, ...]:
    """All of today, in Vietnamese order of their names without Tỉnh and Thành phố."""
    return _in_order(one for one in _all().values() if one.is_province)


@cache
def wards_of(province_code: str) -> tuple[Place, ...]:
    """All of today in that province, in Vietnamese order of their names without Phường and Xã."""
    return _in_order(one for one in _all().values() if one.province_code == province_code and province_code)


@cache
def ward_names() -> dict[str, str]:
    """Code → name with its province, of all wards there ever were: many of them have namesakes elsewhere."""
    wards = (one for one in _all().values() if not one.is_province)
    return {
        one.code: f"{one.name}, {province.name}" if (province := place(one.province_code)) else one.name
        for one in wards
    }


def _in_order(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(sorted((one for one in places if not one.gone), key=lambda one: sort_key(one.short, person=False)))


def province_of(ward_code: str | None) -> Place | None:
    ward = place(ward_code)
    return place(ward.province_code) if ward else None


def place_problem(province_code: str | None, ward_code: str | None) -> Sentence | None:
    """Why these two cannot stand in one address; None when they can. Either may be missing. A kept code stays good."""
    province, ward = place(province_code), place(ward_code)
    if province_code and (province is None or not province.is_province):
        return _("There is no such province. Choose one from the list.")
    if ward_code and (ward is None or ward.is_province):
        return _("There is no such ward. Choose one from the list.")
    if ward and province and ward.province_code != province.code:
        return _("%(ward)s does not lie in %(province)s. Choose a ward of this province.",
                 ward=ward.name, province=province.name)  # fmt: skip
    return None


def address_line(street: str | None, ward_code: str | None, province_code: str | None) -> str:
    """The address as one says and writes it: "12 Lê Lợi, Phường Bến Thành, Thành phố Hồ Chí Minh"; "" for none.

    The province of a known ward is that of the ward. A code that is unknown is left out.
    """
    ward = place(ward_code)
    province = place(ward.province_code if ward else province_code)
    parts = [" ".join((street or "").split()).strip(" ,"), ward.name if ward else "", province.name if province else ""]
    return ", ".join(part for part in parts if part)


# ── Which one is meant ───────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _folded() -> tuple[tuple[str, str, str, Place], ...]:
    """(short name in small letters, the same folded, all folded words framed by blanks, unit) of those of today."""
    known = _all()
    lines = []
    for one in known.values():
        if not one.gone:
            within = f" {known[one.province_code].name}" if one.province_code else f" {one.formerly}"
            words = " ".join(_WORD.findall(fold(one.name + within)))
            lines.append((one.short.lower(), fold(one.short), f" {words} ", one))
    return tuple(lines)


def search(text: str, limit: int = MOST_FOUND, *, province_code: str | None = None) -> list[Place]:
    """Units of today whose words begin like all the words that were typed, in any order and with or without accents.

    The words of its province find a ward too ("ba dinh ha noi"), and a name of before July 2025 the province of which
    that is part; the usual short forms are understood ("p. ben thanh tphcm"). With `province_code` only its wards.
    First those in whose own name most of the words are, the very name before one that only begins like it, provinces
    before wards; of equals the one that was typed with its accents.
    """
    plain = _spelled_out(as_typed(text)[:_LONGEST])
    beginnings = [f" {word}" for word in _WORD.findall(plain)]
    if not beginnings:
        return []
    marked, name = _lower(text), _BEFORE.sub("", plain)
    hits = []
    for lower, short, words, one in _folded():
        if province_code and one.province_code != province_code:
            continue
        if all(word in words for word in beginnings):
            elsewhere = sum(word not in f" {short}" for word in beginnings)
            rank = 0 if short == name else 1 if short.startswith(name) else 2
            hits.append((elsewhere, rank, not one.is_province, lower not in marked, short, one.code, one))
    return [hit[-1] for hit in sorted(hits)[:limit]]


def _spelled_out(typed: str) -> str:
    """Folded, without P., TP. and the like before a name; nicknames of cities in full."""
    plain = " ".join(_WORD.findall(fold(typed)))
    for part in _SHORT.findall(plain):
        plain = re.sub(rf"\b{part}\b", _NICKNAMES[part], plain)
    return _LONE.sub("", plain) or plain


_SHORT = re.compile(rf"\b(?:{'|'.join(sorted(_NICKNAMES, key=len, reverse=True))})\b")
#: short forms of a type, which stand before a name
_LONE = re.compile(r"\b(?:tp|tt|tx|p|x|t) (?=\w)")


@cache
def _named(province_code: str) -> dict[str, tuple[Place, ...]]:
    """Folded name, in full and short → those in the province that are called so; of "": the provinces themselves."""
    named: dict[str, tuple[Place, ...]] = {}
    for one in wards_of(province_code) if province_code else provinces():
        for name in {
            _spelled(one.short),
            _spelled(one.name),
            *(_spelled(old) for old in one.formerly.split(";") if old),
        }:
            named[name] = (*named.get(name, ()), one)
    return named


@lru_cache(maxsize=2_000)  # the rows of a file are of few places
def read_province(text: str) -> Place | None:
    """The province of today that this names, also without accents or Tỉnh: "TP.HCM", "ha noi". None: no province.

    One of before July 2025 leads to the one that it is part of: "Bình Dương" is Thành phố Hồ Chí Minh.
    """
    plain = _BEFORE.sub("", _spelled(text))
    found = _named("").get(_NICKNAMES.get(plain, plain), ())
    return found[0] if found else None


@lru_cache(maxsize=10_000)
def read_ward(text: str, province_code: str) -> Place | None:
    """The ward of today in that province that this names: "P. Bến Thành", "ben thanh". None: none, or several."""
    plain = _spelled(text)
    named = _named(province_code) if province_code else {}
    fitting = dict.fromkeys([*named.get(plain, ()), *named.get(_BEFORE.sub("", plain), ())])
    # Xã Thanh An and Xã Thạnh An, and a ward beside a commune of its name: what was typed in full decides.
    exact = [one for one in fitting if one.short.lower() in _lower(text)] or list(fitting)
    exact = [one for one in exact if _spelled(one.name) == plain] or exact
    return exact[0] if len(exact) == 1 else None


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", as_typed(text)[:_LONGEST]).lower()


def _spelled(text: str) -> str:
    return " ".join(_WORD.findall(fold(as_typed(text)[:_LONGEST])))
