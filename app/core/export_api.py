"""How does a program take a list away? It asks for a file, looks how far the worker is, and fetches it."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from app.core import edge, exports
from app.core.access import get_visible
from app.core.api import Api, listing, moment, verb
from app.core.db import db
from app.core.export_view import as_download
from app.core.exports import Export, ExportState, Format, Wanted
from app.core.lists import LONGEST_CONDITION, list_called, list_keyed
from app.core.schema import list_of, maybe, one_of, record, text, yes_or_no

_ASKED = record(
    required=("list", "format"),
    list=text(80),
    format=one_of(Format),
    where=maybe(text(LONGEST_CONDITION)),
    q=maybe(text()),
    order=maybe(text()),
    archived=yes_or_no(),
    columns=list_of(text(80), most=40),
    all_columns=yes_or_no(),
)
_ORDERS = {"id": Export.id}


class ExportApi(Api):
    """Files of one's own; who may not see another's rows gets none of them into a file either."""

    resource_name = "exports"
    #: every role has its own: no right is asked here, `exports` asks that of the list
    resource = "Notification"

    @verb("/", "GET", "The files that one asked for, kept for a week", right=None, query=listing(_ORDERS))
    def index(self) -> dict[str, Any]:
        rows = exports.mine(edge.actor())
        return self.page(rows, show=_shown, orders=_ORDERS, default_order="-id", key=Export.id)

    @verb(
        "/", "POST", "Ask for a list as a file: `list` is the collection (customers, tasks, …), the rest as in its GET",
        right=None, body=_ASKED, status=201,
    )  # fmt: skip
    def post(self) -> dict[str, Any]:
        body, who = self.read(), edge.actor()
        listed = list_called(body["list"], who)
        told = {name: body.get(name) for name in ("where", "q", "order")}
        told |= {"archived": "1" if body.get("archived") else None, "columns": ",".join(body.get("columns") or ())}
        wanted = Wanted(
            list_key=listed.key,
            format=Format(body["format"]),
            arguments=tuple((name, value) for name, value in told.items() if value),
            all_columns=bool(body.get("all_columns")),
        )
        # Read before the transaction: what is refused is refused without having asked for the lock.
        count = exports.open_list(db.session(), who, wanted).count

        def ask(session: Session) -> dict[str, Any]:
            return _shown(exports.ask(session, wanted, rows=count, by=who))

        return self.write(ask)

    @verb("/<id>", "GET", "How far it is", right=None)
    def get(self, id: str) -> dict[str, Any]:
        return _shown(get_visible(db.session(), Export, self.id(id), edge.actor()))

    @verb("/<id>/file", "GET", "The file, once it is done", right=None, answers="application/octet-stream")
    def file(self, id: str) -> Response:
        who = edge.actor()
        export = get_visible(db.session(), Export, self.id(id), who)
        place = exports.file_of(export, by=who)
        return as_download(place, export.name or place.name, export.format)  # type: ignore[return-value]

    @verb("/<id>/cancel", "POST", "It is not wanted any more", right=None)
    def cancel(self, id: str) -> dict[str, Any]:
        number, who = self.id(id), edge.actor()

        def stop(session: Session) -> dict[str, Any]:
            export = get_visible(session, Export, number, who)
            exports.cancel(session, export, by=who)
            return _shown(export)

        return self.write(stop)


def _shown(export: Export) -> dict[str, Any]:
    is_done, listed = export.state is ExportState.done, list_keyed(export.list_key)
    return {
        "id": export.id,
        "list": listed.collection if listed else None,
        "format": str(export.format),
        "state": str(export.state),
        "done": export.rows_done,
        "total": export.rows_all,
        "file": f"{request.url_root}api/v1/exports/{export.id}/file" if is_done else None,
        "problem": str(exports.why_failed(export)) if export.state is ExportState.failed else None,
        "created_at": moment(export.created_at),
        "expires_at": moment(export.expires_at),
    }
