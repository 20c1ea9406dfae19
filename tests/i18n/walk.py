"""Goes through the product as one person would, page after page and form after form, and reads all that is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.i18n.pseudo import Data, read_page, untranslated

#: pages of one shape that are looked at: lists with other numbers say nothing new
PER_SHAPE = 2
#: forms after which somebody else, or the same person in another language, would be walking
ELSEWHERE = ("/logout/", "/tai-khoan/ngon-ngu")
TYPED = {"name": "Phan Thị Ngưỡng", "phone": "0912", "other": "Thử xem sao", "nowhere": "zzzz"}


@dataclass
class Walk:
    """One person's walk. `found`: what was said untranslated, by page; `seen`: every path that was opened."""

    browser: FlaskClient
    data: Data
    language: str
    found: dict[str, list[str]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    _shapes: dict[str, int] = field(default_factory=dict)
    _pages: dict[str, BeautifulSoup] = field(default_factory=dict)

    def read(self, answer: TestResponse, told: str) -> BeautifulSoup | None:
        """Everything that this answer says to a person; the page, if it is one."""
        page, problems = None, []
        if answer.mimetype == "text/html" and not 300 <= answer.status_code < 400:
            page = read_page(answer.text)
            problems = untranslated(page, self.data)
            if page.html is None or page.html.get("lang") != self.language:
                problems.append("the page does not name its language")
        elif answer.mimetype == "application/json":
            problems = [f"{key}: {text!r}" for key, text in _spoken(answer.json) if self.data.left_of(text)]
        if problems:
            self.found[told] = problems
        return page

    def open(self, *addresses: str) -> None:
        """These pages and all to which they lead."""
        waiting = list(addresses)
        while waiting:
            address = waiting.pop(0)
            if not self._is_new(address):
                continue
            answer = self.browser.get(address)
            self.seen[urlsplit(address).path] = answer.status_code
            assert answer.status_code < 500, f"{address}: {answer.text}"
            page = self.read(answer, f"GET {address} → {answer.status_code}")
            if answer.status_code in (301, 302, 303, 308):
                waiting.append(answer.location)
            elif page is not None and answer.status_code == 200:
                self._pages[address] = page
                waiting += [urljoin(address, str(link["href"])) for link in page.select("a[href]")]

    def _is_new(self, address: str) -> bool:
        parts = urlsplit(address)
        if parts.scheme not in ("", "http") or parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            return False
        if parts.path.startswith(("/static/", "/tep/", "/api/")):
            return False
        query = "&".join(f"{key}={re.sub('[0-9]+', '#', value)}" for key, value in parse_qsl(parts.query))
        shape = f"{re.sub('[0-9]+', '#', parts.path)}?{query}"
        if address in self._pages or self._shapes.get(shape, 0) >= (PER_SHAPE if "#" in shape else 1):
            return False
        self._shapes[shape] = self._shapes.get(shape, 0) + 1
        return True

    def send_every_form(self) -> None:
        """Each form of each page that was seen: with nothing in it, with what fits nowhere, and as it stands."""
        sent: dict[str, int] = {}
        for address, page in sorted(self._pages.items()):
            for form in page.select("form"):
                action = urljoin(address, str(form.get("action") or address))
                shape = re.sub("[0-9]+", "#", urlsplit(action).path)
                if str(form.get("method", "get")).lower() != "post" or shape in ELSEWHERE:
                    continue
                for typed in (_emptied(form), _nonsense(form), *_as_it_stands(form)):
                    which = f"{shape} {sorted((k, bool(v)) for k, v in typed.items())}"
                    if sent.get(which, 0) >= 1:
                        continue
                    sent[which] = 1
                    answer = self.browser.post(action, data=typed)
                    assert answer.status_code < 500, f"POST {action} {typed}: {answer.text}"
                    self.read(answer, f"POST {action} {typed} → {answer.status_code}")
                    if answer.status_code in (302, 303):
                        after = self.browser.get(answer.location, follow_redirects=True)
                        self.read(after, f"after POST {action} {typed}")


def _fields(form: Tag) -> Iterator[tuple[str, str, str]]:
    """(name, kind, value) of what a browser would send."""
    for one in form.select("input[name], select[name], textarea[name]"):
        kind = str(one.get("type", one.name))
        if one.name == "select":
            chosen = one.select_one("option[selected]") or one.select_one("option")
            yield str(one["name"]), kind, str(chosen.get("value", "")) if chosen else ""
        elif one.name == "textarea":
            yield str(one["name"]), kind, one.text
        elif kind not in ("radio", "checkbox") or one.has_attr("checked"):
            yield str(one["name"]), kind, str(one.get("value", ""))


def _emptied(form: Tag) -> dict[str, str]:
    return {name: value if kind == "hidden" else "" for name, kind, value in _fields(form) if kind != "file"}


def _nonsense(form: Tag) -> dict[str, str]:
    def nonsense(name: str, kind: str, value: str) -> str:
        return (
            value
            if kind in ("hidden", "select")
            else next((TYPED[key] for key in TYPED if key in name), TYPED["other"])
        )

    return {name: nonsense(name, kind, value) for name, kind, value in _fields(form) if kind != "file"}


def _as_it_stands(form: Tag) -> list[dict[str, str]]:
    """Once for each of its buttons."""
    typed = {name: value for name, kind, value in _fields(form) if kind != "file"}
    named = list(form.select("button[name]"))
    return [typed | {str(button["name"]): str(button.get("value", ""))} for button in named] or [typed]


#: what JSON says to programs alone
_FOR_SCRIPTS = {"id", "url", "kind", "icon", "sign", "key", "href", "value", "command", "state", "csrf_token"}


def _spoken(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _spoken(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _spoken(inner, key)
    elif isinstance(value, str) and key not in _FOR_SCRIPTS:
        yield key, value
