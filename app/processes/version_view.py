"""/phien-ban: how many process files run by which version, and moving them to another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import flash, request

from app.core import edge, links
from app.core.access import Actor
from app.core.db import LARGEST_ID, db
from app.core.errors import BusinessError, InvalidInputError
from app.core.i18n import _, ngettext
from app.core.pages import Page, done, page, show, trail
from app.core.screens.parts import RecordLink
from app.processes import migrating, queries
from app.processes.engine.graph import RESTING, Definition
from app.processes.engine.migrating import Obstacle
from app.processes.migrating import MOST_AT_ONCE, Verdict
from app.processes.models import Process, ProcessVersion, VersionState
from app.processes.services import why_given

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
        return _page(code, request.args)

    @page("/<code>/chuyen", "POST", right="edit")
    def move(self, code: str) -> Any:
        asked, actor, session = request.form, edge.actor(), db.session()
        process = queries.visible_process(session, code, actor, "edit")
        try:
            version = migrating.target(session, process, _number(asked.get("den", "")))
            names = migrating.named(session, version, _names(asked))
            why = why_given(asked.get("reason", ""))
            chosen = [_number(text) for text in dict.fromkeys(asked.getlist("ho_so"))][:MOST_AT_ONCE]
            if not chosen:
                raise InvalidInputError(fields={"ho_so": [_("Please choose at least one process file.")]})
        except InvalidInputError as error:
            return _page(code, asked, error.fields, error.status)
        number, version_id, moved = version.number, version.id, 0
        for instance_id in chosen:
            try:
                with edge.transaction() as inside:
                    migrating.move_to_version(
                        inside, instance_id, inside.get_one(ProcessVersion, version_id), by=actor, reason=why,
                        names=names, anew=asked.get("dong_ho") == "lai",
                    )  # fmt: skip
                    moved += 1
            except BusinessError as error:
                code_of = queries.instance_code(instance_id)
                flash(_("%(code)s stays as it is: %(reason)s", code=code_of, reason=error.message), "warning")
        back = f"{links.versions_path(code)}?den={number}"
        if not moved:
            return _page(code, asked, {}, 409)
        told = ngettext(
            "One process file was moved to version %(version)s.",
            "%(num)d process files were moved to version %(version)s.", moved, version=number,
        )  # fmt: skip
        return done(back, told)


def version_links(row: Any, resource: str, _record_id: int, who: Actor) -> Iterator[RecordLink]:
    """In the menu of a process, for whoever may draw it."""
    if resource == "Process" and isinstance(row, Process) and who.may("edit", "Process"):
        yield RecordLink(_("Versions"), links.versions_path(row.code), "versions")


def _page(
    code: str, asked: Mapping[str, str], wrong: Mapping[str, Sequence[object]] | None = None, status: int = 200
) -> Any:
    actor, session = edge.actor(), db.session()
    process = queries.visible_process(session, code, actor, "edit")
    versions = migrating.published(session, process.id)
    number = _number(asked["den"]) if asked.get("den") else (versions[0].number if versions else 0)
    version = next((one for one in versions if one.number == number), None)
    wrong, names = dict(wrong or {}), {}
    if version is not None:
        try:
            names = migrating.named(session, version, _names(asked))
        except InvalidInputError as error:
            wrong.update(error.fields)
    found: list[Verdict] = []
    count = migrating.count_by_version(session, process, actor)
    if version is not None and sum(count.values()) > count.get(version.number, 0):
        some = session.scalars(migrating.running_elsewhere(version, actor).limit(MOST_AT_ONCE)).unique().all()
        found = migrating.verdicts(session, version, names, some)
    path = links.versions_path(code)
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
        rows=[_row(one, ticked) for one in found],
        others=sum(count.values()) - count.get(number, 0),
        lost=_lost(found, names, queries.definition_of(version)) if version is not None else [],
        names=[(GOES + source, to) for source, to in names.items()],
        was=asked,
        wrong={key: " ".join(map(str, sentences)) for key, sentences in wrong.items()},
    )  # fmt: skip


def _row(one: Verdict, ticked: Sequence[str] | None) -> dict[str, Any]:
    return {
        "id": one.instance.id, "code": one.instance.code, "url": links.instance_path(one.instance.id),
        "version": one.instance.version.number, "started_at": one.instance.started_at, "safe": one.is_safe,
        "ticked": one.is_safe and (ticked is None or str(one.instance.id) in ticked),
        "reasons": [migrating.told(reason) for reason in one.against],
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


def _names(asked: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(GOES): to for key, to in asked.items() if key.startswith(GOES) and to}


def _number(text: str) -> int:
    """0 for what is none: nothing has that number."""
    return min(int(text), LARGEST_ID) if text.isascii() and text.isdigit() and len(text) <= 12 else 0
