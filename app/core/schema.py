"""What may the body of a request hold? The JSON Schema that the interface shows is the one that is checked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.core.errors import Sentence
from app.core.i18n import _

Schema = Mapping[str, Any]
Problems = dict[str, list[Sentence]]

#: unknown keys and wrong items that a request is told of, one by one
MOST_TOLD = 20
LONGEST_KEY = 200

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_WANTED: Mapping[str, Sentence] = {
    "string": _("This must be a text."),
    "integer": _("This must be a whole number."),
    "boolean": _("Either true or false, please."),
    "object": _("This must be a JSON object."),
    "array": _("This must be a list."),
}
MISSING = _("Please fill in this field.")
UNKNOWN = _("This field is not known.")


def text(longest: int = 200) -> Schema:
    return {"type": "string", "maxLength": longest}


def whole_number() -> Schema:
    return {"type": "integer"}


def yes_or_no() -> Schema:
    return {"type": "boolean"}


def one_of(codes: Iterable[str]) -> Schema:
    return {"type": "string", "enum": [str(code) for code in codes]}


def free_object(description: str) -> Schema:
    """An object whose keys the handler itself reads."""
    return {"type": "object", "description": description}


def list_of(item: Schema, *, most: int) -> Schema:
    return {"type": "array", "items": item, "maxItems": most}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def record(*, required: Iterable[str] = (), **properties: Schema) -> Schema:
    """An object with these keys and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def problems(value: object, schema: Schema, path: str = "") -> Problems:
    """What is wrong with the value, by path (`name`, `contact_points.0.kind`); nothing: it is as the schema says.

    Knows the words that this module writes. A required text must not be blank; a NUL is refused.
    """
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if not any(_is(value, name) for name in types):
        return {path: [MISSING if value is None else _WANTED[types[0]]]}
    if isinstance(value, str):
        sentence = _text_problem(value, schema)
        return {path: [sentence]} if sentence else {}
    if isinstance(value, list):
        return _list_problems(value, schema, path)
    if isinstance(value, dict) and "properties" in schema:
        return _record_problems(value, schema, path)
    return {}


def _is(value: object, name: str) -> bool:
    # true and false are integers to Python and to nobody else
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _text_problem(value: str, schema: Schema) -> Sentence | None:
    if "\0" in value:
        return _("This text contains signs that cannot be stored.")
    if "enum" in schema and value not in schema["enum"]:
        return _("Please choose one of: %(choices)s.", choices=", ".join(schema["enum"]))
    if len(value) > schema.get("maxLength", len(value)):
        return _("At most %(count)d characters, please.", count=schema["maxLength"])
    return None


def _list_problems(value: list[object], schema: Schema, path: str) -> Problems:
    if len(value) > schema["maxItems"]:
        return {path: [_("At most %(count)d items, please.", count=schema["maxItems"])]}
    found: Problems = {}
    for number, item in enumerate(value):
        found |= problems(item, schema["items"], f"{path}.{number}")
        if len(found) >= MOST_TOLD:
            break
    return found


def _record_problems(value: dict[str, object], schema: Schema, path: str) -> Problems:
    under = f"{path}." if path else ""
    known: Mapping[str, Schema] = schema["properties"]
    found: Problems = {f"{under}{key[:LONGEST_KEY]}": [UNKNOWN] for key in _unknown(value, known)}
    for key, part in known.items():
        given = value.get(key)
        if key in schema["required"] and (given is None or (isinstance(given, str) and not given.strip())):
            found[f"{under}{key}"] = [MISSING]
        elif key in value:
            found |= problems(given, part, f"{under}{key}")
    return found


def _unknown(value: dict[str, object], known: Mapping[str, Schema]) -> list[str]:
    return sorted(key for key in value if key not in known)[:MOST_TOLD]
