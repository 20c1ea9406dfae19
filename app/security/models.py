"""Who works here, in which team, with which reach, and who is signed in?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import ClassVar

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    ScalarSelect,
    String,
    Text,
    UniqueConstraint,
    false,
    select,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.access import FieldRight, Scope
from app.core.accounts import Role, User
from app.core.db import Entity, Revisioned, Stamped, UtcDateTime, sorted_text, stored
from app.core.errors import Sentence
from app.core.i18n import reader_language
from app.security.roles import ROLE_LABELS

ROLE_LABEL_LENGTH = 60


class Member(Revisioned, Stamped, Entity):
    """A person who works here: one row beside FAB's user, same id."""

    __tablename__ = "member"

    id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), primary_key=True)
    #: as people say it: family name first ("Nguyễn Ngọc Lan")
    name: Mapped[str] = mapped_column(String(200), info={"sensitive": True})
    sort_key: Mapped[str] = mapped_column(sorted_text(400), index=True)
    title: Mapped[str | None] = mapped_column(String(100))
    phone: Mapped[str | None] = mapped_column(String(20), info={"sensitive": True})
    language: Mapped[str] = mapped_column(String(5), default="vi")
    time_zone: Mapped[str] = mapped_column(String(60), default="Asia/Ho_Chi_Minh")
    #: grows whenever his rights may have changed; the cached permission set is keyed by it
    rights_version: Mapped[int] = mapped_column(default=1)
    #: plain text under the mails that he writes
    signature: Mapped[str | None] = mapped_column(Text, info={"sensitive": True}, sort_order=1)
    #: somebody else has chosen his password: he sees nothing before he has made his own
    must_change_password: Mapped[bool] = mapped_column(default=False, server_default=false(), sort_order=1)
    #: so long that password opens the door
    first_password_until: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=2)
    #: since when he does not work here any more; whoever was never in yet has none, and is not active either
    deactivated_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)

    user: Mapped[User] = relationship(User, lazy="joined", foreign_keys=[id])
    memberships: Mapped[list[TeamMember]] = relationship(back_populates="member", foreign_keys="TeamMember.member_id")

    def __str__(self) -> str:
        return self.name

    @property
    def family_name(self) -> str:
        return self.user.last_name  # type: ignore[no-any-return]

    @property
    def given_name(self) -> str:
        return self.user.first_name  # type: ignore[no-any-return]

    @property
    def username(self) -> str:
        return self.user.username  # type: ignore[no-any-return]

    @property
    def email(self) -> str:
        return self.user.email  # type: ignore[no-any-return]

    @property
    def role_codes(self) -> list[str]:
        return [role.name for role in self.user.roles]

    @property
    def team_id(self) -> int | None:
        """The primary one."""
        return next((row.team_id for row in self.memberships if row.is_primary), None)

    @property
    def more_team_ids(self) -> list[int]:
        return [row.team_id for row in self.memberships if not row.is_primary]

    @property
    def is_active(self) -> bool:
        return bool(self.user.active)

    @property
    def lets_in(self) -> bool:
        """Does his password open the door? One that somebody else knows does so for a while."""
        until = self.first_password_until
        return self.is_active and (until is None or until > clock.now())


class MemberInvitation(Stamped, Entity):
    """A one-time link with which a person makes the password of the account that waits for him."""

    __tablename__ = "member_invitation"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: taken back, or a newer one was sent
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    member: Mapped[Member] = relationship(foreign_keys=[member_id])


class Team(Revisioned, Stamped, Entity):
    """A department or group; teams form a tree, each has a head."""

    __tablename__ = "team"

    code: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    sort_key: Mapped[str] = mapped_column(sorted_text(400))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    head_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)

    parent: Mapped[Team | None] = relationship(remote_side="Team.id", foreign_keys=[parent_id])
    head: Mapped[Member | None] = relationship(foreign_keys=[head_id])

    def __str__(self) -> str:
        return self.name


class TeamMember(Stamped, Entity):
    """A person in a team; one team of his is the primary one, to which what he creates belongs."""

    __tablename__ = "team_member"
    __table_args__: ClassVar = (
        UniqueConstraint("team_id", "member_id"),
        Index(
            "uq_team_member_primary",
            "member_id",
            unique=True,
            sqlite_where=text("is_primary"),
            postgresql_where=text("is_primary"),
        ),
        {"extend_existing": False},
    )

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    is_primary: Mapped[bool] = mapped_column(default=False)

    team: Mapped[Team] = relationship(lazy="joined")
    member: Mapped[Member] = relationship(back_populates="memberships", foreign_keys=[member_id])


class RoleProfile(Revisioned, Stamped, Entity):
    """What a role is called and whether it is still given: one row beside FAB's role, same id.

    FAB's name is the code, which never changes and is never shown. A shipped role without labels is called as we ship
    it; `rev` grows with its matrix too.
    """

    __tablename__ = "role_profile"

    id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="RESTRICT"), primary_key=True)
    label_vi: Mapped[str | None] = mapped_column(String(ROLE_LABEL_LENGTH))
    label_en: Mapped[str | None] = mapped_column(String(ROLE_LABEL_LENGTH))
    #: what it is for, in one line
    purpose: Mapped[str | None] = mapped_column(String(200))
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)

    role: Mapped[Role] = relationship(Role, lazy="joined", innerjoin=True, foreign_keys=[id])

    @hybrid_property
    def name(self) -> str:
        """The code."""
        return str(self.role.name)

    @name.inplace.expression
    @classmethod
    def _name(cls) -> ScalarSelect[str]:
        return select(Role.name).where(Role.id == cls.id).scalar_subquery()

    def __str__(self) -> str:
        return str(self.label)

    @property
    def label(self) -> Sentence:
        """In the language of whoever reads."""
        own = (reader_language() == "en" and self.label_en) or self.label_vi
        return own or ROLE_LABELS.get(self.name, self.name)


class RoleScope(Stamped, Entity):
    """How far a role's right reaches over the rows of one resource."""

    __tablename__ = "role_scope"
    __table_args__: ClassVar = (UniqueConstraint("role_id", "resource", "action"), {"extend_existing": False})

    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="RESTRICT"))
    resource: Mapped[str] = mapped_column(String(60))
    action: Mapped[str] = mapped_column(String(20))
    scope: Mapped[Scope] = mapped_column(stored(Scope))

    role: Mapped[Role] = relationship(Role)


class RoleField(Stamped, Entity):
    """What a role may do with one field of a resource, where that is not everything. No row: everything."""

    __tablename__ = "field_right"
    __table_args__: ClassVar = (UniqueConstraint("role_id", "resource", "field"), {"extend_existing": False})

    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="RESTRICT"))
    resource: Mapped[str] = mapped_column(String(60))
    #: as core.guarded knows it
    field: Mapped[str] = mapped_column(String(60))
    right: Mapped[FieldRight] = mapped_column(stored(FieldRight))
    #: of a masked field: may it be opened, with a reason?
    may_reveal: Mapped[bool] = mapped_column(default=False)

    role: Mapped[Role] = relationship(Role)

    @hybrid_property
    def place(self) -> str:
        """Customer.phone"""
        return self.resource + "." + self.field


class Right(StrEnum):
    """What a grant gives: the header (name, code, contact points), all to read, or to edit."""

    header = auto()
    view = auto()
    edit = auto()


_TO_MEMBER = text("ended_at IS NULL AND member_id IS NOT NULL")
_TO_TEAM = text("ended_at IS NULL AND team_id IS NOT NULL")
_FOR_A_WHILE = text("ended_at IS NULL AND until IS NOT NULL")


class Grant(Stamped, Entity):
    """One record made visible to one person or team beyond their scope, because work was offered or it was shared."""

    __tablename__ = "access_grant"
    __found_by_maker__ = False
    __table_args__: ClassVar = (
        CheckConstraint("(member_id IS NULL) <> (team_id IS NULL)", name="one_receiver"),
        Index("ix_access_grant_record", "resource", "record_id"),
        Index("ix_access_grant_live_member", "member_id", "resource", "right", "record_id",
              sqlite_where=_TO_MEMBER, postgresql_where=_TO_MEMBER),
        Index("ix_access_grant_live_team", "team_id", "resource", "right", "record_id",
              sqlite_where=_TO_TEAM, postgresql_where=_TO_TEAM),
        Index("ix_access_grant_until", "until", sqlite_where=_FOR_A_WHILE, postgresql_where=_FOR_A_WHILE),
        {"extend_existing": False},
    )  # fmt: skip

    resource: Mapped[str] = mapped_column(String(60))
    record_id: Mapped[int] = mapped_column()
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"))
    right: Mapped[Right] = mapped_column(stored(Right))
    #: why, as a stable key: "task:17" (work was offered or claimed), "share" (by hand)
    reason: Mapped[str] = mapped_column(String(80), index=True)
    #: of a share: why, in the words of whoever gave it
    note: Mapped[str | None] = mapped_column(String(300), info={"sensitive": True}, sort_order=1)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignInKind(StrEnum):
    web = auto()
    bearer = auto()


class SignIn(Entity):
    """One signed-in browser or program. The row is the session: when it ends, every cookie and token of it is dead."""

    __tablename__ = "sign_in"
    __audited__ = False

    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[SignInKind] = mapped_column(stored(SignInKind))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    address: Mapped[str | None] = mapped_column(String(60))
    agent: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_reason: Mapped[str | None] = mapped_column(String(40))


class Look(Entity):
    """For a while, this browser shows the product as another member sees it: to read, not to change."""

    __tablename__ = "look"
    __audited__ = False
    __table_args__: ClassVar = (
        Index("uq_look_live", "sign_in_id", unique=True,
              sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")),
        {"extend_existing": False},
    )  # fmt: skip

    sign_in_id: Mapped[int] = mapped_column(ForeignKey("sign_in.id", ondelete="RESTRICT"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    sign_in: Mapped[SignIn] = relationship(SignIn)
    member: Mapped[Member] = relationship(foreign_keys=[member_id])


class SignInFailure(Entity):
    """A wrong password: counted per address and per account over the last minutes."""

    __tablename__ = "sign_in_failure"
    __audited__ = False
    __table_args__: ClassVar = (
        Index("ix_sign_in_failure_address", "address", "at"),
        Index("ix_sign_in_failure_account", "account", "at"),
        {"extend_existing": False},
    )

    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    address: Mapped[str] = mapped_column(String(60))
    #: the user name of whoever was meant, or what was typed when that is nobody; in lower case
    account: Mapped[str] = mapped_column(String(200))


class SetupLink(Entity):
    """The one-time link with which the first admin of a new company makes his account."""

    __tablename__ = "setup_link"

    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
