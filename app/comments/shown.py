"""How does the conversation about a record look on its page?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.comments import queries, rules, services
from app.comments.events import Commented
from app.comments.models import Comment
from app.core import files, links
from app.core.access import Actor
from app.core.files import StoredFile
from app.core.finding import kind_of
from app.core.i18n import _

#: comments on the page of a record; earlier ones stand on the page of the conversation
ON_A_RECORD = 20
ON_ITS_OWN_PAGE = 50
ARCHIVED_SHOWN = 20


@dataclass(frozen=True)
class Refused:
    """What was typed and not taken: it stands in its field again. `comment_id`: it was to replace that comment."""

    text: str
    problem: object
    comment_id: int | None = None


def address(kind: Commented, record_id: int) -> str:
    """The page of the conversation; posting there adds to it."""
    return f"/trao-doi/{kind_of(kind.resource)}/{record_id}"


def anchor(comment_id: int) -> str:
    return f"tra-loi-{comment_id}"


def thread(
    session: Session,
    kind: Commented,
    record: Any,
    who: Actor,
    *,
    size: int = ON_A_RECORD,
    before: int | None = None,
    refused: Refused | None = None,
    label: object = None,
) -> dict[str, Any]:
    """What templates/comments/_thread.html takes. Whether he may see the record was asked before."""
    path = address(kind, record.id)
    takes_part = who.may("add", "Comment")
    found, gone = queries.latest(
        session, kind, record.id, who, limit=size, before=before, gone=ARCHIVED_SHOWN if takes_part else 0
    )
    is_whole = before is None and len(found) < size
    total = len(found) if is_whole else queries.count(session, kind.resource, record.id)
    earlier = queries.how_many_before(session, found[0]) if found and total > len(found) else 0
    refusal = kind.refusal(session, record, who) if takes_part else None
    may_write = takes_part and refusal is None
    attached = queries.files_of(session, [comment.id for comment in found])
    moderates = bool(found or gone) and takes_part and services.may_moderate(session, kind, record.id, who)
    return {
        "label": label or _("Comments"),
        "url": path,
        "people_url": f"{path}/nguoi",
        "count": total,
        "comments": [
            _shown(comment, attached.get(comment.id, ()), who, may_write, moderates, refused) for comment in found
        ],
        "earlier": earlier,
        "earlier_url": f"{path}?truoc={found[0].id}" if earlier else None,
        "latest_url": path if before is not None else None,
        "archived": [_shown(comment, (), who, may_write, moderates, None) for comment in gone],
        "may_write": may_write,
        "closed": refusal.message if refusal is not None else None,
        "text": refused.text if refused and refused.comment_id is None else "",
        "problem": refused.problem if refused and refused.comment_id is None else None,
        "longest": rules.LONGEST_TEXT,
    }


def _shown(
    comment: Comment,
    attached: Sequence[StoredFile],
    who: Actor,
    may_write: bool,
    moderates: bool,
    refused: Refused | None,
) -> dict[str, Any]:
    is_mine = comment.author_id == who.user_id
    is_refused = refused is not None and refused.comment_id == comment.id
    path = links.comment_path(comment.id)
    return {
        "id": comment.id,
        "anchor": anchor(comment.id),
        "author": comment.author.name,
        "is_mine": is_mine,
        "at": comment.created_at,
        "edited_at": comment.edited_at,
        "archived_at": comment.archived_at,
        "pieces": rules.pieces(comment.text, queries.names_in(comment)),
        "text": refused.text if refused is not None and is_refused else comment.text,
        "problem": refused.problem if refused is not None and is_refused else None,
        "rev": comment.rev,
        "files": files_shown(attached),
        "edit_url": f"{path}/sua" if is_mine and may_write else None,
        "archive_url": f"{path}/luu-tru" if (is_mine and who.may("add", "Comment")) or moderates else None,
        "restore_url": f"{path}/khoi-phuc" if is_mine or moderates else None,
    }


def files_shown(attached: Sequence[StoredFile]) -> list[dict[str, Any]]:
    """Files as templates/_parts/ui.html draws them."""
    return [
        {
            "name": file.name,
            "url": links.file_path(file.id, file.name),
            "size": files.size_text(file.size),
            "is_image": file.content_type.startswith("image/"),
        }
        for file in attached
    ]


def plain(session: Session, comments: Sequence[Comment]) -> list[dict[str, Any]]:
    """Author, moment, words and files of comments, for the histories of other features."""
    attached: Mapping[int, Sequence[StoredFile]] = queries.files_of(session, [comment.id for comment in comments])
    return [
        {
            "author": comment.author.name,
            "at": comment.created_at,
            "text": rules.as_text(comment.text, queries.names_in(comment)),
            "files": files_shown(attached.get(comment.id, ())),
        }
        for comment in comments
    ]
