"""Which program of others does a process call, what does it send, and what of the answer does it keep?

The words of tt:http. What cannot be read becomes a problem with a sentence of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from app.core.addresses import url_problem
from app.core.errors import Sentence
from app.core.i18n import _
from app.processes.engine.calling import parse_keys
from app.processes.engine.elements import KEY
from app.processes.engine.timing import parse_duration

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
MOST_PAUSES = 10
LONGEST_PAUSE = timedelta(days=1)
SECONDS, MOST_SECONDS = 10, 30
MOST_KEYS = 50
ATTRIBUTES = {"receiver", "url", "path", "method", "headers", "body", "takes", "limit", "tries"}

_PATH = re.compile(r"[A-Za-z0-9_-]{1,60}(\.[A-Za-z0-9_-]{1,60}){0,9}")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}")
#: headers that follow from the call itself
_OURS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding", "cookie",
         "idempotency-key", "authorization", "proxy-authorization", "expect", "upgrade", "te", "trailer"}  # fmt: skip

Problems: TypeAlias = Callable[[str, Sentence], None]


@dataclass(frozen=True, slots=True)
class HttpSpec:
    """A program is called: one that the company knows as `receiver` (with a `path` behind its address), or `url`.

    `body` are the keys that are sent, each with the key here; `takes` the keys here, each with its place in the answer
    (JSON, `order.number`). `pauses` lie between the tries; without any it is called once.
    """

    url: str = ""
    receiver: str = ""
    path: str = ""
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    body: tuple[tuple[str, str], ...] = ()
    takes: tuple[tuple[str, str], ...] = ()
    seconds: int = SECONDS
    pauses: tuple[timedelta, ...] = PAUSES


def read_http(title: str, calls: Sequence[Mapping[str, str]], problem: Problems) -> HttpSpec:
    """tt:http, exactly one."""
    if len(calls) > 1:
        problem("several-calls", _("“%(name)s” calls several programs; it can call one.", name=title))
    attributes = {key: text.strip() for key, text in calls[0].items()}
    unknown = sorted(set(attributes) - ATTRIBUTES)
    if unknown:
        problem("unknown-attribute", _("“%(name)s”: “%(attribute)s” has no meaning here.", name=title,
                                       attribute=unknown[0]))  # fmt: skip
    method = attributes.get("method", "").upper() or "POST"
    if method not in METHODS:
        problem("bad-method", _("“%(name)s”: “%(value)s” is no way to call a program. Known are %(known)s.", name=title,
                                value=method[:20], known=", ".join(METHODS)))  # fmt: skip
    _check_where(title, attributes, problem)
    return HttpSpec(
        url=attributes.get("url", ""),
        receiver=attributes.get("receiver", ""),
        path=attributes.get("path", ""),
        method=method,
        headers=_headers(title, attributes.get("headers", ""), problem),
        body=_body(title, attributes.get("body", ""), problem),
        takes=_takes(title, attributes.get("takes", ""), problem),
        seconds=_seconds(title, attributes.get("limit", ""), problem),
        pauses=_pauses(title, attributes["tries"], problem) if "tries" in attributes else PAUSES,
    )


def _check_where(title: str, attributes: Mapping[str, str], problem: Problems) -> None:
    url, receiver, path = (attributes.get(key, "") for key in ("url", "receiver", "path"))
    if bool(url) == bool(receiver):
        problem("no-receiver", _("“%(name)s” calls a program: choose a receiver, or give a web address – one of both.",
                                 name=title))  # fmt: skip
    elif url and (why := url_problem(url, allowed_inside=False)) is not None:
        problem("bad-url", _("“%(name)s”: %(reason)s", name=title, reason=why))
    elif receiver and not _NAME.fullmatch(receiver):
        problem("unknown-receiver", _("“%(name)s” calls “%(receiver)s”, which is no receiver of this company.",
                                      name=title, receiver=receiver[:60]))  # fmt: skip
    if path and (not receiver or not path.startswith("/") or len(path) > 500 or not _is_path(path)):
        problem("bad-path", _("“%(name)s”: behind the address of a receiver stands a path such as /orders, without"
                              " spaces, accents or dots that lead up.", name=title))  # fmt: skip


def _is_path(path: str) -> bool:
    plain = path.isascii() and path.isprintable() and not set(path) & set(' \\#"<>')
    return plain and ".." not in path.split("?")[0].split("/") and "%2e" not in path.lower()


def _headers(title: str, text: str, problem: Problems) -> tuple[tuple[str, str], ...]:
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _equals, value = (side.strip() for side in part.partition("="))
        if not is_header(name, value):
            problem("bad-headers", _("“%(name)s”: “%(value)s” is no header that may stand here. Example:"
                                     " X-Shop=hanoi. Passwords belong to the receiver.", name=title,
                                     value=part[:60]))  # fmt: skip
            return ()
        found.append((name, value))
    return tuple(found)


def is_header(name: str, value: str, *, is_secret: bool = False) -> bool:
    """May it be sent along? Of a receiver, whose headers are secret, it may be what signs in."""
    ours = _OURS - {"authorization", "cookie"} if is_secret else _OURS
    fits = _HEADER.fullmatch(name) is not None and name.lower() not in ours
    return fits and 0 < len(value) <= 2_000 and value.isascii() and value.isprintable()


def _body(title: str, text: str, problem: Problems) -> tuple[tuple[str, str], ...]:
    try:
        pairs = parse_keys(text)
    except ValueError:
        pairs = None
    if pairs is None or len(pairs) > MOST_KEYS:
        problem("bad-body", _("“%(name)s”: “%(value)s” does not say what is sent. Example: amount,"
                              " order=order_code", name=title, value=text[:60]))  # fmt: skip
        return ()
    return pairs


def _takes(title: str, text: str, problem: Problems) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, _equals, place = (side.strip() for side in part.partition("="))
        place = place or key
        if not KEY.fullmatch(key) or "." in key or not _PATH.fullmatch(place) or key in found or len(key) > 60:
            problem("bad-takes", _("“%(name)s”: “%(value)s” does not say what is kept of the answer. Example:"
                                   " stock=result.count", name=title, value=part[:60]))  # fmt: skip
            return ()
        found[key] = place
    return tuple(found.items())


def _seconds(title: str, text: str, problem: Problems) -> int:
    if not text:
        return SECONDS
    try:
        seconds = parse_duration(text).total_seconds()
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= MOST_SECONDS:
        problem("bad-limit", _("“%(name)s” waits from PT1S to PT%(most)sS for an answer. Example: PT10S", name=title,
                               most=MOST_SECONDS))  # fmt: skip
        return SECONDS
    return int(seconds)


def _pauses(title: str, text: str, problem: Problems) -> tuple[timedelta, ...]:
    """`none`: it is called once."""
    parts = [part.strip() for part in text.split(",") if part.strip() and text != "none"]
    try:
        pauses = [parse_duration(part) for part in parts]
    except ValueError:
        pauses = [timedelta()]
    if len(pauses) > MOST_PAUSES or not all(timedelta() < pause <= LONGEST_PAUSE for pause in pauses):
        problem("bad-tries", _("“%(name)s”: after which pauses is it tried again? %(most)s at most, of a day at most."
                               " Example: PT1M, PT5M, PT30M", name=title, most=MOST_PAUSES))  # fmt: skip
        return PAUSES
    return tuple(pauses)


def body_of(spec: HttpSpec, data: Mapping[str, object]) -> dict[str, object]:
    """What is sent; a value that is missing is null."""
    return {to: data.get(key) for to, key in spec.body}


def taken_of(spec: HttpSpec, answer: object) -> dict[str, object]:
    """What of the answer is kept; what is not in it is nothing. Raises ValueError for what is no plain value."""
    return {key: _at(answer, place.split(".")) for key, place in spec.takes}


def _at(answer: object, place: Sequence[str]) -> object:
    for part in place:
        if isinstance(answer, list) and part.isdecimal() and len(part) < 7 and int(part) < len(answer):
            answer = answer[int(part)]
        else:
            answer = answer.get(part) if isinstance(answer, dict) else None
    if answer is None or isinstance(answer, bool):
        return answer
    if isinstance(answer, str) and len(answer) <= 10_000 and "\0" not in answer:
        answer.encode()  # half of a pair that JSON may write can be kept nowhere: UnicodeEncodeError is a ValueError
        return answer
    if isinstance(answer, int | float) and abs(answer) < 10**15:  # False of NaN too
        return answer
    raise ValueError(".".join(place))
