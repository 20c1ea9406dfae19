"""How does a published form become a page that can be filled in? Its WTForms class, with the same checks as REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import Field
from wtforms.validators import ValidationError
from wtforms.widgets import html_params

from app.core.i18n import _
from app.forms import rules
from app.forms.fields.base import Context, Control, Value
from app.forms.models import FormVersion
from app.forms.rules import Answers, FormField
from app.forms.words import say

#: In front of every field name: an admin's key ("data", "errors", "csrf_token") must not meet an attribute of the form
#: nor another input of the page.
PREFIX = "answer_"
#: stands where nothing is chosen yet
CHOOSE = _("Choose…")
#: Up to so many answers to choose from stand side by side; more are a list.
MOST_BUTTONS = 4
#: built classes kept in this process
MOST_KEPT = 200


class AnswerForm(FlaskForm):
    """A dynamic form. `answers` holds what was read once `validate()` said yes; what was typed stays in the fields.

    `context` is what the fields may ask, `saved` are stored values by key to begin with (else the defaults).
    """

    def __init__(
        self, *args: Any, context: Context | None = None, saved: Mapping[str, Value] | None = None, **kwargs: Any
    ) -> None:
        self.context = context or Context()
        if saved is not None:
            # What was saved empty stays empty: the defaults are for a form that nobody has begun.
            kwargs["data"] = {name: saved.get(name.removeprefix(PREFIX)) for name, _unbound in self._unbound_fields}
        super().__init__(*args, **kwargs)

    @property
    def questions(self) -> list[AnswerField]:
        """The admin's fields in his order, without the ones that the frame adds."""
        return [question for question in self if isinstance(question, AnswerField)]

    @property
    def answers(self) -> Answers:
        """What was answered. Call `validate()` first."""
        return Answers({question.key: question.data for question in self.questions if question.data is not None})

    def refuse(self, problems: Mapping[str, Any]) -> None:
        """Put sentences that a service had about the answers (InvalidInputError.fields) beside their fields."""
        for question in self.questions:
            question.errors = [*question.errors, *map(str, problems.get(question.key, ()))]


class AnswerField(Field):
    """One question: reads, keeps what was typed, draws itself. What it knows of its kind comes from the FieldType."""

    _form: AnswerForm

    def __init__(self, one: FormField, **kwargs: Any) -> None:
        self.one = one
        super().__init__(label=say(one.spec.label), description=say(one.spec.help), **kwargs)
        self.flags.required = one.spec.required

    @property
    def key(self) -> str:
        return self.one.key

    @property
    def control(self) -> str:
        """How it is drawn: line, area, buttons, list or lookup. Buttons need a legend instead of a label."""
        if self.one.type.face.control is Control.choice:
            return "buttons" if len(self.choices) <= MOST_BUTTONS else "list"
        return self.one.type.face.control.value

    @property
    def choices(self) -> list[tuple[str, str]]:
        """(value, label) of what there is to choose from."""
        return [(option.value, say(option.label)) for option in self.one.type.choices(self.one.spec)]

    @property
    def unit(self) -> str:
        """What stands behind the input: ₫."""
        return self.one.type.face.unit

    @property
    def typed(self) -> str:
        """What stands in the input: exactly what was posted, else the value as one would type it."""
        if self.raw_data is not None:
            return str(self.raw_data[0]) if self.raw_data else ""
        return "" if self.data is None else self.one.type.write(self.data, self.one.spec)

    @property
    def shown(self) -> str:
        """The value for the eye, where the input holds something else (a customer's name for his id)."""
        context = self._form.context
        value = self.one.type.parse(self.typed, self.one.spec, context).value
        return self.typed if value is None else self.one.type.show(value, self.one.spec, context)

    def process_formdata(self, valuelist: list[Any]) -> None:
        # Judged in pre_validate, with the form's context; until then there is no answer.
        self.data = None

    def pre_validate(self, form: Any) -> None:
        raw = self.raw_data[0] if self.raw_data else None
        parsed = self.one.type.parse(raw, self.one.spec, form.context)
        self.data = parsed.value
        if parsed.problems:
            raise ValidationError(" ".join(map(str, parsed.problems)))

    def widget(self, field: AnswerField, **attributes: Any) -> Markup:
        """The input alone; label, help and messages are the template's."""
        return _DRAW[self.control](field, attributes)


def build_form(version: FormVersion) -> type[AnswerForm]:
    """The form class of a version, built once and kept. Raises KeyError for half a draft."""
    return _build(_Drawn(version.checksum, version.definition))


@dataclass(frozen=True)
class _Drawn:
    """A definition that is known by its checksum."""

    checksum: str
    definition: Mapping[str, Any] = field(compare=False)


@lru_cache(MOST_KEPT)
def _build(drawn: _Drawn) -> type[AnswerForm]:
    # AnswerField(…) is an unbound field here: labels get the reader's language when a form is made of the class.
    fields = {
        PREFIX + one.key: AnswerField(one, default=rules.default_of(one))
        for one in rules.read_definition(drawn.definition).fields
    }
    return type("BuiltAnswerForm", (AnswerForm,), fields)


def _html(**attributes: Any) -> Markup:
    return Markup(html_params(**attributes))  # noqa: S704 - html_params escapes names and values


def _attributes(field: AnswerField, css: str, given: dict[str, Any]) -> dict[str, Any]:
    """What every control carries; `given` by the template comes last."""
    wrong = bool(field.errors)
    described = [f"{field.id}-help"] * bool(field.description) + [f"{field.id}-error"] * wrong
    known: dict[str, Any] = {"id": field.id, "name": field.name, "class": f"{css} is-invalid" if wrong else css}
    if described:
        known["aria-describedby"] = " ".join(described)
    if wrong:
        known["aria-invalid"] = "true"
    if field.flags.required:
        # Not `required`: the browser would speak its own language instead of ours.
        known["aria-required"] = "true"
    return known | given


def _line(field: AnswerField, given: dict[str, Any]) -> Markup:
    face = field.one.type.face
    known = {"type": "text", "inputmode": face.mode, "autocomplete": face.autocomplete, "value": field.typed}
    if face.placeholder:
        known["placeholder"] = str(face.placeholder)
    if face.helper:
        known[f"data-{face.helper}"] = "true"
    bounds = field.one.type.bounds(field.one.spec)
    if bounds is not None:
        known["data-min"], known["data-max"] = map(str, bounds)
    return Markup("<input %s>") % _html(**_attributes(field, "form-control", known | given))


def _area(field: AnswerField, given: dict[str, Any]) -> Markup:
    attributes = _attributes(field, "form-control", {"rows": field.one.spec.rows or 4} | given)
    # A browser drops the first line break behind the tag: this one is for it.
    return Markup("<textarea %s>\n%s</textarea>") % (_html(**attributes), field.typed)


def _buttons(field: AnswerField, given: dict[str, Any]) -> Markup:
    group = _attributes(field, "tt-radio", {"role": "radiogroup"} | given)
    name, chosen = group.pop("name"), _chosen(field)
    buttons = Markup("").join(
        Markup("<label><input %s>%s</label>")
        % (_html(type="radio", name=name, value=value, checked=value == chosen), label)
        for value, label in field.choices
    )
    return Markup("<div %s>%s</div>") % (_html(**group), buttons)


def _list(field: AnswerField, given: dict[str, Any]) -> Markup:
    options = [("", str(CHOOSE) if field.flags.required else "—"), *field.choices]
    if field.typed and _chosen(field) not in dict(options):
        options.append((field.typed, field.typed))
    return _select(field, options, given)


def _lookup(field: AnswerField, given: dict[str, Any]) -> Markup:
    # Only the one chosen: the page's script looks the others up.
    options = [("", "")] + [(field.typed, field.shown)] * bool(field.typed)
    return _select(field, options, {"data-lookup": field.one.type.code} | given)


def _select(field: AnswerField, options: list[tuple[str, str]], given: dict[str, Any]) -> Markup:
    chosen = _chosen(field)
    drawn = Markup("").join(
        Markup("<option %s>%s</option>") % (_html(value=value, selected=value == chosen), label)
        for value, label in options
    )
    return Markup("<select %s>%s</select>") % (_html(**_attributes(field, "form-select", given)), drawn)


def _chosen(field: AnswerField) -> str:
    """The option that is marked: "có" sent by another program marks "yes"."""
    value = field.one.type.parse(field.typed, field.one.spec, field._form.context).value
    return field.typed if value is None else field.one.type.write(value, field.one.spec)


_DRAW = {"line": _line, "area": _area, "buttons": _buttons, "list": _list, "lookup": _lookup}
