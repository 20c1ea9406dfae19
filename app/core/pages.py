"""How does a page of our own come to be? One base and one decorator: nobody reaches a page without the right to it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request
from flask_appbuilder.baseviews import BaseView, expose
from werkzeug.wrappers import Response

from app.core import edge
from app.core.db import refuse_nul
from app.core.errors import BusinessError, NotAllowedError, NotFoundError
from app.core.i18n import _
from app.core.paging import LARGEST_PAGE, asked_number

#: htmx asks no more once it is told so
ENOUGH = 286


@dataclass(frozen=True)
class PageRule:
    """What a page asks of whoever opens it: this right on the view's resource (None: being signed in is enough)."""

    right: str | None
    #: it answers with data alone: nothing of what stands around a page is read for it
    is_bare: bool = False


def page(
    path: str, *methods: str, right: str | None = "view", is_bare: bool = False, judges: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a method of a Page an address. Actions are POST; every form of ours carries the CSRF token.

    `judges`: see refuse_nul_sent.
    """

    def declare(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def guarded(self: Page, **path_values: Any) -> Any:
            who = edge.actor()
            if self.is_private and not who.is_himself:
                told = _("This is the own business of %(name)s: nobody else looks at it.", name=who.name)
                raise NotAllowedError(told)
            if right is not None:
                who.must(right, self.resource)
            refuse_nul_sent(judges)
            return method(self, **path_values)

        guarded.page_rule = PageRule(right, is_bare)  # type: ignore[attr-defined]
        return expose(path, methods=list(methods) or ["GET"])(guarded)  # type: ignore[no-any-return]

    return declare


def refuse_nul_sent(judges: str = "") -> None:
    """No NUL in the address, behind its question mark or in the form. Raises BadRequestError.

    What stands in fields whose names begin with `judges` is left to the view, which tells it beside each of them.
    """
    refuse_nul(*(request.view_args or {}).values())
    for sent in (request.args, request.form):
        for name, values in sent.lists():
            is_judged = sent is request.form and judges and name.startswith(judges)
            refuse_nul(name, *([] if is_judged else values))


@dataclass(frozen=True)
class Undo:
    """What the button of a message posts, and where to. It travels in the cookie with the message."""

    url: str
    #: many rows in one word (screens.saving.packed)
    rows: str = ""
    action: str = ""


class Page(BaseView):
    """The base of every page that FAB does not generate. A subclass names its `resource` (security.roles)."""

    resource: ClassVar[str]
    #: one's own business: whoever looks as somebody else does not see it
    is_private: ClassVar[bool] = False
    default_view = "index"


def show(template: str, status: int = 200, **values: Any) -> tuple[str, int]:
    return render_template(template, **values), status


def refused_onto(address: str, error: BusinessError) -> Response:
    """For buttons: say why not, and go back to where the button was; what is not there has no page to go back to."""
    if isinstance(error, NotFoundError):
        raise error
    details = [str(sentence) for sentences in error.fields.values() for sentence in sentences]
    flash(" ".join([str(error.message), *details]) if details else str(error.message), "danger")
    return redirect(address)


def done(address: str, sentence: object, *, undo: Undo | None = None) -> Response:
    """The action is done: say so on the page that follows, with a button that takes it back."""
    told: Any = {"text": str(sentence), "undo": asdict(undo)} if undo else str(sentence)
    flash(told, "success")
    return redirect(address)


def trail(*steps: tuple[object, str], here: object) -> list[dict[str, Any]]:
    """The way to this page for templates/base.html: (label, address) of what is above it, and its own name."""
    return [{"label": label, "url": url} for label, url in steps] + [{"label": here, "url": None}]


def page_number() -> int:
    """Which page of the list is asked (?page=). Raises BadRequestError for what is none."""
    return asked_number(request.args, "page", 1, LARGEST_PAGE)


def page_of(number: int, rows: int, counted: tuple[int, bool], *, size: int) -> dict[str, Any]:
    """What templates/_parts/ui.html needs to turn pages; `rows` are on this one, `counted` is what paging counted."""
    count, capped = counted
    first = (number - 1) * size + 1 if rows else 0
    last = (number - 1) * size + rows

    def address(wanted: int) -> str:
        return "?" + urlencode({**request.args.to_dict(), "page": wanted})

    return {
        "first": first, "last": last, "count": count, "count_capped": capped, "number": number,
        "pages": None if capped else -(-count // size),
        "first_url": address(1),
        "prev_url": address(number - 1) if number > 1 else None,
        "next_url": address(number + 1) if last < count or (capped and rows == size) else None,
    }  # fmt: skip
