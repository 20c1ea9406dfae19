"""A form that was published thirty times takes an answer at the cost of one that was published once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import event

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.forms.models import FormVersion
from app.forms.queries import form_by_code
from app.forms.submissions.index import wanted_of_form
from tests.forms.public.conftest import DRAWN as OPEN
from tests.forms.public.conftest import Stranger, opened, worker  # noqa: F401
from tests.forms.submissions.conftest import DRAWN, publish
from tests.rest import Rest, statements

AGAIN = 30
MORE = {"key": "more", "type": "text", "label": "Thêm", "searchable": True}


@contextmanager
def versions_read() -> Iterator[list[int]]:
    """The form versions that are loaded inside."""
    read: list[int] = []

    def note(version: FormVersion, *_more: object) -> None:
        read.append(version.number)

    event.listen(FormVersion, "load", note)
    try:
        yield read
    finally:
        event.remove(FormVersion, "load", note)


def published_again(app, drawn, code):
    for number in range(AGAIN):
        with app.app_context(), transaction(SYSTEM) as session:
            publish(session, {**drawn, "fields": [*drawn["fields"], {**MORE, "label": f"Thêm {number}"}]}, code)


def sent_on_the_page(app, client):
    lan = client("lan")
    path = "/dien-phieu/mon-an"
    lan.get(path)

    def send():
        form = BeautifulSoup(lan.get(path).text, "lxml").select_one("input[name=version]")
        assert lan.post(path, data={"version": form["value"], "answer_fault": "cold"}).status_code == 302

    return send


def sent_by_rest(app, client):
    lan = Rest(app, "lan")
    return lambda: lan.post("forms/mon-an/submissions", {"answers": {"fault": "cold"}})


@pytest.mark.parametrize("way", [sent_on_the_page, sent_by_rest])
def test_an_answer_costs_the_same_however_often_its_form_was_published(app, client, given, way):
    send = way(app, client)
    counted = []
    for _time in range(2):
        send()
        with statements(app) as asked, versions_read() as read:
            send()
        counted.append((len(asked), len(read)))
        published_again(app, DRAWN, "mon-an")
    assert counted[0] == counted[1]


def test_so_does_one_from_outside(app, client, worker):  # noqa: F811
    counted = []
    for code in ("mot", "nhieu"):
        stranger = Stranger(client(), opened(app, code, OPEN))
        if code == "nhieu":
            published_again(app, OPEN, code)
        for _time in range(2):
            stranger.opens()
            stranger.sends(who="Trần Thị Bưởi", call="0987 654 321")
            with statements(app) as asked, versions_read() as read:
                worker()
        counted.append((len(asked), len(read)))
    assert counted[0] == counted[1]


def test_a_publication_that_was_rolled_back_is_not_remembered(app, given):
    def wanted():
        with app.app_context():
            form_id = form_by_code(db.session, "mon-an").id
            return dict(wanted_of_form(db.session, form_id))

    def undone():
        with app.app_context(), transaction(SYSTEM) as session:
            form_id = publish(session, {**DRAWN, "fields": [*DRAWN["fields"], MORE]}).form_id
            assert wanted_of_form(session, form_id) == {**before, "more": "text"}
            raise ZeroDivisionError

    before = wanted()
    with pytest.raises(ZeroDivisionError):
        undone()
    assert wanted() == before
