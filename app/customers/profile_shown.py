"""How does a customer's profile look on his page: what he agreed to and bought, his way so far, who works there?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.catalogues.queries import Choices
from app.catalogues.shipped import CALL_RESULT, CHANNEL, CONSENT_PURPOSE, JOURNEY_STAGE
from app.core import clock, history, links
from app.core.access import Actor
from app.core.formats import day_text, local, money_text
from app.customers import identity, profile_queries, queries
from app.customers.dialogs import ConsentDialog, TagsDialog
from app.customers.labels import CONSENT_CHANNELS, DIRECTION_LABELS, FIELD_LABELS
from app.customers.models import Customer, CustomerKind, TimelineEntry
from app.customers.profile_models import ConsentChannel, ConsentState, Direction, Interaction

#: people of a company, and stages of his way, that the page names
MOST_PEOPLE = 20
MOST_STAGES = 10

Facts = list[tuple[Any, Any]]
#: the columns that a card tells of the customer
IDENTITY = ("honorific", "gender", "birthday", "tax_code", "id_number", "job_title")
PLACE = ("address",)
KIND = ("tier", "behaviour", "stage", "touchpoint", "next_contact_on", "last_contact_at")


def card(
    session: Session, item: Customer, who: Actor, facts: Callable[[tuple[str, ...]], Facts], *, may_edit: bool
) -> dict[str, Any]:  # fmt: skip
    """What templates/customers/_profile.html draws. `facts` tells columns as this person reads them."""
    tags = ", ".join(tag.name for tag in profile_queries.tags_of_each(session, [item.id])[item.id])
    base, today = f"/khach-hang/{item.id}", local(clock.now(), who.time_zone).date()
    bought = profile_queries.bought(session, item.id, who)
    reads_identity = who.reads("Customer", "id_number") and who.reads("Customer", "birthday")
    return {
        "identity": _filled(facts(IDENTITY)),
        "company": _company(session, item, who),
        "place": _filled(facts(PLACE)),
        "kind": _filled(facts(KIND)),
        "hints": identity.identity_hints(item.id_number, item.birthday, item.gender) if reads_identity else [],
        "is_overdue": item.next_contact_on is not None and item.next_contact_on < today,
        "risk": (item.risk_reason, item.risk_since) if item.risk_reason else None,
        "restriction": item.do_not_contact_reason if item.do_not_contact else None,
        "bought": (bought.times, money_text(bought.amount)) if bought.times else None,
        "consents": _consents(session, item.id, who),
        "stages": _stages(session, item.id, who),
        "people": _people(session, item, who),
        "consent_form": ConsentDialog(formdata=None) if may_edit else None,
        "consent_url": f"{base}/dong-y",
        "tags_form": TagsDialog(formdata=None, data={"tags": tags}) if may_edit else None,
        "tags_url": f"{base}/the",
    }


def _filled(facts: Facts) -> Facts:
    return [(label, value) for label, value in facts if value not in (None, "")]


def _company(session: Session, item: Customer, who: Actor) -> dict[str, str] | None:
    """Where he works, as far as its name may be read."""
    if item.company_id is None:
        return None
    named = queries.customer_names(session, [item.company_id], who).get(item.company_id)
    return None if named is None else {"name": named.name, "url": links.customer_path(named.id)}


def _people(session: Session, item: Customer, who: Actor) -> list[dict[str, Any]]:
    if item.kind is not CustomerKind.company:
        return []
    found = profile_queries.contacts_at(session, item.id, who, MOST_PEOPLE)
    return [{"name": one.name, "url": links.customer_path(one.id), "hint": one.job_title or one.code} for one in found]


def _consents(session: Session, customer_id: int, who: Actor) -> list[dict[str, Any]]:
    """Purpose → what was said for each way of contact, in the order of the catalogue."""
    now = profile_queries.consents_now(session, customer_id, who)
    names = history.names_of_people(session, {event.created_by_id for event in now.values()})
    told: dict[str, list[dict[str, Any]]] = {}
    for key in sorted(now, key=lambda one: list(CONSENT_CHANNELS).index(one.channel)):
        event = now[key]
        told.setdefault(key.purpose, []).append({
            "channel": CONSENT_CHANNELS[key.channel],
            "given": event.state is ConsentState.given,
            "day": day_text(local(event.at, who.time_zone).date()),
            "by": names.get(event.created_by_id or 0, ""),
            "proof": event.proof or "",
            "version": event.text_version or "",
        })  # fmt: skip
    return [
        {"purpose": entry.label, "said": told[entry.code]}
        for entry in catalogues.entries(session, CONSENT_PURPOSE)
        if entry.code in told
    ]


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


# ── on the timeline ──
_STAGES, _PURPOSES = Choices(JOURNEY_STAGE), Choices(CONSENT_PURPOSE)
_CHANNELS, _RESULTS = Choices(CHANNEL), Choices(CALL_RESULT)


def told(entry: TimelineEntry) -> list[str]:
    """What an entry of the profile says in a few words, in the order in which it is read."""
    data = entry.data
    match entry.kind:
        case "stage_changed":
            return [" → ".join(_STAGES.get(data[key], data[key]) if data[key] else "—" for key in ("from", "to"))]
        case "tagged":
            return [f"+ {name}" for name in data["added"]] + [f"− {name}" for name in data["removed"]]
        case "consent_given" | "consent_withdrawn":
            way = CONSENT_CHANNELS[ConsentChannel(data["channel"])]
            return [_PURPOSES.get(data["purpose"], data["purpose"]), str(way)]
        case "purchased" | "purchase_removed":
            return [data["product"], str(money_text(data["amount"]))]
    if entry.subject_type != "interaction":
        return []
    said = [_CHANNELS.get(entry.channel, entry.channel)] if entry.channel else []
    said += [str(DIRECTION_LABELS[Direction(data["direction"])])] if data.get("direction") else []
    said += [_RESULTS.get(data["result"], data["result"])] if data.get("result") else []
    if data.get("next_on"):
        said.append(f"{FIELD_LABELS['next_contact_on']}: {day_text(date.fromisoformat(data['next_on']))}")
    return said


def said(session: Session, entries: Sequence[TimelineEntry]) -> dict[int, str]:
    """What was written down of these contacts, by their number; the caller has seen to it that they are his to read."""
    ids = [entry.subject_id for entry in entries]
    wanted = select(Interaction.id, Interaction.text).where(Interaction.id.in_(ids), Interaction.archived_at.is_(None))
    rows = session.execute(wanted) if ids else ()
    return {number: text for number, text in rows if text}
