"""How is an entry chosen in a form, and what does one type to keep a catalogue?"""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional
from wtforms.widgets import HiddenInput

from app.catalogues import queries
from app.catalogues.models import LABEL_LENGTH, Colour
from app.core import edge
from app.core.db import db
from app.core.i18n import _

COLOUR_LABELS = {
    Colour.grey: _("Grey"),
    Colour.teal: _("Teal"),
    Colour.blue: _("Blue"),
    Colour.violet: _("Violet"),
    Colour.rose: _("Rose"),
    Colour.orange: _("Orange"),
    Colour.olive: _("Olive"),
}


class EntryField(SelectField):
    """One entry of a catalogue: those in use, and the one that the record has, even when it is retired by now.

    Whoever may keep catalogues adds one from inside the form (assets/js/entry-add.js).
    """

    def __init__(self, label: Any = None, validators: Any = None, *, catalogue: str, **more: Any) -> None:
        super().__init__(label, validators, coerce=_code, **more)
        self.catalogue = catalogue

    def process(self, formdata: Any, *args: Any, **more: Any) -> None:
        super().process(formdata, *args, **more)
        nothing = _("Choose…") if self.flags.required else "—"
        self.choices = [("", nothing), *queries.offered(db.session(), self.catalogue, self.object_data or None)]
        who = edge.actor_or_none()
        if who is not None and who.may("edit", "Catalogue"):
            self.render_kw = {**(self.render_kw or {}), "data-entry-add": self.catalogue}


def _code(value: object) -> str | None:
    return None if value in (None, "", "None") else str(value)


class EntriesDialog(FlaskForm):
    """New entries, one a line."""

    entries = TextAreaField(
        _("New entries"),
        description=_("One a line; several lines make several entries. English behind a bar: Giới thiệu | Referral"),
    )


class EntryDialog(FlaskForm):
    """What an entry is called, and in which colour it is shown."""

    rev = IntegerField(widget=HiddenInput(), validators=[Optional()])
    label_vi = StringField(_("In Vietnamese"), render_kw={"maxlength": LABEL_LENGTH, "autocomplete": "off"})
    label_en = StringField(_("In English"), render_kw={"maxlength": LABEL_LENGTH, "autocomplete": "off"})
    colour = SelectField(_("Colour"), choices=list(COLOUR_LABELS.items()), coerce=str, validate_choice=False)


class CatalogueDialog(FlaskForm):
    """A list of the company's own."""

    label_vi = StringField(_("In Vietnamese"), render_kw={"maxlength": LABEL_LENGTH, "autocomplete": "off"})
    label_en = StringField(_("In English"), render_kw={"maxlength": LABEL_LENGTH, "autocomplete": "off"})
    purpose = StringField(_("What it is for"), render_kw={"maxlength": 200, "autocomplete": "off"})
