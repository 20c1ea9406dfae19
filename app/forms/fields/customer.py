"""Customer: one of those whom the person answering may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from app.core.errors import Sentence
from app.core.i18n import _
from app.forms.fields.base import Context, Control, Directory, Face, FieldSpec, Option
from app.forms.fields.member import MemberType


class CustomerType(MemberType):
    """Stored is the id, looked up while one types. Not there and not to be seen are the same, as everywhere."""

    code = "customer"
    label = _("Customer")
    fits_rows = False
    face: ClassVar[Face] = Face(Control.lookup)
    missing: ClassVar[Sentence] = _("Please choose a customer.")
    unknown: ClassVar[Sentence] = _("This customer was not found. Please choose one from the list.")
    unseen: ClassVar[Sentence] = _("Customer you may not see")

    def directory(self, context: Context) -> Directory:
        return context.customers

    def choices(self, spec: FieldSpec, context: Context) -> Sequence[Option]:
        return ()
