"""What does a calculated field come to? A small language of its own: parsed once, never run as a program.

    sum(items.amount) * (1 - discount / 100)         tong(…) dem(…) neu(…) … are the same in Vietnamese
    if(total >= 500000, 0, 30000)

Fields by key; a column of repeating rows as `rows.column`. Numbers without separators, `.` before decimals; texts in
quotes. `+ - * /`, comparisons, `and or not`, and the functions of the table. Numbers are decimal: 0.1 + 0.2 is 0.3.
What is missing makes everything that is worked out from it missing, except in sum, count, min and max, which pass over
it; so does a division by zero. Nothing of this raises once the formula was read.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException, localcontext
from functools import lru_cache
from typing import TypeAlias

from app.core import clock
from app.core.conditions.tree import GROUPED
from app.core.conditions.values import day_of
from app.core.errors import BusinessError, Sentence
from app.core.i18n import DEFAULT_TIME_ZONE, _

MOST_TEXT = 500
MOST_TOKENS = 200
MOST_DEPTH = 20
MOST_DIGITS = 15
MOST_DECIMALS = 6

Result: TypeAlias = Decimal | bool | str | list[object] | None
#: every step keeps more digits than an answer has, and no exponent runs away
_ARITHMETIC = Context(prec=34, rounding=ROUND_HALF_UP, Emin=-99, Emax=99)


class FormulaError(BusinessError):
    """The formula cannot be understood. `position` counts characters from 0."""

    code = "formula"
    message = _("The formula could not be understood.")

    def __init__(self, message: Sentence, position: int) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True)
class Literal:
    """A number or a text that stands in the formula."""

    value: Decimal | str | bool


@dataclass(frozen=True)
class Field:
    """An answer by its key, or a column of rows (`items.amount`)."""

    key: str


@dataclass(frozen=True)
class Call:
    """A function or an operator, with what it is worked out from."""

    name: str
    args: tuple[Node, ...]


Node: TypeAlias = Literal | Field | Call


@dataclass(frozen=True)
class Formula:
    """A formula that was read. `keys` are those of the fields that it asks, as they are written."""

    text: str
    tree: Node
    keys: frozenset[str]

    def result(self, answers: Mapping[str, object]) -> Result:
        """What it comes to with these answers by key; None: something is missing."""
        try:
            with localcontext(_ARITHMETIC):
                return _work_out(self.tree, answers)
        except DecimalException:
            return None


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)*)|(?P<name>[^\W\d]\w*(?:\.[a-z][a-z0-9_]*)?)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")|(?P<sign><=|>=|!=|[-+*/()<>=,]))"
)
_WORDS = {"and": "and", "và": "and", "or": "or", "hoặc": "or", "not": "not", "không": "not",
          "true": "true", "đúng": "true", "false": "false", "sai": "false"}  # fmt: skip
_LEVELS = (("or",), ("and",), ("=", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/"))
_COMPARISON = 2


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


@lru_cache(maxsize=500)
def read(text: str) -> Formula:
    """The formula of a typed text. Raises FormulaError with the place where reading stopped."""
    if len(text) > MOST_TEXT:
        raise FormulaError(_("The formula is too long: at most %(max)d characters.", max=MOST_TEXT), MOST_TEXT)
    reader = _Reader(_tokens(text))
    tree = reader.level(0)
    if reader.here.kind != "end":
        raise FormulaError(_("Something is too much here."), reader.here.position)
    return Formula(text, tree, frozenset(reader.keys))


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or len(found) >= MOST_TOKENS:
            raise FormulaError(_("This cannot stand in a formula."), len(text) - len(text[at:].lstrip()))
        kind = match.lastgroup or ""
        word = match[kind]
        if kind == "name" and word.lower() in _WORDS:
            kind, word = "word", _WORDS[word.lower()]
        found.append(_Token(kind, word, match.start(match.lastgroup or 0)))
        at = match.end()
    return [*found, _Token("end", "", len(text))]


class _Reader:
    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0
        self.keys: set[str] = set()

    @property
    def here(self) -> _Token:
        return self._tokens[self._at]

    def level(self, number: int) -> Node:
        if number == len(_LEVELS):
            return self._factor()
        left = self.level(number + 1)
        while self.here.kind in {"sign", "word"} and self.here.text in _LEVELS[number]:
            sign = self._next().text
            left = Call(sign, (left, self.level(number + 1)))
            if number == _COMPARISON:
                break
        return left

    def _factor(self) -> Node:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise FormulaError(_("The formula is nested too deeply."), self.here.position)
        token = self._next()
        node = self._after(token)
        self._depth -= 1
        return node

    def _after(self, token: _Token) -> Node:
        match token.kind, token.text:
            case "number", text:
                return _number(text, token.position)
            case "text", text:
                return Literal(text[1:-1])
            case "word", "true" | "false":
                return Literal(token.text == "true")
            case "word", "not":
                return Call("not", (self.level(_COMPARISON),))
            case "sign", "-":
                return Call("-", (Literal(Decimal(0)), self._factor()))
            case "sign", "(":
                inner = self.level(0)
                self._close()
                return inner
            case "name", name:
                if self.here.text == "(":
                    return self._call(name, token.position)
                self.keys.add(name)
                return Field(name)
        raise FormulaError(_("A field, a number or a function is missing here."), token.position)

    def _call(self, typed: str, position: int) -> Node:
        name = _NAMES.get(typed.lower())
        if name is None:
            known = ", ".join(FUNCTIONS)
            told = _("There is no function %(name)s. There are: %(known)s.", name=typed, known=known)
            raise FormulaError(told, position)
        self._next()
        args: list[Node] = []
        while self.here.text != ")":
            args.append(self.level(0))
            if self.here.text != ",":
                break
            self._next()
        self._close()
        function = FUNCTIONS[name]
        if not function.least <= len(args) <= function.most:
            raise FormulaError(_("Write %(example)s.", example=function.example), position)
        return Call(name, tuple(args))

    def _next(self) -> _Token:
        token = self.here
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _close(self) -> None:
        if self.here.text != ")":
            raise FormulaError(_("A closing parenthesis is missing."), self.here.position)
        self._next()


def _number(text: str, position: int) -> Literal:
    if text.count(".") > 1 or GROUPED.fullmatch(text):
        plain = text.replace(".", "")
        raise FormulaError(_("Write numbers without separators: %(plain)s.", plain=plain), position)
    if len(text.replace(".", "")) > MOST_DIGITS:
        raise FormulaError(_("A number has at most %(max)d digits.", max=MOST_DIGITS), position)
    return Literal(Decimal(text))


# ── for the browser, which reads no formulas: assets/js/evaluate.js ──────────────────────────────────────────────────


def to_json(node: Node) -> dict[str, object]:
    """{"number": "0.1"}, {"value": "text" or true}, {"field": "items.amount"} or {"call": "+", "args": [node, …]}."""
    match node:
        case Literal(Decimal() as number):
            return {"number": format(number, "f")}
        case Literal(value):
            return {"value": value}
        case Field(key):
            return {"field": key}
        case Call(name, args):
            return {"call": name, "args": [to_json(arg) for arg in args]}


# ── working out ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _work_out(node: Node, answers: Mapping[str, object]) -> Result:
    match node:
        case Literal(value):
            return value
        case Field(key):
            return _answer(key, answers)
        case Call("if", (asked, then, otherwise)):
            return _work_out(then if _work_out(asked, answers) is True else otherwise, answers)
        case Call(name, args):
            values = [_work_out(arg, answers) for arg in args]
            return FUNCTIONS[name].work_out(values) if name in FUNCTIONS else _operators[name](values)


def _answer(key: str, answers: Mapping[str, object]) -> Result:
    name, _dot, column = key.partition(".")
    value = answers.get(name)
    if not column:
        return _plain(value)
    rows = value if isinstance(value, list) else []
    return [_plain(row.get(column)) for row in rows if isinstance(row, dict)]


def _plain(value: object) -> Result:
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | float):
        return Decimal(repr(value))
    return list(value) if isinstance(value, list) else None


def _numbers(values: Sequence[object]) -> list[Decimal]:
    """All numbers among the values, those of lists too."""
    found: list[Decimal] = []
    for value in values:
        if isinstance(value, list):
            found += _numbers(value)
        elif isinstance(value, Decimal):
            found.append(value)
    return found


def _arithmetic(work_out: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Sequence[Result]], Result]:
    def of(values: Sequence[Result]) -> Result:
        left, right = values
        if not isinstance(left, Decimal) or not isinstance(right, Decimal):
            return None
        try:
            return work_out(left, right)
        except DecimalException:
            return None

    return of


def _order(holds: Callable[[int], bool]) -> Callable[[Sequence[Result]], Result]:
    def of(values: Sequence[Result]) -> Result:
        left, right = values
        if isinstance(left, Decimal) and isinstance(right, Decimal):
            return holds((left > right) - (left < right))
        first, second = day_of(left), day_of(right)
        if first is not None and second is not None:
            return holds((first > second) - (first < second))
        return False

    return of


def _same(values: Sequence[Result]) -> bool | None:
    left, right = values
    if left is None or isinstance(left, list) or type(left) is not type(right):
        return None
    return left == right


_operators: Mapping[str, Callable[[Sequence[Result]], Result]] = {
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _arithmetic(operator.truediv),
    "=": lambda values: _same(values) is True,
    "!=": lambda values: _same(values) is False,
    "<": _order(lambda sign: sign < 0),
    "<=": _order(lambda sign: sign <= 0),
    ">": _order(lambda sign: sign > 0),
    ">=": _order(lambda sign: sign >= 0),
    "and": lambda values: all(value is True for value in values),
    "or": lambda values: any(value is True for value in values),
    "not": lambda values: values[0] is not True,
}  # fmt: skip


def _sum(values: Sequence[Result]) -> Result:
    return sum(_numbers(values), Decimal(0))


def _count(values: Sequence[Result]) -> Result:
    counted = sum(len([one for one in value if one is not None]) if isinstance(value, list) else value is not None
                  for value in values)  # fmt: skip
    return Decimal(counted)


def _most(pick: Callable[[list[Decimal]], Decimal]) -> Callable[[Sequence[Result]], Result]:
    def of(values: Sequence[Result]) -> Result:
        numbers = _numbers(values)
        return pick(numbers) if numbers else None

    return of


def _round(values: Sequence[Result]) -> Result:
    number, places = values[0], values[1] if len(values) > 1 else Decimal(0)
    if not isinstance(number, Decimal) or not isinstance(places, Decimal) or not 0 <= places <= MOST_DECIMALS:
        return None
    try:
        return number.quantize(Decimal(1).scaleb(-int(places)), ROUND_HALF_UP)
    except DecimalException:
        return None


def _days(values: Sequence[Result]) -> Result:
    first, last = day_of(values[0]), day_of(values[1])
    return None if first is None or last is None else Decimal((last - first).days)


def _today(_values: Sequence[Result]) -> Result:
    today: date = clock.today(DEFAULT_TIME_ZONE)
    return today.isoformat()


@dataclass(frozen=True)
class Function:
    """Takes from `least` to `most` arguments; None among them is what is missing."""

    least: int
    most: int
    example: str
    work_out: Callable[[Sequence[Result]], Result]
    #: as Vietnamese write it
    called: str


FUNCTIONS: Mapping[str, Function] = {
    "sum": Function(1, 20, "sum(items.amount)", _sum, "tong"),
    "count": Function(1, 20, "count(items)", _count, "dem"),
    "min": Function(1, 20, "min(a, b)", _most(min), "nho_nhat"),
    "max": Function(1, 20, "max(a, b)", _most(max), "lon_nhat"),
    "round": Function(1, 2, "round(total, 0)", _round, "lam_tron"),
    "if": Function(3, 3, "if(total > 500000, 0, 30000)", lambda values: values[-1], "neu"),
    "days": Function(2, 2, "days(ordered_on, today())", _days, "so_ngay"),
    "today": Function(0, 0, "today()", _today, "hom_nay"),
}
_NAMES = {**{name: name for name in FUNCTIONS}, **{one.called: name for name, one in FUNCTIONS.items()}}
