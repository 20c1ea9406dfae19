"""Customer: one of those whom the person answering may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from app.core.errors import Sentence
from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Context, Control, Directory, Face, FieldSpec, Option, Posted, Refused, Value
from app.forms.fields.member import MemberType

#: the part of a page's answer in which a customer is named where no script looks him up
WORDS_PART = "words"
LONGEST_WORDS = 200


class Named(str):
    """What was typed to name a customer: never an id, however many digits it has."""

    __slots__ = ()


class CustomerType(MemberType):
    """Stored is the id, looked up while one types. Not there and not to be seen are the same, as everywhere.

    Where no script runs, a page sends his name, code or number instead, which has to mean exactly one.
    """

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

    def gather(self, posted: Posted) -> object:
        # Only a page without a script sends words: whoever is named in them is meant.
        words = super().gather({"": posted.get(WORDS_PART, ())})
        return Named(words) if isinstance(words, str) and not self.is_empty(words) else super().gather(posted)

    def read(self, raw: object, spec: FieldSpec, context: Context) -> Value:
        return _meant(raw, context) if isinstance(raw, Named) else super().read(raw, spec, context)


def _meant(words: Named, context: Context) -> int:
    """The one customer who is meant. Raises Refused, naming those who may be."""
    typed = base.composed(words)
    is_readable = len(typed) <= LONGEST_WORDS and base.is_storable(typed)
    found = context.customers.named(typed) if is_readable else ()
    if not found:
        raise Refused(_("No customer of this name, code or number was found. Check it, or type less of the name."))
    if len(found) > 1:
        names = ", ".join(name for _number, name in found)
        raise Refused(_("Several customers are meant by this: %(names)s. Type the code of one.", names=names))
    return found[0][0]
