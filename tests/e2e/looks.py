"""What is wrong with the page that a browser shows? Every answer is a sentence; none at all is what we want."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lxml.html import document_fromstring, tostring
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, expect

from config import ROOT

DESK, PHONE = (1366, 768), (390, 844)
#: what is left of the desk at 200 %
ZOOMED = (683, 384)
#: what a script that loads after the page makes more of: look-ups, days and moments, selects that grow, lists in order
_UNMADE = (
    "select:is([data-url], [data-lookup-url]):not(.tomselected), input:is([data-date], [data-moment]):not([data-dated])"
    ", select[data-entry-add]:not(:has(option[value='+'])), button[data-grip]:disabled"
)
AXE = ROOT / "assets/node_modules/axe-core/axe.min.js"
_PROBES = Path(__file__).with_name("looks.js").read_text(encoding="utf-8")
_OLD_DRESS = re.compile(r"panel-|btn-default|col-xs-|glyphicon|/static/appbuilder/")
#: what Chromium says to every answer of 400 and more; those of pages are meant, those of their parts are heard besides
REFUSED_PAGE = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
#: the policy's refusals, kept by the page itself: not all of them reach the console
_LISTEN = """
window.__refused = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ""}`));
"""


class Ear:
    """Hears what a browser says while it loads pages, and where it asks for things."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self._heard: list[str] = []
        self._url = url
        context.add_init_script(_LISTEN)
        context.on("console", self._console)
        context.on("weberror", lambda error: self._heard.append(f"script: {error.error}"))
        context.on("request", self._request)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if not REFUSED_PAGE.match(message.text):
            self._heard.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if request.url.startswith("data:"):
            return
        if not request.url.startswith(self._url + "/") or "/static/appbuilder/" in request.url:
            self._heard.append(f"asks for {request.url}")

    def _response(self, answer: Response) -> None:
        if answer.status >= 400 and answer.request.resource_type != "document":
            self._heard.append(f"{answer.status} for {answer.url}")

    def heard(self) -> list[str]:
        """All since the last time."""
        said, self._heard = self._heard, []
        return said


def markup(html: str) -> list[str]:
    """What may not stand in a page as the server wrote it."""
    page = document_fromstring(html)
    said = [f"old dress: {found}" for found in sorted(set(_OLD_DRESS.findall(html)))]
    said += [f"inline script: {(tag.text or '')[:80]}" for tag in page.iter("script") if not tag.get("src")]
    said += [f"<style>: {(tag.text or '')[:80]}" for tag in page.iter("style")]
    for name in page.xpath("//@style | //@*[starts-with(name(), 'on')]"):
        said.append(f"{name.attrname}= on {tostring(name.getparent(), encoding='unicode', with_tail=False)[:120]}")
    return said


def settled(page: Page) -> Page:
    """The page, once its fields are what the scripts make of them."""
    expect(page.locator(_UNMADE)).to_have_count(0)
    return page


def structure(page: Page, language: str) -> list[str]:
    return list(probe(page, "structure", language))


def barriers(page: Page) -> list[str]:
    """What axe calls serious or critical: everything in light, what depends on colours in dark too."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    worn = "document.documentElement.dataset.bsTheme"
    said = []
    for dress, rules in (("light", None), ("dark", ["color-contrast", "link-in-text-block"])):
        page.evaluate(f"{worn} = '{dress}'")
        said += [f"{dress}: {sentence}" for sentence in probe(page, "barriers", rules)]
    page.evaluate(f"{worn} = 'light'")
    return said


def fit(page: Page, *sizes: tuple[int, int]) -> list[str]:
    """What does not fit on screens of these sizes. The page is as large as before in the end."""
    before = page.viewport_size
    said = []
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        said += [f"{width}x{height}: {sentence}" for sentence in probe(page, "fit")]
    if before:
        page.set_viewport_size(before)
    return said


def probe(page: Page, name: str, argument: Any = None) -> Any:
    """What the function of that name in looks.js says of this page."""
    return page.evaluate(f"(argument) => {_PROBES.strip()}.{name}(argument)", argument)
