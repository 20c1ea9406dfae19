"""How does a customer's profile look on his page: what he agreed to and bought, his way so far, who works there?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.catalogues.shipped import CONSENT_PURPOSE, JOURNEY_STAGE
from app.core import links
from app.core.access import Actor
from app.core.files import StoredFile
from app.core.formats import day_text, local, money_text
from app.customers import beside_fields, identity, profile_queries
from app.customers.beside_fields import BOUGHT, PROOF
from app.customers.dialogs import ConsentDialog, TagsDialog
from app.customers.labels import CONSENT_CHANNELS
from app.customers.models import Customer
from app.customers.page_queries import Read
from app.customers.profile_models import ConsentChannel, ConsentEvent, ConsentState
from app.customers.timeline_words import LABELS
from app.security.models import Member

#: stages of his way that the page names
MOST_STAGES = 10
#: the ways of contact that the table of consents always has
_ALWAYS = (ConsentChannel.call, ConsentChannel.zalo, ConsentChannel.email)

Facts = list[tuple[Any, Any]]
#: the columns that a card tells of the customer
IDENTITY = ("honorific", "gender", "birthday", "tax_code", "id_number", "job_title")
PLACE = ("address",)
KIND = ("tier", "behaviour", "stage", "touchpoint", "next_contact_on", "last_contact_at")
FACTS = (*IDENTITY, *PLACE, *KIND)


def card(
    session: Session, read: Read, item: Customer, who: Actor, facts: Facts, bought: int, *, may_edit: bool,
    dialogs: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """What templates/customers/_profile.html draws. `facts` are those of FACTS that this person reads, `bought` is the
    amount of all purchases in whole VND, `dialogs` those that were refused, by name (consent, tags)."""
    base = f"/khach-hang/{item.id}"
    known = {str(label): (label, value) for label, value in facts if value not in (None, "")}

    def of(names: Sequence[str]) -> Facts:
        return [known[key] for name in names if (key := str(LABELS[name])) in known]

    reads_identity = who.reads("Customer", "id_number") and who.reads("Customer", "birthday")
    return {
        "identity": of(IDENTITY),
        "place": of(PLACE),
        "kind": of(KIND),
        "hints": identity.identity_hints(item.id_number, item.birthday, item.gender) if reads_identity else [],
        "risk": item.risk_reason or None,
        "bought": beside_fields.seen(who, BOUGHT, str(money_text(bought))) if bought else None,
        "consents": _consents(session, item.id, who),
        "stages": _stages(session, item.id, who),
        "consent_form": dialogs.get("consent") or (ConsentDialog(formdata=None) if may_edit else None),
        "consent_url": f"{base}/dong-y",
        "tags_form": dialogs.get("tags") or (TagsDialog.of(read.tags) if may_edit else None),
        "tags_url": f"{base}/the",
    }


def _consents(session: Session, customer_id: int, who: Actor) -> dict[str, Any]:
    """Purposes in the order of the catalogue × ways of contact: {state, title} or None where nobody asked; and what
    proves each, the newest first."""
    rows = (
        profile_queries.ledger(customer_id, who)
        .outerjoin(Member, Member.id == ConsentEvent.created_by_id)
        .outerjoin(StoredFile, StoredFile.id == ConsentEvent.file_id)
        .with_only_columns(ConsentEvent, Member.name, StoredFile.name)
    )
    now: dict[tuple[str, ConsentChannel], dict[str, Any]] = {}
    proofs = []
    labels = {entry.code: entry.label for entry in catalogues.entries(session, CONSENT_PURPOSE)}
    for event, by, file_name in session.execute(rows):
        one = {
            "given": event.state is ConsentState.given,
            "purpose": labels.get(event.purpose, event.purpose),
            "channel": CONSENT_CHANNELS[event.channel],
            "day": day_text(local(event.at, who.time_zone).date()),
            "by": by or "",
            "proof": beside_fields.seen(who, PROOF, event.proof) or "",
            "version": event.text_version or "",
            "file": {"name": file_name, "url": links.file_path(event.file_id, file_name)}
            if file_name and event.file_id and who.reads(beside_fields.RESOURCE, PROOF)
            else None,
        }
        if now.setdefault((event.purpose, event.channel), one) is one:
            proofs.append(one)
    asked = {channel for _purpose, channel in now}
    channels = [one for one in CONSENT_CHANNELS if one in asked or one in _ALWAYS]
    purposes = [code for code in labels if any((code, one) in now for one in channels)]
    return {
        "channels": [CONSENT_CHANNELS[one] for one in channels],
        "rows": [{"purpose": labels[code], "cells": [now.get((code, one)) for one in channels]} for code in purposes],
        "proofs": proofs,
    }


def _stages(session: Session, customer_id: int, who: Actor) -> list[dict[str, Any]]:
    rows = session.scalars(profile_queries.stages_of(customer_id, who).limit(MOST_STAGES)).all()
    return [
        {
            "label": catalogues.label_of(session, JOURNEY_STAGE, row.stage),
            "since": day_text(local(row.since, who.time_zone).date()),
            "until": day_text(local(row.until, who.time_zone).date()) if row.until else None,
            "reason": row.reason or "",
        }
        for row in rows
    ]
