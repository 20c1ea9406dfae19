"""The audit log for programs: read, narrowed as on its list. Nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.audit import kinds
from app.audit.rights import withheld
from app.core import edge
from app.core.access import get_visible, visible
from app.core.api import Api, equals, id_is, listing, moment, state_is, usernames, verb
from app.core.audit import AuditAction, AuditEvent, AuditSensitive, is_fingerprint, is_personal
from app.core.db import db

_ORDERS = {"at": AuditEvent.at, "id": AuditEvent.id}


class AuditApi(Api):
    """Who did what, from what to what. Personal values are null with `withheld` where the reader may not know them."""

    resource_name = "audit"
    resource = "Audit"

    @verb("/", "GET", "What was done, the newest first", right="view",
          query=listing(_ORDERS, table="exactly", record="the number of the record", action="create, change, …",
                        event="sign_in, export, …", actor="the number of a member", on_behalf_of="the same",
                        address="exactly"))  # fmt: skip
    def index(self) -> dict[str, Any]:
        filters = {
            "table": equals(AuditEvent.table_name), "record": id_is(AuditEvent.record_id),
            "action": state_is(AuditEvent.action, AuditAction), "event": equals(AuditEvent.name),
            "actor": id_is(AuditEvent.actor_id), "on_behalf_of": id_is(AuditEvent.on_behalf_of_id),
            "address": equals(AuditEvent.address),
        }  # fmt: skip
        return self.page(
            select(AuditEvent).where(visible(AuditEvent, edge.actor())), show_all=_shown, orders=_ORDERS,
            default_order="-at", filters=filters, key=AuditEvent.id,
        )  # fmt: skip

    @verb("/<event>", "GET", "One entry", right="view")
    def get(self, event: str) -> dict[str, Any]:
        return _shown([get_visible(db.session(), AuditEvent, self.id(event), edge.actor())])[0]


def _shown(events: Sequence[AuditEvent]) -> list[dict[str, Any]]:
    session, who = db.session(), edge.actor()
    kept = withheld(session, who, events)
    names = usernames([key for one in events for key in (one.actor_id, one.on_behalf_of_id)])
    personal = session.scalars(select(AuditSensitive).where(AuditSensitive.event_id.in_([one.id for one in events])))
    beside = {(row.event_id, row.field): [row.old, row.new] for row in personal}

    def field(event: AuditEvent, column: str, logged: Any) -> dict[str, Any]:
        is_withheld = kept(event, column) and (event.action is not AuditAction.event or is_personal(logged))
        pair = logged if isinstance(logged, list) and len(logged) == 2 else [None, logged]
        if not is_withheld and any(map(is_fingerprint, pair)):
            pair = beside.get((event.id, column), [None, None])
        old, new = (None, None) if is_withheld else pair
        return {"field": column, "label": str(kinds.labels_of(event.table_name or "", [column]).get(column, column)),
                "old": old, "new": new, "withheld": is_withheld,
                "erased": any(map(is_fingerprint, logged if isinstance(logged, list) else ()))
                and (event.id, column) not in beside}  # fmt: skip

    return [
        {
            "id": event.id, "at": moment(event.at), "actor": names.get(event.actor_id),
            "on_behalf_of": names.get(event.on_behalf_of_id), "origin": event.origin, "address": event.address,
            "action": event.action, "event": event.name, "table": event.table_name, "record": event.record_id,
            "changes": [field(event, column, logged) for column, logged in event.changes.items()],
            "reason": event.reason,
        }
        for event in events
    ]  # fmt: skip
