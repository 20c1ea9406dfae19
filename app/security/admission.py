"""How does a colleague get in: by a link to a password of his own, or by a first password that somebody gives him?"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit, clock, links
from app.core.access import Actor
from app.core.errors import BusinessError, NotFoundError
from app.core.i18n import _
from app.security import member_queries as about
from app.security import rules
from app.security.events import messenger
from app.security.member_guard import lock_for, refuse_above
from app.security.models import Member, MemberInvitation
from app.security.services import change_password, rights_changed


class AlreadyInError(BusinessError):
    """The invitation was used, by whoever holds it: he has a password."""

    status = 410
    code = "invitation_used"
    message = _("You have made your password already. Sign in with it.")


def invite_member(session: Session, member: Member, *, by: Actor) -> str:
    """Mail the person a one-time link to his own password; earlier links die. Returns the secret of the link."""
    lock_for(session, member, by, "add")
    if member.deactivated_at is not None:
        raise BusinessError(_("%(name)s no longer works here. Take the person back first.", name=member.name))
    if member.is_active:
        raise BusinessError(_("%(name)s can sign in already.", name=member.name))
    refuse_above(session, member, by)
    end_invitations(session, member)
    return send_link(session, member, by=by)


def send_link(session: Session, member: Member, *, by: Actor) -> str:
    """The link and its mail, to somebody whom `by` may invite (refuse_above) and who has no other; its secret."""
    token, until = rules.new_token(), clock.now() + rules.INVITATION_LASTS
    session.add(MemberInvitation(member_id=member.id, token_hash=rules.token_hash(token), expires_at=until))
    session.flush()
    link = links.absolute(links.invitation_path(token))
    messenger().invite(session, member, link=link, until=until, by=by)
    audit.record(session, "member_invited", table="member", record_id=member.id, by=by)
    return token


def withdraw_invitation(session: Session, member: Member, *, by: Actor) -> None:
    """The link that is under way opens nothing any more. Raises BusinessError when there is none."""
    lock_for(session, member, by, "add")
    if not end_invitations(session, member):
        raise BusinessError(_("There is no open invitation."))
    audit.record(session, "invitation_withdrawn", table="member", record_id=member.id, by=by)


def open_invitation(session: Session, token: str) -> MemberInvitation:
    """The live invitation behind the secret.

    Raises AlreadyInError when it was used, and NotFoundError when it was taken back, ran out, or never was.
    """
    row = session.scalars(
        select(MemberInvitation).where(MemberInvitation.token_hash == rules.token_hash(token))
    ).one_or_none()
    if row is not None and row.used_at is not None and row.member.is_active:
        raise AlreadyInError
    is_live = row is not None and row.used_at is None and row.withdrawn_at is None and row.expires_at > clock.now()
    if row is None or not is_live or row.member.is_active or row.member.deactivated_at is not None:
        raise NotFoundError(_("This invitation no longer counts. Ask whoever invited you to send it again."))
    return row


def accept_invitation(session: Session, token: str, *, password_hash: str) -> Member:
    """Use the link up: the person has a password of his own and may sign in."""
    # Whoever takes the link back, or ends the person's work here, holds the person's row: read what is left after him.
    waiting = select(MemberInvitation.member_id).where(MemberInvitation.token_hash == rules.token_hash(token))
    session.execute(select(Member.id).where(Member.id.in_(waiting)).with_for_update())
    invitation = open_invitation(session, token)
    member = invitation.member
    invitation.used_at = clock.now()
    _let_in(session, member, password_hash=password_hash)
    audit.record(session, "invitation_accepted", table="member", record_id=member.id)
    return member


def give_first_password(session: Session, member: Member, *, password_hash: str, by: Actor) -> None:
    """A password that somebody else knows: the person has to change it before he sees anything. His sessions end.

    It opens the door as long as an invitation does.
    """
    lock_for(session, member, by)
    if member.id == by.user_id:
        raise BusinessError(_("You change your own password in your account."))
    if member.deactivated_at is not None:
        raise BusinessError(_("%(name)s no longer works here. Take the person back first.", name=member.name))
    refuse_above(session, member, by)
    end_invitations(session, member)
    _let_in(session, member, password_hash=password_hash, until=clock.now() + rules.INVITATION_LASTS)
    audit.record(session, "first_password_given", table="member", record_id=member.id, by=by)


def choose_own_password(session: Session, member: Member, *, password_hash: str) -> None:
    """Whoever came in with a password that somebody else knows has one of his own now."""
    change_password(session, member, password_hash=password_hash)
    member.must_change_password, member.first_password_until = False, None
    session.flush()


def _let_in(session: Session, member: Member, *, password_hash: str, until: datetime | None = None) -> None:
    """`until`: how long a password that somebody else knows opens the door; None: it is his own."""
    change_password(session, member, password_hash=password_hash)
    member.user.active = True
    member.must_change_password, member.first_password_until = until is not None, until
    session.flush()
    rights_changed(session, [member.id])


def end_invitations(session: Session, member: Member) -> int:
    """Those that can still be used; how many."""
    live = session.scalars(select(MemberInvitation).where(*about.is_live(member.id))).all()
    for invitation in live:
        invitation.withdrawn_at = clock.now()
    session.flush()
    return len(live)
