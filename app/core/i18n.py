"""How does a sentence reach the reader in his language? Texts below the edge are lazy: translated when shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flask_babel
from flask import g
from flask_babel import force_locale
from flask_babel.speaklater import LazyString
from jinja2 import Environment
from markupsafe import Markup, escape


class LazySentence(LazyString):
    """A sentence that is translated when it is shown, and escaped like any other text.

    Flask-Babel's own says of itself that it is HTML, so a name typed into it would run in the page.
    """

    def __html__(self) -> Markup:
        # Without it a template would look for it in the translated text, and so translate every sentence twice.
        return escape(str(self))


def _catalogue() -> Any:
    """The catalogue of whoever reads now. Flask-Babel looks for it anew for each of the 200 sentences of a page."""
    locale = flask_babel.get_locale()
    if locale is None:
        return flask_babel.get_translations()
    known = g.get("catalogue")
    if known is None or known[0] is not locale:
        known = g.catalogue = (locale, flask_babel.get_translations())
    return known[1]


def _gettext(message: str, **values: Any) -> str:
    sentence: str = _catalogue().ugettext(message)
    return sentence % values if values else sentence


def _ngettext(singular: str, plural: str, count: int) -> str:
    sentence: str = _catalogue().ungettext(singular, plural, count)
    return sentence


def speak_in_templates(environment: Environment) -> None:
    """{{ _("…") }} finds its sentence as everything else does."""
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]


def _(message: str, **values: Any) -> LazySentence:
    """The sentence in the language of whoever reads it; `values` fill its %(name)s."""
    return LazySentence(_gettext, message, **values)


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
