"""What is done with rows by a button? With one of them or with many, each in a transaction of its own, told before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from app.core import edge, paging, uses
from app.core.access import Actor, get_visible, visible
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError, NotAllowedError, NotFoundError, Sentence
from app.core.i18n import _, ngettext
from app.core.pages import Undo, done, trail
from app.core.screens.doors import route
from app.core.screens.lookups import LookupPart
from app.core.screens.saving import chosen_ids, packed, saving, unpacked

#: rows of one go when everything that matches is chosen
MOST_AT_ONCE = 1000
#: What a message tells and takes back travels in the cookie: refusals, signs of each, signs of the rows' word.
_MOST_TOLD = 8
_LONGEST_TOLD = 160
_LONGEST_UNDO = 3000


@dataclass(frozen=True)
class Preview:
    """What will happen, in numbers, before it does."""

    heading: str
    told: Sequence[str]
    #: the word on the button; None: it cannot be done, `told` says why
    yes: str | None
    #: the rows that it speaks of, in one word: these are done and no others, whatever came meanwhile
    rows: str = ""


class ActionPart(LookupPart):
    """The actions of a screen."""

    def hinders_of(self, session: Session, name: str, items: Sequence[Any]) -> Mapping[int, Sentence]:
        """Row id → why this action will be refused for it, as far as it is known before; the service decides.

        Asked once for all rows: as many queries for two as for a thousand.
        """
        return {}

    # ── done ──
    @route("/action/<string:name>/<pk>", right="view", methods=("POST",))
    def action(self, name: str, pk: str) -> BaseResponse:
        """Do something with one row."""
        who, key = edge.actor(), row_id(pk)
        one = self._named_action(name, who)
        if not one.single:
            raise NotFoundError
        title, answer = self._act(one, key, who)
        if isinstance(answer, BaseResponse):
            return answer
        undo = one.func._told.undo if self._may_undo(one, who) else None
        way_back = Undo(url_for(f"{self.endpoint}.action", name=undo, pk=key)) if undo else None
        return done(self._back(self._list_url()), _filled(one.func._told.done, _quoted(title)), undo=way_back)

    @route("/action_post", right="view", methods=("POST",))
    def action_post(self) -> BaseResponse:
        """Do something with every chosen row, each on its own: one that is refused does not hold up the others."""
        who = edge.actor()
        one = self._named_action(request.form.get("action", ""), who)
        chosen = _sent_rows()
        if not one.multiple:
            raise NotFoundError
        acted_on: list[int] = []
        refused: list[tuple[str, str]] = []
        for key in chosen:
            try:
                self._act(one, key, who)
                acted_on.append(key)
            except BusinessError as refusal:
                refused.append((self._named(key, who), str(refusal.message)))
        paging.forget_counts()  # what was more than is worth counting may be none by now
        back = self._back(self._list_url())
        undo, too_many = None, ""
        if acted_on and self._may_undo(one, who):
            rows = packed(acted_on)
            if len(rows) <= _LONGEST_UNDO:
                undo = Undo(url_for(f"{self.endpoint}.action_post"), rows, one.func._told.undo)
            else:
                too_many = " " + str(_("These are too many to take back at once."))
        if not refused:
            sentence = _filled(one.func._told.done, uses.counted(self.model, len(acted_on)))
            return done(back, f"{sentence}.{too_many}" if too_many else sentence, undo=undo)
        told: Any = _result(len(acted_on), refused, undo, too_many)
        flash(told, "warning")
        return redirect(back)

    # ── told before ──
    @route("/preview/<string:name>/<pk>", right="view", methods=("GET", "POST"))
    def preview(self, name: str, pk: str) -> Any:
        """What the action will do with this row."""
        who, key = edge.actor(), row_id(pk)
        one = self._named_action(name, who)
        if not one.single:
            raise NotFoundError
        get_visible(db.session(), self.model, key, who, one.func._right)
        return self._previewed(one, [key], who, url_for(f"{self.endpoint}.action", name=name, pk=key), {})

    @route("/preview_post", right="view", methods=("POST",))
    def preview_post(self) -> Any:
        """What the action will do with the chosen rows."""
        who = edge.actor()
        one = self._named_action(request.form.get("action", ""), who)
        if not one.multiple:
            raise NotFoundError
        keys = self._matching(who) if request.form.get("all") == "1" else _sent_rows()
        sent = {"action": one.name, "rows": packed(keys)}
        return self._previewed(one, keys, who, url_for(f"{self.endpoint}.action_post"), sent)

    def _previewed(self, one: Any, keys: Sequence[int], who: Actor, address: str, sent: Mapping[str, str]) -> Any:
        """For the dialog of the page as JSON, else as a page of its own."""
        told = self.preview_of(db.session(), one, keys, who)
        if request.accept_mimetypes.best == "application/json":
            return jsonify(heading=told.heading, told=list(told.told), yes=told.yes, rows=told.rows)
        return self.render_template(
            "screens/preview.html", screen=self, preview=told, address=address, sent=sent,
            back=self._back(self._list_url()), crumbs=trail((self.list_title, self._list_url()), here=one.text),
        )  # fmt: skip

    def preview_of(self, session: Session, one: Any, keys: Sequence[int], who: Actor) -> Preview:
        """`keys` are rows as sent: those that he may not see are told as refused, without a word more."""
        sent = self._key.in_(keys)
        rows = session.scalars(select(self.model).where(sent, visible(self.model, who))).unique().all()
        his = set(session.scalars(select(self._key).where(sent, visible(self.model, who, one.func._right))))
        found = self.hinders_of(session, one.name, rows)
        hindered, done_with = [], []
        for item in rows:
            why = found.get(item.id) if self.offers(one.name, item) else _NOTHING_TO_DO
            if why is None and item.id not in his:
                why = NotAllowedError.message
            if why is None:
                done_with.append(item.id)
            else:
                hindered.append((self._called(item), str(why)))
        missing = len(keys) - len(rows)
        if len(keys) == 1 and hindered:
            return Preview(str(_("%(action)s: not possible", action=one.text)), [hindered[0][1]], None)
        named = _quoted(self.row_title(rows[0])) if len(keys) == 1 and rows else uses.counted(self.model, len(keys))
        told = []
        if one.name == "archive" and done_with:
            told += _kept(session, self.model, done_with, who)
        if one.confirmation and done_with:
            told.append(str(one.confirmation))
        refused = len(hindered) + missing
        if refused:
            told.append(str(_("%(rows)s will be refused.", rows=uses.counted(self.model, refused))))
        told += [f"{name} – {why}" for name, why in hindered[:_MOST_TOLD]]
        if not done_with:
            return Preview(str(_("%(action)s: not possible", action=one.text)), told, None, packed(keys))
        return Preview(_filled(one.func._told.question, named), told, str(one.text), packed(keys))

    # ── which rows ──
    def _matching(self, who: Actor) -> Sequence[int]:
        """All that the list at `query` holds now. Raises BadRequestError."""
        if "query" not in request.form:  # nothing said is not everything
            raise BadRequestError
        found = self.matching_ids(self.asked_whole(request.form["query"]), who, MOST_AT_ONCE + 1)
        if not found:
            raise BadRequestError(_("Nothing matches any more."))
        if len(found) > MOST_AT_ONCE:
            raise BusinessError(_("At most %(most)d rows at once. Narrow the list with a filter.", most=MOST_AT_ONCE))
        return found

    def _may_undo(self, one: Any, who: Actor) -> bool:
        """Is there a way back from this action, and may he go it?"""
        back = self.actions.get(one.func._told.undo)
        return back is not None and self._may_act(who, back)

    def _named_action(self, name: str, who: Actor) -> Any:
        if name not in self.actions:
            raise NotFoundError
        who.must(self.actions[name].func._right, self.resource)
        return self.actions[name]

    def _act(self, one: Any, key: int, who: Actor) -> tuple[str, Any]:
        """One row, one transaction. Returns the row's title and what the action answers."""
        with saving() as session:
            item = self._locked(session, key, who, one.func._right)
            title = self.row_title(item)
            if not self.offers(one.name, item):
                raise BusinessError(_NOTHING_TO_DO)
            return title, one.func(session, item, by=who)

    def _named(self, key: int, who: Actor) -> str:
        """What a row is called in a message, if he may see it."""
        try:
            return self._called(get_visible(db.session(), self.model, key, who))
        except NotFoundError:
            return f"#{key}"

    def _called(self, item: Any) -> str:
        """By its code where it has one: short, and told apart from its namesakes."""
        title: str = getattr(item, "code", None) or self.row_title(item)
        return title if len(title) <= 60 else f"{title[:59]}…"


def _sent_rows() -> Sequence[int]:
    """The rows that were ticked, or those that a preview or a message spoke of. Raises BadRequestError."""
    if "rows" in request.form:
        return unpacked(request.form["rows"], MOST_AT_ONCE)
    return chosen_ids(request.form.getlist("rowid"))


def _quoted(title: str) -> str:
    return f"“{title}”"


def _filled(sentence: Sentence, rows: object) -> str:
    return str(sentence) % {"rows": rows}


_NOTHING_TO_DO = _("This has been done already, or does not fit here.")


def _kept(session: Session, model: Any, ids: Sequence[int], who: Actor) -> list[str]:
    """Who else uses the rows, and that it stays as it is."""
    told = []
    for use in uses.uses_of_many(session, model, ids, who):
        if use.beyond is None:
            told.append(str(_("%(users)s: kept as they are.", users=use.sentence)))
        else:
            told.append(str(_("%(users)s (%(beyond)s): kept as they are.", users=use.sentence, beyond=use.beyond)))
    return told


def _result(count: int, refused: Sequence[tuple[str, str]], undo: Undo | None, too_many: str) -> dict[str, Any]:
    """As in: 12 done, 1 refused: KH000012 – …; with every reason below, as far as a cookie holds them."""
    first = f"{refused[0][0]} – {refused[0][1]}"
    not_done = ngettext("%(num)d refused: %(first)s", "%(num)d refused: %(first)s", len(refused), first=first)
    finished = ngettext("%(num)d done", "%(num)d done", count)
    details = [f"{name} – {why}"[:_LONGEST_TOLD] for name, why in refused[1:_MOST_TOLD]]
    if len(refused) > _MOST_TOLD:
        more = len(refused) - _MOST_TOLD
        details.append(str(ngettext("and %(num)d more", "and %(num)d more", more)))
    return {
        "text": f"{finished}, {not_done}{too_many}" if count else str(not_done),
        "details": details,
        "undo": asdict(undo) if undo else None,
    }
