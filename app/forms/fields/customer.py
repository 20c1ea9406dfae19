"""Customer: one of those whom the person answering may see."""

from __future__ import annotations

from app.core.db import LARGEST_ID
from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, JsonSchema, Kind, Refused, Value


class CustomerType(base.FieldType):
    """Stored is the customer's id. Not there and not to be seen are the same, as everywhere."""

    code = "customer"
    label = _("Customer")
    takes_default = False
    index = Kind.number
    face = Face(Control.lookup)
    missing = _("Please choose a customer.")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        customer_id = _typed(raw) if isinstance(raw, str) else base.whole_number(raw)
        known = customer_id is not None and 0 < customer_id <= LARGEST_ID
        if not known or context.customers.name_of(customer_id) is None:  # type: ignore[arg-type]
            raise Refused(_("This customer was not found. Please choose one from the list."))
        return customer_id  # type: ignore[return-value]

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return context.customers.name_of(int(value)) or str(_("Customer you may not see"))

    def schema(self, spec: FieldSpec) -> JsonSchema:
        return {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}


def _typed(text: str) -> int | None:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else None
