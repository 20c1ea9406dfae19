"""What can an admin set for a kind of field? One object each: how the builder edits it, and what is right in it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from app.core.conditions import Condition, ConditionError
from app.core.errors import Sentence
from app.core.formats import number_text, read_day
from app.core.i18n import _
from app.forms.fields.base import LARGEST_INTEGER, Flaw, Option, words_flaws

FIELD_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")
CATALOGUE_CODE = re.compile(r"[a-z][a-z0-9_-]{0,59}")
MOST_OPTIONS = 200
LONGEST_VALUE = 100
# A year of three or five digits is a slip of the finger; care work knows no day outside of these.
EARLIEST = date(1900, 1, 1)
LATEST = date(2199, 12, 31)


@dataclass(frozen=True)
class Setting(ABC):
    """One property of a definition that some kinds have. `name` never changes."""

    name: str
    label: Sentence
    help: Sentence = ""
    is_needed: bool = False

    #: how the builder edits it
    editor: ClassVar[str]
    #: answers mean the same whatever stands in it
    is_looks: ClassVar[bool] = False

    @abstractmethod
    def flaws(self, value: object) -> Iterator[Flaw]:
        """What is wrong with the value as it was sent; None only comes to one that is needed."""

    def read(self, value: Any) -> Any:
        """The checked value as the field type uses it."""
        return value


@dataclass(frozen=True)
class Whole(Setting):
    """A whole number between two others."""

    least: int = -LARGEST_INTEGER
    most: int = LARGEST_INTEGER
    code: str = "bad_limit"
    editor = "whole"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if type(value) is not int or not self.least <= value <= self.most:
            least, most = number_text(self.least), number_text(self.most)
            is_open = (self.least, self.most) == (-LARGEST_INTEGER, LARGEST_INTEGER)
            yield Flaw(self.name, self.code, _("A limit is a whole number. Example: 500000") if is_open else
                       _("A whole number from %(least)s to %(most)s, please.", least=least, most=most))  # fmt: skip


@dataclass(frozen=True)
class Height(Whole):
    """How tall it is on the page."""

    is_looks = True


@dataclass(frozen=True)
class Number(Setting):
    """A number with or without decimals, of at most 15 digits."""

    editor = "number"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if type(value) not in (int, float) or not abs(value) < 10**15:  # type: ignore[arg-type]
            yield Flaw(self.name, "bad_limit", _("A limit is a number. Example: 2.5"))


@dataclass(frozen=True)
class Day(Setting):
    """A calendar day as ISO text."""

    editor = "day"

    def flaws(self, value: object) -> Iterator[Flaw]:
        day = read_day(value) if isinstance(value, str) and len(value) == 10 and "/" not in value else None
        if day is None or not EARLIEST <= day <= LATEST:
            yield Flaw(self.name, "bad_limit", _("A limit is a day. Example: 2026-11-22"))


@dataclass(frozen=True)
class ClockTime(Setting):
    """A time of day: "08:30"."""

    editor = "time"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
            yield Flaw(self.name, "bad_limit", _("A limit is a time of day. Example: 08:30"))


@dataclass(frozen=True)
class YesNo(Setting):
    editor = "yes_no"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if not isinstance(value, bool):
            yield Flaw(self.name, "not_yes_or_no", _("Either true or false, please."))


@dataclass(frozen=True)
class OneOf(Setting):
    """One of a few words of ours, with what each is called."""

    choices: tuple[tuple[str, Sentence], ...] = ()
    #: what it is called when none of them is chosen
    none: Sentence = ""
    editor = "one_of"

    def flaws(self, value: object) -> Iterator[Flaw]:
        known = [word for word, _label in self.choices]
        if value not in known:
            yield Flaw(self.name, "bad_choice", _("One of these, please: %(known)s.", known=", ".join(known)))


@dataclass(frozen=True)
class Told(Setting):
    """Words of the admin, in one language or several."""

    editor = "words"
    is_looks = True

    def flaws(self, value: object) -> Iterator[Flaw]:
        yield from words_flaws(value, self.name)


@dataclass(frozen=True)
class Catalogue(Setting):
    """The code of one of the company's lists."""

    editor = "catalogue"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if not isinstance(value, str) or not CATALOGUE_CODE.fullmatch(value):
            yield Flaw(self.name, "bad_catalogue", _("The code of a catalogue, please. Example: channel"))


@dataclass(frozen=True)
class Purpose(Setting):
    """The code of a purpose to which customers agree: an entry of the company's list of them."""

    #: (code, label) of those in use; filled in for whoever draws
    choices: tuple[tuple[str, Sentence], ...] = ()
    none: Sentence = ""
    editor = "one_of"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if not isinstance(value, str) or not CATALOGUE_CODE.fullmatch(value):
            yield Flaw(self.name, "bad_purpose", _("Choose what the customer agrees to."))


@dataclass(frozen=True)
class OtherField(Setting):
    """The key of another field of the form."""

    editor = "field"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if not isinstance(value, str) or not FIELD_KEY.fullmatch(value):
            yield Flaw(self.name, "bad_reference", _("Choose the field that this one depends on."))


@dataclass(frozen=True)
class Options(Setting):
    """The answers to choose from: a list of {"value", "label"}, "if" (a condition) where one is not always offered, and
    "for" where they depend on another field."""

    has_for: bool = False
    editor = "options"

    def flaws(self, value: object) -> Iterator[Flaw]:
        if not isinstance(value, list) or not value:
            yield Flaw(self.name, "no_options", _("A choice needs at least one answer to choose from."))
            return
        if len(value) > MOST_OPTIONS:
            yield Flaw(self.name, "too_many_options", _("At most %(most)d answers, please.", most=MOST_OPTIONS))
            return
        seen: set[str] = set()
        for number, option in enumerate(value):
            for flaw in self._option_flaws(option, seen):
                yield Flaw(f"{self.name}[{number}]{flaw.property}", flaw.code, flaw.message)

    def read(self, value: Any) -> tuple[Option, ...]:
        return tuple(
            Option(
                one["value"], one["label"], frozenset(one.get("for", ())),
                None if one.get("if") is None else Condition.from_json(one["if"]), bool(one.get("retired")),
            )
            for one in value
        )  # fmt: skip

    def _option_flaws(self, option: object, seen: set[str]) -> Iterator[Flaw]:
        known = {"value", "label", "retired", "if"} | ({"for"} if self.has_for else set())
        if not isinstance(option, dict) or not known >= set(option):
            yield Flaw("", "bad_option", _("An answer to choose from has a value and a label."))
            return
        value = option.get("value")
        if not is_option_value(value):
            most = LONGEST_VALUE
            wanted = _("The value is a text of at most %(most)d characters without blanks around it.", most=most)
            yield Flaw(".value", "bad_value", wanted)
        elif value in seen:
            yield Flaw(".value", "duplicate_value", _("Two answers have the same value."))
        else:
            seen.add(str(value))
        offered_with = option.get("for", [])
        if not isinstance(offered_with, list) or not all(map(is_option_value, offered_with)):
            yield Flaw(".for", "bad_for", _("A list of answers of the other field, please."))
        try:
            Condition.from_json(option["if"]) if option.get("if") is not None else None
        except ConditionError as error:
            yield Flaw(".if", "bad_condition", error.message)
        if not isinstance(option.get("retired", False), bool):
            yield Flaw(".retired", "not_yes_or_no", _("Either true or false, please."))
        yield from words_flaws(option.get("label"), ".label")


def is_option_value(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_VALUE and value == " ".join(value.split())


#: what of the customer an answer can be; the codes never change
CUSTOMER_VALUES: Mapping[str, Sentence] = {
    "name": _("Name"),
    "phone": _("Phone number"),
    "email": _("E-mail"),
    "birthday": _("Birthday"),
    "tax_code": _("Tax code"),
    "id_number": _("Citizen number (CCCD)"),
    "address": _("Postal address"),
    "note": _("Note"),
}


def maps_to(*codes: str) -> OneOf:
    """Which of the customer's values the answer may be."""
    return OneOf(
        "maps_to", _("It is the customer's"),
        _("Filled in about a customer, it begins with what is known of him, and fills in what his record lacks. A"
          " customer who comes in through a public form is known and made by it."),
        choices=tuple((code, CUSTOMER_VALUES[code]) for code in codes), none=_("none of his values"),
    )  # fmt: skip
