"""How does an earlier value come back? Shown before, then saved like any edit: the same form, checks and service.

What no form changes comes back by the services that change it: parts of a record (PartBack), and being put away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from sqlalchemy import inspect, select
from sqlalchemy.orm import RelationshipDirection, Session
from werkzeug.datastructures import MultiDict
from wtforms import SelectField

from app.core import audit, edge, history
from app.core.access import Actor, get_visible, has_row_rule, visible
from app.core.audit import AuditAction, AuditEvent, AuditSensitive, is_personal
from app.core.db import Revisioned, db, row_id
from app.core.errors import BusinessError, ConflictError, NotFoundError
from app.core.formats import exact_text
from app.core.guarded import key_of
from app.core.i18n import _
from app.core.lists import list_of
from app.core.pages import trail
from app.core.screens import merging
from app.core.screens.doors import route
from app.core.screens.editing import EditPart
from app.core.screens.merging import Said
from app.core.screens.records import HISTORY, Opened
from app.core.screens.saving import saving

_NOT_THERE = object()


@dataclass(frozen=True)
class Back:
    """A field that can be brought back: as it is, and as it was before the change."""

    name: str
    label: Any
    now: Said
    was: Said

    @property
    def differs(self) -> bool:
        return self.now.sent != self.was.sent


@dataclass(frozen=True)
class PartBack:
    """How a change of a part of a record is taken back, where a service can do so."""

    model: type[Any]
    #: the column that says of which record it is a part
    of: str
    #: what the change replaced and is otherwise now, as far as this person may change it; nothing: there is no way back
    fields: Callable[[Any, AuditEvent, Actor], Sequence[Back]]
    take_back: Callable[[Session, Any, AuditEvent, Actor], None]


#: of a record that was put away or taken back: the action that does the opposite
_OPPOSITE = {audit.ARCHIVED: "restore", audit.RESTORED: "archive"}
#: table → the screen of the records whose parts its rows are
_screens_of_parts: dict[str, RestorePart] = {}


class RestorePart(EditPart):
    """Old values of a row, out of its history."""

    #: its parts whose changes can be taken back
    parts_back: ClassVar[Sequence[PartBack]] = ()

    def __init__(self, **kwargs: Any) -> None:
        if not self.edit_columns:
            self.exclude_route_methods = {*self.exclude_route_methods, "bring_back"}
        super().__init__(**kwargs)
        _screens_of_parts.update({one.model.__tablename__: self for one in self.parts_back})

    @cached_property
    def _restorable(self) -> Mapping[str, str]:
        """Column of the table → field of the form in which it is changed."""
        mapper, found = inspect(self.model), {}
        for name in self.edit_columns:
            relation = mapper.relationships.get(name)
            if name in mapper.columns:
                found[name] = name
            elif relation is not None and relation.direction is RelationshipDirection.MANYTOONE:
                found[mapper.get_property_by_column(next(iter(relation.local_columns))).key] = name
        return found

    def restorable(self, event: AuditEvent, who: Actor) -> Mapping[str, str]:
        """Column → field of the form, of what the change can be taken back by this person."""
        if event.action is not AuditAction.change or event.table_name != self.model.__tablename__:
            return {}
        return {
            column: name for column, name in self._restorable.items()
            if column in event.changes and who.writes(self.resource, key_of(name))
        }  # fmt: skip

    def way_back(
        self, session: Session, event: AuditEvent, who: Actor, kept: Set[tuple[int, str]], *, may_edit: bool
    ) -> str | None:
        """Where the change can be taken back by this person. `kept`: the personal values that were not erased."""
        opposite = self.actions.get(_OPPOSITE.get(event.name or "", ""))
        if opposite is not None and event.table_name == self.model.__tablename__ and "archived_at" in event.changes:
            item = session.get(self.model, event.record_id)
            is_offered = item is not None and self._may_act(who, opposite) and self.offers(opposite.name, item)
            return url_for(f"{self.endpoint}.preview", name=opposite.name, pk=event.record_id) if is_offered else None
        if not may_edit:
            return None
        key, columns = event.record_id, self.restorable(event, who)
        back, part = self._part_of(session, event)
        if back is not None and back.fields(part, event, who):
            key = getattr(part, back.of)
        elif not any(not is_personal(event.changes[one]) or (event.id, one) in kept for one in columns):
            return None
        return f"{self.route_base}/khoi-phuc/{key}/{event.id}"

    def _part_of(self, session: Session, event: AuditEvent) -> tuple[PartBack | None, Any]:
        back = next((one for one in self.parts_back if one.model.__tablename__ == event.table_name), None)
        is_change = back is not None and event.action is AuditAction.change
        part = session.get(back.model, event.record_id) if back is not None and is_change else None
        return (None, None) if part is None else (back, part)

    @route("/khoi-phuc/<pk>/<event_id>", right="edit", methods=("GET", "POST"))
    def bring_back(self, pk: str, event_id: str) -> Any:
        """The values that a change replaced: what they are now, what they will be; then they are saved."""
        who, key = edge.actor(), row_id(pk)
        item = get_visible(db.session(), self.model, key, who, "edit")
        event = db.session().get(AuditEvent, row_id(event_id))
        back, part = (None, None) if event is None else self._part_of(db.session(), event)
        if event is not None and back is not None and getattr(part, back.of) == key:
            return self._bring_part_back(item, event, back, part, who)
        if event is None or event.record_id != key or not self.restorable(event, who):
            raise NotFoundError
        fields = self._fields_back(item, event, who)
        if request.method == "GET" or not any(one.differs for one in fields):
            return self._restore_page(item, event, fields)
        reason = history.restoring(event)
        form = self._form_back(item, fields)
        if not self._lock(form, who, item) or not form.validate():
            return self._restore_page(item, event, fields, form, status=422)
        try:
            with saving() as session:
                item = self._locked(session, key, who, "edit")
                self._refuse_stale(session, item, form)
                audit.because(session, reason)
                self.change(session, item, form, by=who)
        except NotFoundError:
            raise
        except BusinessError as refusal:
            self._tell(form, refusal)
            item = get_visible(db.session(), self.model, key, who, "edit")
            event = db.session().get_one(AuditEvent, row_id(event_id))
            if isinstance(refusal, ConflictError):
                fields = self._fields_back(item, event, who)
            return self._restore_page(item, event, fields, form, status=refusal.status)
        flash(str(_("Brought back: %(name)s", name=self.row_title(item))), "success")
        return redirect(self._back(self.row_url(item)))

    def _parts_read(self, session: Session, events: Sequence[AuditEvent]) -> list[Any]:
        """The parts that these events tell of, at once: what is held is not asked for again."""
        found: list[Any] = []
        for back in self.parts_back:
            ids = {one.record_id for one in events if one.table_name == back.model.__tablename__}
            found += session.scalars(select(back.model).where(back.model.id.in_(ids))) if ids else ()
        return found

    def _bring_part_back(self, item: Any, event: AuditEvent, back: PartBack, part: Any, who: Actor) -> Any:
        fields, title = back.fields(part, event, who), self.row_title(item)
        if request.method == "GET" or not fields:
            return self._restore_page(item, event, fields)
        reason, key, event_id = history.restoring(event), part.id, event.id
        try:
            with saving() as session:
                audit.because(session, reason)
                back.take_back(session, session.get_one(back.model, key), session.get_one(AuditEvent, event_id), who)
        except NotFoundError:
            raise
        except BusinessError as refusal:
            event, item = db.session().get_one(AuditEvent, event_id), db.session().get_one(self.model, item.id)
            told = [refusal.message, *(one for errors in refusal.fields.values() for one in errors)]
            return self._restore_page(item, event, fields, told=told, status=refusal.status)
        flash(str(_("Brought back: %(name)s", name=title)), "success")
        return redirect(self._back(self.row_url(item)))

    def _fields_back(self, item: Any, event: AuditEvent, who: Actor) -> list[Back]:
        """Those of which the log still keeps the old value."""
        old = _old_values(db.session(), self.model, event, self.restorable(event, who), who)
        now = merging.said(self.edit_form(formdata=None, obj=item), old)
        was = merging.said(self.edit_form(formdata=None, data=old), old)
        return [Back(name, self.label_columns[name], now[name], was[name]) for name in old]

    def _form_back(self, item: Any, fields: Sequence[Back]) -> Any:
        """The form of the row as it is, with the old values in these fields, as if somebody had typed them."""
        present = self.edit_form(formdata=None, obj=item)
        typed = {name: one.sent for name, one in merging.said(present, self.edit_columns).items()}
        typed |= {one.name: one.was.sent for one in fields}
        # As a browser sends them: a box that is not ticked is left out, a choice of nothing is not.
        sent = MultiDict({
            name: text or "" for name, text in typed.items() if text or isinstance(present[name], SelectField)
        })  # fmt: skip
        for name in ("rev", "csrf_token"):
            sent[name] = request.form.get(name, "")
        return self._edit_form(item, sent)

    def _restore_page(
        self, item: Any, event: AuditEvent, fields: Sequence[Back], form: Any = None, status: int = 200,
        told: Sequence[Any] = (),
    ) -> tuple[str, int]:  # fmt: skip
        title = _("Bring back earlier values")
        beside = [] if form is None else [*form.form_errors, *(one for errors in _beside(form) for one in errors)]
        problems, lost = [*told, *beside], len(self.restorable(event, edge.actor())) - len(fields)
        page = self.render_template(
            "screens/restore.html", screen=self, title=title, item=item, item_title=self.row_title(item),
            fields=[one for one in fields if one.differs], same=[one.label for one in fields if not one.differs],
            lost=max(0, lost), problems=list(dict.fromkeys(problems)),
            at=exact_text(event.at, edge.time_zone()),
            who=history.names_of_people(db.session(), [event.actor_id]).get(event.actor_id or 0, ""),
            rev=item.rev if isinstance(item, Revisioned) else None, back=self._back(self.row_url(item)),
            crumbs=trail((self.list_title, self._list_url()), (self.row_title(item), self.row_url(item)), here=title),
        )  # fmt: skip
        return page, status

    def _opened(self, key: str, item: Any, who: Actor, *, besides: Sequence[str]) -> Opened:
        """In the history, a way back from every change that he may take back."""
        opened = super()._opened(key, item, who, besides=besides)
        if key != HISTORY:
            return opened
        # What several changes did at once is told as one: there is no one value before it.
        told = [one.id for day in opened.values["history"].days for one in day.entries if len(one.ids) == 1]
        session, may_edit = db.session(), "edit" in self._rights_over(item, who)
        changed = (AuditEvent.id.in_(told), AuditEvent.action == AuditAction.change)
        events = session.scalars(select(AuditEvent).where(*changed)).all()
        kept, _held = _with_values(session, events), self._parts_read(session, events)
        ways = {
            one.id: way for one in events
            if (way := self.way_back(session, one, who, kept, may_edit=may_edit)) is not None
        }  # fmt: skip
        return Opened(opened.template, {**opened.values, "ways_back": ways})


def restoring_url(session: Session, event: AuditEvent, who: Actor) -> str | None:
    """Where the old values of this change can be brought back by this person; None where they cannot."""
    model = history.model_of(event.table_name or "")
    screen = _screens_of_parts.get(event.table_name or "") or (list_of(model) if model is not None else None)
    if event.action is not AuditAction.change or not isinstance(screen, RestorePart):
        return None
    back, part = screen._part_of(session, event)
    row = select(screen.model.id).where(
        screen.model.id == (event.record_id if back is None else getattr(part, back.of))
    )
    rights = [right for right in ("view", "edit") if who.may(right, screen.resource)]
    over = {right for right in rights if session.scalar(row.where(visible(screen.model, who, right))) is not None}
    if "view" not in over:
        return None
    return screen.way_back(session, event, who, _with_values(session, [event]), may_edit="edit" in over)


def _with_values(session: Session, events: Sequence[AuditEvent]) -> set[tuple[int, str]]:
    """(event, column) of the personal values that were not erased."""
    ids = [one.id for one in events if any(map(is_personal, one.changes.values()))]
    beside = select(AuditSensitive.event_id, AuditSensitive.field).where(AuditSensitive.event_id.in_(ids))
    return {(event_id, column) for event_id, column in session.execute(beside)} if ids else set()


def _old_values(
    session: Session, model: type[Any], event: AuditEvent, columns: Mapping[str, str], who: Actor
) -> dict[str, Any]:
    """Field → its value before the change, in its own type; without those that are no longer kept or there."""
    kept = history.values_of(session, event)
    found = {}
    for column, name in columns.items():
        if column not in kept:
            continue
        value = history.typed(model, column, kept[column][0])
        target = history.target_of(model, column)
        if name != column and target is not None and value is not None:
            value = _row(session, history.model_of(target.table.name), value, who)
        if value is not _NOT_THERE:
            found[name] = value
    return found


def _row(session: Session, model: type[Any] | None, key: Any, who: Actor) -> Any:
    """The row that a key pointed at, as far as he may choose it."""
    if model is None or not has_row_rule(model):
        return _NOT_THERE
    found = session.scalars(select(model).where(inspect(model).primary_key[0] == key, visible(model, who))).first()
    return _NOT_THERE if found is None else found


def _beside(form: Any) -> list[Sequence[Any]]:
    return [[f"{one.label.text}: {error}" for error in one.errors] for one in form if one.errors]


__all__ = ["Back", "PartBack", "RestorePart", "restoring_url"]
