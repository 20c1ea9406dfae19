"""Sign in, sign out, the first admin's set-up page; who works here, in which teams and roles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import flash, jsonify, redirect, render_template, request, session, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_babel import get_locale
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.core import edge, links, settings
from app.core.access import SYSTEM, Actor
from app.core.db import db, transaction
from app.core.errors import InvalidInputError, TooManyRequestsError
from app.core.i18n import DEFAULT_LANGUAGE, LANGUAGES, _
from app.core.pages import Page, page, page_number, refuse_nul_sent
from app.security import entrance, looking, queries, services
from app.security.dialogs import SetupForm, SignInForm
from app.security.member_screen import MemberScreen
from app.security.models import SignInKind
from app.security.role_screen import RoleScreen
from app.security.team_screen import TeamScreen

#: people or teams that a look-up brings at a time
CHOICES = 20


class AuthView(BaseView):
    """Signing in by page. Wrong passwords are counted; a signed-in browser is a row that can be ended."""

    route_base = ""

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        refuse_nul_sent()
        onward = edge.our_page(request.args.get("next"), "/")
        if edge.actor_or_none() is not None:
            return redirect(onward)
        form = SignInForm()
        status, problem = 200, None
        if form.validate_on_submit():
            try:
                token = entrance.sign_in(form.username.data or "", form.password.data or "", SignInKind.web)
            except (TooManyRequestsError, entrance.FirstPasswordExpiredError) as error:
                status, problem = error.status, error.message
            else:
                if token is not None:
                    edge.sign_in_cookie(token)
                    return redirect(onward)
                status, problem = 401, _("User name or password is not right.")
        company = settings.all_values(db.session())
        page = render_template(
            "signin.html", form=form, problem=problem, ended=None if problem else _why_signed_out(),
            company=company["company_name"], logo_url=links.logo_path(company["logo_file_id"]),
            languages=_language_links(),
        )  # fmt: skip
        return page, status

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Response:
        who = edge.actor_or_none()
        token = session.pop("token", None)
        if token:
            with transaction(who) as inside:
                looking.end_look(inside, token)
                services.sign_out(inside, token)
        session.clear()
        # The sign-in page goes on in the language in which he left; Vietnamese needs no word.
        spoken = who.language if who is not None and who.language != DEFAULT_LANGUAGE else None
        return redirect(url_for("AuthView.login", lang=spoken))

    @expose("/thiet-lap/<string:token>", methods=["GET", "POST"])
    def setup(self, token: str) -> Any:
        refuse_nul_sent()
        services.open_setup_link(db.session(), token)
        form = SetupForm()
        if form.validate_on_submit():
            password_hash = entrance.new_hash(form.password.data or "")
            try:
                with transaction(SYSTEM) as inside:
                    services.make_first_admin(
                        inside,
                        token,
                        company=form.company.data or "",
                        username=form.username.data or "",
                        family_name=form.family_name.data or "",
                        given_name=form.given_name.data or "",
                        email=form.email.data or "",
                        password_hash=password_hash,
                        language=str(get_locale()),
                    )
            except InvalidInputError as error:
                for key, told in error.fields.items():
                    form[key].errors = [str(sentence) for sentence in told]
            else:
                flash(str(_("Your company is ready. Please sign in.")), "success")
                return redirect(url_for("AuthView.login", lang=request.args.get("lang")))
        page = render_template("setup.html", form=form, languages=_language_links())
        return page, 422 if form.is_submitted() else 200


#: what whoever was signed in in this very browser is told; nobody else holds the token that is asked for
_WHY_ENDED = {
    "roles": _("Your rights were changed, so you were signed out. Sign in again to work with them."),
    "password": _("Your password was changed, so you were signed out. Sign in with the new one."),
    "by_owner": _("This session was ended from another of your devices."),
    "expired": _("Your session has expired. Sign in again."),
}
_ENDED = _("This session was ended. If you cannot sign in again, ask your company's administrator.")


def _why_signed_out() -> Any:
    token = session.get("token")
    why = services.why_ended(db.session(), token) if token else None
    return None if why is None else _WHY_ENDED.get(why, _ENDED)


def _language_links() -> list[dict[str, Any]]:
    """This same page in the other languages, with all that its address carries."""
    return [
        {"code": code, "label": label, "url": "?" + urlencode({**request.args.to_dict(), "lang": code}),
         "current": code == str(get_locale())}
        for code, label in LANGUAGES.items()
    ]  # fmt: skip


class PersonChoices(Page):
    """/chon/nguoi: people to choose from, where a filter of a list asks for one."""

    resource = "Member"
    route_base = "/chon/nguoi"
    default_view = "choose"

    @page("")
    def choose(self) -> Any:
        return _choices(queries.people_named)


class TeamChoices(Page):
    """/chon/bo-phan: the same with teams."""

    resource = "Team"
    route_base = "/chon/bo-phan"
    default_view = "choose"

    @page("")
    def choose(self) -> Any:
        return _choices(queries.teams_named)


def _choices(named: Callable[[Session, Actor, str], Sequence[queries.Choice]]) -> Response:
    """A page of those whose name has the typed words, accents or none."""
    text, start = request.args.get("q", "").strip()[:100], (page_number() - 1) * CHOICES
    found = named(db.session(), edge.actor(), text)[start : start + CHOICES + 1]
    results = [{"id": one.id, "text": one.name, "hint": one.hint} for one in found[:CHOICES]]
    return jsonify(results=results, more=len(found) > CHOICES)


# Each stands on the others' pages.
MemberScreen.related_views = [TeamScreen, RoleScreen]
TeamScreen.related_views = [MemberScreen, TeamScreen]
RoleScreen.related_views = [MemberScreen]
