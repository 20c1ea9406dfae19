"""How must a text be written? As a pattern that an admin types; whatever it is, it is matched in linear time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from app.core.errors import Sentence
from app.core.i18n import _
from app.forms.fields.base import Flaw
from app.forms.fields.settings import Setting

LONGEST_PATTERN = 300
NOT_LIKE_THIS: Sentence = _("This is not written as it should be. Please look at it once more.")
#: bytes that one pattern may take, whatever it counts up to
_MOST_MEMORY = 1 << 20


@dataclass(frozen=True)
class Pattern(Setting):
    """A regular expression in the syntax of RE2 that the whole text fits."""

    editor = "pattern"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATTERN:
            yield Flaw(self.name, "bad_pattern", _("A pattern of at most %(most)d characters.", most=LONGEST_PATTERN))
            return
        try:
            _compiled(value)
        except re2.error:
            yield Flaw(self.name, "bad_pattern", _("This pattern cannot be read. Example: PS-[0-9]{5}"))


def fits(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(500)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = _MOST_MEMORY
    options.log_errors = False
    return re2.compile(pattern, options)
