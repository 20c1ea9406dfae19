"""How is something that was written about a customer put right? What a colleague saved meanwhile is chosen from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from app.core import edge, links
from app.core.access import get_visible
from app.core.db import db
from app.core.errors import BadRequestError, ConflictError, InvalidInputError
from app.core.i18n import _
from app.core.pages import done, show, trail
from app.core.screens import merging
from app.core.screens.editing import Conflict
from app.core.screens.merging import Seen
from app.customers.log_dialogs import put_beside
from app.customers.models import Customer

#: hidden input: when the row was changed last, as the form showed it
AS_OF = "as_of"
#: what the page of a row is told beside its form
Shown = Mapping[str, Any]


def change(
    row: Any, make: Callable[..., Any], write: Callable[[Session, Any, Any, datetime], object], *, told: Shown,
    saved: object,
) -> Any:  # fmt: skip
    """The form of a row, and what was sent with it. `make` builds the dialog (formdata, obj), `write` saves what stands
    in it unless the row was changed since; `told`: title, onto (where one goes then) and verb of the page.
    """
    who, subject = edge.actor(), f"{row.__tablename__}/{row.id}"
    if request.method == "GET":
        form = make(obj=row)
        return page(row.customer, form, **told, seen=Seen(was=_said(form)).seal(subject), as_of=row.updated_at)
    seen = Seen.read(request.form.get(merging.SEEN, ""), subject)
    as_of, kept = _as_of(), seen.kept(request.form)
    again = {**told, "seen": seen.seal(subject), "as_of": as_of}
    if merging.KEEP_ALL in request.form or len(kept) < len(seen.names):
        typed = make(formdata=request.form, obj=row)
        typed.validate()
        for name in seen.names:
            typed[name].errors = [] if name in kept else [str(merging.CHOOSE)]
        return page(row.customer, typed, **again, conflict=_conflict(seen, typed, typed, kept))
    form = make(formdata=seen.merged(request.form, kept), obj=row)
    if form.validate():
        try:
            with edge.transaction() as session:
                write(session, get_visible(session, type(row), row.id, who, "edit"), form, as_of)
        except InvalidInputError as error:
            put_beside(form, error)
        except ConflictError as error:
            return _faster(row.id, type(row), make, form, seen, error, told)
        else:
            return done(told["onto"], saved)
    typed = make(formdata=request.form, obj=row)
    return page(row.customer, form, **again, conflict=_conflict(seen, form, typed, kept))


def page(
    customer: Customer, form: Any, *, title: object, onto: str, verb: tuple[str, Any, str] | None = None,
    seen: str | None = None, as_of: datetime | None = None, conflict: Conflict | None = None, status: int = 0,
) -> Any:  # fmt: skip
    return show(
        "customers/kept.html", status or (422 if form.errors else 200), title=title, form=form, customer=customer.name,
        back_url=onto, verb=verb if conflict is None else None, seen=seen, as_of=as_of, conflict=conflict,
        crumbs=trail(
            (_("Customers"), "/khach-hang/list/"), (customer.code, links.customer_path(customer.id)), here=title
        ),
    )  # fmt: skip


def _faster(
    number: int, model: type[Any], make: Callable[..., Any], form: Any, seen: Seen, error: ConflictError, told: Shown
) -> Any:  # fmt: skip
    """What is saved now beside what is typed here and what it was. Nothing of it is saved yet."""
    row = get_visible(db.session(), model, number, edge.actor(), "edit")
    mine = make(formdata=None, data={field.short_name: field.data for field in form})  # 5/1/2026 is 05/01/2026
    found = merging.met(error, mine=_said(mine), now=_said(make(formdata=None, obj=row)), base=seen.base)
    seal = found.seal(f"{row.__tablename__}/{row.id}")
    return page(
        row.customer, form, **told, seen=seal, as_of=row.updated_at, conflict=_conflict(found, form, mine, None),
        status=error.status,
    )  # fmt: skip


def _conflict(seen: Seen, form: Any, typed: Any, kept: Mapping[str, str] | None) -> Conflict | None:
    if seen.at is None:
        return None
    return Conflict(seen.by, seen.at, seen.choices(form, _said(typed), kept))


def _said(form: Any) -> dict[str, merging.Said]:
    return merging.said(form, [field.short_name for field in form if field.short_name != "csrf_token"])


def _as_of() -> datetime:
    try:
        return datetime.fromisoformat(request.form[AS_OF])
    except (KeyError, ValueError):
        raise BadRequestError from None
