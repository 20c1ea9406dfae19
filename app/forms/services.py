"""How does a form come to be, change, and take answers? Every change of forms and submissions goes through here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, count
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.core import audit, clock, files, uses, versions
from app.core.access import Actor
from app.core.errors import BusinessError, ConflictError, InvalidInputError, Sentence
from app.core.i18n import DEFAULT_LANGUAGE, _
from app.core.vietnamese.names import fold
from app.customers.models import Customer
from app.customers.services import CustomerArchivedError, record_timeline
from app.forms import about_customer, company_words, events, queries, rules
from app.forms.fields.base import Context, trimmed, words_flaws
from app.forms.fields.file import FileType
from app.forms.meaning import same_meaning
from app.forms.models import (
    AnswerFile,
    Form,
    FormPurpose,
    FormVersion,
    Submission,
    SubmissionDraft,
    SubmissionSource,
    VersionState,
)
from app.forms.own_fields import rules as own_rules
from app.forms.own_fields.queries import VERSION as OWN_FIELDS
from app.forms.own_fields.queries import has_values
from app.forms.rules import Answers, Problem
from app.forms.submissions import index, running
from app.forms.words import Words, say
from app.security.queries import member_by_id

#: so many at once: the next hour takes the next
MOST_FORGOTTEN = 500


class FormNotPublishableError(InvalidInputError):
    """The draft has problems; `problems` lists them, `fields` holds their sentences by path."""

    code = "form_not_publishable"
    message = _("This form cannot be published yet. Please correct what is marked.")

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        told = [{"path": one.path, "code": one.code, "message": str(one.message)} for one in problems]
        super().__init__(fields=_by_path(problems), problems=told)


class NothingToPublishError(BusinessError):
    """Nobody changed the form since it was published."""

    code = "nothing_to_publish"
    message = _("There is no draft to publish.")


class FormRetiredError(BusinessError):
    """Work that is under way may still be finished with it."""

    code = "form_retired"
    message = _("This form is no longer used, so it takes no more answers.")


class FormNotPublishedError(BusinessError):
    """A draft takes no answers."""

    code = "form_not_published"
    message = _("This form has not been published yet.")


def free_code(session: Session, name: str) -> str:
    """A code made of the name that no form has: "Phản ánh" → phan-anh; "" where it has no letter."""
    words = re.sub(r"[^a-z0-9]+", "-", fold(name)).lstrip("-0123456789")
    stem = words[: rules.LONGEST_CODE - 4].rstrip("-")
    taken = set(session.scalars(select(Form.code).where(Form.code.startswith(stem, autoescape=True))))
    return stem if stem not in taken else next(
        code for number in count(2) if (code := f"{stem}-{number}") not in taken
    )  # fmt: skip


class FieldsOfRecordsError(BusinessError):
    """Its fields stand on the pages of records, and are filled in there."""

    code = "fields_of_records"
    message = _("This form adds its fields to customers. They are filled in on the customer's page.")


def create_form(
    session: Session, *, code: str, name: Words, by: Actor, purpose: FormPurpose = FormPurpose.answers
) -> Form:
    """A new form with an empty draft. Raises InvalidInputError for a code that is taken or misspelt, a bad name, or a
    purpose that another form has."""
    by.must("add", "Form")
    problems = [Problem("name", flaw.code, flaw.message) for flaw in words_flaws(name, "name")]
    if not isinstance(code, str) or len(code) > rules.LONGEST_CODE or not rules.FORM_CODE.fullmatch(code):
        wanted = _("A code has only a-z, 0-9 and hyphens, at most 60 characters. Example: phan-anh-giao-cham")
        problems.append(Problem("code", "bad_code", wanted))
    elif queries.form_by_code(session, code) is not None:
        problems.append(Problem("code", "code_taken", _("Another form has the code “%(code)s”.", code=code)))
    if purpose is not FormPurpose.answers and queries.form_of_purpose(session, purpose) is not None:
        taken = _("There is a form for these fields already. Add yours to it.")
        problems.append(Problem("purpose", "purpose_taken", taken))
    problems = problems or _plain_name_problems(name) or rules.check_storable({"name": name})
    if problems:
        raise InvalidInputError(fields=_by_path(problems))
    form = Form(code=code, name=_plain(name), purpose=purpose, created_by_id=by.user_id)
    session.add(form)
    session.flush()
    session.add(_draft(form, 1, {"name": name, "fields": []}, by=by))
    session.flush()
    return form


def save_draft(
    session: Session, form: Form, definition: Mapping[str, Any], *, by: Actor, rev: int | None = None
) -> FormVersion:
    """Keep what the admin has drawn so far; it may be unfinished. A form without draft gets its next version number.

    `rev` is that of the draft which was changed (0: there was none): raises ConflictError when it is another one by
    now. None: whatever is there is replaced. Raises InvalidInputError for what cannot be kept at all.
    """
    by.must("edit", "Form")
    problems = rules.check_storable(definition)
    if problems:
        raise InvalidInputError(problems[0].message, fields=_by_path(problems))
    session.refresh(form, with_for_update=True)
    draft = queries.draft_of(session, form)
    last = draft or queries.published_version(session, form.code)
    if rev is not None and rev != (draft.rev if draft else 0):
        raise _changed_since(session, last)
    drawn = {"name": last.definition["name"] if last else form.name, **definition}
    if draft is None:
        numbers = select(func.max(FormVersion.number)).where(FormVersion.form_id == form.id)
        draft = _draft(form, (session.scalar(numbers) or 0) + 1, drawn, by=by)
        session.add(draft)
    else:
        draft.definition, draft.checksum = drawn, rules.checksum(drawn)
    session.flush()
    return draft


def publish_form(session: Session, form: Form, *, by: Actor, rev: int | None = None) -> FormVersion:
    """The draft becomes the version that takes answers; the one before it is archived and keeps its own.

    `rev`: of the draft that was looked at; raises ConflictError when it has been drawn on since.

    Its number grows when it means something else and the one before is in use; else it is the next edition of it.
    Raises NothingToPublishError without a draft and FormNotPublishableError with all problems of the draft.
    """
    by.must("approve", "Form")
    session.refresh(form, with_for_update=True)
    draft = queries.draft_of(session, form)
    if draft is None:
        raise NothingToPublishError
    if rev is not None and rev != draft.rev:
        raise _changed_since(session, draft)
    problems = company_words.problems(session, draft.definition) or _plain_name_problems(draft.definition["name"])
    problems = problems or events.publish_problems(session, form, draft.definition)
    before = queries.published_version(session, form.code)
    if form.purpose is not FormPurpose.answers:
        problems = problems or list(
            own_rules.problems(before.definition if before else None, draft.definition, partial(has_values, session))
        )
    if problems:
        raise FormNotPublishableError(problems)
    draft.number, draft.edition = _place(session, before, draft, by)
    if before is not None:
        before.state = VersionState.archived
        # One version is published at a time: the old one steps back first.
        session.flush()
    draft.state = VersionState.published
    draft.published_at = clock.now()
    draft.published_by_id = by.user_id
    form.name = _plain(draft.definition["name"])
    session.flush()
    told = {"version": draft.number, "edition": draft.edition}
    audit.record(session, "form.published", table=Form.__tablename__, record_id=form.id, changes=told)
    _others_now(session, form)
    session.expire(form, ["draft", "active_version"])
    _look_through(session, before, draft)
    return draft


def _look_through(session: Session, before: FormVersion | None, after: FormVersion) -> None:
    """Answers that were given before get their place in the index, where they have none for what is asked now."""
    if before is None or after.form.purpose is not FormPurpose.answers:
        return
    if index.wanted(queries.fields_of(after)).items() - index.wanted(queries.fields_of(before)).items():
        running.begin(session, after.form_id)


def _others_now(session: Session, form: Form) -> None:
    """What every process remembers of the fields of records is over with the commit."""
    if form.purpose is not FormPurpose.answers:
        versions.changed(session, OWN_FIELDS)


def place_of_draft(session: Session, draft: FormVersion, *, by: Actor) -> tuple[int, int]:
    """(number, edition) under which this draft, in which nothing is wrong, would be published now."""
    return _place(session, queries.published_version(session, draft.form.code), draft, by)


def _place(session: Session, before: FormVersion | None, draft: FormVersion, by: Actor) -> tuple[int, int]:
    if before is None:
        return draft.number, 1
    if same_meaning(before.definition, draft.definition) or not _is_in_use(session, before, by):
        return before.number, before.edition + 1
    return before.number + 1, 1


def _is_in_use(session: Session, version: FormVersion, by: Actor) -> bool:
    """Somebody has answered under this number, a task asks it, or a published process will."""
    of_its_number = session.scalars(
        select(FormVersion.id).where(FormVersion.form_id == version.form_id, FormVersion.number == version.number)
    ).all()
    if any(uses.numbers_of_each(session, FormVersion, of_its_number).values()):
        return True
    return bool(uses.mentions_of_each(session, [version.form], by)[version.form_id])


def retire_form(session: Session, form: Form, *, by: Actor) -> None:
    """It takes no more answers of its own; those that were given stay. Raises InUseError while a process asks it."""
    by.must("delete", "Form")
    for hindrance in form_hindrances(session, [form], by).values():
        raise uses.InUseError(hindrance)
    form.archived_at = form.archived_at or clock.now()
    session.flush()
    _others_now(session, form)


def bring_back_form(session: Session, form: Form, *, by: Actor) -> None:
    """It can be answered and drawn into processes again."""
    by.must("delete", "Form")
    form.archived_at = None
    session.flush()
    _others_now(session, form)


def form_hindrances(session: Session, forms: Sequence[Form], who: Actor) -> dict[int, Sentence]:
    """Form id → which processes ask it now, as far as this person may see them. Forms that none asks are not in it."""
    return {
        number: _(
            "This form is asked in the process: %(names)s. Publish it without the form first.",
            names=", ".join(uses.mentioned(mentions, str)),
        )
        for number, mentions in uses.mentions_of_each(session, forms, who).items() if mentions
    }  # fmt: skip


def parse_answers(version: FormVersion, raw: object, *, context: Context) -> Answers:
    """Read the answers to this version, typed or as JSON, all of them checked; changes nothing.

    Raises InvalidInputError with every problem under its field key, FormNotPublishedError for a draft.
    """
    _must_be_published(version)
    return rules.parse_answers(queries.definition_of(version), raw, context=context)


def submit(
    session: Session,
    version: FormVersion,
    answers: Answers,
    *,
    by: Actor,
    subject_type: str | None = None,
    subject_id: int | None = None,
    customer_id: int | None = None,
    source: SubmissionSource | None = None,
) -> Submission:
    """Keep answers that `parse_answers` (or the built form) gave, bound to their version for good.

    `customer_id` is one that the edge has already found visible; no `source`: the page, or what it is about. Raises
    FormNotPublishedError for a draft, CustomerArchivedError for answers about an archived customer alone: work that is
    under way may still be finished; and InvalidInputError for an answer that may be given only once and was. What is
    empty in the customer's record is filled in from answers that are his values (about_customer.fill_in).
    """
    _must_be_published(version)
    if version.form.purpose is not FormPurpose.answers:
        raise FieldsOfRecordsError
    if subject_type is None and version.form.archived_at is not None:
        raise FormRetiredError
    told_by_himself = source is SubmissionSource.public
    if customer_id is not None and not told_by_himself:
        about_customer.hold(session, version, customer_id)
    if customer_id is not None and subject_type is None:
        _must_be_live(session, customer_id)
    must_be_alone(session, version, answers, subject=(subject_type, subject_id), customer_id=customer_id)
    submission = Submission(
        version=version,
        form_id=version.form_id,
        source=source or _source(subject_type, customer_id),
        answers=dict(answers.values),
        subject_type=subject_type,
        subject_id=subject_id,
        customer_id=customer_id,
        team_id=by.primary_team_id,
        created_by_id=by.user_id,
    )
    session.add(submission)
    session.flush()
    claim_files(session, submission, by)
    index.keep(session, submission)
    if customer_id is not None and subject_type is None:
        # Answers about a task or an instance are told by what happened to that.
        told = {"form": version.form.name}
        record_timeline(
            session, customer_id, kind="form_submitted", by=by, data=told,
            subject_type="submission", subject_id=submission.id,
        )  # fmt: skip
    session.flush()
    # Of what comes from outside nobody has shown that he is the one.
    if customer_id is not None and not told_by_himself:
        about_customer.fill_in(session, version, submission.answers, customer_id, by=by)
    return submission


def _source(subject_type: str | None, customer_id: int | None) -> SubmissionSource:
    if subject_type is not None:
        return SubmissionSource(subject_type)
    return SubmissionSource.page if customer_id is None else SubmissionSource.customer


def must_be_alone(
    session: Session,
    version: FormVersion,
    answers: Answers,
    *,
    subject: tuple[str | None, int | None],
    customer_id: int | None,
    besides: int | None = None,
) -> None:
    """Answers that are wanted only once (`unique`), beside all that were given, also before that was wanted.

    What was answered about the same task or file before, as when work was returned, is no second time; nor is the
    submission `besides`, which is just being corrected. Raises InvalidInputError beside the fields.
    """
    wanted = [one for one in queries.definition_of(version).fields if one.spec.unique and one.key in answers.values]
    if not wanted:
        return
    # Of two that come at the same moment, the second one waits here for the first.
    session.execute(select(Form.id).where(Form.id == version.form_id).with_for_update(key_share=True))
    problems: dict[str, list[Sentence]] = {}
    for one in wanted:
        if one.spec.unique == "customer" and customer_id is None:
            continue
        same = queries.answered_alike(version.form_id, one, answers.values[one.key])
        if one.spec.unique == "customer":
            same = same.where(Submission.customer_id == customer_id)
        if besides is not None:
            same = same.where(Submission.id != besides)
        if subject[0] is not None:
            same = same.where(
                Submission.subject_type.is_distinct_from(subject[0]) | (Submission.subject_id != subject[1])
            )
        if session.scalar(same.limit(1)) is not None:
            problems[one.key] = [
                say(one.spec.twice_message) or _("This was answered before. Each answer is given only once.")
            ]
    if problems:
        raise InvalidInputError(fields=problems)


def keep_file(
    session: Session, version: FormVersion, field_key: str, received: files.ReceivedFile, *, by: Actor
) -> AnswerFile:
    """A file that was sent for a question, before the answers are given; its id is what the answer names."""
    file = AnswerFile(form_version_id=version.id, field_key=field_key)
    session.add(file)
    session.flush()
    files.keep(session, received, owner_type=queries.FILES, owner_id=file.id)
    return file


def forget_files(session: Session, *, before: datetime) -> None:
    """Files that were sent before that moment, for answers that nobody gave and no draft names."""
    is_left = AnswerFile.submission_id.is_(None)
    left = select(AnswerFile.id).where(is_left, AnswerFile.created_at < before).order_by(AnswerFile.id)
    found = session.scalars(left).all()
    if not found:
        return
    typed = select(SubmissionDraft.answers).execution_options(yield_per=200)
    named = queries.files_named(chain(session.scalars(typed), events.drafts(session)))
    unnamed = [number for number in found if str(number) not in named][:MOST_FORGOTTEN]
    # Somebody may be answering with one of them at this moment: it is held by him, or is his by now.
    free = select(AnswerFile.id).where(AnswerFile.id.in_(unnamed), is_left).with_for_update(skip_locked=True)
    going = delete(AnswerFile).where(AnswerFile.id.in_(free), is_left).returning(AnswerFile.id)
    gone = session.scalars(going, execution_options={"synchronize_session": False}).all()
    owned = files.StoredFile.owner_type == queries.FILES, files.StoredFile.owner_id.in_(gone)
    for stored in session.scalars(select(files.StoredFile).where(*owned)):
        session.delete(stored)
    session.flush()


def claim_files(session: Session, submission: Submission, by: Actor) -> None:
    """The files that an answer names belong to it now, and to no other: an answer that was kept keeps its papers.

    Raises InvalidInputError beside the field of one that is not there.
    """
    for one in queries.definition_of(submission.version).fields:
        named = submission.answers.get(one.key) if isinstance(one.type, FileType) else None
        if not named:
            continue
        sent = AnswerFile.submission_id.is_(None) & (AnswerFile.created_by_id == by.user_id)
        waiting = (
            update(AnswerFile)
            .where(AnswerFile.id.in_(named), sent | (AnswerFile.submission_id == submission.id))
            .values(submission_id=submission.id, updated_at=clock.now(), updated_by_id=by.user_id)
        )
        claimed = session.scalars(waiting.returning(AnswerFile.id)).all()
        if len(claimed) != len(named):
            raise InvalidInputError(fields={one.key: [_("A file has not arrived. Please add it again.")]})


def _draft(form: Form, number: int, definition: Mapping[str, Any], *, by: Actor) -> FormVersion:
    return FormVersion(
        form_id=form.id,
        number=number,
        definition=dict(definition),
        checksum=rules.checksum(definition),
        created_by_id=by.user_id,
    )


def _changed_since(session: Session, last: FormVersion | None) -> ConflictError:
    if last is None:
        return ConflictError()
    who = last.updated_by_id or last.created_by_id
    member = member_by_id(session, who) if who is not None else None
    return ConflictError(by=member.name if member else "", at=last.updated_at, rev=last.rev)


def _must_be_published(version: FormVersion) -> None:
    if version.state is VersionState.draft:
        raise FormNotPublishedError


def _must_be_live(session: Session, customer_id: int) -> None:
    # Held until the answers are kept: nobody archives the customer in between.
    archived_at = select(Customer.archived_at).where(Customer.id == customer_id).with_for_update(read=True)
    if session.scalar(archived_at) is not None:
        raise CustomerArchivedError


def _plain(name: Words) -> str:
    return trimmed(say(name, DEFAULT_LANGUAGE))


def _plain_name_problems(name: Words) -> list[Problem]:
    if len(_plain(name)) <= rules.LONGEST_NAME:
        return []
    return [Problem("name", "name_too_long", _("At most %(limit)d characters, please.", limit=rules.LONGEST_NAME))]


def _by_path(problems: list[Problem]) -> dict[str, list[object]]:
    by_path: dict[str, list[object]] = {}
    for problem in problems:
        by_path.setdefault(problem.path, []).append(problem.message)
    return by_path
