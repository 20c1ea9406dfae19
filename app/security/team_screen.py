"""/bo-phan: which teams are there, who heads them, who is in them, and how do they hang together?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import jsonify, request, url_for
from sqlalchemy import Select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.core import edge, settings
from app.core.access import Actor, get_visible
from app.core.db import db, refuse_nul, row_id
from app.core.errors import BadRequestError, BusinessError, NotAllowedError, NotFoundError
from app.core.i18n import _
from app.core.pages import Undo, done, page_number, refused_onto, trail
from app.core.screens import Derived, Interface, Kind, Screen, action, route
from app.core.screens.records import Opened
from app.core.screens.saving import saving
from app.security import chart, columns, queries, services, teams
from app.security import team_queries as hanging
from app.security.cells import drawn
from app.security.models import Member, Team
from app.security.team_dialogs import FIELDS, LOOKUPS, typed

#: people that a look-up brings at a time
CHOICES = 20
#: the list of people who are in no team
_OUTSIDE = "/nhan-su/list/?" + urlencode({"view": "0", "where": "memberships empty and standing != 'gone'"})
#: what one click does with somebody in a team
_PUT, _TAKE, _MAIN = "them", "bo", "chinh"


class TeamScreen(Screen):
    """The list, the forms, the page with its people, and the picture of all teams."""

    resource = "Team"
    collection = "teams"
    datamodel = Interface(Team)
    empty_text = _("No team yet. Work is offered to teams, so that anyone of them can take it.")
    empty_art = "people"
    route_base = "/bo-phan"
    list_title = _("Teams")
    show_title = _("Team")
    add_title = _("New team")
    edit_title = _("Change team")
    list_template = "security/teams.html"
    show_template = "security/team.html"
    add_template = edit_template = "security/team_form.html"
    list_columns = ["name", "head", "parent.name", "code"]
    show_columns = ["head", "parent.name", "code"]
    add_columns = ["name", "code", "parent", "head", "head_joins"]
    edit_columns = ["name", "parent", "head", "head_joins"]
    form_fields = FIELDS
    lookups = LOOKUPS
    description_columns = {
        "parent": _("The team above it. Whoever heads that one reaches this one too. Left empty, it stands on top."),
        "head": _("Approves and assigns for the team and for all below it."),
    }
    order_columns = ["name", "code"]
    search_columns = ["name", "code", "head"]
    derived = {
        "name": Derived(Kind.text, Team.name, order=Team.sort_key),
        "head": replace(columns.person(Team.head_id), show=lambda name: drawn("who", {"name": name}) if name else ""),
    }
    base_order = ("name", "asc")
    related_by = {"MemberScreen": lambda team: Member.id.in_(queries.people_in(team.id)), "TeamScreen": "parent"}
    related_titles = {"TeamScreen": _("Sub-teams")}
    label_columns = {
        "name": _("Name"),
        "code": _("Code"),
        "head": _("Head"),
        "parent": _("Belongs to"),
        "parent.name": _("Belongs to"),
        "head_joins": _("Put the head into the team"),
    }

    def hinders_of(self, session: Session, name: str, items: Sequence[Team]) -> Mapping[int, Any]:
        return services.team_hindrances(session, items, edge.actor()) if name == "archive" else {}

    @action(
        "archive", _("Archive"), right="delete", done=_("%(rows)s archived"), undo="restore", icon="archive",
        confirmation=_("What the team did stays. It takes no more people and work."),
    )  # fmt: skip
    def archive(self, session: Session, item: Team, *, by: Actor) -> None:
        services.archive_team(session, item, by=by)

    @action("restore", _("Restore"), right="delete", done=_("%(rows)s restored"), icon="refresh")
    def restore(self, session: Session, item: Team, *, by: Actor) -> None:
        services.restore_team(session, item, by=by)

    def search(self, rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(Team.name.icontains(text, autoescape=True) | Team.code.icontains(text, autoescape=True))

    # ── added and changed ──
    def prefill(self, form: Any) -> None:
        """?parent=12: a team below that one. A new team is empty: its head comes into it."""
        form.head_joins.data = True
        above = request.args.get("parent", "")
        if above:
            form.parent.data = get_visible(db.session(), Team, row_id(above), edge.actor())

    def create(self, session: Session, form: Any, *, by: Actor) -> Team:
        return teams.add_team(session, by=by, code=form.code.data or "", **typed(form))

    def change(self, session: Session, item: Team, form: Any, *, by: Actor) -> None:
        teams.change_team(session, item, by=by, rev=item.rev, **typed(form))

    @route("/ma", right="view")
    def code(self) -> Response:
        """Which code a team of this name could have, or why a typed one will not do; for the form."""
        if not edge.actor().may("add", self.resource):
            raise NotAllowedError
        asked = {name: request.args.get(name, "")[:200] for name in ("name", "typed")}
        refuse_nul(*asked.values())
        session, wanted = db.session(), asked["typed"].strip()
        if not wanted:
            return jsonify(made=teams.suggested_code(session, asked["name"]), problem="")
        return jsonify(made=wanted, problem=str(teams.code_problem(session, wanted) or ""))

    # ── its people ──
    def _head(self, item: Team, who: Actor) -> dict[str, Any]:
        """With the open work of the team in numbers, and whether he may say who is in it."""
        told = super()._head(item, who)
        may_change = item.archived_at is None and "edit" in self._rights_over(item, who)
        return {
            **told,
            "may_change": may_change,
            "open_work": hanging.open_work(db.session(), item, who),
            "add_below": url_for(f"{self.endpoint}.add", parent=item.id)
            if item.archived_at is None and who.may("add", self.resource) else None,
        }  # fmt: skip

    def _related(self, view: Any, label: Any, item: Any, who: Actor) -> Opened:
        opened = super()._related(view, label, item, who)
        if view.endpoint != "MemberScreen":
            return opened
        shown = [row.id for row in opened.values["page"].rows]
        main = hanging.standing_in(db.session(), item.id, shown)
        return Opened("security/_team_people.html", {**opened.values, "main": main})

    @route("/nguoi/<pk>", right="edit")
    def joinable(self, pk: str) -> Response:
        """Colleagues who are not in the team yet."""
        key, text = row_id(pk), request.args.get("q", "").strip()
        get_visible(db.session(), Team, key, edge.actor(), "edit")
        refuse_nul(text)
        if len(text) > 100 or set(request.args) - {"q", "page"}:
            raise BadRequestError
        start = (page_number() - 1) * CHOICES
        found = hanging.joinable(db.session(), edge.actor(), text, key)[start : start + CHOICES + 1]
        results = [{"id": one, "text": name, "hint": hint} for one, name, hint in found[:CHOICES]]
        return jsonify(results=results, more=len(found) > CHOICES)

    @route("/nguoi/<pk>", right="edit", methods=("POST",))
    def join(self, pk: str) -> Response:
        """Put the person into the team who was chosen in the look-up."""
        chosen = request.form.get("member", "").strip()
        if not chosen:
            return refused_onto(self._people_url(row_id(pk)), BusinessError(_("Choose somebody first.")))
        return self._placed(row_id(pk), row_id(chosen), _PUT)

    @route("/nguoi/<pk>/<member_id>/<string:verb>", right="edit", methods=("POST",))
    def place(self, pk: str, member_id: str, verb: str) -> Response:
        """Into the team, out of it, or its main team for him; each can be taken back by the button of the message."""
        if verb not in (_PUT, _TAKE, _MAIN):
            raise NotFoundError
        return self._placed(row_id(pk), row_id(member_id), verb)

    def _placed(self, team_id: int, member_id: int, verb: str) -> Response:
        who = edge.actor()
        back = self._back(self._people_url(team_id))
        undo: Undo | None = None
        try:
            with saving() as session:
                team = self._locked(session, team_id, who, "edit")
                member = get_visible(session, Member, member_id, who)
                if verb == _PUT:
                    teams.add_person(session, team, member, by=who, primary="main" in request.args)
                    told = _("%(name)s is in the team now.", name=member.name)
                    undo = self._undo(team_id, member_id, _TAKE)
                elif verb == _TAKE:
                    was_main = teams.remove_person(session, team, member, by=who)
                    told = _("%(name)s is no longer in the team.", name=member.name)
                    undo = self._undo(team_id, member_id, _PUT, main="1" if was_main else None)
                else:
                    before = teams.make_primary(session, team, member, by=who)
                    told = _("%(team)s is the main team of %(name)s now.", team=team.name, name=member.name)
                    undo = self._undo(before.id, member_id, _MAIN) if before is not None else None
        except NotFoundError:
            raise
        except BusinessError as refusal:
            return refused_onto(back, refusal)
        return done(back, told, undo=undo)

    def _undo(self, team_id: int, member_id: int, verb: str, main: str | None = None) -> Undo:
        return Undo(url_for(f"{self.endpoint}.place", pk=team_id, member_id=member_id, verb=verb, main=main))

    def _people_url(self, team_id: int) -> str:
        return url_for(f"{self.endpoint}.show", pk=team_id)

    # ── the picture ──
    @route("/so-do", right="view")
    def picture(self) -> Any:
        """All teams as a picture, and the same as a list."""
        session, who = db.session(), edge.actor()
        tops = hanging.forest(session, who)
        everybody, outside = hanging.headcount(session, who)
        if tops and outside:
            tops.append(hanging.Node(chart.OUTSIDE, "", str(_("In no team yet")), "", outside))
        company = settings.all_values(session)["company_name"]
        return self.render_template(
            "security/chart.html", title=_("Organisation chart"), listed=hanging.in_reading_order(tops),
            company=company, everybody=everybody, outside=_OUTSIDE, size=chart.BOX,
            picture=chart.draw(company, everybody, tops), add=url_for(f"{self.endpoint}.add"),
            may_add=who.may("add", self.resource),
            crumbs=trail((self.list_title, self._list_url()), here=_("Organisation chart")),
        )  # fmt: skip
