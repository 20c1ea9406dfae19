"""What is done from the first page of administration: try whether mails leave, put the set-up list away."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from app.core import clock, links, settings
from app.core.access import Actor
from app.core.db import queue_up
from app.core.errors import BusinessError, TooManyRequestsError
from app.core.formats import exact_text, time_text
from app.core.i18n import _
from app.notifications.models import Outbox
from app.notifications.rules import is_address
from app.notifications.services import queue_mail
from app.notifications.shipped import TEST_MAIL
from app.security.models import Member

#: between two test mails of a company
PAUSE = timedelta(minutes=1)
#: a mail that should have left so long ago is worth a look
LONG_WAIT = timedelta(minutes=10)


def address_of(session: Session, who: Actor) -> str:
    """Where a test mail of this person goes."""
    return session.get_one(Member, who.user_id).email


def last_test_mail(session: Session) -> Outbox | None:
    """The last mail with which somebody tried whether mails leave."""
    mail_id = settings.get(session, "test_mail_id")
    return session.get(Outbox, mail_id) if mail_id else None


def send_test_mail(session: Session, *, by: Actor) -> Outbox:
    """Queue a mail to one's own address, as every other mail is queued.

    Raises NotAllowedError, TooManyRequestsError within PAUSE of the one before, and BusinessError without an address.
    """
    by.must("edit", "Setting")
    queue_up(session, "test_mail")
    at, last = clock.now(), last_test_mail(session)
    if last is not None and timedelta() <= at - last.created_at < PAUSE:
        again = time_text(last.created_at + PAUSE, by.time_zone)
        raise TooManyRequestsError(_("A test mail was sent a moment ago. The next one from %(time)s on.", time=again))
    member = session.get_one(Member, by.user_id)
    if not is_address(member.email):
        raise BusinessError(_("Your account has no e-mail address that a mail could go to. Change it first."))
    mail = queue_mail(
        session,
        to_address=member.email,
        to_user_id=member.id,
        template=TEST_MAIL.code,
        language=member.language,
        values={
            "name": member.name,
            "company": settings.get(session, "company_name"),
            "at": exact_text(at, member.time_zone),
            "link": links.absolute("/quan-tri/"),
        },
        at=at,
    )
    settings.put(session, "test_mail_id", mail.id, by=by)
    return mail


def hide_setup(session: Session, *, hidden: bool, by: Actor) -> None:
    """Put the set-up list away, or take it out again. Raises NotAllowedError."""
    settings.put(session, "setup_hidden", hidden, by=by)
