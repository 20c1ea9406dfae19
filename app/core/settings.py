"""What did the company set for itself? A typed table: every setting is declared here with its kind and default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.access import Actor
from app.core.db import Entity, Json, Revisioned, Stamped
from app.core.errors import InvalidInputError
from app.core.i18n import _
from app.core.vietnamese import as_typed


@dataclass(frozen=True)
class SettingKind:
    """One setting: its label, what it is, and what it is before anyone sets it."""

    label: Any
    type: type
    default: Any
    longest: int = 200
    may_be_empty: bool = False


#: Every setting there is. The settings screen shows them in this order.
KINDS: dict[str, SettingKind] = {
    "company_name": SettingKind(_("Company name"), str, "Tận Tâm"),
    #: empty: the company's name
    "mail_from_name": SettingKind(_("Sender of mails"), str, "", longest=100, may_be_empty=True),
    "logo_file_id": SettingKind(_("Logo"), int, None),
}


class Setting(Revisioned, Stamped, Entity):
    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(String(60), unique=True)
    value: Mapped[Any] = mapped_column(Json, nullable=True)


def value_of(key: str) -> ScalarSelect[Any]:
    """The value set by the company, as part of another query; NULL when nobody has set it."""
    return select(Setting.value).where(Setting.key == key).scalar_subquery()


def get(session: Session, key: str) -> Any:
    """The value set by the company, or the default. Raises KeyError for an unknown setting."""
    kind = KINDS[key]
    row = session.scalars(select(Setting).where(Setting.key == key)).one_or_none()
    return kind.default if row is None else row.value


def all_values(session: Session) -> dict[str, Any]:
    """Every setting with its present value, in one query."""
    rows = {row.key: row.value for row in session.scalars(select(Setting))}
    return {key: rows.get(key, kind.default) for key, kind in KINDS.items()}


def put(session: Session, key: str, value: Any, *, by: Actor) -> None:
    """Set it for the whole company. Raises InvalidInputError when the value is not of the setting's kind."""
    by.must("edit", "Setting")
    kind = KINDS[key]
    if kind.type is str:
        value = as_typed(value) if isinstance(value, str) else value
        if not isinstance(value, str) or not (value or kind.may_be_empty) or "\0" in value:
            raise InvalidInputError(fields={key: [_("Please fill in this field.")]})
        if len(value) > kind.longest:
            raise InvalidInputError(fields={key: [_("At most %(count)d characters, please.", count=kind.longest)]})
    elif value is not None and (isinstance(value, bool) or not isinstance(value, kind.type)):
        raise InvalidInputError(fields={key: [_("This value does not fit.")]})
    row = session.scalars(select(Setting).where(Setting.key == key)).one_or_none()
    if row is None:
        session.add(Setting(key=key, value=value))
    else:
        row.value = value
    session.flush()
