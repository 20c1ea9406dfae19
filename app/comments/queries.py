"""What was said about this record, and who could be mentioned there?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.comments import rules
from app.comments.events import Commented, kinds
from app.comments.models import Comment, CommentMention
from app.core.access import Actor, row_rule, visible
from app.core.accounts import User
from app.core.files import StoredFile
from app.core.finding import matches
from app.security import queries as people
from app.security.models import Member

#: what a comment is called as the owner of files and the subject of a bell line
OWNER = "comment"
#: so many people are offered behind an @
MOST_OFFERED = 8
#: of so many at a time it is asked whether they may see the record
_AT_ONCE = 24
#: of no more than these; whoever is not among them is found by more letters of his name
_MOST_ASKED = 4 * _AT_ONCE


@row_rule(Comment)
def _comments(actor: Actor, action: str) -> ColumnElement[bool]:
    """Read by whoever reads the record, archived by those who may bring it back; written by services alone."""
    if action != "view":
        return false()
    return or_(
        false(),
        *(
            and_(
                Comment.resource == kind.resource,
                Comment.record_id.in_(select(kind.model.id).where(kind.readable(actor)).correlate(None)),
                seen(kind, actor),
            )
            for kind in kinds()
        ),
    )


def seen(kind: Commented, actor: Actor) -> ColumnElement[bool]:
    """Which comments on a record that he reads are shown to him: an archived one to its author and to moderators."""
    return or_(live(), Comment.author_id == actor.user_id, moderated(kind, actor))


def moderated(kind: Commented, actor: Actor) -> ColumnElement[bool]:
    """The comments that he may archive and bring back, whoever wrote them: those on records that he may edit."""
    if not actor.may("add", "Comment"):
        return false()
    key: Any = kind.model.id
    return exists(select(key).where(key == Comment.record_id, visible(kind.model, actor, "edit")).correlate(Comment))


def live() -> ColumnElement[bool]:
    return Comment.archived_at.is_(None)


def of_record(resource: str, record_id: int) -> Select[Comment]:
    """Everything said about one record, archived or not. Whether he may read it is asked of the record."""
    return select(Comment).where(Comment.resource == resource, Comment.record_id == record_id)


def with_people(rows: Select[Comment]) -> Select[Comment]:
    """The same with the names that are shown: the author's and those of the mentioned."""
    return rows.options(
        joinedload(Comment.author).lazyload(Member.memberships),
        selectinload(Comment.mentions).joinedload(CommentMention.member).lazyload(Member.memberships),
    )


def of_records(session: Session, resource: str, record_ids: Collection[int]) -> list[Comment]:
    """The live comments on these records, the oldest first."""
    if not record_ids:
        return []
    rows = select(Comment).where(Comment.resource == resource, Comment.record_id.in_(record_ids), live())
    return list(session.scalars(with_people(rows).order_by(Comment.id)))


def latest(
    session: Session,
    kind: Commented,
    record_id: int,
    who: Actor,
    *,
    limit: int,
    before: int | None = None,
    gone: int = 0,
) -> tuple[list[Comment], list[Comment]]:
    """The last `limit` live ones (before the comment of that id), the oldest of them first; and the `gone` ones taken
    away last, of those that he may bring back. One query."""
    of_it = of_record(kind.resource, record_id).with_only_columns(Comment.id)
    rows = of_it.where(live()) if before is None else of_it.where(live(), Comment.id < before)
    chosen = [rows.order_by(Comment.id.desc()).limit(limit)]
    if gone:
        away = of_it.where(Comment.archived_at.is_not(None), seen(kind, who))
        chosen.append(away.order_by(Comment.archived_at.desc(), Comment.id.desc()).limit(gone))
    wanted = or_(*(Comment.id.in_(select(ids.subquery().c.id)) for ids in chosen))
    found = list(session.scalars(with_people(select(Comment).where(wanted)).order_by(Comment.id)))
    taken = [one for one in found if one.archived_at is not None]
    taken.sort(key=lambda one: (one.archived_at, one.id), reverse=True)
    return [one for one in found if one.archived_at is None], taken


def count(session: Session, resource: str, record_id: int) -> int:
    return session.scalar(counting(resource, record_id)) or 0


def counting(resource: str, record_id: int) -> Select[int]:
    return of_record(resource, record_id).where(live()).with_only_columns(func.count(Comment.id)).order_by(None)


def how_many_before(session: Session, comment: Comment) -> int:
    """Live comments older than this one on its record."""
    rows = of_record(comment.resource, comment.record_id).where(live(), Comment.id < comment.id)
    return session.scalar(rows.with_only_columns(func.count(Comment.id))) or 0


def names_in(comment: Comment) -> dict[str, str]:
    """How its text calls somebody → his name of today."""
    return {mention.called: mention.member.name for mention in comment.mentions}


def excerpts(session: Session, comment_ids: Collection[int | None]) -> dict[int, str]:
    """The beginnings of these comments as far as they are live, by id. Whether they may be read was asked before."""
    if not comment_ids:
        return {}
    found = session.scalars(with_people(select(Comment).where(Comment.id.in_(comment_ids), live())))
    return {comment.id: rules.excerpt(comment.text, names_in(comment)) for comment in found}


def called(session: Session, names: Sequence[str]) -> dict[str, Member]:
    """The members with these user names (lower case), by how they were called."""
    if not names:
        return {}
    rows = select(Member).join(User, User.id == Member.id).where(func.lower(User.username).in_(names))
    return {member.user.username.lower(): member for member in session.scalars(rows).unique()}


def who_may_see(session: Session, kind: Commented, record_id: int, members: Sequence[Member]) -> set[int]:
    """The ids of those of the members who may open the record. One query for all of them."""
    if not members:
        return set()

    def sees(member: Member) -> ColumnElement[bool]:
        key: Any = kind.model.id
        return exists().where(key == record_id, visible(kind.model, people.actor_of(session, member)))

    row = session.execute(select(*(sees(member).label(f"m{member.id}") for member in members))).one()
    return {member.id for member, may in zip(members, row, strict=True) if may}


def mentionable(session: Session, kind: Commented, record_id: int, typed: str, *, besides: int | None) -> list[Member]:
    """Colleagues who may see the record, by the beginnings of words of their name or user name, in name order."""
    rows = people.active_members().where(Member.id != (besides or 0))
    named = session.execute(rows.with_only_columns(Member.id, Member.name, User.username))
    meant = [one.id for one in named if not typed or matches(typed, one.name, one.username)][:_MOST_ASKED]
    found: list[Member] = []
    for start in range(0, len(meant), _AT_ONCE):
        of_these = rows.where(Member.id.in_(meant[start : start + _AT_ONCE])).options(joinedload(Member.user))
        some = session.scalars(of_these).unique().all()
        may = who_may_see(session, kind, record_id, some)
        found += [one for one in some if one.id in may]
        if len(found) >= MOST_OFFERED:
            break
    return found[:MOST_OFFERED]


def files_of(session: Session, comment_ids: Collection[int]) -> dict[int, list[StoredFile]]:
    """The files that hang on these comments, by comment."""
    attached: dict[int, list[StoredFile]] = {}
    if not comment_ids:
        return attached
    rows = select(StoredFile).where(StoredFile.owner_type == OWNER, StoredFile.owner_id.in_(comment_ids))
    for file in session.scalars(rows.order_by(StoredFile.id)):
        attached.setdefault(file.owner_id, []).append(file)
    return attached
