"""May this person come in? The one check of name and password, for pages and programs alike."""

from __future__ import annotations

from flask import request

from app.core.db import db, transaction
from app.security import queries, rules, services
from app.security.models import SignInKind


def sign_in(name: str, password: str, kind: SignInKind) -> str | None:
    """The new session's token, or None when name and password do not match. Raises TooManyRequestsError.

    The slow comparison of the password happens outside any transaction.
    """
    address = request.remote_addr or "-"
    reading = db.session()
    member = None if "\0" in name else queries.member_signing_in(reading, name)
    # Whoever is meant is counted once, by whichever of his names; nobody's name is counted just the same.
    account = rules.account_key(name if member is None else member.user.username)
    services.refuse_when_throttled(reading, address=address, account=account)
    matches = services.matches_password(member, password)
    with transaction(
        None if member is None or not matches else queries.actor_of(reading, member, address=address)
    ) as inside:
        # Counted again inside: parallel guesses do not get more tries than one after the other.
        services.refuse_when_throttled(inside, address=address, account=account)
        if not matches or member is None:
            services.record_failure(inside, address=address, account=account, member=member)
            return None
        return services.sign_in(inside, member, kind=kind, address=address, agent=request.user_agent.string)
