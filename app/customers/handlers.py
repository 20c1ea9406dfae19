"""How do people talk about a customer, and who looks after him when somebody leaves?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.comments.events import Commented
from app.comments.models import Comment
from app.core import links
from app.core.access import Actor, visible
from app.core.errors import BusinessError, Sentence
from app.core.i18n import _, ngettext
from app.customers import queries, services
from app.customers.models import Customer
from app.security.events import Duty, Held, Titled
from app.security.models import Member
from app.security.queries import actor_of
from app.security.shared import Shareable

SHARED_CUSTOMERS = Shareable(
    "Customer", Customer, links.customer_path, lambda customer: f"{customer.name} ({customer.code})",
    (_("Customers"), "/khach-hang/list/"),
)  # fmt: skip


class LookedAfter(Duty):
    """The customers that a person looks after."""

    key = "customers"
    label = _("Customers looked after")
    icon = "users"

    def counted(self, count: int) -> Sentence:
        return ngettext("%(num)d customer", "%(num)d customers", count)

    def held(self, session: Session, member: Member, who: Actor, *, titles: int) -> Held:
        rows = select(Customer.id, Customer.name).where(*queries.looked_after_by(member.id))
        count = session.scalar(select(func.count()).select_from(rows.subquery())) or 0
        seen = rows.where(visible(Customer, who)).order_by(Customer.sort_key, Customer.id).limit(titles)
        return Held(count, [Titled(row.name, links.customer_path(row.id)) for row in session.execute(seen)])

    def refusal(self, session: Session, to: Member) -> Sentence | None:
        if actor_of(session, to).may("edit", "Customer"):
            return None
        return _("%(name)s may not look after customers.", name=to.name)

    def hand_over(self, session: Session, member: Member, to: Member, *, by: Actor) -> int:
        return services.hand_over_customers(session, member, to, by=by)


class CustomerComments(Commented):
    """Comments on a customer, which his history tells of."""

    resource = "Customer"
    model = Customer

    def url(self, record_id: int) -> str:
        return f"{links.customer_path(record_id)}?phan=trao-doi"

    def title(self, record: Any) -> str:
        return f"{record.name} ({record.code})"

    def about(self, title: str) -> Sentence:
        return _("the customer %(title)s", title=title)

    def refusal(self, session: Session, record: Any, by: Actor) -> BusinessError | None:
        return services.CustomerArchivedError() if record.is_archived else None

    def hold(self, session: Session, record: Any) -> None:
        # Whoever merges him holds him: of the one who is gone nobody reads.
        session.refresh(record, with_for_update=True)
        if record.is_archived:
            raise services.CustomerArchivedError

    def written(self, session: Session, record: Any, comment: Comment, *, by: Actor) -> None:
        services.record_timeline(
            session, record.id, kind="commented", by=by, subject_type="comment", subject_id=comment.id
        )
