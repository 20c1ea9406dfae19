"""What does the log say of customers and of what is known of them?"""

from __future__ import annotations

from collections.abc import Mapping

from app.audit.words import PUT_AWAY, TECHNICAL, Kind
from app.catalogues.dialogs import COLOUR_LABELS
from app.catalogues.queries import Choices
from app.catalogues.shipped import CALL_RESULT, CONSENT_PURPOSE, JOURNEY_STAGE
from app.core import links
from app.core.formats import money_text
from app.core.i18n import _
from app.customers.beside_fields import BOUGHT, PROOF, SAID
from app.customers.dialogs import CONTACT_LABELS, KIND_LABELS
from app.customers.labels import (
    CLASS_COLUMNS,
    CLASS_KINDS,
    CONSENT_CHANNELS,
    CONSENT_STATES,
    DIRECTION_LABELS,
    FIELD_LABELS,
    GENDER_LABELS,
    INTERACTION_LABELS,
    PAIR_STATES,
    PROMISE_STATES,
    SEGMENT_KINDS,
    place_name,
)
from app.customers.models import SOURCES
from app.customers.profile import CATALOGUES as PROFILE_CATALOGUES

CUSTOMER_KINDS: Mapping[str, Kind] = {
    "customer": Kind(
        _("Customer"), "Customer",
        {"name": _("Name"), "code": _("Code"), "kind": _("Kind"), "owner_id": _("Person in charge"),
         "team_id": _("Team"), "source": _("Came through"), "note": _("Note"), **FIELD_LABELS, **PUT_AWAY},
        silent=TECHNICAL, title="name",
        choices={"kind": KIND_LABELS, "source": Choices(SOURCES), "gender": GENDER_LABELS,
                 **{column: Choices(catalogue) for column, catalogue in PROFILE_CATALOGUES.items()}},
        show={"ward_code": place_name, "province_code": place_name},
        path=links.customer_path,
    ),
    "contact_point": Kind(
        _("Way to reach"), "Customer",
        {"kind": _("Kind"), "shown": _("Number or address"), "is_preferred": _("Preferred"),
         "is_shared": _("Used by several people"), "customer_id": _("Customer"), **PUT_AWAY},
        silent=frozenset({"value"}), choices={"kind": CONTACT_LABELS}, part_of=("customer_id", "customer"),
        fields={"shown": ("phone", "email"), "value": ("phone", "email")},
    ),
    "customer_stage": Kind(
        _("Stage of a customer"), "Customer",
        {"stage": _("Stage"), "since": _("From when"), "until": _("Until when"), "reason": _("Reason"),
         "customer_id": _("Customer")},
        choices={"stage": Choices(JOURNEY_STAGE)}, part_of=("customer_id", "customer"),
    ),
    "consent_event": Kind(
        _("Consent"), "Customer",
        {"purpose": _("Purpose"), "channel": _("Way of contact"), "state": _("State"), "at": _("Said on"),
         "proof": _("Proof"), "text_version": _("Version of the text"), "file_id": _("Attached file"),
         "customer_id": _("Customer")},
        choices={"purpose": Choices(CONSENT_PURPOSE), "channel": CONSENT_CHANNELS, "state": CONSENT_STATES},
        part_of=("customer_id", "customer"), fields={"proof": (PROOF,)},
    ),
    "tag": Kind(
        _("Tag"), "Customer", {"name": _("Name"), "colour": _("Colour"), **PUT_AWAY}, silent=frozenset({"key"}),
        choices={"colour": COLOUR_LABELS}, title="name",
    ),
    "customer_tag": Kind(
        _("Tag of a customer"), "Customer", {"tag_id": _("Tag"), "customer_id": _("Customer")},
        part_of=("customer_id", "customer"),
    ),
    "purchase": Kind(
        _("Purchase"), "Customer",
        {"bought_on": _("Bought on"), "code": _("Code"), "product": _("Product"), "quantity": _("Quantity"),
         "amount": _("Amount"), "note": _("Note"), "source": _("Taken over from"),
         "external_id": _("Number there"), "customer_id": _("Customer"), **PUT_AWAY},
        show={"amount": money_text}, part_of=("customer_id", "customer"),
        fields={"amount": (BOUGHT,), "note": (BOUGHT,)},
    ),
    "interaction": Kind(
        _("Contact with a customer"), "Customer",
        {"kind": _("Kind"), "at": _("When"), "direction": _("Direction"), "channel": _("Channel"),
         "result": _("Result"), "text": _("What was said"), "next_on": _("Next contact"),
         "contact_point_id": _("Way to reach"), "source": _("Taken over from"), "external_id": _("Number there"),
         "customer_id": _("Customer"), **PUT_AWAY},
        choices={"kind": INTERACTION_LABELS, "direction": DIRECTION_LABELS, "channel": Choices(SOURCES),
                 "result": Choices(CALL_RESULT)},
        part_of=("customer_id", "customer"), fields={"text": (SAID,)},
    ),
    "duplicate_pair": Kind(
        _("Pair of customers who may be one"), "Customer",
        {"first_id": _("Customer"), "second_id": _("May be the same as"), "state": _("State"), "note": _("Reason"),
         "decided_at": _("Decided")},
        silent=frozenset({"score", "reasons", "found_at", "decided_by_id"}), choices={"state": PAIR_STATES},
        tells_of={"first_id": "customer", "second_id": "customer"},
    ),
    "customer_merge": Kind(
        _("Customers made one"), "Customer",
        {"kept_id": _("The one that stays"), "merged_id": _("Became part of it"), "at": _("When"),
         "undone_at": _("Taken back")},
        silent=frozenset({"before", "after", "moved", "by_id", "undone_by_id"}),
        tells_of={"kept_id": "customer", "merged_id": "customer"},
    ),
    "promise": Kind(
        _("Promise"), "Customer",
        {"text": _("What was promised"), "due_on": _("By when"), "owner_id": _("Who promised"), "state": _("State"),
         "settled_at": _("Settled"), "interaction_id": _("Contact with a customer"), "customer_id": _("Customer"),
         **PUT_AWAY},
        choices={"state": PROMISE_STATES}, part_of=("customer_id", "customer"), fields={"text": (SAID,)},
    ),
    "segment": Kind(
        _("Customer segment"), "Customer",
        {"name": _("Name"), "purpose": _("What it is for"), "condition": _("Conditions"), "kind": _("Kind"),
         "frozen_at": _("Frozen on"), "owner_id": _("Kept by"), "team_id": _("Shared with"), **PUT_AWAY},
        silent=frozenset({"frozen_by_id"}), choices={"kind": SEGMENT_KINDS}, title="name",
        path=lambda number: f"/nhom-khach-hang/{number}",
    ),
    "class_rule": Kind(
        _("Rule of a customer class"), "Setting",
        {"kind": _("Kind"), "code": _("Class"), "position": _("Place"), **CLASS_COLUMNS},
        choices={"kind": CLASS_KINDS}, show={"amount": money_text}, title="code",
    ),
    "contact_target": Kind(
        _("Longest time without a contact"), "Setting", {"tier": _("Value tier"), "days": _("Days")}, title="tier",
    ),
    "care_round": Kind(
        _("Round of care tasks"), "Customer",
        {"made_at": _("When"), "tasks": _("Tasks"), "taken_back_at": _("Taken back")}, silent=frozenset({"made_by_id"}),
    ),
}  # fmt: skip
