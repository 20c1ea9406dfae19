"""How is what people type about a customer read, kept, found again, and masked for those who may not see it?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.core.errors import Sentence
from app.core.formats import phone_problem
from app.core.i18n import _
from app.core.vietnamese import (
    NUMBER,
    as_typed,
    begun_number,
    fold,
    phone_e164,
    phone_tail,
    read_phone,
    show_phone,
    sort_key,
    stored_phone,
    without_labels,
)
from app.customers import normal_forms
from app.customers.models import CONTACT_LENGTH, NAME_LENGTH, SORT_KEY_LENGTH, ContactKind, CustomerKind

NOTE_LENGTH = 10_000
#: nothing that is written down here lies before this day
EARLIEST = date(1990, 1, 1)
TOO_EARLY = _("This lies before 1990. Look at the year again.")


class UnreadableError(ValueError):
    """What was typed cannot be kept; `sentence` says why, beside the field."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        super().__init__(sentence)


@dataclass(frozen=True)
class Contact:
    """A way to reach someone: `value` finds equal ones, `shown` is what people read."""

    kind: ContactKind
    value: str
    shown: str
    #: that of the row it is read from; 0: none
    id: int = 0
    #: under whose right it falls: field_of
    field: str | None = None
    #: `shown` and `value` have dots in them
    is_covered: bool = False


def customer_code(number: int) -> str:
    """1 → KH000001."""
    return f"KH{number:06d}"


def name_order(name: str, kind: CustomerKind) -> str:
    """The sort key of a customer's name: people by given name, companies by their first word."""
    return sort_key(name, person=kind is CustomerKind.person)[:SORT_KEY_LENGTH]


# ── Reading what was typed ───────────────────────────────────────────────────────────────────────────────────────────


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _storable(typed: str) -> str:
    """The text with composed letters. Raises UnreadableError for what no database keeps (NUL, half an emoji)."""
    if _UNSTORABLE.search(typed):
        raise UnreadableError(_("This text contains signs that cannot be stored."))
    return unicodedata.normalize("NFC", typed)


def read_line(typed: str, longest: int) -> str:
    """One line of text with single spaces; may be empty."""
    line = " ".join(as_typed(_storable(typed)).split())
    if len(line) > longest:
        raise UnreadableError(_("Please use at most %(number)s characters.", number=longest))
    return line


def read_name(typed: str) -> str:
    name = read_line(typed, NAME_LENGTH)
    if not name:
        raise UnreadableError(_("Please enter the customer's name."))
    return name


def read_note(typed: str) -> str:
    """Free text, lines kept; may be empty."""
    note = _storable(typed).strip()
    if len(note) > NOTE_LENGTH:
        raise UnreadableError(_("Please use at most %(number)s characters.", number=NOTE_LENGTH))
    return note


_EMAIL = re.compile(r"[^\s@,;<>\"()]+@[^\s@.,;<>\"()]+(?:\.[^\s@.,;<>\"()]+)+")


def read_contact(kind: ContactKind, typed: str) -> Contact:
    """The contact point that was typed, in normal form. Raises UnreadableError when it cannot be one."""
    line = read_line(typed, CONTACT_LENGTH)
    if not line:
        raise UnreadableError(_("Please fill this in."))
    match kind:
        case ContactKind.phone:
            return _phone(line, kind)
        case ContactKind.email:
            return _email(line)
        case ContactKind.zalo:
            # A Zalo account usually is a phone number, else a name.
            account = normal_forms.zalo_form(line)
            return _phone(account, kind) if read_phone(account) else Contact(kind, _cut(account), line)
        case ContactKind.facebook:
            return Contact(kind, _cut(normal_forms.facebook_form(line)), line)
        case ContactKind.website:
            return Contact(kind, _cut(normal_forms.website_form(line)), line)
        case ContactKind.shop_id:
            return Contact(kind, _cut(normal_forms.shop_form(line)), line)
        case ContactKind.other:
            return Contact(kind, _cut(line.lower()), line)


def _phone(line: str, kind: ContactKind) -> Contact:
    phone = read_phone(line)
    if phone is None:
        raise UnreadableError(phone_problem(line))
    return Contact(kind, phone.stored, show_phone(phone.stored))


def _email(line: str) -> Contact:
    line = normal_forms.bare(line)
    if not line.isprintable() or not _EMAIL.fullmatch(line):
        raise UnreadableError(_("This is not an e-mail address. Example: lan@example.com"))
    return Contact(ContactKind.email, _cut(normal_forms.email_form(line)), line)


def _cut(form: str) -> str:
    # Small letters may be more than the capitals that were typed (İ).
    return form[:CONTACT_LENGTH]


def field_of(kind: ContactKind, value: str) -> str | None:
    """Whose field right a way to reach falls under: that of phone numbers, of e-mails, or of none.

    What hides a number or an address in another kind falls under theirs.
    """
    if kind in PHONE_KINDS:
        return "phone"
    if kind is ContactKind.email or "@" in value:
        return "email"
    return "phone" if any(phone_e164(found.group()) for found in NUMBER.finditer(fold(value))) else None


# ── Finding ──────────────────────────────────────────────────────────────────────────────────────────────────────────

#: More is never typed on purpose; what comes after is left out, which only finds more.
MOST_WORDS = 12
LONGEST_WORD = 60
LONGEST_QUERY = 300

#: no words of their own: both text indexes pass over them
NAME_ENDS, COMPANY_BEGINS = "|", "/"
_WORD = re.compile(r"[^\W_]+")
_DIGIT = re.compile(r"[0-9]")
_PHONE_STARTS = ("0", "84", "1800", "1900")
#: from here on digits in groups are one number, not several words
_PHONE_DIGITS = 9


def words(text: str) -> list[str]:
    """The folded words of a text: letters and digits only, so that both databases cut it in the same places."""
    return _words_of(fold(text))


def _words_of(folded: str) -> list[str]:
    return [word[:LONGEST_WORD] for word in _WORD.findall(folded)]


def search_text(
    code: str,
    name: str,
    contacts: Iterable[tuple[ContactKind, str]],
    tags: Iterable[str] = (),
    company: str | None = None,
) -> str:
    """All words under which a customer is found, separated by spaces. `contacts` are (kind, normal form).

    Code, name and tags come first. Behind NAME_ENDS stand the words of his numbers and addresses, behind COMPANY_BEGINS
    those of where he works: not everybody may find him by these.
    """
    named = [*words(code), *_findable(name)]
    for tag in tags:
        named += words(tag)
    reached: list[str] = []
    for kind, value in contacts:
        reached += phone_words(value) if kind in PHONE_KINDS and is_number(value) else _findable(value)
    there = [COMPANY_BEGINS, *dict.fromkeys(_findable(company))] if company else []
    return " ".join([*dict.fromkeys(named), NAME_ENDS, *dict.fromkeys(reached), *there])


#: a number in normal form: a contact of these kinds that is none has no such value
_STORED_NUMBER = re.compile(r"(?:\+[1-9][0-9]{6,14}|1[89]00[0-9]{4,6})(?:;ext=[0-9]{1,7})?")


def is_number(value: str) -> bool:
    """Is this normal form one of a phone number? A Zalo account may also be a name."""
    return _STORED_NUMBER.fullmatch(value) is not None


def _findable(text: str) -> list[str]:
    """The words of a text, and the numbers in it ("chị Lan 0912 345 678") as search_words() will put them together."""
    folded = fold(text)
    found = _words_of(folded)
    for match in NUMBER.finditer(without_labels(folded)) if _DIGIT.search(folded) else ():
        known = phone_e164(match.group())
        found += phone_words(known) if known else words(_one_number(match))
    return found


#: so many digits at the end of a number are a word of their own: people remember these
LAST_DIGITS = 4
#: A Zalo account is found and compared like the phone number it is.
PHONE_KINDS = frozenset({ContactKind.phone, ContactKind.zalo})


def phone_words(stored: str) -> list[str]:
    """The words of a stored number: with country code, as dialled at home with and without 0, the last 4 digits, and
    the extension."""
    phone = stored_phone(stored)
    digits = phone.number.removeprefix("+")
    at_home = digits.removeprefix("84")
    national = [f"0{at_home}", at_home] if stored.startswith("+84") else []
    return [digits, *national, phone_tail(stored, LAST_DIGITS), *([phone.extension] if phone.extension else [])]


def last_digits(typed: str) -> set[str]:
    """What was typed as the end of a number: each word of just so many digits."""
    return {word for word in words(typed) if len(word) == LAST_DIGITS and word.isdecimal()}


def search_words(typed: str) -> list[str]:
    """The word beginnings that a customer must all have; phone numbers are put together again. Any text is welcome."""
    text = NUMBER.sub(_one_number, without_labels(fold(typed[:LONGEST_QUERY])))
    return list(dict.fromkeys(words(text)))[:MOST_WORDS]


def _one_number(match: re.Match[str]) -> str:
    typed = match.group()
    known = phone_e164(typed)
    if known:
        return known.removeprefix("+")
    digits = re.sub("[^0-9]", "", typed)
    # A number that is still being typed; anything else ("tổ 19 5") stays separate words.
    is_phone = digits.startswith(_PHONE_STARTS) or typed.startswith("+") or len(digits) >= _PHONE_DIGITS
    return begun_number(typed) if is_phone else typed


def masked(name: str) -> str:
    """The name for someone who may only know that the customer exists: "Nguyễn Ngọc Lan" → "N… N… L…"."""
    return " ".join(f"{word[0]}…" for word in name.split())
