"""Sign in, sign out, the first admin's set-up page; who works here, in which teams."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask_appbuilder.baseviews import BaseView, expose
from sqlalchemy import Select
from werkzeug.wrappers import Response

from app.core import edge, settings
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.errors import TooManyRequestsError
from app.core.i18n import _
from app.core.pages import refuse_nul_sent
from app.core.screens import Interface, Screen
from app.security import services
from app.security.dialogs import SetupForm, SignInForm
from app.security.entrance import sign_in
from app.security.models import Member, SignInKind, Team


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
                token = sign_in(form.username.data or "", form.password.data or "", SignInKind.web)
            except TooManyRequestsError as error:
                status, problem = 429, error.message
            else:
                if token is not None:
                    edge.sign_in_cookie(token)
                    return redirect(onward)
                status, problem = 401, _("User name or password is not right.")
        company = settings.get(db.session(), "company_name")
        return render_template("signin.html", form=form, problem=problem, company=company), status

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Response:
        who = edge.actor_or_none()
        token = session.pop("token", None)
        if token:
            with transaction(who) as inside:
                services.sign_out(inside, token)
        session.clear()
        return redirect(url_for("AuthView.login"))

    @expose("/thiet-lap/<string:token>", methods=["GET", "POST"])
    def setup(self, token: str) -> Any:
        refuse_nul_sent()
        services.open_setup_link(db.session(), token)
        form = SetupForm()
        if form.validate_on_submit():
            password_hash = services.hash_password(
                form.password.data or "", current_app.config.get("FAB_PASSWORD_HASH_METHOD", "scrypt")
            )
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
                )
            flash(str(_("Your company is ready. Please sign in.")), "success")
            return redirect(url_for("AuthView.login"))
        return render_template("setup.html", form=form), 422 if form.is_submitted() else 200


class MemberScreen(Screen):
    """/nhan-su: who works here."""

    resource = "Member"
    datamodel = Interface(Member)
    empty_text = _("Nobody works here yet. Colleagues stand here as soon as they can sign in.")
    empty_art = "people"
    route_base = "/nhan-su"
    list_title = _("Members")
    show_title = _("Member")
    list_columns = ["name", "title", "user.username", "user.email", "user.active"]
    show_columns = ["name", "title", "user.username", "user.email", "phone", "user.active"]
    order_columns = ["name", "title"]
    search_columns = ["name", "title"]
    order_keys = {"name": Member.sort_key}
    base_order = ("name", "asc")
    label_columns = {
        "name": _("Name"),
        "title": _("Title"),
        "user.username": _("User name"),
        "user.email": _("E-mail"),
        "user.active": _("May sign in"),
        "phone": _("Phone number"),
    }

    def search(self, rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(Member.name.icontains(text, autoescape=True))


class TeamScreen(Screen):
    """/bo-phan: the teams with their heads."""

    resource = "Team"
    datamodel = Interface(Team)
    empty_text = _("No team yet. Work is offered to teams, so that anyone of them can take it.")
    empty_art = "people"
    route_base = "/bo-phan"
    list_title = _("Teams")
    show_title = _("Team")
    list_columns = ["name", "code", "head.name", "parent.name"]
    show_columns = ["name", "code", "head.name", "parent.name"]
    order_columns = ["name", "code"]
    search_columns = ["name", "code"]
    order_keys = {"name": Team.sort_key}
    base_order = ("name", "asc")
    eager = (Team.head, Team.parent)
    label_columns = {"name": _("Name"), "code": _("Code"), "head.name": _("Head"), "parent.name": _("Belongs to")}

    def search(self, rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(Team.name.icontains(text, autoescape=True) | Team.code.icontains(text, autoescape=True))
