"""What is done with rows by a button? With one of them or with many, each in a transaction of its own."""

from __future__ import annotations

from collections import defaultdict, deque
from itertools import islice
from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.core import edge
from app.core.access import Actor, get_visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, NotFoundError
from app.core.i18n import _, ngettext
from app.core.pages import Undo, done
from app.core.screens.doors import route
from app.core.screens.lookups import LookupPart
from app.core.screens.saving import chosen_ids, saving

#: names in a message about a bulk action; the message travels in the cookie
_MOST_NAMED = 5


class ActionPart(LookupPart):
    """The actions of a screen."""

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
        undo = Undo(url_for(f"{self.endpoint}.action", name="restore", pk=key)) if self._may_undo(one, who) else None
        told = _("%(action)s: %(name)s", action=one.text, name=title)
        return done(self._back(self._list_url()), told, undo=undo)

    @route("/action_post", right="view", methods=("POST",))
    def action_post(self) -> BaseResponse:
        """Do something with every chosen row, each on its own: one that is refused does not hold up the others."""
        who = edge.actor()
        one = self._named_action(request.form.get("action", ""), who)
        chosen = chosen_ids(request.form.getlist("rowid"))
        if not one.multiple:
            raise NotFoundError
        acted_on: list[int] = []
        refused: defaultdict[str, deque[str]] = defaultdict(deque)
        for key in chosen:
            try:
                self._act(one, key, who)
                acted_on.append(key)
            except BusinessError as refusal:
                refused[str(refusal.message)].append(self._named(key, who))
        for sentence, names in refused.items():
            named = ", ".join(islice(names, _MOST_NAMED)) + (", …" if len(names) > _MOST_NAMED else "")
            flash(f"{named}: {sentence}", "warning")
        back = self._back(self._list_url())
        if not acted_on:
            return redirect(back)
        undo = Undo(url_for(f"{self.endpoint}.action_post"), acted_on, "restore") if self._may_undo(one, who) else None
        told = ngettext("%(action)s: %(num)d row", "%(action)s: %(num)d rows", len(acted_on), action=one.text)
        return done(back, told, undo=undo)

    def _may_undo(self, one: Any, who: Actor) -> bool:
        """Is there a way back from this action, and may he go it?"""
        return one.name == "archive" and self._may_act(who, self.actions["restore"])

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
                raise BusinessError(_("This has been done already, or does not fit here."))
            return title, one.func(session, item, by=who)

    def _named(self, key: int, who: Actor) -> str:
        """A row's title for a message, if he may see it."""
        try:
            title = self.row_title(get_visible(db.session(), self.model, key, who))
        except NotFoundError:
            return f"#{key}"
        return title if len(title) <= 60 else f"{title[:59]}…"
