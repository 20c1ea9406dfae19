"""Which programs outside does the company know, and what do they want to hear? Admins keep the list."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, vault
from app.core.access import Actor
from app.core.addresses import url_problem
from app.core.errors import ConflictError, InvalidInputError
from app.core.i18n import _
from app.core.vault import LostKeyError
from app.processes.engine.http import is_header
from app.processes.models import Receiver
from app.security import queries as people

LONGEST_CODE = 60
MOST_HEADERS = 10
_CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_PURPOSE = "headers of a receiver"


def save(
    session: Session,
    receiver: Receiver | None,
    *,
    name: str,
    url: str,
    code: str = "",
    may_be_inside: bool = False,
    headers: str | None = None,
    rev: int | None = None,
    by: Actor,
) -> Receiver:
    """Keep a program under its code (which never changes), or change it. `headers`: lines of `Name: value`; None or
    empty keeps what there is, "-" forgets it. They go with the address: another host needs them typed again.

    Raises InvalidInputError beside what is wrong, ConflictError when somebody else has changed it meanwhile.
    """
    by.must("edit", "Setting")
    name, url, code = name.strip(), url.strip(), code.strip()
    problems: dict[str, list[Any]] = {}
    if receiver is None:
        problems |= _code_problems(session, code)
    if not name or len(name) > 200 or not name.isprintable():
        problems["name"] = [_("Please give a name of at most 200 characters.")]
    wrong = url_problem(url, allowed_inside=may_be_inside)
    if wrong is not None or "?" in url:
        problems["url"] = [wrong or _("The address of a receiver ends before the “?”.")]
    typed = (headers or "").strip()
    read = _read_headers(typed, problems) if typed not in ("", "-") else {}
    if receiver is not None:
        session.refresh(receiver, with_for_update=True)
        if rev is not None and receiver.rev != rev:
            who = people.member_by_id(session, receiver.updated_by_id) if receiver.updated_by_id else None
            raise ConflictError(by=who.name if who else "", at=receiver.updated_at)
        if not typed and receiver.headers is not None and _origin(url) != _origin(receiver.url):
            problems["headers"] = [_("What is kept was for another address. Type it again, or a dash to forget it.")]
    if problems:
        raise InvalidInputError(fields=problems)
    if receiver is None:
        receiver = Receiver(code=code)
        session.add(receiver)
    receiver.name, receiver.url, receiver.may_be_inside = name, url, may_be_inside
    if typed:
        receiver.headers = _locked(url, read) if read else None
    session.flush()
    return receiver


def retire(session: Session, receiver: Receiver, *, by: Actor) -> None:
    """Nothing calls it any more; a process that wants to stops there."""
    by.must("edit", "Setting")
    receiver.archived_at = receiver.archived_at or clock.now()
    session.flush()


def bring_back(session: Session, receiver: Receiver, *, by: Actor) -> None:
    by.must("edit", "Setting")
    receiver.archived_at = None
    session.flush()


def headers_of(receiver: Receiver) -> dict[str, str]:
    """What it is sent along with every call. Raises LostKeyError when it cannot be read, or is another address's."""
    if receiver.headers is None:
        return {}
    origin, headers = json.loads(vault.unlock(receiver.headers, purpose=_PURPOSE))
    if origin != _origin(receiver.url):
        raise LostKeyError
    return dict(headers)


def in_use(session: Session) -> Sequence[Receiver]:
    return session.scalars(select(Receiver).where(Receiver.archived_at.is_(None)).order_by(Receiver.name)).all()


def names(session: Session) -> dict[str, str]:
    """Code → what people call it, of those too that are not called any more."""
    rows = session.execute(select(Receiver.code, Receiver.name))
    return {row.code: row.name for row in rows}


def codes(session: Session) -> frozenset[str]:
    return frozenset(session.scalars(select(Receiver.code).where(Receiver.archived_at.is_(None))))


def by_code(session: Session, code: str) -> Receiver | None:
    """None where there is none, or it is not called any more."""
    rows = select(Receiver).where(Receiver.code == code, Receiver.archived_at.is_(None))
    return session.scalars(rows).one_or_none()


def _code_problems(session: Session, code: str) -> dict[str, list[Any]]:
    if len(code) > LONGEST_CODE or not _CODE.fullmatch(code):
        return {"code": [_("Small letters without accents, digits and dashes. Example: kho-hang")]}
    if session.scalar(select(Receiver.id).where(Receiver.code == code)) is not None:
        return {"code": [_("Another receiver has this code.")]}
    return {}


def _read_headers(text: str, problems: dict[str, list[Any]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, _colon, value = (side.strip() for side in line.partition(":"))
        if not is_header(name, value, is_secret=True) or name in found or len(found) == MOST_HEADERS:
            # What was typed is a secret: it is not quoted.
            problems["headers"] = [
                _("One header a line, at most %(count)s. Example: Authorization: Bearer abc123", count=MOST_HEADERS)
            ]
            return {}
        found[name] = value
    return found


def _locked(url: str, headers: Mapping[str, str]) -> str:
    return vault.lock(json.dumps([_origin(url), headers]), purpose=_PURPOSE)


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3]).lower()
