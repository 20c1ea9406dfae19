"""What is in the menu, in which order, and which interfaces are there? Data; no screen is defined here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, g, request
from sqlalchemy import func

from app.core import clock, edge, settings
from app.core.access import Actor
from app.core.api import OpenApi
from app.core.db import db
from app.core.file_view import FileView
from app.core.formats import day_text, exact_text, number_text
from app.core.i18n import _
from app.core.timewords import moment_inside, moment_text
from app.customers.api import CustomerApi
from app.customers.views import CustomerPages, CustomerScreen, SearchPages
from app.deadlines.api import CalendarApi
from app.deadlines.views import SettingPages
from app.forms.api import FormApi, SubmissionApi
from app.forms.views import FormScreen
from app.notifications.api import AlertApi, NotificationApi, OutboxApi
from app.notifications.queries import unread_count
from app.notifications.views import BellPages, MailPages
from app.processes.api import InstanceApi, ProcessApi
from app.processes.views import InstancePages, ProcessScreen
from app.security.api import SecurityApi, TeamApi, UserApi
from app.security.models import Member
from app.security.views import MemberScreen, TeamScreen
from app.tasks import queries as tasks
from app.tasks.api import TaskApi
from app.tasks.home import Home
from app.tasks.models import Task
from app.tasks.views import TaskPages


@dataclass(frozen=True)
class Item:
    """One entry of the sidebar, for those who have `right` on its resource: what admins set up needs no place in
    the daily menu of the others, though they may look at it."""

    label: Any
    icon: str
    url: str
    resource: str | None = None
    right: str = "view"


#: In the order of the working day (ui.md).
MENU: Sequence[Item] = (
    Item(_("This morning"), "sunrise", "/"),
    Item(_("Tasks"), "checklist", "/cong-viec/", "Task"),
    Item(_("Customers"), "users", "/khach-hang/list/", "Customer"),
    Item(_("Process instances"), "route", "/ho-so/", "Instance"),
    Item(_("Processes"), "versions", "/quy-trinh/list/", "Process", "edit"),
    Item(_("Forms"), "forms", "/bieu-mau/list/", "Form", "edit"),
    Item(_("Members"), "user", "/nhan-su/list/", "Member", "edit"),
    Item(_("Teams"), "users-group", "/bo-phan/list/", "Team", "edit"),
    Item(_("Outgoing mail"), "mail", "/thu-di/", "Outbox"),
    Item(_("Settings"), "settings", "/cai-dat/", "Setting"),
)

#: What "Tạo mới" offers; the right asked is `add`.
CREATE: Sequence[Item] = (
    Item(_("Start a process"), "route", "/ho-so/bat-dau", "Instance"),
    Item(_("New customer"), "user-plus", "/khach-hang/add", "Customer"),
)

#: Pages and generated screens.
VIEWS: tuple[type, ...] = (
    TaskPages,
    InstancePages,
    CustomerScreen,
    CustomerPages,
    ProcessScreen,
    FormScreen,
    MemberScreen,
    TeamScreen,
    SearchPages,
    BellPages,
    MailPages,
    SettingPages,
    FileView,
)

#: Every REST resource, in the order of design.md §6.
APIS: tuple[type, ...] = (
    SecurityApi,
    CustomerApi,
    FormApi,
    SubmissionApi,
    ProcessApi,
    InstanceApi,
    TaskApi,
    AlertApi,
    NotificationApi,
    TeamApi,
    UserApi,
    CalendarApi,
    OutboxApi,
    OpenApi,
)

__all__ = ["APIS", "CREATE", "MENU", "VIEWS", "Home", "Item", "register"]


def register(appbuilder: Any) -> None:
    """Put every view and interface on the application, and the frame around every page."""
    for view in VIEWS:
        appbuilder.add_view_no_menu(view)
    for api in APIS:
        appbuilder.add_api(api)
    app = current_app
    app.context_processor(frame)
    app.jinja_env.globals["now"] = clock.now
    app.jinja_env.filters["moment"] = lambda at: moment_text(at, clock.now(), edge.time_zone())
    app.jinja_env.filters["moment_inside"] = lambda at: moment_inside(at, clock.now(), edge.time_zone())
    app.jinja_env.filters["exact"] = lambda at: exact_text(at, edge.time_zone())
    app.jinja_env.filters["day"] = day_text
    app.jinja_env.filters["number"] = number_text


def frame() -> dict[str, Any]:
    """What templates/base.html shows around the page of whoever is signed in."""
    who = edge.actor_or_none()
    if who is None or who.user_id is None or g.get("broken"):
        return {}
    session = db.session()
    opened, late = (
        session.execute(
            tasks.mine(who).with_only_columns(
                func.count(Task.id), func.count(Task.id).filter(Task.due_at < clock.now())
            )
        ).one()
        if who.may("view", "Task")
        else (0, 0)
    )
    member = session.get_one(Member, who.user_id)
    return {
        "menu": [
            _shown(item, opened, late) for item in MENU if item.resource is None or who.may(item.right, item.resource)
        ],
        "company_name": settings.get(session, "company_name"),
        "me": {
            "name": member.name,
            "given_name": member.name.split()[-1],
            "title": member.title or "",
            "profile_url": None,
        },
        "unread_count": unread_count(session, who.user_id),
        "create_menu": _create_menu(who),
    }


def _create_menu(who: Actor) -> list[dict[str, Any]]:
    return [
        {"label": item.label, "icon": item.icon, "url": item.url}
        for item in CREATE
        if item.resource is not None and who.may("add", item.resource)
    ]


def _shown(item: Item, opened: int, late: int) -> dict[str, Any]:
    section = item.url.split("/")[1]
    is_tasks = item.resource == "Task"
    return {
        "label": item.label,
        "icon": item.icon,
        "url": item.url,
        "current": request.path.split("/")[1] == section,
        "count": opened if is_tasks and opened else None,
        "count_late": is_tasks and late > 0,
    }
