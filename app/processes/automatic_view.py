"""/tu-dong: what a process does by itself, written down and published without XML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core import edge, links
from app.core.db import db
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotFoundError, Sentence
from app.core.i18n import _
from app.core.pages import Page, done, page, refused_onto, show, trail
from app.customers.mails import TEMPLATES as TO_CUSTOMERS
from app.notifications.rules import template_kinds
from app.processes import automatic, drawing, queries, receivers
from app.processes.automatic import Automatic, Drawn
from app.processes.dialogs import HttpDialog, MailTaskDialog, SetDialog, TellDialog
from app.processes.drawing import ProcessNotPublishableError
from app.processes.engine.http import SECONDS
from app.processes.engine.problems import Severity
from app.processes.engine.redrawing import Words
from app.processes.models import Process
from app.processes.rules import TO_COLLEAGUES

KINDS: Mapping[str, tuple[Sentence, str]] = {
    "http": (_("Call a program outside"), "world"),
    "mail": (_("Send a mail"), "mail"),
    "message": (_("Tell another process something"), "message-2"),
    "set": (_("Set values"), "pencil"),
}
Dialog = SetDialog | MailTaskDialog | TellDialog | HttpDialog
_DIALOGS: Mapping[str, type[Dialog]] = {
    "http": HttpDialog, "mail": MailTaskDialog, "message": TellDialog, "set": SetDialog,
}  # fmt: skip


class AutomaticPages(Page):
    """/tu-dong/CODE: the tasks of the draft, one page for each, and a button that publishes."""

    resource = "Process"
    route_base = "/tu-dong"

    @page("/<code>/", right="edit")
    def index(self, code: str) -> Any:
        return _page(code)

    @page("/<code>/phat-hanh", "POST", right="approve")
    def publish(self, code: str) -> Any:
        try:
            with edge.transaction() as session:
                version, _warnings = drawing.publish_process(
                    session, _process(session, code, "approve"), by=edge.actor()
                )
                number = version.number
        except ProcessNotPublishableError as error:
            return _page(code, refused=error, status=422)
        except BusinessError as error:
            return refused_onto(links.automatic_path(code), error)
        return done(links.automatic_path(code), _("Version %(number)s is published. New process files follow it.",
                                                  number=number))  # fmt: skip

    @page("/<code>/moi/<kind>", right="edit")
    def new(self, code: str, kind: str) -> Any:
        return _task_page(code, None, _dialog(kind)(formdata=None, data=_blank(kind)), kind)

    @page("/<code>/moi/<kind>", "POST", right="edit")
    def add(self, code: str, kind: str) -> Any:
        dialog = _dialog(kind)()
        return _save(
            code, None, dialog, kind,
            lambda session, process: automatic.add(
                session, process, dialog.place.data or "", name=dialog.name.data or "", kind=kind,
                words=_words(dialog), rev=dialog.rev.data or 0, by=edge.actor(),
            ),
        )  # fmt: skip

    @page("/<code>/<task_id>", right="edit")
    def task(self, code: str, task_id: str) -> Any:
        task = _task(code, task_id)
        return _task_page(code, task, _dialog(task.kind)(formdata=None, data=_typed(task)), task.kind)

    @page("/<code>/<task_id>", "POST", right="edit")
    def change(self, code: str, task_id: str) -> Any:
        task = _task(code, task_id)
        dialog = _dialog(task.kind)()
        return _save(
            code, task, dialog, task.kind,
            lambda session, process: automatic.change(
                session, process, task.id, name=dialog.name.data or "", kind=task.kind, words=_words(dialog),
                rev=dialog.rev.data or 0, by=edge.actor(),
            ),
        )  # fmt: skip

    @page("/<code>/<task_id>/bo", "POST", right="edit")
    def take_out(self, code: str, task_id: str) -> Any:
        task = _task(code, task_id)
        try:
            with edge.transaction() as session:
                process = _process(session, code)
                found = automatic.drawn(session, process)
                automatic.take_out(session, process, task.id, rev=found.rev if found else 0, by=edge.actor())
        except BusinessError as error:
            return refused_onto(links.automatic_path(code), error)
        return done(links.automatic_path(code), _("“%(name)s” is taken out of the draft.", name=task.name))


def _process(session: Session, code: str, action: str = "edit") -> Process:
    process = queries.visible_process(session, code, edge.actor(), action)
    if process.archived_at is not None:
        raise NotFoundError
    return process


def _drawn(code: str) -> tuple[Process, Drawn | None]:
    session = db.session()
    process = _process(session, code)
    return process, automatic.drawn(session, process)


def _task(code: str, task_id: str) -> Automatic:
    _found, drawn = _drawn(code)
    task = next((one for one in drawn.tasks if one.id == task_id), None) if drawn else None
    if task is None:
        raise NotFoundError
    return task


def _page(code: str, *, refused: ProcessNotPublishableError | None = None, status: int = 200) -> Any:
    process, drawn = _drawn(code)
    problems = drawn.problems if drawn else ()
    return show(
        "processes/automatic.html", status,
        crumbs=trail((_("Processes"), "/quy-trinh/list/"), (process.name, links.process_path(process.id)),
                     here=_("What it does by itself")),
        process=process, draft=drawn, path=links.automatic_path(code), refused=refused,
        versions_url=links.versions_path(code),
        tasks=[
            {"url": links.automatic_path(code, one.id), "name": one.name, "kind": KINDS[one.kind][0],
             "icon": KINDS[one.kind][1], "told": _told(one), "is_code": one.kind != "mail",
             "problems": [problem.message for problem in one.problems]}
            for one in (drawn.tasks if drawn else ())
        ],
        addable=[(f"{links.automatic_path(code)}moi/{kind}", label, sign) for kind, (label, sign) in KINDS.items()],
        errors=[one.message for one in problems if one.severity is Severity.error],
        warnings=[one.message for one in problems if one.severity is Severity.warning],
        may_publish=queries.may(db.session(), process, edge.actor(), "approve"),
    )  # fmt: skip


def _told(task: Automatic) -> str:
    """In one line what it does."""
    words = task.words[0] if task.words else {}
    match task.kind:
        case "http":
            return (
                f"{words.get('method', 'POST')} {words.get('url') or words.get('receiver', '') + words.get('path', '')}"
            )
        case "mail":
            return str(_label(words.get("template", "")))
        case "message":
            return " ← ".join(filter(None, (words.get("name", ""), words.get("key", ""))))
    return ", ".join(f"{one.get('field', '')} = {one.get('value', '')}" for one in task.words)


def _label(template: str) -> Sentence:
    return template_kinds[template].label if template in template_kinds else template


# ── one task ──
def _save(
    code: str, task: Automatic | None, dialog: Dialog, kind: str, verb: Callable[[Session, Process], None]
) -> Any:
    try:
        with edge.transaction() as session:
            verb(session, _process(session, code))
    except InvalidInputError as error:
        for key, told in error.fields.items():
            if key in dialog:
                dialog[key].errors = [*dialog[key].errors, *map(str, told)]
        return _task_page(code, task, dialog, kind, status=422)
    except ConflictError as error:
        return _task_page(code, task, dialog, kind, problem=error, status=error.status)
    except NotFoundError:
        raise
    except BusinessError as error:
        return _task_page(code, task, dialog, kind, problem=error, status=error.status)
    return done(links.automatic_path(code), _("Saved in the draft: %(name)s", name=(dialog.name.data or "").strip()))


def _task_page(
    code: str,
    task: Automatic | None,
    dialog: Dialog,
    kind: str,
    *,
    problem: BusinessError | None = None,
    status: int = 200,
) -> Any:
    process, drawn = _drawn(code)
    if drawn is None:
        raise NotFoundError
    if not dialog.is_submitted():
        dialog.rev.data = drawn.rev
    if task is None:
        dialog.place.choices = [
            ("", _("Choose")),
            *((flow, f"{source} → {target}") for flow, source, target in drawn.places),
        ]
    else:
        del dialog.place
    if isinstance(dialog, MailTaskDialog):
        codes = sorted({*(one.code for one in TO_CUSTOMERS), *TO_COLLEAGUES})
        dialog.template.choices = _with_own(dialog.template.data, [(one, _label(one)) for one in codes])
    if isinstance(dialog, HttpDialog):
        known = [(one.code, f"{one.name} ({one.url})") for one in receivers.in_use(db.session())]
        dialog.receiver.choices = [("", _("None: the web address below")), *_with_own(dialog.receiver.data, known)]
    label, _sign = KINDS[kind]
    return show(
        "processes/automatic_task.html", status,
        crumbs=trail((process.name, links.process_path(process.id)),
                     (_("What it does by itself"), links.automatic_path(code)), here=task.name if task else label),
        form=dialog, kind=kind, label=label, task=task, problem=problem, keys=drawn.keys,
        back=links.automatic_path(code),
        remove_url=f"{links.automatic_path(code, task.id)}/bo" if task else None,
    )  # fmt: skip


def _with_own(chosen: str | None, known: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """What stands in the drawing stays to be seen though it is not known any more."""
    return [*known, *([(chosen, chosen)] if chosen and chosen not in dict(known) else [])]


def _dialog(kind: str) -> type[Dialog]:
    if kind not in _DIALOGS:
        raise NotFoundError
    return _DIALOGS[kind]


def _blank(kind: str) -> dict[str, Any]:
    return {"seconds": str(SECONDS), "tries": "1, 5, 30"} if kind == "http" else {}


def _typed(task: Automatic) -> dict[str, Any]:
    """What the task's words are in the form."""
    words = dict(task.words[0]) if task.words else {}
    match task.kind:
        case "set":
            lines = [f"{one.get('field', '')} = {one.get('value', '')}" for one in task.words]
            return {"name": task.name, "pairs": "\n".join(lines)}
        case "mail":
            to = words.get("to", "customer")
            address = to.removeprefix("field:") if to.startswith("field:") else ""
            waits = words.get("wait") == "sent"
            return {**words, "name": task.name, "to": "field" if address else to, "address": address, "waits": waits}
        case "message":
            return {
                "name": task.name, "message": words.get("name", ""), "known_by": words.get("key", ""),
                "pairs": _lines(words.get("gives", "")), "kept_for": _days(words.get("ttl", "")),
            }  # fmt: skip
    return {
        **words, "name": task.name, "method": words.get("method", "").upper() or "POST",
        "pairs": _lines(words.get("body", "")), "kept": _lines(words.get("takes", "")),
        "headers": _lines(words.get("headers", "")), "seconds": words.get("limit", f"PT{SECONDS}S")[2:-1],
        "tries": _minutes(words.get("tries", "PT1M, PT5M, PT30M")),
    }  # fmt: skip


def _words(dialog: Dialog) -> Words:
    """What was typed, as the drawing writes it."""
    match dialog:
        case SetDialog():
            return [
                {"field": field.strip(), "value": value.strip()}
                for field, _equals, value in (line.partition("=") for line in _typed_lines(dialog.pairs.data))
            ]
        case MailTaskDialog():
            to = f"field:{(dialog.address.data or '').strip()}" if dialog.to.data == "field" else dialog.to.data or ""
            said = {"template": dialog.template.data or "", "to": to, "words": (dialog.words.data or "").strip()}
            return [{**said, "wait": "sent" if dialog.waits.data else ""}]
        case TellDialog():
            return [
                {
                    "name": (dialog.message.data or "").strip(),
                    "key": (dialog.known_by.data or "").strip(),
                    "gives": _joined(dialog.pairs.data),
                    "ttl": _in_days(dialog.kept_for.data or ""),
                }
            ]
    seconds = (dialog.seconds.data or "").strip()
    return [
        {
            "receiver": dialog.receiver.data or "",
            "url": (dialog.url.data or "").strip(),
            "path": (dialog.path.data or "").strip(),
            "method": dialog.method.data or "",
            "body": _joined(dialog.pairs.data),
            "takes": _joined(dialog.kept.data),
            "headers": _joined(dialog.headers.data),
            "limit": f"PT{seconds}S" if seconds else "",
            "tries": _pauses(dialog.tries.data or ""),
        }
    ]


def _typed_lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _joined(text: str | None) -> str:
    return ", ".join(line.rstrip(",") for line in _typed_lines(text))


def _lines(text: str) -> str:
    parts = (part.partition("=") for part in text.split(",") if part.strip())
    return "\n".join(f"{to.strip()} = {key.strip()}" if key.strip() else to.strip() for to, _equals, key in parts)


def _days(ttl: str) -> str:
    """P2D → 2; what is no whole number of days stays as it is written."""
    text = ttl.strip()
    return text[1:-1] if text.startswith("P") and text.endswith("D") and text[1:-1].isdigit() else text


def _in_days(text: str) -> str:
    text = text.strip()
    return f"P{text}D" if text.isascii() and text.isdigit() else text


def _minutes(tries: str) -> str:
    """PT1M, PT5M → 1, 5; what is no whole number of minutes stays as it is written."""
    parts = [part.strip() for part in tries.split(",") if part.strip() not in ("", "none")]
    return ", ".join(part[2:-1] if part.startswith("PT") and part[2:-1].isdigit() and part.endswith("M") else part
                     for part in parts)  # fmt: skip


def _pauses(text: str) -> str:
    parts = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    return ", ".join(f"PT{part}M" if part.isascii() and part.isdigit() else part for part in parts) or "none"
