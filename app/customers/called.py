"""How is a customer spoken to? In Vietnamese, whatever the language of whoever reads the page."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.catalogues.shipped import HONORIFIC
from app.core.i18n import DEFAULT_LANGUAGE, in_language
from app.customers.models import Customer, CustomerKind


def salutation(session: Session, customer: Customer) -> str:
    """“Chị Duyên”, by the given name; "" for whoever has no form of address."""
    if customer.honorific is None:
        return ""
    with in_language(DEFAULT_LANGUAGE):
        form = catalogues.label_of(session, HONORIFIC, customer.honorific)
    given = customer.name.split()[-1] if customer.kind is CustomerKind.person else ""
    return f"{form} {given}".strip()
