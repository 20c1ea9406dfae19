"""How does a browser get an uploaded file? As a download that it cannot run, if its record may be seen; a picture also
to be looked at."""

from __future__ import annotations

from flask import request, send_file
from flask_appbuilder.baseviews import BaseView, expose
from werkzeug.wrappers import Response

from app.core import edge, files
from app.core.db import db, row_id


class FileView(BaseView):
    """Uploaded files. Access follows the record that owns the file."""

    route_base = "/tep"
    default_view = "download"

    @expose("/<file_id>/<name>")
    def download(self, file_id: str, name: str) -> Response:
        """`name` is for people and for the browser's tab; the id decides. ?xem=1: a picture is drawn, not kept."""
        file = files.file_for(db.session(), row_id(file_id), edge.actor())
        is_kept = "xem" not in request.args or file.content_type not in files.DRAWN
        response = send_file(
            files.location(file), mimetype=file.content_type, as_attachment=is_kept, download_name=file.name,
            conditional=False, etag=False,
        )  # fmt: skip
        # The page around a picture is the browser's own, and it styles it with attributes.
        drawn = "" if is_kept else "; style-src 'unsafe-inline'"
        response.headers["Content-Security-Policy"] = f"sandbox; default-src 'none'{drawn}"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response
