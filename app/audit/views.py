"""The audit log on the screen: a list to look through and take away, the page of one event, and erasing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, ClassVar
from urllib.parse import urlencode

from flask import get_template_attribute, redirect, request
from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.audit import details, entries, erasing, kinds, records
from app.audit.cells import Cell, changed_fields, changed_in_words, changed_of, changed_shortly, names_for
from app.audit.dialogs import EraseDialog
from app.audit.entries import Told
from app.audit.search import from_address_like, search
from app.core import audit, edge, exports, history
from app.core.access import Actor, get_visible
from app.core.audit import AuditAction, AuditEvent, is_personal
from app.core.db import db, row_id
from app.core.errors import InvalidInputError, NotFoundError
from app.core.formats import exact_text
from app.core.i18n import _, ngettext
from app.core.pages import Page, done, page, refused_onto, show, trail
from app.core.screens import Derived, Interface, Kind, Preset, Screen, route
from app.core.screens.listing import Page as ListPage
from app.core.screens.restoring import restoring_url
from app.core.vietnamese import fold
from app.security import columns as people_columns

#: what has to be typed before values are erased
ERASE_WORD = _("ERASE")
PATH = "/nhat-ky"
#: rows of a file whose names are read together
_AT_ONCE = 500


class LogScreen(Screen):
    """/nhat-ky: everything that was done, by whom, in whose name, from where. Nobody changes it."""

    resource = "Audit"
    collection = "audit"
    datamodel = Interface(AuditEvent)
    route_base = PATH
    list_title = _("Audit log")
    show_title = _("Entry of the log")
    show_template = "audit/event.html"
    panel_template = "audit/panel.html"
    empty_text = _("Nothing is written here that you may see. Every change and every sign-in is noted here.")
    empty_art = "search"
    export_note = _(
        "Personal values stay out of the file: it says that they changed, and calls customers by their code."
    )
    title_column = "table_name"
    list_columns = ["at", "actor", "what", "kind", "record", "fields"]
    more_columns = ["address", "on_behalf_of", "origin", "reason", "record_id", "is_automatic"]
    show_columns = ["at"]
    order_columns = ["at"]
    search_columns = [
        "at", "actor", "on_behalf_of", "what", "kind", "record_id", "address", "origin", "reason",
        "is_automatic",
    ]  # fmt: skip
    base_order = ("at", "desc")
    presets = (
        Preset(_("All")),
        Preset(_("Today"), "at = today()"),
        Preset(_("Sign-ins"), "what in ('sign_in', 'sign_in_failed', 'sign_in_closed', 'first_password_expired',"
               " 'sign_out', 'sign_ins_ended')"),
        Preset(_("Rights and settings"), "kind in ('ab_user', 'ab_role', 'role_profile', 'role_scope', 'field_right',"
               " 'access_grant', 'team_member', 'setting') and is_automatic = false"),
        Preset(_("Taken away and opened"), "what in ('export', 'export.asked', 'field.revealed', 'audit.erased')"),
    )  # fmt: skip
    derived = {
        "actor": replace(
            people_columns.person(AuditEvent.actor_id), show=details.doer, besides=(AuditEvent.origin,), order=None
        ),
        "on_behalf_of": replace(people_columns.person(AuditEvent.on_behalf_of_id), order=None),
        "what": Derived(Kind.choice, audit.WHAT, choices=details.WHAT),
        "kind": Derived(
            Kind.choice, AuditEvent.table_name, choices={name: one.label for name, one in kinds.KINDS.items()},
        ),
        "record": Derived(Kind.text, records.record_of(), show=lambda _value: ""),
        "fields": Derived(Kind.text, changed_of(), show=changed_fields),
        "address": Derived(
            Kind.text, AuditEvent.address, contains=lambda typed: from_address_like(db.session(), typed)
        ),
        "record_id": Derived(Kind.number, AuditEvent.record_id),
        "is_automatic": Derived(Kind.yes_no, records.is_automatic()),
        "reason": Derived(Kind.text, details.reason_of(), compared=AuditEvent.__table__.c.reason),
    }  # fmt: skip
    choice_labels: ClassVar[Mapping[str, Mapping[Any, Any]]] = {"origin": kinds.ORIGINS}
    formatters_columns: ClassVar[Mapping[str, Any]] = {"reason": lambda value: _reason(value)}
    label_columns = {
        "at": _("When"),
        "actor": _("Who"),
        "on_behalf_of": _("In whose name"),
        "what": _("What happened"),
        "kind": _("Kind of record"),
        "record": _("Record"),
        "record_id": _("Number of the record"),
        "fields": _("What changed"),
        "address": _("From the address"),
        "origin": _("Way in"),
        "reason": _("Reason"),
        "is_automatic": _("Shared by itself, with work"),
    }

    def search_as(self, who: Actor, rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(search(db.session(), who, text))

    def title_of(self, value: Any) -> str:
        return str(kinds.kind_label(value))

    def row_title(self, item: AuditEvent) -> str:
        return str(_("Entry no. %(number)s", number=item.id))

    def _page(self, *told: Any, **more: Any) -> ListPage:
        """With the records by their names: one query for all kinds of them."""
        found, who = super()._page(*told, **more), edge.actor()
        places = {head.key: number for number, head in enumerate(found.columns)}
        record, fields = places.get("record"), places.get("fields")
        keys = {} if record is None else {row.id: records.record_key(row.values[record]) for row in found.rows}
        cells = {} if fields is None else {row.id: Cell.read(row.values[fields]) for row in found.rows}
        names = names_for(db.session(), who, cells, keys.values())
        rows = []
        for row in found.rows:
            shown = list(row.cells)
            named = names.records.get((keys[row.id][0] or "", keys[row.id][1] or 0)) if row.id in keys else None
            if record is not None and named is not None:
                shown[record] = get_template_attribute("audit/_cells.html", "record")(named)
            if fields is not None:
                shown[fields] = changed_shortly(row.id, cells[row.id], names)
            rows.append(replace(row, cells=tuple(shown)))
        return replace(found, rows=tuple(rows))

    def opened(self, session: Session, who: Actor, wanted: exports.Wanted) -> exports.Opened:
        """In the file a change stands with its old and new values, as far as they are not personal."""
        opened = super().opened(session, who, wanted)
        labels = {header.label: place for place, header in enumerate(opened.headers)}
        record, fields = (labels.get(self.label_columns[key]) for key in ("record", "fields"))
        headers = [
            replace(header, words=lambda value: history.reason_text(value, who.time_zone))
            if header.label is self.label_columns["reason"]
            else replace(header, words=None) if place in (record, fields) else header
            for place, header in enumerate(opened.headers)
        ]  # fmt: skip
        return replace(opened, headers=headers, rows=_in_words(session, who, opened.rows, record, fields))

    @route("/show/<pk>", right="view")
    def show(self, pk: str) -> Any:
        item, told = self._one(pk)
        return self.render_template(
            self.show_template, screen=self, told=told, title=self.row_title(item), facts=_facts(told),
            crumbs=trail((self.list_title, self._list_url()), here=self.row_title(item)), **_onward(told, edge.actor()),
        )  # fmt: skip

    @route("/panel/<pk>", right="view")
    def panel(self, pk: str) -> Any:
        item, told = self._one(pk)
        if "X-Part" not in request.headers:
            return redirect(self.row_url(item))
        return self.render_template(
            self.panel_template, told=told, title=self.row_title(item), facts=_facts(told), url=self.row_url(item)
        )

    def _one(self, pk: str) -> tuple[AuditEvent, Told]:
        who = edge.actor()
        item = get_visible(db.session(), AuditEvent, row_id(pk), who)
        (told,) = entries.told(db.session(), [item], who)
        return item, told


class ErasePages(Page):
    """/nhat-ky/xoa: personal values of one record are taken out of the log, for good."""

    resource = "Audit"
    route_base = f"{PATH}/xoa"
    default_view = "ask"

    @page("/<table>/<record_id>", right="delete")
    def ask(self, table: str, record_id: str) -> Any:
        return _erase_page(table, row_id(record_id), EraseDialog(formdata=None))

    @page("/<table>/<record_id>", "POST", right="delete")
    def erase(self, table: str, record_id: str) -> Any:
        number, dialog, who = row_id(record_id), EraseDialog(), edge.actor()
        if fold((dialog.typed.data or "").strip()) != fold(str(ERASE_WORD)):  # XOÁ, xóa: wherever the sign stands
            dialog.typed.errors = [str(_("Type %(word)s to confirm.", word=ERASE_WORD))]
            return _erase_page(table, number, dialog, status=422)
        try:
            with edge.transaction() as session:
                count = erasing.erase_sensitive(session, table, number, dialog.reason.data or "", by=who)
        except InvalidInputError as error:
            dialog.reason.errors = [str(one) for one in error.fields["reason"]]
            return _erase_page(table, number, dialog, status=422)
        except erasing.NothingKeptError as error:
            return refused_onto(log_of(table, number), error)
        told = ngettext("%(num)d value erased from the log.", "%(num)d values erased from the log.", count)
        return done(log_of(table, number), told)


def log_of(table: str, record_id: int) -> str:
    """The part of the log that tells of one record."""
    return f"{PATH}/list/?" + urlencode({"view": "0", "where": f"kind = '{table}' and record_id = {record_id}"})


def _erase_page(table: str, number: int, dialog: EraseDialog, status: int = 200) -> Any:
    if table not in kinds.KINDS:
        raise NotFoundError
    session, who = db.session(), edge.actor()
    whole = erasing.whole_of(session, table, number)
    kept = erasing.values_kept(session, erasing.rows_of(session, *whole))
    counts: Counter[str] = Counter()
    for (one, _number), count in kept.items():
        counts[one] += count
    named = records.records_named(session, who, [whole]).get(whole)
    name = named.title if named is not None and named.title else _("no. %(number)s", number=whole[1])
    return show(
        "audit/erase.html", status, form=dialog, word=ERASE_WORD, record=f"{kinds.kind_label(whole[0])}: {name}",
        counts=[(kinds.kind_label(one), counts[one]) for one in kinds.KINDS if counts[one]], count=counts.total(),
        back=log_of(table, number), record_url=named.url if named is not None else None,
        crumbs=trail((_("Audit log"), f"{PATH}/list/"), here=_("Erase personal values")),
    )  # fmt: skip


def _reason(value: Any) -> Any:
    return history.reason_text(value, edge.time_zone())


def _in_words(
    session: Session, who: Actor, rows: Iterable[Sequence[Any]], record: int | None, fields: int | None
) -> Iterator[Sequence[Any]]:
    """Rows of a file with what they tell of in words; the names are read for many rows at once."""
    left = iter(rows)
    while some := list(islice(left, _AT_ONCE)):
        cells = {} if fields is None else {place: Cell.read(row[fields]) for place, row in enumerate(some)}
        keys = [] if record is None else [records.record_key(row[record]) for row in some]
        names = names_for(session, who, cells, keys, leaves=True)
        for place, row in enumerate(some):
            told = list(row)
            if record is not None:
                told[record] = records.record_in_words(row[record], names.records)
            if fields is not None:
                told[fields] = changed_in_words(cells[place], names)
            yield told


def _facts(told: Told) -> Sequence[tuple[Any, Any]]:
    event = told.event
    came = kinds.ORIGINS.get(event.origin, "")
    rows = [
        (_("When"), exact_text(event.at, edge.time_zone())),
        (_("Who"), told.who),
        (_("In whose name"), told.in_name_of),
        (_("Way in"), came),
        (_("From the address"), event.address),
        (_("Kind of record"), told.kind),
        (_("Reason"), told.reason),
    ]
    return [(label, value) for label, value in rows if value not in (None, "")]


def _onward(told: Told, who: Actor) -> dict[str, Any]:
    """What can be done from here."""
    event = told.event
    is_of_record = event.table_name in kinds.KINDS and event.record_id is not None
    of_record = log_of(event.table_name or "", event.record_id or 0) if is_of_record else None
    may_erase = is_of_record and who.may("delete", "Audit") and any(map(is_personal, event.changes.values()))
    restorable = event.action is AuditAction.change and told.record is not None and not told.is_erased
    return {
        "of_record_url": of_record,
        "erase_url": f"{PATH}/xoa/{event.table_name}/{event.record_id}" if may_erase and not told.is_erased else None,
        "restore_url": restoring_url(db.session(), event, who) if restorable else None,
    }


__all__ = ["ErasePages", "LogScreen", "log_of"]
