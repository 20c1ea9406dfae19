"""What is the floor? Flask, one SQL statement and one small template; nobody signs in and nothing is checked."""

from __future__ import annotations

from flask import Flask, render_template_string, request
from sqlalchemy import create_engine, text

from config import Config

_CONTACT = (
    "(SELECT shown FROM contact_point p WHERE p.customer_id = c.id AND p.kind = '{0}' ORDER BY p.id LIMIT 1) AS {0}"
)
_ROWS = text(
    f"SELECT c.name, c.code, {_CONTACT.format('phone')}, {_CONTACT.format('email')}, m.name AS owner, c.created_at "
    "FROM customer c LEFT JOIN member m ON m.id = c.owner_id WHERE c.archived_at IS NULL ORDER BY c.id DESC LIMIT 25"
)
_COUNT = text("SELECT count(*) FROM customer WHERE archived_at IS NULL")
_PAGE = """<!doctype html><title>Customers</title><h1>Customers {{ count }}</h1><table>
<tr><th>Name<th>Code<th>Phone<th>E-mail<th>Owner<th>Since</tr>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}{% endfor %}</tr>
{% endfor %}</table>"""


def create_app() -> Flask:
    app = Flask(__name__)
    engine = create_engine(Config().SQLALCHEMY_DATABASE_URI, pool_size=10)

    @app.get("/")
    def customers() -> str:
        with engine.connect() as connection:
            rows = connection.execute(_ROWS).all()
            count = connection.scalar(_COUNT) if "count" in request.args else ""
        return render_template_string(_PAGE, rows=rows, count=count)

    return app
