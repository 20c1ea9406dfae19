"""A program of somebody else, as far as a test needs one: a real server on this machine that answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Heard:
    """One call as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """`answer` is what it does with a call; `heard` all that came."""

    port: int = 0
    heard: list[Heard] = field(default_factory=list)
    answer: Callable[[Answering, Heard], None] = lambda to, _heard: to.say(200, {})
    #: set when the test is over: whoever hangs may stop
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, status: int, body: Any = None, **headers: str) -> None:
        """From now on."""
        self.answer = lambda to, _heard: to.say(status, body, **headers)


class Answering(BaseHTTPRequestHandler):
    receiver: Receiver
    protocol_version = "HTTP/1.1"

    def say(self, status: int, body: Any = None, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(raw)

    def handle_one_request(self) -> None:
        with suppress(OSError):  # whoever called has hung up
            super().handle_one_request()

    def _hear(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        heard = Heard(self.command, self.path, dict(self.headers), self.rfile.read(length))
        self.receiver.heard.append(heard)
        self.receiver.answer(self, heard)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _hear  # noqa: N815

    def log_message(self, *_said: Any) -> None:
        pass


@contextmanager
def receiver_here() -> Iterator[Receiver]:
    """It listens at 127.0.0.1 until the end of the block."""
    receiver = Receiver()
    handler = type("Handler", (Answering,), {"receiver": receiver})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.over.set()
            server.shutdown()
            thread.join()
