"""What may a comment say, whom does it mention, and of which pieces is it shown? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.errors import InvalidInputError
from app.core.i18n import _
from app.notifications.rules import TemplateKind, one_line, register_template

LONGEST_TEXT = 10_000
MOST_MENTIONS = 20
MOST_FILES = 20
#: how much of a comment a bell line tells
EXCERPT = 140

# @lan, @nguyen.van-a, and in brackets what has other letters; not inside a mail address, not the full stop behind it.
_MENTION = re.compile(r"(?<![\w@./+-])@(?:\[([^\[\]\s]{1,64})\]|(\w+(?:[.-]\w+)*))")
# Only what cannot run: http and https. A bracket or full stop at its end belongs to the sentence.
_LINK = re.compile(r"(?<![\w@])(?:https?://|www\.)[^\s<>\"'“”]+", re.IGNORECASE)
_BEHIND = ".,;:!?…)]}»"
_PIECE = re.compile(f"(?P<link>{_LINK.pattern})|(?P<mention>{_MENTION.pattern})", re.IGNORECASE)


@dataclass(frozen=True)
class Piece:
    """A stretch of a comment: plain text, a `link` with its `url`, or a `mention` with the person's present name."""

    kind: str
    text: str
    url: str = ""


def read_text(typed: str, *, has_files: bool) -> str:
    """The text as it is kept. Raises InvalidInputError beside "text"."""
    text = typed.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text and not has_files:
        raise InvalidInputError(fields={"text": [_("Write something or choose a file.")]})
    if len(text) > LONGEST_TEXT or "\0" in text:
        raise InvalidInputError(fields={"text": [_("At most %(count)d characters, please.", count=LONGEST_TEXT)]})
    return text


def called_in(text: str) -> list[str]:
    """Who is called by @, in lower case, each once and in order. Raises InvalidInputError for a whole crowd."""
    called = [_called(found) for found in _PIECE.finditer(text) if found["mention"]]
    each = list(dict.fromkeys(called))
    if len(each) > MOST_MENTIONS:
        raise InvalidInputError(fields={"text": [_("Mention at most %(count)d people at once.", count=MOST_MENTIONS)]})
    return each


def _called(found: re.Match[str]) -> str:
    name = found["mention"].removeprefix("@")
    return name.removeprefix("[").removesuffix("]").lower()


def written_as(username: str) -> str:
    """How a mention of this user name is typed: @lan, or @[lan@phosen] where it would end too early."""
    plain = f"@{username}"
    found = _MENTION.fullmatch(plain)
    return plain if found else f"@[{username}]"


def pieces(text: str, people: Mapping[str, str]) -> list[Piece]:
    """The comment as it is shown. `people`: how the text calls somebody → his name; an @ for nobody stays text."""
    return [piece for piece in _pieces(text, people) if piece.text]


def _pieces(text: str, people: Mapping[str, str]) -> Iterator[Piece]:
    at = 0
    for found in _PIECE.finditer(text):
        if found["mention"]:
            name, end = people.get(_called(found)), found.end()
            piece = Piece("mention", name) if name else None
        else:
            address = _address(found["link"])
            end = found.start() + len(address)
            url = address if "://" in address else f"https://{address}"
            piece = Piece("link", address, url) if len(address) > len("https://") else None
        if piece is not None:
            yield Piece("text", text[at : found.start()])
            yield piece
            at = end
    yield Piece("text", text[at:])


def _address(found: str) -> str:
    """Without what belongs to the sentence; a bracket that was opened inside stays: …/Phở_(món_ăn)."""
    while found and found[-1] in _BEHIND and not (found[-1] == ")" and found.count("(") >= found.count(")")):
        found = found[:-1]
    return found


def as_text(text: str, people: Mapping[str, str]) -> str:
    """The comment in a mail: mentions by name."""
    return "".join(f"@{one.text}" if one.kind == "mention" else one.text for one in pieces(text, people))


def excerpt(text: str, people: Mapping[str, str]) -> str:
    """The beginning of it, on one line."""
    return one_line(as_text(text, people), EXCERPT)


# ── how somebody is told that he was mentioned ──

MENTIONED = "mentioned"

_MAIL_VI = """\
Chào {{ name }},

{{ by }} nhắc đến bạn ở {{ what }}:

{{ text }}

Xem và trả lời: {{ link }}

Thư này do Tận Tâm gửi tự động, bạn không cần trả lời thư.
"""

_MAIL_EN = """\
Hello {{ name }},

{{ by }} mentioned you in {{ what }}:

{{ text }}

Read and answer: {{ link }}

Tận Tâm sent this mail by itself; there is no need to reply to it.
"""

register_template(
    TemplateKind(
        code=MENTIONED,
        label=_("Somebody is mentioned in a comment"),
        keys={
            "name": _("Name of the reader"),
            "by": _("Who wrote it"),
            "what": _("What it is about"),
            "text": _("What was written"),
            "link": _("Link to the comment"),
        },
        shipped={
            "vi": ("{{ by }} nhắc đến bạn ở {{ what }}", _MAIL_VI),
            "en": ("{{ by }} mentioned you in {{ what }}", _MAIL_EN),
        },
    )
)


def bell_sentence(data: Mapping[str, Any], what: object) -> object:
    """Lan nhắc đến bạn ở khách hàng Nguyễn Văn A (KH000012): …"""
    return _("%(by)s mentioned you in %(what)s: %(text)s", by=data["by"], what=what, text=data["text"])
