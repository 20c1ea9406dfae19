"""/bieu-mau/<code>/ve: a form is drawn. The draft itself is kept through the API (PUT /forms/{code}/draft)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import jsonify, make_response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.core import edge, links
from app.core.conditions.fields import Field
from app.core.db import db
from app.core.delivery import content_security_policy
from app.core.errors import BadRequestError
from app.core.lists import LONGEST_CONDITION
from app.core.pages import Page, page, show
from app.forms import queries, rules
from app.forms.builder import build_form
from app.forms.drawing import shown
from app.forms.models import Form, FormPurpose, FormVersion
from app.forms.words import say


class DrawingPages(Page):
    """The builder, its preview, and what its conditions may look at."""

    resource = "Form"
    route_base = "/bieu-mau"
    default_view = "draw"

    @page("/<code>/ve", right="edit")
    def draw(self, code: str) -> Any:
        session, who = db.session(), edge.actor()
        form = _form(session, code)
        return show(
            "forms/draw.html", form=form, begun=shown.begun(session, form, who), path=links.form_drawing_path(code),
            form_url=links.form_path(form.id), is_new="phat-hanh" in request.args,
            fill_url=f"/dien-phieu/{code}" if form.purpose is FormPurpose.answers else "",
        )  # fmt: skip

    @page("/<code>/ve/ban-nhap", right="edit")
    def draft(self, code: str) -> Any:
        """The draft as it is kept now, for whoever was overtaken: {"definition", "rev"}."""
        session = db.session()
        form = _form(session, code)
        draft = queries.draft_of(session, form)
        return jsonify(definition=queries.drawn_of(session, form), rev=draft.rev if draft else 0)

    @page("/<code>/ve/xem", "GET", "POST", right="edit")
    def preview(self, code: str) -> Any:
        """The draft as a form, to be tried out: a POST says what would be wrong with the answers and keeps nothing."""
        session = db.session()
        drawn = shown.sound(queries.drawn_of(session, _form(session, code)))
        version = FormVersion(definition=drawn, checksum=rules.checksum(drawn))
        # Whoever draws sees every question, whomever it asks.
        context = replace(queries.context_for(session, edge.actor()), roles=None)
        form = build_form(version)(context=context)
        is_sent = request.method == "POST"
        is_right = is_sent and form.validate()
        status = 422 if is_sent and not is_right else 200
        drawn_page = show("forms/preview.html", status, form=form, name=say(drawn["name"]), is_right=is_right)
        answer: Response = make_response(*drawn_page)
        # It stands inside of the builder.
        answer.headers["Content-Security-Policy"] = content_security_policy(("'self'",))
        return answer

    @page("/<code>/ve/truong", right="edit")
    def fields(self, code: str) -> Any:
        """What a condition of the field ?khoa=, or of the section ?phan=, may look at, for the condition editor."""
        return jsonify(shown.condition_offers(_comparable(code, request.args)))

    @page("/<code>/ve/dieu-kien", "POST", right="edit")
    def condition(self, code: str) -> Any:
        """A condition of the field `khoa`, or of the section `phan`, typed or stored: {"stored", "names", "text",
        "sentence"}, or {"refusal"}."""
        typed = request.form.get("where", "")[: LONGEST_CONDITION + 1]
        fields = _comparable(code, request.form)
        try:
            return jsonify(shown.told(shown.read(typed, fields), fields, edge.actor()))
        except BadRequestError as refusal:
            return jsonify(refusal=str(refusal.message))


def _form(session: Session, code: str) -> Form:
    return queries.form_for(session, code, edge.actor(), "edit")


def _comparable(code: str, of: Mapping[str, str]) -> dict[str, Field]:
    session = db.session()
    drawn = queries.drawn_of(session, _form(session, code))
    context = queries.context_for(session, edge.actor())
    return shown.comparable(drawn, context, field=of.get("khoa", ""), section=of.get("phan", ""))
