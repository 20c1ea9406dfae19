"""Which mails go out now? Lease, send with no transaction open, mark each; none is lost, and each goes once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from random import SystemRandom

from sqlalchemy import select

from app.core import clock, leases
from app.core.db import db, transaction
from app.notifications import events, rules
from app.notifications.channels import DeliveryError
from app.notifications.channels.settings import MailSettings
from app.notifications.channels.smtp import Logo, Mail, SmtpConnection
from app.notifications.models import Outbox
from app.notifications.queries import logo_of_mails, mail_settings
from app.security.rules import without_secrets

logger = logging.getLogger(__name__)

BATCH = 50
LEASE = timedelta(seconds=120)
#: the lease is renewed before a mail is begun with less than three quarters of it left; one mail takes at most
#: channels.smtp.LONGEST_MAIL, and before it the name server may take its time
RENEW_AFTER = timedelta(seconds=30)
#: the worker's other turns are not to wait for a long outbox
LONGEST_RUN = timedelta(seconds=30)
#: no server there: the mail it was noticed with waits longer than the others, so that it cannot block them
PAUSE_OF_FIRST = timedelta(seconds=60)
PAUSE_OF_OTHERS = timedelta(seconds=30)

_random = SystemRandom()


def dispatch_outbox() -> int:
    """Send what is due, and return how many mails the server took. Without a server nothing is touched.

    Any number of workers may run this at once. Needs an application context.
    """
    settings = _read_settings()
    if settings.server is None:
        return 0
    until = clock.now() + LONGEST_RUN
    with SmtpConnection(settings.server, timeout=settings.timeout) as connection:
        run = _Run(connection, leases.new_owner(), settings)
        while clock.now() <= until:
            claimed = leases.claim(Outbox, owner=run.owner, at=clock.now(), limit=BATCH, lease=LEASE)
            run.send(_load(claimed))
            if run.stopped or len(claimed) < BATCH:
                break
        return run.sent


class _Run:
    """One run of one worker: what it has sent, and whether the server is there at all."""

    def __init__(self, connection: SmtpConnection, owner: str, settings: MailSettings) -> None:
        self.connection = connection
        self.owner = owner
        self.settings = settings
        self.sent = 0
        self.stopped = False
        #: the server said yes or no to the mail before: silence is then the single mail's fault
        self.server_is_there = False

    @cached_property
    def logo(self) -> Logo | None:
        session = db.session()
        logo = logo_of_mails(session)
        session.rollback()
        return logo

    def send(self, waiting: Sequence[Mail]) -> None:
        # In whose name it goes is decided now: a mail may have waited since before there was a server.
        sender, reply_to = self.settings.sender, self.settings.reply_to
        mails = [replace(mail, from_address=sender, reply_to=reply_to) for mail in waiting]
        held_since = clock.now()
        mine = {mail.id for mail in mails}
        for position, mail in enumerate(mails):
            if clock.now() - held_since > RENEW_AFTER:
                held_since = clock.now()
                mine = self._still_mine(mails[position:], held_since)
            if mail.id not in mine:
                continue
            why_not = self._refusal(mail)
            if why_not is not None:
                self._failed(mail, DeliveryError(why_not, permanent=True))
                continue
            try:
                self.connection.send(mail, self.logo)
            except DeliveryError as error:
                gone = error.unreachable or not (error.answered or self.server_is_there)
                if gone and not error.taken_perhaps:
                    self._wait(mails[position:], str(error))
                    return
                self._failed(mail, error)
                if gone:
                    self._wait(mails[position + 1 :], str(error))
                    return
                # After one silence the next mail shows whether the server itself is gone.
                self.server_is_there = error.answered
            except Exception:
                # One bad row never stops the rest.
                logger.exception("mail %s could not be sent", mail.id)
                self._failed(mail, DeliveryError(rules.BROKEN))
            else:
                self.server_is_there = True
                self._done(mail)

    def _refusal(self, mail: Mail) -> str | None:
        session = db.session()
        why_not = events.refusal(session, mail.id)
        session.rollback()
        return why_not

    def _done(self, mail: Mail) -> None:
        with transaction() as session:
            # Whoever got the mail has the secret now; the outbox has no more use for it.
            texts = {"body_text": mail.body_text, "body_html": mail.body_html}
            bare = {name: without_secrets(text) for name, text in texts.items() if text is not None}
            kept = leases.mark_done(
                session, Outbox, mail.id, owner=self.owner, sent_at=clock.now(), from_address=mail.from_address, **bare
            )
            if kept:
                events.mail_ended(session, mail.id, clock.now())
        self.sent += 1
        if not kept:
            logger.warning("mail %s was sent after its lease had run out; it may go twice", mail.id)

    def _failed(self, mail: Mail, error: DeliveryError) -> None:
        at = clock.now()
        again = None if error.permanent else rules.next_try_at(mail.attempts, mail.failing_since, at, _random)
        with transaction() as session:
            kept = leases.mark_failed(
                session, Outbox, mail.id, owner=self.owner, error=str(error), at=at, retry_at=again
            )
            if kept and again is None:
                events.mail_ended(session, mail.id, at)
        logger.warning("mail %s failed: %s; %s", mail.id, error, f"again at {again:%H:%M:%S}" if again else "given up")

    def _wait(self, mails: Sequence[Mail], error: str) -> None:
        """No server to send with: all of them wait, none of them is to blame."""
        self.stopped = True
        at = clock.now()
        with transaction() as session:
            for part, pause in ((mails[:1], PAUSE_OF_FIRST), (mails[1:], PAUSE_OF_OTHERS)):
                ids = [mail.id for mail in part]
                leases.give_back(session, Outbox, ids, owner=self.owner, next_at=at + pause, error=error)
        logger.warning("the outbox waits: %s", error)

    def _still_mine(self, mails: Sequence[Mail], at: datetime) -> set[int]:
        ids = [mail.id for mail in mails]
        with transaction() as session:
            leases.renew(session, Outbox, ids, owner=self.owner, at=at, lease=LEASE)
            return leases.held_by(session, Outbox, ids, owner=self.owner)


def _read_settings() -> MailSettings:
    """As they are at this moment: what is set in the browser holds from the next run on."""
    session = db.session()
    settings = mail_settings(session)
    session.rollback()
    return settings


def _load(ids: Sequence[int]) -> list[Mail]:
    """The mails in the order of their ids in the claim, as plain values: no transaction is open when they are sent."""
    columns = (
        Outbox.id,
        Outbox.message_id,
        Outbox.from_address,
        Outbox.to_address,
        Outbox.subject,
        Outbox.body_text,
        Outbox.body_html,
        Outbox.created_at,
        Outbox.attempts,
        Outbox.failing_since,
    )
    session = db.session()
    rows = session.execute(select(*columns).where(Outbox.id.in_(ids)))
    mails = {row[0]: Mail(*row) for row in rows}
    session.rollback()
    return [mails[mail_id] for mail_id in ids if mail_id in mails]
