"""Which phone number is this, and how do people read it?"""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from app.core.vietnamese.keyboard import as_typed

REGION = "VN"
COUNTRY_CODE = 84

#: Mobile numbers lost their eleventh digit in 2018: old prefix → new one, both without the leading 0.
#: The library knows only the new numbering; customers' files still hold the old one.
MOBILE_RENUMBERING_2018 = {
    "120": "70",
    "121": "79",
    "122": "77",
    "123": "83",
    "124": "84",
    "125": "85",
    "126": "76",
    "127": "81",
    "128": "78",
    "129": "82",
    "162": "32",
    "163": "33",
    "164": "34",
    "165": "35",
    "166": "36",
    "167": "37",
    "168": "38",
    "169": "39",
    "186": "56",
    "188": "58",
    "199": "59",
}
HOTLINES = ("1800", "1900")
# Letters are refused: the library reads them as keypad digits, and 67O would become 676.
_PHONE = re.compile(r"[+0-9][0-9 ().·/–-]*|\([+0-9][0-9 ().·/–-]*")


def _renumbered(number: PhoneNumber) -> PhoneNumber:
    national = str(number.national_number)
    prefix = MOBILE_RENUMBERING_2018.get(national[:3])
    if number.country_code != COUNTRY_CODE or len(national) != 10 or prefix is None:
        return number
    return PhoneNumber(country_code=COUNTRY_CODE, national_number=int(prefix + national[3:]))


def phone_e164(text: str) -> str | None:
    """The number as it is stored: E.164 (+84912345678), a hotline as it is dialled (19001234), None if it is none.

    Old eleven-digit mobile numbers come back in their present form. One number only, without extension.
    """
    typed = as_typed(text)
    if not _PHONE.fullmatch(typed):
        return None
    try:
        number = _renumbered(phonenumbers.parse(typed, REGION))
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    national = phonenumbers.national_significant_number(number)
    if number.country_code == COUNTRY_CODE and national.startswith(HOTLINES):
        return national
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def show_phone(stored: str) -> str:
    """A stored number as people read it: 0912 345 678, 1900 1234; numbers abroad with their country code."""
    try:
        number = phonenumbers.parse(stored, REGION)
    except NumberParseException:
        return stored
    at_home = number.country_code == COUNTRY_CODE
    return phonenumbers.format_number(
        number, PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    )
