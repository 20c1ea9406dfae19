"""Submissions for programs: listed, read, corrected, locked, opened, voided and taken back, by the pages' rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from app.core import edge
from app.core.access import get_visible, visible
from app.core.api import Api, equals, id_is, listing, moment, state_is, usernames, verb
from app.core.db import db
from app.core.lists import Listed
from app.core.schema import free_object, maybe, record, text, whole_number
from app.forms import queries
from app.forms import services as forms
from app.forms.models import Form, FormVersion, Submission, SubmissionRevision, SubmissionSource, SubmissionState
from app.forms.submissions import rules, services
from app.forms.submissions.rules import Verb

_ORDERS = {"id": Submission.id, "created_at": Submission.created_at, "corrected_at": Submission.corrected_at}
_FILTERS = {
    "customer": "customer id", "state": "submitted, locked or voided",
    "source": "page, customer, task, instance, api or public", "subject_type": "exactly", "subject_id": "id",
}  # fmt: skip
SUBMISSION_QUERY = listing(_ORDERS, **_FILTERS)
_OF_FORM = joinedload(Submission.version).joinedload(FormVersion.form)
_CORRECTED = record(
    required=("answers", "reason", "rev"),
    answers=free_object("Field key → answer, all of them, as the schema of its version says"),
    reason=text(rules.LONGEST_REASON),
    rev=whole_number(),
)
_DECIDED = record(required=("reason",), reason=text(rules.LONGEST_REASON), rev=maybe(whole_number()))


class SubmissionApi(Api):
    """What was answered, by whomever, as far as the actor may see it."""

    resource_name = "submissions"
    resource = "Submission"

    @verb("/", "GET", "Answers that were given", query=listing(_ORDERS, form="form code", **_FILTERS))
    def index(self) -> dict[str, Any]:
        return page_of_submissions(self, select(Submission).where(visible(Submission, edge.actor())), None)

    @verb("/<id>", "GET", "One submission")
    def get(self, id: str) -> dict[str, Any]:
        return told_submissions([get_visible(db.session(), Submission, self.id(id), edge.actor())])[0]

    @verb("/<id>/schema", "GET", "JSON Schema of the answers to its version")
    def schema(self, id: str) -> dict[str, Any]:
        session, who = db.session(), edge.actor()
        submission = get_visible(session, Submission, self.id(id), who)
        return queries.json_schema(submission.version, context=queries.context_for(session, who))

    @verb("/<id>/revisions", "GET", "The answers as they stood before each correction, the first ones first")
    def revisions(self, id: str) -> dict[str, Any]:
        session, who = db.session(), edge.actor()
        submission = get_visible(session, Submission, self.id(id), who)
        rows = select(SubmissionRevision).where(SubmissionRevision.submission_id == submission.id)
        found = session.scalars(rows.order_by(SubmissionRevision.number)).all()
        names = usernames(one.given_by_id for one in found)
        return {
            "result": [
                {
                    "revision": one.number,
                    "answers": queries.answers_as_read(submission.version, one.answers, who),
                    "given_by": names.get(one.given_by_id),
                    "given_at": moment(one.given_at),
                    "reason": one.reason,
                }
                for one in found
            ]
        }

    @verb("/<id>", "PUT", "Other answers in the place of those that were given", right="edit", body=_CORRECTED)
    def put(self, id: str) -> dict[str, Any]:
        body, session, who, number = self.read(), db.session(), edge.actor(), self.id(id)
        submission = get_visible(session, Submission, number, who, "edit")
        rules.after(submission.state, Verb.correct)
        context = queries.context_for(session, who, before=submission.answers)
        answers = forms.parse_answers(submission.version, body["answers"], context=context)

        def correct(inside: Session) -> dict[str, Any]:
            one = get_visible(inside, Submission, number, who, "edit")
            services.correct(inside, one, answers, by=who, reason=body["reason"], rev=body["rev"])
            return told_submissions([one])[0]

        return self.write(correct)

    @verb("/<id>/lock", "POST", "Nobody corrects them any more", right="approve", body=_DECIDED)
    def lock(self, id: str) -> dict[str, Any]:
        return self._decide(id, Verb.lock)

    @verb("/<id>/unlock", "POST", "They can be corrected again", right="approve", body=_DECIDED)
    def unlock(self, id: str) -> dict[str, Any]:
        return self._decide(id, Verb.unlock)

    @verb("/<id>/void", "POST", "They were given by mistake: they stay readable, and count nowhere",
          right="delete", body=_DECIDED)  # fmt: skip
    def void(self, id: str) -> dict[str, Any]:
        return self._decide(id, Verb.void)

    @verb("/<id>/restore", "POST", "They count again", right="delete", body=_DECIDED)
    def restore(self, id: str) -> dict[str, Any]:
        return self._decide(id, Verb.restore)

    def _decide(self, id: str, done: Verb) -> dict[str, Any]:
        body, who, number = self.read(), edge.actor(), self.id(id)
        decide: Callable[..., Submission] = services.DECISIONS[done]

        def change(session: Session) -> dict[str, Any]:
            one = get_visible(session, Submission, number, who, rules.RIGHT[done])
            return told_submissions([decide(session, one, by=who, reason=body["reason"], rev=body.get("rev"))])[0]

        return self.write(change)


def page_of_submissions(api: Api, rows: Select[Any], listed: Listed | None) -> dict[str, Any]:
    """A page of these; `listed`: the list of one form, else that over all of them."""
    filters = {
        "customer": id_is(Submission.customer_id),
        "state": state_is(Submission.state, SubmissionState),
        "source": state_is(Submission.source, SubmissionSource),
        "subject_type": equals(Submission.subject_type),
        "subject_id": id_is(Submission.subject_id),
    }
    if listed is None:
        filters["form"] = _of_form
    return api.page(
        rows, show_all=told_submissions, orders=_ORDERS, default_order="-id", filters=filters, key=Submission.id,
        load=(_OF_FORM,), by=listed,
    )  # fmt: skip


def _of_form(rows: Select[Any], code: str) -> Select[Any]:
    return rows.where(Submission.form_id.in_(select(Form.id).where(Form.code == code)))


def told_submissions(found: Sequence[Submission]) -> list[dict[str, Any]]:
    """As programs read them."""
    names = usernames(
        who for one in found for who in (one.created_by_id, one.corrected_by_id, one.locked_by_id, one.voided_by_id)
    )
    return [
        {
            "id": one.id,
            "form": one.version.form.code,
            "version": one.version.number,
            "edition": one.version.edition,
            "state": str(one.state),
            "source": str(one.source),
            "answers": queries.readable_answers(one, edge.actor()),
            "customer_id": one.customer_id,
            "subject_type": one.subject_type,
            "subject_id": one.subject_id,
            "created_by": names.get(one.filled_in_by_id),
            "taken_in_by": names.get(one.taken_in_by_id),
            "created_at": moment(one.created_at),
            "revision": one.revision,
            "corrected_by": names.get(one.corrected_by_id),
            "corrected_at": moment(one.corrected_at),
            "correction": one.correction,
            "locked_by": names.get(one.locked_by_id),
            "locked_at": moment(one.locked_at),
            "voided_by": names.get(one.voided_by_id),
            "voided_at": moment(one.voided_at),
            "reason": one.reason,
            "rev": one.rev,
        }
        for one in found
    ]
