"""What is of the demo, and which of it has come into real use since?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.care.models import CareRound
from app.core import settings
from app.core.accounts import User
from app.customers.models import Customer, TimelineEntry
from app.customers.profile_models import Tag
from app.customers.segments.models import Segment
from app.demo.closure import Held, Rows, settle
from app.demo.people import COLLEAGUES, PEOPLE, TEAMS
from app.forms.models import Form, FormVersion
from app.processes.models import Process, ProcessEvent, ProcessInstance, ProcessVersion
from app.security.models import Member, Team, TeamMember

#: the records that go, what hangs on others before those: nothing that went holds what comes later
ORDER = ("customer", "process_instance", "care_round", "segment", "tag", "process", "form", "team", "member")
#: why a record stays that no row holds: somebody has worked on it since, or a process that stays names it
TRIED, DRAWN = "tried", "drawn"

#: as a drawing names them
_NAMED: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "form": (Form, ('form="{}"',)),
    "team": (Team, ('team:{}"', 'head:{}"')),
}
#: where the address of an account leads of which nothing else is left
NOWHERE = "@demo.invalid"
_EMAILS = tuple(person.email for person in (*PEOPLE, *COLLEAGUES))


class Belongings:
    """Made until the moment when the demo was there, by one of its people."""

    def __init__(self, session: Session, at: datetime) -> None:
        self.session, self.at = session, at
        mine = select(User.id).where(User.email.in_(_EMAILS) | User.email.endswith(NOWHERE))
        #: those whose account alone is left among them
        self.people_ids = frozenset(session.scalars(mine))
        there = select(Member).where(Member.id.in_(self.people_ids)).order_by(Member.id)
        self.people: Sequence[Member] = session.scalars(there).unique().all()

    def ids(self, table: str) -> set[int]:
        """The records of the demo in one table of ORDER."""
        return set(self.session.scalars(self._of(table)))

    def _of(self, table: str) -> Select[Any]:
        mine = self.people_ids
        match table:
            case "customer":
                return self._made(Customer)
            case "process_instance":
                # those of customers go with them
                return self._made(ProcessInstance).where(ProcessInstance.customer_id.is_(None))
            case "care_round":
                return select(CareRound.id).where(CareRound.made_at <= self.at, CareRound.made_by_id.in_(mine))
            case "segment":
                return self._made(Segment)
            case "tag":
                return self._made(Tag)
            case "process":
                return self._made(Process)
            case "form":
                return self._made(Form)
            case "team":
                return select(Team.id).where(Team.code.in_(list(TEAMS)), Team.created_at <= self.at)
            case "member":
                return select(Member.id).where(Member.id.in_(mine))
        raise LookupError(table)

    def _made(self, model: Any) -> Select[Any]:
        return select(model.id).where(model.created_at <= self.at, model.created_by_id.in_(self.people_ids))

    def seats(self) -> set[int]:
        """The places of its people in teams: they are emptied whoever stays."""
        return set(self.session.scalars(select(TeamMember.id).where(TeamMember.member_id.in_(self.people_ids))))

    def settled(self, table: str, ids: set[int], gone: Rows, *, with_tried: bool) -> tuple[Rows, Held]:
        """What of these records goes, with all that goes with it, and what stays and why."""
        spared: Held = {} if with_tried else {one: Counter({TRIED: 1}) for one in self._tried(table, ids)}
        spared |= {one: Counter({DRAWN: 1}) for one in self._drawn(table, ids, gone.get("process", ()))}
        rows, held = settle(self.session, table, ids - spared.keys(), gone)
        return rows, spared | held

    def _tried(self, table: str, ids: Collection[int]) -> set[int]:
        """Those on which somebody has worked since the demo was there, or that he has changed."""
        match table:
            case "customer":
                since = select(TimelineEntry.customer_id).where(
                    TimelineEntry.at > self.at, TimelineEntry.actor_id.is_not(None)
                )
            case "process_instance":
                since = select(ProcessEvent.instance_id).where(
                    ProcessEvent.at > self.at, ProcessEvent.actor_id.is_not(None)
                )
            case "process":
                since = select(ProcessVersion.process_id).where(ProcessVersion.created_at > self.at)
            case "form":
                since = select(FormVersion.form_id).where(FormVersion.created_at > self.at)
            case _:
                return set()
        return set(ids) & set(self.session.scalars(since.distinct()))

    def _drawn(self, table: str, ids: Collection[int], gone: Collection[int]) -> set[int]:
        """Forms and teams that a process names which stays: the drawing says the code, no key points to it."""
        named = _NAMED.get(table)
        if named is None:
            return set()
        model, attributes = named
        codes = self.session.execute(select(model.id, model.code).where(model.id.in_(ids)))
        words = {number: [one.format(code) for one in attributes] for number, code in codes}
        drawings = self.session.execute(select(ProcessVersion.process_id, ProcessVersion.bpmn)).all()
        stay = [bpmn for process_id, bpmn in drawings if process_id not in gone]
        return {one for one, some in words.items() if any(word in bpmn for bpmn in stay for word in some)}


def loaded_at(session: Session) -> datetime | None:
    """When the demo company was made; None: there is none, or it was removed."""
    text = settings.get(session, "demo_loaded_at")
    return datetime.fromisoformat(text) if text else None


def count(session: Session, rows: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(rows.subquery())) or 0
