"""How does a person learn that he is invited, and a colleague that he has taken work over? The one by mail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock, settings
from app.core.access import Actor
from app.core.errors import Sentence
from app.core.formats import exact_text
from app.core.i18n import _
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell, queue_mail
from app.notifications.shipped import MEMBER_INVITED
from app.security.events import Messenger, duty_called
from app.security.models import Member
from app.security.queries import member_by_id

HANDED_OVER = "work_handed_over"


def _handed_over(data: Mapping[str, Any]) -> Sentence:
    """Counts in words, of the kinds that there still are."""
    kinds = [(duty_called(key), count) for key, count in data["counts"].items()]
    told = ", ".join(str(duty.counted(count)) for duty, count in kinds if duty is not None)
    return _("%(by)s handed %(before)s's work over to you: %(what)s", by=data["by"], before=data["before"], what=told)


register_bell_kind(HANDED_OVER, _handed_over)


class PeopleMessenger(Messenger):
    """Mails and bell lines about people, for app.security."""

    def invite(self, session: Session, member: Member, *, link: str, until: datetime, by: Actor) -> None:
        inviter = member_by_id(session, by.user_id) if by.user_id is not None else None
        queue_mail(
            session,
            to_user_id=member.id,
            to_address=member.email,
            template=MEMBER_INVITED.code,
            language=member.language,
            values={
                "name": member.name,
                "company": settings.get(session, "company_name"),
                "username": member.username,
                "inviter": by.name,
                "signature": inviter.signature if inviter is not None else None,
                "until": exact_text(until, member.time_zone),
                "link": link if member.language == "vi" else f"{link}?lang={member.language}",
            },
            at=clock.now(),
        )

    def handed_over(
        self, session: Session, to: Member, *, before: Member, counts: Mapping[str, int], by: Actor
    ) -> None:
        post_bell(
            session,
            to=to.id,
            kind=HANDED_OVER,
            data={"by": by.name, "before": before.name, "counts": dict(counts)},
            subject_type="work",
            subject_id=before.id,
            at=clock.now(),
        )
