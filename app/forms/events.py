"""Where else lie answers that were typed and not given yet? Features above tell, so that their files stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from sqlalchemy.orm import Session

#: every draft that may name a file: field key and part → text or texts
Drafts: TypeAlias = Callable[[Session], Iterator[Mapping[str, Any]]]

_drafts: dict[str, Drafts] = {}
#: what else keeps a definition from being published as this form: sentences with their paths
PublishCheck: TypeAlias = Callable[[Session, Any, Mapping[str, Any]], Iterable[Any]]
_checks: dict[str, PublishCheck] = {}


def register_publish_check(key: str, check: PublishCheck) -> None:
    """Called once by create_app; registering again replaces. `check(session, form, definition)` gives rules.Problem."""
    _checks[key] = check


def publish_problems(session: Session, form: Any, definition: Mapping[str, Any]) -> list[Any]:
    return [problem for check in _checks.values() for problem in check(session, form, definition)]


def register_drafts(key: str, drafts: Drafts) -> None:
    """Called once by create_app; registering again replaces."""
    _drafts[key] = drafts


def drafts(session: Session) -> Iterator[Mapping[str, Any]]:
    for told in _drafts.values():
        yield from told(session)
