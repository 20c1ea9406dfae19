"""How does a list leave as a file? What is filtered or chosen: at once when it is short, else by the worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import quote

from flask import redirect, request
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.core import edge, exports, links, paging
from app.core.access import Actor, visible
from app.core.db import db
from app.core.errors import BadRequestError, ConflictError
from app.core.export_view import as_download
from app.core.exports import Format, Opened, TooManyToExportError, Wanted, sources
from app.core.i18n import _, in_language, ngettext
from app.core.lists import read_condition
from app.core.pages import refused_onto
from app.core.screens import chooser, listing
from app.core.screens.acting import ActionPart
from app.core.screens.columns import Column
from app.core.screens.doors import route
from app.core.screens.saving import chosen_ids
from app.core.sheets import Header

_BATCH = 1_000
#: The page stays where it is while a file is taken: what is said of it travels beside it (assets/js/downloads.js).
_DOWNLOADED = "tt_downloaded"
_TOLD_FOR = 60
#: which part of a list is on the screen says nothing about what is taken away; nor does the view that led to it, for
#: what a view asks for stands beside it
_OF_THE_SCREEN = ("page", "page_size", "after", "before", "view")


class ExportPart(ActionPart):
    """The file of a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        exports.register_source(_ScreenSource(self))

    @route("/export", right="export", methods=("POST",))
    def export(self) -> Response:
        """The rows that are asked for, as a file; a long list becomes a page that tells how far it is."""
        who, wanted, back = edge.actor(), self._wanted(), self._back(self._list_url())
        try:
            opened = exports.open_list(db.session(), who, wanted)
            if opened.count > exports.AT_ONCE:
                with edge.transaction() as session:
                    number = exports.ask(session, wanted, rows=opened.count, by=who).id
                return redirect(links.export_path(number))
            return _at_once(opened, wanted, who)
        except (TooManyToExportError, ConflictError) as refusal:
            return refused_onto(back, refusal)

    def opened(self, session: Session, who: Actor, wanted: Wanted) -> Opened:
        """The list as this person may take it away: rows that he may see and export, columns that he may see."""
        asked = self.asked_of(MultiDict([*wanted.arguments, ("view", "0")]), who=who)
        if wanted.all_columns:
            asked = replace(asked, columns=tuple(self.columns_to(who)))
        # What he reads with dots does not leave; what a row is called always does.
        read = [one for one in self.columns_for(asked, who) if self._is_read(who, one.key)]
        columns = read or [self._column_for(self.title_column, who)]
        rows = self._listed(select(self.model), asked, who).where(visible(self.model, who, "export"))
        if wanted.ids:
            rows = rows.where(self._key.in_(wanted.ids))
        rows = self._taken_away(rows, asked)
        by = self._order(asked)
        ordered = paging.in_order(self._selected(rows, by, columns), by, self._key, falling=asked.is_falling)
        return Opened(
            title=self.list_title,
            headers=[self._headed(column, who) for column in columns],
            count=self._up_to_the_most(session, rows),
            rows=self._rows_taken(session, ordered, columns, who),
        )

    def _taken_away(self, rows: Select[Any], asked: listing.Asked) -> Select[Any]:
        """Which of the rows leave; all of them, unless a screen holds some back that nobody asked for."""
        return rows

    def _headed(self, column: Column, who: Actor) -> Header:
        return _header(column, who)

    def _rows_taken(
        self, session: Session, ordered: Select[Any], columns: Sequence[Column], who: Actor
    ) -> Iterable[Sequence[Any]]:
        """The rows as they go into the file: id, order value and title stand before the columns."""
        return _streamed(session, ordered)

    def asked_in_words(self, arguments: Iterable[tuple[str, str]], who: Actor) -> Iterator[str]:
        """What an address asks of the list, for people; a condition on what the list no longer has stays as typed."""
        for name, value in arguments:
            if name == "where":
                yield self._condition_in_words(value, who)
            elif name == "q" and value:
                yield str(_("Search: %(text)s", text=value))
            elif name == "order":
                column = self.label_columns.get(value.removeprefix("-"), _("When it was added"))
                falls = value.startswith("-")
                yield str(_("%(column)s: falling", column=column) if falls else _("%(column)s: rising", column=column))
            elif name == "columns" and value:
                labels = [str(self.label_columns.get(one, one)) for one in value.split(",")]
                yield str(_("Columns: %(names)s", names=", ".join(labels)))
            elif name == "archived" and value == "1":
                yield str(_("Archived"))

    def _condition_in_words(self, typed: str, who: Actor) -> str:
        try:
            condition = read_condition(typed, self.filter_fields)
        except BadRequestError:
            return typed
        labels = {key: str(one.label) for key, one in self.filter_fields.items()}
        return condition.sentence(labels, chooser.values_of(condition, self.filter_fields, who)) if condition else ""

    def _up_to_the_most(self, session: Session, rows: Select[Any]) -> int:
        keys = rows.with_only_columns(self._key, maintain_column_froms=True).order_by(None)
        capped = keys.limit(sources.MOST_ROWS + 1).correlate(None).subquery()
        return session.scalar(select(func.count()).select_from(capped)) or 0

    def _wanted(self) -> Wanted:
        """What the form asks for. Raises BadRequestError for what no form of ours sends."""
        sent = request.form
        some = "rowid" in sent and sent.get("all") != "1"
        if sent.get("format") not in set(Format):
            raise BadRequestError
        pairs = listing.read_query(sent.get("query", "")).items(multi=True)
        return Wanted(
            list_key=self.key,
            format=Format(sent["format"]),
            arguments=tuple((name, value) for name, value in pairs if name not in _OF_THE_SCREEN),
            ids=tuple(chosen_ids(sent.getlist("rowid"))) if some else (),
            all_columns=sent.get("columns") == "all",
        )

    def _may(self, who: Actor) -> dict[str, bool]:
        return super()._may(who) | {"export": who.may("export", self.resource)}


class _ScreenSource:
    """A screen's list among the lists that can be exported."""

    def __init__(self, screen: ExportPart) -> None:
        self._screen = screen
        self.key, self.title, self.resource = screen.key, screen.list_title, screen.resource

    def open(self, session: Session, who: Actor, wanted: Wanted) -> Opened:
        return self._screen.opened(session, who, wanted)

    def in_words(self, arguments: Iterable[tuple[str, str]], who: Actor) -> Iterable[str]:
        return self._screen.asked_in_words(arguments, who)


def _header(column: Column, who: Actor) -> Header:
    """How the column is written. What a screen draws around its values stays on the screen."""
    if column.write is not None:
        return Header(column.label, column.kind, column.write)
    # Read once a file: a catalogue would be asked again for every row.
    with in_language(who.language):
        labels = {code: str(label) for code, label in column.choices.items()}
    if not labels:
        return Header(column.label, column.kind)
    # Several values of one row stand a line each.
    return Header(
        column.label, column.kind, lambda codes: ", ".join(labels.get(code, code) for code in str(codes).split("\n"))
    )


def _streamed(session: Session, ordered: Select[Any]) -> Iterator[Sequence[Any]]:
    for row in session.execute(ordered, execution_options={"yield_per": _BATCH}):
        yield tuple(row[3:])  # id, order value and title stand before the columns


def _at_once(opened: Opened, wanted: Wanted, who: Actor) -> Response:
    file = TemporaryFile(dir=exports.folder())  # noqa: SIM115 - closed with the answer
    try:
        rows = exports.write_at_once(file, opened, wanted, by=who)
        # Nothing leaves untold: the audit is written before the first byte goes out.
        with edge.transaction() as session:
            exports.tell_audit(session, wanted, rows=rows, by=who)
        file.seek(0)
        answer = as_download(file, exports.file_name(opened.title, wanted.format, by=who), wanted.format)
        told = ngettext("%(num)s row downloaded", "%(num)s rows downloaded", rows)
        answer.set_cookie(_DOWNLOADED, quote(str(told)), max_age=_TOLD_FOR, samesite="Lax", secure=request.is_secure)
        return answer
    except BaseException:
        file.close()
        raise


__all__ = ["ExportPart"]
