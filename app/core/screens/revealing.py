"""How is a value opened that somebody reads with dots? With a reason, for one page, and told to the audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import get_template_attribute, jsonify, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit, clock, edge, guarded, history
from app.core.access import Actor
from app.core.audit import AuditEvent, AuditSensitive
from app.core.errors import InvalidInputError, NotAllowedError, Sentence
from app.core.guarded import REASONS, REVEALED
from app.core.i18n import _
from app.core.pages import refuse_nul_sent, trail

#: how the history of a record tells of it
REVEALS: Mapping[str, Sentence] = {REVEALED: _("Covered value opened")}

#: the same value for the same reason within it is opened once: a page is loaded again, a button pressed twice
ONE_OPENING = timedelta(minutes=5)


@dataclass(frozen=True)
class Asked:
    """The value that is asked for, and whose it is."""

    label: Any
    covered: str
    #: the record's name and page
    title: str
    url: str
    #: the field, and where the audit tells of it: (resource, table, id)
    key: str
    record: tuple[str, str, int]
    #: the field under whose right it falls, where that is not its own: of answers, their class of personal data
    ruled_by: str = ""


def drawn(text: str, url: str, label: Any) -> Any:
    """The covered value with the button that opens it, for any template."""
    return get_template_attribute("_parts/ui.html", "covered")(text, url, label)


def answer(asked: Asked, who: Actor, value: Callable[[], Any], above: tuple[Any, str]) -> Any:
    """GET asks for the reason, POST shows the value. Raises NotAllowedError for whoever reads dots and no more."""
    refuse_nul_sent()
    resource, table, number = asked.record
    if not who.field_rule(resource, asked.ruled_by or asked.key).may_reveal:
        raise NotAllowedError(_("This value cannot be opened: your roles show it with dots only."))
    refusal, shown, is_part = None, None, "X-Part" in request.headers
    if request.method == "POST":
        try:
            reason = guarded.read_reason(request.form.get("reason", ""))
        except InvalidInputError as error:
            refusal = str(error.fields["reason"][0])
        else:
            # Told before it is shown: nobody reads what no log knows of.
            with edge.transaction() as session:
                if not _is_told(session, asked, reason, who):
                    audit.record(
                        session, REVEALED, table=table, record_id=number, changes={"field": [None, asked.key]},
                        personal={history.REASON: reason}, by=who,
                    )  # fmt: skip
            shown = str(value())
            if is_part:
                return jsonify(value=shown)
    page = render_template(
        "screens/_reveal.html" if is_part else "screens/reveal.html",
        is_part=is_part, asked=asked, shown=shown, refusal=refusal, reasons=REASONS,
        reason=request.form.get("reason", ""), longest=guarded.LONGEST_REASON,
        crumbs=trail(above, (asked.title, asked.url), here=asked.label),
    )  # fmt: skip
    return page, 422 if refusal else 200


def _is_told(session: Session, asked: Asked, reason: str, who: Actor) -> bool:
    """Has he opened this very value for this very reason just now? Then the page was loaded again: one opening."""
    _resource, table, number = asked.record
    just_now = session.execute(
        select(AuditEvent.changes, AuditSensitive.new)
        .join(AuditSensitive, (AuditSensitive.event_id == AuditEvent.id) & (AuditSensitive.field == history.REASON))
        .where(AuditEvent.table_name == table, AuditEvent.record_id == number, AuditEvent.name == REVEALED,
               AuditEvent.actor_id == who.user_id, AuditEvent.at > clock.now() - ONE_OPENING)
    )  # fmt: skip
    return any(changes.get("field") == [None, asked.key] and known == reason for changes, known in just_now)
