"""What becomes of the files that come with a page of answers? They are kept at once, whatever else is wrong with it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.core import edge, files
from app.core.access import Actor
from app.core.errors import NotFoundError
from app.forms import queries, services
from app.forms.builder import AnswerField, AnswerForm
from app.forms.fields.file import FileType
from app.forms.models import FormVersion


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
        received = files.receive(sent.stream, sent.filename)
    except files.FileRefusedError as refused:
        question.late = [*question.late, refused.message]
        return None
    try:
        with edge.transaction() as session:
            version = session.get_one(FormVersion, version_id)
            return str(services.keep_file(session, version, question.key, received, by=edge.actor()).id)
    except BaseException:
        files.forget(received)
        raise


def _may_see(session: Session, actor: Actor, number: int) -> bool:
    """Seen by who sees the answers; before they are given, by who sent the file."""
    try:
        queries.answer_file(session, number, actor)
    except NotFoundError:
        return False
    return True


files.register_owner(queries.FILES, _may_see)
