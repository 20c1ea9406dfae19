"""Where does a web address lead: into the world, or to a place inside that nobody may make us call? Pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from app.core.errors import Sentence
from app.core.i18n import _

LONGEST_URL = 2_000
#: at which a receiver that nobody allowed by name may be called
USUAL_PORTS = frozenset({443, 8443})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: inside, though the registry of addresses calls some of it global: a cloud's own service, and translations to IPv4
_INSIDE = tuple(map(ipaddress.ip_network, (
    "168.63.129.16/32", "192.0.0.0/24", "64:ff9b:1::/48", "fec0::/10", "100.64.0.0/10",
)))  # fmt: skip
#: they carry an IPv4 address in their last 32 bits
_TRANSLATED = tuple(map(ipaddress.ip_network, ("::/96", "64:ff9b::/96", "::ffff:0:0:0/96")))
#: the keys of a rented machine lie here: called for nobody, whatever was allowed
_METADATA = tuple(map(ipaddress.ip_network, (
    "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::254/128",
)))  # fmt: skip


def is_inside(address: Address) -> bool:
    """Does it lead to this machine, to a network that is nobody else's, or nowhere? However it is written."""
    plain = _plain(address)
    if plain is not address:
        return is_inside(plain)
    if any(address in network for network in _INSIDE if network.version == address.version):
        return True
    return not address.is_global or address.is_multicast or address.is_reserved


def is_never_called(address: Address) -> bool:
    """Not even for a receiver that was allowed to lie inside: metadata of clouds, link-local, several, nobody."""
    plain = _plain(address)
    return (
        plain.is_link_local
        or plain.is_multicast
        or plain.is_unspecified
        or any(plain in network for network in _METADATA if network.version == plain.version)
    )


def _plain(address: Address) -> Address:
    """The IPv4 address that one of IPv6 stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address) or int(address) in (0, 1):
        return address
    within = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if within is None and any(address in network for network in _TRANSLATED):
        within = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return within or address


def url_problem(text: str, *, allowed_inside: bool) -> Sentence | None:
    """What is wrong with the address of a receiver as it is written; where its name leads is seen when it is called."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return _("This is no web address. Example: https://kho.example.vn/don-hang")
    host = parts.hostname or ""
    if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text or not host:
        return _("This is no web address. Example: https://kho.example.vn/don-hang")
    if parts.scheme != "https" and not (allowed_inside and parts.scheme == "http"):
        return _("The address has to begin with https://, so that nobody reads along.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        return _("No name, password or # may stand in the address; a password belongs into the headers of a receiver.")
    if port == 0:
        return _("This is no web address. Example: https://kho.example.vn/don-hang")
    if allowed_inside:
        return None
    if port is not None and port not in USUAL_PORTS:
        return _("Only the ports 443 and 8443 are called; others at a receiver that an administrator has allowed.")
    return _leads_inside(parts)


def _leads_inside(parts: SplitResult) -> Sentence | None:
    host = (parts.hostname or "").rstrip(".")
    told = _("This address leads into one's own network. An administrator has to allow it as a receiver.")
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return told
    try:
        return told if is_inside(ipaddress.ip_address(host)) else None
    except ValueError:
        # 2130706433, 0x7f.1, 127.1: programs read an address out of them, people a misspelt name
        return None if host.rpartition(".")[2][:1].isalpha() else told
