"""Which lists are there? One a resource: what a screen shows by it, the interface answers and an export writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select
from werkzeug.datastructures import MultiDict

from app.core.access import Actor
from app.core.conditions import Condition, ConditionError, parse
from app.core.conditions.examples import example
from app.core.conditions.fields import Field
from app.core.errors import BadRequestError, InvalidInputError
from app.core.i18n import _
from app.core.models import SavedView

LONGEST_CONDITION = 20_000


def read_condition(typed: str, fields: Mapping[str, Field]) -> Condition | None:
    """A typed condition, or its stored form. Raises BadRequestError with the sentence of what is wrong in it."""
    if not typed.strip():
        return None
    shown = next(map(example, fields.values()), "")
    try:
        is_stored = typed.lstrip().startswith("{")
        condition = Condition.from_json(json.loads(typed)) if is_stored else parse(typed, example=shown)
    except ConditionError as refusal:
        raise BadRequestError(refusal.message) from None
    except (ValueError, RecursionError):
        raise BadRequestError(_("%(name)s was not understood.", name="where")) from None
    for key in sorted(condition.keys - set(fields)):
        raise BadRequestError(_("%(name)s is not something to filter by.", name=key[:50]))
    return condition


class Listed(Protocol):
    """A list that can be narrowed and ordered by what it declares; the screens are such."""

    resource: str
    model: Any
    #: what the interface calls it ("customers"); "": it is not there
    collection: str

    @property
    def key(self) -> str:
        """Its name among the exports and the saved views; never changes."""

    @property
    def usual_order(self) -> str:
        """The order that it has by itself, as ?order= names it; "-" alone: the last one first."""

    def fields_for(self, who: Actor) -> Mapping[str, Field]:
        """By what this person can narrow the rows."""

    def orders_for(self, who: Actor) -> Mapping[str, Any]:
        """By what this person can order the rows."""

    def narrowed(self, condition: Condition, who: Actor) -> ColumnElement[bool]:
        """The condition on rows. Raises BadRequestError with the sentence of what is wrong in it."""

    def keys_of(self, query: str, who: Actor) -> Select[Any]:
        """The keys of all rows of the list at this address, in no order. Raises BadRequestError."""

    def wanted_of(self, arguments: MultiDict[str, str]) -> Any:
        """What a saved view would ask for. Raises BadRequestError for what the list does not know."""

    def opened_by(self, number: int, who: Actor) -> Mapping[str, str]:
        """What a saved view asks for, as arguments. Raises NotFoundError for one that is not his to see."""

    def kept_as_read(self, view: SavedView, who: Actor) -> Mapping[str, Any]:
        """What a saved view asks for, as it is kept; only that which the list is ready to tell him."""


_lists: dict[type[Any], Listed] = {}


def register_list(listed: Listed) -> None:
    """The same table again takes the place of the earlier one (tests make several apps)."""
    _lists[listed.model] = listed


def list_of(model: type[Any]) -> Listed | None:
    return _lists.get(model)


def list_called(collection: str, who: Actor) -> Listed:
    """The list that the interface calls so ("customers").

    Raises InvalidInputError for none of that name and NotAllowedError for one that is not his to see.
    """
    known = {one.collection: one for one in _lists.values() if one.collection}
    if collection not in known:
        names = ", ".join(sorted(known))
        raise InvalidInputError(fields={"list": [_("There is no such list. There are: %(names)s.", names=names)]})
    who.must("view", known[collection].resource)
    return known[collection]


def list_keyed(key: str) -> Listed | None:
    for beginning, find in _families.items():
        if key.startswith(beginning):
            return find(key)
    return next((one for one in _lists.values() if one.key == key), None)


#: how the keys of lists begin that are many of one kind → how one of them is found
_families: dict[str, Callable[[str], Listed | None]] = {}


def register_lists(beginning: str, find: Callable[[str], Listed | None]) -> None:
    """A list for each form, say. `find` answers None for a key of none, or of one that is not his to see."""
    _families[beginning] = find
