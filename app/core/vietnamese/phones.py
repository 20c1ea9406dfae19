"""Which phone number is this, and how do people read it?"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberFormat

from app.core.vietnamese.keyboard import as_typed
from app.core.vietnamese.names import fold, plain_letters

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
_PHONE = re.compile(r"\(?[+0-9][0-9 ().,_·/~‐‑‒–—−-]*")
# signs between groups of digits that the library does not know
_SEPARATORS = str.maketrans(dict.fromkeys(",_/", " "))

_NO_SEPARATORS = str.maketrans(dict.fromkeys(" .-"))
_USUAL = re.compile(r"(?:\+84|84|0)?([1-9][0-9]{8})")
_STORED_MOBILE = re.compile(r"\+84([35789][0-9]{2})([0-9]{3})([0-9]{3})")

# What people write around a number, in plain letters: "SĐT: 0912…", "028 3823 4567 - máy lẻ 102", "… (ext. 102)".
_LABEL = re.compile(
    r"(?:(?:so )?(?:sdt|dtdd|dtcd|dt|dien thoai|di dong)|telephone|tel|phone|mobile|mob|cell|call|hotline|zalo|viber)"
    r" ?[.:]* ?(?=[+(0-9])"
)
_EXTENSION = re.compile(
    r"(?<=[0-9)]) ?[-–,;(]? ?"
    r"(?:;? ?(?:(?:so )?may le|so le|nhanh|noi bo|extension|exts?|line|ml|x)|#) ?[.:=#]* ?"
    r"([0-9]{1,7}) ?\)?"
)
#: One number inside a folded text, however it is cut: "+84 (912) 345-678".
NUMBER = re.compile(r"(?<!\w)[+(]*[0-9](?:[ ().,_·/~‐‑‒–—−-]*[0-9])*(?!\w)")
#: between the number and its extension, as it is stored (RFC 3966)
_STORED_EXTENSION = ";ext="


@dataclass(frozen=True)
class Phone:
    """A number that was read, and whom to ask for behind a switchboard."""

    #: as phone_e164() gives it
    number: str
    extension: str | None = None

    @property
    def stored(self) -> str:
        """+842838234567;ext=102: two people behind one switchboard have two normal forms."""
        return f"{self.number}{_STORED_EXTENSION}{self.extension}" if self.extension else self.number


@cache
def _mobile() -> re.Pattern[str]:
    """What a Vietnamese mobile number is today, without 0: as the library has it."""
    known = PhoneMetadata.metadata_for_region(REGION)
    assert known is not None
    assert known.mobile is not None
    return re.compile(known.mobile.national_number_pattern or "")


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
    # Most are Vietnamese mobiles, and imports read many: by the library's own pattern, without its long way.
    usual = _USUAL.fullmatch(typed.translate(_NO_SEPARATORS))
    if usual and _mobile().fullmatch(usual[1]):
        return f"+84{usual[1]}"
    try:
        number = _renumbered(phonenumbers.parse(typed.translate(_SEPARATORS), REGION))
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    national = phonenumbers.national_significant_number(number)
    if number.country_code == COUNTRY_CODE and national.startswith(HOTLINES):
        return national
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def dialled_at_home(text: str) -> str | None:
    """The digits as one would dial them in Vietnam, number or not: +84 91234567 → 091234567. None: no digits alone, or
    those of another country."""
    typed = as_typed(text)
    if not _PHONE.fullmatch(typed):
        return None
    digits = re.sub("[^0-9]", "", typed)
    if typed.startswith("+") or digits.startswith("0084"):
        at_home = digits.removeprefix("00")
        return f"0{at_home[2:].removeprefix('0')}" if at_home.startswith("84") else None
    return digits


def read_phone(text: str) -> Phone | None:
    """One number as people write it: with what it is called before it (SĐT: …) and an extension behind. None: none.

    Hotlines (1800, 1900) and numbers abroad are taken as well.
    """
    if text.isdecimal():  # no word before it and none behind
        alone = phone_e164(text)
        return Phone(alone, None) if alone else None
    typed = " ".join(unicodedata.normalize("NFC", as_typed(text)).split())
    plain = plain_letters(typed)
    label = _LABEL.match(plain)
    start = label.end() if label else 0
    extension = next((found for found in _EXTENSION.finditer(plain, start) if found.end() == len(plain)), None)
    number = phone_e164(typed[start : extension.start() if extension else None])
    return Phone(number, extension[1] if extension else None) if number else None


def phone_in(text: str) -> Phone | None:
    """The number in what was typed, among other words too: "chị Lan 0912 345 678 hỏi hàng". None or several: None."""
    phone = read_phone(text)
    if phone is not None or not any(sign.isdigit() for sign in text):
        return phone
    numbers = {phone_e164(found.group()) for found in NUMBER.finditer(without_labels(fold(text)))} - {None}
    return Phone(numbers.pop() or "") if len(numbers) == 1 else None


def stored_phone(stored: str) -> Phone:
    """The two parts of a number in its stored form."""
    number, _sign, extension = stored.partition(_STORED_EXTENSION)
    return Phone(number, extension or None)


def phone_tail(stored: str, digits: int) -> str:
    """The last digits, by which people tell numbers apart: of +842838234567;ext=102 the last four are 4567."""
    return stored_phone(stored).number[-digits:]


def without_labels(folded: str) -> str:
    """A folded text without the words around its numbers: "lan sdt 0912 345 678 ext 12" → "lan 0912 345 678 ; 12 "."""
    return _EXTENSION.sub(r" ; \1 ", _LABEL_INSIDE.sub("", folded))


_LABEL_INSIDE = re.compile(rf"(?<!\w){_LABEL.pattern}")


def begun_number(typed: str) -> str:
    """The digits of a number that is still being typed, as a stored one begins: +84 91 → 8491, 0168 1 → 0381."""
    digits = re.sub("[^0-9]", "", typed)
    is_abroad = typed.lstrip("( ").startswith("+") or digits.startswith("0084")
    if is_abroad:
        digits = digits.removeprefix("00")
    lead = "84" if is_abroad and digits.startswith("84") else "0" if digits.startswith("0") else ""
    national = digits.removeprefix(lead)
    if lead == "84":
        national = national.removeprefix("0")
    new = MOBILE_RENUMBERING_2018.get(national[:3]) if lead else None
    return lead + (f"{new}{national[3:]}" if new else national)


def show_phone(stored: str) -> str:
    """A stored number as people read it: 0912 345 678, 1900 1234; numbers abroad with their country code.

    With an extension: 028 3823 4567 máy lẻ 102.
    """
    stored, _sign, extension = stored.partition(_STORED_EXTENSION)
    if extension:
        return f"{show_phone(stored)} máy lẻ {extension}"
    if mobile := _STORED_MOBILE.fullmatch(stored):
        return "0{} {} {}".format(*mobile.groups())
    try:
        number = phonenumbers.parse(stored, REGION)
    except NumberParseException:
        return stored
    at_home = number.country_code == COUNTRY_CODE
    return phonenumbers.format_number(
        number, PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    )
