"""How does the team learn that something came in from outside? Its head's bell says so; without a team the admins'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.i18n import _
from app.forms.public.models import EntryState, PublicEntry
from app.notifications.models import Notification
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell
from app.security.models import Team
from app.security.queries import members_with_role
from app.security.roles import ADMIN

_TAKEN, _HELD = "public_entry_taken", "public_entry_held"


def _of(data: Mapping[str, Any]) -> str:
    return str(data["form"])


register_bell_kind(_TAKEN, lambda data: _("A customer has sent: %(form)s", form=_of(data)))
register_bell_kind(_HELD, lambda data: _("Look at what came in from outside: %(form)s", form=_of(data)))


def tell_of_entry(session: Session, entry: PublicEntry) -> None:
    """Of what became a submission, and of what waits for somebody."""
    is_taken = entry.state is EntryState.taken and entry.submission_id is not None
    subject = ("submission", entry.submission_id) if is_taken else ("public_entry", entry.id)
    for number in _people(session, entry):
        if not is_taken and _knows(session, number, entry):
            continue
        post_bell(
            session, to=number, kind=_TAKEN if is_taken else _HELD, data={"form": entry.version.form.name},
            subject_type=subject[0], subject_id=int(subject[1] or 0), at=clock.now(),
        )  # fmt: skip


def _knows(session: Session, user_id: int, entry: PublicEntry) -> bool:
    """Is there an unread line already that something of this form waits? A flood rings once."""
    unread = select(Notification.id).where(
        Notification.user_id == user_id, Notification.kind == _HELD, Notification.read_at.is_(None),
        Notification.subject_id.in_(select(PublicEntry.id).where(PublicEntry.link_id == entry.link_id)),
    )  # fmt: skip
    return session.scalar(unread.limit(1)) is not None


def _people(session: Session, entry: PublicEntry) -> list[int]:
    team = session.get(Team, entry.team_id) if entry.team_id is not None else None
    if team is not None and team.head_id is not None:
        return [team.head_id]
    return sorted(member.id for member in members_with_role(session, ADMIN))
