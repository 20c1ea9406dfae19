"""What can be set for every field, whatever its kind, besides its words and whether it is required?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.core.i18n import _
from app.forms.fields.base import Flaw
from app.forms.fields.settings import FIELD_KEY, OneOf, OtherField, Setting, Told

_ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
MOST_ROLES = 50


@dataclass(frozen=True)
class Roles(Setting):
    """Codes of roles."""

    editor = "roles"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if (
            not isinstance(value, list)
            or not 0 < len(value) <= MOST_ROLES
            or not all(isinstance(code, str) and _ROLE.fullmatch(code) for code in value)
        ):
            yield Flaw(self.name, "bad_roles", _("A list of roles, please."))

    def read(self, value: list[str]) -> tuple[str, ...]:
        return tuple(value)


@dataclass(frozen=True)
class Place(OtherField):
    """The key of a section of the form."""

    editor = "section"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if not isinstance(value, str) or not FIELD_KEY.fullmatch(value):
            yield Flaw(self.name, "bad_reference", _("Choose a section of this form."))


#: none: the form stands on the page as wide as its kind needs
WIDTHS = (("full", _("the whole row")), ("half", _("half a row")), ("third", _("a third of a row")))
#: what the answer tells about a person, in the words of the law on personal data
PERSONAL = (("none", _("none")), ("basic", _("basic personal data")), ("sensitive", _("sensitive personal data")))

#: among which answers there is no second one like it
ALONE = (("form", _("among all answers to this form")), ("customer", _("among the answers for one customer")))

SHARED: tuple[Setting, ...] = (
    Place("section", _("Section")),
    OneOf("width", _("Width"), choices=WIDTHS),
    OneOf("unique", _("The same answer only once"), choices=ALONE, none=_("may be given again")),
    Told("message", _("What to say when the answer is not right"), _("Left empty: what is usual for this kind.")),
    OneOf("personal_data", _("Personal data"), choices=PERSONAL),
    Roles("read_roles", _("Who reads the answer"), _("Nobody chosen: whoever may read the form's answers.")),
    Roles("edit_roles", _("Who answers it"), _("Nobody chosen: whoever fills in the form.")),
)
