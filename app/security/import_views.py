"""/nhan-su/nhap: who comes in from a sheet? First what would happen is told, then all of it happens or nothing."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import Any

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.core import edge
from app.core.conditions.fields import Kind
from app.core.db import db
from app.core.errors import BusinessError, NotFoundError
from app.core.i18n import _, ngettext
from app.core.pages import Page, done, page, show, trail
from app.core.sheet_reading import MEGABYTE, read_sheet
from app.core.sheets import Header, write_xlsx
from app.security import people_import as coming
from app.security import rules
from app.security.people_import import Checkup, Finding
from app.security.people_sheet import EXAMPLE, HEADINGS, LARGEST_FILE, MOST_ROWS, PersonRow, read_rows
from app.security.services import hash_password

BY_MAIL, BY_HAND = "mail", "password"
#: so long the rows of a dry run can be brought in, and first passwords be fetched as a file
_LASTS = 2 * 60 * 60
#: of each finding so many rows are shown
_MOST_SHOWN = 200
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TOO_LATE = _("These rows are no longer here. Upload the file again.")


class ImportPages(Page):
    resource = "Member"
    route_base = "/nhan-su/nhap"

    @page("/", right="add")
    def index(self) -> Any:
        return _form()

    @page("/", "POST", right="add")
    def upload(self) -> Any:
        """The dry run: nothing is written."""
        sent = request.files.get("file")
        try:
            data = sent.read(LARGEST_FILE + 1) if sent is not None and sent.filename else None
            if data is None:
                return _form(_("Choose a file first."), status=422)
            name = sent.filename or "" if sent is not None else ""
            rows = read_rows(read_sheet(data, name=name, most_rows=MOST_ROWS, largest=LARGEST_FILE))
        except BusinessError as refusal:
            return _form(refusal.message, status=422)
        return _told(rows)

    @page("/xong", "POST", right="add")
    def bring_in(self) -> Any:
        """Everybody who is new comes in: by a mail, or with a first password that is shown this once."""
        by, way = edge.actor(), request.form.get("way", BY_MAIL)
        rows = [_row(plain) for plain in _opened(request.form.get("rows", ""), "rows")]
        if way not in (BY_MAIL, BY_HAND):
            raise NotFoundError
        passwords: dict[str, str] = {}
        hashes: Mapping[str, str] | None = None
        try:
            if way == BY_HAND:
                checkup = coming.check(db.session(), rows, by=by)
                new = checkup.of(Finding.new)
                if len(new) > coming.MOST_PASSWORDS:
                    return _told(rows, _too_many_passwords(), status=422)
                passwords = {one.row.email.lower(): rules.first_password() for one in new}
                hashes = _hashed(passwords)
            with edge.transaction() as session:
                added = coming.bring_in(session, rows, by=by, password_hashes=hashes)
                lines = [[one.name, one.username, passwords.get(one.email.lower(), "")] for one in added]
        except coming.SheetChangedError as refusal:
            return _told(rows, refusal.message, status=refusal.status)
        if way == BY_HAND:
            answer = show(
                "security/import_passwords.html", lines=lines, sealed=_sealed(lines, "passwords"), crumbs=_trail()
            )
            return *answer, {"Cache-Control": "no-store"}
        told = ngettext("%(num)d colleague added and invited.", "%(num)d colleagues added and invited.", len(lines))
        return done("/nhan-su/list/", told)

    @page("/mau.xlsx", right="add")
    def template(self) -> Response:
        """An empty sheet with the headings; beside it an example, and what can be written under teams and roles."""
        teams, roles = coming.choices(db.session(), by=edge.actor())
        example = [*EXAMPLE, teams[0].code if teams else "", str(roles[0]) if roles else ""]
        known = zip_longest([team.name for team in teams], [team.code for team in teams], map(str, roles), fillvalue="")
        return _workbook(
            _("Staff"), list(HEADINGS.values()), [], "nhan-su.xlsx",
            (_("Example"), list(HEADINGS.values()), [example]),
            (_("Teams and roles"), [_("Team"), _("Code of the team"), _("Role")], list(known)),
        )  # fmt: skip

    @page("/mat-khau", "POST", right="add")
    def passwords(self) -> Response:
        """The first passwords that the page before has shown, as a file."""
        lines = _opened(request.form.get("lines", ""), "passwords")
        headings = [_("Name"), _("User name"), _("First password")]
        return _workbook(_("First passwords"), headings, lines, "mat-khau-dau.xlsx")


def _form(problem: Any = "", *, status: int = 200) -> Any:
    return show(
        "security/import.html", status, problem=problem, most=MOST_ROWS, size=LARGEST_FILE // MEGABYTE,
        crumbs=trail((_("Staff"), "/nhan-su/list/"), here=_("Bring in from a file")),
    )  # fmt: skip


def _told(rows: Sequence[PersonRow], problem: Any = "", *, status: int = 200) -> Any:
    checkup: Checkup = coming.check(db.session(), rows, by=edge.actor())
    return show(
        "security/import_check.html", status, checkup=checkup, problem=problem,
        wrong=checkup.of(Finding.wrong), new=checkup.of(Finding.new), known=checkup.of(Finding.known),
        sealed=_sealed([row.as_plain() for row in rows], "rows") if checkup.is_good else "", most=_MOST_SHOWN,
        most_passwords=coming.MOST_PASSWORDS, crumbs=_trail(),
    )  # fmt: skip


def _too_many_passwords() -> Any:
    return _(
        "First passwords are made for at most %(count)d people at once. Invite them by e-mail, or split the file.",
        count=coming.MOST_PASSWORDS,
    )


def _trail() -> Any:
    return trail(
        (_("Staff"), "/nhan-su/list/"), (_("Bring in from a file"), "/nhan-su/nhap/"), here=_("What was found")
    )


def _hashed(passwords: Mapping[str, str]) -> dict[str, str]:
    """E-mail → the password as it is kept. Slow by design, and on two processors at once."""
    method = current_app.config.get("FAB_PASSWORD_HASH_METHOD", "scrypt")
    with ThreadPoolExecutor(2) as pool:
        hashes = pool.map(lambda password: hash_password(password, method), passwords.values())
        return dict(zip(passwords, hashes, strict=True))


def _workbook(
    title: Any, headings: Sequence[Any], lines: Sequence[Sequence[Any]], name: str,
    *beside: tuple[Any, Sequence[Any], Sequence[Sequence[Any]]],
) -> Response:  # fmt: skip
    """`beside`: (title, headings, lines) of more sheets."""
    file, who = io.BytesIO(), edge.actor()
    more = [(told, _headers(above), below) for told, above, below in beside]
    write_xlsx(file, title, _headers(headings), lines, more=more, time_zone=who.time_zone, language=who.language)
    kept = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(file.getvalue(), mimetype=_XLSX, headers=kept)


def _headers(headings: Sequence[Any]) -> list[Header]:
    return [Header(heading, Kind.text) for heading in headings]


# ── what travels with a form: packed and signed, for nobody but whoever was shown it ──
def _signer(what: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=f"people-import-{what}")


def _sealed(value: Any, what: str) -> str:
    return str(_signer(what).dumps([edge.actor().user_id, value]))


def _opened(sealed: str, what: str) -> Any:
    """Raises NotFoundError for what is not ours, not his, or too old."""
    try:
        owner, value = _signer(what).loads(sealed, max_age=_LASTS)
    except BadSignature:
        raise NotFoundError(_TOO_LATE) from None
    if owner != edge.actor().user_id:
        raise NotFoundError(_TOO_LATE)
    return value


def _row(plain: Mapping[str, Any]) -> PersonRow:
    return PersonRow(**{**plain, "teams": tuple(plain["teams"]), "roles": tuple(plain["roles"])})
