"""Whose is somebody to change? Told before anything is changed, and kept from others from then on."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor, get_visible, visible
from app.core.errors import BusinessError, InvalidInputError
from app.core.i18n import _
from app.security import queries
from app.security.models import Member
from app.security.role_rules import is_beyond

OUT_OF_SIGHT = _("You would not see this person yourself. Choose a team whose people you see.")


def lock_for(session: Session, member: Member, by: Actor, right: str = "edit") -> None:
    """His present state, kept from others, once he is the actor's to change."""
    by.must(right, "Member")
    get_visible(session, Member, member.id, by, right)
    session.refresh(member, with_for_update={"of": Member})


def refuse_above(session: Session, member: Member, by: Actor) -> None:
    """Nobody comes by rights that he does not hold by changing, letting in or locking out somebody who holds them."""
    if member.id != by.user_id and is_beyond(by, queries.actor_of(session, member)):
        raise BusinessError(
            _("%(name)s holds rights that you do not have. Ask an administrator to do this.", name=member.name)
        )


def touch(member: Member) -> None:
    """Part of him stands in other tables: who typed on an older state shall be told all the same."""
    member.updated_at = clock.now()


def refuse_unseen(session: Session, member: Member, by: Actor) -> None:
    """Nobody adds a person whom he would not see himself."""
    if session.scalar(select(Member.id).where(Member.id == member.id, visible(Member, by))) is None:
        raise InvalidInputError(fields={"team": [OUT_OF_SIGHT]})
