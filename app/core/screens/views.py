"""How does somebody keep and change the views of a list? By forms over it; the list opens with the one he chose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from flask import request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.core import edge
from app.core.access import Actor
from app.core.conditions import Condition
from app.core.conditions.examples import example
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError, ConflictError, InvalidInputError, NotFoundError, Sentence
from app.core.i18n import _
from app.core.models import SavedView
from app.core.pages import Undo, done, refuse_nul_sent, refused_onto, trail
from app.core.screens import chooser, saved
from app.core.screens.doors import route
from app.core.screens.listing import SAID, Asked, Page, asked_view, read_query
from app.core.screens.lists import ListPart, Opening
from app.core.screens.saving import saving
from app.core.screens.shown import Shown, Views, may_share, roles_to_share_with, share_help, views_of
from app.core.screens.wanted import Fitted, Wanted, fitted

PAGE_SIZES = (10, 25, 50, 100)


@dataclass(frozen=True)
class Tab:
    """A view over the list, or a way back to how the list is by itself (number 0)."""

    number: int
    label: Sentence
    url: str
    current: bool
    #: with whom it is shared, in words
    shared_with: Sentence | None = None


@dataclass(frozen=True)
class Bar:
    """What templates/screens/_views.html draws."""

    tabs: tuple[Tab, ...]
    #: the saved view that is looked through, if any
    shown: Shown | None
    #: the address asks for something else than the view
    is_changed: bool
    #: what is asked for now, as a query string, for the forms that keep it
    query: str
    #: how the list opens is his own choice
    is_chosen: bool
    may_share_here: bool
    may_left: bool
    may_right: bool
    #: his list opens with a view of his or of his role
    opens_with: int | None
    #: (id, label) of the roles with which he may share
    roles: Sequence[tuple[int, Sentence]]
    #: who sees what is shared, and why no other role stands there
    share_help: Sentence
    #: what the view names and the list has no more, or that it is not there itself
    lost: tuple[Sentence, ...]


@dataclass(frozen=True)
class _Beside:
    views: Views
    shown: Shown | None = None
    fitted: Fitted | None = None
    lost: tuple[Sentence, ...] = ()


class ViewPart(ListPart):
    """The saved views of a list."""

    # ── what the list opens with ──
    def _opening(self, who: Actor) -> Opening:
        try:
            return self._opening_by(request.args, who)
        except (NotFoundError, BadRequestError) as refusal:
            # Gone, somebody else's or never a number: told alike. The list stands there as it opens without a view.
            said = MultiDict([one for one in request.args.items(multi=True) if one[0] in SAID])
            usual = self._opening_by(said, who)
            lost = _("This view is no longer there, or not for you. The list is shown as usual.")
            return replace(usual, beside=replace(usual.beside, lost=(lost,)), status=refusal.status)

    def _opening_by(self, asked: MultiDict[str, str], who: Actor) -> Opening:
        """Raises NotFoundError for a view that is not his to see, BadRequestError for what is no number of one."""
        number = asked_view(asked)
        views = views_of(db.session(), self.key, who, asked=number)
        if not asked:
            number = views.opens_with
        if not number:
            is_as_usual = not asked and not views.is_chosen
            arguments = asked or (self._by_itself(who) if is_as_usual else MultiDict({"view": "0"}))
            return Opening(arguments, _Beside(views))
        shown = views.of(number)
        fitted = self._fitted(shown.view, who)
        beside = _Beside(views, shown, fitted, fitted.lost)
        if SAID & asked.keys():
            return Opening(asked, beside)
        pages = {name: value for name, value in asked.items() if name != "view"}
        return Opening(MultiDict({**fitted.wanted.arguments, **pages, "view": str(number)}), beside)

    def _fitted(self, view: SavedView, who: Actor) -> Fitted:
        def holds(condition: Condition) -> bool:
            if condition.keys - self.fields_for(who).keys():
                return False
            try:
                self.narrowed(condition, who)
            except BusinessError:
                return False
            return True

        def is_withheld(key: str) -> bool:
            return not self._may_compare(key, who)

        return fitted(view.wanted, self._offer(self.page_size, who), holds, self.label_columns, is_withheld)

    # ── over the list ──
    def _around(self, opening: Opening, page: Page, who: Actor) -> Mapping[str, Any]:
        return {
            **super()._around(opening, page, who),
            "bar": self._bar(opening.beside, page, who),
            "chooser": self._chooser(page),
            "editor": self._editor(opening, page, who) if self.filter_fields else None,
        }

    def _editor(self, opening: Opening, page: Page, who: Actor) -> Mapping[str, Any]:
        """What templates/screens/_filter_editor.html draws."""
        where = page.asked.where
        return {
            "fields_url": f"{self.route_base}/fields",
            "read_url": f"{self.route_base}/condition",
            "text": where.text if where else opening.arguments.get("where", ""),
            "example": " and ".join(example(one) for one in islice(page.offer.fields.values(), 2)),
            "stored": where.to_json() if where else None,
            "names": chooser.names_in(where, self.filter_fields, who) if where else {},
            "kept": [(name, value) for name, value in page.arguments.items() if name != "where"],
            "without": page.link(where=None),
        }

    def _bar(self, beside: _Beside, page: Page, who: Actor) -> Bar:
        asked, shown = page.asked, beside.shown
        usual = [
            Tab(0, one["label"], one["url"], bool(one["current"]) and shown is None) for one in self._preset_tabs(asked)
        ] or [Tab(0, _("All"), "?view=0", shown is None)]
        tabs = [
            Tab(one.view.id, one.view.name, f"?view={one.view.id}", one is shown, one.role_label)
            for one in beside.views.shown
        ]
        may_change = shown is not None and shown.may_change
        # Those among which it has its place: of the same role, or his own.
        row = [one for one in beside.views.shown if shown is not None and one.role == shown.role]
        return Bar(
            tabs=(*usual, *tabs),
            shown=shown,
            is_changed=beside.fitted is not None and self._as_view(asked) != self._as_usual(beside.fitted.wanted),
            query=page.link(),
            is_chosen=beside.views.is_chosen,
            may_share_here=shown is not None and shown.role is not None and may_share(who, shown.role),
            may_left=may_change and row[0] is not shown,
            may_right=may_change and row[-1] is not shown,
            opens_with=beside.views.opens_with,
            roles=roles_to_share_with(db.session(), who) if may_change else (),
            share_help=share_help(who),
            lost=beside.lost,
        )

    def _chooser(self, page: Page) -> Mapping[str, Any]:
        """What templates/screens/_columns.html draws: the columns in their order, those that are shown first."""
        offered, asked = self.columns_to(edge.actor()), page.asked
        usual = [name for name in self.list_columns if name in offered]
        chosen = asked.columns or usual
        names = dict.fromkeys((*chosen, *offered))
        return {
            "columns": [{"key": name, "label": offered[name].label, "shown": name in chosen} for name in names],
            "usual": ",".join(usual),
            "page_sizes": sorted({*PAGE_SIZES, asked.page_size}),
            "page_size": asked.page_size,
            "usual_size": self.page_size,
            "kept": [(name, value) for name, value in page.arguments.items() if name not in ("columns", "page_size")],
        }

    def _as_view(self, asked: Asked) -> Wanted:
        columns = asked.columns or ()
        keys = {*columns, *(asked.where.keys if asked.where else ()), asked.order_column} - {""}
        return Wanted(
            where=asked.where,
            q=asked.q,
            order=asked.order if asked.order != self.usual_order else "",
            columns=columns if columns != tuple(self.list_columns) else (),
            page_size=asked.page_size if asked.page_size != self.page_size else None,
            labels={key: str(self.label_columns[key]) for key in sorted(keys) if key in self.label_columns},
        )

    def _as_usual(self, wanted: Wanted) -> Wanted:
        """The same without an order that the list has by itself."""
        return replace(wanted, order="") if wanted.order == self.usual_order else wanted

    # ── keeping one ──
    @route("/views", right="view", methods=("POST",))
    def save_view(self) -> Any:
        """Keep what the list is asked for as a new view."""
        refuse_nul_sent()
        who, name, wanted = edge.actor(), request.form.get("name", ""), self._wanted_in_form()
        try:
            with saving() as session:
                view = saved.save_new(session, self.key, name, wanted, by=who)
                number, name, rev = view.id, view.name, view.rev
        except InvalidInputError as refusal:
            return self._asked_again("new", refusal, title=_("Save as a new view"))
        undo = Undo(self._view_url(number, rev=rev), action="archive")
        return done(self._opened_url(number), _("View saved: %(name)s", name=name), undo=undo)

    @route("/views/<pk>", right="view", methods=("POST",))
    def change_view(self, pk: str) -> Any:
        """Change one view: what it asks for, its name, who sees it, whether lists open with it, its place."""
        refuse_nul_sent()
        verb = request.values.get("verb") or request.values.get("action", "")
        if verb not in _VERBS:
            raise NotFoundError
        number, title = row_id(pk), _TYPED.get(verb)
        try:
            return _VERBS[verb](self, number, edge.actor())
        except (NotFoundError, BadRequestError):
            raise
        except (InvalidInputError, ConflictError) as refusal:
            if title is None:
                return refused_onto(self._back(self._list_url()), refusal)
            return self._asked_again(verb, refusal, title=title, number=number)
        except BusinessError as refusal:
            return refused_onto(self._back(self._list_url()), refusal)

    def _save_over(self, number: int, who: Actor) -> Response:
        wanted = self._wanted_in_form()
        view = self._changed(lambda s: saved.save_over(s, self.key, number, wanted, rev=_rev(), by=who))
        return self._told(view, _("View saved: %(name)s", name=view.name), "take_back")

    def _take_back(self, number: int, who: Actor) -> Response:
        view = self._changed(lambda s: saved.take_back(s, self.key, number, rev=_rev(), by=who))
        return self._told(view, _("%(name)s is as it was before.", name=view.name))

    def _rename(self, number: int, who: Actor) -> Response:
        before = views_of(db.session(), self.key, who, asked=number).of(number).view.name
        name = request.values.get("name", "")
        view = self._changed(lambda s: saved.rename(s, self.key, number, name, rev=_rev(), by=who))
        return self._told(view, _("View renamed: %(name)s", name=view.name), "rename", name=before)

    def _share(self, number: int, who: Actor) -> Response:
        before = views_of(db.session(), self.key, who, asked=number).of(number).view.role_id
        typed = request.values.get("role", "")
        role_id = row_id(typed) if typed else None
        view = self._changed(lambda s: saved.share(s, self.key, number, role_id, rev=_rev(), by=who))
        role = views_of(db.session(), self.key, who, asked=number).of(number).role_label
        told = (
            _("%(name)s is shared with the role %(role)s.", name=view.name, role=role) if role
            else _("%(name)s is yours alone.", name=view.name)
        )  # fmt: skip
        return self._told(view, told, "share", role=before or "")

    def _open_with(self, number: int, who: Actor) -> Response:
        before = views_of(db.session(), self.key, who)
        with saving() as session:
            saved.open_with(session, self.key, number or None, by=who)
        undo = ("open_with", before.opens_with or 0) if before.is_chosen else ("open_as_usual", number)
        return self._done(_("This list opens with this view for you."), undo[0], undo[1])

    def _open_as_usual(self, number: int, who: Actor) -> Response:
        with saving() as session:
            saved.open_as_usual(session, self.key, by=who)
        return self._done(_("This list opens as usual for you."), "open_with", number)

    def _open_for_role(self, number: int, who: Actor) -> Response:
        with saving() as session:
            saved.open_for_role(session, self.key, number, by=who)
        return self._done(
            _("This list opens with this view for everybody in the role."), "open_as_usual_for_role", number
        )

    def _open_as_usual_for_role(self, number: int, who: Actor) -> Response:
        with saving() as session:
            saved.open_as_usual_for_role(session, self.key, number, by=who)
        return self._done(_("This list opens as usual for the role."), "open_for_role", number)

    def _left(self, number: int, who: Actor) -> Response:
        view = self._changed(lambda s: saved.move(s, self.key, number, -1, by=who))
        return self._told(view, _("%(name)s moved to the left.", name=view.name), "right")

    def _right_(self, number: int, who: Actor) -> Response:
        view = self._changed(lambda s: saved.move(s, self.key, number, 1, by=who))
        return self._told(view, _("%(name)s moved to the right.", name=view.name), "left")

    def _archive_view(self, number: int, who: Actor) -> Response:
        view = self._changed(lambda s: saved.archive(s, self.key, number, rev=_rev(), by=who))
        undo = Undo(self._view_url(number), action="restore")
        return done(f"{self._list_url()}?view=0", _("View archived: %(name)s", name=view.name), undo=undo)

    def _restore_view(self, number: int, who: Actor) -> Response:
        view = self._changed(lambda s: saved.restore(s, self.key, number, by=who))
        return done(self._opened_url(number), _("View restored: %(name)s", name=view.name))

    # ── around ──
    def _changed(self, act: Callable[[Session], SavedView]) -> SavedView:
        with saving() as session:
            view = act(session)
            session.flush()
            session.refresh(view)
            session.expunge(view)
        return view

    def _told(self, view: SavedView, sentence: Sentence, undo: str = "", **values: Any) -> Response:
        """Back to the list through this view; `undo` is the verb that takes it back."""
        back = Undo(self._view_url(view.id, rev=view.rev, **values), action=undo) if undo else None
        return done(self._opened_url(view.id), sentence, undo=back)

    def _done(self, sentence: Sentence, undo: str, number: int) -> Response:
        return done(self._back(self._list_url()), sentence, undo=Undo(self._view_url(number), action=undo))

    def _view_url(self, number: int, **values: Any) -> str:
        return f"{self.route_base}/views/{number}" + (f"?{urlencode(values)}" if values else "")

    def _opened_url(self, number: int) -> str:
        return f"{self._list_url()}?view={number}"

    def _wanted_in_form(self) -> Wanted:
        """What the list was asked for where the form stands. Raises BadRequestError."""
        return self.wanted_of(read_query(request.values.get("query", "")))

    def wanted_of(self, arguments: MultiDict[str, str]) -> Wanted:
        """What a view would ask for. Raises BadRequestError for what the list does not know."""
        asked = self.asked_of(arguments)
        if asked.where:
            self.narrowed(asked.where, edge.actor())
        # An order that was asked for stays, whatever is usual where the view is looked through.
        return replace(self._as_view(asked), order=arguments.get("order", ""))

    def opened_by(self, number: int, who: Actor) -> Mapping[str, str]:
        """What a view asks for, as arguments. Raises NotFoundError for one that is not his to see."""
        view = views_of(db.session(), self.key, who, asked=number).of(number).view
        return self._fitted(view, who).wanted.arguments

    def kept_as_read(self, view: SavedView, who: Actor) -> Mapping[str, Any]:
        """What a saved view asks for, as it is kept; only that which the list is ready to tell him."""
        return self._fitted(view, who).wanted.stored() if who.fields or self.extra_fields else view.wanted

    def _asked_again(
        self, verb: str, refusal: BusinessError, *, title: Sentence, number: int | None = None
    ) -> tuple[str, int]:
        """The form on a page of its own, with what was typed and the sentence why not."""
        who = edge.actor()
        view = views_of(db.session(), self.key, who, asked=number).of(number).view if number else None
        page = self.render_template(
            "screens/saved_view.html", screen=self, title=title, verb=verb, refusal=refusal.message,
            problems=[text for texts in refusal.fields.values() for text in texts],
            action=self._view_url(number) if number else f"{self.route_base}/views", view=view,
            name=request.values.get("name", view.name if view else ""), query=request.values.get("query", ""),
            role=request.values.get("role", ""), roles=roles_to_share_with(db.session(), who),
            share_help=share_help(who), longest=saved.LONGEST_NAME, back=self._back(self._list_url()),
            crumbs=trail((self.list_title, self._list_url()), here=title),
        )  # fmt: skip
        return page, refusal.status


def _rev() -> int:
    """Which state of the view the form showed. Raises BadRequestError."""
    text = request.values.get("rev", "")
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise BadRequestError
    return int(text)


_VERBS: Mapping[str, Callable[[ViewPart, int, Actor], Response]] = {
    "save": ViewPart._save_over,
    "take_back": ViewPart._take_back,
    "rename": ViewPart._rename,
    "share": ViewPart._share,
    "open_with": ViewPart._open_with,
    "open_as_usual": ViewPart._open_as_usual,
    "open_for_role": ViewPart._open_for_role,
    "open_as_usual_for_role": ViewPart._open_as_usual_for_role,
    "left": ViewPart._left,
    "right": ViewPart._right_,
    "archive": ViewPart._archive_view,
    "restore": ViewPart._restore_view,
}
#: verbs for which something is typed or decided: refused, they ask once more
_TYPED: Mapping[str, Sentence] = {
    "save": _("Save the view"),
    "rename": _("Rename the view"),
    "share": _("Share the view"),
}
