"""The page of one customer, and the panel beside the list: what to do next, his story, and what belongs to him."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import redirect, request
from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.core import clock, edge, links, paging
from app.core.access import Actor, get_visible
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError, InvalidInputError, NotFoundError
from app.core.finding import record_key
from app.core.i18n import _
from app.core.pages import done, page_number, page_of, trail
from app.core.screens import Screen, extra, parts, route
from app.core.screens.records import HISTORY, Stamp
from app.customers import events, page_queries, profile_shown, shown, timeline
from app.customers.dialogs import ContactPointDialog
from app.customers.duplicates.queries import merged_into
from app.customers.log_dialogs import put_beside
from app.customers.models import Customer

#: what happened lately, in the panel
RECENT = 3
#: rows of a tab on the customer's page
PART_ROWS = 25
#: in the address the filter of the open tab, and among the lists that are counted its rows
_FILTERED = "loc"
#: in the address: what is being written down
QUICK = "ghi"


class CustomerPage(Screen):
    """/khach-hang/show/…: whoever was handed work for the customer sees the header and the contact points alone."""

    @route("/show/<pk>", right="view")
    def show(self, pk: str) -> Any:
        return self._customer_page(row_id(pk))

    @route("/ghi/<pk>/<what>", right="edit", methods=("POST",))
    def quick(self, pk: str, what: str) -> Any:
        """Write something down without leaving the page; what cannot be written stays in its form."""
        who, number = edge.actor(), row_id(pk)
        action = next((one for one in _quick_actions(who) if one.key == what), None)
        if action is None:
            raise NotFoundError
        customer = get_visible(db.session(), Customer, number, who, "edit")
        form = action.form(db.session(), customer, who, request.form)
        if form.validate():
            try:
                draft = action.draft(db.session(), customer, form, by=who)
                if draft is not None:
                    return self._customer_page(number, quick=action, form=form, draft=draft)
                with edge.transaction() as session:
                    customer = get_visible(session, Customer, number, who, "edit")
                    said = action.write(session, customer, form, by=who)
            except NotFoundError:
                raise
            except InvalidInputError as error:
                put_beside(form, error)
            except BusinessError as error:
                form.form_errors.append(str(error.message))
            else:
                return done(links.customer_path(number), said)
        return self._customer_page(number, quick=action, form=form), 422

    @route("/panel/<pk>", right="view")
    def panel(self, pk: str) -> Any:
        """The customer at a glance; opened by itself the address leads to the page."""
        who, session, number = edge.actor(), db.session(), row_id(pk)
        read = self._read_customer(session, number, who)
        if "X-Part" not in request.headers:
            return redirect(links.customer_path(number))
        days: Sequence[Mapping[str, Any]] = ()
        if read.item is not None:
            days = timeline.shown(session, number, who, timeline.Asked(), RECENT)["days"]
        return self.render_template(
            "customers/panel.html",
            **self._card(session, read, who),
            recent=[entry for day in days for entry in day["entries"]],
            url=links.customer_path(number),
        )

    def _customer_page(self, number: int, *, quick: events.QuickAction | None = None, form: Any = None,
                       draft: events.Draft | None = None, dialogs: Mapping[str, Any] | None = None) -> Any:  # fmt: skip
        """`dialogs`: those of the cards that were refused, by name (contact, consent, tags)."""
        who, session, now = edge.actor(), db.session(), clock.now()
        read = self._read_customer(session, number, who)
        if read.item is not None and read.item.is_archived and (stayed := merged_into(session, number)) is not None:
            return redirect(links.customer_path(stayed), 308)
        told = self._card(session, read, who)
        refused = dialogs or {}
        opened: Mapping[str, Any] = {}
        if read.item is not None:
            added = extra.extra_of(self.resource)
            told["own"] = added.told(session, number, who) if added is not None else ()
            told |= self._whole(session, read, read.item, told, who, now)
            told["sections"], opened, bought = self._sections(session, read.item, who, may_edit=told["may_edit"])
            told["profile"] = profile_shown.card(
                session, read, read.item, who, self._facts(read.item, profile_shown.FACTS, who), bought,
                may_edit=told["may_edit"], dialogs=refused,
            )  # fmt: skip
            if "timeline" in opened and told["may_edit"]:
                told["quick"] = _quick(session, read.item, who, quick, form, draft)
        return self.render_template(
            "customers/customer.html",
            **{
                **opened,
                **told,
                "crumbs": trail((_("Customers"), "/khach-hang/list/"), here=read.card.code),
                "record": record_key("Customer", number),
                "contact_form": refused.get("contact")
                or (ContactPointDialog(formdata=None) if told["may_edit"] else None),
                "contact_url": f"/khach-hang/{number}/lien-he",
            },
        )

    def _read_customer(self, session: Session, number: int, who: Actor) -> page_queries.Read:
        asked = {one.func._right for one in self.actions.values()} | {"edit"}
        return page_queries.customer_page(session, number, who, asked)

    def _card(self, session: Session, read: page_queries.Read, who: Actor) -> dict[str, Any]:
        """What page and panel have in common."""
        item = read.item
        may_edit = item is not None and "edit" in read.rights and not item.is_archived
        may_start = item is not None and not item.is_archived and who.may("add", "Instance")
        now = clock.now()
        asked = _parts(who) if item is not None else ()
        upcoming = [step for part in asked for step in part.upcoming(session, read.card.id, who, now)]
        verbs = [
            one for one in self.actions.values()
            if item is not None and one.single and one.func._right in read.rights and self.offers(one.name, item)
        ]  # fmt: skip
        step, verbs = self._restoring(item, verbs)
        return {
            "screen": self,
            "item": item,
            "step": step,
            "actions": verbs,
            "may_edit": may_edit,
            "links": parts.links_for(item, self.resource, item.id, who) if item is not None else [],
            "customer": shown.header(session, read, who),
            "contacts": shown.contacts(read, who, may_edit=may_edit),
            "upcoming": upcoming,
            "next_step": upcoming[0] if upcoming else None,
            "start_url": f"/ho-so/bat-dau?khach={read.card.id}" if may_start else None,
        }

    def _whole(
        self, session: Session, read: page_queries.Read, item: Customer, card: Mapping[str, Any], who: Actor,
        now: datetime,
    ) -> dict[str, Any]:  # fmt: skip
        """What whoever sees the whole customer is told beside his story."""
        promised = page_queries.promises(session, item.id, who)
        may_edit = "edit" in read.rights and not item.is_archived
        stamps = [Stamp(_("Record added"), item.created_at, read.added_by)]
        if item.updated_at != item.created_at:
            stamps.append(Stamp(_("Last change"), item.updated_at, read.changed_by))
        steps = [*card["upcoming"], *shown.own_steps(item, promised, card["contacts"], who, now)]
        first = shown.first_step(steps)
        told: dict[str, Any] = {
            "next_step": first,
            "upcoming": [step for step in card["upcoming"] if step is not first],
            "promises": shown.promises(item.id, promised, who, now, may_edit=may_edit),
            "heeds": events.heeded(item, who, now),
            "stamps": stamps,
        }
        return told

    def _sections(
        self, session: Session, item: Customer, who: Actor, *, may_edit: bool
    ) -> tuple[list[dict[str, Any]], Mapping[str, Any], int]:  # fmt: skip
        """The tabs of the page, what the chosen one shows, and how much the customer bought in all."""
        path = links.customer_path(item.id)
        own = {part.key: part for part in _parts(who) if part.is_for(item)}
        others = {part.key: part for part in parts.parts_for(self.resource, who)}
        chosen = request.args.get("phan", "")
        if chosen and chosen not in {*own, *others, HISTORY}:
            raise NotFoundError
        asked = timeline.read_asked(request.args) if not chosen else timeline.Asked()
        lists = {key: part.filtered(item.id, who, part.filters[0]) for key, part in own.items()}
        chip = _chosen_filter(own[chosen]) if chosen in own else None
        if chip is not None and chip.key:
            lists[_FILTERED] = own[chosen].filtered(item.id, who, chip)
        asides = {key: part.counting(self.resource, item.id, who) for key, part in others.items()}
        besides = {key: counting for key, counting in asides.items() if counting is not None}
        found = timeline.counted(session, item.id, who)
        counts, more = paging.counts_and(session, lists, [*besides.values(), page_queries.bought(item.id, who)])
        numbers = {key: number for key, (number, _capped) in counts.items()} | dict(zip(besides, more, strict=False))
        labels = {"": _("Timeline")} | {
            key: part.label for key, part in (own | others).items() if numbers.get(key) != parts.NOT_HERE
        }
        if chosen and chosen not in {*labels, HISTORY}:
            raise NotFoundError
        sections = [
            {
                "label": label,
                "url": f"{path}?phan={key}" if key else path,
                "current": key == chosen,
                "count": found.total if not key else numbers.get(key),
                "capped": counts.get(key, (0, False))[1],
            }
            for key, label in {**labels, HISTORY: _("Change history")}.items()
            if numbers.get(key) != parts.NOT_HERE
        ]
        bought = int(more[-1] or 0)
        if not chosen:
            return sections, _timeline(session, item, who, asked, found, path, may_edit=may_edit), bought
        if chip is not None:
            filtered = _FILTERED if _FILTERED in lists else chosen
            return sections, _rows(own[chosen], chip, lists[filtered], item, who, counts[filtered]), bought
        opened = self._opened(chosen, item, who, besides=("phan",))
        return sections, {**opened.values, "opened": opened.template}, bought


def _parts(who: Actor) -> list[events.CustomerPart]:
    return [part for part in events.parts() if who.may("view", part.resource)]


def _quick_actions(who: Actor) -> list[events.QuickAction]:
    return [one for one in events.quick_actions() if one.is_for(who)]


def _quick(
    session: Session, item: Customer, who: Actor, chosen: events.QuickAction | None, form: Any,
    draft: events.Draft | None,
) -> dict[str, Any] | None:  # fmt: skip
    """The one that is being written, and the buttons of the others."""
    offered = _quick_actions(who)
    if not offered:
        return None
    wanted = request.args.get(QUICK, "")
    chosen = chosen or next((one for one in offered if one.key == wanted), offered[0])
    hindrance = chosen.hindrance(item, who)
    if form is None and hindrance is None:
        form = chosen.form(session, item, who, None)
    path = links.customer_path(item.id)
    return {
        "tabs": [
            {"label": one.label, "icon": one.icon, "current": one is chosen, "url": f"{path}?{QUICK}={one.key}#ghi"}
            for one in offered
        ],
        "form": None if hindrance is not None else form,
        "hindrance": hindrance,
        "url": f"/khach-hang/ghi/{item.id}/{chosen.key}",
        "fields": chosen.fields,
        "more": chosen.more,
        "more_open": form is not None and any(_is_touched(form[name]) for name in chosen.more),
        "verb": chosen.verb if draft is not None else chosen.verb_before or chosen.verb,
        "draft": draft,
        "anew": f"{path}?{QUICK}={chosen.key}#ghi",
        "key": chosen.key,
        # Of a refused one the script goes to the field that is wrong.
        "focused": bool(wanted) and not (form is not None and form.errors),
    }  # fmt: skip


def _is_touched(field: Any) -> bool:
    return bool(field.errors) or field.data not in (None, "", field.default)


def _timeline(
    session: Session, item: Customer, who: Actor, asked: timeline.Asked, found: timeline.Counted, path: str, *,
    may_edit: bool,
) -> dict[str, Any]:  # fmt: skip
    told = timeline.shown(session, item.id, who, asked, may_edit=may_edit)
    kept = {key: value for key, value in
            (("loai", asked.group.key if asked.group else ""), ("kenh", asked.channel)) if value}  # fmt: skip
    return {
        "timeline": told["days"],
        "chips": timeline.chips(path, asked, found),
        "channels": timeline.channels(asked, found),
        "asked": {"group": asked.group.key if asked.group else "", "channel": asked.channel,
                  "narrowed": asked.is_narrowed, "path": path},
        "older_url": f"{path}?{urlencode({**kept, 'truoc': told['older']})}" if told["older"] else None,
        "newest_url": (f"{path}?{urlencode(kept)}" if kept else path) if asked.cursor is not None else None,
    }  # fmt: skip


def _chosen_filter(part: events.CustomerPart) -> events.PartFilter:
    """Raises BadRequestError for one that the part does not have."""
    key = request.args.get(_FILTERED, "")
    chip = next((one for one in part.filters if one.key == key), None)
    if chip is None:
        raise BadRequestError(_("%(name)s is not something to filter by.", name=key[:50]))
    return chip


def _rows(
    part: events.CustomerPart,
    chip: events.PartFilter,
    listed: Select[Any],
    item: Customer,
    who: Actor,
    counted: tuple[int | None, bool],
) -> dict[str, Any]:
    """A page of what another feature keeps about the customer."""
    number, count = page_number(), counted[0] or 0
    wanted = listed.limit(PART_ROWS).offset((number - 1) * PART_ROWS)
    rows = part.rows(db.session(), wanted, who, clock.now())
    is_long = count > PART_ROWS or number > 1
    return {
        "rows": rows,
        "filters": [
            {"label": one.label, "current": one is chip, "url": f"?{urlencode({'phan': part.key, _FILTERED: one.key})}"}
            for one in part.filters
        ],
        "add": part.add(item, who),
        "empty_text": _("Nothing of that kind for this customer.") if chip.key else part.empty,
        "page": page_of(number, len(rows), (count, counted[1]), size=PART_ROWS) if is_long else None,
    }
