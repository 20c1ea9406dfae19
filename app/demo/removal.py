"""How does a company get rid of the demo? It sees what would go and what stays, says yes, and the worker removes it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import audit, history, settings
from app.core.access import Actor
from app.core.db import queue_up
from app.core.errors import BusinessError, InvalidInputError, Sentence
from app.core.i18n import _, ngettext
from app.customers.models import Customer
from app.demo.belongings import DRAWN, ORDER, TRIED, Belongings, loaded_at
from app.demo.closure import Held, Rows
from app.demo.models import DemoRemoval
from app.security import queries
from app.security.roles import ADMIN
from app.security.services import end_sign_ins, rights_changed
from app.tasks.models import Task
from app.tasks.queries import is_open

ASKED = "demo.removal_asked"
#: why a record stays that rows of the real company point to
HELD = "held"
#: records of one kind that are named where they stay
NAMED = 5
#: the rights that whoever asks for it needs
WANTS = (("edit", "Setting"), ("delete", "Customer"), ("edit", "Member"), ("delete", "Team"), ("delete", "Process"),
          ("delete", "Form"), ("edit", "Instance"), ("delete", "Audit"))  # fmt: skip


class DemoNeededError(BusinessError):
    """Real people or real work hang on the demo; `details["reasons"]` tells what, in numbers."""

    status = 409
    code = "demo_needed"
    message = _("The demo company cannot be removed yet: real work hangs on it.")


@dataclass(frozen=True)
class Staying:
    """Records of one table that stay for one reason."""

    table: str
    count: int
    #: a few of them, as they are called
    names: Sequence[str]
    #: TRIED, DRAWN or HELD
    why: str
    #: table → how many of its rows hold them
    rows: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """What would go, what would stay, and what stands in the way."""

    loaded_at: datetime
    #: table → rows, of all that goes
    goes: Mapping[str, int]
    stays: Sequence[Staying]
    #: records that would go too if what was tried on them went
    tried: int
    #: sentences, each with a number
    hindrances: Sequence[Sentence]


def plan(session: Session, *, by: Actor, with_tried: bool = False) -> Plan | None:
    """The dry run: nothing is changed. None: no demo company is there."""
    at = loaded_at(session)
    if at is None:
        return None
    demo = Belongings(session, at)
    gone: defaultdict[str, set[int]] = defaultdict(set)
    kept: dict[str, Held] = {}
    for table in ORDER:
        if table == "team":
            gone["team_member"] |= demo.seats()
        rows, kept[table] = demo.settled(table, demo.ids(table), gone, with_tried=with_tried)
        for name, ids in rows.items():
            gone[name] |= ids
    stays = staying(session, {table: _as_kept(held) for table, held in kept.items() if held})
    return Plan(
        at, {name: len(ids) for name, ids in gone.items() if ids}, stays,
        sum(one.count for one in stays if one.why == TRIED), hindrances(demo, gone, by),
    )  # fmt: skip


def _as_kept(held: Held) -> dict[str, dict[str, int]]:
    return {str(record_id): dict(why) for record_id, why in held.items()}


def staying(session: Session, kept: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[Staying]:
    """The same by table and reason; a few of them named."""
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    holding: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for table, records in kept.items():
        for record_id, why in records.items():
            reason = next((one for one in (TRIED, DRAWN) if one in why), HELD)
            groups[table, reason].append(int(record_id))
            holding[table, reason].update(why)
    told = []
    for (table, reason), ids in groups.items():
        model: Any = history.model_of(table)
        named = select(model).where(model.id.in_(ids[:NAMED])).order_by(model.id)
        names = [called(one) for one in session.scalars(named)]
        told.append(Staying(table, len(ids), names, reason, holding[table, reason]))
    return told


def called(record: Any) -> str:
    """Customers by their code: their names are personal."""
    return record.code if isinstance(record, Customer) else str(record)


def ask(session: Session, typed: str, *, with_tried: bool, by: Actor) -> DemoRemoval:
    """Have the demo removed for good. Its accounts are closed at once; the worker does the rest.

    `typed` is the company's name, as a confirmation; `with_tried`: what people have tried on records of the demo goes
    with them. Raises InvalidInputError where another name is typed, DemoNeededError with what hangs on the demo,
    NotAllowedError, and BusinessError when no demo is there or it is being removed already.
    """
    for action, resource in WANTS:
        by.must(action, resource)
    queue_up(session, "demo")
    told = plan(session, by=by, with_tried=with_tried)
    if told is None:
        raise BusinessError(_("No demo company is loaded, or it was removed already."))
    before = latest(session)
    if before is not None and before.is_working:
        raise BusinessError(_("The demo company is being removed already."))
    name = settings.get(session, "company_name")
    if " ".join(typed.split()).casefold() != name.casefold():
        raise InvalidInputError(fields={"typed": [_("Type the company's name as it stands here: %(name)s", name=name)]})
    if told.hindrances:
        raise DemoNeededError(reasons=told.hindrances)
    demo = Belongings(session, told.loaded_at)
    for member in demo.people:
        if member.user.active:
            member.user.active = False
            end_sign_ins(session, member.id, reason="deactivated")
    rights_changed(session, sorted(demo.people_ids))
    removal = DemoRemoval(
        member_id=by.user_id, with_tried=with_tried, records_all=sum(len(demo.ids(table)) for table in ORDER)
    )
    session.add(removal)
    session.flush()
    audit.record(session, ASKED, table=DemoRemoval.__tablename__, record_id=removal.id, by=by,
                 changes={"rows": [None, sum(told.goes.values())]})  # fmt: skip
    return removal


def latest(session: Session) -> DemoRemoval | None:
    return session.scalars(select(DemoRemoval).order_by(DemoRemoval.id.desc()).limit(1)).first()


def hindrances(demo: Belongings, gone: Rows, by: Actor) -> list[Sentence]:
    """What of the real company somebody has to take over first."""
    session, told = demo.session, []
    if by.user_id in demo.people_ids:
        told.append(_("You are signed in with a demo account. Sign in with an administrator's own one."))
    admins = [one for one in queries.members_with_role(session, ADMIN) if one.id not in demo.people_ids]
    if not admins:
        told.append(_("0 administrators are real people. Invite one first: he signs in and removes the demo."))
    owned = session.scalar(
        select(func.count()).select_from(Customer)
        .where(Customer.archived_at.is_(None), Customer.created_at > demo.at, Customer.owner_id.in_(demo.people_ids))
    ) or 0  # fmt: skip
    if owned:
        told.append(ngettext("%(num)d real customer is looked after by somebody of the demo. Hand it over first.",
                             "%(num)d real customers are looked after by people of the demo. Hand them over first.",
                             owned))  # fmt: skip
    work = set(session.scalars(
        select(Task.id).where(is_open(), Task.created_at > demo.at, Task.assignee_id.in_(demo.people_ids))
    )) - gone.get("task", set())  # fmt: skip
    if work:
        told.append(ngettext("%(num)d real task lies with somebody of the demo. Hand it over first.",
                             "%(num)d real tasks lie with people of the demo. Hand them over first.",
                             len(work)))  # fmt: skip
    return told
