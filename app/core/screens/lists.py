"""What stands on the list? The rows that may be seen and are asked for, a page at a time, as plain columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate, pairwise
from typing import Any
from urllib.parse import urlencode

from flask import jsonify, redirect, request
from sqlalchemy import ColumnElement, Select, false, inspect, select
from sqlalchemy.orm import Session, aliased
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.core import clock, edge, paging
from app.core.access import Actor, visible
from app.core.conditions import Condition, ConditionError, editor, sql
from app.core.conditions.fields import Field
from app.core.db import db, plan_for_values
from app.core.errors import BadRequestError, Sentence
from app.core.guarded import key_of, mask_of
from app.core.i18n import _
from app.core.lists import LONGEST_CONDITION, read_condition, register_list
from app.core.pages import refuse_nul_sent
from app.core.paging import Piece
from app.core.screens import chooser, listing
from app.core.screens.columns import Column, Derived, Walk, kind_of
from app.core.screens.declared import Declared
from app.core.screens.doors import route
from app.core.screens.listing import LONGEST_SEARCH, LOOKS, Asked, Chip, Head, Offer, Page, Preset, Row

#: sentences over a list; an address with more that is wrong is none of ours
MOST_REFUSED = 5
#: lists and row rules of one person
_MOST_REMEMBERED = 200
_Once = Callable[[Callable[[], Select[Any]]], Select[Any]]
_NO_SUCH_PAGE = _("That page is no longer there. This is the first one.")


@dataclass(frozen=True)
class Opening:
    """What a list is asked for before it is checked; `beside` is what the part that put it together knows of it."""

    arguments: MultiDict[str, str]
    beside: Any = None
    #: 404 for a list that is shown in the place of what is not there
    status: int = 200


def reader_of(who: Actor) -> sql.Reader:
    """As what he compares rows with."""
    return sql.Reader(who.user_id, who.team_ids, who.time_zone, clock.today(who.time_zone))


class ListPart(Declared):
    """The list of a screen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        register_list(self)

    @property
    def key(self) -> str:
        """The name of the list among exports and saved views."""
        return type(self).__name__

    @route("/", right="view")
    def root(self) -> Response:
        """The address of the screen alone."""
        return redirect(self._list_url())

    @route("/list/", right="view")
    def list(self) -> Any:
        who, offer = edge.actor(), self._offer(self.page_size)
        opening = self._opening(who)
        asked, rows, refused = self._taken(opening.arguments, offer, who)
        refusal = next((sentence for name, sentence in refused.items() if name not in LOOKS), None)
        reach = (who.user_id, who.scope(self.resource), who.team_ids, frozenset(who.fields.items()))
        known_as = None if refusal else (
            self.endpoint, reach, asked.q, asked.archived, asked.where, self.extra_fields.number
        )  # fmt: skip
        try:
            page = self._page(rows, asked, offer, known_as=known_as)
        except BadRequestError:
            if asked.cursor is None:
                raise
            # The row that the page begins behind is one of another order.
            asked, refused = replace(asked, page=1, cursor=None), {**refused, "after": _NO_SUCH_PAGE}
            page = self._page(rows, asked, offer, known_as=known_as)
        presets = self._preset_tabs(asked)
        is_preset = any(one["current"] for one in presets)  # its tab says what the list is narrowed to
        shown = self.render_template(
            self.list_template, screen=self, title=self.list_title, page=page, may=self._may(who),
            chips=() if is_preset else self._chips(page), actions=[
                one for one in self.actions.values()
                if one.multiple and one.func._told.is_offered and self._may_act(who, one)
            ],
            refused=refused, refusal=refusal, typed=opening.arguments.get("q", ""), longest_search=LONGEST_SEARCH,
            **self._around(opening, page, who),
        )  # fmt: skip
        return shown, 400 if refused else opening.status

    def _taken(
        self, arguments: MultiDict[str, str], offer: Offer, who: Actor
    ) -> tuple[Asked, Select[Any], Mapping[str, Sentence]]:
        """What can be taken of what is asked, its rows, and why the rest is refused, by argument.

        It is told where it can be put right. Of a list that was to be narrowed no row is taken for an answer.
        """
        refused: dict[str, Sentence] = {}
        while True:
            try:
                asked = listing.read_arguments(arguments, offer)
                rows = self._listed(select(self.model), asked, who)
            except BadRequestError as refusal:
                name = refusal.about or "where"
                if name not in arguments or len(refused) == MOST_REFUSED:
                    raise
                refused[name] = _NO_SUCH_PAGE if name in ("after", "before") else refusal.message
                gone = {name, "page", "after", "before"}
                arguments = MultiDict([one for one in arguments.items(multi=True) if one[0] not in gone])
            else:
                return asked, rows if refused.keys() <= LOOKS else rows.where(false()), refused

    def _opening(self, who: Actor) -> Opening:
        """What the list is asked for: by the address, or where that says nothing, by itself."""
        return Opening(request.args or self._by_itself(who))

    def _around(self, opening: Opening, page: Page, who: Actor) -> Mapping[str, Any]:
        """What other parts of the screen draw around the list."""
        return {}

    @route("/fields", right="view")
    def fields(self) -> Response:
        """By what the list can be narrowed, for the editor of its condition."""
        urls = chooser.addresses()
        return jsonify(
            fields=[editor.field_offer(one, urls.get(one.kind)) for one in self.fields_for(edge.actor()).values()],
            **editor.offers(),
        )

    @route("/condition", right="view", methods=("POST",))
    def condition(self) -> Response:
        """A typed condition as the editor draws it: {"stored", "names"}, or {"refusal"} with what is wrong in it."""
        refuse_nul_sent()
        who, typed = edge.actor(), request.form.get("where", "")
        try:
            where = read_condition(typed[: LONGEST_CONDITION + 1], self.fields_for(who))
            if where is not None:
                self.narrowed(where, who)
        except BadRequestError as refusal:
            return jsonify(refusal=str(refusal.message))
        return jsonify(
            stored=where.to_json() if where else None,
            names=chooser.names_in(where, self.filter_fields, who) if where else {},
        )

    # ── what is asked ──
    def asked_of(
        self, arguments: MultiDict[str, str], besides: Sequence[str] = (), *, who: Actor | None = None
    ) -> Asked:
        """The arguments of an address, checked. Raises BadRequestError."""
        return listing.read_arguments(arguments, self._offer(self.page_size, who), besides=besides)

    def _offer(self, page_size: int, who: Actor | None = None) -> Offer:
        reader = who or edge.actor()
        orders = self.orders_for(reader)
        usual = self.usual_order
        if usual.removeprefix("-") not in orders:  # withheld from him: the newest first
            usual = "-"
        return Offer(
            orders=orders,
            default_order=usual,
            page_size=page_size,
            search=type(self).search is not Declared.search or type(self).search_as is not Declared.search_as,
            archive=self._archivable,
            columns=self.columns_to(reader),
            fields={name: one for name, one in self.filter_fields.items() if self._may_compare(name, reader)},
        )

    @property
    def usual_order(self) -> str:
        column, direction = self.base_order or ("", "desc")
        return f"-{column}" if direction == "desc" else column

    def _may_read(self, name: str, who: Actor) -> bool:
        """Is there such a column for him?"""
        needs = self.derived[name].needs if name in self.derived else ""
        return (not needs or who.may("view", needs)) and self._is_seen(who, name)

    def _may_compare(self, name: str, who: Actor) -> bool:
        """May he narrow, order or take away rows by it? What he reads with dots would be found out by asking."""
        return self._may_read(name, who) and self._is_read(who, name)

    @property
    def orders(self) -> Mapping[str, Any]:
        return self._grown("orders", self._own_orders, lambda column: column.order)

    @cached_property
    def _own_orders(self) -> Mapping[str, Any]:
        return {name: self._column(name).order for name in self.order_columns}

    def _grown(self, name: str, own: Mapping[str, Any], part: Callable[[Column], Any]) -> Mapping[str, Any]:
        """With the same of each field that was added, put together once for the fields as they are now."""
        added = self.extra_fields
        if not added:
            return own
        known = self._with_added.get(name)
        if known is None or known[0] is not added:
            parts = {key: part(self._column(key)) for key in added}
            whole = {**own, **{key: one for key, one in parts.items() if one is not None}}
            known = self._with_added[name] = (added, whole)
        return known[1]

    @cached_property
    def _with_added(self) -> dict[str, tuple[Any, Mapping[str, Any]]]:
        return {}

    def orders_for(self, who: Actor) -> Mapping[str, Any]:
        """By what this person can order rows: never by what he may not read."""
        return {
            name: by for name, by in self.orders.items()
            if self._may_compare(name, who) and not (name in self.derived and self.derived[name].seen_by)
        }  # fmt: skip

    @property
    def columns_offered(self) -> Mapping[str, Column]:
        """Every column that the list can show, those that it shows by itself first."""
        return self._grown("columns", self._own_columns, lambda column: column)

    @cached_property
    def _own_columns(self) -> Mapping[str, Column]:
        return {name: self._column(name) for name in dict.fromkeys((*self.list_columns, *self.more_columns))}

    def columns_to(self, who: Actor) -> Mapping[str, Column]:
        """The same for one person."""
        return {name: one for name, one in self.columns_offered.items() if self._may_read(name, who)}

    @property
    def filter_fields(self) -> Mapping[str, Field]:
        """By what rows can be narrowed."""
        return self._grown("fields", self._own_filter_fields, lambda column: column.field)

    @cached_property
    def _own_filter_fields(self) -> Mapping[str, Field]:
        found = {name: self._column(name).field for name in self.search_columns}
        return {name: one for name, one in found.items() if one is not None}

    def fields_for(self, who: Actor, keys: Collection[str] | None = None) -> Mapping[str, Field]:
        """The same as far as this person may read them: what he may not read is not found by guessing either. With
        `keys`, only these: what differs from person to person is put together anew each time."""
        asked = {name: one for name, one in self.filter_fields.items() if keys is None or name in keys}
        differing = [name for name in asked if name in self.derived and self.derived[name].seen_by]
        found = {name: self._column(name).for_reader(who).field for name in differing}
        read = {**asked, **{name: one for name, one in found.items() if one is not None}}
        return {name: one for name, one in read.items() if self._may_compare(name, who)}

    def columns_for(self, asked: Asked, who: Actor) -> Sequence[Column]:
        """The columns to show, in their order."""
        named = asked.columns or [name for name in self.list_columns if self._may_read(name, who)]
        return [self._column_for(name, who) for name in named]

    def _column_for(self, name: str, who: Actor) -> Column:
        column = (self.columns_offered.get(name) or self._column(name)).for_reader(who)
        if self._is_read(who, name):
            return column
        added = self.extra_fields.get(name)
        return column.masked(mask_of(self.resource, key_of(name)) if added is None else added.mask)

    # ── views that are there for everybody ──
    def _by_itself(self, who: Actor) -> MultiDict[str, str]:
        """What an address without any argument asks for."""
        first = next(iter(self.presets), None)
        is_his = first is not None and first.where and self._is_for(first, self._preset_conditions[0], who)
        return MultiDict(first.arguments if first is not None and is_his else {})

    def _is_for(self, preset: Preset, condition: Condition | None, who: Actor) -> bool:
        """Does he read all that the view compares and orders by?"""
        if not who.fields and not self.extra_fields:
            return True
        keys = (condition.keys if condition is not None else frozenset()) | {preset.order.removeprefix("-")} - {""}
        return all(self._may_compare(key, who) for key in keys)

    @cached_property
    def _preset_conditions(self) -> Sequence[Condition | None]:
        return [read_condition(one.where, self.filter_fields) for one in self.presets]

    def _preset_tabs(self, asked: Asked) -> Sequence[Mapping[str, Any]]:
        may_be = not asked.view and not asked.archived
        return [
            {"label": one.label, "url": f"?{urlencode(one.arguments)}", "current": may_be and asked.where == condition}
            for one, condition in zip(self.presets, self._preset_conditions, strict=True)
            if self._is_for(one, condition, edge.actor())
        ]

    def _column(self, name: str) -> Column:
        label = self.label_columns[name]
        declared = self.derived.get(name) or self._plain(name)
        choices: Mapping[Any, Any] = self.choice_labels.get(name, {}) if declared.choices is None else declared.choices
        if isinstance(choices, dict):  # any other mapping is looked up when it is read: a catalogue changes
            choices = {str(value): text for value, text in choices.items()}
        compared = declared.value if declared.compared is None else declared.compared
        added = self.extra_fields.get(name)
        is_compared = name in self.search_columns if added is None else added.is_compared
        order = self.order_keys.get(name, declared.value if declared.order is None else declared.order)
        field = Field(
            name, label, declared.kind, compared, choices, declared.since, declared.absent_differs,
            declared.is_always_there, contains=declared.contains, choices_url=declared.choices_url,
            within=declared.within,
        )  # fmt: skip
        return Column(
            key=name, label=label, kind=declared.kind, value=declared.value,
            order=None if added is not None and not is_compared else order,
            field=field if is_compared else None, choices=choices,
            show=self.formatters_columns.get(name, declared.show), besides=declared.besides, seen_by=declared.seen_by,
            write=declared.write, walk=declared.walk,
        )  # fmt: skip

    def _plain(self, name: str) -> Derived:
        """A column of the table, or of the one row that a relation leads to."""
        root, _dot, leaf = name.rpartition(".")
        if not root:
            column = getattr(self.model, leaf)
            return Derived(kind_of(column), column)
        relation = inspect(self.model).relationships[root]
        target = aliased(relation.mapper.class_)
        ((local, remote),) = relation.local_remote_pairs
        far = getattr(target, relation.mapper.get_property_by_column(remote).key)
        column = getattr(target, leaf)
        return Derived(kind_of(column), select(column).where(far == local).correlate(self.model).scalar_subquery())

    # ── rows ──
    def _listed(self, rows: Select[Any], asked: Asked, who: Actor) -> Select[Any]:
        """The rows that may be seen and are asked for."""
        rows = rows.where(visible(self.model, who))
        if self._archivable:
            archived_at = self.model.archived_at
            rows = rows.where(archived_at.is_not(None) if asked.archived else archived_at.is_(None))
        if asked.q:
            rows = self.search_as(who, rows, asked.q)
        if asked.where:
            rows = rows.where(self.narrowed(asked.where, who))
        return rows

    def narrowed(self, condition: Condition, who: Actor) -> ColumnElement[bool]:
        """The condition on rows. Raises BadRequestError with the sentence of what is wrong in it."""
        try:
            return sql.where(condition, self.fields_for(who, condition.keys), reader=reader_of(who))
        except ConditionError as refusal:
            raise BadRequestError(refusal.message) from None

    def _keys_asked(self, asked: Asked, who: Actor) -> Select[Any] | None:
        """The keys of the rows that `_listed` gives, where they are known without looking at the rows."""
        return None

    def _page(
        self,
        rows: Select[Any],
        asked: Asked,
        offer: Offer,
        besides: Mapping[str, str] | None = None,
        *,
        known_as: Any = None,
    ) -> Page:
        """A page of these rows. `known_as`: under what it is remembered that there are many of them."""
        columns, by = self.columns_for(asked, edge.actor()), self._order(asked)
        start = (asked.page - 1) * asked.page_size if asked.cursor is None else 0
        piece = Piece(asked.page_size, asked.is_falling, start, asked.cursor)
        is_usual = known_as is not None and piece.is_first and not (asked.q or asked.where)
        once = partial(self._once, asked) if is_usual else None
        ordered = self.columns_offered.get(asked.order_column)
        walk = ordered.walk if ordered is not None else None
        keys = self._keys_asked(asked, edge.actor()) if by is self._key else None
        found, (counted, is_capped) = self._found(rows, by, columns, piece, known_as, once, walk, keys)
        shown, has_more = found[: asked.page_size], len(found) > asked.page_size
        if piece.is_backwards:
            shown, has_more = shown[::-1], True
        if is_capped and not has_more and (shown or piece.is_first):  # the end is here: what was remembered is over
            counted, is_capped = (asked.page - 1) * asked.page_size + len(shown), False
        return Page(
            asked=asked,
            offer=offer,
            columns=tuple(self._column_head(column, asked, offer) for column in columns),
            rows=self._rows(shown, columns),
            count=counted,
            count_capped=is_capped,
            has_next=has_more,
            first_cursor=paging.Cursor(shown[0][1], shown[0].id, backwards=True) if shown else None,
            last_cursor=paging.Cursor(shown[-1][1], shown[-1].id) if shown else None,
            besides=besides or {},
        )

    def _found(
        self,
        rows: Select[Any],
        by: Any,
        columns: Sequence[Column],
        piece: Piece,
        known_as: Any,
        once: _Once | None,
        walk: Walk | None = None,
        keys: Select[Any] | None = None,
    ) -> tuple[Sequence[Any], tuple[int, bool]]:
        """The rows of the piece, and how many there are: in one query unless they turn out to be many. `keys`: those of
        all rows, where they are found faster than the rows."""
        session = db.session()
        (key,) = (self._key,) if keys is None else keys.selected_columns

        def counted_too() -> Select[Any]:
            ids, number = paging.one_finding(rows if keys is None else keys, by if keys is None else key, key, piece)
            return self._read(ids, by, columns, piece).add_columns(number)

        def walked() -> Select[Any]:
            if keys is None and not piece.start:
                return piece.of(self._drawn(rows, by, columns), by, self._key)
            # Only keys are skipped: columns of rows above the page are never read.
            only = rows.with_only_columns(self._key, maintain_column_froms=True) if keys is None else keys
            ids = piece.of(only, by if keys is None else key, key)
            return self._read(ids.correlate(None), by, columns, piece)

        if once is None:  # narrowed by what somebody typed
            plan_for_values(session)
        if not paging.is_long(known_as):
            found = session.execute(once(counted_too) if once else counted_too()).all()
            if found or piece.is_first:
                counted = paging.capped(found[0][-1] if found else 0)
            else:  # beyond the last page
                counted = paging.count(session, rows, self._key)
            if not counted[1]:
                return found, counted
            paging.stays_long(known_as)
        beside = self._walked_beside(session, rows, walk, columns, piece) if walk is not None else None
        found = session.execute(once(walked) if once else walked()).all() if beside is None else beside
        return found, paging.capped(paging.COUNT_CAP + 1)

    def _walked_beside(
        self, session: Session, rows: Select[Any], walk: Walk, columns: Sequence[Column], piece: Piece
    ) -> Sequence[Any] | None:
        """The piece as far as rows have a value: they stand first. None where it goes on with the others."""
        if piece.cursor is not None and (piece.cursor.value is None or piece.is_backwards):
            return None
        filled = replace(piece, is_filled=True)
        drawn = walk.joined(self._drawn(rows, walk.by, columns))
        found = session.execute(filled.of(drawn, walk.by, walk.key)).all()
        return found if len(found) > piece.size else None

    def _once(self, asked: Asked, build: Callable[[], Select[Any]]) -> Select[Any]:
        """The first page of a list that is not narrowed, as most open it: put together once for the same rights."""
        who = edge.actor()
        added = self.extra_fields.number
        key = (
            self.endpoint,
            build.__name__,
            added,
            asked.columns,
            asked.order,
            asked.page_size,
            asked.archived,
            who.language,
        )
        known: Select[Any] | None = who.rules.get(key)
        if known is None:
            if len(who.rules) >= _MOST_REMEMBERED:
                who.rules.clear()
            known = who.rules[key] = build()
        return known

    def _read(self, ids: Select[int], by: Any, columns: Sequence[Column], piece: Piece) -> Select[Any]:
        """The rows with these keys."""
        rows = select(self.model).where(self._key.in_(ids))
        return piece.ordered(self._drawn(rows, by, columns), by, self._key)

    def _drawn(self, rows: Select[Any], by: Any, columns: Sequence[Column]) -> Select[Any]:
        """With all that is needed to draw them."""
        return self._selected(rows, by, columns).add_columns(*(one for column in columns for one in column.besides))

    def asked_whole(self, query: str) -> Asked:
        """What the list at this address asks for, on all its pages. Raises BadRequestError."""
        arguments = listing.read_query(query)
        for turned in ("page", "after", "before", "view"):
            arguments.poplist(turned)
        return self.asked_of(arguments)

    def keys_of(self, query: str, who: Actor) -> Select[Any]:
        """The keys of all rows of the list at this address, in no order. Raises BadRequestError."""
        return self._listed(select(self._key), self.asked_whole(query), who)

    def matching_ids(self, asked: Asked, who: Actor, limit: int) -> Sequence[int]:
        """The keys of the rows that are asked for, in the order of the list, at most so many."""
        rows, piece = self._listed(select(self._key), asked, who), Piece(limit - 1, asked.is_falling)
        ids, _number = paging.one_finding(rows, self._order(asked), self._key, piece)
        return list(db.session().scalars(ids))

    def _order(self, asked: Asked) -> Any:
        return self.orders[asked.order_column] if asked.order_column else self._key

    def _selected(self, rows: Select[Any], by: Any, columns: Sequence[Column]) -> Select[Any]:
        """Id, order value, title, and then the columns: plain values, without an object a row."""
        return rows.with_only_columns(
            self._key.label("id"), by.label("by"), getattr(self.model, self.title_column).label("title"),
            *(column.value.label(f"c{number}") for number, column in enumerate(columns)),
            maintain_column_froms=True,
        )  # fmt: skip

    # ── as people read them ──
    def _rows(self, found: Sequence[Any], columns: Sequence[Column]) -> tuple[Row, ...]:
        # Behind id, order, title and all values stands what some columns are shown with besides.
        ends = list(accumulate((len(column.besides) for column in columns), initial=3 + len(columns)))
        places = [(column.shown, *between) for column, between in zip(columns, pairwise(ends), strict=True)]
        return tuple(self._row(tuple(row), row, places) for row in found)

    def _row(self, told: tuple[Any, ...], row: Any, places: Sequence[tuple[Callable[..., Any], int, int]]) -> Row:
        values = told[3 : 3 + len(places)]
        cells = tuple(
            [
                show(value, *told[start:end]) if start < end else show(value)
                for (show, start, end), value in zip(places, values, strict=True)
            ]
        )
        panel = f"{self.route_base}/panel/{told[0]}"
        return Row(told[0], self.row_url(row), panel, self.title_of(told[2]), cells, values)

    def _column_head(self, column: Column, asked: Asked, offer: Offer) -> Head:
        name, is_this = column.key, column.key == asked.order_column
        return Head(
            key=name,
            label=str(column.label),  # translated once, shown in the head and beside every cell
            order=(f"-{name}" if is_this and not asked.is_falling else name) if name in offer.orders else None,
            sorted=("descending" if asked.is_falling else "ascending") if is_this else None,
        )

    def _chips(self, page: Page) -> Sequence[Chip]:
        """What the list is narrowed to, a part each, and the way out of it."""
        condition = page.asked.where
        if condition is None:
            return ()
        labels = {key: str(one.label) for key, one in self.filter_fields.items()}
        chips = []
        for place, part in enumerate(condition.parts()):
            rest = condition.without(place)
            text = part.sentence(labels, chooser.values_of(part, self.filter_fields, edge.actor()))
            chips.append(Chip(text, place, page.link(where=rest.text if rest else None)))
        return chips
