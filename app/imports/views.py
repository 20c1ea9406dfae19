"""/nhap: which files were brought in, what stands in one, and what becomes of it?"""

from __future__ import annotations

import io
from typing import Any

from flask import request
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.catalogues import queries as catalogues
from app.core import edge, files, links, paging
from app.core.access import Actor, get_visible
from app.core.conditions.fields import Kind
from app.core.db import db, row_id
from app.core.errors import BusinessError, InvalidInputError, NotFoundError
from app.core.export_view import as_download
from app.core.exports import Format
from app.core.i18n import _
from app.core.pages import ENOUGH, Page, done, page, page_number, page_of, refused_onto, show, trail
from app.core.sheets import Header, write_xlsx
from app.customers.models import SOURCES
from app.imports import bad_rows, fields, queries, services, shown
from app.imports.labels import TARGET_LABELS, UPDATE_LABELS
from app.imports.models import ImportJob, ImportPhase, ImportTarget, OnDuplicate, OnUpdate
from app.imports.services import Wishes
from app.imports.sheet import LARGEST_FILE, MOST_ROWS
from app.security.models import Member, Team

LINES = 50
_LIST = "/nhap/"
#: into which a column fits at the head of the template
_EXAMPLES = {
    "name": "Nguyễn Thị Mai", "phone": "0912 345 678", "email": "mai@congty.vn", "birthday": "20/10/1990",
    "street": "12 Lê Lợi", "ward": "Phường Bến Thành", "province": "Thành phố Hồ Chí Minh", "source": "Zalo",
    "note": "Khách quen", "bought_on": "20/11/2026", "order": "DH-001", "product": "Phở gói", "quantity": "2",
    "amount": "1.250.000", "at": "20/11/2026 14:30", "kind": "Gọi điện", "text": "Hẹn giao hàng thứ Hai",
}  # fmt: skip


class FilePages(Page):
    """Bringing in customers, purchases and contacts."""

    resource = "Import"
    route_base = "/nhap"

    @page("/")
    def index(self) -> Any:
        session, number, who = db.session(), page_number(), edge.actor()
        rows = queries.jobs(who)
        found = session.scalars(rows.limit(LINES).offset((number - 1) * LINES)).all()
        counted = paging.count(session, rows, ImportJob.id)
        return show(
            "imports/list.html", rows=[shown.told(job, who) for job in found], may_add=who.may("add", "Import"),
            page=page_of(number, len(found), counted, size=LINES),
        )  # fmt: skip

    @page("/moi", right="add")
    def new(self) -> Any:
        return _form(request.args.get("loai", ""))

    @page("/moi", "POST", right="add")
    def bring(self) -> Any:
        """The file is kept, and its columns are read."""
        target = request.form.get("target", "")
        try:
            received = _received(request.files.get("file"))
            try:
                head = services.read(received)
                with edge.transaction() as session:
                    brought = services.bring(session, received, _target(target), head=head, by=edge.actor())
                    number = brought.id
            except BaseException:
                files.forget(received)
                raise
        except BusinessError as refusal:
            return _form(target, refusal.message, status=422)
        return done(links.import_path(number), _("The file was read. Now say what its columns hold."))

    @page("/mau/<target>.xlsx", right="add")
    def template(self, target: str) -> Response:
        """An empty sheet with the usual columns, and one with an example beside it."""
        who, wanted = edge.actor(), _target(target)
        offered = [one for one in fields.fields_for(who, wanted) if one.key in _EXAMPLES or one.key == fields.CODE]
        headers = [Header(one.label, Kind.text) for one in offered]
        example = [_EXAMPLES.get(one.key, "") for one in offered]
        file = io.BytesIO()
        write_xlsx(file, TARGET_LABELS[wanted], headers, [], more=[(_("Example"), headers, [example])],
                   time_zone=who.time_zone, language=who.language)  # fmt: skip
        file.seek(0)
        return as_download(file, f"mau-{wanted}.xlsx", Format.xlsx)

    @page("/<job_id>")
    def show_job(self, job_id: str) -> Any:
        """What is to be done with it now; `?phan=1` is the part of the page that asks again by itself."""
        session, who = db.session(), edge.actor()
        job = get_visible(session, ImportJob, row_id(job_id), who)
        if request.args.get("phan") == "1":
            part = show("imports/_progress.html", 200 if job.is_working else ENOUGH, job=shown.told(job, who))
            # Once it is over the page is another one.
            return part if job.is_working else (*part, {"HX-Refresh": "true"})
        is_open = job.phase is ImportPhase.draft or (request.args.get("sua") == "1" and _may_match(job))
        if is_open and job.member_id == who.user_id:
            return _matching(session, job, who)
        return _page(session, job, who)

    @page("/<job_id>/thu", "POST", right="add")
    def check(self, job_id: str) -> Any:
        number, who = row_id(job_id), edge.actor()
        wishes = _wishes()
        try:
            with edge.transaction() as session:
                services.check(session, get_visible(session, ImportJob, number, who), wishes, by=who)
        except InvalidInputError as refusal:
            session = db.session()
            session.rollback()
            job = get_visible(session, ImportJob, number, who)
            return _matching(session, job, who, wishes, refusal, status=422)
        except BusinessError as refusal:
            return refused_onto(links.import_path(number), refusal)
        return done(links.import_path(number), _("The file is being looked through. Nothing is written yet."))

    @page("/<job_id>/ghi", "POST", right="add")
    def apply(self, job_id: str) -> Any:
        number, who = row_id(job_id), edge.actor()
        try:
            wanted = OnDuplicate(request.form.get("on_duplicate", OnDuplicate.skip))
        except ValueError:
            raise NotFoundError from None
        reason = request.form.get("reason", "")
        try:
            with edge.transaction() as session:
                job = get_visible(session, ImportJob, number, who)
                services.apply(session, job, by=who, on_duplicate=wanted, reason=reason)
        except InvalidInputError as refusal:
            session = db.session()
            session.rollback()
            job = get_visible(session, ImportJob, number, who)
            problem = " ".join(str(one) for told in refusal.fields.values() for one in told)
            return _page(session, job, who, {"on_duplicate": str(wanted), "reason": reason, "problem": problem},
                         status=422)  # fmt: skip
        except BusinessError as refusal:
            return refused_onto(links.import_path(number), refusal)
        return done(links.import_path(number), _("The rows are being written. You may leave this page."))

    @page("/<job_id>/huy", "POST", right="add")
    def cancel(self, job_id: str) -> Response:
        return _act(job_id, services.cancel, _("Stopped. What was written until then stays; you can take it back."))

    @page("/<job_id>/tiep", "POST", right="add")
    def resume(self, job_id: str) -> Response:
        return _act(job_id, services.resume, _("It goes on where it stopped."))

    @page("/<job_id>/hoan-tac", "POST", right="add")
    def undo(self, job_id: str) -> Response:
        return _act(job_id, services.undo, _("The import is being taken back."))

    @page("/<job_id>/loi.xlsx")
    def bad_rows(self, job_id: str) -> Response:
        """The rows that were not written, to be mended and brought again."""
        who = edge.actor()
        job = get_visible(db.session(), ImportJob, row_id(job_id), who)
        place = bad_rows.made(job)
        if job.member_id != who.user_id or place is None:
            raise NotFoundError
        stem, told = job.file_name.rpartition(".")[0], _("rows with mistakes")
        return as_download(place.open("rb"), f"{stem} - {told}.xlsx", Format.xlsx)


def _act(job_id: str, act: Any, sentence: Any) -> Response:
    number, who = row_id(job_id), edge.actor()
    try:
        with edge.transaction() as session:
            act(session, get_visible(session, ImportJob, number, who), by=who)
    except NotFoundError:
        raise
    except BusinessError as refusal:
        return refused_onto(links.import_path(number), refusal)
    return done(links.import_path(number), sentence)


def _received(sent: FileStorage | None) -> files.ReceivedFile:
    """Raises BusinessError for none, and for what is no sheet."""
    if sent is None or not sent.filename:
        raise BusinessError(_("Choose a file first."))
    return files.receive(sent.stream, sent.filename, as_sheet=True)


def _target(word: str) -> ImportTarget:
    try:
        return ImportTarget(word)
    except ValueError:
        raise NotFoundError from None


def _form(target: str, problem: Any = "", *, status: int = 200) -> Any:
    chosen = target if target in list(ImportTarget) else ImportTarget.customers
    return show(
        "imports/new.html", status, problem=problem, targets=list(TARGET_LABELS.items()), chosen=str(chosen),
        most=MOST_ROWS, size=min(files.largest(db.session()), LARGEST_FILE) // files.MEGABYTE,
        crumbs=_trail(_("Bring in a file")),
    )  # fmt: skip


def _trail(here: Any) -> Any:
    return trail((_("Bring in data"), _LIST), here=here)


def _may_match(job: ImportJob) -> bool:
    return job.state in (ImportPhase.checked, ImportPhase.failed) and job.applied_at is None


def _wishes() -> Wishes:
    form = request.form
    mapping: list[str] = []
    while (key := form.get(f"column-{len(mapping)}")) is not None:
        mapping.append(key)
    overwrites = form.get("on_update") == OnUpdate.overwrite
    return Wishes(
        mapping=mapping, on_update=OnUpdate.overwrite if overwrites else OnUpdate.fill,
        owner_id=_number("owner"), team_id=_number("team"), source=form.get("source") or None,
        tags=[tag.strip() for tag in form.get("tags", "").split(",") if tag.strip()],
    )  # fmt: skip


def _number(name: str) -> int | None:
    text = request.form.get(name, "")
    return row_id(text) if text else None


def _matching(
    session: Session, job: ImportJob, who: Actor, wishes: Wishes | None = None,
    refusal: InvalidInputError | None = None, *, status: int = 200,
) -> Any:  # fmt: skip
    """The columns, and how the rows are to be written."""
    typed = wishes or Wishes(job.mapping, job.on_update, **job.defaults)
    owner = session.get(Member, typed.owner_id) if typed.owner_id else None
    team = session.get(Team, typed.team_id) if typed.team_id else None
    return show(
        "imports/match.html", status, job=shown.told(job, who), columns=shown.columns(job, who, list(typed.mapping)),
        offered=shown.offered(who, job.target), before=shown.before(session, job),
        is_of_customers=job.target is ImportTarget.customers, may_assign=who.may("assign", "Customer"),
        updates=list(UPDATE_LABELS.items()), typed=typed, owner=owner, team=team,
        sources=catalogues.offered(session, SOURCES, typed.source),
        errors={key: list(told) for key, told in refusal.fields.items()} if refusal else {},
        lacking=fields.lacking(who, job.target, typed.mapping),
        crumbs=_trail(job.file_name),
    )  # fmt: skip


def _page(
    session: Session, job: ImportJob, who: Actor, typed: dict[str, str] | None = None, *, status: int = 200
) -> Any:
    is_mine = job.member_id == who.user_id
    duplicates = job.found.get("duplicate", 0)
    return show(
        "imports/import.html", status, job=shown.told(job, who),
        previews=shown.previews(session, job) if is_mine and not job.is_working else [],
        is_checked=is_mine and job.state is ImportPhase.checked, may_match=is_mine and _may_match(job),
        before=shown.before(session, job) if job.state is ImportPhase.checked else None,
        doubt=shown.doubt(session, job) if is_mine and job.state is ImportPhase.checked else "",
        to_write=job.found.get("new", 0) + job.found.get("update", 0), duplicates=duplicates,
        ways=shown.ways(job), is_of_customers=job.target is ImportTarget.customers,
        typed=typed or {"on_duplicate": "skip", "reason": "", "problem": ""},
        crumbs=_trail(job.file_name),
    )  # fmt: skip
