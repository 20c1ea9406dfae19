"""Give the company its face and its facts, or take the face back."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO

from sqlalchemy.orm import Session

from app.company import rules
from app.core import files, settings
from app.core.access import Actor
from app.core.errors import InvalidInputError, Sentence
from app.core.files import FileRefusedError, ReceivedFile, StoredFile

#: owner type of the company's logo; every member sees it, and who signs in too
LOGO = "logo"


#: what the company says of itself, beside its name
FACTS = ("short_name", "tax_code", "address", "phone", "email", "website")


def _everyone(_session: Session, _actor: Actor, _owner_id: int) -> bool:
    return True


files.register_owner(LOGO, _everyone)


def receive_logo(stream: IO[bytes], filename: str) -> ReceivedFile:
    """Check the picture and put it on the disk, outside any transaction. Raises InvalidInputError with a sentence."""
    problem = rules.name_problem(filename)
    content = b"" if problem else stream.read(rules.LARGEST + 1)
    problem = problem or rules.picture_problem(content)
    if problem:
        raise _refused(problem)
    try:
        return files.receive(io.BytesIO(content), filename)
    except FileRefusedError as refusal:
        raise _refused(refusal.message) from refusal


def _refused(problem: Sentence) -> InvalidInputError:
    return InvalidInputError(fields={"logo": [problem]})


def save_profile(session: Session, typed: Mapping[str, str], *, by: Actor) -> None:
    """Keep what the company says of itself: its name and FACTS; what is not typed stays as it is.

    Raises InvalidInputError with every problem beside its field, and NotAllowedError.
    """
    problems: dict[str, list[Sentence]] = {key: [one] for key, one in rules.profile_problems(typed).items()}
    for key in ("company_name", *FACTS):
        if key in typed and key not in problems:
            try:
                settings.put(session, key, typed[key], by=by)
            except InvalidInputError as error:
                problems[key] = list(error.fields[key])
    if problems:
        raise InvalidInputError(fields=problems)


def set_logo(session: Session, received: ReceivedFile, *, by: Actor) -> None:
    """The company shows this picture from now on. The one before stays in the files: the audit log speaks of it.

    Raises NotAllowedError for whoever may not change settings, as remove_logo() does.
    """
    file = files.keep(session, received, owner_type=LOGO, owner_id=1)
    settings.put(session, "logo_file_id", file.id, by=by)


def remove_logo(session: Session, *, by: Actor) -> None:
    """The product's own mark stands in its place again."""
    settings.put(session, "logo_file_id", None, by=by)


def find_logo(session: Session) -> StoredFile | None:
    """The picture that the company shows, or None."""
    file_id = settings.get(session, "logo_file_id")
    file = session.get(StoredFile, file_id) if file_id else None
    return file if file is not None and file.owner_type == LOGO else None
