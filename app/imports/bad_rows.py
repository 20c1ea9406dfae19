"""How do the rows that were not written come back, to be mended and brought again? As a workbook of the worker's."""

from __future__ import annotations

import os
import re
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
from app.core.i18n import _, in_language
from app.core.sheets import Header, write_xlsx
from app.imports.models import Finding, ImportJob, ImportPhase, ImportRow, Outcome
from app.imports.sheet import open_sheet

_MIDNIGHT = "T00:00:00"
_DAY = re.compile(r"\d{4}-\d\d-\d\d" + _MIDNIGHT)


def count(job: ImportJob) -> int:
    return job.found.get(Finding.error, 0) + job.found.get(Finding.duplicate, 0)


def made(job: ImportJob) -> Path | None:
    """The newest workbook of them; None: there are none, or the rows are not looked through yet."""
    if job.phase in (ImportPhase.draft, ImportPhase.checking):
        return None
    places = (_place(job, phase) for phase in (ImportPhase.applied, ImportPhase.checked))
    return next((place for place in places if place.is_file()), None)


def make(session: Session, job: ImportJob, phase: ImportPhase, who: Actor) -> None:
    """In the worker, before it says that the job is in `phase`. Made again, it takes the place of the old."""
    place = _place(job, phase)
    if not count(job):
        place.unlink(missing_ok=True)
        return
    half = place.with_suffix(".part")
    with half.open("wb") as file:
        _write(session, job, file, who)
    os.replace(half, place)


def forget(job: ImportJob) -> None:
    for phase in (ImportPhase.checked, ImportPhase.applied):
        _place(job, phase).unlink(missing_ok=True)


def sweep(before: datetime) -> None:
    """Those of jobs that are gone."""
    for place in files.folder().glob("import-*-*-*"):
        if place.stat().st_mtime < before.timestamp():
            place.unlink(missing_ok=True)


def _write(session: Session, job: ImportJob, file: BinaryIO, who: Actor) -> None:
    """The rows as they stand in the file, each with its number and the reasons before it: in place of those that stand
    there, where the file came back itself."""
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
    opened = open_sheet(files.location(stored).open("rb"), job.file_name)
    with in_language(who.language):
        ours = [str(_("Row")), str(_("What is wrong"))]
    begin, width = len(ours) if list(opened.headings[: len(ours)]) == ours else 0, len(opened.headings)

    def rows() -> Iterator[list[Any]]:
        for number, cells in opened.rows:
            if number in reasons:
                yield [number, reasons[number], *map(_as_typed, cells[begin:width]), *[""] * (width - len(cells))]

    told_above = [*ours, *opened.headings[begin:]]
    headers = [Header(label, Kind.number if place == 0 else Kind.text) for place, label in enumerate(told_above)]
    write_xlsx(file, _("Rows with mistakes"), headers, rows(), time_zone=who.time_zone, language=who.language)


def _as_typed(cell: str) -> str:
    """A day of a workbook comes as a moment at midnight: people write the day."""
    return cell.removesuffix(_MIDNIGHT) if _DAY.fullmatch(cell) else cell


def _place(job: ImportJob, phase: ImportPhase) -> Path:
    # Numbers begin anew with another database; the moment tells this job from one of the same number.
    return files.folder() / f"import-{job.id}-{int(job.created_at.timestamp() * 1_000_000)}-{phase}.xlsx"
