"""Does a form name what the company has? A drawing may come from another one: its catalogues and roles are not here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues.models import Catalogue
from app.core.i18n import _
from app.forms import rules
from app.forms.rules import Problem
from app.security.role_names import role_names

_ROLES = ("read_roles", "edit_roles")


def problems(session: Session, definition: Mapping[str, Any]) -> list[Problem]:
    """All that keeps a draft from being published here: what is wrong, and what it names that is not there."""
    return [*rules.check_definition(definition), *_strangers(session, definition)]


def _strangers(session: Session, definition: Mapping[str, Any]) -> Iterator[Problem]:
    named = list(_fields(definition.get("fields"), "fields"))
    codes = {one["catalogue"] for _path, one in named if isinstance(one.get("catalogue"), str)}
    known = set(session.scalars(select(Catalogue.code).where(Catalogue.code.in_(codes)))) if codes else set()
    roles = role_names(session)
    for path, one in named:
        code = one.get("catalogue")
        if isinstance(code, str) and code not in known:
            told = _("This company has no catalogue “%(code)s”. Choose another, or make it first.", code=code)
            yield Problem(f"{path}.catalogue", "no_such_catalogue", told)
        for name in _ROLES:
            given = one.get(name)
            for code in given if isinstance(given, list) else ():
                if isinstance(code, str) and code not in roles:
                    told = _("This company has no role “%(code)s”. Take it off, or choose another.", code=code)
                    yield Problem(f"{path}.{name}", "no_such_role", told)


def _fields(drawn: object, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field that is asked, with its path; the columns of rows too."""
    for number, one in enumerate(drawn if isinstance(drawn, list) else ()):
        if isinstance(one, Mapping) and one.get("retired") is not True:
            yield f"{path}[{number}]", one
            yield from _fields(one.get("fields"), f"{path}[{number}].fields")
