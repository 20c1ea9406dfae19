"""How is a typed condition read? A tokenizer and a grammar of their own; nothing typed is ever handed to Python.

any   = all { or all }
all   = part { and part }
part  = not part | "(" any ")" | row
row   = left ( compare value | in "(" choice { "," choice } ")" | contains value | empty )
        with `not` allowed before in, contains and empty
left  = field | call
value = literal | "[" key "]" | call
choice = literal | call
call  = function "(" [ value { "," value } ] ")" | today | this_week | me | … (any function without arguments)
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from app.core.conditions.errors import ConditionError
from app.core.conditions.functions import FUNCTIONS
from app.core.conditions.tree import (
    COMPARISONS,
    GROUPED,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_TEXT,
    ORDERINGS,
    PLAIN_NAME,
    WORDS,
    Call,
    Choice,
    Field,
    Literal,
    Node,
    Not,
    Operand,
    Row,
    make_call,
    make_field,
    make_group,
    make_number,
    make_row,
    make_text,
    too_deep,
    too_long,
    too_precise,
)
from app.core.i18n import _

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n\u00a0]+)
    |(?P<number>-?[0-9]+(?:\.[0-9]+)*)
    |(?P<name>(?:[^\W\d]\w*|\[[^\[\]]*\])(?:\.(?:[^\W\d]\w*|\[[^\[\]]*\]))*)
    |(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    |(?P<slip>==|<>|=>|=<|&&|\|\||[≥≤≠“”‘’])
    |(?P<sign>!=|>=|<=|[=<>(),])
    """,
    re.VERBOSE,
)
_PART = re.compile(r"\[([^\[\]]*)\]|([^.\[\]]+)")

# What habit from other languages, or a word processor, puts in place of our signs.
_MEANT = {
    "==": "=", "<>": "!=", "=>": ">=", "=<": "<=", "≥": ">=", "≤": "<=", "≠": "!=",
    "&&": "and", "||": "or", "“": '"', "”": '"', "‘": "'", "’": "'",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # number, name, text, sign, word or end
    text: str  # words and signs in their canonical spelling
    position: int

    def is_(self, *texts: str) -> bool:
        return self.kind in {"sign", "word"} and self.text in texts


def read_tree(text: str, example: str) -> Node:
    """The tree of a typed condition; raises ConditionError with the place and, where it helps, the example."""
    return _Reader(_tokens(_normal(text)), example).read()


def read_operand(text: str) -> Operand:
    """One field, value or call by itself; raises ConditionError with the place."""
    return _Reader(_tokens(_normal(text)), "compensation").read_operand()


def _normal(text: str) -> str:
    if len(text) > 4 * MAX_TEXT:  # decomposed accents: at most three marks a letter
        raise too_long()
    text = unicodedata.normalize("NFC", text)
    if len(text) > MAX_TEXT:
        raise too_long()
    return text


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(text, position)
        kind, found = str(match.lastgroup), match.group()
        if kind == "slip":
            raise ConditionError(_("Write %(right)s instead of %(wrong)s.", right=_MEANT[found], wrong=found), position)
        if kind == "number" and re.match(r"\w", text[match.end() :]):
            raise ConditionError(_("Write the number in full, with digits only: 500000."), position)
        if kind == "name" and found.casefold() in WORDS:
            kind, found = "word", WORDS[found.casefold()]
        if kind != "blank":
            tokens.append(_Token(kind, found, position))
        position = match.end()
    return [*tokens, _Token("end", "", len(text))]


def _unreadable(text: str, position: int) -> ConditionError:
    char = text[position]
    if char in "'\"":
        return ConditionError(_("The text that starts here has no closing quote."), position)
    if char == "[":
        return ConditionError(_("The key that starts here has no closing bracket."), position)
    shown = char if char.isprintable() else f"U+{ord(char):04X}"
    return ConditionError(_("%(char)s has no meaning in a condition.", char=shown), position)


class _Reader:
    """Recursive descent; `_depth` bounds the recursion before Python's own limit could."""

    def __init__(self, tokens: list[_Token], example: str) -> None:
        self._tokens = tokens
        self._example = example
        self._at = 0
        self._depth = 0

    def read(self) -> Node:
        if self._next.kind == "end":
            raise ConditionError(_("The condition is empty. Example: %(example)s", example=self._example), 0)
        node = self._any()
        if self._next.kind != "end":
            raise self._left_over()
        return node

    def read_operand(self) -> Operand:
        operand = self._argument()
        if self._next.kind != "end":
            raise ConditionError(_("Only one value is wanted here. Example: %(example)s", example=self._example),
                                 self._next.position)  # fmt: skip
        return operand

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        if token.kind != "end":
            self._at += 1
        return token

    def _took(self, *texts: str) -> bool:
        if not self._next.is_(*texts):
            return False
        self._at += 1
        return True

    def _must(self, sign: str) -> None:
        token = self._next
        if not self._took(sign):
            if token.kind == "number" or self._is_grouped_by_comma():
                raise _without_separators(token.position)
            raise ConditionError(_("Here %(sign)s is missing.", sign=sign), token.position)

    def _left_over(self) -> ConditionError:
        token = self._next
        if self._is_grouped_by_comma():
            return _without_separators(token.position)
        if token.is_(")"):
            return ConditionError(_("This parenthesis closes nothing."), token.position)
        if token.is_(*COMPARISONS, *ORDERINGS):
            return ConditionError(_('One comparison at a time: join two of them with "and".'), token.position)
        return ConditionError(_('Join two conditions with "and" or "or".'), token.position)

    def _is_grouped_by_comma(self) -> bool:
        return self._next.is_(",") and self._at > 0 and self._tokens[self._at - 1].kind == "number"

    def _any(self) -> Node:
        parts = [self._all()]
        while self._took("or"):
            parts.append(self._all())
        return make_group("or", parts)

    def _all(self) -> Node:
        parts = [self._part()]
        while self._took("and"):
            parts.append(self._part())
        return make_group("and", parts)

    def _part(self) -> Node:
        token = self._next
        if not token.is_("not", "("):
            return self._row()
        self._at += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise too_deep(token.position)
        if token.is_("not"):
            node: Node = Not(self._part())
        else:
            node = self._any()
            self._must(")")
        self._depth -= 1
        return node

    def _row(self) -> Row:
        left = self._left()
        negation = "not " if self._took("not") else ""
        sign = self._take()
        at = self._next.position  # where the value begins
        if sign.is_("empty"):
            return make_row(left, f"{negation}empty", None, at)
        if sign.is_("contains"):
            return make_row(left, f"{negation}contains", self._value(), at)
        if sign.is_("in"):
            return make_row(left, f"{negation}in", self._list(), at)
        if sign.is_(*COMPARISONS, *ORDERINGS) and not negation:
            return make_row(left, sign.text, self._value(), at)
        raise ConditionError(
            _(
                "Here a comparison is missing: = != > >= < <= in contains empty. Example: %(example)s",
                example=self._example,
            ),
            sign.position,
        )

    def _left(self) -> Field | Call:
        token = self._take()
        if token.kind == "name":
            return self._call(token) if self._is_function(token) else _field(token)
        if token.kind in {"number", "text"} or token.is_("true", "false"):
            raise ConditionError(_("Put the field first: %(example)s", example=self._example), token.position)
        raise ConditionError(_("Here a field is missing. Example: %(example)s", example=self._example), token.position)

    def _value(self) -> Operand:
        token = self._next
        if token.kind != "name":
            return self._literal()
        self._at += 1
        if self._is_function(token):
            return self._call(token)
        if not token.text.startswith("["):
            raise _bare_word(token)
        return _field(token)

    def _list(self) -> tuple[Choice, ...]:
        self._must("(")
        values = [self._choice()]
        while self._took(","):
            values.append(self._choice())
        self._must(")")
        return tuple(values)

    def _choice(self) -> Choice:
        token = self._next
        if token.kind != "name":
            return self._literal()
        self._at += 1
        if not self._is_function(token):
            raise _bare_word(token)
        return self._call(token)

    def _literal(self) -> Literal:
        token = self._take()
        if token.kind == "number":
            return _number(token)
        if token.kind == "text":
            quote = token.text[0]
            return make_text(token.text[1:-1].replace(quote * 2, quote), token.position)
        if token.is_("true", "false"):
            return token.text == "true"
        if token.kind == "name":
            raise _bare_word(token)
        raise ConditionError(_("Here a value is missing: a number, a text in quotes, true or false."), token.position)

    def _is_function(self, token: _Token) -> bool:
        return self._next.is_("(") or token.text.casefold() in FUNCTIONS

    def _call(self, name: _Token) -> Call:
        function = name.text.casefold()
        args: list[Operand] = []
        # `today` needs no parentheses; a name that is no function is refused before its arguments are read.
        if function in FUNCTIONS and (FUNCTIONS[function].takes or self._next.is_("(")):
            self._must("(")
            while not self._next.is_(")"):
                args.append(self._argument())
                if not self._took(","):
                    break
            self._must(")")
        return make_call(function, args, name.position)

    def _argument(self) -> Operand:
        token = self._next
        if token.kind != "name" or token.text.startswith("["):
            return self._value()
        self._at += 1
        if not self._is_function(token):
            return _field(token)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise too_deep(token.position)
        call = self._call(token)
        self._depth -= 1
        return call


def _field(token: _Token) -> Field:
    parts: list[str] = []
    for match in _PART.finditer(token.text):
        bracketed, bare = match.groups()
        if bare is not None and not PLAIN_NAME.fullmatch(bare):
            raise ConditionError(_("Put this key in brackets: %(key)s", key=f"[{bare}]"), token.position)
        parts.append(bare or bracketed.strip())
    return make_field(".".join(parts) if all(parts) else "", token.position)


def _number(token: _Token) -> int | float:
    text = token.text
    digits = text.removeprefix("-")
    if GROUPED.fullmatch(text):
        whole = text.replace(".", "")
        if text.count(".") > 1:
            raise ConditionError(_("Write %(whole)s, without separators.", whole=whole), token.position)
        raise ConditionError(
            _(
                "Write %(whole)s, without separators; for the decimal number write %(decimal)s.",
                whole=whole,
                decimal=f"{text}0",
            ),
            token.position,
        )
    if digits.count(".") > 1:
        raise _without_separators(token.position)
    if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
        raise ConditionError(
            _("A number does not start with 0. Put a phone number or a code in quotes."), token.position
        )
    if len(digits.replace(".", "")) > MAX_DIGITS:
        raise too_precise(token.position)
    return make_number(float(text) if "." in text else int(text), token.position)


def _without_separators(position: int) -> ConditionError:
    return ConditionError(_("Write numbers without separators: 500000"), position)


def _bare_word(token: _Token) -> ConditionError:
    return ConditionError(
        _("Put a text in quotes: '%(word)s'. Another field goes in brackets: [%(word)s]", word=token.text.strip("[]")),
        token.position,
    )
