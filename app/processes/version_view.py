"""/phien-ban: how many process files run by which version, and moving them to another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import redirect, request
from sqlalchemy.orm import Session

from app.core import edge, links, paging
from app.core.access import Actor
from app.core.db import LARGEST_ID, db
from app.core.errors import BusinessError, InvalidInputError, Sentence
from app.core.i18n import _, ngettext
from app.core.leases import LeaseState
from app.core.pages import ENOUGH, Page, done, page, page_number, page_of, refused_onto, show, trail
from app.core.screens.parts import RecordLink
from app.processes import migrating, queries, version_moves
from app.processes.engine.graph import RESTING, Definition
from app.processes.engine.migrating import Obstacle
from app.processes.migrating import Verdict
from app.processes.models import Process, ProcessInstance, ProcessVersion, VersionMove, VersionState
from app.processes.services import why_given

ROWS = paging.PAGE_SIZE
_NOTHING_CHOSEN = _("Please choose at least one process file.")
_THROUGH = _("The chosen process files have ended or run by this version by now.")
#: how a field of the address begins that says where an element goes
GOES = "sang_"
#: what somebody can settle by saying which element it is there
_BY_NAME = frozenset({Obstacle.step_gone, Obstacle.other_kind, Obstacle.done_gone, Obstacle.done_changed})


class VersionPages(Page):
    """/phien-ban/CODE: the versions of a process, and what still runs by older ones."""

    resource = "Process"
    route_base = "/phien-ban"

    @page("/<code>/", right="edit")
    def index(self, code: str) -> Any:
        """`?phan=1` is the part that tells how far it is, and asks again by itself."""
        if request.args.get("phan") != "1":
            return _page(code)
        session = db.session()
        process = queries.visible_process(session, code, edge.actor(), "edit")
        newest = version_moves.newest(session, process.id)
        if newest is None or not newest.is_working:
            return "", ENOUGH, {"HX-Refresh": "true"}
        return show("processes/_moving.html", path=links.versions_path(code), all=_all(newest))

    @page("/<code>/", "POST", right="edit")
    def move(self, code: str) -> Any:
        """By the address the version and what is called otherwise there; by the form which ones, and why."""
        actor, session = edge.actor(), db.session()
        process = queries.visible_process(session, code, actor, "edit")
        try:
            version = migrating.target(session, process, _number(request.args.get("den", "")))
            names = migrating.named(session, version, _names())
            why = why_given(request.form.get("reason", ""))
            asked = [_number(text) for text in dict.fromkeys(request.form.getlist("ho_so"))][:ROWS]
            chosen = _still_elsewhere(session, version, actor, asked)
            if not chosen and request.form.get("tat_ca") != "1":
                raise InvalidInputError(fields={"ho_so": [_NOTHING_CHOSEN if not asked else _THROUGH]})
        except InvalidInputError as error:
            return _page(code, error.status, wrong=error.fields)
        number, version_id = version.number, version.id
        anew = request.form.get("dong_ho") == "lai"
        if request.form.get("tat_ca") == "1":
            return _move_all(version, names, by=actor, reason=why, anew=anew)
        stays: dict[int, Sentence] = {}
        for instance_id in chosen:
            try:
                with edge.transaction() as inside:
                    migrating.move_to_version(
                        inside, instance_id, inside.get_one(ProcessVersion, version_id), by=actor, reason=why,
                        names=names, anew=anew,
                    )  # fmt: skip
            except BusinessError as error:
                stays[instance_id] = error.message
        moved = len(chosen) - len(stays)
        if stays:
            return _page(code, 200 if moved else 409, moved=moved, stays=stays)
        return done(
            f"{links.versions_path(code)}?{urlencode({'den': number, **_fields(names)})}", _moved(moved, number)
        )

    @page("/<code>/dung", "POST", right="edit")
    def stop(self, code: str) -> Any:
        """What is moved by now stays there."""
        try:
            with edge.transaction() as session:
                process = queries.visible_process(session, code, edge.actor(), "edit")
                number = version_moves.stop(session, process.id, by=edge.actor()).version.number
        except BusinessError as refusal:
            return refused_onto(links.versions_path(code), refusal)
        return done(f"{links.versions_path(code)}?den={number}", _("Stopped. What is moved by now stays there."))


def _still_elsewhere(session: Session, version: ProcessVersion, actor: Actor, chosen: Sequence[int]) -> Sequence[int]:
    """Those of them that are to be moved at all: sent once more, what was moved by then is moved no second time."""
    found = migrating.running_elsewhere(version, actor).where(ProcessInstance.id.in_(chosen))
    return [one.id for one in session.scalars(found).unique()]


def _move_all(version: ProcessVersion, names: dict[str, str], *, by: Actor, reason: str, anew: bool) -> Any:
    code, number, version_id = version.process.code, version.number, version.id
    back = f"{links.versions_path(code)}?den={number}"
    try:
        with edge.transaction() as inside:
            to = inside.get_one(ProcessVersion, version_id)
            version_moves.begin(inside, to, names, by=by, reason=reason, anew=anew)
    except BusinessError as refusal:
        return refused_onto(back, refusal)
    return redirect(back)


def _moved(count: int, number: int) -> Sentence:
    return ngettext(
        "One process file was moved to version %(version)s.",
        "%(num)d process files were moved to version %(version)s.", count, version=number,
    )  # fmt: skip


def version_links(row: Any, resource: str, _record_id: int, who: Actor) -> Iterator[RecordLink]:
    """In the menu of a process, for whoever may draw it."""
    if resource == "Process" and isinstance(row, Process) and who.may("edit", "Process"):
        yield RecordLink(_("Versions"), links.versions_path(row.code), "versions")


def _page(
    code: str,
    status: int = 200,
    *,
    wrong: Mapping[str, Sequence[object]] | None = None,
    moved: int = 0,
    stays: Mapping[int, Sentence] | None = None,
) -> Any:
    """`wrong` by field; `stays`: those of which it was just tried, and why not, while `moved` others were moved."""
    actor, session, asked = edge.actor(), db.session(), request.args.get("den")
    process = queries.visible_process(session, code, actor, "edit")
    versions = migrating.published(session, process.id)
    number = _number(asked) if asked else (versions[0].number if versions else 0)
    version = next((one for one in versions if one.number == number), None)
    wrong, names, stays = dict(wrong or {}), {}, stays or {}
    if version is not None:
        try:
            names = migrating.named(session, version, _names())
        except InvalidInputError as error:
            wrong.update(error.fields)
    found: list[Verdict] = []
    count = migrating.count_by_version(session, process, actor)
    others, at = sum(count.values()) - count.get(number, 0), page_number()
    if version is not None and others:
        rows = migrating.running_elsewhere(version, actor)
        # Beside what was just tried its reason stands, on whichever page it came to lie.
        some = rows.where(ProcessInstance.id.in_(stays)) if stays else rows.limit(ROWS).offset((at - 1) * ROWS)
        found = migrating.verdicts(session, version, names, session.scalars(some).unique().all())
    path, all_of_them = links.versions_path(code), version_moves.newest(session, process.id)
    ticked = request.form.getlist("ho_so") if request.method == "POST" else None
    return show(
        "processes/versions.html",
        status,
        process=process,
        path=path,
        crumbs=trail((_("Processes"), "/quy-trinh/list/"), (process.name, links.process_path(process.id)),
                     here=_("Versions")),
        versions=[
            {"number": one.number, "at": one.published_at, "in_use": one.state is VersionState.published,
             "count": count.get(one.number, 0), "url": f"{path}?den={one.number}"}
            for one in versions
        ],
        target=version.number if version is not None else None,
        rows=[_row(one, ticked, stays.get(one.instance.id)) for one in found],
        others=others,
        all=_all(all_of_them) if all_of_them is not None else None,
        came=_came(moved, len(stays), number) if stays else None,
        page=page_of(at, len(found), (others, False), size=ROWS),
        back=f"{path}?{urlencode({'den': number, **_fields(names)})}",
        lost=_lost(found, names, queries.definition_of(version)) if version is not None else [],
        was=request.form,
        wrong={key: " ".join(map(str, sentences)) for key, sentences in wrong.items()},
    )  # fmt: skip


def _all(move: VersionMove) -> dict[str, Any]:
    """How far it is with all of them, or how it ended."""
    done = move.moved + move.stayed
    return {
        "is_working": move.is_working, "version": move.version.number, "by": move.member.name,
        "at": move.finished_at or move.created_at, "moved": move.moved, "stayed": move.stayed,
        "is_stopped": move.status is LeaseState.dead, "problem": move.problem,
        "done": done, "total": max(move.rows_all, done), "percent": 100 * done // max(move.rows_all, done, 1),
    }  # fmt: skip


def _came(moved: int, stays: int, number: int) -> Sentence:
    """What came of it where not all were moved."""
    left = ngettext(
        "One stays as it is; the reason stands beside it.", "%(num)d stay as they are; the reasons stand beside them.",
        stays,
    )  # fmt: skip
    return f"{_moved(moved, number)} {left}" if moved else left


def _row(one: Verdict, ticked: Sequence[str] | None, refused: Sentence | None) -> dict[str, Any]:
    reasons = [migrating.told(reason) for reason in one.against]
    return {
        "id": one.instance.id, "code": one.instance.code, "url": links.instance_path(one.instance.id),
        "version": one.instance.version.number, "started_at": one.instance.started_at, "safe": one.is_safe,
        "ticked": one.is_safe and (ticked is None or str(one.instance.id) in ticked),
        "reasons": reasons or ([refused] if refused else []),
    }  # fmt: skip


def _lost(found: Sequence[Verdict], names: Mapping[str, str], new: Definition) -> list[dict[str, Any]]:
    """What the other version does not have, and which of its elements it could be: {field, name, chosen, choices}."""
    lost = {why.element: why.name for one in found for why in one.against if why.code in _BY_NAME}
    for one in found:
        nodes = queries.definition_of(one.instance.version).nodes
        lost |= {source: nodes[source].title for source in names if source in nodes}
    choices = [
        (node.id, node.title) for node in new.nodes.values() if node.kind in RESTING or node.is_join or node.takes_time
    ]
    return [
        {"field": GOES + source, "name": name, "chosen": names.get(source, ""), "choices": choices}
        for source, name in lost.items()
    ]


def _names() -> dict[str, str]:
    """By the address: the element here, and the one there."""
    return {key.removeprefix(GOES): to for key, to in request.args.items() if key.startswith(GOES) and to}


def _fields(names: Mapping[str, str]) -> dict[str, str]:
    return {GOES + source: to for source, to in names.items()}


def _number(text: str) -> int:
    """0 for what is none: nothing has that number."""
    return min(int(text), LARGEST_ID) if text.isascii() and text.isdigit() and len(text) <= 12 else 0
