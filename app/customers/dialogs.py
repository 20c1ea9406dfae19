"""What does one type to add or change a customer, or one more way to reach him?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    Form,
    IntegerField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Optional, ValidationError
from wtforms.widgets import HiddenInput

from app.catalogues.dialogs import EntryField
from app.core.i18n import _
from app.customers import rules
from app.customers.models import CONTACT_LENGTH, NAME_LENGTH, SOURCES, ContactKind, CustomerKind

KIND_LABELS = {CustomerKind.person: _("Person"), CustomerKind.company: _("Company")}

CONTACT_LABELS = {
    ContactKind.phone: _("Phone number"),
    ContactKind.email: _("E-mail"),
    ContactKind.zalo: _("Zalo"),
    ContactKind.facebook: _("Facebook"),
    ContactKind.website: _("Website"),
    ContactKind.shop_id: _("Shop account"),
    ContactKind.other: _("Other contact"),
}


def _readable(read: Callable[[str], object], *, longest: int) -> Callable[[Form, Field], None]:
    """The rule that the service will apply, told already beside the field."""

    def check(_form: Form, field: Field) -> None:
        try:
            read(field.data or "")
        except rules.UnreadableError as unreadable:
            raise ValidationError(str(unreadable.sentence)) from None

    check.field_flags = {"maxlength": longest}  # type: ignore[attr-defined]  # where WTForms looks
    return check


def _contact(kind: ContactKind) -> list[Any]:
    return [Optional(), _readable(lambda typed: rules.read_contact(kind, typed), longest=CONTACT_LENGTH)]


def _member_id(value: object) -> int | None:
    return int(str(value)) if value not in (None, "", "None") else None


class CustomerDialog(FlaskForm):
    """A customer's own data. `owners` are (member id, name); whoever may not assign gets no owner_id field."""

    name = StringField(
        _("Customer name"),
        [InputRequired(_("Please type the customer's name.")), _readable(rules.read_name, longest=NAME_LENGTH)],
        description=_("What you call the person, or the company as on its invoices."),
    )
    kind = SelectField(_("Kind"), choices=list(KIND_LABELS.items()), default=CustomerKind.person, coerce=str)
    phone = TelField(
        _("Phone number"), _contact(ContactKind.phone),
        description=_("The number to call first. Others, and Zalo, are added on the customer's page."),
    )  # fmt: skip
    email = EmailField(_("E-mail"), _contact(ContactKind.email))
    owner_id = SelectField(_("Person in charge"), coerce=_member_id)
    source = EntryField(
        _("Came through"), catalogue=SOURCES,
        description=_("How the customer first found us. Leave it open if you do not know."),
    )  # fmt: skip
    note = TextAreaField(
        _("Note"), [_readable(rules.read_note, longest=rules.NOTE_LENGTH)],
        description=_("What a colleague should know before calling: habits, wishes, whom to ask for."),
    )  # fmt: skip
    #: the revision that was shown: saving on an older one is refused
    rev = IntegerField(widget=HiddenInput(), default=1)

    def __init__(self, *args: Any, owners: Iterable[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner_id.choices = [("", _("Nobody")), *owners]


class ContactPointDialog(FlaskForm):
    """One more way to reach a customer."""

    kind = SelectField(_("Kind"), choices=list(CONTACT_LABELS.items()), default=ContactKind.phone, coerce=str)
    text = StringField(_("Number or address"), [InputRequired(_("Please fill this in."))])
    preferred = BooleanField(_("Preferred way to reach the customer"))

    def validate_text(self, field: Field) -> None:
        if self.kind.data in set(ContactKind):
            kind = ContactKind(self.kind.data)
            _readable(lambda typed: rules.read_contact(kind, typed), longest=CONTACT_LENGTH)(self, field)
