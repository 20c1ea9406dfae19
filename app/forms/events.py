"""Where else lie answers that were typed and not given yet? Features above tell, so that their files stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from sqlalchemy.orm import Session

#: every draft that may name a file: field key and part → text or texts
Drafts: TypeAlias = Callable[[Session], Iterator[Mapping[str, Any]]]

_drafts: dict[str, Drafts] = {}


def register_drafts(key: str, drafts: Drafts) -> None:
    """Called once by create_app; registering again replaces."""
    _drafts[key] = drafts


def drafts(session: Session) -> Iterator[Mapping[str, Any]]:
    for told in _drafts.values():
        yield from told(session)
