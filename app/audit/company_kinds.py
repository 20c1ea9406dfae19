"""What does the log say of settings, lists, calendars, views and of what people bring in or take away?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.audit.words import PUT_AWAY, Kind, by_label, path_below
from app.catalogues.dialogs import COLOUR_LABELS
from app.core import exports, links, settings
from app.core.i18n import LANGUAGES, _
from app.notifications.server_rules import SECURITY_LABELS


def _long(_value: Any) -> Any:
    return _("(a long text)")


def _time_of_day(minute: Any) -> str:
    """480 → 08:00"""
    return f"{minute // 60:02}:{minute % 60:02}" if isinstance(minute, int) else str(minute)


_WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))

_DAYS_OFF = {"holiday": _("Day off"), "worked": _("Worked instead"), "hours": _("Other hours")}

COMPANY_KINDS: Mapping[str, Kind] = {
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
        choices={"colour": COLOUR_LABELS}, title="label_vi", path=path_below("/danh-muc/muc/"),
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
        show={"language": by_label(LANGUAGES)}, title="subject",
    ),
    "saved_view": Kind(
        _("View of a list"), "SavedView",
        {"name": _("Name"), "list_key": _("List"), "owner_id": _("Kept by"), "role_id": _("Shared with the role"),
         "wanted": _("What it shows"), "position": _("Place"), **PUT_AWAY},
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
    "bulk_edit": Kind(_("Bulk edit of customers"), "Customer", {}, path=links.customers_edit_path),
    "demo_removal": Kind(_("Removal of the demo company"), "Setting", {}, path=links.demo_path),
}  # fmt: skip
