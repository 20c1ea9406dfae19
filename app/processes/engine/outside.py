"""What does a process tell the outside, what does it hear from there, and what does it write down by itself?

The words of tt:message, tt:mail, tt:http and tt:set, and what they mean; each attribute that cannot be read becomes a
problem with a sentence of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from app.core.conditions import ConditionError
from app.core.conditions.expression import Expression, parse_expression
from app.core.errors import Sentence
from app.core.i18n import _

LONGEST_NAME = 100
#: keys that one element may take over or send along
MOST_KEYS = 50
METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
#: to whom a mail of a process goes, besides field:KEY
RECIPIENTS = ("customer", "initiator", "owner")
#: in front of the name of a field of the customer for whom the process runs
OF_CUSTOMER = "customer."

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
_PATH = re.compile(r"[^.\s=,]{1,100}(?:\.[^.\s=,]{1,100}){0,9}")
PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")

Problems: TypeAlias = Callable[[str, Sentence], None]


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """A message of that name and key is waited for. `takes` are its values that the process keeps. Without a key: of a
    start event, which any message of that name begins."""

    name: str
    key: Expression | None = None
    takes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MailSpec:
    """A mail goes out in the wording of a message template; `waits` until it has been sent."""

    template: str
    to: str = "customer"
    waits: bool = False


@dataclass(frozen=True, slots=True)
class HttpSpec:
    """A program of somebody else is called. `sends` are the keys in the body; `takes` says which value of the process
    (first) comes from which place of the answer (second, a dotted path)."""

    url: str
    method: str = "POST"
    sends: tuple[str, ...] = ()
    takes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SetSpec:
    """Values are set: of the process, or (`customer.…`) of the customer for whom it runs."""

    values: tuple[tuple[str, Expression], ...] = ()

    @property
    def is_of_record(self) -> bool:
        return any(key.startswith(OF_CUSTOMER) for key, _value in self.values)


Outside: TypeAlias = MessageSpec | MailSpec | HttpSpec | SetSpec


def read_message(
    title: str, attributes: Mapping[str, str], called: str, problem: Problems, *, starts: bool
) -> MessageSpec:
    """tt:message: `name` (or the one of the drawn message, `called`), `key` and `takes`."""
    name = " ".join((attributes.get("name", "") or called).split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        problem("bad-message", _("“%(name)s” waits for a message that needs a name of at most %(count)s letters.",
                                 name=title, count=LONGEST_NAME))  # fmt: skip
    text = attributes.get("key", "").strip()
    if starts and text:
        problem("bad-correlation", _("“%(name)s” begins the process, so there is nothing yet that a key could be"
                                     " compared with. Remove the key.", name=title))  # fmt: skip
    if not starts and not text:
        problem("bad-correlation", _("“%(name)s” waits for a message, but nothing says for which process file it is:"
                                     " name the value that both know. Example: key=\"order_code\"",
                                     name=title))  # fmt: skip
    return MessageSpec(name, _expression(title, "key", text, problem) if text else None,
                       _keys(title, "takes", attributes, problem))  # fmt: skip


def read_mail(title: str, attributes: Mapping[str, str], problem: Problems) -> MailSpec:
    """tt:mail: `template`, `to` and `wait="sent"`."""
    to, waits = attributes.get("to", "").strip() or "customer", attributes.get("wait", "").strip()
    if to not in RECIPIENTS and not (to.startswith("field:") and _KEY.fullmatch(to[6:])):
        problem("bad-recipient", _("“%(name)s”: “%(value)s” is nobody to whom a mail can go. Known are %(known)s and"
                                   " field:KEY.", name=title, value=to[:60], known=", ".join(RECIPIENTS)))  # fmt: skip
    if waits not in ("", "sent"):
        problem("bad-wait", _('“%(name)s” can only wait until the mail is sent: wait="sent".', name=title))
    if not attributes.get("template", "").strip():
        problem("no-template", _("“%(name)s” sends a mail: say which message text it is.", name=title))
    return MailSpec(attributes.get("template", "").strip(), to, waits == "sent")


def read_http(title: str, attributes: Mapping[str, str], problem: Problems) -> HttpSpec:
    """tt:http: `url`, `method`, `sends` and `takes` ("ticket=result.id, status")."""
    url, method = attributes.get("url", "").strip(), attributes.get("method", "").strip().upper() or "POST"
    fault = _fault_of(url)
    if fault is not None:
        problem("bad-url", _("“%(name)s”: %(reason)s", name=title, reason=fault))
    if method not in METHODS:
        problem("bad-method", _("“%(name)s”: “%(value)s” is no method. Known are %(known)s.",
                                name=title, value=method[:20], known=", ".join(METHODS)))  # fmt: skip
    return HttpSpec(
        url, method, _keys(title, "sends", attributes, problem, dotted=True), _places(title, attributes, problem)
    )


def read_set(title: str, sets: Sequence[Mapping[str, str]], problem: Problems) -> SetSpec:
    """tt:set, one or more: `field` (a key, or customer.FIELD) and `value`."""
    values: list[tuple[str, Expression]] = []
    for attributes in sets:
        key, text = attributes.get("field", "").strip(), attributes.get("value", "").strip()
        if not _KEY.fullmatch(key.removeprefix(OF_CUSTOMER)):
            problem("bad-field", _('“%(name)s” sets a value: name the field. Example: field="priority"', name=title))
        elif not text:
            problem("no-value", _("“%(name)s”: say to which value “%(field)s” is set.", name=title, field=key))
        else:
            value = _expression(title, "value", text, problem)
            values += [(key, value)] if value is not None else []
    return SetSpec(tuple(values))


def keys_asked(outside: Outside | None) -> Iterator[str]:
    """The keys of the data of which it makes use."""
    match outside:
        case MessageSpec(key=Expression() as key):
            yield from sorted(key.keys)
        case SetSpec(values):
            yield from sorted({key for _field, value in values for key in value.keys})
        case HttpSpec(url, _method, sends):
            yield from dict.fromkeys([*PLACE.findall(url), *sends])
        case MailSpec(to=to) if to.startswith("field:"):
            yield to[6:]


def keys_given(outside: Outside | None) -> tuple[str, ...]:
    """The keys under which it puts data."""
    match outside:
        case MessageSpec(takes=takes):
            return takes
        case HttpSpec(takes=places):
            return tuple(key for key, _path in places)
        case SetSpec(values):
            return tuple(key for key, _value in values if not key.startswith(OF_CUSTOMER))
    return ()


def _fault_of(url: str) -> Sentence | None:
    """What is wrong with an address that is called; places in it ({{ key }}) may stand behind the host only."""
    if not url:
        return _('say which address is called. Example: url="https://example.com/orders"')
    if len(url) > 2_000 or not url.isprintable() or " " in PLACE.sub("", url):
        return _("this is not an address. Example: https://example.com/orders")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return _("this is not an address. Example: https://example.com/orders")
    if parts.scheme not in ("http", "https") or not host:
        return _("an address begins with https:// or http:// and a name. Example: https://example.com/orders")
    if parts.username is not None or parts.password is not None:
        return _("an address with a name and a password in it can be read by everybody who sees the drawing.")
    if "{" in parts.netloc or "{" in PLACE.sub("", url) or "}" in PLACE.sub("", url):
        return _("a value may only stand behind the host of the address, in two braces: {{ order_code }}.")
    return None


def _expression(title: str, attribute: str, text: str, problem: Problems) -> Expression | None:
    try:
        return parse_expression(text)
    except ConditionError as error:
        code = "bad-correlation" if attribute == "key" else "bad-value"
        problem(code, _("“%(name)s”: “%(value)s” cannot be read as a value: %(reason)s",
                        name=title, value=text[:200], reason=error))  # fmt: skip
        return None


def _keys(
    title: str, attribute: str, attributes: Mapping[str, str], problem: Problems, *, dotted: bool = False
) -> tuple[str, ...]:
    keys = tuple(dict.fromkeys(part.strip() for part in attributes.get(attribute, "").split(",") if part.strip()))
    fit = re.compile(rf"{_KEY.pattern}(?:\.{_KEY.pattern})?") if dotted else _KEY
    wrong = next((key for key in keys if not fit.fullmatch(key)), None)
    if wrong is not None or len(keys) > MOST_KEYS:
        problem(f"bad-{attribute}", _("“%(name)s”: “%(value)s” is no list of keys. Example: amount, order_code",
                                      name=title, value=(wrong or ", ".join(keys))[:60]))  # fmt: skip
    return keys


def _places(title: str, attributes: Mapping[str, str], problem: Problems) -> tuple[tuple[str, str], ...]:
    places: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in attributes.get("takes", "").split(","))):
        key, sign, path = (piece.strip() for piece in part.partition("="))
        if not _KEY.fullmatch(key) or (sign and not _PATH.fullmatch(path)) or len(places) >= MOST_KEYS:
            problem("bad-takes", _("“%(name)s”: “%(value)s” does not say which value comes from where in the answer."
                                   " Example: ticket=result.id", name=title, value=part[:60]))  # fmt: skip
        places[key] = path or key
    return tuple(places.items())
