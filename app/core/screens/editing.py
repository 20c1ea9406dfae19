"""How is a row added and changed by a form? Checked, saved in one transaction, refused beside the field."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, jsonify, redirect, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from wtforms import StringField, TelField

from app.core import edge
from app.core.access import Actor, get_visible, visible
from app.core.db import Revisioned, db, refuse_nul, row_id
from app.core.errors import BadRequestError, BusinessError, ConflictError, NotFoundError
from app.core.guarded import NOT_YOURS, key_of
from app.core.i18n import _
from app.core.pages import trail
from app.core.screens import extra, merging
from app.core.screens.doors import route
from app.core.screens.merging import Choice, Seen
from app.core.screens.records import RecordPart
from app.core.screens.saving import HIMSELF, changed_by, saving
from app.core.vietnamese import phone_e164

#: in front of the names of a form that stands in a dialog over another one
INSIDE = "inside-"
_LONGEST_BEGINNING = 200
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Conflict:
    """Who was faster, when, and the fields in which he differs from what is typed here."""

    by: str | None
    at: datetime | None
    choices: Sequence[Choice]


class _TriedOnly(Exception):
    """It would have been saved."""


def unrefused(sent: MultiDict[str, str], form: Any) -> MultiDict[str, str]:
    """What was sent, without the fields that the form refuses: they are as if nobody had typed there."""
    refused = {one.name for one in form if one.errors}
    return MultiDict([(name, value) for name, value in sent.items(multi=True) if name not in refused])


class EditPart(RecordPart):
    """The forms of a screen."""

    @route("/add", right="add", methods=("GET", "POST"))
    def add(self) -> Any:
        who, is_inside = edge.actor(), "inside" in request.args
        form = self.add_form(prefix=INSIDE) if is_inside else self.add_form()
        if request.method == "GET":
            self.prefill(form)
            self._begin_with(form, request.args.get("q", ""))
            self._lock(form, who, None)
            self._add_fields(form, None, who, sent=None)
            return self._form_page(form, title=self.add_title)
        self._add_fields(form, None, who, sent=request.form)
        if not self._lock(form, who, None):
            return self._form_page(form, title=self.add_title, status=422)
        if not self._is_right(form):
            tried = self.add_form(formdata=unrefused(request.form, form), prefix=form._prefix)
            self._lock(tried, who, None)
            self._tell_besides(form, lambda session: self.create(session, tried, by=who))
            return self._form_page(form, title=self.add_title, status=422)
        try:
            with saving() as session:
                item = self.create(session, form, by=edge.actor())
                self._keep_added(session, item, form, by=edge.actor(), is_new=True)
        except BusinessError as refusal:
            return self._refused(form, refusal, title=self.add_title)
        if is_inside:
            return jsonify(id=item.id, text=str(item)), 201
        told: Any = {
            "text": str(_("Added: %(name)s", name=self.row_title(item))),
            "link": {"label": str(_("See the list")), "url": self._back(self._list_url())},
        }
        flash(told, "success")
        return redirect(self.after_adding(item, form))

    @route("/edit/<pk>", right="edit", methods=("GET", "POST"))
    def edit(self, pk: str) -> Any:
        who, key = edge.actor(), row_id(pk)
        item = get_visible(db.session(), self.model, key, who, "edit")
        if request.method == "GET":
            form = self.edit_form(obj=item)
            self._lock(form, who, item)
            self._add_fields(form, item, who, sent=None)
            return self._form_page(form, title=self.edit_title, item=item, seen=self._seen(form, who))
        seen = Seen.read(request.form.get(merging.SEEN, ""), self._subject(item))
        kept = seen.kept(request.form)
        if merging.KEEP_ALL in request.form or len(kept) < len(seen.names):
            return self._unsettled(item, seen, kept)
        form = self._edit_form(item, seen.merged(request.form, kept))
        self._add_fields(form, item, who, sent=request.form)
        if not self._lock(form, who, item):
            return self._edit_page(form, item, seen, kept, status=422)
        if not self._is_right(form):
            tried = self._edit_form(item, unrefused(seen.merged(request.form, kept), form))
            self._lock(tried, who, item)
            self._tell_besides(form, lambda session: self._change_locked(session, key, tried, who))
            return self._edit_page(form, item, seen, kept, status=422)
        try:
            with saving() as session:
                item = self._change_locked(session, key, form, who)
                self._keep_added(session, item, form, by=who, is_new=False)
        except NotFoundError:
            raise
        except ConflictError as conflict:
            return self._conflict(form, key, who, conflict, seen)
        except BusinessError as refusal:
            self._tell(form, refusal)
            return self._edit_page(form, item, seen, kept, status=refusal.status)
        flash(str(_("Saved: %(name)s", name=self.row_title(item))), "success")
        return redirect(self._back(self.row_url(item)))

    # ── what is typed ──
    def _begin_with(self, form: Any, typed: str) -> None:
        """?q=: what was looked for and not found begins the new row: a number as its phone, else its first line."""
        text = typed.strip()[:_LONGEST_BEGINNING]
        refuse_nul(text)
        kind = TelField if phone_e164(text) else StringField
        lines = [form[name] for name in self.add_columns]
        first = next((one for one in lines if type(one) is kind), None) or next(
            (one for one in lines if type(one) is StringField), None
        )
        if text and first is not None and not first.data:
            first.data = text

    def _edit_form(self, item: Any, sent: MultiDict[str, str]) -> Any:
        form = self.edit_form(formdata=sent, obj=item)
        form.changed_id = item.id
        return form

    # ── fields that an admin added ──
    def _add_fields(self, form: Any, item: Any, who: Actor, *, sent: MultiDict[str, str] | None) -> None:
        """Their inputs, as `form.extra`; inside of a dialog over another form they are not asked."""
        added = extra.extra_of(self.resource)
        if added is not None and "inside" not in request.args:
            form.extra = added.form(db.session(), None if item is None else item.id, who, sent)

    def _is_right(self, form: Any) -> bool:
        is_right = form.validate()
        return (form.extra is None or form.extra.validate()) and bool(is_right)

    def _keep_added(self, session: Session, item: Any, form: Any, *, by: Actor, is_new: bool) -> None:
        added = extra.extra_of(self.resource)
        if added is not None and form.extra is not None:
            session.flush()
            added.save_form(session, item.id, form.extra, by=by, is_new=is_new)

    def _subject(self, item: Any) -> str:
        return f"{self.endpoint}/{item.id}"

    def _seen(self, form: Any, who: Actor) -> Seen:
        return Seen(was=merging.said(form, self._typed_columns(who, self.edit_columns)))

    # ── what is not his to type ──
    def _typed_columns(self, who: Actor, columns: Sequence[str], *, is_new: bool = False) -> list[str]:
        """The columns in which he may type."""
        return [name for name in columns if who.writes(self.resource, key_of(name), is_new=is_new)]

    def _lock(self, form: Any, who: Actor, item: Any) -> bool:
        """Put the saved values, or those that a new row begins with, into the fields in which he may not type.
        False: something was sent for one of them, and the form says so."""
        columns = self.add_columns if item is None else self.edit_columns
        typed = self._typed_columns(who, columns, is_new=item is None)
        is_refused = False
        for name in columns:
            if name in typed:
                continue
            one = form[name]
            one.raw_data, one.validators, one.filters = None, [], []
            if item is None:
                one.process(None)
            else:
                one.process(None, getattr(item, name, None))
            if one.name in request.form:
                form.form_errors.append(f"{self.label_columns[name]}: {NOT_YOURS}")
                is_refused = True
        return not is_refused

    def _drawn_fields(self, form: Any, who: Actor, item: Any, without: set[str]) -> list[Any]:
        """The fields of the form in their order; in the place of one that he only reads, what stands in it."""
        columns = self.add_columns if item is None else self.edit_columns
        typed = self._typed_columns(who, columns, is_new=item is None)
        drawn: list[Any] = []
        for name in columns:
            if name in typed:
                drawn += [] if name in without else [form[name]]
            elif item is not None and self._is_seen(who, name):
                told = self._seen_in_form(who, form[name], item, name)
                drawn.append({"name": name, "label": form[name].label.text, "value": told})
        return drawn

    def _seen_in_form(self, who: Actor, field: Any, item: Any, name: str) -> Any:
        if self._is_read(who, name):
            return merging.said_by(field).shown
        return self._seen_by(who, item, name, {})

    def _locked(self, session: Session, key: int, who: Actor, right: str) -> Any:
        """The row as it is now, kept from others until the transaction ends."""
        item = get_visible(session, self.model, key, who, right)
        session.refresh(item, with_for_update={"of": self.model})
        return item

    def _change_locked(self, session: Session, key: int, form: Any, who: Actor) -> Any:
        item = self._locked(session, key, who, "edit")
        self._refuse_stale(session, item, form)
        self.change(session, item, form, by=who)
        return item

    def _refuse_stale(self, session: Session, item: Any, form: Any) -> None:
        if not isinstance(item, Revisioned):
            return
        if not form.rev.raw_data or form.rev.data is None:
            raise BadRequestError
        if item.rev != form.rev.data:
            raise ConflictError(by=changed_by(session, item), at=getattr(item, "updated_at", None), rev=item.rev)

    def _populate(self, session: Session, item: Any, form: Any, columns: Sequence[str]) -> None:
        # Half a record must not reach the database because check() reads something.
        with session.no_autoflush:
            for name in columns:
                if name not in self.form_fields or hasattr(self.model, name):
                    form[name].populate_obj(item, name)
            self.check(item)

    def _refuse_out_of_reach(self, session: Session, item: Any, by: Actor) -> None:
        """Nobody puts a row where he cannot see it himself: that is how rows are planted on others."""
        if session.scalar(select(self._key).where(self._key == item.id, visible(self.model, by))) is None:
            raise BusinessError(_("Saved like this, you could no longer see it yourself. Please choose otherwise."))

    # ── the pages ──
    def _form_page(
        self,
        form: Any,
        *,
        title: Any,
        item: Any = None,
        status: int = 200,
        conflict: Conflict | None = None,
        seen: Seen | None = None,
    ) -> tuple[str, int]:
        above = [(self.list_title, self._list_url())]
        if item is not None:
            above.append((self.row_title(item), self.row_url(item)))
        is_inside = item is None and "inside" in request.args
        in_conflict = {one.name for one in conflict.choices} if conflict else set()
        who = edge.actor()
        page = self.render_template(
            "screens/_inside.html" if is_inside else self.add_template if item is None else self.edit_template,
            screen=self, title=title, form=form, item=item, item_title=None if item is None else self.row_title(item),
            fields=self._drawn_fields(form, who, item, in_conflict),
            conflict=conflict, seen=seen.seal(self._subject(item)) if seen is not None else None,
            back=self._back(self._list_url() if item is None else self.row_url(item)),
            crumbs=trail(*above, here=title),
        )  # fmt: skip
        return page, status

    def _edit_page(self, form: Any, item: Any, seen: Seen, kept: Mapping[str, str], *, status: int) -> tuple[str, int]:
        """The form once more, as it was sent; the choices of a conflict as they were made."""
        typed = self._edit_form(item, request.form)
        conflict = None
        if seen.names:
            names = self._typed_columns(edge.actor(), self.edit_columns)
            choices = seen.choices(form, merging.said(typed, names), kept)
            conflict = Conflict(seen.by, seen.at, choices)
        return self._form_page(form, title=self.edit_title, item=item, status=status, conflict=conflict, seen=seen)

    def _unsettled(self, item: Any, seen: Seen, kept: Mapping[str, str]) -> tuple[str, int]:
        """Some field still has two values, or one side was taken everywhere: to be looked at before it is saved."""
        form = self._edit_form(item, request.form)
        self._lock(form, edge.actor(), item)
        self._add_fields(form, item, edge.actor(), sent=request.form)
        form.validate()
        for name in seen.names:
            form[name].errors = [] if name in kept else [str(merging.CHOOSE)]
        return self._edit_page(form, item, seen, kept, status=200 if len(kept) == len(seen.names) else 422)

    def _tell(self, form: Any, refusal: BusinessError) -> None:
        """Sentences beside their fields, the rest above them."""
        told = refusal.fields if form.extra is None else form.extra.refuse(refusal.fields)
        for key, sentences in told.items():
            if key in form:
                form[key].errors = [*form[key].errors, *map(str, sentences)]
            else:
                form.form_errors.extend(map(str, sentences))
        if not refusal.fields:
            form.form_errors.append(str(refusal.message))

    def _tell_besides(self, form: Any, attempt: Callable[[Session], object]) -> None:
        """What the service would refuse as well, told in the same answer: it tries with all that the form takes, and
        nothing of that stays. What the form has refused already it does not hear of."""
        if "csrf_token" in form.errors:
            return
        try:
            with saving() as session:
                attempt(session)
                raise _TriedOnly
        except _TriedOnly:
            pass
        except BusinessError as refusal:
            refusal.fields = {
                key: told for key, told in refusal.fields.items() if not (key in form and form[key].errors)
            }
            if refusal.fields:
                self._tell(form, refusal)
        except IntegrityError as missing:  # a column that must be filled, and the form has refused what was typed
            _logger.debug("not tried to the end: %s", missing.orig)
        except Exception:
            # The page says what the form refused all the same; this is a mistake of ours.
            _logger.exception("%s: what else is wrong could not be tried", self.endpoint)

    def _refused(self, form: Any, refusal: BusinessError, *, title: Any) -> tuple[str, int]:
        """The form again with all that was typed."""
        self._tell(form, refusal)
        return self._form_page(form, title=title, status=refusal.status)

    def _conflict(self, form: Any, key: int, who: Actor, conflict: ConflictError, seen: Seen) -> tuple[str, int]:
        """Somebody was faster: what he saved beside what is typed here and what it was. Nothing is saved yet."""
        session = db.session()
        item = get_visible(session, self.model, key, who, "edit")
        by = changed_by(session, item, who)
        conflict.details["by"] = by if by == HIMSELF else conflict.details.get("by", by)
        conflict.details.setdefault("at", getattr(item, "updated_at", None))
        names = self._typed_columns(who, self.edit_columns)
        now = merging.said(self.edit_form(formdata=None, obj=item), names)
        mine = merging.said(self.edit_form(formdata=None, data={name: form[name].data for name in names}), names)
        found = merging.met(conflict, mine=mine, now=now, base=seen.base)
        if "rev" in form:
            form.rev.raw_data, form.rev.data = None, item.rev
        told = Conflict(found.by, found.at, found.choices(form, mine))
        return self._form_page(
            form, title=self.edit_title, item=item, status=conflict.status, conflict=told, seen=found
        )
