"""How does a test run the product as an operator would? Its web server and its workers are processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import run
from config import ROOT
from tests.cast import PASSWORD
from tests.forked import ended, forked
from tests.ports import free_port

LATE_DELIVERY = "giao-hang-cham"
PATIENCE = 120.0


def until(holds: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """What `holds` gives as soon as it is something. Asked ten times a second."""
    deadline = time.monotonic() + patience
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {what}"
        time.sleep(0.1)
    return found


def found_company(folder: Path) -> Path:
    """A data folder as `flask db upgrade` and `flask init` leave it, with the cast, "Giao hàng chậm" and customers."""
    environ = environ_of(folder)
    subprocess.run([sys.executable, "-m", "tests.e2e.company"], cwd=ROOT, env=environ, check=True)
    return folder


def environ_of(folder: Path, **settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TANTAM_")}
    return {
        **kept,
        "TANTAM_DATA": str(folder),
        "TANTAM_DEMO_PASSWORD": PASSWORD,
        "TANTAM_SQLITE_SYNCHRONOUS": "NORMAL",
        "TANTAM_LOG": "WARNING",
        **settings,
    }


class Product:
    """The product on a copy of a company's data folder."""

    def __init__(self, company: Path, folder: Path, *, smtp_url: str = "") -> None:
        self.data = Path(shutil.copytree(company, folder / "data"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "log"
        self._environ = environ_of(self.data, PORT=str(self.port), TANTAM_SMTP_URL=smtp_url, TANTAM_WEB_PROCESSES="1")
        self._running: list[ForkServerProcess] = []

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def start_web(self) -> None:
        web = self.web = self._start("web")

        def serves() -> bool:
            assert web.is_alive(), self.log
            return self.status("/health/ready") == 200

        until(serves, "the web server")

    def start_worker(self) -> ForkServerProcess:
        return self._start("worker")

    def _start(self, role: str) -> ForkServerProcess:
        process = forked(run.main, [role], environ=self._environ, log=self._log)
        self._running.append(process)
        return process

    def kill(self, process: ForkServerProcess) -> None:
        """As a power cut would: all of it at once, nobody is asked. Its group are the forked server processes too."""
        assert process.pid is not None
        os.killpg(process.pid, signal.SIGKILL)
        ended(process, PATIENCE)
        self._running.remove(process)

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            # One that has hardly begun ends by the signal itself.
            assert ended(process, PATIENCE) in (0, -signal.SIGTERM), self.log

    def status(self, path: str) -> int:
        """The HTTP status; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as answer:
            answer.close()
            return answer.code
        except OSError:
            return 0

    def rows(self, query: str, *values: object) -> list[Any]:
        """What stands in the database, read by a connection of its own."""
        connection = sqlite3.connect(f"file:{self.data}/tantam.db?mode=ro", uri=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


class Rest:
    """The interface as one of the cast sees it, over the wire."""

    def __init__(self, product: Product, username: str) -> None:
        self._url = f"{product.url}/api/v1/"
        self._headers: dict[str, str] = {}
        body = {"username": username, "password": PASSWORD, "provider": "db"}
        self._headers = {"Authorization": f"Bearer {self.post('security/login', body)['access_token']}"}

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None, "application/json")

    def post(self, path: str, body: Any = None) -> Any:
        return self._ask("POST", path, json.dumps(body or {}).encode(), "application/json")

    def put(self, path: str, body: bytes, content_type: str) -> Any:
        return self._ask("PUT", path, body, content_type)

    def _ask(self, method: str, path: str, body: bytes | None, content_type: str) -> Any:
        """Raises OSError when the server is gone, or urllib's HTTPError, which is one."""
        headers = {**self._headers, "Content-Type": content_type}
        request = urllib.request.Request(self._url + path, data=body, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def publish(self, code: str, step: str, *, assign: str, due: str) -> None:
        """Publish a process of one task, due so long after its start, by the wall clock."""
        drawing = f"""<?xml version="1.0" encoding="UTF-8"?>
        <bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
                          xmlns:tt="https://tantam.vn/schema/bpmn/1" targetNamespace="https://tantam.vn/processes">
          <bpmn:process id="{code}" name="{step}" isExecutable="true">
            <bpmn:startEvent id="start" />
            <bpmn:userTask id="only" name="{step}">
              <bpmn:extensionElements><tt:task assign="{assign}" due="{due}" clock="wall" /></bpmn:extensionElements>
            </bpmn:userTask>
            <bpmn:endEvent id="end" />
            <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="only" />
            <bpmn:sequenceFlow id="f2" sourceRef="only" targetRef="end" />
          </bpmn:process>
        </bpmn:definitions>"""
        self.post("processes/", {"code": code, "name": step})
        self.put(f"processes/{code}/draft", drawing.encode(), "application/xml")
        self.post(f"processes/{code}/publish")
