"""Which customer bought that, or was spoken to? Found by code, number, address or tax code; many rows at once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access import Actor, visible
from app.core.i18n import _
from app.customers import identity
from app.customers.duplicates.hard import HardField, HardKey, holders
from app.customers.models import ContactKind, Customer
from app.imports import queries
from app.imports.fields import CODE, EMAIL, PHONE, TAX_CODE
from app.imports.rows import Cells, Row, keys_of

_TOLD = 3


def read_whose(row: Row, cells: Sequence[str], known: Cells) -> str:
    """The code, which decides alone where there is one; else the row gets its keys."""
    code = known.text(cells, CODE).upper()
    if code:
        return code
    if known.places.get(PHONE):
        row.keys += keys_of(list(known.contacts(row, cells, ContactKind.phone)))
    if known.places.get(EMAIL):
        row.keys += keys_of(list(known.contacts(row, cells, ContactKind.email)))
    tax_code = known.read(row, cells, TAX_CODE, lambda text: identity.read_tax_code(text, today=known.today,
                                                                                    from_sheet=True))  # fmt: skip
    if tax_code:
        row.keys.append(HardKey(HardField.tax_code, tax_code))
    if not row.keys and row.is_good:
        row.wrong("", _("The row does not say which customer it is about."))
    return ""


def find_customers(
    session: Session, rows: Sequence[Row], codes: Sequence[str], who: Actor, *, lock: bool
) -> dict[int, Customer]:
    """Row → the one customer it is about, whom this person may change. `codes`: of each row its code, or "".

    A row without one, or with several, is told so.
    """
    good = [(row, code) for row, code in zip(rows, codes, strict=True) if row.is_good]
    held = holders(session, {key for row, _code in good for key in row.keys})
    by_code = queries.ids_by_code(session, {code for _row, code in good if code})
    ids = {number for numbers in held.values() for number in numbers} | set(by_code.values())
    usable: dict[int, Customer] = {}
    if ids:
        found = select(Customer).where(
            Customer.id.in_(sorted(ids)), Customer.archived_at.is_(None), visible(Customer, who, "edit")
        ).order_by(Customer.id)  # fmt: skip
        usable = {one.id: one for one in session.scalars(found.with_for_update(of=Customer) if lock else found)}
    whose: dict[int, Customer] = {}
    for row, code in good:
        numbers = [by_code[code]] if code in by_code else [] if code else [
            number for key in row.keys for number in held.get(key, ())
        ]  # fmt: skip
        fitting = dict.fromkeys(number for number in numbers if number in usable)
        if len(fitting) == 1:
            whose[row.number] = usable[next(iter(fitting))]
        elif fitting:
            told = ", ".join(usable[number].code for number in list(fitting)[:_TOLD])
            row.wrong("", _("Several customers fit: %(codes)s. Write the customer code.", codes=told))
        elif code:
            row.wrong("", _("There is no customer %(code)s that you may change.", code=code[:20]))
        else:
            row.wrong("", _("No customer that you may change has this number, address or tax code."))
    return whose
