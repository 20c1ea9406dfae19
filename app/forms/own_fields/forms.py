"""How are the own fields filled in inside of the form of a record? As every form of the company is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.core.access import Actor, FieldRight
from app.core.errors import InvalidInputError, Sentence
from app.core.i18n import _
from app.core.masking import masked
from app.core.screens.extra import PREFIX
from app.forms.builder import AnswerForm, build_form
from app.forms.displays import display
from app.forms.fields.base import Value
from app.forms.models import FormVersion
from app.forms.own_fields import queries, services
from app.forms.own_fields.columns import mask_of
from app.forms.own_fields.queries import Drawn

#: hidden inputs: under which version, and beside which saved answers it was filled in
VERSION, BASE = "own_version", "own_base"
_LONGEST_BASE = 200_000
_CHANGED = _("The fields were changed while you filled them in. Look them over, then save once more.")


class OwnForm:
    """The inputs of one customer's own fields. A field that two change at once is asked again, beside who was first."""

    template = "own_fields/form.html"

    def __init__(
        self, session: Session, drawn: Drawn, customer_id: int | None, who: Actor, sent: MultiDict[str, str] | None
    ) -> None:
        self.drawn, self.who = drawn, who
        saved = None if customer_id is None else queries.answers_of(session, [customer_id]).get(customer_id, {})
        built = build_form(FormVersion(definition=drawn.raw, checksum=drawn.checksum))
        self._kind: type[AnswerForm] = type("OwnAnswerForm", (built,), {"definition": drawn.definition_for(who)})
        self.form = self._kind(
            formdata=sent, context=queries.context(session, who, saved), saved=saved, meta={"csrf": False}
        )
        self.is_older = sent is not None and sent.get(VERSION) != str(drawn.version_id)
        #: what stood there when the page was drawn, as far as he may change it
        self.base: dict[str, Any] = _read_base(sent) if sent is not None else self._his(saved or {})
        self.read_only = [
            (one.spec.label, self._told(one, saved[key])) for key, one in drawn.fields.items()
            if saved and key in saved and queries.right(who, one) in (FieldRight.read_only, FieldRight.masked)
        ]  # fmt: skip

    def _his(self, values: Mapping[str, Value]) -> dict[str, Any]:
        return {
            key: value for key, value in values.items()
            if key in self.drawn.fields and queries.may(self.who, self.drawn.fields[key], FieldRight.full)
        }  # fmt: skip

    def _told(self, one: Any, value: Value) -> str:
        text = display(one, value, self.form.context)
        return text if queries.may(self.who, one, FieldRight.read_only) else masked(mask_of(one), text)

    @property
    def version(self) -> int:
        return self.drawn.version_id

    @property
    def sealed(self) -> str:
        """The base, so that the page brings back what it was given and nothing else."""
        return str(_signer().dumps(self.base))

    @property
    def lookups(self) -> Mapping[str, str]:
        return {"customer": "/tim/khach-hang"}

    def validate(self) -> bool:
        is_right = self.form.validate()
        for question in self.form.questions:
            # An option that is no longer offered stays with whoever has it.
            kept = self.base.get(question.key)
            if question.errors and kept is not None and question.raw == question.one.type.write(
                kept, question.one.spec, self.form.context
            ):  # fmt: skip
                question.errors, question.data = [], kept
        return (is_right or not self.errors) and not self.is_older

    @property
    def told(self) -> Sentence | None:
        """What is to be looked at over all of them."""
        return _CHANGED if self.is_older else None

    @property
    def errors(self) -> Sequence[tuple[str, str, str]]:
        wrong = [(one.id, one.label.text, str(one.errors[0])) for one in self.form.questions if one.errors]
        return [*wrong, *([("own", str(_("Own fields")), str(_CHANGED))] if self.is_older else [])]

    def refuse(self, problems: Mapping[str, Sequence[Sentence]]) -> dict[str, Sequence[Sentence]]:
        ours = {key.removeprefix(PREFIX): told for key, told in problems.items() if key.startswith(PREFIX)}
        self.form.refuse(ours)
        return {key: told for key, told in problems.items() if not key.startswith(PREFIX)}

    def save(self, session: Session, customer_id: int, *, by: Actor, is_new: bool) -> list[str]:
        """Raises InvalidInputError; where somebody else was faster with a field, beside that field."""
        mine = {one.key: one.data for one in self.form.questions
                if one.state.is_his and one.one.type.has_answer and not one.one.type.is_worked_out}  # fmt: skip
        if is_new:
            said = {key: value for key, value in mine.items() if value is not None}
            return services.change(session, customer_id, said, by=by, is_new=True, is_page=True)
        row = queries.kept_for(session, customer_id)
        now: Mapping[str, Any] = {} if row is None else row.answers
        said = {key: value for key, value in mine.items() if value != self.base.get(key)}
        overtaken = {
            key: value for key, value in said.items() if now.get(key) != self.base.get(key) and now.get(key) != value
        }
        if overtaken:
            self.base |= {key: now.get(key) for key in overtaken}
            raise InvalidInputError(fields={PREFIX + key: [self._overtaken(key, now.get(key))] for key in overtaken})
        return services.change(session, customer_id, said, by=by, is_new=False, is_page=True)

    def _overtaken(self, key: str, value: Value | None) -> Sentence:
        one = self.drawn.fields[key]
        told = "—" if value is None else display(one, value, self.form.context)
        return _("Somebody has saved “%(value)s” here meanwhile. Save once more to keep what you typed.", value=told)


def _read_base(sent: MultiDict[str, str]) -> dict[str, Any]:
    text = sent.get(BASE, "")
    try:
        return dict(_signer().loads(text)) if len(text) <= _LONGEST_BASE else {}
    except BadSignature:
        return {}


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="tantam.own-fields")
