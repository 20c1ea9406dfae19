"""What may a message template say, what does it become, and how does a bell line read?"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.core.errors import InvalidInputError, Sentence
from app.core.i18n import _
from app.core.leases import WORN_OUT, backoff
from app.notifications.models import Notification, Outbox

#: where the HTML of a mail has room for the company's logo; it is put there on its way out
LOGO_ROOM = "<!-- logo -->"
LONGEST_SUBJECT = 200
LONGEST_TEMPLATE = 20_000
LONGEST_VALUE = 2_000
DEEPEST_BLOCK = 3
ADDRESS_LENGTH = 254  # RFC 5321 §4.5.3.1
#: Reasons that are kept with a mail, for programs and logs, in English; `why_not_sent` tells them to people.
NO_ADDRESS = "The address is not one."
BROKEN = "Internal error, see the log."
STRANGE_LETTERS = "The mail server takes no address with such letters."
NOT_WANTED = "The customer does not want it any more."
#: beginnings of reasons
UNWRITABLE = "The mail cannot be written: "
SILENT = "The mail server fell silent: "
UNREACHABLE = "No mail server at "


class MessageTemplateError(InvalidInputError):
    """A template says what we do not know. `details["keys"]` holds the keys that it may use."""

    code = "invalid_template"


@dataclass(frozen=True)
class TemplateKind:
    """A message that the product sends, the keys its wording may use (key → label), and the wording it comes with."""

    code: str
    label: Sentence
    keys: Mapping[str, Sentence]
    #: language → (subject, body)
    shipped: Mapping[str, tuple[str, str]]
    #: the keys whose values are addresses of ours: clickable in the HTML part
    links: frozenset[str] = frozenset({"link"})


@dataclass(frozen=True)
class Rendered:
    """A message ready to be queued."""

    subject: str
    text: str
    html: str


template_kinds: dict[str, TemplateKind] = {}


def register_template(kind: TemplateKind) -> TemplateKind:
    """Make a message known. Its shipped wording is checked here, so a wrong key stops the start, not the first mail."""
    if kind.code in template_kinds:
        raise RuntimeError(f"message template {kind.code} is registered twice")
    for subject, body in kind.shipped.values():
        check_template(kind, subject=subject, body=body)
    template_kinds[kind.code] = kind
    return kind


def check_template(kind: TemplateKind, *, subject: str, body: str) -> None:
    """Raises MessageTemplateError, with a sentence beside each wrong field."""
    problems: dict[str, Sequence[Sentence]] = {}
    for name, template in (("subject", subject), ("body", body)):
        if not template.strip():
            problems[name] = [_("This is needed.")]
            continue
        try:
            _parse(template, kind.keys)
        except MessageTemplateError as error:
            problems[name] = [error.message]
    if "subject" not in problems and len(subject) > LONGEST_SUBJECT:
        problems["subject"] = [_("At most %(count)d characters.", count=LONGEST_SUBJECT)]
    if problems:
        raise MessageTemplateError(fields=problems, keys=sorted(kind.keys))


def footer_lines(values: Mapping[str, Any]) -> list[Sentence]:
    """What stands below every mail about the company, from its settings: its name, where it is, how it is reached."""
    phone = _("Hotline: %(phone)s", phone=values["phone"]) if values["phone"] else ""
    reached = " · ".join(str(one) for one in (phone, values["email"], values["website"]) if one)
    return [line for line in (values["company_name"], values["address"], reached) if line]


def render(
    kind: TemplateKind, *, subject: str, body: str, values: Mapping[str, str], language: str, footer: Sequence[str] = ()
) -> Rendered:
    """The message with its values. A key without a value is empty; a value is never read as a template. `footer`: lines
    that stand below it.

    Raises MessageTemplateError for a wrong template and KeyError for a value that the kind does not know.
    """
    unknown = values.keys() - kind.keys.keys()
    if unknown:
        raise KeyError(f"{kind.code} knows no {', '.join(sorted(unknown))}")
    clean = {key: _clean(value)[:LONGEST_VALUE] for key, value in values.items()}
    pieces = list(_pieces(_parse(body, kind.keys), clean))
    text = "".join(told for _key, told in pieces).strip()
    # What is written above is not said again: many sign with the company's name.
    above = {line.strip().casefold() for line in text.splitlines()}
    lines = [one_line(line, LONGEST_VALUE) for line in footer]
    below = [line for line in lines if line.casefold() not in above]
    end = "\n".join(["", "-- ", *below, ""]) if below else ""
    return Rendered(
        subject=one_line("".join(text for _key, text in _pieces(_parse(subject, kind.keys), clean)), LONGEST_SUBJECT),
        text=text + "\n" + end,
        html=_as_html(pieces, kind.links, language, below, name=lines[0] if lines else None),
    )


def one_line(value: str, longest: int) -> str:
    """Safe in a header: no line ends, no control or invisible steering characters, no runs of blanks."""
    shown = " ".join(_clean(value).split())
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def is_address(value: str) -> bool:
    """Could mail be sent there? One plain address: no name, no list, nothing to trip a header or a command."""
    return len(value) <= ADDRESS_LENGTH and value.isprintable() and _ADDRESS.fullmatch(value) is not None


# -- the grammar: {{ key }}, {{#if key}} … {{/if}}, everything else is text or refused

_ADDRESS = re.compile(r"[^\s@<>()\[\]\\,;:\"]+@[^\s@<>()\[\]\\,;:\"]+")
_TAG = re.compile(r"[ \t]*(?:(?P<close>/if)|(?P<open>#if[ \t]+)?(?P<key>[a-z][a-z0-9_]*))[ \t]*")
# A block mark alone on its line leaves no empty line behind.
_LONE_MARK = re.compile(r"^[ \t]*(\{\{[ \t]*(?:#if[ \t][^{}\n]*|/if[ \t]*)\}\})[ \t]*(?:\n|\Z)", re.MULTILINE)
_FOREIGN = ("{{", "}}", "{%", "%}", "{#", "#}", "${", "<%")


@dataclass
class _Block:
    """Text, values and inner blocks in order, shown when `key` (None: always) has a value."""

    key: str | None
    parts: list[str | _Value | _Block] = field(default_factory=list)


@dataclass(frozen=True)
class _Value:
    key: str


def _parse(template: str, keys: Mapping[str, Sentence]) -> _Block:
    if len(template) > LONGEST_TEMPLATE:
        raise MessageTemplateError(_("At most %(count)d characters.", count=LONGEST_TEMPLATE))
    source = _LONE_MARK.sub(r"\1", template.replace("\r\n", "\n"))
    root = _Block(None)
    stack = [root]
    at = 0
    while (start := source.find("{{", at)) >= 0:
        stack[-1].parts.append(_plain(source[at:start], keys))
        end = source.find("}}", start)
        inside = source[start + 2 : end if end >= 0 else start + 40]
        tag = _TAG.fullmatch(inside) if end >= 0 else None
        if tag is None:
            raise _unknown("{{" + inside + "}}", keys)
        if tag["close"]:
            if len(stack) == 1:
                raise _refused(_("{{/if}} closes nothing."), keys)
            stack.pop()
        elif tag["key"] not in keys:
            raise _unknown("{{" + inside + "}}", keys)
        elif tag["open"]:
            if len(stack) > DEEPEST_BLOCK:
                raise _refused(_("{{#if}} may stand at most %(count)d deep.", count=DEEPEST_BLOCK), keys)
            block = _Block(tag["key"])
            stack[-1].parts.append(block)
            stack.append(block)
        else:
            stack[-1].parts.append(_Value(tag["key"]))
        at = end + 2
    stack[-1].parts.append(_plain(source[at:], keys))
    if len(stack) > 1:
        raise _refused(_("{{#if %(key)s}} is not closed with {{/if}}.", key=stack[-1].key), keys)
    return root


def _plain(piece: str, keys: Mapping[str, Sentence]) -> str:
    for mark in _FOREIGN:
        if mark in piece:
            raise _unknown(piece[piece.index(mark) :][:40], keys)
    return piece


def _unknown(shown: str, keys: Mapping[str, Sentence]) -> MessageTemplateError:
    return _refused(_("“%(piece)s” is not known here.", piece=one_line(shown, 60)), keys)


def _refused(why: Sentence, keys: Mapping[str, Sentence]) -> MessageTemplateError:
    valid = ", ".join("{{ " + key + " }}" for key in keys)
    return MessageTemplateError(_("%(why)s You can use: %(keys)s.", why=why, keys=valid), keys=sorted(keys))


def _pieces(block: _Block, values: Mapping[str, str]) -> Iterator[tuple[str | None, str]]:
    """(key or None for plain text, what stands there) in order."""
    for part in block.parts:
        if isinstance(part, str):
            yield None, part
        elif isinstance(part, _Value):
            yield part.key, values.get(part.key, "")
        elif values.get(part.key or "", "").strip():
            yield from _pieces(part, values)


def _clean(value: str) -> str:
    """One kind of line end; no control characters, and none that turn the reading direction or cannot be encoded."""
    unified = value.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(
        letter
        for letter in unified
        if letter in "\n\t\u200c\u200d" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs")
    )


def _as_html(
    pieces: Sequence[tuple[str | None, str]], links: frozenset[str], language: str, footer: Sequence[str], *,
    name: str | None,
) -> str:  # fmt: skip
    """`name`: the line of the footer that is the company's name."""

    def shown(key: str | None, text: str) -> str:
        safe = html.escape(text)
        if key in links and text.startswith(("http://", "https://")):
            return f'<a href="{safe}">{safe}</a>'
        return safe

    body = "".join(shown(key, text) for key, text in pieces).strip()
    paragraphs = "".join(f"<p>{part.strip()}</p>" for part in re.split(r"\n\s*\n", body)).replace("\n", "<br>\n")
    end = ""
    if name is not None:
        escaped = ((line, html.escape(line)) for line in footer)
        lines = "<br>\n".join(f"<b>{safe}</b>" if line == name else safe for line, safe in escaped)
        end = f'<hr style="border: 0; border-top: 1px solid #ddd">{LOGO_ROOM}<p style="font-size: 13px">{lines}</p>'
    return (
        f'<!doctype html>\n<html lang="{html.escape(language)}"><head><meta charset="utf-8"></head>'
        f'<body style="font-family: sans-serif; font-size: 15px; line-height: 1.5">{paragraphs}{end}</body></html>\n'
    )


# -- the bell

BellSentence = Callable[[Mapping[str, Any]], Sentence]
_bell_kinds: dict[str, BellSentence] = {}


def register_bell_kind(kind: str, sentence: BellSentence) -> None:
    """Say how a bell line of this kind reads; `sentence` gets the line's data and answers a lazy sentence."""
    if kind in _bell_kinds:
        raise RuntimeError(f"bell kind {kind} is registered twice")
    _bell_kinds[kind] = sentence


def bell_text(line: Notification) -> Sentence:
    """The line in the language of whoever looks. A kind that is no longer known still shows a line."""
    sentence = _bell_kinds.get(line.kind)
    return sentence(line.data) if sentence else _("Something has changed.")


# -- why a mail did not go out

_REASONS: Mapping[str, Sentence] = {
    NO_ADDRESS: _("This is not an e-mail address."),
    BROKEN: _("Something broke on our side. The log of the worker tells what."),
    WORN_OUT: _("The worker stopped over it each time."),
    STRANGE_LETTERS: _("The mail server takes no address with such letters."),
    NOT_WANTED: _("The customer does not want it any more."),
}
_BEGINNINGS: Mapping[str, Callable[[str], Sentence]] = {
    UNWRITABLE: lambda told: _("The mail cannot be written: %(why)s", why=told),
    SILENT: lambda told: _("The mail server fell silent: %(why)s", why=told),
    UNREACHABLE: lambda told: _("There is no mail server at %(where)s", where=told),
}


def why_not_sent(kept: str) -> Sentence:
    """The reason that is kept with a mail, in the reader's language; what a mail server said stays as it said it."""
    if kept in _REASONS:
        return _REASONS[kept]
    for beginning, sentence in _BEGINNINGS.items():
        if kept.startswith(beginning):
            return sentence(kept.removeprefix(beginning))
    return _("The mail server said: %(what)s", what=kept)


# -- giving up

MOST_TRIES = Outbox.max_attempts
LONGEST_FAILING = timedelta(hours=24)


def next_try_at(attempts: int, failing_since: datetime | None, at: datetime, rng: Random) -> datetime | None:
    """When to try a mail again that failed at `at` for the `attempts`-th time. None: never, it is dead."""
    if attempts >= MOST_TRIES or at - (failing_since or at) >= LONGEST_FAILING:
        return None
    return at + backoff(attempts, rng)
