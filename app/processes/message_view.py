"""Which messages do processes wait for, and which came that nobody has taken yet?"""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.core import edge, links, paging
from app.core.access import visible
from app.core.db import db
from app.core.errors import BadRequestError
from app.core.i18n import _
from app.core.pages import Page, page, page_number, page_of, show
from app.processes import queries
from app.processes.models import (
    MessageState,
    Process,
    ProcessInstance,
    ProcessMessage,
    ProcessSubscription,
    ProcessVersion,
)
from app.processes.telling import FROM_WITHIN

ROWS = paging.PAGE_SIZE
_TABS = {"": _("Waited for"), "giu": _("Nobody took it yet"), "da-nhan": _("Taken")}
_STATES = {"giu": MessageState.kept, "da-nhan": MessageState.taken}


class MessagePages(Page):
    """/tin-bao: for administrators, who connect processes with other programs."""

    resource = "Message"
    route_base = "/tin-bao"

    @page("/")
    def index(self) -> Any:
        session, part, number = db.session(), request.args.get("muc", ""), page_number()
        if part not in _TABS:
            raise BadRequestError
        came = select(ProcessMessage).where(visible(ProcessMessage, edge.actor()))
        lists: dict[str, Select[Any]] = {
            "": _waited_for(),
            **{key: came.where(ProcessMessage.state == state) for key, state in _STATES.items()},
        }
        counts = {
            **paging.counts(session, {"": lists[""]}, ProcessSubscription.id),
            **paging.counts(session, {key: lists[key] for key in _STATES}, ProcessMessage.id),
        }
        column = ProcessMessage.id if part else ProcessSubscription.id
        rows = session.scalars(lists[part].order_by(column.desc()).limit(ROWS).offset((number - 1) * ROWS)).all()
        return show(
            "processes/messages.html",
            message_tabs=[
                {"label": label, "url": f"/tin-bao/?muc={key}" if key else "/tin-bao/", "current": key == part,
                 "count": counts[key][0], "capped": counts[key][1]}
                for key, label in _TABS.items()
            ],
            part=part,
            rows=_came(session, rows) if part else _waiting(session, rows),
            page=page_of(number, len(rows), counts[part], size=ROWS),
        )  # fmt: skip


def _waited_for() -> Select[ProcessSubscription]:
    """By process files that he may see, and by processes that begin with a message."""
    seen = select(ProcessInstance.id).where(visible(ProcessInstance, edge.actor()))
    return select(ProcessSubscription).where(
        ProcessSubscription.version_id.is_not(None) | ProcessSubscription.instance_id.in_(seen)
    )


def _waiting(session: Session, rows: Any) -> list[dict[str, Any]]:
    """{name, key or none, where (process and element), code, url, at}."""
    files = _files(session, {row.instance_id for row in rows})
    begun = (
        select(ProcessVersion.id, Process)
        .join(Process, Process.id == ProcessVersion.process_id)
        .where(ProcessVersion.id.in_({row.version_id for row in rows}))
    )
    begins = {row.id: row.Process for row in session.execute(begun)}
    told = []
    for row in rows:
        if row.instance_id is not None:
            file = files[row.instance_id]
            node = queries.definition_of(file.version).nodes[row.node]
            where, code, url = node.title, file.code, links.instance_path(file.id)
            process = file.version.process.name
        else:
            process, where = begins[row.version_id].name, _("A new process file begins with it")
            code, url = None, links.process_path(begins[row.version_id].id)
        told.append(
            {"name": row.name, "key": row.key, "process": process, "where": where, "code": code, "url": url,
             "at": row.armed_at}
        )  # fmt: skip
    return told


def _came(session: Session, rows: Any) -> list[dict[str, Any]]:
    """{name, key, source, event, at, until or none, code, url}; the code alone of a file that he may not see."""
    ids = {row.instance_id for row in rows}
    files = _files(session, ids)
    seen = set(
        session.scalars(
            select(ProcessInstance.id).where(ProcessInstance.id.in_(files), visible(ProcessInstance, edge.actor()))
        )
    )
    return [
        {
            "name": row.name,
            "key": row.key,
            "source": _("A process file") if row.source == FROM_WITHIN else row.source,
            "event": row.event_id,
            "at": row.received_at,
            "until": row.expires_at if row.state is MessageState.kept else None,
            "code": files[row.instance_id].code if row.instance_id in files else None,
            "url": links.instance_path(row.instance_id) if row.instance_id in seen else None,
        }
        for row in rows
    ]


def _files(session: Session, ids: set[int | None]) -> dict[int, ProcessInstance]:
    rows = queries.with_people(select(ProcessInstance).where(ProcessInstance.id.in_({one for one in ids if one})))
    return {one.id: one for one in session.scalars(rows).unique()}
