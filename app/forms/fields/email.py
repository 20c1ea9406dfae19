"""E-mail address."""

from __future__ import annotations

from typing import ClassVar

from app.core.i18n import _
from app.customers import rules as customer_rules
from app.customers.models import CONTACT_LENGTH, ContactKind
from app.forms.fields import base
from app.forms.fields.base import Face, FieldSpec, Group, JsonSchema, Kind, Refused, Value
from app.forms.fields.settings import Setting, maps_to


class EmailType(base.FieldType):
    """Read as a customer's address is read, kept in the form by which equal ones are found."""

    code = "email"
    label = _("E-mail")
    group = Group.words
    settings: ClassVar[tuple[Setting, ...]] = (maps_to("email"),)
    index = Kind.text
    typed_as: ClassVar[str] = "email"
    face = Face(mode="email", placeholder="ten@congty.vn")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        if not isinstance(raw, str) or len(raw) > 2 * CONTACT_LENGTH or not base.is_storable(raw):
            raise Refused(_("This e-mail address is not right yet. Example: lan@phosen.vn"))
        try:
            return customer_rules.read_contact(ContactKind.email, raw).value
        except customer_rules.UnreadableError as unreadable:
            raise Refused(unreadable.sentence) from None

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(value)

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        return {"type": "string", "format": "email", "maxLength": CONTACT_LENGTH, "pattern": "@"}
