"""What are the fields of a customer's profile, and what may stand in them, called?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.i18n import _
from app.customers import places
from app.customers.classes.models import ClassKind
from app.customers.duplicates.models import PairState
from app.customers.models import Gender
from app.customers.profile_models import ConsentChannel, ConsentState, Direction, InteractionKind
from app.customers.promise_models import PromiseState
from app.customers.segments.models import SegmentKind

#: column → label
FIELD_LABELS: Mapping[str, Any] = {
    "honorific": _("Form of address"),
    "gender": _("Gender"),
    "birthday": _("Birthday"),
    "tax_code": _("Tax code"),
    "id_number": _("Citizen number (CCCD)"),
    "company_id": _("Works at"),
    "job_title": _("Job title"),
    "street": _("House number, street"),
    "ward_code": _("Ward or commune"),
    "province_code": _("Province or city"),
    "old_address": _("Address before July 2025"),
    "touchpoint": _("Touchpoint"),
    "tier": _("Value tier"),
    "tier_is_fixed": _("Tier chosen by hand"),
    "behaviour": _("Behaviour group"),
    "behaviour_is_fixed": _("Behaviour group chosen by hand"),
    "stage": _("Stage"),
    "risk_reason": _("Risk"),
    "risk_since": _("At risk since"),
    "do_not_contact": _("Do not contact"),
    "do_not_contact_reason": _("Why not to contact"),
    "next_contact_on": _("Next contact"),
    "last_contact_at": _("Last contact"),
    "former_codes": _("Former codes"),
}
GENDER_LABELS = {Gender.female: _("Woman"), Gender.male: _("Man"), Gender.other: _("Another gender")}
CONSENT_CHANNELS = {
    ConsentChannel.call: _("Phone call"),
    ConsentChannel.sms: _("SMS"),
    ConsentChannel.email: _("E-mail"),
    ConsentChannel.zalo: _("Zalo"),
    ConsentChannel.facebook: _("Facebook"),
    ConsentChannel.post: _("Letter"),
}
CONSENT_STATES = {ConsentState.given: _("Agreed"), ConsentState.withdrawn: _("Withdrawn")}
INTERACTION_LABELS = {
    InteractionKind.call: _("Call"),
    InteractionKind.mail: _("Mail"),
    InteractionKind.message: _("Message"),
    InteractionKind.visit: _("Visit"),
    InteractionKind.note: _("Note about the customer"),
}
PROMISE_STATES = {
    PromiseState.open: _("Open"), PromiseState.kept: _("Kept"), PromiseState.broken: _("Broken"),
}  # fmt: skip
PAIR_STATES = {
    PairState.open: _("To decide"), PairState.not_duplicate: _("Not the same customer"),
    PairState.merged: _("Made one"),
}  # fmt: skip
DIRECTION_LABELS = {Direction.inbound: _("From the customer"), Direction.outbound: _("To the customer")}

SEGMENT_KINDS = {SegmentKind.dynamic: _("Moves by itself"), SegmentKind.frozen: _("Frozen")}
CLASS_KINDS = {ClassKind.tier: FIELD_LABELS["tier"], ClassKind.behaviour: FIELD_LABELS["behaviour"]}
#: what a rule of a class asks
CLASS_COLUMNS: Mapping[str, Any] = {
    "times": _("Purchases at least"),
    "amount": _("Bought for at least (₫)"),
    "over_days": _("in the last … days"),
    "bought_within": _("Last purchase at most … days ago"),
    "bought_before": _("Last purchase more than … days ago"),
    "pause": _("Break before it of at least … days"),
    "heard_within": _("Last contact at most … days ago"),
}


def place_name(code: Any) -> Any:
    """A province or ward by its code; a code that nobody knows as it is."""
    found = places.place(code)
    return found.name if found is not None else code
