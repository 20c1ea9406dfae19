"""Which of an author's words does this reader see? A label is one text for all, or one per language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from app.core.i18n import DEFAULT_LANGUAGE, LANGUAGES, LazySentence, reader_language

#: "Mã đơn" or {"vi": "Mã đơn", "en": "Order number"}; what the product itself offers is a sentence of its catalogue
Words: TypeAlias = str | LazySentence | Mapping[str, str]


def say(words: Words | None, language: str | None = None) -> str:
    """The words in that language (default: the reader's); what was not translated is said in another.

    A drawing that is not finished may hold anything in the place of words: such things say nothing.
    """
    if isinstance(words, str | LazySentence):
        return str(words)
    if isinstance(words, Mapping):
        for code in (language or reader_language(), DEFAULT_LANGUAGE, *LANGUAGES):
            if isinstance(told := words.get(code), str) and told:
                return told
    return ""
