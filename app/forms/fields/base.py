"""What must every kind of field be able to do? Read an answer, show it, describe itself."""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from app.core.access import FieldRight
from app.core.conditions import Condition
from app.core.errors import Sentence
from app.core.files import LARGEST_FILE
from app.core.i18n import DEFAULT_TIME_ZONE, LANGUAGES, _
from app.forms.words import Words, say

if TYPE_CHECKING:
    from app.forms.fields.settings import Setting

#: What an answer is once it was read; the same in the database, in REST and in conditions. A day and a moment are ISO
#: texts; several choices are a list, rows a list of objects by key, an address is an object.
Value: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any]
#: one entry of the index of searchable answers
Indexed: TypeAlias = str | float | date | datetime
#: What a page sent for one field: the values of its inputs, by what stands in their names behind that of the field
#: ("" for itself, "street", "0.amount").
Posted: TypeAlias = Mapping[str, Sequence[Any]]
JsonSchema: TypeAlias = dict[str, Any]

#: characters of a label or help text
LONGEST_WORDS = 500
#: The largest whole number that every JSON reader keeps exactly.
LARGEST_INTEGER = 2**53 - 1
#: Nobody types a longer number, date or phone number; what is longer is not even looked at.
LONGEST_TYPED = 60

_FIGURES = re.compile(r"\s*[-−]?[0-9][0-9., ]*\s*")

# Blanks and invisible marks around copied text; an answer of nothing else is no answer.
_EDGES = "".join(map(chr, filter(lambda code: chr(code).isspace(), range(0x3001)))) + "\u200b\u200c\u200d\u2060\ufeff"


class Kind(StrEnum):
    """As what a searchable answer is kept, so that numbers compare as numbers."""

    text = auto()
    number = auto()
    date = auto()
    moment = auto()


class Control(StrEnum):
    """With what an answer is given on the screen. Which HTML that is, the builder knows."""

    line = auto()
    area = auto()
    #: one of several: buttons side by side while they are few, else a list
    choice = auto()
    #: some of several
    checks = auto()
    #: one of a row of numbers
    scale = auto()
    lookup = auto()
    address = auto()
    rows = auto()
    files = auto()
    signature = auto()
    #: nobody answers: the page tells it
    told = auto()


class Group(StrEnum):
    """The parts of the builder's palette, in their order."""

    words = auto()
    numbers = auto()
    days = auto()
    choices = auto()
    vietnam = auto()
    links = auto()
    parts = auto()


@dataclass(frozen=True)
class Face:
    """How a field looks. `mode` is the keyboard of a phone (HTML inputmode), `unit` stands behind the input, `helper`
    names what helps typing (docs/ui.md: data-date, data-moment, data-money, data-number)."""

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
    #: the answers of another field with which it is offered; none: with all
    only_for: frozenset[str] = frozenset()
    #: with which other answers it is offered; None: always
    only_if: Condition | None = None
    #: not offered any more; who has it keeps it
    retired: bool = False


@dataclass(frozen=True)
class FieldSpec:
    """One field as the admin drew it: what every field has, and in `own` the settings of its kind that were made."""

    key: str
    type: str
    label: Words
    help: Words = ""
    required: bool = False
    default: object = None
    searchable: bool = False
    #: nobody is asked any more; the key stays taken
    retired: bool = False
    #: fields/shared.py
    section: str = ""
    width: str = ""
    personal_data: str = "none"
    read_roles: tuple[str, ...] = ()
    edit_roles: tuple[str, ...] = ()
    #: said instead of the kind's own sentence when an answer is not right
    message: Words = ""
    #: "form": no two answers to the form are the same; "customer": none to it for one customer
    unique: str = ""
    #: fields/when.py
    visible_if: Condition | None = None
    required_if: Condition | None = None
    readonly_if: Condition | None = None
    keep_hidden: bool = False
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def twice_message(self) -> Words:
        """What is said of an answer that was given before: `message`, unless that tells how it is written."""
        return "" if self.own.get("pattern") else self.message


class Directory(Protocol):
    """Which records of one kind may this person name? The edge brings the answer, bound to its session and actor."""

    def name_of(self, record_id: int) -> str | None:
        """The name; None when there is none with this id or the person may not see it."""

    def offered(self) -> Sequence[tuple[int, str]]:
        """(id, name) of those to choose from in one list; empty where they are too many for that."""


class Findable(Directory, Protocol):
    """Records of which there are too many for one list: where no script looks them up, one is named in words."""

    def named(self, words: str) -> Sequence[tuple[int, str]]:
        """(id, name and code) of the few that these words may mean, of those whom this person may see."""


@dataclass(frozen=True)
class FileFacts:
    """A file that was sent for an answer. `size` in bytes; `path` is where it can be fetched, `kept_as` its name on the
    disk (core.files)."""

    name: str
    size: int
    content_type: str
    path: str = ""
    kept_as: str = ""


class Files(Protocol):
    """Which of the files that were sent may be named in an answer of this person?"""

    def facts_of(self, file_id: int) -> FileFacts | None:
        """None when there is no such file, or it is not his to name."""

    def largest(self) -> int:
        """How many bytes one of them may have."""


class Catalogues(Protocol):
    """What stands in the company's small lists?"""

    def options_of(self, catalogue: str) -> tuple[Option, ...]:
        """All entries in their order, retired ones too; () where there is no such list."""


class Nothing:
    """Nobody said what may be named: nothing."""

    def name_of(self, record_id: int) -> str | None:
        return None

    def offered(self) -> Sequence[tuple[int, str]]:
        return ()

    def named(self, words: str) -> Sequence[tuple[int, str]]:
        return ()

    def facts_of(self, file_id: int) -> FileFacts | None:
        return None

    def largest(self) -> int:
        return LARGEST_FILE

    def options_of(self, catalogue: str) -> tuple[Option, ...]:
        return ()


@dataclass(frozen=True)
class Context:
    """What a field may ask the outside world while it reads or shows an answer."""

    customers: Findable = field(default_factory=Nothing)
    members: Directory = field(default_factory=Nothing)
    teams: Directory = field(default_factory=Nothing)
    files: Files = field(default_factory=Nothing)
    catalogues: Catalogues = field(default_factory=Nothing)
    #: in which moments are typed and shown
    time_zone: str = DEFAULT_TIME_ZONE
    #: what the other fields were answered with, by key; those that a field `asks` were read before it
    answers: Mapping[str, Value] = field(default_factory=dict)
    #: by key the answers that were saved before; None: the form begins with its defaults
    before: Mapping[str, Value] | None = None
    #: the id that me() stands for in conditions
    me: int | None = None
    #: codes of the roles of whoever answers or reads; None: nothing is kept from him
    roles: frozenset[str] | None = None
    #: whoever answers answers about himself: his browser may fill in who he is, and what he typed when he comes back
    is_about_oneself: bool = False
    #: where the page of an address looks up wards while one types
    wards_url: str = "/tim/phuong-xa"
    #: class of personal data → what he may do with such answers, where that is not everything (forms/reading.py)
    rights: Mapping[str, FieldRight] = field(default_factory=dict)
    #: what is known of the customer about whom is answered (codes of settings.CUSTOMER_VALUES): questions that are one
    #: of his values begin with it
    known: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Parsed:
    """An answer that was read, or why it was refused. Neither: the field was left empty.

    `inside`: what is wrong with parts of it, by their place ("0.amount": the amount in the first row).
    """

    value: Value | None = None
    problems: tuple[Sentence, ...] = ()
    inside: Mapping[str, tuple[Sentence, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Flaw:
    """What is wrong with one property of a field's definition."""

    property: str
    code: str
    message: Sentence


class Refused(Exception):
    """Raised by `FieldType.read` with the sentence for the person who answered; `parse` turns it into a problem."""

    def __init__(self, sentence: Sentence, inside: Mapping[str, tuple[Sentence, ...]] | None = None) -> None:
        self.sentence = sentence
        self.inside = inside or {}
        super().__init__()


class FieldType(ABC):
    """One kind of field. It reads what was typed, what came as JSON and what stands in a table, all by `parse`."""

    #: the name that definitions use; never changes
    code: ClassVar[str]
    label: ClassVar[Sentence]
    #: in which part of the builder's palette it stands
    group: ClassVar[Group]
    #: what an admin can set for this kind beyond what every field has
    settings: ClassVar[tuple[Setting, ...]] = ()
    takes_default: ClassVar[bool] = True
    #: False: nothing is kept for it (a note)
    has_answer: ClassVar[bool] = True
    #: True: nobody answers it, it follows from other answers by `worked_out`
    is_worked_out: ClassVar[bool] = False
    #: can stand in a column of repeating rows
    fits_rows: ClassVar[bool] = True
    #: None: answers of this kind cannot be marked searchable
    index: ClassVar[Kind | None] = None
    face: ClassVar[Face] = Face()
    missing: ClassVar[Sentence] = _("Please fill this in.")
    #: how the browser reads what is typed, for conditions and formulas (assets/js/fill.js)
    typed_as: ClassVar[str] = "text"

    def gather(self, posted: Posted) -> object:
        """The raw answer in what a page sent. One input: what stands in the first of its name."""
        values = posted.get("")
        # A program may send anything in the place of what a page sends.
        return values[0] if isinstance(values, list | tuple) and values else None

    def parse(self, raw: object, spec: FieldSpec, context: Context) -> Parsed:
        """The answer in `raw` (typed text, or a JSON value), with all that may be wrong with it. Never raises."""
        if self.is_empty(raw):
            return Parsed(problems=(self.missing,)) if spec.required else Parsed()
        try:
            return Parsed(self.read(raw, spec, context))
        except Refused as refused:
            return Parsed(problems=(say(spec.message) or refused.sentence,), inside=refused.inside)

    def is_empty(self, raw: object) -> bool:
        """Is this no answer at all?"""
        return raw is None or (isinstance(raw, str) and not trimmed(raw))

    @abstractmethod
    def read(self, raw: object, spec: FieldSpec, context: Context) -> Value:
        """The value of a raw answer that is not empty. Raises Refused."""

    @abstractmethod
    def show(self, value: Value, spec: FieldSpec, context: Context) -> str:
        """The value as people read it; several lines where it has several parts."""

    def write(self, value: Value, spec: FieldSpec, context: Context) -> object:
        """The value as one would type it, in the shape of `gather`: `read` gives the same value back."""
        return str(value)

    @abstractmethod
    def schema(self, spec: FieldSpec, context: Context) -> JsonSchema:
        """JSON Schema (2020-12) of the value."""

    def begins_empty(self, spec: FieldSpec) -> bool:
        """Is nothing ever answered beforehand, whatever a definition says that was published before?"""
        return not self.takes_default

    def choices(self, spec: FieldSpec, context: Context) -> Sequence[Option]:
        """What there is to choose from, for `Control.choice`, `checks` and `scale`."""
        return ()

    def possible(self, spec: FieldSpec, context: Context) -> Sequence[Option]:
        """What `choices` may come to with other answers."""
        return self.choices(spec, context)

    def bounds(self, spec: FieldSpec) -> tuple[object, object] | None:
        """The least and the most that `read` takes, for the page to say so before anything is sent."""
        return None

    def longest_typed(self, spec: FieldSpec) -> int | None:
        """How many characters may be typed, for the page to say so before anything is sent."""
        return None

    def indexed(self, value: Value) -> Sequence[Indexed]:
        """The value as its `index` kind: one entry, or one for each of its parts. Raises TypeError without an index."""
        if self.index is Kind.number and isinstance(value, bool | int | float):
            return [float(value)]
        if self.index is Kind.date:
            return [date.fromisoformat(str(value))]
        if self.index is Kind.moment:
            return [datetime.fromisoformat(str(value))]
        if self.index is Kind.text and isinstance(value, str):
            return [value]
        raise TypeError(f"answers of type {self.code} are not searchable")

    @property
    def can_be_unique(self) -> bool:
        """May an answer be wanted only once? What is typed or looked up, as one value that can be found again."""
        is_one = self.face.control in (Control.line, Control.lookup)
        return is_one and self.index is not None and not self.is_worked_out

    def asks(self, spec: FieldSpec) -> Collection[str]:
        """Keys of the fields whose answers it needs in order to read, show or work out its own."""
        return ()

    def worked_out(self, spec: FieldSpec, context: Context) -> Value | None:
        """The answer that follows from `context.answers`, for kinds that are worked out."""
        return None

    def live(self, spec: FieldSpec) -> dict[str, Any]:
        """What of it follows from other answers while one types, as plain data (assets/js/evaluate.js `settled`)."""
        return {}

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        """What is wrong with this kind's own properties (`settings`) in a definition as it was sent."""
        for setting in self.settings:
            value = given.get(setting.name)
            if value is not None or setting.is_needed:
                yield from setting.flaws(value)

    def flaws_among(self, spec: FieldSpec, others: Mapping[str, FormField]) -> Iterator[Flaw]:
        """What is wrong with it among the other fields of the form, by key; each by itself is right."""
        yield from ()


@dataclass(frozen=True)
class FormField:
    """A field with the type that reads and shows its answers."""

    spec: FieldSpec
    type: FieldType
    #: all of these hold while it is asked: its own condition and that of its section
    shown_if: tuple[Condition, ...] = ()
    #: the same question in other versions: who reads its answers must be let read them there too (forms/reading.py)
    also: tuple[FieldSpec, ...] = ()

    @property
    def key(self) -> str:
        return self.spec.key


#: code → the type, one object of each; filled by the package from its files
TYPES: dict[str, FieldType] = {}


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


def is_endless(raw: object) -> bool:
    """Figures and nothing else, more of them than any limit has: too large, rather than no number."""
    return (
        isinstance(raw, str)
        and bool(_FIGURES.fullmatch(raw))
        and sum(map(str.isdigit, raw)) > len(str(LARGEST_INTEGER))
    )


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
