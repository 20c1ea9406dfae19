"""What is drawn alike for everybody? A part of a page that depends on its values alone is drawn once for them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from flask import Flask
from markupsafe import Markup

from app.core.i18n import reader_language

#: some kilobytes each
_MOST = 256


class _Drawing:
    """A macro with its values, equal to another when it would draw the same."""

    def __init__(self, macro: Any, values: tuple[Any, ...]) -> None:
        self.macro, self.values = macro, values
        self._key = (macro.name, reader_language(), json.dumps(values, default=str))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Drawing) and self._key == other._key


@lru_cache(maxsize=_MOST)
def _draw(drawing: _Drawing) -> Markup:
    return Markup(drawing.macro(*drawing.values))  # noqa: S704 - what a macro gives is markup already


def _drawn(macro: Any, *values: Any) -> Markup:
    """{{ drawn(columns_menu, chooser) }}: columns_menu(chooser), worked out once for equal values and one language.

    Only for macros that ask nothing besides their values: no token, no address of the request, no clock.
    """
    return _draw(_Drawing(macro, values))


def install(app: Flask) -> None:
    _draw.cache_clear()
    app.jinja_env.globals["drawn"] = _drawn
