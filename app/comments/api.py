"""Comments for programs: read, write, edit, archive and restore what is said about a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.comments import queries, services
from app.comments.events import Commented, commented, kinds
from app.comments.models import Comment
from app.comments.rules import LONGEST_TEXT
from app.core import edge, links
from app.core.access import get_visible
from app.core.api import Api, flag, listing, moment, not_here, usernames, verb
from app.core.db import db, row_id
from app.core.errors import BadRequestError
from app.core.i18n import _
from app.core.schema import maybe, record, text, whole_number

_NEW = record(required=("resource", "record_id", "text"), resource=text(60), record_id=whole_number(),
              text=text(LONGEST_TEXT))  # fmt: skip
_EDITED = record(required=("text",), text=text(LONGEST_TEXT), rev=maybe(whole_number()))
_ORDERS = {"id": Comment.id, "at": Comment.created_at}


class CommentApi(Api):
    """Comments of one record at a time. A mention is written @username in the text; who may not see the record is
    refused. Files are uploaded on the pages and listed here."""

    resource_name = "comments"
    resource = "Comment"

    @verb(
        "/", "GET", "What is said about one record, the oldest first", right=None,
        query=listing(
            _ORDERS,
            resource="needed: the kind of record, such as Customer, Task, Instance",
            record="needed: its id",
            archived="1: those that were archived as well, for whoever may restore them",
        ),
    )  # fmt: skip
    def index(self) -> dict[str, Any]:
        session, who = db.session(), edge.actor()
        kind = _kind(request.args.get("resource", ""))
        number = request.args.get("record", "")
        if not (number.isascii() and number.isdigit()):
            raise BadRequestError(_("Please name the record: resource=Customer&record=12."))
        there = get_visible(session, kind.model, row_id(number), who)
        rows = queries.of_record(kind.resource, there.id).where(queries.seen(kind, who))
        gone = Comment.archived_at.is_not(None)
        if request.args.get("archived", "0") in ("", "0"):
            rows = rows.where(queries.live())
        return self.page(
            queries.with_people(rows),
            show_all=_shown,
            orders=_ORDERS,
            default_order="id",
            filters={
                "resource": lambda rows, _text: rows,
                "record": lambda rows, _text: rows,
                "archived": lambda rows, text: flag(rows, text, queries.live() | gone),
            },
            key=Comment.id,
        )

    @verb("/<id>", "GET", "One comment", right=None)
    def get(self, id: str) -> dict[str, Any]:
        session = db.session()
        return _one(session, get_visible(session, Comment, self.id(id), edge.actor()))

    @verb("/", "POST", "Say something about a record", right="add", body=_NEW, status=201)
    def post(self) -> dict[str, Any]:
        body = self.read()
        if commented(body["resource"]) is None:
            raise not_here("resource", _("Use one of: %(choices)s.", choices=_choices()))
        return self._change(
            lambda session: services.write_comment(
                session, body["resource"], body["record_id"], body["text"], by=edge.actor()
            )
        )

    @verb("/<id>", "PUT", "Edit one's own comment; rev as read", right="add", body=_EDITED)
    def put(self, id: str) -> dict[str, Any]:
        number, body = self.id(id), self.read()
        return self._change(
            lambda session: services.edit_comment(session, number, body["text"], by=edge.actor(), rev=body.get("rev"))
        )

    @verb("/<id>/archive", "POST", "Take it away; its author, or whoever may edit the record", right="add")
    def archive(self, id: str) -> dict[str, Any]:
        number = self.id(id)
        return self._change(lambda session: services.archive_comment(session, number, by=edge.actor()))

    @verb("/<id>/restore", "POST", "Bring it back", right="add")
    def restore(self, id: str) -> dict[str, Any]:
        number = self.id(id)
        return self._change(lambda session: services.restore_comment(session, number, by=edge.actor()))

    def _change(self, change: Callable[[Session], Comment]) -> dict[str, Any]:
        return self.write(lambda session: _one(session, change(session)))


def _choices() -> str:
    return ", ".join(sorted(kind.resource for kind in kinds()))


def _kind(resource: str) -> Commented:
    kind = commented(resource)
    if kind is None:
        raise BadRequestError(_("Please use one of: %(choices)s.", choices=_choices()))
    return kind


def _one(session: Session, comment: Comment) -> dict[str, Any]:
    rows = queries.with_people(select(Comment).where(Comment.id == comment.id))
    found = session.scalars(rows.execution_options(populate_existing=True)).unique().one()
    return _shown([found])[0]


def _shown(comments: Sequence[Comment]) -> list[dict[str, Any]]:
    """`author` and `mentions` are user names."""
    attached = queries.files_of(db.session(), [comment.id for comment in comments])
    named = usernames([*(c.author_id for c in comments), *(one.member_id for c in comments for one in c.mentions)])
    return [
        {
            "id": comment.id,
            "resource": comment.resource,
            "record_id": comment.record_id,
            "author": named[comment.author_id],
            "text": comment.text,
            "mentions": [named[mention.member_id] for mention in comment.mentions],
            "files": [
                {"id": file.id, "name": file.name, "size": file.size, "url": links.file_path(file.id, file.name)}
                for file in attached.get(comment.id, ())
            ],
            "at": moment(comment.created_at),
            "edited_at": moment(comment.edited_at),
            "archived_at": moment(comment.archived_at),
            "rev": comment.rev,
        }
        for comment in comments
    ]
