"""Goes through the product as one person would, page after page and form after form, and reads all that is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from flask.testing import FlaskClient
from lxml.html import HtmlElement
from werkzeug.test import TestResponse

from tests.i18n.pseudo import Data, read_page, untranslated

#: pages of one shape that are looked at: lists with other numbers say nothing new
PER_SHAPE = 2
#: a list in another order, or another part of it, says nothing new
SAME_LIST = ("order", "page", "page_size", "after", "before", "columns")
#: forms after which somebody else, or the same person in another language, would be walking
ELSEWHERE = ("/logout/", "/tai-khoan/ngon-ngu", "/nhan-su/action_post", "/nhan-su/mat-khau-dau/#", "/xem-nhu/#")
#: names of buttons, which say what is to be done
PRESSED = ("action", "verb", "format", "outcome", "keep_all")
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
    _pages: dict[str, HtmlElement] = field(default_factory=dict)

    def read(self, answer: TestResponse, told: str, *, is_part: bool = False) -> HtmlElement | None:
        """Everything that this answer says to a person; the page, if it is one. A script puts a part into its page."""
        page, problems = None, []
        if answer.mimetype == "text/html" and not 300 <= answer.status_code < 400:
            page = read_page(answer.text)
            problems = untranslated(page, self.data)
            if not is_part and page.get("lang") != self.language:
                problems.append("the page does not name its language")
        elif answer.mimetype == "application/json" and "Content-Disposition" not in answer.headers:  # a file is data
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
            answer.close()  # of the file that it may be
            if answer.status_code in (301, 302, 303, 308):
                waiting.append(answer.location)
            elif page is not None and answer.status_code == 200:
                self._pages[address] = page
                waiting += [urljoin(address, str(link)) for link in page.xpath("//a/@href")]
                for panel in page.xpath("//@data-panel"):
                    self.glance(urljoin(address, str(panel)))

    def glance(self, address: str) -> None:
        """The panel beside a list, as the script fetches it."""
        if self._is_new(address):
            answer = self.browser.get(address, headers={"X-Part": "1"})
            self.seen[urlsplit(address).path] = answer.status_code
            assert answer.status_code == 200, f"{address}: {answer.text}"
            self.read(answer, f"panel {address}", is_part=True)

    def _is_new(self, address: str) -> bool:
        parts = urlsplit(address)
        if parts.scheme not in ("", "http") or parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            return False
        if parts.path.startswith(("/static/", "/tep/", "/api/")) or re.fullmatch("/xuat/[0-9]+/tep", parts.path):
            return False
        asked = [(key, value) for key, value in parse_qsl(parts.query) if key not in SAME_LIST]
        query = "&".join(f"{key}={re.sub('[0-9]+', '#', value)}" for key, value in asked)
        shape = f"{re.sub('[0-9]+', '#', parts.path)}?{query}"
        if address in self._pages or self._shapes.get(shape, 0) >= (PER_SHAPE if "#" in shape else 1):
            return False
        self._shapes[shape] = self._shapes.get(shape, 0) + 1
        return True

    def send_every_form(self) -> None:
        """Each form of each page that was seen: with nothing in it, with what fits nowhere, and as it stands."""
        sent: dict[str, int] = {}
        for address, page in sorted(self._pages.items()):
            for form in page.iter("form"):
                if str(form.get("method", "get")).lower() != "post":
                    continue
                for target, typed in _sendings(form):
                    action = urljoin(address, target or address)
                    shape = re.sub("[0-9]+", "#", urlsplit(action).path)
                    pressed = sorted((key, typed[key]) for key in PRESSED if key in typed)
                    which = f"{shape} {pressed} {sorted((k, bool(v)) for k, v in typed.items())}"
                    if shape in ELSEWHERE or sent.get(which, 0) >= 1:
                        continue
                    sent[which] = 1
                    answer = self.browser.post(action, data=typed)
                    assert answer.status_code < 500, f"POST {action} {typed}: {answer.text}"
                    self.read(answer, f"POST {action} {typed} → {answer.status_code}")
                    answer.close()
                    if answer.status_code in (302, 303):
                        after = self.browser.get(answer.location, follow_redirects=True)
                        self.read(after, f"after POST {action} {typed}")


def _sendings(form: HtmlElement) -> Iterator[tuple[str, dict[str, str]]]:
    """(address, what is typed) of every way in which the form is sent."""
    action = form.get("action", "")
    for typed in (_emptied(form), _nonsense(form)):
        yield action, typed
    typed = {name: value for name, kind, value in _fields(form) if kind != "file"}
    rows = form.xpath(".//input[@type='checkbox'][@name='rowid']/@value")
    chosen = [{}, {"rowid": str(rows[0])}] if rows else [{}]
    buttons = form.xpath(".//button[@name or @formaction]")
    for also in chosen:
        for button in buttons:
            pressed = {button.get("name"): button.get("value", "")} if "name" in button.attrib else {}
            yield button.get("formaction") or action, typed | also | pressed
        if not buttons:
            yield action, typed | also


def _fields(form: HtmlElement) -> Iterator[tuple[str, str, str]]:
    """(name, kind, value) of what a browser would send."""
    for one in form.iter("input", "select", "textarea"):
        name = one.get("name")
        if name is None:
            continue
        kind = one.get("type", one.tag)
        if one.tag == "select":
            options = [*one.xpath(".//option[@selected]"), *one.iter("option")]
            yield name, kind, options[0].get("value", "") if options else ""
        elif one.tag == "textarea":
            yield name, kind, one.text_content()
        elif kind not in ("radio", "checkbox") or "checked" in one.attrib:
            yield name, kind, one.get("value", "")


def _emptied(form: HtmlElement) -> dict[str, str]:
    return {name: value if kind == "hidden" else "" for name, kind, value in _fields(form) if kind != "file"}


def _nonsense(form: HtmlElement) -> dict[str, str]:
    def nonsense(name: str, kind: str, value: str) -> str:
        return (
            value
            if kind in ("hidden", "select")
            else next((TYPED[key] for key in TYPED if key in name), TYPED["other"])
        )

    return {name: nonsense(name, kind, value) for name, kind, value in _fields(form) if kind != "file"}


#: what JSON says to programs alone
_FOR_SCRIPTS = {"id", "url", "kind", "icon", "sign", "key", "href", "value", "command", "state", "csrf_token", "op",
                "call", "choices_url", "within", "mention", "field"}  # fmt: skip


def _spoken(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _spoken(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _spoken(inner[1] if key == "choices" else inner, key)
    elif isinstance(value, str) and key not in _FOR_SCRIPTS:
        yield key, value
