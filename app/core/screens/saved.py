"""How do people keep the way they look at a list? As a view under a name: their own, or shared with a role."""

from __future__ import annotations

import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session

from app.core import audit, clock, versions
from app.core.access import Actor, get_visible
from app.core.accounts import Role
from app.core.db import queue_up
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.core.formats import exact_text
from app.core.i18n import _
from app.core.models import SavedView, SavedViewDefault
from app.core.screens.saving import changed_by
from app.core.screens.shown import VERSION, may_share, roles_to_share_with
from app.core.screens.wanted import Wanted
from app.core.vietnamese import as_typed

MOST_VIEWS = 50
#: with those that were archived
MOST_EVER = 500
LONGEST_NAME = 60


def save_new(session: Session, list_key: str, name: str, wanted: Wanted, *, by: Actor) -> SavedView:
    """Keep how the list is looked at now, as a view of one's own, the last in the row."""
    assert by.user_id is not None
    _queue(session, list_key)
    _must_have_room(session, list_key, by.user_id)
    if session.scalar(_count(_owned(list_key, by.user_id))) >= MOST_EVER:
        raise InvalidInputError(fields={"name": [
            _("You have kept %(most)d views of this list, archived ones included, which is as many as there can be. "
              "Change one of them instead.", most=MOST_EVER)]})  # fmt: skip
    view = SavedView(
        list_key=list_key, name=_free_name(session, name, list_key, by.user_id), owner_id=by.user_id,
        wanted=wanted.stored(), position=_behind(session, _live(list_key, by.user_id)),
    )  # fmt: skip
    session.add(view)
    session.flush()
    versions.changed(session, VERSION)
    return view


def save_over(session: Session, list_key: str, number: int, wanted: Wanted, *, rev: int, by: Actor) -> SavedView:
    """The view asks for this from now on. What it asked for before is kept, for whoever takes it back."""
    view = _to_change(session, list_key, number, rev=rev, by=by)
    view.earlier, view.wanted = view.wanted, wanted.stored()
    return view


def take_back(session: Session, list_key: str, number: int, *, rev: int, by: Actor) -> SavedView:
    """As it was before it was saved over."""
    view = _to_change(session, list_key, number, rev=rev, by=by)
    if view.earlier is None:
        raise BusinessError(_("This has been done already, or does not fit here."))
    view.wanted, view.earlier = view.earlier, None
    return view


def rename(session: Session, list_key: str, number: int, name: str, *, rev: int, by: Actor) -> SavedView:
    view = _to_change(session, list_key, number, rev=rev, by=by)
    view.name = _free_name(session, name, list_key, view.owner_id, besides=view.id)
    return view


def share(session: Session, list_key: str, number: int, role_id: int | None, *, rev: int, by: Actor) -> SavedView:
    """All members of the role see the view; None: its owner alone, again."""
    view = _to_change(session, list_key, number, rev=rev, by=by)
    if role_id is not None and role_id not in {known for known, _label in roles_to_share_with(session, by)}:
        raise NotAllowedError(_("You cannot share views with this role."))
    if view.role_id != role_id:
        view.role_id = role_id
        with session.no_autoflush:  # one change, one revision
            view.position = _behind(session, _shelf(view))
    return view


def open_with(session: Session, list_key: str, number: int | None, *, by: Actor) -> None:
    """The list opens with this view for him; None: as it is by itself, whatever his roles say."""
    _queue(session, list_key)
    if number is not None:
        _there(session, list_key, number, by)
    _set_default(session, list_key, number, member_id=by.user_id)


def open_as_usual(session: Session, list_key: str, *, by: Actor) -> None:
    """He no longer says how the list opens: his role does, or the list itself."""
    _queue(session, list_key)
    known = _default(session, list_key, member_id=by.user_id)
    if known is not None:
        session.delete(known)
        versions.changed(session, VERSION)


def open_for_role(session: Session, list_key: str, number: int, *, by: Actor) -> None:
    """The list opens with this view for every member of the role that shares it, unless he chose another."""
    _queue(session, list_key)
    _set_default(session, list_key, number, role_id=_shared(session, list_key, number, by))


def open_as_usual_for_role(session: Session, list_key: str, number: int, *, by: Actor) -> None:
    _queue(session, list_key)
    known = _default(session, list_key, role_id=_shared(session, list_key, number, by))
    if known is not None and known.view_id == number:
        session.delete(known)
        versions.changed(session, VERSION)


def move(session: Session, list_key: str, number: int, step: int, *, by: Actor) -> SavedView:
    """One place to the left (-1) or to the right (+1) among one's own, or among those of the role."""
    view = _to_change(session, list_key, number, rev=None, by=by)
    row = list(session.scalars(select(SavedView).where(_shelf(view)).order_by(SavedView.position, SavedView.id)))
    at = row.index(view)
    to = min(max(at + step, 0), len(row) - 1)
    row.insert(to, row.pop(at))
    for place, one in enumerate(row):
        # Its place is no change of the view: whoever is about to save it is not told that it has changed.
        session.execute(
            update(SavedView).where(SavedView.id == one.id, SavedView.position != place)
            .values(position=place, updated_at=SavedView.updated_at)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
    if to != at:
        audit.record(session, "saved_view.moved", table="saved_view", record_id=view.id, changes={"position": [at, to]})
    return view


def shared_by(member_id: int) -> tuple[ColumnElement[bool], ...]:
    """His views that members of a role see."""
    return SavedView.owner_id == member_id, SavedView.role_id.is_not(None), SavedView.archived_at.is_(None)


def hand_over(session: Session, before_id: int, to_id: int) -> int:
    """What `before` shares with roles is kept by `to` from now on, under a name that he has not given yet; how many."""
    views = session.scalars(select(SavedView).where(*shared_by(before_id)).order_by(SavedView.id)).all()
    for view in views:
        _queue(session, view.list_key)
        taken = {name.casefold() for name in session.scalars(select(SavedView.name).where(_live(view.list_key, to_id)))}
        name, number = view.name, 2
        while name.casefold() in taken:
            ending = f" ({number})"
            name, number = view.name[: LONGEST_NAME - len(ending)] + ending, number + 1
        view.name, view.owner_id = name, to_id
        session.flush()
    if views:
        versions.changed(session, VERSION)
    return len(views)


def archive(session: Session, list_key: str, number: int, *, rev: int, by: Actor) -> SavedView:
    view = _to_change(session, list_key, number, rev=rev, by=by)
    view.archived_at = clock.now()
    return view


def restore(session: Session, list_key: str, number: int, *, by: Actor) -> SavedView:
    view = _to_change(session, list_key, number, rev=None, by=by, archived=True)
    _must_have_room(session, list_key, view.owner_id)
    view.name = _free_name(session, view.name, list_key, view.owner_id, besides=view.id)
    view.archived_at = None
    return view


def _there(session: Session, list_key: str, number: int, who: Actor, *, archived: bool = False) -> SavedView:
    view = get_visible(session, SavedView, number, who)
    if view.list_key != list_key or (view.archived_at is not None) is not archived:
        raise NotFoundError
    return view


def _to_change(
    session: Session, list_key: str, number: int, *, rev: int | None, by: Actor, archived: bool = False
) -> SavedView:
    """The view as it is now, kept from others. Raises ConflictError with who and when if it is not that of `rev`."""
    _queue(session, list_key)
    _there(session, list_key, number, by, archived=archived)
    view = get_visible(session, SavedView, number, by, "edit")
    session.refresh(view, with_for_update={"of": SavedView})
    if rev is not None and view.rev != rev:
        raise ConflictError(_(
            "%(name)s changed this view at %(time)s. This is how it is now.",
            name=changed_by(session, view) or _("Somebody"), time=exact_text(view.updated_at, by.time_zone),
        ))  # fmt: skip
    versions.changed(session, VERSION)
    return view


def _shared(session: Session, list_key: str, number: int, by: Actor) -> int:
    """The role whose view this is, if he may speak for it."""
    view = _there(session, list_key, number, by)
    if view.role_id is None:
        raise BusinessError(_("Share the view with a role first."))
    if not may_share(by, session.get_one(Role, view.role_id).name):
        raise NotAllowedError
    return view.role_id


def _owned(list_key: str, owner_id: int) -> ColumnElement[bool]:
    return and_(SavedView.list_key == list_key, SavedView.owner_id == owner_id)


def _live(list_key: str, owner_id: int) -> ColumnElement[bool]:
    return and_(_owned(list_key, owner_id), SavedView.archived_at.is_(None))


def _must_have_room(session: Session, list_key: str, owner_id: int) -> None:
    """Raises InvalidInputError when its owner keeps as many views of the list as there can be."""
    if session.scalar(_count(_live(list_key, owner_id))) >= MOST_VIEWS:
        raise InvalidInputError(fields={"name": [
            _("You keep %(most)d views of this list, which is as many as there can be. Archive one first.",
              most=MOST_VIEWS)]})  # fmt: skip


def _shelf(view: SavedView) -> ColumnElement[bool]:
    """Those among which the view has its place."""
    beside = SavedView.role_id == view.role_id if view.role_id else and_(
        SavedView.role_id.is_(None), SavedView.owner_id == view.owner_id
    )  # fmt: skip
    return and_(SavedView.list_key == view.list_key, SavedView.archived_at.is_(None), beside)


def _count(condition: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(SavedView).where(condition)


def _behind(session: Session, condition: ColumnElement[bool]) -> int:
    last = session.scalar(select(func.max(SavedView.position)).where(condition))
    return 0 if last is None else last + 1


def _free_name(session: Session, typed: str, list_key: str, owner_id: int, besides: int | None = None) -> str:
    """Raises InvalidInputError for no name, an unreadable or too long one, and one that he has given already."""
    name = " ".join(unicodedata.normalize("NFC", as_typed(typed)).split())
    if not any(sign.isalnum() for sign in name):
        raise InvalidInputError(fields={"name": [_("Give the view a name. Example: %(example)s",
                                                   example=_("New this week"))]})  # fmt: skip
    if any(unicodedata.category(sign) == "Cc" for sign in name):
        raise InvalidInputError(fields={"name": [_("The name holds signs that cannot be shown. Type it again.")]})
    if len(name) > LONGEST_NAME:
        raise InvalidInputError(fields={"name": [_("At most %(most)d characters; these are %(count)d.",
                                                   most=LONGEST_NAME, count=len(name))]})  # fmt: skip
    taken = session.execute(select(SavedView.id, SavedView.name).where(_live(list_key, owner_id)))
    if any(row.id != besides and row.name.casefold() == name.casefold() for row in taken):
        raise InvalidInputError(fields={"name": [_("There is a view called “%(name)s” already.", name=name)]})
    return name


def _queue(session: Session, list_key: str) -> None:
    """One change of the list's views at a time: names, places and defaults are read before they are written."""
    queue_up(session, f"saved_view {list_key}")


def _default(
    session: Session, list_key: str, *, member_id: int | None = None, role_id: int | None = None
) -> SavedViewDefault | None:
    whose = SavedViewDefault.role_id == role_id if role_id else SavedViewDefault.member_id == member_id
    return session.scalars(select(SavedViewDefault).where(SavedViewDefault.list_key == list_key, whose)).one_or_none()


def _set_default(
    session: Session, list_key: str, number: int | None, *, member_id: int | None = None, role_id: int | None = None
) -> None:
    known = _default(session, list_key, member_id=member_id, role_id=role_id)
    if known is None:
        session.add(SavedViewDefault(list_key=list_key, member_id=member_id, role_id=role_id, view_id=number))
    else:
        known.view_id = number
    session.flush()
    versions.changed(session, VERSION)
