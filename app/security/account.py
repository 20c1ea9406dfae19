"""/tai-khoan: what can a person see and change of his own account, and where is he signed in?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request
from flask import session as cookie
from werkzeug.wrappers import Response

from app.core import clock, edge
from app.core.access import get_visible
from app.core.db import db, row_id
from app.core.errors import ConflictError, InvalidInputError, TooManyRequestsError
from app.core.i18n import LANGUAGES, _, in_language, ngettext
from app.core.pages import Page, done, page, show, trail
from app.core.vietnamese import show_phone
from app.security import entrance, queries, rules, services
from app.security.dialogs import PasswordForm, ProfileForm
from app.security.models import Member, SignIn, SignInKind
from app.security.role_names import role_label

HERE = "/tai-khoan/"


@dataclass(frozen=True)
class Device:
    """One browser or program in which the person is signed in."""

    id: int
    words: Any
    icon: str
    address: str
    since: datetime
    until: datetime
    is_this: bool


class AccountPages(Page):
    """One's own account: nobody sees another's, whatever his role."""

    resource = "Member"
    route_base = "/tai-khoan"
    is_private = True

    @page("/", right=None)
    def index(self) -> Any:
        return _page()

    @page("/ho-so", "POST", right=None)
    def profile(self) -> Any:
        form = _profile_form(_me())
        if not form.validate():
            return _page(profile=form, status=422)
        try:
            with edge.transaction() as inside:
                member = inside.get_one(Member, edge.actor().user_id)
                if form.rev.data != member.rev:
                    raise ConflictError
                services.change_profile(
                    inside, member, family_name=form.family_name.data or "", given_name=form.given_name.data or "",
                    phone=form.phone.data or None, language=form.language.data, time_zone=form.time_zone.data,
                    signature=form.signature.data,
                )  # fmt: skip
        except InvalidInputError as error:
            for key, told in error.fields.items():
                form[key].errors = [str(sentence) for sentence in told]
            return _page(profile=form, status=422)
        except ConflictError as error:
            form.rev.raw_data, form.rev.data = None, _me().rev
            form.form_errors.append(str(_("Your account was changed elsewhere. Look through it and save once more.")))
            return _page(profile=form, status=error.status)
        with in_language(form.language.data):
            return done(HERE, _("Your account is saved."))

    @page("/ngon-ngu", "POST", right=None)
    def language(self) -> Response:
        """Chosen in the menu of every page; goes back to where it was chosen."""
        with edge.transaction() as inside:
            member = inside.get_one(Member, edge.actor().user_id)
            services.choose_language(inside, member, request.form.get("language", ""))
            chosen = member.language
        with in_language(chosen):
            return done(
                edge.our_page(request.form.get("back"), "/"), _("Now in %(language)s.", language=LANGUAGES[chosen])
            )

    @page("/mat-khau", "POST", right=None)
    def password(self) -> Any:
        form = PasswordForm(username=edge.actor().username)
        if not form.validate():
            return _page(password=form, status=422)
        try:
            token = entrance.change_password(present=form.present.data or "", new=form.password.data or "")
        except TooManyRequestsError as error:
            form.present.errors = [str(error.message)]
            return _page(password=form, status=error.status)
        if token is None:
            form.present.errors = [str(_("This is not your present password. Look whether Caps Lock is on."))]
            return _page(password=form, status=422)
        edge.sign_in_cookie(token)
        return done(HERE, _("The new password counts from now on. Every other device is signed out."))

    @page("/thiet-bi/<device_id>/ket-thuc", "POST", right=None)
    def end(self, device_id: str) -> Response:
        key = row_id(device_id)
        with edge.transaction() as inside:
            device = get_visible(inside, SignIn, key, edge.actor())
            words = str(_words(device))
            services.end_sign_in(inside, device)
        return done(HERE, _("Signed out: %(device)s", device=words))

    @page("/thiet-bi/ket-thuc-khac", "POST", right=None)
    def end_others(self) -> Response:
        with edge.transaction() as inside:
            ended = services.end_sign_ins(inside, _me().id, reason="by_owner", keep=_this_token())
        if not ended:
            return done(HERE, _("You are signed in on this device alone."))
        return done(
            HERE, ngettext("%(num)d other device is signed out.", "%(num)d other devices are signed out.", ended)
        )


def _me() -> Member:
    member: Member = db.session().get_one(Member, edge.actor().user_id)
    return member


def _this_token() -> str:
    """The secret of the very session that asks; a program brings its own and has no device here."""
    return "" if edge.by_token() else cookie.get("token", "")


def _words(device: SignIn) -> Any:
    words = rules.device_words(device.agent)
    return _("Program: %(name)s", name=words) if device.kind is SignInKind.bearer else words


def _device(row: SignIn, this: str) -> Device:
    picture = "device-mobile" if rules.is_handheld(row.agent) else "device-desktop"
    return Device(
        id=row.id,
        words=_words(row),
        icon="terminal-2" if row.kind is SignInKind.bearer else picture,
        address=row.address or "",
        since=row.created_at,
        until=row.expires_at,
        is_this=row.token_hash == this,
    )


def _profile_form(member: Member, **data: Any) -> ProfileForm:
    form = ProfileForm(**data)
    form.time_zone.choices = rules.zone_choices(member.time_zone, clock.now())
    return form


def _page(*, profile: ProfileForm | None = None, password: PasswordForm | None = None, status: int = 200) -> Any:
    session, who, member = db.session(), edge.actor(), _me()
    if profile is None:
        profile = _profile_form(
            member,
            formdata=None,
            data={
                "rev": member.rev,
                "family_name": member.user.last_name,
                "given_name": member.user.first_name,
                "phone": show_phone(member.phone) if member.phone else "",
                "language": member.language,
                "time_zone": member.time_zone,
                "signature": member.signature or "",
            },
        )
    this = rules.token_hash(_this_token())
    devices = [_device(row, this) for row in session.scalars(queries.live_sign_ins(who))]
    facts = [
        (_("User name"), who.username),
        (_("E-mail"), member.email),
        (_("Title"), member.title),
        (_("Teams"), ", ".join(row.team.name for row in member.memberships)),
        (_("Roles"), ", ".join(str(role_label(role)) for role in sorted(who.roles))),
    ]
    return show(
        "security/account.html", status, profile=profile, password=password or PasswordForm(username=who.username),
        member=member, facts=facts, devices=sorted(devices, key=lambda one: not one.is_this),
        crumbs=trail((_("This morning"), "/"), here=_("Your account")),
    )  # fmt: skip
