"""What does one type to write down a call, a note, a message, a promise or a purchase?"""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Optional

from app.catalogues.dialogs import EntryField
from app.catalogues.shipped import CALL_RESULT, CHANNEL
from app.core.errors import InvalidInputError
from app.core.i18n import _
from app.core.screens.fields import DayField, MoneyField, NumberField, readable
from app.customers import rules
from app.customers.dialogs import checked, line_of
from app.customers.labels import DIRECTION_LABELS, FIELD_LABELS
from app.customers.profile_models import (
    PRODUCT_LENGTH,
    PURCHASE_CODE_LENGTH,
    Direction,
    InteractionKind,
)
from app.customers.promise_models import PROMISE_LENGTH

_DAY: dict[str, Any] = {
    "class": "form-control", "autocomplete": "off", "inputmode": "numeric", "placeholder": _("dd/mm/yyyy"),
    "data-date": True,
}  # fmt: skip


def _day(label: Any, *validators: Any) -> DayField:
    return DayField(label, [readable, *validators], render_kw=_DAY)


def _direction() -> SelectField:
    return SelectField(
        _("Direction"), choices=[(str(one), told) for one, told in DIRECTION_LABELS.items()],
        default=str(Direction.outbound), coerce=str,
    )  # fmt: skip


def _words(label: Any, hint: Any) -> TextAreaField:
    return TextAreaField(
        label, [checked(rules.read_note, longest=rules.NOTE_LENGTH)], render_kw={"rows": 1, "placeholder": hint}
    )


class _Promising(FlaskForm):
    """What was said, and with it the next day of contact and what was promised."""

    next_on = _day(FIELD_LABELS["next_contact_on"], Optional())
    promise = StringField(_("Promised"), line_of(PROMISE_LENGTH))
    promise_on = _day(_("Promised by"), Optional())


class CallDialog(_Promising):
    """A call that has just ended."""

    result = EntryField(_("Result"), [InputRequired(_("Choose how the call ended."))], catalogue=CALL_RESULT)
    text = _words(_("What was said"), _("What did the customer say?"))
    direction = _direction()


class NoteDialog(_Promising):
    """Something that colleagues should know."""

    text = _words(_("Note"), _("What should colleagues know?"))


class MetDialog(_Promising):
    """A message, or a meeting, in either direction."""

    kind = SelectField(
        _("Kind"), choices=[(str(InteractionKind.message), _("Message")), (str(InteractionKind.visit), _("Visit")),
                            (str(InteractionKind.mail), _("Mail"))],
        default=str(InteractionKind.message), coerce=str,
    )  # fmt: skip
    channel = EntryField(_("Channel"), catalogue=CHANNEL)
    direction = _direction()
    text = _words(_("What was said"), _("What did the customer write or say?"))


class PromiseDialog(FlaskForm):
    """What somebody promised, by when."""

    promise = StringField(_("Promised"), [InputRequired(_("Say what was promised.")), *line_of(PROMISE_LENGTH)[1:]])
    promise_on = _day(_("Promised by"), InputRequired(_("Say by which day it was promised.")))


class KeptPromiseDialog(FlaskForm):
    """What was written of a promise, put right."""

    text = StringField(_("Promised"), [InputRequired(_("Say what was promised.")), *line_of(PROMISE_LENGTH)[1:]])
    due_on = _day(_("Promised by"), InputRequired(_("Say by which day it was promised.")))


class PurchaseDialog(FlaskForm):
    """Something that a customer bought."""

    bought_on = _day(_("Bought on"), InputRequired(_("Please fill this in.")))
    product = StringField(
        _("Product or service"), [InputRequired(_("Please fill this in.")), *line_of(PRODUCT_LENGTH)[1:]]
    )
    quantity = NumberField(
        _("Quantity"), [readable, Optional()],
        render_kw={"class": "form-control", "inputmode": "decimal", "data-number": True},
    )  # fmt: skip
    amount = MoneyField(
        _("Amount"), [readable, InputRequired(_("Please fill this in."))], description=_("Of all of it together."),
    )  # fmt: skip
    code = StringField(
        _("Order or invoice number"), line_of(PURCHASE_CODE_LENGTH), description=_("As on the paper, if there is one.")
    )
    note = TextAreaField(_("Note"), [checked(rules.read_note, longest=rules.NOTE_LENGTH)])


class InteractionDialog(FlaskForm):
    """What was written of a contact, put right."""

    result = EntryField(_("Result"), catalogue=CALL_RESULT)
    channel = EntryField(_("Channel"), catalogue=CHANNEL)
    direction = _direction()
    text = _words(_("What was said"), "")


def put_beside(form: Any, error: InvalidInputError) -> None:
    """The service's sentences beside the inputs of their names; of others above all."""
    for name, sentences in error.fields.items():
        told = [str(sentence) for sentence in sentences]
        if name in form:
            form[name].errors = [*form[name].errors, *told]
        else:
            form.form_errors.extend(told)
