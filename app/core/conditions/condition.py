"""What does the rest of the product hold in its hands? A checked condition: ask it, show it, store it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from app.core import clock
from app.core.conditions import stored
from app.core.conditions.evaluate import Test, build
from app.core.conditions.grammar import read_tree
from app.core.conditions.tree import Node, asks_the_day, check_size, keys_of
from app.core.conditions.wording import sentence_of
from app.core.i18n import DEFAULT_TIME_ZONE


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was checked. Two are equal when their canonical texts are."""

    text: str
    keys: frozenset[str] = field(compare=False)
    _tree: Node = field(compare=False, repr=False)
    _test: Test = field(compare=False, repr=False)
    _asks_the_day: bool = field(compare=False, repr=False)

    def holds(self, data: Mapping[str, object], *, today: date | None = None) -> bool:
        """Is it so for this data? Never raises: what is missing or of another kind compares false.

        `today` is the company's calendar day, by default that of the clock.
        """
        if today is None and self._asks_the_day:
            today = clock.today(DEFAULT_TIME_ZONE)
        return self._test(data, today)

    def to_json(self) -> dict[str, object]:
        """The stored form, see `stored.py`; `from_json` reads it back to an equal condition."""
        return stored.to_json(self._tree)

    @classmethod
    def from_json(cls, obj: object) -> Condition:
        """The condition of a stored form. Raises ConditionError on anything that `parse` would refuse as text."""
        return _condition(stored.from_json(obj))

    def sentence(self, labels: Mapping[str, str] | None = None) -> str:
        """The condition in the reader's language; `labels` gives the names of fields by key."""
        return sentence_of(self._tree, labels or {})


def parse(text: str) -> Condition:
    """The condition of a typed text. Raises ConditionError with the place where reading stopped."""
    return _condition(read_tree(text))


def _condition(tree: Node) -> Condition:
    return Condition(check_size(tree), keys_of(tree), tree, build(tree), asks_the_day(tree))
