"""In which words and with which sign does the timeline tell what happened with a customer?"""

from __future__ import annotations

from datetime import date

from app.catalogues.queries import Choices
from app.catalogues.shipped import BEHAVIOUR, CALL_RESULT, CHANNEL, CONSENT_PURPOSE, CUSTOMER_TIER, JOURNEY_STAGE
from app.core.access import Actor
from app.core.formats import day_text, money_text
from app.core.i18n import _
from app.customers import beside_fields, delivery
from app.customers.beside_fields import BOUGHT
from app.customers.classes.rules import reason_text
from app.customers.labels import CONSENT_CHANNELS, DIRECTION_LABELS, FIELD_LABELS
from app.customers.models import TimelineEntry
from app.customers.profile_models import ConsentChannel, Direction, Purchase

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
    "stage_reason": _("Why the stage changes"),
}

TEXTS = {
    "created": _("Customer added"),
    "changed": _("Customer changed"),
    "contact_added": _("Way to reach added"),
    "contact_removed": _("Way to reach no longer in use"),
    "contact_preferred": _("Preferred way to reach chosen"),
    "contact_shared": _("Way to reach marked as used by several people"),
    "contact_own": _("Way to reach marked as his own"),
    "stage_changed": _("Stage changed"),
    "tagged": _("Tags changed"),
    "classified": _("Put into another class"),
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
    "promised": _("Promised"),
    "promise_kept": _("Promise kept"),
    "promise_broken": _("Promise broken"),
    "promise_reopened": _("Promise open again"),
    "promise_corrected": _("Promise put right"),
    "promise_struck": _("Promise struck, written by mistake"),
    "promise_restored": _("Promise counts again"),
    "archived": _("Archived"),
    "restored": _("Restored"),
    "saved_twice": _("Saved although another customer has the same"),
    "merged": _("Another customer became part of this one"),
    "merge_undone": _("Merge taken back"),
    "task_opened": _("Task added"),
    "task_completed": _("Task finished"),
    "instance_started": _("Process begun"),
    "instance_completed": _("Process completed"),
    "instance_cancelled": _("Process called off"),
    "instance_failed": _("Process failed"),
    "form_submitted": _("Form filled in"),
    "form_sent": _("The customer filled in a form himself"),
    "commented": _("Comment written"),
}
SIGNS = {
    "created": "user-plus",
    "changed": "pencil",
    "contact_added": "phone",
    "contact_removed": "phone-off",
    "contact_preferred": "phone-call",
    "contact_shared": "users",
    "contact_own": "phone",
    "stage_changed": "route",
    "tagged": "pencil",
    "classified": "adjustments",
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
    "promised": "clock",
    "promise_kept": "circle-check",
    "promise_broken": "alert-circle",
    "promise_reopened": "clock",
    "promise_corrected": "pencil",
    "promise_struck": "x",
    "promise_restored": "clock",
    "archived": "archive",
    "restored": "refresh",
    "saved_twice": "users",
    "merged": "users-group",
    "merge_undone": "refresh",
    "task_opened": "checklist",
    "task_completed": "check",
    "instance_started": "route",
    "instance_completed": "flag",
    "instance_cancelled": "ban",
    "instance_failed": "alert-triangle",
    "form_submitted": "forms",
    "form_sent": "world",
    "commented": "message-2",
}
#: what is told of it beside its sentence: the entry's data of that name
NAMES = {
    "task_opened": "task",
    "task_completed": "task",
    "instance_started": "process",
    "instance_completed": "process",
    "instance_cancelled": "process",
    "instance_failed": "process",
    "form_submitted": "form",
    "form_sent": "form",
}
#: a changed field whose label stands under another name
CHANGED_FIELDS = {**LABELS, "owner_id": LABELS["owner.name"], "team_id": LABELS["team.name"]}
_CLASSES = {"tier": Choices(CUSTOMER_TIER), "behaviour": Choices(BEHAVIOUR)}
_STAGES, _PURPOSES = Choices(JOURNEY_STAGE), Choices(CONSENT_PURPOSE)
_CHANNELS, _RESULTS = Choices(CHANNEL), Choices(CALL_RESULT)


def told(entry: TimelineEntry, who: Actor, bought: Purchase | None) -> list[str]:
    """What an entry of the profile says in a few words, in the order in which it is read; of a purchase what stands in
    it now."""
    data = entry.data
    match entry.kind:
        case "stage_changed":
            return [" → ".join(_STAGES.get(data[key], data[key]) if data[key] else "—" for key in ("from", "to"))]
        case "classified":
            classes = _CLASSES[data["field"]]
            moved = " → ".join(classes.get(data[key], data[key]) if data[key] else "—" for key in ("from", "to"))
            why = str(reason_text(data["reason"], who))
            return [str(FIELD_LABELS[data["field"]]), moved, *([why] if why else [])]
        case "tagged":
            return [f"+ {name}" for name in data["added"]] + [f"− {name}" for name in data["removed"]]
        case "consent_given" | "consent_withdrawn":
            way = CONSENT_CHANNELS[ConsentChannel(data["channel"])]
            return [_PURPOSES.get(data["purpose"], data["purpose"]), str(way)]
        case "purchased" | "purchase_removed":
            amount = beside_fields.seen(who, BOUGHT, str(money_text(bought.amount))) if bought else None
            return [one for one in ((bought.code, bought.product, amount) if bought else ()) if one]
    if entry.subject_type != "interaction":
        return []
    said = [_CHANNELS.get(entry.channel, entry.channel)] if entry.channel else []
    said += [str(DIRECTION_LABELS[Direction(data["direction"])])] if data.get("direction") else []
    said += [_RESULTS.get(data["result"], data["result"])] if data.get("result") else []
    if data.get("is_corrected"):
        said.append(str(_("corrected")))
    if data.get("next_on"):
        said.append(f"{FIELD_LABELS['next_contact_on']}: {day_text(date.fromisoformat(data['next_on']))}")
    return said + delivery.words(data, who)
