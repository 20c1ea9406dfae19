"""What of what was typed is kept, and in what do two drafts differ? Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from app.core.errors import InvalidInputError
from app.core.i18n import _

#: what was typed, by field key and part ("items.0.amount"): one text, or several of one name
Typed: TypeAlias = dict[str, str | list[str]]
#: characters under one name
LONGEST_TEXT = 20_000
#: characters of a whole draft
LONGEST_DRAFT = 400_000
#: characters of what a page says that it began with; of a longer draft it says nothing
LONGEST_BEGAN = 40_000
#: texts under one name
MOST_TEXTS = 500


def kept(typed: Mapping[str, Any], definition: Mapping[str, Any]) -> Typed:
    """What of the typed texts is kept as a draft: those of the form's fields.

    Raises InvalidInputError for too much, and for what no database keeps.
    """
    keys = {field["key"] for field in definition.get("fields", ())}
    found: Typed = {
        name: [str(text) for text in texts][:MOST_TEXTS] if isinstance(texts, list) else str(texts)
        for name, texts in typed.items() if name.partition(".")[0] in keys
    }  # fmt: skip
    told = _("This text holds characters that cannot be kept. Please type it anew.")
    unkept = {key_of(name): [told] for name, texts in found.items() if "\0" in "".join(texts)}
    if unkept:
        raise InvalidInputError(fields=unkept)
    too_long = {
        key_of(name): [_("This text is too long.")] for name, texts in found.items() if _length(texts) > LONGEST_TEXT
    }
    if too_long:
        raise InvalidInputError(fields=too_long)
    if sum(len(name) + _length(texts) for name, texts in found.items()) > LONGEST_DRAFT:
        raise InvalidInputError(_("This is more than a draft can hold."))
    return found


def key_of(name: str) -> str:
    """The field to which a typed part belongs."""
    return name.partition(".")[0]


def differing(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> set[str]:
    """Keys of the fields in which two drafts differ; what is empty and what is not there are the same."""
    return {key_of(name) for name in {*mine, *theirs} if (mine.get(name) or "") != (theirs.get(name) or "")}


def merged(mine: Mapping[str, Any], theirs: Mapping[str, Any], take_theirs: Collection[str]) -> Typed:
    """Mine, with theirs in the fields in which theirs were chosen."""
    return {
        **{name: one for name, one in mine.items() if key_of(name) not in take_theirs},
        **{name: one for name, one in theirs.items() if key_of(name) in take_theirs},
    }


def _length(texts: str | list[str]) -> int:
    return len(texts) if isinstance(texts, str) else sum(map(len, texts))
