"""What is drawn alike for everybody? A part of a page that depends on its values alone is drawn once for them.

Templates are loaded when everything that they share is there: each keeps it as a plain dictionary.
"""

from __future__ import annotations

import marshal
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

from flask import Flask
from flask.templating import Environment
from markupsafe import Markup

from app.core.i18n import LazySentence, reader_language

#: some kilobytes each
_MOST = 512
_SCALARS = frozenset({str, int, float, bool, type(None)})
#: a form of marshal in which equal values are equal bytes, 1 is not True, and nothing is told by reference
_BY_VALUE = 2


class Templates(Environment):
    """Flask's templates, with what they share looked up in one step instead of through a chain of mappings."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


class _Drawing:
    """A macro with its values, equal to another when it would draw the same."""

    def __init__(self, macro: Any, values: tuple[Any, ...]) -> None:
        self.macro, self.values = macro, values
        # Two templates may call a macro alike; its own says which it is in the code that Jinja makes of it.
        template = macro._func.__globals__["name"]
        self._key = (template, macro.name, reader_language(), marshal.dumps(_plain(values), _BY_VALUE))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Drawing) and self._key == other._key


def _plain(value: Any) -> Any:
    """The value with its sentences as what they say. Raises TypeError for anything that is neither plain nor a
    sentence: what is markup would be taken for the same text without being any, what draws by itself for something
    equal."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is dict:
        return {key: _plain(one) for key, one in value.items()}
    if kind is list or kind is tuple:
        return [_plain(one) for one in value]
    if kind is LazySentence or (isinstance(value, str) and not hasattr(value, "__html__")):  # the latter: of a StrEnum
        return str(value)
    raise TypeError(f"drawn() takes plain values and sentences, no {kind.__name__}")


@lru_cache(maxsize=_MOST)
def _draw(drawing: _Drawing) -> Markup:
    return Markup(drawing.macro(*drawing.values))  # noqa: S704 - what a macro gives is markup already


def _drawn(macro: Any, *values: Any) -> Markup:
    """{{ drawn(columns_menu, chooser) }}: columns_menu(chooser), worked out once for equal values and one language.

    Only for macros that ask nothing besides their values: no token, no address of the request, no clock. Values are
    plain JSON and sentences.
    """
    return _draw(_Drawing(macro, values))


def install(app: Flask) -> None:
    _draw.cache_clear()
    app.jinja_env.globals["drawn"] = _drawn
