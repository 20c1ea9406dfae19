"""Who and what is asked where one step is done several times, and when have enough answers come?

The elements are counted once, when the step is reached: people whom a rule names, a list among the data, or a number.
All of them are asked at once or one after the other; what came is gathered, and put among the data in the end.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.processes.engine.state import Data, Gathering, IncidentCode

if TYPE_CHECKING:
    from app.processes.engine.graph import AssignRule, Node

#: the ids of the members whom a rule means at this moment, with these values, and who may do that step
People = Callable[["AssignRule", "Node", Data], Sequence[int]]

#: more people than this are never asked one question at once
MOST_ELEMENTS = 200
APPROVED = "approve"

_RULE = re.compile(r"all|any|majority|[1-9][0-9]{0,2}|(?:[1-9][0-9]?|100)%")


@dataclass(frozen=True, slots=True)
class ManySpec:
    """How a step is done several times.

    `over` is what it is done for: people whom a rule names, a number of times, or each part of the value of that key;
    None: the people for whom the step is. `rule` says how many have to be done, or to approve: all, any, majority, `3`
    or `60%`. `counts` lets a decision against it count like any other; without it the first one ends the asking.
    """

    over: AssignRule | int | str | None = None
    rule: str = "all"
    sequential: bool = False
    counts: bool = False

    def needed(self, total: int) -> int:
        """How many of so many elements are enough."""
        if self.rule == "any":
            return 1
        if self.rule == "majority":
            return total // 2 + 1
        if self.rule.endswith("%"):
            return max(1, math.ceil(total * int(self.rule[:-1]) / 100))
        return total if self.rule == "all" else min(int(self.rule), total)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Enough answers have come; `outcome` is what they decide, None where there was nothing to decide."""

    outcome: str | None


def parse_rule(text: str) -> str:
    """Read `all`, `any`, `majority`, `3` or `60%`; else ValueError."""
    if _RULE.fullmatch(text.strip()) is None:
        raise ValueError(text)
    return text.strip()


def elements_of(node: Node, data: Data, people: People) -> tuple[Any, ...] | IncidentCode:
    """Member ids, the parts of a value, or 1 to n; or why it cannot be said whom to ask.

    A value that is missing has no parts, one that is no list is its own only part.
    """
    spec = node.many or ManySpec()
    found: Sequence[Any]
    if isinstance(spec.over, int):
        found = range(1, spec.over + 1)
    elif isinstance(spec.over, str):
        value = data.get(spec.over)
        found = value if isinstance(value, list) else [] if value in (None, "") else [value]
    else:
        rule = spec.over or node.assignment
        # All of them are asked: to pick one would make one approval of two.
        found = people(replace(rule, picker=None), node, data) if rule is not None else ()
        if not found:
            return IncidentCode.nobody_to_ask
    return tuple(found) if len(found) <= MOST_ELEMENTS else IncidentCode.too_many_to_ask


def is_for_people(node: Node) -> bool:
    """Whether its elements are people, each of whom does it himself."""
    return node.many is not None and not isinstance(node.many.over, int | str)


def verdict(node: Node, gathering: Gathering) -> Verdict | None:
    """What the answers decide; None while more of them are needed."""
    spec, total, came = node.many or ManySpec(), len(gathering.elements), len(gathering.answers)
    needed = spec.needed(total)
    outcomes = node.task.outcomes if node.task else ()
    if not outcomes:
        return Verdict(None) if came >= needed else None
    wanted = APPROVED if APPROVED in outcomes else outcomes[0]
    said = [answer["outcome"] for answer in gathering.answers]
    if said.count(wanted) >= needed:
        return Verdict(wanted)
    against = Counter(outcome for outcome in said if outcome != wanted)
    is_lost = said.count(wanted) + total - came < needed
    if against and (is_lost or not (spec.counts or spec.rule == "majority")):
        return Verdict(max(against, key=lambda outcome: (against[outcome], -outcomes.index(outcome))))
    return None


def result(node: Node, gathering: Gathering, decided: Verdict) -> dict[str, Any]:
    """What is known then: `STEP.total`, `.count`, `.answers`; with outcomes `.outcome` and each `.count_OUTCOME`."""
    outcomes = node.task.outcomes if node.task else ()
    said = Counter(answer["outcome"] for answer in gathering.answers)
    found: dict[str, Any] = {
        "total": len(gathering.elements),
        "count": len(gathering.answers),
        "answers": [dict(answer) for answer in gathering.answers],
    }
    if outcomes:
        found |= {"outcome": decided.outcome, **{f"count_{outcome}": said[outcome] for outcome in outcomes}}
    return {f"{node.id}.{key}": value for key, value in found.items()}


def result_keys(node: Node) -> set[str]:
    """The keys of `result`."""
    outcomes = node.task.outcomes if node.task else ()
    return {f"{node.id}.{key}" for key in ("total", "count", "answers", *(f"count_{one}" for one in outcomes))}


def answered(gathering: Gathering, position: int, outcome: str | None, values: Mapping[str, Any]) -> Gathering:
    """The same with one more answer."""
    answer: dict[str, Any] = {"position": position, "element": gathering.elements[position - 1]}
    if outcome is not None:
        answer["outcome"] = outcome
    if values:
        answer["values"] = dict(values)
    return Gathering(gathering.token, gathering.elements, (*gathering.answers, {"outcome": None, **answer}))
