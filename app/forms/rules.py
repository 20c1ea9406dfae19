"""Is this form drawn right, and are these answers right under it? Pure: the same for screen, REST and import."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from app.core.errors import InvalidInputError, Sentence
from app.core.i18n import DEFAULT_LANGUAGE, _, in_language
from app.forms.fields import TYPES
from app.forms.fields.base import (
    Context,
    FieldSpec,
    FieldType,
    JsonSchema,
    Option,
    Parsed,
    Value,
    is_storable,
    words_flaws,
)
from app.forms.words import Words, say

FORM_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_CODE = 60
FIELD_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")
LONGEST_NAME = 200
MOST_FIELDS = 200
#: bytes of a definition as JSON: 200 fields with labels in two languages and 20 options each stay far below
LARGEST_DEFINITION = 512 * 1024
#: unknown keys that an answer is told of, one by one
MOST_UNKNOWN_KEYS = 20

_EVERY_FIELD = frozenset({"key", "type", "label", "help", "required", "default", "searchable"})
_SPEC = frozenset(part.name for part in fields(FieldSpec))


@dataclass(frozen=True)
class Problem:
    """What keeps a form from being published. `path` is where (`fields[2].options[0].value`); `code` never changes."""

    path: str
    code: str
    message: Sentence = field(compare=False)


@dataclass(frozen=True)
class FormField:
    """A field with the type that reads and shows its answers."""

    spec: FieldSpec
    type: FieldType

    @property
    def key(self) -> str:
        return self.spec.key


@dataclass(frozen=True)
class Definition:
    """A form as it was published: name and fields in on-screen order."""

    name: Words
    fields: tuple[FormField, ...]

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(one.key for one in self.fields)


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
    for name in sorted(set(raw) - {"name", "fields"}):
        yield Problem(name[:LONGEST_NAME], "unknown_property", _("This property is not known."))
    yield from _words_problems(raw.get("name"), "name")
    drawn = raw.get("fields")
    if not isinstance(drawn, list) or not drawn:
        yield Problem("fields", "no_fields", _("A form needs at least one field."))
        return
    if len(drawn) > MOST_FIELDS:
        yield Problem("fields", "too_many_fields", _("At most %(most)d fields, please.", most=MOST_FIELDS))
        return
    seen: set[str] = set()
    for number, given in enumerate(drawn):
        path = f"fields[{number}]"
        if not isinstance(given, dict):
            yield Problem(path, "not_an_object", _("A field is an object with key, type and label."))
            continue
        problems = list(_field_problems(given, path))
        # A default can only be judged by a field that stands.
        yield from problems or _default_problems(given, f"{path}.default")
        key = given.get("key")
        if isinstance(key, str) and key in seen:
            yield Problem(f"{path}.key", "duplicate_key", _("Two fields have the same key."))
        elif isinstance(key, str):
            seen.add(key)


def _field_problems(given: dict[str, object], path: str) -> Iterator[Problem]:
    key, code = given.get("key"), given.get("type")
    if not isinstance(key, str) or not FIELD_KEY.fullmatch(key):
        wanted = _("A key begins with a small letter and has only a-z, 0-9 and _, at most 41. Example: order_code")
        yield Problem(f"{path}.key", "bad_key", wanted)
    yield from _words_problems(given.get("label"), f"{path}.label")
    if given.get("help") not in (None, ""):
        yield from _words_problems(given["help"], f"{path}.help")
    for name in ("required", "searchable"):
        if not isinstance(given.get(name, False), bool):
            yield Problem(f"{path}.{name}", "not_yes_or_no", _("Either true or false, please."))
    kind = TYPES.get(code) if isinstance(code, str) else None
    if kind is None:
        known = _("This field type is not known. Known are: %(types)s.", types=", ".join(sorted(TYPES)))
        yield Problem(f"{path}.type", "unknown_type", known)
        return
    for name in sorted(set(given) - _EVERY_FIELD - kind.settings):
        yield Problem(f"{path}.{name[:LONGEST_NAME]}", "unknown_property", _("This property is not known."))
    if given.get("searchable") is True and kind.index is None:
        yield Problem(f"{path}.searchable", "not_searchable", _("Answers of this type cannot be filtered."))
    yield from (Problem(f"{path}.{flaw.property}", flaw.code, flaw.message) for flaw in kind.flaws(given))


def _default_problems(given: dict[str, object], path: str) -> Iterator[Problem]:
    if given.get("default") is None:
        return
    one = read_field(given)
    if not one.type.takes_default:
        yield Problem(path, "no_default", _("A field of this type has no default."))
        return
    for sentence in _default(one).problems:
        yield Problem(path, "bad_default", sentence)


def _words_problems(words: object, path: str) -> Iterator[Problem]:
    yield from (Problem(path, flaw.code, flaw.message) for flaw in words_flaws(words, path))


def read_definition(raw: Mapping[str, Any]) -> Definition:
    """The form behind a definition in which `check_definition` found nothing."""
    return Definition(raw["name"], tuple(map(read_field, raw["fields"])))


def read_field(given: Mapping[str, Any]) -> FormField:
    """One field behind its checked definition."""
    known = {name: value for name, value in given.items() if name in _SPEC and value is not None}
    known["options"] = tuple(Option(option["value"], option["label"]) for option in known.get("options", ()))
    return FormField(FieldSpec(**known), TYPES[given["type"]])


# Answering a form


def parse_answers(definition: Definition, raw: object, *, context: Context) -> Answers:
    """The answers in `raw` (by field key: typed text or JSON values), all checked.

    A key left out takes the field's default; an empty answer is an answer and does not. Raises InvalidInputError with
    every problem under its key, unknown keys included.
    """
    if not isinstance(raw, Mapping):
        raise InvalidInputError(_("The answers are an object: one value for each field key."))
    problems: dict[str, tuple[Sentence, ...]] = {}
    values: dict[str, Value] = {}
    for one in definition.fields:
        parsed = one.type.parse(raw[one.key], one.spec, context) if one.key in raw else _default(one)
        if parsed.problems:
            problems[one.key] = parsed.problems
        elif parsed.value is not None:
            values[one.key] = parsed.value
    unknown = sorted(str(key) for key in raw if key not in definition.keys)
    for key in unknown[:MOST_UNKNOWN_KEYS]:
        problems[_nameable(key)] = (_("This form has no such field."),)
    if problems:
        raise InvalidInputError(fields=problems)
    return Answers(values)


def _nameable(key: str) -> str:
    """An unknown key as it can be told: short, and without what no JSON text can hold."""
    short = key[:LONGEST_NAME]
    return short if is_storable(short) else short.encode("ascii", "backslashreplace").decode()


def json_schema(definition: Definition) -> JsonSchema:
    """JSON Schema (2020-12) of the answers, in the reader's language."""
    required = [one.key for one in definition.fields if one.spec.required]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": say(definition.name),
        "type": "object",
        "properties": {one.key: _field_schema(one) for one in definition.fields},
        "required": required,
        "additionalProperties": False,
    }


def _field_schema(one: FormField) -> JsonSchema:
    schema: JsonSchema = {"title": say(one.spec.label), **one.type.schema(one.spec)}
    if say(one.spec.help):
        schema["description"] = say(one.spec.help)
    default = default_of(one)
    return schema if default is None else {**schema, "default": default}


def default_of(one: FormField) -> Value | None:
    """The answer that stands there before anybody answers."""
    return _default(one).value


def _default(one: FormField) -> Parsed:
    """Read as the company writes it, whoever fills in the form: 1.250 must not mean something else in English."""
    with in_language(DEFAULT_LANGUAGE):
        return one.type.parse(one.spec.default, one.spec, Context())
