"""Who looks at the product as whom? To read, for a while, and told in the audit log at both ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.access import Actor, Scope
from app.core.errors import BusinessError, NotAllowedError, Sentence
from app.core.i18n import _
from app.security import queries
from app.security.models import Look, Member, SignIn, SignInKind
from app.security.role_rules import is_beyond
from app.security.rules import token_hash

#: so long one look lasts at most
LASTS = timedelta(minutes=30)


def may_look(by: Actor) -> bool:
    """Whoever may change every member may see what they see."""
    return by.scope("Member", "edit") is Scope.all


def why_not(session: Session, member: Member, by: Actor) -> Sentence | None:
    """Why he cannot look as this member; None: he can."""
    if member.id == by.user_id:
        return _("You see your own work already.")
    if not member.is_active:
        return _("%(name)s cannot sign in, so there is nothing to look at.", name=member.name)
    if is_beyond(by, queries.actor_of(session, member)):
        return _("%(name)s holds rights that you do not have.", name=member.name)
    return None


def begin_look(session: Session, token: str, member: Member, *, by: Actor) -> Look:
    """From now on the browser with this session shows what the member sees, until he stops or the time is over.

    Raises NotAllowedError without the right and BusinessError with the reason.
    """
    if by.real_user_id is not None or not may_look(by):
        raise NotAllowedError
    problem = why_not(session, member, by)
    if problem is not None:
        raise BusinessError(problem)
    sign_in = session.scalars(
        select(SignIn).where(SignIn.token_hash == token_hash(token), SignIn.kind == SignInKind.web)
    ).one_or_none()
    if sign_in is None or sign_in.member_id != by.user_id:
        raise BusinessError(_("Looking as somebody else works in the browser alone."))
    end_look(session, token)
    now = clock.now()
    look = Look(sign_in_id=sign_in.id, member_id=member.id, began_at=now, until=now + LASTS)
    session.add(look)
    session.flush()
    audit.record(session, "look_began", table="member", record_id=member.id,
                 changes={"until": [None, look.until.isoformat()]})  # fmt: skip
    return look


def end_look(session: Session, token: str) -> None:
    """The browser shows its own person's work again; it did so already: nothing."""
    look = session.scalars(
        select(Look).join(SignIn, SignIn.id == Look.sign_in_id)
        .where(SignIn.token_hash == token_hash(token), Look.ended_at.is_(None))
    ).one_or_none()  # fmt: skip
    if look is not None:
        _end(session, look, None)


def end_stale_looks(session: Session) -> int:
    """Those whose time is over and those whose session has ended. Returns how many."""
    now = clock.now()
    rows = session.scalars(
        select(Look).join(SignIn, SignIn.id == Look.sign_in_id)
        .where(Look.ended_at.is_(None), or_(Look.until <= now, SignIn.ended_at.is_not(None), SignIn.expires_at <= now))
    ).all()  # fmt: skip
    for look in rows:
        looker = Actor(user_id=look.member_id, real_user_id=look.sign_in.member_id, address=look.sign_in.address)
        _end(session, look, looker)
    return len(rows)


def _end(session: Session, look: Look, by: Actor | None) -> None:
    look.ended_at = min(clock.now(), look.until)
    session.flush()
    audit.record(session, "look_ended", table="member", record_id=look.member_id, by=by)


def as_another(session: Session, real: Actor, member_id: int) -> Actor | None:
    """The member as an actor behind whom the real person stands. None: he may not look (any more)."""
    member = queries.member_by_id(session, member_id)
    if member is None or not may_look(real) or why_not(session, member, real) is not None:
        return None
    seen = queries.actor_of(session, member, address=real.address)
    # Without the rules that are kept for the member himself: what is his own business is nothing to look at.
    return replace(seen, real_user_id=real.user_id, language=real.language, time_zone=real.time_zone)
