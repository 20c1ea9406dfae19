"""Has this page sent this before? A second click, or a page sent again, does nothing more and is told the same."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from app.core import edge
from app.core.i18n import _
from app.core.repeats import LONGEST_KEY, Repeatable, UsedKeyError


class PageUsedError(UsedKeyError):
    """The page has sent something else before."""

    message = _("This page was used already. See what it says now, and do it once more if it is still right.")


@dataclass(frozen=True)
class Sent:
    """What a page sends now; without a key it is done as often as it comes."""

    repeatable: Repeatable | None

    def answer(self, session: Session) -> dict[str, Any] | None:
        """What came of it when the very same was sent before; None: it was not."""
        try:
            kept = self.repeatable.kept(session) if self.repeatable is not None else None
        except UsedKeyError:
            return None  # once() refuses it
        return kept.body if kept is not None else None

    def once(self, session: Session, change: Callable[[Session], dict[str, Any]]) -> dict[str, Any]:
        """Do it inside this transaction, or get what came of it before. Raises PageUsedError."""
        if self.repeatable is None:
            return change(session)
        try:
            return self.repeatable.once(session, change, status=201)
        except UsedKeyError as error:
            raise PageUsedError(**error.details) from error


def fresh_key() -> str:
    """A hidden field `key` for the forms of one page, as it is shown now."""
    return secrets.token_urlsafe(16)


def sent(place: str = "", about: str | int = "") -> Sent:
    """What this request sends: all its fields under the key that its page was given. `place`: where to, if that is not
    this very address; `about`: what it is about besides the fields."""
    key = request.form.get("key", "")[:LONGEST_KEY]
    if not key:
        return Sent(None)
    typed = sorted((name, text) for name, text in request.form.items(multi=True) if name not in ("csrf_token", "key"))
    digest = hashlib.sha256(json.dumps([about, typed]).encode()).hexdigest()
    return Sent(Repeatable(edge.actor().user_id, f"page {place or request.path}", key, digest))
