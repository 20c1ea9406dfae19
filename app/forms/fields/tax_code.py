"""Tax code (MST) of a company, of one of its branches, or of a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from app.core.i18n import _
from app.customers import identity
from app.forms.fields.base import Face
from app.forms.fields.citizen_id import CitizenIdType
from app.forms.fields.settings import Setting, maps_to


class TaxCodeType(CitizenIdType):
    """Ten digits with a check digit, three more behind a bar for a branch; a person's is his citizen number."""

    code = "tax_code"
    label = _("Tax code")
    settings: ClassVar[tuple[Setting, ...]] = (maps_to("tax_code"),)
    face: ClassVar[Face] = Face(mode="numeric", placeholder="0312345673")
    pattern: ClassVar[str] = "^[0-9]{10}(-[0-9]{3})?$|^[0-9]{12}$"
    reads: ClassVar[Callable[..., str | None]] = identity.read_tax_code
