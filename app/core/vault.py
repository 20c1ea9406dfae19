"""How is a secret kept that the program itself needs again? Encrypted under a key made from SECRET_KEY.

What the vault protects from: a copy of the database, a log, an export. Not from whoever has the key too.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_secret = b""


class LostKeyError(Exception):
    """What lies there was locked with another SECRET_KEY, or is no longer whole."""


def configure(secret: str) -> None:
    """Set once at start from SECRET_KEY."""
    global _secret
    _secret = secret.encode()


def lock(text: str, *, purpose: str) -> str:
    """The text as it may lie in the database. `purpose` belongs to the key: only the same one unlocks it."""
    return _fernet(purpose).encrypt(text.encode()).decode("ascii")


def unlock(locked: str, *, purpose: str) -> str:
    """The text again. Raises LostKeyError."""
    # Loaded when it is needed: a process that sends no mail does without.
    from cryptography.fernet import InvalidToken

    try:
        return _fernet(purpose).decrypt(locked.encode()).decode()
    except InvalidToken as error:
        raise LostKeyError from error


def _fernet(purpose: str) -> Fernet:
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    key = HKDF(SHA256(), 32, salt=None, info=f"tantam vault: {purpose}".encode()).derive(_secret)
    return Fernet(base64.urlsafe_b64encode(key))
