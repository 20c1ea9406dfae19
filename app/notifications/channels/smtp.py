"""Does the mail server take this mail, and if not, whose fault is it?

Encryption: STARTTLS whenever offered, or TLS from the start (smtps), with the certificate checked against the system's
authorities; a company's own authority is added by the environment variable SSL_CERT_FILE. Only a server on this very
machine may show a certificate that nobody signed, and only to it a password is sent without encryption.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from types import TracebackType
from typing import Self

from app.notifications.channels import DeliveryError
from app.notifications.channels.settings import SmtpServer
from app.notifications.rules import is_address, one_line

#: servers close a connection that brings too many
MAILS_PER_CONNECTION = 100
SERVICE_CLOSING = 421
MESSAGE_TOO_LARGE = 552


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


def build_message(mail: Mail) -> EmailMessage:
    """The mail as RFC 5322 wants it; every copy of it bears the same Message-ID and Date. Raises ValueError."""
    message = EmailMessage(policy=SMTP)
    name, address = parseaddr(mail.from_address)
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = Address(addr_spec=mail.to_address)
    message["Subject"] = one_line(mail.subject, 300)
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = mail.message_id
    # RFC 3834: no out-of-office answer, please
    message["Auto-Submitted"] = "auto-generated"
    # 7-bit on the wire: not every relay speaks 8BITMIME
    message.set_content(mail.body_text, cte="quoted-printable")
    if mail.body_html is not None:
        message.add_alternative(mail.body_html, subtype="html", cte="quoted-printable")
    return message


class SmtpConnection:
    """A conversation with the mail server, begun with the first mail and kept for the next ones."""

    def __init__(self, server: SmtpServer, *, timeout: float) -> None:
        self._server = server
        self._timeout = timeout
        self._smtp: smtplib.SMTP | None = None
        self._carried = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._drop()

    def send(self, mail: Mail) -> None:
        """Returns when the server has taken the mail (250 after the text). Raises DeliveryError.

        A refusal at the greeting, encryption, sign-in or MAIL FROM is about us and the server (unreachable), one at
        RCPT or the text is about the mail. Silence once a mail is begun may be either's fault (answered=False).
        """
        if not is_address(mail.to_address):
            raise DeliveryError("The address is not one.", permanent=True)
        try:
            message = build_message(mail)
        except (ValueError, LookupError, IndexError) as error:
            raise DeliveryError(f"The mail cannot be written: {error}", permanent=True) from error
        smtp = self._ready()
        text_is_out = False
        try:
            sender = parseaddr(mail.from_address)[1]
            content, options = _on_the_wire(smtp, message, sender + mail.to_address)
            self._expect("MAIL FROM", smtp.mail(sender, options), (250,), about_us=True)
            self._expect("RCPT TO", smtp.rcpt(mail.to_address), (250, 251))
            self._expect("DATA", smtp.docmd("DATA"), (354,))
            text_is_out = True
            smtp.send(content + b".\r\n")
            self._expect("Text", smtp.getreply(), (250,))
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            reason = f"The mail server fell silent: {_told(error)}"
            raise DeliveryError(reason, answered=False, taken_perhaps=text_is_out) from error
        self._carried += 1

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
        try:
            if server.implicit_tls:
                smtp = smtplib.SMTP_SSL(
                    server.host, server.port, local_hostname=name, timeout=self._timeout, context=self._tls()
                )
            else:
                smtp = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=self._timeout)
            smtp.ehlo_or_helo_if_needed()
            encrypted = server.implicit_tls
            if not encrypted and smtp.has_extn("starttls"):
                smtp.starttls(context=self._tls())
                smtp.ehlo()
                encrypted = True
            if server.user is not None:
                if not (encrypted or server.is_this_machine):
                    raise smtplib.SMTPNotSupportedError("no encryption offered, so the password was not sent")
                smtp.login(server.user, server.password or "")
        except (OSError, smtplib.SMTPException) as error:
            if smtp is not None:
                smtp.close()
            reason = f"No mail server at {server.host}:{server.port}: {_told(error)}"
            raise DeliveryError(reason, unreachable=True) from error
        return smtp

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._server.is_this_machine:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _expect(self, stage: str, answer: tuple[int, bytes], good: tuple[int, ...], *, about_us: bool = False) -> None:
        code, reply = answer
        if code in good:
            return
        if not 400 <= code < 600:
            raise smtplib.SMTPResponseException(code, reply)
        reason = f"{stage}: {code} {_text(reply)}"
        if code == SERVICE_CLOSING or (about_us and code != MESSAGE_TOO_LARGE):
            self._drop()
            raise DeliveryError(reason, unreachable=True)
        raise DeliveryError(reason, permanent=code >= 500)

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def _on_the_wire(smtp: smtplib.SMTP, message: EmailMessage, addresses: str) -> tuple[bytes, list[str]]:
    """The mail's bytes, without the closing dot, and what MAIL FROM has to announce. Raises DeliveryError."""
    options = []
    if addresses.isascii():
        content = message.as_bytes()
    elif smtp.has_extn("smtputf8"):
        content = message.as_bytes(policy=SMTP.clone(utf8=True))
        options = ["SMTPUTF8", "BODY=8BITMIME"]
    else:
        raise DeliveryError("The mail server takes no address with such letters.", permanent=True)
    if smtp.has_extn("size"):
        options.append(f"SIZE={len(content)}")
    return re.sub(rb"(?m)^\.", b"..", content), options


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return one_line(str(error) or type(error).__name__, 300)


def _text(reply: bytes | str) -> str:
    return one_line(reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply, 300)
