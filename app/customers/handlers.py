"""How do people talk about a customer?"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.comments.events import Commented
from app.comments.models import Comment
from app.core import links
from app.core.access import Actor
from app.core.errors import BusinessError, Sentence
from app.core.i18n import _
from app.customers import services
from app.customers.models import Customer


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

    def written(self, session: Session, record: Any, comment: Comment, *, by: Actor) -> None:
        services.record_timeline(
            session, record.id, kind="commented", by=by, subject_type="comment", subject_id=comment.id
        )
