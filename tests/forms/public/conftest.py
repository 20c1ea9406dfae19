"""A form that stands open to everybody, and somebody who opens it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import transaction
from app.forms import services as forms
from app.forms.public import services
from app.jobs import take_entries
from app.security.models import Team
from app.security.queries import team_by_code
from tests.story import MONDAY

DRAWN = {
    "name": "Góp ý",
    "fields": [
        {"key": "who", "type": "text", "label": "Tên bạn", "maps_to": "name", "required": True},
        {"key": "call", "type": "phone", "label": "Số điện thoại", "maps_to": "phone"},
        {"key": "mail", "type": "email", "label": "Email", "maps_to": "email"},
        {"key": "born", "type": "date", "label": "Sinh nhật", "maps_to": "birthday"},
        {"key": "where", "type": "address", "label": "Địa chỉ", "maps_to": "address"},
        {"key": "stars", "type": "stars", "label": "Bạn hài lòng không?"},
        {"key": "why", "type": "long_text", "label": "Vì sao?",
         "visible_if": {"field": "stars", "op": "<=", "value": 2}},
        {"key": "news", "type": "yes_no", "label": "Nhận tin khuyến mãi?", "consent": "marketing",
         "consent_channel": "sms"},
        {"key": "inside", "type": "text", "label": "Ghi chú nội bộ", "edit_roles": ["Manager"]},
    ],
}  # fmt: skip


class Stranger:
    """Somebody without an account, before a page that he opened at `at`."""

    def __init__(self, browser: FlaskClient, key: str) -> None:
        self.browser, self.path = browser, f"/f/{key}"
        self.held: dict[str, str] = {}
        self.at: datetime = MONDAY

    def opens(self, query: str = "", at: datetime = MONDAY, **headers: str) -> BeautifulSoup:
        self.at = at
        with clock.at(at):
            answer = self.browser.get(self.path + query, headers=headers)
        return self.reads(answer)

    def reads(self, answer: Any) -> BeautifulSoup:
        assert answer.status_code in (200, 409, 422, 429), answer.text
        soup = BeautifulSoup(answer.text, "html.parser")
        form = soup.select_one("form[data-open-form]")
        assert form is not None
        self.action = form["action"]
        self.held = {
            one["name"]: one.get("value", "") for one in form.select("input[name], select[name], textarea[name]")
            if one.get("type") not in {"checkbox", "radio"}
        }  # fmt: skip
        return soup

    def sends(self, after: int = 20, trap: str = "", **answers: str) -> Any:
        typed = {f"answer_{key.replace('__', '.')}": text for key, text in answers.items()}
        with clock.at(self.at + timedelta(seconds=after)):
            return self.browser.post(self.action, data={**self.held, **typed, "website_url": trap})


@pytest.fixture
def door(app: Flask) -> str:
    """The key of the open form Góp ý, which CSKH answers."""
    return opened(app, "gop-y", DRAWN)


def opened(app: Flask, code: str, drawn: Any, sites: str = "") -> str:
    with app.app_context(), transaction(SYSTEM) as session:
        form = forms.create_form(session, code=code, name=drawn["name"], by=SYSTEM)
        forms.save_draft(session, form, drawn, by=SYSTEM)
        forms.publish_form(session, form, by=SYSTEM)
        team: Team | None = team_by_code(session, "cskh")
        services.set_link(session, form, by=SYSTEM, source="website", team=team, thanks="", sites=sites)
        return services.open_link(session, form, by=SYSTEM).key


@pytest.fixture
def stranger(app: Flask, client: Callable[..., FlaskClient], door: str) -> Stranger:
    return Stranger(client(), door)


@pytest.fixture
def worker(app: Flask) -> Callable[[], None]:
    """The worker comes by, a minute after the page was sent."""

    def comes() -> None:
        with app.app_context(), clock.at(MONDAY + timedelta(minutes=30)):
            take_entries()

    return comes
