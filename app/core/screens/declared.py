"""What does a screen say of itself? Its columns, texts and hooks; and how FAB is set up without its guesses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar

from flask import request, url_for
from flask_appbuilder import ModelView
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import Session

from app.core import clock, edge, guarded
from app.core.access import Actor, FieldRight
from app.core.conditions.fields import Kind
from app.core.db import Revisioned
from app.core.guarded import GuardedField, key_of
from app.core.i18n import _
from app.core.masking import Mask
from app.core.paging import PAGE_SIZE
from app.core.screens import checks, extra
from app.core.screens.columns import Derived, readable
from app.core.screens.doors import ScreenError, action
from app.core.screens.fields import Converter, Lookup, rev_field
from app.core.screens.interface import Interface
from app.core.screens.listing import ManyPage, Preset


class Declared(ModelView):
    """What a subclass declares, and what every part of a screen leans on."""

    # ── declared by the subclass ──
    #: name in security.roles
    resource: ClassVar[str]
    #: what the interface calls the same rows ("customers"); "": it has none of them
    collection: ClassVar[str] = ""
    #: what an empty list says, without which it only says that nothing is there; and its picture (_parts/ui.html)
    empty_text: ClassVar[Any] = None
    empty_art: ClassVar[str] = "folder"
    #: columns that can be withheld from a role → what is left to recognise their values by
    guarded: ClassVar[Mapping[str, Mask]] = {}
    #: those of them that tell something about a person
    sensitive: ClassVar[frozenset[str]] = frozenset()
    #: do people talk about its rows? (app/comments)
    comments: ClassVar[bool] = False
    datamodel: Interface
    label_columns: Any = {}
    #: order column → what it is really ordered by (a name by its sort key)
    order_keys: ClassVar[Mapping[str, Any]] = {}
    #: list columns that are more than a plain column of the table, or of the row that one relation leads to
    derived: ClassVar[Mapping[str, Derived]] = {}
    #: by which columns the list can be narrowed
    search_columns: Any = ()
    #: columns that the list offers besides `list_columns`
    more_columns: ClassVar[Sequence[str]] = ()
    #: views that are there for everybody, as tabs over the list
    presets: ClassVar[Sequence[Preset]] = ()
    #: are those that narrow the list offered in the tabs of other records too?
    presets_in_tabs: ClassVar[bool] = True
    #: action → the template of a dialog that asks something before it is done with the chosen rows (docs/ui.md)
    asks: ClassVar[Mapping[str, str]] = {}
    #: where more is done with the chosen rows than an action does: a page of its own, for whoever may edit
    many_page: ClassVar[ManyPage | None] = None
    #: what a row is called in a list
    title_column: ClassVar[str] = "name"
    #: relation in a form → how its rows are found
    lookups: ClassVar[Mapping[str, Lookup]] = {}
    #: enum column → {value: label}
    choice_labels: ClassVar[Mapping[str, Mapping[StrEnum, Any]]] = {}
    #: WTForms fields in the place of, or beside, columns of a form
    form_fields: ClassVar[Mapping[str, Any]] = {}
    #: a template above the fields of both forms, for what this screen has to say there; it knows `form`
    form_note: ClassVar[str] = ""
    #: related screen's class name → its relation to this table, where there are several; or, where none is direct,
    #: a function: row of this table → condition on the rows of the related one
    #: what a related list says when it is empty: a sentence, and a button with its address
    related_empty: ClassVar[Mapping[str, tuple[Any, Any, str]]] = {}
    related_by: ClassVar[Mapping[str, str | Callable[[Any], ColumnElement[bool]]]] = {}
    #: related screen's class name → what the list is called here, where that is not its own title
    related_titles: ClassVar[Mapping[str, Any]] = {}

    #: what is said before the list leaves as a file
    export_note: Any = ""
    #: rows can be chosen to leave alone as a file, even where there is nothing else to do with several
    exports_chosen: ClassVar[bool] = False

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
        closed |= set() if self.guarded else {"reveal"}
        self.exclude_route_methods = set(self.exclude_route_methods) | closed
        super().__init__(**kwargs)
        guarded.declare(self.resource, [
            GuardedField(self.resource, key_of(name), self.label_columns[name], mask, name in self.sensitive)
            for name, mask in self.guarded.items()
        ])  # fmt: skip
        if extra.takes(self.resource):
            # An instance's own: which fields there are, changes while it lives.
            self.label_columns = extra.Living(self.resource, self.label_columns, lambda one: one.label)
            self.derived = extra.Living(self.resource, self.derived, lambda one: one.derived)  # type: ignore[misc]
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
        self.search_columns = ["id"]  # FAB makes filters and a form of what stands here; ours are conditions
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

    def search_as(self, who: Actor, rows: Select[Any], text: str) -> Select[Any]:
        """The same where what is found depends on what this person may read. Called with the row rule applied."""
        return self.search(rows, text)

    def row_url(self, item: Any) -> str:
        """Where a row leads: the row itself, or that of a list, which has the id alone."""
        return f"{self.route_base}/show/{item.id}"  # what url_for() gives, without a search through all routes a row

    def row_title(self, item: Any) -> str:
        return str(item)

    def title_of(self, value: Any) -> str:
        """The same in a list, from the title column alone."""
        return str(value)

    def create(self, session: Session, form: Any, *, by: Actor) -> Any:
        """Make the record from a checked form, inside the transaction. Override to call the service that does it."""
        item = self.model()
        self._populate(session, item, form, self.add_columns)
        self.datamodel.add(item)
        self._refuse_out_of_reach(session, item, by)
        return item

    def after_adding(self, item: Any, form: Any) -> str:
        """The page that follows a new record."""
        return self.row_url(item)

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
        done=_("%(rows)s archived"),
        undo="restore",
        confirmation=_("Nothing is lost, it leaves the lists."),
        icon="archive",
    )
    def archive(self, session: Session, item: Any, *, by: Actor) -> None:
        item.archived_at = clock.now()
        if hasattr(item, "archived_by_id"):
            item.archived_by_id = by.user_id

    @action("restore", _("Restore"), right="delete", done=_("%(rows)s restored"), icon="archive-off")
    def restore(self, session: Session, item: Any, *, by: Actor) -> None:
        item.archived_at = None
        if hasattr(item, "archived_by_id"):
            item.archived_by_id = None

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
        return "" if value is None else readable(Kind.text, value, {})

    # ── fields that not everybody reads ──
    def right_to(self, who: Actor, name: str) -> FieldRight:
        """What this person may do with what stands in the column."""
        if name in self.extra_fields:
            added = extra.extra_of(self.resource)
            return FieldRight.hidden if added is None else added.right_to(who, name)
        if not who.fields:
            return FieldRight.full
        ruled_by = self.derived[name].guarded_as if name in self.derived else ""
        return who.field_right(self.resource, key_of(ruled_by or name))

    @property
    def extra_fields(self) -> extra.Fields:
        """Those that an admin added to its rows, as they are now."""
        return extra.fields_of(self.resource)

    def _is_seen(self, who: Actor, name: str) -> bool:
        return self.right_to(who, name) is not FieldRight.hidden

    def _is_read(self, who: Actor, name: str) -> bool:
        """As it is, without dots."""
        return self.right_to(who, name).width >= FieldRight.read_only.width

    # ── around ──
    def _may(self, who: Actor) -> dict[str, bool]:
        """Which of the screen's doors are open to him, for the buttons. Whoever looks as him is offered none."""
        return {
            "add": bool(self.add_columns) and who.is_himself and who.may("add", self.resource),
            "edit": bool(self.edit_columns) and who.is_himself and who.may("edit", self.resource),
        }

    def _may_act(self, who: Actor, one: Any) -> bool:
        return who.is_himself and who.may(one.func._right, self.resource)

    def _list_url(self) -> str:
        return url_for(f"{self.endpoint}.list")

    @staticmethod
    def _back(otherwise: str) -> str:
        """Where the person came from when the form says so (and it is one of our pages), else `otherwise`."""
        return edge.our_page(request.values.get("back"), otherwise)
