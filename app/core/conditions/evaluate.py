"""Does it hold? A tree becomes nested functions once and is then only called."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

from app.core.conditions.functions import FUNCTIONS, Asked
from app.core.conditions.tree import Call, Field, Group, Node, Not, Operand, Row
from app.core.conditions.values import Value, contains, equal, is_empty, order, read

Data: TypeAlias = Mapping[str, object]
Test: TypeAlias = Callable[[Data, Asked], bool]
Getter: TypeAlias = Callable[[Data, Asked], object]

_MISSING = object()
_ORDERS: dict[str, Callable[[int, int], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def build(node: Node) -> Test:
    """The test of a tree: total, whatever the data holds. `asked` is only looked at by functions."""
    match node:
        case Group("and", parts):
            return _all([build(part) for part in parts])
        case Group(_, parts):
            return _any([build(part) for part in parts])
        case Not(part):
            inner = build(part)
            return lambda data, asked: not inner(data, asked)
        case Row():
            return _row(node)


def _all(tests: list[Test]) -> Test:
    def holds(data: Data, asked: Asked) -> bool:
        for test in tests:  # noqa: SIM110 - a plain loop is twice as fast as all() over a generator
            if not test(data, asked):
                return False
        return True

    return holds


def _any(tests: list[Test]) -> Test:
    def holds(data: Data, asked: Asked) -> bool:
        for test in tests:  # noqa: SIM110 - as above
            if test(data, asked):
                return True
        return False

    return holds


def _row(row: Row) -> Test:
    left, op, value = getter_of(row.left), row.op, row.value
    if value is None:
        wanted = op == "empty"
        return lambda data, asked: is_empty(left(data, asked)) is wanted
    if isinstance(value, tuple):
        if any(isinstance(one, Call) for one in value):
            return _in_worked_out(left, [_reader(one) for one in value], found=op == "in")
        return _in(left, [read(one) for one in value], found=op == "in")
    if op in _ORDERS:
        if type(value) is int:
            return _order_to_whole_number(left, _ORDERS[op], value)
        return _order(left, _ORDERS[op], _reader(value))
    right = _reader(value)
    if op in {"=", "!="}:
        same = op == "="
        return lambda data, asked: equal(read(left(data, asked)), right(data, asked)) is same
    held = op == "contains"
    return lambda data, asked: contains(left(data, asked), right(data, asked)) is held


def _in(left: Getter, choices: list[Value | None], *, found: bool) -> Test:
    def holds(data: Data, asked: Asked) -> bool:
        return _is_among(read(left(data, asked)), choices, found=found)

    return holds


def _in_worked_out(left: Getter, choices: list[Callable[[Data, Asked], Value | None]], *, found: bool) -> Test:
    def holds(data: Data, asked: Asked) -> bool:
        return _is_among(read(left(data, asked)), [choice(data, asked) for choice in choices], found=found)

    return holds


def _is_among(value: Value | None, choices: list[Value | None], *, found: bool) -> bool:
    comparable = False
    for choice in choices:
        same = equal(value, choice)
        if same:
            return found
        comparable = comparable or same is False
    return comparable and not found


def _order_to_whole_number(left: Getter, compare: Callable[[int, int], bool], number: int) -> Test:
    """The commonest row, `compensation > 500000`, without detours."""

    def holds(data: Data, asked: Asked) -> bool:
        value = left(data, asked)
        if type(value) is int:
            return compare(value, number)
        sign = order(read(value), number)
        return sign is not None and compare(sign, 0)

    return holds


def _order(left: Getter, compare: Callable[[int, int], bool], right: Callable[[Data, Asked], Value | None]) -> Test:
    def holds(data: Data, asked: Asked) -> bool:
        sign = order(read(left(data, asked)), right(data, asked))
        return sign is not None and compare(sign, 0)

    return holds


def _reader(operand: Operand) -> Callable[[Data, Asked], Value | None]:
    if isinstance(operand, Field | Call):
        get = getter_of(operand)
        return lambda data, asked: read(get(data, asked))
    value = read(operand)
    return lambda data, asked: value


def getter_of(operand: Operand) -> Getter:
    """What reads the operand out of data; a value stands for itself."""
    match operand:
        case Field(key):
            return _field(key)
        case Call(function, args):
            work_out = FUNCTIONS[function].work_out
            getters = [getter_of(arg) for arg in args]
            return lambda data, asked: work_out(asked, *[get(data, asked) for get in getters])
    return lambda data, asked: operand


def _field(key: str) -> Getter:
    """The exact key first; a dotted key that is not there leads into records (`address.ward`)."""
    first, *rest = key.split(".")
    if not rest:
        return lambda data, asked: data.get(key)

    def value(data: Data, asked: Asked) -> object:
        found = data.get(key, _MISSING)
        if found is not _MISSING:
            return found
        found = data.get(first)
        for name in rest:
            if not issubclass(type(found), dict):
                return None
            found = dict.get(cast("dict[str, object]", found), name)
        return found

    return value
