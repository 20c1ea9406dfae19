"""As what are the answers of a kind of field compared, ordered and shown in a list? One table for conditions of forms,
lists of answers and own fields of records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import null

from app.core.conditions import Condition, ConditionError
from app.core.conditions.examples import refused
from app.core.conditions.fields import Field as Compared
from app.core.conditions.fields import Kind
from app.core.conditions.functions import FUNCTIONS
from app.core.conditions.functions import Kind as Gives
from app.core.conditions.tree import EMPTINESSES, Call, Field, Group, Node, Not, Operand, Row, keys_of
from app.core.conditions.values import moment_of

#: type → as what its answers are compared; what is not here is read on the page of its record alone
KINDS: Mapping[str, Kind] = {
    "text": Kind.text, "long_text": Kind.text, "email": Kind.text, "tax_code": Kind.text, "citizen_id": Kind.text,
    "time": Kind.text, "address": Kind.text, "customer": Kind.text, "phone": Kind.phone, "integer": Kind.number,
    "stars": Kind.number, "nps": Kind.number, "decimal": Kind.decimal, "percent": Kind.decimal,
    "calculated": Kind.decimal, "money": Kind.money, "date": Kind.date, "date_time": Kind.moment,
    "yes_no": Kind.yes_no, "choice": Kind.choice, "dependent_choice": Kind.choice, "choices": Kind.choice,
    "member": Kind.person, "team": Kind.team,
}  # fmt: skip
#: answers of several parts, or that are looked up: no condition inside of a form asks for them
_NOT_IN_FORMS = frozenset({"address", "customer", "choices"})
IN_FORMS: Mapping[str, Kind] = {code: kind for code, kind in KINDS.items() if code not in _NOT_IN_FORMS}
#: Kept otherwise than people type them: a condition inside of a form asks only whether there is one.
ASKED_IF_THERE = frozenset({"phone"})


def compared_in(condition: Condition) -> frozenset[str]:
    """Keys whose values it compares, and not only asks whether there is one."""
    return _compared(condition.tree)


def _compared(node: Node) -> frozenset[str]:
    match node:
        case Group():
            return frozenset[str]().union(*map(_compared, node.parts))
        case Not():
            return _compared(node.part)
    return frozenset() if node.op in EMPTINESSES else frozenset(keys_of(node))


_NUMBERS = frozenset({Kind.number, Kind.decimal, Kind.money})
_DAYS = frozenset({Kind.date, Kind.moment})


def misfits(condition: Condition, kinds: Mapping[str, tuple[str, Kind]]) -> Iterator[ConditionError]:
    """A refusal for each number that is compared with no number, and each day with no day.

    `kinds`: key → (label, kind). Nothing would ever be equal to that, so it is a slip of the pen.
    """
    for row in _rows(condition.tree):
        if not isinstance(row.left, Field) or row.left.key not in kinds or row.op in EMPTINESSES:
            continue
        label, kind = kinds[row.left.key]
        values = row.value if isinstance(row.value, tuple) else (row.value,)
        if (row.op.endswith("contains") and kind in _NUMBERS | _DAYS) or not all(_fits(kind, one) for one in values):
            yield refused(Compared(row.left.key, label, kind, null()))


def _rows(node: Node) -> Iterator[Row]:
    match node:
        case Group():
            for part in node.parts:
                yield from _rows(part)
        case Not():
            yield from _rows(node.part)
        case Row():
            yield node


def _fits(kind: Kind, value: Operand | None) -> bool:
    if isinstance(value, Field) or kind not in _NUMBERS | _DAYS:
        return True
    if isinstance(value, Call):
        gives = FUNCTIONS[value.function].gives
        return gives in (Gives.number, Gives.person) if kind in _NUMBERS else gives in (Gives.date, Gives.period)
    if kind in _NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and moment_of(value) is not None
