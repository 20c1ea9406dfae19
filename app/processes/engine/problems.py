"""What is wrong with a process version, and with which element? The sentences an admin reads before he can publish."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, auto

from app.core.errors import Sentence


class Severity(StrEnum):
    """An error stops publishing; a warning is shown and may be accepted."""

    error = auto()
    warning = auto()


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `element` is the BPMN id, empty when the file as a whole is meant; `code` never changes."""

    element: str
    code: str
    message: Sentence = field(compare=False)
    severity: Severity = Severity.error


def has_errors(problems: list[Problem]) -> bool:
    """Whether anything among the problems forbids publishing."""
    return any(problem.severity is Severity.error for problem in problems)
