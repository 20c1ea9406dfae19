"""Which customers are there: the list and forms that FAB generates, the page of one, and his panel beside the list?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from flask import redirect, request
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.core import clock, edge, history, links, paging
from app.core.access import Actor, get_visible
from app.core.db import db, row_id
from app.core.errors import BadRequestError, NotFoundError
from app.core.finding import line, record_key
from app.core.i18n import _
from app.core.masking import Mask
from app.core.pages import page_number, page_of, trail
from app.core.screens import Derived, Interface, Kind, Preset, Screen, action, route
from app.core.screens.fields import Lookup
from app.core.screens.parts import parts_for
from app.core.screens.records import HISTORY
from app.core.vietnamese import read_phone, show_phone
from app.customers import events, places, profile, profile_shown, queries, search, services, shown
from app.customers.dialogs import CONTACT_LABELS, KIND_LABELS, ContactPointDialog, CustomerDialog
from app.customers.labels import FIELD_LABELS, GENDER_LABELS
from app.customers.models import SOURCES, ContactKind, ContactPoint, Customer, CustomerKind
from app.security import columns as people_columns
from app.security.models import Team

TIMELINE = 100
#: what happened lately, in the panel
RECENT = 3
#: rows of a tab on the customer's page
PART_ROWS = 25
#: in the address the filter of the open tab, and among the lists that are counted its rows
_FILTERED = "loc"

#: the sections of the form
_SECTIONS: Sequence[tuple[Any, Sequence[str]]] = (
    (_("Identity"), ("kind", "honorific", "name", "gender", "birthday", "tax_code", "id_number", "company",
                      "job_title")),
    (_("How to reach"), ("phone", "email")),
    (_("Postal address"), ("province_code", "ward_code", "street", "old_address")),
    (_("What kind of customer"), ("source", "touchpoint", "tier", "behaviour", "stage", "next_contact_on", "note")),
    (_("Consent and restrictions"), ("do_not_contact", "do_not_contact_reason", "risk_reason")),
)  # fmt: skip
_FORM = [name for _title, names in _SECTIONS for name in names]
#: those that the table itself has an input for
_BUILT = {"birthday", "next_contact_on", "company"}
_CHOSEN = {one: Derived(Kind.choice, getattr(Customer, one), choices=catalogues.Choices(catalogue))
           for one, catalogue in profile.CATALOGUES.items()}  # fmt: skip


def _provinces() -> Mapping[str, str]:
    return {one.code: one.name for one in places.provinces()}


def _address(street: str | None, ward: str | None, province: str | None, old: str | None) -> str:
    told = places.address_line(street, ward, province)
    return line(told, str(_("before July 2025: %(address)s", address=old))) if old else told


def _typed(form: Any) -> profile.ProfileValues:
    """What stands in the fields of the profile."""
    typed = {name: form[name].data for name in _FORM if name in profile.KEYS}
    return cast("profile.ProfileValues", typed)


_TOLD_FIELDS = {
    "name": _("Name"),
    "kind": _("Kind"),
    "owner_id": _("Person in charge"),
    "team_id": _("Team"),
    "source": _("Came through"),
    "note": _("Note"),
    **FIELD_LABELS,
}
_TOLD_OF_CONTACTS = {
    "kind": _("Kind"), "shown": _("Number or address"), "is_preferred": _("Preferred"),
    "is_shared": _("Used by several people"),
}  # fmt: skip


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
    more_columns = [
        "kind", "source", "team.name", "honorific", "gender", "birthday", "tax_code", "id_number", "job_title",
        "address", "province_code", "touchpoint", "tier", "behaviour", "stage", "do_not_contact", "next_contact_on",
        "last_contact_at", "note", "updated_at",
    ]  # fmt: skip
    search_columns = [
        "name", "code", "kind", "phone", "email", "source", "owner.name", "team.name", "honorific", "gender",
        "birthday", "tax_code", "id_number", "province_code", "touchpoint", "tier", "behaviour", "stage",
        "do_not_contact", "next_contact_on", "last_contact_at", "note", "created_at", "updated_at",
    ]  # fmt: skip
    derived = {
        "phone": Derived(Kind.phone, queries.main_contact(ContactKind.phone), queries.contacts(ContactKind.phone)),
        "email": Derived(Kind.text, queries.main_contact(ContactKind.email), queries.contacts(ContactKind.email)),
        "owner.name": people_columns.person(Customer.owner_id),
        "team.name": people_columns.team(Customer.team_id),
        "source": Derived(Kind.choice, Customer.source, choices=catalogues.Choices(SOURCES)),
        **_CHOSEN,
        "province_code": Derived(Kind.choice, Customer.province_code, choices=_provinces()),
        "address": Derived(
            Kind.text, func.coalesce(Customer.street, ""), show=_address,
            besides=(Customer.ward_code, Customer.province_code, Customer.old_address),
        ),
    }  # fmt: skip
    # Ids are given in the order of creation, and come with an index.
    order_keys = {"name": Customer.sort_key, "created_at": Customer.id}
    base_order = ("created_at", "desc")
    guarded = {
        "phone": Mask.phone, "email": Mask.email, "note": Mask.text, "source": Mask.text, "owner.name": Mask.text,
        "team.name": Mask.text, "birthday": Mask.text, "tax_code": Mask.number, "id_number": Mask.number,
        "address": Mask.text,
    }  # fmt: skip
    sensitive = frozenset({"phone", "email", "note", "birthday", "tax_code", "id_number", "address"})
    presets = (
        Preset(_("All")),
        Preset(_("Mine"), "owner.name = me()"),
        Preset(_("New this week"), "created_at = this_week()"),
    )
    show_columns = ["name", "code"]
    add_columns = _FORM
    edit_columns = _FORM
    form_fields = {name: getattr(CustomerDialog, name) for name in _FORM if name not in _BUILT}
    form_sections = _SECTIONS
    add_template = "customers/form.html"
    edit_template = "customers/form.html"
    lookups: ClassVar[Mapping[str, Lookup]] = {
        "company": Lookup(
            lambda rows, text: search.companies(rows, text, edge.actor()), lambda company: company.code)
    }  # fmt: skip
    choice_labels: ClassVar[Mapping[str, Mapping[Any, Any]]] = {"kind": KIND_LABELS, "gender": GENDER_LABELS}
    label_columns = shown.LABELS

    def search_as(self, who: Actor, rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(search.matches(text, who))

    def prefill(self, form: Any) -> None:
        """?phone=: the number that somebody searched for and nobody has."""
        phone = read_phone(request.args.get("phone", "")[:60])
        if phone:
            form.phone.data = show_phone(phone.stored)

    def create(self, session: Session, form: Any, *, by: Actor) -> Customer:
        return services.create_customer(
            session, by=by, name=form.name.data or "", kind=CustomerKind(form.kind.data), phone=form.phone.data,
            email=form.email.data, source=form.source.data, note=form.note.data, **_typed(form),
        )  # fmt: skip

    def change(self, session: Session, item: Customer, form: Any, *, by: Actor) -> None:
        services.change_customer(
            session, item, by=by, rev=item.rev, name=form.name.data or "", kind=CustomerKind(form.kind.data),
            phone=form.phone.data, email=form.email.data, source=form.source.data, note=form.note.data,
            **_typed(form),
        )  # fmt: skip

    @action(
        "archive",
        _("Archive"),
        right="delete",
        icon="archive",
        done=_("%(rows)s archived"),
        undo="restore",
        confirmation=_("Nothing is lost: the history stays, the customer leaves the lists."),
    )
    def archive(self, session: Session, item: Customer, *, by: Actor) -> None:
        services.archive_customer(session, item, by=by)

    @action("restore", _("Restore"), right="delete", done=_("%(rows)s restored"), icon="refresh")
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
            told["profile"] = profile_shown.card(
                session, item, who, lambda names: self._facts(item, names, who), may_edit=told["may_edit"]
            )
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
        days = shown.timeline(session, number, who, RECENT) if item is not None else ()
        return self.render_template(
            "customers/panel.html",
            **self._card(session, card, item, who),
            recent=[entry for day in days for entry in day["entries"]],
            url=links.customer_path(number),
        )

    def history_subjects(self, item: Customer, who: Actor) -> list[history.Subject]:
        """The customer and the ways to reach him. Everybody who sees him is told the teams that he belonged to."""
        contacts = select(ContactPoint.id).where(ContactPoint.customer_id == item.id)

        def told_of_contact(column: str, value: Any) -> Any:
            if column == "kind":
                return CONTACT_LABELS[value]
            return shown.contact_text(value, who) if column == "shown" else self._told_value(column, value)

        return [
            history.Subject(Customer, item.id, _TOLD_FIELDS, self._told_value, known=(Team,)),
            history.Subject(
                ContactPoint, contacts, _TOLD_OF_CONTACTS, told_of_contact, kind=_("Way to reach"),
                title=ContactPoint.shown, called=lambda text: shown.contact_text(text, who) or "",
            ),
        ]  # fmt: skip

    def _card(self, session: Session, card: queries.CustomerCard, item: Customer | None, who: Actor) -> dict[str, Any]:
        """What page and panel have in common."""
        rights = self._rights_over(item, who) if item is not None else set()
        may_edit = item is not None and "edit" in rights and not item.is_archived
        may_start = item is not None and not item.is_archived and who.may("add", "Instance")
        now = clock.now()
        steps = (part.next_step(session, card.id, who, now) for part in _parts(who)) if item is not None else ()
        verbs = [
            one for one in self.actions.values()
            if item is not None and one.single and one.func._right in rights and self.offers(one.name, item)
        ]  # fmt: skip
        step, verbs = self._restoring(item, verbs)
        return {
            "screen": self,
            "item": item,
            "step": step,
            "actions": verbs,
            "may_edit": may_edit,
            "customer": shown.header(session, card, item, who),
            "contacts": shown.contacts(session, card, who, may_edit=may_edit),
            "next_step": next(filter(None, steps), None),
            "start_url": f"/ho-so/bat-dau?khach={card.id}" if may_start else None,
        }

    def _sections(self, item: Customer, who: Actor) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
        """The tabs of the page, and what the chosen one shows."""
        session, path = db.session(), links.customer_path(item.id)
        own = {part.key: part for part in _parts(who)}
        others = {part.key: part for part in parts_for(self.resource, who)}
        chosen = request.args.get("phan", "")
        if chosen and chosen not in {*own, *others, HISTORY}:
            raise NotFoundError
        lists = {"": queries.timeline(item.id, who)}
        lists |= {key: part.filtered(item.id, who, part.filters[0]) for key, part in own.items()}
        chip = _chosen_filter(own[chosen]) if chosen in own else None
        if chip is not None and chip.key:
            lists[_FILTERED] = own[chosen].filtered(item.id, who, chip)
        counts: dict[str, tuple[int | None, bool]] = {**paging.counts(session, lists)}
        counts |= {key: (part.count(session, self.resource, item.id, who), False) for key, part in others.items()}
        counts[HISTORY] = history.count(session, self._subjects(item, who), who)
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
            return sections, {"timeline": shown.timeline(session, item.id, who, TIMELINE)}
        if chip is not None:
            filtered = _FILTERED if _FILTERED in lists else chosen
            return sections, _rows(own[chosen], chip, lists[filtered], who, counts[filtered])
        opened = self._opened(chosen, item, who, besides=("phan",))
        return sections, {**opened.values, "opened": opened.template}


def _parts(who: Actor) -> list[events.CustomerPart]:
    return [part for part in events.parts() if who.may("view", part.resource)]


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
        "empty_text": _("Nothing of that kind for this customer.") if chip.key else part.empty,
        "page": page_of(number, len(rows), (count, counted[1]), size=PART_ROWS) if is_long else None,
    }
