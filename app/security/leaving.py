"""Who takes over when somebody leaves, and how does he come back? Nobody is ever deleted."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.access import Actor
from app.core.db import queue_up
from app.core.errors import BusinessError, InvalidInputError, NotAllowedError, NotFoundError, Sentence
from app.core.i18n import _
from app.security import queries, rules
from app.security.admission import end_invitations
from app.security.events import Duty, Held, duties, messenger, traces
from app.security.member_guard import lock_for, refuse_above
from app.security.models import Grant, Member
from app.security.role_services import LAST_ADMINISTRATOR
from app.security.roles import ADMIN
from app.security.services import end_sign_ins, rights_changed


class OpenWorkError(BusinessError):
    """He still has work in hand for which nobody was named. `fields`: duty key → what it is."""

    code = "open_work"
    message = _("There is open work left. Say who takes it over.")


def open_work(session: Session, member: Member, who: Actor, *, titles: int = 3) -> list[tuple[Duty, Held]]:
    """What he has in hand, by kind, as far as there is any; the titles are those that `who` may see."""
    found = ((duty, duty.held(session, member, who, titles=titles)) for duty in duties())
    return [(duty, held) for duty, held in found if held.count]


def going_on(session: Session, member: Member, who: Actor) -> list[Sentence]:
    """What nobody has to take over, but everybody should know before he leaves."""
    return [sentence for trace in traces() for sentence in trace(session, member, who)]


def why_stays(session: Session, member: Member, by: Actor) -> Sentence | None:
    """Why this person cannot leave, whoever takes the work over."""
    if member.deactivated_at is not None:
        return _("%(name)s no longer works here.", name=member.name)
    if member.id == by.user_id:
        return _("You cannot deactivate yourself.")
    if [one.id for one in queries.members_with_role(session, ADMIN)] == [member.id]:
        return LAST_ADMINISTRATOR
    return None


def deactivate_member(
    session: Session, member: Member, *, by: Actor, receivers: Mapping[str, Member] | None = None
) -> dict[str, dict[str, int]]:
    """The person can no longer sign in; what he did stays his. `receivers`: duty key → who takes that over.

    His open work changes hands, his sessions and all that was shared with him end. Returns receiver → duty → number.
    Raises OpenWorkError while something in hand has no receiver, InvalidInputError for a receiver who cannot take it,
    BusinessError for oneself, for the last administrator and for somebody who may more than `by`.
    """
    queue_up(session, "member")
    lock_for(session, member, by)
    why = why_stays(session, member, by)
    if why is not None:
        raise BusinessError(why)
    refuse_above(session, member, by)
    taken_over = _hand_over(session, member, receivers or {}, by=by)
    member.user.active = False
    member.deactivated_at = clock.now()
    end_invitations(session, member)
    for grant in session.scalars(select(Grant).where(Grant.member_id == member.id, Grant.ended_at.is_(None))):
        grant.ended_at = clock.now()
    session.flush()
    end_sign_ins(session, member.id, reason="deactivated")
    rights_changed(session, [member.id])
    audit.record(session, "member_deactivated", table="member", record_id=member.id, changes=taken_over, by=by)
    return taken_over


def _hand_over(
    session: Session, member: Member, receivers: Mapping[str, Member], *, by: Actor
) -> dict[str, dict[str, int]]:
    """Everything that he has in hand to whom it was promised: {user name of the receiver: {duty: number}}."""
    work = open_work(session, member, by, titles=0)
    missing = {duty.key: [duty.counted(held.count)] for duty, held in work if duty.key not in receivers}
    if missing:
        raise OpenWorkError(fields=missing)
    problems: dict[str, list[Sentence]] = {}
    for duty, _held in work:
        to = receivers[duty.key]
        why = _receiver_problem(member, to) or duty.refusal(session, to)
        if why is not None:
            problems[duty.key] = [why]
    if problems:
        raise InvalidInputError(fields=problems)
    told: dict[str, dict[str, int]] = {}
    for duty, _held in work:
        to = receivers[duty.key]
        try:
            count = duty.hand_over(session, member, to, by=by)
        except (NotAllowedError, NotFoundError):
            refused = _("You may not hand this on: %(what)s. Ask an administrator.", what=duty.label)
            raise NotAllowedError(refused, fields={duty.key: [refused]}) from None
        told.setdefault(to.username, {})[duty.key] = count
    for to in {one.id: one for one in receivers.values()}.values():
        if to.username in told and to.id != by.user_id:
            messenger().handed_over(session, to, before=member, counts=told[to.username], by=by)
    return told


def _receiver_problem(member: Member, to: Member) -> Sentence | None:
    if to.id == member.id:
        return _("Choose somebody else: this person is leaving.")
    return None if to.is_active else _("%(name)s no longer works here.", name=to.name)


def reactivate_member(session: Session, member: Member, *, by: Actor) -> None:
    """The person is back, with his roles and teams. Whoever never had a password has to be invited then."""
    lock_for(session, member, by)
    if member.deactivated_at is None:
        raise BusinessError(_("%(name)s works here.", name=member.name))
    refuse_above(session, member, by)
    member.deactivated_at = None
    member.user.active = member.user.password != rules.NO_PASSWORD
    session.flush()
    rights_changed(session, [member.id])
    audit.record(session, "member_reactivated", table="member", record_id=member.id, by=by)
