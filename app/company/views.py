"""The settings screen: the company's name and logo, and when it works; the logo for whoever signs in."""

from __future__ import annotations

import re
from typing import Any

from flask import request, send_file
from flask_appbuilder.baseviews import BaseView, expose
from werkzeug.wrappers import Response

from app.company import services
from app.company.dialogs import CompanyDialog, GeneralDialog, WeekDialog
from app.core import clock, edge, files, links, settings
from app.core.db import db
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotFoundError
from app.core.formats import read_integer
from app.core.i18n import _
from app.core.pages import Page, done, page, show
from app.deadlines.models import Calendar
from app.deadlines.queries import find_company_calendar
from app.deadlines.rules import WeeklyInterval
from app.deadlines.services import replace_intervals

_A_DAY = 24 * 3600
_SPAN = re.compile(r"\s*(\d{1,2})[:hH.](\d{2})\s*[-–—]\s*(\d{1,2})[:hH.](\d{2})\s*")


class LogoView(BaseView):
    """The company's logo, for everybody: it stands on the sign-in page. Nothing else lies here."""

    route_base = "/cong-ty"
    default_view = "logo"

    @expose("/logo")
    def logo(self) -> Response:
        """A picture and nothing that a browser would run. Its address changes with it (links.logo_path)."""
        file = services.find_logo(db.session())
        if file is None or not files.location(file).exists():
            raise NotFoundError
        extension = file.name.rpartition(".")[2]
        response = send_file(files.location(file), mimetype=file.content_type, download_name=f"logo.{extension}",
                             conditional=False, etag=False)  # fmt: skip
        response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        is_named = request.args.get("v") == str(file.id)
        response.headers["Cache-Control"] = f"public, max-age={_A_DAY}" if is_named else "no-cache"
        return response


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
                received = services.receive_logo(upload.stream, upload.filename)
            with edge.transaction() as session:
                by = edge.actor()
                typed = ("company_name", *services.FACTS)
                services.save_profile(session, {key: dialog[key].data or "" for key in typed}, by=by)
                if received is not None:
                    services.set_logo(session, received, by=by)
                elif dialog.remove_logo.data:
                    services.remove_logo(session, by=by)
        except BaseException as error:
            if received is not None:
                files.forget(received)
            if not isinstance(error, InvalidInputError):
                raise
            for key, told in error.fields.items():
                dialog[key].errors = [str(sentence) for sentence in told]
            return _page(company=dialog, status=422)
        return done("/cai-dat/", _("The settings are saved."))

    @page("/chung", "POST", right="edit")
    def general(self) -> Any:
        dialog = GeneralDialog()
        if not dialog.validate():
            return _page(general=dialog, status=422)
        try:
            with edge.transaction() as session:
                by, number = edge.actor(), read_integer(dialog.largest_file_mb.data or "")
                settings.put(session, "language", dialog.language.data, by=by)
                settings.put(session, "largest_file_mb", -1 if number is None else number, by=by)
        except InvalidInputError as error:
            for key, told in error.fields.items():
                dialog[key].errors = [str(sentence) for sentence in told]
            return _page(general=dialog, status=422)
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
                replace_intervals(session, calendar, intervals, by=edge.actor(), rev=dialog.rev.data or 0)
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
    *, company: CompanyDialog | None = None, general: GeneralDialog | None = None, week: WeekDialog | None = None,
    problem: BusinessError | None = None, status: int = 200,
) -> Any:  # fmt: skip
    session = db.session()
    values = settings.all_values(session)
    calendar = find_company_calendar(session)
    if company is None:
        company = CompanyDialog(formdata=None, data=values)
    if general is None:
        general = GeneralDialog(formdata=None, data=values)
    if week is None and calendar is not None:
        typed = {f"day_{weekday}": _as_typed(calendar, weekday) for weekday in range(7)}
        week = WeekDialog(formdata=None, data={**typed, "rev": calendar.rev})
    today = clock.today(edge.time_zone())
    coming = [day for day in calendar.exceptions if day.date_to >= today] if calendar else []
    holidays = sorted(coming, key=lambda day: day.date_from)
    return show("settings.html", status, company=company, general=general, week=week, problem=problem,
                holidays=holidays, logo_url=links.logo_path(values["logo_file_id"]),
                can_edit=edge.actor().may("edit", "Setting"))  # fmt: skip
