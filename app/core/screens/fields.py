"""Which input does a column get in a form? Plain inputs of ours; other tables are looked up, never listed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, url_for
from flask_appbuilder.forms import GeneralModelConverter
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import Select, select
from wtforms import BooleanField, Field, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, StopValidation, ValidationError
from wtforms.widgets import HiddenInput, TextInput, html_params

from app.core import edge, formats
from app.core.access import get_visible
from app.core.db import LARGEST_ID, db, row_id
from app.core.errors import NotFoundError
from app.core.i18n import LazySentence, _
from app.core.screens.extra import ExtraForm
from app.core.taken import TAKEN

_UNKEPT = re.compile("[\0\ud800-\udfff]")
_CLOCK = re.compile(r"(?P<hour>[0-9]{1,2})[:hg](?P<minute>[0-9]{2})")
_INPUT = {"class": "form-control", "autocomplete": "off"}


class ScreenForm(FlaskForm):
    """The form of one record, made from its table."""

    #: key of the record that is changed; None for a new one
    changed_id: int | None = None
    #: the inputs of fields that an admin added (screens.extra)
    extra: ExtraForm | None = None


@dataclass(frozen=True)
class Lookup:
    """How rows of another table are offered in a form.

    `find` narrows the rows to those matching the typed text ("" = all on offer) and orders them; `hint` tells rows of
    one name apart. Who may see a row, and that archived ones are left out, is seen to already. `add` is the name of the
    screen whose add form makes a row that is not there yet; whoever may not add there is offered nothing.
    """

    find: Callable[[Select[Any], str], Select[Any]]
    hint: Callable[[Any], str] = lambda _row: ""
    add: str = ""


def _draw_lookup(field: LookupField, **attributes: Any) -> Markup:
    """A select with the chosen row alone; the page's script asks `data-url` for the others."""
    attributes = {"id": field.id, "name": field.name, "class": "form-select"} | attributes
    attributes["data-placeholder"] = str(_("Type to search"))
    attributes["data-url"] = url_for(f"{field.endpoint}.lookup", column=field.short_name)
    if field.add_url:
        attributes["data-add-url"] = field.add_url
    options = Markup('<option value=""></option>')
    if field.data is not None:
        options += Markup('<option value="{}" selected>{}</option>').format(field.data.id, field.data)
    return Markup("<select {}>{}</select>").format(Markup(html_params(**attributes)), options)  # noqa: S704 - escapes


class LookupField(Field):
    """One row of another table. Never loads the table: draws the chosen row, checks by key and row rule.

    The row that the record has already may stay, even when its editor may not see it.
    """

    widget = staticmethod(_draw_lookup)

    def __init__(
        self, label: Any = None, validators: Any = None, *, target: type[Any], endpoint: str, **more: Any
    ) -> None:
        super().__init__(label, validators, **more)
        self.target, self.endpoint = target, endpoint
        self._is_unknown = False

    @property
    def add_url(self) -> str | None:
        """The form for a row that is not there yet; None where none is declared, or he may not add there."""
        screens = {view.endpoint: view for view in current_app.appbuilder.baseviews}  # type: ignore[attr-defined]
        offered = screens[self.endpoint].lookups.get(self.short_name)
        if offered is None or not offered.add:
            return None
        target = screens[offered.add]
        return url_for(f"{offered.add}.add") if target._may(edge.actor())["add"] else None

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].strip() if valuelist else ""
        self.data = None
        if typed:
            try:
                self.data = self._row(row_id(typed))
            except NotFoundError:
                self._is_unknown = True

    def _row(self, wanted: int) -> Any:
        if self.object_data is not None and self.object_data.id == wanted:
            return self.object_data
        return get_visible(db.session(), self.target, wanted, edge.actor())

    def pre_validate(self, form: Any) -> None:
        if self._is_unknown:
            raise StopValidation(str(_("Please choose one from the list.")))


class WholeField(Field):
    """A whole number, typed as the reader writes it, with or without separators of thousands."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else formats.typed_number(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].strip() if valuelist else ""
        self.data = self.read(typed) if typed else None

    def read(self, typed: str) -> Any:
        """Raises ValueError with a sentence."""
        number = formats.read_integer(typed)
        if number is None:
            raise ValueError(str(formats.integer_problem(typed)))
        return number


class NumberField(WholeField):
    """A number that may have decimals, behind the reader's decimal sign."""

    def read(self, typed: str) -> Any:
        number = formats.read_decimal(typed)
        if number is None:
            raise ValueError(str(formats.decimal_problem(typed)))
        return number


class MoneyField(WholeField):
    """An amount in whole dong, of up to 18 digits: 1.250.000, 1,250,000, 1250000 đ."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = 10**formats.MOST_DIGITS - 1
        self.render_kw = {**_INPUT, "inputmode": "numeric", "data-unit": "₫", "data-max": most} | (self.render_kw or {})

    def read(self, typed: str) -> int:
        amount = formats.read_money(typed)
        if amount is None:
            example = formats.number_text(500_000)
            raise ValueError(str(_("This is not an amount yet. Example: %(example)s", example=example)))
        return amount


class DayField(Field):
    """A day, typed dd/MM/yyyy."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else formats.typed_day(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].strip() if valuelist else ""
        self.data = read_day(typed) if typed else None


class MomentField(Field):
    """A moment, typed dd/MM/yyyy HH:mm on the wall clock of whoever types."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else formats.typed_moment(self.data, edge.time_zone())

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].strip() if valuelist else ""
        self.data = read_moment(typed) if typed else None


def read_day(typed: str) -> date:
    """Raises ValueError with a sentence."""
    day = formats.read_day(typed)
    if day is None:
        raise ValueError(str(formats.day_problem(typed)))
    return day


def read_moment(typed: str) -> datetime:
    """dd/MM/yyyy HH:mm (a bare day is its beginning) on the reader's wall clock → UTC. Raises ValueError."""
    day_typed, _blank, clock_typed = typed.strip().partition(" ")
    day, match = formats.read_day(day_typed), _CLOCK.fullmatch(clock_typed.strip() or "0:00")
    try:
        if day is None or match is None or day.year >= formats.LATEST_YEAR:
            raise ValueError
        wall = datetime(
            day.year, day.month, day.day, int(match["hour"]), int(match["minute"]), tzinfo=ZoneInfo(edge.time_zone())
        )
        return wall.astimezone(UTC)
    except (ValueError, OverflowError):
        general = _("This is not a date and time. Example: 31/12/2026 08:30")
        raise ValueError(str(formats.missing_day(day_typed) or general)) from None


class Unique:
    """Says beside the field what the unique constraint of the column would say by an error."""

    def __init__(self, model: type[Any], column: str) -> None:
        self.model, self.column = model, column

    def __call__(self, form: ScreenForm, field: Field) -> None:
        found = db.session().scalar(select(self.model.id).where(getattr(self.model, self.column) == field.data))
        if found is not None and found != form.changed_id:
            raise ValidationError(str(TAKEN))


def without_nul(_form: Any, field: Field) -> None:
    """Neither NUL nor half a surrogate, which no database keeps."""
    if isinstance(field.data, str) and _UNKEPT.search(field.data):
        raise StopValidation(str(_("This text holds a character that cannot be kept.")))


def readable(_form: Any, field: Field) -> None:
    """What could not be read has its sentence: no other is told about it."""
    if field.process_errors:
        raise StopValidation


#: what an integer column of both databases takes
_WITHIN = NumberRange(
    -LARGEST_ID,
    LARGEST_ID,
    _("A number from %(least)s to %(most)s, please.",
      least=formats.number_text(-LARGEST_ID), most=formats.number_text(LARGEST_ID)),
)  # fmt: skip


class Longest(Length):
    """At most so many characters; what is longer is looked at no further."""

    def __init__(self, most: int) -> None:
        super().__init__(max=most)

    def __call__(self, form: Any, field: Field) -> None:
        if len(field.data or "") > self.max:
            raise StopValidation(str(_("At most %(count)d characters, please.", count=self.max)))


def needed(label: Any, *, is_choice: bool = False) -> InputRequired:
    """An answer has to be given; without one the sentence names what is missing."""
    name = LazySentence(lambda: _inside(str(label)))
    return InputRequired(_("Choose %(label)s.", label=name) if is_choice else _("Enter %(label)s.", label=name))


def _inside(label: str) -> str:
    """A label in the middle of a sentence: "Tên khách hàng" begins small, "SĐT" stays."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def tidy_line(text: str | None) -> str | None:
    """Composed letters, no blanks around; an empty line is none."""
    return unicodedata.normalize("NFC", text).strip() or None if text is not None else None


def tidy_text(text: str | None) -> str | None:
    return tidy_line(text.replace("\r\n", "\n")) if text is not None else None


def _or_none(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value in (None, "", "None") else read(value)


class Converter(GeneralModelConverter):
    """FAB's way from columns to fields, with our fields: no Bootstrap 3 widgets, no select over a whole table."""

    def __init__(self, datamodel: Any, *, endpoint: str, choices: Mapping[str, Mapping[StrEnum, Any]]) -> None:
        super().__init__(datamodel)
        self.endpoint, self.choices = endpoint, choices

    def form(
        self,
        columns: Iterable[str],
        *,
        labels: Mapping[str, Any],
        descriptions: Mapping[str, Any],
        validators: Mapping[str, Iterable[Any]],
        extra: Mapping[str, Any],
    ) -> type[ScreenForm]:
        """The form class with these columns. `extra` fields take the place of a column or stand behind them all."""
        fields = {
            name: extra[name]
            if name in extra
            else self._field(name, labels[name], descriptions.get(name, ""), list(validators.get(name, ())))
            for name in columns
        }
        return type(
            "BuiltScreenForm", (ScreenForm,), fields | {name: extra[name] for name in extra if name not in fields}
        )

    def _field(self, name: str, label: Any, description: Any, validators: list[Any]) -> Any:
        is_required = not self.datamodel.is_nullable(name)
        default = None if self.datamodel.is_relation(name) else self.datamodel.get_col_default(name)
        is_choice = self.datamodel.is_relation(name) or self.datamodel.is_enum(name)
        asked = [needed(label, is_choice=is_choice)] if is_required else [Optional()]
        told: dict[str, Any] = {
            "label": label,
            "description": description,
            "default": default,
            "render_kw": dict(_INPUT),
        }
        if self.datamodel.is_relation(name):
            return LookupField(
                **told | {"render_kw": {}}, validators=[*asked, *validators],
                target=self.datamodel.get_related_model(name), endpoint=self.endpoint,
            )  # fmt: skip
        if self.datamodel.is_enum(name):
            kind = self.datamodel.list_columns[name].type.enum_class
            offered = [(str(value), text) for value, text in self.choices[name].items()]
            if not is_required:
                offered.insert(0, ("", "—"))
            elif default is None:  # nobody has chosen the first of them
                offered.insert(0, ("", _("Choose…")))
            return SelectField(
                **told | {"render_kw": {"class": "form-select"}}, validators=[*asked, *validators],
                choices=offered, coerce=_or_none(kind),
            )  # fmt: skip
        if self.datamodel.is_boolean(name):
            return BooleanField(**told | {"render_kw": {"class": "form-check-input"}}, validators=validators)
        if self.datamodel.is_string(name) or self.datamodel.is_text(name):
            validators = [*asked, without_nul, *self._limits(name), *self._unique(name), *validators]
            if self.datamodel.is_text(name):
                return TextAreaField(**told, validators=validators, filters=[tidy_text])
            return StringField(**told, validators=validators, filters=[tidy_line])
        validators = [readable, *asked, *self._unique(name), *validators]
        if self.datamodel.is_integer(name):
            told["render_kw"] |= {"inputmode": "numeric", "data-number": True}
            return WholeField(**told, validators=[*validators, _WITHIN])
        if self.datamodel.is_numeric(name):
            told["render_kw"] |= {"inputmode": "decimal", "data-number": True}
            return NumberField(**told, validators=validators)
        if self.datamodel.is_date(name):
            told["render_kw"] |= {"inputmode": "numeric", "placeholder": _("dd/mm/yyyy"), "data-date": True}
            return DayField(**told, validators=validators)
        if self.datamodel.is_datetime(name):
            told["render_kw"] |= {"placeholder": _("dd/mm/yyyy hh:mm"), "data-moment": True}
            return MomentField(**told, validators=validators)
        raise TypeError(f"{self.datamodel.model_name}.{name} has no input of its own: give it one in form_fields")

    def _limits(self, name: str) -> list[Any]:
        longest = self.datamodel.get_max_length(name)
        return [Longest(longest)] if longest > 0 else []

    def _unique(self, name: str) -> list[Any]:
        return [Unique(self.datamodel.obj, name)] if self.datamodel.is_unique(name) else []


def rev_field() -> Any:
    """The revision that was shown: saving on another one is refused."""
    return IntegerField(widget=HiddenInput(), validators=[Optional()])
