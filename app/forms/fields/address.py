"""Address: province, ward and street of today's Vietnam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from app.core.i18n import _
from app.customers import places
from app.customers.models import STREET_LENGTH
from app.forms.fields import base
from app.forms.fields.base import (
    Control,
    Face,
    FieldSpec,
    Group,
    Indexed,
    JsonSchema,
    Kind,
    Option,
    Posted,
    Refused,
    Value,
)
from app.forms.fields.settings import Setting, YesNo, maps_to

PARTS = ("street", "ward", "province")


class AddressType(base.FieldType):
    """{"province", "ward", "street"}: codes of today's two levels, and what people write before them.

    Province and ward are also read by their names, with or without accents. Found by the codes of both.
    """

    code = "address"
    label = _("Postal address")
    group = Group.vietnam
    settings: ClassVar[tuple[Setting, ...]] = (
        YesNo("with_street", _("House number and street must be given")), maps_to("address"),
    )  # fmt: skip
    takes_default = False
    fits_rows = False
    index = Kind.text
    face = Face(Control.address)
    typed_as: ClassVar[str] = "address"

    def gather(self, posted: Posted) -> object:
        return {part: posted[part][0] for part in PARTS if posted.get(part)}

    def is_empty(self, raw: object) -> bool:
        if isinstance(raw, dict):
            return all(super(AddressType, self).is_empty(part) for part in raw.values())
        return super().is_empty(raw)

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        parts = _texts(raw)
        if parts is None:
            raise Refused(_("An address has a province, a ward and a street."))
        province = places.place(parts["province"]) or places.read_province(parts["province"])
        ward = places.place(parts["ward"]) or (places.read_ward(parts["ward"], province.code) if province else None)
        if province is None and ward is not None and not parts["province"]:
            province = places.province_of(ward.code)
        if province is None or not province.is_province:
            raise Refused(_("Choose the province or city from the list."))
        if ward is None and parts["ward"] and not parts["ward"].isdecimal():
            wards = places.wards_of(province.code)
            raise Refused(
                _("%(province)s has no ward or commune of this name. Example: %(ward)s",
                  province=province.name, ward=wards[0].name)
            )  # fmt: skip
        if ward is None:
            raise Refused(_("Choose the ward or commune from the list."))
        problem = places.place_problem(province.code, ward.code)
        if problem is not None:
            raise Refused(problem)
        street = " ".join(base.composed(parts["street"]).split())
        if len(street) > STREET_LENGTH:
            raise Refused(_("At most %(limit)d characters, please.", limit=STREET_LENGTH))
        if not street and spec.own.get("with_street"):
            raise Refused(_("House number and street are missing. Example: 12 Lê Lợi"))
        known = {"province": province.code, "ward": ward.code}
        return {**known, "street": street} if street else known

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        parts = _texts(value) or {}
        return places.address_line(parts.get("street"), parts.get("ward"), parts.get("province"))

    def write(self, value: Value, spec: FieldSpec, context: base.Context) -> object:
        return value

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        needed = ["province", "ward", *(["street"] if spec.own.get("with_street") else [])]
        codes = {"province": places.PROVINCE_LENGTH, "ward": places.WARD_LENGTH}
        return {
            "type": "object",
            "properties": {
                **{name: {"type": "string", "pattern": f"^[0-9]{{{length}}}$"} for name, length in codes.items()},
                "street": {"type": "string", "maxLength": STREET_LENGTH},
            },
            "required": needed,
            "additionalProperties": False,
        }

    def choices(self, spec: FieldSpec, context: base.Context) -> Sequence[Option]:
        """The provinces of today."""
        return [Option(one.code, one.name) for one in places.provinces()]

    def indexed(self, value: Value) -> Sequence[Indexed]:
        parts: dict[str, Any] = value if isinstance(value, dict) else {}
        return [str(parts[part]) for part in ("province", "ward") if part in parts]


def _texts(raw: object) -> dict[str, str] | None:
    """The parts of an address, each a text; None for anything else."""
    if not isinstance(raw, dict) or not set(raw) <= set(PARTS):
        return None
    parts = {part: raw.get(part) or "" for part in PARTS}
    sound = all(
        isinstance(text, str) and len(text) <= 4 * STREET_LENGTH and base.is_storable(text) for text in parts.values()
    )
    return {part: base.trimmed(text) for part, text in parts.items()} if sound else None
