"""How does a new colleague come in: by an invitation, or by a first password that he has to change at once?"""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, render_template, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_login import current_user
from werkzeug.wrappers import Response

from app.core import edge, settings
from app.core.db import db, transaction
from app.core.i18n import _, in_language
from app.core.pages import done, refuse_nul_sent
from app.security import admission, entrance, queries
from app.security.dialogs import OwnPasswordForm
from app.security.models import Member

#: what is open to somebody who has not made his own password yet
_OPEN = frozenset({"ArrivalView.password", "AuthView.login", "AuthView.logout", "AccountPages.language"})
_OPEN_TO_ALL = ("static", "health.", "LogoView.", "ArrivalView.invitation", "OpenApi.", "OpenFormView.")


class ArrivalView(BaseView):
    """/loi-moi: from an invitation to a password; /mat-khau-moi: from a first password to one's own."""

    route_base = ""

    @expose("/loi-moi/<string:token>", methods=["GET", "POST"])
    def invitation(self, token: str) -> Any:
        refuse_nul_sent()
        try:
            return self._arrive(token)
        except admission.AlreadyInError as refusal:
            return render_template("security/invitation_used.html", told=refusal.message, menu=None), refusal.status

    def _arrive(self, token: str) -> Any:
        reading = db.session()
        member = admission.open_invitation(reading, token).member
        with in_language(member.language):
            form = OwnPasswordForm(username=member.username)
            if not form.validate_on_submit():
                return self._page("security/invitation.html", form, member)
            password_hash = entrance.new_hash(form.password.data or "")
            who = queries.actor_of(reading, member, address=request.remote_addr)
            with transaction(who) as inside:
                member = admission.accept_invitation(inside, token, password_hash=password_hash)
                signed_in = entrance.open_session(inside, member)
            edge.sign_in_cookie(signed_in)
            return done("/", _("Welcome. From now on you sign in with your own password."))

    @expose("/mat-khau-moi", methods=["GET", "POST"])
    def password(self) -> Any:
        refuse_nul_sent()
        who = edge.actor()
        member = db.session().get_one(Member, who.user_id)
        if not member.must_change_password:
            return redirect("/tai-khoan/")
        form = OwnPasswordForm(username=member.username)
        if not form.validate_on_submit():
            return self._page("security/own_password.html", form, member)
        token = entrance.choose_own_password(form.password.data or "")
        if token is None:
            form.password.errors = [str(_("This is the password that you were given. Make one of your own."))]
            return self._page("security/own_password.html", form, member)
        edge.sign_in_cookie(token)
        return done("/", _("Welcome. From now on you sign in with your own password."))

    @staticmethod
    def _page(template: str, form: OwnPasswordForm, member: Member) -> tuple[str, int]:
        """In the bare frame: whoever stands here is not inside yet."""
        told = {"form": form, "member": member, "company": settings.get(db.session(), "company_name"), "menu": None}
        return render_template(template, **told), 422 if form.is_submitted() else 200


def install(app: Flask) -> None:
    """Nobody sees anything with a password that somebody else knows."""
    app.before_request(_send_to_the_password)


def _send_to_the_password() -> Response | None:
    endpoint = request.endpoint or ""
    if endpoint in _OPEN or endpoint.startswith(_OPEN_TO_ALL) or endpoint.endswith(".static"):
        return None
    who = edge.actor_or_none()
    if who is None or who.real_user_id is not None or not current_user.member.must_change_password:
        return None
    if edge.is_api():
        raise entrance.PasswordToChangeError
    return redirect(url_for("ArrivalView.password"))
