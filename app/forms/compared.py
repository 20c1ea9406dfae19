"""As what are the answers of a kind of field compared, ordered and shown in a list? One table for conditions of forms,
lists of answers and own fields of records."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.conditions import Condition
from app.core.conditions.fields import Kind
from app.core.conditions.tree import EMPTINESSES, Group, Node, Not, keys_of

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
