"""What does a state mean in words: a job that failed, a folder's size, a step that is done? Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.core.errors import Sentence
from app.core.formats import number_text
from app.core.i18n import _, ngettext

_STEP = 1024
#: how an error begins, and what it means for whoever looks after the product
_IN_WORDS = (
    ("CutShortError", _("The audit log lacks its last seal. Ask whoever runs the system to check it.")),
    ("OperationalError", _("The database did not answer, or was busy for too long.")),
    ("OSError", _("The disk could not be read or written.")),
    ("PermissionError", _("The program may not write into its folder.")),
    ("UnreadableError", _("The file that keeps the last seal cannot be read.")),
)


@dataclass(frozen=True)
class Card:
    """One card of the page: what it is about, how that stands, and where one goes on."""

    key: str
    title: Sentence
    icon: str
    #: (late, soon, ok or none; in words), or nothing to judge
    state: tuple[str, Sentence] | None = None
    #: (label, value)
    facts: list[tuple[Sentence, Any]] = field(default_factory=list)
    #: what has to be known beside it
    note: Sentence | None = None
    #: (label, address)
    links: list[tuple[Sentence, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """One step of setting a company up; it is done because the facts say so."""

    title: Sentence
    why: Sentence
    url: str
    is_done: bool


@dataclass(frozen=True)
class JobState:
    """How one scheduled job is."""

    label: Sentence
    often: Sentence
    last_ok_at: datetime | None
    next_at: datetime | None
    #: why its last run did not end well, in words, and as the program said it
    trouble: Sentence | None = None
    technical: str = ""


def size_text(size: int) -> Sentence:
    """Bytes as people read them: 640 B, 12 KB, 1,5 GB."""
    for unit, name in ((_STEP**4, "TB"), (_STEP**3, "GB"), (_STEP**2, "MB"), (_STEP, "KB")):
        if size >= unit:
            number = size / unit
            return _("%(number)s %(unit)s", number=number_text(round(number, 1 if number < 10 else 0)), unit=name)
    return _("%(number)s %(unit)s", number=number_text(size), unit="B")


def error_in_words(error: str) -> Sentence:
    """What the error of a job means."""
    kind = error.partition(":")[0].rpartition(".")[2].strip()
    known = next((told for name, told in _IN_WORDS if kind == name), None)
    return known or _("The last run ended with an error inside the program. The log of the program tells more.")


def often_text(every: timedelta) -> Sentence:
    """How often something runs."""
    seconds = int(every.total_seconds())
    if seconds % 3600 == 0:
        hours = seconds // 3600
        return _("every hour") if hours == 1 else ngettext("every %(num)d hour", "every %(num)d hours", hours)
    if seconds % 60 == 0:
        minutes = seconds // 60
        return _("every minute") if minutes == 1 else ngettext("every %(num)d minute", "every %(num)d minutes", minutes)
    return _("every second") if seconds == 1 else ngettext("every %(num)d second", "every %(num)d seconds", seconds)
