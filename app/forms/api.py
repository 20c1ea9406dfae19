"""Forms for programs: draw and publish them, read them as JSON Schema, fill them in; and what was filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.core import edge
from app.core.access import get_visible, visible
from app.core.api import Api, equals, listing, moment, names_contain, usernames, verb
from app.core.db import db
from app.core.errors import ConflictError, InvalidInputError, NotFoundError
from app.core.lists import list_keyed
from app.core.schema import Schema, free_object, maybe, one_of, problems, record, text, whole_number
from app.customers.models import Customer
from app.forms import about_customer, draft_services, queries, rules, services
from app.forms.drawing.shown import told_apart
from app.forms.meaning import Change
from app.forms.models import Form, FormPurpose, FormVersion, Submission, SubmissionSource
from app.forms.submissions.api import SUBMISSION_QUERY, page_of_submissions, told_submissions
from app.forms.submissions.screens import KEYED
from app.forms.versions.told import ToldVersion, told_draft, told_versions

_NEW = record(
    required=("code", "name"), code=text(rules.LONGEST_CODE), name=text(rules.LONGEST_NAME),
    purpose=one_of(FormPurpose),
)  # fmt: skip
_DRAFT: Schema = {
    "type": "object",
    "description": 'A form definition (docs/forms.md), or {"schema": definition, "rev": of the draft as read, "base":'
    " the definition as read, if a conflict is to tell what is different from it: `mine`, `theirs`}",
}
_ENVELOPE = record(required=("schema",), schema=free_object("docs/forms.md"), rev=maybe(whole_number()),
                   base=maybe(free_object("docs/forms.md")))  # fmt: skip
#: `rev` of the draft that was looked at: one that was drawn on since is not published
_PUBLISHED = record(rev=maybe(whole_number()))
_COPY = record(required=("code", "name"), code=text(rules.LONGEST_CODE), name=text(rules.LONGEST_NAME))
_FILE = record(
    required=("file",),
    file=free_object("What GET /forms/{code}/export gave"),
    code=text(rules.LONGEST_CODE),
)
_ANSWERS = record(
    required=("answers",),
    answers=free_object("Field key → answer, as GET /forms/{code}/schema says"),
    customer_id=maybe(whole_number()),
)
_ORDERS = {"name": Form.name, "code": Form.code, "id": Form.id, "created_at": Form.created_at}


class FormApi(Api):
    """A draft is replaced as often as one likes; what is published does not change."""

    resource_name = "forms"
    resource = "Form"

    @verb("/", "GET", "Forms", query=listing(_ORDERS, q="words of name and code, accents or none", code="exactly"))
    def index(self) -> dict[str, Any]:
        return self.page(
            select(Form).where(visible(Form, edge.actor())),
            show=_row,
            orders=_ORDERS,
            default_order="name",
            filters={"q": names_contain(Form.id, Form.name, Form.code), "code": equals(Form.code)},
            key=Form.id,
            load=(joinedload(Form.active_version), joinedload(Form.draft)),
        )

    @verb("/", "POST", "A new form with an empty draft", right="add", body=_NEW, status=201)
    def post(self) -> dict[str, Any]:
        body = self.read()
        return self.write(
            lambda session: _whole(
                services.create_form(
                    session,
                    code=body["code"],
                    name=body["name"],
                    by=edge.actor(),
                    purpose=FormPurpose(body.get("purpose", FormPurpose.answers)),
                )
            )
        )

    @verb("/<code>", "GET", "One form; with its draft for whoever may draw")
    def get(self, code: str) -> dict[str, Any]:
        return _whole(_form(db.session(), code))

    @verb("/<code>/draft", "PUT", "Keep what was drawn; it may be unfinished", right="edit", body=_DRAFT)
    def put_draft(self, code: str) -> dict[str, Any]:
        definition, rev, base = self._drawn()

        def keep(session: Session) -> dict[str, Any]:
            form = _form(session, code, "edit")
            try:
                services.save_draft(session, form, definition, by=edge.actor(), rev=rev)
            except ConflictError as conflict:
                conflict.details |= told_apart(session, form, definition, base)
                raise
            return _redrawn(session, form)

        return self.write(keep)

    @verb("/<code>/fields/<key>/uses", "GET", "Who would miss this field, before it is retired", right="edit")
    def uses(self, code: str, key: str) -> dict[str, Any]:
        session = db.session()
        form = _form(session, code, "edit")
        field = next((one for one in queries.drawn_fields(queries.drawn_of(session, form)) if one["key"] == key), None)
        if field is None:
            raise NotFoundError
        found = queries.field_uses(session, form, key, edge.actor())
        return {
            "field": key,
            "retired": bool(field.get("retired")),
            "answers": found.answers,
            "answers_capped": found.is_capped,
            "fields": found.fields,
            "uses": found.mentions,
        }

    @verb("/<code>/fields/<key>/retire", "POST", "Nobody is asked any more, from the next version on", right="edit")
    def retire_field(self, code: str, key: str) -> dict[str, Any]:
        return self._field(code, key, draft_services.retire_field)

    @verb("/<code>/fields/<key>/bring-back", "POST", "It is asked again, from the next version on", right="edit")
    def bring_back_field(self, code: str, key: str) -> dict[str, Any]:
        return self._field(code, key, draft_services.bring_back_field)

    def _field(self, code: str, key: str, redraw: Callable[..., Any]) -> dict[str, Any]:
        def change(session: Session) -> dict[str, Any]:
            form = _form(session, code, "edit")
            redraw(session, form, key, by=edge.actor())
            return _redrawn(session, form)

        return self.write(change)

    @verb("/<code>/versions", "GET", "Its versions, newest first, with what is different in each in words")
    def versions(self, code: str) -> dict[str, Any]:
        session = db.session()
        return {"result": [_version(one) for one in told_versions(session, _form(session, code), edge.actor())]}

    @verb("/<code>/copy", "POST", "A new form that asks the same", right="add", body=_COPY, status=201)
    def copy(self, code: str) -> dict[str, Any]:
        body = self.read()

        def copy(session: Session) -> dict[str, Any]:
            form = _form(session, code)
            made = draft_services.copy_form(session, form, code=body["code"], name=body["name"], by=edge.actor())
            return _redrawn(session, made)

        return self.write(copy)

    @verb("/<code>/export", "GET", "The form as a file that POST /forms/import takes", right="export")
    def export(self, code: str) -> dict[str, Any]:
        session = db.session()
        return draft_services.exported(session, _form(session, code, "export"), by=edge.actor())

    @verb("/import", "POST", "A new form from a file, as a draft", right="add", body=_FILE, status=201)
    def bring_in(self) -> dict[str, Any]:
        body = self.read()

        def bring_in(session: Session) -> dict[str, Any]:
            made = draft_services.import_form(session, body["file"], code=body.get("code") or "", by=edge.actor())
            return _redrawn(session, made)

        return self.write(bring_in)

    @verb("/<code>/publish", "POST", "The draft becomes the version that takes answers", right="approve",
          body=_PUBLISHED)  # fmt: skip
    def publish(self, code: str) -> dict[str, Any]:
        rev = self.read().get("rev")

        def publish(session: Session) -> dict[str, Any]:
            form = _form(session, code, "approve")
            version = services.publish_form(session, form, by=edge.actor(), rev=rev)
            return {"code": code, "version": version.number, "edition": version.edition}

        return self.write(publish)

    @verb("/<code>/schema", "GET", "JSON Schema of the answers to the published version")
    def schema(self, code: str) -> dict[str, Any]:
        session = db.session()
        version = queries.published_version(session, _form(session, code).code)
        if version is None:
            raise NotFoundError
        return queries.json_schema(version, context=queries.context_for(session, edge.actor()))

    @verb(
        "/<code>/submissions", "POST", "Fill in the published version",
        right="add", resource="Submission", body=_ANSWERS, status=201,
    )  # fmt: skip
    def submit(self, code: str) -> dict[str, Any]:
        body, session, actor = self.read(), db.session(), edge.actor()
        customer_id = body.get("customer_id")
        _form(session, code)
        if customer_id is not None:
            get_visible(session, Customer, customer_id, actor)
        version = queries.published_version(session, code)
        if version is None:
            raise services.FormNotPublishedError
        context = about_customer.context_for(session, version, customer_id, actor)
        answers = services.parse_answers(version, body["answers"], context=context)
        version_id = version.id

        def submit(inside: Session) -> dict[str, Any]:
            if customer_id is not None:
                get_visible(inside, Customer, customer_id, actor)
            read = inside.get_one(FormVersion, version_id)
            given = services.submit(
                inside, read, answers, by=actor, customer_id=customer_id, source=SubmissionSource.api
            )
            return told_submissions([given])[0]

        return self.write(submit)

    @verb(
        "/<code>/submissions", "GET", "Answers that were given to the form; ?where= compares them ([answers.key])",
        resource="Submission", query=SUBMISSION_QUERY,
    )  # fmt: skip
    def answers(self, code: str) -> dict[str, Any]:
        form = _form(db.session(), code)
        rows = select(Submission).where(Submission.form_id == form.id, visible(Submission, edge.actor()))
        return page_of_submissions(self, rows, list_keyed(f"{KEYED}{form.code}"))

    def _drawn(self) -> tuple[dict[str, Any], int | None, dict[str, Any] | None]:
        """The definition sent, bare or in an envelope, the rev of the draft that it changes, and what it began from."""
        body = self.json_body()
        if "schema" not in body:
            body = {"schema": {key: value for key, value in body.items() if key != "rev"}, "rev": body.get("rev")}
        wrong = problems(body, _ENVELOPE)
        if wrong:
            raise InvalidInputError(fields=wrong)
        return body["schema"], body.get("rev"), body.get("base")


def _form(session: Session, code: str, action: str = "view") -> Form:
    return queries.form_for(session, code, edge.actor(), action)


def _row(form: Form) -> dict[str, Any]:
    return {
        "id": form.id,
        "code": form.code,
        "name": form.name,
        "active_version": form.active_version.number if form.active_version else None,
        "active_edition": form.active_version.edition if form.active_version else None,
        "purpose": form.purpose,
        "has_draft": form.draft is not None,
        "created_at": moment(form.created_at),
        "updated_at": moment(form.updated_at),
    }


def _whole(form: Form) -> dict[str, Any]:
    shown = _row(form)
    session, who = db.session(), edge.actor()
    if queries.may_with(session, form, who, "edit"):
        told = told_draft(session, form, who)
        shown["draft"] = _draft(told) if told else None
    return shown


def _redrawn(session: Session, form: Form) -> dict[str, Any]:
    session.expire(form, ["draft"])
    return _whole(form)


def _draft(told: ToldVersion) -> dict[str, Any]:
    """The drawing with all that still keeps it from being published, and what would be different."""
    return {
        "version": told.number,
        "edition": told.edition,
        "rev": told.version.rev,
        "schema": told.version.definition,
        "problems": [{"path": one.path, "code": one.code, "message": str(one.message)} for one in told.problems],
        "changes": [_change(one) for one in told.changes],
    }


def _change(one: Change) -> dict[str, str]:
    return {"field": one.key, "code": one.code, "message": str(one.message)}


def _version(told: ToldVersion) -> dict[str, Any]:
    return {
        "version": told.number,
        "edition": told.edition,
        "state": str(told.version.state),
        "answers": told.answers,
        "changes": [_change(one) for one in told.changes],
        "published_at": moment(told.version.published_at) if told.version.published_at else None,
        "published_by": usernames([told.version.published_by_id]).get(told.version.published_by_id),
    }
