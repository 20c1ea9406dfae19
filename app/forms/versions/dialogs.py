"""What does one type to make a form, to copy one, or to bring one in from a file?"""

from __future__ import annotations

from collections.abc import Mapping

from flask_wtf import FlaskForm
from wtforms import FileField, SelectField, StringField
from wtforms.validators import Optional

from app.core.errors import Sentence
from app.core.i18n import _
from app.forms.models import FormPurpose
from app.forms.rules import LONGEST_CODE, LONGEST_NAME

PURPOSES: Mapping[FormPurpose, Sentence] = {
    FormPurpose.answers: _("To be filled in"), FormPurpose.customers: _("Fields of customers"),
}  # fmt: skip


class NewDialog(FlaskForm):
    name = StringField(
        _("Name of the form"), description=_("As people call it. Example: Phản ánh giao chậm"),
        render_kw={"maxlength": LONGEST_NAME, "autocomplete": "off"},
    )  # fmt: skip
    code = StringField(
        _("Code"), [Optional()],
        description=_("Programs name the form by it, so it never changes later. Left empty, it is made from the name."),
        render_kw={"maxlength": LONGEST_CODE, "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )  # fmt: skip

    purpose = SelectField(
        _("What it is for"), choices=list(PURPOSES.items()), default=FormPurpose.answers.value,
        validate_choice=False,
        description=_("Fields of customers stand on every customer's page, in the list, in filters and in files."),
        render_kw={"class": "form-select"},
    )  # fmt: skip


class CopyDialog(FlaskForm):
    """The services judge what is typed: the same as through the interface."""

    name = StringField(_("Name of the copy"), render_kw={"maxlength": LONGEST_NAME, "autocomplete": "off"})
    code = StringField(
        _("Code"), [Optional()],
        description=_("Programs name the form by it, so it never changes later. Left empty, it is that of the other"
                      " form with a number."),
        render_kw={"maxlength": LONGEST_CODE, "autocomplete": "off"},
    )  # fmt: skip


class FileDialog(FlaskForm):
    file = FileField(_("File with the form"))
    code = StringField(
        _("Code"), [Optional()], description=_("Empty: the code that stands in the file."),
        render_kw={"maxlength": LONGEST_CODE, "autocomplete": "off"},
    )  # fmt: skip
