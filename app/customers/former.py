"""What stood in a record before something changed it? Kept as plain JSON, and given back. For imports and bulk edits.

`columns` is {column: [what stood there, what was written]} throughout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, Enum
from sqlalchemy.orm import Session

from app.core.db import UtcDateTime
from app.customers import indexing, stages
from app.customers.models import Customer
from app.customers.profile_models import Thousandths

Columns = Mapping[str, Sequence[Any]]


def kept(value: Any) -> Any:
    """As it is kept."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def value_of(model: type[Any], key: str, plain: Any) -> Any:
    """As the column has it, of what was kept."""
    if plain is None:
        return None
    kind = model.__table__.c[key].type
    if isinstance(kind, Date):
        return date.fromisoformat(plain)
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(plain)
    if isinstance(kind, Thousandths):
        return Decimal(plain)
    if isinstance(kind, Enum) and kind.enum_class is not None:
        return kind.enum_class(plain)
    return plain


def is_as_written(row: Any, columns: Columns) -> bool:
    """Does everything stand there still that was written?"""
    return all(getattr(row, key) == value_of(type(row), key, new) for key, (_old, new) in columns.items())


def put_back(session: Session, customer: Customer, columns: Columns) -> None:
    """What stood there before stands there again. The caller has locked the customer, and tells of it."""
    former = {key: value_of(Customer, key, old) for key, (old, _new) in columns.items()}
    if "stage" in former:
        stages.enter(session, customer, former.pop("stage"))
    for key, value in former.items():
        setattr(customer, key, value)
    if columns:
        indexing.index(session, customer)
