"""How does a sentence reach the reader in his language? Texts below the edge are lazy: translated when shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flask_babel
from flask_babel import force_locale
from flask_babel.speaklater import LazyString
from markupsafe import Markup, escape


class LazySentence(LazyString):
    """A sentence that is translated when it is shown, and escaped like any other text.

    Flask-Babel's own says of itself that it is HTML, so a name typed into it would run in the page.
    """

    def __html__(self) -> Markup:
        # Without it a template would look for it in the translated text, and so translate every sentence twice.
        return escape(str(self))


def _(message: str, **values: Any) -> LazySentence:
    """The sentence in the language of whoever reads it; `values` fill its %(name)s."""
    return LazySentence(flask_babel.gettext, message, **values)


def ngettext(singular: str, plural: str, count: int, **values: Any) -> LazySentence:
    """The sentence for `count` things, which also fills %(num)d."""
    return LazySentence(flask_babel.ngettext, singular, plural, count, **values)


LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}
DEFAULT_LANGUAGE = "vi"
DEFAULT_TIME_ZONE = "Asia/Ho_Chi_Minh"


def reader_language() -> str:
    """The language of whoever reads now; where nobody does, the company's."""
    locale = flask_babel.get_locale()
    return locale.language if locale is not None and locale.language in LANGUAGES else DEFAULT_LANGUAGE


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Everything shown inside is in this language, whoever asks: mails and bell lines are written for their reader."""
    with force_locale(code if code in LANGUAGES else DEFAULT_LANGUAGE):
        yield
