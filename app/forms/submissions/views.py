"""/phieu/<number>: answers as they were given, on the screen and on paper; corrected, locked, opened and voided."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import Response, current_app, request

from app.core import edge, history, links
from app.core.access import Actor, FieldRight, get_visible
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError, ConflictError, InvalidInputError, NotFoundError, Sentence
from app.core.i18n import _
from app.core.pages import Page, done, page, show, trail
from app.core.screens import revealing
from app.forms import about_customer, queries, reading
from app.forms.builder import AnswerForm, build_form
from app.forms.displays import display
from app.forms.fields.base import Context
from app.forms.filling import shown as filled
from app.forms.models import Submission
from app.forms.printing.paper import pdf, sheet
from app.forms.submissions import rules, services, shown
from app.forms.submissions.rules import Verb
from app.forms.uploads import take_in
from app.forms.words import say

_DONE: dict[Verb, Sentence] = {
    Verb.correct: _("The answers are corrected. Those before stay readable below."),
    Verb.lock: _("The answers are locked."),
    Verb.unlock: _("The answers can be corrected again."),
    Verb.void: _("The answers are voided. They stay readable and are counted nowhere."),
    Verb.restore: _("The answers count again."),
}
_TOLD: dict[Verb, Sentence] = {
    Verb.lock: _("Nobody can correct them any more, until somebody who approves opens them again."),
    Verb.unlock: _("They can be corrected again. Who opened them and why stays in the history."),
    Verb.void: _("They stay readable, and leave charts and exports. This can be taken back."),
    Verb.restore: _("They are counted and exported again."),
}


class SubmissionPages(Page):
    """What was filled in, by whomever, as far as the actor may see it."""

    resource = "Submission"
    route_base = "/phieu"
    default_view = "read"

    @page("/<submission_id>")
    def read(self, submission_id: str) -> Any:
        session, who = db.session(), edge.actor()
        submission = get_visible(session, Submission, row_id(submission_id), who)
        for name in request.args:
            if name != "before":
                raise BadRequestError(_("%(name)s is not something to filter by.", name=name[:50]))
        before = history.asked_before(request.args.get("before"))
        context = queries.context_for(session, who)
        return show(
            "forms/submission.html", submission=submission, head=shown.head(session, submission, who),
            doors=shown.doors(session, submission, who), pages=filled.sections(submission, context),
            revisions=shown.revisions(session, submission, context), may_reveal=_may_reveal(submission, context, who),
            history=history.of(session, [shown.subject(submission)], who, before=before), is_newest=before is None,
            differs=about_customer.differing(session, submission, who, context),
            answers_url=links.form_answers_path(submission.version.form.code),
            crumbs=_trail(submission),
        )  # fmt: skip

    @page("/<submission_id>/phieu.pdf")
    def paper(self, submission_id: str) -> Any:
        """The same on A4, under the company's letterhead."""
        session, who = db.session(), edge.actor()
        submission = get_visible(session, Submission, row_id(submission_id), who)
        head, name = shown.head(session, submission, who), f"{submission.version.form.code}-{submission.id}.pdf"
        context = queries.context_for(session, who)
        written = sheet(session, submission, context, by=head.by, about=head.about[0] if head.about else "")
        session.rollback()  # nobody waits for a page that is being set
        made = pdf(written, Path(current_app.static_folder or "") / "dist")
        kept = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}
        return Response(made, mimetype="application/pdf", headers=kept)

    @page("/<submission_id>/mo/<key>", "GET", "POST")
    def reveal(self, submission_id: str, key: str) -> Any:
        """Open an answer that one reads with dots: for this page alone, with a reason, told to the audit."""
        session, who = db.session(), edge.actor()
        submission = get_visible(session, Submission, row_id(submission_id), who)
        context = queries.context_for(session, who)
        one, value = queries.fields_of(submission.version).get(key), submission.answers.get(key)
        if one is None or value is None or reading.right_in(one, context) is not FieldRight.masked:
            raise NotFoundError
        asked = revealing.Asked(
            say(one.spec.label), reading.covered(one, value, context), f"{submission} #{submission.id}",
            links.submission_path(submission.id), key, (self.resource, Submission.__tablename__, submission.id),
            ruled_by=reading.ruled_by(one, context),
        )  # fmt: skip
        open_to_all = Context(
            customers=context.customers, members=context.members, teams=context.teams, files=context.files,
            catalogues=context.catalogues, time_zone=context.time_zone, answers=submission.answers,
        )  # fmt: skip
        above = (_("Submissions"), "/phieu/list/")
        return revealing.answer(asked, who, lambda: display(one, value, open_to_all), above)

    @page("/<submission_id>/sua", "GET", "POST", right="edit")
    def correct(self, submission_id: str) -> Any:
        """Other answers in the place of those that were given, with a reason."""
        session, who = db.session(), edge.actor()
        submission = get_visible(session, Submission, row_id(submission_id), who, "edit")
        if request.method == "GET" and Verb.correct not in rules.possible(submission.state):
            return _stands(submission, Verb.correct)
        form = build_form(submission.version)(context=queries.context_for(session, who), saved=submission.answers)
        if request.method == "GET":
            return _correction(submission, form, rev=submission.rev)
        take_in(form, submission.form_version_id)
        reason = request.form.get("reason", "")
        wrong = _reason_refused(reason)
        if not form.validate() or wrong:
            return _correction(submission, form, reason=reason, wrong=wrong, status=422)
        number, answers = submission.id, form.answers
        return self._changed(
            number, lambda inside, one: services.correct(inside, one, answers, by=who, reason=reason, rev=_rev()),
            Verb.correct, lambda error: _correction(
                submission, form, reason=reason, status=error.status, error=error
            ),
        )  # fmt: skip

    @page("/<submission_id>/<any(khoa, 'mo-khoa', huy, 'dung-lai'):path>", "GET", "POST")
    def decide(self, submission_id: str, path: str) -> Any:
        """Lock them, open them, void them, or take that back: with a reason."""
        session, who, verb = db.session(), edge.actor(), shown.PATHS[path]
        who.must(rules.RIGHT[verb], self.resource)
        submission = get_visible(session, Submission, row_id(submission_id), who, rules.RIGHT[verb])
        if request.method == "GET":
            if verb not in rules.possible(submission.state):
                return _stands(submission, verb)
            return _decision(submission, verb)
        reason = request.form.get("reason", "")
        wrong = _reason_refused(reason)
        if wrong:
            return _decision(submission, verb, reason=reason, wrong=wrong, status=422)
        return self._changed(
            submission.id, lambda inside, one: services.DECISIONS[verb](inside, one, by=who, reason=reason, rev=_rev()),
            verb, lambda error: _decision(submission, verb, reason=reason, told=error.message, status=error.status),
        )  # fmt: skip

    def _changed(self, number: int, change: Any, verb: Verb, refused: Any) -> Any:
        who = edge.actor()
        try:
            with edge.transaction() as inside:
                change(inside, get_visible(inside, Submission, number, who, rules.RIGHT[verb]))
        except NotFoundError:
            raise
        except BusinessError as error:
            return refused(error)
        return done(links.submission_path(number), _DONE[verb])


def _may_reveal(submission: Submission, context: Any, who: Actor) -> set[str]:
    """Keys of the answers with dots that he may open."""
    return {
        key for key, one in queries.fields_of(submission.version).items()
        if reading.right_in(one, context) is FieldRight.masked
        and who.field_rule(reading.RESOURCE, reading.ruled_by(one, context)).may_reveal
    }  # fmt: skip


def _trail(submission: Submission, here: Sentence = "") -> Any:
    title = f"#{submission.id}"
    above = [(_("Submissions"), "/phieu/list/"),
             (submission.version.form.name, links.form_answers_path(submission.version.form.code))]  # fmt: skip
    if here:
        return trail(*above, (title, links.submission_path(submission.id)), here=here)
    return trail(*above, here=title)


def _stands(submission: Submission, verb: Verb) -> Any:
    """Why this cannot be done with them as they stand, with a way back."""
    told: Sentence = ""
    try:
        rules.after(submission.state, verb)
    except BusinessError as error:
        told = error.message
    label = shown.label_of(verb)
    return show(
        "forms/stands.html", 422, submission=submission, label=label, told=told,
        head=shown.head(db.session(), submission, edge.actor()), back=links.submission_path(submission.id),
        crumbs=_trail(submission, label),
    )  # fmt: skip


def _correction(
    submission: Submission, form: AnswerForm, *, rev: int | None = None, reason: str = "", wrong: Sentence = "",
    status: int = 200, error: BusinessError | None = None,
) -> Any:  # fmt: skip
    told: Sentence = ""
    sides: Sequence[shown.Difference] = ()
    if isinstance(error, ConflictError):
        db.session().refresh(submission)
        fields = queries.fields_of(submission.version)
        sides = shown.differences(fields, submission.answers, form.answers.values, form.context)
        told = _("Somebody was faster. What you typed is still here: sending it again replaces what was saved.")
        rev = error.details.get("rev")
    elif error is not None:
        form.refuse(error.fields)
        told = "" if isinstance(error, InvalidInputError) and error.fields else error.message
    return show(
        "forms/correct.html", status, submission=submission, form=form, rev=_rev() if rev is None else rev,
        told=told, sides=sides, reason=reason, wrong=wrong, longest=rules.LONGEST_REASON,
        path=f"{links.submission_path(submission.id)}/sua", back=links.submission_path(submission.id),
        lookups={"customer": "/tim/khach-hang", "files": links.answer_file_path(submission.form_version_id)},
        goes_on=submission.subject_type in ("task", "instance"), crumbs=_trail(submission, _("Correct the answers")),
    )  # fmt: skip


def _decision(
    submission: Submission, verb: Verb, *, reason: str = "", wrong: Sentence = "", told: Sentence = "",
    status: int = 200,
) -> Any:  # fmt: skip
    label = shown.label_of(verb)
    return show(
        "forms/decide.html", status, submission=submission, label=label, what=_TOLD[verb], reason=reason, wrong=wrong,
        told=told, longest=rules.LONGEST_REASON, rev=submission.rev, back=links.submission_path(submission.id),
        crumbs=_trail(submission, label),
    )  # fmt: skip


def _reason_refused(reason: str) -> Sentence:
    try:
        rules.read_reason(reason)
    except InvalidInputError as error:
        return error.fields["reason"][0]
    return ""


def _rev() -> int | None:
    """The revision that the page showed. Raises BadRequestError for what is none."""
    text = request.form.get("rev", "")
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise BadRequestError
    return int(text)
