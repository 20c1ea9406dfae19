"""What does a row say of a customer? Read from its cells, with every problem told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.core.conditions.fields import Kind
from app.core.errors import InvalidInputError
from app.core.formats import typed_day
from app.core.i18n import _
from app.core.screens import extra
from app.core.sheet_values import Habits, read_number
from app.core.vietnamese import fold
from app.customers import identity, places, rules
from app.customers.duplicates.hard import HardField, HardKey
from app.customers.models import (
    JOB_TITLE_LENGTH,
    NAME_LENGTH,
    OLD_ADDRESS_LENGTH,
    REASON_LENGTH,
    SOURCES,
    STREET_LENGTH,
    ContactKind,
    CustomerKind,
    Gender,
)
from app.customers.profile import CATALOGUES
from app.customers.profile_models import TAG_LENGTH
from app.customers.rules import UnreadableError
from app.imports.fields import CODE, DO_NOT_CONTACT, TAX_CODE, plain
from app.imports.rows import Cells, Row, keys_of, label_of, quoted, read_line, read_word, with_cell

#: the catalogues whose words can stand in such a file
USED = (SOURCES, *CATALOGUES.values())
_CHOSEN: Mapping[str, str] = {"source": SOURCES, **CATALOGUES}
_KINDS = {
    **dict.fromkeys(("canhan", "nguoi", "khachle", "person", "individual"), CustomerKind.person),
    **dict.fromkeys(("congty", "doanhnghiep", "tochuc", "cty", "company", "business", "organisation", "organization"),
                    CustomerKind.company),
}  # fmt: skip
_GENDERS = {
    **dict.fromkeys(("nu", "female", "f", "chi", "ba", "co", "woman"), Gender.female),
    **dict.fromkeys(("nam", "male", "m", "anh", "ong", "man"), Gender.male),
    **dict.fromkeys(("khac", "other", "gioitinhkhac"), Gender.other),
}  # fmt: skip
_YES_NO = {
    **dict.fromkeys(("co", "x", "v", "yes", "y", "true", "dung", "1", "khonglienhe", "khonggoi", "dnc"), True),
    **dict.fromkeys(("khong", "k", "no", "n", "false", "sai", "0", "duoc", "duoclienhe"), False),
}
_COMPANY = re.compile(r"(?:cong ty|cty|doanh nghiep|dntn|htx|hop tac xa|tap doan|tong cong ty|ho kinh doanh|hkd)\b")
_NUMBERS = {Kind.number, Kind.decimal, Kind.money}
#: of a row in what is shown of it
_SHOWN_CONTACTS = 3
_BETWEEN_TAGS = re.compile(r"[;,#\n]")
_KINDS_OF_CONTACT = (
    ContactKind.phone, ContactKind.email, ContactKind.zalo, ContactKind.facebook, ContactKind.website,
    ContactKind.shop_id,
)  # fmt: skip


@dataclass
class Typed:
    """What a row says of a customer. None and missing: nothing."""

    name: str = ""
    code: str = ""
    kind: CustomerKind | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    contacts: list[rules.Contact] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    #: name or code of where he works, user name or name of who looks after him: looked up later
    company: str = ""
    owner: str = ""
    #: of the company's own fields: bare key → value
    own: dict[str, Any] = field(default_factory=dict)

    @property
    def likely_kind(self) -> CustomerKind:
        """As the row says; without that, what its name begins like."""
        return self.kind or (CustomerKind.company if _COMPANY.match(fold(self.name)) else CustomerKind.person)


def read_customer(row: Row, cells: Sequence[str], known: Cells, own: Mapping[str, extra.OneText]) -> Typed:
    """Problems are told to the row. `own`: those of the company's own fields that can be brought in."""
    typed = Typed(company=known.text(cells, "company"), owner=known.text(cells, "owner"))
    typed.code = known.text(cells, CODE).upper()
    _read_name(row, typed, cells, known)
    typed.kind = known.read(row, cells, "kind", lambda text: read_word(text, _KINDS))
    for kind in _KINDS_OF_CONTACT:
        for contact in known.contacts(row, cells, kind) if kind.value in known.places else ():
            if all((contact.kind, contact.value) != (one.kind, one.value) for one in typed.contacts):
                typed.contacts.append(contact)
    columns = typed.columns
    for key in known.places:
        if key in _READERS:
            columns[key] = known.read(row, cells, key, _READERS[key])
        elif key in _CHOSEN:
            columns[key] = known.code(row, cells, key, _CHOSEN[key], may_lack=True)
        elif key in (TAX_CODE, "id_number"):
            columns[key] = known.read(row, cells, key, _number(key, known.today))
    columns["birthday"] = _birthday(row, cells, known)
    next_on = columns["next_contact_on"] = known.day(row, cells, "next_contact_on")
    if next_on is not None and next_on < known.today:
        del columns["next_contact_on"]  # a promise of the past is none
    _read_address(row, typed, cells, known)
    _read_restriction(row, typed, cells, known)
    _read_tags(row, typed, cells, known)
    for key in own.keys() & known.places.keys():
        value = _own_value(row, cells, known, own[key])
        if value is not None:
            typed.own[key.removeprefix(extra.PREFIX)] = value
    typed.columns = {column: value for column, value in columns.items() if value is not None}
    row.label = label_of(typed.name or typed.code, *read_back(typed))
    row.keys = list(keys_of(typed.contacts))
    if TAX_CODE in typed.columns:
        row.keys.append(HardKey(HardField.tax_code, typed.columns[TAX_CODE]))
    return typed


def read_back(typed: Typed) -> Iterator[str]:
    """Of what a file writes in many ways, how it was understood: numbers and addresses, the birthday, the place."""
    yield from (one.shown for one in typed.contacts[:_SHOWN_CONTACTS])
    columns = typed.columns
    if (birthday := columns.get("birthday")) is not None:
        yield typed_day(birthday)
    yield places.address_line(None, columns.get("ward_code"), columns.get("province_code"))


_READERS: Mapping[str, Callable[[str], Any]] = {
    "gender": lambda text: read_word(text, _GENDERS),
    "job_title": read_line(JOB_TITLE_LENGTH),
    "street": read_line(STREET_LENGTH),
    "old_address": read_line(OLD_ADDRESS_LENGTH),
    "note": lambda text: rules.read_note(text) or None,
}


def _own_value(row: Row, cells: Sequence[str], known: Cells, one: extra.OneText) -> Any:
    """What a cell says to a field of the company: days and numbers as the sheet writes them."""
    if one.kind is Kind.date:
        day = known.day(row, cells, one.key)
        said: Any = day.isoformat() if day is not None else None
    else:
        text, habits = next(iter(known.texts(cells, one.key)), ("", Habits()))
        said = text or None
        if text and one.kind in _NUMBERS and (number := read_number(text, habits)) is not None:
            said = int(number) if number == number.to_integral_value() else float(number)
    if said is None:
        return None
    try:
        return one.read(said)
    except InvalidInputError as refusal:
        row.wrong(known.labels[one.key], with_cell(known.text(cells, one.key), refusal.message))
        return None


def _number(key: str, today: date) -> Callable[[str], str | None]:
    read = identity.read_tax_code if key == TAX_CODE else identity.read_citizen_id
    return lambda text: read(text, today=today, from_sheet=True)


def _read_name(row: Row, typed: Typed, cells: Sequence[str], known: Cells) -> None:
    whole = known.text(cells, "name")
    parts = [known.text(cells, "family_name"), known.text(cells, "given_name")]
    text = whole or " ".join(part for part in parts if part)
    try:
        typed.name = rules.read_line(text, NAME_LENGTH)
    except UnreadableError as unreadable:
        row.wrong(_("Name"), unreadable.sentence)
    if not text and not typed.code:
        row.wrong("", _("The name is missing."))


def _birthday(row: Row, cells: Sequence[str], known: Cells) -> date | None:
    day = known.day(row, cells, "birthday")
    if day is None:
        return None
    try:
        return identity.as_birthday(day, known.text(cells, "birthday"), today=known.today)
    except UnreadableError as unreadable:
        row.wrong(known.labels["birthday"], f"{typed_day(day)} – {unreadable.sentence}")
        return None


def _read_address(row: Row, typed: Typed, cells: Sequence[str], known: Cells) -> None:
    """Units of today get their codes; what is none of them was written before July 2025 and stays a text, with the
    street where there is no province of today to put it in. Such a province may be a slip of the pen, and is told."""
    named, ward_named = known.text(cells, "province"), known.text(cells, "ward")
    if not named and not ward_named:
        return
    province = places.read_province(named) if named else None
    ward = places.read_ward(ward_named, province.code) if ward_named and province else None
    columns = typed.columns
    if province is not None:
        columns["province_code"] = province.code
    if ward is not None:
        columns["ward_code"] = ward.code
    if named and province is None:
        unknown = (
            _("There is no province or city “%(name)s”: left out, the rest is taken.", name=quoted(named))
            if columns.get("old_address") else
            _("There is no province or city “%(name)s”: it is written down as an address before July 2025.",
              name=quoted(named))
        )  # fmt: skip
        row.tell(known.labels["province"], unknown)
    if ((named and province is None) or (ward_named and ward is None)) and not columns.get("old_address"):
        street = columns.pop("street", None) if province is None else None
        written = ", ".join(part for part in (street, ward_named, named) if part)
        try:
            columns["old_address"] = rules.read_line(written, OLD_ADDRESS_LENGTH)
        except UnreadableError as unreadable:
            row.wrong(known.labels["old_address"], unreadable.sentence)


def _read_restriction(row: Row, typed: Typed, cells: Sequence[str], known: Cells) -> None:
    """A file says who is not to be contacted, and never that somebody may be again: what is stricter stays."""
    text = known.text(cells, DO_NOT_CONTACT)
    says = _YES_NO.get(plain(text)) if text else None
    typed_reason = known.read(row, cells, "do_not_contact_reason", read_line(REASON_LENGTH))
    if says is False or not (text or typed_reason):
        return
    if text and says is None:  # what stands there is why
        typed_reason = typed_reason or known.read(row, cells, DO_NOT_CONTACT, read_line(REASON_LENGTH))
    typed.columns[DO_NOT_CONTACT] = True
    typed.columns["do_not_contact_reason"] = typed_reason or str(_("It stood in a file that was brought in."))


def _read_tags(row: Row, typed: Typed, cells: Sequence[str], known: Cells) -> None:
    read: dict[str, str] = {}
    for text, _habits in known.texts(cells, "tags"):
        for part in _BETWEEN_TAGS.split(text):
            try:
                line = rules.read_line(part, TAG_LENGTH)
            except UnreadableError as unreadable:
                row.wrong(known.labels["tags"], unreadable.sentence)
                continue
            if fold(line):
                read.setdefault(fold(line)[:TAG_LENGTH], line)
    typed.tags = list(read.values())
