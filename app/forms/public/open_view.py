"""/f/…: a form as everybody meets it who has its address. Nobody is signed in here, whatever cookie comes along."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import current_app, make_response, redirect, request
from flask_appbuilder.baseviews import BaseView, expose
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.core import clock, links, settings
from app.core.db import db, transaction
from app.core.delivery import content_security_policy
from app.core.errors import NotFoundError, Sentence, TooManyRequestsError
from app.core.i18n import _
from app.core.pages import refuse_nul_sent, show
from app.customers.views import ward_choices
from app.forms.builder import PREFIX, AnswerForm, build_form
from app.forms.fields.signature import STROKES
from app.forms.models import FormVersion
from app.forms.public import queries, rules, services
from app.forms.public.models import EntryState, PublicLink
from app.forms.public.services import Arrival
from app.forms.public.telling import tell_of_entry

#: named so that programs fill it in; people do not see it (tt-vh)
TRAP = "website_url"
_PAGE = "opened"
#: characters that are given back of what was typed into a page whose form is closed
LONGEST_TYPED = 20_000
_ANEW = _("The form was published anew while you filled it in. Look it over, then send it once more.")
#: what the address of a link may say about where it stood, and what is kept of it
_TOLD = ("utm_campaign", "utm_medium", "utm_source")


class OpenFormView(BaseView):
    """A form behind its link: alone, or inside of a page of somebody else's site (/nhung)."""

    route_base = "/f"
    default_view = "answer"

    @expose("/<string:key>", methods=["GET", "POST"])
    def answer(self, key: str) -> Response:
        return _answered(key, inside=False)

    @expose("/<string:key>/nhung", methods=["GET", "POST"])
    def answer_inside(self, key: str) -> Response:
        return _answered(key, inside=True)

    @expose("/<string:key>/cam-on")
    def thanks(self, key: str) -> Response:
        return _thanked(key, inside=False)

    @expose("/<string:key>/nhung/cam-on")
    def thanks_inside(self, key: str) -> Response:
        return _thanked(key, inside=True)

    @expose("/<string:key>/phuong-xa")
    def wards(self, key: str) -> Response:
        """Wards to choose from in an address, as /tim/phuong-xa gives them to whoever is signed in."""
        refuse_nul_sent()
        if queries.open_link(db.session(), key) is None:
            raise NotFoundError
        return ward_choices(request.args)


def _answered(key: str, *, inside: bool) -> Response:
    refuse_nul_sent(PREFIX)
    session = db.session()
    try:
        link, version = _found(session, key)
    except NotFoundError:
        return _gone(inside=inside)
    form = _form(session, key, version)
    if request.method == "GET":
        return _page(link, version, form, inside=inside)
    try:
        opened = rules.read_page(_secret(), key, request.form.get(_PAGE, ""), clock.now())
    except rules.PageTooOldError as error:
        # Whoever comes back after half a day has had the time that people take.
        since = clock.now() - rules.FASTEST if error.was_ours else None
        return _page(link, version, form, inside=inside, told=error.message, status=409, since=since)
    if request.form.get("version") != str(version.id):
        return _page(link, version, form, inside=inside, told=_ANEW, status=409, since=opened.at)
    if not form.validate():
        return _page(link, version, form, inside=inside, status=422, since=opened.at)
    answers, address, read_under = form.answers, request.remote_addr or "-", version.id
    arrival = Arrival(
        opened, rules.address_key(_secret(), address), trap=request.form.get(TRAP, "")[:500],
        campaign=rules.one_line(request.args.get("utm_campaign")),
        medium=rules.one_line(request.args.get("utm_medium")),
        came_from=rules.one_line(request.args.get("utm_source")),
    )  # fmt: skip
    try:
        with transaction() as kept:
            door, asked = _found(kept, key)
            is_other = asked.id != read_under
            entry = None if is_other else services.receive(kept, door, asked, answers, arrival)
            if entry is not None and entry.state is EntryState.held:
                tell_of_entry(kept, entry)
    except TooManyRequestsError as error:
        response = _page(link, version, form, inside=inside, told=error.message, status=error.status, since=opened.at)
        response.headers["Retry-After"] = str(error.details["retry_after"])
        return response
    except services.SentAlreadyError as error:
        return _page(link, version, form, inside=inside, told=error.message, status=error.status, since=opened.at)
    except NotFoundError:
        return _gone(inside=inside)
    if is_other:
        return _page(link, version, form, inside=inside, told=_ANEW, status=409, since=opened.at)
    return redirect(f"/f/{key}/nhung/cam-on" if inside else f"/f/{key}/cam-on", code=303)


def _thanked(key: str, *, inside: bool) -> Response:
    refuse_nul_sent()
    try:
        link, version = _found(db.session(), key)
    except NotFoundError:
        return _gone(inside=inside)
    again = f"/f/{key}/nhung" if inside else f"/f/{key}"
    return _drawn("forms/public/thanks.html", link, version, inside=inside, thanks=link.thanks, again_url=again)


def _found(session: Session, key: str) -> tuple[PublicLink, FormVersion]:
    """Raises NotFoundError alike for what never was, what is closed and what was renewed."""
    found = queries.open_link(session, key)
    if found is None:
        raise NotFoundError
    return found


def _gone(*, inside: bool) -> Response:
    """What whoever has an old address, or sends what he typed when the door is shut, reads: he has no work here."""
    return _drawn("forms/public/closed.html", None, None, 404, inside=inside, typed=_typed())


def _typed() -> str:
    """What was typed into a page that nobody takes any more, to be copied: an answer a line."""
    said = [text.strip() for name in request.form if name.startswith(PREFIX) for text in request.form.getlist(name)]
    return "\n".join(text for text in said if text and not STROKES.fullmatch(text))[:LONGEST_TYPED]


def _form(session: Session, key: str, version: FormVersion) -> AnswerForm:
    """Without the CSRF token of a session: the page itself carries when it was opened, signed, and is sent once."""
    return build_form(version)(context=queries.context_for_all(session, key), meta={"csrf": False})


def _page(
    link: PublicLink, version: FormVersion, form: AnswerForm, *, inside: bool, told: Sentence = "", status: int = 200,
    since: datetime | None = None,
) -> Response:  # fmt: skip
    """`since`: when it was opened first, where it comes back: whoever corrects what was refused is quick."""
    return _drawn(
        "forms/public/fill.html", link, version, status, inside=inside, form=form, told=told,
        path=_path(link, inside=inside), trap=TRAP, opened_name=_PAGE,
        opened=rules.sign_page(_secret(), link.key, since or clock.now()),
    )  # fmt: skip


def _path(link: PublicLink, *, inside: bool) -> str:
    """Where the page is sent: with what its own address said about where it stood."""
    told = {name: text for name in _TOLD if (text := rules.one_line(request.args.get(name)))}
    came_from = rules.host_of(request.referrer)
    if came_from and came_from != request.host.partition(":")[0]:
        told.setdefault("utm_source", came_from)
    place = f"/f/{link.key}/nhung" if inside else f"/f/{link.key}"
    return f"{place}?{urlencode(told)}" if told else place


def _drawn(
    template: str,
    link: PublicLink | None,
    version: FormVersion | None,
    status: int = 200,
    *,
    inside: bool,
    **values: Any,
) -> Response:
    session = db.session()
    company = {
        "company": settings.get(session, "company_name"),
        "logo_url": links.logo_path(settings.get(session, "logo_file_id")),
    }
    response = make_response(
        show(template, status, link=link, name=version.form.name if version else _("This form is closed"),
             version_id=version.id if version else None, inside=inside, open_to_all=True, **company, **values)
    )  # fmt: skip
    framed_by = link.sites if inside and link else ()
    response.headers["Content-Security-Policy"] = content_security_policy(framed_by)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _secret() -> str:
    secret: str = current_app.config["SECRET_KEY"]
    return secret
