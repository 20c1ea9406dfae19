"""Are two customers the same one? What is compared, how like it is, and which pairs are worth comparing. Pure.

A pair is found when the names are alike and something else agrees: birthday, address or the last digits of a phone.
Only customers that share one of these are compared at all: the work grows with the customers, not with their square.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from difflib import SequenceMatcher
from enum import StrEnum, auto
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from app.core.errors import Sentence
from app.core.i18n import _
from app.core.vietnamese import fold, phone_tail
from app.customers.models import ADDRESS_KEY_LENGTH, NAME_LENGTH, CustomerKind, Gender

#: so many last digits of a phone are compared: area codes and prefixes change
TAIL_DIGITS = 6
#: from this score on, a pair is shown to people
THRESHOLD = 0.8

# ── Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_WORD = re.compile(r"[^\W_]+")
_NOTES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|[0-9][0-9 .+-]{7,}")
_HONORIFICS = frozenset(
    [
        "anh",
        "chi",
        "co",
        "chu",
        "bac",
        "em",
        "ong",
        "ba",
        "thay",
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "bs",
        "ts",
        "ths",
        "gs",
        "pgs",
        "ls",
        "ks",
        "quy",
        "khach",
    ]
)
#: what a company is by law says nothing of which it is
_LEGAL = re.compile(
    r"\b(?:tap doan|tong cong ty|cong ty|cty|ctcp|ct(?= (?:tnhh|cp|co phan))|trach nhiem huu han|tnhh|mot thanh vien"
    r"|mtv|1 ?tv|1 ?thanh vien|hai thanh vien(?: tro len)?|co phan|cp|hop danh|doanh nghiep tu nhan"
    r"|dntn|ho kinh doanh|hkd|joint stock|company|limited|ltd|jsc|corp(?:oration)?|inc|llc|co(?= (?:ltd|limited))|va)\b"
)
_IS_COMPANY = re.compile(
    r"(?:tap doan|tong cong ty|cong ty|cty|ctcp|ct tnhh|ct cp|doanh nghiep|dntn|ho kinh doanh|hkd)\b"
)
_COMPANY_SHORT = {
    "tm": "thuong mai", "dv": "dich vu", "tmdv": "thuong mai dich vu", "sx": "san xuat", "xnk": "xuat nhap khau",
    "dt": "dau tu", "xd": "xay dung", "vn": "viet nam", "vt": "van tai", "pt": "phat trien", "cn": "cong nghe",
    "qt": "quoc te", "hn": "ha noi", "hcm": "ho chi minh", "tphcm": "ho chi minh", "nn": "nong nghiep",
    "dl": "du lich", "kd": "kinh doanh",
}  # fmt: skip

#: in an address: words that are written or left out
_ADDRESS_FILLERS = re.compile(
    r"\b(?:so nha|nha so|so|nha|duong|pho|d|can ho|(?:can|phong|toa)(?= [0-9])|ch|toa nha|chung cu|cc|thanh pho|tp"
    r"|thi xa|tx|thi tran|tt|tinh|quan|q|huyen|h|phuong|p|xa|x|viet nam|vn)\b"
)
#: an address that begins so tells no house
_ONLY_A_DISTRICT = re.compile(r"(?:quan|q|huyen|h|phuong|p|xa|x|tinh|thanh pho|tp|thi xa|tx|thi tran|tt)\b")
_ADDRESS_SHORT = {
    "hcm": "ho chi minh",
    "tphcm": "ho chi minh",
    "hn": "ha noi",
    "ng": "ngo",
    "kp": "khu pho",
    "kdt": "khu do thi",
}
_LETTER_AND_NUMBER = re.compile(r"\b(q|p|h|x|so)\.?([0-9])")
_NUMBER = re.compile(r"[0-9]+[a-z]?")


def name_key(name: str, kind: CustomerKind) -> str:
    """The name without accents, forms of address, notes in brackets and what a company is by law; words by one space.

    "Chị Đặng Thị Ưu (Cầu Giấy)" → "dang thi uu"; "CTY TNHH TM An Phát" → "thuong mai an phat".
    """
    plain = fold(name)
    words = _WORD.findall(_NOTES.sub(" ", plain)) or _WORD.findall(plain)
    joined = " ".join(words)
    if kind is CustomerKind.company or _IS_COMPANY.match(joined):
        words = _WORD.findall(_LEGAL.sub(" ", joined))
        words = " ".join(_COMPANY_SHORT.get(word, word) for word in words).split()
    else:
        while len(words) > 1 and words[0] in _HONORIFICS:
            words = words[1:]
    return (" ".join(words) or joined)[:NAME_LENGTH]


def addr_key(
    street: str | None, ward_code: str | None, province_code: str | None, old_address: str | None = None
) -> str:
    """Where somebody lives, in one spelling: "12 le loi|26743"; of an address before July 2025 "12 le loi 1 ha noi|".

    "": nothing below a ward is known, which would make neighbours of thousands.
    """
    line = _address_words(street or "")
    if line:
        return f"{line[: ADDRESS_KEY_LENGTH - 10]}|{ward_code or province_code or ''}"
    old = _address_words(old_address or "")
    tells_a_house = _NUMBER.search(old) and not _ONLY_A_DISTRICT.match(fold(old_address or ""))
    return f"{old[: ADDRESS_KEY_LENGTH - 10]}|" if tells_a_house else ""


def _address_words(text: str) -> str:
    plain = " ".join(re.findall(r"[^\W_]+(?:[/-][^\W_]+)*", _LETTER_AND_NUMBER.sub(r"\1 \2", fold(text))))
    words = _ADDRESS_FILLERS.sub(" ", plain).split()
    return " ".join(_ADDRESS_SHORT.get(word, word) for word in words)


def tails(stored_numbers: Iterable[str]) -> frozenset[str]:
    """What is compared of phone numbers in normal form. Leave out those that are marked as shared."""
    return frozenset(phone_tail(number, TAIL_DIGITS) for number in stored_numbers)


# ── Two customers ────────────────────────────────────────────────────────────────────────────────────────────────────


class Candidate(NamedTuple):
    """What of a customer is compared. `id` is only handed back."""

    id: int
    kind: CustomerKind
    name_key: str
    birthday: date | None = None
    addr_key: str = ""
    tails: frozenset[str] = frozenset()
    gender: Gender | None = None
    id_number: str | None = None
    tax_code: str | None = None


class Reason(StrEnum):
    """What agrees. Kept with the pair under these names."""

    same_name = auto()
    similar_name = auto()
    same_birthday = auto()
    turned_birthday = auto()
    same_address = auto()
    similar_address = auto()
    same_phone_tail = auto()
    same_id_number = auto()


REASON_WORDS: Mapping[Reason, Sentence] = {
    Reason.same_name: _("same name"),
    Reason.similar_name: _("similar name"),
    Reason.same_birthday: _("same birthday"),
    Reason.turned_birthday: _("birthday with day and month exchanged"),
    Reason.same_address: _("same address"),
    Reason.similar_address: _("similar address"),
    Reason.same_phone_tail: _("phone with the same last digits"),
    Reason.same_id_number: _("same citizen number"),
}


class Match(NamedTuple):
    """Two customers who may be one: `first` < `second`; `score` from 0 to 1."""

    first: int
    second: int
    score: float
    reasons: tuple[Reason, ...]


#: what agreeing adds, and what differing takes away
_NAME, _PHONE, _BIRTHDAY, _TURNED, _ADDRESS, _NEAR, _VILLAGE = 0.6, 0.32, 0.28, 0.2, 0.28, 0.22, 0.2
_OTHER_BIRTHDAY, _OTHER_ID, _OTHER_GENDER = -0.22, -0.5, -0.15
#: so like must two names be at least
_LEAST_ALIKE = 0.6
#: a name that so many customers have says little beside a mere birthday
_COMMON = 100
#: the day that people type who do not know it
_NEW_YEAR = (1, 1)


def score(a: Candidate, b: Candidate, *, namesakes: int = 0) -> tuple[float, tuple[Reason, ...]]:
    """How sure it is that both are one (0 to 1), and why. `namesakes`: how many customers have this name in all."""
    if a.kind is not b.kind:
        return 0.0, ()
    if a.id_number and a.id_number == b.id_number:
        return 1.0, (Reason.same_id_number,)
    alike = names_alike(a.name_key, b.name_key)
    if alike < _LEAST_ALIKE:
        return 0.0, ()
    reasons = [Reason.same_name if alike == 1 else Reason.similar_name]
    points = _NAME * alike
    for reason, worth in _agreeing(a, b, namesakes):
        reasons.append(reason)
        points += worth
    if len(reasons) == 1:
        return 0.0, ()
    points += _differing(a, b)
    return round(max(0.0, min(1.0, points)), 3), tuple(reasons)


def _agreeing(a: Candidate, b: Candidate, namesakes: int) -> Iterator[tuple[Reason, float]]:
    if not a.tails.isdisjoint(b.tails):
        yield Reason.same_phone_tail, _PHONE
    if a.birthday and b.birthday:
        is_sure = namesakes < _COMMON and (a.birthday.day, a.birthday.month) != _NEW_YEAR
        if a.birthday == b.birthday:
            yield Reason.same_birthday, _BIRTHDAY if is_sure else _BIRTHDAY / 2
        elif (a.birthday.year, a.birthday.month, a.birthday.day) == (b.birthday.year, b.birthday.day, b.birthday.month):
            yield Reason.turned_birthday, _TURNED if is_sure else _TURNED / 2
    if a.addr_key and b.addr_key:
        if a.addr_key == b.addr_key:
            yield Reason.same_address, _ADDRESS if _NUMBER.match(a.addr_key) else _VILLAGE
        elif _addresses_alike(a.addr_key, b.addr_key):
            yield Reason.similar_address, _NEAR


def _differing(a: Candidate, b: Candidate) -> float:
    points = 0.0
    if (
        a.birthday
        and b.birthday
        and sorted((a.birthday.day, a.birthday.month)) != sorted((b.birthday.day, b.birthday.month))
    ):
        points += _OTHER_BIRTHDAY
    if (a.id_number and b.id_number) or (a.tax_code and b.tax_code and a.tax_code[:10] != b.tax_code[:10]):
        points += _OTHER_ID
    if a.gender and b.gender and a.gender is not b.gender:
        points += _OTHER_GENDER
    return points


@lru_cache(maxsize=20_000)
def names_alike(one: str, other: str) -> float:
    """From 0 to 1: 1 for equal keys; less for words in another order, initials, a word left out, a letter mistyped."""
    if one == other:
        return 1.0
    a, b = one.split(), other.split()
    if not a or not b:
        return 0.0
    if sorted(a) == sorted(b):
        return 0.95
    if len(a) == len(b) and all(map(_abbreviates, a, b)) and max(len(a[-1]), len(b[-1])) > 1:
        return 0.92
    short, long = sorted((a, b), key=len)
    if len(short) < len(long) and _in_order(short, long):
        if len(short) == 1:
            return 0.65 if short[0] == long[-1] else 0.0
        return 0.9 if short[-1] == long[-1] else 0.7
    if len(a) == len(b):
        # One word is mistyped, none is another name: Lan and Loan, Hoa and Hoan are different people.
        odd = [(x, y) for x, y in zip(a, b, strict=True) if x != y]
        if len(odd) == 1 and _mistyped(*odd[0]):
            return 0.9 if a[-1] == b[-1] else 0.8  # of brothers in one house, the given names are often as near
    joined = SequenceMatcher(None, one.replace(" ", ""), other.replace(" ", ""), autojunk=False).ratio()
    return 0.85 if joined > 0.93 and a[-1] == b[-1] else 0.0


def _abbreviates(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return one == other or (len(short) <= len("ng") and long.startswith(short))


def _in_order(short: Collection[str], long: Iterable[str]) -> bool:
    rest = iter(long)
    return all(any(_abbreviates(word, further) for further in rest) for word in short)


def _mistyped(one: str, other: str) -> bool:
    """One letter too many, too few, another or exchanged with its neighbour, in a word long enough to tell."""
    if min(len(one), len(other)) < len("anh") or abs(len(one) - len(other)) > 1:
        return False
    start = next((at for at, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def _addresses_alike(one: str, other: str) -> bool:
    """The same house number and place, and most words of the street."""
    (a, where), (b, there) = one.rsplit("|", 1), other.rsplit("|", 1)
    if where != there or _NUMBER.findall(a)[:1] != _NUMBER.findall(b)[:1] or not _NUMBER.search(a):
        return False
    x, y = set(a.split()), set(b.split())
    return len(x & y) / len(x | y) >= 0.6


# ── All customers ────────────────────────────────────────────────────────────────────────────────────────────────────

#: customers that share something are all compared up to so many; of more, those whose given names agree, then whose
#: names agree. A block that is still larger says nothing (a default day, the address of a market).
_LARGEST_BLOCK = 60


def find_pairs(
    candidates: Iterable[Candidate], *, threshold: float = THRESHOLD, among: Collection[int] | None = None
) -> Iterator[Match]:
    """All pairs with at least this score, each once, in no order. 100,000 customers take some seconds of one core.

    `among`: only pairs in which one of these ids stands; what nobody of them shares is not looked at.
    """
    everyone = list(candidates)
    namesakes = Counter(one.name_key for one in everyone)
    wanted = None if among is None else {(x.kind, shared) for x in everyone if x.id in among for shared in _shared(x)}
    blocks: dict[object, list[int]] = defaultdict(list)
    for at, one in enumerate(everyone):
        for shared in _shared(one):
            if wanted is None or (one.kind, shared) in wanted:
                blocks[one.kind, shared].append(at)
    seen: set[int] = set()
    size = len(everyone)
    for block in blocks.values():
        for x, y in _worth_comparing(block, everyone):
            if (pair := x * size + y) in seen:
                continue
            a, b = everyone[x], everyone[y]
            if among is not None and a.id not in among and b.id not in among:
                continue
            points, reasons = score(a, b, namesakes=max(namesakes[a.name_key], namesakes[b.name_key]))
            if points >= threshold:
                seen.add(pair)
                yield Match(min(a.id, b.id), max(a.id, b.id), points, reasons)


def _shared(one: Candidate) -> Iterator[object]:
    yield from one.tails
    if one.birthday:
        day, month = sorted((one.birthday.day, one.birthday.month))
        yield one.birthday.year, day, month
    if one.addr_key:
        line, _bar, where = one.addr_key.rpartition("|")
        number = _NUMBER.search(line)
        yield "at", number.group() if number else line, where
    if one.id_number:
        yield "id", one.id_number


def _worth_comparing(block: list[int], everyone: list[Candidate]) -> Iterator[tuple[int, int]]:
    if len(block) <= _LARGEST_BLOCK:
        yield from combinations(block, 2)
        return
    for parts in (_given, _whole):
        smaller: dict[str, list[int]] = defaultdict(list)
        for at in block:
            smaller[parts(everyone[at])].append(at)
        block = []
        for part in smaller.values():
            if len(part) <= _LARGEST_BLOCK:
                yield from combinations(part, 2)
            else:
                block += part


def _given(one: Candidate) -> str:
    return one.name_key.rpartition(" ")[2]


def _whole(one: Candidate) -> str:
    return one.name_key
