"""Is what a row says to a field of the company that of somebody else, where only one customer may have it?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import Sentence
from app.core.i18n import _
from app.core.screens import extra
from app.customers.models import Customer
from app.imports import queries
from app.imports.models import Finding
from app.imports.rows import Row


@dataclass
class OnceJudge:
    """Knows what the rows of the file before have said."""

    #: customers whom an import made and its undo put away: what they had may be brought anew
    put_away: Collection[int] = ()
    #: (bare key, value) → the first row that says it, and the customer that row is about
    _said: dict[tuple[str, Any], tuple[int, int | None]] = field(default_factory=dict)
    #: the same of rows that may be made, or not
    _foretold: dict[tuple[str, Any], int] = field(default_factory=dict)

    def judge(self, session: Session, rows: Sequence[tuple[Row, Mapping[str, Any]]]) -> None:
        """Rows with what each would write (bare key → value); one that says what another one has is wrong."""
        added = extra.extra_of("Customer") if rows else None
        if added is None:
            return
        found = added.once(session, {row.number: said for row, said in rows})
        holders = {number for told in found.values() for one in told.values() for number in one.holders}
        self.put_away = _put_away(session, holders)
        for row, _said in rows:
            told = found.get(row.number, {})
            for key, one in told.items():
                self._judge(row, key, one)
            if row.is_good:
                about = row.record_id if row.finding is Finding.update else None
                for key, one in told.items():
                    self._said.setdefault((key, one.value), (row.number, about))

    def foretell(self, session: Session, rows: Sequence[tuple[Row, Mapping[str, Any]]]) -> None:
        """Rows that look like others: what would be wrong with them, were they made all the same, is told."""
        added = extra.extra_of("Customer") if rows else None
        if added is None:
            return
        found = added.once(session, {row.number: said for row, said in rows})
        put_away = _put_away(
            session, {number for told in found.values() for one in told.values() for number in one.holders}
        )
        for row, _said in rows:
            for key, one in found.get(row.number, {}).items():
                said = self._said.get((key, one.value))
                earlier = said[0] if said is not None else self._foretold.get((key, one.value))
                is_taken = any(number not in put_away for number in one.holders)
                if is_taken or (earlier is not None and earlier < row.number):
                    label = extra.fields_of("Customer")[extra.PREFIX + key].label
                    why = one.told if is_taken else _twice_in_file(earlier)
                    row.reasons.append(str(_("%(field)s: made all the same, the row would be refused. %(why)s",
                                             field=label, why=why)))  # fmt: skip
                self._foretold.setdefault((key, one.value), row.number)

    def _judge(self, row: Row, key: str, one: extra.Once) -> None:
        label = extra.fields_of("Customer")[extra.PREFIX + key].label
        is_update = row.finding is Finding.update
        aside = {row.record_id} if is_update else self.put_away
        if any(number not in aside for number in one.holders):
            row.wrong(label, one.told)
            return
        earlier, about = self._said.get((key, one.value), (None, None))
        if earlier is not None and (about is None or not is_update or about != row.record_id):
            row.wrong(label, _twice_in_file(earlier))


def _twice_in_file(number: int | None) -> Sentence:
    return _("The same stands in row %(number)d, and only one customer may have it.", number=number)


def _put_away(session: Session, numbers: Collection[int]) -> Collection[int]:
    if not numbers:
        return ()
    rows = select(Customer.id).where(Customer.id.in_(sorted(numbers)), Customer.archived_at.is_not(None))
    return queries.taken_back(session, session.scalars(rows).all())
