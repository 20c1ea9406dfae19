"""How is a form drawn without the builder? A field is retired, a form is copied, carried out and brought in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.errors import InvalidInputError, NotFoundError
from app.core.i18n import _
from app.forms import queries, rules
from app.forms.models import Form, FormPurpose, FormVersion
from app.forms.services import create_form, save_draft
from app.forms.words import Words

#: what a file says of itself
FILE_KIND = "tantam.form"
#: how a file is written; those of before it had a number are of 1 and do not tell what the form is for
FILE_FORMAT = 2
FILE_KEYS = frozenset({"kind", "format", "code", "purpose", "definition"})


def retire_field(session: Session, form: Form, key: str, *, by: Actor) -> FormVersion:
    """Drawn as one that nobody is asked any more, from the next publication on; its answers stay.

    Raises NotFoundError when the form has no such field.
    """
    return _redraw(session, form, key, by, retired=True)


def bring_back_field(session: Session, form: Form, key: str, *, by: Actor) -> FormVersion:
    """Drawn as one that is asked again, from the next publication on. Raises NotFoundError."""
    return _redraw(session, form, key, by, retired=False)


def _redraw(session: Session, form: Form, key: str, by: Actor, *, retired: bool) -> FormVersion:
    by.must("edit", "Form")
    session.refresh(form, with_for_update=True)
    definition = deepcopy(queries.drawn_of(session, form))
    found = [one for one in queries.drawn_fields(definition) if one["key"] == key]
    if not found:
        raise NotFoundError
    for one in found:
        one.pop("retired", None)
        if retired:
            one["retired"] = True
    return save_draft(session, form, definition, by=by)


def copy_form(session: Session, form: Form, *, code: str, name: Words, by: Actor) -> Form:
    """A new form with the same questions, as far as he reads them; nobody was ever asked what is retired in the other.

    Raises InvalidInputError as create_form does.
    """
    definition = deepcopy(queries.drawn_for(session, form, by))
    if isinstance(definition.get("fields"), list):
        definition["fields"] = [
            one for one in definition["fields"] if not (isinstance(one, dict) and one.get("retired"))
        ]
    return _new(session, code, {**definition, "name": name}, by)


def exported(session: Session, form: Form, *, by: Actor) -> dict[str, Any]:
    """What is drawn now, as a file that `import_form` takes here or in another company."""
    by.must("export", "Form")
    return {
        "kind": FILE_KIND, "format": FILE_FORMAT, "code": form.code, "purpose": str(form.purpose),
        "definition": queries.drawn_for(session, form, by),
    }  # fmt: skip


def read_file(data: bytes) -> dict[str, Any]:
    """The object in an exported file. Raises InvalidInputError for what is none."""
    try:
        sent = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise _no_form() from None
    if not isinstance(sent, dict):
        raise _no_form()
    return sent


def import_form(session: Session, sent: Mapping[str, Any], *, by: Actor, code: str = "") -> Form:
    """A new form whose draft is that of the file, under its code or another. What is wrong in it is told by the draft.

    Raises InvalidInputError: for a file that is none of ours or newer than this program, a code that is taken, and as
    create_form does.
    """
    if sent.get("kind") != FILE_KIND:
        raise _no_form()
    written = sent.get("format", 1)
    if type(written) is not int or written < 1:
        raise _no_form()
    if written > FILE_FORMAT:
        newer = _(
            "This file was saved by a newer Tận Tâm: it is of format %(format)d, and this one reads up to %(known)d."
            " Bring this installation up to date, then try again.", format=written, known=FILE_FORMAT,
        )  # fmt: skip
        raise InvalidInputError(fields={"file": [newer]})
    purpose, definition = sent.get("purpose", FormPurpose.answers), sent.get("definition")
    if not set(sent) <= FILE_KEYS or not isinstance(definition, Mapping) or purpose not in list(FormPurpose):
        raise _no_form()
    return _new(session, code or sent.get("code", ""), definition, by, FormPurpose(purpose))


def _new(
    session: Session, code: Any, definition: Mapping[str, Any], by: Actor, purpose: FormPurpose = FormPurpose.answers
) -> Form:
    problems = rules.check_storable(definition)
    if problems:
        raise InvalidInputError(fields={"file": [one.message for one in problems]})
    form = create_form(session, code=code, name=definition.get("name", ""), by=by, purpose=purpose)
    draft = queries.draft_of(session, form)
    assert draft is not None
    draft.definition, draft.checksum = dict(definition), rules.checksum(definition)
    session.flush()
    return form


def _no_form() -> InvalidInputError:
    return InvalidInputError(fields={"file": [_("This is no form that was saved as a file here.")]})
