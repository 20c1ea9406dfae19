"""What does an event tell beside its name, by whom and to whom was it done, and why?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from app.audit.kinds import EVENTS
from app.core import history
from app.core.access import SYSTEM, Actor
from app.core.accounts import User
from app.core.audit import ARCHIVED, BROUGHT_BACK, RESTORED, RESTORES, AuditAction, AuditEvent, Origin, is_personal
from app.core.history import HAPPENED, Happened, Line
from app.core.i18n import _
from app.security.models import Grant, Member, Team

#: what happened, by the value of core.audit.WHAT: changes of records first, then events
WHAT: Mapping[str, Any] = {
    "create": HAPPENED[Happened.created], "change": HAPPENED[Happened.changed], BROUGHT_BACK: history.BACK,
    ARCHIVED: HAPPENED[Happened.archived], RESTORED: HAPPENED[Happened.restored],
    "delete": HAPPENED[Happened.deleted], **{name: one.label for name, one in EVENTS.items()},
}  # fmt: skip


def doer(name: str | None, origin: Origin | None) -> Any:
    """Who did it; nobody at a page or a program is somebody who has not signed in."""
    if name:
        return name
    return _("Nobody signed in") if origin in (Origin.page, Origin.api) else SYSTEM.name


def reason_of() -> ColumnElement[Any]:
    """Why, as `history.reason_text` reads it. Only a change takes another one back: what else begins with that mark was
    typed by somebody, and stands in quotation marks."""
    is_typed = and_(AuditEvent.action != AuditAction.change, AuditEvent.reason.startswith(RESTORES))
    return case((is_typed, "“" + AuditEvent.reason + "”"), else_=AuditEvent.reason)


def details(
    name: str | None, changes: Mapping[str, Any], who: Actor | None = None, people: Mapping[str, str] | None = None
) -> Iterator[Line]:
    """What an event tells beside its name; the long things to somebody alone who is named.

    `people`: what they are called, by user name.
    """
    known = EVENTS.get(name or "")
    if known is not None and known.given is not None:
        for key, given in changes.items():
            called = (people or {}).get(key, key)
            if words := known.given(given):
                yield Line(_("Handed over to %(name)s", name=called), None, words)
        return
    for key, logged in changes.items():
        if is_personal(logged):
            if known is not None and known.called(key) is not None:
                yield Line(known.called(key), None, history.WITHHELD)
            continue
        if known is not None and key in known.long:
            if who is not None and (told := known.long[key](changes, who)):
                yield Line(known.called(key), None, told)
            continue
        label = known.called(key) if known is not None else key
        if label is None:
            continue
        old, new = logged if isinstance(logged, list) and len(logged) == 2 else (None, logged)
        if known is not None:
            old, new = known.told(key, old), known.told(key, new)
        if old is not None or new is not None:
            yield Line(label, old, new)


def receivers(name: str | None, changes: Mapping[str, Any]) -> Iterable[str]:
    """The user names of those to whom something was handed over."""
    known = EVENTS.get(name or "")
    return changes if known is not None and known.given is not None else ()


def people_called(session: Session, names: Iterable[str]) -> dict[str, str]:
    """User name → what the person is called."""
    wanted = set(names)
    rows = session.execute(
        select(User.username, User.last_name, User.first_name).where(User.username.in_(wanted))
    ) if wanted else ()  # fmt: skip
    return {row.username: f"{row.last_name} {row.first_name}".strip() for row in rows}


def sharers(session: Session, ids: Collection[int | None]) -> dict[int, str]:
    """Share → the person or the team that it opens something to."""
    rows = session.execute(
        select(Grant.id, func.coalesce(Member.name, Team.name)).where(Grant.id.in_(ids))
        .outerjoin(Member, Member.id == Grant.member_id).outerjoin(Team, Team.id == Grant.team_id)
    ) if ids else ()  # fmt: skip
    return {key: called or "" for key, called in rows}
