"""What was said to the company's own fields of a record? The answers as given, and their values to be compared."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Double, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Entity, Json, Revisioned, Stamped, UtcDateTime, sorted_text
from app.core.ddl import declare
from app.forms.models import FormVersion

#: characters of a text that are compared
TEXT_LENGTH = 500
#: characters by which texts are put in order
SORT_LENGTH = 200


class CustomerAnswers(Revisioned, Stamped, Entity):
    """The own fields of one customer, bound to the version of the form under which they were said last."""

    __tablename__ = "customer_answers"
    __table_args__: ClassVar = (UniqueConstraint("customer_id"), {"extend_existing": False})

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_version.id", ondelete="RESTRICT"), index=True)
    #: field key → value; also of fields that nobody is asked any more
    answers: Mapped[dict[str, Any]] = mapped_column(Json, info={"sensitive": True})

    version: Mapped[FormVersion] = relationship()


def _of(column: str) -> Index:
    there = text(f"{column} IS NOT NULL")
    return Index(f"ix_customer_value_{column}", "field_key", column, "customer_id",
                 sqlite_where=there, postgresql_where=there)  # fmt: skip


class CustomerValue(Entity):
    """One of these answers as what it is: numbers are compared as numbers, days as days.

    An answer of several parts has a row for each, `item` is its place from 0 on.
    """

    __tablename__ = "customer_value"
    # A copy of what the answers say, made to be filtered.
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("customer_id", "field_key", "item"),
        *map(_of, ("text", "number", "date", "moment", "sort")),
        {"extend_existing": False},
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    field_key: Mapped[str] = mapped_column(String(41))
    item: Mapped[int] = mapped_column(default=0, server_default=text("0"), sort_order=1)
    text: Mapped[str | None] = mapped_column(String(TEXT_LENGTH), info={"sensitive": True})
    number: Mapped[float | None] = mapped_column(Double)
    date: Mapped[dt.date | None] = mapped_column()
    moment: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)
    #: a text in the order of the Vietnamese alphabet
    sort: Mapped[str | None] = mapped_column(sorted_text(SORT_LENGTH), info={"sensitive": True}, sort_order=1)


# Which values there are depends on the field: without this PostgreSQL takes a quarter of all customers for a few.
declare(
    "customer_value_statistics",
    CustomerValue.__table__,
    postgresql=(
        "CREATE STATISTICS st_customer_value_text (mcv) ON field_key, text FROM customer_value",
        "CREATE STATISTICS st_customer_value_number (mcv) ON field_key, number FROM customer_value",
    ),
)
