"""Which answers stand in the index beside their submission, to be filtered, counted and found again?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from app.forms.fields.base import FormField, Kind
from app.forms.models import Submission, SubmissionState, SubmissionValue

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


def rows_of(
    submission_id: int,
    form_id: int,
    fields: Iterable[FormField],
    answers: Mapping[str, Any],
    *,
    counts: bool,
    is_wanted: bool = False,
) -> list[dict[str, Any]]:
    """The rows of SubmissionValue for these answers, as plain data. `is_wanted`: of all `fields`, another version of
    the form wants them in the index."""
    rows = []
    for one in fields:
        value = answers.get(one.key)
        if value is None or not (is_wanted or is_indexed(one)):
            continue
        kept = {"text": None, "number": None, "date": None, "moment": None}
        for item, part in enumerate(one.type.indexed(value)):
            rows.append(
                {**kept, "submission_id": submission_id, "form_id": form_id, "field_key": one.key, "item": item,
                 "counts": counts, column_of(one): part}
            )  # fmt: skip
    return rows


def keep(session: Session, submission: Submission, fields: Iterable[FormField]) -> None:
    """The index tells of these answers what they are now."""
    session.execute(delete(SubmissionValue).where(SubmissionValue.submission_id == submission.id))
    counts = submission.state is not SubmissionState.voided
    rows = rows_of(submission.id, submission.form_id, fields, submission.answers, counts=counts)
    if rows:
        session.execute(insert(SubmissionValue), rows)
