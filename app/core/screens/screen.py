"""What is a screen? FAB generates forms, labels and routes from a table; this base cures what FAB leaves open."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar

from flask import Response, flash, jsonify, redirect, request, url_for
from flask_appbuilder import ModelView
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session, selectinload
from werkzeug.wrappers import Response as BaseResponse

from app.core import clock, edge, paging
from app.core.access import Actor, get_visible, visible
from app.core.db import Revisioned, db, refuse_nul, row_id
from app.core.errors import BadRequestError, BusinessError, ConflictError, NotAllowedError, NotFoundError
from app.core.finding import record_key
from app.core.formats import day_text, exact_text, number_text
from app.core.i18n import _, ngettext
from app.core.pages import Undo, done, trail
from app.core.paging import LARGEST_PAGE, PAGE_SIZE
from app.core.screens import checks, listing
from app.core.screens.doors import ScreenError, action, route
from app.core.screens.fields import Converter, Lookup, rev_field
from app.core.screens.filters import Panel, panel
from app.core.screens.interface import Interface
from app.core.screens.listing import Asked, Column, Offer, Page, Row
from app.core.screens.saving import changed_by, chosen_ids, saving

_LOOKUP_SIZE = 20
_TAB_SIZE = 10
#: names in a message about a bulk action; the message travels in the cookie
_MOST_NAMED = 5


@dataclass(frozen=True)
class Tab:
    """A related list on a row's page; `page` is None until the tab is opened."""

    name: str
    label: Any
    url: str
    page: Page | None
    empty_text: Any
    empty_art: str


@dataclass(frozen=True)
class Difference:
    """A field that somebody else has changed meanwhile."""

    label: Any
    theirs: Any
    typed: Any


@dataclass(frozen=True)
class Conflict:
    """Who was faster, when, and where it differs from what is typed here."""

    by: str | None
    at: datetime | None
    differences: tuple[Difference, ...]


class Screen(ModelView):
    """List, page, form and actions of one table. A subclass declares; what it leaves to FAB's guess stops the start.

    Every row comes through the table's row rule with the right of what is done. Reading happens outside, changing
    inside one transaction of ours; what a service refuses stands beside the field, and what was typed is kept.
    """

    # ── declared by the subclass ──
    #: name in security.roles
    resource: ClassVar[str]
    #: what an empty list says, without which it only says that nothing is there; and its picture (_parts/ui.html)
    empty_text: ClassVar[Any] = None
    empty_art: ClassVar[str] = "folder"
    datamodel: Interface
    label_columns: Any = {}
    #: order column → what it is really ordered by (a name by its sort key)
    order_keys: ClassVar[Mapping[str, Any]] = {}
    #: loaded with the list: relationships, or loader options
    eager: ClassVar[Sequence[Any]] = ()
    #: relation in a form → how its rows are found
    lookups: ClassVar[Mapping[str, Lookup]] = {}
    #: enum column → {value: label}
    choice_labels: ClassVar[Mapping[str, Mapping[StrEnum, Any]]] = {}
    #: WTForms fields in the place of, or beside, columns of a form
    form_fields: ClassVar[Mapping[str, Any]] = {}
    #: related screen's class name → its relation to this table, where there are several; or, where none is direct,
    #: a function: row of this table → condition on the rows of the related one
    related_by: ClassVar[Mapping[str, str | Callable[[Any], ColumnElement[bool]]]] = {}
    #: related screen's class name → what the list is called here, where that is not its own title
    related_titles: ClassVar[Mapping[str, Any]] = {}

    list_template = "screens/list.html"
    show_template = "screens/show.html"
    add_template = "screens/form.html"
    edit_template = "screens/form.html"
    page_size = PAGE_SIZE
    add_form: Any = None
    edit_form: Any = None
    exclude_route_methods: Any = frozenset()
    # FAB's deletion and its unguarded download are no routes: rows are archived, files belong to core.files.
    delete = None
    download = None

    def __init__(self, **kwargs: Any) -> None:
        found = list(checks.problems(type(self)))
        if found:
            raise ScreenError(f"{type(self).__name__}: " + "; ".join(found))
        # FAB writes into these; the class's own stay as declared.
        self.label_columns = dict(self.label_columns)
        self.class_permission_name = self.resource
        self.method_permission_name = {
            name: method._right for name in dir(type(self)) if hasattr(method := getattr(type(self), name), "_right")
        }
        closed = {name for name in ("add", "edit") if not getattr(type(self), f"{name}_columns")}
        self.exclude_route_methods = set(self.exclude_route_methods) | closed
        super().__init__(**kwargs)
        if not self._archivable:
            for name in ("archive", "restore"):
                self.actions.pop(name, None)

    @property
    def model(self) -> Any:
        return self.datamodel.obj

    @property
    def _key(self) -> Any:
        return self.model.id

    @property
    def _archivable(self) -> bool:
        return hasattr(self.model, "archived_at")

    # ── FAB's set-up, without its guesses ──
    def _init_properties(self) -> None:
        super()._init_properties()
        for name in ("search_columns", "order_columns", "add_columns", "edit_columns", "show_columns"):
            setattr(self, name, list(getattr(type(self), name) or ()))
        # One object for all requests, filled by each of them (FAB #2366): ours are made per request.
        self._filters = None

    def _init_forms(self) -> None:
        converter = Converter(self.datamodel, endpoint=type(self).__name__, choices=self.choice_labels)
        told = {
            "labels": self.label_columns,
            "descriptions": self.description_columns,
            "validators": self.validators_columns,
        }
        extra = dict(self.form_fields)
        self.add_form = self.add_form or converter.form(self.add_columns, **told, extra=extra)
        if issubclass(self.model, Revisioned):
            extra["rev"] = rev_field()
        self.edit_form = self.edit_form or converter.form(self.edit_columns, **told, extra=extra)

    def _init_titles(self) -> None:
        self.title = self.list_title

    # ── hooks: what a feature says by code ──
    def search(self, rows: Select[Any], text: str) -> Select[Any]:
        """Narrow the list to what matches the typed text. A screen without its own has no search box."""
        raise NotImplementedError

    def row_url(self, item: Any) -> str:
        """Where a row of the list leads."""
        return f"{self.route_base}/show/{item.id}"  # what url_for() gives, without a search through all routes a row

    def row_title(self, item: Any) -> str:
        return str(item)

    def create(self, session: Session, form: Any, *, by: Actor) -> Any:
        """Make the record from a checked form, inside the transaction. Override to call the service that does it."""
        item = self.model()
        self._populate(session, item, form, self.add_columns)
        self.datamodel.add(item)
        self._refuse_out_of_reach(session, item, by)
        return item

    def change(self, session: Session, item: Any, form: Any, *, by: Actor) -> None:
        """Change the record from a checked form, inside the transaction. Override to call the service that does it."""
        self._populate(session, item, form, self.edit_columns)
        self.datamodel.edit(item)
        self._refuse_out_of_reach(session, item, by)

    def prefill(self, form: Any) -> None:
        """Put into a fresh form what the address brings along."""

    def check(self, item: Any) -> None:
        """Refuse a record that the default create and change have filled: raise InvalidInputError with its fields."""

    def offers(self, name: str, item: Any) -> bool:
        """Does this action make sense for the row? Rights are asked besides."""
        if name in ("archive", "restore") and self._archivable:
            return (item.archived_at is None) == (name == "archive")
        return True

    @action(
        "archive",
        _("Archive"),
        right="delete",
        confirmation=_("Archive? Nothing is lost, it leaves the lists."),
        icon="archive",
    )
    def archive(self, session: Session, item: Any, *, by: Actor) -> None:
        item.archived_at = clock.now()
        if hasattr(item, "archived_by_id"):
            item.archived_by_id = by.user_id

    @action("restore", _("Restore"), right="delete", icon="archive-off")
    def restore(self, session: Session, item: Any, *, by: Actor) -> None:
        item.archived_at = None
        if hasattr(item, "archived_by_id"):
            item.archived_by_id = None

    # ── list ──
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
            search=type(self).search is not Screen.search,
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

    def shown(self, item: Any, column: str) -> Any:
        """The column of the row as people read it."""
        value = item
        for part in column.split("."):
            value = getattr(value, part, None)
        return self._readable(column, value)

    def _readable(self, column: str, value: Any) -> Any:
        if column in self.formatters_columns:
            return self.formatters_columns[column](value)
        if column in self.choice_labels and value is not None:
            return self.choice_labels[column][value]
        if value is None:
            return ""
        if isinstance(value, bool):
            return _("Yes") if value else _("No")
        if isinstance(value, datetime):
            return exact_text(value, edge.time_zone())
        if isinstance(value, date):
            return day_text(value)
        if isinstance(value, int | Decimal):
            return number_text(value)
        return value

    # ── one row ──
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

    def _related_page(self, view: Screen, item: Any, who: Actor) -> Page:
        offer = view._offer(_TAB_SIZE)
        asked = listing.read_arguments(request.args, offer, besides=("tab",))
        by = self.related_by.get(type(view).__name__) or view.datamodel.get_related_fk(self.model)
        rows = select(view.model).where(by(item) if callable(by) else getattr(view.model, by) == item)
        return view._page(view._listed(rows, asked, who), asked, offer, besides={"tab": view.endpoint})

    # ── forms ──
    @route("/add", right="add", methods=("GET", "POST"))
    def add(self) -> Any:
        form = self.add_form()
        if request.method == "GET":
            self.prefill(form)
            return self._form_page(form, title=self.add_title)
        if not form.validate():
            return self._form_page(form, title=self.add_title, status=422)
        try:
            with saving() as session:
                item = self.create(session, form, by=edge.actor())
        except BusinessError as refusal:
            return self._refused(form, refusal, title=self.add_title)
        flash(str(_("Added: %(name)s", name=self.row_title(item))), "success")
        return redirect(self._back(self.row_url(item)))

    @route("/edit/<pk>", right="edit", methods=("GET", "POST"))
    def edit(self, pk: str) -> Any:
        who, key = edge.actor(), row_id(pk)
        item = get_visible(db.session(), self.model, key, who, "edit")
        form = self.edit_form(obj=item)
        form.changed_id = key
        if request.method == "GET":
            return self._form_page(form, title=self.edit_title, item=item)
        if not form.validate():
            return self._form_page(form, title=self.edit_title, item=item, status=422)
        try:
            with saving() as session:
                item = self._locked(session, key, who, "edit")
                self._refuse_stale(session, item, form)
                self.change(session, item, form, by=who)
        except NotFoundError:
            raise
        except ConflictError as conflict:
            return self._conflict(form, key, who, conflict)
        except BusinessError as refusal:
            return self._refused(form, refusal, title=self.edit_title, item=item)
        flash(str(_("Saved: %(name)s", name=self.row_title(item))), "success")
        return redirect(self._back(self.row_url(item)))

    def _locked(self, session: Session, key: int, who: Actor, right: str) -> Any:
        """The row as it is now, kept from others until the transaction ends."""
        item = get_visible(session, self.model, key, who, right)
        session.refresh(item, with_for_update={"of": self.model})
        return item

    def _refuse_stale(self, session: Session, item: Any, form: Any) -> None:
        if not isinstance(item, Revisioned):
            return
        if not form.rev.raw_data or form.rev.data is None:
            raise BadRequestError
        if item.rev != form.rev.data:
            raise ConflictError(by=changed_by(session, item), at=getattr(item, "updated_at", None), rev=item.rev)

    def _populate(self, session: Session, item: Any, form: Any, columns: Sequence[str]) -> None:
        # Half a record must not reach the database because check() reads something.
        with session.no_autoflush:
            for name in columns:
                if name not in self.form_fields or hasattr(self.model, name):
                    form[name].populate_obj(item, name)
            self.check(item)

    def _refuse_out_of_reach(self, session: Session, item: Any, by: Actor) -> None:
        """Nobody puts a row where he cannot see it himself: that is how rows are planted on others."""
        if session.scalar(select(self._key).where(self._key == item.id, visible(self.model, by))) is None:
            raise BusinessError(_("Saved like this, you could no longer see it yourself. Please choose otherwise."))

    def _form_page(
        self, form: Any, *, title: Any, item: Any = None, status: int = 200, conflict: Conflict | None = None
    ) -> tuple[str, int]:
        above = [(self.list_title, self._list_url())]
        if item is not None:
            above.append((self.row_title(item), self.row_url(item)))
        page = self.render_template(
            self.add_template if item is None else self.edit_template,
            screen=self, title=title, form=form, item=item, item_title=None if item is None else self.row_title(item),
            fields=[form[name] for name in (self.add_columns if item is None else self.edit_columns)],
            conflict=conflict, back=self._back(self._list_url() if item is None else self.row_url(item)),
            crumbs=trail(*above, here=title),
        )  # fmt: skip
        return page, status

    def _refused(self, form: Any, refusal: BusinessError, *, title: Any, item: Any = None) -> tuple[str, int]:
        """The form again with all that was typed; sentences stand beside their fields, the rest above them."""
        is_placed = bool(refusal.fields)
        for key, sentences in refusal.fields.items():
            if key in form:
                form[key].errors = [*form[key].errors, *map(str, sentences)]
            else:
                form.form_errors.extend(map(str, sentences))
        if not is_placed:
            form.form_errors.append(str(refusal.message))
        return self._form_page(form, title=title, item=item, status=refusal.status)

    def _conflict(self, form: Any, key: int, who: Actor, conflict: ConflictError) -> tuple[str, int]:
        """Somebody was faster: what he changed beside what is typed here. Saving once more is then a decision."""
        session = db.session()
        item = get_visible(session, self.model, key, who, "edit")
        told = []
        for name in self.edit_columns:
            theirs = self.shown(item, name) if hasattr(self.model, name) else ""
            typed = self._readable(name, form[name].data) if hasattr(self.model, name) else ""
            if str(theirs) != str(typed):
                told.append(Difference(self.label_columns[name], theirs, typed))
        if "rev" in form:
            form.rev.raw_data, form.rev.data = None, item.rev
        by = conflict.details.get("by") or changed_by(session, item)
        at = conflict.details.get("at") or getattr(item, "updated_at", None)
        return self._form_page(
            form, title=self.edit_title, item=item, status=conflict.status, conflict=Conflict(by, at, tuple(told))
        )

    # ── look-ups ──
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

    # ── actions ──
    @route("/action/<string:name>/<pk>", right="view", methods=("POST",))
    def action(self, name: str, pk: str) -> BaseResponse:
        """Do something with one row."""
        who, key = edge.actor(), row_id(pk)
        one = self._named_action(name, who)
        if not one.single:
            raise NotFoundError
        title, answer = self._act(one, key, who)
        if isinstance(answer, BaseResponse):
            return answer
        undo = Undo(url_for(f"{self.endpoint}.action", name="restore", pk=key)) if self._may_undo(one, who) else None
        told = _("%(action)s: %(name)s", action=one.text, name=title)
        return done(self._back(self._list_url()), told, undo=undo)

    @route("/action_post", right="view", methods=("POST",))
    def action_post(self) -> BaseResponse:
        """Do something with every chosen row, each on its own: one that is refused does not hold up the others."""
        who = edge.actor()
        one = self._named_action(request.form.get("action", ""), who)
        chosen = chosen_ids(request.form.getlist("rowid"))
        if not one.multiple:
            raise NotFoundError
        acted_on: list[int] = []
        refused: defaultdict[str, deque[str]] = defaultdict(deque)
        for key in chosen:
            try:
                self._act(one, key, who)
                acted_on.append(key)
            except BusinessError as refusal:
                refused[str(refusal.message)].append(self._named(key, who))
        for sentence, names in refused.items():
            named = ", ".join(islice(names, _MOST_NAMED)) + (", …" if len(names) > _MOST_NAMED else "")
            flash(f"{named}: {sentence}", "warning")
        back = self._back(self._list_url())
        if not acted_on:
            return redirect(back)
        undo = Undo(url_for(f"{self.endpoint}.action_post"), acted_on, "restore") if self._may_undo(one, who) else None
        told = ngettext("%(action)s: %(num)d row", "%(action)s: %(num)d rows", len(acted_on), action=one.text)
        return done(back, told, undo=undo)

    def _may_undo(self, one: Any, who: Actor) -> bool:
        """Is there a way back from this action, and may he go it?"""
        return one.name == "archive" and self._may_act(who, self.actions["restore"])

    def _named_action(self, name: str, who: Actor) -> Any:
        if name not in self.actions:
            raise NotFoundError
        who.must(self.actions[name].func._right, self.resource)
        return self.actions[name]

    def _act(self, one: Any, key: int, who: Actor) -> tuple[str, Any]:
        """One row, one transaction. Returns the row's title and what the action answers."""
        with saving() as session:
            item = self._locked(session, key, who, one.func._right)
            title = self.row_title(item)
            if not self.offers(one.name, item):
                raise BusinessError(_("This has been done already, or does not fit here."))
            return title, one.func(session, item, by=who)

    def _named(self, key: int, who: Actor) -> str:
        """A row's title for a message, if he may see it."""
        try:
            title = self.row_title(get_visible(db.session(), self.model, key, who))
        except NotFoundError:
            return f"#{key}"
        return title if len(title) <= 60 else f"{title[:59]}…"

    # ── around ──
    def _may(self, who: Actor) -> dict[str, bool]:
        """Which of the screen's doors are open to him, for the buttons."""
        return {
            "add": bool(self.add_columns) and who.may("add", self.resource),
            "edit": bool(self.edit_columns) and who.may("edit", self.resource),
        }

    def _may_act(self, who: Actor, one: Any) -> bool:
        return who.may(one.func._right, self.resource)

    def _list_url(self) -> str:
        return url_for(f"{self.endpoint}.list")

    @staticmethod
    def _back(otherwise: str) -> str:
        """Where the person came from when the form says so (and it is one of our pages), else `otherwise`."""
        return edge.our_page(request.values.get("back"), otherwise)
