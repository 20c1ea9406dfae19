"""What does the audit log speak of, in people's words? Every table and every event that is written, in one place.

A table or an event without words fails a test: nobody reads a column's name in the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.catalogues.dialogs import COLOUR_LABELS
from app.catalogues.queries import Choices
from app.catalogues.shipped import CALL_RESULT, CONSENT_PURPOSE, JOURNEY_STAGE
from app.core import edge, exports, guarded, history, links, settings
from app.core.access import Actor
from app.core.audit import ERASED, Origin
from app.core.conditions.fields import Kind as ValueKind
from app.core.errors import Sentence
from app.core.formats import exact_text, money_text, number_text
from app.core.guarded import REVEALED
from app.core.i18n import LANGUAGES, _, ngettext
from app.core.screens.columns import kind_of, readable
from app.core.vietnamese import show_phone
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
from app.imports.labels import IMPORT_EVENTS, OUTCOME_LABELS, TARGET_LABELS
from app.notifications.mail_server import TRIED
from app.notifications.server_rules import SECURITY_LABELS
from app.processes.shown import STATUS_LABELS
from app.security.events import duty_called
from app.security.field_rights import RIGHT_LABELS, place_words
from app.security.role_names import role_label
from app.security.roles import ACTION_LABELS, RESOURCE_LABELS, SCOPE_LABELS
from app.tasks.rules import OUTCOME_DONE
from app.tasks.shown import STATE_LABELS

Words = Mapping[Any, Any]
Show = Callable[[Any], Any]


@dataclass(frozen=True)
class Kind:
    """A table whose rows the log tells of."""

    #: one such row
    label: Sentence
    #: whose right `view` is asked before a row is named; rows with a rule of their own are asked for one by one
    resource: str
    #: column → label, in the order in which they are told
    labels: Mapping[str, Any]
    #: columns that say nothing to people, or that another column says already
    silent: frozenset[str] = frozenset()
    #: column → stored value → words
    choices: Mapping[str, Words] = field(default_factory=dict)
    #: column → how its value is told, where its type does not say
    show: Mapping[str, Show] = field(default_factory=dict)
    #: the column by which a row is called, a part inside its record; "": it has no name of its own
    title: str = ""
    #: the name as people know it
    called: Show = str
    #: where a row lives
    path: Callable[[int], str] | None = None
    #: (column, table) of the record that such a row is a part of: its rights and its page count
    part_of: tuple[str, str] | None = None
    #: column → table of the record about which such a row tells, though it is none of its parts
    tells_of: Mapping[str, str] = field(default_factory=dict)
    #: the columns that say so of records of any kind: its kind ("Customer", "instance") and its number
    about: tuple[str, str] | None = None
    #: the table with the same ids whose rows people know, where this one lies beside it
    beside: str = ""
    #: column → the fields of core.guarded that decide who reads it, where they are called otherwise
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Happening:
    """An event that no changed column tells."""

    label: Sentence
    #: key of its changes → label; no other key is told
    labels: Mapping[str, Any] = field(default_factory=dict)
    show: Mapping[str, Show] = field(default_factory=dict)
    #: what keys are called that differ from event to event, and how their values are told
    label_of: Show | None = None
    show_all: Show | None = None
    #: key → how its value is told to somebody, from all that the event tells; such a key has no room in a cell
    long: Mapping[str, Callable[[Mapping[str, Any], Actor], Any]] = field(default_factory=dict)
    #: where its keys are user names: what was given to such a person, in words
    given: Show | None = None

    def called(self, key: str) -> Any:
        """The label of one of its keys; None: it is not told."""
        return self.label_of(key) if key not in self.labels and self.label_of is not None else self.labels.get(key)

    def told(self, key: str, value: Any) -> Any:
        show = self.show.get(key, self.show_all)
        return value if value is None or show is None else show(value)


def _words(labels: Words) -> Show:
    """A stored value by its label; one that is no longer known as it is."""
    known = {str(value): label for value, label in labels.items()}
    return lambda value: known.get(str(value), value)


def _long(_value: Any) -> Any:
    return _("(a long text)")


def _drawing(_value: Any) -> Any:
    return _("(a drawing)")


def _time_of_day(minute: Any) -> str:
    """480 → 08:00"""
    return f"{minute // 60:02}:{minute % 60:02}" if isinstance(minute, int) else str(minute)


def _of_answers(value: Any) -> Any:
    """How many: what they say stands in the record, under the labels of its form."""
    return ngettext("%(num)d answer", "%(num)d answers", len(value)) if isinstance(value, dict) else value


def _narrowed(told: Mapping[str, Any], who: Actor) -> Any:
    """How a list was narrowed, in the words of that list."""
    (_before, list_key), (_nothing, pairs) = told["list_key"], told["arguments"]
    return "; ".join(exports.in_words(list_key, pairs, who)) or None


def _in_capitals(value: Any) -> str:
    return str(value).upper()


def _resource(name: Any) -> Any:
    return RESOURCE_LABELS.get(name, name)


def _field(key: Any) -> Any:
    """A field that rights are given to, as the screens that show it call it."""
    labels = dict.fromkeys(str(fields[key].label) for fields in guarded.guarded().values() if key in fields)
    return " / ".join(labels) or key


def _in_common(told: Any) -> str:
    """phone, tax_code → Phone number, Tax code"""
    return ", ".join(str(_field(key)) for key in str(told).split(", "))


def _moment(value: Any) -> Any:
    return exact_text(datetime.fromisoformat(value), edge.time_zone()) if isinstance(value, str) else value


def _right(told: str) -> Any:
    """Customer.view → Customers: View"""
    resource, _dot, action = told.partition(".")
    return f"{_resource(resource)}: {ACTION_LABELS.get(action, action)}"


def _duties(counts: Any) -> str:
    """{"tasks": 3, "customers": 59} → 3 open tasks, 59 customers"""
    known = [(duty_called(key), count) for key, count in counts.items() if count]
    return ", ".join(str(duty.counted(count)) for duty, count in known if duty is not None)


def _permission(told: Any) -> Any:
    """As FAB writes it ("can view on Customer"), in our words; what only FAB itself asks for has none."""
    found = _PERMISSION.fullmatch(str(told))
    if found is None or found[2] not in RESOURCE_LABELS or found[1] not in ACTION_LABELS:
        return _("(a right inside the system)")
    return f"{RESOURCE_LABELS[found[2]]}: {ACTION_LABELS[found[1]]}"


_PERMISSION = re.compile(r"can (\w+) on (\w+)")


def _link(path: str) -> Callable[[int], str]:
    return lambda row_id: f"{path}{row_id}"


_WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
_VERSION_STATES = {"draft": _("Draft"), "published": _("In use"), "archived": _("Replaced")}
_GRANTED = {"header": _("Name and contacts only"), "view": _("View"), "edit": _("Edit")}
_DAYS_OFF = {"holiday": _("Day off"), "worked": _("Worked instead"), "hours": _("Other hours")}
_OWNERS = {
    "comment": _("Comment"), "setting": _("Settings"), "task": _("Task"), "customer": _("Customer"),
    "import_job": _("File brought in"), "answer_file": _("Answer to a form"),
}  # fmt: skip
_ENTRANCES = {"web": _("Browser"), "bearer": _("Program")}
_WHY_ENDED = {
    "deactivated": _("The account was closed"), "password": _("New password"), "by_owner": _("Ended by the person"),
    "signed_out": _("Signed out"), "roles": _("Other roles"),
}  # fmt: skip

ORIGINS: Words = {
    Origin.page: _("Page"), Origin.api: _("Program (REST)"), Origin.job: _("By itself (worker)"),
    Origin.command: _("Command line"),
}  # fmt: skip

_ARCHIVED = {"archived_at": _("Archived")}
_TECHNICAL = frozenset({"archived_by_id"})

#: table → its words
KINDS: Mapping[str, Kind] = {
    "customer": Kind(
        _("Customer"), "Customer",
        {"name": _("Name"), "code": _("Code"), "kind": _("Kind"), "owner_id": _("Person in charge"),
         "team_id": _("Team"), "source": _("Came through"), "note": _("Note"), **FIELD_LABELS, **_ARCHIVED},
        silent=_TECHNICAL, title="name",
        choices={"kind": KIND_LABELS, "source": Choices(SOURCES), "gender": GENDER_LABELS,
                 **{column: Choices(catalogue) for column, catalogue in PROFILE_CATALOGUES.items()}},
        show={"ward_code": place_name, "province_code": place_name},
        path=links.customer_path,
    ),
    "contact_point": Kind(
        _("Way to reach"), "Customer",
        {"kind": _("Kind"), "shown": _("Number or address"), "is_preferred": _("Preferred"),
         "is_shared": _("Used by several people"), "customer_id": _("Customer"), **_ARCHIVED},
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
        _("Tag"), "Customer", {"name": _("Name"), "colour": _("Colour"), **_ARCHIVED}, silent=frozenset({"key"}),
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
         "external_id": _("Number there"), "customer_id": _("Customer"), **_ARCHIVED},
        show={"amount": money_text}, part_of=("customer_id", "customer"),
        fields={"amount": (BOUGHT,), "note": (BOUGHT,)},
    ),
    "interaction": Kind(
        _("Contact with a customer"), "Customer",
        {"kind": _("Kind"), "at": _("When"), "direction": _("Direction"), "channel": _("Channel"),
         "result": _("Result"), "text": _("What was said"), "next_on": _("Next contact"),
         "contact_point_id": _("Way to reach"), "source": _("Taken over from"), "external_id": _("Number there"),
         "customer_id": _("Customer"), **_ARCHIVED},
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
         "settled_at": _("Settled"), "interaction_id": _("Contact with a customer"), "customer_id": _("Customer")},
        choices={"state": PROMISE_STATES}, part_of=("customer_id", "customer"), fields={"text": (SAID,)},
    ),
    "segment": Kind(
        _("Customer segment"), "Customer",
        {"name": _("Name"), "purpose": _("What it is for"), "condition": _("Conditions"), "kind": _("Kind"),
         "frozen_at": _("Frozen on"), "owner_id": _("Kept by"), "team_id": _("Shared with"), **_ARCHIVED},
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
    "task": Kind(
        _("Task"), "Task",
        {"name": _("Task"), "context": _("Process file"), "customer_id": _("Customer"), "state": _("State"),
         "assignee_id": _("Person in charge"), "offered_team_id": _("Offered to the team"),
         "offered_role": _("Offered to the role"), "team_id": _("Team"), "outcome": _("Decision"), "note": _("Note"),
         "due_at": _("Due"), "warn_at": _("Due soon from"), "opened_at": _("Opened"), "claimed_at": _("Claimed"),
         "completed_at": _("Finished"), "completed_by_id": _("Finished by"), "cancelled_at": _("Called off"),
         "attempt": _("Time round")},
        silent=frozenset({"owner_type", "owner_id", "step", "token", "outcomes", "form_version_id", "submission_id",
                          "next_alert_at"}),
        choices={"state": STATE_LABELS, "outcome": OUTCOME_DONE}, show={"offered_role": role_label}, title="name",
        path=links.task_path, tells_of={"customer_id": "customer"}, about=("owner_type", "owner_id"),
    ),
    "process_instance": Kind(
        _("Process file"), "Instance",
        {"code": _("Code"), "status": _("State"), "customer_id": _("Customer"), "initiator_id": _("Begun by"),
         "team_id": _("Team"), "data": _("Answers"), "incident": _("Incident"), "started_at": _("Opened"),
         "ended_at": _("Ended")},
        silent=frozenset({"version_id", "start_submission_id", "next_token", "seq"}),
        choices={"status": STATUS_LABELS}, show={"data": _of_answers}, title="code", path=links.instance_path,
        tells_of={"customer_id": "customer"},
    ),
    "process": Kind(
        _("Process"), "Process", {"name": _("Name"), "code": _("Code"), **_ARCHIVED}, title="name",
        path=links.process_path,
    ),
    "process_version": Kind(
        _("Version of a process"), "Process",
        {"process_id": _("Process"), "number": _("Number"), "state": _("State"), "bpmn": _("Drawing"),
         "published_at": _("Published"), "published_by_id": _("Published by")},
        silent=frozenset({"form_pins"}), choices={"state": _VERSION_STATES}, show={"bpmn": _drawing},
        part_of=("process_id", "process"),
    ),
    "form": Kind(
        _("Form"), "Form", {"name": _("Name"), "code": _("Code"), **_ARCHIVED}, title="name", path=links.form_path,
    ),
    "form_version": Kind(
        _("Version of a form"), "Form",
        {"form_id": _("Form"), "number": _("Number"), "state": _("State"), "definition": _("Drawing"),
         "published_at": _("Published"), "published_by_id": _("Published by")},
        silent=frozenset({"checksum"}), choices={"state": _VERSION_STATES}, show={"definition": _drawing},
        part_of=("form_id", "form"),
    ),
    "submission": Kind(
        _("Filled-in form"), "Submission",
        {"customer_id": _("Customer"), "team_id": _("Team"), "answers": _("Answers")},
        silent=frozenset({"form_version_id", "state", "subject_type", "subject_id"}), show={"answers": _of_answers},
        tells_of={"customer_id": "customer"}, about=("subject_type", "subject_id"),
    ),
    "comment": Kind(
        _("Comment"), "Comment",
        {"resource": _("Kind of record"), "author_id": _("Written by"), "text": _("Text of the comment"),
         "edited_at": _("Last change"), **_ARCHIVED},
        silent=_TECHNICAL | {"record_id"}, show={"resource": _resource}, path=links.comment_path,
        about=("resource", "record_id"),
    ),
    "comment_mention": Kind(
        _("Mention in a comment"), "Comment", {"member_id": _("Member")}, silent=frozenset({"comment_id", "called"}),
        part_of=("comment_id", "comment"),
    ),
    "stored_file": Kind(
        _("Attached file"), "Comment",
        {"name": _("Name"), "owner_type": _("Belongs to"), "size": _("Size in bytes")},
        silent=frozenset({"owner_id", "content_type", "sha256", "path"}), choices={"owner_type": _OWNERS},
    ),
    "member": Kind(
        _("Member"), "Member",
        {"name": _("Name"), "title": _("Title"), "phone": _("Phone number"), "language": _("Language"),
         "time_zone": _("Time zone"), "signature": _("Signature"),
         "must_change_password": _("Has to change the password"),
         "first_password_until": _("The first password works until"),
         "deactivated_at": _("Closed since")},
        silent=frozenset({"id"}), show={"phone": show_phone, "language": _words(LANGUAGES)}, title="name",
        path=links.member_path,
    ),
    "ab_user": Kind(
        _("Account"), "Member",
        {"username": _("User name"), "last_name": _("Family name"), "first_name": _("Given name"),
         "email": _("E-mail"), "active": _("May sign in"), "roles": _("Roles"), "password": _("Password")},
        show={"roles": role_label}, beside="member",
    ),
    "member_invitation": Kind(
        _("Invitation"), "Member",
        {"member_id": _("Member"), "created_at": _("Created"), "expires_at": _("Until when"), "used_at": _("Used"),
         "withdrawn_at": _("Taken back")},
        silent=frozenset({"token_hash"}), part_of=("member_id", "member"),
    ),
    "team": Kind(
        _("Team"), "Team",
        {"name": _("Name"), "code": _("Code"), "parent_id": _("Belongs to the team"), "head_id": _("Head"),
         **_ARCHIVED},
        title="name", path=_link("/bo-phan/show/"),
    ),
    "team_member": Kind(
        _("Place in a team"), "Team",
        {"team_id": _("Team"), "member_id": _("Member"), "is_primary": _("Main team")}, part_of=("team_id", "team"),
    ),
    "ab_role": Kind(
        _("Role"), "Role", {"name": _("Code"), "permissions": _("Permissions")}, show={"permissions": _permission},
        title="name", called=role_label,
        path=_link("/vai-tro/show/"),
    ),
    "role_profile": Kind(
        _("Role"), "Role",
        {"label_vi": _("In Vietnamese"), "label_en": _("In English"), "purpose": _("What it is for"), **_ARCHIVED},
        silent=frozenset({"id"}), beside="ab_role",
    ),
    "role_scope": Kind(
        _("Right of a role"), "Role",
        {"role_id": _("Role"), "resource": _("On"), "action": _("What it allows"), "scope": _("How far")},
        choices={"action": ACTION_LABELS, "scope": SCOPE_LABELS}, show={"resource": _resource},
        part_of=("role_id", "ab_role"),
    ),
    "field_right": Kind(
        _("Right to a field"), "Role",
        {"role_id": _("Role"), "resource": _("On"), "field": _("Field"), "right": _("What it allows"),
         "may_reveal": _("May open covered values")},
        choices={"right": RIGHT_LABELS}, show={"resource": _resource, "field": _field}, part_of=("role_id", "ab_role"),
        title="place", called=place_words,
    ),
    # what FAB keeps for itself: that something came says enough, its names are not for people
    "ab_permission": Kind(_("Kind of right"), "Role", {}, silent=frozenset({"name"})),
    "ab_view_menu": Kind(_("Subject of rights"), "Role", {}, silent=frozenset({"name"})),
    "ab_permission_view": Kind(_("Permission"), "Role", {}, silent=frozenset({"permission_id", "view_menu_id"})),
    "access_grant": Kind(
        _("Shared record"), "Member",
        {"resource": _("Kind of record"), "member_id": _("Member"), "team_id": _("Team"), "right": _("What it allows"),
         "note": _("Reason"), "until": _("Until when"), "ended_at": _("Ended")},
        silent=frozenset({"record_id", "reason"}), choices={"right": _GRANTED}, show={"resource": _resource},
        about=("resource", "record_id"),
    ),
    "setting": Kind(
        _("One of the settings"), "Setting", {"key": _("Setting"), "value": _("Value")},
        show={"key": lambda key: settings.KINDS[key].label if key in settings.KINDS else key}, title="key",
        called=lambda key: str(settings.KINDS[key].label) if key in settings.KINDS else str(key),
        path=lambda _row_id: "/cai-dat/",
    ),
    "mail_server": Kind(
        _("Mail settings"), "Setting",
        {"host": _("Mail server"), "port": _("Port"), "security": _("Encryption"), "username": _("User name"),
         "password": _("Password"), "sender_address": _("Sender address"), "reply_to": _("Replies go to")},
        choices={"security": SECURITY_LABELS}, title="host", path=lambda _row_id: "/quan-tri/thu/",
    ),
    "setup_link": Kind(
        _("Set-up link"), "Setting", {"used_at": _("Used"), "created_at": _("Created")},
        silent=frozenset({"token_hash"}),
    ),
    "catalogue": Kind(
        _("Catalogue"), "Catalogue",
        {"label_vi": _("In Vietnamese"), "label_en": _("In English"), "code": _("Code"),
         "purpose_vi": _("What it is for"), "purpose_en": _("What it is for, in English"), "position": _("Place"),
         "is_system": _("Shipped with the product")},
        title="label_vi", path=lambda _row_id: "/danh-muc/",
    ),
    "catalogue_entry": Kind(
        _("Catalogue entry"), "Catalogue",
        {"label_vi": _("In Vietnamese"), "label_en": _("In English"), "code": _("Code"),
         "catalogue_id": _("Catalogue"), "colour": _("Colour"), "position": _("Place"),
         "retired_at": _("No longer used since")},
        choices={"colour": COLOUR_LABELS}, title="label_vi", path=_link("/danh-muc/muc/"),
    ),
    "calendar": Kind(
        _("Working calendar"), "Calendar", {"name": _("Name"), "code": _("Code"), "time_zone": _("Time zone")},
        title="name",
    ),
    "calendar_interval": Kind(
        _("Working hours"), "Calendar",
        {"weekday": _("Day of the week"), "start_minute": _("From the time"), "end_minute": _("To the time")},
        silent=frozenset({"calendar_id"}),
        show={"weekday": lambda day: _WEEKDAYS[day], "start_minute": _time_of_day, "end_minute": _time_of_day},
        part_of=("calendar_id", "calendar"),
    ),
    "calendar_exception": Kind(
        _("Day that differs"), "Calendar",
        {"date_from": _("From the day"), "date_to": _("To the day"), "kind": _("Kind"), "note": _("Note")},
        silent=frozenset({"calendar_id"}), choices={"kind": _DAYS_OFF}, part_of=("calendar_id", "calendar"),
    ),
    "calendar_exception_interval": Kind(
        _("Hours of a day that differs"), "Calendar",
        {"start_minute": _("From the time"), "end_minute": _("To the time")}, silent=frozenset({"exception_id"}),
        show={"start_minute": _time_of_day, "end_minute": _time_of_day},
        part_of=("exception_id", "calendar_exception"),
    ),
    "message_template": Kind(
        _("Text of a message"), "MessageTemplate",
        {"code": _("Code"), "language": _("Language"), "subject": _("Subject"), "body": _("Text")},
        show={"language": _words(LANGUAGES)}, title="subject",
    ),
    "saved_view": Kind(
        _("View of a list"), "SavedView",
        {"name": _("Name"), "list_key": _("List"), "owner_id": _("Kept by"), "role_id": _("Shared with the role"),
         "wanted": _("What it shows"), "position": _("Place"), **_ARCHIVED},
        silent=frozenset({"earlier"}), show={"list_key": exports.title_of, "wanted": _long}, title="name",
        tells_of={"owner_id": "member"},
    ),
    "saved_view_default": Kind(
        _("View that a list opens with"), "SavedView",
        {"list_key": _("List"), "member_id": _("Member"), "role_id": _("Role"), "view_id": _("View of a list")},
        show={"list_key": exports.title_of},
    ),
    # what is no audited table, and has events of its own
    "export": Kind(_("Exported list"), "Audit", {}),
    "import_job": Kind(_("File brought in"), "Import", {}, path=links.import_path),
}  # fmt: skip

_IMPORTED = {
    "target": _("What the rows are"), "rows": _("Rows"), **{str(one): label for one, label in OUTCOME_LABELS.items()},
}  # fmt: skip

#: event → its words
EVENTS: Mapping[str, Happening] = {
    "sign_in": Happening(_("Signed in"), {"kind": _("By")}, {"kind": _words(_ENTRANCES)}),
    "sign_in_failed": Happening(_("Sign-in refused: wrong password")),
    "sign_in_closed": Happening(_("Sign-in refused: the account is closed")),
    "first_password_expired": Happening(_("Sign-in refused: the first password has expired")),
    "sign_in_throttled": Happening(_("Sign-ins refused: too many wrong passwords")),
    "sign_in_refused": Happening(_("Sign-in of a program refused: first password not changed yet")),
    "password_not_confirmed": Happening(_("Present password was wrong")),
    "sign_out": Happening(_("Signed out"), {"kind": _("By")}, {"kind": _words(_ENTRANCES)}),
    "sign_ins_ended": Happening(
        _("Sessions ended"), {"reason": _("Reason"), "count": _("How many")}, {"reason": _words(_WHY_ENDED)}
    ),
    "export": Happening(
        _("List taken away as a file"),
        {"list_key": _("List"), "rows": _("Rows"), "format": _("Kind of file"), "arguments": _("Narrowed by")},
        {"list_key": exports.title_of, "format": _in_capitals, "rows": number_text},
        long={"arguments": _narrowed},
    ),
    **{name: Happening(label, _IMPORTED, {"target": _words(TARGET_LABELS)}) for name, label in IMPORT_EVENTS.items()},
    "segment.frozen": Happening(_("Segment frozen"), {"members": _("Customers")}, {"members": number_text}),
    "export.asked": Happening(
        _("File of a list asked for"),
        {"list_key": _("List"), "rows": _("Rows"), "format": _("Kind of file")},
        {"list_key": exports.title_of, "format": _in_capitals, "rows": number_text},
    ),
    "member_invited": Happening(_("Invited")),
    "invitation_withdrawn": Happening(_("Invitation taken back")),
    "invitation_accepted": Happening(_("Invitation accepted")),
    "first_password_given": Happening(_("First password given")),
    "member_deactivated": Happening(_("Account closed, work handed over"), given=_duties),
    "member_reactivated": Happening(_("Account opened again")),
    "people_imported": Happening(_("People taken over from a file"), {"rows": _("Rows")}, {"rows": number_text}),
    "look_began": Happening(_("Began to look as this person"), {"until": _("Until when")}, {"until": _moment}),
    "look_ended": Happening(_("No longer looks as this person")),
    "customer.saved_twice": Happening(
        _("Saved although another customer has the same"), {"fields": _("Field")}, {"fields": _in_common}
    ),
    "customer.merged": Happening(
        _("Two customers made one"), {"other": _("The other customer")}, label_of=lambda table: kind_label(table)
    ),
    "customer.merge_undone": Happening(_("Merge taken back"), {"other": _("The other customer")}),
    "role.rights_changed": Happening(_("Rights of a role changed"), label_of=_right, show_all=_words(SCOPE_LABELS)),
    "process.published": Happening(_("Published"), {"version": _("Number")}),
    "saved_view.moved": Happening(_("View moved"), {"position": _("Place")}),
    REVEALED: Happening(_("Covered value opened"), {"field": _("Field")}, {"field": _field}),
    TRIED: Happening(
        _("Mail settings tried"), {"host": _("Mail server"), "port": _("Port"), "username": _("User name")}
    ),
    ERASED: Happening(_("Personal values erased from the log"), {"values": _("How many")}),
}  # fmt: skip


def kind_label(table: str | None) -> Any:
    """What a row of that table is; a table that is no longer there still has a name."""
    if table is None:
        return ""
    return KINDS[table].label if table in KINDS else table


def event_label(name: str | None) -> Any:
    return EVENTS[name].label if name is not None and name in EVENTS else name or ""


def labels_of(table: str, columns: Any = ()) -> dict[str, Any]:
    """Column → label of what is told; of `columns` those that nobody knows stand last, by their name."""
    known = KINDS.get(table)
    labels = dict(known.labels) if known else {}
    silent = known.silent if known else frozenset()
    return labels | {one: one for one in columns if one not in labels and one not in silent}


def subject(table: str, columns: Any = ()) -> history.Subject:
    """The table as core.history tells it, with every column in words."""
    known, model = KINDS.get(table), history.model_of(table)
    part = known if known is not None and known.part_of is not None and known.title else None
    return history.Subject(
        model, 0, labels_of(table, columns), lambda column, value: shown(table, column, value),
        kind=known.label if known else table, events={name: one.label for name, one in EVENTS.items()},
        title=getattr(model, part.title) if part else None, called=part.called if part else str,
    )  # fmt: skip


def shown(table: str, column: str, value: Any) -> Any:
    """A value of the log as people read it."""
    known, model = KINDS.get(table), history.model_of(table)
    if value is None or known is None:
        return value
    if column in known.show:
        return known.show[column](value)
    if column in known.choices:
        found = known.choices[column].get(str(value))
        return value if found is None else found
    stored = model.__mapper__.columns.get(column, None) if model is not None else None
    kind = kind_of(stored) if stored is not None else ValueKind.text
    return readable(ValueKind.text if kind is ValueKind.choice else kind, value, {})
