"""What is typed to name a group of customers, and is its condition one?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.conditions import Condition, ConditionError, parse
from app.core.conditions.fields import Field
from app.core.errors import BadRequestError, Sentence
from app.core.i18n import _
from app.core.lists import read_condition

_NO_CONDITION = _("Add at least one condition. All customers together are no segment.")


@dataclass(frozen=True)
class Refused:
    """Why a condition is not taken, and which of its rows it is about, counted from 0; None: all of it."""

    sentence: Sentence
    row: int | None = None


def read(
    typed: str, fields: Mapping[str, Field], narrows: Callable[[Condition], object]
) -> tuple[Condition | None, Refused | None]:
    """The condition that was typed or put together in rows. `narrows` raises BadRequestError for what it refuses."""
    try:
        condition = read_condition(typed, fields)
        if condition is None:
            return None, Refused(_NO_CONDITION)
        narrows(condition)
    except BadRequestError as refusal:
        return None, Refused(refusal.message, _row_of(typed, fields, narrows))
    return condition, None


def _row_of(typed: str, fields: Mapping[str, Field], narrows: Callable[[Condition], object]) -> int | None:
    """Which comparison alone is refused already."""
    try:
        is_stored = typed.lstrip().startswith("{")
        condition = Condition.from_json(json.loads(typed)) if is_stored else parse(typed)
    except (ConditionError, ValueError, RecursionError):
        return None
    for number, row in enumerate(rows(condition.to_json())):
        try:
            one = Condition.from_json(row)
            if one.keys - fields.keys():
                return number
            narrows(one)
        except (BadRequestError, ConditionError):
            return number
    return None


def rows(node: Any) -> Iterator[dict[str, Any]]:
    """The comparisons of a stored condition, from first to last."""
    for word in ("and", "or"):
        if word in node:
            for part in node[word]:
                yield from rows(part)
            return
    if "not" in node:
        yield from rows(node["not"])
    elif node:
        yield node
