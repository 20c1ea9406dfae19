"""Who may come in where? Every route and every button of a screen names the right that opens it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from flask_appbuilder.baseviews import expose

from app.core import edge
from app.core.access import ACTIONS

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class ScreenError(TypeError):
    """A screen is not declared completely. Raised at start, for the programmer."""


def route(path: str, *, right: str, methods: Sequence[str] = ("GET",)) -> Decorator:
    """Make a method of a Screen answer under `path`, for those who have `right` on the screen's resource."""
    if right not in ACTIONS:
        raise ScreenError(f"{right} is none of the rights {ACTIONS}")

    def declare(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            edge.actor().must(right, self.resource)
            return method(self, *args, **kwargs)

        guarded._right = guarded._permission_name = right  # type: ignore[attr-defined]
        return expose(path, methods=list(methods))(guarded)  # type: ignore[no-any-return]

    return declare


def action(
    name: str,
    label: Any,
    *,
    right: str,
    confirmation: Any = None,
    icon: str = "",
    multiple: bool = True,
    single: bool = True,
) -> Decorator:
    """Make `method(self, session, item, *, by)` a button on a row's page and over the list.

    It runs inside a transaction of its own for every row, with the row loaded and checked for `right`.
    """
    if right not in ACTIONS:
        raise ScreenError(f"{right} is none of the rights {ACTIONS}")

    def declare(method: Callable[..., Any]) -> Callable[..., Any]:
        method._right = right  # type: ignore[attr-defined]
        method._action = (name, label, confirmation, icon, multiple, single)  # type: ignore[attr-defined]
        return method

    return declare
