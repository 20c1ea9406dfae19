"""How do the rows that were not written come back, to be mended and brought again? As a workbook; a long one is made by
the worker, once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import files
from app.core.access import Actor
from app.core.conditions.fields import Kind
from app.core.files import StoredFile
from app.core.i18n import _
from app.core.sheets import Header, write_xlsx
from app.imports.models import Finding, ImportJob, ImportPhase, ImportRow, Outcome
from app.imports.sheet import open_sheet

#: more of them are not written while somebody waits for the page
AT_ONCE = 1_000


def count(job: ImportJob) -> int:
    return job.found.get(Finding.error, 0) + job.found.get(Finding.duplicate, 0)


def made(job: ImportJob) -> Path | None:
    """The workbook that the worker made of them as they are now; None: it is to be written at once."""
    place = _place(job, job.phase)
    return place if place.is_file() else None


def make(session: Session, job: ImportJob, phase: ImportPhase, who: Actor) -> None:
    """Of many, in the worker, before it says that the job is in `phase`. Made again, it takes the place of the old."""
    place = _place(job, phase)
    if count(job) <= AT_ONCE:
        place.unlink(missing_ok=True)
        return
    half = place.with_suffix(".part")
    with half.open("wb") as file:
        write(session, job, file, who)
    os.replace(half, place)


def forget(job: ImportJob) -> None:
    for phase in (ImportPhase.checked, ImportPhase.applied):
        _place(job, phase).unlink(missing_ok=True)


def sweep(before: datetime) -> None:
    """Those of jobs that are gone."""
    for place in files.folder().glob("import-*-*-*"):
        if place.stat().st_mtime < before.timestamp():
            place.unlink(missing_ok=True)


def write(session: Session, job: ImportJob, file: BinaryIO, who: Actor) -> None:
    """The rows as they stand in the file, each with its number and the reasons before it."""
    reasons = {
        number: "; ".join(told) for number, told in session.execute(
            select(ImportRow.number, ImportRow.reasons).where(
                ImportRow.job_id == job.id, ImportRow.finding.in_([Finding.error, Finding.duplicate]),
                ImportRow.outcome.is_(None) | (ImportRow.outcome == Outcome.skipped),
            )
        )
    }  # fmt: skip
    stored = session.get(StoredFile, job.file_id)
    assert stored is not None
    opened = open_sheet(files.location(stored).read_bytes(), job.file_name)
    width = len(opened.headings)

    def rows() -> Iterator[list[Any]]:
        for number, cells in opened.rows:
            if number in reasons:
                yield [number, reasons[number], *cells[:width], *[""] * (width - len(cells))]

    told_above = [_("Row"), _("What is wrong"), *opened.headings]
    headers = [Header(label, Kind.number if place == 0 else Kind.text) for place, label in enumerate(told_above)]
    write_xlsx(file, _("Rows with mistakes"), headers, rows(), time_zone=who.time_zone, language=who.language)


def _place(job: ImportJob, phase: ImportPhase) -> Path:
    # Numbers begin anew with another database; the moment tells this job from one of the same number.
    return files.folder() / f"import-{job.id}-{int(job.created_at.timestamp() * 1_000_000)}-{phase}.xlsx"
