"""Where the web ends and the product begins: who asks, in which language, and how a refusal is told."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote, urlsplit

from flask import (
    Flask,
    Response,
    current_app,
    g,
    has_request_context,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import force_locale, get_locale
from flask_login import AnonymousUserMixin, current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RoutingException
from werkzeug.wrappers import Response as BaseResponse

from app.core import audit
from app.core import db as database
from app.core.access import Actor
from app.core.errors import BusinessError, ConflictError, NotSignedInError
from app.core.i18n import DEFAULT_LANGUAGE, DEFAULT_TIME_ZONE, LANGUAGES, _
from app.core.taken import refused_if_taken

logger = logging.getLogger(__name__)

# One slash and no second one, no backslash, nothing that browsers drop before they look.
_OUR_PAGE = re.compile(r"/(?!/)[^\\\x00-\x20\x7f]*")


def our_page(asked: str | None, otherwise: str) -> str:
    """Where somebody is sent back to: `asked` if it is the path of a page of ours, else `otherwise`."""
    return asked if asked is not None and _OUR_PAGE.fullmatch(asked) else otherwise


def actor_or_none() -> Actor | None:
    """Who asks, by session cookie or bearer token, or nobody."""
    if "actor" not in g:
        load: Callable[[Any], Actor | None] = current_app.extensions["tantam.actor"]
        g.actor = load(current_user)
    return cast("Actor | None", g.actor)


def actor() -> Actor:
    """Who asks. Raises NotSignedInError when nobody is signed in."""
    who = actor_or_none()
    if who is None:
        raise NotSignedInError
    return who


@contextmanager
def transaction() -> Iterator[Session]:
    """core.db.transaction() in the name of whoever asks."""
    who = actor()
    with refused_if_taken(), database.transaction(who) as inside:
        yield inside


def is_bare() -> bool:
    """Does what is asked for answer with data alone (core.pages), without the frame of a page?"""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(getattr(view, "page_rule", None), "is_bare", False)


def is_api() -> bool:
    return request.path.startswith("/api/")


def by_token() -> bool:
    """Did an Authorization header sign this request in? Then the cookie does not count, and needs no CSRF token."""
    return "Authorization" in request.headers


def language() -> str:
    """API: Accept-Language, then the member's. Pages: the member's; nobody signed in: what the page was asked in."""
    if not has_request_context():
        return (
            DEFAULT_LANGUAGE  # a job or a command: what it writes to somebody is written in_language() of that person
        )
    who = actor_or_none()
    if is_api() and "Accept-Language" in request.headers:
        wanted = request.accept_languages.best_match(list(LANGUAGES))
        if wanted:
            return wanted
    if who is not None:
        return who.language
    chosen = request.args.get("lang", "")
    return chosen if chosen in LANGUAGES else DEFAULT_LANGUAGE


def time_zone() -> str:
    who = actor_or_none() if has_request_context() else None
    return who.time_zone if who else DEFAULT_TIME_ZONE


def error_body(code: str, message: object, fields: object = None) -> dict[str, Any]:
    """The one shape in which the API says no (design.md §6)."""
    shown = {key: [str(text) for text in texts] for key, texts in dict(fields or {}).items()}  # type: ignore[call-overload]
    return {"error": code, "message": str(message), "fields": shown}


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="seconds").replace("+00:00", "Z") if isinstance(value, datetime) else value


def _refused(error: BusinessError) -> BaseResponse | tuple[Response | str, int]:
    if is_api():
        body = error_body(error.code, error.message, error.fields)
        for key, value in error.details.items():
            body.setdefault(key, _plain(value))
        response = jsonify(body)
        response.status_code = error.status
    elif isinstance(error, NotSignedInError):
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("AuthView.login", next=back))
    else:
        back = _came_from() if request.method == "POST" else _without_arguments()
        told = {"status": error.status, "message": error.message, "back_url": back}
        if request.method == "POST":
            told["given_back"] = _typed_words()
        response = Response(render_template("errors/error.html", **told))
        response.status_code = error.status
    if "retry_after" in error.details:
        response.headers["Retry-After"] = str(error.details["retry_after"])
    return response


#: What the framework itself refuses, in our words.
_SENTENCES = {
    400: _("The request could not be understood."),
    404: _("This is not here, or you may not see it."),
    405: _("This does not work like that."),
    413: _("This is too large."),
    415: _("This kind of content is not taken here."),
}

#: the same of a form without its token that cannot be kept: one of another browser window, or with a password in it
_STALE = {
    "heading": _("This page stood open for a long time"),
    "message": _("Nothing was saved. Load the page again, then do it once more; what was typed has to be typed again."),
}


def _sentence(error: HTTPException) -> object:
    """What a view of ours said when it refused, else our words for what the framework refuses."""
    own = error.description if error.description != type(error).description else None
    return own or _SENTENCES.get(error.code or 0, error.name)


def _page_above(path: str) -> str | None:
    """The nearest page above the path; None where that is only the home page."""
    urls = current_app.create_url_adapter(request)
    steps = path.rstrip("/").split("/")[:-1]
    while urls is not None and any(steps):
        for above in ("/".join([*steps, ""]), "/".join(steps)):
            try:
                urls.match(above, method="GET")
            except (HTTPException, RoutingException):
                continue
            return our_page(quote(above), "/")
        steps.pop()
    return None


def _to_a_page(error: MethodNotAllowed) -> Any:
    """Where a form posts to is no page, but its address stands in the browser after a refusal: opened, it leads up."""
    is_opened = request.method in ("GET", "HEAD") and "POST" in (error.valid_methods or ())
    above = _page_above(request.path) if is_opened and not is_api() else None
    return redirect(above) if above else _http_error(error)


def _came_from() -> str | None:
    """The page of ours that led here, for a way back without a script; None where it is not known."""
    came = urlsplit(request.referrer or "")
    if came.netloc != request.host:
        return None
    page = f"{came.path}?{came.query}" if came.query else came.path
    return our_page(page, "") if page != request.full_path.rstrip("?") else None


def _without_arguments() -> str | None:
    """The same page asked for nothing: the way back from an argument that was refused."""
    return our_page(request.path, "/") if request.method == "GET" and request.query_string else None


def _http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    if is_api():
        code = (error.name or "error").lower().replace(" ", "_")
        sentence = _("Please load the page again.") if isinstance(error, CSRFError) else _sentence(error)
        answer = jsonify(error_body(code, sentence))
    else:
        told = _STALE if isinstance(error, CSRFError) else {}
        answer = Response(render_template("errors/error.html", status=error.code, back_url=_came_from(), **told))
    answer.status_code = error.code
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


@dataclass(frozen=True)
class Unsent:
    """A form that could not be taken, with all that was typed into it: it can be sent once more from the error page."""

    action: str
    typed: list[tuple[str, str]]
    had_files: bool


def _unsent() -> Unsent | None:
    """What was sent by the form that is being refused; None where there was no form, or a password in it."""
    if is_api() or request.method != "POST":
        return None
    typed = [(name, text) for name, text in request.form.items(multi=True) if name != "csrf_token"]
    if any("password" in name for name, _text in typed):
        return None
    return Unsent(request.full_path.rstrip("?"), typed, had_files=bool(request.files))


def _typed_words() -> str:
    """What somebody may want to keep of the form that is being refused, to be copied: a line for each field, without
    what the page itself put in (a revision, a way back, the list that was shown) and what was only chosen."""
    unsent = _unsent()
    told = [text.strip() for name, text in unsent.typed if name not in _OURS] if unsent else []
    return "\n".join(dict.fromkeys(text for text in told if len(text) >= _WORTH_KEEPING and not _CODED.fullmatch(text)))


#: fields of a form that no person fills in
_OURS = {"rev", "key", "back", "next", "query", "rows", "action", "columns", "was"}
_WORTH_KEEPING = 3
#: a choice, the address of a page, or what stands behind it: nobody's words
_CODED = re.compile(r"[a-z0-9_.-]*[a-z_][a-z0-9_.-]*|[/?].*", re.DOTALL)


def _stale_form(error: CSRFError) -> Any:
    """A form that stood open too long, or past its session: all that was typed comes back, to be sent once more.

    Only for a form of our own pages, which the browser vouches for: what another site posts is refused.
    """
    unsent = _unsent() if request.headers.get("Sec-Fetch-Site") == "same-origin" else None
    if unsent is None:
        return _http_error(error)
    return render_template("errors/stale.html", unsent=unsent, is_signed_in=actor_or_none() is not None), 400


def _ask_no_more() -> None:
    """What tells of the failure asks the database nothing: it would break again. Who asks stays known if he was."""
    g.broken = True
    if "actor" not in g:
        g.actor = None
        g._login_user = AnonymousUserMixin()  # where Flask-Login keeps it: templates would ask for it


def _busy(error: OperationalError) -> Any:
    """The database is locked or away: come back in a moment. Anything else of the kind is a bug."""
    logger.warning("database not answering: %s", error.orig)
    _ask_no_more()
    if is_api():
        answer = jsonify(error_body("unavailable", _("The database is busy. Please try again in a moment.")))
    else:
        answer = Response(render_template("errors/error.html", status=503, unsent=_unsent()))
    answer.status_code = 503
    answer.headers["Retry-After"] = "5"
    return answer


def _bug(error: Exception) -> Any:
    error_id = secrets.token_hex(4)
    logger.error("error %s on %s %s", error_id, request.method, request.path, exc_info=error)
    _ask_no_more()
    if is_api():
        return jsonify(error_body("internal_error", _("Internal error %(code)s", code=error_id))), 500
    return render_template("errors/error.html", status=500, error_id=error_id, unsent=_unsent()), 500


def install(app: Flask, *, load_actor: Callable[[Any], Actor | None]) -> None:
    """Put the edge on the application: errors, language, and the loader that knows who is signed in."""
    app.extensions["tantam.actor"] = load_actor
    app.before_request(lambda: audit.came_by(audit.Origin.api if is_api() else audit.Origin.page))
    app.teardown_request(lambda _error: audit.came_by())
    app.register_error_handler(BusinessError, _refused)
    app.register_error_handler(StaleDataError, lambda _error: _refused(ConflictError()))
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(MethodNotAllowed, _to_a_page)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(Exception, _bug)
    app.jinja_env.globals["get_locale"] = get_locale


def sign_in_cookie(token: str) -> None:
    """Keep the session token in the browser. The cookie holds nothing else of worth."""
    session.clear()
    session["token"] = token


__all__ = ["actor", "actor_or_none", "by_token", "force_locale", "install", "language", "time_zone", "transaction"]
