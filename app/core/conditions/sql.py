"""Which rows of a list does a condition keep? The SQL that says of every row what `Condition.holds` would say.

Every comparison is true or false, never NULL: what is missing compares false, and so `not` is the plain opposite.
Days are those of the reader's time zone; no function stands around a column that is compared with a day, a number or
an id, so that its index can be used.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Numeric,
    Select,
    String,
    and_,
    false,
    func,
    literal,
    not_,
    or_,
    true,
    type_coerce,
)

from app.core.conditions import containing, places, tree
from app.core.conditions.condition import Condition
from app.core.conditions.errors import ConditionError
from app.core.conditions.examples import example, refused
from app.core.conditions.fields import TEXTS, Beside, Field, Kind, Test, Total
from app.core.conditions.functions import FUNCTIONS, Asked
from app.core.conditions.functions import Kind as Gives
from app.core.conditions.places import AskedBeside
from app.core.conditions.since import lies
from app.core.conditions.tree import EMPTINESSES, ORDERINGS, Call, Group, Not, Operand, Row, operand_text
from app.core.conditions.values import Period, moment_of
from app.core.db import UtcDateTime
from app.core.i18n import _
from app.core.vietnamese import phone_e164, show_phone

MAX_LIST = 100  # values of one list
MAX_DAYS = 36_500  # on the right of days_between: a hundred years


@dataclass(frozen=True)
class Reader:
    """Who looks at the list, and on which calendar day in his time zone."""

    user_id: int | None
    team_ids: Collection[int]
    time_zone: str
    today: date


def where(condition: Condition, fields: Mapping[str, Field], *, reader: Reader) -> ColumnElement[bool]:
    """The rows for which the condition holds.

    Raises ConditionError, with an example, where it compares what is no field, or a field with what it cannot be.
    """
    return _Translation(fields, reader).node(condition.tree)


def keys_beside(condition: Condition, fields: Mapping[str, Field], *, reader: Reader) -> Select[Any] | None:
    """The keys of the rows for which the condition holds, found without looking at the rows themselves; None where it
    asks for more than values that stand beside them. A key may come several times. Raises as `where` does."""
    return _Translation(fields, reader).keys(condition.tree)


_POSITIVE = {"!=": "=", "not in": "in", "not contains": "contains", "not empty": "empty"}
_ORDERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
#: comparisons that name the value
_EXACT = {"=", "in"}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NUMBERS = {Kind.number, Kind.decimal, Kind.money}
_DAYS = {Kind.date, Kind.moment}


class _Translation:
    def __init__(self, fields: Mapping[str, Field], reader: Reader) -> None:
        self._fields = fields
        self._reader = reader
        self._zone = ZoneInfo(reader.time_zone)
        self._asked = Asked(reader.today, reader.user_id)

    def node(self, node: tree.Node) -> ColumnElement[bool]:
        match node:
            case Group("and", parts):
                return and_(*self._all_of(parts))
            case Group(_, parts):
                return or_(*map(self.node, parts))
            case Not(part):
                return not_(self.node(part))
            case Row():
                return self._row(node)

    def _all_of(self, parts: Sequence[tree.Node]) -> Iterator[ColumnElement[bool]]:
        """All of these hold. What several of them ask of one value beside the rows is looked for once: from 10 to 20
        are a few, and from 10 on, and up to 20, may each be nearly all. Of several values beside the rows only those
        who have all of them are looked up."""
        others, together = self._asked_together(parts)
        yield from map(self.node, others)
        for several in together:
            yield several[0].beside.key.in_(places.keys_of_all(several))

    def keys(self, node: tree.Node) -> Select[Any] | None:
        others, together = self._asked_together(
            node.parts if isinstance(node, Group) and node.word == "and" else (node,)
        )
        return None if others or len(together) != 1 else places.keys_of_all(together[0])

    def _asked_together(
        self, parts: Sequence[tree.Node]
    ) -> tuple[Sequence[tree.Node], Sequence[Sequence[AskedBeside]]]:
        """What asks for one value beside the rows each, by the key of the rows; and before that, all the rest."""
        asked: dict[str, AskedBeside] = {}
        others = []
        for part in parts:
            found = self._asked_beside(part)
            if found is None:
                others.append(part)
            else:
                field, beside, test = found
                told = asked.setdefault(field.key, AskedBeside(beside, []))
                told.tests.append(test)
                told.is_exact = told.is_exact or (isinstance(part, Row) and part.op in _EXACT)
        keys: dict[str, list[AskedBeside]] = {}
        for told in asked.values():
            keys.setdefault(str(told.beside.key), []).append(told)
        return others, list(keys.values())

    def _asked_beside(self, part: tree.Node) -> tuple[Field, Beside, Test] | None:
        """Of a comparison with the one value that a row has in another table."""
        if not isinstance(part, Row) or isinstance(part.left, Call):
            return None
        field, op = self._field(part.left), _POSITIVE.get(part.op, part.op)
        beside = field.column
        if not isinstance(beside, Beside) or beside.several or op in EMPTINESSES:
            return None
        test = self._test(field, op, _operands(part))
        if test is None:
            return None
        return field, beside, partial(places.turned, test) if part.op in _POSITIVE else test

    def _row(self, row: Row) -> ColumnElement[bool]:
        if isinstance(row.left, Call):
            field, op, operands = self._inside_call(row.left, row)
        else:
            field, op, operands = self._field(row.left), row.op, _operands(row)
        positive, is_negated = _POSITIVE.get(op, op), op in _POSITIVE
        if op in EMPTINESSES:
            return places.is_empty(field, wanted=not is_negated)
        test = self._long_ago(field, positive, operands) if field.since else self._test(field, positive, operands)
        if test is None:
            return false()
        if is_negated and (field.absent_differs or field.is_always_there):
            return not_(places.holds(field, test, negated=False))
        return places.holds(field, test, negated=is_negated)

    def _long_ago(self, field: Field, op: str, operands: Sequence[Operand]) -> Test | None:
        """`age >= 18` is `birthday <= the day 18 years ago`: the column itself is compared, with days."""
        assert field.since is not None
        self._test(field, op, operands)  # refused like any number
        if not all(type(one) is int for one in operands):
            raise ConditionError(_("“%(label)s” is a whole number. Example: %(example)s", label=field.label,
                                   example=example(field)))  # fmt: skip
        periods = [lies(field.since, one, self._reader.today) for one in operands if isinstance(one, int)]
        column = field.column.value if isinstance(field.column, Total) else field.column
        kind = Kind.moment if isinstance(column.type, UtcDateTime) else Kind.date  # type: ignore[union-attr]
        mirrored = _MIRRORED.get(op, op)
        return lambda column: or_(*[self._compare_days(kind, mirrored, column, one) for one in periods])

    def _field(self, named: tree.Field) -> Field:
        field = self._fields.get(named.key)
        if field is None:
            raise ConditionError(_("%(name)s is not something to filter by.", name=named.key[:50]))
        return field

    # ── a function over a field ──
    def _inside_call(self, call: Call, row: Row) -> tuple[Field, str, Sequence[Operand]]:
        """The same comparison with the field alone on its left."""
        if call.function == "len" and isinstance(call.args[0], tree.Field):
            field = self._field(call.args[0])
            if field.kind is Kind.text and isinstance(field.column, Beside):
                beside = replace(field.column, value=func.length(field.column.value))
                return replace(field, kind=Kind.number, column=beside), row.op, _operands(row)
            if field.kind is Kind.text and not isinstance(field.column, Select):
                return replace(field, kind=Kind.number, column=func.length(field.column)), row.op, _operands(row)
        if call.function == "days_between":
            start, end = call.args
            if isinstance(start, tree.Field) is not isinstance(end, tree.Field):
                return self._days_between(start, end, row)
        raise ConditionError(
            _(
                "Here %(left)s cannot be compared. Put a field on the left: created_at = this_week()",
                left=operand_text(call),
            )
        )

    def _days_between(self, start: Operand, end: Operand, row: Row) -> tuple[Field, str, Sequence[Operand]]:
        """`days_between(due, today()) >= 7` is `due <= the day 7 days ago`."""
        named, other = (start, end) if isinstance(start, tree.Field) else (end, start)
        assert isinstance(named, tree.Field)
        field = self._field(named)
        if field.kind not in _DAYS:
            raise refused(field)
        if row.op in EMPTINESSES:
            return field, row.op, ()
        fixed = self._days(field, other)
        if isinstance(fixed, datetime):
            fixed = self._day_of(fixed)
        days = []
        for one in _operands(row):
            if type(one) is not int or abs(one) > MAX_DAYS:
                raise ConditionError(
                    _(
                        "Compare %(left)s with a whole number of days, at most %(max)s.",
                        left=operand_text(row.left), max=MAX_DAYS,
                    )
                )  # fmt: skip
            if fixed is not None:
                days.append(_shifted(fixed.first, one if named is end else -one))
        op = row.op if named is end else _MIRRORED.get(row.op, row.op)
        return field, op, [day.isoformat() for day in days]

    # ── a field and what it is compared with ──
    def _test(self, field: Field, op: str, operands: Sequence[Operand]) -> Test | None:
        """What is asked of a value of the field; None when there is nothing to compare with."""
        if len(operands) > MAX_LIST:
            raise ConditionError(_("A list has at most %(max)d values.", max=MAX_LIST))
        if any(isinstance(one, tree.Field) for one in operands):
            raise ConditionError(
                _(
                    "Compare “%(label)s” with a value, not with another field. Example: %(example)s",
                    label=field.label, example=example(field),
                )
            )  # fmt: skip
        if not _may(field.kind, op):
            raise refused(field)
        wanted = [value for one in operands for value in self._wanted(field, one)]
        if not wanted:
            return None
        if field.kind in _DAYS:
            return lambda column: or_(*[self._compare_days(field.kind, op, column, one) for one in wanted])
        if op == "contains" and field.contains is not None:
            found = field.contains(wanted[0])
            return lambda _column: found
        if op == "contains":
            return (
                containing.holding_digits(field, wanted[0])
                if field.kind is Kind.phone
                else containing.holding(wanted[0])
            )
        if op in _ORDERS:
            return lambda column: _ORDERS[op](column, wanted[0])
        if field.kind in {*TEXTS, Kind.choice}:
            # A choice may be stored by a type of its own, which would not let another text pass.
            return lambda column: type_coerce(column, String).in_(wanted)
        return lambda column: column.in_(wanted)

    def _wanted(self, field: Field, operand: Operand) -> Sequence[Any]:
        """What the operand means for this field: nothing for a day beyond the calendar or the id of nobody."""
        match field.kind, operand:
            case Kind.text, str():
                return [operand]
            case Kind.phone, str():
                number = phone_e164(operand)
                return [operand] if number is None else [operand, number, show_phone(number)]
            case Kind.choice, str():
                if operand in field.choices:
                    return [operand]
            case Kind.yes_no, bool():
                return [literal(operand, Boolean)]
            case ((Kind.number | Kind.decimal | Kind.money), (int() | float())) if not isinstance(operand, bool):
                return [_number(operand)]
            case ((Kind.person | Kind.team), int()) if not isinstance(operand, bool):
                return [_number(operand)]
            case Kind.person, Call("me"):
                return [] if self._reader.user_id is None else [_number(self._reader.user_id)]
            case Kind.team, Call("my_teams"):
                return [_number(team_id) for team_id in sorted(self._reader.team_ids)]
            case ((Kind.date | Kind.moment), _) if (days := self._days(field, operand)) is not None:
                return [days]
            case ((Kind.date | Kind.moment), _):
                return []
        raise refused(field)

    # ── days ──
    def _days(self, field: Field, operand: Operand) -> Period | datetime | None:
        """A day or period of the reader, or a moment in UTC; None when it is beyond the calendar."""
        if isinstance(operand, Call) and FUNCTIONS[operand.function].gives in {Gives.date, Gives.period}:
            days = FUNCTIONS[operand.function].work_out(self._asked, *operand.args)
            return Period(days, days) if isinstance(days, date) else days  # type: ignore[return-value]
        if not isinstance(operand, str) or moment_of(operand) is None:
            raise refused(field)
        if len(operand) == len("2026-11-21"):
            day = date.fromisoformat(operand)
            return Period(day, day)
        moment = datetime.fromisoformat(operand)
        try:
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).astimezone(UTC)
        except OverflowError:
            return None
        return moment if field.kind is Kind.moment else self._day_of(moment)

    def _day_of(self, moment: datetime) -> Period | None:
        try:
            day = moment.astimezone(self._zone).date()
        except OverflowError:
            return None
        return Period(day, day)

    def _compare_days(
        self, kind: Kind, op: str, column: ColumnElement[Any], wanted: Period | datetime
    ) -> ColumnElement[bool]:
        if isinstance(wanted, datetime):
            moment = literal(wanted, UtcDateTime())
            return _ORDERS[op](column, moment) if op in _ORDERS else column == moment
        begins, ends = self._begin(kind, wanted.first), self._begin(kind, _next(wanted.last))
        match op:
            case "<":
                return false() if begins is None else column < begins
            case ">=":
                return true() if begins is None else column >= begins
            case "<=":
                return true() if ends is None else column < ends
            case ">":
                return false() if ends is None else column >= ends
        return and_(
            true() if begins is None else column >= begins,
            true() if ends is None else column < ends,
        )

    def _begin(self, kind: Kind, day: date | None) -> ColumnElement[Any] | None:
        """Where the day begins, as the column keeps it; None beyond the calendar: everything is on this side of it."""
        if day is None:
            return None
        if kind is Kind.date:
            return literal(day, Date())
        try:
            return literal(datetime.combine(day, time(), self._zone).astimezone(UTC), UtcDateTime())
        except OverflowError:
            return None


def _operands(row: Row) -> Sequence[Operand]:
    if isinstance(row.value, tuple):
        return row.value
    return () if row.value is None else (row.value,)


def _may(kind: Kind, op: str) -> bool:
    if op == "contains":
        return kind in TEXTS
    return op not in ORDERINGS or kind in _NUMBERS | _DAYS


def _number(number: float) -> ColumnElement[Any]:
    """Bound wider than most columns are: a number too large for the column is compared, not refused by the driver."""
    if isinstance(number, int):
        return literal(number, BigInteger)
    return literal(Decimal(repr(number)), Numeric(asdecimal=True))


def _next(day: date) -> date | None:
    return None if day == date.max else day + timedelta(days=1)


def _shifted(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min
