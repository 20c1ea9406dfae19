"""How does an answer travel? Its headers, its compression, and the built files that browsers keep."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from flask import Flask, Response, current_app
from flask_compress import Compress
from markupsafe import Markup
from whitenoise import WhiteNoise

_A_YEAR = 365 * 24 * 3600
#: A built file carries the hash of its content in its name: under that name it never changes.
_BUILT = re.compile(r"/static/dist/.+-[0-9A-Z]{8}\.[a-z0-9]+")
_TEXTS = ("text/html", "text/plain", "application/json", "application/xml", "text/csv", "image/svg+xml")


def content_security_policy(framed_by: Iterable[str] = ()) -> str:
    """What a browser may load and do on a page of ours. `framed_by`: the sites that may show it inside theirs."""
    ancestors = " ".join(framed_by) or "'none'"
    return (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; "
        f"frame-ancestors {ancestors}; base-uri 'none'; form-action 'self'"
    )


_POLICY = content_security_policy()


def _headers(response: Response) -> Response:
    """What every answer says; a view may have said something stricter of its own, or by whom it may be framed."""
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_A_YEAR}")
    return response


def _file_headers(headers: Any, _path: str, _url: str) -> None:
    headers["Content-Security-Policy"] = _POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"


def _is_built(_path: str, url: str) -> bool:
    return _BUILT.fullmatch(url) is not None


def _manifest(folder: Path) -> dict[str, str]:
    path = folder / "dist" / "manifest.json"
    return cast("dict[str, str]", json.loads(path.read_text("utf-8"))) if path.exists() else {}


def install(app: Flask) -> None:
    """Headers and compression on every answer; the built files, compressed when built, served before Flask is asked."""
    folder = Path(app.root_path) / "static"
    app.config["COMPRESS_ALGORITHM"] = app.config["COMPRESS_ALGORITHM_STREAMING"] = ["br", "gzip"]
    app.config["COMPRESS_MIMETYPES"] = list(_TEXTS)
    # What users uploaded and downloads that are written as they go travel as they are.
    app.config["COMPRESS_STREAMS"] = False
    # Pages are never kept, so there is nothing to compare them with.
    app.config["COMPRESS_EVALUATE_CONDITIONAL_REQUEST"] = False
    Compress(app)
    app.after_request(_headers)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app, root=folder, prefix="static/", charset="utf-8", allow_all_origins=False,
        add_headers_function=_file_headers, immutable_file_test=_is_built,
    )  # fmt: skip
    manifest = _manifest(folder)

    def asset(name: str) -> str:
        """The address of a built file by its plain name."""
        return f"{app.static_url_path}/dist/{manifest.get(name, name)}"  # url_for() 60 times a page would be felt

    @lru_cache(maxsize=1000)
    def icon(name: str, more: str = "") -> Markup:
        """One icon of assets/icons.txt, with further classes. Drawn once: a page has fifty of them."""
        drawn = Markup('<svg class="ti{}" aria-hidden="true"><use href="{}#{}"/></svg>')
        return drawn.format(f" {more}" if more else "", asset("icons.svg"), name)

    app.jinja_env.globals.update(asset=asset, draw_icon=icon)


__all__ = ["content_security_policy", "install"]
