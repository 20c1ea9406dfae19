"""What does a reason say that no person typed? Kept as a code, it is read as a sentence in its reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.core.errors import Sentence


@dataclass
class _Table:
    sentences: dict[str, Sentence] = field(default_factory=dict)


_table = _Table()


def register_reasons(sentences: Mapping[str, Sentence]) -> None:
    """Called once by each feature that gives reasons by itself: code ("@timer") → the middle of a sentence."""
    _table.sentences.update(sentences)


def is_own(reason: object) -> bool:
    """Whether the product gave it, and not a person."""
    return reason in _table.sentences


def reason_told(reason: str, *, begins: bool = True) -> str:
    """What people read: what was typed as it was typed, a code as its sentence. `begins`: with a capital letter."""
    if reason not in _table.sentences:
        return reason
    told = str(_table.sentences[reason])
    return told[:1].upper() + told[1:] if begins else told
