"""May this person come in, and is it still he? The one check of passwords, for pages and programs alike."""

from __future__ import annotations

from flask import current_app, request
from sqlalchemy.orm import Session

from app.core import edge
from app.core.db import db, transaction
from app.core.errors import NotAllowedError, TooManyRequestsError
from app.core.i18n import _
from app.security import admission, queries, rules, services
from app.security.models import Member, SignInKind
from app.security.services import Judged


class PasswordToChangeError(NotAllowedError):
    """Signed in with a password that somebody else knows."""

    code = "password_to_change"
    message = _("Make a password of your own first: sign in with a browser and follow the page that opens.")


class FirstPasswordExpiredError(NotAllowedError):
    """The right password, but one that somebody else knows, and its time is over."""

    code = "first_password_expired"
    message = _("This first password has expired. Ask whoever gave it to you for a new one.")


def sign_in(name: str, password: str, kind: SignInKind) -> str | None:
    """The new session's token, or None when name and password do not match.

    Raises TooManyRequestsError, PasswordToChangeError, and FirstPasswordExpiredError: nobody is told of an account
    who does not know its password.

    The slow comparison of the password happens outside any transaction.
    """
    address = request.remote_addr or "-"
    reading = db.session()
    member = None if "\0" in name else queries.member_signing_in(reading, name)
    # Whoever is meant is counted once, by whichever of his names; nobody's name is counted just the same.
    account = rules.account_key(name if member is None else member.user.username)
    _refuse_when_throttled(reading, address=address, account=account, member=member)
    judged = services.judge_password(member, password)
    matches = judged is Judged.right
    with transaction(
        None if member is None or not matches else queries.actor_of(reading, member, address=address)
    ) as inside:
        # Counted again inside: parallel guesses do not get more tries than one after the other.
        services.refuse_when_throttled(inside, address=address, account=account)
        if judged is Judged.wrong or member is None:
            services.record_failure(inside, address=address, account=account, member=member)
            return None
        if judged is Judged.expired:
            what = FirstPasswordExpiredError.code
            services.record_failure(inside, address=address, account=account, member=member, what=what)
        elif kind is not SignInKind.bearer or not member.must_change_password:
            return services.sign_in(inside, member, kind=kind, address=address, agent=request.user_agent.string)
        else:
            services.record_refusal(inside, member, address=address)
    raise FirstPasswordExpiredError if judged is Judged.expired else PasswordToChangeError


def _refuse_when_throttled(reading: Session, *, address: str, account: str, member: Member | None) -> None:
    """That somebody is kept waiting stands in the audit log, once as long as he is: whoever knocks on does not fill it.

    Raises TooManyRequestsError.
    """
    try:
        services.refuse_when_throttled(reading, address=address, account=account)
    except TooManyRequestsError:
        if not services.is_throttling_told(reading, address=address, member=member):
            with transaction() as inside:
                services.record_throttling(inside, address=address, member=member)
        raise


def change_password(*, present: str, new: str) -> str | None:
    """Give whoever is signed in a new password; the token of a new session, or None when `present` is not the one.

    It counts like a try at the door, or a browser left open would be a place to guess. Every session ends, this one
    too: a copy of its cookie may be elsewhere. Raises TooManyRequestsError. Both slow hashes are made outside any
    transaction.
    """
    who, reading = edge.actor(), db.session()
    member = reading.get_one(Member, who.user_id)
    address, account = who.address or "-", rules.account_key(who.username)
    _refuse_when_throttled(reading, address=address, account=account, member=member)
    matches = services.matches_password(member, present)
    password_hash = new_hash(new) if matches else ""
    with edge.transaction() as inside:
        services.refuse_when_throttled(inside, address=address, account=account)
        member = inside.get_one(Member, who.user_id)
        if not matches:
            services.record_failure(
                inside, address=address, account=account, member=member, what="password_not_confirmed"
            )
            return None
        services.change_password(inside, member, password_hash=password_hash)
        return services.sign_in(inside, member, kind=SignInKind.web, address=address, agent=request.user_agent.string)


def choose_own_password(new: str) -> str | None:
    """Whoever is signed in with a first password makes his own; the token of a new session, None when it is the same.

    Both slow hashes are made outside any transaction.
    """
    who, reading = edge.actor(), db.session()
    if services.matches_password(reading.get_one(Member, who.user_id), new):
        return None
    password_hash = new_hash(new)
    with edge.transaction() as inside:
        member = inside.get_one(Member, who.user_id)
        admission.choose_own_password(inside, member, password_hash=password_hash)
        return open_session(inside, member)


def open_session(inside: Session, member: Member) -> str:
    """A session of this very browser for somebody who has just made his password; its token."""
    return services.sign_in(
        inside, member, kind=SignInKind.web, address=request.remote_addr or "-", agent=request.user_agent.string
    )


def new_hash(password: str) -> str:
    """The password as it is kept. Slow by design: never inside a transaction."""
    return services.hash_password(password, current_app.config.get("FAB_PASSWORD_HASH_METHOD", "scrypt"))
