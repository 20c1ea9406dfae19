"""How does a customer look on his page and in the panel: his header, the ways to reach him, what happened?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.catalogues.shipped import CUSTOMER_TIER, HONORIFIC
from app.comments import queries as comments
from app.core import clock, guarded, history, links
from app.core.access import Actor, FieldRight
from app.core.formats import local, time_text
from app.core.i18n import _
from app.core.timewords import day_heading
from app.customers import profile_queries, profile_shown, queries
from app.customers.dialogs import CONTACT_LABELS
from app.customers.labels import FIELD_LABELS
from app.customers.models import SOURCES, ContactKind, ContactPoint, Customer, CustomerKind, TimelineEntry
from app.customers.rules import Contact
from app.security import queries as people

LABELS = {
    "name": _("Name"),
    "code": _("Code"),
    "phone": _("Phone number"),
    "email": _("E-mail"),
    "kind": _("Kind"),
    "owner.name": _("Person in charge"),
    "team.name": _("Team"),
    "updated_at": _("Changed"),
    "created_at": _("Created"),
    "source": _("Came through"),
    "note": _("Note"),
    **FIELD_LABELS,
    "company": FIELD_LABELS["company_id"],
    "address": _("Postal address"),
}

TIMELINE_TEXTS = {
    "created": _("Customer added"),
    "changed": _("Customer changed"),
    "contact_added": _("Way to reach added"),
    "contact_removed": _("Way to reach no longer in use"),
    "contact_preferred": _("Preferred way to reach chosen"),
    "contact_shared": _("Way to reach marked as used by several people"),
    "contact_own": _("Way to reach marked as his own"),
    "stage_changed": _("Stage changed"),
    "tagged": _("Tags changed"),
    "consent_given": _("Consent given"),
    "consent_withdrawn": _("Consent taken back"),
    "purchased": _("Purchase"),
    "purchase_removed": _("Purchase taken out"),
    "call": _("Call"),
    "mail": _("Mail"),
    "message": _("Message"),
    "visit": _("Visit"),
    "note": _("Note about the customer"),
    "contact_struck": _("Contact written down by mistake"),
    "archived": _("Archived"),
    "restored": _("Restored"),
    "task_completed": _("Task finished"),
    "instance_started": _("Process begun"),
    "instance_completed": _("Process completed"),
    "instance_cancelled": _("Process called off"),
    "instance_failed": _("Process failed"),
    "form_submitted": _("Form filled in"),
    "commented": _("Comment written"),
}
TIMELINE_SIGNS = {
    "created": "user-plus",
    "changed": "pencil",
    "contact_added": "phone",
    "contact_removed": "phone-off",
    "contact_preferred": "phone-call",
    "contact_shared": "users",
    "contact_own": "phone",
    "stage_changed": "route",
    "tagged": "pencil",
    "consent_given": "check",
    "consent_withdrawn": "ban",
    "purchased": "flag",
    "purchase_removed": "ban",
    "call": "phone",
    "mail": "mail",
    "message": "message-2",
    "visit": "users",
    "note": "pencil",
    "contact_struck": "ban",
    "archived": "archive",
    "restored": "refresh",
    "task_completed": "check",
    "instance_started": "route",
    "instance_completed": "flag",
    "instance_cancelled": "ban",
    "instance_failed": "alert-triangle",
    "form_submitted": "forms",
    "commented": "message-2",
}
#: what is told of it beside its sentence: the entry's data of that name
_TIMELINE_NAMES = {
    "task_completed": "task",
    "instance_started": "process",
    "instance_completed": "process",
    "instance_cancelled": "process",
    "instance_failed": "process",
    "form_submitted": "form",
}
#: a changed field whose label stands under another name
_FIELD_LABELS = {"owner_id": "owner.name", "team_id": "team.name"}
_LINKS = {ContactKind.phone: "tel:", ContactKind.zalo: "tel:", ContactKind.email: "mailto:"}
_SUBJECTS = {"task": links.task_path, "instance": links.instance_path, "comment": links.comment_path}


#: the tier that is shown with a crown
VIP = "vip"


def header(session: Session, card: queries.CustomerCard, item: Customer | None, who: Actor) -> dict[str, Any]:
    archived_by = people.member_by_id(session, item.archived_by_id) if item and item.archived_by_id else None

    def seen(key: str, value: Any) -> Any:
        return guarded.seen(who, "Customer", key, value) or ""

    return {
        "name": card.name,
        "code": card.code,
        "company": card.kind is CustomerKind.company,
        "tags": _tags(session, item),
        "salutation": _salutation(session, item) if item else "",
        "owner": seen("owner", item.owner.name) if item and item.owner else "",
        "team": seen("team", item.team.name) if item and item.team else "",
        "source": seen("source", catalogues.label_of(session, SOURCES, item.source)) if item else "",
        "note": seen("note", item.note) if item else "",
        "archived": bool(item and item.is_archived),
        "archived_by": archived_by.name if archived_by else "",
        "archived_at": item.archived_at if item else None,
        "header_only": item is None,
    }


def _salutation(session: Session, item: Customer) -> str:
    """Chị Duyên: how he is spoken to, by his given name."""
    if item.honorific is None:
        return ""
    called = item.name.split()[-1] if item.kind is CustomerKind.person else ""
    return f"{catalogues.label_of(session, HONORIFIC, item.honorific)} {called}".strip()


def _tags(session: Session, item: Customer | None) -> list[dict[str, Any]]:
    """His value to the company first, then what people wrote on him."""
    if item is None:
        return []
    tier = [{"label": catalogues.label_of(session, CUSTOMER_TIER, item.tier), "vip": item.tier == VIP}]
    tags = profile_queries.tags_of_each(session, [item.id])[item.id]
    return [*(tier if item.tier else ()), *({"label": tag.name, "vip": False} for tag in tags)]


def contacts(session: Session, card: queries.CustomerCard, who: Actor, *, may_edit: bool) -> list[dict[str, Any]]:
    base, preferred = f"/khach-hang/{card.id}/lien-he", 0
    if may_edit:
        rows = select(ContactPoint.id).where(ContactPoint.customer_id == card.id, ContactPoint.is_preferred.is_(True))
        preferred = session.scalars(rows.where(ContactPoint.archived_at.is_(None))).first() or 0
    told = []
    for one in card.contact_points:
        changes = may_edit and (one.field is None or who.writes("Customer", one.field))
        told.append({
            "kind": str(one.kind),
            "kind_label": CONTACT_LABELS[one.kind],
            "shown": one.shown,
            "link": f"{_LINKS[one.kind]}{one.value}" if one.kind in _LINKS and not one.is_covered else None,
            "covered": one.is_covered,
            "reveal_url": queries.reveal_path(card.id, one, who),
            "preferred": one.id == preferred,
            "prefer_url": f"{base}/{one.id}/uu-tien" if changes and one.id != preferred else None,
            "remove_url": f"{base}/{one.id}/bo" if changes else None,
        })  # fmt: skip
    return told


def contact_text(text: str, who: Actor) -> str | None:
    """A number or address of the log as this person may read it; what it says tells what it is."""
    seen = queries.contact_seen(Contact(ContactKind.other, text, text), who)
    return seen.shown if seen is not None else None


def timeline(session: Session, customer_id: int, actor: Actor, most: int) -> list[dict[str, Any]]:
    """What happened, newest first, by day; equal things one after the other are told once."""
    today = local(clock.now(), actor.time_zone).date()
    rows: Sequence[TimelineEntry] = session.scalars(queries.timeline(customer_id, actor).limit(most)).all()
    names = history.names_of_people(session, {row.actor_id for row in rows})
    said = {
        "comment": comments.excerpts(session, [row.subject_id for row in rows if row.kind == "commented"]),
        "interaction": profile_shown.said(session, [row for row in rows if row.subject_type == "interaction"]),
    }
    days: list[dict[str, Any]] = []
    for row in rows:
        day, entry = local(row.at, actor.time_zone).date(), _entry(row, actor, names, said)
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "label": day_heading(day, today), "entries": []})
        told = days[-1]["entries"]
        if told and told[-1]["same"] == entry["same"]:
            told[-1]["times"] += 1
        else:
            told.append(entry)
    return days


def _entry(
    row: TimelineEntry, actor: Actor, names: Mapping[int, str], said: Mapping[str, Mapping[int, str]]
) -> dict[str, Any]:  # fmt: skip
    data, what = row.data, TIMELINE_TEXTS.get(row.kind, row.kind)
    name = data.get(_TIMELINE_NAMES.get(row.kind, ""))
    told = [str(data[key]) for key in ("code", "context") if data.get(key) and data[key] != name]
    told += [
        str(LABELS[_FIELD_LABELS.get(key, key)]) for key in data.get("fields", ())
        if actor.field_right("Customer", guarded.key_of(key)) is not FieldRight.hidden
    ]  # fmt: skip
    told += profile_shown.told(row)
    path = _SUBJECTS.get(row.subject_type or "")
    meta, by = " · ".join(told), names.get(row.actor_id or 0, "")
    quote = said.get(row.subject_type or "", {}).get(row.subject_id or 0, "") or str(data.get("reason") or "")
    return {
        "at": row.at,
        "time": time_text(row.at, actor.time_zone),
        "sign": TIMELINE_SIGNS.get(row.kind, "point"),
        "kind": "ok" if row.kind in ("task_completed", "instance_completed") else "",
        "quote": quote,
        "text": _("%(what)s: %(name)s", what=what, name=name) if name else what,
        "meta": meta,
        "by": by,
        "times": 1,
        "url": path(row.subject_id) if path and row.subject_id else None,
        "same": (row.kind, name, meta, by, quote),
    }
