"""Which names, passwords and numbers of tries are acceptable? Pure."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from app.core.i18n import _
from app.core.vietnamese import fold

#: Wrong passwords allowed in the window, counted per address and per account.
TRIES = 10
TRIES_WINDOW = timedelta(minutes=5)
SIGN_IN_LASTS = timedelta(hours=12)
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 128
_OBVIOUS = ("tantam", "matkhau", "password", "12345678", "123456789", "1234567890", "qwertyui", "iloveyou", "abcd1234")


def password_problem(password: str, *, username: str = "") -> object | None:
    """Why this password will not do, or None. No rules of composition (ASVS 6.2.5): length and the obvious ones."""
    if len(password) < SHORTEST_PASSWORD:
        return _("At least %(count)d characters, please.", count=SHORTEST_PASSWORD)
    if len(password) > LONGEST_PASSWORD:
        return _("At most %(count)d characters, please.", count=LONGEST_PASSWORD)
    plain = fold(password).replace(" ", "")
    if (
        any(plain.startswith(word) for word in _OBVIOUS)
        or len(set(plain)) < 4
        or (username and plain == username.lower())
    ):
        return _("This password is too easy to guess.")
    return None


def new_token() -> str:
    """A bearer of rights: 256 random bits, as text."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What the database keeps of a token: whoever reads the table cannot sign in with it."""
    return hashlib.sha256(token.encode()).hexdigest()


def account_key(name: str) -> str:
    """Under which name tries for one account are counted: the user name, or what was typed when nobody is meant."""
    return name.strip().lower()[:200]
