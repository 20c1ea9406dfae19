"""What stands in the tabs of a form's page? Its fields, and its versions with what is different in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core import history
from app.core.access import Actor, get_visible
from app.core.errors import Sentence
from app.core.i18n import _
from app.forms import queries
from app.forms.fields import TYPES
from app.forms.fields.shared import PERSONAL
from app.forms.models import Form, FormPurpose, FormVersion, VersionState
from app.forms.versions.told import told_versions
from app.forms.words import say

FIELDS, VERSIONS = "truong", "phien-ban"
#: what the answers tell about a person, where they tell something
_PERSONAL = {code: label for code, label in PERSONAL if code != "none"}
STATES: Mapping[VersionState, tuple[str, Sentence]] = {
    VersionState.draft: ("soon", _("Draft")),
    VersionState.published: ("ok", _("In use")),
    VersionState.archived: ("archived", _("Replaced")),
}


class FormPart:
    """A tab on the page of a form."""

    key: str
    label: Sentence
    template: str

    def is_for(self, resource: str, who: Actor) -> bool:
        return resource == "Form" and who.may("view", "Form")

    def count(self, session: Session, resource: str, record_id: int, who: Actor) -> int | None:
        return None

    def counting(self, resource: str, record_id: int, who: Actor) -> Any:
        return None


class FieldsPart(FormPart):
    """What is drawn now: the draft for whoever may draw, else what is published."""

    key = FIELDS
    label = _("Fields")
    template = "forms/_fields.html"

    def context(self, session: Session, resource: str, record_id: int, who: Actor) -> dict[str, Any]:
        form = get_visible(session, Form, record_id, who)
        may_edit = queries.may_with(session, form, who, "edit")
        published, drawn = queries.published_version(session, form.code), queries.drawn_for(session, form, who)
        return {
            "fields": [_field(form, one, may_edit) for one in queries.drawn_fields(drawn)],
            "is_draft": may_edit and queries.draft_of(session, form) is not None,
            "answers_url": f"/bieu-mau/{form.code}/phieu" if _is_answered(form, published, who) else "",
        }


class VersionsPart(FormPart):
    """The newest first, each with what is different in it."""

    key = VERSIONS
    label = _("Versions")
    template = "forms/_versions.html"

    def context(self, session: Session, resource: str, record_id: int, who: Actor) -> dict[str, Any]:
        form = get_visible(session, Form, record_id, who)
        told = told_versions(session, form, who)
        names = history.names_of_people(session, {one.version.published_by_id for one in told})
        path = f"/bieu-mau/{form.code}"
        may_publish = who.is_himself and queries.may_with(session, form, who, "approve")
        return {
            "versions": [
                {"told": one, "state": STATES[one.version.state],
                 "by": names.get(one.version.published_by_id or 0, ""),
                 "is_draft": one.version.state is VersionState.draft}
                for one in told
            ],
            "publish_url": f"{path}/phat-hanh" if may_publish else "",
            "copy_url": f"{path}/sao-chep" if who.is_himself and who.may("add", "Form") else "",
            "import_url": "/bieu-mau/nhap" if who.is_himself and who.may("add", "Form") else "",
            "export_url": f"{path}/bieu-mau.json" if queries.may_with(session, form, who, "export") else "",
        }  # fmt: skip


def _is_answered(form: Form, published: FormVersion | None, who: Actor) -> bool:
    """Is there a list of its answers, and may he look at it?"""
    return published is not None and form.purpose is FormPurpose.answers and who.may("view", "Submission")


def _field(form: Form, one: Mapping[str, Any], may_edit: bool) -> dict[str, Any]:
    kind = TYPES.get(str(one.get("type")))
    return {
        "label": say(one.get("label")) or one["key"],
        "key": one["key"],
        "type": kind.label if kind else one.get("type", ""),
        "is_required": one.get("required") is True,
        "is_retired": one.get("retired") is True,
        "personal": _PERSONAL.get(str(one.get("personal_data")), ""),
        "url": f"/bieu-mau/{form.code}/truong/{one['key']}" if may_edit else "",
    }
