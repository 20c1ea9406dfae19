"""/khach-hang/sua-hang-loat: choose customers on their list, say what is set, see the numbers, do it, take it back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask import flash, redirect, request
from sqlalchemy import Select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.core import edge, links, paging
from app.core.access import get_visible
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError, InvalidInputError
from app.core.i18n import _, ngettext
from app.core.lists import list_of
from app.core.pages import ENOUGH, Page, Undo, done, page, page_number, page_of, refused_onto, show, trail
from app.core.screens.fields import read_day
from app.core.screens.saving import chosen_ids, unpacked
from app.customers.bulk import fields, queries, services, shown
from app.customers.bulk.fields import BulkKind
from app.customers.bulk.models import BulkEdit, BulkOutcome, BulkPhase
from app.customers.models import Customer

LINES = 50
PATH = "/khach-hang/sua-hang-loat"
_CUSTOMERS = "/khach-hang/list/"
#: reasons that a message tells; the page of the bulk edit has all of them
_MOST_TOLD = 8


class BulkPages(Page):
    """Changing many customers at once."""

    resource = "Customer"
    route_base = PATH

    @page("/", right="edit")
    def index(self) -> Any:
        session, number, who = db.session(), page_number(), edge.actor()
        rows = queries.edits(who)
        found = session.scalars(rows.limit(LINES).offset((number - 1) * LINES)).all()
        counted = paging.count(session, rows, BulkEdit.id)
        return show(
            "bulk/list.html", page=page_of(number, len(found), counted, size=LINES),
            rows=[{**shown.told(job, who), "set": shown.set_in(session, job, who)} for job in found],
            crumbs=trail((_("Customers"), _CUSTOMERS), here=_("Bulk edits")),
        )  # fmt: skip

    @page("/chon", "POST", right="edit")
    def choose(self) -> Any:
        """The rows that are ticked on the list (`rowid`), or all of it (`all` with its `query`)."""
        back = edge.our_page(request.form.get("back"), _CUSTOMERS)
        try:
            with edge.transaction() as session:
                job = services.choose(session, _chosen(), by=edge.actor(), came_from=back[:10_000])
                number = job.id
        except BusinessError as refusal:
            return refused_onto(back, refusal)
        return redirect(links.customers_edit_path(number))

    @page("/<job_id>", right="edit")
    def show_job(self, job_id: str) -> Any:
        """Of a draft: what is set, and with `?xem=1` the numbers. `?phan=1` is the part that asks again by itself."""
        session, who = db.session(), edge.actor()
        job = get_visible(session, BulkEdit, row_id(job_id), who)
        if job.phase is BulkPhase.draft:
            if request.args.get("xem") == "1" and job.changes:
                return _preview(session, job)
            return _form(session, job, job.changes)
        told = shown.told(job, who)
        if request.args.get("phan") == "1":
            part = show("bulk/_progress.html", 200 if job.is_working else ENOUGH, job=told)
            return part if job.is_working else (*part, {"HX-Refresh": "true"})
        return show(
            "bulk/edit.html", job=told, set=shown.set_in(session, job, who),
            groups=[] if job.is_working else shown.groups(session, job, who), crumbs=_trail(),
        )  # fmt: skip

    @page("/<job_id>/xem", "POST", right="edit")
    def say(self, job_id: str) -> Any:
        """What is set; the numbers come next."""
        number, who = row_id(job_id), edge.actor()
        typed: dict[str, Any] = {}
        try:
            typed = _typed()
            with edge.transaction() as session:
                services.say(session, get_visible(session, BulkEdit, number, who), typed, by=who)
        except InvalidInputError as refusal:
            session = db.session()
            session.rollback()
            job = get_visible(session, BulkEdit, number, who)
            return _form(session, job, refusal.details.get("typed", typed), refusal, status=422)
        except BusinessError as refusal:
            return refused_onto(links.customers_edit_path(number), refusal)
        return redirect(links.customers_edit_path(number) + "?xem=1")

    @page("/<job_id>/lam", "POST", right="edit")
    def apply(self, job_id: str) -> Any:
        number, who = row_id(job_id), edge.actor()
        address = links.customers_edit_path(number)
        try:
            with edge.transaction() as session:
                job = get_visible(session, BulkEdit, number, who)
                services.apply(session, job, by=who)
                is_working, back = job.is_working, job.came_from
        except BusinessError as refusal:
            return refused_onto(address, refusal)
        if is_working:
            return done(address, _("The customers are being changed. You may leave this page."))
        paging.forget_counts()
        session = db.session()
        job = get_visible(session, BulkEdit, number, who)
        changed = job.written.get(BulkOutcome.changed, 0)
        sentence = ngettext("%(num)d customer changed", "%(num)d customers changed", changed)
        undo = Undo(f"{address}/hoan-tac") if services.can_undo(job) else None
        return _told(session, job, str(sentence), BulkOutcome.refused, back or address, undo)

    @page("/<job_id>/hoan-tac", "POST", right="edit")
    def undo(self, job_id: str) -> Any:
        number, who = row_id(job_id), edge.actor()
        address = links.customers_edit_path(number)
        back = edge.our_page(request.form.get("back"), address)
        try:
            with edge.transaction() as session:
                job = get_visible(session, BulkEdit, number, who)
                services.undo(session, job, by=who)
                is_working = job.is_working
        except BusinessError as refusal:
            return refused_onto(back, refusal)
        if is_working:
            return done(address, _("The bulk edit is being taken back."))
        paging.forget_counts()
        session = db.session()
        job = get_visible(session, BulkEdit, number, who)
        given = job.written.get(BulkOutcome.undone, 0)
        sentence = ngettext("%(num)d customer is as before", "%(num)d customers are as before", given)
        return _told(session, job, str(sentence), BulkOutcome.left, back, None)

    @page("/<job_id>/huy", "POST", right="edit")
    def cancel(self, job_id: str) -> Response:
        return _act(job_id, services.cancel, _("Stopped. Who was changed until then stays so; you can take it back."))

    @page("/<job_id>/tiep", "POST", right="edit")
    def resume(self, job_id: str) -> Response:
        return _act(job_id, services.resume, _("It goes on where it stopped."))


def _act(job_id: str, act: Any, sentence: Any) -> Response:
    number, who = row_id(job_id), edge.actor()
    try:
        with edge.transaction() as session:
            act(session, get_visible(session, BulkEdit, number, who), by=who)
    except BusinessError as refusal:
        return refused_onto(links.customers_edit_path(number), refusal)
    return done(links.customers_edit_path(number), sentence)


def _chosen() -> Select[Any] | Collection[int]:
    """Raises BadRequestError."""
    form = request.form
    if form.get("all") == "1":
        if "query" not in form:  # nothing said is not everything
            raise BadRequestError
        listed = list_of(Customer)
        assert listed is not None
        return listed.keys_of(form["query"], edge.actor())
    if "rows" in form:
        return unpacked(form["rows"], services.AT_ONCE * 5)
    return chosen_ids(form.getlist("rowid"))


def _typed() -> dict[str, Any]:
    """The ticked fields, as fields.read takes them. Raises InvalidInputError, with all that was typed beside it."""
    form = request.form
    typed: dict[str, Any] = {}
    problems: dict[str, list[Any]] = {}
    offered = fields.fields_for(edge.actor())
    for key in dict.fromkeys(form.getlist("set")):
        one = fields.FIELDS.get(key) or offered.get(key)
        if one is None:
            raise BadRequestError
        text = form.get(key, "").strip()
        match one.kind:
            case BulkKind.person | BulkKind.team:
                typed[key] = row_id(text) if text else None
            case BulkKind.day:
                try:
                    typed[key] = read_day(text) if text else None
                except ValueError as wrong:
                    typed[key], problems[key] = text, [str(wrong)]
            case BulkKind.yes_no:
                typed[key] = text == "1"
            case BulkKind.tags:
                typed[key] = [name.strip() for name in text.split(",") if name.strip()]
            case _:
                typed[key] = text or None
        if one.reason:
            typed[one.reason] = form.get(one.reason, "").strip() or None
    if problems:
        raise InvalidInputError(fields=problems, typed=typed)
    return typed


def _trail() -> Any:
    return trail((_("Customers"), _CUSTOMERS), (_("Bulk edits"), PATH + "/"), here=_("Bulk edit"))


def _form(
    session: Session, job: BulkEdit, typed: Mapping[str, Any], refusal: InvalidInputError | None = None,
    *, status: int = 200,
) -> Any:  # fmt: skip
    who = edge.actor()
    errors: Mapping[str, Sequence[Any]] = refusal.fields if refusal else {}
    return show(
        "bulk/form.html", status, job=shown.told(job, who), controls=shown.controls(session, who, typed, errors),
        problem=list(errors.get("set", ())),
        others=[sentence for key, told in errors.items() if key not in fields.fields_for(who) and key != "set"
                and key not in fields.REASONS for sentence in told],
        crumbs=_trail(),
    )  # fmt: skip


def _preview(session: Session, job: BulkEdit) -> Any:
    who = edge.actor()
    return show(
        "bulk/preview.html", job=shown.told(job, who), set=shown.set_in(session, job, who),
        preview=shown.preview(session, job, who), crumbs=_trail(),
    )  # fmt: skip


def _told(
    session: Session, job: BulkEdit, sentence: str, trouble: BulkOutcome, back: str, undo: Undo | None
) -> Response:
    """The message on the page that follows; with the reasons of those that it did not work with."""
    count = job.written.get(trouble, 0)
    if not count:
        return done(back, sentence + ".", undo=undo)
    if trouble is BulkOutcome.refused:
        more = ngettext("%(num)d was not changed", "%(num)d were not changed", count)
    else:
        more = ngettext("%(num)d is not given back whole", "%(num)d are not given back whole", count)
    rows = queries.rows_of(session, job, [trouble], edge.actor(), limit=_MOST_TOLD)
    details = [f"{row.code or '–'}: {' '.join(row.reasons)}"[:160] for row in rows]
    if count > len(rows):
        details.append(str(ngettext("and %(num)d more", "and %(num)d more", count - len(rows))))
    told: Any = {
        "text": f"{sentence}, {more}.", "details": details,
        "undo": {"url": undo.url, "rows": "", "action": ""} if undo else None,
    }  # fmt: skip
    flash(told, "warning")
    return redirect(back)
