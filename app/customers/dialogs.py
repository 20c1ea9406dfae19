"""What does one type to add or change a customer, or one more way to reach him?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    FileField,
    Form,
    IntegerField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Optional, ValidationError
from wtforms.widgets import HiddenInput, html_params

from app.catalogues.dialogs import EntryField
from app.catalogues.shipped import BEHAVIOUR, CONSENT_PURPOSE, CUSTOMER_TIER, HONORIFIC, JOURNEY_STAGE, TOUCHPOINT
from app.core.i18n import _
from app.customers import places, rules
from app.customers.labels import CONSENT_CHANNELS, CONSENT_STATES, FIELD_LABELS, GENDER_LABELS
from app.customers.models import (
    CONTACT_LENGTH,
    JOB_TITLE_LENGTH,
    NAME_LENGTH,
    OLD_ADDRESS_LENGTH,
    REASON_LENGTH,
    SOURCES,
    STREET_LENGTH,
    ContactKind,
    CustomerKind,
)
from app.customers.profile_models import VERSION_LENGTH, ConsentChannel, ConsentState

KIND_LABELS = {CustomerKind.person: _("Person"), CustomerKind.company: _("Company")}

CONTACT_LABELS = {
    ContactKind.phone: _("Phone number"),
    ContactKind.email: _("E-mail"),
    ContactKind.zalo: _("Zalo"),
    ContactKind.facebook: _("Facebook"),
    ContactKind.website: _("Website"),
    ContactKind.shop_id: _("Shop account"),
    ContactKind.other: _("Other contact"),
}


def checked(read: Callable[[str], object], *, longest: int) -> Callable[[Form, Field], None]:
    """The rule that the service will apply, told already beside the field."""

    def check(_form: Form, field: Field) -> None:
        try:
            read(field.data or "")
        except rules.UnreadableError as unreadable:
            raise ValidationError(str(unreadable.sentence)) from None

    check.field_flags = {"maxlength": longest}  # type: ignore[attr-defined]  # where WTForms looks
    return check


def _contact(kind: ContactKind) -> list[Any]:
    return [Optional(), checked(lambda typed: rules.read_contact(kind, typed), longest=CONTACT_LENGTH)]


def line_of(longest: int) -> list[Any]:
    return [Optional(), checked(lambda typed: rules.read_line(typed, longest), longest=longest)]


def _or_none(value: object) -> str | None:
    return None if value in (None, "", "None") else str(value)


class ProvinceField(SelectField):
    """A province of today, or the one that the record has."""

    def __init__(self, label: Any = None, validators: Any = None, **more: Any) -> None:
        super().__init__(label, validators, coerce=_or_none, **more)

    def process(self, formdata: Any, *args: Any, **more: Any) -> None:
        super().process(formdata, *args, **more)
        known = [(one.code, one.name) for one in places.provinces()]
        kept = places.place(self.object_data or None)
        gone = [(kept.code, kept.name)] if kept is not None and kept.gone else []
        self.choices = [("", "—"), *known, *gone]


def _draw_ward(field: WardField, **attributes: Any) -> Markup:
    """A select with the chosen ward alone; the page's script asks for the others, those of the chosen province."""
    attributes |= {
        "id": field.id, "name": field.name, "class": "form-select", "data-url": "/tim/phuong-xa",
        "data-placeholder": str(_("Type to search")), "data-with": field.name.replace("ward_code", "province_code"),
    }  # fmt: skip
    options = Markup('<option value=""></option>')
    for code, name, *_more in field.iter_choices():
        options += Markup('<option value="{}" selected>{}</option>').format(code, name)
    return Markup("<select {}>{}</select>").format(Markup(html_params(**attributes)), options)  # noqa: S704 - escapes


class WardField(Field):
    """A ward, looked up among 3,321. Whether there is such a one, and in that province, the service says."""

    widget = staticmethod(_draw_ward)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = (valuelist[0].strip() if valuelist else "") or None

    def iter_choices(self) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
        """The chosen one, for widgets and for what is told of the field."""
        if self.data:
            known = places.place(self.data)
            yield self.data, known.name if known is not None else self.data, True, {}


def _member_id(value: object) -> int | None:
    return int(str(value)) if value not in (None, "", "None") else None


class CustomerDialog(FlaskForm):
    """A customer's own data. `owners` are (member id, name); whoever may not assign gets no owner_id field."""

    name = StringField(
        _("Customer name"),
        [InputRequired(_("Please type the customer's name.")), checked(rules.read_name, longest=NAME_LENGTH)],
        description=_("What you call the person, or the company as on its invoices."),
    )
    kind = SelectField(_("Kind"), choices=list(KIND_LABELS.items()), default=CustomerKind.person, coerce=str)
    phone = TelField(
        _("Phone number"), _contact(ContactKind.phone),
        description=_("The number to call first. Others, and Zalo, are added on the customer's page."),
    )  # fmt: skip
    phone_is_shared = BooleanField(_("A shared number (a family, a shop, a switchboard)"))
    email = EmailField(_("E-mail"), _contact(ContactKind.email))
    owner_id = SelectField(_("Person in charge"), coerce=_member_id)
    source = EntryField(
        _("Came through"), catalogue=SOURCES,
        description=_("How the customer first found us. Leave it open if you do not know."),
    )  # fmt: skip
    note = TextAreaField(
        _("Note"), [checked(rules.read_note, longest=rules.NOTE_LENGTH)],
        description=_("What a colleague should know before calling: habits, wishes, whom to ask for."),
    )  # fmt: skip
    honorific = EntryField(FIELD_LABELS["honorific"], catalogue=HONORIFIC)
    gender = SelectField(
        FIELD_LABELS["gender"], choices=[("", "—"), *((str(one), told) for one, told in GENDER_LABELS.items())],
        coerce=_or_none,
    )  # fmt: skip
    tax_code = StringField(
        FIELD_LABELS["tax_code"], line_of(60),
        description=_("10 digits, 13 with a branch, or 12 for a person."), render_kw={"inputmode": "numeric"},
    )  # fmt: skip
    id_number = StringField(
        FIELD_LABELS["id_number"], line_of(60), description=_("12 digits, only where you need it."),
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )  # fmt: skip
    job_title = StringField(FIELD_LABELS["job_title"], line_of(JOB_TITLE_LENGTH))
    province_code = ProvinceField(FIELD_LABELS["province_code"])
    ward_code = WardField(
        FIELD_LABELS["ward_code"], description=_("Choose it alone, and the province follows by itself."),
    )  # fmt: skip
    street = StringField(FIELD_LABELS["street"], line_of(STREET_LENGTH))
    old_address = StringField(
        FIELD_LABELS["old_address"], line_of(OLD_ADDRESS_LENGTH),
        description=_("As it stands on old papers, with its district."),
    )  # fmt: skip
    touchpoint = EntryField(FIELD_LABELS["touchpoint"], catalogue=TOUCHPOINT)
    tier = EntryField(
        FIELD_LABELS["tier"], catalogue=CUSTOMER_TIER,
        description=_("What you choose here stays; left open, the rules of the company choose."),
    )  # fmt: skip
    tier_is_fixed = BooleanField(
        FIELD_LABELS["tier_is_fixed"], description=_("Ticked, the rules leave the tier as it is."),
    )  # fmt: skip
    behaviour = EntryField(
        FIELD_LABELS["behaviour"], catalogue=BEHAVIOUR,
        description=_("What you choose here stays; left open, the rules of the company choose."),
    )  # fmt: skip
    behaviour_is_fixed = BooleanField(
        FIELD_LABELS["behaviour_is_fixed"], description=_("Ticked, the rules leave the group as it is."),
    )  # fmt: skip
    stage = EntryField(FIELD_LABELS["stage"], catalogue=JOURNEY_STAGE)
    stage_reason = StringField(
        _("Why the stage changes"), line_of(REASON_LENGTH),
        description=_("Stands in the history of stages. Only where the stage changes."),
    )  # fmt: skip
    risk_reason = StringField(
        FIELD_LABELS["risk_reason"], line_of(REASON_LENGTH),
        description=_("Why the customer may leave or not pay; left empty, there is no risk."),
    )  # fmt: skip
    do_not_contact = BooleanField(FIELD_LABELS["do_not_contact"])
    do_not_contact_reason = StringField(FIELD_LABELS["do_not_contact_reason"], line_of(REASON_LENGTH))
    duplicate_reason = StringField(
        _("Why both customers have it"), line_of(REASON_LENGTH),
        description=_("For instance: husband and wife share the number."),
    )  # fmt: skip
    #: the revision that was shown: saving on an older one is refused
    rev = IntegerField(widget=HiddenInput(), default=1)

    def __init__(self, *args: Any, owners: Iterable[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner_id.choices = [("", _("Nobody")), *owners]


class ContactPointDialog(FlaskForm):
    """One more way to reach a customer."""

    kind = SelectField(_("Kind"), choices=list(CONTACT_LABELS.items()), default=ContactKind.phone, coerce=str)
    text = StringField(_("Number or address"), [InputRequired(_("Please fill this in."))])
    preferred = BooleanField(_("Preferred way to reach the customer"))
    shared = BooleanField(_("Others are reached by it too (a family, a shop, a switchboard)"))

    def validate_text(self, field: Field) -> None:
        if self.kind.data in set(ContactKind):
            kind = ContactKind(self.kind.data)
            checked(lambda typed: rules.read_contact(kind, typed), longest=CONTACT_LENGTH)(self, field)


class ConsentDialog(FlaskForm):
    """What a customer agreed to, or took back. Nothing is chosen beforehand."""

    purpose = EntryField(
        _("Purpose"), [InputRequired(_("Choose what for."))], catalogue=CONSENT_PURPOSE,
    )  # fmt: skip
    channel = SelectField(
        _("Way of contact"), [InputRequired(_("Choose by which way."))], coerce=str,
        choices=[("", _("Choose…")), *((str(one), told) for one, told in CONSENT_CHANNELS.items())],
    )  # fmt: skip
    state = SelectField(
        _("The customer"), [InputRequired(_("Choose which of the two."))], coerce=str,
        choices=[("", _("Choose…")), *((str(one), told) for one, told in CONSENT_STATES.items())],
    )  # fmt: skip
    proof = TextAreaField(
        _("Proof"), [checked(rules.read_note, longest=rules.NOTE_LENGTH)],
        description=_("In which call, mail or paper the customer said so, and in which words."),
    )  # fmt: skip
    file = FileField(
        _("Proof as a file"), [Optional()], description=_("A recording of the paper, a picture or a PDF."),
    )  # fmt: skip
    text_version = StringField(
        _("Version of the text"), line_of(VERSION_LENGTH), description=_("Which wording was shown, such as 2026-01."),
    )  # fmt: skip

    @property
    def said(self) -> tuple[ConsentChannel, ConsentState]:
        """Of a checked form."""
        return ConsentChannel(self.channel.data), ConsentState(self.state.data)


class TagsDialog(FlaskForm):
    """The words on a customer."""

    tags = StringField(_("Tags"), description=_("Separated by commas: khách quen, thích trà"))
    #: those that the form began with
    before = StringField(widget=HiddenInput())

    @classmethod
    def of(cls, names: Sequence[str]) -> TagsDialog:
        told = ", ".join(names)
        return cls(formdata=None, data={"tags": told, "before": told})

    @property
    def typed(self) -> list[str]:
        return _names(self.tags.data)

    @property
    def began(self) -> list[str]:
        return _names(self.before.data)


def _names(typed: str | None) -> list[str]:
    return [name for name in (typed or "").split(",") if name.strip()]
