"""How does a sentence reach the reader in his language? Texts below the edge are lazy: translated when shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import flask_babel
from babel.numbers import format_decimal
from flask import Flask
from flask_babel import force_locale
from flask_babel.speaklater import LazyString
from jinja2 import Environment
from markupsafe import Markup, escape

LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}
DEFAULT_LANGUAGE = "vi"
DEFAULT_TIME_ZONE = "Asia/Ho_Chi_Minh"


class LazySentence(LazyString):
    """A sentence that is translated when it is shown, and escaped like any other text.

    Flask-Babel's own says of itself that it is HTML, so a name typed into it would run in the page.
    """

    def __str__(self) -> str:
        # A sentence without values, as most are: its function would come to this in three steps more.
        if self._func is _gettext and not self._kwargs:
            return _said(_reader().catalogue, *self._args)
        return str(self._func(*self._args, **self._kwargs))

    def __html__(self) -> Markup:
        # Without it a template would look for it in the translated text, and so translate every sentence twice.
        return escape(str(self))


@dataclass(frozen=True)
class Reader:
    """Whoever reads now: his language, and the catalogue in which its sentences stand."""

    language: str
    catalogue: Any

    @classmethod
    def asked(cls) -> Reader:
        locale = flask_babel.get_locale()
        language = locale.language if locale is not None and locale.language in LANGUAGES else DEFAULT_LANGUAGE
        return cls(language, flask_babel.get_translations())


@dataclass
class _Slot:
    """Where whoever reads is remembered: one a request, found by its first sentence."""

    reader: Reader | None = None


#: Of the request that is answered now, or of in_language(). Flask's g would be asked 200 times a page.
_now_reading: ContextVar[_Slot | None] = ContextVar("reading", default=None)


def _reader() -> Reader:
    """Found once a request: Flask-Babel would look anew for each of the 200 sentences of a page."""
    slot = _now_reading.get()
    if slot is None:  # nobody in particular, or not for long
        return Reader.asked()
    if slot.reader is None:
        slot.reader = Reader.asked()
    return slot.reader


def _another_reader() -> None:
    _now_reading.set(_Slot())


def _nobody(_error: BaseException | None) -> None:
    _now_reading.set(None)


@lru_cache(maxsize=8192)
def _said(catalogue: Any, message: str) -> str:
    """The sentence in that catalogue, found there once."""
    sentence: str = catalogue.ugettext(message)
    return sentence


def _gettext(message: str, **values: Any) -> str:
    sentence = _said(_reader().catalogue, message)
    return _filled(sentence, values) if values else sentence


def _counted(singular: str, plural: str, count: int, **values: Any) -> str:
    return _filled(_ngettext(singular, plural, count), {"num": count, **values})


@lru_cache(maxsize=4096)
def grouped(count: int, language: str) -> str:
    """1.250.000 · 1,250,000; Babel would read the pattern of the language anew for every number of a page."""
    return format_decimal(count, locale=language)


def _filled(sentence: str, values: Mapping[str, Any]) -> str:
    """The counts (%(name)d) are grouped as the reader groups them: 10.000 · 10,000."""
    counts = {
        name: grouped(value, reader_language()) for name, value in values.items()
        if type(value) is int and abs(value) >= 1000 and f"%({name})d" in sentence
    }  # fmt: skip
    for name in counts:
        sentence = sentence.replace(f"%({name})d", f"%({name})s")
    return sentence % {**values, **counts}


def _ngettext(singular: str, plural: str, count: int) -> str:
    sentence: str = _reader().catalogue.ungettext(singular, plural, count)
    return sentence


@lru_cache(maxsize=8192)
def _marked(catalogue: Any, message: str) -> Markup:
    return Markup(_said(catalogue, message))  # noqa: S704 - nobody else's text


def _in_template(message: str, **values: Any) -> Markup:
    """{{ _("…") }}: the sentence is ours, what is filled in is escaped. Jinja's own does the same in ten steps."""
    sentence = _marked(_reader().catalogue, message)
    return _filled_in_template(sentence, values) if values or "%" in sentence else sentence


def _filled_in_template(sentence: str, values: Mapping[str, Any]) -> Markup:
    # Markup's own % wraps each value in an object that escapes itself.
    safe = {name: value if type(value) is int else escape(value) for name, value in values.items()}
    return Markup(_filled(str(sentence), safe))  # noqa: S704 - the sentence is ours, what fills it is escaped


def _counted_in_template(singular: str, plural: str, count: int, **values: Any) -> Markup:
    return _filled_in_template(_ngettext(singular, plural, count), {"num": count, **values})


def install(app: Flask) -> None:
    """A reader a request, and {{ _("…") }} that finds its sentence as everything else does."""
    app.before_request_funcs.setdefault(None, []).insert(0, _another_reader)
    app.teardown_request(_nobody)
    environment: Environment = app.jinja_env
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(_=_in_template, ngettext=_counted_in_template)


def _(message: str, **values: Any) -> LazySentence:
    """The sentence in the language of whoever reads it; `values` fill its %(name)s."""
    return LazySentence(_gettext, message, **values)


def ngettext(singular: str, plural: str, count: int, **values: Any) -> LazySentence:
    """The sentence for `count` things, which also fills %(num)d."""
    return LazySentence(_counted, singular, plural, count, **values)


def reader_language() -> str:
    """The language of whoever reads now; where nobody does, the company's."""
    return _reader().language


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Everything shown inside is in this language, whoever asks: mails and bell lines are written for their reader."""
    with force_locale(code if code in LANGUAGES else DEFAULT_LANGUAGE):
        before = _now_reading.set(_Slot(Reader.asked()))
        try:
            yield
        finally:
            _now_reading.reset(before)
