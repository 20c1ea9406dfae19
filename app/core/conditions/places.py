"""Does a test hold for the value of a field, wherever that stands: in the row, in other rows, or beside it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
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
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.core.conditions.fields import TEXTS, Beside, Field, Kind, Test, Total
from app.core.conditions.values import BLANKS


def holds(field: Field, test: Test, *, negated: bool) -> ColumnElement[bool]:
    """Of several values one is enough; turned round, there must be one and the test hold for none."""
    column = field.column
    if isinstance(column, Total):
        return _holds_of_total(column, test, negated=negated)
    if isinstance(column, Beside):
        return _holds_beside(column, test, negated=negated)
    if field.is_always_there and not isinstance(column, Select):
        return not_(test(column)) if negated else test(column)
    if not isinstance(column, Select):
        return and_(column.is_not(None), not_(test(column)) if negated else test(column))
    (value,) = column.selected_columns
    found = column.where(test(value)).exists()
    return and_(column.where(value.is_not(None)).exists(), not_(found)) if negated else found


def _holds_of_total(total: Total, test: Test, *, negated: bool) -> ColumnElement[bool]:
    def asked(value: ColumnElement[Any]) -> ColumnElement[bool]:
        return not_(test(value)) if negated else test(value)

    found = total.key.in_(total.rows.having(asked(total.value)).correlate(None))
    if total.nothing is None:
        return found
    return or_(found, and_(asked(literal(total.nothing, BigInteger)), total.key.not_in(total.rows.correlate(None))))


def _holds_beside(beside: Beside, test: Test, *, negated: bool) -> ColumnElement[bool]:
    if negated and not beside.several:
        return beside.key.in_(beside.rows.where(not_(test(beside.value))).correlate(None))
    found = beside.key.in_(beside.rows.where(test(beside.value)).correlate(None))
    return and_(beside.key.in_(beside.rows.correlate(None)), not_(found)) if negated else found


@dataclass
class AskedBeside:
    """What is asked of one value beside the rows. `is_exact`: it is said which, so that few have it."""

    beside: Beside
    tests: list[Test]
    is_exact: bool = False


class _Beheld(FunctionElement[Any]):
    """A column by which rows are not to be looked up, but looked at as they come: SQLite, once it has statistics, else
    looks up each key of the inner list among all values, which takes three times as long as to run through the range.
    PostgreSQL weighs that well (the statistics on two columns of a value are for it)."""

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(_Beheld)
def _as_it_is(element: _Beheld, compiler: SQLCompiler, **how: Any) -> str:
    return compiler.process(element.clauses, **how)


@compiles(_Beheld, "sqlite")
def _by_no_index(element: _Beheld, compiler: SQLCompiler, **how: Any) -> str:
    return f"+{compiler.process(element.clauses, **how)}"


def keys_of_all(several: Sequence[AskedBeside]) -> Select[Any]:
    """One inside the other, the exact ones inmost: of a range all are run through, and kept is only who has the other
    values too. Asked one beside the other, each would be looked up among the rows."""
    rows: Select[Any] | None = None
    for one in sorted(several, key=lambda one: not one.is_exact):
        found = one.beside.rows.where(_every(one.tests, one.beside.value))
        if rows is not None:
            (key,) = found.selected_columns
            found = found.where(_Beheld(key).in_(rows))
        rows = found.correlate(None)
    assert rows is not None
    return rows


def _every(tests: Sequence[Test], value: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(*(test(value) for test in tests))


def turned(test: Test, value: ColumnElement[Any]) -> ColumnElement[bool]:
    return not_(test(value))


def is_empty(field: Field, *, wanted: bool) -> ColumnElement[bool]:
    if field.is_always_there:
        return false() if wanted else true()
    if isinstance(field.column, Total | Beside):
        without = field.column.key.not_in(field.column.rows.correlate(None))
        return without if wanted else not_(without)

    def is_nothing(column: ColumnElement[Any]) -> ColumnElement[bool]:
        if field.kind not in {*TEXTS, Kind.choice}:
            return column.is_(None)
        return or_(column.is_(None), func.trim(type_coerce(column, String), BLANKS) == "")

    if isinstance(field.column, Select):
        (value,) = field.column.selected_columns
        something = field.column.where(not_(is_nothing(value))).exists()
        return not_(something) if wanted else something
    nothing = is_nothing(field.column)
    return nothing if wanted else not_(nothing)
