"""Which fields did an admin add to the records of a resource while the product runs? Whoever keeps them says so.

Screens, the interface, imports and bulk edits know such fields by their keys ("own.favourite_dish") and their kinds
alone; the feature that keeps them registers itself in create_app. They may be others at every request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar, Protocol

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.core.access import Actor, FieldRight
from app.core.conditions.fields import Kind
from app.core.errors import BusinessError, InvalidInputError, Sentence
from app.core.guarded import GuardedField
from app.core.i18n import _
from app.core.masking import Mask
from app.core.screens.columns import Derived

#: in front of their keys
PREFIX = "own."


@dataclass(frozen=True)
class ExtraField:
    """A field as a list shows, compares and orders it."""

    key: str
    label: Any
    derived: Derived
    #: the list can be narrowed and ordered by it
    is_compared: bool
    mask: Mask = Mask.text
    is_sensitive: bool = False


class Fields(dict[str, ExtraField]):
    """By key, in the order in which people look at them. Made anew whenever one of them is another; never changed."""

    _made: ClassVar = count(1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: by which what was put together for them is known; 0: there are none
        self.number = next(self._made) if self else 0


@dataclass(frozen=True)
class Fact:
    """What was said to one of them, as this person reads it."""

    label: Any
    text: Any


@dataclass(frozen=True)
class FactGroup:
    """The facts of one section. `is_former`: nobody is asked for them any more."""

    title: Any
    facts: Sequence[Fact]
    is_former: bool = False


@dataclass(frozen=True)
class Pair:
    """What two records have in one of them, side by side; a merge takes `taken` (0 or 1) unless people choose."""

    key: str
    label: Any
    texts: tuple[str, str]
    is_alike: bool
    taken: int
    may_choose: bool


@dataclass(frozen=True)
class OneText:
    """A field whose value can be written as one text: in a cell of a file, or for many records at once."""

    key: str
    label: Any
    kind: Kind
    #: (value, label) of what there is to choose from
    choices: Sequence[tuple[str, str]]
    #: a text or a JSON value → the value that is kept, None for an empty one. Raises InvalidInputError with a sentence
    read: Callable[[Any], Any]
    #: no two records have the same: it cannot be set for many at once
    is_unique: bool = False
    #: a new record is asked for it
    is_required: bool = False
    #: What `read` gives is a text that is looked up: several at once, text → value, or why it is none
    find: Callable[[Session, Collection[str]], Mapping[str, Any | InvalidInputError]] | None = None


@dataclass(frozen=True)
class Once:
    """A value that only one record may have."""

    #: as it is compared
    value: Any
    #: the records that have it
    holders: Collection[int]
    #: what is said when another one has it
    told: Any


@dataclass(frozen=True)
class Changed:
    """What became of what was said of one record: its values (bare key → value), and why the rest was not kept."""

    before: Mapping[str, Any]
    now: Mapping[str, Any]
    refused: Mapping[str, Sequence[Sentence]]


class ExtraForm(Protocol):
    """Their inputs inside of the form of a record; drawn by `template`, which knows it as `extra`."""

    template: str

    def validate(self) -> bool:
        """Is all that was sent right? What is not has its sentence beside it."""

    @property
    def errors(self) -> Sequence[tuple[str, str, str]]:
        """(id of the input, its label, what is wrong) of each that is not right."""

    def refuse(self, problems: Mapping[str, Sequence[Sentence]]) -> dict[str, Sequence[Sentence]]:
        """Put sentences beside their fields (by key); those that belong to none are given back."""


class Extra(Protocol):
    """The fields that were added to the records of one resource."""

    def fields(self) -> Fields:
        """Those that there are now; the same object as long as nothing is changed."""

    def right_to(self, who: Actor, key: str) -> FieldRight:
        """What this person may do with one of them."""

    def form(self, session: Session, record_id: int | None, who: Actor, sent: MultiDict[str, str] | None) -> ExtraForm:
        """For a new record (None) or one that is there; with what was `sent`, or what is kept."""

    def save_form(self, session: Session, record_id: int, form: Any, *, by: Actor, is_new: bool) -> bool:
        """Keep what `form` holds, once it is right; was anything changed? Raises InvalidInputError, ConflictError."""

    def save(
        self, session: Session, record_id: int, said: Mapping[str, object], *, by: Actor, is_new: bool,
        is_whole: bool = True, is_told: bool = True,
    ) -> list[str]:  # fmt: skip
        """Keep these (bare key → value as programs or people write it) and leave the rest; which were changed.

        `is_whole`: what is required has to be there. `is_told`: what happened with the record tells it.
        Raises InvalidInputError by key ("own.…").
        """

    def told(self, session: Session, record_id: int, who: Actor) -> Sequence[FactGroup]:
        """What is known of a record."""

    def values(self, session: Session, ids: Collection[int], who: Actor) -> Mapping[int, Mapping[str, Any]]:
        """Record → bare key → value, as programs read it; each of `ids` is there."""

    def texts(self, session: Session, who: Actor) -> Mapping[str, OneText]:
        """By key those that this person may set by one text."""

    def add_many(
        self, session: Session, said: Mapping[int, Mapping[str, Any]], *, by: Actor, aside: Collection[int] = ()
    ) -> Mapping[int, Mapping[str, Sequence[Sentence]]]:
        """Keep what is said (record → bare key → value as OneText.read and find give it) of new records, all at once.
        Record → bare key → why what was said there is not kept. What records `aside` have is not taken."""

    def change_many(
        self, session: Session, said: Mapping[int, Mapping[str, Any]], *, by: Actor
    ) -> Mapping[int, Changed]:
        """Of records that are here and locked keep what can be kept of this (as for add_many), all at once; what
        happened with them does not tell it."""

    def left_out(
        self, session: Session, said: Mapping[int, Mapping[str, Any]], *, by: Actor
    ) -> Mapping[int, Mapping[str, Sequence[Sentence]]]:
        """What add_many would leave out of the same, and why: record → bare key → sentences. Only what was said."""

    def once(self, session: Session, said: Mapping[int, Mapping[str, Any]]) -> Mapping[int, Mapping[str, Once]]:
        """Of the same those values that only one record may have, by record and bare key."""

    def not_alone(self, session: Session, record_id: int) -> Mapping[str, Sequence[Sentence]]:
        """By key ("own.…") what a record that comes back has, though only one may have it and another one does."""

    def history(self, record_id: int, who: Actor) -> Sequence[Any]:
        """What was changed of them, as subjects of core.history."""

    def pairs(self, session: Session, first_id: int, second_id: int, who: Actor) -> Sequence[Pair]:
        """Those of which one of two records has a value."""

    def join(self, session: Session, kept_id: int, merged_id: int, chosen: Mapping[str, bool], *, by: Actor) -> Any:
        """Two records become one: the one that stays has what was chosen (key → is it the other one's?).

        Gives back plain JSON for `part`."""

    def part(self, session: Session, kept_id: int, told: Any) -> list[str]:
        """Two again: what stood there before. Keys of those that were changed since, and stay."""


_extras: dict[str, Extra] = {}
#: While an application is put together it may have no database yet, and its parts look at each other's properties.
_asleep: set[str] = set()
_NONE = Fields()


def register_extra(resource: str, extra: Extra) -> None:
    """The same resource again takes the place of the earlier one (tests make several apps). Asked after `awake`."""
    _extras[resource] = extra
    _asleep.add(resource)


def awake() -> None:
    """The application is whole."""
    _asleep.clear()


def extra_of(resource: str) -> Extra | None:
    """None: nothing can be added to such records, or nothing was."""
    return _extras[resource] if fields_of(resource) else None


def fields_of(resource: str) -> Fields:
    extra = _extras.get(resource)
    return _NONE if extra is None or resource in _asleep else extra.fields()


def takes(resource: str) -> bool:
    """May fields be added to such records?"""
    return resource in _extras


def guarded_of(resource: str) -> dict[str, GuardedField]:
    """As what they can be withheld from a role."""
    return {
        key: GuardedField(resource, key, one.label, one.mask, one.is_sensitive)
        for key, one in fields_of(resource).items()
    }


class Living(Mapping[str, Any]):
    """What a screen says of its columns, and a part of each field that was added, as they are now."""

    def __init__(self, resource: str, own: Mapping[str, Any], part: Callable[[ExtraField], Any]) -> None:
        self._resource, self._own, self._part = resource, own, part

    def __getitem__(self, key: str) -> Any:
        if key in self._own:
            return self._own[key]
        return self._part(fields_of(self._resource)[key])

    def __contains__(self, key: object) -> bool:
        return key in self._own or key in fields_of(self._resource)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._own, *fields_of(self._resource)])

    def __len__(self) -> int:
        return len(self._own) + len(fields_of(self._resource))


def refuse_not_alone(resource: str, session: Session, record_id: int) -> None:
    """Raises BusinessError for a record that comes back with what only one may have, and another one has by now."""
    added = extra_of(resource)
    found = added.not_alone(session, record_id) if added is not None else {}
    if found:
        labels = fields_of(resource)
        told = "; ".join(f"{labels[key].label if key in labels else key}: {' '.join(map(str, why))}"
                         for key, why in found.items())  # fmt: skip
        raise BusinessError(_("It cannot come back as it is. %(why)s", why=told))


def save_what_goes(
    added: Extra, session: Session, record_id: int, said: Mapping[str, object], *, by: Actor, is_told: bool = True
) -> dict[str, Sequence[Sentence]]:
    """Keep of these (bare key → value) what can be kept; by bare key why the others cannot."""
    left, refused = dict(said), dict[str, Sequence[Sentence]]()
    while left:
        try:
            added.save(session, record_id, left, by=by, is_new=False, is_whole=False, is_told=is_told)
            break
        except InvalidInputError as error:
            refused |= refused_of(error, left)
            left = {key: value for key, value in left.items() if key not in refused}
    return refused


def refused_of(error: InvalidInputError, said: Collection[str]) -> dict[str, Sequence[Sentence]]:
    """By bare key what of this was refused; all of it, where the refusal is about none of it."""
    told = {key.removeprefix(PREFIX).partition(".")[0]: list(why) for key, why in error.fields.items()}
    return {key: why for key, why in told.items() if key in said} or {key: [error.message] for key in said}
