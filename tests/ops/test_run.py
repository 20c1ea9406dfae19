"""The start: real processes that die, are replaced, and stop cleanly."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine

from app.core.models import JobHeartbeat
from config import ROOT
from tests.ports import free_port

PATIENCE = 60.0


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.05)


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Product:
    """`python run.py …` on a data folder of its own."""

    def __init__(self, folder: Path, *arguments: str, port: int | None = None, **environ: str) -> None:
        self.port = port or free_port()
        self._log = folder / "log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TANTAM_")}
        settings = {"TANTAM_DATA": str(folder / "data"), "PORT": str(self.port), "TANTAM_WEB_PROCESSES": "1", **environ}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "run.py"), *arguments],
                cwd=folder,
                env={**kept, **settings},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.seen: list[psutil.Process] = []

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def status(self, path: str) -> int:
        """The HTTP status; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as answer:
            answer.close()
            return answer.code
        except OSError:
            return 0

    def child(self, role: str) -> psutil.Process | None:
        """The living web or worker process right below the supervisor."""
        self.seen += psutil.Process(self.process.pid).children(recursive=True)
        for process in self.seen:
            with suppress(psutil.NoSuchProcess):  # it may end while it is looked at
                if lives(process) and process.ppid() == self.process.pid and process.cmdline()[-1:] == [role]:
                    return process
        return None

    def is_gone(self) -> bool:
        """No process of this start is left and the port is free again."""
        return not any(map(lives, self.seen)) and self.status("/health/live") == 0

    def wait(self) -> int:
        return self.process.wait(PATIENCE)


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., Product]]:
    started: list[Product] = []
    (tmp_path / "data").mkdir()
    engine = create_engine(f"sqlite:///{tmp_path}/data/tantam.db")
    JobHeartbeat.__table__.create(engine)
    engine.dispose()

    def begin(*arguments: str, **options: object) -> Product:
        started.append(Product(tmp_path, *arguments, **options))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for product in started:
        if product.process.poll() is None:
            product.process.terminate()
            product.process.wait(PATIENCE)


def serving(product: Product) -> Product:
    until(lambda: product.status("/health/live") == 200 or product.process.poll() is not None, "serving")
    assert product.process.poll() is None, product.output
    until(lambda: product.child("web") and product.child("worker"), "both children")
    return product


def test_a_dead_worker_is_replaced_and_a_stop_is_clean(start):
    product = serving(start())
    until(lambda: product.status("/health/scheduler") == 200, "the first pulse")
    first = product.child("worker")
    assert first is not None
    first.kill()
    until(lambda: product.child("worker") not in (None, first), "another worker")
    assert product.status("/health/live") == 200
    assert "Tận Tâm: http://127.0.0.1" in product.output

    product.process.send_signal(signal.SIGTERM)
    assert product.wait() == 0
    until(product.is_gone, "everything ended")
    assert "Traceback" not in re.sub(
        r"job \S+ failed\nTraceback.*?(?=\n20\d\d-|\Z)", "", product.output, flags=re.DOTALL
    )


def test_a_dead_web_server_ends_everything(start):
    product = serving(start())
    web = product.child("web")
    assert web is not None
    web.kill()
    assert product.wait() == 1
    until(product.is_gone, "everything ended")


def test_a_killed_supervisor_leaves_nothing_behind(start):
    product = serving(start())
    product.process.kill()
    product.wait()
    until(product.is_gone, "everything ended")


@pytest.mark.slow
def test_a_dead_web_process_is_back_at_once(start):
    product = start("web")
    until(lambda: product.status("/health/live") == 200, "serving")
    (one,) = psutil.Process(product.process.pid).children()
    one.kill()
    until(lambda: psutil.Process(product.process.pid).children() not in ([], [one]), "another process")
    until(lambda: product.status("/health/live") == 200, "serving again")
    assert product.status("/health/scheduler") == 503  # `web` never starts a scheduler
    product.process.send_signal(signal.SIGINT)
    assert product.wait() == 0


@pytest.mark.parametrize("role", [(), ("web",)])
def test_a_taken_port_is_told_in_one_sentence(start, role):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        product = start(*role, port=other.getsockname()[1])
        assert product.wait() == 1
    (sentence,) = product.output.splitlines()
    assert sentence.startswith(f"Port {product.port} is taken")


@pytest.mark.parametrize("role", ["web", pytest.param("worker", marks=pytest.mark.slow)])
def test_nothing_starts_while_a_restore_is_at_work(start, tmp_path, role):
    with (tmp_path / "data" / ".running").open("w") as restore:
        fcntl.flock(restore, fcntl.LOCK_EX)
        product = start(role)
        assert product.wait() == 1
    assert product.output == "A backup is being restored. Start the product when that is done.\n"


def test_a_wrong_setting_is_told_in_one_sentence(start):
    product = start(TANTAM_SMTP_URL="mail.example.vn")
    assert product.wait() == 1
    (sentence,) = product.output.splitlines()
    assert sentence.startswith("TANTAM_SMTP_URL")


def test_a_wrong_command_shows_the_right_ones(start):
    product = start("serve")
    assert product.wait() == 2
    assert product.output == "usage: python run.py [web | worker]\n"
