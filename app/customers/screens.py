"""Which customers are there: the list and forms that FAB generates, the page of one, and his panel beside the list?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from flask import request
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.core import edge, guarded, history
from app.core.access import Actor, get_visible
from app.core.conditions import sql
from app.core.db import db, row_id
from app.core.errors import BusinessError
from app.core.finding import line
from app.core.i18n import _
from app.core.masking import Mask
from app.core.screens import Derived, Interface, Kind, ManyPage, Preset, action, extra
from app.core.screens.fields import Lookup
from app.core.screens.listing import Asked
from app.core.screens.lists import reader_of
from app.core.vietnamese import read_phone, show_phone
from app.customers import found, places, profile, queries, search, services, shown, timeline_words
from app.customers.bulk.services import MOST_ROWS
from app.customers.contacts_back import CONTACTS_BACK
from app.customers.dialogs import CONTACT_LABELS, KIND_LABELS, CustomerDialog
from app.customers.duplicates.hard import DuplicateCustomerError, InvalidCustomerError
from app.customers.labels import FIELD_LABELS, GENDER_LABELS
from app.customers.models import SOURCES, ContactKind, ContactPoint, Customer, CustomerKind
from app.customers.record_dialogs import CustomerCards
from app.customers.segments import fields as segment_fields
from app.security import columns as people_columns
from app.security.models import Team

#: whether others are reached by the phone of a new customer
SHARED = "phone_is_shared"
#: the sections of the form, in the order of a call
_SECTIONS: Sequence[tuple[Any, Sequence[str]]] = (
    (_("Name and contact"), ("name", "phone", SHARED, "honorific", "email", "kind", "company")),
    (_("Source and next contact"), ("source", "touchpoint", "next_contact_on", "note")),
    (_("Identity"), ("gender", "birthday", "tax_code", "id_number", "job_title")),
    (_("Postal address"), ("province_code", "ward_code", "street", "old_address")),
    (_("What kind of customer"), ("tier", "tier_is_fixed", "behaviour", "behaviour_is_fixed", "stage",
                                  "stage_reason")),
    (_("Consent and restrictions"), ("do_not_contact", "do_not_contact_reason", "risk_reason")),
)  # fmt: skip
_NEW = [name for _title, names in _SECTIONS for name in names]
#: afterwards it is said where his ways to be reached stand
_FORM = [name for name in _NEW if name != SHARED]
guarded.declare_parts("phone", (SHARED,))
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


class CustomerScreen(CustomerCards):
    """/khach-hang: the list and the forms come from FAB, the record page is our own."""

    resource = "Customer"
    collection = "customers"
    datamodel = Interface(Customer)
    empty_text = _("No customers yet. Add the first one.")
    empty_art = "people"
    route_base = "/khach-hang"
    list_template = "customers/list.html"
    list_title = _("Customers")
    many_page = ManyPage(
        "/khach-hang/sua-hang-loat/chon", _("Bulk edit"), "pencil", MOST_ROWS,
        "/khach-hang/sua-hang-loat/", _("Earlier bulk edits"),
    )  # fmt: skip
    add_title = _("New customer")
    edit_title = _("Change customer")
    show_title = _("Customer")
    list_columns = ["name", "code", "phone", "email", "owner.name", "created_at"]
    order_columns = ["name", "code", "kind", "source", "owner.name", "team.name", "created_at", "updated_at"]
    more_columns = [
        "kind", "source", "team.name", "honorific", "gender", "birthday", "tax_code", "id_number", "job_title",
        "address", "province_code", "ward_code", "touchpoint", "tier", "behaviour", "stage", "do_not_contact",
        "next_contact_on", "last_contact_at", "note", "updated_at",
    ]  # fmt: skip
    search_columns = [
        "name", "code", "kind", "phone", "email", "source", "owner.name", "team.name", "honorific", "gender",
        "birthday", "tax_code", "id_number", "province_code", "ward_code", "touchpoint", "tier", "behaviour", "stage",
        "do_not_contact", "next_contact_on", "last_contact_at", "note", "created_at", "updated_at",
        *segment_fields.FIELDS, *segment_fields.OWN,
    ]  # fmt: skip
    derived = {
        **segment_fields.FIELDS,
        "phone": Derived(Kind.phone, queries.main_contact(ContactKind.phone), queries.contacts(ContactKind.phone)),
        "email": Derived(Kind.text, queries.main_contact(ContactKind.email), queries.contacts(ContactKind.email)),
        "owner.name": people_columns.person(Customer.owner_id),
        "team.name": people_columns.team(Customer.team_id),
        "source": Derived(Kind.choice, Customer.source, choices=catalogues.Choices(SOURCES)),
        **_CHOSEN,
        "province_code": Derived(Kind.choice, Customer.province_code, choices=_provinces()),
        "ward_code": Derived(
            Kind.choice, Customer.ward_code, choices=places.ward_names(), choices_url="/tim/phuong-xa",
            within="province_code",
        ),
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
        "address": Mask.text, "gender": Mask.text,
    }  # fmt: skip
    parts_back = (CONTACTS_BACK,)
    sensitive = frozenset({"phone", "email", "note", "birthday", "tax_code", "id_number", "address", "gender"})
    presets = (
        Preset(_("All")),
        Preset(_("Mine"), "owner.name = me()"),
        Preset(_("New this week"), "created_at = this_week()"),
    )
    show_columns = ["name", "code"]
    add_columns = _NEW
    edit_columns = _FORM
    form_fields = {name: getattr(CustomerDialog, name) for name in (*_NEW, "duplicate_reason") if name not in _BUILT}
    form_note = "customers/_duplicates.html"
    form_sections = _SECTIONS
    add_template = "customers/form.html"
    edit_template = "customers/form.html"
    lookups: ClassVar[Mapping[str, Lookup]] = {
        "company": Lookup(
            lambda rows, text: search.companies(rows, text, edge.actor()), lambda company: company.code)
    }  # fmt: skip
    choice_labels: ClassVar[Mapping[str, Mapping[Any, Any]]] = {"kind": KIND_LABELS, "gender": GENDER_LABELS}
    label_columns = {
        **timeline_words.LABELS, **segment_fields.LABELS, SHARED: CustomerDialog.phone_is_shared.args[0],
    }  # fmt: skip

    def search_as(self, who: Actor, rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(search.matches(text, who))

    def _may(self, who: Actor) -> dict[str, bool]:
        return super()._may(who) | {"bring": who.is_himself and who.may("add", "Import")}

    def prefill(self, form: Any) -> None:
        """?phone=: the number that somebody searched for and nobody has; ?company=: where the person works."""
        phone = read_phone(request.args.get("phone", "")[:60])
        if phone:
            form.phone.data = show_phone(phone.stored)
        company = request.args.get("company", "")
        if company and "company" in form:
            form.company.data = get_visible(db.session(), Customer, row_id(company), edge.actor())

    def create(self, session: Session, form: Any, *, by: Actor) -> Customer:
        return services.create_customer(
            session, by=by, name=form.name.data or "", kind=CustomerKind(form.kind.data), phone=form.phone.data,
            email=form.email.data, source=form.source.data, note=form.note.data,
            phone_is_shared=form.phone_is_shared.data, duplicate_reason=form.duplicate_reason.data, **_typed(form),
        )  # fmt: skip

    def change(self, session: Session, item: Customer, form: Any, *, by: Actor) -> None:
        services.change_customer(
            session, item, by=by, rev=item.rev, name=form.name.data or "", kind=CustomerKind(form.kind.data),
            phone=form.phone.data, email=form.email.data, source=form.source.data, note=form.note.data,
            duplicate_reason=form.duplicate_reason.data, phone_is_shared=form.phone_is_shared.data, **_typed(form),
        )  # fmt: skip

    def _tell(self, form: Any, refusal: BusinessError) -> None:
        """Of a customer who is known by the same: who it is, beside what both have."""
        if isinstance(refusal, (DuplicateCustomerError, InvalidCustomerError)):
            form.doubles = refusal.matches
        super()._tell(form, refusal)

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

    def _keys_asked(self, asked: Asked, who: Actor) -> Select[Any] | None:
        """The company's own fields alone say which customers have these values, whatever else they are."""
        if asked.where is None or asked.q or asked.archived:
            return None
        keys = sql.keys_beside(asked.where, self.fields_for(who, asked.where.keys), reader=reader_of(who))
        return None if keys is None else found.seen_in_use(db.session(), keys, who)

    @action("restore", _("Restore"), right="delete", done=_("%(rows)s restored"), icon="refresh")
    def restore(self, session: Session, item: Customer, *, by: Actor) -> None:
        services.restore_customer(session, item, by=by)

    def history_subjects(self, item: Customer, who: Actor) -> list[history.Subject]:
        """The customer and the ways to reach him. Everybody who sees him is told the teams that he belonged to."""
        contacts = select(ContactPoint.id).where(ContactPoint.customer_id == item.id)

        def told_of_contact(column: str, value: Any) -> Any:
            if column == "kind":
                return CONTACT_LABELS[value]
            return shown.contact_text(value, who) if column == "shown" else self._told_value(column, value)

        added = extra.extra_of(self.resource)
        return [
            history.Subject(Customer, item.id, _TOLD_FIELDS, self._told_value, known=(Team,)),
            history.Subject(
                ContactPoint, contacts, _TOLD_OF_CONTACTS, told_of_contact, kind=_("Way to reach"),
                title=ContactPoint.shown, called=lambda text: shown.contact_text(text, who) or "",
            ),
            *(added.history(item.id, who) if added is not None else ()),
        ]  # fmt: skip
