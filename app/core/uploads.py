"""How does a form with files travel while its progress is seen? By a script, which then goes where a browser would."""

from __future__ import annotations

from flask import Flask, Response, request

from app.core.files import CONTENT_TYPES

#: the kinds of files that are taken, as a file input's `accept` names them
ACCEPTED = ",".join(f".{extension}" for extension in CONTENT_TYPES)


def _tell_where_to_go(response: Response) -> Response:
    """A script cannot see a redirect, and to follow it blindly would use up the message of the page behind it."""
    if "X-Upload" in request.headers and 300 <= response.status_code < 400 and response.location:
        response.headers["X-Go"] = response.headers.pop("Location")
        response.status_code = 200
        response.set_data(b"")
    return response


def install(app: Flask) -> None:
    """Answer uploads of assets/js/drop.js, and tell templates which files are taken."""
    app.after_request(_tell_where_to_go)
    app.jinja_env.globals["accepted_files"] = ACCEPTED


__all__ = ["install"]
