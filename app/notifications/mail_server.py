"""Set through which server the company's mail goes, and try typed settings before they are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from email.headerregistry import Address
from email.utils import make_msgid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import audit, clock, links
from app.core import settings as company
from app.core.access import Actor
from app.core.audit import AuditEvent
from app.core.db import queue_up
from app.core.errors import BusinessError, ConflictError, InvalidInputError, Sentence, TooManyRequestsError
from app.core.formats import exact_text
from app.core.i18n import _
from app.core.vault import LostKeyError
from app.notifications import server_rules
from app.notifications.channels import DeliveryError
from app.notifications.channels.settings import MailSettings, SmtpServer
from app.notifications.channels.smtp import Logo, Mail, SmtpConnection
from app.notifications.models import MailServer, Security
from app.notifications.queries import find_mail_server, logo_of_mails, mail_settings
from app.notifications.rules import is_address, one_line
from app.notifications.server_rules import TypedServer
from app.notifications.services import write
from app.notifications.shipped import TEST_MAIL
from app.security.models import Member

TRIED = "mail_server.tried"
#: between two tries of the company: a form is no means to call at other people's doors
PAUSE = timedelta(seconds=10)
#: seconds that somebody looks at a page that waits: for one answer, and for all of it
_PATIENCE, _LONGEST = 8.0, 20.0


def save_mail_server(session: Session, typed: TypedServer, *, rev: int, by: Actor) -> None:
    """Keep server, password and sender; they hold from the next mail on. An empty host: mails wait again.

    Where the operator named the server at the start, only name and addresses are kept. Raises NotAllowedError,
    InvalidInputError with every problem beside its field, ConflictError when somebody else saved meanwhile.
    """
    by.must("edit", "Setting")
    queue_up(session, "mail_server")
    row, now = find_mail_server(session), mail_settings(session)
    if rev != (row.rev if row is not None else 0):
        raise ConflictError
    password = _checked(row, typed, now)
    company.put(session, "mail_from_name", typed.mail_from_name, by=by)
    if row is None:
        row = MailServer(id=1)
        session.add(row)
    row.sender_address, row.reply_to = typed.sender_address.strip(), typed.reply_to.strip()
    if not now.is_of_the_operator:
        _put_server(row, typed, password)
    session.flush()


def _put_server(row: MailServer, typed: TypedServer, password: str | None) -> None:
    host = typed.place
    username = typed.username.strip() if host else ""
    bound_before = (row.host, row.port, row.username)
    if host:
        row.port, row.security = typed.number or 0, Security(typed.security)
    row.host, row.username = host, username
    if not username:
        row.password = None
    elif password is not None:
        row.password = server_rules.lock_password(row.host, row.port, row.username, password)
    else:
        assert bound_before == (row.host, row.port, row.username)  # else _checked has asked for it


def _checked(row: MailServer | None, typed: TypedServer, now: MailSettings) -> str | None:
    """The password typed; None: the one that is kept stays. Raises InvalidInputError."""
    problems = server_rules.sender_problems(typed)
    if len(typed.mail_from_name) > company.KINDS["mail_from_name"].longest:
        problems["mail_from_name"] = _("At most %(count)d characters.", count=company.KINDS["mail_from_name"].longest)
    if not now.is_of_the_operator:
        problems |= server_rules.server_problems(typed)
        lacking = _password_lacking(row, typed)
        if lacking is not None and not {"host", "port", "username", "password"} & problems.keys():
            problems["password"] = lacking
    if problems:
        raise InvalidInputError(fields={key: [one] for key, one in problems.items()})
    return typed.password or None


def _password_lacking(row: MailServer | None, typed: TypedServer) -> Sentence | None:
    """Why a password has to be typed. One that is kept goes to the server that it was typed for, and to no other."""
    if not typed.place or not typed.username.strip() or typed.password:
        return None
    if row is None or row.password is None:
        return _("Type the password of this user name.")
    if (row.host, row.port, row.username) != (typed.place, typed.number, typed.username.strip()):
        return _("The password kept is for %(user)s at %(host)s:%(port)s. For another server, port or user name, type"
                 " the password again.", user=row.username, host=row.host, port=row.port)  # fmt: skip
    try:
        server_rules.password_inside(row)
    except LostKeyError:
        return _("The password kept can no longer be read. Type it again.")
    return None


@dataclass(frozen=True)
class Trial:
    """A mail that is about to be handed to a server at once, past the outbox."""

    server: SmtpServer
    mail: Mail
    logo: Logo | None


@dataclass(frozen=True)
class Outcome:
    """What became of it: in words, and as the server said it (empty: it took the mail)."""

    went: bool
    told: Sentence
    said: str = ""


def begin_trial(session: Session, typed: TypedServer, *, by: Actor) -> Trial:
    """Write a test mail to oneself with these settings, kept or not; note in the log that it was tried.

    Raises what save_mail_server raises for the fields, TooManyRequestsError within PAUSE of the try before, and
    BusinessError without a server or an address of one's own.
    """
    by.must("edit", "Setting")
    queue_up(session, "mail_server")
    at, row, now = clock.now(), find_mail_server(session), mail_settings(session)
    last = session.scalar(select(func.max(AuditEvent.at)).where(AuditEvent.name == TRIED))
    if last is not None and timedelta() <= at - last < PAUSE:
        raise TooManyRequestsError(_("These settings were tried a moment ago. Wait ten seconds."))
    password = _checked(row, typed, now)
    member = session.get_one(Member, by.user_id)
    if not is_address(member.email):
        raise BusinessError(_("Your account has no e-mail address that a mail could go to. Change it first."))
    server = now.server if now.is_of_the_operator else _typed_server(row, typed, password)
    if server is None:
        raise InvalidInputError(fields={"host": [_("Type the name of the server that is to be tried.")]})
    audit.record(
        session, TRIED, table="mail_server", record_id=1, by=by,
        changes={"host": [None, server.host], "port": [None, server.port], "username": [None, server.user]},
    )  # fmt: skip
    values = {"name": member.name, "company": company.get(session, "company_name"),
              "at": exact_text(at, member.time_zone), "link": links.absolute("/quan-tri/thu/")}  # fmt: skip
    content = write(session, TEST_MAIL, member.language, values)
    name = typed.mail_from_name.strip() or company.get(session, "company_name")
    sender = replace(now, sender=str(Address(one_line(name, 100), addr_spec=typed.sender_address.strip() or
                                             now.sender_address)))  # fmt: skip
    mail = Mail(
        id=0, message_id=make_msgid(domain=sender.domain), from_address=sender.sender, to_address=member.email,
        subject=content.subject, body_text=content.text, body_html=content.html, created_at=at, attempts=1,
        failing_since=None, reply_to=typed.reply_to.strip(),
    )  # fmt: skip
    return Trial(server, mail, logo_of_mails(session))


def _typed_server(row: MailServer | None, typed: TypedServer, password: str | None) -> SmtpServer | None:
    if not typed.place:
        return None
    username = typed.username.strip() or None
    if username and password is None and row is not None:
        password = server_rules.password_inside(row)
    return SmtpServer(typed.place, typed.number or 0, username, password, Security(typed.security))


def run_trial(trial: Trial) -> Outcome:
    """Hand the mail over, with no transaction open; it takes at most `_LONGEST` seconds beside the name server's."""
    try:
        with SmtpConnection(trial.server, timeout=_PATIENCE, longest=_LONGEST) as connection:
            connection.send(trial.mail, trial.logo)
    except DeliveryError as error:
        return Outcome(False, server_rules.told_of(error, trial.server), str(error))
    return Outcome(
        True,
        _("%(host)s took the mail. Look into the mailbox of %(address)s, and among unwanted mail if it is not there.",
          host=trial.server.host, address=trial.mail.to_address),
    )  # fmt: skip
