"""Who works at Công ty Phở Sen? The same people in the demo, in the tests and in the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import settings
from app.core.access import SYSTEM, Actor
from app.security import queries, services, teams
from app.security.models import Member, Team

COMPANY = "Công ty Phở Sen"
TEAMS = {"cskh": "CSKH", "van-hanh": "Vận hành"}


@dataclass(frozen=True)
class Person:
    username: str
    family_name: str
    given_name: str
    title: str
    roles: Sequence[str]
    team: str | None
    heads: str | None = None

    @property
    def name(self) -> str:
        return f"{self.family_name} {self.given_name}"

    @property
    def email(self) -> str:
        return f"{self.username}@phosen.example"


PEOPLE = (
    Person("lan", "Nguyễn Ngọc", "Lan", "Nhân viên CSKH", ("Staff",), "cskh"),
    Person("minh", "Phạm Quang", "Minh", "Trưởng bộ phận CSKH", ("Manager",), "cskh", heads="cskh"),
    Person("hoa", "Lê Thị", "Hoa", "Quản trị hệ thống", ("Admin",), None),
    Person("tuan", "Trần Anh", "Tuấn", "Nhân viên vận hành", ("Staff",), "van-hanh"),
    Person("binh", "Đỗ Thanh", "Bình", "Trưởng bộ phận Vận hành", ("Manager",), "van-hanh", heads="van-hanh"),
)
COLLEAGUES = (
    Person("dat", "Vũ Thành", "Đạt", "Nhân viên CSKH", ("Staff",), "cskh"),
    Person("thuy", "Hoàng Thu", "Thủy", "Nhân viên CSKH", ("Staff",), "cskh"),
    Person("nhi", "Bùi Ỹ", "Nhi", "Nhân viên CSKH", ("Staff",), "cskh"),
    Person("nhu", "Lý Như", "Ưng", "Nhân viên CSKH", ("Staff",), "cskh"),
)


@dataclass(frozen=True)
class Staff:
    """The people and teams by their short names."""

    members: dict[str, Member]
    teams: dict[str, Team]

    def actor(self, session: Session, username: str) -> Actor:
        return queries.actor_of(session, self.members[username])


def hire(session: Session, people: Sequence[Person], *, password_hash: str) -> Staff:
    """Make the teams and the people; call it inside a transaction."""
    settings.put(session, "company_name", COMPANY, by=SYSTEM)
    made = {
        code: queries.team_by_code(session, code) or services.create_team(session, code=code, name=name, by=SYSTEM)
        for code, name in TEAMS.items()
    }
    members: dict[str, Member] = {}
    for person in people:
        member = services.create_member(
            session,
            username=person.username,
            family_name=person.family_name,
            given_name=person.given_name,
            email=person.email,
            password_hash=password_hash,
            roles=person.roles,
            title=person.title,
            by=SYSTEM,
        )
        members[person.username] = member
        if person.team:
            teams.add_person(session, made[person.team], member, primary=True, by=SYSTEM)
        if person.heads:
            teams.appoint_head(session, made[person.heads], member, by=SYSTEM)
    return Staff(members, made)
