"""A real SMTP server on 127.0.0.1 that keeps what it takes, and other servers that behave badly."""

from __future__ import annotations

import email
import socket
import ssl
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from threading import Event, Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.ports import free_port

CERTIFICATE = Path(__file__).with_name("signed_by_nobody.pem")
#: seconds within which a machine with much to do has started a server and has called it
_PATIENCE = 60


class Sink:
    """Keeps each mail it answers with 250. `replies[address]` are answers to RCPT, used up in order."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.replies: defaultdict[str, list[str]] = defaultdict(list)
        self.mail_reply: str | None = None
        self.data_reply: str | None = None
        self.before_250: Callable[[], None] = lambda: None
        self.connections = 0
        self.encrypted: list[bool] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_EHLO(self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, answers):
        if session.ssl is None:
            self.connections += 1
        session.host_name = hostname
        return answers

    async def handle_MAIL(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options) -> str:
        if self.mail_reply:
            return self.mail_reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options) -> str:
        if self.replies[address]:
            return self.replies[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data_reply:
            return self.data_reply
        self.before_250()
        message = email.message_from_bytes(envelope.content, policy=default)
        self.mails.append(message)
        self.recipients += envelope.rcpt_tos
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    @contextmanager
    def running(self, *, starttls: bool = False, **options: Any) -> Iterator[Sink]:
        if starttls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            options["tls_context"] = context
        controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=_PATIENCE, **options)
        controller.start()
        try:
            yield self
        finally:
            controller.stop()


@contextmanager
def dripper(drop: bytes, *, greeting: bytes = b"") -> Iterator[int]:
    """A server that never hangs and never ends: after the greeting `drop` again and again; gives its port."""
    done = Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(_PATIENCE)

    def drip() -> None:
        with suppress(OSError):  # the other side hung up, as it should
            connection, _address = listener.accept()
            with connection:
                connection.sendall(greeting)
                while not done.wait(0.02):
                    connection.sendall(drop)

    server = Thread(target=drip)
    server.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        done.set()
        server.join()
        listener.close()


@contextmanager
def talker(lines: dict[str, str | None], *, greeting: str | None = "220 here") -> Iterator[int]:
    """A server that answers each command by its first word and is silent where the answer is None; gives its port."""
    done = Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    open_now: list[socket.socket] = []

    def talk(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:
            if greeting is None:
                done.wait()
                return
            stream.write(f"{greeting}\r\n".encode())
            stream.flush()
            for line in stream:
                answer = lines.get(line.split()[0].decode().upper() if line.split() else "", "250 ok")
                if answer is None:
                    done.wait()
                    return
                stream.write(f"{answer}\r\n".encode())
                stream.flush()
                if answer.startswith("354"):
                    while stream.readline() not in (b".\r\n", b""):
                        pass
                    if lines["."] is None:
                        done.wait()
                        return

    def guarded(connection: socket.socket) -> None:
        with suppress(OSError):  # the other side hung up, as it should
            talk(connection)

    def serve() -> None:
        while not done.is_set():
            try:
                connection, _address = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(_PATIENCE)
            open_now.append(connection)
            thread = Thread(target=guarded, args=(connection,))
            threads.append(thread)
            thread.start()

    threads: list[Thread] = []
    server = Thread(target=serve)
    server.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        done.set()
        server.join()
        for thread in threads:
            thread.join()
        listener.close()
