"""How does an earlier way to reach a customer come back? By the services, as if somebody did the opposite by hand."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core import guarded
from app.core.access import Actor
from app.core.audit import AuditEvent
from app.core.i18n import _
from app.core.screens.merging import Said
from app.core.screens.restoring import Back, PartBack
from app.customers import reach, rules, services
from app.customers.dialogs import CONTACT_LABELS
from app.customers.models import ContactPoint

_IN_USE, _PREFERRED, _SHARED = "archived_at", "is_preferred", "is_shared"
_LABELS = {_PREFERRED: _("Preferred"), _SHARED: _("Used by several people")}
_YES, _NO = Said("1", _("Yes")), Said("", _("No"))


def _fields(point: ContactPoint, event: AuditEvent, who: Actor) -> Sequence[Back]:
    if not reach.may_write(who, point):
        return []
    found = []
    if _IN_USE in event.changes and (event.changes[_IN_USE][0] is None) != (point.archived_at is None):
        field = rules.field_of(point.kind, point.value)
        shown = guarded.seen(who, "Customer", field, point.shown) if field else point.shown
        there, gone = Said("1", shown or ""), Said("", _("no longer in use"))
        now, was = (there, gone) if point.archived_at is None else (gone, there)
        found.append(Back(_IN_USE, CONTACT_LABELS[point.kind], now, was))
    for column, label in _LABELS.items():
        before = event.changes[column][0] if column in event.changes else None
        # Another one that was preferred before has an entry of its own.
        if before is None or before == getattr(point, column) or (column == _PREFERRED and not before):
            continue
        found.append(Back(column, label, *((_NO, _YES) if before else (_YES, _NO))))
    return found


def _take_back(session: Session, point: ContactPoint, event: AuditEvent, by: Actor) -> None:
    wanted = {one.name: bool(one.was.sent) for one in _fields(point, event, by)}
    shared = wanted.get(_SHARED, point.is_shared)
    match wanted.get(_IN_USE):
        case True:
            services.add_contact_point(
                session, point.customer, by=by, kind=point.kind, text=point.shown, shared=shared,
                preferred=wanted.get(_PREFERRED, False),
            )  # fmt: skip
        case False:
            services.remove_contact_point(session, point, by=by)
        case None:
            if wanted.get(_PREFERRED):
                services.prefer_contact_point(session, point, by=by)
            if _SHARED in wanted:
                services.share_contact_point(session, point, by=by, shared=shared)


CONTACTS_BACK = PartBack(ContactPoint, "customer_id", _fields, _take_back)
