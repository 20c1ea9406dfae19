"""What would go with the demo company, what stays and why, and how far its removal is: in words, for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.audit.kinds import kind_label
from app.core import history, links, uses
from app.core.errors import Sentence
from app.core.formats import number_text
from app.core.i18n import _
from app.demo import removal
from app.demo.belongings import DRAWN, TRIED
from app.demo.models import RemovalPhase
from app.demo.removal import Plan, Staying
from app.security.member_queries import name_of

#: what people know of all that goes; the rest of its rows are told as one number
_KNOWN = ("customer", "interaction", "purchase", "process_instance", "task", "submission", "comment", "process", "form",
          "team", "member")  # fmt: skip
#: of what holds a record, the tables that people count in
_COUNTED = ("customer", "process_instance", "task", "submission", "team_member", "team")


def told_plan(plan: Plan) -> dict[str, Any]:
    return {
        "goes": _counted(plan.goes), "stays": _stays(plan.stays), "hindrances": plan.hindrances,
        "tried": plan.tried,
    }  # fmt: skip


def told_removal(session: Session) -> dict[str, Any] | None:
    """The last one that was asked for; None: nobody ever did."""
    last = removal.latest(session)
    if last is None:
        return None
    is_removed = last.phase is RemovalPhase.removed
    return {
        "is_working": last.is_working, "is_removed": is_removed, "percent": last.percent, "url": links.DEMO,
        "done": last.records_done, "all": last.records_all, "by": name_of(session, last.member_id) or "—",
        "at": last.finished_at or last.asked_at, "problem": last.problem,
        "goes": _counted(last.gone), "stays": _stays(removal.staying(session, last.kept)),
    }  # fmt: skip


def _counted(rows: Mapping[str, int]) -> list[tuple[Sentence, str]]:
    known: list[tuple[Sentence, str]] = [
        (kind_label(table), number_text(rows[table])) for table in _KNOWN if rows.get(table)
    ]
    rest = sum(count for table, count in rows.items() if table not in _KNOWN)
    return [*known, (_("What hangs on them"), number_text(rest))] if rest else known


def _stays(stays: Sequence[Staying]) -> list[dict[str, Any]]:
    return [
        {
            "what": kind_label(one.table), "count": one.count, "names": list(one.names),
            "more": one.count - len(one.names), "why": _why(one),
        }
        for one in stays
    ]  # fmt: skip


def _why(one: Staying) -> Sentence:
    if one.why == TRIED:
        return _("Somebody has worked on it since the demo was loaded.")
    if one.why == DRAWN:
        return _("A process that stays names it.")
    known = [uses.counted(history.model_of(table), one.rows[table]) for table in _COUNTED if one.rows.get(table)]
    if not known:
        return _("What stays needs it.")
    return _("What stays needs it: %(what)s.", what=", ".join(map(str, known)))
