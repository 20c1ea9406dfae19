"""Will these settings of a mail server do, whose is the password, and what does a server's answer mean? Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from app.core import vault
from app.core.errors import Sentence
from app.core.i18n import _
from app.core.vault import LostKeyError
from app.notifications.channels import DeliveryError, Fault
from app.notifications.channels.settings import SmtpServer, is_out_of_bounds, is_this_machine
from app.notifications.models import MailServer, Security
from app.notifications.rules import is_address

LONGEST_PASSWORD = 200
HIGHEST_PORT = 65_535
SECURITY_LABELS: Mapping[Security, Sentence] = {
    Security.starttls: _("STARTTLS (mostly port 587)"),
    Security.tls: _("TLS from the start (mostly port 465)"),
    Security.none: _("No encryption (only inside one's own network)"),
}
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_ATOM, _LABEL = r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+", r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_PLAIN = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*")
_PURPOSE = "password of the mail server"


@dataclass(frozen=True)
class TypedServer:
    """What stands in the form; everything is text."""

    mail_from_name: str = ""
    sender_address: str = ""
    reply_to: str = ""
    host: str = ""
    port: str = ""
    security: str = ""
    username: str = ""
    password: str = ""

    @property
    def place(self) -> str:
        """The host as it is kept: lower case, an address of IPv6 without its brackets."""
        host = self.host.strip().lower().rstrip(".")
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host

    @property
    def number(self) -> int | None:
        """The port; None where none is written."""
        port = self.port.strip()
        return int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else None

    def __repr__(self) -> str:
        return f"TypedServer({self.host}:{self.port})"  # never the password


def sender_problems(typed: TypedServer) -> dict[str, Sentence]:
    """What is wrong with the addresses, by field; an empty one is no problem."""
    addresses = {"sender_address": typed.sender_address, "reply_to": typed.reply_to}
    wrong = _("This is no e-mail address. Example: cskh@congty.vn")
    return {key: wrong for key, text in addresses.items() if text.strip() and not _is_plain(text.strip())}


def _is_plain(address: str) -> bool:
    """Stricter than for readers: a sender that no header takes would keep every mail of the company back."""
    return is_address(address) and _PLAIN.fullmatch(address) is not None


def server_problems(typed: TypedServer) -> dict[str, Sentence]:
    """What is wrong with the server, by field. Without a host there is none, and nothing is wrong with it."""
    host, port = typed.place, typed.number
    if not host:
        return {}
    problems: dict[str, Sentence] = {}
    if not _is_host(host):
        problems["host"] = _("This is no name of a server. Example: smtp.congty.vn")
    elif _is_ip(host) and is_out_of_bounds(host):
        problems["host"] = _("No mail server has this address. Ask whoever runs your mail for its name.")
    if port is None or not 1 <= port <= HIGHEST_PORT:
        problems["port"] = _("A whole number from 1 to 65535. Example: 587")
    if typed.security not in set(SECURITY_LABELS):
        problems["security"] = _("Choose one of these.")
    elif typed.security == Security.none and typed.username.strip() and not is_this_machine(host):
        problems["security"] = _("Without encryption the password could be read on its way. Choose STARTTLS or TLS.")
    if len(typed.username.strip()) > 254 or not typed.username.strip().isprintable():
        problems["username"] = _("At most %(count)d characters.", count=254)
    if len(typed.password) > LONGEST_PASSWORD:
        problems["password"] = _("At most %(count)d characters.", count=LONGEST_PASSWORD)
    return problems


def _is_host(text: str) -> bool:
    return _is_ip(text) or (len(text) <= 253 and _HOST.fullmatch(text) is not None)


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


# ── whose is the password ──
def lock_password(host: str, port: int, username: str, password: str) -> str:
    """The password as it is kept, with the server that it is for: in another row it is of no use."""
    return vault.lock(json.dumps([host, port, username, password]), purpose=_PURPOSE)


def password_inside(row: MailServer) -> str | None:
    """The password of this server. Raises LostKeyError when it cannot be read, or is another server's."""
    if row.password is None:
        return None
    *bound_to, password = json.loads(vault.unlock(row.password, purpose=_PURPOSE))
    if bound_to != [row.host, row.port, row.username]:
        raise LostKeyError
    return str(password)


# ── what a server's answer means ──
_TOLD: Mapping[Fault, Callable[[str, int], Sentence]] = {
    Fault.no_such_name: lambda host, _port: _(
        "There is no server called %(host)s. Look for a slip in its name.", host=host),
    Fault.out_of_bounds: lambda host, _port: _("%(host)s leads to an address that no mail server has.", host=host),
    Fault.refused: lambda host, port: _(
        "%(host)s takes no calls at port %(port)s. Usual are 587 with STARTTLS and 465 with TLS.",
        host=host, port=port),
    Fault.timeout: lambda host, port: _(
        "%(host)s did not answer at port %(port)s. The port may be wrong, or a firewall lies between.",
        host=host, port=port),
    Fault.certificate: lambda host, _port: _(
        "The certificate of %(host)s cannot be trusted: nobody known has signed it, it has run out, or it is for"
        " another name. Type the name that your mail provider gives.", host=host),
    Fault.not_tls: lambda host, port: _(
        "%(host)s does not speak TLS from the start at port %(port)s. Choose STARTTLS, mostly with port 587.",
        host=host, port=port),
    Fault.no_greeting: lambda host, port: _(
        "%(host)s does not greet as a mail server at port %(port)s. If the port is 465, choose TLS from the start.",
        host=host, port=port),
    Fault.no_starttls: lambda *_server: _(
        "The server offers no STARTTLS. Choose TLS from the start, mostly with port 465."),
    Fault.no_login: lambda *_server: _(
        "One cannot sign in to this server this way. Does it need a user name at all?"),
    Fault.wrong_login: lambda *_server: _(
        "The server refuses the user name or the password. Gmail, Microsoft 365 and Zoho want an app password in the"
        " place of that with which people sign in."),
    Fault.hung_up: lambda *_server: _(
        "The server broke off while it was signed in to. Look at the user name and the password."),
    Fault.login_needed: lambda *_server: _("The server wants a user name and a password."),
    Fault.sender: lambda *_server: _(
        "The server lets nobody send from this sender address. Mostly it must be that of the account."),
    Fault.recipient: lambda *_server: _("The server does not take mail for your address."),
    Fault.content: lambda *_server: _("The server took the addresses and refused the mail itself."),
}  # fmt: skip


def told_of(error: DeliveryError, server: SmtpServer) -> Sentence:
    """What the failure means for whoever set the server."""
    told = _TOLD.get(error.fault)
    return told(server.host, server.port) if told else _("The mail did not go out.")
