"""Who acts in the tests? Lan fills forms, Minh heads her team, Hoa administers, Tuấn and Bình work in Vận hành."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.security import queries
from app.security.models import Member, Team

PASSWORD = "Sen-2026-thom"


class Cast:
    """The cast of one test. Actors are read anew on each access, so that changed rights count at once."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def member(self, username: str) -> Member:
        member = queries.member_by_username(self._session, username)
        assert member is not None, username
        return member

    def actor(self, username: str) -> Actor:
        return queries.actor_of(self._session, self.member(username))

    def team(self, code: str) -> Team:
        team = queries.team_by_code(self._session, code)
        assert team is not None, code
        return team

    @property
    def lan(self) -> Actor:
        return self.actor("lan")

    @property
    def minh(self) -> Actor:
        return self.actor("minh")

    @property
    def hoa(self) -> Actor:
        return self.actor("hoa")

    @property
    def tuan(self) -> Actor:
        return self.actor("tuan")

    @property
    def binh(self) -> Actor:
        return self.actor("binh")
