"""Real people at a real browser: Chromium over a running web server and worker, with a mail server that takes mails."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    StorageState,
    expect,
    sync_playwright,
)

from tests.cast import PASSWORD
from tests.e2e.looks import DESK, REFUSED_PAGE
from tests.e2e.product import Product, found_company
from tests.notifications.sink import Sink

_MILLISECONDS = 20_000
#: The headless shell draws the same pages without a browser's own windows, in half the time.
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
expect.set_options(timeout=_MILLISECONDS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a person does in a browser is done once more when it failed, and nothing else ever is.

    A machine that does too much at once loses a key or an answer. Both tries are told ("R"). Whoever looks at every
    screen looks twice at what seems wrong, not at all again.
    """
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.path.name != "test_every_screen.py":
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True)
def _as_the_servers_do(machine_time: None) -> None:
    """These tests live on the day of the product, which runs in processes of its own."""


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder that every product of these tests begins with a copy of."""
    return found_company(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def mails() -> Iterator[Sink]:
    with Sink().running() as sink:
        yield sink


@pytest.fixture(scope="module")
def product(company: Path, mails: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A web server and a worker, whose mails go to `mails`."""
    product = Product(company, tmp_path_factory.mktemp("product"), smtp_url=mails.url)
    product.start_web()
    product.start_worker()
    yield product
    product.stop()


def chromium() -> str:
    """The path of the one that is installed."""
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    assert found, "the journeys need Chromium: apt-get install chromium-headless-shell"
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in() -> dict[str, StorageState]:
    """The cookies of who has signed in during this module, by user name."""
    return {}


class Desk:
    """Where the cast sits: each person in a browser of his own. Collects what a browser complained of."""

    def __init__(self, browser: Browser, product: Product, signed_in: dict[str, StorageState]) -> None:
        self._browser, self._product, self._signed_in = browser, product, signed_in
        self._contexts: list[BrowserContext] = []
        self._pages: dict[str, Page] = {}
        self.complaints: list[str] = []

    def __call__(self, username: str) -> Page:
        """The page in front of this person; it shows nothing yet, or Sáng nay when he has just signed in."""
        if username not in self._pages:
            self._pages[username] = self.page(username)
        return self._pages[username]

    def page(self, username: str, size: tuple[int, int] = DESK, *, scripts: bool = True) -> Page:
        """One more browser in which this person is signed in; without `scripts` it runs none."""
        page = self._open(size, self._signed_in.get(username), scripts=scripts)
        if username not in self._signed_in:
            page.goto("/login/")
            page.get_by_label("Tên đăng nhập").fill(username)
            page.get_by_label("Mật khẩu", exact=True).fill(PASSWORD)
            page.get_by_role("button", name="Đăng nhập").click()
            page.wait_for_url("/")
            self._signed_in[username] = page.context.storage_state()
        return page

    def nobody(self) -> Page:
        """A browser in which nobody is signed in."""
        return self._open(DESK, None, scripts=True)

    def _open(self, size: tuple[int, int], cookies: StorageState | None, *, scripts: bool) -> Page:
        context = self._browser.new_context(
            base_url=self._product.url,
            viewport={"width": size[0], "height": size[1]},
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            reduced_motion="reduce",
            storage_state=cookies,
            java_script_enabled=scripts,
        )
        context.set_default_timeout(_MILLISECONDS)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        context.on("response", self._answered)
        self._contexts.append(context)
        return context.new_page()

    def _heard(self, message: ConsoleMessage) -> None:
        """Scripts and styles that the Content-Security-Policy refused are told here too."""
        if not REFUSED_PAGE.match(message.text):
            self.complaints.append(f"{message.type}: {message.text} ({message.location['url']})")

    def _answered(self, answer: Response) -> None:
        if answer.status >= 500 or (answer.status >= 400 and answer.request.resource_type != "document"):
            self.complaints.append(f"{answer.status}: {answer.url}")

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def desk(browser: Browser, product: Product, signed_in: dict[str, StorageState]) -> Iterator[Desk]:
    """desk("lan") → the page in front of Lan. At the end no page may have complained."""
    desk = Desk(browser, product, signed_in)
    yield desk
    desk.close()
    assert desk.complaints == []
