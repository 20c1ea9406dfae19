"""The promises that stand on the database, once more on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask_appbuilder import Model
from flask_babel import Babel
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.forms import displays, library, queries, services
from app.forms.fields.base import Context
from app.forms.models import FormVersion, SubmissionValue
from tests.database import postgres_server

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres_server() as server, server.database() as url:
        app = an_app(url)
        with app.app_context():
            Model.metadata.create_all(db.engine)
            with transaction(SYSTEM) as session:
                for code in library.codes():
                    form = services.create_form(session, code=code, name=code, by=SYSTEM)
                    services.save_draft(session, form, library.load(code), by=SYSTEM)
                    services.publish_form(session, form, by=SYSTEM)
            db.engine.dispose()
        yield url


def an_app(url: str) -> Flask:
    app = Flask("test")
    app.config.update(SQLALCHEMY_DATABASE_URI=url.replace("postgresql:", "postgresql+psycopg:"), SECRET_KEY="x")
    db.init_app(app)
    Babel(app, default_locale="vi")
    return app


@pytest.fixture
def session(url) -> Iterator[Session]:
    with an_app(url).app_context():
        yield db.session()
        db.session.remove()
        db.engine.dispose()


CHANGES = [
    {"definition": {"name": "x", "fields": []}},
    {"checksum": "0" * 64},
    {"number": 7},
    {"edition": 7},
    {"state": "draft"},
    {"published_at": datetime(2026, 1, 1, tzinfo=UTC)},
    {"published_at": None},
    {"created_at": datetime(2026, 1, 1, tzinfo=UTC)},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_published_version_stays_as_it_is(session, change):
    version = queries.published_version(session, "goi-lai")
    with pytest.raises(IntegrityError):
        session.execute(update(FormVersion).where(FormVersion.id == version.id).values(change))


def test_a_published_version_is_not_deleted(session):
    with pytest.raises(IntegrityError, match="does not change"):
        session.execute(text("DELETE FROM form_version"))


def test_the_next_version_takes_over_and_old_answers_stay_true(session):
    form = queries.form_by_code(session, "tinh-trang-don")
    version = queries.published_version(session, "tinh-trang-don")
    raw = {"order_status": "lost", "expected_delivery": "24/11/2026", "finding": "Mất \u2028 rồi"}
    answers = services.parse_answers(version, raw, context=Context())
    submission = services.submit(session, version, answers, by=SYSTEM, subject_type="task", subject_id=1)
    shipped = library.load("tinh-trang-don")
    services.save_draft(session, form, {**shipped, "fields": shipped["fields"][3:]}, by=SYSTEM)
    assert services.publish_form(session, form, by=SYSTEM).number == 2
    session.expire_all()
    assert [answer.text for answer in displays.shown_answers(submission)][:2] == ["Thất lạc", "24/11/2026"]
    later = select(SubmissionValue.submission_id).where(
        SubmissionValue.field_key == "expected_delivery", SubmissionValue.date > date(2026, 11, 23)
    )
    assert session.scalars(later).all() == [submission.id]
