"""What is each role called, for whoever reads, and is it given still? Its code is shown to nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, false, select, true
from sqlalchemy.orm import Session

from app.core import versions
from app.core.access import Actor, Scope, row_rule
from app.core.accounts import Role
from app.core.db import db
from app.core.errors import Sentence
from app.core.i18n import reader_language
from app.security.models import RoleProfile
from app.security.roles import ROLE_LABELS, ROLE_PURPOSES

VERSION = "roles"


@dataclass(frozen=True)
class RoleName:
    """A role as screens need it."""

    id: int
    code: str
    label_vi: str
    label_en: str
    own_purpose: str
    is_archived: bool

    @property
    def label(self) -> Sentence:
        """In the language of whoever reads: the company's words, or those that we ship."""
        own = (reader_language() == "en" and self.label_en) or self.label_vi
        return own or ROLE_LABELS.get(self.code, self.code)

    @property
    def purpose(self) -> Sentence:
        return self.own_purpose or ROLE_PURPOSES.get(self.code, "")


# The version of all roles, and their names by code. A dozen rows, replaced as a whole.
_remembered: tuple[int, Mapping[str, RoleName]] = (-1, {})


def forget_role_names() -> None:
    """Another database is behind it now."""
    global _remembered
    _remembered = (-1, {})


def role_names(session: Session) -> Mapping[str, RoleName]:
    """Every role by its code, the oldest first, archived ones too."""
    global _remembered
    version = versions.current(session, VERSION)
    known, read = _remembered
    if known != version:
        read = _read(session)
        # What is read inside a transaction may be undone with it.
        if not session.info.get("transaction"):
            _remembered = (version, read)
    return read


def _read(session: Session) -> dict[str, RoleName]:
    rows = session.execute(
        select(Role.id, Role.name, RoleProfile.label_vi, RoleProfile.label_en, RoleProfile.purpose,
               RoleProfile.archived_at)
        .outerjoin(RoleProfile, RoleProfile.id == Role.id).order_by(Role.id)
    )  # fmt: skip
    return {
        row.name: RoleName(
            row.id, row.name, row.label_vi or "", row.label_en or "", row.purpose or "", row.archived_at is not None
        )
        for row in rows
    }


def role_label(code: str) -> Sentence:
    """What people call the role."""
    known = role_names(db.session()).get(code)
    return known.label if known is not None else ROLE_LABELS.get(code, code)


def role_purpose(code: str) -> Sentence:
    """What the role is for, in one line."""
    known = role_names(db.session()).get(code)
    return known.purpose if known is not None else ""


class _Labels(Mapping[str, Any]):
    """Code → label of every role that there is at this moment, for filters and cells of lists."""

    def __getitem__(self, code: str) -> Any:
        return role_names(db.session())[code].label

    def __iter__(self) -> Iterator[str]:
        return iter(role_names(db.session()))

    def __len__(self) -> int:
        return len(role_names(db.session()))


#: every role by what it is called
LABELS: Mapping[str, Any] = _Labels()


@row_rule(RoleProfile)
def _profiles(actor: Actor, action: str) -> ColumnElement[bool]:
    """Roles are nobody's own: one sees all of them or none."""
    return true() if actor.scope("Role", action) is Scope.all else false()
