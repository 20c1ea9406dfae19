"""How do the rows of a file become purchases? The same order line twice is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor
from app.core.formats import number_text, typed_day
from app.core.i18n import _
from app.core.sheet_values import Habits, read_amount, read_number
from app.core.vietnamese import fold
from app.customers import rules
from app.customers.former import kept
from app.customers.models import Customer, TimelineEntry
from app.customers.profile_models import PRODUCT_LENGTH, PURCHASE_CODE_LENGTH, Purchase
from app.customers.purchases import MOST_AMOUNT, MOST_QUANTITY
from app.customers.rules import UnreadableError
from app.imports.models import Finding, ImportJob, OnDuplicate, OnUpdate, Outcome
from app.imports.queries import told_by
from app.imports.rows import Row, cells_of, label_of, read_line, with_cell
from app.imports.whose import find_customers, read_whose

_THOUSANDTH = Decimal("0.001")
#: what is bought where no quantity is told
_ONE = Decimal(1)


@dataclass
class Bought:
    whose: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    customer_id: int = 0

    @property
    def line(self) -> tuple[Any, ...]:
        """What tells one line of an order from another."""
        return line_of(self.customer_id, self.columns)


def line_of(customer_id: int, columns: dict[str, Any]) -> tuple[Any, ...]:
    product = fold(columns["product"])
    if columns.get("code"):
        return customer_id, columns["code"], product
    return customer_id, columns["bought_on"], product, columns["amount"], columns["quantity"] or _ONE


class PurchaseTarget:
    """Writes purchases for one person from one file."""

    def __init__(self, session: Session, job: ImportJob, who: Actor, habits: Sequence[Habits]) -> None:
        self._job, self._who = job, who
        self._cells = cells_of(session, job, who, habits, ())
        self._met: dict[tuple[Any, ...], int] = {}
        self._present: dict[tuple[Any, ...], Purchase] = {}
        self._customers: dict[int, Customer] = {}

    def read(self, number: int, cells: Sequence[str]) -> Row:
        row, known = Row(number), self._cells
        if not known.has_values(row, cells):
            row.values = Bought()
            return row
        bought = row.values = Bought(read_whose(row, cells, known))
        columns = bought.columns
        columns["bought_on"] = known.day(row, cells, "bought_on")
        columns["product"] = known.read(row, cells, "product", read_line(PRODUCT_LENGTH))
        columns["code"] = known.read(row, cells, "order", read_line(PURCHASE_CODE_LENGTH))
        columns["note"] = known.read(row, cells, "note", lambda text: rules.read_note(text) or None)
        columns["amount"] = known.read(row, cells, "amount", _amount)
        columns["quantity"] = None
        for text, habits in known.texts(cells, "quantity"):
            quantity = read_number(text, habits)
            if quantity is None or not 0 < quantity <= MOST_QUANTITY or quantity != quantity.quantize(_THOUSANDTH):
                sentence = _("A number above 0 with at most 3 decimals, please.")
                row.wrong(known.labels["quantity"], with_cell(text, sentence))
            else:
                columns["quantity"] = quantity
        day: date | None = columns["bought_on"]
        if day is not None and day > known.today:
            row.wrong(known.labels["bought_on"], with_cell(typed_day(day), _("This day has not come yet.")))
        for key in ("bought_on", "product", "amount"):
            if columns[key] is None and not known.text(cells, key):
                row.wrong(known.labels[key], _("Please fill this in."))
        amount = columns["amount"]
        row.label = label_of(columns["product"], f"{number_text(amount)} ₫" if amount is not None else None,
                             typed_day(day) if day else None)  # fmt: skip
        return row

    def judge(self, session: Session, rows: Sequence[Row], *, is_written: bool) -> None:
        codes = [row.values.whose for row in rows]
        self._customers = find_customers(session, rows, codes, self._who, lock=is_written)
        for row in rows:
            if row.is_good:
                row.values.customer_id = self._customers[row.number].id
                row.label = label_of(self._customers[row.number].name, row.label)
        good = [row for row in rows if row.is_good]
        self._present = _present(session, good)
        made = told_by(session, self._job, [one.id for one in self._present.values()]) if is_written else {}
        for row in good:
            line = row.values.line
            present = self._present.get(line)
            row_of = made.get(present.id) if present is not None else None
            earlier = row_of or self._met.setdefault(line, row.number)
            if earlier != row.number:
                row.finding = Finding.duplicate
                row.reasons.append(str(_("The same purchase stands in row %(number)d.", number=earlier)))
            elif present is not None:
                row.record_id = present.id
                row.finding = Finding.update if self._changes(row, present) else Finding.unchanged

    def _changes(self, row: Row, present: Purchase) -> dict[str, Any]:
        if self._job.on_update is not OnUpdate.overwrite:
            return {key: value for key, value in row.values.columns.items()
                    if value is not None and getattr(present, key) is None}  # fmt: skip
        return {key: value for key, value in row.values.columns.items()
                if value is not None and getattr(present, key) != value}  # fmt: skip

    def write(self, session: Session, rows: Sequence[Row]) -> None:
        made: list[tuple[Row, Purchase]] = []
        makes_doubles = self._job.on_duplicate is OnDuplicate.make
        for row in rows:
            if row.finding is Finding.new or (row.finding is Finding.duplicate and makes_doubles):
                columns = {**row.values.columns, "quantity": row.values.columns["quantity"] or _ONE}
                purchase = Purchase(customer_id=row.values.customer_id, **columns)
                session.add(purchase)
                made.append((row, purchase))
                row.outcome = Outcome.made
            elif row.finding is Finding.update:
                present = self._present[row.values.line]
                new = self._changes(row, present)
                row.before = {"columns": {key: [kept(getattr(present, key)), kept(value)]
                                          for key, value in new.items()}}  # fmt: skip
                for key, value in new.items():
                    setattr(present, key, value)
                row.outcome = Outcome.changed
            elif row.is_good:
                row.outcome = Outcome.skipped
        session.flush()
        for row, purchase in made:
            row.record_id = purchase.id
            session.add(self._entry(purchase, "purchased"))

    def _entry(self, purchase: Purchase, kind: str) -> TimelineEntry:
        data = {"product": purchase.product, "amount": purchase.amount, "code": purchase.code}
        return TimelineEntry(
            customer_id=purchase.customer_id, at=clock.now(), kind=kind, actor_id=self._who.user_id,
            subject_type="purchase", subject_id=purchase.id, data=data,
        )  # fmt: skip


def _amount(text: str) -> int:
    amount = read_amount(text)
    if amount is None or not 0 <= amount <= MOST_AMOUNT:
        raise UnreadableError(_("An amount in whole VND that is not below 0, please."))
    return amount


def _present(session: Session, rows: Sequence[Row]) -> dict[tuple[Any, ...], Purchase]:
    """The purchases of these customers that could be the same lines."""
    if not rows:
        return {}
    customers = {row.values.customer_id for row in rows}
    days = {row.values.columns["bought_on"] for row in rows}
    codes = {row.values.columns["code"] for row in rows} - {None}
    found = session.scalars(
        select(Purchase).where(Purchase.customer_id.in_(sorted(customers)), Purchase.archived_at.is_(None))
        .where(or_(Purchase.bought_on.in_(sorted(days)), Purchase.code.in_(sorted(codes))))
        .order_by(Purchase.id.desc())
    )  # fmt: skip
    present: dict[tuple[Any, ...], Purchase] = {}
    for one in found:
        columns = {key: getattr(one, key) for key in ("bought_on", "product", "code", "amount", "quantity")}
        present[line_of(one.customer_id, columns)] = one
    return present
