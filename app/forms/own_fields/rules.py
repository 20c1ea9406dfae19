"""May a form be published as the own fields of customers? What they said to it before must stay what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.core.i18n import _
from app.forms.fields import TYPES
from app.forms.rules import Problem
from app.forms.words import say

#: files belong to the customer's own tab, and nobody signs a record
_NOT_HERE = frozenset({"file", "photo", "signature"})
#: type → those that its answers are right for as well
_WIDER: Mapping[str, frozenset[str]] = {
    "integer": frozenset({"decimal"}),
    "stars": frozenset({"integer", "decimal"}),
    "nps": frozenset({"integer", "decimal"}),
    "email": frozenset({"text"}),
    "tax_code": frozenset({"text"}),
    "citizen_id": frozenset({"text"}),
}


def problems(
    before: Mapping[str, Any] | None, after: Mapping[str, Any], has_values: Callable[[str], bool]
) -> Iterator[Problem]:
    """`before` is what is published now, `after` a sound drawing; `has_values` says whether customers have some."""
    known = {one["key"]: one for one in (before or {}).get("fields", ())}
    drawn = {one["key"]: (number, one) for number, one in enumerate(after["fields"])}
    for key, (number, one) in drawn.items():
        path = f"fields[{number}]"
        if one["type"] in _NOT_HERE:
            yield Problem(f"{path}.type", "not_on_records", _("A field of this type cannot stand on a customer."))
        elif key in known and not _fits(known[key]["type"], one["type"]) and has_values(key):
            told = _("“%(label)s” has values of the type “%(type)s” already. Retire it and add a new field instead.",
                     label=say(one["label"]), type=TYPES[known[key]["type"]].label)  # fmt: skip
            yield Problem(f"{path}.type", "has_values", told)
        elif key in known and one["type"] == "rows" and (gone := _gone(known[key], one)) and has_values(key):
            told = _("Customers have values in the column “%(column)s”. Leave it, or retire “%(label)s” and add a new "
                     "field.", column=say(gone["label"]), label=say(one["label"]))  # fmt: skip
            yield Problem(f"{path}.fields", "has_values", told)
        if one.get("unique") == "customer":
            told = _("A customer has each of these once. Choose “among all answers”.")
            yield Problem(f"{path}.unique", "not_unique", told)
    for key, one in known.items():
        if key not in drawn and has_values(key):
            told = _("Customers have values for “%(label)s”. Retire the field instead: they stay readable.",
                     label=say(one["label"]))  # fmt: skip
            yield Problem("fields", "has_values", told)


def _gone(before: Mapping[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first column that is not asked any more, or otherwise: what rows hold of it would be lost with the next
    change of any of them."""
    asked = {one["key"]: one["type"] for one in after["fields"] if not one.get("retired")}
    return next(
        (one for one in before["fields"]
         if not one.get("retired") and not (one["key"] in asked and _fits(one["type"], asked[one["key"]]))),
        None,
    )  # fmt: skip


def _fits(before: str, after: str) -> bool:
    return before == after or after in _WIDER.get(before, ())
