"""What does one type to make a team or to change it?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select
from wtforms import BooleanField, Field, StringField
from wtforms.validators import Optional, ValidationError

from app.core import edge
from app.core.db import db
from app.core.i18n import _
from app.core.screens import Lookup
from app.core.screens.fields import Longest, needed, tidy_line, without_nul
from app.security import queries, teams
from app.security.models import Member, Team

_INPUT = {"class": "form-control", "autocomplete": "off"}
#: people or teams that words of a name can mean
_MOST_FOUND = 500


def _find_teams(rows: Select[Any], text: str) -> Select[Any]:
    if text:
        found = queries.teams_named(db.session(), edge.actor(), text)[:_MOST_FOUND]
        rows = rows.where(Team.id.in_([one.id for one in found]))
    return rows.order_by(Team.sort_key, Team.id)


def _find_people(rows: Select[Any], text: str) -> Select[Any]:
    if text:
        found = queries.people_named(db.session(), edge.actor(), text)[:_MOST_FOUND]
        rows = rows.where(Member.id.in_([one.id for one in found]))
    return rows.where(Member.deactivated_at.is_(None)).order_by(Member.sort_key, Member.id)


def _is_code(_form: Any, field: Field) -> None:
    why = teams.code_problem(db.session(), field.data)
    if why is not None:
        raise ValidationError(str(why))


LOOKUPS = {
    "parent": Lookup(_find_teams, lambda team: team.code),
    "head": Lookup(_find_people, lambda member: member.title or ""),
}

FIELDS = {
    "name": StringField(
        _("Name"), [needed(_("Name")), without_nul, Longest(teams.LONGEST_NAME)], render_kw=dict(_INPUT),
        filters=[tidy_line], description=_("As people call it. Example: Chăm sóc khách hàng"),
    ),
    "code": StringField(
        _("Code"), [Optional(), without_nul, Longest(teams.LONGEST_CODE), _is_code],
        render_kw={**_INPUT, "autocapitalize": "none", "spellcheck": "false", "data-username": "/bo-phan/ma",
                   "data-made-from": "name"},
        filters=[tidy_line],
        description=_("Processes and programs name the team by it, so it never changes later. Left empty, it is made"
                      " from the name."),
    ),
    "head_joins": BooleanField(
        _("Put the head into the team"), render_kw={"class": "form-check-input"},
        description=_("A head belongs to the team. Tick this when the person is not in it yet."),
    ),
}  # fmt: skip


def typed(form: Any) -> teams.TeamValues:
    """What the form holds, as app.security.teams takes it."""
    return {
        "name": form["name"].data or "", "parent": form["parent"].data, "head": form["head"].data,
        "head_joins": bool(form["head_joins"].data),
    }  # fmt: skip
