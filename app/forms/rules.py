"""Is this form drawn right, and are these answers right under it? Pure: the same for screen, REST and import."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from app.core.errors import BusinessError, InvalidInputError
from app.core.i18n import _
from app.forms.fields import TYPES
from app.forms.fields.base import Context, FormField, JsonSchema, Value, words_flaws
from app.forms.fields.definition import (
    LONGEST_NAMED,
    MOST_UNKNOWN_KEYS,
    Problem,
    Reading,
    begun_with,
    default_parsed,
    fields_problems,
    object_schema,
    read_asked,
    read_field,
)
from app.forms.fields.definition import read_answers as read_fields
from app.forms.fields.settings import CUSTOMER_VALUES
from app.forms.layout import Part, layout_problems, read_parts, with_section
from app.forms.logic import in_order, is_his, needs
from app.forms.words import Words, say

__all__ = ["MOST_UNKNOWN_KEYS", "TYPES", "FormField", "Problem", "read_field"]

FORM_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_CODE = 60
LONGEST_NAME = 200
MOST_FIELDS = 200
#: bytes of a definition as JSON: 200 fields with labels in two languages and 20 options each stay far below
LARGEST_DEFINITION = 512 * 1024

_NOBODY = Context()


@dataclass(frozen=True)
class Definition:
    """A form as it was published: name and fields in on-screen order."""

    name: Words
    fields: tuple[FormField, ...]
    pages: tuple[Part, ...] = ()
    sections: tuple[Part, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(one.key for one in self.fields)

    def needing(self, key: str) -> list[FormField]:
        """The fields that need the answer to this one."""
        return [one for one in self.fields if key in needs(one)]

    @cached_property
    def ordered(self) -> list[FormField]:
        """The fields, each behind those whose answers it needs."""
        return in_order(self.fields)[0]


@dataclass(frozen=True)
class Answers:
    """Answers that were read and found right, by field key. What was left empty is not there."""

    values: Mapping[str, Value]


# Drawing a form


def canonical(raw: object) -> str:
    """The one JSON text of a value: same value, same text. Raises ValueError for what no database could keep."""
    try:
        text = json.dumps(raw, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        text.encode()
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if "\\u0000" in text:
        raise ValueError("NUL")
    return text


def checksum(raw: object) -> str:
    """Same definition, same checksum."""
    return hashlib.sha256(canonical(raw).encode()).hexdigest()


def check_storable(raw: object) -> list[Problem]:
    """Can this be kept as a draft? A draft may be unfinished, but it is an object of bounded size."""
    if not isinstance(raw, Mapping):
        return [Problem("", "not_an_object", _("A form is an object with a name and fields."))]
    try:
        size = len(canonical(raw).encode())
    except ValueError:
        return [Problem("", "not_storable", _("The form holds something that cannot be kept."))]
    if size > LARGEST_DEFINITION:
        return [Problem("", "too_large", _("The form is too large."))]
    return []


def check_definition(raw: object) -> list[Problem]:
    """All that is wrong with a form as it was sent; nothing: it can be published."""
    return check_storable(raw) or list(_definition_problems(raw))  # type: ignore[arg-type]


def _definition_problems(raw: Mapping[str, object]) -> Iterator[Problem]:
    for name in sorted(set(raw) - {"name", "pages", "sections", "fields"}):
        yield Problem(name[:LONGEST_NAMED], "unknown_property", _("This property is not known."))
    yield from (Problem("name", flaw.code, flaw.message) for flaw in words_flaws(raw.get("name"), "name"))
    asked_with = with_section(raw.get("sections"))
    yield from fields_problems(raw.get("fields"), "fields", most=MOST_FIELDS, asked_with=asked_with)
    yield from _mapping_problems(raw.get("fields"))
    yield from layout_problems(raw)


def _mapping_problems(drawn: object) -> Iterator[Problem]:
    """A customer has one name: two questions cannot both be it."""
    seen: set[str] = set()
    for number, one in enumerate(drawn if isinstance(drawn, list) else ()):
        target = one.get("maps_to") if isinstance(one, dict) and one.get("retired") is not True else None
        if not isinstance(target, str) or target not in CUSTOMER_VALUES:
            continue
        if target in seen:
            told = _("Two questions are both the customer's %(value)s.", value=CUSTOMER_VALUES[target])
            yield Problem(f"fields[{number}].maps_to", "mapped_twice", told)
        seen.add(target)


def read_definition(raw: Mapping[str, Any]) -> Definition:
    """The form behind a definition in which `check_definition` found nothing."""
    return Definition(
        raw["name"],
        tuple(map(with_section(raw.get("sections")), read_asked(raw["fields"]))),
        read_parts(raw.get("pages")),
        read_parts(raw.get("sections")),
    )


# Answering a form


def read_answers(definition: Definition, raw: object, *, context: Context, is_page: bool = False) -> Reading:
    """What stands in `raw` (by field key: typed text or JSON values), and every problem with it under its key.

    A key left out takes the field's default; an empty answer is an answer and does not. Unknown keys are problems.
    So are answers to questions that are not asked with the others; `is_page` passes over them, since a page without a
    script has inputs for every question. Raises InvalidInputError for what is no object.
    """
    if not isinstance(raw, Mapping):
        raise InvalidInputError(_("The answers are an object: one value for each field key."))
    return read_fields(definition.ordered, raw, replace(context, answers={}), is_page=is_page)


def parse_answers(definition: Definition, raw: object, *, context: Context) -> Answers:
    """The answers in `raw`. Raises InvalidInputError with every problem under its key."""
    found = read_answers(definition, raw, context=context)
    if found.problems:
        raise InvalidInputError(fields=found.problems)
    return Answers(found.values)


def sentences_of(definition: Definition, error: BusinessError) -> list[str]:
    """Why the answers were refused, each sentence with its question: for where no question stands beside it."""
    labels = {one.key: f"{say(one.spec.label)}: " for one in definition.fields}
    told = [f"{labels.get(key, '')}{one}" for key, sentences in error.fields.items() for one in sentences]
    return told or [str(error.message)]


def json_schema(definition: Definition, context: Context = _NOBODY) -> JsonSchema:
    """JSON Schema (2020-12) of the answers, in the reader's language."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": say(definition.name),
        **object_schema(definition.fields, context),
    }


def begun(definition: Definition, context: Context) -> dict[str, Value]:
    """By key the answers with which those questions began that may stand fast, or that others are asked."""
    found = {
        one.key: begun_with(one, context) for one in definition.fields
        if one.spec.readonly_if is not None or not is_his(one, context)
    }  # fmt: skip
    return {key: value for key, value in found.items() if value is not None}


def default_of(one: FormField, context: Context = _NOBODY) -> Value | None:
    """The answer that stands there before anybody answers."""
    return default_parsed(one, context).value
