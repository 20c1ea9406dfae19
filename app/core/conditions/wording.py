"""How does a condition read aloud? As a sentence in the reader's language, with the labels of fields and of values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from app.core.conditions.functions import FUNCTIONS, Kind
from app.core.conditions.tree import Call, Field, Group, Literal, Node, Not, Operand, Row, operand_text
from app.core.conditions.values import moment_of
from app.core.errors import Sentence
from app.core.i18n import _, ngettext

#: (key of the field, the value compared with it) → how the reader knows that value: "Doanh nghiệp", "21/11/2026"
ValueWords: TypeAlias = Callable[[str, Literal], str]
_Phrases: TypeAlias = dict[str, Callable[[str, str], Sentence]]

_ROWS: _Phrases = {
    "=": lambda left, right: _("%(left)s is %(right)s", left=left, right=right),
    "!=": lambda left, right: _("%(left)s is not %(right)s", left=left, right=right),
    ">": lambda left, right: _("%(left)s is above %(right)s", left=left, right=right),
    ">=": lambda left, right: _("%(left)s is %(right)s or above", left=left, right=right),
    "<": lambda left, right: _("%(left)s is below %(right)s", left=left, right=right),
    "<=": lambda left, right: _("%(left)s is %(right)s or below", left=left, right=right),
    "in": lambda left, right: _("%(left)s is one of %(right)s", left=left, right=right),
    "not in": lambda left, right: _("%(left)s is none of %(right)s", left=left, right=right),
    "contains": lambda left, right: _("%(left)s contains %(right)s", left=left, right=right),
    "not contains": lambda left, right: _("%(left)s does not contain %(right)s", left=left, right=right),
    "empty": lambda left, _right: _("%(left)s is empty", left=left),
    "not empty": lambda left, _right: _("%(left)s is filled in", left=left),
}
_DAYS: _Phrases = {
    ">": lambda left, right: _("%(left)s after %(right)s", left=left, right=right),
    ">=": lambda left, right: _("%(left)s since %(right)s", left=left, right=right),
    "<": lambda left, right: _("%(left)s before %(right)s", left=left, right=right),
    "<=": lambda left, right: _("%(left)s until the end of %(right)s", left=left, right=right),
}
_PERIODS: _Phrases = {
    "=": lambda left, right: _("%(left)s is in %(right)s", left=left, right=right),
    "!=": lambda left, right: _("%(left)s is not in %(right)s", left=left, right=right),
    "in": lambda left, right: _("%(left)s is in %(right)s", left=left, right=right),
    "not in": lambda left, right: _("%(left)s is not in %(right)s", left=left, right=right),
}
_CALLS: dict[str, Callable[..., Sentence]] = {
    "today": lambda: _("today"),
    "yesterday": lambda: _("yesterday"),
    "tomorrow": lambda: _("tomorrow"),
    "this_week": lambda: _("this week"),
    "last_week": lambda: _("last week"),
    "next_week": lambda: _("next week"),
    "this_month": lambda: _("this month"),
    "last_month": lambda: _("last month"),
    "next_month": lambda: _("next month"),
    "this_quarter": lambda: _("this quarter"),
    "last_quarter": lambda: _("last quarter"),
    "this_year": lambda: _("this year"),
    "last_year": lambda: _("last year"),
    "last_days": lambda days: ngettext("the last %(num)d day", "the last %(num)d days", int(days)),
    "next_days": lambda days: ngettext("the next %(num)d day", "the next %(num)d days", int(days)),
    "me": lambda: _("me"),
    "my_teams": lambda: _("my teams"),
    "days_between": lambda start, end: _("the days from %(start)s to %(end)s", start=start, end=end),
    "len": lambda value: _("the length of %(value)s", value=value),
}


def call_text(function: str, *args: object) -> Sentence:
    """`last_days`, 7 → "7 ngày qua"."""
    return _CALLS[function](*args)


def sentence_of(node: Node, labels: Mapping[str, str], values: ValueWords | None = None) -> str:
    """`Tiền bồi thường trên 500000 và Kết quả là "approve"`."""
    match node:
        case Group(word, parts):
            between = _("and") if word == "and" else _("or")
            return f" {between} ".join(_inside(part, labels, values) for part in parts)
        case Not(part):
            return str(_("not (%(part)s)", part=sentence_of(part, labels, values)))
        case Row():
            return _row(node, labels, values)


def _inside(part: Node, labels: Mapping[str, str], values: ValueWords | None) -> str:
    inner = sentence_of(part, labels, values)
    return f"({inner})" if isinstance(part, Group) else inner


def _row(row: Row, labels: Mapping[str, str], values: ValueWords | None) -> str:
    several = row.value if isinstance(row.value, tuple) else () if row.value is None else (row.value,)
    phrases = {**_ROWS, **_DAYS} if any(map(_is_day, several)) else _ROWS
    if any(map(_is_period, several)):
        phrases = {**phrases, **_PERIODS}

    def word(operand: Operand) -> str:
        literal = not isinstance(operand, Field | Call)
        if values is not None and literal and isinstance(row.left, Field):
            return values(row.left.key, operand)  # type: ignore[arg-type]
        return _operand(operand, labels)

    return str(phrases[row.op](_operand(row.left, labels), ", ".join(map(word, several))))


def _is_day(operand: Operand) -> bool:
    if isinstance(operand, Call):
        return FUNCTIONS[operand.function].gives in {Kind.date, Kind.period}
    return isinstance(operand, str) and moment_of(operand) is not None


def _is_period(operand: Operand) -> bool:
    return isinstance(operand, Call) and FUNCTIONS[operand.function].gives is Kind.period


def _operand(operand: Operand, labels: Mapping[str, str]) -> str:
    match operand:
        case Field(key):
            return labels.get(key, key)
        case Call(function, args):
            return str(call_text(function, *[_operand(arg, labels) for arg in args]))
        case bool():
            return str(_("yes") if operand else _("no"))
    return operand_text(operand)
