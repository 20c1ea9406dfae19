"""What is in the menu, in which order, and which interfaces are there? Data; no screen is defined here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import current_app, g, request
from flask_login import current_user
from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, select
from sqlalchemy.orm import Session

from app.administration.mail_view import MailSettingPages
from app.administration.views import AdministrationPages
from app.audit.api import AuditApi
from app.audit.views import ErasePages, LogScreen
from app.care.api import ForgottenApi
from app.care.views import CarePages, TargetPages
from app.catalogues.api import CatalogueApi
from app.catalogues.views import CataloguePages, EntryScreen
from app.comments.api import CommentApi
from app.comments.views import CommentPages
from app.company.views import LogoView, SettingPages
from app.core import clock, edge, links, settings
from app.core.access import Actor
from app.core.api import OpenApi
from app.core.db import db
from app.core.export_api import ExportApi
from app.core.export_view import ExportPages
from app.core.file_view import FileView
from app.core.find_view import FindPages, register_finders
from app.core.finding import Finder
from app.core.formats import day_text, exact_text, number_text, unbroken_codes
from app.core.i18n import LANGUAGES, _, ngettext
from app.core.timewords import moment_inside, moment_text, until_text
from app.core.view_api import ViewApi
from app.customers import search as customer_search
from app.customers.api import CustomerApi
from app.customers.bulk.api import BulkEditApi
from app.customers.bulk.views import BulkPages
from app.customers.classes.api import ClassApi
from app.customers.classes.views import ClassPages
from app.customers.duplicates.api import DuplicateApi
from app.customers.duplicates.views import DuplicatePages
from app.customers.kept_api import ContactPointApi, CustomerMailApi, KeptContactApi, PromiseApi, PurchaseApi
from app.customers.kept_views import InteractionPages, PromisePages, PurchasePages
from app.customers.models import Customer
from app.customers.profile_api import CustomerProfileApi, InteractionApi, PlaceApi, TagApi
from app.customers.screens import CustomerScreen
from app.customers.segments.api import SegmentApi
from app.customers.segments.views import SegmentPages
from app.customers.views import ContactPages, CustomerPages, CustomerPicker, PlacePicker
from app.deadlines.api import CalendarApi
from app.forms import queries as forms
from app.forms.api import FormApi
from app.forms.drawing.views import DrawingPages
from app.forms.filling.views import FillingPages
from app.forms.models import Form
from app.forms.public.api import PublicEntryApi, PublicLinkApi
from app.forms.public.choosing import EntryPages
from app.forms.public.open_view import OpenFormView
from app.forms.public.screens import PublicEntryScreen
from app.forms.public.views import LinkPages
from app.forms.submissions.api import SubmissionApi
from app.forms.submissions.screens import FormAnswers, SubmissionScreen
from app.forms.submissions.views import SubmissionPages
from app.forms.versions.views import FormPages
from app.forms.views import FormScreen
from app.imports.api import ImportApi
from app.imports.views import FilePages
from app.notifications.api import AlertApi, NotificationApi, OutboxApi
from app.notifications.queries import unread
from app.notifications.views import BellPages, MailPages
from app.processes import queries as processes
from app.processes.api import InstanceApi, ProcessApi
from app.processes.automatic_view import AutomaticPages
from app.processes.message_api import MessageApi
from app.processes.message_view import MessagePages
from app.processes.migration_api import MigrationApi
from app.processes.models import Process, ProcessInstance
from app.processes.receiver_view import ReceiverPages
from app.processes.screens import InstanceScreen
from app.processes.version_view import VersionPages
from app.processes.views import InstancePages, ProcessScreen
from app.security import queries as people
from app.security.account import AccountPages
from app.security.api import SecurityApi, UserApi
from app.security.arrival import ArrivalView
from app.security.columns import offer_people
from app.security.effective_view import EffectivePages
from app.security.field_views import FieldRightPages
from app.security.import_views import ImportPages
from app.security.look_view import LookPages, banner
from app.security.member_api import MemberApi
from app.security.member_screen import MemberScreen
from app.security.models import Member
from app.security.role_api import RoleApi
from app.security.role_screen import RoleScreen
from app.security.share_api import ShareApi
from app.security.share_views import SharePages
from app.security.team_api import TeamApi
from app.security.team_screen import TeamScreen
from app.security.views import PersonChoices, TeamChoices
from app.tasks import queries as tasks
from app.tasks.api import TaskApi
from app.tasks.home import Home
from app.tasks.models import Task
from app.tasks.screens import TaskScreen
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

    def is_for(self, who: Actor) -> bool:
        return self.resource is None or who.may(self.right, self.resource)


@dataclass(frozen=True)
class Group:
    """Entries under one heading, which folds. `key` names it in the browser's memory and never changes."""

    key: str
    label: Any
    icon: str
    items: Sequence[Item]


#: In the order of the working day (ui.md).
MENU: Sequence[Item | Group] = (
    Item(_("This morning"), "sunrise", "/"),
    Item(_("Tasks"), "checklist", "/cong-viec/", "Task"),
    Item(_("Customers"), "users", "/khach-hang/list/", "Customer"),
    Item(_("Customer segments"), "users-group", "/nhom-khach-hang/", "Customer"),
    Item(_("Forgotten customers"), "clock", "/khach-hang-bi-quen/", "Customer"),
    Item(_("Suspected duplicates"), "copy", "/nghi-trung/", "Customer", "delete"),
    Item(_("Bring in data"), "upload", "/nhap/", "Import"),
    Item(_("Process files"), "route", "/ho-so/", "Instance"),
    Item(_("Fill in a form"), "file-text", "/dien-phieu/", "Submission", "add"),
    Item(_("Submissions"), "list-details", "/phieu/list/", "Submission"),
    Item(_("Answers from outside"), "world", "/phieu-ngoai/list/", "PublicEntry"),
    Item(_("Forms & answers"), "forms", "/bieu-mau/list/", "Form", "edit"),
    Group(
        "admin",
        _("Administration"),
        "settings",
        (
            Item(_("Administration home"), "home", "/quan-tri/", "Setting"),
            Item(_("Processes"), "versions", "/quy-trinh/list/", "Process", "edit"),
            Item(_("Messages to processes"), "message-2", "/tin-bao/", "Message"),
            Item(_("Receivers of data"), "world", "/noi-nhan/", "Setting"),
            Item(_("Staff"), "user", "/nhan-su/list/", "Member", "edit"),
            Item(_("Teams"), "users-group", "/bo-phan/list/", "Team", "edit"),
            Item(_("Roles"), "key", "/vai-tro/list/", "Role"),
            Item(_("Outgoing mail"), "mail", "/thu-di/", "Outbox"),
            Item(_("Catalogues"), "list-details", "/danh-muc/", "Catalogue", "edit"),
            Item(_("Customer classes"), "adjustments", "/xep-nhom/", "Setting", "edit"),
            Item(_("Settings"), "adjustments", "/cai-dat/", "Setting"),
            Item(_("Audit log"), "history", "/nhat-ky/list/", "Audit"),
        ),
    ),
)

#: What "Tạo mới" offers; the right asked is `add`.
CREATE: Sequence[Item] = (
    Item(_("Start a process"), "route", "/ho-so/bat-dau", "Instance"),
    Item(_("New customer"), "user-plus", "/khach-hang/add", "Customer"),
    Item(_("Bring in a file"), "upload", "/nhap/moi", "Import"),
    Item(_("New form"), "forms", "/bieu-mau/moi", "Form"),
)

#: What the box on top and the palette look through, in the order of the answer. A new kind of record is a new line.
FINDERS: tuple[Finder, ...] = (
    Finder("Customer", _("Customers"), "user", customer_search.find_customers, customer_search.named_customers,
           instead=customer_search.add_with_phone, by_phone=True, model=Customer),
    Finder("Task", _("Tasks"), "checklist", tasks.find_tasks, tasks.named_tasks, model=Task,
           belonging=tasks.belonging),
    Finder("Instance", _("Process files"), "route", processes.find_instances, processes.named_instances,
           model=ProcessInstance, belonging=processes.belonging),
    Finder("Process", _("Processes"), "versions", processes.FOUND, processes.named_processes, model=Process),
    Finder("Form", _("Forms"), "forms", forms.FOUND, forms.named_forms, model=Form),
    Finder("Member", _("Staff"), "users-group", people.FOUND, people.named_members, model=Member),
)  # fmt: skip

#: Pages and generated screens.
VIEWS: tuple[type, ...] = (
    TaskPages,
    TaskScreen,
    InstancePages,
    InstanceScreen,
    CustomerScreen,
    SegmentPages,
    DuplicatePages,
    ClassPages,
    CarePages,
    TargetPages,
    CustomerPages,
    PurchasePages,
    InteractionPages,
    PromisePages,
    ContactPages,
    ProcessScreen,
    MessagePages,
    AutomaticPages,
    VersionPages,
    ReceiverPages,
    FormScreen,
    FormPages,
    DrawingPages,
    LinkPages,
    OpenFormView,
    PublicEntryScreen,
    EntryPages,
    FillingPages,
    # The list over all forms behind that of one: it is the list of the table (core.lists).
    FormAnswers,
    SubmissionScreen,
    SubmissionPages,
    MemberScreen,
    ImportPages,
    ArrivalView,
    TeamScreen,
    RoleScreen,
    FieldRightPages,
    SharePages,
    EffectivePages,
    LookPages,
    PersonChoices,
    TeamChoices,
    FindPages,
    CustomerPicker,
    PlacePicker,
    CommentPages,
    BellPages,
    MailPages,
    CataloguePages,
    EntryScreen,
    LogScreen,
    ErasePages,
    AdministrationPages,
    MailSettingPages,
    SettingPages,
    LogoView,
    AccountPages,
    FileView,
    ExportPages,
    BulkPages,
    FilePages,
)

#: Every REST resource, in the order of design.md §6.
APIS: tuple[type, ...] = (
    SecurityApi,
    CustomerApi,
    CustomerProfileApi,
    InteractionApi,
    KeptContactApi,
    PurchaseApi,
    ContactPointApi,
    PromiseApi,
    CustomerMailApi,
    TagApi,
    SegmentApi,
    ForgottenApi,
    ClassApi,
    DuplicateApi,
    PlaceApi,
    FormApi,
    SubmissionApi,
    PublicLinkApi,
    PublicEntryApi,
    ProcessApi,
    InstanceApi,
    MigrationApi,
    MessageApi,
    TaskApi,
    CommentApi,
    AlertApi,
    NotificationApi,
    TeamApi,
    RoleApi,
    UserApi,
    MemberApi,
    ShareApi,
    CalendarApi,
    CatalogueApi,
    OutboxApi,
    AuditApi,
    ExportApi,
    BulkEditApi,
    ImportApi,
    ViewApi,
    OpenApi,
)

__all__ = ["APIS", "CREATE", "FINDERS", "MENU", "VIEWS", "Group", "Home", "Item", "register"]


def register(appbuilder: Any) -> None:
    """Put every view and interface on the application, and the frame around every page."""
    for view in VIEWS:
        appbuilder.add_view_no_menu(view)
    for api in APIS:
        appbuilder.add_api(api)
    app = current_app
    appbuilder.sm.beside_session = _framed(Member.id)
    register_finders(app, FINDERS)
    offer_people()
    app.context_processor(frame)
    app.jinja_env.globals["now"] = clock.now
    app.jinja_env.globals["languages"] = LANGUAGES
    app.jinja_env.filters["moment"] = lambda at: moment_text(at, clock.now(), edge.time_zone())
    app.jinja_env.filters["moment_inside"] = lambda at: moment_inside(at, clock.now(), edge.time_zone())
    app.jinja_env.filters["until"] = lambda at: until_text(at, edge.time_zone())
    app.jinja_env.filters["exact"] = lambda at: exact_text(at, edge.time_zone())
    app.jinja_env.filters["day"] = day_text
    app.jinja_env.filters["number"] = number_text
    app.jinja_env.filters["codes"] = unbroken_codes


def frame() -> dict[str, Any]:
    """What templates/base.html shows around the page of whoever is signed in."""
    who = edge.actor_or_none()
    if who is None or who.user_id is None or g.get("broken"):
        return {}
    session = db.session()
    opened, late, news, company, logo, g.largest_file_mb = _counts(session, who)
    return {
        "menu": _menu(who, _badge(opened, late)),
        "company_name": company,
        "company_logo_url": links.logo_path(logo),
        "me": {
            "id": who.user_id,
            "name": who.name,
            "given_name": who.name.split()[-1],
            "title": who.title,
            "profile_url": "/tai-khoan/",
        },
        "unread_count": news if who.is_himself else 0,
        "looking": banner(),
        "finds_by_digits": who.reads("Customer", "phone"),
        "create_menu": [
            {"label": item.label, "icon": item.icon, "url": item.url}
            for item in CREATE
            if item.resource is not None and who.is_himself and who.may("add", item.resource)
        ],
    }


def _counts(session: Session, who: Actor) -> tuple[int, int, int, str, int | None, int]:
    """How many tasks are open on his desk, how many of them are late, how many bell lines are unread, where he works,
    under which logo, and how many MB a file may have there. Read together with his session, or else in one query."""
    row = getattr(current_user, "beside", None)
    if row is None:
        row = session.execute(_counting(), {"me": who.user_id, "now": clock.now()}).one()
    opened, late, news, company, logo, largest = row
    return (
        opened, late, news, company or settings.KINDS["company_name"].default, logo,
        largest or settings.LARGEST_FILE_MEGABYTES,
    )  # fmt: skip


@cache
def _counting() -> Select[Any]:
    """Put together once: every page that looks as another, and every page after a change, asks it."""
    return select(*_framed(bindparam("me", type_=Integer)))


def _framed(member_id: Any) -> tuple[ColumnElement[Any], ...]:
    """What _counts() tells, as columns of a query that knows the member, and the moment as `now`."""
    desk = tasks.on_desk(member_id)
    return (
        desk.with_only_columns(func.count(Task.id)).scalar_subquery(),
        desk.where(Task.due_at < bindparam("now")).with_only_columns(func.count(Task.id)).scalar_subquery(),
        unread(member_id).scalar_subquery(),
        *map(settings.value_of, ("company_name", "logo_file_id", "largest_file_mb")),
    )


def _badge(opened: int, late: int) -> dict[str, Any] | None:
    """The number at "Công việc": red, and then the number of late tasks, only when something is late."""
    if not opened:
        return None
    told: object = ngettext("%(num)d open task", "%(num)d open tasks", opened)
    if late:
        told = ngettext(
            "%(num)d overdue task of %(all)d open", "%(num)d overdue tasks of %(all)d open", late, all=opened
        )
    number = late or opened
    return {"text": str(number) if number < 100 else "99+", "late": bool(late), "told": told}


def section_of(path: str) -> str:
    """To which entry of the menu an address belongs. The answers to one form stand below the form, and are among those
    to all forms for whoever reads them."""
    parts = path.split("/")
    return "phieu" if parts[1] == "bieu-mau" and parts[3:4] == ["phieu"] else parts[1]


def _menu(who: Actor, work: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The entries that he may use; a group without any is left out."""
    section = section_of(request.path)

    def shown(item: Item) -> dict[str, Any]:
        return {
            "label": item.label,
            "icon": item.icon,
            "url": item.url,
            "current": section_of(item.url) == section,
            "badge": work if item.resource == "Task" else None,
        }

    entries: list[dict[str, Any]] = []
    for entry in MENU:
        if isinstance(entry, Item):
            entries += [shown(entry)] if entry.is_for(who) else []
            continue
        items = [shown(item) for item in entry.items if item.is_for(who)]
        if items:
            here = any(item["current"] for item in items)
            entries.append(
                {"key": entry.key, "label": entry.label, "icon": entry.icon, "entries": items, "current": here}
            )
    return entries
