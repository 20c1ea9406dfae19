"""How does a condition read aloud? As a sentence in the reader's language, with the labels of the fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.core.conditions.tree import Call, Field, Group, Literal, Node, Not, Operand, Row, operand_text
from app.core.errors import Sentence
from app.core.i18n import _

_ROWS: dict[str, Callable[[str, str], Sentence]] = {
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
_CALLS: dict[str, Callable[..., Sentence]] = {
    "today": lambda: _("today"),
    "days_between": lambda start, end: _("the days from %(start)s to %(end)s", start=start, end=end),
    "len": lambda value: _("the length of %(value)s", value=value),
}


def sentence_of(node: Node, labels: Mapping[str, str]) -> str:
    """`Tiền bồi thường trên 500000 và Kết quả là "approve"`."""
    match node:
        case Group(word, parts):
            between = _("and") if word == "and" else _("or")
            return f" {between} ".join(_inside(part, labels) for part in parts)
        case Not(part):
            return str(_("not (%(part)s)", part=sentence_of(part, labels)))
        case Row(left, op, value):
            return str(_ROWS[op](_operand(left, labels), _value(value, labels)))


def _inside(part: Node, labels: Mapping[str, str]) -> str:
    return f"({sentence_of(part, labels)})" if isinstance(part, Group) else sentence_of(part, labels)


def _value(value: Operand | tuple[Literal, ...] | None, labels: Mapping[str, str]) -> str:
    if isinstance(value, tuple):
        return ", ".join(_operand(one, labels) for one in value)
    return "" if value is None else _operand(value, labels)


def _operand(operand: Operand, labels: Mapping[str, str]) -> str:
    match operand:
        case Field(key):
            return labels.get(key, key)
        case Call(function, args):
            return str(_CALLS[function](*[_operand(arg, labels) for arg in args]))
        case bool():
            return str(_("yes") if operand else _("no"))
    return operand_text(operand)
