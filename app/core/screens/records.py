"""What stands on the page of one row, and in the panel beside its list? Its head, facts, tabs, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, ClassVar

from flask import redirect, request, url_for
from markupsafe import Markup
from sqlalchemy import func, inspect, select
from sqlalchemy.orm import RelationshipDirection

from app.core import edge, guarded, history, paging, uses
from app.core.access import Actor, get_visible, visible
from app.core.db import Stamped, db, row_id
from app.core.errors import BadRequestError, NotFoundError
from app.core.finding import record_key
from app.core.guarded import key_of
from app.core.i18n import _
from app.core.masking import masked
from app.core.pages import trail
from app.core.screens import listing, parts
from app.core.screens.columns import Column
from app.core.screens.doors import route
from app.core.screens.lists import ListPart
from app.core.screens.revealing import REVEALS, Asked, answer, drawn

_TAB_SIZE = 10
#: entries of the history in the panel
_RECENT = 3
_RECENT_READ = 10
HISTORY = "lich-su"


@dataclass(frozen=True)
class NextAction:
    """The one thing to do with the row before anything else, as its solid button."""

    label: Any
    url: str
    icon: str = ""
    #: it changes something: the button sends a form
    post: bool = False
    #: asked before it is sent
    confirmation: Any = None


@dataclass(frozen=True)
class Tab:
    """A tab of the page; `count` is None where none is told."""

    key: str
    label: Any
    url: str
    current: bool
    count: int | None = None
    capped: bool = False


@dataclass(frozen=True)
class Opened:
    """What the chosen tab draws, and with what."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stamp:
    """Who did it, when."""

    label: Any
    at: Any
    by: str


class RecordPart(ListPart):
    """The page of one row, and the panel that shows it beside the list."""

    #: the facts of the panel; None: those of the page. Derived columns as well as plain ones, as on the page
    panel_columns: ClassVar[Sequence[str] | None] = None
    #: fact → row → where what it names stands, for whoever may read the fact
    fact_links: ClassVar[Mapping[str, Callable[[Any], str]]] = {}
    #: event of the audit log → its words in the history; no other event is told
    history_events: ClassVar[Mapping[str, Any]] = {}
    panel_template = "screens/panel.html"

    @route("/show/<pk>", right="view")
    def show(self, pk: str) -> Any:
        who = edge.actor()
        item = get_visible(db.session(), self.model, row_id(pk), who)
        tabs, opened = self._tabs(item, who)
        told = {
            **self._head(item, who), "facts": self._facts(item, self.show_columns, who), "stamps": self._stamps(item),
            "uses": uses.uses_of(db.session(), self.model, item.id, who),
            "tabs": tabs, "opened": opened.template, "title": self.show_title,
            "crumbs": trail((self.list_title, self._list_url()), here=self.row_title(item)),
            "record": record_key(self.resource, item.id),
        }  # fmt: skip
        return self.render_template(self.show_template, **{**opened.values, **told})

    @route("/panel/<pk>", right="view")
    def panel(self, pk: str) -> Any:
        """The row at a glance, for the page that is open already; opened by itself it leads to the row's own page."""
        who = edge.actor()
        item = get_visible(db.session(), self.model, row_id(pk), who)
        if "X-Part" not in request.headers:
            return redirect(self.row_url(item))
        named = self.panel_columns if self.panel_columns is not None else self.show_columns
        recent = history.of(db.session(), self._subjects(item, who), who, size=_RECENT_READ)
        return self.render_template(
            self.panel_template, **self._head(item, who), title=self.show_title, url=self.row_url(item),
            facts=[(label, value) for label, value in self._facts(item, named, who) if value not in (None, "")],
            recent=recent.newest(_RECENT),
        )  # fmt: skip

    # ── hooks: what a feature says by code ──
    def state(self, item: Any) -> tuple[str, Any] | None:
        """(late, soon, ok, open, done or archived; its words) in the head of the row; None: nothing worth telling."""
        return ("archived", _("Archived")) if getattr(item, "archived_at", None) is not None else None

    def owner_name(self, item: Any) -> str:
        """Who looks after the row."""
        owner = getattr(item, "owner", None) if "owner" in inspect(self.model).relationships else None
        return str(owner) if owner is not None else ""

    def next_action(self, item: Any, who: Actor) -> NextAction | None:
        """The one thing to do next. None: to change the row, or to restore it, if he may."""
        return None

    def history_subjects(self, item: Any, who: Actor) -> list[history.Subject]:
        """Which rows and fields the history tells: the row's own columns that the screen shows, and those of a row
        beside it with the same key. A field that he may not see is to be left out here."""
        own: dict[str, Any] = {}
        beside: dict[Any, dict[str, Any]] = {}
        mapper = inspect(self.model)
        for name in (*self.show_columns, *self.list_columns, *self.add_columns, *self.edit_columns):
            root, _dot, leaf = name.partition(".")
            relation = mapper.relationships.get(root)
            if relation is None and root in mapper.columns:
                own.setdefault(root, self.label_columns[name])
            elif relation is not None and relation.direction is RelationshipDirection.MANYTOONE:
                local = next(iter(relation.local_columns))
                if not local.primary_key:
                    own.setdefault(mapper.get_property_by_column(local).key, self.label_columns[name])
                elif leaf:
                    beside.setdefault(relation, {})[leaf] = self.label_columns[name]
        subjects = [history.Subject(self.model, item.id, own, self._told_value, events=self.history_events)]
        for relation, told in beside.items():
            # Of a row beside, what is not read as it is is not told at all.
            labels = {leaf: label for leaf, label in told.items() if self._is_read(who, f"{relation.key}.{leaf}")}
            show = partial(self._told_value, beside=f"{relation.key}.")
            subjects.append(history.Subject(relation.mapper.class_, item.id, labels, show))
        return subjects

    def _subjects(self, item: Any, who: Actor) -> list[history.Subject]:
        """The same without what is hidden from him, and with dots where he reads dots."""
        told = [replace(one, events={**REVEALS, **one.events}) for one in self.history_subjects(item, who)]
        return [self._withheld(one, who) for one in told] if who.fields else told

    def _withheld(self, subject: history.Subject, who: Actor) -> history.Subject:
        show = subject.show
        # Who or what a key points at is told by name, which is no dots: of such a field nothing is told.
        labels = {
            column: label for column, label in subject.labels.items()
            if self._is_read(who, column) or (self._is_seen(who, column) and not column.endswith("_id"))
        }  # fmt: skip

        def shown(column: str, value: Any) -> Any:
            if self._is_read(who, column):
                return show(column, value)
            return masked(guarded.mask_of(self.resource, key_of(column)), value)

        return replace(subject, labels=labels, show=shown)

    def _told_value(self, column: str, value: Any, beside: str = "") -> Any:
        """A value of the log as the list shows such values."""
        offered = self.columns_offered.get(beside + column)
        return offered.shown(value) if offered is not None else self._readable(beside + column, value)

    # ── the head ──
    def _head(self, item: Any, who: Actor) -> dict[str, Any]:
        """What page and panel have in common."""
        rights = self._rights_over(item, who)
        verbs = [
            one for one in self.actions.values()
            if one.single and one.func._right in rights and self.offers(one.name, item)
        ]  # fmt: skip
        may_edit = bool(self.edit_columns) and "edit" in rights
        step, verbs = self._restoring(item, verbs)
        step = step or self.next_action(item, who)
        if step is None and may_edit:
            step, may_edit = NextAction(_("Edit"), url_for(f"{self.endpoint}.edit", pk=item.id), "pencil"), False
        title, code = self.row_title(item), getattr(item, "code", "") or ""
        return {
            "screen": self, "item": item, "item_title": title, "code": code if code != title else "",
            "is_person": history.is_person(inspect(self.model).primary_key[0]),
            "state": self.state(item), "owner": guarded.seen(who, self.resource, "owner", self.owner_name(item)) or "",
            "step": step, "actions": verbs, "may_edit": may_edit,
            "links": parts.links_for(item, self.resource, item.id, who),
        }  # fmt: skip

    def _restoring(self, item: Any, verbs: Sequence[Any]) -> tuple[NextAction | None, list[Any]]:
        """Of an archived row the one thing to do is to restore it, if that is among `verbs`; and the others of them."""
        restore = next((one for one in verbs if one.name == "restore"), None)
        if restore is None or getattr(item, "archived_at", None) is None:
            return None, list(verbs)
        address = url_for(f"{self.endpoint}.action", name="restore", pk=item.id)
        step = NextAction(restore.text, address, restore.icon, post=True)
        return step, [one for one in verbs if one is not restore]

    def _facts(self, item: Any, columns: Sequence[str], who: Actor) -> list[tuple[Any, Any]]:
        """Label and value; what the head and the stamps tell is left out."""
        told = {"code", self.title_column} | (
            {"created_at", "updated_at"} if issubclass(self.model, Stamped) else set()
        )
        named = [name for name in columns if name not in told and self._may_read(name, who)]
        derived = self._derived_facts(item, [name for name in named if name in self.derived], who)
        return [(self.label_columns[name], self._seen_by(who, item, name, derived)) for name in named]

    def _seen_by(self, who: Actor, item: Any, name: str, derived: Mapping[str, Any]) -> Any:
        """The column of the row as this person reads it; a value with dots has its way to be opened beside it."""
        value = derived[name] if name in derived else self._plain_to(who, item, name)
        if value in (None, ""):
            return value
        if self._is_read(who, name):
            link = self.fact_links.get(name)
            return value if link is None else Markup('<a href="{}">{}</a>').format(link(item), value)
        if not who.field_rule(self.resource, key_of(name)).may_reveal:
            return value
        return drawn(value, self._reveal_url(item, name), self.label_columns[name])

    def _plain_to(self, who: Actor, item: Any, name: str) -> Any:
        if self._is_read(who, name):
            return self.shown(item, name)
        value: Any = item
        for part in name.split("."):
            value = getattr(value, part, None)
        return masked(guarded.mask_of(self.resource, key_of(name)), value)

    def _derived_facts(self, item: Any, names: Sequence[str], who: Actor) -> Mapping[str, Any]:
        """The derived columns of the row as the list shows them to him; one query for all."""
        return self._told_of(item, [self._column_for(name, who) for name in names])

    def _told_of(self, item: Any, columns: Sequence[Column]) -> Mapping[str, Any]:
        if not columns:
            return {}
        values = [value for column in columns for value in (column.value, *column.besides)]
        told = iter(db.session().execute(select(*values).select_from(self.model).where(self._key == item.id)).one())
        return {column.key: column.shown(next(told), *islice(told, len(column.besides))) for column in columns}

    def _reveal_url(self, item: Any, name: str) -> str:
        return f"{self.route_base}/mo/{item.id}/{name}"

    @route("/mo/<pk>/<column>", right="view", methods=("GET", "POST"))
    def reveal(self, pk: str, column: str) -> Any:
        """Open a value that one reads with dots: for this page alone, with a reason, told to the audit."""
        who = edge.actor()
        item = get_visible(db.session(), self.model, row_id(pk), who)
        if column not in {*self.guarded, *map(key_of, self.guarded)} or self._is_read(who, column):
            raise NotFoundError
        key = key_of(column)
        opened = next(name for name in self.guarded if key_of(name) == key)
        if not self._may_read(opened, who):
            raise NotFoundError
        covered = self._derived_facts(item, [opened], who) if opened in self.derived else {}
        asked = Asked(
            self.label_columns[opened], covered.get(opened) or self._plain_to(who, item, opened),
            self.row_title(item), self.row_url(item), key, (self.resource, self.model.__tablename__, item.id),
        )  # fmt: skip
        return answer(asked, who, lambda: self._uncovered(item, opened), (self.list_title, self._list_url()))

    def _uncovered(self, item: Any, name: str) -> Any:
        if name not in self.derived:
            return self.shown(item, name)
        return self._told_of(item, [self._column(name).for_reader(edge.actor())])[name]

    def _stamps(self, item: Any) -> list[Stamp]:
        if not isinstance(item, Stamped):
            return []
        names = history.names_of_people(db.session(), (item.created_by_id, item.updated_by_id))
        made = Stamp(_("Record added"), item.created_at, names.get(item.created_by_id or 0, ""))
        changed = Stamp(_("Last change"), item.updated_at, names.get(item.updated_by_id or 0, ""))
        return [made, changed] if item.updated_at != item.created_at else [made]

    def _rights_over(self, item: Any, who: Actor) -> set[str]:
        """Which of the rights that matter here he has over this very row; one query for all. Looking: none."""
        if not who.is_himself:
            return set()
        asked = sorted({one.func._right for one in self.actions.values()} | {"edit"})
        asked = [right for right in asked if who.may(right, self.resource)]
        if not asked:
            return set()
        rules = [visible(self.model, who, right).label(right) for right in asked]
        row = db.session().execute(select(*rules).select_from(self.model).where(self._key == item.id)).one()
        return {right for right in asked if getattr(row, right)}

    # ── the tabs ──
    def _tabs(self, item: Any, who: Actor) -> tuple[list[Tab], Opened]:
        """The related lists that he may see, each with its own right and row rule; the parts of other features; the
        history. And what the chosen one draws: the others cost a number each, all numbers of lists in one query."""
        views = {view.endpoint: view for view in self._related_views if who.may("view", view.resource)}
        others = {part.key: part for part in parts.parts_for(self.resource, who)}
        keys = [*views, *others, HISTORY]
        chosen = request.args.get("tab", keys[0])
        counts = self._related_counts(views, item, who)
        counts |= {key: (part.count(db.session(), self.resource, item.id, who), False) for key, part in others.items()}
        keys = [key for key in keys if counts.get(key, (None, False))[0] != parts.NOT_HERE]
        if chosen not in keys:
            raise NotFoundError
        counts[HISTORY] = history.count(db.session(), self._subjects(item, who), who)
        labels = {name: self.related_titles.get(type(view).__name__, view.list_title) for name, view in views.items()}
        labels |= {key: part.label for key, part in others.items()} | {HISTORY: _("Change history")}
        tabs = [
            Tab(key, labels[key], url_for(f"{self.endpoint}.show", pk=item.id, tab=key), key == chosen,
                *counts.get(key, (None, False)))
            for key in keys
        ]  # fmt: skip
        if chosen in views:
            return tabs, self._related(views[chosen], labels[chosen], item, who)
        return tabs, self._opened(chosen, item, who, besides=("tab",))

    def _opened(self, key: str, item: Any, who: Actor, *, besides: Sequence[str]) -> Opened:
        """A part of another feature, or the history. `besides` are the page's own arguments of the address."""
        part = next((one for one in parts.parts_for(self.resource, who) if one.key == key), None)
        if part is not None:
            return Opened(part.template, part.context(db.session(), self.resource, item.id, who))
        for name in request.args:
            if name not in (*besides, "before"):
                raise BadRequestError(_("%(name)s is not something to filter by.", name=name[:50]))
        before = history.asked_before(request.args.get("before"))
        told = history.of(db.session(), self._subjects(item, who), who, before=before)
        kept = {name: request.args[name] for name in besides if name in request.args}
        return Opened("screens/_history.html", {"history": told, "is_newest": before is None, "kept": kept})

    def _related_counts(
        self, views: Mapping[str, ListPart], item: Any, who: Actor
    ) -> dict[str, tuple[int | None, bool]]:
        """How many live rows each list holds, and whether there are more than is counted; one query."""
        if not views:
            return {}
        counted = []
        for view in views.values():
            rows = self._related_rows(view, item).where(visible(view.model, who))
            if view._archivable:
                rows = rows.where(view.model.archived_at.is_(None))
            capped = rows.with_only_columns(view._key, maintain_column_froms=True).limit(paging.COUNT_CAP + 1)
            counted.append(select(func.count()).select_from(capped.correlate(None).subquery()).scalar_subquery())
        found = db.session().execute(select(*counted)).one()
        return {
            name: (min(count, paging.COUNT_CAP), count > paging.COUNT_CAP)
            for name, count in zip(views, found, strict=True)
        }

    def _related_rows(self, view: ListPart, item: Any) -> Any:
        by = self.related_by.get(type(view).__name__) or view.datamodel.get_related_fk(self.model)
        return select(view.model).where(by(item) if callable(by) else getattr(view.model, by) == item)

    def _related(self, view: ListPart, label: Any, item: Any, who: Actor) -> Opened:
        offer = view._offer(_TAB_SIZE)
        asked = listing.read_arguments(request.args, offer, besides=("tab",))
        rows = view._listed(self._related_rows(view, item), asked, who)
        page = view._page(rows, asked, offer, besides={"tab": view.endpoint})
        filters = [
            {
                "label": one.label,
                "url": page.link(where=None if asked.where == it else it.text),
                "on": asked.where == it,
            }
            for one, it in zip(view.presets, view._preset_conditions, strict=True)
            if view.presets_in_tabs and it is not None and view._is_for(one, it, who)
        ]
        chips = () if any(one["on"] for one in filters) else view._chips(page)
        empty = self.related_empty.get(type(view).__name__) or (view.empty_text or _("Nothing here yet."), "", "")
        told = {"page": page, "related": view, "related_title": label, "filters": filters, "parts_on": chips,
                "related_empty": empty}  # fmt: skip
        return Opened("screens/_related.html", told)
