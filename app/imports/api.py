"""How does a program bring in a file? It sends the file, says what the columns hold, looks, and writes."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy.orm import Session

from app.core import edge, files
from app.core.access import get_visible
from app.core.api import Api, listing, moment, verb
from app.core.db import db
from app.core.errors import BadRequestError, NotFoundError
from app.core.i18n import _
from app.core.schema import list_of, maybe, one_of, record, text, whole_number
from app.customers.models import SOURCE_LENGTH
from app.customers.profile_models import TAG_LENGTH
from app.imports import queries, services
from app.imports.fields import fields_for
from app.imports.models import REASON_LENGTH, Finding, ImportJob, ImportTarget, OnDuplicate, OnUpdate
from app.imports.services import Wishes

_SENT = record(required=("file", "target"), file=text(), target=one_of(ImportTarget))
_WISHES = record(
    mapping=list_of(text(40), most=50), on_update=one_of(OnUpdate), owner_id=maybe(whole_number()),
    team_id=maybe(whole_number()), source=maybe(text(SOURCE_LENGTH)), tags=list_of(text(TAG_LENGTH), most=30),
)  # fmt: skip
_APPLIED = record(on_duplicate=one_of(OnDuplicate), duplicate_reason=maybe(text(REASON_LENGTH)))
_ORDERS = {"id": ImportJob.id}
#: rows of one answer
_ROWS = 200


class ImportApi(Api):
    """Files of one's own, and with a wider right those of others without their rows."""

    resource_name = "imports"
    resource = "Import"

    @verb("/", "GET", "Files that were brought in", query=listing(_ORDERS))
    def index(self) -> dict[str, Any]:
        return self.page(
            queries.jobs(edge.actor()), show=_shown, orders=_ORDERS, default_order="-id", key=ImportJob.id
        )  # fmt: skip

    @verb("/", "POST", "Send a file (.xlsx, .csv) as form data; `target` is what its rows are", right="add",
          body=_SENT, media="multipart/form-data", status=201)  # fmt: skip
    def post(self) -> dict[str, Any]:
        who, sent = edge.actor(), request.files.get("file")
        target = request.form.get("target", "")
        if sent is None or not sent.filename:
            raise BadRequestError(_("Send the file as form data in the field “file”."))
        if target not in list(ImportTarget):
            raise BadRequestError(_("`target` is one of: %(names)s.", names=", ".join(ImportTarget)))
        received = files.receive(sent.stream, sent.filename, as_sheet=True)

        try:
            head = services.read(received)

            def bring(session: Session) -> dict[str, Any]:
                return _shown(services.bring(session, received, ImportTarget(target), head=head, by=who))

            return self.write(bring)
        except BaseException:
            files.forget(received)
            raise

    @verb("/<id>", "GET", "What its columns hold, what was found, and how far it is")
    def get(self, id: str) -> dict[str, Any]:
        return _shown(get_visible(db.session(), ImportJob, self.id(id), edge.actor()))

    @verb("/<id>/check", "POST", "Let it be looked through; `mapping`: of every column its field or nothing",
          right="add", body=_WISHES)  # fmt: skip
    def check(self, id: str) -> dict[str, Any]:
        number_of, body, who = self.id(id), self.read(), edge.actor()

        def look(session: Session) -> dict[str, Any]:
            job = get_visible(session, ImportJob, number_of, who)
            wishes = Wishes(
                mapping=body.get("mapping", job.mapping), on_update=OnUpdate(body.get("on_update", OnUpdate.fill)),
                owner_id=body.get("owner_id"), team_id=body.get("team_id"), source=body.get("source"),
                tags=body.get("tags", ()),
            )  # fmt: skip
            services.check(session, job, wishes, by=who)
            return _shown(job)

        return self.write(look)

    @verb("/<id>/apply", "POST", "Write what was looked through; rows that look like others as said", right="add",
          body=_APPLIED)  # fmt: skip
    def apply(self, id: str) -> dict[str, Any]:
        number_of, body, who = self.id(id), self.read(), edge.actor()
        way = OnDuplicate(body.get("on_duplicate", OnDuplicate.skip))

        def write(session: Session) -> dict[str, Any]:
            job = get_visible(session, ImportJob, number_of, who)
            services.apply(session, job, by=who, on_duplicate=way, reason=body.get("duplicate_reason") or "")
            return _shown(job)

        return self.write(write)

    @verb("/<id>/undo", "POST", "Take back what was written, within 30 days", right="add")
    def undo(self, id: str) -> dict[str, Any]:
        return self._act(id, services.undo)

    @verb("/<id>/cancel", "POST", "Stop it; what was written stays", right="add")
    def cancel(self, id: str) -> dict[str, Any]:
        return self._act(id, services.cancel)

    @verb("/<id>/resume", "POST", "Go on where it stopped", right="add")
    def resume(self, id: str) -> dict[str, Any]:
        return self._act(id, services.resume)

    @verb("/<id>/rows", "GET", "The first 200 rows of a finding, with the reasons; only for whoever sent the file",
          query={"finding": "error, duplicate, update, new or unchanged"})  # fmt: skip
    def rows(self, id: str) -> dict[str, Any]:
        session, who = db.session(), edge.actor()
        job = get_visible(session, ImportJob, self.id(id), who)
        if job.member_id != who.user_id:
            raise NotFoundError(_("Only whoever brought the file sees its rows."))
        wanted = request.args.get("finding", Finding.error)
        if wanted not in list(Finding):
            raise BadRequestError(_("%(name)s was not understood.", name="finding"))
        rows = session.scalars(queries.rows_of(job, Finding(wanted)).limit(_ROWS))
        return {"result": [
            {"row": row.number, "label": row.label, "reasons": row.reasons, "record_id": row.record_id,
             "outcome": str(row.outcome) if row.outcome else None}
            for row in rows
        ]}  # fmt: skip

    def _act(self, id: str, act: Any) -> dict[str, Any]:
        number_of, who = self.id(id), edge.actor()

        def change(session: Session) -> dict[str, Any]:
            job = get_visible(session, ImportJob, number_of, who)
            act(session, job, by=who)
            return _shown(job)

        return self.write(change)


def _shown(job: ImportJob) -> dict[str, Any]:
    who = edge.actor()
    return {
        "id": job.id, "target": str(job.target), "file": job.file_name, "state": str(job.state),
        "columns": job.headings, "mapping": job.mapping,
        "fields": [one.key for one in fields_for(who, job.target)],
        "done": job.rows_done, "total": job.rows_all or None, "found": job.found, "written": job.written,
        "problem": job.problem, "may_undo": services.can_undo(job), "created_at": moment(job.created_at),
        "applied_at": moment(job.applied_at), "finished_at": moment(job.finished_at),
    }  # fmt: skip
