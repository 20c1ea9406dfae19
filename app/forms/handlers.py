"""How do the answers that were given about a customer show on his page?"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.core import history, links
from app.core.access import Actor, visible
from app.core.formats import exact_text
from app.core.i18n import _
from app.customers.events import AddLink, CustomerPart, PartFilter, PartRow
from app.customers.models import Customer
from app.forms.models import Submission

#: where answers are read that were given for something; others have a page of their own
_SUBJECTS = {"task": links.task_path, "instance": links.instance_path}


class CustomerSubmissions(CustomerPart):
    """The forms that were filled in about a customer, the latest first."""

    key = "phieu"
    label = _("Submissions")
    empty = _("No form has been filled in about this customer.")
    resource = "Submission"
    model = Submission
    filters = (PartFilter("", _("All"), lambda rows: rows),)

    def select(self, customer_id: int, actor: Actor) -> Select[Submission]:
        rows = select(Submission).where(Submission.customer_id == customer_id, visible(Submission, actor))
        return rows.order_by(Submission.id.desc())

    def rows(self, session: Session, chosen: Select[Submission], actor: Actor, now: datetime) -> list[PartRow]:
        found = session.scalars(chosen).all()
        names = history.names_of_people(session, {one.created_by_id for one in found})
        return [
            PartRow(
                url=path(one.subject_id) if (path := _SUBJECTS.get(one.subject_type or "")) and one.subject_id
                else links.submission_path(one.id),
                title=str(one),
                hint=" · ".join(filter(None, (
                    str(exact_text(one.created_at, actor.time_zone)), names.get(one.created_by_id or 0)))),
            )
            for one in found
        ]  # fmt: skip

    def add(self, customer: Customer, actor: Actor) -> AddLink | None:
        if customer.is_archived or not actor.may("add", "Submission"):
            return None
        return AddLink(_("Fill in a form"), links.filling_choice_path(customer.id))
