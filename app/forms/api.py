"""Forms for programs: draw and publish them, read them as JSON Schema, fill them in; and what was filled in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from app.core import edge
from app.core.access import get_visible, visible
from app.core.api import Api, equals, id_is, listing, moment, names_contain, usernames, verb
from app.core.db import db
from app.core.errors import InvalidInputError, NotFoundError
from app.core.schema import Schema, free_object, maybe, problems, record, text, whole_number
from app.customers.models import Customer
from app.forms import queries, rules, services
from app.forms.models import Form, FormVersion, Submission

_NEW = record(required=("code", "name"), code=text(rules.LONGEST_CODE), name=text(rules.LONGEST_NAME))
_DRAFT: Schema = {
    "type": "object",
    "description": 'A form definition (docs/forms.md), or {"schema": definition, "rev": of the draft as read}',
}
_ENVELOPE = record(required=("schema",), schema=free_object("docs/forms.md"), rev=maybe(whole_number()))
_ANSWERS = record(
    required=("answers",),
    answers=free_object("Field key → answer, as GET /forms/{code}/schema says"),
    customer_id=maybe(whole_number()),
)
_ORDERS = {"name": Form.name, "code": Form.code, "id": Form.id, "created_at": Form.created_at}
_SUBMISSION_ORDERS = {"id": Submission.id, "created_at": Submission.created_at}
_OF_FORM = joinedload(Submission.version).joinedload(FormVersion.form)


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
            lambda session: _whole(services.create_form(session, code=body["code"], name=body["name"], by=edge.actor()))
        )

    @verb("/<code>", "GET", "One form; with its draft for whoever may draw")
    def get(self, code: str) -> dict[str, Any]:
        return _whole(_form(db.session(), code))

    @verb("/<code>/draft", "PUT", "Keep what was drawn; it may be unfinished", right="edit", body=_DRAFT)
    def put_draft(self, code: str) -> dict[str, Any]:
        definition, rev = self._drawn()

        def keep(session: Session) -> dict[str, Any]:
            form = _form(session, code)
            services.save_draft(session, form, definition, by=edge.actor(), rev=rev)
            session.expire(form, ["draft"])
            return _whole(form)

        return self.write(keep)

    @verb("/<code>/publish", "POST", "The draft becomes the version that takes answers", right="approve")
    def publish(self, code: str) -> dict[str, Any]:
        def publish(session: Session) -> dict[str, Any]:
            version = services.publish_form(session, _form(session, code), by=edge.actor())
            return {"code": code, "version": version.number}

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
        answers = services.parse_answers(version, body["answers"], context=queries.context_for(session, actor))
        version_id = version.id

        def submit(inside: Session) -> dict[str, Any]:
            if customer_id is not None:
                get_visible(inside, Customer, customer_id, actor)
            read = inside.get_one(FormVersion, version_id)
            return _submissions([services.submit(inside, read, answers, by=actor, customer_id=customer_id)])[0]

        return self.write(submit)

    def _drawn(self) -> tuple[dict[str, Any], int | None]:
        """The definition sent, bare or in an envelope, and the rev of the draft that it changes."""
        body = self.json_body()
        if "schema" not in body:
            body = {"schema": {key: value for key, value in body.items() if key != "rev"}, "rev": body.get("rev")}
        wrong = problems(body, _ENVELOPE)
        if wrong:
            raise InvalidInputError(fields=wrong)
        return body["schema"], body.get("rev")


class SubmissionApi(Api):
    """What was answered, by whomever, as far as the actor may see it."""

    resource_name = "submissions"
    resource = "Submission"

    @verb(
        "/", "GET", "Answers that were given",
        query=listing(
            _SUBMISSION_ORDERS, form="form code", customer="customer id", subject_type="exactly", subject_id="id"
        ),
    )  # fmt: skip
    def index(self) -> dict[str, Any]:
        return self.page(
            select(Submission).where(visible(Submission, edge.actor())),
            show_all=_submissions,
            orders=_SUBMISSION_ORDERS,
            default_order="-id",
            filters={
                "form": _of_form,
                "customer": id_is(Submission.customer_id),
                "subject_type": equals(Submission.subject_type),
                "subject_id": id_is(Submission.subject_id),
            },
            key=Submission.id,
            load=(_OF_FORM,),
        )

    @verb("/<id>", "GET", "One submission")
    def get(self, id: str) -> dict[str, Any]:
        return _submissions([get_visible(db.session(), Submission, self.id(id), edge.actor())])[0]


def _form(session: Session, code: str) -> Form:
    """Raises NotFoundError when there is none, or none for him."""
    form = session.scalars(select(Form).where(Form.code == code, visible(Form, edge.actor()))).one_or_none()
    if form is None:
        raise NotFoundError
    return form


def _of_form(rows: Select[Any], code: str) -> Select[Any]:
    versions = select(FormVersion.id).join(Form, Form.id == FormVersion.form_id).where(Form.code == code)
    return rows.where(Submission.form_version_id.in_(versions))


def _row(form: Form) -> dict[str, Any]:
    return {
        "id": form.id,
        "code": form.code,
        "name": form.name,
        "active_version": form.active_version.number if form.active_version else None,
        "has_draft": form.draft is not None,
        "created_at": moment(form.created_at),
        "updated_at": moment(form.updated_at),
    }


def _whole(form: Form) -> dict[str, Any]:
    shown = _row(form)
    if edge.actor().may("edit", "Form"):
        shown["draft"] = _draft(form.draft) if form.draft else None
    return shown


def _draft(draft: FormVersion) -> dict[str, Any]:
    """The drawing with all that still keeps it from being published."""
    wrong = rules.check_definition(draft.definition)
    return {
        "version": draft.number,
        "rev": draft.rev,
        "schema": draft.definition,
        "problems": [{"path": one.path, "code": one.code, "message": str(one.message)} for one in wrong],
    }


def _submissions(found: Sequence[Submission]) -> list[dict[str, Any]]:
    names = usernames(one.created_by_id for one in found)
    return [
        {
            "id": one.id,
            "form": one.version.form.code,
            "version": one.version.number,
            "answers": one.answers,
            "customer_id": one.customer_id,
            "subject_type": one.subject_type,
            "subject_id": one.subject_id,
            "created_by": names.get(one.created_by_id),
            "created_at": moment(one.created_at),
        }
        for one in found
    ]
