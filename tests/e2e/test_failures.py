"""Is anything lost or told twice when processes die and the mail server does not do its part?"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import Desk
from tests.e2e.product import LATE_DELIVERY, Product, Rest, until
from tests.notifications.sink import Sink, talker

pytestmark = pytest.mark.e2e

WRITERS = 4
#: so many writes are acknowledged before the web server is killed
ENOUGH = 60


@pytest.fixture
def begin(company: Path, tmp_path: Path) -> Iterator[Callable[..., Product]]:
    """begin(smtp_url="…") → a product whose web server runs; its workers are the test's."""
    begun: list[Product] = []

    def web(**settings: str) -> Product:
        begun.append(Product(company, tmp_path, **settings))
        begun[-1].start_web()
        return begun[-1]

    yield web
    for product in begun:
        product.stop()


def start_task(product: Product, code: str, name: str, due: str) -> None:
    """A task for Lan that runs out of time that soon."""
    hoa = Rest(product, "hoa")
    hoa.publish(code, name, assign="user:lan", due=due)
    hoa.post("instances/", {"process": code, "customer_id": None})


def outbox(product: Product) -> Counter[str]:
    """How many mails are in which state."""
    return Counter(dict(product.rows("SELECT status, count(*) FROM outbox GROUP BY status")))


def refused(product: Product) -> list[Any]:
    """The mails that the server would not have so far."""
    return product.rows("SELECT id FROM outbox WHERE status = 'waiting' AND last_error IS NOT NULL")


def beats(product: Product, job: str) -> int:
    """How often the job has run, all workers together."""
    return sum(row[0] for row in product.rows("SELECT beats FROM job_heartbeat WHERE name = ?", job))


def test_two_workers_of_which_one_is_killed_send_one_mail_for_each_overdue_task(begin: Callable[..., Product]) -> None:
    with Sink().running() as mails:
        product = begin(smtp_url=mails.url)
        first, _second = product.start_worker(), product.start_worker()
        start_task(product, "truoc", "Gọi trước khi giao", "PT1S")
        until(lambda: mails.mails, "the first mail")
        until(lambda: outbox(product) == {"done": 1}, "its mark")
        product.kill(first)
        start_task(product, "sau", "Gọi sau khi giao", "PT1S")
        until(lambda: len(mails.mails) == 2, "the second mail, from the worker that is left")

        # A third worker, which looks at everything when it starts, changes nothing.
        product.start_worker()
        turns = beats(product, "tasks.scan_overdue")
        until(lambda: beats(product, "tasks.scan_overdue") >= turns + 1, "one more scan")
        assert sorted(str(mail["Subject"]) for mail in mails.mails) == [
            "Quá hạn: Gọi sau khi giao",
            "Quá hạn: Gọi trước khi giao",
        ]
        assert outbox(product) == {"done": 2}
        assert product.rows("SELECT count(*) FROM alert") == [(2,)]
        assert {address for (address,) in product.rows("SELECT to_address FROM outbox")} == {"lan@phosen.example"}


def test_a_killed_web_server_has_lost_nothing_that_it_acknowledged(begin: Callable[..., Product]) -> None:
    product = begin()
    lan = Rest(product, "lan")
    acknowledged: dict[str, list[int]] = {"customers/": [], "instances/": []}

    def write(writer: int) -> int:
        """Writes until nobody answers any more; how many were acknowledged."""
        number = 0
        while True:
            path = ("customers/", "instances/")[(writer + number) % 2]
            body: dict[str, Any] = {"name": f"Khách {writer} số {number}"}
            if path == "instances/":
                body = {"process": LATE_DELIVERY, "customer_id": 1}
            try:
                acknowledged[path].append(lan.post(path, body)["id"])
            except HTTPError:
                raise
            except OSError:
                return number
            number += 1

    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, writer) for writer in range(WRITERS)]
        until(lambda: sum(map(len, acknowledged.values())) >= ENOUGH or writers[0].done(), "enough writes")
        product.kill(product.web)
        assert all(writer.result() >= 1 for writer in writers)

    product.start_web()
    customers = {row[0] for row in product.rows("SELECT id FROM customer")}
    started = {
        row[0]
        for row in product.rows(
            "SELECT i.id FROM process_instance i JOIN task t ON t.owner_type = 'instance' AND t.owner_id = i.id"
            " WHERE i.status = 'running' AND t.state = 'ready'"
        )
    }
    assert set(acknowledged["customers/"]) <= customers
    assert set(acknowledged["instances/"]) <= started
    # What was not acknowledged is there whole or not at all.
    assert product.rows("SELECT count(*) FROM process_instance") == [(len(started),)]
    assert integrity(product) == "ok"
    assert lan.get(f"instances/{acknowledged['instances/'][-1]}")["status"] == "running"


def integrity(product: Product) -> str:
    connection = sqlite3.connect(f"file:{product.data}/tantam.db?mode=ro", uri=True)
    try:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


def test_people_go_on_working_while_the_mail_server_hangs(begin: Callable[..., Product], browser: Browser) -> None:
    with talker({}, greeting=None) as port:
        product = begin(smtp_url=f"smtp://127.0.0.1:{port}")
        desk, rest = Desk(browser, product, {}), Rest(product, "lan")
        page = desk("lan")
        worker = product.start_worker()
        start_task(product, "treo", "Gọi khách", "PT1S")
        until(lambda: outbox(product)["leased"], "the worker at the silent server")
        for path in ("/", "/cong-viec/", "/khach-hang/list/", "/thong-bao/"):
            assert page.context.request.get(path).status == 200, path
        assert rest.post("instances/", {"process": LATE_DELIVERY, "customer_id": 1})["id"]
        assert outbox(product)["leased"]  # it hangs all that time
        desk.close()
        assert desk.complaints == []
        product.kill(worker)


@pytest.mark.slow
def test_a_mail_leaves_by_itself_when_the_server_is_back(begin: Callable[..., Product]) -> None:
    mails = Sink()
    product = begin(smtp_url=mails.url)  # nobody listens there yet
    product.start_worker()
    start_task(product, "di-sau", "Gọi khách", "PT1S")
    until(lambda: refused(product), "the refusal")
    with mails.running():
        until(lambda: mails.mails, "the mail", patience=120)
        until(lambda: outbox(product) == {"done": 1}, "its mark")
        assert [str(mail["Subject"]) for mail in mails.mails] == ["Quá hạn: Gọi khách"]
