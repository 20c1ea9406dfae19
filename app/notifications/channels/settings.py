"""Through which server does mail go, and in whose name?"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from app.notifications.rules import is_address, one_line

#: RFC 6409 has 587 for submission; a bare host mostly means the relay next door
DEFAULT_PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed over. `implicit_tls`: encrypted from the first byte (smtps), else STARTTLS when offered."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    implicit_tls: bool = False

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port})"  # never the password

    @property
    def is_this_machine(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


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
        implicit_tls=parts.scheme == "smtps",
    )


@dataclass(frozen=True)
class MailSettings:
    """What the outbox needs to know. `server` None: mails stay readable here. `timeout`: seconds per answer."""

    server: SmtpServer | None = None
    sender: str = "Tận Tâm <tantam@localhost.localdomain>"
    timeout: float = 15.0

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
    """Called once by create_app()."""
    global _configured
    _configured = settings


def mail_settings() -> MailSettings:
    return _configured
