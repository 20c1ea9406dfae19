"""What stands on the list? The rows that may be seen and are asked for, a page at a time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any

from flask import request
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from app.core import edge, paging
from app.core.access import Actor, visible
from app.core.db import db
from app.core.screens import listing
from app.core.screens.declared import Declared
from app.core.screens.doors import route
from app.core.screens.filters import Panel, panel
from app.core.screens.listing import Asked, Column, Offer, Page, Row


class ListPart(Declared):
    """The list of a screen."""

    @route("/list/", right="view")
    def list(self) -> Any:
        who = edge.actor()
        offer = self._offer(self.page_size)
        asked = listing.read_arguments(request.args, offer)
        reach = (who.user_id, who.scope(self.resource), who.team_ids)
        known_as = (self.endpoint, reach, asked.q, asked.archived, asked.filters)
        page = self._page(self._listed(select(self.model), asked, who), asked, offer, known_as=known_as)
        return self.render_template(
            self.list_template, screen=self, title=self.list_title, page=page, may=self._may(who),
            actions=[one for one in self.actions.values() if one.multiple and self._may_act(who, one)],
        )  # fmt: skip

    def _offer(self, page_size: int) -> Offer:
        column, direction = self.base_order or ("", "desc")
        return Offer(
            orders={name: self.order_keys.get(name, getattr(self.model, name, None)) for name in self.order_columns},
            default_order=f"-{column}" if direction == "desc" else column,
            page_size=page_size,
            search=type(self).search is not Declared.search,
            archive=self._archivable,
            filters={name: len(offered) for name, offered in self.search_filters.items()},
        )

    @cached_property
    def search_filters(self) -> Mapping[str, Sequence[Any]]:
        """FAB's filters by search column: what can be asked, nothing of what is."""
        if not self.search_columns:
            return {}
        return self.datamodel.get_filters(self.search_columns).get_search_filters()  # type: ignore[no-any-return]

    def filters(self, page: Page) -> Panel | None:
        """By what this list can be narrowed, and is; asked by the template."""
        return panel(self, page, self._readable) if self.search_columns else None

    def _listed(self, rows: Select[Any], asked: Asked, who: Actor) -> Select[Any]:
        """The rows that may be seen and are asked for."""
        rows = rows.where(visible(self.model, who))
        if self._archivable:
            archived_at = self.model.archived_at
            rows = rows.where(archived_at.is_not(None) if asked.archived else archived_at.is_(None))
        if asked.q:
            rows = self.search(rows, asked.q)
        if asked.filters:
            rows = listing.apply_filters(rows, self.datamodel, self.search_columns, asked.filters)
        return rows

    def _page(
        self,
        rows: Select[Any],
        asked: Asked,
        offer: Offer,
        besides: Mapping[str, str] | None = None,
        *,
        known_as: Hashable | None = None,
    ) -> Page:
        session = db.session()
        counted, is_capped = paging.count(session, rows, self._key, known_as=known_as)
        by = offer.orders[asked.order_column] if asked.order_column else self._key
        ordered = paging.in_order(rows, by, self._key, falling=asked.is_falling)
        loading = [
            # What the related table loads by itself is for its own pages.
            selectinload(one).lazyload("*") if isinstance(one, InstrumentedAttribute) else one
            for one in self.eager
        ]
        # One more than is shown: is there a next page?
        start = (asked.page - 1) * asked.page_size
        found = session.scalars(ordered.options(*loading).limit(asked.page_size + 1).offset(start)).unique().all()
        if is_capped and 0 < len(found) <= asked.page_size:  # the end is here: what was remembered is over
            counted, is_capped = start + len(found), False
        return Page(
            asked=asked,
            offer=offer,
            columns=tuple(self._column(name, asked, offer) for name in self.list_columns),
            rows=tuple(
                Row(item.id, self.row_url(item), self.row_title(item),
                    tuple(self.shown(item, name) for name in self.list_columns), item)
                for item in found[: asked.page_size]
            ),
            count=counted,
            count_capped=is_capped,
            has_next=len(found) > asked.page_size,
            besides=besides or {},
        )  # fmt: skip

    def _column(self, name: str, asked: Asked, offer: Offer) -> Column:
        is_this = name == asked.order_column
        return Column(
            key=name,
            label=str(self.label_columns[name]),  # translated once, shown in the head and beside every cell
            order=(f"-{name}" if is_this and not asked.is_falling else name) if name in offer.orders else None,
            sorted=("descending" if asked.is_falling else "ascending") if is_this else None,
        )
