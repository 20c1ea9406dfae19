"""Which events does the log speak of that no changed column tells? An event without words fails a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.audit.tables import kind_label
from app.audit.words import Happening, by_label, field_label, resource_label
from app.core import edge, exports
from app.core.access import Actor
from app.core.audit import ERASED
from app.core.formats import exact_text, number_text
from app.core.guarded import REVEALED
from app.core.i18n import _
from app.customers.bulk.fields import FIELDS
from app.customers.bulk.labels import BULK_EVENTS
from app.customers.bulk.labels import OUTCOME_LABELS as BULK_OUTCOMES
from app.imports.labels import IMPORT_EVENTS, OUTCOME_LABELS, TARGET_LABELS
from app.notifications.mail_server import TRIED
from app.security.events import duty_called
from app.security.roles import ACTION_LABELS, SCOPE_LABELS


def _narrowed(told: Mapping[str, Any], who: Actor) -> Any:
    """How a list was narrowed, in the words of that list."""
    (_before, list_key), (_nothing, pairs) = told["list_key"], told["arguments"]
    return "; ".join(exports.in_words(list_key, pairs, who)) or None


def _in_capitals(value: Any) -> str:
    return str(value).upper()


def _in_common(told: Any) -> str:
    """phone, tax_code → Phone number, Tax code"""
    return ", ".join(str(field_label(key)) for key in str(told).split(", "))


def _moment(value: Any) -> Any:
    return exact_text(datetime.fromisoformat(value), edge.time_zone()) if isinstance(value, str) else value


def _right(told: str) -> Any:
    """Customer.view → Customers: View"""
    resource, _dot, action = told.partition(".")
    return f"{resource_label(resource)}: {ACTION_LABELS.get(action, action)}"


def _duties(counts: Any) -> str:
    """{"tasks": 3, "customers": 59} → 3 open tasks, 59 customers"""
    known = [(duty_called(key), count) for key, count in counts.items() if count]
    return ", ".join(str(duty.counted(count)) for duty, count in known if duty is not None)


def _fields_set(keys: Sequence[str]) -> str:
    return ", ".join(str(FIELDS[key].label) for key in keys if key in FIELDS)


_ENTRANCES = {"web": _("Browser"), "bearer": _("Program")}

_WHY_ENDED = {
    "deactivated": _("The account was closed"), "password": _("New password"), "by_owner": _("Ended by the person"),
    "signed_out": _("Signed out"), "roles": _("Other roles"),
}  # fmt: skip

_EDITED = {
    "customers": _("Customers"), "fields": _("Fields"),
    **{str(one): label for one, label in BULK_OUTCOMES.items()},
}  # fmt: skip

_IMPORTED = {
    "target": _("What the rows are"), "rows": _("Rows"), **{str(one): label for one, label in OUTCOME_LABELS.items()},
}  # fmt: skip

#: event → its words
EVENTS: Mapping[str, Happening] = {
    "sign_in": Happening(_("Signed in"), {"kind": _("By")}, {"kind": by_label(_ENTRANCES)}),
    "sign_in_failed": Happening(_("Sign-in refused: wrong password")),
    "sign_in_closed": Happening(_("Sign-in refused: the account is closed")),
    "first_password_expired": Happening(_("Sign-in refused: the first password has expired")),
    "sign_in_throttled": Happening(_("Sign-ins refused: too many wrong passwords")),
    "sign_in_refused": Happening(_("Sign-in of a program refused: first password not changed yet")),
    "password_not_confirmed": Happening(_("Present password was wrong")),
    "sign_out": Happening(_("Signed out"), {"kind": _("By")}, {"kind": by_label(_ENTRANCES)}),
    "sign_ins_ended": Happening(
        _("Sessions ended"), {"reason": _("Reason"), "count": _("How many")}, {"reason": by_label(_WHY_ENDED)}
    ),
    "export": Happening(
        _("List taken away as a file"),
        {"list_key": _("List"), "rows": _("Rows"), "format": _("Kind of file"), "arguments": _("Narrowed by")},
        {"list_key": exports.title_of, "format": _in_capitals, "rows": number_text},
        long={"arguments": _narrowed},
    ),
    **{name: Happening(label, _EDITED, {"fields": _fields_set}) for name, label in BULK_EVENTS.items()},
    **{name: Happening(label, _IMPORTED, {"target": by_label(TARGET_LABELS)}) for name, label in IMPORT_EVENTS.items()},
    "demo.removal_asked": Happening(
        _("Removal of the demo company asked for"), {"rows": _("Rows")}, {"rows": number_text}
    ),
    "demo.removed": Happening(_("Removed for good with the demo company")),
    "demo.removal_done": Happening(_("Demo company removed"), {"rows": _("Rows")}, {"rows": number_text}),
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
    "role.rights_changed": Happening(_("Rights of a role changed"), label_of=_right, show_all=by_label(SCOPE_LABELS)),
    "process.published": Happening(_("Published"), {"version": _("Number")}),
    "form.published": Happening(_("Published"), {"version": _("Number"), "edition": _("Edition")}),
    "instance.moved": Happening(_("Work was put on another step by hand"), {"step": _("Step")}),
    "instance.migrated": Happening(_("Moved to another version"), {"version": _("Version")}),
    "instance.clock_retried": Happening(_("A clock was let try again"), {"clock": _("Clock")}),
    "saved_view.moved": Happening(_("View moved"), {"position": _("Place")}),
    REVEALED: Happening(_("Covered value opened"), {"field": _("Field")}, {"field": field_label}),
    TRIED: Happening(
        _("Mail settings tried"), {"host": _("Mail server"), "port": _("Port"), "username": _("User name")}
    ),
    ERASED: Happening(_("Personal values erased from the log"), {"values": _("How many")}),
}  # fmt: skip
