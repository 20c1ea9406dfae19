"""What about a field follows from other answers? Conditions, in their stored form (app/core/conditions/stored.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.core.conditions import Condition, ConditionError
from app.core.i18n import _
from app.forms.fields.base import Flaw
from app.forms.fields.settings import Setting, YesNo


@dataclass(frozen=True)
class When(Setting):
    """A condition on the other answers."""

    editor = "condition"

    def flaws(self, value: object) -> Iterator[Flaw]:
        flaw = condition_flaw(value, self.name)
        if flaw is not None:
            yield flaw

    def read(self, value: Any) -> Condition:
        return Condition.from_json(value)


def condition_flaw(value: object, name: str) -> Flaw | None:
    """What is wrong with a stored condition by itself; which fields it asks is judged among the others."""
    try:
        Condition.from_json(value)
    except ConditionError as error:
        return Flaw(name, "bad_condition", error.message)
    return None


RULES: tuple[Setting, ...] = (
    When("visible_if", _("Asked only when"), _("Nothing chosen: always.")),
    When("required_if", _("Required when")),
    When("readonly_if", _("Can only be read when"), _("It then has the answer with which the form began.")),
    YesNo("keep_hidden", _("Keep the answer while the question is not asked")),
)
