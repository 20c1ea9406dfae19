"""How do process instances show on a customer's page, how do people talk about one, and what if who began it leaves?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.comments.events import Commented
from app.core import links
from app.core.access import Actor, visible
from app.core.errors import Sentence
from app.core.i18n import _, ngettext
from app.customers.events import CustomerPart, PartFilter, PartRow
from app.processes import queries, shown
from app.processes.models import OWNER, ProcessInstance
from app.security.models import Member
from app.security.shared import Shareable
from app.tasks import queries as task_queries
from app.tasks.rules import lateness

SHARED_INSTANCES = Shareable(
    "Instance", ProcessInstance, links.instance_path, lambda one: f"{one.version.process.name} ({one.code})",
    (_("Process files"), "/ho-so/"),
)  # fmt: skip


def begun_by(session: Session, member: Member, _who: Actor) -> list[Sentence]:
    """The runs that go on without whoever began them: their steps for the initiator wait for his team."""
    mine = ProcessInstance.initiator_id == member.id, ProcessInstance.ended_at.is_(None)
    count = session.scalar(select(func.count(ProcessInstance.id)).where(*mine)) or 0
    if not count:
        return []
    return [ngettext(
        "%(num)d running process file was begun by %(name)s. It goes on; what is meant for whoever began it waits for"
        " the team.",
        "%(num)d running process files were begun by %(name)s. They go on; what is meant for whoever began them waits"
        " for the team.",
        count, name=member.name,
    )]  # fmt: skip


class CustomerInstances(CustomerPart):
    """The runs of processes for a customer. What comes next in one is a task, and told by it."""

    key = "ho-so"
    label = _("Process files")
    empty = _("No process was ever started for this customer.")
    resource = "Instance"
    model = ProcessInstance
    filters = (
        PartFilter("", _("All"), lambda rows: rows),
        PartFilter("dang-chay", _("Running"), lambda rows: rows.where(ProcessInstance.ended_at.is_(None))),
        PartFilter("da-ket-thuc", _("Over"), lambda rows: rows.where(ProcessInstance.ended_at.is_not(None))),
    )

    def select(self, customer_id: int, actor: Actor) -> Select[ProcessInstance]:
        rows = select(ProcessInstance).where(
            ProcessInstance.customer_id == customer_id, visible(ProcessInstance, actor)
        )
        return rows.order_by(ProcessInstance.id.desc())

    def rows(self, session: Session, chosen: Select[ProcessInstance], actor: Actor, now: datetime) -> list[PartRow]:
        found = session.scalars(queries.with_people(chosen)).unique().all()
        work = task_queries.open_of_owners(session, OWNER, [instance.id for instance in found])
        rows = []
        for instance in found:
            first = min(work.get(instance.id, []), key=lambda task: (task.due_at is None, task.due_at), default=None)
            rows.append(
                PartRow(
                    url=links.instance_path(instance.id),
                    title=instance.version.process.name,
                    hint=" · ".join(filter(None, (instance.code, first.name if first else ""))),
                    lateness=lateness(first, now, actor.time_zone) if first else None,
                    due_at=first.due_at if first else None,
                    state=shown.STATUS_LABELS[instance.status],
                )
            )
        return rows


class InstanceComments(Commented):
    """Comments on an instance as a whole, also once it is over. Notes on one step are its task's."""

    resource = "Instance"
    model = ProcessInstance

    def url(self, record_id: int) -> str:
        return links.instance_path(record_id)

    def title(self, record: Any) -> str:
        return f"{record.version.process.name} ({record.code})"

    def about(self, title: str) -> Sentence:
        return _("the process file %(title)s", title=title)
