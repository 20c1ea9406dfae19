"""How is a row added and changed by a form? Checked, saved in one transaction, refused beside the field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, redirect, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import edge
from app.core.access import Actor, get_visible, visible
from app.core.db import Revisioned, db, row_id
from app.core.errors import BadRequestError, BusinessError, ConflictError, NotFoundError
from app.core.i18n import _
from app.core.pages import trail
from app.core.screens.doors import route
from app.core.screens.records import RecordPart
from app.core.screens.saving import changed_by, saving


@dataclass(frozen=True)
class Difference:
    """A field that somebody else has changed meanwhile."""

    label: Any
    theirs: Any
    typed: Any


@dataclass(frozen=True)
class Conflict:
    """Who was faster, when, and where it differs from what is typed here."""

    by: str | None
    at: datetime | None
    differences: tuple[Difference, ...]


class EditPart(RecordPart):
    """The forms of a screen."""

    @route("/add", right="add", methods=("GET", "POST"))
    def add(self) -> Any:
        form = self.add_form()
        if request.method == "GET":
            self.prefill(form)
            return self._form_page(form, title=self.add_title)
        if not form.validate():
            return self._form_page(form, title=self.add_title, status=422)
        try:
            with saving() as session:
                item = self.create(session, form, by=edge.actor())
        except BusinessError as refusal:
            return self._refused(form, refusal, title=self.add_title)
        flash(str(_("Added: %(name)s", name=self.row_title(item))), "success")
        return redirect(self._back(self.row_url(item)))

    @route("/edit/<pk>", right="edit", methods=("GET", "POST"))
    def edit(self, pk: str) -> Any:
        who, key = edge.actor(), row_id(pk)
        item = get_visible(db.session(), self.model, key, who, "edit")
        form = self.edit_form(obj=item)
        form.changed_id = key
        if request.method == "GET":
            return self._form_page(form, title=self.edit_title, item=item)
        if not form.validate():
            return self._form_page(form, title=self.edit_title, item=item, status=422)
        try:
            with saving() as session:
                item = self._locked(session, key, who, "edit")
                self._refuse_stale(session, item, form)
                self.change(session, item, form, by=who)
        except NotFoundError:
            raise
        except ConflictError as conflict:
            return self._conflict(form, key, who, conflict)
        except BusinessError as refusal:
            return self._refused(form, refusal, title=self.edit_title, item=item)
        flash(str(_("Saved: %(name)s", name=self.row_title(item))), "success")
        return redirect(self._back(self.row_url(item)))

    def _locked(self, session: Session, key: int, who: Actor, right: str) -> Any:
        """The row as it is now, kept from others until the transaction ends."""
        item = get_visible(session, self.model, key, who, right)
        session.refresh(item, with_for_update={"of": self.model})
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

    def _form_page(
        self, form: Any, *, title: Any, item: Any = None, status: int = 200, conflict: Conflict | None = None
    ) -> tuple[str, int]:
        above = [(self.list_title, self._list_url())]
        if item is not None:
            above.append((self.row_title(item), self.row_url(item)))
        page = self.render_template(
            self.add_template if item is None else self.edit_template,
            screen=self, title=title, form=form, item=item, item_title=None if item is None else self.row_title(item),
            fields=[form[name] for name in (self.add_columns if item is None else self.edit_columns)],
            conflict=conflict, back=self._back(self._list_url() if item is None else self.row_url(item)),
            crumbs=trail(*above, here=title),
        )  # fmt: skip
        return page, status

    def _refused(self, form: Any, refusal: BusinessError, *, title: Any, item: Any = None) -> tuple[str, int]:
        """The form again with all that was typed; sentences stand beside their fields, the rest above them."""
        is_placed = bool(refusal.fields)
        for key, sentences in refusal.fields.items():
            if key in form:
                form[key].errors = [*form[key].errors, *map(str, sentences)]
            else:
                form.form_errors.extend(map(str, sentences))
        if not is_placed:
            form.form_errors.append(str(refusal.message))
        return self._form_page(form, title=title, item=item, status=refusal.status)

    def _conflict(self, form: Any, key: int, who: Actor, conflict: ConflictError) -> tuple[str, int]:
        """Somebody was faster: what he changed beside what is typed here. Saving once more is then a decision."""
        session = db.session()
        item = get_visible(session, self.model, key, who, "edit")
        told = []
        for name in self.edit_columns:
            theirs = self.shown(item, name) if hasattr(self.model, name) else ""
            typed = self._readable(name, form[name].data) if hasattr(self.model, name) else ""
            if str(theirs) != str(typed):
                told.append(Difference(self.label_columns[name], theirs, typed))
        if "rev" in form:
            form.rev.raw_data, form.rev.data = None, item.rev
        by = conflict.details.get("by") or changed_by(session, item)
        at = conflict.details.get("at") or getattr(item, "updated_at", None)
        return self._form_page(
            form, title=self.edit_title, item=item, status=conflict.status, conflict=Conflict(by, at, tuple(told))
        )
