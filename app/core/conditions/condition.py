"""What does the rest of the product hold in its hands? A checked condition: ask it, show it, store it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from app.core import clock
from app.core.conditions import stored
from app.core.conditions.evaluate import Test, build
from app.core.conditions.functions import Asked
from app.core.conditions.grammar import read_tree
from app.core.conditions.rest import rest_of
from app.core.conditions.tree import Group, Node, asks_the_day, check_size, keys_of, make_group, spans
from app.core.conditions.wording import ValueWords, sentence_of
from app.core.i18n import DEFAULT_TIME_ZONE

_NOBODY = Asked()


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was checked. Two are equal when their canonical texts are."""

    text: str
    keys: frozenset[str] = field(compare=False)
    tree: Node = field(compare=False, repr=False)
    _test: Test = field(compare=False, repr=False)
    _asks_the_day: bool = field(compare=False, repr=False)

    def holds(self, data: Mapping[str, object], *, today: date | None = None, me: int | None = None) -> bool:
        """Is it so for this data? Never raises: what is missing or of another kind compares false.

        `today` is the company's calendar day, by default that of the clock; `me` is the id that me() stands for.
        """
        if today is None and self._asks_the_day:
            today = clock.today(DEFAULT_TIME_ZONE)
        return self._test(data, _NOBODY if today is None and me is None else Asked(today, me))

    def to_json(self) -> dict[str, object]:
        """The stored form, see `stored.py`; `from_json` reads it back to an equal condition."""
        return stored.to_json(self.tree)

    @classmethod
    def from_json(cls, obj: object) -> Condition:
        """The condition of a stored form. Raises ConditionError on anything that `parse` would refuse as text."""
        return _condition(stored.from_json(obj))

    def sentence(self, labels: Mapping[str, str] | None = None, values: ValueWords | None = None) -> str:
        """The condition in the reader's language, with the names of fields by key, and how values are called."""
        return sentence_of(self.tree, labels or {}, values)

    def parts(self) -> list[Condition]:
        """What must hold all at once, one by one: alternatives joined by `or` are one part, as is a single row, and
        `x >= 1 and x <= 5`."""
        match self.tree:
            case Group("and", several):
                return [_condition(make_group("and", list(rows))) for rows in spans(several)]
        return [self]

    def rest(
        self, known: Mapping[str, object], unknown: Collection[str] = (), *, me: int | None = None
    ) -> Condition | bool | None:
        """What is left to be asked once the fields in `known` are settled; whether it holds, where nothing is; None
        where a row compares one that is settled with one that is not, or looks at an `unknown` one."""
        left = rest_of(self.tree, frozenset(known), frozenset(unknown), lambda row: _condition(row).holds(known, me=me))
        return left if left is None or isinstance(left, bool) else _condition(left)

    def without(self, index: int) -> Condition | None:
        """The condition without that one of its parts; None when nothing is left."""
        return joined(part for at, part in enumerate(self.parts()) if at != index)


def parse(text: str, *, example: str = "compensation > 500000") -> Condition:
    """The condition of a typed text. Raises ConditionError with the place where reading stopped.

    `example`: a comparison that makes sense where it was typed.
    """
    return _condition(read_tree(text, example))


def joined(conditions: Iterable[Condition]) -> Condition | None:
    """All of them at once; None of none. Raises ConditionError when together they are too big."""
    trees = [condition.tree for condition in conditions]
    return _condition(make_group("and", trees)) if trees else None


def _condition(tree: Node) -> Condition:
    return Condition(check_size(tree), keys_of(tree), tree, build(tree), asks_the_day(tree))
