"""The conversation about a record: its page, what is sent to it, and who can be mentioned in it."""

from __future__ import annotations

from typing import Any

from flask import jsonify, redirect, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.comments import queries, rules, services, shown
from app.comments.events import Commented, commented_at
from app.comments.models import Comment
from app.comments.services import kind_named
from app.comments.shown import Refused
from app.core import edge, files
from app.core.access import Actor, get_visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotFoundError
from app.core.finding import LONGEST_TEXT, record_key
from app.core.i18n import _
from app.core.pages import Page, Undo, done, page, refused_onto, show, trail

#: a script asks for the conversation alone, without the page around it
PART_HEADER = "X-Part"


class CommentPages(Page):
    """/trao-doi: the conversations, each at the kind and id of its record."""

    resource = "Comment"
    route_base = "/trao-doi"
    default_view = "conversation"

    @page("/<kind>/<record_id>", right=None)
    def conversation(self, kind: str, record_id: str) -> Any:
        asked, number = _kind(kind), row_id(record_id)
        before = request.args.get("truoc", "")
        return _conversation(asked, number, before=row_id(before) if before else None)

    @page("/<kind>/<record_id>", "POST", right="add")
    def write(self, kind: str, record_id: str) -> Any:
        asked, number, text = _kind(kind), row_id(record_id), request.form.get("text", "")
        received: list[files.ReceivedFile] = []
        try:
            received.extend(_receive(upload) for upload in _uploads())
            with edge.transaction() as session:
                comment = services.write_comment(
                    session, asked.resource, number, text, by=edge.actor(), has_files=bool(received)
                )
                for file in received:
                    files.keep(session, file, owner_type=queries.OWNER, owner_id=comment.id)
                written = comment.id
        except BaseException as error:
            for file in received:
                files.forget(file)
            if not isinstance(error, BusinessError) or isinstance(error, NotFoundError):
                raise
            return _conversation(asked, number, refused=Refused(text, _told(error)), status=error.status)
        return _onward(asked, number, written)

    @page("/<kind>/<record_id>/nguoi", right="add")
    def people(self, kind: str, record_id: str) -> Any:
        """Who can be mentioned: ?q= is what stands behind the @."""
        session, who, asked, number = db.session(), edge.actor(), _kind(kind), row_id(record_id)
        get_visible(session, asked.model, number, who)
        typed = request.args.get("q", "").strip()[:LONGEST_TEXT]
        return jsonify(
            results=[
                {
                    "id": member.id,
                    "text": member.name,
                    "hint": member.title or member.user.username,
                    "mention": rules.written_as(member.user.username),
                }
                for member in queries.mentionable(session, asked, number, typed, besides=who.user_id)
            ]
        )

    @page("/<comment_id>", right=None)
    def comment(self, comment_id: str) -> Any:
        """Where a mail, the bell and a customer's history lead: to the comment, in its place."""
        session, who = db.session(), edge.actor()
        comment = get_visible(session, Comment, row_id(comment_id), who)
        kind = kind_named(comment.resource)
        return redirect(_place(session, kind, comment, who))

    @page("/<comment_id>/sua", "POST", right="add")
    def edit(self, comment_id: str) -> Any:
        number, text = row_id(comment_id), request.form.get("text", "")
        rev = request.form.get("rev", "")
        kind, record_id = _about(number)
        try:
            with edge.transaction() as session:
                services.edit_comment(session, number, text, by=edge.actor(), rev=row_id(rev) if rev else None)
        except NotFoundError:
            raise
        except BusinessError as error:
            return _conversation(
                kind, record_id, refused=Refused(text, _told(error), number), before=number + 1, status=error.status
            )
        return _onward(kind, record_id, number)

    @page("/<comment_id>/luu-tru", "POST", right="add")
    def archive(self, comment_id: str) -> Any:
        number = row_id(comment_id)
        return _moved(
            number, services.archive_comment, _("The comment is archived."), undo=f"/trao-doi/{number}/khoi-phuc"
        )

    @page("/<comment_id>/khoi-phuc", "POST", right="add")
    def restore(self, comment_id: str) -> Any:
        return _moved(row_id(comment_id), services.restore_comment, _("The comment is back."))


def _kind(name: str) -> Commented:
    kind = commented_at(name)
    if kind is None:
        raise NotFoundError
    return kind


def _uploads() -> list[FileStorage]:
    uploads = [upload for upload in request.files.getlist("files") if upload.filename]
    if len(uploads) > rules.MOST_FILES:
        raise InvalidInputError(fields={"files": [_("At most %(count)d files at once.", count=rules.MOST_FILES)]})
    return uploads


def _receive(upload: FileStorage) -> files.ReceivedFile:
    try:
        return files.receive(upload.stream, upload.filename)
    except files.FileRefusedError as refused:
        why = _("%(file)s: %(why)s", file=(upload.filename or "")[:100], why=str(refused.message))
        raise InvalidInputError(fields={"files": [why]}) from refused


def _told(error: BusinessError) -> str:
    """Everything that is wrong with it, in one line below the field."""
    return " ".join(str(sentence) for told in error.fields.values() for sentence in told) or str(error.message)


def _about(comment_id: int) -> tuple[Commented, int]:
    """What the comment is about, if he may read it."""
    comment = get_visible(db.session(), Comment, comment_id, edge.actor())
    return kind_named(comment.resource), comment.record_id


def _conversation(
    kind: Commented, record_id: int, *, before: int | None = None, refused: Refused | None = None, status: int = 200
) -> Any:
    """The page of the conversation, or the conversation alone for the script that asked for it."""
    session, who = db.session(), edge.actor()
    record = get_visible(session, kind.model, record_id, who)
    is_part = PART_HEADER in request.headers
    size = shown.ON_A_RECORD if is_part else shown.ON_ITS_OWN_PAGE
    thread = shown.thread(session, kind, record, who, before=before, refused=refused, size=size)
    if is_part:
        # A refusal stands in the part itself; a browser would complain of its status in the console.
        return show("comments/_part.html", thread=thread)
    title = kind.title(record)
    return show(
        "comments/page.html",
        status,
        title=title,
        thread=thread,
        back_url=kind.url(record_id),
        crumbs=trail((title, kind.url(record_id)), here=_("Comments")),
        record=record_key(kind.resource, record_id),
    )


def _onward(kind: Commented, record_id: int, comment_id: int) -> Any:
    """It is there: the conversation with it for a script, else the page of the record at its place."""
    if PART_HEADER in request.headers:
        return _conversation(kind, record_id)
    return redirect(f"{kind.url(record_id)}#{shown.anchor(comment_id)}")


def _place(session: Session, kind: Commented, comment: Comment, who: Actor) -> str:
    """The address at which the comment is in sight, however much was said after it."""
    at = f"#{shown.anchor(comment.id)}"
    newer, _gone = queries.latest(session, kind, comment.record_id, who, limit=shown.ON_A_RECORD)
    if comment.archived_at is not None or any(one.id == comment.id for one in newer):
        return f"{kind.url(comment.record_id)}{at}"
    return f"{shown.address(kind, comment.record_id)}?truoc={comment.id + 1}{at}"


def _moved(comment_id: int, change: Any, sentence: object, *, undo: str | None = None) -> Any:
    kind, record_id = _about(comment_id)
    onto = edge.our_page(request.form.get("back"), kind.url(record_id))
    try:
        with edge.transaction() as session:
            change(session, comment_id, by=edge.actor())
    except ConflictError:
        raise
    except NotFoundError:
        raise
    except BusinessError as error:
        return refused_onto(onto, error)
    return done(onto, sentence, undo=Undo(undo) if undo else None)
