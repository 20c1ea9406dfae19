"""Who may read what of the audit log?"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.orm import Session

from app.audit.kinds import KINDS
from app.audit.records import records_named
from app.core import exports, history
from app.core.access import Actor, Scope, row_rule
from app.core.audit import AuditEvent, is_personal
from app.core.exports import Export
from app.core.guarded import key_of
from app.security.models import TeamMember


@row_rule(AuditEvent)
def _events(actor: Actor, action: str) -> ColumnElement[bool]:
    """One's own deeds, those of the people in one's teams, or all. Who did it counts, not what it was done to."""
    scope = actor.scope("Audit", action)
    if scope is Scope.all:
        return true()
    if scope is Scope.none or actor.user_id is None:
        return false()
    own = or_(AuditEvent.actor_id == actor.user_id, AuditEvent.on_behalf_of_id == actor.user_id)
    if scope is Scope.own:
        return own
    teams = actor.team_ids if scope is Scope.team else actor.subtree_team_ids | actor.headed_team_ids
    colleagues = select(TeamMember.member_id).where(TeamMember.team_id.in_(sorted(teams)))
    return or_(own, AuditEvent.actor_id.in_(colleagues))


def may_read_value(who: Actor, table: str, column: str) -> bool:
    """Does he read this field of such records as it is? The rights to fields decide, as on the record's own page."""
    known = KINDS.get(table)
    if known is None:
        return who.scope("Audit") is Scope.all
    return all(who.reads(known.resource, key) for key in known.fields.get(column, (key_of(column),)))


def withheld(session: Session, who: Actor, events: Sequence[AuditEvent]) -> history.Withheld:
    """Which values the reader is not told: of fields that he may not read, and personal ones of records that he may
    not see. One query, however many events."""
    personal = [event for event in events if any(is_personal(one) for one in event.changes.values())]
    seen = records_named(session, who, [(event.table_name, event.record_id) for event in personal])

    def is_kept(event: AuditEvent, column: str) -> bool:
        if not may_read_value(who, event.table_name or "", column):
            return True
        if event.table_name == Export.__tablename__:  # nobody else sees the file; the log is about what is in it
            _before, list_key = event.changes.get("list_key", (None, ""))
            return is_personal(event.changes.get(column)) and not exports.may_know_arguments(list_key, who)
        return is_personal(event.changes.get(column)) and (event.table_name, event.record_id) not in seen

    return is_kept
