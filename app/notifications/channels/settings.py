"""Through which server does mail go, and in whose name? What the operator sets at the start, and what is no server."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote, urlsplit

from app.notifications.models import Security
from app.notifications.rules import is_address, one_line

#: RFC 6409 has 587 for submission; a bare host mostly means the relay next door
DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
#: where providers of machines answer the machine's own questions, also for its keys; no mail server is there
_OF_THE_PROVIDER = {
    ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
}
#: IPv4 addresses in the clothes of IPv6 (RFC 6052)
_NAT64 = int(ip_address("64:ff9b::")) >> 32


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed over, and how the conversation is protected."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    security: Security = Security.offered

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port})"  # never the password

    @property
    def is_this_machine(self) -> bool:
        return is_this_machine(self.host)


def is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_out_of_bounds(address: str) -> bool:
    """Is this IP address none that a mail server has, but one at which a machine talks with its surroundings?"""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        ip = _inside(ip)
    return ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in _OF_THE_PROVIDER


def _inside(ip: IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, or itself."""
    if int(ip) >> 32 == _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def parse_smtp_url(url: str) -> SmtpServer | None:
    """`smtp://[user:pass@]host[:port]` or `smtps://…`; user and password percent-encoded. Empty: None.

    Raises ValueError, which never repeats the password.
    """
    if not url.strip():
        return None
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise ValueError("TANTAM_SMTP_URL: not an address like smtp://user:pass@host:port") from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise ValueError("TANTAM_SMTP_URL: not an address like smtp://user:pass@host:port or smtps://…")
    return SmtpServer(
        host=parts.hostname,
        port=port or DEFAULT_PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or "") if parts.username else None,
        security=Security.tls if parts.scheme == "smtps" else Security.offered,
    )


@dataclass(frozen=True)
class MailSettings:
    """What the outbox needs to know. `server` None: mails stay readable here. `timeout`: seconds per answer."""

    server: SmtpServer | None = None
    #: a whole From line
    sender: str = "Tận Tâm <tantam@localhost.localdomain>"
    #: a bare address, or empty
    reply_to: str = ""
    timeout: float = 15.0
    #: the operator named the server at the start: nobody changes it in the browser
    is_of_the_operator: bool = False
    #: a server is set, but its password cannot be read any more (another SECRET_KEY): it has to be typed again
    password_is_lost: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for a sender that no server would take."""
        if one_line(self.sender, 400) != self.sender or not is_address(self.sender_address):
            raise ValueError('TANTAM_MAIL_FROM: not an address like "Tận Tâm <cskh@example.vn>"')

    @property
    def sender_address(self) -> str:
        return parseaddr(self.sender)[1]

    @property
    def domain(self) -> str:
        """What stands behind the @ of our message ids."""
        return self.sender_address.rpartition("@")[2]


_configured = MailSettings()


def configure(settings: MailSettings) -> None:
    """Called once by create_app() with what the operator set; queries.mail_settings() tells what holds."""
    global _configured
    _configured = settings


def operators_settings() -> MailSettings:
    return _configured
