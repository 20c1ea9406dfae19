"""Why may this person do that with this record, or why not? The row rule says whether; here stands why.

Whether is asked of `visible()` alone. Why is found by asking it again about the same person with less: one role at a
time, without what was handed to him, without his teams. So the two can never tell different stories.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, auto
from typing import Any

from sqlalchemy import inspect, or_, select
from sqlalchemy.orm import Session

from app.core import clock, guarded
from app.core.access import FULL, Actor, FieldRight, FieldRule, Scope, visible
from app.core.accounts import Role
from app.core.errors import Sentence
from app.core.i18n import _
from app.security import field_rights, queries
from app.security.models import Grant, Member, Right, Team
from app.security.role_names import role_label
from app.security.roles import ACTION_LABELS, RESOURCES, SCOPE_LABELS, is_plain

#: the reason of a grant by hand
BY_HAND = "share"


class Way(StrEnum):
    """By what it is allowed, or not."""

    role = auto()
    head = auto()
    offer = auto()
    grant = auto()
    rule = auto()
    nothing = auto()
    ended = auto()


@dataclass(frozen=True)
class Because:
    """One reason, as a sentence."""

    way: Way
    sentence: Sentence
    #: of something handed over: until when; None: without an end
    until: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """May he do this with the record, and why."""

    action: str
    label: Sentence
    allowed: bool
    because: Sequence[Because]


def explain(session: Session, member: Member, resource: str, model: type[Any], record_id: int) -> list[Verdict]:
    """One verdict for each right that the resource knows and that is about a record, in the order of the matrix."""
    actor = queries.actor_of(session, member)
    asking = _Asking(session, actor, resource, model, record_id)
    return [asking.verdict(action) for action in RESOURCES[resource] if action != "add"]


@dataclass(frozen=True)
class FieldVerdict:
    """What he may do with one field of such records, and which role says so."""

    label: Sentence
    right: FieldRight
    may_reveal: bool
    because: Sequence[Sentence]


def explain_fields(session: Session, member: Member, resource: str) -> list[FieldVerdict]:
    """One verdict for each field that can be withheld, those about people first."""
    fields = guarded.guarded().get(resource, {})
    actor = queries.actor_of(session, member)
    roles = session.scalars(select(Role).where(Role.name.in_(sorted(actor.roles))).order_by(Role.id)).all()
    rights = queries.rights_of_roles(session, [role.id for role in roles])
    rules = field_rights.rules_of_each(session, rights)
    # As queries._fields has it: the roles that come into this part have a say; where none does, all with a line.
    counting = [role for role in roles if resource in queries.parts_of(rights[role.id])]
    told = []
    for one in field_rights.in_order(fields.values()):
        place, rule = (resource, one.key), actor.field_rule(resource, one.key)
        say = {role.name: rules[role.id].get(place, FULL) for role in counting or roles
               if counting or place in rules[role.id]}  # fmt: skip
        told.append(FieldVerdict(one.label, rule.right, rule.may_reveal, list(_why_of_field(say, rule))))
    return told


def _why_of_field(say: Mapping[str, FieldRule], rule: FieldRule) -> Iterator[Sentence]:
    """say: role → what it says of the field; rule: what counts."""
    if all(one.right is FieldRight.full for one in say.values()):
        yield _("No role holds this field back.")
        return
    widest = [str(role_label(code)) for code, one in say.items() if one.right is rule.right]
    yield _("Through the role %(role)s.", role=", ".join(widest))
    narrower = [(code, one) for code, one in say.items() if one.right is not rule.right]
    for code, one in narrower:
        yield _("The role %(role)s says “%(right)s”; the widest counts.", role=role_label(code),
                right=field_rights.RIGHT_LABELS[one.right])  # fmt: skip


def allowed(session: Session, actor: Actor, model: type[Any], record_id: int, action: str) -> bool:
    """As every screen asks it: what is not seen is not touched."""
    key = inspect(model).primary_key[0]
    wanted = visible(model, actor) if action == "view" else visible(model, actor) & visible(model, actor, action)
    return session.scalar(select(key).where(key == record_id, wanted)) is not None


class _Asking:
    """The same question about one person and one record, with more or less of what he has."""

    def __init__(self, session: Session, actor: Actor, resource: str, model: type[Any], record_id: int) -> None:
        self._session, self._actor, self._resource = session, actor, resource
        self._model, self._record_id = model, record_id
        codes = sorted(actor.roles)
        roles = session.scalars(select(Role).where(Role.name.in_(codes)).order_by(Role.id)).all()
        self._roles: Mapping[str, Mapping[tuple[str, str], Scope]] = {
            role.name: queries.rights_of_role(session, role) for role in roles
        }

    def verdict(self, action: str) -> Verdict:
        actor = self._actor
        is_allowed = allowed(self._session, actor, self._model, self._record_id, action)
        reasons = list(self._why(action) if is_allowed else self._why_not(action))
        return Verdict(action, ACTION_LABELS[action], is_allowed, reasons)

    def _reaches(self, actor: Actor, action: str) -> bool:
        """The rule of this right alone."""
        key = inspect(self._model).primary_key[0]
        rule = visible(self._model, actor, action)
        return self._session.scalar(select(key).where(key == self._record_id, rule)) is not None

    # ── why ──
    def _why(self, action: str) -> Iterator[Because]:
        found = [*self._by_roles(action), *self._by_grants(action)]
        if action != "view" and not found:
            found = list(self._by_nothing(action))
        yield from found or [Because(Way.rule, _("Everybody may do this with it, whatever the role."))]

    def _by_nothing(self, action: str) -> Iterator[Because]:
        if self._reaches(self._bare(), action):
            yield Because(Way.offer, _OFFERED)

    def _by_roles(self, action: str) -> Iterator[Because]:
        for code, rights in self._roles.items():
            scope = rights.get((self._resource, action))
            if scope is None:
                continue
            alone = self._with(code)
            by_reach = replace(alone, roles=frozenset(), headed_team_ids=self._heads_of(scope),
                               team_ids=self._teams_of(scope), scopes=dict(rights))  # fmt: skip
            if self._reaches(by_reach, action):
                yield Because(Way.role, self._role_sentence(code, action, scope))
            elif self._reaches(replace(by_reach, headed_team_ids=alone.headed_team_ids), action):
                yield Because(Way.head, _("Through the role %(role)s, as head of the team that it belongs to.",
                                          role=role_label(code)))  # fmt: skip
            elif self._reaches(alone, action):
                sentence = _("Through the role %(role)s: the work is offered to a team or role of theirs.",
                             role=role_label(code))  # fmt: skip
                yield Because(Way.offer, sentence)
        if action == "view" and self._reaches(self._bare(), action) and not self._any_role(action):
            yield Because(Way.offer, _OFFERED)

    def _any_role(self, action: str) -> bool:
        return any((self._resource, action) in rights for rights in self._roles.values())

    def _by_grants(self, action: str) -> Iterator[Because]:
        """What was handed over counts where the rule says yes with it and no without the roles' reach."""
        actor = self._actor
        without_reach = replace(actor, scopes={}, headed_team_ids=frozenset())
        if not self._reaches(without_reach, action) or self._reaches(without_reach.by_roles_alone(), action):
            return
        for grant, team in self._grants(live=True):
            if action == "view" or grant.right is Right.edit:
                yield Because(Way.grant, _grant_sentence(grant, team), grant.until)

    def _role_sentence(self, code: str, action: str, scope: Scope) -> Sentence:
        told = {"role": role_label(code), "right": ACTION_LABELS[action]}
        if is_plain(self._resource, action):
            return _("Through the role %(role)s: %(right)s.", **told)
        return _("Through the role %(role)s: %(right)s, reach “%(reach)s”.", **told, reach=SCOPE_LABELS[scope])

    # ── why not ──
    def _why_not(self, action: str) -> Iterator[Because]:
        if not self._roles:
            yield Because(Way.nothing, _("This person has no role."))
        elif not self._any_role(action):
            yield Because(Way.nothing, _("No role of this person gives the right “%(right)s” here: %(roles)s.",
                                         right=ACTION_LABELS[action], roles=self._role_words()))  # fmt: skip
        elif action != "view" and not self._reaches(self._actor, "view"):
            yield Because(Way.nothing, _("What this person does not see cannot be touched either."))
        else:
            for code, rights in self._roles.items():
                scope = rights.get((self._resource, action))
                if scope is not None:
                    yield Because(Way.nothing, _("The role %(role)s reaches “%(reach)s”, and this one is not among it.",
                                                 role=role_label(code), reach=SCOPE_LABELS[scope]))  # fmt: skip
        if action in ("view", "edit"):
            for grant, team in self._grants(live=False):
                yield Because(Way.ended, _ended_sentence(grant, team), grant.ended_at or grant.until)

    def _role_words(self) -> str:
        return ", ".join(str(role_label(code)) for code in self._roles)

    # ── the same person with less ──
    def _with(self, code: str) -> Actor:
        """With the rights of one of his roles, and nothing that was handed to him."""
        rights = self._roles[code]
        permissions = frozenset((action, resource) for resource, action in rights)
        return replace(self._actor, permissions=permissions, scopes=dict(rights)).by_roles_alone()

    def _bare(self) -> Actor:
        """Without any right of a role and anything handed over: what is offered to his teams and roles remains."""
        return replace(self._actor, permissions=frozenset(), scopes={}, headed_team_ids=frozenset()).by_roles_alone()

    def _teams_of(self, scope: Scope) -> frozenset[int]:
        return self._actor.team_ids if scope.width >= Scope.team.width else frozenset()

    def _heads_of(self, scope: Scope) -> frozenset[int]:
        return self._actor.headed_team_ids if scope.width >= Scope.subtree.width else frozenset()

    def _grants(self, *, live: bool) -> list[tuple[Grant, Team | None]]:
        """What of this record was handed to him or to a team of his; or what of it has ended."""
        receivers = [Grant.member_id == self._actor.user_id]
        if self._actor.team_ids:
            receivers.append(Grant.team_id.in_(sorted(self._actor.team_ids)))
        now = clock.now()
        goes_on = Grant.ended_at.is_(None) & or_(Grant.until.is_(None), Grant.until > now)
        rows = self._session.execute(
            select(Grant, Team).outerjoin(Team, Team.id == Grant.team_id)
            .where(Grant.resource == self._resource, Grant.record_id == self._record_id, or_(*receivers),
                   goes_on if live else ~goes_on)
            .order_by(Grant.id.desc()).limit(10)
        )  # fmt: skip
        return [(grant, team) for grant, team in rows]


_OFFERED = _("The work is offered to a team or role of this person: whoever takes it has to see it.")


def _to_whom(team: Team | None) -> Sentence:
    return _("to this person") if team is None else _("to the team %(name)s", name=team.name)


def _is_by_hand(grant: Grant) -> bool:
    return grant.reason == BY_HAND or grant.reason.startswith(f"{BY_HAND}:")


def _grant_sentence(grant: Grant, team: Team | None) -> Sentence:
    if _is_by_hand(grant):
        return _("It was shared %(receiver)s.", receiver=_to_whom(team))
    return _("Work on it was given %(receiver)s.", receiver=_to_whom(team))


def _ended_sentence(grant: Grant, team: Team | None) -> Sentence:
    if _is_by_hand(grant):
        return _("It was shared %(receiver)s; that has ended.", receiver=_to_whom(team))
    return _("Work on it was given %(receiver)s; that has ended.", receiver=_to_whom(team))
