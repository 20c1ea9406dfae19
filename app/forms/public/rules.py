"""What comes in from outside: is it worth a look first, who is it, and which page did it come from? Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeSerializer

from app.core.errors import InvalidInputError, Sentence
from app.core.i18n import _
from app.forms.public.models import KEY_LENGTH, NONCE_LENGTH, TOLD_LENGTH
from app.forms.rules import Answers, Definition

#: nobody reads and fills in a form faster
FASTEST = timedelta(seconds=3)
#: a page that stands open longer is sent once more
PAGE_LASTS = timedelta(hours=12)
#: from one address: from the first number on somebody looks first, from the second on nothing is taken
WINDOW = timedelta(minutes=10)
MANY, TOO_MANY = 5, 20
#: to one form, from wherever, within the window: what comes beyond is looked at first, from the second number on
#: nothing is taken
FLOOD_OF_FORM, TOO_MANY_TO_FORM = 120, 600
#: entries of one form that may wait for somebody; beyond them nothing that would have to wait is taken
MOST_HELD = 5_000
#: what nobody decides on is gone after that time, and what was refused
HELD_LASTS, REFUSED_LASTS = timedelta(days=90), timedelta(days=30)
#: of an IPv6 address: what one line of one household or company has
_LINE = 64
MOST_LINKS = 2
MOST_SITES = 20

#: why somebody looks at it first: code → what people read
REASONS: Mapping[str, Sentence] = {
    "trap": _("A field that people do not see was filled in."),
    "fast": _("It was sent within three seconds."),
    "links": _("It holds more than two links."),
    "many": _("Several came from the same address within ten minutes."),
    "flood": _("More came to this form within ten minutes than people fill in."),
    "several": _("Several customers have this phone number or e-mail address."),
    "archived": _("The customer with this phone number or e-mail address is archived."),
    "refused": _("It could not be kept by itself."),
}
#: types of questions by which whoever asks would learn who is in the company, or that bring what was not looked at
CLOSED_TYPES = frozenset({"customer", "member", "team", "file", "photo"})

_LINK = re.compile(r"https?://(?:www\.)?|\bwww\.", re.IGNORECASE)
_KEY = re.compile(rf"[A-Za-z0-9_-]{{{KEY_LENGTH}}}")
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_TOO_OLD = _("This page stood open for too long. Nothing is lost: look it over, then send it once more.")


@dataclass(frozen=True)
class OpenedPage:
    """What a page says of itself when it is sent: when it was opened, and by which number it is known."""

    at: datetime
    nonce: str


class PageTooOldError(InvalidInputError):
    """The page was opened too long ago, or nobody of ours opened it. `was_ours`: it was this door's, and is too old."""

    code = "page_too_old"
    message = _TOO_OLD

    def __init__(self, *, was_ours: bool = False) -> None:
        self.was_ours = was_ours
        super().__init__()


def new_key() -> str:
    """128 random bits for the address of a link."""
    return secrets.token_urlsafe(16)


def is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


def sign_page(secret: str, key: str, at: datetime) -> str:
    """What a page carries: it was opened at this door, at this moment. It is of use once."""
    told = [key, int(at.timestamp()), secrets.token_hex(NONCE_LENGTH // 2)]
    return str(_signer(secret).dumps(told))


def read_page(secret: str, key: str, signed: str, at: datetime) -> OpenedPage:
    """Raises PageTooOldError for what is too old, of another door, or not ours."""
    try:
        door, opened, nonce = _signer(secret).loads(signed)
    except (BadSignature, ValueError, TypeError) as error:
        raise PageTooOldError from error
    moment = datetime.fromtimestamp(opened, UTC)
    stood = at - moment + timedelta(seconds=1)
    if door != key or not timedelta(0) <= stood <= PAGE_LASTS:
        raise PageTooOldError(was_ours=door == key and stood > PAGE_LASTS)
    return OpenedPage(moment, nonce)


def _signer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt="public form", signer_kwargs={"digest_method": hashlib.sha256})


def address_key(secret: str, address: str) -> str:
    """By this the same address is known again; the address itself is kept nowhere. Whoever has one IPv6 address has
    2⁶⁴ of them: all of a line are one."""
    return hmac.new(secret.encode(), b"public form\0" + _line_of(address).encode(), hashlib.sha256).hexdigest()


def _line_of(address: str) -> str:
    try:
        read = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(read, IPv4Address):
        return str(read)
    return str(read.ipv4_mapped or ip_network((read, _LINE), strict=False))


def looks_odd(answers: Mapping[str, Any], *, trap: str, took: timedelta, of_address: int, of_form: int) -> list[str]:
    """Codes of REASONS; none: it goes its way by itself. `of_address`, `of_form`: how many came before it."""
    found = {
        "trap": bool(trap.strip()),
        "fast": took < FASTEST,
        "links": sum(len(_LINK.findall(text)) for text in _texts(answers)) > MOST_LINKS,
        "many": of_address >= MANY,
        "flood": of_form >= FLOOD_OF_FORM,
    }
    return [code for code, holds in found.items() if holds]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for part in inside for text in _texts(part)]


#: values of a customer by which he is found among all
_KNOWN_BY = ("phone", "email")


@dataclass(frozen=True)
class Consent:
    """To what and by which way somebody agreed: a purpose of the company's list, and a ConsentChannel."""

    purpose: str
    channel: str


@dataclass(frozen=True)
class Person:
    """What the answers say about whoever gave them: codes of fields.settings.CUSTOMER_VALUES → value."""

    values: Mapping[str, Any]
    consents: Sequence[Consent]

    @property
    def can_be_known(self) -> bool:
        return any(value in self.values for value in _KNOWN_BY)

    @property
    def can_be_made(self) -> bool:
        return self.can_be_known and "name" in self.values


def person_in(definition: Definition, answers: Answers) -> Person:
    """Whoever answered, as far as the form asks for it."""
    values, consents = {}, []
    for one in definition.fields:
        value = answers.values.get(one.key)
        if value is None:
            continue
        if target := one.spec.own.get("maps_to"):
            values[target] = value
        if value is True and (purpose := one.spec.own.get("consent")):
            consents.append(Consent(purpose, one.spec.own["consent_channel"]))
    return Person(values, consents)


def asks_who(definition: Definition) -> bool:
    """Is there a question by which whoever answers can be known?"""
    return any(one.spec.own.get("maps_to") in _KNOWN_BY and not one.spec.retired for one in definition.fields)


def closed_to_all(definition: Definition) -> list[str]:
    """Keys of the questions that cannot be asked of everybody."""
    return [
        one.key for one in definition.fields
        if one.type.code in CLOSED_TYPES or any(
            inner.type.code in CLOSED_TYPES for inner in one.spec.own.get("fields", ()) if one.type.code == "rows"
        )
    ]  # fmt: skip


def read_sites(typed: str) -> list[str]:
    """One site a line, as browsers name it: https://phosen.example. Raises InvalidInputError beside `sites`."""
    sites: list[str] = []
    for line in typed.split():
        site = _site(line)
        if site is None:
            told = _("%(site)s is no address of a site. Example: https://phosen.vn", site=line[:60])
            raise InvalidInputError(fields={"sites": [told]})
        sites.append(site)
    if len(sites) > MOST_SITES:
        raise InvalidInputError(fields={"sites": [_("At most %(most)d sites, please.", most=MOST_SITES)]})
    return sorted(set(sites))


def _site(typed: str) -> str | None:
    """Only what can stand in a header: scheme, host and port."""
    try:
        parts = urlsplit(typed.lower())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("https", "http") or not is_bare or not _HOST.fullmatch(host) or len(host) > 253:
        return None
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def one_line(text: str | None) -> str:
    """What an address says of where it stood: one short line without control characters."""
    kept = "".join(char if char.isprintable() else " " for char in text or "")
    return " ".join(kept.split())[:TOLD_LENGTH]


def host_of(address: str | None) -> str:
    """Of a Referer only the site: what stands behind it may tell more than anybody meant to."""
    try:
        return one_line(urlsplit(address or "").hostname)
    except ValueError:
        return ""
