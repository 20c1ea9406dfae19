"""Call a program of somebody else, and read what it answers. The one way out.

The name is looked up once and exactly that address is called, so that it cannot become another one in between. What
lies inside is refused, however it is written, unless an administrator allowed it. Redirects are not followed and no
proxy is asked: both would lead around this. The request and its parts are http.client's.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum, auto
from urllib.parse import urlsplit

from app.core.addresses import is_inside, is_never_called, url_problem

CONNECT_SECONDS = 5.0
#: from the first to the last byte, however slowly they come
LONGEST_SECONDS = 30.0
LARGEST_ANSWER = 1_000_000
_CHUNK = 65_536


class Fault(StrEnum):
    """Why a call brought nothing."""

    not_allowed = auto()
    unknown_host = auto()
    unreachable = auto()
    untrusted = auto()
    timeout = auto()
    too_large = auto()
    redirect = auto()
    status = auto()
    unreadable = auto()


class CallError(Exception):
    """It could not be called, or what it answered is of no use. `permanent`: trying again is of no use either."""

    def __init__(self, fault: Fault, *, status: int = 0, permanent: bool = False) -> None:
        self.fault, self.status, self.permanent = fault, status, permanent
        super().__init__(f"{fault} {status or ''}".rstrip())


@dataclass(frozen=True)
class Request:
    """What is sent. `may_be_inside`: an administrator allowed this very receiver though it lies in one's own network;
    `seconds`: the longest that all of it may take."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # they may hold secrets
    body: bytes | None = field(default=None, repr=False)
    may_be_inside: bool = False
    seconds: float = 10.0


def send(request: Request) -> bytes:
    """Call it, and return the body of an answer of 200 to 299: at most LARGEST_ANSWER bytes. Raises CallError."""
    if url_problem(request.url, allowed_inside=request.may_be_inside) is not None:
        raise CallError(Fault.not_allowed, permanent=True)
    line = _Line()
    try:
        with _no_longer_than(request.seconds, line):
            return _ask(request, line)
    except CallError as error:
        if line.was_cut and error.fault is Fault.unreachable:
            raise CallError(Fault.timeout) from error
        raise
    except TimeoutError as error:
        raise CallError(Fault.timeout) from error
    except ssl.SSLCertVerificationError as error:
        raise CallError(Fault.untrusted) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        # ValueError: a socket that was closed while it was read
        raise CallError(Fault.timeout if line.was_cut else Fault.unreachable) from error
    finally:
        line.close()


def _ask(request: Request, line: _Line) -> bytes:
    parts = urlsplit(request.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    made = _connected(_addresses(host, port, may_be_inside=request.may_be_inside), port, line)
    connection = http.client.HTTPConnection(host, port)
    if parts.scheme == "https":
        made = ssl.create_default_context().wrap_socket(made, server_hostname=host)
    connection.sock = made
    try:
        made.settimeout(request.seconds)
        # The header Host follows from the name, Accept-Encoding keeps a small answer from growing when unpacked.
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {**request.headers, "Accept-Encoding": "identity", "Connection": "close"}
        connection.request(request.method, target, body=request.body, headers=sent)
        with connection.getresponse() as answer:
            return _body(answer)
    finally:
        connection.close()


def _body(answer: http.client.HTTPResponse) -> bytes:
    status = answer.status
    if 300 <= status < 400:
        raise CallError(Fault.redirect, status=status, permanent=True)
    if not 200 <= status < 300:
        # Those that say "later", or that the receiver itself is in trouble, are worth another try.
        raise CallError(Fault.status, status=status, permanent=400 <= status < 500 and status not in (408, 425, 429))
    if answer.getheader("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise CallError(Fault.unreadable, permanent=True)
    if (answer.length or 0) > LARGEST_ANSWER:
        raise CallError(Fault.too_large, permanent=True)
    read = bytearray()
    while chunk := answer.read(_CHUNK):
        read += chunk
        if len(read) > LARGEST_ANSWER:
            raise CallError(Fault.too_large, permanent=True)
    if answer.length:  # the line broke before all of it was there
        raise CallError(Fault.unreachable)
    return bytes(read)


def _addresses(host: str, port: int, *, may_be_inside: bool) -> list[str]:
    """Where the name leads, looked up once. One forbidden address of several forbids all: which one answers would be
    chance."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CallError(Fault.unknown_host) from error
    addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    for one in map(ipaddress.ip_address, addresses):
        if is_never_called(one) or (is_inside(one) and not may_be_inside):
            raise CallError(Fault.not_allowed, permanent=True)
    return addresses


def _connected(addresses: list[str], port: int, line: _Line) -> socket.socket:
    """To the first of them that takes the call."""
    refused: OSError | None = None
    for address in addresses[:4]:
        try:
            made = socket.create_connection((address, port), timeout=CONNECT_SECONDS)
        except OSError as error:
            refused = error
        else:
            line.keep(made)
            return made
    raise refused or CallError(Fault.unknown_host)


class _Line:
    """The connection under another name: TLS takes the first one away, and whoever watches has to hang up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self.was_cut = False

    def keep(self, made: socket.socket) -> None:
        with self._lock:
            self._handle = made.dup()
            if self.was_cut:
                self._hang_up()

    def cut(self) -> None:
        with self._lock:
            self.was_cut = True
            self._hang_up()

    def _hang_up(self) -> None:
        if self._handle is not None:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None


@contextmanager
def _no_longer_than(seconds: float, line: _Line) -> Iterator[None]:
    """Whoever sends a byte now and then keeps every single wait short: after so long the line is cut."""
    watch = threading.Timer(seconds, line.cut)
    watch.daemon = True
    watch.start()
    try:
        yield
        if line.was_cut:
            raise CallError(Fault.timeout)
    finally:
        watch.cancel()
