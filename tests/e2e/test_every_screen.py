"""Is every screen fit to be seen: built right, without barriers, light and dark, on a desk, zoomed and on a phone?

Which screens there are is found out by following the links and look-ups of each page, as several people. What no link
leads to is named in UNLINKED, SIGNED_OUT and MOMENTS; test_no_screen_is_forgotten fails for a page that is nowhere.
"""

from __future__ import annotations

import html
import random
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response
from playwright.sync_api import Error as PlaywrightError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, RequestRedirect

from config import ROOT
from tests.cast import PASSWORD
from tests.e2e import looks
from tests.e2e.furnished import AUDITOR
from tests.e2e.looks import DESK, PHONE, ZOOMED, Ear
from tests.e2e.product import LATE_DELIVERY, Product, environ_of

pytestmark = pytest.mark.e2e

#: who looks, and in which language; for Tuấn, who sees no customers, lists are empty
PEOPLE: Mapping[str, str] = {"lan": "vi", "minh": "vi", "hoa": "vi", "tuan": "vi", AUDITOR: "en"}
#: whose every link is followed in `make test`; of the others' pages only those to which their first page leads
FOLLOWED = ("hoa",)
#: pages to which no link leads, as queries that give their addresses
UNLINKED = (
    "SELECT '/tim/?q=duyen' UNION SELECT '/tim/?q=khongcoai' UNION SELECT '/khong-co'",
    "SELECT '/khach-hang/list/?q=khongcoai'",
    "SELECT '/cong-viec/' || min(id) FROM task GROUP BY state, name",
    "SELECT '/ho-so/' || min(id) FROM process_instance GROUP BY status",
    "SELECT '/khach-hang/show/' || max(id) FROM customer GROUP BY archived_at IS NULL",
    "SELECT '/khach-hang/' || min(customer_id) || '/mua-hang/them' FROM purchase",
    "SELECT '/khach-hang/' || customer_id || '/mua-hang/' || id FROM purchase LIMIT 1",
    "SELECT '/khach-hang/' || customer_id || '/lien-lac/' || id FROM interaction LIMIT 1",
    "SELECT '/nghi-trung/' || min(id) || '/' || max(id) FROM customer WHERE archived_at IS NULL",
    "SELECT '/thu-di/' || min(id) FROM outbox GROUP BY status",
    "SELECT '/cong-viec/bang/show/' || min(id) FROM task",
    "SELECT '/ho-so/bang/show/' || min(id) FROM process_instance",
    "SELECT '/quyen-hieu-luc/?nguoi=1&ban-ghi=customer:' || min(id) FROM customer",
    "SELECT '/bieu-mau/' || min(code) || '/ve/xem' FROM form",
    "SELECT '/phieu/' || min(id) FROM submission",
    "SELECT '/f/' || key FROM public_link UNION SELECT '/f/' || key || '/cam-on' FROM public_link",
    "SELECT '/f/' || key || '/nhung' FROM public_link UNION SELECT '/f/' || key || '/nhung/cam-on' FROM public_link",
    "SELECT '/phieu-ngoai/show/' || min(id) || '?tab=tra-loi' FROM public_entry GROUP BY state",
    "SELECT '/phieu-ngoai/' || min(id) || '/nhan' FROM public_entry WHERE state = 'held'",
    "SELECT '/bieu-mau/' || min(form.code) || '/phieu/list/' FROM form JOIN submission ON form.id = form_id",
    "SELECT '/muc-danh-muc/show/' || min(id) FROM catalogue_entry",
    "SELECT '/nhat-ky/show/' || max(id) FROM audit_event GROUP BY action",
    "SELECT '/nhat-ky/xoa/customer/' || max(id) FROM customer",
    "SELECT '/khach-hang/khoi-phuc/' || record_id || '/' || max(id) FROM audit_event WHERE table_name = 'customer' AND"
    " action = 'change' AND changes LIKE '%\"note\"%' GROUP BY record_id LIMIT 1",
    "SELECT '/nhan-su/ngung/' || max(id) FROM member UNION SELECT '/nhan-su/mat-khau-dau/' || max(id) FROM member",
)
#: pages of those who are not inside yet; the set-up page has a test of its own, those of new colleagues test_members.py
SIGNED_OUT = {"AuthView.login": "/login/", "AuthView.setup": "", "ArrivalView.invitation": "",
              "ArrivalView.password": ""}  # fmt: skip
#: answers that are no pages: files and pictures, states of health, rows for look-ups, the way to a list, the panel
#: beside it (it is looked at in MOMENTS), and what an action asks first where no action asks anything
NO_SCREENS = re.compile(
    r"(^|\.)static$|^(health|metrics)\.|\.(lookup|panel|root)$|^FileView\.|^LogoView\.|^ExportPages\.download$"
    r"|^CommentPages\.people$|^(Task|Instance|Member|Role|Entry|Log)Screen\.preview$"
    r"|^(?!CustomerScreen)\w+\.bring_back$"
    # where a role holds a field back: tests/e2e/test_field_rights.py
    r"|^(Customer|Member)Screen\.reveal$|^SubmissionPages\.reveal$|^ContactPages\.reveal_contact$|^FieldRightPages\.fields$"
    # sheets; and what needs a file first: tests/imports/test_pages.py
    r"|^FilePages\.(template|bad_rows|show_job)$|^(FormPages\.export|SubmissionPages\.paper)$"
    # what needs chosen customers first: tests/customers/bulk/test_bulk.py
    r"|^BulkPages\.show_job$"
    # rows for look-ups; a role is renamed on its own page: tests/e2e/test_roles.py
    r"|^DrawingPages\.(draft|fields)$|^OpenFormView\.wards$|^LinkPages\.picture$|^FormAnswers\.fields$"
    r"|^MemberScreen\.receivers$|^TeamScreen\.joinable$|^RoleScreen\.edit$"
)
#: another order or another page of a list is the same kind of page
SAME_PAGE = ("order", "page", "after", "before")
#: of each view so many kinds of pages are looked at in `make test`
SAMPLE, SAMPLES = 1, {"TaskPages.task": 3, "TaskPages.index": 2, "InstancePages.instance": 2, "CustomerScreen.show": 2,
                      "CustomerScreen.list": 2}  # fmt: skip
_LINK = re.compile(r'(?:href|action|data-url|data-lookup-url|hx-get)="([^"#]+)')
_MOST_PAGES = 400


# ── Finding the screens ──
@dataclass(frozen=True, order=True)
class Place:
    """A kind of page: which view answers, and what was asked of it. Numbers do not make another kind."""

    endpoint: str
    asked: str


@dataclass
class Walk:
    """Where everybody came, and by which address. A page may be refused to him; then it is under its status."""

    ways: dict[Place, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    refused: dict[int, tuple[str, str]] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)


class Walker:
    """Follows links without drawing the pages."""

    def __init__(self, walk: Walk, routes: MapAdapter, url: str) -> None:
        self._walk, self._routes, self._url = walk, routes, url

    def go(self, who: str, page: Page, first: Collection[str], *, depth: int) -> None:
        """`depth` links away from the addresses in `first`."""
        waiting, seen = [(address, 0) for address in first], set()
        while waiting and len(seen) < _MOST_PAGES:
            address, far = waiting.pop(0)
            place = self._place(address, exactly=far == 0 and address != "/")
            if place is None or place in seen:
                continue
            seen.add(place)
            self._walk.reached.add(place.endpoint)
            if NO_SCREENS.search(place.endpoint):
                continue
            answer = page.context.request.get(self._url + address)
            if answer.status >= 500:
                self._walk.broken.append(f"{who} {address}: {answer.status}")
            if "text/html" not in answer.headers.get("content-type", ""):
                continue
            if answer.status >= 400:
                self._walk.refused.setdefault(answer.status, (who, address))
                continue
            told = answer.text()
            if "hx-swap-oob" in told and "<html" not in told:
                continue  # parts that a script puts into the page that asked for them
            self._walk.ways[place][who] = address
            if far < depth:
                waiting += ((link, far + 1) for link in self._links(told, address))

    def _links(self, page: str, here: str) -> Iterator[str]:
        for found in _LINK.findall(page):
            target = urlsplit(urljoin(self._url + here, html.unescape(found)))
            if f"{target.scheme}://{target.netloc}" == self._url:
                yield target.path + (f"?{target.query}" if target.query else "")

    def _place(self, address: str, *, exactly: bool) -> Place | None:
        parts = urlsplit(address)
        try:
            endpoint, given = self._routes.match(parts.path, "GET")
        except RequestRedirect as elsewhere:
            return self._place(urlsplit(elsewhere.new_url).path, exactly=exactly)
        except HTTPException:
            return Place("", address) if exactly else None
        if exactly:
            return Place(endpoint, address)
        asked = [*given.items(), *((key, value) for key, value in parse_qsl(parts.query) if key not in SAME_PAGE)]
        return Place(endpoint, " ".join(f"{key}={re.sub('[0-9]+', '#', value)[:24]}" for key, value in sorted(asked)))


class Rooms:
    """One browser context a person, signed in once, with an ear in it. "" is somebody who is not signed in."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url
        self._open: dict[str, tuple[Page, Ear]] = {}

    def __call__(self, who: str) -> tuple[Page, Ear]:
        if who not in self._open:
            context = self._browser.new_context(
                base_url=self._url,
                viewport={"width": DESK[0], "height": DESK[1]},
                locale="vi-VN",
                timezone_id="Asia/Ho_Chi_Minh",
                reduced_motion="reduce",
                color_scheme="light",
            )
            context.set_default_timeout(20_000)
            ear, page = Ear(context, self._url), context.new_page()
            page.on("dialog", lambda dialog: dialog.accept())  # forms with unsaved words are left
            if who:
                page.goto("/login/")
                page.get_by_label("Tên đăng nhập").fill(who)
                page.get_by_label("Mật khẩu", exact=True).fill(PASSWORD)
                page.get_by_label("Mật khẩu", exact=True).press("Enter")
                page.wait_for_url("/")
            self._open[who] = (page, ear)
        return self._open[who]

    def close(self) -> None:
        for page, _ear in self._open.values():
            page.context.close()


def _program(step: str, product: Product | Any) -> str:
    folder = product.data if isinstance(product, Product) else product
    return subprocess.run(
        [sys.executable, "-m", "tests.e2e.furnished", step],
        cwd=ROOT, env=environ_of(folder), check=True, stdout=subprocess.PIPE, encoding="utf-8",
    ).stdout  # fmt: skip


@dataclass
class House:
    """The product while the tests of this file run, who looks at it, and what its first page of all looked like."""

    product: Product
    rooms: Rooms
    set_up: list[str]

    def look(self, who: str, address: str, act: Callable[[Page], Response | None] | None = None) -> list[str]:
        """Everything that is wrong with this page, after `act` has done something on it; seen by a second look too."""
        try:
            if not self._look(who, address, act):
                return []
        except (AssertionError, PlaywrightError):
            pass
        return self._look(who, address, act)

    def _look(self, who: str, address: str, act: Callable[[Page], Response | None] | None) -> list[str]:
        page, ear = self.rooms(who)
        ear.heard()
        answer = page.goto(address)
        assert answer is not None
        if act:
            answer = act(page) or answer
        looks.settled(page)
        return [
            *looks.markup(answer.text()),
            *looks.structure(page, "en" if "lang=en" in address else PEOPLE.get(who, "vi")),
            *looks.barriers(page),
            *looks.fit(page, DESK, ZOOMED, PHONE),
            *ear.heard(),
        ]


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A web server over a company that has something to show on every screen."""
    folder = tmp_path_factory.mktemp("furnished")
    set_up = _program("found", folder).strip()
    product = Product(folder, tmp_path_factory.mktemp("product"))
    product.start_web()
    house = House(product, Rooms(browser, product.url), [])
    house.set_up = [*house.look("", set_up), *house.look("", set_up, send_empty)]  # there is no company yet
    _program("furnish", product)
    yield house
    house.rooms.close()
    product.stop()


@pytest.fixture(scope="module")
def routes(prepared: Callable[[str], Any]) -> MapAdapter:
    adapter: MapAdapter = prepared("sqlite").app.url_map.bind("127.0.0.1")
    return adapter


def walk_of(house: House, routes: MapAdapter, *, thoroughly: Collection[str]) -> Walk:
    walk = Walk()
    walker = Walker(walk, routes, house.product.url)
    unlinked = [row[0] for query in UNLINKED for row in house.product.rows(query)]
    for who in PEOPLE:
        page, _ear = house.rooms(who)
        if who in thoroughly:
            walker.go(who, page, ["/", *unlinked], depth=9)
        else:
            walker.go(who, page, ["/"], depth=1)
    return walk


@pytest.fixture(scope="module")
def walk(house: House, routes: MapAdapter) -> Walk:
    return walk_of(house, routes, thoroughly=FOLLOWED)


# ── Something done on a page before it is looked at ──
def send_empty(page: Page) -> Response:
    """The form of the page, with nothing in it; the browser's own checks step aside."""
    with page.expect_navigation() as sent:
        looks.probe(page, "sendEmpty")
    return sent.value


def opened(selector: str, shown: str) -> Callable[[Page], None]:
    """Press the first of these; what it opens is there."""

    def act(page: Page) -> None:
        page.locator(selector).first.click()
        page.locator(shown).first.wait_for()

    return act


def pressed(key: str, shown: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.keyboard.press(key)
        page.locator(shown).first.wait_for()

    return act


def looked_up(page: Page) -> None:
    page.locator(".ts-control input").first.fill("duyên")
    page.locator(".ts-dropdown .option[data-selectable]").first.wait_for()


def overtaken(page: Page) -> Response:
    """Saved here after somebody saved the same row elsewhere; both wrote the same box."""
    elsewhere = page.context.new_page()
    elsewhere.goto(page.url)
    saved(elsewhere, "truoc@phosen.example")
    elsewhere.close()
    answer = saved(page, "sau@phosen.example")
    page.locator(".tt-conflict").wait_for()
    return answer


def saved(page: Page, email: str) -> Response:
    page.locator("input#email").fill(email)
    with page.expect_navigation() as sent:
        page.get_by_role("button", name="Lưu").first.click()
    return sent.value


def chosen_and_asked(page: Page) -> None:
    opened("[data-check-all]", "[data-bulk]:not([hidden])")(page)
    opened("[data-dialog='#hoi-reassign']", "dialog#hoi-reassign[open]")(page)


#: what is seen only after something was done: who, the address (or a query for it), and what he does there
MOMENTS: Mapping[str, tuple[str, str, Callable[[Page], Response | None]]] = {
    "refused sign-in": ("", "/login/", send_empty),
    "start form sent empty": ("lan", f"/ho-so/bat-dau/{LATE_DELIVERY}", send_empty),
    "task sent empty": (
        "lan", "SELECT '/cong-viec/' || max(id) FROM task WHERE state = 'claimed' AND outcomes = '[]' AND assignee_id ="
        " (SELECT id FROM ab_user WHERE username = 'lan')", send_empty,
    ),
    "reassigning": (
        "minh", "SELECT '/cong-viec/' || max(id) FROM task WHERE state = 'claimed' AND assignee_id ="
        " (SELECT id FROM ab_user WHERE username = 'lan')",
        lambda page: page.evaluate("document.querySelector('[data-dialog]').click()"),
    ),
    "looking a customer up": ("lan", f"/ho-so/bat-dau/{LATE_DELIVERY}", looked_up),
    "a new customer beside": ("lan", f"/ho-so/bat-dau/{LATE_DELIVERY}", opened("[data-create-open]", "#khach-moi")),
    "the filter's rows": ("hoa", "/khach-hang/list/", pressed("f", "[data-fe-row]")),
    "a typed condition refused": (
        "hoa", "/khach-hang/list/?where=kind%20%3D", lambda page: page.locator("#dieu-kien-error").wait_for(),
    ),
    "columns": ("hoa", "/khach-hang/list/", opened("details[data-columns] > summary", "[data-column]")),
    "a view's name": ("hoa", "/khach-hang/list/", opened(".tt-views__new", "#ten-cach-xem")),
    "a row at a glance": ("hoa", "/khach-hang/list/", opened("tr[data-panel] td:last-child", ".tt-panel h2")),
    "rows chosen": ("hoa", "/khach-hang/list/", opened("[data-check-all]", "[data-bulk]:not([hidden])")),
    "giving away what is chosen": ("minh", "/cong-viec/bang/list/", chosen_and_asked),
    "saved meanwhile": (
        "hoa", "SELECT '/khach-hang/edit/' || max(id) FROM customer WHERE archived_at IS NULL", overtaken,
    ),
    "export menu": (
        "minh", "/khach-hang/list/",
        opened("details:has(form[action$='/export']) > summary", "details[open] .tt-menu__list"),
    ),
    "own menu": ("minh", "/", opened(".tt-me", ".tt-me + .tt-menu__list")),
    "palette": (AUDITOR, "/", pressed("Control+k", "dialog[open]")),
}  # fmt: skip


# ── The tests ──
def nothing_is_wrong(found: Iterable[tuple[str, str]]) -> None:
    """(where, what): each finding is told once, with the first places where it is."""
    places: dict[str, list[str]] = defaultdict(list)
    for where, what in found:
        places[what].append(where)
    lines = [f"{what}\n      on {len(there)}: {', '.join(there[:3])}" for what, there in places.items()]
    assert not lines, "\n".join(["", *lines])


def test_no_screen_is_forgotten(house: House, walk: Walk, routes: MapAdapter) -> None:
    page, _ear = house.rooms("hoa")
    forgotten = []
    for rule in routes.map.iter_rules():
        known = rule.endpoint in walk.reached or rule.endpoint in SIGNED_OUT or NO_SCREENS.search(rule.endpoint)
        if "GET" not in (rule.methods or ()) or rule.rule.startswith("/api/") or known:
            continue
        # What needs nothing to be asked tells by itself whether it is a page.
        if rule.arguments or "text/html" in page.context.request.get(rule.rule).headers["content-type"]:
            forgotten.append(f"{rule.rule} ({rule.endpoint})")
    assert forgotten == []
    assert walk.broken == []


def test_the_first_page_of_all_is_fit_to_be_seen(house: House) -> None:
    nothing_is_wrong(("set-up page", what) for what in house.set_up)


def test_every_kind_of_screen_is_fit_to_be_seen(house: House, walk: Walk) -> None:
    """As one of those who may see it, the same one in every run; the first page of the day as everybody."""
    chance = random.Random("Tận Tâm")
    of_view: dict[str, list[Place]] = defaultdict(list)
    for place in sorted(walk.ways):
        of_view[place.endpoint].append(place)
    chosen = [("", SIGNED_OUT["AuthView.login"]), ("", "/login/?lang=en"), *walk.refused.values()]
    for endpoint, places in of_view.items():
        for place in chance.sample(places, min(len(places), SAMPLES.get(endpoint, SAMPLE))):
            ways = walk.ways[place]
            chosen += ways.items() if endpoint == "Home.index" else [chance.choice(sorted(ways.items()))]
    nothing_is_wrong((f"{who} {address}", what) for who, address in chosen for what in house.look(who, address))


def test_refused_forms_and_what_opens_are_fit_to_be_seen(house: House, walk: Walk) -> None:
    moments = {**MOMENTS}
    for place, ways in walk.ways.items():
        if place.endpoint.endswith((".add", ".edit")):
            who, address = min(ways.items())
            moments[f"{place.endpoint} sent empty"] = (who, address, send_empty)
    found = []
    for moment, (who, asked, act) in moments.items():
        address = house.product.rows(asked)[0][0] if asked.startswith("SELECT") else asked
        found += [(f"{who} {address} ({moment})", what) for what in house.look(who, address, act)]
    nothing_is_wrong(found)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("who", PEOPLE)
def test_every_screen_of_everybody_is_fit_to_be_seen(house: House, routes: MapAdapter, who: str) -> None:
    walk = walk_of(house, routes, thoroughly=[who])
    addresses = [ways[who] for _place, ways in sorted(walk.ways.items()) if who in ways]
    nothing_is_wrong((address, what) for address in addresses for what in house.look(who, address))
