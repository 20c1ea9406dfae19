"""Repeating rows: the same few questions for each thing, and what they come to together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from app.core.formats import money_text, number_text
from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import (
    Context,
    Control,
    Face,
    FieldSpec,
    Flaw,
    FormField,
    Group,
    JsonSchema,
    Posted,
    Refused,
    Value,
)
from app.forms.fields.definition import fields_problems, object_schema, read_answers, read_asked
from app.forms.fields.settings import FIELD_KEY, Setting, Whole
from app.forms.logic import in_order
from app.forms.words import say

MOST_COLUMNS = 12
MOST_ROWS = 100
USUAL_ROWS = 20


@dataclass(frozen=True)
class Columns(Setting):
    """The questions of one row: a list of field definitions."""

    editor = "fields"

    def flaws(self, value: object) -> Iterator[Flaw]:
        for problem in fields_problems(value, self.name, most=MOST_COLUMNS, inside_rows=True):
            yield Flaw(problem.path, problem.code, problem.message)

    def read(self, value: Any) -> tuple[FormField, ...]:
        return read_asked(value)


@dataclass(frozen=True)
class Sums(Setting):
    """Keys of the columns whose sum stands below them."""

    editor = "columns"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if not isinstance(value, list) or not all(isinstance(key, str) and FIELD_KEY.fullmatch(key) for key in value):
            yield Flaw(self.name, "bad_reference", _("A list of columns, please."))


class RowsType(base.FieldType):
    """A list of objects, one for each row, with a value for each column that was answered. Empty rows are left out."""

    code = "rows"
    label = _("Repeating rows")
    group = Group.parts
    settings: ClassVar[tuple[Setting, ...]] = (
        Columns("fields", _("Columns"), is_needed=True),
        Sums("sums", _("Sums")),
        Whole("min", _("Rows at least"), least=0, most=MOST_ROWS),
        Whole("max", _("Rows at most"), least=1, most=MOST_ROWS),
    )
    takes_default = False
    fits_rows = False
    face = Face(Control.rows)
    typed_as: ClassVar[str] = "rows"
    missing = _("Please fill in at least one row.")

    @staticmethod
    def columns(spec: FieldSpec) -> dict[str, FormField]:
        return {one.key: one for one in spec.own["fields"]}

    @staticmethod
    def most(spec: FieldSpec) -> int:
        return int(spec.own.get("max", USUAL_ROWS))

    def gather(self, posted: Posted) -> object:
        """Names are "0.amount": row, column, parts of the column. Rows in which nothing was typed are none."""
        rows: dict[int, dict[str, dict[str, Any]]] = {}
        for name, values in posted.items():
            number, _dot, rest = name.partition(".")
            key, _dot, part = rest.partition(".")
            if number.isascii() and number.isdigit() and len(number) <= 4 and FIELD_KEY.fullmatch(key):
                rows.setdefault(int(number), {}).setdefault(key, {})[part] = values
        filled = (row for _number, row in sorted(rows.items()) if any(map(_is_typed, row.values())))
        return [dict(row) for row in filled]

    def is_empty(self, raw: object) -> bool:
        return super().is_empty(raw) or raw == []

    def parse(self, raw: object, spec: FieldSpec, context: Context) -> base.Parsed:
        filled = [row for row in raw if not self._is_blank(row, spec)] if isinstance(raw, list) else raw
        return super().parse(filled, spec, context)

    def read(self, raw: object, spec: FieldSpec, context: Context) -> Value:
        if not isinstance(raw, list):
            raise Refused(_("A list of rows, please."))
        most, least = self.most(spec), spec.own.get("min", 0)
        if len(raw) > most:
            raise Refused(_("At most %(limit)d rows, please.", limit=most))
        if len(raw) < least:
            raise Refused(_("At least %(limit)d rows, please.", limit=least))
        ordered, _looped = in_order(spec.own["fields"])
        # A row knows its own columns only: an empty cell must not take the answer of a field outside that has its key.
        context = replace(context, answers={})
        rows: list[dict[str, Value]] = []
        inside: dict[str, Any] = {}
        for number, row in enumerate(raw):
            if not isinstance(row, dict):
                raise Refused(_("A list of rows, please."))
            found = read_answers(ordered, self._typed(row, spec), context)
            inside.update({f"{number}.{key}": told for key, told in found.problems.items()})
            rows.append({one.key: found.values[one.key] for one in spec.own["fields"] if one.key in found.values})
        if inside:
            raise Refused(_("Some rows need another look."), inside)
        return rows

    def show(self, value: Value, spec: FieldSpec, context: Context) -> str:
        lines = [
            ", ".join(f"{label}: {text}" for label, text in row if text) for row in self.table(value, spec, context)
        ]
        sums = [f"{say(one.spec.label)}: {text}" for one, text in self.sums(value, spec)]
        return "\n".join([*lines, *([str(_("In all: %(sums)s", sums=", ".join(sums)))] if sums else [])])

    def table(self, value: Value, spec: FieldSpec, context: Context) -> list[list[tuple[str, str]]]:
        """(label, text) of every column, row by row."""
        return [
            [(say(one.spec.label), one.type.show(row[one.key], one.spec, context) if one.key in row else "")
             for one in spec.own["fields"]]
            for row in _rows(value)
        ]  # fmt: skip

    def sums(self, value: Value, spec: FieldSpec) -> list[tuple[FormField, str]]:
        """The columns that are added up, with what they come to."""
        columns = self.columns(spec)
        found = []
        for key in spec.own.get("sums", ()):
            numbers = [Decimal(repr(row[key])) for row in _rows(value) if key in row]
            total = sum(numbers, Decimal(0))
            found.append((columns[key], str(money_text(int(total)) if _is_money(columns[key]) else number_text(total))))
        return found

    def write(self, value: Value, spec: FieldSpec, context: Context) -> object:
        columns = self.columns(spec)
        return [
            {key: columns[key].type.write(one, columns[key].spec, context)
             for key, one in row.items() if not columns[key].type.is_worked_out}
            for row in _rows(value)
        ]  # fmt: skip

    def schema(self, spec: FieldSpec, context: Context) -> JsonSchema:
        row = object_schema(spec.own["fields"], context)
        least = max(spec.own.get("min", 0), 1 if spec.required else 0)
        return {"type": "array", "items": row, "maxItems": self.most(spec), **({"minItems": least} if least else {})}

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        flaws = list(super().flaws(given)) or list(base.crossed(given, "min", "max"))
        yield from flaws
        if flaws or not given.get("sums"):
            return
        columns = {one.key: one for one in read_asked(given["fields"])}  # type: ignore[arg-type]
        for key in given["sums"]:  # type: ignore[attr-defined]
            if key not in columns or columns[key].type.index is not base.Kind.number or not _adds_up(columns[key]):
                yield Flaw("sums", "bad_reference", _("Only columns with numbers can be added up."))

    def _is_blank(self, row: object, spec: FieldSpec) -> bool:
        """Nothing was typed in any of its columns."""
        if not isinstance(row, dict):
            return False
        typed = self._typed(row, spec)
        columns = self.columns(spec)
        return all(key in columns and columns[key].type.is_empty(one) for key, one in typed.items())

    def _typed(self, row: Mapping[Any, Any], spec: FieldSpec) -> dict[Any, object]:
        """The raw answers of a row, whether a page or a program sent it. What a page leaves out was left empty."""
        columns = self.columns(spec)
        is_posted = any(isinstance(sent, dict) and "" in sent for sent in row.values())
        typed = {
            key: columns[key].type.gather(sent) if key in columns and isinstance(sent, dict) else sent
            for key, sent in row.items()
        }  # fmt: skip
        return {**dict.fromkeys(columns), **typed} if is_posted else typed


def _rows(value: Value) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _is_typed(sent: Mapping[str, Any]) -> bool:
    return any(not isinstance(one, str) or base.trimmed(one) for values in sent.values() for one in values)


def _adds_up(one: FormField) -> bool:
    return one.spec.type in {"integer", "decimal", "money", "calculated"}


def _is_money(one: FormField) -> bool:
    return one.spec.type == "money" or one.spec.own.get("shown_as") == "money"
