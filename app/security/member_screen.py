"""/nhan-su: who works here, and what does one see and change of him?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from app.core.i18n import _
from app.core.screens import Derived, Interface, Kind, Screen
from app.core.vietnamese import show_phone
from app.security import columns, queries
from app.security.cells import drawn
from app.security.models import Member, RoleProfile, Team


class MemberScreen(Screen):
    """/nhan-su: who works here. Which roles he holds stands in a tab, for those who may see roles."""

    resource = "Member"
    collection = "users"
    datamodel = Interface(Member)
    empty_text = _("Nobody works here yet. Colleagues stand here as soon as they can sign in.")
    empty_art = "people"
    route_base = "/nhan-su"
    list_title = _("Staff")
    show_title = _("Member")
    list_columns = ["name", "title", "memberships", "phone", "user.active"]
    more_columns = ["user.username", "user.email", "roles"]
    show_columns = ["title", "memberships", "phone", "user.email", "user.username", "user.active"]
    order_columns = ["name", "title"]
    search_columns = [
        "name", "title", "memberships", "roles", "phone", "user.username", "user.email", "user.active",
    ]  # fmt: skip
    derived = {
        "name": Derived(Kind.text, Member.name, order=Member.sort_key, show=lambda name: drawn("who", {"name": name})),
        "memberships": Derived(Kind.team, columns.team_names(Member.id), compared=columns.team_ids(Member.id),
                               show=lambda names: names or ""),
        "roles": columns.roles(Member.id),
        "phone": Derived(Kind.phone, Member.phone, show=lambda phone: show_phone(phone) if phone else ""),
        "user.active": Derived(Kind.yes_no, columns.may_sign_in(Member.id),
                               show=lambda active: drawn("entrance", {"is_active": active})),
    }  # fmt: skip
    base_order = ("name", "asc")
    related_by = {
        "TeamScreen": lambda member: Team.id.in_(queries.teams_of(member.id)),
        "RoleScreen": lambda member: RoleProfile.id.in_(queries.roles_of(member.id)),
    }
    label_columns = {
        "name": _("Name"),
        "title": _("Title"),
        "memberships": _("Teams"),
        "roles": _("Roles"),
        "user.username": _("User name"),
        "user.email": _("E-mail"),
        "user.active": _("Sign-in"),
        "phone": _("Phone number"),
    }

    def shown(self, item: Any, column: str) -> Any:
        if column == "name":
            return drawn("who", item)
        if column == "memberships":
            rows = sorted(item.memberships, key=lambda one: (not one.is_primary, one.team.sort_key))
            return ", ".join(row.team.name for row in rows)
        if column == "phone":
            return show_phone(item.phone) if item.phone else ""
        if column == "user.active":
            return drawn("entrance", item)
        return super().shown(item, column)

    def search(self, rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(Member.name.icontains(text, autoescape=True) | Member.title.icontains(text, autoescape=True))
