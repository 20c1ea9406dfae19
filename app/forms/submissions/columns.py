"""How does a question of a form become a column of the list of its answers? Shown under the version of each answer,
filtered and ordered by the index beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import g
from sqlalchemy import Select, and_, select
from sqlalchemy.orm import aliased

from app.core import edge
from app.core.conditions.fields import Beside, Kind
from app.core.db import db
from app.core.i18n import LazySentence, _, ngettext
from app.core.screens import Derived
from app.core.screens.columns import Walk
from app.forms import queries, reading
from app.forms.asked_once import remembering
from app.forms.compared import KINDS
from app.forms.fields.base import Context, Control, FormField, Option, Value
from app.forms.fields.choice import ChoiceType, all_options
from app.forms.models import FormVersion, Submission, SubmissionValue
from app.forms.submissions import index
from app.forms.words import say

#: in front of the key of a question: those of the list itself have none
PREFIX = "answers."
#: characters of an answer that stand in a cell
LONGEST_CELL = 120


@dataclass(frozen=True)
class AnswerColumn:
    """A question of the form as it is asked now, or was asked last."""

    one: FormField
    #: the same as narrow as in any version: whoever does not read it compares nothing with it
    compared: FormField
    derived: Derived
    label: LazySentence
    #: rows can be narrowed and ordered by it
    is_searchable: bool


def key_of(one: FormField) -> str:
    return PREFIX + one.key


def columns_of(form_id: int, version: FormVersion) -> dict[str, AnswerColumn]:
    """The questions of a published version in their order, and behind them those that are asked no more."""
    asked = {one.key for one in queries.definition_of(version).fields}
    fields, over_versions = queries.fields_of(version), queries.read_over_versions(db.session(), version).fields
    found = {}
    for one in sorted(fields.values(), key=lambda one: one.key not in asked):
        is_searchable = one.spec.searchable and one.type.index is not None
        label = LazySentence(_label, one.spec.label, one.key in asked)
        found[key_of(one)] = AnswerColumn(one, over_versions[one.key], _derived(form_id, one), label, is_searchable)
    return found


def _label(words: Any, is_asked: bool) -> str:
    return say(words) if is_asked else str(_("%(label)s (retired)", label=say(words)))


def kind_of(one: FormField) -> Kind:
    return KINDS.get(one.type.code, Kind.text)


def _derived(form_id: int, one: FormField) -> Derived:
    kind = kind_of(one)
    is_choice = isinstance(one.type, ChoiceType)
    choices = _Choices(one) if is_choice else None
    guarded_as = reading.GUARDED.get(one.spec.personal_data, "")
    value = Submission.answers[one.key]
    if one.type.index is None:
        return Derived(kind, value, show=_Shown(one.key), besides=(Submission.form_version_id,), guarded_as=guarded_as)
    column = getattr(SubmissionValue, index.column_of(one))
    of_it = (SubmissionValue.form_id == form_id, SubmissionValue.field_key == one.key)
    rows = select(SubmissionValue.submission_id).where(*of_it, column.is_not(None))
    compared = Beside(
        Submission.id.expression,
        rows,
        column == 1 if kind is Kind.yes_no else column,
        several=one.type.code == "choices",
    )
    first = select(column).where(*of_it, SubmissionValue.submission_id == Submission.id, SubmissionValue.item == 0)
    return Derived(
        kind, value, compared=compared, order=first.correlate(Submission).scalar_subquery(), show=_Shown(one.key),
        choices=choices, besides=(Submission.form_version_id,), guarded_as=guarded_as,
        walk=_walk(form_id, one.key, column.key),
    )  # fmt: skip


def _walk(form_id: int, key: str, column: str) -> Walk:
    """Along the index: a page of 100,000 answers is put in order without looking at all of them."""
    one = aliased(SubmissionValue)
    by = getattr(one, column)

    def joined(rows: Select[Any]) -> Select[Any]:
        on = and_(one.submission_id == Submission.id, one.form_id == form_id, one.field_key == key, one.item == 0)
        return rows.join(one, on).where(by.is_not(None))

    return Walk(joined, by, one.submission_id)


class _Choices(Mapping[str, Any]):
    """Value → label of all that can be chosen or could be, in the language and with the catalogue of this moment."""

    def __init__(self, one: FormField) -> None:
        self._one = one

    def _options(self) -> Mapping[str, Option]:
        asked = Context(catalogues=queries.CompanyCatalogues(db.session()))
        return {option.value: option for option in all_options(self._one.spec, asked)}

    def __getitem__(self, value: str) -> str:
        return say(self._options()[value].label)

    def __contains__(self, value: object) -> bool:
        return value in self._options()

    def __iter__(self) -> Any:
        return iter(self._options())

    def __len__(self) -> int:
        return len(self._options())

    def items(self) -> Any:
        return [(value, say(option.label)) for value, option in self._options().items()]


class _Shown:
    """A cell: the answer as people read it, by the question of the version under which it was given."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, value: Value | None, version_id: int | None = None) -> str:
        text = told(self._key, value, version_id, context())
        return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


def told(key: str, value: Value | None, version_id: int | None, read_by: Context) -> str:
    """The answer as this person reads it, in one line; empty where he may not."""
    one = None if value is None or version_id is None else question_of(version_id, key)
    if one is None or value is None or not reading.is_seen(one, read_by):
        return ""
    if not reading.is_read(one, read_by):
        return reading.covered(one, value, read_by)
    match one.type.face.control:
        case Control.files if isinstance(value, list):
            return str(ngettext("%(num)d file", "%(num)d files", len(value)))
        case Control.rows if isinstance(value, list):
            return str(ngettext("%(num)d row", "%(num)d rows", len(value)))
    return " · ".join(one.type.show(value, one.spec, read_by).split("\n"))


def on_sheet(column: AnswerColumn, value: Value | None, version_id: int, read_by: Context) -> Any:
    """What stands in the cell of a sheet: numbers and days as what they are, all else as people read it."""
    one = None if value is None else question_of(version_id, column.one.key)
    if value is None or one is None or not reading.is_read(one, read_by):
        return None
    if one.type.code == column.one.type.code:
        match kind_of(one):
            case Kind.number | Kind.money if isinstance(value, int):
                return value
            case Kind.decimal if isinstance(value, int | float):
                return Decimal(repr(value))
            case Kind.date:
                return date.fromisoformat(str(value))
            case Kind.moment:
                return datetime.fromisoformat(str(value))
    return told(column.one.key, value, version_id, read_by)


def sheet_kind(column: AnswerColumn) -> Kind:
    kind = kind_of(column.one)
    is_plain = kind in (Kind.number, Kind.money, Kind.decimal, Kind.date, Kind.moment)
    return kind if is_plain else Kind.text


def question_of(version_id: int, key: str) -> FormField | None:
    """The question as it was asked under this version."""
    session = db.session()
    # The session itself forgets rows that nobody holds, and would ask for the version again with every cell.
    read: dict[int, Mapping[str, FormField]] = session.info.setdefault("questions_of_versions", {})
    if version_id not in read:
        version = session.get(FormVersion, version_id)
        read[version_id] = {} if version is None else queries.fields_of(version)
    return read[version_id].get(key)


def context() -> Context:
    """What the cells of a page may ask, remembered for the request: a list names the same few people over and over."""
    known: Context | None = g.get("answers_context")
    if known is None:
        known = g.answers_context = remembering(queries.context_for(db.session(), edge.actor()))
    return known
