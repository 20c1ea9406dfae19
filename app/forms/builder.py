"""How does a published form become a page that can be filled in? Its WTForms class, with the same checks as REST."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from flask_wtf import FlaskForm
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import Field

from app.forms import controls, logic, queries, rules
from app.forms.controls import MORE_ROWS, Input, control_of
from app.forms.fields.base import Context, Value
from app.forms.fields.definition import Reading
from app.forms.layout import placed
from app.forms.logic import State
from app.forms.models import FormVersion
from app.forms.rules import Answers, Definition, FormField
from app.forms.words import say

#: In front of every field name: an admin's key ("data", "errors", "csrf_token") must not meet an attribute of the form
#: nor another input of the page. Behind the key and a dot comes a part of its answer ("answer_items.0.amount").
PREFIX = "answer_"
#: built classes kept in this process
MOST_KEPT = 200
#: controls of several inputs: they have a legend instead of a label
_GROUPS = frozenset({"buttons", "checks", "scale", "address", "rows"})
_WIDE = frozenset({"area", "rows", "address", "signature"})


class AnswerForm(FlaskForm):
    """A dynamic form. `answers` holds what was read once `validate()` said yes; what was typed stays in the fields.

    `context` is what the fields may ask (its `before`: what stands fast, though the page begins anew), `saved` are
    stored values by key to begin with (else the defaults), `draft` is what `typed_in` kept of a page that was not
    finished, `drawn` the keys of the questions on that page (None: these).
    """

    definition: Definition

    #: what was found in what stands on the page
    _found: Reading | None = None

    def __init__(
        self,
        *args: Any,
        context: Context | None = None,
        saved: Mapping[str, Value] | None = None,
        draft: Mapping[str, str | list[str]] | None = None,
        drawn: Collection[str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.context = context or Context()
        if saved is not None:
            self.context = replace(self.context, before=saved)
        if saved is not None:
            # What was saved empty stays empty: the defaults are for a form that nobody has begun.
            kwargs["data"] = {name: saved.get(name.removeprefix(PREFIX)) for name, _unbound in self._unbound_fields}
        elif self.context.known and draft is None:
            fields = {PREFIX + one.key: one for one in self.definition.fields if one.spec.own.get("maps_to")}
            kwargs["data"] = {name: rules.default_of(one, self.context) for name, one in fields.items()}
        super().__init__(*args, **kwargs)
        if draft is not None:
            typed = _by_question(draft.items())
            for question in self.questions:
                # No word of it in a draft: it was taken back, as on a page that is sent.
                if question.key in typed or drawn is None or question.key in drawn:
                    question.typed_anew(typed.get(question.key, {}))
            self._found = None

    def process(self, formdata: Any = None, *args: Any, **kwargs: Any) -> None:
        sent = self.meta.wrap_formdata(self, formdata)
        self.posted = None if sent is None else _by_question(_pairs(sent))
        #: only more rows are wanted on the page: it comes back as it is, and nothing is judged
        self.wants_rows = sent is not None and MORE_ROWS in sent
        super().process(sent, *args, **kwargs)

    @property
    def questions(self) -> list[AnswerField]:
        """The admin's fields in his order, without the ones that the frame adds."""
        return [question for question in self if isinstance(question, AnswerField)]

    @property
    def parts(self) -> list[ShownPart]:
        """The questions as they stand on the page: its parts, and in each its sections."""
        fields = {question.key: question for question in self.questions}
        definition = self.definition
        return [
            ShownPart(
                say(page.title),
                [
                    (say(one.section.title), asked) for one in sections
                    if (asked := [fields[two.key] for two in one.fields if fields[two.key].state.is_his])
                ],
            )
            for page, sections in placed(definition.pages, definition.sections, definition.fields)
        ]  # fmt: skip

    @property
    def reading(self) -> Reading:
        """What the answers on the page come to as they stand, right or not: which questions are asked, what follows."""
        if self._found is None:
            raw = {
                one.key: one.raw if one.is_typed else one.data for one in self.questions
                if one.one.type.has_answer and not one.one.type.is_worked_out
            }  # fmt: skip
            self._found = rules.read_answers(self.definition, raw, context=self.context, is_page=True)
        return self._found

    @property
    def live(self) -> str:
        """JSON for assets/js/fill.js; empty where nothing follows from anything."""
        begun = rules.begun(self.definition, self.context)
        told = logic.for_browser(self.definition.ordered, begun, self.context)
        return "" if told is None else json.dumps(told, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def words_of_values(self) -> Any:
        """How the values in conditions are called, for `logic.sentences`."""
        return logic.value_words(self.definition.fields, self.context)

    @property
    def answers(self) -> Answers:
        """What was answered. Call `validate()` first."""
        return Answers({question.key: question.data for question in self.questions if question.data is not None})

    def validate(self, extra_validators: Any = None) -> bool:
        if self.wants_rows:
            self._tell({one.key: one.late for one in self.questions if one.late})
            return False
        is_ours = super().validate(extra_validators)
        raw = {one.key: one.raw for one in self.questions if not one.one.type.is_worked_out}
        found = self._found = rules.read_answers(self.definition, raw, context=self.context, is_page=True)
        for question in self.questions:
            question.data = found.values.get(question.key)
        late = {one.key: one.late for one in self.questions if one.late}
        self._tell({**found.problems, **late})
        return is_ours and not found.problems and not late

    def refuse(self, problems: Mapping[str, Any]) -> None:
        """Put sentences that a service had about the answers (InvalidInputError.fields) beside their fields."""
        self._tell(problems)

    def _tell(self, problems: Mapping[str, Any]) -> None:
        for question in self.questions:
            question.errors = [*question.errors, *map(str, problems.get(question.key, ()))]
            place = f"{question.key}."
            question.inside |= {
                path.removeprefix(place): [str(one) for one in told]
                for path, told in problems.items() if path.startswith(place)
            }  # fmt: skip


@dataclass(frozen=True)
class ShownPart:
    """A page of the form: its title, and its sections as (title, questions)."""

    title: str
    sections: list[tuple[str, list[AnswerField]]]


class AnswerField(Field):
    """One question: keeps what was typed, draws itself. What it knows of its kind comes from the FieldType."""

    _form: AnswerForm

    def __init__(self, one: FormField, **kwargs: Any) -> None:
        self.one = one
        #: what was sent, in the shape of `FieldType.gather`
        self.raw: object = None
        self.is_typed = False
        #: sentences about what was sent, from before it could be judged (a file that is not taken)
        self.late: list[Any] = []
        #: sentences about parts of the answer, by their place behind the key
        self.inside: dict[str, Sequence[str]] = {}
        super().__init__(label=say(one.spec.label), description=say(one.spec.help), **kwargs)
        self.flags.required = one.spec.required

    @property
    def key(self) -> str:
        return self.one.key

    @property
    def state(self) -> State:
        """Is it asked, required, open to be changed, as the other answers are?"""
        return self._form.reading.states[self.key]

    @property
    def hints(self) -> list[str]:
        """Sentences for a page without a script: when it is to be answered."""
        if not logic.has_rules(self.one):
            return []
        labels = {one.key: say(one.spec.label) for one in self._form.definition.fields}
        return logic.sentences(self.one, labels, self._form.words_of_values)

    @cached_property
    def control(self) -> str:
        """How it is drawn, see controls.control_of."""
        return control_of(self.one, lambda: self.choices)

    @property
    def is_group(self) -> bool:
        """Several inputs: a legend instead of a label."""
        return self.control in _GROUPS

    @property
    def is_wide(self) -> bool:
        return self.control in _WIDE

    @cached_property
    def choices(self) -> list[tuple[str, str]]:
        """(value, label) of what there is to choose from."""
        return self._input().choices

    @property
    def unit(self) -> str:
        """What stands behind the input: ₫."""
        return self.one.type.face.unit

    @property
    def longest(self) -> int | None:
        """Characters, where the admin set a limit."""
        return self.one.type.longest_typed(self.one.spec)

    @property
    def typed(self) -> Any:
        """What stands in the input: exactly what was posted, else the value as one would type it. What stands fast is
        as it was before."""
        if self.state.is_locked:
            value = self._form.reading.values.get(self.key)
        elif self.is_typed:
            return "" if self.raw is None else self.raw
        else:
            value = self.data
        return "" if value is None else self.one.type.write(value, self.one.spec, self._form.context)

    @property
    def shown(self) -> str:
        """The value for the eye, where the input holds something else (a customer's name for his id)."""
        return self._input().shown

    def typed_anew(self, posted: Mapping[str, Sequence[Any]]) -> None:
        """What was typed stands in the field, whether it is right or not."""
        self.raw, self.is_typed = self.one.type.gather(posted), True

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        super().process(None, *args, **kwargs)
        if formdata is not None and self._form.posted is not None:
            # Judged with the others in AnswerForm.validate; until then there is no answer.
            self.data = None
            self.typed_anew(self._form.posted.get(self.key, {}))

    def widget(self, field: AnswerField, **attributes: Any) -> Markup:
        """The input alone; label, help and messages are the template's."""
        return controls.draw(self._input(), attributes)

    def _input(self) -> Input:
        context = replace(self._form.context, answers=self._form.reading.values)
        return Input(
            self.one, self.id, self.name, self.typed, context, is_wrong=bool(self.errors),
            is_described=bool(self.description), inside=self.inside,
        )  # fmt: skip


def typed_in(sent: MultiDict[str, str]) -> dict[str, str | list[str]]:
    """What was typed on a page, to be kept as a draft: by key and part, one text, or several of one name."""
    typed: dict[str, str | list[str]] = {}
    for name, values in sent.lists():
        if name.startswith(PREFIX):
            typed[name.removeprefix(PREFIX)] = values[0] if len(values) == 1 else values
    return typed


def _pairs(sent: Any) -> Iterable[tuple[str, list[Any]]]:
    return ((name.removeprefix(PREFIX), sent.getlist(name)) for name in sent if name.startswith(PREFIX))


def _by_question(pairs: Iterable[tuple[str, Any]]) -> dict[str, dict[str, list[Any]]]:
    """Question key → what stands behind it in the names of its inputs → their values."""
    found: dict[str, dict[str, list[Any]]] = {}
    for name, values in pairs:
        key, _dot, part = name.partition(".")
        found.setdefault(key, {})[part] = values if isinstance(values, list) else [values]
    return found


def build_form(version: FormVersion) -> type[AnswerForm]:
    """The form class of a version, built once and kept. Raises KeyError for half a draft."""
    return _build(queries.read_of(version))


@lru_cache(MOST_KEPT)
def _build(read: queries.Read) -> type[AnswerForm]:
    # AnswerField(…) is an unbound field here: labels get the reader's language when a form is made of the class.
    fields = {PREFIX + one.key: AnswerField(one, default=rules.default_of(one)) for one in read.asked.fields}
    return type("BuiltAnswerForm", (AnswerForm,), {**fields, "definition": read.asked})
