"""The own fields of customers as every part of the product meets them (core.screens.extra)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, cast

from flask import has_app_context
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.core import history
from app.core.access import Actor, FieldRight
from app.core.db import db
from app.core.errors import Sentence
from app.core.i18n import _
from app.core.masking import masked
from app.core.screens.extra import PREFIX, Changed, ExtraForm, Fact, FactGroup, Fields, Once, OneText, Pair
from app.forms.displays import display
from app.forms.fields.base import FormField, Value
from app.forms.layout import placed
from app.forms.own_fields import merging, queries, services, typing_in
from app.forms.own_fields.columns import fields_of, mask_of
from app.forms.own_fields.forms import OwnForm
from app.forms.own_fields.models import CustomerAnswers
from app.forms.own_fields.queries import Drawn
from app.forms.words import say

_NONE = Fields()
OWN = _("Own fields")


class CustomerFields:
    """Registered for customers in create_app."""

    def __init__(self) -> None:
        self._known: tuple[Drawn | None, Fields] = (None, _NONE)

    def fields(self) -> Fields:
        # Without an application there is no database to ask.
        drawn = queries.drawn(db.session()) if has_app_context() else None
        if self._known[0] is not drawn:
            self._known = (drawn, _NONE if drawn is None else fields_of(drawn))
        return self._known[1]

    def right_to(self, who: Actor, key: str) -> FieldRight:
        drawn = queries.drawn(db.session())
        one = None if drawn is None else drawn.fields.get(key.removeprefix(PREFIX))
        return FieldRight.hidden if one is None else queries.right(who, one)

    def form(self, session: Session, record_id: int | None, who: Actor, sent: MultiDict[str, str] | None) -> ExtraForm:
        drawn = queries.drawn(session)
        assert drawn is not None
        return OwnForm(session, drawn, record_id, who, sent)

    def save_form(self, session: Session, record_id: int, form: Any, *, by: Actor, is_new: bool) -> bool:
        return bool(cast("OwnForm", form).save(session, record_id, by=by, is_new=is_new))

    def save(
        self, session: Session, record_id: int, said: Mapping[str, object], *, by: Actor, is_new: bool,
        is_whole: bool = True, is_told: bool = True,
    ) -> list[str]:  # fmt: skip
        return services.change(
            session, record_id, said, by=by, is_new=is_new, is_whole=is_whole, is_told=is_told
        )  # fmt: skip

    def texts(self, session: Session, who: Actor) -> Mapping[str, OneText]:
        return typing_in.texts(session, who)

    def add_many(
        self, session: Session, said: Mapping[int, Mapping[str, Any]], *, by: Actor, aside: Collection[int] = ()
    ) -> Mapping[int, Mapping[str, Sequence[Sentence]]]:
        return services.add_many(session, said, by=by, aside=aside)

    def change_many(
        self, session: Session, said: Mapping[int, Mapping[str, Any]], *, by: Actor
    ) -> Mapping[int, Changed]:
        return services.change_many(session, said, by=by)

    def left_out(
        self, session: Session, said: Mapping[int, Mapping[str, Any]], *, by: Actor
    ) -> Mapping[int, Mapping[str, Sequence[Sentence]]]:
        return services.left_out(session, said, by=by)

    def once(self, session: Session, said: Mapping[int, Mapping[str, Any]]) -> Mapping[int, Mapping[str, Once]]:
        return services.once(session, said)

    def not_alone(self, session: Session, record_id: int) -> Mapping[str, Sequence[Sentence]]:
        return services.not_alone(session, record_id)

    def told(self, session: Session, record_id: int, who: Actor) -> Sequence[FactGroup]:
        drawn = queries.drawn(session)
        if drawn is None:
            return ()
        answers = queries.answers_of(session, [record_id]).get(record_id, {})
        context = queries.context(session, who, answers)

        def facts(fields: Collection[FormField]) -> list[Fact]:
            return [
                Fact(say(one.spec.label), text) for one in fields
                if answers.get(one.key) is not None and (text := _told(one, answers[one.key], who, context)) is not None
            ]  # fmt: skip

        definition = drawn.definition
        pages = placed(definition.pages, definition.sections, definition.fields)
        groups = [
            FactGroup(
                say(part.section.title) or say(page.title),
                facts([one for one in part.fields if one.key in drawn.fields]),
            )
            for page, parts in pages for part in parts
        ]  # fmt: skip
        former = FactGroup(_("Asked in former times"), facts(list(drawn.former.values())), is_former=True)
        return [one for one in (*groups, former) if one.facts]

    def values(self, session: Session, ids: Collection[int], who: Actor) -> Mapping[int, Mapping[str, Any]]:
        drawn = queries.drawn(session)
        found = {} if drawn is None else queries.answers_of(session, ids)
        return {number: _readable(drawn, found.get(number, {}), who) if drawn else {} for number in ids}

    def history(self, record_id: int, who: Actor) -> Sequence[history.Subject]:
        rows = select(CustomerAnswers.id).where(CustomerAnswers.customer_id == record_id)
        return [history.Subject(CustomerAnswers, rows, {"answers": OWN}, partial(_logged, who=who), kind=OWN)]

    def pairs(self, session: Session, first_id: int, second_id: int, who: Actor) -> Sequence[Pair]:
        return merging.pairs(session, first_id, second_id, who)

    def join(self, session: Session, kept_id: int, merged_id: int, chosen: Mapping[str, bool], *, by: Actor) -> Any:
        return merging.join(session, kept_id, merged_id, chosen, by=by)

    def part(self, session: Session, kept_id: int, told: Any) -> list[str]:
        return merging.part(session, kept_id, told)


def _logged(_column: str, value: Any, *, who: Actor) -> Any:
    """Answers of the log, a line each, as far as this person reads them as they are."""
    session = db.session()
    drawn = queries.drawn(session)
    if drawn is None or not isinstance(value, Mapping):
        return ""
    context = queries.context(session, who, None)
    fields = {**drawn.fields, **drawn.former}
    return "\n".join(
        f"{say(fields[key].spec.label)}: {_said(fields[key], said, context)}"
        for key, said in value.items() if key in fields and queries.may(who, fields[key], FieldRight.read_only)
    )  # fmt: skip


def _said(one: FormField, value: Value, context: Any) -> str:
    """A value of the log, as it is where the field is of another type by now."""
    return one.type.show(value, one.spec, context) if services.is_right(one, value) else str(value)


def _told(one: FormField, value: Value, who: Actor, context: Any) -> Any:
    """As this person reads it; None: he does not."""
    right = queries.right(who, one)
    if right is FieldRight.hidden:
        return None
    text = display(one, value, context)
    return masked(mask_of(one), text) if right is FieldRight.masked else text


def _readable(drawn: Drawn, answers: Mapping[str, Value], who: Actor) -> dict[str, Any]:
    """Every field that he sees, null where nothing was said."""
    told: dict[str, Any] = {}
    for key, one in drawn.fields.items():
        right = queries.right(who, one)
        if right is FieldRight.hidden:
            continue
        value = answers.get(key)
        told[key] = masked(mask_of(one), str(value)) if right is FieldRight.masked and value is not None else value
    return told
