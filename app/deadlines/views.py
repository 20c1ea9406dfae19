"""The settings screen: the company's name, sender and logo, and when it works."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock, edge, files, links, settings
from app.core.access import Actor
from app.core.db import db
from app.core.errors import BusinessError, ConflictError, InvalidInputError
from app.core.i18n import _
from app.core.pages import Page, done, page, show
from app.deadlines import services
from app.deadlines.dialogs import CompanyDialog, WeekDialog
from app.deadlines.models import Calendar
from app.deadlines.queries import find_company_calendar
from app.deadlines.rules import WeeklyInterval

#: owner type of the company's logo; every member sees it
LOGO = "logo"
_SPAN = re.compile(r"\s*(\d{1,2})[:hH.](\d{2})\s*[-–—]\s*(\d{1,2})[:hH.](\d{2})\s*")


def _everyone(_session: Session, _actor: Actor, _owner_id: int) -> bool:
    return True


files.register_owner(LOGO, _everyone)


class SettingPages(Page):
    """/cai-dat: what the company sets for itself."""

    resource = "Setting"
    route_base = "/cai-dat"

    @page("/")
    def index(self) -> Any:
        return _page()

    @page("/cong-ty", "POST", right="edit")
    def company(self) -> Any:
        dialog = CompanyDialog()
        if not dialog.validate():
            return _page(company=dialog, status=422)
        received: files.ReceivedFile | None = None
        try:
            upload = dialog.logo.data
            if upload is not None and upload.filename:
                received = files.receive(upload.stream, upload.filename)
                if not received.content_type.startswith("image/"):
                    raise BusinessError(_("A logo is a picture: PNG or JPG."))
            with edge.transaction() as session:
                by = edge.actor()
                settings.put(session, "company_name", dialog.company_name.data, by=by)
                settings.put(session, "mail_from_name", dialog.mail_from_name.data or "", by=by)
                if received is not None:
                    file = files.keep(session, received, owner_type=LOGO, owner_id=1)
                    settings.put(session, "logo_file_id", file.id, by=by)
        except BusinessError as error:
            if received is not None:
                files.forget(received)
            if isinstance(error, InvalidInputError):
                for key, told in error.fields.items():
                    dialog[key].errors = [str(sentence) for sentence in told]
            else:
                dialog.logo.errors = [str(error)]
            return _page(company=dialog, status=422)
        return done("/cai-dat/", _("The settings are saved."))

    @page("/gio-lam-viec", "POST", right="edit")
    def week(self) -> Any:
        dialog = WeekDialog()
        fine = dialog.validate()
        intervals = read_week(dialog)
        if not fine or dialog.errors or intervals is None:
            return _page(week=dialog, status=422)
        try:
            with edge.transaction() as session:
                calendar = find_company_calendar(session)
                if calendar is None:
                    raise ConflictError
                services.replace_intervals(session, calendar, intervals, by=edge.actor(), rev=dialog.rev.data or 0)
        except InvalidInputError as error:
            for key, told in error.fields.items():
                day = intervals[int(key.split(".")[1])].weekday if key.startswith("intervals.") else 0
                dialog[f"day_{day}"].errors = [str(sentence) for sentence in told]
            return _page(week=dialog, status=422)
        except BusinessError as error:
            return _page(week=dialog, problem=error, status=error.status)
        return done("/cai-dat/", _("The working hours are saved. New deadlines count on them from now on."))


def read_week(dialog: WeekDialog) -> list[WeeklyInterval] | None:
    """The typed hours as intervals; None, and a message beside the day, where they cannot be read."""
    intervals: list[WeeklyInterval] = []
    readable = True
    for weekday in range(7):
        field = dialog[f"day_{weekday}"]
        for part in filter(None, (text.strip() for text in (field.data or "").split(","))):
            match = _SPAN.fullmatch(part)
            numbers = [int(number) for number in match.groups()] if match else []
            if not match or numbers[0] > 24 or numbers[2] > 24 or numbers[1] > 59 or numbers[3] > 59:
                field.errors = [str(_("Hours look like this: 08:00-12:00, 13:30-17:30"))]
                readable = False
                continue
            intervals.append(WeeklyInterval(weekday, numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]))
    return intervals if readable else None


def _as_typed(calendar: Calendar, weekday: int) -> str:
    spans = sorted((part.start_minute, part.end_minute) for part in calendar.intervals if part.weekday == weekday)
    return ", ".join(f"{a // 60:02d}:{a % 60:02d}-{b // 60:02d}:{b % 60:02d}" for a, b in spans)


def _page(
    *, company: CompanyDialog | None = None, week: WeekDialog | None = None, problem: BusinessError | None = None,
    status: int = 200,
) -> Any:  # fmt: skip
    session = db.session()
    values = settings.all_values(session)
    calendar = find_company_calendar(session)
    if company is None:
        company = CompanyDialog(formdata=None, data=values)
    if week is None and calendar is not None:
        typed = {f"day_{weekday}": _as_typed(calendar, weekday) for weekday in range(7)}
        week = WeekDialog(formdata=None, data={**typed, "rev": calendar.rev})
    logo = values["logo_file_id"]
    today = clock.today(edge.time_zone())
    coming = [day for day in calendar.exceptions if day.date_to >= today] if calendar else []
    holidays = sorted(coming, key=lambda day: day.date_from)
    return show("settings.html", status, company=company, week=week, problem=problem, holidays=holidays,
                logo_url=links.file_path(logo, "logo") if logo else None,
                can_edit=edge.actor().may("edit", "Setting"))  # fmt: skip
