"""What becomes of the files that come with a page of answers? They are kept at once, whatever else is wrong with it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core import edge, files
from app.core.access import Actor, visible
from app.core.db import db
from app.core.errors import NotFoundError, TooManyRequestsError
from app.core.i18n import _
from app.forms import queries, services
from app.forms.builder import AnswerField, AnswerForm
from app.forms.fields.file import FileType
from app.forms.logic import is_his
from app.forms.models import Form, FormVersion, VersionState

#: so many files of one person may wait for answers
MOST_WAITING = 200


def take_in(form: AnswerForm, version_id: int) -> None:
    """Put the ids of the files that were sent into the answers, before `form.validate()`.

    What is refused is told beside its question by `form.late`; what was kept stands on the page that comes back.
    """
    for question in form.questions:
        if isinstance(question.one.type, FileType) and isinstance(question.raw, list):
            question.raw = [_taken(one, question, version_id) for one in question.raw]


def _taken(sent: Any, question: AnswerField, version_id: int) -> object:
    """The id of an upload that was kept. An id that was sent stays as it is, for the field to judge."""
    if isinstance(sent, str):
        return sent
    try:
        _refuse_too_many(db.session(), edge.actor())
        received = files.receive(sent.stream, sent.filename)
    except (files.FileRefusedError, TooManyRequestsError) as refused:
        question.late = [*question.late, refused.message]
        return None
    try:
        with edge.transaction() as session:
            version = session.get_one(FormVersion, version_id)
            return str(services.keep_file(session, version, question.key, received, by=edge.actor()).id)
    except BaseException:
        files.forget(received)
        raise


def keep_sent(version_id: int, key: str, sent: FileStorage | None, *, by: Actor) -> dict[str, Any]:
    """Keep a file that was sent by itself for a question of this version, and tell what it is.

    Raises NotFoundError for a question that is not his to answer, FileRefusedError for a file that is not taken, and
    TooManyRequestsError for whoever sends and sends and never answers.
    """
    session = db.session()
    version = session.scalars(
        select(FormVersion).join(Form, Form.id == FormVersion.form_id)
        .where(FormVersion.id == version_id, FormVersion.state != VersionState.draft, visible(Form, by))
    ).one_or_none()  # fmt: skip
    fields = queries.definition_of(version).fields if version is not None else ()
    asked = next((one for one in fields if one.key == key), None)
    kind = asked.type if asked is not None else None
    if asked is None or not isinstance(kind, FileType) or not is_his(asked, queries.context_for(session, by)):
        raise NotFoundError
    _refuse_too_many(session, by)
    received = files.receive(sent.stream if sent else BytesIO(), sent.filename if sent else None)
    try:
        if received.content_type not in kind.content_types:
            raise files.FileRefusedError(kind.other)
        with edge.transaction() as inside:
            kept = services.keep_file(inside, inside.get_one(FormVersion, version_id), key, received, by=by)
            return {"id": kept.id, "name": received.name, "size": received.size}
    except BaseException:
        files.forget(received)
        raise


def _refuse_too_many(session: Session, by: Actor) -> None:
    if queries.waiting_files(session, by) >= MOST_WAITING:
        raise TooManyRequestsError(_("Many files wait for answers of yours. Send what you have begun first."))


def _may_see(session: Session, actor: Actor, number: int) -> bool:
    """Seen by who sees the answers; before they are given, by who sent the file."""
    try:
        queries.answer_file(session, number, actor)
    except NotFoundError:
        return False
    return True


files.register_owner(queries.FILES, _may_see)
