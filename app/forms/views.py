"""The company's forms, as a list to look at, from where one gets to draw them (drawing/)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.core import edge, history, links
from app.core.access import Actor
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.i18n import _
from app.core.screens import Derived, Interface, Kind, Screen, action
from app.core.screens.records import NextAction
from app.forms import queries, services
from app.forms.models import Form, FormVersion, VersionState
from app.forms.versions.dialogs import PURPOSES
from app.forms.versions.told import called

_IN_USE = (
    select(FormVersion.number)
    .where(FormVersion.form_id == Form.id, FormVersion.state == VersionState.published)
    .correlate(Form)
)


class FormScreen(Screen):
    """/bieu-mau: every form with its code and when it was last changed."""

    resource = "Form"
    collection = "forms"
    comments = True
    datamodel = Interface(Form)
    empty_text = _("No form yet. Once one is made, it stands here with all its versions.")
    list_template = "forms/list.html"
    route_base = "/bieu-mau"
    list_title = _("Forms")
    show_title = _("Form")
    list_columns = ["name", "purpose", "version", "code", "updated_at"]
    show_columns = ["name", "purpose", "version", "code", "created_at", "updated_at"]
    order_columns = ["name", "code", "updated_at"]
    search_columns = ["name", "code", "updated_at"]
    base_order = ("name", "asc")
    derived: ClassVar[Mapping[str, Derived]] = {
        "version": Derived(Kind.number, _IN_USE.scalar_subquery(), show=lambda number: f"v{number}" if number else "—"),
    }  # fmt: skip
    history_events: ClassVar[Mapping[str, Any]] = {"form.published": _("Published")}
    choice_labels: ClassVar[Mapping[str, Mapping[Any, Any]]] = {"purpose": PURPOSES}
    label_columns = {
        "name": _("Name"), "code": _("Code"), "created_at": _("Created"), "updated_at": _("Changed"),
        "purpose": _("What for"), "version": _("Version in use"),
    }  # fmt: skip

    def history_subjects(self, item: Form, who: Actor) -> list[history.Subject]:
        """With each publication, and the version it made."""
        own, *others = super().history_subjects(item, who)
        return [replace(own, event_lines=_published_told), *others]

    def state(self, item: Form) -> tuple[str, Any] | None:
        if item.archived_at is not None:
            return super().state(item)
        return ("soon", _("Draft")) if item.active_version is None else ("ok", _("In use"))

    def _may(self, who: Actor) -> dict[str, bool]:
        return {**super()._may(who), "create": who.is_himself and who.may("add", self.resource)}

    def next_action(self, item: Form, who: Actor) -> NextAction | None:
        may_draw = item.archived_at is None and queries.may_with(db.session(), item, who, "edit")
        return NextAction(_("Draw the form"), links.form_drawing_path(item.code), "pencil") if may_draw else None

    def search(self, rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(Form.name.icontains(text, autoescape=True) | Form.code.icontains(text, autoescape=True))

    def hinders_of(self, session: Session, name: str, items: Sequence[Form]) -> Mapping[int, Any]:
        return services.form_hindrances(session, items, edge.actor()) if name == "archive" else {}

    @action(
        "archive", _("Retire"), right="delete", done=_("%(rows)s retired"), undo="restore", icon="archive",
        confirmation=_("It takes no more answers. Those that were given stay readable."),
    )  # fmt: skip
    def archive(self, session: Session, item: Form, *, by: Actor) -> None:
        services.retire_form(session, item, by=by)

    @action("restore", _("Use again"), right="delete", done=_("%(rows)s in use again"), icon="refresh")
    def restore(self, session: Session, item: Form, *, by: Actor) -> None:
        services.bring_back_form(session, item, by=by)


def _published_told(event: AuditEvent) -> Iterator[history.Line]:
    number, edition = event.changes.get("version"), event.changes.get("edition")
    if isinstance(number, int) and isinstance(edition, int):
        yield history.Line(_("Version in use"), None, called(number, edition))
