"""Which tax code, citizen number or birthday was typed, and do they fit together? Pure."""

from __future__ import annotations

import re
from datetime import date

from stdnum.exceptions import ValidationError
from stdnum.vn import mst

from app.core.errors import Sentence
from app.core.formats import day_problem, read_day, typed_day
from app.core.i18n import _
from app.core.vietnamese import as_typed, plain_letters
from app.customers.models import Gender
from app.customers.rules import UnreadableError

#: nobody who is a customer was born before
EARLIEST_BIRTH = date(1900, 1, 1)
_LONGEST = 60
_TAX_DIGITS, _BRANCH_DIGITS, _ID_DIGITS = 10, 13, 12
#: a cell that Excel took for a number has lost zeros at its front, at most so many
_LOST_ZEROS = 2

_LABEL = re.compile(
    r"^(?:mst|ma so thue|tax code|cccd|cmnd|can cuoc cong dan|can cuoc|so dinh danh(?: ca nhan)?)[ .:]*"
)
_SEPARATORS = re.compile(r"[ .·_–−-]+")

#: The provinces of before July 2025, by which citizen numbers begin behind a 0 (Circular 59/2021/TT-BCA). A number that
#: begins otherwise tells the country where somebody was born.
_PROVINCES = (
    "01 02 04 06 08 10 11 12 14 15 17 19 20 22 24 25 26 27 30 31 33 34 35 36 37 38 40 42 44 45 46 48 49 51 52 54 56 58 "
    "60 62 64 66 67 68 70 72 74 75 77 79 80 82 83 84 86 87 89 91 92 93 94 95 96"
)
BIRTH_PROVINCES = frozenset(_PROVINCES.split())


def read_tax_code(typed: str, *, today: date, from_sheet: bool = False) -> str | None:
    """The tax code (MST) in normal form: 0312345673, of a branch 0312345673-001, of a person his citizen number.

    None: nothing was typed. `from_sheet`: zeros at the front may be lost. Raises UnreadableError.
    """
    digits = _digits(typed)
    if not digits:
        return None
    if len(digits) == _ID_DIGITS:  # since July 2025 that of a person or a household business
        return _citizen_id(digits, today)
    if from_sheet and len(digits) < _TAX_DIGITS:
        digits = digits.zfill(_TAX_DIGITS) if _TAX_DIGITS - len(digits) <= _LOST_ZEROS else digits
    if not digits.isdecimal() or len(digits) not in {_TAX_DIGITS, _BRANCH_DIGITS}:
        raise UnreadableError(_("A tax code has 10 digits, 13 with a branch, or 12 for a person. Example: 0312345673"))
    try:
        return mst.format(mst.validate(digits))
    except ValidationError:
        raise UnreadableError(_("A digit of this tax code is wrong. Compare it with the invoice.")) from None


def read_citizen_id(typed: str, *, today: date, from_sheet: bool = False) -> str | None:
    """The 12 digits of a citizen card (CCCD); None: nothing was typed. Raises UnreadableError."""
    digits = _digits(typed)
    if not digits:
        return None
    if from_sheet and _ID_DIGITS - _LOST_ZEROS <= len(digits) < _ID_DIGITS:
        digits = digits.zfill(_ID_DIGITS)
    return _citizen_id(digits, today)


def _digits(typed: str) -> str:
    text = as_typed(typed[:_LONGEST])
    plain = plain_letters(text)
    return _SEPARATORS.sub("", plain[label.end() :] if (label := _LABEL.match(plain)) else plain)


def _citizen_id(digits: str, today: date) -> str:
    if re.fullmatch("[0-9]{9}", digits):
        raise UnreadableError(
            _("That is the number of an old identity card (CMND, 9 digits). Take the 12 digits of the citizen card: "
              "001190000123")
        )  # fmt: skip
    if re.fullmatch("[0-9]+", digits) and len(digits) != _ID_DIGITS:
        raise UnreadableError(
            _("A citizen number (CCCD) has 12 digits; this one has %(count)d. Example: 001190000123", count=len(digits))
        )
    if not re.fullmatch(f"[0-9]{{{_ID_DIGITS}}}", digits):
        raise UnreadableError(_("A citizen number (CCCD) has 12 digits. Example: 001190000123"))
    # Those born abroad begin with the number of a country, of which there are no nine hundred.
    if digits.startswith("9") or len(set(digits)) == 1 or (digits[0] == "0" and digits[1:3] not in BIRTH_PROVINCES):
        raise UnreadableError(
            _("No citizen number begins with %(beginning)s. Compare it with the card.", beginning=digits[:3])
        )
    if birth_year(digits) > today.year:
        raise UnreadableError(
            _("This citizen number is of somebody born in %(year)s. Compare it with the card.", year=birth_year(digits))
        )
    return digits


def birth_year(id_number: str) -> int:
    """What a citizen number tells: 001190… is of 1990. The fourth digit is two a century, from 1900 on."""
    return 1900 + int(id_number[3]) // 2 * 100 + int(id_number[4:6])


def gender_told(id_number: str) -> Gender:
    """What a citizen number tells: an even fourth digit is a man's."""
    return Gender.female if int(id_number[3]) % 2 else Gender.male


def read_birthday(typed: str, *, today: date) -> date | None:
    """A birthday as typed; a year of two digits is one that has been. None: nothing typed. Raises UnreadableError."""
    text = as_typed(typed[:_LONGEST])
    if not text:
        return None
    day = read_day(text)
    if day is None:
        raise UnreadableError(day_problem(text))
    return as_birthday(day, text, today=today)


def as_birthday(day: date, typed: str, *, today: date) -> date:
    """A day that was read, as a birthday: a year typed with two digits is one that has been. Raises UnreadableError."""
    if day > today and not re.search(r"[0-9]{4}", typed):
        day = day.replace(year=day.year - 100)  # only 1900 had no 29 February, and 2000 has been
    check_birthday(day, today=today)
    return day


def check_birthday(day: date, *, today: date) -> None:
    """Raises UnreadableError for a day on which no customer was born."""
    if day > today:
        raise UnreadableError(_("A birthday cannot lie in the future. Check the year."))
    if day < EARLIEST_BIRTH:
        raise UnreadableError(
            _("A birthday before %(day)s is hardly right. Check the year.", day=typed_day(EARLIEST_BIRTH))
        )


def identity_hints(id_number: str | None, birthday: date | None, gender: Gender | None) -> list[Sentence]:
    """What the citizen number tells otherwise than the profile. Never a reason to refuse: cards are wrong, too."""
    hints: list[Sentence] = []
    if not id_number:
        return hints
    if birthday and birthday.year != birth_year(id_number):
        hints.append(
            _("By the citizen number, the year of birth is %(year)s, not %(typed)s.",
              year=birth_year(id_number), typed=birthday.year)
        )  # fmt: skip
    if gender and gender is not Gender.other and gender is not gender_told(id_number):
        hints.append(
            _("By the citizen number, this is a woman.") if gender_told(id_number) is Gender.female
            else _("By the citizen number, this is a man.")
        )  # fmt: skip
    return hints
