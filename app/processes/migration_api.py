"""Running instances go on by another published version of their process: asked first which can, then moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core import edge
from app.core.api import Api, verb
from app.core.db import LARGEST_ID, db
from app.core.errors import BusinessError
from app.core.schema import free_object, list_of, maybe, record, text, whole_number
from app.processes import migrating, queries
from app.processes.migrating import MOST_AT_ONCE
from app.processes.models import ProcessInstance, ProcessVersion
from app.processes.services import why_given

_IDS = list_of(whole_number(), most=MOST_AT_ONCE)
_MAP = maybe(free_object("Elements that are called otherwise in the other version: id here, id there"))
_CHECK = record(required=("process", "to"), process=text(60), to=whole_number(), map=_MAP, after=maybe(whole_number()))
_MOVE = record(
    required=("process", "to", "instances", "reason"), process=text(60), to=whole_number(), map=_MAP, instances=_IDS,
    restart_timers=maybe({"type": "boolean"}), reason=text(10_000),
)  # fmt: skip


class MigrationApi(Api):
    """Each instance is moved by itself: one that cannot be moved keeps its version, and the answer says why."""

    resource_name = "migrations"
    resource = "Process"

    @verb("/check", "POST", "Which running instances could go on by that version, and why others not", right="edit",
          body=_CHECK)  # fmt: skip
    def check(self) -> dict[str, Any]:
        """At most 100 at once, by id; `after` asks for those behind that id."""
        body, session = self.read(), db.session()
        version, names = _asked(session, body)
        after = min(max(body.get("after") or 0, 0), LARGEST_ID)
        rows = migrating.running_elsewhere(version, edge.actor()).where(ProcessInstance.id > after)
        found = session.scalars(rows.limit(MOST_AT_ONCE)).unique().all()
        return {"result": [
            {
                "id": one.instance.id, "code": one.instance.code, "version": one.instance.version.number,
                "movable": one.is_safe, "reasons": migrating.shown(one.against),
            }
            for one in migrating.verdicts(session, version, names, found)
        ]}  # fmt: skip

    @verb("/", "POST", "Move these instances to that version; what it cannot move it says", right="edit", body=_MOVE)
    def post(self) -> dict[str, Any]:
        body, actor = self.read(), edge.actor()
        why_given(body["reason"])
        version, names = _asked(db.session(), body)
        number, result = version.id, []
        for instance_id in dict.fromkeys(body["instances"]):
            try:
                with edge.transaction() as session:
                    moved = migrating.move_to_version(
                        session, instance_id, session.get_one(ProcessVersion, number), by=actor, reason=body["reason"],
                        names=names, anew=bool(body.get("restart_timers")),
                    )  # fmt: skip
                    result.append({"id": instance_id, "code": moved.code, "moved": True, "reasons": []})
            except BusinessError as error:
                result.append({"id": instance_id, "code": None, "moved": False, "reasons": _why_not(error)})
        return self.write(lambda _session: {"result": result})


def _asked(session: Session, body: Mapping[str, Any]) -> tuple[ProcessVersion, dict[str, str]]:
    process = queries.visible_process(session, body["process"], edge.actor(), "edit")
    version = migrating.target(session, process, body["to"])
    return version, migrating.named(session, version, body.get("map") or {})


def _why_not(error: BusinessError) -> list[dict[str, str]]:
    if isinstance(error, migrating.NotMovableError):
        return migrating.shown(error.against)
    return [{"code": error.code, "element": "", "message": str(error.message)}]
