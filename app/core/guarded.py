"""Which fields can be withheld from a role, and how does one of them look to this person? Screens declare them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.access import Actor, FieldRight
from app.core.errors import InvalidInputError, Sentence
from app.core.i18n import _
from app.core.masking import Mask, masked

#: beside a field that was sent although one may not write it
NOT_YOURS: Sentence = _("You may not change this. Ask an administrator for the right to this field.")
#: the event of the audit log
REVEALED = "field.revealed"
#: letters that a reason needs
SHORTEST_REASON = 5
LONGEST_REASON = 300
#: what most people open a value for: offered, and as good as a sentence of one's own
REASONS: Sequence[Sentence] = (
    _("To call the customer"),
    _("To check who is calling"),
    _("To send what was asked for"),
    _("To correct the record"),
)


@dataclass(frozen=True)
class GuardedField:
    """A field that a role can be given less than everything of."""

    resource: str
    key: str
    label: Any
    mask: Mask
    #: about a person: it stands first where rights are given
    is_sensitive: bool


_guarded: dict[str, dict[str, GuardedField]] = {}
#: resource → those that were added while the product runs
_added: dict[str, Callable[[], Mapping[str, GuardedField]]] = {}
#: column → the field that it is a part of
_parts: dict[str, str] = {}


def declare(resource: str, fields: Iterable[GuardedField]) -> None:
    """Called by each screen; two screens of one resource add up. The same field again replaces."""
    _guarded.setdefault(resource, {}).update({one.key: one for one in fields})


def declare_added(resource: str, fields: Callable[[], Mapping[str, GuardedField]]) -> None:
    """Fields that are there from one day to the next: asked each time. The same resource again replaces."""
    _added[resource] = fields


def declare_parts(field: str, columns: Iterable[str]) -> None:
    """Several columns that are one field to people, such as the lines of an address."""
    _parts.update(dict.fromkeys(columns, field))


def guarded() -> Mapping[str, Mapping[str, GuardedField]]:
    """Resource → key → field, of all that are declared."""
    return {
        resource: {**fields, **_added[resource]()} if resource in _added else fields
        for resource, fields in _guarded.items()
    }


def field_of(resource: str, key: str) -> GuardedField | None:
    declared = _guarded.get(resource, {}).get(key)
    return _added[resource]().get(key) if declared is None and resource in _added else declared


def key_of(name: str) -> str:
    """The field behind a column, a foreign key, the column of a related row, or a part of a field: owner.name and
    owner_id are owner, the street is the address."""
    root, dot, leaf = name.rpartition(".")
    key = root if dot and leaf == "name" else leaf.removesuffix("_id")
    return _parts.get(key, key)


def mask_of(resource: str, key: str) -> Mask:
    known = field_of(resource, key)
    return known.mask if known is not None else Mask.text


def seen(who: Actor, resource: str, key: str, value: Any) -> Any:
    """The value as this person may read it; None where the field is hidden from him."""
    match who.field_right(resource, key):
        case FieldRight.hidden:
            return None
        case FieldRight.masked:
            return masked(mask_of(resource, key), value)
    return value


def refuse_unwritable(who: Actor, resource: str, names: Iterable[str], *, is_new: bool = False) -> None:
    """Raises InvalidInputError with a sentence beside every field that he may not write."""
    if not who.fields:
        return
    refused = {name: [NOT_YOURS] for name in names if not who.writes(resource, key_of(name), is_new=is_new)}
    if refused:
        raise InvalidInputError(fields=refused)


def read_reason(typed: str) -> str:
    """Why a value is opened. Raises InvalidInputError beside "reason"."""
    reason = " ".join(typed.split())
    if sum(sign.isalpha() for sign in reason) < SHORTEST_REASON:
        sentence = _("Say why in a few words. Example: %(example)s", example=REASONS[0])
        raise InvalidInputError(fields={"reason": [sentence]})
    if len(reason) > LONGEST_REASON:
        raise InvalidInputError(fields={"reason": [_("At most %(count)d characters, please.", count=LONGEST_REASON)]})
    return reason


def answered(who: Actor, resource: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the interface as this person may read it: hidden fields are not there, masked ones have dots."""
    if not who.fields:
        return dict(row)
    told = {}
    for name, value in row.items():
        key = key_of(name)
        right = who.field_right(resource, key)
        if right is not FieldRight.hidden:
            told[name] = masked(mask_of(resource, key), value) if right is FieldRight.masked and value else value
    return told
