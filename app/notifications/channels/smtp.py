"""Does the mail server take this mail, and if not, whose fault is it?

Encryption: as the server's `security` says, with the certificate checked against the system's authorities; a company's
own authority is added by the environment variable SSL_CERT_FILE. Only a server on this very machine may show a
certificate that nobody signed, and only to it a password is sent without encryption. Addresses at which a machine asks
its provider (settings.is_out_of_bounds) are not called, whatever name leads there.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from threading import Timer
from types import TracebackType
from typing import Self

from app.notifications.channels import DeliveryError, Fault
from app.notifications.channels.settings import SmtpServer, is_out_of_bounds
from app.notifications.models import Security
from app.notifications.rules import (
    LOGO_ROOM,
    NO_ADDRESS,
    SILENT,
    STRANGE_LETTERS,
    UNREACHABLE,
    UNWRITABLE,
    is_address,
    one_line,
)

#: servers close a connection that brings too many
MAILS_PER_CONNECTION = 100
#: seconds from the first word about a mail, or from connecting for it, to the answer that it is taken
LONGEST_MAIL = 45.0
SERVICE_CLOSING = 421
LOGIN_NEEDED = 530
MESSAGE_TOO_LARGE = 552
_LOGO_ID = "logo@tantam"


@dataclass(frozen=True)
class Mail:
    """One message as it lies in the outbox."""

    id: int
    message_id: str
    from_address: str
    to_address: str
    subject: str
    body_text: str
    body_html: str | None
    created_at: datetime
    attempts: int
    failing_since: datetime | None
    reply_to: str = ""


@dataclass(frozen=True)
class Logo:
    """A picture that goes along inside of mails. `kind`: png or jpeg."""

    content: bytes
    kind: str


def build_message(mail: Mail, logo: Logo | None = None) -> EmailMessage:
    """The mail as RFC 5322 wants it; every copy of it bears the same Message-ID and Date. Raises ValueError."""
    message = EmailMessage(policy=SMTP)
    name, address = parseaddr(mail.from_address)
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = Address(addr_spec=mail.to_address)
    if mail.reply_to:
        message["Reply-To"] = Address(addr_spec=mail.reply_to)
    message["Subject"] = one_line(mail.subject, 300)
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = mail.message_id
    # RFC 3834: no out-of-office answer, please
    message["Auto-Submitted"] = "auto-generated"
    # 7-bit on the wire: not every relay speaks 8BITMIME
    message.set_content(mail.body_text, cte="quoted-printable")
    if mail.body_html is not None:
        has_room = logo is not None and LOGO_ROOM in mail.body_html
        picture = f'<img src="cid:{_LOGO_ID}" alt="" height="48">' if has_room else ""
        html = mail.body_html.replace(LOGO_ROOM, picture, 1)
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        if logo is not None and has_room:
            with_html = message.get_body(("html",))
            assert with_html is not None
            with_html.add_related(
                logo.content,
                "image",
                logo.kind,
                cid=f"<{_LOGO_ID}>",
                disposition="inline",
                filename=f"logo.{logo.kind}",
            )
    return message


class _OutOfBoundsError(OSError):
    """The name leads to an address that is not called."""


class _Conversation(smtplib.SMTP):
    """smtplib's part of it, on a line that stands already."""

    def __init__(self, line: socket.socket, server: SmtpServer, *, our_name: str, timeout: float) -> None:
        self._line = line
        super().__init__(server.host, server.port, local_hostname=our_name, timeout=timeout)

    def _get_socket(self, _host: str, _port: int, _timeout: float) -> socket.socket:
        return self._line


class SmtpConnection:
    """A conversation with the mail server, begun with the first mail and kept for the next ones.

    `timeout` (seconds) is for each single wait, `longest` for all that is done for one mail: a server that drips its
    answers byte by byte never keeps a single wait long enough to be noticed.
    """

    def __init__(self, server: SmtpServer, *, timeout: float, longest: float = LONGEST_MAIL) -> None:
        self._server = server
        self._timeout = timeout
        self._longest = longest
        self._until = 0.0
        self._smtp: smtplib.SMTP | None = None
        #: the same line to the server once more, to cut it from outside whatever encryption lies over it
        self._wire: socket.socket | None = None
        self._carried = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._smtp is not None:
            with self._cut_when_too_long(), suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
        self._drop()

    def send(self, mail: Mail, logo: Logo | None = None) -> None:
        """Returns when the server has taken the mail (250 after the text). Raises DeliveryError.

        A refusal at the greeting, encryption, sign-in or MAIL FROM is about us and the server (unreachable), one at
        RCPT or the text is about the mail. Silence once a mail is begun may be either's fault (answered=False).
        """
        if not is_address(mail.to_address):
            raise DeliveryError(NO_ADDRESS, permanent=True)
        try:
            message = build_message(mail, logo)
        except (ValueError, LookupError, IndexError) as error:
            raise DeliveryError(f"{UNWRITABLE}{error}", permanent=True) from error
        with self._cut_when_too_long():
            self._hand_over(mail, message)
        self._carried += 1

    def _hand_over(self, mail: Mail, message: EmailMessage) -> None:
        smtp = self._ready()
        text_is_out = False
        try:
            sender = parseaddr(mail.from_address)[1]
            content, options = _on_the_wire(smtp, message, sender + mail.to_address)
            self._expect("MAIL FROM", smtp.mail(sender, options), (250,), Fault.sender, about_us=True)
            self._expect("RCPT TO", smtp.rcpt(mail.to_address), (250, 251), Fault.recipient)
            self._expect("DATA", smtp.docmd("DATA"), (354,), Fault.content)
            text_is_out = True
            smtp.send(content + b".\r\n")
            self._expect("Text", smtp.getreply(), (250,), Fault.content)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            reason = f"{SILENT}{self._told(error)}"
            raise DeliveryError(reason, answered=False, taken_perhaps=text_is_out, fault=Fault.timeout) from error

    @contextmanager
    def _cut_when_too_long(self) -> Iterator[None]:
        """When the time for one mail is up, whoever waits for the server is woken by the end of the line."""
        self._until = time.monotonic() + self._longest
        watch = Timer(self._longest, self._cut)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _cut(self) -> None:
        if self._wire is not None:
            with suppress(OSError):  # it has just ended by itself
                self._wire.shutdown(socket.SHUT_RDWR)

    def _seconds_left(self) -> float:
        """Raises TimeoutError when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"it took longer than {self._longest:g} s")
        return left

    def _ready(self) -> smtplib.SMTP:
        if self._smtp is not None:
            try:
                fresh_enough = self._carried < MAILS_PER_CONNECTION and self._smtp.rset()[0] == 250
            except (OSError, smtplib.SMTPException):
                fresh_enough = False
            if fresh_enough:
                return self._smtp
            self._drop()
        self._smtp = self._connect()
        self._carried = 0
        return self._smtp

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        smtp: smtplib.SMTP | None = None
        # Given, because smtplib would ask the name server for it, which may hang longer than any timeout of ours.
        name = socket.gethostname()
        name = name if "." in name else "[127.0.0.1]"
        stage = Fault.refused
        try:
            line = self._call()
            encrypted = server.security is Security.tls
            if encrypted:
                stage = Fault.not_tls
                line = self._tls().wrap_socket(line, server_hostname=server.host)
            stage = Fault.no_greeting
            smtp = _Conversation(line, server, our_name=name, timeout=self._timeout)
            smtp.ehlo_or_helo_if_needed()
            if server.security in (Security.starttls, Security.offered) and smtp.has_extn("starttls"):
                stage = Fault.no_starttls
                smtp.starttls(context=self._tls())
                smtp.ehlo()
                encrypted = True
            if server.security is Security.starttls and not encrypted:
                stage = Fault.no_starttls
                raise smtplib.SMTPNotSupportedError("it offers no STARTTLS, so nothing was said")
            if server.user is not None:
                stage = Fault.no_login
                if not (encrypted or server.is_this_machine):
                    raise smtplib.SMTPNotSupportedError("no encryption offered, so the password was not sent")
                smtp.login(server.user, server.password or "")
        except (OSError, smtplib.SMTPException) as error:
            if smtp is not None:
                smtp.close()
            self._drop()
            reason = f"{UNREACHABLE}{server.host}:{server.port}: {self._told(error)}"
            raise DeliveryError(reason, unreachable=True, fault=self._fault(error, stage)) from error
        return smtp

    def _fault(self, error: Exception, stage: Fault) -> Fault:
        """What it means that the conversation broke off at this stage."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return Fault.certificate
        if isinstance(error, socket.gaierror):
            return Fault.no_such_name
        if isinstance(error, _OutOfBoundsError):
            return Fault.out_of_bounds
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return Fault.wrong_login
        if stage is Fault.no_login and type(error) not in (smtplib.SMTPException, smtplib.SMTPNotSupportedError):
            return Fault.hung_up  # else smtplib itself says that it knows no common way
        late = isinstance(error, TimeoutError) or time.monotonic() >= self._until
        if late and stage is Fault.refused:
            return Fault.timeout
        # Whoever waits for TLS says nothing in the clear, or hangs up.
        return stage

    def _call(self) -> socket.socket:
        """A line to the first of the server's addresses that answers."""
        problem: OSError = OSError("its name has no address")
        port = self._server.port
        for *_kind, address in socket.getaddrinfo(self._server.host, port, type=socket.SOCK_STREAM):
            if is_out_of_bounds(str(address[0])):
                problem = _OutOfBoundsError(f"{address[0]} is no address of a mail server")
                continue
            try:
                line = socket.create_connection((str(address[0]), port), min(self._timeout, self._seconds_left()))
            except OSError as error:
                problem = error
                continue
            line.settimeout(self._timeout)
            self._wire = line.dup()
            if time.monotonic() >= self._until:  # the watch may have rung before there was a line to cut
                self._cut()
            return line
        raise problem

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._server.is_this_machine:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _expect(
        self, stage: str, answer: tuple[int, bytes], good: tuple[int, ...], fault: Fault, *, about_us: bool = False
    ) -> None:
        code, reply = answer
        if code in good:
            return
        if not 400 <= code < 600:
            raise smtplib.SMTPResponseException(code, reply)
        reason = f"{stage}: {code} {_text(reply)}"
        if code == SERVICE_CLOSING or (about_us and code != MESSAGE_TOO_LARGE):
            self._drop()
            fault = Fault.login_needed if code == LOGIN_NEEDED else fault
            raise DeliveryError(reason, unreachable=True, fault=fault)
        raise DeliveryError(reason, permanent=code >= 500, fault=fault)

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _told(self, error: Exception) -> str:
        try:
            self._seconds_left()
        except TimeoutError as too_long:
            error = too_long
        if isinstance(error, smtplib.SMTPResponseException):
            return f"{error.smtp_code} {_text(error.smtp_error)}"
        return one_line(str(error) or type(error).__name__, 300)


def _on_the_wire(smtp: smtplib.SMTP, message: EmailMessage, addresses: str) -> tuple[bytes, list[str]]:
    """The mail's bytes, without the closing dot, and what MAIL FROM has to announce. Raises DeliveryError."""
    options = []
    if addresses.isascii():
        content = message.as_bytes()
    elif smtp.has_extn("smtputf8"):
        content = message.as_bytes(policy=SMTP.clone(utf8=True))
        options = ["SMTPUTF8", "BODY=8BITMIME"]
    else:
        raise DeliveryError(STRANGE_LETTERS, permanent=True)
    if smtp.has_extn("size"):
        options.append(f"SIZE={len(content)}")
    return re.sub(rb"(?m)^\.", b"..", content), options


def _text(reply: bytes | str) -> str:
    return one_line(reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply, 300)
