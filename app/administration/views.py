"""/quan-tri: the first page of those who look after the installation, each card by the right that it needs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from flask import current_app, request
from sqlalchemy.orm import Session

from app.administration import queries, services
from app.administration.demo_shown import told_plan, told_removal
from app.administration.dialogs import RemovalDialog
from app.administration.queries import MOST, Facts, Scheduler, Size
from app.administration.rules import Card, Step, size_text
from app.core import clock, edge, links, settings
from app.core.access import Actor
from app.core.db import db
from app.core.errors import BusinessError, InvalidInputError, NotFoundError, Sentence
from app.core.formats import number_text
from app.core.i18n import LANGUAGES, _
from app.core.leases import LeaseState
from app.core.pages import ENOUGH, Page, done, page, refused_onto, show, trail
from app.core.timewords import length_text, moment_inside, moment_text
from app.demo import removal
from app.demo.people import COMPANY as DEMO_NAME
from app.notifications.channels.settings import MailSettings
from app.notifications.models import Outbox
from app.notifications.queries import address_of, error_of, mail_settings
from app.notifications.rules import why_not_sent
from config import sqlite_file

PATH = "/quan-tri"
DEMO_PATH = links.DEMO
_GIGABYTE = 1024**3
#: a disk with less is told of: soon, late
_LITTLE, _TOO_LITTLE = 2 * _GIGABYTE, _GIGABYTE // 4


class AdministrationPages(Page):
    """/quan-tri: how things stand, and where one goes on from there."""

    resource = "Setting"
    route_base = PATH

    @page("/")
    def index(self) -> Any:
        session, who, now = db.session(), edge.actor(), clock.now()
        values, sending = settings.all_values(session), mail_settings(session)
        has_server = sending.server is not None
        if request.args.get("phan") == "thu":
            told = _test_mail(session, values, who, now, has_server=has_server)
            return show("administration/_mail.html", 200 if told and told["is_open"] else ENOUGH, test=told)
        facts, worker = queries.facts(session, at=now), queries.scheduler(session, at=now)
        mail = _test_mail(session, values, who, now, has_server=has_server)
        steps = _steps(values, facts, mail)
        return show(
            "administration/home.html",
            steps=steps, steps_done=sum(step.is_done for step in steps),
            steps_shown=not values["setup_hidden"] and not all(step.is_done for step in steps),
            steps_hidden=values["setup_hidden"] and not all(step.is_done for step in steps),
            cards=_cards(session, who, now, values, facts, worker, sending),
            logo_url=links.logo_path(values["logo_file_id"]),
            test=mail, test_url=f"{PATH}/thu-thu", my_address=_my_address(session, who),
            worker=worker, worker_problem=_worker_problem(worker, now, who),
            may_edit=who.may("edit", "Setting"), steps_url=f"{PATH}/danh-sach-thiet-lap",
        )  # fmt: skip

    @page("/thu-thu", "POST", right="edit")
    def test_mail(self) -> Any:
        try:
            with edge.transaction() as session:
                address = services.send_test_mail(session, by=edge.actor()).to_address
        except BusinessError as error:
            return refused_onto(f"{PATH}/#thu", error)
        return done(f"{PATH}/#thu", _("The test mail to %(address)s is in the outbox.", address=address))

    @page("/danh-sach-thiet-lap", "POST", right="edit")
    def setup_list(self) -> Any:
        hidden = request.form.get("hidden") == "1"
        with edge.transaction() as session:
            services.hide_setup(session, hidden=hidden, by=edge.actor())
        return done(f"{PATH}/", _("The set-up list is hidden.") if hidden else _("The set-up list is shown again."))

    @page("/cong-ty-mau", right="edit")
    def demo(self) -> Any:
        if request.args.get("phan"):
            return show("administration/_demo_progress.html", removal=told_removal(db.session()))
        return _demo_page(RemovalDialog(formdata=None, with_tried="1" if request.args.get("thu") == "1" else ""))

    @page("/cong-ty-mau", "POST", right="edit")
    def remove_demo(self) -> Any:
        dialog = RemovalDialog()
        if not dialog.validate():
            return _demo_page(dialog, status=422)
        try:
            with edge.transaction() as session:
                removal.ask(session, dialog.typed.data or "", with_tried=bool(dialog.with_tried.data), by=edge.actor())
        except InvalidInputError as error:
            dialog.typed.errors = [str(one) for told_ in error.fields.values() for one in told_]
            return _demo_page(dialog, status=422)
        except BusinessError as error:
            if error.status == NotFoundError.status:
                raise
            return _demo_page(dialog, problem=error, status=error.status)
        return done(DEMO_PATH, _("The accounts of the demo are closed. Everything else goes in the background."))


# ── the set-up ──
def _steps(values: dict[str, Any], facts: Facts, mail: dict[str, Any] | None) -> list[Step]:
    return [
        _named(values),
        Step(_("A test mail has left"), _("Without mail nobody is invited or warned by mail."), f"{PATH}/#thu",
             mail is not None and mail["is_sent"]),
        Step(_("First team"), _("Work is given to teams."), "/bo-phan/list/", facts.has_team),
        Step(_("First colleague invited"), _("Each person has an account of his own."), "/nhan-su/add",
             facts.has_colleague),
        Step(_("Working hours looked at and saved"), _("Deadlines count these hours only."), "/cai-dat/#gio",
             facts.has_hours),
        Step(_("First process published"), _("It says who does what, and until when."), "/quy-trinh/list/",
             facts.has_process),
        Step(_("First customer"), _("Everything one knows of a customer stands in one place."), "/khach-hang/add",
             facts.has_customer),
    ]  # fmt: skip


def _named(values: dict[str, Any]) -> Step:
    title, why = _("Company name and logo"), _("They stand on the sign-in page and in mails.")
    lacking: list[Sentence] = []
    if values["company_name"] in (settings.KINDS["company_name"].default, DEMO_NAME):
        lacking.append(_("a name of your own in the place of “%(name)s”", name=values["company_name"]))
    if values["logo_file_id"] is None:
        lacking.append(_("a logo"))
    if lacking:
        why = _("%(why)s Still missing: %(what)s.", why=why, what=", ".join(map(str, lacking)))
    return Step(title, why, "/cai-dat/", not lacking)


# ── the cards ──
def _cards(
    session: Session, who: Actor, now: datetime, values: dict[str, Any], facts: Facts, worker: Scheduler,
    sending: MailSettings,
) -> list[Card]:  # fmt: skip
    cards = [_company(values, who), _mail(sending, who)]
    if who.may("view", "Outbox"):
        cards.append(_outbox(facts, who, now))
    cards.append(_storage(session, values, who))
    if who.may("view", "Audit"):
        cards.append(_log(facts, worker, who, now))
    cards.append(_language(values, who))
    loaded_at = values["demo_loaded_at"]
    if loaded_at and who.may("edit", "Setting"):
        at = datetime.fromisoformat(loaded_at)
        cards.append(
            Card("cong-ty-mau", _("Demo company"), "users-group", ("none", _("In use")),
                 [(_("Loaded"), moment_text(at, now, who.time_zone))],
                 _("Made-up people and customers to try things out. Remove them before the real work begins."),
                 [(_("See what goes"), DEMO_PATH)])
        )  # fmt: skip
    return cards


def _company(values: dict[str, Any], who: Actor) -> Card:
    keys = ("company_name", "short_name", "tax_code", "address", "phone", "email", "website")
    return Card(
        "cong-ty", _("Company"), "building",
        facts=[(settings.KINDS[key].label, values[key]) for key in keys if values[key] or key in ("tax_code", "phone")],
        links=[(_("Change the company") if who.may("edit", "Setting") else _("See the settings"), "/cai-dat/")],
    )  # fmt: skip


def _language(values: dict[str, Any], who: Actor) -> Card:
    label = _("Change language and limit") if who.may("edit", "Setting") else _("See the settings")
    return Card(
        "ngon-ngu", _("Language and uploads"), "language",
        facts=[
            (_("Language of the company"), LANGUAGES[values["language"]]),
            (_("Largest file"), _("%(count)d MB a file", count=values["largest_file_mb"])),
            (_("Taken here at most"), _("%(count)d MB a file", count=settings.LARGEST_FILE_MEGABYTES)),
        ],
        links=[(label, "/cai-dat/#chung")],
    )  # fmt: skip


def _mail(sending: MailSettings, who: Actor) -> Card:
    server = sending.server
    state = ("ok", _("Server connected")) if server else ("soon", _("No mail server yet"))
    facts: list[tuple[Sentence, Any]] = [(_("Sender"), sending.sender)]
    if sending.reply_to:
        facts.append((_("Replies go to"), sending.reply_to))
    if server is not None:
        facts += [
            (_("Server"), f"{server.host}:{server.port}"),
            (_("Signs in"), _("with a user name") if server.user else _("without a user name")),
        ]
    note = None if server else _("No mail server is set: mails wait here until there is one.")
    if sending.password_is_lost:
        state = ("late", _("Password can no longer be read"))
        note = _("The system has got another key. Type the password of the mail server again; until then mails wait.")
    label = _("Change the mail settings") if who.may("edit", "Setting") else _("See the mail settings")
    return Card("thu", _("Mail settings"), "mail", state, facts, note, [(label, f"{PATH}/thu/")])


def _outbox(facts: Facts, who: Actor, now: datetime) -> Card:
    state: tuple[str, Sentence] = ("ok", _("Nothing is stuck"))
    told: list[tuple[Sentence, Any]] = [(_("Waiting"), _counted(facts.waiting)), (_("Given up"), _counted(facts.dead))]
    oldest = facts.oldest_waiting_at
    if oldest is not None and now - oldest > services.LONG_WAIT:
        state = ("soon", _("Mails wait for long"))
        told.append((_("Oldest that should be out"), moment_text(oldest, now, who.time_zone)))
    if facts.dead:
        state = ("late", _("Some mails were given up"))
    onward = [(_("Open outgoing mail"), "/thu-di/")]
    if facts.dead:
        onward.insert(0, (_("See those given up"), "/thu-di/?trang_thai=dead"))
    return Card("thu-di", _("Outgoing mail"), "send", state, told, links=onward)


def _storage(session: Session, values: dict[str, Any], who: Actor) -> Card:
    folder, file = current_app.config["DATA_FOLDER"], sqlite_file(current_app.config["SQLALCHEMY_DATABASE_URI"])
    free, total = queries.free_disk(folder)
    state: tuple[str, Sentence] = ("ok", _("Enough room"))
    if free < _LITTLE:
        state = ("late", _("The disk is nearly full")) if free < _TOO_LITTLE else ("soon", _("Little room is left"))
    return Card(
        "luu-tru", _("Storage"), "device-floppy", state,
        [
            (_("Database"), _sized(queries.database_size(session, file))),
            (_("Uploaded files"), _sized(queries.folder_size(Path(current_app.config["UPLOAD_FOLDER"])))),
            (_("Exported files"), _sized(queries.folder_size(folder / "exports"))),
            (_("Free on the disk"), _("%(free)s of %(total)s", free=size_text(free), total=size_text(total))),
        ],
    )  # fmt: skip


def _log(facts: Facts, worker: Scheduler, who: Actor, now: datetime) -> Card:
    broken = worker.errors.get("audit.seal", "")
    at = facts.sealed_at
    state: tuple[str, Sentence] = ("ok", _("Sealed"))
    if broken:
        state = ("late", _("Sealing fails"))
    elif facts.overdue:
        state = ("late", _("%(count)s entries should be sealed by now", count=_counted(facts.overdue)))
    elif at is None:
        state = ("none", _("Not sealed yet"))
    return Card(
        "nhat-ky", _("Audit log"), "history", state,
        [
            (_("Last seal"), moment_text(at, now, who.time_zone) if at else _("none yet")),
            (_("Waiting for the next one"), _counted(facts.unsealed)),
        ],
        _("Sealed entries cannot be changed unseen. Whoever runs the system can check the whole chain."),
        [(_("Open the audit log"), "/nhat-ky/list/")],
    )  # fmt: skip


def _worker_problem(worker: Scheduler, now: datetime, who: Actor) -> Sentence | None:
    """Why nothing happens by itself at present."""
    if worker.status == "ok":
        return None
    if worker.status == "never" or worker.pulse_at is None:
        return _("What happens by itself has never run: no mail leaves and nobody is warned. Ask whoever runs the"
                 " system to start it.")  # fmt: skip
    if worker.status == "future":
        return _("The clock of the server is wrong: the last sign of life lies in the future. Have the clock set.")
    return _("What happens by itself has stood still for %(length)s, since %(when)s: no mail leaves and nobody is"
             " warned. Whoever runs the system starts it again.", length=length_text(now - worker.pulse_at),
             when=moment_inside(worker.pulse_at, now, who.time_zone))  # fmt: skip


# ── the test mail ──
def _test_mail(
    session: Session, values: dict[str, Any], who: Actor, now: datetime, *, has_server: bool
) -> dict[str, Any] | None:
    """What became of the last test mail; `is_open` while that may still change within moments."""
    mail = session.get(Outbox, values["test_mail_id"]) if values["test_mail_id"] else None
    if mail is None:
        return None
    kind, told, is_open = "soon", _("On its way"), True
    if mail.status is LeaseState.done:
        told = _("Sent. Look into your mailbox, and among unwanted mail if it is not there.")
        kind, is_open = "ok", False
    elif mail.status in (LeaseState.dead, LeaseState.held):
        kind, told, is_open = "late", _("Not sent: %(why)s", why=_why(mail, who)), False
    elif not has_server:
        told = _("No mail server yet: the mail waits under outgoing mail and can be read.")
        is_open = False
    elif mail.last_error:
        when = moment_inside(mail.next_at, now, who.time_zone)
        told = _("Not sent yet: %(why)s Next try %(when)s.", why=_why(mail, who), when=when)
    return {
        "kind": kind, "told": told, "is_open": is_open, "is_sent": mail.status is LeaseState.done,
        "to": address_of(mail, who) or _("(personal)"), "at": mail.sent_at or mail.created_at,
        "part_url": f"{PATH}/?phan=thu", "url": f"/thu-di/{mail.id}" if who.may("view", "Outbox") else None,
    }  # fmt: skip


def _why(mail: Outbox, who: Actor) -> Sentence:
    error = error_of(mail, who)
    return why_not_sent(error) if error else _("It was given up.")


def _my_address(session: Session, who: Actor) -> str:
    return services.address_of(session, who)


# ── the demo company ──
def _demo_page(dialog: RemovalDialog, *, problem: BusinessError | None = None, status: int = 200) -> Any:
    session = db.session()
    removed = told_removal(session)
    is_working = removed is not None and removed["is_working"]
    plan = None if is_working else removal.plan(session, by=edge.actor(), with_tried=bool(dialog.with_tried.data))
    return show(
        "administration/demo.html", status, form=dialog, plan=told_plan(plan) if plan else None, problem=problem,
        removal=removed, url=DEMO_PATH, company=settings.get(session, "company_name"), back=f"{PATH}/",
        crumbs=trail((_("Administration home"), f"{PATH}/"), here=_("Demo company")),
    )  # fmt: skip


# ── words ──
def _counted(count: int) -> Sentence:
    return _("more than %(count)s", count=number_text(MOST)) if count > MOST else number_text(count)


def _sized(size: Size) -> Sentence:
    told = size_text(size.bytes)
    return _("more than %(count)s", count=told) if size.at_least else told
