"""Who may come in where? Every route and every button of a screen names the right that opens it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_appbuilder.baseviews import expose

from app.core import edge
from app.core.access import ACTIONS
from app.core.i18n import LazySentence


@dataclass(frozen=True)
class Told:
    """What is told of an action; its sentences have a place for %(rows)s."""

    done: Any
    question: Any
    undo: str
    is_offered: bool


def _asked(label: Any) -> str:
    return f"{label} %(rows)s?"


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
    done: Any,
    question: Any = None,
    confirmation: Any = None,
    undo: str = "",
    icon: str = "",
    multiple: bool = True,
    single: bool = True,
    is_offered: bool = True,
) -> Decorator:
    """Make `method(self, session, item, *, by)` a button on a row's page and over the list.

    It runs inside a transaction of its own for every row, with the row loaded and checked for `right`. `done` tells
    afterwards of %(rows)s ("4 customers", “Ánh”), `question` asks before (else the label does), `confirmation` says
    what will come of it; `undo` names the action that takes it back, which may be no button of its own (`is_offered`).
    """
    if right not in ACTIONS:
        raise ScreenError(f"{right} is none of the rights {ACTIONS}")

    def declare(method: Callable[..., Any]) -> Callable[..., Any]:
        method._right = right  # type: ignore[attr-defined]
        method._told = Told(done, question or LazySentence(_asked, label), undo, is_offered)  # type: ignore[attr-defined]
        method._action = (name, label, confirmation, icon, multiple, single)  # type: ignore[attr-defined]
        return method

    return declare
