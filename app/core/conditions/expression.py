"""What is the value? One operand of the condition language by itself: a key, a value, or a function of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from app.core.conditions.evaluate import Getter, getter_of
from app.core.conditions.functions import Asked
from app.core.conditions.grammar import read_operand
from app.core.conditions.tree import Call, Field, Operand

_ONE = (str, int, float, bool, date)


@dataclass(frozen=True, slots=True)
class Expression:
    """A value to be worked out. Two are equal when their texts are."""

    text: str
    keys: frozenset[str] = field(compare=False)
    #: the key that it is and nothing more; "": a value, or a function
    key: str = field(compare=False)
    _get: Getter = field(compare=False, repr=False)

    def value(self, data: Mapping[str, object], *, today: date) -> object | None:
        """What it is for this data: None where a key is missing or a function has no answer. Never raises. An answer of
        several values is a list of them; what has parts of its own (an address, rows) is no value.

        `today` is the company's calendar day.
        """
        found = self._get(data, Asked(today))
        if isinstance(found, list) and all(isinstance(one, _ONE) for one in found):
            return list(found)
        return found if isinstance(found, _ONE) else None


def parse_expression(text: str) -> Expression:
    """`order_code`, `[tiep-nhan].code`, `'vip'`, `5`, `today`. Raises ConditionError with the place."""
    operand = read_operand(text)
    key = operand.key if isinstance(operand, Field) else ""
    return Expression(text.strip(), frozenset(_keys(operand)), key, getter_of(operand))


def _keys(operand: Operand) -> set[str]:
    if isinstance(operand, Field):
        return {operand.key}
    return {key for one in operand.args for key in _keys(one)} if isinstance(operand, Call) else set()
