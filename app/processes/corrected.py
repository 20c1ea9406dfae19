"""What does an admin mean by what he types in the place of an answer: a text, a number, or yes or no?"""

from __future__ import annotations

import re
from dataclasses import replace

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.errors import InvalidInputError
from app.forms import queries as forms
from app.processes import queries
from app.processes.models import ProcessInstance


def meant(session: Session, instance: ProcessInstance, key: str, typed: str, *, by: Actor) -> object:
    """As its question reads it, where a form asks for it; else of the kind of what is known. None: nothing.

    Raises InvalidInputError at the key where its question refuses it.
    """
    asked, text, held = queries.question(session, instance.version, key), typed.strip(), instance.data.get(key)
    if not text:
        return None
    if asked is not None and not asked.type.is_worked_out:
        read = asked.type.parse(text, replace(asked.spec, required=False), forms.context_for(session, by))
        if read.problems:
            raise InvalidInputError(fields={key: read.problems})
        return read.value
    return text if isinstance(held, str) else by_its_look(text)


def by_its_look(text: str) -> str | int | float | bool:
    """What nothing is known of. 0912345678 and 007 are no numbers: whoever begins with 0 names something."""
    if text.lower() in ("true", "false", "có", "không"):
        return text.lower() in ("true", "có")
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,14})", text):
        return int(text)
    return float(text.replace(",", ".")) if re.fullmatch(r"-?(0|[1-9][0-9]{0,14})[.,][0-9]{1,6}", text) else text
