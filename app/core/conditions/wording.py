"""How does a condition read aloud? As a sentence in the reader's language, with the labels of fields and of values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from app.core.conditions.functions import FUNCTIONS, Kind
from app.core.conditions.tree import Call, Field, Group, Literal, Node, Not, Operand, Row, operand_text, spans
from app.core.conditions.values import moment_of
from app.core.errors import Sentence
from app.core.i18n import _, ngettext

#: (key of the field, the value compared with it) → how the reader knows that value: "Doanh nghiệp", "21/11/2026"
ValueWords: TypeAlias = Callable[[str, Literal], str]

#: What operators are called, in the editor and in a sentence: a value stands behind them, or where the … is. The same
#: for days, and for periods, as far as they are called otherwise.
WORDS: Mapping[str, Sentence] = {
    "=": _("is"),
    "!=": _("is not"),
    ">": _("is above"),
    ">=": _("is at least"),
    "<": _("is below"),
    "<=": _("is at most"),
    "in": _("is one of"),
    "not in": _("is none of"),
    "contains": _("contains"),
    "not contains": _("does not contain"),
    "empty": _("is empty"),
    "not empty": _("is filled in"),
}
DAY_WORDS: Mapping[str, Sentence] = {
    **WORDS,
    "=": _("is the day"),
    "!=": _("is not the day"),
    ">": _("after"),
    ">=": _("since"),
    "<": _("before"),
    "<=": _("until the end of"),
}
PERIOD_WORDS: Mapping[str, Sentence] = {
    **DAY_WORDS,
    "=": _("is in"),
    "!=": _("is not in"),
    "in": _("is in"),
    "not in": _("is not in"),
}
BETWEEN: Sentence = _("from … to")
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
        case Group("and", parts):
            return f" {_('and')} ".join(_together(rows, labels, values) for rows in spans(parts))
        case Group(_word, parts):
            return f" {_('or')} ".join(_inside(part, labels, values) for part in parts)
        case Not(part):
            return str(_("not (%(part)s)", part=sentence_of(part, labels, values)))
        case Row():
            return _row(node, labels, values)


def _inside(part: Node, labels: Mapping[str, str], values: ValueWords | None) -> str:
    inner = sentence_of(part, labels, values)
    return f"({inner})" if isinstance(part, Group) else inner


def _together(rows: Sequence[Node], labels: Mapping[str, str], values: ValueWords | None) -> str:
    match rows:
        case [Row(left, _, first), Row(_, _, last)]:
            begun = str(BETWEEN).replace("…", _value(left, first, labels, values))  # type: ignore[arg-type]
            return f"{_operand(left, labels)} {begun} {_value(left, last, labels, values)}"  # type: ignore[arg-type]
    return _inside(rows[0], labels, values)


def _row(row: Row, labels: Mapping[str, str], values: ValueWords | None) -> str:
    several = row.value if isinstance(row.value, tuple) else () if row.value is None else (row.value,)
    words = PERIOD_WORDS if any(map(_is_period, several)) else DAY_WORDS if any(map(_is_day, several)) else WORDS

    told, value = str(words[row.op]), ", ".join(_value(row.left, one, labels, values) for one in several)
    told = told.replace("…", value) if "…" in told else f"{told} {value}"
    return f"{_operand(row.left, labels)} {told}".rstrip()


def _value(left: Operand, operand: Operand, labels: Mapping[str, str], values: ValueWords | None) -> str:
    if values is not None and isinstance(left, Field) and not isinstance(operand, Field | Call):
        return values(left.key, operand)
    return _operand(operand, labels)


def _is_day(operand: Operand) -> bool:
    return isinstance(operand, str) and moment_of(operand) is not None


def _is_period(operand: Operand) -> bool:
    """Today and yesterday are chosen among the periods."""
    return isinstance(operand, Call) and FUNCTIONS[operand.function].gives in {Kind.date, Kind.period}


def _operand(operand: Operand, labels: Mapping[str, str]) -> str:
    match operand:
        case Field(key):
            return labels.get(key, key)
        case Call(function, args):
            return str(call_text(function, *[_operand(arg, labels) for arg in args]))
        case bool():
            return str(_("yes") if operand else _("no"))
    return operand_text(operand)
