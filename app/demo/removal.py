"""How does a company get rid of the demo? All of it is put out of use through the services, or nothing is touched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session

from app.core import audit, settings
from app.core.access import Actor
from app.core.accounts import User
from app.core.db import queue_up
from app.core.errors import BusinessError, InvalidInputError, Sentence
from app.core.i18n import _, ngettext
from app.core.leases import LeaseState
from app.customers.models import Customer
from app.customers.services import archive_customer
from app.demo.people import COLLEAGUES, PEOPLE, TEAMS
from app.forms.models import Form
from app.forms.services import retire_form
from app.notifications.models import Outbox
from app.processes.models import Process, ProcessInstance, ProcessVersion
from app.processes.services import cancel_instance, retire_process
from app.security import leaving, queries, teams
from app.security.models import Member, Team, TeamMember
from app.security.roles import ADMIN
from app.security.services import archive_team
from app.tasks.models import Task
from app.tasks.queries import is_open

_EMAILS = tuple(person.email for person in (*PEOPLE, *COLLEAGUES))


class DemoNeededError(BusinessError):
    """Real people or real work hang on the demo; `details["reasons"]` tells what, in numbers."""

    status = 409
    code = "demo_needed"
    message = _("The demo company cannot be removed yet: real work hangs on it.")


@dataclass(frozen=True)
class Plan:
    """What would be put out of use, and what stands in the way."""

    loaded_at: datetime
    customers: int
    instances: int
    tasks: int
    processes: int
    forms: int
    teams: int
    people: int
    #: sentences, each with a number
    hindrances: list[Sentence]


def loaded_at(session: Session) -> datetime | None:
    """When the demo company was made; None: there is none, or it was removed."""
    text = settings.get(session, "demo_loaded_at")
    return datetime.fromisoformat(text) if text else None


def plan(session: Session, *, by: Actor) -> Plan | None:
    """The dry run: a dozen counts, nothing is changed. None: no demo company is there."""
    at = loaded_at(session)
    if at is None:
        return None
    found = _Demo(session, at)

    def count(rows: ColumnElement[bool], model: type) -> int:
        return session.scalar(select(func.count()).select_from(model).where(rows)) or 0

    return Plan(
        at,
        customers=count(found.customers(), Customer),
        instances=count(found.instances(), ProcessInstance),
        tasks=session.scalar(
            select(func.count()).where(is_open(), Task.created_at <= at, Task.owner_id.in_(found.instance_ids()))
        ) or 0,
        processes=count(found.processes(), Process),
        forms=count(found.forms(), Form),
        teams=count(found.teams(), Team),
        people=len(found.people),
        hindrances=found.hindrances(by),
    )  # fmt: skip


def remove(session: Session, typed: str, *, by: Actor) -> Plan:
    """Put everything of the demo out of use: runs called off, customers, processes, forms and teams archived, accounts
    closed. Nothing is deleted: the audit log and histories go on telling of it. Returns what was done.

    `typed` is the company's name, as a confirmation. Raises InvalidInputError where it is another one, DemoNeededError
    with what hangs on the demo, NotAllowedError, and BusinessError when no demo is there.
    """
    for action, resource in (("edit", "Setting"), ("delete", "Customer"), ("edit", "Member"), ("delete", "Team"),
                             ("delete", "Process"), ("delete", "Form"), ("edit", "Instance")):  # fmt: skip
        by.must(action, resource)
    queue_up(session, "demo")
    told = plan(session, by=by)
    if told is None:
        raise BusinessError(_("No demo company is loaded, or it was removed already."))
    name = settings.get(session, "company_name")
    if " ".join(typed.split()).casefold() != name.casefold():
        raise InvalidInputError(fields={"typed": [_("Type the company's name as it stands here: %(name)s", name=name)]})
    if told.hindrances:
        raise DemoNeededError(reasons=told.hindrances)
    reason = str(_("The demo company is removed."))
    audit.because(session, reason)
    found = _Demo(session, told.loaded_at)
    for instance_id in session.scalars(found.instance_ids().order_by(ProcessInstance.id)).all():
        cancel_instance(session, instance_id, by=by, reason=reason)
    for customer in session.scalars(select(Customer).where(found.customers()).order_by(Customer.id)).all():
        archive_customer(session, customer, by=by)
    for process in session.scalars(select(Process).where(found.processes())).all():
        retire_process(session, process, by=by)
    for form in session.scalars(select(Form).where(found.forms())).all():
        retire_form(session, form, by=by)
    for team in session.scalars(select(Team).where(found.teams()).order_by(Team.id.desc())).all():
        _dissolve(session, team, by=by)
    _close_accounts(session, found.people, by=by)
    settings.put(session, "demo_loaded_at", "", by=by)
    return told


def _dissolve(session: Session, team: Team, *, by: Actor) -> None:
    """Nobody heads it, nobody is in it, it is archived."""
    if team.head_id is not None:
        teams.change_team(session, team, by=by, rev=team.rev, head=None)
    inside = select(Member).join(TeamMember, TeamMember.member_id == Member.id).where(TeamMember.team_id == team.id)
    for member in session.scalars(inside).unique().all():
        teams.remove_person(session, team, member, by=by)
    archive_team(session, team, by=by)


def _close_accounts(session: Session, people: list[Member], *, by: Actor) -> None:
    """What somebody of the demo still holds (a view shared with a role) is the remover's from now on."""
    remover = session.get_one(Member, by.user_id)
    for member in people:
        receivers = {duty.key: remover for duty, _held in leaving.open_work(session, member, by, titles=0)}
        leaving.deactivate_member(session, member, by=by, receivers=receivers)
    # no mail goes to an address that nobody reads
    session.execute(
        update(Outbox)
        .where(Outbox.to_user_id.in_([one.id for one in people]), Outbox.status == LeaseState.waiting)
        .values(status=LeaseState.held)
    )


class _Demo:
    """What is of the demo: made until the moment when it was there, by one of its people."""

    def __init__(self, session: Session, at: datetime) -> None:
        self.session, self.at = session, at
        mine = select(Member).join(User, User.id == Member.id).where(User.email.in_(_EMAILS))
        self.everybody = list(session.scalars(mine.order_by(Member.id)).unique())
        self.people = [member for member in self.everybody if member.deactivated_at is None]
        self.ids = [member.id for member in self.everybody]

    def customers(self) -> ColumnElement[bool]:
        return Customer.archived_at.is_(None) & self._made(Customer)

    def instances(self) -> ColumnElement[bool]:
        return ProcessInstance.ended_at.is_(None) & self._made(ProcessInstance)

    def instance_ids(self) -> Select[int]:
        return select(ProcessInstance.id).where(self.instances())

    def processes(self) -> ColumnElement[bool]:
        return Process.archived_at.is_(None) & self._made(Process)

    def forms(self) -> ColumnElement[bool]:
        return Form.archived_at.is_(None) & self._made(Form)

    def teams(self) -> ColumnElement[bool]:
        return Team.archived_at.is_(None) & Team.code.in_(list(TEAMS)) & (Team.created_at <= self.at)

    def _made(self, model: type[Customer | ProcessInstance | Process | Form]) -> ColumnElement[bool]:
        return (model.created_at <= self.at) & model.created_by_id.in_(self.ids)

    def hindrances(self, by: Actor) -> list[Sentence]:
        """What of the real company would hang in the air."""
        session, told = self.session, []
        if by.user_id in self.ids:
            told.append(_("You are signed in with a demo account. Sign in with an administrator's own one."))
        admins = [one for one in queries.members_with_role(session, ADMIN) if one.id not in self.ids]
        if not admins:
            told.append(_("0 administrators are real people. Invite one first: he signs in and removes the demo."))
        owned = session.scalar(
            select(func.count()).select_from(Customer)
            .where(Customer.archived_at.is_(None), Customer.created_at > self.at, Customer.owner_id.in_(self.ids))
        ) or 0  # fmt: skip
        if owned:
            told.append(ngettext("%(num)d real customer is looked after by somebody of the demo. Hand it over first.",
                                 "%(num)d real customers are looked after by people of the demo. Hand them over first.",
                                 owned))  # fmt: skip
        running = session.scalar(
            select(func.count()).select_from(ProcessInstance)
            .join(ProcessVersion, ProcessVersion.id == ProcessInstance.version_id)
            .where(
                ProcessInstance.ended_at.is_(None), ProcessInstance.created_at > self.at,
                or_(
                    ProcessVersion.process_id.in_(select(Process.id).where(self.processes())),
                    ProcessInstance.customer_id.in_(select(Customer.id).where(self.customers())),
                ),
            )
        ) or 0  # fmt: skip
        if running:
            told.append(ngettext("%(num)d real process file runs for a customer or on a process of the demo.",
                                 "%(num)d real process files run for customers or on processes of the demo.",
                                 running))  # fmt: skip
        work = session.scalar(
            select(func.count()).select_from(Task)
            .where(is_open(), Task.created_at > self.at, Task.assignee_id.in_(self.ids),
                   Task.owner_id.not_in(self.instance_ids()))
        ) or 0  # fmt: skip
        if work:
            told.append(ngettext("%(num)d real task lies with somebody of the demo. Hand it over first.",
                                 "%(num)d real tasks lie with people of the demo. Hand them over first.",
                                 work))  # fmt: skip
        inside = session.scalar(
            select(func.count(func.distinct(TeamMember.member_id))).join(Team, Team.id == TeamMember.team_id)
            .where(self.teams(), TeamMember.member_id.not_in(self.ids))
        ) or 0  # fmt: skip
        if inside:
            told.append(ngettext("%(num)d real colleague is in a team of the demo. Put him into another one first.",
                                 "%(num)d real colleagues are in teams of the demo. Put them into others first.",
                                 inside))  # fmt: skip
        return told
