"""What did I take away, how far is it, where is the file? One's own exports; nobody sees another's."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from flask import request, send_file
from werkzeug.wrappers import Response

from app.core import edge, exports, links, paging
from app.core.access import get_visible
from app.core.db import db, row_id
from app.core.errors import ConflictError
from app.core.exports import Export, ExportState, Format
from app.core.files import size_text
from app.core.i18n import _
from app.core.pages import ENOUGH, Page, done, page, page_number, page_of, refused_onto, show, trail

LINES = 50

STATE_LABELS = {
    ExportState.waiting: _("Waiting"),
    ExportState.running: _("Being written"),
    ExportState.done: _("Ready"),
    ExportState.failed: _("Failed"),
    ExportState.cancelled: _("Cancelled"),
}
_KINDS = {ExportState.done: "ok", ExportState.failed: "late"}
_LIST = "/xuat/"


def as_download(file: Path | IO[bytes], name: str, file_format: Format) -> Response:
    """The file to keep; a browser runs nothing of it."""
    response = send_file(
        file, mimetype=exports.CONTENT_TYPES[file_format], as_attachment=True, download_name=name, conditional=False,
        etag=False,
    )  # fmt: skip
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


class ExportPages(Page):
    """/xuat: the files that one asked for, whatever one's role."""

    #: every role has its own: no right is asked here, `exports` asks that of the list
    resource = "Notification"
    route_base = "/xuat"
    is_private = True

    @page("/", right=None)
    def index(self) -> Any:
        session, number = db.session(), page_number()
        mine = exports.mine(edge.actor())
        found = session.scalars(mine.limit(LINES).offset((number - 1) * LINES)).all()
        counted = paging.count(session, mine, Export.id)
        return show(
            "exports/list.html",
            rows=[_told(one) for one in found],
            kept_days=exports.KEPT_FOR.days,
            page=page_of(number, len(found), counted, size=LINES),
            crumbs=trail((_("This morning"), "/"), here=_("Exported files")),
        )

    @page("/<export_id>", right=None)
    def export(self, export_id: str) -> Any:
        """How far it is; `?phan=1` is the part of the page that asks again by itself."""
        told = _told(get_visible(db.session(), Export, row_id(export_id), edge.actor()))
        if request.args.get("phan") == "1":
            return show("exports/_progress.html", 200 if told["is_open"] else ENOUGH, export=told)
        crumbs = trail((_("This morning"), "/"), (_("Exported files"), _LIST), here=told["title"])
        return show("exports/export.html", export=told, kept_days=exports.KEPT_FOR.days, crumbs=crumbs)

    @page("/<export_id>/tep", right=None)
    def download(self, export_id: str) -> Response:
        who = edge.actor()
        export = get_visible(db.session(), Export, row_id(export_id), who)
        place = exports.file_of(export, by=who)
        return as_download(place, export.name or place.name, export.format)

    @page("/<export_id>/huy", "POST", right=None)
    def cancel(self, export_id: str) -> Response:
        number, who = row_id(export_id), edge.actor()
        try:
            with edge.transaction() as session:
                exports.cancel(session, get_visible(session, Export, number, who), by=who)
        except ConflictError as refusal:
            return refused_onto(links.export_path(number), refusal)
        return done(_LIST, _("Cancelled. Nothing of this list was kept."))


def _told(export: Export) -> dict[str, Any]:
    """What the templates need of one file."""
    url, state = links.export_path(export.id), export.state
    return {
        "id": export.id,
        "title": exports.title_of(export.list_key),
        "name": export.name,
        "format": "Excel" if export.format is Format.xlsx else "CSV",
        "state": str(state),
        "state_label": STATE_LABELS[state],
        "kind": _KINDS.get(state, "none"),
        "is_open": export.is_open,
        "rows_done": export.rows_done,
        "rows_all": export.rows_all,
        "percent": export.percent,
        "size": size_text(export.size) if export.size is not None else "",
        "why": exports.why_failed(export) if state is ExportState.failed else None,
        "created_at": export.created_at,
        "expires_at": export.expires_at if state is ExportState.done else None,
        "url": url,
        "file_url": f"{url}/tep" if state is ExportState.done else None,
        "cancel_url": f"{url}/huy" if export.is_open else None,
    }
