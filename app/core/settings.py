"""What did the company set for itself? A typed table: every setting is declared here with its kind and default."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.access import Actor
from app.core.db import Entity, Json, Revisioned, Stamped
from app.core.errors import InvalidInputError
from app.core.i18n import DEFAULT_LANGUAGE, LANGUAGES, _
from app.core.vietnamese import as_typed

#: What the installation takes in one file; a company may set itself a smaller limit.
LARGEST_FILE_MEGABYTES = 20


@dataclass(frozen=True)
class SettingKind:
    """One setting: its label, what it is, and what it is before anyone sets it."""

    label: Any
    type: type
    default: Any
    longest: int = 200
    may_be_empty: bool = False
    #: of a number: the least and the most it may be
    between: tuple[int, int] | None = None
    #: the only values there are
    one_of: Collection[Any] | None = None


#: Every setting there is. The settings screen shows them in this order.
KINDS: dict[str, SettingKind] = {
    "company_name": SettingKind(_("Company name"), str, "Tận Tâm"),
    #: empty: the company's name
    "mail_from_name": SettingKind(_("Sender of mails"), str, "", longest=100, may_be_empty=True),
    "logo_file_id": SettingKind(_("Logo"), int, None),
    "short_name": SettingKind(_("Short name"), str, "", longest=60, may_be_empty=True),
    "tax_code": SettingKind(_("Tax code"), str, "", longest=20, may_be_empty=True),
    "address": SettingKind(_("Office address"), str, "", longest=300, may_be_empty=True),
    "phone": SettingKind(_("Phone number"), str, "", longest=30, may_be_empty=True),
    "email": SettingKind(_("E-mail"), str, "", longest=254, may_be_empty=True),
    "website": SettingKind(_("Website"), str, "", longest=200, may_be_empty=True),
    #: of new colleagues, and of mails to whom no language is known of
    "language": SettingKind(_("Language of the company"), str, DEFAULT_LANGUAGE, one_of=tuple(LANGUAGES)),
    #: MB that one uploaded file may have
    "largest_file_mb": SettingKind(_("Largest file"), int, LARGEST_FILE_MEGABYTES, between=(1, LARGEST_FILE_MEGABYTES)),
    #: the mail with which somebody last tried whether mails leave
    "test_mail_id": SettingKind(_("Test mail"), int, None),
    "setup_hidden": SettingKind(_("Set-up list hidden"), bool, False),
    #: when the demo company was made (ISO 8601): what is younger is not of the demo; empty: never, or it was removed
    "demo_loaded_at": SettingKind(_("Demo company loaded"), str, "", longest=40, may_be_empty=True),
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
    problem = None
    if kind.type is str:
        value = as_typed(value) if isinstance(value, str) else value
        if not isinstance(value, str) or not (value or kind.may_be_empty) or "\0" in value:
            problem = _("Please fill in this field.")
        elif len(value) > kind.longest:
            problem = _("At most %(count)d characters, please.", count=kind.longest)
    elif value is None and kind.default is None:
        pass
    elif isinstance(value, bool) is not (kind.type is bool) or not isinstance(value, kind.type):
        problem = _("This value does not fit.")
    elif kind.between is not None and value not in range(kind.between[0], kind.between[1] + 1):
        problem = _("A whole number from %(least)d to %(most)d. Example: %(most)d", least=kind.between[0],
                    most=kind.between[1])  # fmt: skip
    if problem is None and kind.one_of is not None and value not in kind.one_of:
        problem = _("This value does not fit.")
    if problem is not None:
        raise InvalidInputError(fields={key: [problem]})
    row = session.scalars(select(Setting).where(Setting.key == key)).one_or_none()
    if row is None:
        session.add(Setting(key=key, value=value))
    else:
        row.value = value
    session.flush()
