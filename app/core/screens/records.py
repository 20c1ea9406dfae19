"""What stands on the page of one row? Its facts, what can be done with it, and the lists related to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from sqlalchemy import select

from app.core import edge
from app.core.access import Actor, get_visible, visible
from app.core.db import db, row_id
from app.core.errors import NotFoundError
from app.core.finding import record_key
from app.core.pages import trail
from app.core.screens import listing
from app.core.screens.doors import route
from app.core.screens.listing import Offer, Page
from app.core.screens.lists import ListPart

_TAB_SIZE = 10


@dataclass(frozen=True)
class Tab:
    """A related list on a row's page; `page` is None until the tab is opened."""

    name: str
    label: Any
    url: str
    page: Page | None
    empty_text: Any
    empty_art: str


class RecordPart(ListPart):
    """The page of one row."""

    @route("/show/<pk>", right="view")
    def show(self, pk: str) -> Any:
        who = edge.actor()
        item = get_visible(db.session(), self.model, row_id(pk), who)
        rights = self._rights_over(item, who)
        return self.render_template(
            self.show_template, screen=self, title=self.show_title, item=item, item_title=self.row_title(item),
            facts=[(self.label_columns[name], self.shown(item, name)) for name in self.show_columns],
            actions=[
                one for one in self.actions.values()
                if one.single and one.func._right in rights and self.offers(one.name, item)
            ],
            may_edit=bool(self.edit_columns) and "edit" in rights,
            tabs=self._tabs(item, who),
            crumbs=trail((self.list_title, self._list_url()), here=self.row_title(item)),
            record=record_key(self.resource, item.id),
        )  # fmt: skip

    def _rights_over(self, item: Any, who: Actor) -> set[str]:
        """Which of the rights that matter here he has over this very row; one query for all."""
        asked = sorted({one.func._right for one in self.actions.values()} | {"edit"})
        asked = [right for right in asked if who.may(right, self.resource)]
        if not asked:
            return set()
        rules = [visible(self.model, who, right).label(right) for right in asked]
        row = db.session().execute(select(*rules).select_from(self.model).where(self._key == item.id)).one()
        return {right for right in asked if getattr(row, right)}

    def _tabs(self, item: Any, who: Actor) -> Sequence[Tab]:
        """The related lists that he may see, the chosen one with its rows. Each has its own right and row rule."""
        views = {view.endpoint: view for view in self._related_views if who.may("view", view.resource)}
        chosen = request.args.get("tab", next(iter(views), ""))
        if request.args.get("tab") is not None and chosen not in views:
            raise NotFoundError
        if not views:
            listing.read_arguments(request.args, Offer({}, "-", _TAB_SIZE, search=False, archive=False, filters={}))
        return [
            Tab(
                name, self.related_titles.get(type(view).__name__, view.list_title),
                url_for(f"{self.endpoint}.show", pk=item.id, tab=name),
                self._related_page(view, item, who) if name == chosen else None, view.empty_text, view.empty_art,
            )
            for name, view in views.items()
        ]  # fmt: skip

    def _related_page(self, view: ListPart, item: Any, who: Actor) -> Page:
        offer = view._offer(_TAB_SIZE)
        asked = listing.read_arguments(request.args, offer, besides=("tab",))
        by = self.related_by.get(type(view).__name__) or view.datamodel.get_related_fk(self.model)
        rows = select(view.model).where(by(item) if callable(by) else getattr(view.model, by) == item)
        return view._page(view._listed(rows, asked, who), asked, offer, besides={"tab": view.endpoint})
