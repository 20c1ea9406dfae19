"""Whom does a step's assignment rule mean, here and now, and why him? Every rule, and who takes it when he cannot.

A person who has left, may not work, or did a step that keeps him from this one hands it to his team, then to the
nearest head above it, and where nobody is found the administrators give it away. Work offered to a team or role stays
theirs: whoever belongs to it when he looks may take it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.core.db import queue_up
from app.forms.fields.base import FormField
from app.forms.fields.team import TeamType
from app.forms.words import say
from app.processes import queries
from app.processes.engine.graph import AssignKind, AssignRule, Node, Picker
from app.processes.models import OWNER, AssignTurn, ProcessInstance
from app.security import queries as people
from app.security.models import Member, Team
from app.security.role_names import role_names
from app.tasks import queries as task_queries
from app.tasks.models import Task
from app.tasks.rules import Offer, Reason

#: under this name those wait for each other who ask whose turn it is; whoever counts instances does so behind it
TURNS = "assign turns"
#: Work that finds nobody waits for the administrators, who see it in their queue.
NOBODY = Offer(role="Admin", nobody_found=True)


def offer_for(
    session: Session,
    rule: AssignRule | None,
    instance: ProcessInstance,
    *,
    node: Node | None = None,
    data: Mapping[str, object] | None = None,
    again: Task | None = None,
) -> Offer:
    """The person, team or role that the step is for; the administrators when nobody is found. `Offer.why` tells how.

    `data` are the instance's values of this moment (its own by default); `again` is the last task of this step, when
    the work was sent back to it: whoever did that has it again, if he still may.
    """
    return _Choice(session, instance, node, instance.data if data is None else data).of(rule, again)


def offer_to(session: Session, instance: ProcessInstance, node: Node, member_id: int) -> Offer:
    """This one of several has to do it; whoever takes it for him when he cannot."""
    choice = _Choice(session, instance, node, instance.data)
    return choice._person(people.colleague(session, member_id), "one_of_several")


def who_did(
    session: Session, instance: ProcessInstance, steps: Sequence[str], members: Collection[int]
) -> dict[int, str]:  # fmt: skip
    """Of these members those who did one of the steps: id → its name."""
    if not steps or not members:
        return {}
    nodes = queries.definition_of(instance.version).nodes
    return {
        one: nodes[step].title if step in nodes else step
        for step in steps for one in task_queries.did(session, OWNER, instance.id, step, members)
    }  # fmt: skip


def keep_turns(session: Session, process_id: int, names: Mapping[str, str]) -> None:
    """Where people take turns at a step that is called otherwise in another version, they go on there where they were;
    what still runs by the former version has turns of its own from then on."""
    if not names or not _turns_to_keep(session, process_id, names):
        return
    queue_up(session, TURNS)
    for step, last_id in _turns_to_keep(session, process_id, names).items():
        session.add(AssignTurn(process_id=process_id, step=step, last_id=last_id))
    session.flush()


def _turns_to_keep(session: Session, process_id: int, names: Mapping[str, str]) -> dict[str, int]:
    """By their new names those steps at which turns were taken, and are not yet by that name: who was last."""
    rows = select(AssignTurn.step, AssignTurn.last_id).where(
        AssignTurn.process_id == process_id, AssignTurn.step.in_({*names, *names.values()})
    )
    last: dict[str, int] = {row[0]: row[1] for row in session.execute(rows)}
    return {to: last[step] for step, to in names.items() if step in last and to not in last}


class _Choice:
    """One choice, and what there is to say of it so far."""

    def __init__(
        self, session: Session, instance: ProcessInstance, node: Node | None, data: Mapping[str, object]
    ) -> None:
        self._session, self._instance, self._node, self._data = session, instance, node, data
        self._why: list[Reason] = []
        self._others = node.task.not_by if node is not None and node.task is not None else ()

    def of(self, rule: AssignRule | None, again: Task | None) -> Offer:
        if again is not None and again.completed_by is not None and self._hindrance(again.completed_by) is None:
            return self._take(again.completed_by, "again")
        if rule is None:
            self._say("no_rule")
            return self._nobody()
        if rule.picker is not None:
            return self._picked(rule)
        return self._RULES[rule.kind](self, rule.value)

    # ── the rules ──
    def _role(self, code: str | None) -> Offer:
        count = len(people.members_with_role(self._session, code or ""))
        self._say("role" if count else "role_empty", role=code or "", name=self._role_name(code), num=count)
        return self._offer(Offer(role=code))

    def _team(self, code: str | None) -> Offer:
        team = people.team_by_code(self._session, code or "")
        if team is None:
            self._say("unknown", name=code or "")
            return self._nobody()
        return self._of_team(team)

    def _of_team(self, team: Team) -> Offer:
        count = len(people.members_of_team(self._session, team.id))
        self._say("team" if count else "team_empty", name=team.name, num=count)
        return self._offer(Offer(team_id=team.id))

    def _user(self, username: str | None) -> Offer:
        member = people.member_by_username(self._session, username or "")
        if member is None:
            self._say("unknown", name=username or "")
            return self._nobody()
        return self._person(member, "user")

    def _initiator(self, _value: str | None) -> Offer:
        initiator = people.colleague(self._session, self._instance.initiator_id)
        set_committed_value(self._instance, "initiator", initiator)  # the session forgets whom nobody holds
        return self._person(initiator, "initiator")

    def _owner(self, _value: str | None) -> Offer:
        customer = self._instance.customer
        if customer is None:
            self._say("no_customer")
            return self._team_instead(self._begun_in())
        owner = people.member_by_id(self._session, customer.owner_id) if customer.owner_id is not None else None
        if owner is not None:
            return self._person(owner, "owner")
        self._say("no_owner")
        team_id = customer.team_id if customer.team_id is not None else self._instance.team_id
        return self._team_instead(self._team_of(team_id))

    def _head(self, code: str | None) -> Offer:
        team = people.team_by_code(self._session, code) if code else self._begun_in()
        if team is None:
            self._say("unknown" if code else "no_team", name=code or self._instance.initiator.name)
            return self._nobody()
        if team.head is None:
            self._say("no_head", team=team.name)
            return self._team_instead(team)
        why_not = self._hindrance(team.head)
        if why_not is None:
            return self._take(team.head, "head", team=team.name)
        self._why.append(why_not)
        return self._team_instead(team)

    def _field(self, key: str | None) -> Offer:
        value = self._data.get(key or "")
        if self._asks_for_team(key or ""):
            team = self._team_of(value if isinstance(value, int) else None)
            if team is not None:
                self._say("field", key=self._label(key or ""), name=team.name)
                return self._of_team(team)
        elif isinstance(value, str):
            member = people.member_by_username(self._session, value.strip())
        else:
            is_number = isinstance(value, int) and not isinstance(value, bool)
            member = people.member_by_id(self._session, int(str(value))) if is_number else None
        if self._asks_for_team(key or "") or member is None:
            self._say("field_empty", key=self._label(key or ""))
            return self._team_instead(self._begun_in())
        return self._person(member, "field", key=self._label(key or ""))

    def _same_as(self, step: str | None) -> Offer:
        done = task_queries.last_done(self._session, OWNER, self._instance.id, step or "")
        if done is None or done.completed_by is None:
            self._say("not_done_yet", step=step or "")
            return self._team_instead(self._begun_in())
        return self._person(done.completed_by, "same_as", step=done.name)

    _RULES: Mapping[AssignKind, Callable[[_Choice, str | None], Offer]] = {
        AssignKind.role: _role,
        AssignKind.team: _team,
        AssignKind.user: _user,
        AssignKind.initiator: _initiator,
        AssignKind.owner: _owner,
        AssignKind.head: _head,
        AssignKind.field: _field,
        AssignKind.same_as: _same_as,
    }

    # ── one out of many ──
    def _picked(self, rule: AssignRule) -> Offer:
        """One person out of the role or team; nobody in it who could: it is offered to all of them, and found empty."""
        if rule.kind is AssignKind.role:
            name, members = self._role_name(rule.value), people.members_with_role(self._session, rule.value or "")
        else:
            team = people.team_by_code(self._session, rule.value or "")
            members = people.members_of_team(self._session, team.id) if team is not None else []
            name = team.name if team is not None else rule.value or ""
        able = sorted(self._able(members), key=lambda one: one.id)
        if not able:
            return self._RULES[rule.kind](self, rule.value)
        if rule.picker is Picker.round_robin:
            return self._take(self._next_in_turn(able), "round_robin", pool=name, num=len(able))
        loads = task_queries.loads(self._session, [one.id for one in able])
        least = min(able, key=lambda one: (loads.get(one.id, 0), one.id))
        return self._take(least, "least_open", pool=name, num=loads.get(least.id, 0))

    def _next_in_turn(self, able: Sequence[Member]) -> Member:
        """Whoever comes behind the one who had it last. Two instances at once wait for each other."""
        queue_up(self._session, TURNS)
        process_id, step = self._instance.version.process_id, self._node.id if self._node is not None else ""
        turn = self._session.scalars(
            select(AssignTurn).where(AssignTurn.process_id == process_id, AssignTurn.step == step),
            execution_options={"populate_existing": True},
        ).one_or_none()
        if turn is None:
            turn = AssignTurn(process_id=process_id, step=step, last_id=0)
            self._session.add(turn)
        chosen = next((one for one in able if one.id > turn.last_id), able[0])
        turn.last_id = chosen.id
        self._session.flush()
        return chosen

    # ── and when that one cannot ──
    def _person(self, member: Member, code: str, **said: str | int) -> Offer:
        why_not = self._hindrance(member)
        if why_not is None:
            return self._take(member, code, **said)
        self._why.append(why_not)
        return self._team_instead(people.primary_team_of(self._session, member.id))

    def _hindrance(self, member: Member) -> Reason | None:
        """Why this person cannot have the work."""
        if not member.is_active:
            return Reason("gone", {"name": member.name})
        kept_away = who_did(self._session, self._instance, self._others, [member.id])
        if kept_away:
            return Reason("did_other", {"name": member.name, "step": kept_away[member.id]})
        if not people.who_may(self._session, [member], "edit", "Task"):
            return Reason("may_not", {"name": member.name})
        return None

    def _able(self, members: Sequence[Member]) -> list[Member]:
        """Those of these active members who can have the work."""
        may = people.who_may(self._session, members, "edit", "Task")
        may -= who_did(self._session, self._instance, self._others, may).keys()
        return [one for one in members if one.id in may]

    def _team_instead(self, team: Team | None) -> Offer:
        """The team, or the nearest head above it where nobody is in it who could do the work."""
        while team is not None:
            if self._able(people.members_of_team(self._session, team.id)):
                self._say("team_instead", name=team.name)
                return self._offer(Offer(team_id=team.id))
            self._say("team_empty", name=team.name, num=0)
            team = team.parent
            if team is not None and team.head is not None and self._hindrance(team.head) is None:
                return self._take(team.head, "head_instead", team=team.name)
        return self._nobody()

    def _nobody(self) -> Offer:
        self._say("nobody")
        return self._offer(NOBODY)

    # ── what is said, and what is asked ──
    def _say(self, code: str, **said: str | int) -> None:
        self._why.append(Reason(code, said))

    def _take(self, member: Member, code: str, **said: str | int) -> Offer:
        self._say(code, name=member.name, **said)
        return self._offer(Offer(member_id=member.id))

    def _offer(self, offer: Offer) -> Offer:
        return Offer(offer.member_id, offer.team_id, offer.role, tuple(self._why), offer.nobody_found)

    def _team_of(self, team_id: int | None) -> Team | None:
        return self._session.get(Team, team_id) if team_id is not None else None

    def _begun_in(self) -> Team | None:
        return self._team_of(self._instance.team_id)

    def _role_name(self, code: str | None) -> str:
        known = role_names(self._session).get(code or "")
        return str(known.label) if known is not None else code or ""

    def _asks_for_team(self, key: str) -> bool:
        asked = self._asked(key)
        return asked is not None and asked.type.code == TeamType.code

    def _label(self, key: str) -> str:
        asked = self._asked(key)
        return str(say(asked.spec.label)) if asked is not None else key

    def _asked(self, key: str) -> FormField | None:
        return queries.question(self._session, self._instance.version, key)
