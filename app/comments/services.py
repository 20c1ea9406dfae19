"""Write, edit, archive and restore comments; whoever is mentioned is told in the same transaction, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.comments import queries, rules
from app.comments.events import Commented, commented
from app.comments.models import Comment, CommentMention
from app.core import clock, links
from app.core.access import Actor, get_visible, visible
from app.core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.core.i18n import _
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell, queue_mail
from app.security.models import Member


def _bell(data: Mapping[str, Any]) -> object:
    kind = commented(data["resource"])
    return rules.bell_sentence(data, kind.about(data["title"]) if kind else data["title"])


register_bell_kind(rules.MENTIONED, _bell)


def kind_named(resource: str) -> Commented:
    """Raises NotFoundError when such records have no comments."""
    kind = commented(resource)
    if kind is None:
        raise NotFoundError
    return kind


def write_comment(
    session: Session, resource: str, record_id: int, text: str, *, by: Actor, has_files: bool = False
) -> Comment:
    """Say something about a record; it may be nothing but files.

    Raises NotFoundError for a record that he may not see, InvalidInputError beside "text", and what the record's
    feature refuses with.
    """
    kind = kind_named(resource)
    record = get_visible(session, kind.model, record_id, by)
    _must_be_open(session, kind, record, by)
    text = rules.read_text(text, has_files=has_files)
    mentioned = _mentioned(session, kind, record_id, text, {})
    kind.hold(session, record)
    comment = Comment(resource=resource, record_id=record_id, author_id=_member_id(by), text=text)
    session.add(comment)
    session.flush()
    kind.written(session, record, comment, by=by)
    _tell(session, kind, record, comment, mentioned, by=by)
    return comment


def edit_comment(session: Session, comment_id: int, text: str, *, by: Actor, rev: int | None = None) -> Comment:
    """Word one's own comment anew, at any time; those who are mentioned for the first time are told.

    Raises ConflictError when it was edited since `rev`.
    """
    comment, kind, record = _lock(session, comment_id, by)
    if comment.archived_at is not None:
        raise NotFoundError
    if comment.author_id != by.user_id:
        raise NotAllowedError(_("Only who wrote this can change it."))
    _must_be_open(session, kind, record, by)
    if rev is not None and rev != comment.rev:
        raise ConflictError(
            _("This has been edited somewhere else in the meantime."), at=comment.edited_at, rev=comment.rev
        )
    text = rules.read_text(text, has_files=_has_files(session, comment))
    if text == comment.text:
        return comment
    known = {mention.called: mention.member for mention in comment.mentions}
    mentioned = _mentioned(session, kind, comment.record_id, text, known)
    comment.text, comment.edited_at = text, clock.now()
    session.flush()
    _tell(session, kind, record, comment, mentioned, by=by)
    return comment


def archive_comment(session: Session, comment_id: int, *, by: Actor) -> Comment:
    """Take one's own comment away, or anybody's on a record that one may edit. Its files go with it."""
    comment, kind, _record = _lock(session, comment_id, by)
    _must_be_his(session, kind, comment, by)
    if comment.archived_at is None:
        comment.archived_at, comment.archived_by_id = clock.now(), by.user_id
        session.flush()
    return comment


def restore_comment(session: Session, comment_id: int, *, by: Actor) -> Comment:
    """Bring an archived comment back. One that is not archived stays as it is."""
    comment, kind, _record = _lock(session, comment_id, by)
    _must_be_his(session, kind, comment, by)
    if comment.archived_at is not None:
        comment.archived_at, comment.archived_by_id = None, None
        session.flush()
    return comment


def may_moderate(session: Session, kind: Commented, record_id: int, by: Actor) -> bool:
    """May he archive what others wrote there?"""
    key: Any = kind.model.id
    is_his = select(key).where(key == record_id, visible(kind.model, by, "edit"))
    return by.may("add", "Comment") and session.scalar(is_his) is not None


# ── inside ──


def _lock(session: Session, comment_id: int, by: Actor) -> tuple[Comment, Commented, Any]:
    """The comment as it is now and the record that it is about. Raises NotFoundError for one that he may not read."""
    get_visible(session, Comment, comment_id, by)
    comment = session.scalars(
        select(Comment).where(Comment.id == comment_id).with_for_update().execution_options(populate_existing=True)
    ).one()
    kind = kind_named(comment.resource)
    return comment, kind, session.get_one(kind.model, comment.record_id)


def _must_be_open(session: Session, kind: Commented, record: Any, by: Actor) -> None:
    by.must("add", "Comment")
    refusal = kind.refusal(session, record, by)
    if refusal is not None:
        raise refusal


def _must_be_his(session: Session, kind: Commented, comment: Comment, by: Actor) -> None:
    by.must("add", "Comment")
    if comment.author_id != by.user_id and not may_moderate(session, kind, comment.record_id, by):
        raise NotAllowedError


def _member_id(by: Actor) -> int:
    if by.user_id is None:
        raise NotAllowedError
    return by.user_id


def _has_files(session: Session, comment: Comment) -> bool:
    return bool(queries.files_of(session, [comment.id]))


def _mentioned(
    session: Session, kind: Commented, record_id: int, text: str, known: Mapping[str, Member]
) -> dict[str, Member]:
    """Who is called in the text for the first time, by how. Raises InvalidInputError for who may not see the record."""
    new = [name for name in rules.called_in(text) if name not in known]
    told = {member.id for member in known.values()}
    found = {name: member for name, member in queries.called(session, new).items() if member.id not in told}
    problems = [
        _("%(name)s no longer works here. Take the name out and send again.", name=member.name)
        for member in found.values()
        if not member.is_active
    ]
    there = [member for member in found.values() if member.is_active]
    seeing = queries.who_may_see(session, kind, record_id, there)
    problems += [
        _("%(name)s may not see this page and would not be told. Take the name out and send again.", name=member.name)
        for member in there
        if member.id not in seeing
    ]
    if problems:
        raise InvalidInputError(fields={"text": problems})
    return found


def _tell(
    session: Session, kind: Commented, record: Any, comment: Comment, mentioned: Mapping[str, Member], *, by: Actor
) -> None:
    """Note whom the comment mentions now; each of them but oneself gets one bell line and one mail."""
    if not mentioned:
        return
    session.add_all(
        CommentMention(comment_id=comment.id, member_id=member.id, called=name) for name, member in mentioned.items()
    )
    session.flush()
    session.refresh(comment, ["mentions"])
    names, title, at = queries.names_in(comment), kind.title(record), clock.now()
    text, told = rules.as_text(comment.text, names), rules.excerpt(comment.text, names)
    for member in _others(mentioned, by):
        post_bell(
            session,
            to=member.id,
            kind=rules.MENTIONED,
            data={"by": by.name, "resource": kind.resource, "title": title, "text": told},
            subject_type=queries.OWNER,
            subject_id=comment.id,
            at=at,
        )
        queue_mail(
            session,
            to_user_id=member.id,
            to_address=member.email,
            language=member.language,
            template=rules.MENTIONED,
            values={
                "name": member.name,
                "by": by.name,
                "what": kind.about(title),
                "text": text,
                "link": links.absolute(links.comment_path(comment.id)),
            },
            idempotency_key=f"comment:{comment.id}:{member.id}",
            at=at,
        )


def _others(mentioned: Mapping[str, Member], by: Actor) -> Sequence[Member]:
    return [member for member in mentioned.values() if member.id != by.user_id]
