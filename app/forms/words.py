"""Which of an author's words does this reader see? A label is one text for all, or one per language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from flask_babel import get_locale

from app.core.i18n import DEFAULT_LANGUAGE, LANGUAGES

#: "Mã đơn" or {"vi": "Mã đơn", "en": "Order number"}
Words: TypeAlias = str | Mapping[str, str]


def reader_language() -> str:
    """The language of whoever reads now; outside of a request the company's."""
    locale = get_locale()
    return locale.language if locale is not None and locale.language in LANGUAGES else DEFAULT_LANGUAGE


def say(words: Words | None, language: str | None = None) -> str:
    """The words in that language (default: the reader's); what was not translated is said in another."""
    if words is None or isinstance(words, str):
        return words or ""
    for code in (language or reader_language(), DEFAULT_LANGUAGE, *LANGUAGES):
        if words.get(code):
            return words[code]
    return ""
