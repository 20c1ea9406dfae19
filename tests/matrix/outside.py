"""What came in from outside, for the matrix: a form that stands open, and what waits behind its door."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import SYSTEM
from app.forms.public import rules, services
from app.forms.public.models import PublicEntry
from app.forms.queries import published_version
from app.forms.rules import Answers
from app.forms.services import create_form, publish_form, save_draft
from app.security.queries import team_by_code

CODE = "gop-y-ngoai"
_ASKED = {"name": "Góp ý", "fields": [{"key": "what", "type": "text", "label": "Góp ý"}]}


def open_form(session: Session) -> tuple[str, str]:
    """The key of its door, and what a page says that was opened a minute ago."""
    form = create_form(session, code=CODE, name="Góp ý", by=SYSTEM)
    save_draft(session, form, _ASKED, by=SYSTEM)
    publish_form(session, form, by=SYSTEM)
    team = team_by_code(session, "cskh")
    services.set_link(session, form, by=SYSTEM, source=None, team=team, thanks="", sites="")
    key = services.open_link(session, form, by=SYSTEM).key
    return key, rules.sign_page(current_app.config["SECRET_KEY"], key, clock.now() - timedelta(minutes=1))


def put_aside(session: Session, key: str, team: str, text: str) -> PublicEntry:
    """Somebody's answer that waits to be looked at, for this team."""
    link, version = services.queries.open_link(session, key) or (None, None)
    assert link is not None
    assert version is not None
    assert published_version(session, CODE) is version
    page = rules.OpenedPage(clock.now(), f"{team:0<32}"[:31] + text[-1])
    entry = services.receive(session, link, version, Answers({"what": text}), services.Arrival(page, team))
    assert entry is not None
    found = team_by_code(session, team)
    assert found is not None
    entry.team_id = found.id
    session.flush()
    return entry
