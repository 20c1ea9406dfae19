"""/tim: what do the box on top and the palette find? app/views.py tells which kinds of record there are."""

from __future__ import annotations

from typing import Any, cast

from flask import current_app, jsonify, redirect, request

from app.core import edge
from app.core.db import db
from app.core.finding import LONGEST_TEXT, MOST_COUNTED, Finder, Found, find, recent, the_one
from app.core.formats import number_text
from app.core.i18n import _
from app.core.pages import Page, page, show, trail

#: hits of one kind in the palette, and on the page
FEW, MANY = 5, 20


def register_finders(app: Any, finders: tuple[Finder, ...]) -> None:
    app.extensions["tantam.finders"] = finders


def _finders() -> tuple[Finder, ...]:
    return cast("tuple[Finder, ...]", current_app.extensions["tantam.finders"])


class FindPages(Page):
    """Open to whoever is signed in: every kind asks for its own right and shows what that person may see."""

    route_base = "/tim"

    @page("/", right=None)
    def index(self) -> Any:
        """What names one record (a whole phone number, a code) opens it; everything else is a list by kind."""
        text = _typed()
        found = find(_finders(), db.session(), edge.actor(), text, each=MANY)
        one = the_one(found)
        if one is not None:
            return redirect(one.url)
        return show("search.html", search_text=text, groups=[_group(one) for one in found], most=MANY,
                    crumbs=trail((_("This morning"), "/"), here=_("Search")))  # fmt: skip

    @page("/goi-y", right=None, is_bare=True)
    def suggest(self) -> Any:
        found = find(_finders(), db.session(), edge.actor(), _typed(), each=FEW)
        return jsonify(groups=[_group(one) for one in found])

    @page("/vua-mo", right=None, is_bare=True)
    def recently(self) -> Any:
        """?r=customer:12&r=task:3: those that he may still open, as the browser remembers them."""
        rows = recent(_finders(), db.session(), edge.actor(), request.args.getlist("r"))
        return jsonify(
            items=[
                {"key": key, "title": hit.title, "hint": hit.hint, "url": hit.url, "icon": finder.icon}
                for key, finder, hit in rows
            ]
        )


def _typed() -> str:
    return request.args.get("q", "").strip()[:LONGEST_TEXT]


def _group(found: Found) -> dict[str, Any]:
    icon = found.finder.icon
    items = [
        {"title": hit.title, "hint": hit.hint, "marked": hit.marked, "url": hit.url, "icon": icon} for hit in found.hits
    ]
    if found.suggestion:
        told = found.suggestion
        items.append({"title": str(told.title), "hint": "", "marked": "", "url": told.url, "icon": told.icon})
    more = _("More than %(count)s results. Type more to narrow it down.", count=number_text(MOST_COUNTED))
    return {
        "label": str(found.finder.label),
        "icon": icon,
        "items": items,
        "found": len(found.hits),
        "more": str(more) if found.is_capped else "",
    }
