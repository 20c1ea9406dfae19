"""What does a process tell the outside, what does it hear from there, and what does it write down by itself?

The words of tt:message, tt:mail and tt:set (engine.http has those of tt:http), and what they mean; each attribute that
cannot be read becomes a problem with a sentence of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from app.core.conditions import ConditionError
from app.core.conditions.expression import Expression, parse_expression
from app.core.errors import Sentence
from app.core.i18n import _
from app.processes.engine.calling import parse_keys
from app.processes.engine.http import HttpSpec, read_http
from app.processes.engine.timing import parse_duration

LONGEST_NAME = 100
#: keys that one element may take over or send along
MOST_KEYS = 50
#: how long a message is kept that nobody waits for, when whoever sends it does not say
KEPT_FOR = timedelta(days=1)
LONGEST_KEPT = timedelta(days=30)
#: to whom a mail of a process goes, besides field:KEY
RECIPIENTS = ("customer", "initiator", "owner")
#: in front of the name of a field of the customer for whom the process runs
OF_CUSTOMER = "customer."
#: behind that: a field that the company has added
OWN = "own."

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")

Problems: TypeAlias = Callable[[str, Sentence], None]


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """A message of that name and key is waited for. `takes` are its values that the process keeps. Without a key: of a
    start event, which any message of that name begins."""

    name: str
    key: Expression | None = None
    takes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TellSpec:
    """A message is sent: to whoever waits for that name and key, else to the process that begins with it, else it is
    kept for `ttl`. `gives` are its values, each with the key here."""

    name: str
    key: Expression | None = None
    gives: tuple[tuple[str, str], ...] = ()
    ttl: timedelta = KEPT_FOR


@dataclass(frozen=True, slots=True)
class MailSpec:
    """A mail goes out in the wording of a message template, with the words kept under the key `words`. `waits`: the
    process goes on once the mail server has taken it, and not before."""

    template: str
    to: str = "customer"
    words: str = ""
    waits: bool = False


@dataclass(frozen=True, slots=True)
class SetSpec:
    """Values are set: of the process, or (`customer.…`) of the customer for whom it runs."""

    values: tuple[tuple[str, Expression], ...] = ()

    @property
    def is_of_record(self) -> bool:
        return any(key.startswith(OF_CUSTOMER) for key, _value in self.values)


Outside: TypeAlias = MessageSpec | TellSpec | MailSpec | SetSpec | HttpSpec


def read_message(
    title: str, attributes: Mapping[str, str], called: str, problem: Problems, *, starts: bool
) -> MessageSpec:
    """tt:message: `name` (or the one of the drawn message, `called`), `key` and `takes`."""
    name = _message_name(attributes, called)
    if not name:
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


def _message_name(attributes: Mapping[str, str], called: str) -> str:
    """Empty where it is none."""
    name = " ".join((attributes.get("name", "") or called).split())
    return name if len(name) <= LONGEST_NAME and name.isprintable() else ""


def read_sending(
    title: str,
    mails: Sequence[Mapping[str, str]],
    tells: Sequence[Mapping[str, str]],
    called: str,
    problem: Problems,
) -> Outside:
    """What a send task sends: a mail, or a message to another process, one of both."""
    if mails and tells:
        problem("several-mails", _("“%(name)s” sends a mail and a message; give each a task of its own.",
                                   name=title))  # fmt: skip
    if (tells or called) and not mails:
        return read_telling(title, tells[0] if tells else {}, called, problem)
    return read_mail(title, mails, problem)


def read_telling(title: str, attributes: Mapping[str, str], called: str, problem: Problems) -> TellSpec:
    """tt:message of what sends one: `name` (or the one of the drawn message, `called`), `key`, `gives` and `ttl`."""
    name = _message_name(attributes, called)
    if not name:
        problem("bad-message", _("“%(name)s” sends a message that needs a name of at most %(count)s letters.",
                                 name=title, count=LONGEST_NAME))  # fmt: skip
    text, gives = attributes.get("key", "").strip(), attributes.get("gives", "").strip()
    try:
        pairs = parse_keys(gives)
    except ValueError:
        pairs = None
    if pairs is None or len(pairs) > MOST_KEYS:
        problem("bad-gives", _("“%(name)s”: “%(value)s” does not say what is sent. Example: amount, code=order_code",
                               name=title, value=gives[:60]))  # fmt: skip
    return TellSpec(
        name, _expression(title, "key", text, problem) if text else None, pairs or (),
        _kept_for(title, attributes.get("ttl", "").strip(), problem),
    )  # fmt: skip


def _kept_for(title: str, text: str, problem: Problems) -> timedelta:
    try:
        asked = parse_duration(text) if text else KEPT_FOR
    except ValueError:
        asked = timedelta()
    if not timedelta() < asked <= LONGEST_KEPT:
        problem("bad-ttl", _("“%(name)s”: “%(value)s” is no time for which a message is kept: PT1M to P30D."
                             " Example: P1D", name=title, value=text[:60]))  # fmt: skip
        return KEPT_FOR
    return asked


def read_mail(title: str, mails: Sequence[Mapping[str, str]], problem: Problems) -> MailSpec:
    """tt:mail, exactly one: `template`, `to`, `words` and `wait`."""
    if len(mails) > 1:
        problem("several-mails", _("“%(name)s” sends several mails; it can send one.", name=title))
    attributes: Mapping[str, str] = mails[0] if mails else {}
    to = attributes.get("to", "").strip() or "customer"
    if to not in RECIPIENTS and not (to.startswith("field:") and _KEY.fullmatch(to[6:])):
        problem("bad-recipient", _("“%(name)s”: “%(value)s” is nobody to whom a mail can go. Known are %(known)s and"
                                   " field:KEY.", name=title, value=to[:60], known=", ".join(RECIPIENTS)))  # fmt: skip
    if not attributes.get("template", "").strip():
        problem("no-template", _("“%(name)s” sends a mail: say which message text it is.", name=title))
    words = attributes.get("words", "").strip()
    if words and not _KEY.fullmatch(words):
        problem("bad-words", _("“%(name)s”: “%(value)s” is no key under which a value is kept. Example: apology",
                               name=title, value=words[:60]))  # fmt: skip
    wait = attributes.get("wait", "").strip()
    if wait not in ("", "no", "sent"):
        problem("bad-wait", _("“%(name)s”: “%(value)s” is nothing that can be waited for. Known are sent and no.",
                              name=title, value=wait[:60]))  # fmt: skip
    return MailSpec(attributes.get("template", "").strip(), to, words, wait == "sent")


def read_service(
    title: str, sets: Sequence[Mapping[str, str]], calls: Sequence[Mapping[str, str]], problem: Problems
) -> Outside:
    """What a service task does: it sets values, or calls a program, one of both."""
    if sets and calls:
        problem("several-services", _("“%(name)s” sets values and calls a program; give each a task of its own.",
                                      name=title))  # fmt: skip
    return read_http(title, calls, problem) if calls else read_set(title, sets, problem)


def read_set(title: str, sets: Sequence[Mapping[str, str]], problem: Problems) -> SetSpec:
    """tt:set, one or more: `field` (a key, customer.FIELD or customer.own.KEY) and `value`."""
    values: list[tuple[str, Expression]] = []
    if not sets:
        problem(
            "no-service",
            _(
                "“%(name)s” does nothing yet: say what it sets (tt:set), or which program it calls (tt:http).",
                name=title,
            ),
        )
    for attributes in sets:
        key, text = attributes.get("field", "").strip(), attributes.get("value", "").strip()
        if not _KEY.fullmatch(key.removeprefix(OF_CUSTOMER).removeprefix(OWN if key.startswith(OF_CUSTOMER) else "")):
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
        case TellSpec(key=key, gives=gives):
            yield from sorted({one for _to, one in gives} | (key.keys if key is not None else set()))
        case HttpSpec(body=body):
            yield from sorted({key for _to, key in body})
        case SetSpec(values):
            yield from sorted({key for _field, value in values for key in value.keys})
        case MailSpec(to=to, words=words):
            yield from filter(None, (to[6:] if to.startswith("field:") else "", words))


def keys_given(outside: Outside | None) -> tuple[str, ...]:
    """The keys under which it puts data."""
    match outside:
        case MessageSpec(takes=takes):
            return takes
        case HttpSpec(takes=takes):
            return tuple(key for key, _place in takes)
        case SetSpec(values):
            return tuple(key for key, _value in values if not key.startswith(OF_CUSTOMER))
    return ()


def _expression(title: str, attribute: str, text: str, problem: Problems) -> Expression | None:
    try:
        return parse_expression(text)
    except ConditionError as error:
        code = "bad-correlation" if attribute == "key" else "bad-value"
        problem(code, _("“%(name)s”: “%(value)s” cannot be read as a value: %(reason)s",
                        name=title, value=text[:200], reason=error))  # fmt: skip
        return None


def _keys(title: str, attribute: str, attributes: Mapping[str, str], problem: Problems) -> tuple[str, ...]:
    keys = tuple(dict.fromkeys(part.strip() for part in attributes.get(attribute, "").split(",") if part.strip()))
    wrong = next((key for key in keys if not _KEY.fullmatch(key)), None)
    if wrong is not None or len(keys) > MOST_KEYS:
        problem(f"bad-{attribute}", _("“%(name)s”: “%(value)s” is no list of keys. Example: amount, order_code",
                                      name=title, value=(wrong or ", ".join(keys))[:60]))  # fmt: skip
    return keys
