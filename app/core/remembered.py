"""What a process remembers of its database, so that not every request reads it again.

All of it is of one database: another application in the same process (a test's, a bench's) begins with nothing. So it
is kept here, and never in a variable of the module that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from app.core import versions

T = TypeVar("T")
M = TypeVar("M", bound=MutableMapping[Any, Any])

_READ: Any = object()
_forget: list[Callable[[], None]] = []


def forget_all() -> None:
    """Another database is behind it now."""
    for forget in _forget:
        forget()


def kept(memory: M) -> M:
    """A dictionary that is emptied with all the rest; whoever fills it sees to it that it stays small and true."""
    _forget.append(memory.clear)
    return memory


class Remembered(Generic[T]):
    """A list of the company's, read once a process and again when its version has grown (`core.versions`).

    `at_first`: what it is before anything was changed, where that needs no reading.
    """

    def __init__(self, version: str, read: Callable[[Session], T], *, at_first: T = _READ) -> None:
        self._version = version
        self._read = read
        self._at_first = at_first
        self._known: tuple[int, T] | None = None
        _forget.append(self._forget)

    def __call__(self, session: Session) -> T:
        version = versions.current(session, self._version)
        known = self._known
        if known is None or known[0] != version:
            if session.info.get("transaction"):  # what is read inside may be undone with it
                return self._inside(session, version)
            known = self._known = version, self._now(session, version)
        return known[1]

    def _inside(self, session: Session, version: int) -> T:
        within = session.get_transaction(), version
        memory: dict[Any, tuple[Any, T]] = session.info.setdefault(versions.READ_INSIDE, {})
        known = memory.get(self)
        if known is None or known[0] != within:
            known = memory[self] = within, self._now(session, version)
        return known[1]

    def _now(self, session: Session, version: int) -> T:
        return self._at_first if version == 0 and self._at_first is not _READ else self._read(session)

    def _forget(self) -> None:
        self._known = None
