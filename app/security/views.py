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
from app.security import queries, services
from app.security.dialogs import SetupForm, SignInForm
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
                token = sign_in(form.username.data, form.password.data, SignInKind.web)
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
            password_hash = services.hash_password(form.password.data, current_app.config["FAB_PASSWORD_HASH_METHOD"])
            with transaction(SYSTEM) as inside:
                services.make_first_admin(
                    inside, token,
                    company=form.company.data, username=form.username.data, family_name=form.family_name.data,
                    given_name=form.given_name.data, email=form.email.data, password_hash=password_hash,
                )  # fmt: skip
            flash(_("Your company is ready. Please sign in."), "success")
            return redirect(url_for("AuthView.login"))
        return render_template("setup.html", form=form), 422 if form.is_submitted() else 200


def sign_in(name: str, password: str, kind: SignInKind) -> str | None:
    """The new session's token, or None when name and password do not match. Raises TooManyRequestsError.

    The slow comparison of the password happens outside any transaction.
    """
    address = request.remote_addr or "-"
    reading = db.session()
    services.refuse_when_throttled(reading, address=address, name=name)
    member = None if "\0" in name else queries.member_signing_in(reading, name)
    matches = services.matches_password(member, password)
    with transaction(None if member is None or not matches else queries.actor_of(reading, member, address=address)) as inside:
        # Counted again inside: parallel guesses do not get more tries than one after the other.
        services.refuse_when_throttled(inside, address=address, name=name)
        if not matches or member is None:
            services.record_failure(inside, address=address, name=name)
            return None
        return services.sign_in(inside, member, kind=kind, address=address, agent=request.user_agent.string)
