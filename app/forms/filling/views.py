"""/dien-phieu: a form is chosen and filled in. What was sent is read at /phieu (submissions/views.py)."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask import jsonify, request
from sqlalchemy.orm import Session

from app.core import clock, edge, links
from app.core.access import Actor, get_visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotFoundError, Sentence
from app.core.formats import time_text
from app.core.i18n import _
from app.core.pages import Page, done, page, show, trail
from app.core.repeats import Repeatable, UsedKeyError
from app.customers.models import Customer
from app.customers.services import CustomerArchivedError
from app.forms import about_customer, queries, services
from app.forms.builder import PREFIX, AnswerForm, build_form, typed_in
from app.forms.fields.file import FileType
from app.forms.filling import rules, shown
from app.forms.filling.services import (
    DraftChangedError,
    draft_for,
    drafts_of,
    keep_draft,
    send,
    throw_away,
)
from app.forms.models import FormPurpose, FormVersion, SubmissionDraft
from app.forms.rules import canonical, sentences_of
from app.forms.uploads import keep_sent, take_in

_HERE = "/dien-phieu"
#: characters of what marks a page, so that it is sent once
_ONCE = 32


class FillingPages(Page):
    """What is filled in without a task that asks for it."""

    resource = "Submission"
    route_base = _HERE

    @page("/", right="add")
    def index(self) -> Any:
        """What can be filled in, and what was begun."""
        session, who = db.session(), edge.actor()
        customer = _customer(session, who)
        return show(
            "forms/choose.html",
            forms=shown.offered(session, who, customer.id if customer else None),
            drafts=shown.unfinished(session, drafts_of(session, who), who),
            about=shown.about(customer), may_change=who.is_himself,
        )  # fmt: skip

    @page("/<code>", "GET", "POST", right="add", judges=PREFIX)
    def fill(self, code: str) -> Any:
        session, who = db.session(), edge.actor()
        asked = _asked(session, code, who)
        if request.method == "GET":
            return _page(asked, draft=asked.draft(session, who))
        form = asked.form(session, who)
        take_in(form, asked.version.id)
        if request.form.get("version") != str(asked.version.id):
            told = _("The form was published anew while you filled it in. Look it over, then send it once more.")
            return _page(asked, form=form, told=told, status=409)
        if not form.validate():
            return _page(asked, form=form, status=422)
        version_id, customer_id, answers = asked.version.id, asked.customer_id, form.answers
        rev, once = _rev(), _once(code, answers.values, who)

        def change(inside: Session) -> dict[str, Any]:
            version = inside.get_one(FormVersion, version_id)
            if customer_id is not None:
                get_visible(inside, Customer, customer_id, who)
            return {"id": send(inside, version, answers, by=who, customer_id=customer_id, rev=rev).id}

        try:
            with edge.transaction() as inside:
                sent = once.once(inside, change, status=201) if once else change(inside)
        except BusinessError as error:
            return _refused(asked, form, _typed(form), error)
        return done(links.submission_path(sent["id"]), _("“%(form)s” is sent.", form=asked.name))

    @page("/<code>/nhap", "POST", right="add", judges=PREFIX)
    def keep(self, code: str) -> Any:
        """The draft, kept by the page itself (an answer as JSON) or by its button."""
        session, who = db.session(), edge.actor()
        asked = _asked(session, code, who)
        form = asked.form(session, who)
        take_in(form, asked.version.id)
        typed = _typed(form)
        version_id, customer_id, rev = asked.version.id, asked.customer_id, _rev()
        by_itself = request.accept_mimetypes.best == "application/json"
        try:
            with edge.transaction() as inside:
                other = draft_for(inside, asked.version.form_id, customer_id, who)
                if other is not None and other.rev == rev:
                    theirs = [name for name, side in request.form.items() if side == "theirs"]
                    typed = rules.merged(
                        typed, other.answers, {name.removeprefix("keep-") for name in theirs if name[:5] == "keep-"}
                    )
                version = inside.get_one(FormVersion, version_id)
                draft = keep_draft(inside, version, typed, by=who, customer_id=customer_id, rev=rev)
                kept = {"rev": draft.rev, "throw": f"{_HERE}/nhap/{draft.id}/bo"}
        except BusinessError as error:
            if by_itself:
                told = " ".join(sentences_of(queries.definition_of(asked.version), error))
                return jsonify(message=told), error.status
            return _refused(asked, form, typed, error)
        if by_itself:
            told = _("Draft saved %(time)s", time=time_text(clock.now(), who.time_zone))
            return jsonify(**kept, told=str(told))
        if any(question.late for question in form.questions):
            form.refuse({one.key: one.late for one in form.questions if one.late})
            return _page(asked, form=form, status=422)
        return done(asked.path, _("Draft saved."))

    @page("/tep/<version_id>/<key>", "POST", right="add")
    def send_file(self, version_id: str, key: str) -> Any:
        """A file for a question, before the answers are sent: {"id", "name", "size"}, or {"message"}."""
        try:
            kept = keep_sent(row_id(version_id), key, request.files.get("file"), by=edge.actor())
        except BusinessError as error:
            return jsonify(message=str(error.message)), error.status
        return jsonify(kept)

    @page("/nhap/<draft_id>/bo", "POST", right="add")
    def throw(self, draft_id: str) -> Any:
        with edge.transaction() as inside:
            name = str(throw_away(inside, row_id(draft_id), by=edge.actor()))
        return done(f"{_HERE}/", _("Your draft of “%(form)s” is thrown away.", form=name))


@dataclass(frozen=True)
class _Asked:
    """The form that is filled in, in its published version, and about whom."""

    version: FormVersion
    customer: Customer | None

    @property
    def customer_id(self) -> int | None:
        return self.customer.id if self.customer else None

    @property
    def name(self) -> str:
        return self.version.form.name

    @property
    def path(self) -> str:
        return links.filling_path(self.version.form.code, self.customer_id)

    def draft(self, session: Session, who: Actor) -> SubmissionDraft | None:
        return draft_for(session, self.version.form_id, self.customer_id, who)

    def form(
        self, session: Session, who: Actor, typed: Mapping[str, Any] | None = None,
        drawn: Collection[str] | None = None,
    ) -> AnswerForm:  # fmt: skip
        """As it was sent, or with what was `typed` before on a page with the questions in `drawn` (None: with these);
        nothing of either: as it begins."""
        context = about_customer.context_for(session, self.version, self.customer_id, who)
        if request.method == "POST" and typed is None:
            return build_form(self.version)(context=context)
        return build_form(self.version)(formdata=None, context=context, draft=typed, drawn=drawn)

    def resumed(self, session: Session, who: Actor, draft: SubmissionDraft) -> AnswerForm:
        """With what was kept; a question that was added since then begins as it does."""
        drawn = {one["key"] for one in session.get_one(FormVersion, draft.form_version_id).definition["fields"]}
        return self.form(session, who, draft.answers, drawn)

    def began(self, session: Session, who: Actor) -> tuple[AnswerForm, Mapping[str, Any]] | None:
        """What the page that was sent began with, as it says: a draft, or the form as it begins; None: it is silent."""
        try:
            told = json.loads(request.form.get("began", ""))
            typed = rules.kept(told, self.version.definition) if isinstance(told, dict) else None
            json.dumps(typed, ensure_ascii=False).encode()  # half a character can be written in JSON, and not shown
        except (ValueError, RecursionError, InvalidInputError):
            return None
        if typed is None:
            return None
        context = about_customer.context_for(session, self.version, self.customer_id, who)
        return build_form(self.version)(formdata=None, context=context, draft=typed or None), typed


def _asked(session: Session, code: str, who: Actor) -> _Asked:
    """Raises NotFoundError for what he does not see, and why the form or the customer takes no answers."""
    form = queries.form_for(session, code, who)
    if form.purpose is not FormPurpose.answers:
        raise services.FieldsOfRecordsError
    version = queries.published_version(session, code)
    if version is None:
        raise services.FormNotPublishedError
    if form.archived_at is not None:
        raise services.FormRetiredError
    customer = _customer(session, who)
    if customer is not None and customer.is_archived:
        raise CustomerArchivedError
    return _Asked(version, customer)


def _customer(session: Session, who: Actor) -> Customer | None:
    asked = request.args.get("khach-hang", "")
    return get_visible(session, Customer, row_id(asked), who) if asked else None


def _page(
    asked: _Asked, *, form: AnswerForm | None = None, draft: SubmissionDraft | None = None, rev: object = None,
    told: Sentence = "", status: int = 200,
) -> Any:  # fmt: skip
    """`form` comes back with what was typed; else it begins with the draft, or anew."""
    session, who = db.session(), edge.actor()
    own = draft if form is None else asked.draft(session, who)
    if form is None:
        form = asked.resumed(session, who, draft) if draft else asked.form(session, who)
        rev = draft.rev if draft else ""
        began = json.dumps(draft.answers if draft else {}, ensure_ascii=False)
    else:
        began = request.form.get("began", "")
        rev = request.form.get("rev", "") if rev is None else rev
    is_older = own is not None and own.form_version_id != asked.version.id
    return show(
        "forms/fill.html", status, form=form, name=asked.name, path=asked.path, rev=rev, told=told,
        began=began if len(began) <= rules.LONGEST_BEGAN else "",
        version_id=asked.version.id, once=secrets.token_hex(_ONCE // 2), draft=own, is_older=is_older,
        keep_url=_verb(asked, "nhap"), throw_url=f"{_HERE}/nhap/{own.id}/bo" if own else "",
        about=shown.about(asked.customer), lookups=_lookups(asked.version),
        is_resumed=draft is not None, may_change=who.is_himself,
        crumbs=trail((_("Fill in a form"), f"{_HERE}/"), here=asked.name),
    )  # fmt: skip


def _lookups(version: FormVersion) -> dict[str, str]:
    return {"customer": "/tim/khach-hang", "files": links.answer_file_path(version.id)}


def _verb(asked: _Asked, verb: str) -> str:
    path, question, about = asked.path.partition("?")
    return f"{path}/{verb}{question}{about}"


def _refused(asked: _Asked, form: AnswerForm, typed: Mapping[str, Any], error: BusinessError) -> Any:
    """The page again with all that was typed; where another window was faster, both are shown."""
    if isinstance(error, NotFoundError):
        raise error
    session, who = db.session(), edge.actor()
    if isinstance(error, UsedKeyError):
        told = _("This page was sent already. To send other answers as well, begin anew.")
        return _page(asked, form=form, told=told, status=409)
    if isinstance(error, DraftChangedError):
        other = asked.draft(session, who)
        if other is not None:
            return _conflict(asked, typed, other)
    if isinstance(error, ConflictError):
        return _page(asked, form=form, rev="", told=error.message, status=409)
    form.refuse(error.fields)
    return _page(asked, form=form, told="" if error.fields else error.message, status=error.status)


def _conflict(asked: _Asked, typed: Mapping[str, Any], other: SubmissionDraft) -> Any:
    session, who = db.session(), edge.actor()
    mine, theirs = asked.form(session, who, typed), asked.resumed(session, who, other)
    began = asked.began(session, who)
    return show(
        "forms/conflict.html", 409, name=asked.name, rev=other.rev, keep_url=_verb(asked, "nhap"),
        at=other.updated_at, choices=shown.differences(mine, theirs, typed, other.answers, began),
        began=json.dumps(other.answers, ensure_ascii=False),
        typed=[
            (name, text) for name, texts in typed.items()
            for text in (texts if isinstance(texts, list) else [texts])
        ],
        crumbs=trail((_("Fill in a form"), f"{_HERE}/"), (asked.name, asked.path), here=_("Two windows")),
    )  # fmt: skip


def _typed(form: AnswerForm) -> dict[str, Any]:
    """What was typed, and the files that came along by their numbers."""
    typed: dict[str, Any] = typed_in(request.form)
    for question in form.questions:
        if isinstance(question.one.type, FileType) and isinstance(question.raw, list):
            typed[question.key] = [one for one in question.raw if isinstance(one, str)]
    return typed


def _rev() -> int | None:
    """The revision of the draft that the page knows; None: it knew none."""
    text = request.form.get("rev", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _once(code: str, answers: Mapping[str, Any], who: Actor) -> Repeatable | None:
    """A second click sends nothing a second time."""
    key = request.form.get("once", "")
    if len(key) != _ONCE or not key.isascii() or not key.isalnum():
        return None
    digest = hashlib.sha256(canonical(dict(answers)).encode()).hexdigest()
    return Repeatable(who.user_id, f"{_HERE}/{code}", key, digest)
