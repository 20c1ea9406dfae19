"""What is a condition made of? Groups, rows and operands, checked once here for typed text and for JSON alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from app.core.conditions.errors import ConditionError
from app.core.conditions.functions import FUNCTIONS, MAX_DAYS, Kind
from app.core.conditions.values import moment_of
from app.core.i18n import _

MAX_TEXT = 500  # characters of the typed or canonical text
MAX_NODES = 120  # groups, rows, fields, functions and values together
MAX_DEPTH = 20  # groups within groups; in typed text also parentheses and `not`
MAX_KEY = 200  # characters of one key
MAX_DIGITS = 15  # what a JavaScript number holds exactly

COMPARISONS = ("=", "!=")
ORDERINGS = (">", ">=", "<", "<=")
MEMBERSHIPS = ("in", "not in")
CONTAINMENTS = ("contains", "not contains")
EMPTINESSES = ("empty", "not empty")
OPERATORS = COMPARISONS + ORDERINGS + MEMBERSHIPS + CONTAINMENTS + EMPTINESSES

WORDS = {
    "and": "and", "và": "and",
    "or": "or", "hoặc": "or",
    "not": "not", "không": "not",
    "in": "in", "trong": "in",
    "contains": "contains", "chứa": "contains",
    "empty": "empty", "rỗng": "empty",
    "true": "true", "đúng": "true",
    "false": "false", "sai": "false",
}  # fmt: skip

Literal: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Field:
    """The value kept under one key."""

    key: str


@dataclass(frozen=True, slots=True)
class Call:
    """The value of a function of the table."""

    function: str
    args: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. `value` is a tuple after `in`, and None after `empty`."""

    left: Field | Call
    op: str
    value: Operand | tuple[Choice, ...] | None


@dataclass(frozen=True, slots=True)
class Group:
    """All (`and`) or any (`or`) of at least two parts, none of them a group of the same word."""

    word: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Node


Operand: TypeAlias = Field | Call | Literal
Choice: TypeAlias = Literal | Call  # what a list holds: calls that are the same for every row
Node: TypeAlias = Row | Group | Not


def make_group(word: str, parts: list[Node]) -> Node:
    """One part stands for itself; a group inside a group of the same word is part of it."""
    if len(parts) == 1:
        return parts[0]
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Group) and part.word == word else (part,))
    return Group(word, tuple(flat))


def spans(parts: Sequence[Node]) -> list[tuple[Node, ...]]:
    """Parts of a group with `and`, one by one: only `x >= 1` and `x <= 5` behind it stand together."""
    found: list[tuple[Node, ...]] = []
    for part in parts:
        if found and len(found[-1]) == 1 and _is_span(found[-1][0], part):
            found[-1] = (*found[-1], part)
        else:
            found.append((part,))
    return found


def _is_span(first: Node, last: Node) -> bool:
    match first, last:
        case Row(Field() as one, ">=", begin), Row(Field() as other, "<=", end):
            return one == other and not isinstance(begin, Field | Call) and not isinstance(end, Field | Call)
    return False


def make_field(key: str, position: int | None = None) -> Field:
    """A key is any line of text without brackets: they are what marks it in the typed form."""
    if not key or key != key.strip() or "[" in key or "]" in key:
        raise ConditionError(_("A field key has no brackets in it and no spaces around it."), position)
    if len(key) > MAX_KEY:
        raise ConditionError(_("A field key has at most %(max)d characters.", max=MAX_KEY), position)
    return Field(_storable(key, position))


def make_text(text: str, position: int | None = None) -> str:
    """The text in Unicode NFC; never blank, because nothing would ever equal it."""
    if len(text) > MAX_TEXT:
        raise too_long()
    if not text.strip():
        raise ConditionError(_("An empty text equals nothing. Write instead: field empty"), position)
    return _storable(text, position)


def _storable(text: str, position: int | None) -> str:
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        raise ConditionError(_("The text holds a character that cannot be shown."), position)
    return unicodedata.normalize("NFC", text)


def make_number(number: float, position: int | None = None) -> int | float:
    """Whole numbers become int. Python and JavaScript must read the same number, hence the limit of digits."""
    if type(number) is int and abs(number) < 10**MAX_DIGITS:
        return number
    if type(number) is float and abs(number) < 10**MAX_DIGITS:  # false for NaN and infinity
        if number.is_integer():
            return int(number)
        if sum(map(str.isdigit, plain(number))) <= MAX_DIGITS:
            return number
    raise too_precise(position)


def make_call(function: str, args: list[Operand], position: int | None = None) -> Call:
    """A call with as many arguments as the function takes, each of a kind it can use."""
    entry = FUNCTIONS.get(function)
    if entry is None:
        raise ConditionError(
            _("There is no function %(name)s. There are: %(known)s.", name=function, known=", ".join(FUNCTIONS)),
            position,
        )
    if Kind.days in entry.takes and not (len(args) == 1 and _fits(args[0], Kind.days)):
        raise ConditionError(
            _("Write %(example)s, with 1 to %(max)s days.", example=entry.example, max=MAX_DAYS), position
        )
    if len(args) != len(entry.takes) or not all(map(_fits, args, entry.takes)):
        raise ConditionError(_("Write %(example)s.", example=entry.example), position)
    return Call(function, tuple(args))


def _fits(arg: Operand, kind: Kind) -> bool:
    if kind is Kind.days:
        return type(arg) is int and 1 <= arg <= MAX_DAYS
    match arg:
        case Field():
            return True
        case Call(function):
            return FUNCTIONS[function].gives is kind
        case str():
            return kind is Kind.date and moment_of(arg) is not None
    return False


def make_row(
    left: Field | Call, op: str, value: Operand | tuple[Choice, ...] | None, position: int | None = None
) -> Row:
    """A row that could never hold is a slip of the pen, and is refused while its author still looks at it."""
    if isinstance(left, Call) and FUNCTIONS[left.function].gives not in _COMPARED:
        raise ConditionError(
            _(
                "Put the field first: created_at = this_week(), owner = me(). A field with the name of a function goes "
                "in brackets: [%(name)s]",
                name=left.function,
            ),
            position,
        )
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    for one in values:
        if isinstance(value, tuple) and isinstance(one, Call) and not FUNCTIONS[one.function].is_constant:
            raise ConditionError(
                _("In a list stand values: numbers, texts in quotes, today(), this_week(), me()."), position
            )
        if op in ORDERINGS and not _is_orderable(one):
            raise ConditionError(
                _("After %(op)s comes a number without quotes, or a date such as '2026-11-21'.", op=op), position
            )
        if isinstance(left, Call) and not _comparable(FUNCTIONS[left.function].gives, one):
            raise ConditionError(_("%(left)s cannot be compared with that.", left=operand_text(left)), position)
    if isinstance(left, Call) and op in CONTAINMENTS:
        raise ConditionError(_("Only a field can contain something."), position)
    return Row(left, op, value)


#: what may stand on the left of a comparison
_COMPARED = {Kind.number, Kind.date}


def _is_orderable(value: Operand) -> bool:
    if isinstance(value, Call):
        return FUNCTIONS[value.function].gives in {*_COMPARED, Kind.period}
    return not isinstance(value, bool) and not (isinstance(value, str) and moment_of(value) is None)


def _comparable(kind: Kind, value: Operand) -> bool:
    match value:
        case Field():
            return True
        case Call(function):
            gives = FUNCTIONS[function].gives
            return gives is kind or (kind is Kind.date and gives is Kind.period)
        case bool():
            return False
        case str():
            return kind is Kind.date and moment_of(value) is not None
    return kind is Kind.number


def check_size(root: Node) -> str:
    """Refuse what is too big, and answer the canonical text."""
    if sum(1 for _node in _nodes(root)) > MAX_NODES:
        raise too_many()
    if depth(root) > MAX_DEPTH:
        raise too_deep()
    text = node_text(root)
    if len(text) > MAX_TEXT:
        raise too_long()
    return text


def too_precise(position: int | None = None) -> ConditionError:
    return ConditionError(_("A number has at most %(max)d digits.", max=MAX_DIGITS), position)


def too_long() -> ConditionError:
    return ConditionError(_("The condition is too long: at most %(max)d characters.", max=MAX_TEXT))


def too_many(position: int | None = None) -> ConditionError:
    return ConditionError(_("The condition has too many parts: at most %(max)d.", max=MAX_NODES), position)


def too_deep(position: int | None = None) -> ConditionError:
    return ConditionError(_("The condition is nested too deeply: at most %(max)d levels.", max=MAX_DEPTH), position)


def depth(node: Node) -> int:
    """Levels of groups; a row alone is level 0."""
    match node:
        case Group(parts=parts):
            return 1 + max(map(depth, parts))
        case Not(part):
            return 1 + depth(part)
    return 0


def _nodes(item: Node | Operand | tuple[Choice, ...] | None) -> Iterator[object]:
    if item is None:
        return
    children: tuple[Node | Operand | tuple[Choice, ...] | None, ...] = ()
    match item:
        case tuple():
            for one in item:
                yield from _nodes(one)
            return
        case Group(parts=parts):
            children = parts
        case Not(part):
            children = (part,)
        case Row(left, _op, value):
            children = (left, value)
        case Call(args=args):
            children = args
    yield item
    for child in children:
        yield from _nodes(child)


def asks_the_day(root: Node) -> bool:
    """Does the answer depend on today?"""
    return any(FUNCTIONS[node.function].asks_the_day for node in _nodes(root) if isinstance(node, Call))


def keys_of(root: Node) -> frozenset[str]:
    """Every key the condition looks at."""
    return frozenset(node.key for node in _nodes(root) if isinstance(node, Field))


# The canonical text: English words, single spaces, the fewest parentheses; reading it gives the same tree.
PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def node_text(node: Node) -> str:
    match node:
        case Group(word, parts):
            return f" {word} ".join(f"({node_text(p)})" if word == "and" and _is_or(p) else node_text(p) for p in parts)
        case Not(part):
            return f"not ({node_text(part)})" if isinstance(part, Group) else f"not {node_text(part)}"
        case Row(left, op, value):
            if value is None:
                return f"{operand_text(left)} {op}"
            if isinstance(value, tuple):
                return f"{operand_text(left)} {op} ({', '.join(map(operand_text, value))})"
            if isinstance(value, Field):
                return f"{operand_text(left)} {op} {bracketed(value.key)}"
            return f"{operand_text(left)} {op} {operand_text(value)}"


def _is_or(node: Node) -> bool:
    return isinstance(node, Group) and node.word == "or"


def operand_text(operand: Operand) -> str:
    match operand:
        case Field(key):
            parts = key.split(".")
            if key.casefold() in WORDS or key.casefold() in FUNCTIONS or any(p != p.strip() or not p for p in parts):
                return bracketed(key)
            return ".".join(part if PLAIN_NAME.fullmatch(part) else bracketed(part) for part in parts)
        case Call(function, args):
            return f"{function}({', '.join(map(operand_text, args))})"
        case bool():
            return "true" if operand else "false"
        case str():
            quote = '"' if "'" in operand and '"' not in operand else "'"
            return quote + operand.replace(quote, quote * 2) + quote
    return number_text(operand)


def bracketed(key: str) -> str:
    return f"[{key}]"


def plain(number: float) -> str:
    """The shortest decimal notation of a number, without an exponent."""
    return format(Decimal(repr(number)), "f")


GROUPED = re.compile(r"-?[1-9][0-9]{0,2}(\.[0-9]{3})+")  # how Vietnamese write thousands: 500.000


def number_text(number: float) -> str:
    text = plain(number)
    return text + "0" if GROUPED.fullmatch(text) else text
