"""What did the newest seal of the audit log say? Kept beside the database, so that a log that was cut short shows."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from app.core import chain
from app.core.db import db

logger = logging.getLogger(__name__)

#: in the data folder; not in backups, for a restored log may well end earlier
FILE = "audit-seal"
_LINE = re.compile(r"([0-9]{1,18}) ([0-9a-f]{64})\n?")


@dataclass(frozen=True)
class Anchor:
    """The newest seal: up to which event, and its hash, which stands for every event until then."""

    event_id: int
    hash: str


class UnreadableError(RuntimeError):
    """The file is there and says nothing."""


class CutShortError(RuntimeError):
    """The chain does not hold the seal that was kept: its end was cut off, or another database is behind the product.

    The file stays as it is until somebody has looked (docs/operations.md).
    """


def kept(folder: Path) -> Anchor | None:
    """What was kept last; None before the first seal. Raises UnreadableError."""
    try:
        written = (folder / FILE).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    read = _LINE.fullmatch(written)
    if read is None:
        raise UnreadableError(f"{folder / FILE} cannot be read: it should hold an event number and a hash")
    return Anchor(int(read[1]), read[2])


def keep(folder: Path, anchor: Anchor) -> None:
    """Whole or not at all."""
    draft = folder / f".{FILE}.{os.getpid()}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(f"{anchor.event_id} {anchor.hash}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / FILE)


def seal_and_keep() -> None:
    """The worker's entry: seal what is old enough, then keep the newest seal and tell it to the log of the process.

    Raises CutShortError as long as the chain lacks the seal that was kept before.
    """
    folder = Path(current_app.config["DATA_FOLDER"])
    before = kept(folder)
    chain.seal()
    session = db.session()
    newest, is_whole = chain.newest_seal(session), before is None or chain.is_sealed(session, before.hash)
    found = Anchor(newest.last_id, newest.hash) if newest is not None else None
    session.rollback()
    if not is_whole:
        raise CutShortError("the audit log lacks the seal that was kept: run flask audit-verify")
    if found is not None and found != before:
        keep(folder, found)
        logger.info("audit log sealed up to event %d: %s", found.event_id, found.hash)
