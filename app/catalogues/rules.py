"""What makes a good code and a good label, and how is a pasted list read?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from app.catalogues.models import CODE_LENGTH, LABEL_LENGTH
from app.core.errors import Sentence
from app.core.i18n import _
from app.core.vietnamese import as_typed, fold

#: lines that one paste may hold
MOST_LINES = 100
#: entries that one catalogue may hold: it is chosen from in one look
MOST_ENTRIES = 500

_NOT_IN_CODES = re.compile(r"[^a-z0-9]+")


class UnreadableError(ValueError):
    """What was typed is no label; `sentence` says why."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        super().__init__(sentence)


@dataclass(frozen=True)
class Line:
    """One entry as it was pasted: "Giới thiệu | Referral"."""

    label_vi: str
    label_en: str


def read_label(typed: str, *, needed: bool = True) -> str:
    """One line of text with single spaces. Raises UnreadableError."""
    if "\0" in typed or any("\ud800" <= sign <= "\udfff" for sign in typed):
        raise UnreadableError(_("This text contains signs that cannot be stored."))
    label = " ".join(as_typed(unicodedata.normalize("NFC", typed)).split())
    if needed and not fold(label):
        raise UnreadableError(_("Type a name. Example: Zalo"))
    if len(label) > LABEL_LENGTH:
        raise UnreadableError(_("At most %(count)d characters, please.", count=LABEL_LENGTH))
    return label


def read_lines(pasted: str) -> list[Line]:
    """One entry a line, with its English name behind a bar where there is one. Raises UnreadableError."""
    lines = [line for line in pasted.splitlines() if line.strip()]
    if not lines:
        raise UnreadableError(_("Type a name. Example: Zalo"))
    if len(lines) > MOST_LINES:
        raise UnreadableError(_("At most %(count)d lines at once, please.", count=MOST_LINES))
    read = []
    for line in lines:
        vietnamese, _bar, english = line.partition("|")
        read.append(Line(read_label(vietnamese), read_label(english, needed=False)))
    return read


def code_of(label: str, taken: Collection[str]) -> str:
    """The code of a new entry: its label in plain small letters; another number where that is taken."""
    plain = _NOT_IN_CODES.sub("-", fold(label)).strip("-")[: CODE_LENGTH - 4].strip("-") or "muc"
    code, number = plain, 2
    while code in taken:
        code, number = f"{plain}-{number}", number + 1
    return code


def same(label: str) -> str:
    """By what equal labels are found: accents count, capitals do not ("Lẻ" and "Lễ" are two)."""
    return unicodedata.normalize("NFC", label).casefold()
