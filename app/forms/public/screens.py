"""/phieu-ngoai: what came in from outside: what waits for somebody to look at it, and what became of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import get_template_attribute
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import edge, links
from app.core.access import Actor, get_visible
from app.core.db import db
from app.core.i18n import _
from app.core.screens import Derived, Interface, Kind, Preset, Screen, action
from app.core.screens.records import NextAction
from app.forms.displays import ShownAnswer, display
from app.forms.fields.base import Context
from app.forms.models import Form, FormVersion
from app.forms.public import rules, services
from app.forms.public.models import EntryState, PublicEntry
from app.forms.queries import context_for, definition_of
from app.forms.reading import is_seen
from app.forms.words import say
from app.security import columns as people_columns

PATH = "/phieu-ngoai"
CHOOSE = "nhan"
STATES: Mapping[EntryState, tuple[str, Any]] = {
    EntryState.received: ("brand", _("On its way")),
    EntryState.held: ("soon", _("To be looked at")),
    EntryState.taken: ("ok", _("Taken in")),
    EntryState.refused: ("archived", _("Refused")),
}
_form = (
    select(Form.name).join(FormVersion, FormVersion.form_id == Form.id)
    .where(FormVersion.id == PublicEntry.form_version_id).correlate(PublicEntry).scalar_subquery()
)  # fmt: skip


def _state(state: EntryState | str | None) -> Any:
    if state is None:
        return ""
    kind, label = STATES[EntryState(state)]
    return get_template_attribute("_parts/ui.html", "status")(kind, label)


def _reasons(codes: list[str] | None) -> str:
    return " ".join(str(rules.REASONS[code]) for code in codes or () if code in rules.REASONS)


class PublicEntryScreen(Screen):
    """Nothing is typed here: it is taken in or refused."""

    resource = "PublicEntry"
    collection = "public-entries"
    datamodel = Interface(PublicEntry)
    route_base = PATH
    list_title = _("Answers from outside")
    show_title = _("Answer from outside")
    empty_text = _("Nothing waits here. What is sent through a public form and looks odd stands here first.")
    title_column = "created_at"
    panel_template = "forms/public/panel.html"
    list_columns = ["created_at", "form", "state", "reasons", "came_from", "campaign"]
    more_columns = ["medium", "seconds", "team"]
    show_columns = ["state", "created_at", "reasons", "came_from", "campaign", "medium", "seconds"]
    order_columns = ["created_at", "form", "state", "came_from", "campaign"]
    search_columns = ["created_at", "form", "state", "came_from", "campaign", "medium", "seconds", "team"]
    order_keys = {"created_at": PublicEntry.id}
    base_order = ("created_at", "desc")
    presets = (
        Preset(_("To be looked at"), "state = 'held'"),
        Preset(_("Taken in"), "state = 'taken'"),
        Preset(_("Refused"), "state = 'refused'"),
        Preset(_("All")),
    )
    derived = {
        "form": Derived(Kind.text, _form),
        "state": Derived(Kind.choice, PublicEntry.state, show=_state),
        "team": people_columns.team(PublicEntry.team_id),
    }
    choice_labels: ClassVar[Mapping[str, Mapping[Any, Any]]] = {
        "state": {state: label for state, (_kind, label) in STATES.items()}
    }
    formatters_columns: ClassVar[Mapping[str, Any]] = {"reasons": _reasons}
    label_columns = {
        "created_at": _("Came in"),
        "form": _("Form"),
        "state": _("State"),
        "reasons": _("Why it waits"),
        "came_from": _("From the site"),
        "campaign": _("Campaign"),
        "medium": _("Medium"),
        "seconds": _("Seconds on the page"),
        "team": _("Team"),
    }

    def row_title(self, item: PublicEntry) -> str:
        return str(_("%(form)s, no. %(number)d", form=item.version.form.name, number=item.id))

    def next_action(self, item: PublicEntry, who: Actor) -> NextAction | None:
        if item.state is EntryState.held and who.is_himself and who.may("approve", self.resource):
            return NextAction(_("Take in for a customer"), f"{PATH}/{item.id}/{CHOOSE}", "users")
        if item.submission_id is None:
            return None
        return NextAction(_("Open the submission"), links.submission_path(item.submission_id), "file-text")

    def answers_to(self, item: PublicEntry) -> list[ShownAnswer]:
        """What was written, for the panel."""
        return answers_of(item, context_for(db.session(), edge.actor()))

    def hinders_of(self, session: Session, name: str, items: Any) -> Mapping[int, Any]:
        wanted = EntryState.refused if name == "put_back" else EntryState.held
        return {one.id: services.NotWaitingError.message for one in items if one.state is not wanted}

    @action("accept", _("Take in"), right="approve", done=_("%(rows)s taken in"), icon="check")
    def accept(self, session: Session, item: PublicEntry, *, by: Actor) -> None:
        services.accept(session, item.id, by=by)

    @action(
        "refuse", _("Refuse"), right="approve", done=_("%(rows)s refused"), undo="put_back", icon="x",
        confirmation=_("It becomes no submission, and is gone for good after 30 days."),
    )  # fmt: skip
    def refuse(self, session: Session, item: PublicEntry, *, by: Actor) -> None:
        services.refuse(session, item.id, by=by)

    @action("put_back", _("Look at it again"), right="approve", done=_("%(rows)s waits again"), icon="refresh")
    def put_back(self, session: Session, item: PublicEntry, *, by: Actor) -> None:
        services.put_back(session, item.id, by=by)


class AnswersPart:
    """What was answered, on the page of what came in."""

    key = "tra-loi"
    label = _("Answers")
    template = "forms/public/_answers.html"

    def is_for(self, resource: str, who: Actor) -> bool:
        return resource == "PublicEntry"

    def count(self, session: Session, resource: str, record_id: int, who: Actor) -> int | None:
        return None

    def counting(self, resource: str, record_id: int, who: Actor) -> Any:
        return None

    def context(self, session: Session, resource: str, record_id: int, who: Actor) -> dict[str, Any]:
        entry = get_visible(session, PublicEntry, record_id, who)
        days = rules.HELD_LASTS.days if entry.state is EntryState.held else None
        return {"answers": answers_of(entry, context_for(session, who)), "days": days}


def answers_of(entry: PublicEntry, context: Context) -> list[ShownAnswer]:
    """What was answered, as this person reads it."""
    return [
        ShownAnswer(say(one.spec.label), display(one, value, context))
        for one in definition_of(entry.version).fields
        if one.type.has_answer and (value := entry.answers.get(one.key)) is not None and is_seen(one, context)
    ]
