"""What does the log say of people, teams, roles and rights?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.audit.words import PUT_AWAY, Kind, by_label, field_label, path_below, resource_label
from app.core import links
from app.core.i18n import LANGUAGES, _
from app.core.vietnamese import show_phone
from app.security.field_rights import RIGHT_LABELS, place_words
from app.security.role_names import role_label
from app.security.roles import ACTION_LABELS, RESOURCE_LABELS, SCOPE_LABELS


def _permission(told: Any) -> Any:
    """As FAB writes it ("can view on Customer"), in our words; what only FAB itself asks for has none."""
    found = _PERMISSION.fullmatch(str(told))
    if found is None or found[2] not in RESOURCE_LABELS or found[1] not in ACTION_LABELS:
        return _("(a right inside the system)")
    return f"{RESOURCE_LABELS[found[2]]}: {ACTION_LABELS[found[1]]}"


_PERMISSION = re.compile(r"can (\w+) on (\w+)")

_GRANTED = {"header": _("Name and contacts only"), "view": _("View"), "edit": _("Edit")}

PEOPLE_KINDS: Mapping[str, Kind] = {
    "member": Kind(
        _("Member"), "Member",
        {"name": _("Name"), "title": _("Title"), "phone": _("Phone number"), "language": _("Language"),
         "time_zone": _("Time zone"), "signature": _("Signature"),
         "must_change_password": _("Has to change the password"),
         "first_password_until": _("The first password works until"),
         "deactivated_at": _("Closed since")},
        silent=frozenset({"id"}), show={"phone": show_phone, "language": by_label(LANGUAGES)}, title="name",
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
         "withdrawn_at": _("Invitation taken back")},
        silent=frozenset({"token_hash"}), part_of=("member_id", "member"),
    ),
    "team": Kind(
        _("Team"), "Team",
        {"name": _("Name"), "code": _("Code"), "parent_id": _("Belongs to the team"), "head_id": _("Head"),
         **PUT_AWAY},
        title="name", path=path_below("/bo-phan/show/"),
    ),
    "team_member": Kind(
        _("Place in a team"), "Team",
        {"team_id": _("Team"), "member_id": _("Member"), "is_primary": _("Main team")}, part_of=("team_id", "team"),
    ),
    "ab_role": Kind(
        _("Role"), "Role", {"name": _("Code"), "permissions": _("Permissions")}, show={"permissions": _permission},
        title="name", called=role_label,
        path=path_below("/vai-tro/show/"),
    ),
    "role_profile": Kind(
        _("Role"), "Role",
        {"label_vi": _("In Vietnamese"), "label_en": _("In English"), "purpose": _("What it is for"), **PUT_AWAY},
        silent=frozenset({"id"}), beside="ab_role",
    ),
    "role_scope": Kind(
        _("Right of a role"), "Role",
        {"role_id": _("Role"), "resource": _("On"), "action": _("What it allows"), "scope": _("How far")},
        choices={"action": ACTION_LABELS, "scope": SCOPE_LABELS}, show={"resource": resource_label},
        part_of=("role_id", "ab_role"),
    ),
    "field_right": Kind(
        _("Right to a field"), "Role",
        {"role_id": _("Role"), "resource": _("On"), "field": _("Field"), "right": _("What it allows"),
         "may_reveal": _("May open covered values")},
        choices={"right": RIGHT_LABELS}, show={"resource": resource_label, "field": field_label},
        part_of=("role_id", "ab_role"),
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
        silent=frozenset({"record_id", "reason"}), choices={"right": _GRANTED}, show={"resource": resource_label},
        about=("resource", "record_id"),
    ),
}  # fmt: skip
