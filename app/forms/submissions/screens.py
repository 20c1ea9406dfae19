"""Which answers are there? One list over all forms, and one for each form with its questions as columns."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from flask import Blueprint, request
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.core import edge, exports, links
from app.core.access import Actor, FieldRight, Scope
from app.core.conditions import sql
from app.core.db import db
from app.core.errors import NotFoundError
from app.core.exports import Opened, Source, Wanted
from app.core.i18n import LazySentence, _
from app.core.lists import Listed, register_lists
from app.core.pages import trail
from app.core.remembered import kept
from app.core.screens import Derived, Interface, Kind, Preset, Screen, route
from app.core.screens.columns import Column
from app.core.screens.listing import Asked, Page
from app.core.screens.lists import reader_of
from app.core.sheets import Header
from app.customers import columns as customer_columns
from app.customers.queries import customer_names
from app.forms import queries, reading
from app.forms.asked_once import remembering
from app.forms.fields.base import Context, Control
from app.forms.models import Form, FormPurpose, FormVersion, Submission, SubmissionSource, SubmissionState
from app.forms.submissions import charts, columns, index, running
from app.forms.submissions.columns import AnswerColumn
from app.security import columns as people_columns

STATE_LABELS: Mapping[SubmissionState, Any] = {
    SubmissionState.submitted: _("Sent"),
    SubmissionState.locked: _("Locked"),
    SubmissionState.voided: _("Voided"),
}
SOURCE_LABELS: Mapping[SubmissionSource, Any] = {
    SubmissionSource.page: _("Form page"),
    SubmissionSource.customer: _("Customer's page"),
    SubmissionSource.task: _("Task"),
    SubmissionSource.instance: _("Start of a process"),
    SubmissionSource.api: _("Program (API)"),
    SubmissionSource.public: _("Public form"),
}
#: rows that are read at once for a file
_LOT = 500
#: questions that are columns by themselves; the others are one click away
_MOST_SHOWN = 5
_VERSION = select(FormVersion.number).where(FormVersion.id == Submission.form_version_id).correlate(Submission)


class _Answers(Screen):
    """What both lists have in common: they are looked at, and everything is done on the page of the answers."""

    resource = "Submission"
    datamodel = Interface(Submission)
    empty_text: ClassVar[Any] = _("Nobody has filled in a form yet. What is sent stands here, whatever it came from.")
    empty_art = "folder"
    list_title = _("Submissions")
    show_title = _("Submission")
    title_column = "id"
    exclude_route_methods: Any = frozenset(
        {"show", "action", "action_post", "preview", "preview_post", "bring_back", "lookup"}
    )
    export_note = _("Voided submissions are left out, unless you filter by their state.")
    exports_chosen = True
    order_columns: Any = ["created_at", "created_by", "state", "source", "customer"]
    derived: ClassVar[Mapping[str, Derived]] = {
        "form": Derived(Kind.text, select(Form.name).where(Form.id == Submission.form_id).correlate(Submission)
                        .scalar_subquery()),
        "form_code": Derived(Kind.text, select(Form.code).where(Form.id == Submission.form_id).correlate(Submission)
                             .scalar_subquery()),
        "number": Derived(Kind.number, Submission.id, show=lambda number: f"#{number}"),
        "version": Derived(Kind.number, _VERSION.scalar_subquery(), show=lambda number: f"v{number}"),
        "customer": customer_columns.name(Submission.customer_id),
        "customer_code": customer_columns.code(Submission.customer_id),
        "created_by": people_columns.person(Submission.filled_in_by_id),
        "taken_in_by": people_columns.person(Submission.taken_in_by_id),
        "corrected_by": people_columns.person(Submission.corrected_by_id),
        "team": people_columns.team(Submission.team_id),
    }  # fmt: skip
    # Ids are given in the order in which answers come, and come with an index.
    order_keys: ClassVar[Mapping[str, Any]] = {"created_at": Submission.id}
    base_order = ("created_at", "desc")
    choice_labels: ClassVar[Mapping[str, Mapping[Any, Any]]] = {"state": STATE_LABELS, "source": SOURCE_LABELS}
    label_columns: Any = {
        "number": _("Number"),
        "form": _("Form"),
        "form_code": _("Code of the form"),
        "version": _("Version"),
        "customer": _("Customer"),
        "customer_code": _("Customer code"),
        "created_by": _("Filled in by"),
        "taken_in_by": _("Taken in by"),
        "created_at": _("Filled in"),
        "corrected_by": _("Corrected by"),
        "corrected_at": _("Corrected"),
        "revision": _("Revision"),
        "team": _("Team"),
        "source": _("Came from"),
        "state": _("State"),
        "locked_at": _("Locked on"),
        "voided_at": _("Voided on"),
    }
    presets: ClassVar[Sequence[Preset]] = (
        Preset(_("All")),
        Preset(_("Mine"), "created_by = me()"),
        Preset(_("Locked"), "state = 'locked'"),
        Preset(_("Voided"), "state = 'voided'"),
    )
    search_columns: Any = [
        "number", "version", "customer", "customer_code", "created_by", "taken_in_by", "created_at", "corrected_by",
        "corrected_at", "revision", "team", "source", "state", "locked_at", "voided_at",
    ]  # fmt: skip

    def row_url(self, item: Any) -> str:
        return links.submission_path(item.id)

    def row_title(self, item: Submission) -> str:
        return f"{item} #{item.id}"

    def title_of(self, value: Any) -> str:
        return str(_("Submission no. %(number)s", number=value))

    def state(self, item: Submission) -> tuple[str, Any] | None:
        colour = {SubmissionState.submitted: "open", SubmissionState.locked: "done", SubmissionState.voided: "archived"}
        return colour[item.state], STATE_LABELS[item.state]

    def _may(self, who: Actor) -> dict[str, bool]:
        may_fill = who.is_himself and who.may("add", self.resource)
        return {**super()._may(who), "add": False, "edit": False, "fill": may_fill}

    def _taken_away(self, rows: Select[Any], asked: Asked) -> Select[Any]:
        """What was voided leaves with nobody who did not ask for it."""
        if asked.where is not None and "state" in asked.where.keys:
            return rows
        return rows.where(Submission.state != SubmissionState.voided)


class SubmissionScreen(_Answers):
    """/phieu: everything that was filled in, over all forms."""

    collection = "submissions"
    route_base = "/phieu"
    list_template = "forms/submissions.html"
    list_columns = ["number", "form", "customer", "created_by", "created_at", "source", "state"]
    more_columns = (
        "form_code", "version", "customer_code", "team", "taken_in_by", "revision", "corrected_by", "corrected_at",
        "locked_at", "voided_at",
    )  # fmt: skip
    show_columns = [
        "form", "version", "customer", "created_by", "created_at", "source", "state", "revision", "corrected_at",
    ]  # fmt: skip
    search_columns = ["form", "form_code", *_Answers.search_columns]


class FormAnswers(_Answers):
    """/bieu-mau/<code>/phieu: the answers to one form, with its questions as columns.

    The registered screen is the mould: each request is answered by a copy that knows the form (`of`).
    """

    route_base = "/bieu-mau/<form_code>/phieu"
    list_template = "forms/answers.html"
    list_columns = ["number", "customer", "created_by", "created_at", "state"]
    more_columns = (
        "version", "source", "customer_code", "team", "taken_in_by", "revision", "corrected_by", "corrected_at",
        "locked_at", "voided_at",
    )  # fmt: skip
    show_columns = ["version", "customer", "created_by", "created_at", "source", "state", "revision", "corrected_at"]

    #: of a copy: its form, and its questions by the name of their column
    form_id: int = 0
    code: str = ""
    answers: Mapping[str, AnswerColumn] = {}
    #: those of which one answer may stand in the index several times
    several: frozenset[str] = frozenset()

    def __init__(self, **kwargs: Any) -> None:
        self._made: dict[int, tuple[int, FormAnswers]] = kept({})
        super().__init__(**kwargs)
        register_lists(KEYED, self._keyed)
        exports.register_sources(KEYED, self._source)

    # ── one for each form ──
    def _register_urls(self) -> None:
        mould = self
        for name in dir(type(self)):
            method = getattr(type(self), name)
            for address, methods in getattr(method, "_urls", ()):
                if name not in self.exclude_route_methods:
                    self.blueprint.add_url_rule(address, name, _answered_by(mould, name, method), methods=methods)
        blueprint: Blueprint = self.blueprint
        blueprint.url_defaults(_with_the_form)

    def of(self, code: str, who: Actor) -> FormAnswers:
        """The list of the form with this code. Raises NotFoundError where there is none for him, or none published."""
        form = queries.form_for(db.session(), code, who)
        version = form.active_version
        if form.purpose is not FormPurpose.answers or version is None:
            raise NotFoundError
        known = self._made.get(form.id)
        if known is None or known[0] != version.id or known[1].list_title != form.name:
            known = self._made[form.id] = version.id, self._copy(form, version)
        return known[1]

    def _copy(self, form: Form, version: FormVersion) -> FormAnswers:
        made = copy.copy(self)
        for remembered in ("_own_orders", "_own_columns", "_own_filter_fields", "_with_added", "_preset_conditions"):
            made.__dict__.pop(remembered, None)
        found = columns.columns_of(form.id, version)
        asked = {one.key for one in queries.definition_of(version).fields}
        # Whole paragraphs push all else off the screen: they come behind what is short.
        short_first = sorted(found.items(), key=lambda one: one[1].one.type.face.control is Control.area)
        first = [name for name, one in short_first if one.one.key in asked][:_MOST_SHOWN]
        searchable = [name for name, one in found.items() if one.is_searchable]
        told: dict[str, Any] = {
            "form_id": form.id, "code": form.code, "answers": found, "list_title": form.name,
            "several": frozenset(columns.PREFIX + key for key in index.several_of_form(db.session(), form.id)),
            "route_base": f"/bieu-mau/{form.code}/phieu",
            "derived": {**type(self).derived, **{name: one.derived for name, one in found.items()}},
            "label_columns": {**self.label_columns, **{name: one.label for name, one in found.items()}},
            "list_columns": [*self.list_columns[:2], *first, *self.list_columns[2:]],
            "more_columns": (*(name for name in found if name not in first), *type(self).more_columns),
            "search_columns": [*type(self).search_columns, *searchable],
            "order_columns": [*type(self).order_columns, *searchable],
        }  # fmt: skip
        made.__dict__.update(told)
        return made

    def _keyed(self, key: str) -> Listed | None:
        try:
            return self.of(key.removeprefix(KEYED), edge.actor())
        except NotFoundError:
            return None

    def _source(self, key: str) -> Source:
        return _FormSource(self, key)

    @property
    def key(self) -> str:
        return f"{KEYED}{self.code}" if self.code else type(self).__name__

    def _list_url(self) -> str:
        return f"{self.route_base}/list/"

    # ── what they come to ──
    @route("/bieu-do", right="view")
    def charts(self) -> Any:
        """A chart for each question whose answers are counted, with its numbers as a table."""
        session, who = db.session(), edge.actor()
        version = queries.published_version(session, self.code)
        if version is None:
            raise NotFoundError
        return self.render_template(
            "forms/charts.html", screen=self, title=_("Charts: %(form)s", form=self.list_title),
            found=charts.charts_of(session, self.form_id, version, who, queries.context_for(session, who)),
            most=charts.MOST_LOOKED_AT, unfinished=running.progress(session, self.form_id),
            crumbs=trail((_("Submissions"), "/phieu/list/"), (self.list_title, self._list_url()), here=_("Charts")),
        )  # fmt: skip

    # ── whose answers are read ──
    def right_to(self, who: Actor, name: str) -> FieldRight:
        column = self.answers.get(name)
        if column is None:
            return super().right_to(who, name)
        return reading.right_in(column.one, _reader(who))

    def _may_compare(self, name: str, who: Actor) -> bool:
        """Answers to all versions are found by it: each of them must be his to read."""
        column = self.answers.get(name)
        return super()._may_compare(name, who) and (column is None or reading.is_read(column.compared, _reader(who)))

    def _column_for(self, name: str, who: Actor) -> Column:
        """Each cell says what he reads of it, by the version of its answer (columns.told)."""
        if name not in self.answers:
            return super()._column_for(name, who)
        column = self.columns_offered[name]
        return column if self._may_compare(name, who) else replace(column, order=None, field=None)

    # ── its rows ──
    def _listed(self, rows: Select[Any], asked: Asked, who: Actor) -> Select[Any]:
        return super()._listed(rows, asked, who).where(Submission.form_id == self.form_id)

    def _keys_asked(self, asked: Asked, who: Actor) -> Select[Any] | None:
        """Of whoever sees all answers, the index alone says which of them have these values."""
        if asked.where is None or asked.q or who.scope(self.resource) is not Scope.all:
            return None
        keys = sql.keys_beside(asked.where, self.fields_for(who, asked.where.keys), reader=reader_of(who))
        return keys if keys is None or asked.where.keys.isdisjoint(self.several) else keys.distinct()

    def _page(self, *args: Any, known_as: Any = None, **kwargs: Any) -> Page:
        known = None if known_as is None else (self.key, known_as)
        return super()._page(*args, known_as=known, **kwargs)

    def _once(self, asked: Asked, build: Callable[[], Select[Any]]) -> Select[Any]:
        return build()  # remembered by the screen's name, which all forms share

    def _rows(self, found: Sequence[Any], shown: Sequence[Any]) -> Any:
        self._know(found, shown, columns.context(), edge.actor())
        return super()._rows(found, shown)

    def _know(self, found: Sequence[Any], shown: Sequence[Any], read_by: Context, who: Actor) -> None:
        """The customers that these rows name, in one query."""
        places = [
            3 + place for place, one in enumerate(shown)
            if one.key in self.answers and self.answers[one.key].one.type.code == "customer"
        ]  # fmt: skip
        ids = {row[place] for row in found for place in places if isinstance(row[place], int)}
        if ids:
            known: Any = read_by.customers
            named = customer_names(db.session(), ids, who)
            known.know({number: named[number].name if number in named else None for number in ids})

    # ── taken away ──
    def _rows_taken(self, session: Session, ordered: Select[Any], shown: Sequence[Column], who: Actor) -> Any:
        """Each answer as it reads under the version under which it was given."""
        read_by = remembering(queries.context_for(session, who))
        told = [self.answers.get(one.key) for one in shown]
        rows = ordered.add_columns(Submission.form_version_id.label("version_id"))
        for lot in session.execute(rows, execution_options={"yield_per": _LOT}).partitions():
            self._know(lot, shown, read_by, who)
            for row in lot:
                values, version_id = row[3:-1], row[-1]
                yield [
                    value if column is None else columns.on_sheet(column, value, version_id, read_by)
                    for column, value in zip(told, values, strict=True)
                ]

    def _headed(self, column: Column, who: Actor) -> Header:
        answer = self.answers.get(column.key)
        return super()._headed(column, who) if answer is None else Header(column.label, columns.sheet_kind(answer))


def _reader(who: Actor) -> Context:
    return Context(roles=None if who.is_system else who.roles, rights=reading.rights_of(who))


#: in front of the key of a form's list, among exports and saved views
KEYED = "FormAnswers."


def _answered_by(mould: FormAnswers, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def answer(form_code: str, **values: Any) -> Any:
        return getattr(mould.of(form_code, edge.actor()), name)(**values)

    return answer


def _with_the_form(_endpoint: str, values: dict[str, Any]) -> None:
    """An address of this list is one of the same form, unless it says otherwise."""
    code = (request.view_args or {}).get("form_code")
    if code is not None:
        values.setdefault("form_code", code)


class _FormSource:
    """The list of one form among the lists that can be exported."""

    resource = _Answers.resource

    def __init__(self, mould: FormAnswers, key: str) -> None:
        self._mould, self.key = mould, key
        self.title = LazySentence(self._title)

    def _title(self) -> str:
        name = db.session().scalar(select(Form.name).where(Form.code == self.key.removeprefix(KEYED)))
        return name or str(_("A list that is no longer there"))

    def open(self, session: Session, who: Actor, wanted: Wanted) -> Opened:
        return self._mould.of(self.key.removeprefix(KEYED), who).opened(session, who, wanted)

    def in_words(self, arguments: Any, who: Actor) -> Any:
        try:
            return self._mould.of(self.key.removeprefix(KEYED), who).asked_in_words(arguments, who)
        except NotFoundError:
            return ()
