"""What do people read of an import: the columns to be matched, what was found, how far it is?"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.core import links
from app.core.access import Actor
from app.core.i18n import _, ngettext
from app.imports import bad_rows, fields, queries, services
from app.imports.labels import (
    DUPLICATE_LABELS,
    DUPLICATE_ROW_LABELS,
    FINDING_KINDS,
    FINDING_LABELS,
    OUTCOME_LABELS,
    PHASE_KINDS,
    PHASE_LABELS,
    TARGET_LABELS,
)
from app.imports.models import Finding, ImportJob, ImportPhase, ImportRow, ImportTarget, OnDuplicate, Outcome
from app.imports.rows import BETWEEN

#: rows of each finding on the page
SHOWN = 50
#: rows from which on a mistake in all of them makes one doubt the columns
_FEWEST = 3
#: in the order of the page
FINDINGS = (Finding.error, Finding.duplicate, Finding.update, Finding.new, Finding.unchanged)


def told(job: ImportJob, who: Actor) -> dict[str, Any]:
    """One import in the list, and how far it is."""
    state, url = job.state, links.import_path(job.id)
    done, of = job.progress
    is_mine = job.member_id == who.user_id
    return {
        "id": job.id, "name": job.file_name, "target": TARGET_LABELS[job.target], "by": job.member.name,
        "state": str(state), "state_label": PHASE_LABELS[state], "kind": PHASE_KINDS.get(state, "none"),
        "is_working": job.is_working, "is_mine": is_mine, "url": url,
        "rows_done": done, "rows_all": of, "percent": job.percent,
        "created_at": job.created_at, "finished_at": job.finished_at, "problem": job.problem,
        "found": [(str(one), FINDING_LABELS[one], FINDING_KINDS[one], job.found[one]) for one in FINDINGS
                  if job.found.get(one)],
        "written": [(OUTCOME_LABELS[one], job.written[one]) for one in Outcome if job.written.get(one)],
        "summary": _summary(job),
        "may_cancel": is_mine and state in (ImportPhase.checking, ImportPhase.applying),
        "may_resume": is_mine and services.can_resume(job),
        "may_undo": services.can_undo(job) and who.may("add", "Import"), "undo_until": services.undo_until(job),
        "has_bad_rows": is_mine and bad_rows.made(job) is not None,
        "bad_count": bad_rows.count(job), "undo_question": _undo_question(job),
    }  # fmt: skip


def _undo_question(job: ImportJob) -> list[str]:
    """What taking it back would do, in numbers."""
    made, changed = job.written.get(Outcome.made, 0), job.written.get(Outcome.changed, 0)
    told = []
    if made and job.target is ImportTarget.customers:
        told.append(ngettext(
            "%(num)d customer whom this file added is archived: not deleted, and to be restored at any time.",
            "%(num)d customers whom this file added are archived: not deleted, and to be restored at any time.", made,
        ))  # fmt: skip
    elif made:
        told.append(ngettext(
            "%(num)d row that this file added is taken out; it can be put back one by one.",
            "%(num)d rows that this file added are taken out; they can be put back one by one.", made,
        ))  # fmt: skip
    if changed:
        told.append(ngettext(
            "%(num)d record gets back what stood there before.", "%(num)d records get back what stood there before.",
            changed,
        ))  # fmt: skip
    return [str(one) for one in told] + [str(_("What people have changed since stays as it is."))]


def _summary(job: ImportJob) -> str:
    counts = job.written if job.applied_at else {}
    parts = [f"{OUTCOME_LABELS[one]}: {counts[one]}" for one in Outcome if counts.get(one)]
    return " · ".join(parts) or " · ".join(
        f"{FINDING_LABELS[one]}: {job.found[one]}" for one in FINDINGS if job.found.get(one)
    )


def columns(job: ImportJob, who: Actor, mapping: list[str] | None = None) -> list[dict[str, Any]]:
    """The columns of the file, each with the field that it holds and a few cells."""
    chosen = mapping if mapping is not None else job.mapping
    return [
        {"place": place, "heading": heading or _("Column %(number)d", number=place + 1),
         "samples": job.samples[place] if place < len(job.samples) else [],
         "key": chosen[place] if place < len(chosen) else "", "why_not": fields.why_not(job.target, heading)}
        for place, heading in enumerate(job.headings)
    ]  # fmt: skip


def offered(who: Actor, target: ImportTarget) -> list[tuple[str, Any]]:
    return [(one.key, one.label) for one in fields.fields_for(who, target)]


def previews(session: Session, job: ImportJob) -> list[dict[str, Any]]:
    """The first rows of each finding, with the reasons."""
    shown = []
    for finding in FINDINGS:
        count = job.found.get(finding, 0)
        if not count:
            continue
        rows = session.scalars(queries.rows_of(job, finding).limit(SHOWN)).all()
        shown.append({
            "finding": str(finding), "label": FINDING_LABELS[finding], "kind": FINDING_KINDS[finding], "count": count,
            "help": _help(job.target, finding), "told": _told_rows(session, job, finding),
            "rows": [{"number": row.number, "name": (parts := row.label.partition(BETWEEN))[0], "said": parts[2],
                      "reasons": row.reasons, "url": _url(job, row),
                      "outcome": OUTCOME_LABELS[row.outcome] if row.outcome else None} for row in rows],
            "more": count - len(rows),
        })  # fmt: skip
    return shown


def _told_rows(session: Session, job: ImportJob, finding: Finding) -> str:
    """How many of those that are added are not taken as they stand there."""
    count = session.scalar(queries.count_told(job, finding)) if finding is Finding.new else 0
    if not count:
        return ""
    return str(ngettext(
        "%(num)d of these rows has a remark: something of it is not taken as it stands there.",
        "%(num)d of these rows have a remark: something of them is not taken as it stands there.", count,
    ))  # fmt: skip


def doubt(session: Session, job: ImportJob) -> str:
    """Where every row has a mistake in the same column: it may hold something else than was said. "": no doubt."""
    if not job.found.get(Finding.error, 0) == sum(job.found.values()) >= _FEWEST:
        return ""
    rows = session.scalars(queries.rows_of(job, Finding.error).limit(SHOWN)).all()
    for place, key in enumerate(job.mapping):
        label = next((str(one.label) for one in fields.known(job.target) if one.key == key), "")
        if label and rows and all(any(told.startswith(f"{label}: ") for told in row.reasons) for row in rows):
            return str(_("Every row has a mistake in “%(field)s”. Does the column “%(heading)s” hold something else?",
                         field=label, heading=job.headings[place]))  # fmt: skip
    return ""


_HELP = {
    Finding.error: _("These rows are not written. Take them away as a file, mend them and bring them again."),
    Finding.duplicate: _("They look like somebody who is here already, or like an earlier row. You decide what to do."),
    Finding.update: _("They are about somebody who is here, and say something new."),
    Finding.new: _("These rows are added."),
    Finding.unchanged: _("Everything in these rows is here already."),
}


_HELP_OF_ROWS = {
    Finding.duplicate: _("They stand in the file more than once. You decide what to do."),
    Finding.update: _("They are here already, and the file says something new of them."),
}


def _help(target: ImportTarget, finding: Finding) -> Any:
    own = _HELP_OF_ROWS if target is not ImportTarget.customers else {}
    return own.get(finding) or _HELP[finding]


def ways(job: ImportJob) -> list[dict[str, Any]]:
    """What can be done with rows that look like something else, each with how many rows are written then."""
    doubled, certain = (
        job.found.get(Finding.duplicate, 0),
        job.found.get(Finding.new, 0) + job.found.get(Finding.update, 0),
    )
    labels = DUPLICATE_LABELS if job.target is ImportTarget.customers else DUPLICATE_ROW_LABELS
    return [
        {"key": str(key), "label": label, "told": _to_write(certain + (0 if key is OnDuplicate.skip else doubled)),
         "asks": key is OnDuplicate.make}
        for key, label in labels.items()
    ]  # fmt: skip


def _to_write(rows: int) -> str:
    return str(ngettext("Write %(num)d row", "Write %(num)d rows", rows) if rows else _("Go ahead"))


def _url(job: ImportJob, row: ImportRow) -> str | None:
    is_customer = job.target is ImportTarget.customers and row.record_id is not None
    return links.customer_path(row.record_id or 0) if is_customer and row.outcome is not None else None


def before(session: Session, job: ImportJob) -> dict[str, Any] | None:
    """The same file, if it was brought in before."""
    earlier = queries.brought_before(session, job)
    if earlier is None:
        return None
    is_undone = earlier.state in (ImportPhase.undoing, ImportPhase.undone)
    return {"by": earlier.member.name, "at": earlier.applied_at or earlier.created_at,
            "then": _undone(session, earlier) if is_undone else [_("Rows that are here already are recognised.")],
            }  # fmt: skip


def _undone(session: Session, earlier: ImportJob) -> list[Any]:
    """What its undo has left behind."""
    told = [_("That import was taken back, so its rows count as new.")]
    archived = session.scalar(queries.count_put_away(earlier)) if earlier.target is ImportTarget.customers else 0
    if archived:
        told.append(ngettext(
            "%(num)d customer whom it added lies in the archive and can be restored there instead.",
            "%(num)d customers whom it added lie in the archive and can be restored there instead.", archived,
        ))  # fmt: skip
    return told
