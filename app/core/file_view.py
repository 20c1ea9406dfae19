"""How does a browser get an uploaded file? As a download that it cannot run, if its record may be seen."""

from __future__ import annotations

from flask import send_file
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
        """`name` is for people and for the browser's tab; the id decides."""
        file = files.file_for(db.session(), row_id(file_id), edge.actor())
        response = send_file(
            files.location(file), mimetype=file.content_type, as_attachment=True, download_name=file.name,
            conditional=False, etag=False,
        )  # fmt: skip
        response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response
