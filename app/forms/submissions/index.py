"""Which answers stand in the index beside their submission, to be filtered, counted and found again?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.core.remembered import kept
from app.forms import queries
from app.forms.fields.base import FieldType, FormField, Kind
from app.forms.models import FormVersion, Submission, SubmissionState, SubmissionValue

#: answers of these kinds are counted on charts, whether they can be filtered or not
COUNTED = frozenset(
    {"choice", "choices", "dependent_choice", "stars", "nps", "integer", "decimal", "money", "percent", "calculated",
     "date", "date_time", "yes_no"}
)  # fmt: skip


def is_indexed(one: FormField) -> bool:
    """Is there a row for each answer to it?"""
    is_wanted = one.spec.searchable or bool(one.spec.unique) or one.type.code in COUNTED
    return is_wanted and one.type.index is not None


def column_of(one: FormField) -> str:
    """In which column of SubmissionValue its answers stand."""
    return (one.type.index or Kind.text).value


def wanted(fields: Mapping[str, FormField]) -> dict[str, str]:
    """Key → in which column its answers are kept, of those that have a place in the index."""
    return {key: column_of(one) for key, one in fields.items() if is_indexed(one)}


# Form → (checksums of its published versions, what they want). One entry a form. A checksum names what is asked, so no
# publication that was rolled back is taken for one that took place.
_wanted: dict[int, tuple[tuple[str, ...], dict[str, str]]] = kept({})


def wanted_of_form(session: Session, form_id: int) -> Mapping[str, str]:
    """The same of all questions that any published version of the form has in the index: an answer to an older version
    is found, counted and given only once like those to the latest one. The versions are read once a process, and again
    when another one is published."""
    published = FormVersion.form_id == form_id, FormVersion.published_at.is_not(None)
    in_order = FormVersion.number, FormVersion.edition
    checksums = tuple(session.scalars(select(FormVersion.checksum).where(*published).order_by(*in_order)))
    known = _wanted.get(form_id)
    if known is None or known[0] != checksums:
        found: dict[str, str] = {}
        for version in session.scalars(select(FormVersion).where(*published).order_by(*in_order)):
            found |= wanted(queries.fields_of(version))
        known = _wanted[form_id] = checksums, found
    return known[1]


def several_of_form(session: Session, form_id: int) -> frozenset[str]:
    """The questions of which one answer may have several rows in the index, by any published version of the form."""
    rows = select(FormVersion).where(FormVersion.form_id == form_id, FormVersion.published_at.is_not(None))
    return frozenset(
        key for version in session.scalars(rows) for key, one in queries.fields_of(version).items()
        if type(one.type).indexed is not FieldType.indexed
    )  # fmt: skip


def rows_of(submission: Submission, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of SubmissionValue for these answers, as plain data; `wanted` as `wanted_of_form` gives it."""
    rows = []
    kept = {"text": None, "number": None, "date": None, "moment": None}
    of_it = {"submission_id": submission.id, "form_id": submission.form_id}
    counts = submission.state is not SubmissionState.voided
    for key, one in queries.fields_of(submission.version).items():
        value = submission.answers.get(key)
        # Asked as another kind in another version, it cannot be compared with the answers of that one.
        if value is None or one.type.index is None or wanted.get(key) != column_of(one):
            continue
        rows += [
            {**of_it, **kept, "field_key": key, "item": item, "counts": counts, column_of(one): part}
            for item, part in enumerate(one.type.indexed(value))
        ]
    return rows


def keep(session: Session, submission: Submission) -> None:
    """The index tells of these answers what they are now."""
    session.execute(delete(SubmissionValue).where(SubmissionValue.submission_id == submission.id))
    rows = rows_of(submission, wanted_of_form(session, submission.form_id))
    if rows:
        session.execute(insert(SubmissionValue.__table__), rows)
