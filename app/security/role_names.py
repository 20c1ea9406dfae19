"""What is each role called, for whoever reads, and is it given still? Its code is shown to nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, false, select, true
from sqlalchemy.orm import Session

from app.core.access import Actor, Scope, row_rule
from app.core.accounts import Role
from app.core.db import db
from app.core.errors import Sentence
from app.core.i18n import reader_language
from app.core.remembered import Remembered
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


#: every role by its code, the oldest first, archived ones too: a dozen rows, replaced as a whole
role_names = Remembered(VERSION, _read)


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
