"""What does a process tell others? A message, kept until the worker hands it over: within seconds of the event.

Never in the event itself: whoever takes it is another process file, and two that told each other something at the same
moment would wait for each other's locks.
"""

from __future__ import annotations

import hashlib
import json

from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import BusinessError
from app.core.i18n import DEFAULT_TIME_ZONE, _
from app.processes.engine.outside import TellSpec
from app.processes.engine.state import Data
from app.processes.engine.waits import correlation
from app.processes.models import MessageState, ProcessInstance, ProcessMessage

#: as whose messages these come in; no program outside can call itself so
FROM_WITHIN = "@process"
#: more messages in a row than this, each sent because of the last, are taken for a circle
MOST_HOPS = 50

_CHAIN = "message_hops"


class NothingToGoByError(BusinessError):
    code = "nothing_to_go_by"
    message = _("The value is empty by which it is known who is meant.")


class MessageCircleError(BusinessError):
    code = "message_circle"
    message = _("Messages have gone round and round without anybody's work.")


def tell(session: Session, instance: ProcessInstance, data: Data, spec: TellSpec, token: int) -> None:
    """Raises NothingToGoByError, and MessageCircleError when this is one of too many in a row."""
    key = correlation(spec.key.value(data, today=clock.today(DEFAULT_TIME_ZONE))) if spec.key is not None else ""
    if spec.key is not None and not key:
        raise NothingToGoByError
    hops = _hops(session)
    if hops > MOST_HOPS:
        raise MessageCircleError
    values, now = {to: data[key] for to, key in spec.gives if data.get(key) is not None}, clock.now()
    content = json.dumps([spec.name, key, values], sort_keys=True, ensure_ascii=False)
    session.add(
        ProcessMessage(
            source=FROM_WITHIN, event_id=f"{instance.code}:{token}", name=spec.name, key=key, values=values,
            digest=hashlib.sha256(content.encode()).hexdigest(), state=MessageState.kept, received_at=now,
            expires_at=now + spec.ttl, hops=hops,
        )
    )  # fmt: skip
    session.flush()


def caused_by(session: Session, message: ProcessMessage) -> None:
    """Whatever is told in this transaction from now on is told because of that one."""
    session.info[_CHAIN] = session.get_transaction(), max(_hops(session), message.hops + 1)


def _hops(session: Session) -> int:
    within, hops = session.info.get(_CHAIN, (None, 0))
    return hops if within is session.get_transaction() else 0
