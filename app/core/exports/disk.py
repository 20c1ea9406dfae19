"""Where do the files lie on the disk, and what is each called when it is fetched?"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import db
from app.core.errors import Sentence
from app.core.exports.models import Export
from app.core.exports.sources import Format
from app.core.formats import local
from app.core.i18n import in_language
from app.core.sheets import clean

#: what is written now has no row yet that names it
_STRAY_AFTER = timedelta(days=1)


def folder() -> Path:
    """Where the files lie: beside the uploads, readable by the program alone."""
    place = Path(current_app.config["UPLOAD_FOLDER"]).with_name("exports")
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


@contextmanager
def new_file() -> Iterator[Path]:
    """An empty file under a random name, which goes again when what is done inside fails."""
    place = folder() / secrets.token_hex(20)
    place.touch(mode=0o600, exist_ok=False)
    try:
        yield place
    except BaseException:
        place.unlink(missing_ok=True)
        raise


def file_name(title: Sentence, file_format: Format, *, by: Actor) -> str:
    """Khach hang would be another list: accents stay. The minute is that of his clock."""
    with in_language(by.language):
        told = clean(str(title))
    safe = "".join(" " if sign in '\\/:*?"<>|\n\t' else sign for sign in told).strip(" .")[:100] or "Tệp"
    return f"{safe} {local(clock.now(), by.time_zone):%Y-%m-%d %H%M}.{file_format}"


def remove_strays() -> int:
    """Remove files that no row names: of forgotten exports, and what a killed worker left. Returns how many."""
    before = (clock.now() - _STRAY_AFTER).timestamp()
    session = db.session()
    named = set(session.scalars(select(Export.path).where(Export.path.is_not(None))))
    session.rollback()
    removed = 0
    for entry in os.scandir(folder()):
        with suppress(FileNotFoundError):  # the one who writes it has just been faster
            if entry.name not in named and entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < before:
                Path(entry).unlink()
                removed += 1
    return removed
