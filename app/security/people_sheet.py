"""What does a sheet of new colleagues say? Headings and cells into rows, in the words of the company. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.errors import BusinessError, Sentence
from app.core.i18n import _
from app.core.vietnamese import fold

MOST_ROWS = 2_000
LARGEST_FILE = 5 * 1024 * 1024

#: in the order of the template
HEADINGS: Mapping[str, Sentence] = {
    "family_name": _("Family name"),
    "given_name": _("Given name"),
    "username": _("User name"),
    "email": _("E-mail"),
    "phone": _("Phone number"),
    "title": _("Title"),
    "teams": _("Teams"),
    "roles": _("Roles"),
}
#: a person of the template, as far as the company does not matter
EXAMPLE = ("Nguyễn Thị", "Mai", "", "mai.nguyen@congty.vn", "0912 345 678", "Nhân viên")
_NEEDED = ("family_name", "given_name", "email")
#: how else people write the headings, without accents and signs
_ALSO = {
    "family_name": ("ho", "hovatendem", "hodem", "hovadem", "familyname", "lastname", "surname"),
    "given_name": ("ten", "givenname", "firstname"),
    "username": ("tendangnhap", "taikhoan", "username", "login"),
    "email": ("email", "thudientu", "diachiemail", "mail"),
    "phone": ("dienthoai", "sodienthoai", "sdt", "didong", "phone", "phonenumber", "mobile"),
    "title": ("chucdanh", "chucvu", "title", "jobtitle"),
    "teams": ("bophan", "phongban", "phong", "team", "teams", "department"),
    "roles": ("vaitro", "quyen", "role", "roles"),
}
_PLAIN = re.compile(r"[^a-z0-9]+")
_BETWEEN = re.compile(r"[;\n]")


class HeadingsError(BusinessError):
    """The first row does not say what the columns are."""

    code = "headings"


@dataclass(frozen=True)
class PersonRow:
    """One person as he stands in the file; `number` is the row's own there."""

    number: int
    family_name: str = ""
    given_name: str = ""
    username: str = ""
    email: str = ""
    phone: str = ""
    title: str = ""
    #: codes or names; the first is the main one
    teams: Sequence[str] = field(default_factory=tuple)
    roles: Sequence[str] = field(default_factory=tuple)

    @property
    def name(self) -> str:
        return f"{self.family_name} {self.given_name}".strip()

    def as_plain(self) -> dict[str, Any]:
        """For the form that sends them once more."""
        return {
            "number": self.number, **{key: getattr(self, key) for key in HEADINGS if key not in ("teams", "roles")},
            "teams": list(self.teams), "roles": list(self.roles),
        }  # fmt: skip


def read_rows(rows: Sequence[Sequence[str]]) -> list[PersonRow]:
    """The people of a sheet. Raises HeadingsError with the names of the headings that are missing, unknown or twice."""
    above = next((number for number, row in enumerate(rows) if row), None)
    if above is None:
        raise HeadingsError(_("This file is empty."))
    places = _places(rows[above])
    people = [_person(number, row, places) for number, row in enumerate(rows[above + 1 :], start=above + 2) if any(row)]
    if not people:
        raise HeadingsError(_("There is nobody below the headings."))
    return people


def plain(text: str) -> str:
    """By what headings, teams and roles are found: "Họ và tên đệm" → "hovatendem"."""
    return _PLAIN.sub("", fold(text))


def _places(headings: Sequence[str]) -> dict[str, int]:
    """Which column holds what."""
    known = {word: key for key, words in _ALSO.items() for word in words}
    known |= {plain(str(label)): key for key, label in HEADINGS.items()}
    places: dict[str, int] = {}
    unknown: list[str] = []
    for place, heading in enumerate(headings):
        if not heading:
            continue
        key = known.get(plain(heading))
        if key is None:
            unknown.append(heading[:60])
        elif key in places:
            raise HeadingsError(_("The column “%(name)s” is there twice.", name=HEADINGS[key]))
        else:
            places[key] = place
    missing = [str(HEADINGS[key]) for key in _NEEDED if key not in places]
    if missing:
        raise HeadingsError(_("The first row has to name the columns. Missing: %(names)s.", names=", ".join(missing)))
    if unknown:
        raise HeadingsError(
            _("These columns are not known: %(names)s. Take them out, or name them as in the template.",
              names=", ".join(unknown[:8]))
        )  # fmt: skip
    return places


def _person(number: int, row: Sequence[str], places: Mapping[str, int]) -> PersonRow:
    def cell(key: str) -> str:
        place = places.get(key)
        return row[place] if place is not None and place < len(row) else ""

    def several(key: str) -> tuple[str, ...]:
        parts = (part.strip() for part in _BETWEEN.split(cell(key)))
        return tuple(dict.fromkeys(part for part in parts if part))

    return PersonRow(
        number, cell("family_name"), cell("given_name"), cell("username"), cell("email"), _phone(cell("phone")),
        cell("title"), several("teams"), several("roles"),
    )  # fmt: skip


def _phone(typed: str) -> str:
    """Excel takes a phone number for a number and drops its first zero."""
    return f"0{typed}" if typed.isascii() and typed.isdigit() and len(typed) == 9 and typed[0] != "0" else typed
