"""What does a request cost the server? One gunicorn worker, started as run.py starts it; ours or a peer's.

The same applications also answer in this process, where the queries of a page are counted:
`python -m bench.server count ours lan /khach-hang/list/` prints one number a path, `… serve ours` serves.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

import psutil
from sqlalchemy import event
from sqlalchemy.engine import Engine

from bench import PASSWORD

#: name → the module that makes the application
APPS = {"ours": "app", "fab": "bench.peers.fab", "bare": "bench.peers.bare"}
_TOKEN = re.compile(rb'name="csrf[_-]token"[^>]*(?:value|content)="([^"]+)"')
_WITHIN = 120.0


@dataclass
class Server:
    """A running server with one worker process."""

    port: int
    process: psutil.Process

    @property
    def worker(self) -> psutil.Process:
        (worker,) = self.process.children()
        return worker

    def cpu_seconds(self) -> float:
        spent = self.worker.cpu_times()
        return float(spent.user + spent.system)

    def memory(self) -> float:
        """Resident memory of the worker in MiB."""
        return float(self.worker.memory_info().rss) / 2**20

    def sign_in(self, username: str) -> str:
        """The cookie of somebody who is signed in."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", "/login/")
        answer = connection.getresponse()
        token, cookie = _TOKEN.search(answer.read()), _cookie(answer.getheader("Set-Cookie"))
        assert token is not None, "the sign-in page has no form"
        typed = urlencode({"username": username, "password": PASSWORD, "csrf_token": token[1].decode()})
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded",
                   "Referer": f"http://127.0.0.1:{self.port}/login/"}  # fmt: skip
        connection.request("POST", "/login/", typed, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 302, f"{username} was not let in: {answer.status}"
        cookie = _cookie(answer.getheader("Set-Cookie"))
        # Browsers keep what the first page adds to it (the token of its forms); without it every page would add it.
        connection.request("GET", "/", headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        return _cookie(answer.getheader("Set-Cookie")) or cookie


def _cookie(header: str | None) -> str:
    return "; ".join(f"{name}={morsel.value}" for name, morsel in SimpleCookie(header or "").items())


@contextmanager
def served(name: str, environ: Mapping[str, str], *, port: int) -> Iterator[Server]:
    """The application `name` on this port as long as the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.server", "serve", name], env={**os.environ, **environ, "PORT": str(port)}
    )
    server = Server(port, psutil.Process(process.pid))
    try:
        _wait_for(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
            connection.request("GET", "/login/")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nothing answers on port {server.port}")


def count(name: str, environ: Mapping[str, str], username: str, paths: Sequence[str]) -> list[int]:
    """How many queries each of the pages asks, warm, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.server", "count", name, username, *paths],
        env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return list(json.loads(done.stdout.splitlines()[-1]))


# ── In the child ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _make(name: str) -> Any:
    return import_module(APPS[name]).create_app()


def _serve(name: str) -> None:
    from config import Config
    from run import Web

    class Bench(Web):
        def load(self) -> Any:
            return _make(name)

    web = Bench(Config())
    if name != "ours":
        web.cfg.set("post_fork", lambda _arbiter, _worker: None)
        # Loaded by the worker itself: its connections are then its own.
        web.cfg.set("preload_app", False)
    web.run()


def _count(name: str, username: str, paths: Sequence[str]) -> list[int]:
    browser = _make(name).test_client()
    if username:
        token = _TOKEN.search(browser.get("/login/").data)
        typed = {"username": username, "password": PASSWORD, "csrf_token": token[1].decode() if token else ""}
        assert browser.post("/login/", data=typed, headers={"Referer": "http://localhost/login/"}).status_code == 302
    statements: list[str] = []

    @event.listens_for(Engine, "before_cursor_execute")
    def _note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    counted = []
    for path in paths:
        browser.get(path)
        statements.clear()
        answer = browser.get(path)
        assert answer.status_code < 400, f"{path}: {answer.status_code}"
        counted.append(len(statements))
        if os.environ.get("BENCH_SHOW_QUERIES"):
            print(path, *statements, sep="\n\n", file=sys.stderr)
    return counted


if __name__ == "__main__":
    what, which, *rest = sys.argv[1:]
    if what == "serve":
        _serve(which)
    else:
        print(json.dumps(_count(which, rest[0], rest[1:])))
