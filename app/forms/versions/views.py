"""/bieu-mau/…: a form is published, copied, carried out and in; a field is looked at, retired and asked again."""

from __future__ import annotations

import json
from typing import Any

from flask import redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.core import edge, links
from app.core.db import db
from app.core.errors import BusinessError, InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.pages import Page, Undo, done, page, refused_onto, show, trail
from app.core.screens.fields import tidy_line
from app.forms import draft_services, queries, rules, services
from app.forms.fields import TYPES
from app.forms.models import Form, FormPurpose
from app.forms.versions.dialogs import PURPOSES, CopyDialog, FileDialog, NewDialog
from app.forms.versions.parts import FIELDS, VERSIONS
from app.forms.words import say

_LIST = "/bieu-mau/list/"


class FormPages(Page):
    """What is done with a form besides drawing it."""

    resource = "Form"
    route_base = "/bieu-mau"
    default_view = "bring_in"

    @page("/moi", "GET", "POST", right="add")
    def new(self) -> Any:
        """A form without questions, and at once the page where it is drawn."""
        dialog = NewDialog()
        if request.method == "GET":
            return _new_page(dialog)
        name, code = tidy_line(dialog.name.data) or "", tidy_line(dialog.code.data)
        try:
            if dialog.purpose.data not in PURPOSES:
                raise InvalidInputError(fields={"purpose": [_("Please choose one of the answers offered.")]})
            with edge.transaction() as session:
                code = services.create_form(
                    session, code=code or services.free_code(session, name), name=name, by=edge.actor(),
                    purpose=FormPurpose(dialog.purpose.data),
                ).code  # fmt: skip
        except InvalidInputError as error:
            _place(dialog, error)
            return _new_page(dialog, status=422)
        return redirect(links.form_drawing_path(code))

    @page("/<code>/phat-hanh", "POST", right="approve")
    def publish(self, code: str) -> Any:
        form = _form(db.session(), code, "approve")
        address = _tab(form, VERSIONS)
        try:
            with edge.transaction() as session:
                services.publish_form(session, _form(session, code, "approve"), by=edge.actor(), rev=_rev_seen())
        except BusinessError as error:
            return refused_onto(address, error)
        return done(address, _("“%(name)s” is published: from now on it is asked like this.", name=form.name))

    @page("/<code>/sao-chep", "GET", "POST", right="add")
    def copy(self, code: str) -> Any:
        form = _form(db.session(), code)
        dialog = CopyDialog()
        if request.method == "GET":
            dialog.name.data = str(_("Copy of %(name)s", name=form.name))[: rules.LONGEST_NAME]
            return _copy_page(form, dialog)
        try:
            name = (dialog.name.data or "").strip()
            with edge.transaction() as session:
                made = draft_services.copy_form(
                    session, _form(session, code), name=name, by=edge.actor(),
                    code=(dialog.code.data or "").strip() or services.free_code(session, code),
                )  # fmt: skip
                address, name = _tab(made, FIELDS), made.name
        except InvalidInputError as error:
            _place(dialog, error)
            return _copy_page(form, dialog, status=422)
        return done(address, _("“%(name)s” is there as a draft. Nobody is asked before it is published.", name=name))

    @page("/<code>/bieu-mau.json", right="export")
    def export(self, code: str) -> Response:
        session = db.session()
        file = draft_services.exported(session, _form(session, code, "export"), by=edge.actor())
        told = {"Content-Disposition": f'attachment; filename="{code}.json"', "Cache-Control": "no-store"}
        return Response(json.dumps(file, ensure_ascii=False, indent=1), mimetype="application/json", headers=told)

    @page("/nhap", "GET", "POST", right="add")
    def bring_in(self) -> Any:
        """A form from a file that was saved here or in another company."""
        dialog = FileDialog()
        if request.method == "GET":
            return _import_page(dialog)
        sent = request.files.get("file")
        data = sent.read(rules.LARGEST_DEFINITION * 2 + 1) if sent is not None else b""
        try:
            if not data:
                raise InvalidInputError(fields={"file": [_("Choose a file first.")]})
            if len(data) > rules.LARGEST_DEFINITION * 2:
                raise InvalidInputError(fields={"file": [_("The form is too large.")]})
            file = draft_services.read_file(data)
            with edge.transaction() as session:
                code = (dialog.code.data or "").strip()
                made = draft_services.import_form(session, file, code=code, by=edge.actor())
                address, name = _tab(made, VERSIONS), made.name
        except InvalidInputError as error:
            _place(dialog, error)
            if set(error.fields) == {"code"} and not dialog.code.data:
                # Its own code is taken: one that is free stands there, to be taken or changed.
                dialog.code.data = services.free_code(db.session(), say(file["definition"].get("name")))
            return _import_page(dialog, status=422)
        return done(address, _("“%(name)s” is there as a draft. Nobody is asked before it is published.", name=name))

    @page("/<code>/truong/<key>", right="edit")
    def field(self, code: str, key: str) -> Any:
        """Who would miss it, before it is retired."""
        session, who = db.session(), edge.actor()
        form = _form(session, code, "edit")
        drawn = _drawn(session, form, key)
        kind = TYPES.get(str(drawn.get("type")))
        return show(
            "forms/field.html", form=form, key=key, label=say(drawn.get("label")) or key,
            type_label=kind.label if kind else "", is_retired=drawn.get("retired") is True,
            used=queries.field_uses(session, form, key, who), path=f"/bieu-mau/{code}/truong/{key}",
            may_change=who.is_himself and form.archived_at is None,
            crumbs=_trail(form, say(drawn.get("label")) or key),
        )  # fmt: skip

    @page("/<code>/truong/<key>/<verb>", "POST", right="edit")
    def change_field(self, code: str, key: str, verb: str) -> Any:
        """ngung: nobody is asked any more; hoi-lai: asked again. Both with the next publication."""
        form = _form(db.session(), code, "edit")
        label = say(_drawn(db.session(), form, key).get("label")) or key
        address = _tab(form, VERSIONS)
        services_of = {"ngung": draft_services.retire_field, "hoi-lai": draft_services.bring_back_field}
        if verb not in services_of:
            raise NotFoundError
        try:
            with edge.transaction() as session:
                services_of[verb](session, _form(session, code, "edit"), key, by=edge.actor())
        except BusinessError as error:
            return refused_onto(address, error)
        if verb == "hoi-lai":
            return done(address, _("“%(field)s” is asked again once the draft is published.", field=label))
        told = _("Once the draft is published, nobody is asked “%(field)s” any more.", field=label)
        return done(address, told, undo=Undo(f"/bieu-mau/{code}/truong/{key}/hoi-lai"))


def _form(session: Session, code: str, action: str = "view") -> Form:
    return queries.form_for(session, code, edge.actor(), action)


def _rev_seen() -> int | None:
    """The draft that was looked at on the page. Raises InvalidInputError for what is none."""
    sent = request.form.get("rev", "")
    if sent and not (sent.isascii() and sent.isdigit() and len(sent) < 10):
        raise InvalidInputError
    return int(sent) if sent else None


def _drawn(session: Session, form: Form, key: str) -> dict[str, Any]:
    for one in queries.drawn_fields(queries.drawn_of(session, form)):
        if one["key"] == key:
            return one
    raise NotFoundError


def _tab(form: Form, key: str) -> str:
    return f"{links.form_path(form.id)}?tab={key}"


def _trail(form: Form, here: object) -> Any:
    return trail((_("Forms"), _LIST), (form.name, _tab(form, FIELDS)), here=here)


def _copy_page(form: Form, dialog: CopyDialog, *, status: int = 200) -> Any:
    return show("forms/copy.html", status, source=form, form=dialog, crumbs=_trail(form, _("Copy")))


def _new_page(dialog: NewDialog, *, status: int = 200) -> Any:
    return show("forms/new.html", status, form=dialog, crumbs=trail((_("Forms"), _LIST), here=_("New form")))


def _import_page(dialog: FileDialog, *, status: int = 200) -> Any:
    return show(
        "forms/import.html", status, form=dialog, crumbs=trail((_("Forms"), _LIST), here=_("Bring in a form")),
        size=rules.LARGEST_DEFINITION * 2 // 2**20,
    )  # fmt: skip


def _place(dialog: Any, error: InvalidInputError) -> None:
    """Sentences beside their fields; what is wrong inside of the file stands beside the file."""
    for key, told in error.fields.items():
        name = key if key in dialog else "file" if "file" in dialog else "name"
        dialog[name].errors = [*dialog[name].errors, *map(str, told)]
