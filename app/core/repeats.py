"""Has this very request been answered before? Kept answers make a repeated request, or a second click, happen once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.db import Entity, Json, UtcDateTime, queue_up
from app.core.errors import ConflictError
from app.core.i18n import _

LONGEST_KEY = 200


class IdempotentAnswer(Entity):
    """What was answered to a request with a key of its own: the same request gets the same answer again."""

    __tablename__ = "idempotent_answer"
    __audited__ = False
    __table_args__: ClassVar = (UniqueConstraint("user_id", "route", "key"), {"extend_existing": False})

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    route: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(LONGEST_KEY))
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column()
    body: Mapped[Any] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now, index=True)


class UsedKeyError(ConflictError):
    """The key came with another request before."""

    message = _("This Idempotency-Key was used with another request.")


@dataclass(frozen=True)
class Repeatable:
    """A request that may come twice: who sent it where, under which key, and what stood in it."""

    user_id: int | None
    route: str
    key: str
    digest: str

    def kept(self, session: Session) -> IdempotentAnswer | None:
        """The answer given before. Raises UsedKeyError when the key came with another body then."""
        answer = session.scalars(
            select(IdempotentAnswer).where(
                IdempotentAnswer.user_id == self.user_id,
                IdempotentAnswer.route == self.route,
                IdempotentAnswer.key == self.key,
            )
        ).one_or_none()
        if answer is not None and answer.request_hash != self.digest:
            raise UsedKeyError(at=answer.created_at)
        return answer

    def once(self, session: Session, change: Callable[[Session], dict[str, Any]], *, status: int) -> dict[str, Any]:
        """Run `change` inside this transaction and keep its answer; the second of two waits for the first one's."""
        queue_up(session, f"{self.user_id} {self.route} {self.key}")
        kept = self.kept(session)
        if kept is not None:
            return kept.body  # type: ignore[no-any-return]
        answer = change(session)
        session.add(
            IdempotentAnswer(
                user_id=self.user_id,
                route=self.route,
                key=self.key,
                request_hash=self.digest,
                status=status,
                body=answer,
            )
        )
        return answer


def forget_answers(session: Session, *, before: datetime) -> None:
    """Answers kept for repeated requests: nobody repeats one after a day."""
    session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.created_at < before))
