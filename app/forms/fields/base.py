"""What must every kind of field be able to do? Read an answer, show it, describe itself."""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum, auto
from typing import Any, ClassVar, Protocol, TypeAlias

from app.core.errors import Sentence
from app.core.i18n import LANGUAGES, _
from app.forms.words import Words

#: What an answer is once it was read; the same in the database, in REST and in conditions. A date is its ISO text.
Value: TypeAlias = str | int | bool
JsonSchema: TypeAlias = dict[str, Any]

#: characters of a label or help text
LONGEST_WORDS = 500
#: The largest whole number that every JSON reader keeps exactly.
LARGEST_INTEGER = 2**53 - 1
#: Nobody types a longer number, date or phone number; what is longer is not even looked at.
LONGEST_TYPED = 60

# Blanks and invisible marks around copied text; an answer of nothing else is no answer.
_EDGES = "".join(map(chr, filter(lambda code: chr(code).isspace(), range(0x3001)))) + "\u200b\u200c\u200d\u2060\ufeff"


class Kind(StrEnum):
    """As what a searchable answer is kept, so that numbers compare as numbers."""

    text = auto()
    number = auto()
    date = auto()


class Control(StrEnum):
    """With what an answer is given on the screen. Which HTML that is, the builder knows."""

    line = auto()
    area = auto()
    choice = auto()
    lookup = auto()


@dataclass(frozen=True)
class Face:
    """How a field looks. `mode` is the keyboard of a phone (HTML inputmode), `unit` stands behind the input, `helper`
    names what helps typing (docs/ui.md: data-date, data-money, data-number)."""

    control: Control = Control.line
    mode: str = "text"
    unit: str = ""
    placeholder: Sentence = ""
    autocomplete: str = "off"
    helper: str = ""


@dataclass(frozen=True)
class Option:
    """One of the answers to choose from. The value is stored and never shown."""

    value: str
    label: Words


@dataclass(frozen=True)
class FieldSpec:
    """One field as the admin drew it. Bounds are whole numbers, for dates ISO texts."""

    key: str
    type: str
    label: Words
    help: Words = ""
    required: bool = False
    default: object = None
    options: tuple[Option, ...] = ()
    min: Any = None
    max: Any = None
    min_length: int | None = None
    max_length: int | None = None
    rows: int | None = None
    searchable: bool = False


class CustomerLookup(Protocol):
    """Which customers may this person name? The edge brings the answer, bound to its session and actor."""

    def name_of(self, customer_id: int) -> str | None:
        """The customer's name; None when there is none with this id or the person may not see him."""


class NoCustomers:
    """Nobody said which customers may be named: none."""

    def name_of(self, customer_id: int) -> str | None:
        return None


@dataclass(frozen=True)
class Context:
    """What a field may ask the outside world while it reads or shows an answer."""

    customers: CustomerLookup = field(default_factory=NoCustomers)


@dataclass(frozen=True)
class Parsed:
    """An answer that was read, or why it was refused. Neither: the field was left empty."""

    value: Value | None = None
    problems: tuple[Sentence, ...] = ()


@dataclass(frozen=True)
class Flaw:
    """What is wrong with one property of a field's definition."""

    property: str
    code: str
    message: Sentence


class Refused(Exception):
    """Raised by `FieldType.read` with the sentence for the person who answered; `parse` turns it into a problem."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        super().__init__()


class FieldType(ABC):
    """One kind of field. It reads what was typed, what came as JSON and what stands in a table, all by `parse`."""

    #: the name that definitions use; never changes
    code: ClassVar[str]
    label: ClassVar[Sentence]
    #: the properties that this kind knows beyond those of every field
    settings: ClassVar[frozenset[str]] = frozenset()
    takes_default: ClassVar[bool] = True
    #: None: answers of this kind cannot be marked searchable
    index: ClassVar[Kind | None] = None
    face: ClassVar[Face] = Face()
    missing: ClassVar[Sentence] = _("Please fill this in.")

    def parse(self, raw: object, spec: FieldSpec, context: Context) -> Parsed:
        """The answer in `raw` (typed text, or a JSON value), with all that may be wrong with it. Never raises."""
        if raw is None or (isinstance(raw, str) and not trimmed(raw)):
            return Parsed(problems=(self.missing,)) if spec.required else Parsed()
        try:
            return Parsed(self.read(raw, spec, context))
        except Refused as refused:
            return Parsed(problems=(refused.sentence,))

    @abstractmethod
    def read(self, raw: object, spec: FieldSpec, context: Context) -> Value:
        """The value of a raw answer that is not empty. Raises Refused."""

    @abstractmethod
    def show(self, value: Value, spec: FieldSpec, context: Context) -> str:
        """The value as people read it."""

    def write(self, value: Value, spec: FieldSpec) -> str:
        """The value as one would type it: `read` gives the same value back."""
        return str(value)

    @abstractmethod
    def schema(self, spec: FieldSpec) -> JsonSchema:
        """JSON Schema (2020-12) of the value."""

    def choices(self, spec: FieldSpec) -> tuple[Option, ...]:
        """What there is to choose from, for `Control.choice`."""
        return ()

    def bounds(self, spec: FieldSpec) -> tuple[object, object] | None:
        """The least and the most that `read` takes, for the page to say so before anything is sent."""
        return None

    def indexed(self, value: Value) -> str | float | date:
        """The value as its `index` kind. Raises TypeError when the kind has no index."""
        if self.index is Kind.number:
            return float(value)
        if self.index is Kind.date:
            return date.fromisoformat(str(value))
        if self.index is Kind.text:
            return str(value)
        raise TypeError(f"answers of type {self.code} are not searchable")

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        """What is wrong with this kind's own properties (`settings`) in a definition as it was sent."""
        yield from ()


def trimmed(text: str) -> str:
    """Without blanks and invisible marks around it."""
    return text.strip(_EDGES)


def composed(text: str) -> str:
    """The text as it is stored: trimmed, letters and their marks as one character (NFC)."""
    return unicodedata.normalize("NFC", trimmed(text))


def is_storable(text: str) -> bool:
    """No NUL or other control characters (line breaks and tabs are fine), no half of a surrogate pair."""
    return not any(unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\r\t" for char in text)


def whole_number(raw: object) -> int | None:
    """A JSON number that is whole: 5 and 5.0, but neither true nor 5.5 nor infinity."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw
    return int(raw) if isinstance(raw, float) and raw.is_integer() else None


def crossed(given: Mapping[str, object], low: str, high: str) -> Iterator[Flaw]:
    """The one flaw that two bounds have together."""
    first, last = given.get(low), given.get(high)
    if first is not None and last is not None and first > last:  # type: ignore[operator]
        yield Flaw(high, "bounds_crossed", _("The upper limit lies below the lower one."))


def words_flaws(words: object, name: str) -> Iterator[Flaw]:
    """Labels and help: a text, or texts by language of which at least one is there."""
    texts: list[Any] = list(words.values()) if isinstance(words, dict) else [words]
    if isinstance(words, dict) and not set(words) <= set(LANGUAGES):
        yield Flaw(name, "unknown_language", _("Known languages: %(languages)s.", languages=", ".join(LANGUAGES)))
    elif not texts or not all(isinstance(text, str) and len(text) <= LONGEST_WORDS for text in texts):
        yield Flaw(name, "bad_words", _("A text of at most %(most)d characters, please.", most=LONGEST_WORDS))
    elif not any(trimmed(text) for text in texts):
        yield Flaw(name, "no_words", _("Please write something here."))
