"""Which rows of other tables can be chosen in a form? A page at a time, those that the asker may see."""

from __future__ import annotations

from flask import Response, jsonify, request
from sqlalchemy import select

from app.core import edge
from app.core.access import visible
from app.core.db import db, refuse_nul
from app.core.errors import BadRequestError, NotAllowedError, NotFoundError
from app.core.paging import LARGEST_PAGE
from app.core.screens import listing
from app.core.screens.doors import route
from app.core.screens.editing import EditPart

_LOOKUP_SIZE = 20


class LookupPart(EditPart):
    """What the look-ups of a form ask."""

    @route("/lookup/<column>", right="view")
    def lookup(self, column: str) -> Response:
        """Rows to choose from in a form, a page at a time: those that the asker may see in their own table."""
        who = edge.actor()
        if column not in self.lookups:
            raise NotFoundError
        if not (who.may("add", self.resource) or who.may("edit", self.resource)):
            raise NotAllowedError
        text, page = request.args.get("q", "").strip(), request.args.get("page", "1")
        refuse_nul(text)
        if len(text) > listing.LONGEST_SEARCH or set(request.args) - {"q", "page"}:
            raise BadRequestError
        if not (page.isascii() and page.isdigit() and len(page) <= 6 and 1 <= int(page) <= LARGEST_PAGE):
            raise BadRequestError
        target = self.datamodel.get_related_model(column)
        rows = select(target).where(visible(target, who))
        if hasattr(target, "archived_at"):
            rows = rows.where(target.archived_at.is_(None))
        offered = self.lookups[column]
        rows = offered.find(rows, text).limit(_LOOKUP_SIZE + 1).offset((int(page) - 1) * _LOOKUP_SIZE)
        found = db.session().scalars(rows).unique().all()
        return jsonify(
            results=[{"id": row.id, "text": str(row), "hint": offered.hint(row)} for row in found[:_LOOKUP_SIZE]],
            more=len(found) > _LOOKUP_SIZE,
        )
