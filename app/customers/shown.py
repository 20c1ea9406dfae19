"""How does a customer look on his page and in the panel: his header, the ways to reach him, what was promised?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.catalogues.shipped import BEHAVIOUR, CUSTOMER_TIER, JOURNEY_STAGE
from app.core import guarded, links
from app.core.access import Actor
from app.core.formats import day_text, local
from app.core.i18n import _, ngettext
from app.core.masking import DOTS
from app.core.timewords import Lateness, LatenessKind
from app.customers import beside_fields, page_queries, places, queries, rules
from app.customers.beside_fields import SAID
from app.customers.called import salutation
from app.customers.dialogs import CONTACT_LABELS
from app.customers.events import NextStep
from app.customers.labels import PROMISE_STATES
from app.customers.models import SOURCES, ContactKind, Customer, CustomerKind
from app.customers.promise_models import Promise, PromiseState
from app.customers.rules import Contact
from app.security import queries as people

_LINKS = {ContactKind.phone: "tel:", ContactKind.email: "mailto:"}
_ZALO = "https://zalo.me/"

#: the tier that is shown with a crown
VIP = "vip"


def header(session: Session, read: page_queries.Read, who: Actor) -> dict[str, Any]:
    card, item = read.card, read.item
    archived_by = people.member_by_id(session, item.archived_by_id) if item and item.archived_by_id else None

    def seen(key: str, value: Any) -> Any:
        return guarded.seen(who, "Customer", key, value) or ""

    return {
        "name": card.name,
        "code": card.code,
        "company": card.kind is CustomerKind.company,
        "tags": _tags(session, item, read.tags),
        "salutation": salutation(session, item) if item else "",
        "employer": {"name": read.employer, "url": links.customer_path(item.company_id)}
        if item and item.company_id and read.employer else None,
        "owner": seen("owner", item.owner.name) if item and item.owner else "",
        "team": seen("team", item.team.name) if item and item.team else "",
        "source": seen("source", catalogues.label_of(session, SOURCES, item.source)) if item else "",
        "note": seen("note", item.note) if item else "",
        "place": places.address_line(None, item.ward_code, item.province_code)
        if item and who.reads("Customer", "address") else "",
        "archived": bool(item and item.is_archived),
        "archived_by": archived_by.name if archived_by else "",
        "archived_at": item.archived_at if item else None,
        "header_only": item is None,
        "restriction": card.restriction,
    }  # fmt: skip


def _tags(session: Session, item: Customer | None, tags: Sequence[str]) -> list[dict[str, Any]]:
    """His value to the company first, how far he is and how he buys, then what people wrote on him."""
    if item is None:
        return []
    known = ((CUSTOMER_TIER, item.tier), (JOURNEY_STAGE, item.stage), (BEHAVIOUR, item.behaviour))
    said = [{"label": catalogues.label_of(session, catalogue, code), "vip": (catalogue, code) == (CUSTOMER_TIER, VIP)}
            for catalogue, code in known if code]  # fmt: skip
    return [*said, *({"label": name, "vip": False, "line": True} for name in tags)]


def contacts(read: page_queries.Read, who: Actor, *, may_edit: bool) -> list[dict[str, Any]]:
    base, shared = f"/khach-hang/{read.card.id}/lien-he", read.shared_ids
    # whoever asked to be left alone is not called by a slip of the finger
    is_left_alone = read.card.restriction is not None
    told: list[dict[str, Any]] = []
    for one in read.card.contact_points:
        changes = may_edit and (one.field is None or who.writes("Customer", one.field))
        told.append({
            "kind": str(one.kind),
            "kind_label": CONTACT_LABELS[one.kind],
            "shown": one.shown,
            "link": None if is_left_alone or one.is_covered else _link(one.kind, one.value),
            # The same number by another way is not read out twice.
            "brief": CONTACT_LABELS[one.kind] if any(one.shown == known["shown"] for known in told) else one.shown,
            "covered": one.is_covered,
            "reveal_url": queries.reveal_path(read.card.id, one, who),
            "preferred": one.id == read.preferred_id,
            "shared": one.id in shared,
            "prefer_url": f"{base}/{one.id}/uu-tien" if changes and one.id != read.preferred_id else None,
            "share_url": f"{base}/{one.id}/{'rieng' if one.id in shared else 'dung-chung'}" if changes else None,
            "remove_url": f"{base}/{one.id}/bo" if changes else None,
        })  # fmt: skip
    return told


def _link(kind: ContactKind, value: str) -> str | None:
    """What opens the telephone, the mail or the chat with this person; None: nothing does."""
    if kind is ContactKind.zalo:
        return _ZALO + value.removeprefix("+") if rules.is_number(value) else None
    return f"{_LINKS[kind]}{value}" if kind in _LINKS else None


def promises(
    customer_id: int, promised: Sequence[tuple[Promise, str]], who: Actor, now: datetime, *, may_edit: bool
) -> list[dict[str, Any]]:  # fmt: skip
    """Each with how much time is left, or how it ended, and what may be done with it."""
    told = []
    for promise, by in promised:
        is_open, base = promise.state is PromiseState.open, f"/khach-hang/{customer_id}/loi-hua/{promise.id}"
        told.append({
            "text": beside_fields.seen(who, SAID, promise.text) or "",
            "by": by,
            "is_open": is_open,
            "day": day_text(promise.due_on),
            "lateness": _of_day(promise.due_on, who, now) if is_open else None,
            "kept": promise.state is PromiseState.kept,
            "state": PROMISE_STATES[promise.state],
            "keep_url": f"{base}/giu" if is_open and may_edit else None,
            "break_url": f"{base}/lo" if is_open and may_edit else None,
            "reopen_url": f"{base}/mo-lai" if not is_open and may_edit else None,
            "edit_url": base if may_edit and who.writes("Customer", SAID) else None,
        })  # fmt: skip
    return told


def own_steps(
    item: Customer, promised: Sequence[tuple[Promise, str]], told: Sequence[Mapping[str, Any]], who: Actor,
    now: datetime,
) -> list[NextStep]:  # fmt: skip
    """What the customer himself waits for: what was promised, and the day on which to get in touch again. `told` are
    the ways to reach him."""
    if item.is_archived:
        return []
    log = f"{links.customer_path(item.id)}?ghi=goi#ghi"
    phone = next((one["link"] for one in told if (one["link"] or "").startswith("tel:")), None)
    other = (_("Log the call"), log) if phone and not item.do_not_contact else None
    url, verb = (phone, _("Call now")) if phone and other else (log, _("Log the call"))
    steps = [
        NextStep(str(_("Promised: %(what)s", what=beside_fields.seen(who, SAID, promise.text) or DOTS)), name, url,
                 verb, "phone-call", _of_day(promise.due_on, who, now), None, other)
        for promise, name in promised if promise.state is PromiseState.open
    ]  # fmt: skip
    day = item.next_contact_on
    if day is not None and not item.do_not_contact:
        text = str(_("Agreed for %(day)s", day=day_text(day)))
        steps.append(
            NextStep(
                str(_("Call the customer back")), text, url, verb, "phone-call", _of_day(day, who, now), None, other
            )
        )
    return steps  # fmt: skip


_URGENCY = (LatenessKind.late, LatenessKind.soon, LatenessKind.ok, LatenessKind.none)


def first_step(steps: Sequence[NextStep]) -> NextStep | None:
    """The most urgent; of equally urgent ones the first."""
    return min(steps, key=lambda step: _URGENCY.index(step.lateness.kind), default=None)


def _of_day(day: date, who: Actor, now: datetime) -> Lateness:
    """How a day stands: a whole day is kept or missed, minutes mean nothing."""
    left = (day - local(now, who.time_zone).date()).days
    if left < 0:
        return Lateness(LatenessKind.late, ngettext("%(num)d day late", "%(num)d days late", -left))
    if left == 0:
        return Lateness(LatenessKind.soon, _("Today"))
    return Lateness(LatenessKind.soon if left == 1 else LatenessKind.ok, day_text(day), is_moment=True)


def contact_text(text: str, who: Actor) -> str | None:
    """A number or address of the log as this person may read it; what it says tells what it is."""
    seen = queries.contact_seen(Contact(ContactKind.other, text, text), who)
    return seen.shown if seen is not None else None
