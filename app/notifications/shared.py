"""How does a person learn that a record was shared with him? By a line in the bell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor
from app.core.errors import Sentence
from app.core.finding import kind_of
from app.core.i18n import _
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell
from app.security.models import Grant, Member, Right
from app.security.shared import Teller

SHARED = "record_shared"


def _shared(data: Mapping[str, Any]) -> Sentence:
    if data["right"] == Right.edit:
        return _("%(by)s lets you change %(title)s: %(note)s", **{key: data[key] for key in ("by", "title", "note")})
    return _("%(by)s shared %(title)s with you: %(note)s", **{key: data[key] for key in ("by", "title", "note")})


register_bell_kind(SHARED, _shared)


class ShareTeller(Teller):
    def shared(self, session: Session, to: Member, grant: Grant, *, title: str, by: Actor) -> None:
        post_bell(
            session,
            to=to.id,
            kind=SHARED,
            data={"by": by.name, "title": title, "note": grant.note or "", "right": str(grant.right)},
            subject_type=kind_of(grant.resource),
            subject_id=grant.record_id,
            at=clock.now(),
        )
