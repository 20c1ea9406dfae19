"""How do programs tell a process that something has happened elsewhere?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import edge
from app.core.access import visible
from app.core.api import Api, equals, id_is, listing, moment, state_is, verb
from app.core.schema import free_object, maybe, record, text
from app.processes import messages
from app.processes.messages import Arrival
from app.processes.models import MessageState, ProcessMessage

_TOLD = record(
    required=("source", "event_id", "name"),
    source=text(60),
    event_id=text(200),
    name=text(100),
    key={"type": ["string", "integer", "null"], "maxLength": 200},
    values=maybe(free_object("Values by key; a process keeps those that it asks for")),
    ttl=maybe(text(40)),
)
_ORDERS = {"id": ProcessMessage.id, "received_at": ProcessMessage.received_at}


class MessageApi(Api):
    """A message is taken once: by the process file that waits for its name and key, or by the process it begins."""

    resource_name = "messages"
    resource = "Message"

    @verb("/", "GET", "Messages that came, the newest first",
          query=listing(_ORDERS, state=f"one of {', '.join(MessageState)}", source="exactly", event_id="exactly",
                        name="exactly", key="exactly", instance="instance id"))  # fmt: skip
    def index(self) -> dict[str, Any]:
        return self.page(
            select(ProcessMessage).where(visible(ProcessMessage, edge.actor())),
            show=_shown,
            orders=_ORDERS,
            default_order="-id",
            filters={
                "state": state_is(ProcessMessage.state, MessageState),
                "source": equals(ProcessMessage.source),
                "event_id": equals(ProcessMessage.event_id),
                "name": equals(ProcessMessage.name),
                "key": equals(ProcessMessage.key),
                "instance": id_is(ProcessMessage.instance_id),
            },
            key=ProcessMessage.id,
        )

    @verb("/", "POST", "Something has happened: whoever waits for it goes on", right="add", body=_TOLD, status=201)
    def post(self) -> dict[str, Any]:
        body = self.read()

        def deliver(session: Session) -> dict[str, Any]:
            message, is_new = messages.deliver(session, Arrival(**body), by=edge.actor())
            return {**_shown(message), "duplicate": not is_new}

        return self.write(deliver)


def _shown(message: ProcessMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "source": message.source,
        "event_id": message.event_id,
        "name": message.name,
        "key": message.key or None,
        "state": message.state,
        "received_at": moment(message.received_at),
        "expires_at": moment(message.expires_at) if message.state is MessageState.kept else None,
        "taken_at": moment(message.taken_at),
        "instance": message.instance_id,
    }
