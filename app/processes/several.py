"""Several are asked at one step: who they are, what each is told, and who has answered so far?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import NotAllowedError
from app.core.i18n import _
from app.processes.assignment import offer_for, offer_to, who_did
from app.processes.engine.events import OpenTask
from app.processes.engine.graph import AssignRule, Definition, Node
from app.processes.engine.many import ManySpec, People, is_for_people
from app.processes.engine.state import Data, State
from app.processes.models import OWNER, ProcessInstance
from app.security import queries as people
from app.security.models import Member
from app.tasks import queries as task_queries
from app.tasks.models import Task
from app.tasks.rules import OUTCOME_DONE, Offer, Reason

_LONGEST_ELEMENT = 80


def whom(session: Session, instance: ProcessInstance) -> People:
    """Whom a rule means with the values of this moment, each by himself: the active members of a team or role, or the
    one person, by name; nobody where the rule finds nobody. Whoever did a step that keeps him from this one is not
    asked."""

    def meant(rule: AssignRule, step: Node, data: Data) -> Sequence[int]:
        others = step.task.not_by if step.task is not None else ()
        offer = offer_for(session, rule, instance, data=data)
        if offer.nobody_found:
            return ()
        if offer.member_id is not None:
            return () if who_did(session, instance, others, [offer.member_id]) else (offer.member_id,)
        if offer.team_id is not None:
            found = people.members_of_team(session, offer.team_id)
        else:
            found = people.members_with_role(session, offer.role or "")
        may = people.who_may(session, found, "edit", "Task")
        may -= who_did(session, instance, others, may).keys()
        return [one.id for one in found if one.id in may]

    return meant


def offer_of(session: Session, instance: ProcessInstance, node: Node, command: OpenTask) -> Offer | None:
    """Each does his own part; None where it is for whom the step is. Whose turn comes later may have left by then."""
    if not command.outer or not is_for_people(node):
        return None
    if command.position > 1 and node.many is not None and node.many.sequential:
        return offer_to(session, instance, node, int(command.element))
    return Offer(member_id=int(command.element), why=(Reason("one_of_several"),))


def name_of(session: Session, node: Node, command: OpenTask) -> str:
    """The step with the element that this task is for."""
    return f"{node.title} ({shown(session, node, command.element)})" if command.outer else node.title


def shown(session: Session, node: Node, element: Any) -> str:
    """An element as people read it."""
    if is_for_people(node):
        member = people.member_by_id(session, int(element))
        return member.name if member is not None else str(element)
    over = (node.many or ManySpec()).over
    if isinstance(over, int):
        return f"{element}/{over}"
    parts = element.values() if isinstance(element, dict) else [element]
    return ", ".join(str(part) for part in parts if part not in (None, ""))[:_LONGEST_ELEMENT]


def refuse_second_answer(session: Session, state: State, node: Node, task: Task, *, by: int | None) -> None:
    """Where several decide, each decides once. Raises NotAllowedError."""
    outer = next((token.outer for token in state.tokens if token.id == task.token), 0)
    if not outer or node.task is None or not node.task.outcomes:
        return
    if task_queries.did(session, OWNER, task.owner_id, task.step, [by or 0], since=outer, but=task.id):
        raise NotAllowedError(_("You have decided here already, so somebody else has to decide this one."))


@dataclass(frozen=True)
class Answered:
    """One element: for whom or what, and once it is done what was decided, by whom and when."""

    element: str
    outcome: object = ""
    code: str | None = None
    by: str = ""
    at: datetime | None = None
    is_open: bool = False


@dataclass(frozen=True)
class Asked:
    """A step at which several are asked just now."""

    step: str
    node: str
    needed: int
    elements: Sequence[Answered]

    @property
    def count(self) -> int:
        return sum(one.at is not None for one in self.elements)


def load_people(session: Session, stands: Sequence[tuple[Definition, State]]) -> Sequence[Member]:
    """Whoever is asked in these, read at once; as long as they are held `asked_now` asks for nobody by himself."""
    ids = {
        int(element)
        for definition, state in stands
        for gathering in state.gatherings
        for token in state.tokens
        if token.id == gathering.token and is_for_people(definition.nodes[token.node])
        for element in gathering.elements
    }
    return session.scalars(select(Member).where(Member.id.in_(ids))).unique().all() if ids else ()


def asked_now(session: Session, definition: Definition, state: State, tasks: Sequence[Task]) -> list[Asked]:
    """Who has answered and who has not, of each step at which several are asked."""
    found = []
    for gathering in state.gatherings:
        outer = next(token for token in state.tokens if token.id == gathering.token)
        node = definition.nodes[outer.node]
        done = {answer["position"]: answer for answer in gathering.answers}
        open_at = {token.position for token in state.tokens if token.outer == outer.id}
        doers = [one for one in tasks if one.step == node.id and one.token > outer.id and one.completed_at is not None]
        doers.sort(key=attrgetter("completed_at", "id"))  # as the answers came
        by_answer: Mapping[int, Task] = dict(zip(done, doers, strict=False))
        found.append(
            Asked(
                step=node.title,
                node=node.id,
                needed=(node.many or ManySpec()).needed(len(gathering.elements)),
                elements=[
                    _answered(shown(session, node, element), done.get(position), by_answer.get(position),
                              is_open=position in open_at)
                    for position, element in enumerate(gathering.elements, start=1)
                ],
            )
        )  # fmt: skip
    return found


def _answered(element: str, answer: Mapping[str, Any] | None, task: Task | None, *, is_open: bool) -> Answered:
    if answer is None or task is None:
        return Answered(element, is_open=is_open)
    outcome = OUTCOME_DONE.get(answer["outcome"], answer["outcome"]) if answer["outcome"] else ""
    return Answered(
        element, outcome, answer["outcome"], task.completed_by.name if task.completed_by else "", task.completed_at
    )
