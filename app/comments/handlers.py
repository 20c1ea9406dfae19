"""How do comments come onto the pages of records, and their files to those who read them?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.comments import queries, shown
from app.comments.events import Commented, commented, register_commented
from app.comments.models import Comment
from app.comments.services import kind_named
from app.core import files
from app.core.access import Actor, get_visible, visible
from app.core.db import Entity
from app.core.errors import BusinessError
from app.core.i18n import _
from app.core.screens import Screen

#: the tab of a record's page: ?tab=trao-doi
TAB = "trao-doi"


class ScreenComments(Commented):
    """The comments of a Screen that sets `comments = True`."""

    def __init__(self, screen: type[Screen]) -> None:
        self.resource: str = screen.resource
        self.model: type[Entity] = screen.datamodel.obj
        self._base: str = screen.route_base

    def url(self, record_id: int) -> str:
        return f"{self._base}/show/{record_id}?tab={TAB}"

    def refusal(self, session: Session, record: Any, by: Actor) -> BusinessError | None:
        is_archived = getattr(record, "archived_at", None) is not None
        return BusinessError(_("This is archived. Restore it first.")) if is_archived else None


class CommentPart:
    """The tab "Trao đổi" on the page of every record that has comments."""

    key = TAB
    label = _("Comments")
    template = "comments/_part.html"

    def is_for(self, resource: str, who: Actor) -> bool:
        return commented(resource) is not None

    def count(self, session: Session, resource: str, record_id: int, who: Actor) -> int | None:
        return queries.count(session, resource, record_id)

    def counting(self, resource: str, record_id: int, who: Actor) -> Any:
        return queries.counting(resource, record_id).scalar_subquery()

    def context(self, session: Session, resource: str, record_id: int, who: Actor) -> dict[str, Any]:
        kind = kind_named(resource)
        record = get_visible(session, kind.model, record_id, who)
        return {"thread": shown.thread(session, kind, record, who)}


def register_screens(views: Iterable[type]) -> None:
    """Give comments to every screen that wants them and whose feature has not said more of it."""
    for view in views:
        if issubclass(view, Screen) and view.comments and commented(view.resource) is None:
            register_commented(ScreenComments(view))


def _may_see(session: Session, actor: Actor, comment_id: int) -> bool:
    """Files are read with their comment, and go with it when it is archived."""
    read = select(Comment.id).where(Comment.id == comment_id, queries.live(), visible(Comment, actor))
    return session.scalar(read) is not None


files.register_owner(queries.OWNER, _may_see)
