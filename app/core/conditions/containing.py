"""Does a column hold this part of a text, capitals and marks or not? Looked at letter by letter by the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, func, literal, or_, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.core.conditions.examples import refused
from app.core.conditions.fields import Field, Test
from app.core.vietnamese import MARKED, PLAIN, alike, plain_letters


class _Contains(FunctionElement[bool]):
    """Is the text part of the column, capitals and marks or not? Clauses: the column, two LIKE patterns and a GLOB.

    To make letters plain costs more than to look at them, so the sieve goes first on both databases: the text with `_`
    for every letter that has marked ones beside it. What passes is looked at letter by letter: PostgreSQL translates
    them; SQLite, whose lower() and LIKE know ASCII only, has GLOB with sets of letters ('*[Dđ…][Aaạ-ặ…][Nn][Gg]*'),
    which needs no function of ours in the connection.
    """

    type = Boolean()
    inherit_cache = True


@compiles(_Contains)
def _as_like(element: _Contains, compiler: SQLCompiler, **how: Any) -> str:
    column, sieve, like, _glob = (compiler.process(clause, **how) for clause in element.clauses)
    plain = f"translate(lower({column}), '{MARKED}', '{PLAIN}')"
    # AND would not do: its two sides may be worked out in any order, and both.
    return f"CASE WHEN lower({column}) LIKE {sieve} ESCAPE '/' THEN {plain} LIKE {like} ESCAPE '/' ELSE false END"


@compiles(_Contains, "sqlite")
def _as_glob(element: _Contains, compiler: SQLCompiler, **how: Any) -> str:
    column, sieve, _like, glob = (compiler.process(clause, **how) for clause in element.clauses)
    return f"CASE WHEN {column} LIKE {sieve} ESCAPE '/' THEN {column} GLOB {glob} ELSE 0 END"


def holding(wanted: str) -> Test:
    letters = plain_letters(wanted)
    like = [f"/{letter}" if letter in "%_/" else letter for letter in letters]
    sieve = [letter if letter.isascii() and letter not in PLAIN else "_" for letter in like]
    glob = map(_however_written, letters)
    patterns = [literal(f"%{''.join(sieve)}%"), literal(f"%{''.join(like)}%"), literal(f"*{''.join(glob)}*")]
    return lambda column: _Contains(type_coerce(column, String), *patterns)


def _however_written(letter: str) -> str:
    """The set of all letters that are taken for this one."""
    forms = {*alike(letter), *(capital for one in alike(letter) if len(capital := one.upper()) == 1)}
    runs: list[list[int]] = []  # most marked letters stand in rows: a range of ten is one comparison
    for code in sorted(map(ord, forms)):
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    told = "".join(chr(first) if first == last else f"{chr(first)}-{chr(last)}" for first, last in runs)
    return f"[{told}]" if len(forms) > 1 or letter in "*?[" else letter


def holding_digits(field: Field, wanted: str) -> Test:
    """A phone number is kept as +84912345678 or as people read it; some of its digits find it in either form."""
    digits = "".join(char for char in wanted if char.isascii() and char.isdigit())
    if not digits:
        raise refused(field)

    def test(column: ColumnElement[Any]) -> ColumnElement[bool]:
        written = func.replace(func.replace(type_coerce(column, String), " ", ""), "-", "")
        found = written.contains(digits, autoescape=True)
        return or_(found, written.startswith(f"+84{digits[1:]}")) if digits.startswith("0") else found

    return test
