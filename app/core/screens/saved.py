"""How do people keep the way they look at a list? As a view under a name: their own, or shared with a role."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from app.core import audit, clock, versions
from app.core.access import Actor, Scope, get_visible, row_rule, visible
from app.core.accounts import Role
from app.core.conditions import Condition, ConditionError, joined
from app.core.db import queue_up
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError, NotFoundError, Sentence
from app.core.formats import exact_text
from app.core.i18n import _, ngettext
from app.core.models import SavedView, SavedViewDefault
from app.core.paging import LARGEST_PAGE_SIZE
from app.core.screens.listing import LONGEST_SEARCH, Offer
from app.core.screens.saving import changed_by
from app.core.vietnamese import as_typed

MOST_VIEWS = 50
#: with those that were archived
MOST_EVER = 500
LONGEST_NAME = 60
RESOURCE = "SavedView"
#: counts the changes of views (core.versions)
VERSION = "saved_views"

_role_label: Callable[[str], Sentence] = str


def call_roles_by(label: Callable[[str], Sentence]) -> None:
    """How people call a role, by its code; the feature that keeps the roles says so, once."""
    global _role_label
    _role_label = label


# ── what a view asks for ──
@dataclass(frozen=True)
class Wanted:
    """What a list is asked for; whatever is as usual is left out."""

    where: Condition | None = None
    q: str = ""
    #: a column that the list can be ordered by, "-" in front for falling
    order: str = ""
    columns: tuple[str, ...] = ()
    page_size: int | None = None
    #: what the columns and fields are called, for the day when one of them is retired
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)

    def stored(self) -> dict[str, Any]:
        told = {
            "where": self.where.to_json() if self.where else None, "q": self.q, "order": self.order,
            "columns": list(self.columns), "page_size": self.page_size, "labels": dict(self.labels),
        }  # fmt: skip
        return {name: value for name, value in told.items() if value}

    @property
    def arguments(self) -> dict[str, str]:
        """The same as the arguments of a list's address."""
        told = {
            "where": self.where.text if self.where else "", "q": self.q, "order": self.order,
            "columns": ",".join(self.columns), "page_size": str(self.page_size or ""),
        }  # fmt: skip
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True)
class Fitted:
    """What of a stored view its list still offers, and a sentence for each kind of thing that it does not."""

    wanted: Wanted
    lost: tuple[Sentence, ...] = ()


def fitted(
    stored: Mapping[str, Any],
    offer: Offer,
    holds: Callable[[Condition], bool],
    called: Mapping[str, object],
    is_withheld: Callable[[str], bool] = lambda _key: False,
) -> Fitted:
    """Read a stored view as its list is today. `holds`: can rows still be narrowed by this condition? `called`: the
    list's columns and fields in the reader's words, with those that he is not shown.

    Never raises: a column, an order or a part of the condition that is gone is left out, and told. What the reader may
    not read (`is_withheld`) is left out too, without its name and without what it is compared with.
    """
    labels = {str(key): str(called.get(key, text)) for key, text in (stored.get("labels") or {}).items()}
    lost: list[Sentence] = []
    columns = [str(name) for name in stored.get("columns") or ()]
    kept_back = {name for name in columns if name not in offer.columns and is_withheld(name)}
    gone = [labels.get(name, name) for name in columns if name not in offer.columns and name not in kept_back]
    if gone:
        lost.append(ngettext("The column %(names)s is no longer there; the list leaves it out.",
                             "The columns %(names)s are no longer there; the list leaves them out.",
                             len(gone), names=", ".join(gone)))  # fmt: skip
    order = str(stored.get("order") or "")
    if order not in ("", offer.default_order) and order.removeprefix("-") not in offer.orders:
        name = order.removeprefix("-")
        if is_withheld(name):
            kept_back.add(name)
        else:
            lost.append(_("Rows can no longer be ordered by %(name)s; the list has its usual order.",
                          name=labels.get(name, name)))  # fmt: skip
        order = ""
    where, every = _what_holds(stored.get("where"), holds)
    dropped = [part for part in every if part is None or not any(map(is_withheld, part.keys))]
    if dropped:
        said = ", ".join(f"“{part.sentence(labels)}”" for part in dropped if part) or f"“{_('Filter')}”"
        lost.append(ngettext("The condition %(names)s no longer fits; the list leaves it out.",
                             "The conditions %(names)s no longer fit; the list leaves them out.",
                             len(dropped), names=said))  # fmt: skip
    if kept_back or len(dropped) < len(every):
        lost.append(_("Something in this view is about what you may not see; the list leaves it out."))
    size = stored.get("page_size")
    return Fitted(
        Wanted(
            where=where,
            q=str(stored.get("q") or "")[:LONGEST_SEARCH] if offer.search else "",
            order=order,
            columns=tuple(dict.fromkeys(name for name in columns if name in offer.columns)),
            page_size=size if isinstance(size, int) and 1 <= size <= LARGEST_PAGE_SIZE else None,
            labels=labels,
        ),
        tuple(lost),
    )


def _what_holds(stored: Any, holds: Callable[[Condition], bool]) -> tuple[Condition | None, Sequence[Condition | None]]:
    """The parts of a stored condition that still hold, and those that do not; None for one that cannot be read."""
    if not stored:
        return None, ()
    try:
        condition = Condition.from_json(stored)
    except ConditionError:
        return None, (None,)
    if holds(condition):
        return condition, ()
    parts = [(part, holds(part)) for part in condition.parts()]
    return joined(part for part, is_kept in parts if is_kept), [part for part, is_kept in parts if not is_kept]


# ── who may what ──
def may_share(who: Actor, role: str) -> bool:
    """May he share views with this role, and say with which one its lists open?"""
    reach = _shares(who)
    return reach is not None and (reach is Scope.all or role in who.roles)


def share_help(who: Actor) -> Sentence:
    """Who sees what he shares, and with which roles he can."""
    if _shares(who) is Scope.all:
        return _("Everybody with the role sees it, in every team.")
    return _("Everybody with the role sees it, in every team. So you can choose the roles that you have yourself.")


def _shares(who: Actor) -> Scope | None:
    """How far he may share; None: not at all."""
    return who.scope(RESOURCE, "assign") if who.may("assign", RESOURCE) else None


def may_change(who: Actor, view: SavedView, role: str | None) -> bool:
    """`role`: the code of the one that the view is shared with."""
    return view.owner_id == who.user_id or (role is not None and may_share(who, role))


@row_rule(SavedView)
def _views(actor: Actor, action: str) -> ColumnElement[bool]:
    """One's own and those of one's roles; who shares with every role sees every shared one."""
    mine, shared = SavedView.owner_id == actor.user_id, SavedView.role_id.is_not(None)
    reach = _shares(actor)
    if reach is Scope.all:
        return mine | shared
    if action == "view" or reach is not None:
        return mine | SavedView.role_id.in_(_roles_of(actor))
    return mine


def _roles_of(who: Actor) -> Any:
    return select(Role.id).where(Role.name.in_(sorted(who.roles)))


# ── reading ──
@dataclass(frozen=True)
class Shown:
    """A view as one member sees it over his list."""

    view: SavedView
    #: the code of the role that it is shared with
    role: str | None
    is_mine: bool
    may_change: bool
    #: his list opens with it because he said so, or because his role's does
    is_mine_by_default: bool
    is_roles_default: bool

    @property
    def role_label(self) -> Sentence | None:
        return None if self.role is None else _role_label(self.role)


@dataclass(frozen=True)
class Views:
    """All views of one list that a member sees: those of his roles first, then his own, each in its order."""

    shown: tuple[Shown, ...]
    #: with which the list opens; None: as it is by itself
    opens_with: int | None
    #: he chose himself how it opens
    is_chosen: bool

    def of(self, number: int) -> Shown:
        """Raises NotFoundError for a view that is not there or not his to see."""
        found = next((one for one in self.shown if one.view.id == number), None)
        if found is None:
            raise NotFoundError
        return found


#: (list, member, his roles, how far he may share) → the number of changes by then, and the views as they were: every
#: list is drawn with them
_remembered: dict[tuple[str, int | None, frozenset[str], Scope | None], tuple[int, Views]] = {}
_MOST_REMEMBERED = 10_000


def forget_views() -> None:
    """Another database is behind them now."""
    _remembered.clear()


def views_of(session: Session, list_key: str, who: Actor, *, asked: int | None = None) -> Views:
    """`asked`: one view more that he may see, though none of his roles has it."""
    if session.info.get("transaction"):  # what is read inside may be undone with it
        return _read_views(session, list_key, who, asked)
    key, version = (list_key, who.user_id, who.roles, _shares(who)), versions.current(session, VERSION)
    known = _remembered.get(key)
    if known is None or known[0] != version:
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        known = _remembered[key] = version, _read_views(session, list_key, who)
        for one in known[1].shown:
            session.expunge(one.view)  # it outlives the session
    if asked and all(one.view.id != asked for one in known[1].shown):
        return _read_views(session, list_key, who, asked)
    return known[1]


def _read_views(session: Session, list_key: str, who: Actor, asked: int | None = None) -> Views:
    on_the_bar = or_(SavedView.owner_id == who.user_id, Role.name.in_(sorted(who.roles)))
    if asked:
        on_the_bar = or_(on_the_bar, and_(SavedView.id == asked, visible(SavedView, who)))
    rows = session.execute(
        select(SavedView, Role.name).outerjoin(Role, Role.id == SavedView.role_id)
        .where(SavedView.list_key == list_key, SavedView.archived_at.is_(None), on_the_bar)
        .order_by(SavedView.role_id.is_(None), SavedView.role_id, SavedView.position, SavedView.id)
    ).all()  # fmt: skip
    defaults = session.execute(
        select(SavedViewDefault.member_id, SavedViewDefault.role_id, SavedViewDefault.view_id)
        .outerjoin(Role, Role.id == SavedViewDefault.role_id)
        .where(
            SavedViewDefault.list_key == list_key,
            or_(SavedViewDefault.member_id == who.user_id, Role.name.in_(sorted(who.roles))),
        )
        .order_by(SavedViewDefault.role_id)
    ).all()  # fmt: skip
    there = {view.id: view for view, _role in rows}
    # A view that was archived or is shared with another role by now is no default any more.
    own = [one.view_id for one in defaults if one.member_id and (one.view_id is None or one.view_id in there)]
    roles = [
        one.view_id for one in defaults
        if one.role_id and one.view_id in there and there[one.view_id].role_id == one.role_id
    ]  # fmt: skip
    shown = tuple(
        Shown(view, role, view.owner_id == who.user_id, may_change(who, view, role), view.id in own, view.id in roles)
        for view, role in rows
    )
    return Views(shown, opens_with=(own or roles or [None])[0], is_chosen=bool(own))


def roles_to_share_with(session: Session, who: Actor) -> Sequence[tuple[int, Sentence]]:
    """(id, label) of the roles with which he may share."""
    if not who.may("assign", RESOURCE):
        return []
    rows = session.execute(select(Role.id, Role.name).order_by(Role.id)).all()
    return [(row.id, _role_label(row.name)) for row in rows if may_share(who, row.name)]


# ── changing ──
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


# ── what the verbs lean on ──
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
