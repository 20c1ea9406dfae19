"""What do people read of a bulk edit: what is set, what would happen, how far it is, what became of whom?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.core import links
from app.core.access import Actor
from app.core.formats import typed_day
from app.customers.bulk import fields, queries, services
from app.customers.bulk.fields import BulkKind
from app.customers.bulk.labels import FATE_REASONS, OUTCOME_LABELS, PHASE_KINDS, PHASE_LABELS
from app.customers.bulk.models import BulkEdit, BulkOutcome, BulkPhase
from app.security.models import Member, Team

#: customers of each outcome on the page
SHOWN = 50
#: in the order of the page: what needs a look first
_GROUPS = (BulkOutcome.refused, BulkOutcome.left, BulkOutcome.undone, BulkOutcome.changed)
_ADDRESSES = {BulkKind.person: "/chon/nguoi", BulkKind.team: "/chon/bo-phan"}


def told(job: BulkEdit, who: Actor) -> dict[str, Any]:
    """One bulk edit in the list, and how far it is."""
    state, is_mine = job.state, job.member_id == who.user_id
    total = job.written.get(BulkOutcome.changed, 0) if job.phase is BulkPhase.undoing else job.rows_all
    return {
        "id": job.id, "by": job.member.name, "state": str(state), "state_label": PHASE_LABELS[state],
        "kind": PHASE_KINDS.get(state, "none"), "is_working": job.is_working, "is_draft": state is BulkPhase.draft,
        "url": links.customers_edit_path(job.id), "came_from": job.came_from, "rows_all": job.rows_all, "total": total,
        "done": job.rows_done, "percent": min(100, 100 * job.rows_done // total) if total else 0,
        "written": [(OUTCOME_LABELS[one], job.written[one]) for one in BulkOutcome if job.written.get(one)],
        "problem": job.problem, "created_at": job.created_at, "applied_at": job.applied_at,
        "may_cancel": is_mine and state is BulkPhase.applying, "may_resume": is_mine and services.can_resume(job),
        "may_undo": who.is_himself and services.can_undo(job), "undo_until": services.undo_until(job),
    }  # fmt: skip


def set_in(session: Session, job: BulkEdit, who: Actor) -> Sequence[tuple[Any, str]]:
    """(field, value) of what is set."""
    return fields.told(session, job.changes, who)


def preview(session: Session, job: BulkEdit, who: Actor) -> dict[str, Any]:
    """The numbers before it is done."""
    found = queries.preview(session, job, who)
    return {
        "changes": found.changes, "same": found.counts.get(queries.Fate.same, 0), "refused": found.refused,
        "reasons": [
            {"text": FATE_REASONS[fate], "count": found.counts[fate], "named": found.named.get(fate, ()),
             "more": found.counts[fate] - len(found.named.get(fate, ()))}
            for fate in FATE_REASONS if found.counts.get(fate)
        ],
        "by_worker": job.rows_all > services.AT_ONCE,
    }  # fmt: skip


def groups(session: Session, job: BulkEdit, who: Actor) -> Sequence[dict[str, Any]]:
    """What became of whom, the first ones of each outcome."""
    shown = []
    for outcome in _GROUPS:
        # Once it is taken back, nobody is changed any more.
        count = job.written.get(outcome, 0)
        rows = queries.rows_of(session, job, [outcome], who, limit=SHOWN) if count else ()
        if rows:
            is_short = len(rows) < SHOWN
            told_why = any(row.reasons for row in rows)
            shown.append({
                "outcome": str(outcome), "label": OUTCOME_LABELS[outcome], "count": len(rows) if is_short else count,
                "more": 0 if is_short else count - len(rows), "told_why": told_why,
                "rows": [{"code": row.code, "name": row.name, "reasons": row.reasons,
                          "url": links.customer_path(row.customer_id) if row.customer_id else None} for row in rows],
            })  # fmt: skip
    return shown


def controls(
    session: Session, who: Actor, typed: Mapping[str, Any], errors: Mapping[str, Sequence[Any]]
) -> Sequence[dict[str, Any]]:
    """The fields that can be set, each with what was typed into it (as fields.read takes it) and what is wrong."""
    return [
        {
            "key": key, "label": one.label, "kind": str(one.kind), "is_set": key in typed, "help": one.when_empty,
            "value": _typed(one.kind, typed.get(key)), "address": _ADDRESSES.get(one.kind),
            "chosen": _chosen(session, one.kind, typed.get(key)),
            "choices": catalogues.offered(session, one.catalogue, typed.get(key)) if one.catalogue else one.choices,
            "reason": one.reason, "reason_label": one.reason_label, "reason_value": typed.get(one.reason) or "",
            "errors": errors.get(key, ()), "reason_errors": errors.get(one.reason, ()) if one.reason else (),
        }
        for key, one in fields.fields_for(who).items()
    ]  # fmt: skip


def _typed(kind: BulkKind, value: Any) -> Any:
    if value is None:
        return ""
    match kind:
        case BulkKind.day:
            return typed_day(value) if isinstance(value, date) else _day(value)
        case BulkKind.tags:
            return ", ".join(value)
        case BulkKind.yes_no:
            return "1" if value else "0"
    return value


def _day(text: str) -> str:
    """Of a kept day; what is none stays as it was typed."""
    try:
        return typed_day(date.fromisoformat(text))
    except ValueError:
        return text


def _chosen(session: Session, kind: BulkKind, value: Any) -> tuple[int, str] | None:
    """The person or team that stands in the look-up."""
    row: Member | Team | None = None
    if value is not None and kind is BulkKind.person:
        row = session.get(Member, value)
    elif value is not None and kind is BulkKind.team:
        row = session.get(Team, value)
    return (row.id, row.name) if row is not None else None
