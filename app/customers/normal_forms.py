"""When are two e-mail addresses, pages, accounts or shops the same one? Pure; any text has a normal form."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_LABEL = re.compile(
    r"^(?:mailto|fb|facebook|zalo|email|e-mail|mail|web|website|shopee|tiktok|lazada|tiki|sendo)\s*:\s*(?!//)",
    re.IGNORECASE,
)
_SUBDOMAINS = ("www.", "m.", "mobile.", "touch.", "web.", "mbasic.", "vi-vn.", "en-gb.")
_DEFAULT_PORTS = (":80", ":443")
_FACEBOOK = {"facebook.com", "fb.com", "fb.me", "m.me", "messenger.com", "facebook.com.vn"}
_FACEBOOK_NAME = re.compile(r"[a-z0-9.]{2,}")
_ZALO = {"zalo.me", "chat.zalo.me", "oa.zalo.me"}
#: host without its ending → the market it is of
_MARKETS = {
    "shopee": "shopee",
    "tiktok": "tiktok",
    "shop-vt.tiktok": "tiktok",
    "lazada": "lazada",
    "tiki": "tiki",
    "sendo": "sendo",
}
#: what stands before the shop in an address
_BEFORE_SHOP = {"shop", "cua-hang", "store", "shops", "@"}


def email_form(line: str) -> str:
    """In small letters, the host as it is looked up; what stands before + is kept: only some hosts drop it."""
    local, at, host = _small(bare(line)).rpartition("@")
    return f"{local}{at}{host.rstrip('.')}" if at else _small(line)


def website_form(line: str) -> str:
    """The address without scheme, www, query and last slash: one page has one normal form."""
    parts = _parts(line)
    if parts is None or "." not in parts.netloc or " " in parts.netloc:
        return _small(line)
    return f"{_host(parts)}{_path(parts).rstrip('/')}" or _small(line)


def facebook_form(line: str) -> str:
    """facebook.com/pho.sen, also for fb.com, m.me and a bare name; a profile without a name by its number."""
    name = _small(bare(line)).removeprefix("@")
    parts = _parts(line)
    if parts is None:
        return _small(line)
    if _host(parts) not in _FACEBOOK:
        is_name = _FACEBOOK_NAME.fullmatch(name) and not name.endswith((".com", ".vn"))
        return f"facebook.com/{name}" if is_name else website_form(line)
    number = parse_qs(parts.query).get("id", [""])[0]
    if number.isdecimal():
        return f"facebook.com/{number}"
    steps = _steps(parts)
    # facebook.com/people/Lan-Nguyen/100012345678 and facebook.com/t/… of the messenger
    if steps[:1] == ["people"] and steps[-1].isdecimal():
        steps = steps[-1:]
    steps = steps[1:] if steps[:1] in (["t"], ["pg"]) else steps
    return "/".join(["facebook.com", *steps])


def zalo_form(line: str) -> str:
    """The account without zalo.me/: a number (read it as a phone), a name or the id of an official account."""
    parts = _parts(line)
    if parts is not None and _host(parts) in _ZALO:
        steps = _steps(parts)
        return steps[-1] if steps else _small(line)
    return _small(bare(line))


def shop_form(line: str) -> str:
    """market:shop, of its address or of "Shopee: pho.sen": shopee:pho.sen. Without a market: the name alone."""
    label = re.match(r"\s*(shopee|tiktok|lazada|tiki|sendo)\s*(?:shop)?\s*[:@]\s*(?!//)(\S.*)", line, re.IGNORECASE)
    if label:
        return f"{label[1].lower()}:{_small(label[2]).removeprefix('@')}"
    parts = _parts(line)
    market = _MARKETS.get(_host(parts).partition(".vn")[0].partition(".com")[0]) if parts else None
    if parts is None or market is None:
        return _small(line).removeprefix("@")
    steps = [step.removeprefix("@") for step in _steps(parts)]
    shop = next((step for step in steps if step not in _BEFORE_SHOP), "")
    return f"{market}:{shop}" if shop else website_form(line)


def _small(line: str) -> str:
    return unicodedata.normalize("NFC", " ".join(line.split()).lower())


def bare(line: str) -> str:
    """Without what the account is called before it: "fb: pho.sen"."""
    return _LABEL.sub("", line.strip())


def _parts(line: str) -> SplitResult | None:
    text = bare(line)
    try:
        return urlsplit(text if _SCHEME.match(text) else f"//{text}")
    except ValueError:
        return None


def _path(parts: SplitResult) -> str:
    # What is written in percents may be anything, also what no database keeps.
    path = unicodedata.normalize("NFC", unquote(parts.path))
    return path if path.isprintable() else parts.path


def _steps(parts: SplitResult) -> list[str]:
    return [step for step in _path(parts).lower().split("/") if step]


def _host(parts: SplitResult) -> str:
    host = parts.netloc.lower()
    for ending in _DEFAULT_PORTS:
        host = host.removesuffix(ending)
    if host in _FACEBOOK:
        return host
    for start in _SUBDOMAINS:
        host = host.removeprefix(start)
    return host.rstrip(".")
