"""How much may a form bring, and how does one with files travel so that its progress is seen?"""

from __future__ import annotations

from flask import Flask, Response, current_app, request

from app.core.files import CONTENT_TYPES

#: the kinds of files that are taken, as a file input's `accept` names them
ACCEPTED = ",".join(f".{extension}" for extension in CONTENT_TYPES)


def _keep_texts_small() -> None:
    """Werkzeug reads a form without files at once, however long: it may hold what one text of any form may."""
    if request.mimetype == "application/x-www-form-urlencoded":
        request.max_content_length = current_app.config["MAX_FORM_MEMORY_SIZE"]


def _tell_where_to_go(response: Response) -> Response:
    """A script cannot see a redirect, and to follow it blindly would use up the message of the page behind it."""
    if "X-Upload" in request.headers and 300 <= response.status_code < 400 and response.location:
        response.headers["X-Go"] = response.headers.pop("Location")
        response.status_code = 200
        response.set_data(b"")
    return response


def install(app: Flask) -> None:
    """Limit forms, answer assets/js/drop.js and view-form.js, and tell templates which files are taken."""
    # Before anybody reads the form, as the check of its CSRF token does.
    app.before_request_funcs.setdefault(None, []).insert(0, _keep_texts_small)
    app.after_request(_tell_where_to_go)
    app.jinja_env.globals["accepted_files"] = ACCEPTED


__all__ = ["install"]
