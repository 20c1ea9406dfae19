"""Sign in, sign out, and the first admin's set-up page."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.utils.base import get_safe_redirect
from werkzeug.wrappers import Response

from app.core import edge, settings
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.errors import TooManyRequestsError
from app.core.i18n import _
from app.security import services
from app.security.dialogs import SetupForm, SignInForm
from app.security.entrance import sign_in
from app.security.models import SignInKind


class AuthView(BaseView):
    """Signing in by page. Wrong passwords are counted; a signed-in browser is a row that can be ended."""

    route_base = ""

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        onward = get_safe_redirect(request.args.get("next", "")) or "/"
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
        token = session.pop("token", None)
        if token:
            who = edge.actor_or_none()
            with transaction(who) as inside:
                services.sign_out(inside, token)
        session.clear()
        return redirect(url_for("AuthView.login"))

    @expose("/thiet-lap/<string:token>", methods=["GET", "POST"])
    def setup(self, token: str) -> Any:
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
            flash(_("Your company is ready. Please sign in."), "success")
            return redirect(url_for("AuthView.login"))
        return render_template("setup.html", form=form), 422 if form.is_submitted() else 200
