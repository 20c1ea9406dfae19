"""What does a condition look like in JSON? The form that is stored, edited as rows and run by the browser.

{"and": [node, …]}   {"or": [node, …]}   {"not": node}
{"field": key, "op": "=", "value": value}             a row; no "value" with empty and not empty, a list with in
                                                      (true, false, numbers, texts and calls such as this_week)
{"call": function, "args": [value, …], "op": …}       a row about what a function gives
value: true, false, number, text, {"field": key} or {"call": function, "args": […]}
"""

from __future__ import annotations

from app.core.conditions.errors import ConditionError
from app.core.conditions.tree import (
    EMPTINESSES,
    MAX_DEPTH,
    MAX_NODES,
    MEMBERSHIPS,
    OPERATORS,
    Call,
    Choice,
    Field,
    Group,
    Literal,
    Node,
    Not,
    Operand,
    Row,
    make_call,
    make_field,
    make_group,
    make_number,
    make_row,
    make_text,
    too_deep,
    too_many,
)
from app.core.i18n import _


def to_json(node: Node) -> dict[str, object]:
    """Plain dicts, lists and scalars, ready for json.dumps."""
    match node:
        case Group(word, parts):
            return {word: [to_json(part) for part in parts]}
        case Not(part):
            return {"not": to_json(part)}
        case Row(left, op, value):
            row = {**_operand_json(left), "op": op}
            if value is None:
                return row
            return {
                **row,
                "value": [_value_json(one) for one in value] if isinstance(value, tuple) else _value_json(value),
            }


def _value_json(value: Operand) -> object:
    return _operand_json(value) if isinstance(value, Field | Call) else value


def _operand_json(operand: Field | Call) -> dict[str, object]:
    if isinstance(operand, Field):
        return {"field": operand.key}
    return {"call": operand.function, "args": [_value_json(arg) for arg in operand.args]}


def from_json(obj: object) -> Node:
    """The tree of a stored condition; everything unknown is refused, whoever wrote it."""
    return _Reader().node(obj, 0)


class _Reader:
    """Counts while it reads, so that an endless or self-containing object is refused early."""

    def __init__(self) -> None:
        self._count = 0

    def node(self, obj: object, level: int) -> Node:
        self._enter(level)
        if not isinstance(obj, dict):
            raise _unknown()
        for word in ("and", "or"):
            if obj.keys() == {word}:
                return make_group(word, [self.node(part, level + 1) for part in _list(obj[word], at_least=1)])
        if obj.keys() == {"not"}:
            return Not(self.node(obj["not"], level + 1))
        return self._row(obj)

    def _row(self, obj: dict[object, object]) -> Row:
        op = obj.get("op")
        if not isinstance(op, str) or op not in OPERATORS or ("value" in obj) is (op in EMPTINESSES):
            raise _unknown()
        left = self._reference({name: item for name, item in obj.items() if name not in ("op", "value")}, 0)
        if op in EMPTINESSES:
            return make_row(left, op, None)
        if op in MEMBERSHIPS:
            return make_row(left, op, tuple(self._choice(one) for one in _list(obj["value"], at_least=1)))
        return make_row(left, op, self._operand(obj["value"], 0))

    def _operand(self, obj: object, level: int) -> Operand:
        return self._reference(obj, level) if isinstance(obj, dict) else self._literal(obj)

    def _choice(self, obj: object) -> Choice:
        operand = self._operand(obj, 0)
        if isinstance(operand, Field):
            raise _unknown()
        return operand

    def _reference(self, obj: dict[object, object], level: int) -> Field | Call:
        self._enter(level)
        match obj:
            case {"field": str(key)} if len(obj) == 1:
                return make_field(key)
            case {"call": str(function), "args": args} if len(obj) == 2:
                return make_call(function, [self._operand(arg, level + 1) for arg in _list(args, at_least=0)])
        raise _unknown()

    def _literal(self, obj: object) -> Literal:
        self._enter(0)
        if isinstance(obj, bool):
            return obj
        if isinstance(obj, int | float):
            return make_number(obj)
        if isinstance(obj, str):
            return make_text(obj)
        raise _unknown()

    def _enter(self, level: int) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise too_many()
        if level > MAX_DEPTH:
            raise too_deep()


def _list(obj: object, *, at_least: int) -> list[object]:
    if not isinstance(obj, list) or len(obj) < at_least:
        raise _unknown()
    return obj


def _unknown() -> ConditionError:
    return ConditionError(_("The stored condition has a part that is not known."))
