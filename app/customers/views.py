"""Customers on the screen: the generated list and forms, the record page, and the picker inside forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, flash, jsonify, redirect, request
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from app.catalogues import queries as catalogues
from app.comments import queries as comments
from app.core import clock, edge, guarded, history, links, paging
from app.core.access import Actor, FieldRight, get_visible, visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, InvalidInputError, NotFoundError
from app.core.finding import line, record_key
from app.core.formats import local, time_text
from app.core.guarded import key_of
from app.core.i18n import _
from app.core.masking import Mask
from app.core.pages import Page, done, page, page_number, page_of, refused_onto, trail
from app.core.screens import Derived, Interface, Kind, Preset, Screen, action, revealing, route
from app.core.screens.parts import parts_for
from app.core.screens.records import HISTORY
from app.core.timewords import day_heading
from app.core.vietnamese import phone_e164, show_phone
from app.customers import events, queries, rules, services
from app.customers.dialogs import CONTACT_LABELS, KIND_LABELS, ContactPointDialog, CustomerDialog
from app.customers.models import SOURCES, ContactKind, ContactPoint, Customer, CustomerKind, TimelineEntry
from app.security import columns as people_columns
from app.security import queries as people
from app.security.models import Team

PICKED = 20
#: rows that a picker pages through; beyond them one types more
MOST_PICKED = 200
TIMELINE = 100
#: what happened lately, in the panel
RECENT = 3
#: rows of a tab on the customer's page
PART_ROWS = 25

_FORM = ["name", "kind", "phone", "email", "source", "note"]

TIMELINE_TEXTS = {
    "created": _("Customer added"),
    "changed": _("Customer changed"),
    "contact_added": _("Way to reach added"),
    "contact_removed": _("Way to reach no longer in use"),
    "contact_preferred": _("Preferred way to reach chosen"),
    "archived": _("Archived"),
    "restored": _("Restored"),
    "task_completed": _("Task finished"),
    "instance_started": _("Process begun"),
    "instance_completed": _("Process completed"),
    "instance_cancelled": _("Process called off"),
    "instance_failed": _("Process failed"),
    "form_submitted": _("Form filled in"),
    "commented": _("Comment written"),
}
_TIMELINE_SIGNS = {
    "created": "user-plus",
    "changed": "pencil",
    "contact_added": "phone",
    "contact_removed": "phone-off",
    "contact_preferred": "phone-call",
    "archived": "archive",
    "restored": "refresh",
    "task_completed": "check",
    "instance_started": "route",
    "instance_completed": "flag",
    "instance_cancelled": "ban",
    "instance_failed": "alert-triangle",
    "form_submitted": "forms",
    "commented": "message-2",
}
#: what is told of it beside its sentence: the entry's data of that name
_TIMELINE_NAMES = {
    "task_completed": "task",
    "instance_started": "process",
    "instance_completed": "process",
    "instance_cancelled": "process",
    "instance_failed": "process",
    "form_submitted": "form",
}
#: a changed field whose label stands under another name
_FIELD_LABELS = {"owner_id": "owner.name", "team_id": "team.name"}
_TOLD_FIELDS = {
    "name": _("Name"),
    "kind": _("Kind"),
    "owner_id": _("Person in charge"),
    "team_id": _("Team"),
    "source": _("Came through"),
    "note": _("Note"),
}
_TOLD_OF_CONTACTS = {"kind": _("Kind"), "shown": _("Number or address"), "is_preferred": _("Preferred")}
_LINKS = {ContactKind.phone: "tel:", ContactKind.zalo: "tel:", ContactKind.email: "mailto:"}
_SUBJECTS = {"task": links.task_path, "instance": links.instance_path, "comment": links.comment_path}


class CustomerScreen(Screen):
    """/khach-hang: the list and the forms come from FAB, the record page is our own."""

    resource = "Customer"
    collection = "customers"
    datamodel = Interface(Customer)
    empty_text = _("No customers yet. Add the first one.")
    empty_art = "people"
    route_base = "/khach-hang"
    list_title = _("Customers")
    add_title = _("New customer")
    edit_title = _("Change customer")
    show_title = _("Customer")
    list_columns = ["name", "code", "phone", "email", "owner.name", "created_at"]
    order_columns = ["name", "code", "kind", "source", "owner.name", "team.name", "created_at", "updated_at"]
    more_columns = ["kind", "source", "team.name", "updated_at"]
    search_columns = [
        "name", "code", "kind", "phone", "email", "source", "owner.name", "team.name", "note", "created_at",
        "updated_at",
    ]  # fmt: skip
    derived = {
        "phone": Derived(Kind.phone, queries.main_contact(ContactKind.phone), queries.contacts(ContactKind.phone)),
        "email": Derived(Kind.text, queries.main_contact(ContactKind.email), queries.contacts(ContactKind.email)),
        "owner.name": people_columns.person(Customer.owner_id),
        "team.name": people_columns.team(Customer.team_id),
        "source": Derived(Kind.choice, Customer.source, choices=catalogues.Choices(SOURCES)),
    }
    # Ids are given in the order of creation, and come with an index.
    order_keys = {"name": Customer.sort_key, "created_at": Customer.id}
    base_order = ("created_at", "desc")
    guarded = {
        "phone": Mask.phone, "email": Mask.email, "note": Mask.text, "source": Mask.text, "owner.name": Mask.text,
        "team.name": Mask.text,
    }  # fmt: skip
    sensitive = frozenset({"phone", "email", "note"})
    presets = (
        Preset(_("All")),
        Preset(_("Mine"), "owner.name = me()"),
        Preset(_("New this week"), "created_at = this_week()"),
    )
    show_columns = ["name", "code"]
    add_columns = _FORM
    edit_columns = _FORM
    form_fields = {name: getattr(CustomerDialog, name) for name in _FORM}
    choice_labels: ClassVar[Mapping[str, Mapping[Any, Any]]] = {"kind": KIND_LABELS}
    label_columns = {
        "name": _("Name"),
        "code": _("Code"),
        "phone": _("Phone number"),
        "email": _("E-mail"),
        "kind": _("Kind"),
        "owner.name": _("Person in charge"),
        "team.name": _("Team"),
        "updated_at": _("Changed"),
        "created_at": _("Created"),
        "source": _("Came through"),
        "note": _("Note"),
    }

    def search_as(self, who: Actor, rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(queries.search(text, who))

    def prefill(self, form: Any) -> None:
        """?phone=: the number that somebody searched for and nobody has."""
        phone = phone_e164(request.args.get("phone", "")[:40])
        if phone:
            form.phone.data = show_phone(phone)

    def create(self, session: Session, form: Any, *, by: Actor) -> Customer:
        return services.create_customer(
            session,
            by=by,
            name=form.name.data or "",
            kind=CustomerKind(form.kind.data),
            phone=form.phone.data,
            email=form.email.data,
            source=form.source.data,
            note=form.note.data,
        )

    def change(self, session: Session, item: Customer, form: Any, *, by: Actor) -> None:
        services.change_customer(
            session,
            item,
            by=by,
            rev=item.rev,
            name=form.name.data or "",
            kind=CustomerKind(form.kind.data),
            phone=form.phone.data,
            email=form.email.data,
            source=form.source.data,
            note=form.note.data,
        )

    @action(
        "archive",
        _("Archive"),
        right="delete",
        icon="archive",
        confirmation=_("Nothing is lost: the history stays, the customer leaves the lists."),
    )
    def archive(self, session: Session, item: Customer, *, by: Actor) -> None:
        services.archive_customer(session, item, by=by)

    @action("restore", _("Restore"), right="delete", icon="refresh")
    def restore(self, session: Session, item: Customer, *, by: Actor) -> None:
        services.restore_customer(session, item, by=by)

    @route("/show/<pk>", right="view")
    def show(self, pk: str) -> Any:
        """The record page; whoever was handed work for the customer sees the header and the contact points alone."""
        who, session, number = edge.actor(), db.session(), row_id(pk)
        card = queries.customer_card(session, number, who)
        item = get_visible(session, Customer, number, who) if card.full else None
        told = self._card(session, card, item, who)
        opened: Mapping[str, Any] = {}
        if item is not None:
            told["sections"], opened = self._sections(item, who)
        return self.render_template(
            "customers/customer.html",
            **{
                **opened,
                **told,
                "stamps": self._stamps(item) if item is not None else [],
                "crumbs": trail((_("Customers"), "/khach-hang/list/"), here=card.code),
                "record": record_key("Customer", number),
                "contact_form": ContactPointDialog(formdata=None) if told["may_edit"] else None,
                "contact_url": f"/khach-hang/{number}/lien-he",
            },
        )

    @route("/panel/<pk>", right="view")
    def panel(self, pk: str) -> Any:
        """The customer at a glance; opened by itself the address leads to the page."""
        who, session, number = edge.actor(), db.session(), row_id(pk)
        card = queries.customer_card(session, number, who)
        if "X-Part" not in request.headers:
            return redirect(links.customer_path(number))
        item = get_visible(session, Customer, number, who) if card.full else None
        recent = [entry for day in _timeline(number, who, RECENT) for entry in day["entries"]] if item else []
        return self.render_template(
            "customers/panel.html",
            **self._card(session, card, item, who),
            recent=recent,
            url=links.customer_path(number),
        )

    def history_subjects(self, item: Customer, who: Actor) -> list[history.Subject]:
        """The customer and the ways to reach him. Everybody who sees him is told the teams that he belonged to."""
        contacts = select(ContactPoint.id).where(ContactPoint.customer_id == item.id)

        def told_of_contact(column: str, value: Any) -> Any:
            if column == "kind":
                return CONTACT_LABELS[value]
            return _contact_text(value, who) if column == "shown" else self._told_value(column, value)

        return [
            history.Subject(Customer, item.id, _TOLD_FIELDS, self._told_value, known=(Team,)),
            history.Subject(
                ContactPoint, contacts, _TOLD_OF_CONTACTS, told_of_contact,
                kind=_("Way to reach"), title=ContactPoint.shown, called=lambda shown: _contact_text(shown, who) or "",
            ),
        ]  # fmt: skip

    def _card(self, session: Session, card: queries.CustomerCard, item: Customer | None, who: Actor) -> dict[str, Any]:
        """What page and panel have in common."""
        rights = self._rights_over(item, who) if item is not None else set()
        may_edit = item is not None and "edit" in rights and not item.is_archived
        may_start = item is not None and not item.is_archived and who.may("add", "Instance")
        now = clock.now()
        steps = (part.next_step(session, card.id, who, now) for part in _parts(who)) if item is not None else ()
        return {
            "screen": self,
            "item": item,
            "actions": [
                one for one in self.actions.values()
                if item is not None and one.single and one.func._right in rights and self.offers(one.name, item)
            ],
            "may_edit": may_edit,
            "customer": _header(session, card, item, who),
            "contacts": _contacts(session, card, who, may_edit=may_edit),
            "next_step": next(filter(None, steps), None),
            "start_url": f"/ho-so/bat-dau?khach={card.id}" if may_start else None,
        }  # fmt: skip

    def _sections(self, item: Customer, who: Actor) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
        """The tabs of the page, and what the chosen one shows."""
        session, path = db.session(), links.customer_path(item.id)
        own = {part.key: part for part in _parts(who)}
        others = {part.key: part for part in parts_for(self.resource, who)}
        chosen = request.args.get("phan", "")
        if chosen and chosen not in {*own, *others, HISTORY}:
            raise NotFoundError
        counts: dict[str, tuple[int | None, bool]] = {
            key: paging.count(session, part.select(item.id, who), part.model.id) for key, part in own.items()
        }
        counts |= {key: (part.count(session, self.resource, item.id, who), False) for key, part in others.items()}
        labels = {"": _("History")} | {key: part.label for key, part in (own | others).items()}
        sections = [
            {
                "label": label,
                "url": f"{path}?phan={key}" if key else path,
                "current": key == chosen,
                "count": counts.get(key, (None, False))[0],
                "capped": counts.get(key, (None, False))[1],
            }
            for key, label in {**labels, HISTORY: _("Change history")}.items()
        ]
        if not chosen:
            return sections, {"timeline": _timeline(item.id, who, TIMELINE)}
        if chosen in own:
            return sections, _rows(own[chosen], item.id, who, counts[chosen])
        opened = self._opened(chosen, item, who, besides=("phan",))
        return sections, {**opened.values, "opened": opened.template}


class CustomerPages(Page):
    """The buttons of the record page."""

    resource = "Customer"
    route_base = "/khach-hang"
    default_view = "add_contact"

    @page("/<customer_id>/lien-he", "POST", right="edit")
    def add_contact(self, customer_id: str) -> Any:
        number, dialog = row_id(customer_id), ContactPointDialog()
        if not dialog.validate():
            flash(" ".join(str(told) for field in dialog for told in field.errors), "danger")
            return redirect(links.customer_path(number))
        try:
            with edge.transaction() as session:
                customer = get_visible(session, Customer, number, edge.actor(), "edit")
                services.add_contact_point(
                    session,
                    customer,
                    by=edge.actor(),
                    kind=ContactKind(dialog.kind.data),
                    text=dialog.text.data or "",
                    preferred=dialog.preferred.data,
                )
        except InvalidInputError as error:
            return refused_onto(links.customer_path(number), error)
        return done(links.customer_path(number), _("The contact is saved."))

    @page("/<customer_id>/lien-he/<point_id>/<verb>", "POST", right="edit")
    def change_contact(self, customer_id: str, point_id: str, verb: str) -> Any:
        number = row_id(customer_id)
        verbs = {"uu-tien": services.prefer_contact_point, "bo": services.remove_contact_point}
        if verb not in verbs:
            abort(404)
        try:
            with edge.transaction() as session:
                point = get_visible(session, ContactPoint, row_id(point_id), edge.actor())
                if point.customer_id != number:
                    raise NotFoundError
                verbs[verb](session, point, by=edge.actor())
        except BusinessError as error:
            if isinstance(error, NotFoundError):
                raise
            return refused_onto(links.customer_path(number), error)
        return done(links.customer_path(number), _("The contacts are saved."))


class ContactPages(Page):
    """A number or address that its reader sees with dots, opened with a reason."""

    resource = "Customer"
    route_base = "/khach-hang"
    default_view = "reveal_contact"

    @page("/<customer_id>/lien-he/<point_id>/mo", "GET", "POST", right=None)
    def reveal_contact(self, customer_id: str, point_id: str) -> Any:
        """For whoever sees the customer's header, so also from work that was handed to him."""
        who, number = edge.actor(), row_id(customer_id)
        point = get_visible(db.session(), ContactPoint, row_id(point_id), who)
        seen = queries.contact_seen(rules.Contact(point.kind, point.value, point.shown), who)
        if point.customer_id != number or seen is None or seen.field is None or not seen.is_covered:
            raise NotFoundError
        card = queries.customer_card(db.session(), number, who)
        asked = revealing.Asked(
            CONTACT_LABELS[point.kind], seen.shown, card.name, links.customer_path(number), seen.field,
            ("Customer", ContactPoint.__tablename__, point.id),
        )  # fmt: skip
        return revealing.answer(asked, who, lambda: point.shown, (CustomerScreen.list_title, "/khach-hang/list/"))


class CustomerPicker(Page):
    """/tim/khach-hang: customers to choose from inside forms."""

    resource = "Customer"
    route_base = "/tim"
    default_view = "pick"

    @page("/khach-hang")
    def pick(self) -> Any:
        """Customers for a picker, as its script reads them, a page at a time."""
        actor = edge.actor()
        text = request.args.get("q", "").strip()[:200].replace("\0", "")
        number = paging.asked_number(request.args, "page", 1, MOST_PICKED // PICKED)
        before = (number - 1) * PICKED
        rows = queries.found(text, actor, limit=before + PICKED + 1) if text else _latest(actor)
        wanted = rows.offset(before).options(selectinload(Customer.all_contact_points))
        found = db.session.scalars(wanted).unique().all()
        return jsonify(
            results=[{"id": str(one.id), "text": one.name, "hint": _hint(one, actor)} for one in found[:PICKED]],
            more=len(found) > PICKED and before + PICKED < MOST_PICKED,
        )


def _hint(customer: Customer, who: Actor) -> str:
    return line(customer.code, queries.reached_first(customer, who))


def _latest(actor: Actor) -> Select[Customer]:
    """What a picker offers before anything is typed: the newest."""
    rows = select(Customer).where(visible(Customer, actor), queries.live())
    return rows.order_by(Customer.id.desc()).limit(PICKED + 1)


def _header(session: Session, card: queries.CustomerCard, item: Customer | None, who: Actor) -> dict[str, Any]:
    archived_by = people.member_by_id(session, item.archived_by_id) if item and item.archived_by_id else None

    def seen(key: str, value: Any) -> Any:
        return guarded.seen(who, "Customer", key, value) or ""

    return {
        "name": card.name,
        "code": card.code,
        "company": card.kind is CustomerKind.company,
        "tags": [],
        "salutation": "",
        "owner": seen("owner", item.owner.name) if item and item.owner else "",
        "team": seen("team", item.team.name) if item and item.team else "",
        "source": seen("source", catalogues.label_of(session, SOURCES, item.source)) if item else "",
        "note": seen("note", item.note) if item else "",
        "archived": bool(item and item.is_archived),
        "archived_by": archived_by.name if archived_by else "",
        "archived_at": item.archived_at if item else None,
        "header_only": item is None,
    }


def _contacts(session: Session, card: queries.CustomerCard, who: Actor, *, may_edit: bool) -> list[dict[str, Any]]:
    base, preferred = f"/khach-hang/{card.id}/lien-he", 0
    if may_edit:
        rows = select(ContactPoint.id).where(ContactPoint.customer_id == card.id, ContactPoint.is_preferred.is_(True))
        preferred = session.scalars(rows.where(ContactPoint.archived_at.is_(None))).first() or 0
    told = []
    for one in card.contact_points:
        changes = may_edit and (one.field is None or who.writes("Customer", one.field))
        told.append({
            "kind": str(one.kind),
            "kind_label": CONTACT_LABELS[one.kind],
            "shown": one.shown,
            "link": f"{_LINKS[one.kind]}{one.value}" if one.kind in _LINKS and not one.is_covered else None,
            "covered": one.is_covered,
            "reveal_url": queries.reveal_path(card.id, one, who),
            "preferred": one.id == preferred,
            "prefer_url": f"{base}/{one.id}/uu-tien" if changes and one.id != preferred else None,
            "remove_url": f"{base}/{one.id}/bo" if changes else None,
        })  # fmt: skip
    return told


def _contact_text(shown: str, who: Actor) -> str | None:
    """A number or address of the log as this person may read it; what it says tells what it is."""
    seen = queries.contact_seen(rules.Contact(ContactKind.other, shown, shown), who)
    return seen.shown if seen is not None else None


def _parts(who: Actor) -> list[events.CustomerPart]:
    return [part for part in events.parts() if who.may("view", part.resource)]


def _rows(part: events.CustomerPart, customer_id: int, who: Actor, counted: tuple[int | None, bool]) -> dict[str, Any]:
    """A page of what another feature keeps about the customer."""
    number, count = page_number(), counted[0] or 0
    wanted = part.select(customer_id, who).limit(PART_ROWS).offset((number - 1) * PART_ROWS)
    rows = part.rows(db.session(), wanted, who, clock.now())
    is_long = count > PART_ROWS or number > 1
    return {
        "rows": rows,
        "empty_text": part.empty,
        "page": page_of(number, len(rows), (count, counted[1]), size=PART_ROWS) if is_long else None,
    }


def _timeline(customer_id: int, actor: Actor, most: int) -> list[dict[str, Any]]:
    """What happened, newest first, by day; equal things one after the other are told once."""
    today = local(clock.now(), actor.time_zone).date()
    rows: Sequence[TimelineEntry] = db.session.scalars(queries.timeline(customer_id, actor).limit(most)).all()
    names = history.names_of_people(db.session(), {row.actor_id for row in rows})
    said = comments.excerpts(db.session(), [row.subject_id for row in rows if row.kind == "commented"])
    days: list[dict[str, Any]] = []
    for row in rows:
        day, entry = local(row.at, actor.time_zone).date(), _entry(row, actor, names, said)
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "label": day_heading(day, today), "entries": []})
        told = days[-1]["entries"]
        if told and told[-1]["same"] == entry["same"]:
            told[-1]["times"] += 1
        else:
            told.append(entry)
    return days


def _entry(row: TimelineEntry, actor: Actor, names: Mapping[int, str], said: Mapping[int, str]) -> dict[str, Any]:
    data, what = row.data, TIMELINE_TEXTS.get(row.kind, row.kind)
    name = data.get(_TIMELINE_NAMES.get(row.kind, ""))
    told = [str(data[key]) for key in ("code", "context") if data.get(key) and data[key] != name]
    told += [
        str(CustomerScreen.label_columns[_FIELD_LABELS.get(key, key)]) for key in data.get("fields", ())
        if actor.field_right("Customer", key_of(key)) is not FieldRight.hidden
    ]  # fmt: skip
    path = _SUBJECTS.get(row.subject_type or "")
    meta, by = " · ".join(told), names.get(row.actor_id or 0, "")
    quote = said.get(row.subject_id or 0, "") if row.kind == "commented" else str(data.get("reason") or "")
    return {
        "at": row.at,
        "time": time_text(row.at, actor.time_zone),
        "sign": _TIMELINE_SIGNS.get(row.kind, "point"),
        "kind": "ok" if row.kind in ("task_completed", "instance_completed") else "",
        "quote": quote,
        "text": _("%(what)s: %(name)s", what=what, name=name) if name else what,
        "meta": meta,
        "by": by,
        "times": 1,
        "url": path(row.subject_id) if path and row.subject_id else None,
        "same": (row.kind, name, meta, by, quote),
    }
