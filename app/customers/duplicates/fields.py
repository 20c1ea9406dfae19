"""What has to be decided, field by field, when two customers become one? Pure but for the columns themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum, auto
from typing import Any

from sqlalchemy import Date, Enum

from app.core.access import Actor
from app.core.db import UtcDateTime
from app.customers.models import FORMER_CODES_LENGTH, Customer
from app.customers.profile import FIXED
from app.customers.rules import NOTE_LENGTH


class Side(StrEnum):
    """Whose value is taken. `both`: of notes."""

    kept = auto()
    merged = auto()
    both = auto()


class Why(StrEnum):
    """Why a value is taken beforehand."""

    stays = auto()
    other_empty = auto()
    newer = auto()
    nothing_lost = auto()


@dataclass(frozen=True)
class Choice:
    """A field that people choose: the columns that go together, and the field by which its right is asked."""

    key: str
    columns: tuple[str, ...]
    guarded: str

    @property
    def sides(self) -> Sequence[Side]:
        return (Side.kept, Side.merged, Side.both) if self.key == NOTE else (Side.kept, Side.merged)


NOTE = "note"
PREFERRED = "preferred"
#: by these people know the record that stays: a newer spelling or another colleague does not take its place by itself
STEADY = frozenset({"name", "owner_id", "team_id"})
#: chosen by whoever may hand customers to others
_ASSIGNED = frozenset({"owner_id", "team_id"})


def _one(key: str, *columns: str, guarded: str = "") -> Choice:
    return Choice(key, columns or (key,), guarded or key)


#: in the order in which people look at them
CHOICES: Sequence[Choice] = (
    _one("name"), _one("honorific"), _one("gender"), _one("birthday"), _one("tax_code"), _one("id_number"),
    _one("company_id", guarded="company"), _one("job_title"),
    _one("address", "street", "ward_code", "province_code", "old_address"),
    _one("owner_id", guarded="owner"), _one("team_id", guarded="team"), _one("source"), _one("touchpoint"),
    _one("tier", "tier", "tier_is_fixed"), _one("behaviour", "behaviour", "behaviour_is_fixed"), _one("stage"),
    _one("next_contact_on"),
    _one("risk_reason", "risk_reason", "risk_since"), _one(NOTE),
)  # fmt: skip
#: what follows from both, and nobody chooses
FOLLOWING = ("do_not_contact", "do_not_contact_reason", "last_contact_at", "former_codes")
COLUMNS = tuple(column for choice in CHOICES for column in choice.columns) + FOLLOWING


def may_choose(who: Actor, choice: Choice) -> bool:
    """Does this person choose whose value is taken?"""
    return who.writes("Customer", choice.guarded) and (choice.key not in _ASSIGNED or who.may("assign", "Customer"))


def is_empty(customer: Customer, choice: Choice) -> bool:
    return not any(getattr(customer, column) for column in choice.columns if column not in FIXED.values())


def differs(kept: Customer, merged: Customer, choice: Choice) -> bool:
    return any(getattr(kept, column) != getattr(merged, column) for column in choice.columns)


def beforehand(kept: Customer, merged: Customer, choice: Choice) -> Side:
    """Name, person in charge and team of the one that stays; of the others the newest. Empty ones never win, and of two
    notes both are taken."""
    return decided(kept, merged, choice)[0]


def decided(kept: Customer, merged: Customer, choice: Choice) -> tuple[Side, Why]:
    if is_empty(merged, choice):
        return Side.kept, Why.other_empty
    if is_empty(kept, choice):
        return Side.merged, Why.other_empty
    if choice.key == NOTE:
        return (Side.both, Why.nothing_lost) if differs(kept, merged, choice) else (Side.kept, Why.stays)
    if choice.key in STEADY:
        return Side.kept, Why.stays
    return (Side.merged if merged.updated_at > kept.updated_at else Side.kept), Why.newer


def resulting(kept: Customer, merged: Customer, sides: Mapping[str, Side]) -> dict[str, Any]:
    """Column → value of the one that stays. What is not chosen is taken as `beforehand` says."""
    found: dict[str, Any] = {}
    for choice in CHOICES:
        side = sides.get(choice.key) or beforehand(kept, merged, choice)
        taken = merged if side is Side.merged else kept
        found |= {column: getattr(taken, column) for column in choice.columns}
        if side is Side.both:
            notes = dict.fromkeys(filter(None, (kept.note, merged.note)))
            found["note"] = "\n\n".join(notes)[:NOTE_LENGTH] or None
    found["do_not_contact"] = kept.do_not_contact or merged.do_not_contact
    found["do_not_contact_reason"] = kept.do_not_contact_reason or merged.do_not_contact_reason
    found["last_contact_at"] = max(filter(None, (kept.last_contact_at, merged.last_contact_at)), default=None)
    codes = " ".join(filter(None, (kept.former_codes, merged.code, merged.former_codes))).split()
    while len(" ".join(codes)) > FORMER_CODES_LENGTH:
        codes = codes[1:]
    found["former_codes"] = " ".join(codes)
    return found


# ── in the log of merges ──
def plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, StrEnum) else value


def typed(column: str, value: Any) -> Any:
    """What `plain` wrote."""
    kind = Customer.__table__.c[column].type
    if value is None:
        return None
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    return kind.python_type(value) if isinstance(kind, Enum) else value


def snapshot(customer: Customer, columns: Sequence[str] = COLUMNS) -> dict[str, Any]:
    return {column: plain(getattr(customer, column)) for column in columns}
