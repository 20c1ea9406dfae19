"""/nhom-khach-hang: the segments, one with its conditions and its number, and what is done with it by a button."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import jsonify, request
from sqlalchemy.orm import Session

from app.core import edge
from app.core.access import Actor, get_visible
from app.core.conditions.examples import example
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError, ConflictError, InvalidInputError, NotFoundError
from app.core.formats import number_text
from app.core.i18n import _, ngettext
from app.core.lists import LONGEST_CONDITION
from app.core.pages import Page, Undo, done, page, refused_onto, show, trail
from app.core.screens import chooser
from app.customers.segments import queries, services
from app.customers.segments.dialogs import SegmentDialog
from app.customers.segments.models import Segment

PATH = "/nhom-khach-hang"
_HERE = (_("Customer segments"), f"{PATH}/")
#: verb in the address → what is done, what is said, the way back
_VERBS: dict[str, tuple[Any, Any, str]] = {
    "bo-dong-bang": (services.unfreeze, _("The segment “%(name)s” follows its conditions again."), "dong-bang-lai"),
    "cat": (services.archive_segment, _("The segment “%(name)s” is archived."), "khoi-phuc"),
    "khoi-phuc": (services.restore_segment, _("The segment “%(name)s” is back."), "cat"),
}
_FREEZING = {"dong-bang": services.freeze, "dong-bang-lai": services.freeze_again}


class SegmentPages(Page):
    """/nhom-khach-hang: groups of customers under a name."""

    resource = "Customer"
    route_base = PATH

    @page("/")
    def index(self) -> Any:
        """?so=1: how many customers each has, which the page asks for once it is there."""
        session, who = db.session(), edge.actor()
        archived = request.args.get("luu-tru") == "1"
        found = session.scalars(queries.segments(who, archived=archived)).unique().all()
        if request.args.get("so") == "1":
            counted = queries.counts(session, who, found)
            return show("segments/_counts.html", counts={one.id: counted.get(one.id) for one in found})
        told = {one.id: queries.read(one, who) for one in found}
        return show(
            "segments/list.html", archived=archived, path=PATH,
            segments=[
                {"row": one, "read": told[one.id], "mine": one.owner_id == who.user_id,
                 "list_url": _list_url(one, who)}
                for one in found
            ],
        )  # fmt: skip

    @page("/moi")
    def new(self) -> Any:
        """?where= begins with the conditions that the customers' list has at the moment."""
        return _page(None, SegmentDialog(formdata=None), request.args.get("where", "")[:LONGEST_CONDITION])

    @page("/moi", "POST")
    def create(self) -> Any:
        dialog, where = SegmentDialog(), request.form.get("where", "")[: LONGEST_CONDITION + 1]
        if not dialog.validate():
            return _page(None, dialog, where, error=_wrong_in(where), status=422)
        try:
            with edge.transaction() as session:
                made = services.create_segment(session, _typed(dialog, where), by=edge.actor())
                address, name = segment_path(made.id), made.name
        except InvalidInputError as error:
            return _page(None, dialog, where, error=error, status=422)
        return done(address, _("The segment “%(name)s” is kept.", name=name))

    @page("/dem", "POST")
    def count(self) -> Any:
        """How many customers fulfil a typed condition: {"count", "text"}, or {"refusal", "row"} with what is wrong."""
        who = edge.actor()
        condition, refused = services.read_rows(request.form.get("where", "")[: LONGEST_CONDITION + 1], who)
        if condition is None:
            has_typed = bool(request.form.get("where", "").strip())
            sentence = str(refused.sentence) if refused is not None and has_typed else None
            row = refused.row if refused is not None else None
            return jsonify(count=None, text="", refusal=sentence, row=row)
        number = queries.count(db.session(), who, queries.customer_list().narrowed(condition, who))
        return jsonify(count=number, text=str(_counted(number)), refusal=None, row=None)

    @page("/<segment_id>")
    def segment(self, segment_id: str) -> Any:
        segment = _segment(segment_id)
        dialog = SegmentDialog(formdata=None, obj=segment, team=_team(segment))
        return _page(segment, dialog, _where(segment, edge.actor()))

    @page("/<segment_id>", "POST")
    def change(self, segment_id: str) -> Any:
        number, segment = row_id(segment_id), _segment(segment_id)
        dialog, where = SegmentDialog(team=_team(segment)), request.form.get("where", "")[: LONGEST_CONDITION + 1]
        if not dialog.validate():
            return _page(segment, dialog, where, error=_wrong_in(where), status=422)
        try:
            with edge.transaction() as session:
                typed = _typed(dialog, where)
                services.change_segment(session, number, typed, rev=dialog.rev.data or 0, by=edge.actor())
        except InvalidInputError as error:
            return _page(_segment(segment_id), dialog, where, error=error, status=422)
        except ConflictError as error:
            dialog.rev.raw_data, dialog.rev.data = None, error.details.get("rev")
            return _page(_segment(segment_id), dialog, where, error=error, status=error.status)
        return done(segment_path(number), _("The segment “%(name)s” is kept.", name=dialog.name.data))

    @page("/<segment_id>/<verb>", "POST")
    def act(self, segment_id: str, verb: str) -> Any:
        """Freeze, let move again, put away, bring back."""
        number, by = row_id(segment_id), edge.actor()
        name, address = _segment(segment_id).name, segment_path(number)
        if verb not in _FREEZING and verb not in _VERBS:
            raise NotFoundError
        told: Any
        try:
            with edge.transaction() as session:
                if verb in _FREEZING:
                    held = _FREEZING[verb](session, number, by=by)
                    told = ngettext("Frozen with %(num)d customer.", "Frozen with %(num)d customers.", held)
                    back = "bo-dong-bang"
                else:
                    does, sentence, back = _VERBS[verb]
                    does(session, number, by=by)
                    told = str(sentence) % {"name": name}
        except BusinessError as error:
            return refused_onto(address, error)
        return done(address, told, undo=Undo(f"{address}/{back}") if back else None)


def segment_path(number: int) -> str:
    return f"{PATH}/{number}"


def _segment(number: str) -> Segment:
    return get_visible(db.session(), Segment, row_id(number), edge.actor())


def _team(segment: Segment) -> tuple[int, str] | None:
    return (segment.team.id, segment.team.name) if segment.team is not None else None


def _typed(dialog: SegmentDialog, where: str) -> services.Typed:
    return services.Typed(dialog.name.data or "", where, dialog.purpose.data or "", dialog.team)


def _wrong_in(where: str) -> InvalidInputError | None:
    """What is wrong with the condition too, where something beside it is."""
    _condition, refused = services.read_rows(where, edge.actor())
    return None if refused is None else InvalidInputError(fields={"where": [refused.sentence]})


def _where(segment: Segment, who: Actor) -> str:
    condition = queries.read(segment, who).condition
    return condition.text if condition is not None else ""


def _list_url(segment: Segment, who: Actor) -> str | None:
    """The customers' list narrowed to it."""
    where = _where(segment, who)
    if segment.is_frozen and not queries.read(segment, who).hidden:
        where = f"segment = '{segment.id}'"
    return f"/khach-hang/list/?{urlencode({'view': '0', 'where': where})}" if where else None


def _counted(number: int) -> Any:
    return ngettext(
        "%(number)s customer that you see", "%(number)s customers that you see", number, number=number_text(number)
    )


def _page(
    segment: Segment | None, dialog: SegmentDialog, where: str, *, error: BusinessError | None = None, status: int = 200
) -> Any:
    session, who = db.session(), edge.actor()
    refused = {key: [str(one) for one in told] for key, told in (error.fields if error else {}).items()}
    dialog.name.errors = refused.get("name", list(dialog.name.errors))
    dialog.purpose.errors = refused.get("purpose", list(dialog.purpose.errors))
    dialog.team_id.errors = refused.get("team", list(dialog.team_id.errors))
    may_edit = segment is None or _may_edit(session, segment, who)
    told = queries.read(segment, who) if segment is not None else None
    return show(
        "segments/segment.html", status, segment=segment, form=dialog, path=PATH, may_edit=may_edit, told=told,
        refusal=next(iter(refused.get("where", ())), None), problem=error if error and not error.fields else None,
        editor=_editor(where, who) if may_edit and not (told is not None and told.hidden) else None,
        counted=_counted_of(session, segment, who) if segment is not None else None,
        list_url=_list_url(segment, who) if segment is not None else None,
        crumbs=trail(_HERE, here=segment.name if segment is not None else _("New segment")),
    )  # fmt: skip


def _may_edit(session: Session, segment: Segment, who: Actor) -> bool:
    if not who.is_himself or segment.archived_at is not None:
        return False
    try:
        get_visible(session, Segment, segment.id, who, "edit")
    except BusinessError:
        return False
    return True


def _editor(where: str, who: Actor) -> dict[str, Any]:
    """What the script that puts conditions together begins with."""
    condition, _refused = services.read_rows(where, who)
    fields = queries.customer_list().fields_for(who)
    return {
        "text": where, "stored": condition.to_json() if condition else None,
        "names": chooser.names_in(condition, fields, who) if condition else {},
        "example": " and ".join(example(fields[key]) for key in ("tier", "bought_times") if key in fields),
    }  # fmt: skip


def _counted_of(session: Session, segment: Segment, who: Actor) -> Any:
    try:
        return _counted(queries.count(session, who, queries.belongs(segment, who)))
    except BadRequestError as refusal:
        return refusal.message
