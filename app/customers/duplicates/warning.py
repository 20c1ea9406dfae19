"""May this be saved although somebody has the same number, address or tax code? With a reason, which is kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit
from app.core.access import Actor
from app.core.errors import FieldMessages, InvalidInputError
from app.core.guarded import SHORTEST_REASON
from app.core.i18n import _
from app.customers import rules
from app.customers.duplicates import hard
from app.customers.duplicates.hard import MOST_TOLD, DuplicateCustomerError, HardKey, InvalidCustomerError
from app.customers.duplicates.models import DuplicatePair, PairState
from app.customers.models import REASON_LENGTH, Customer

#: the event of the audit log, and the kind of the timeline entry
SAVED = "saved_twice"
#: the score of a pair that has such a thing in common
_SURE = 1_000


@dataclass(frozen=True)
class Accepted:
    """It was saved all the same: what is in common, with whom, and why."""

    keys: dict[HardKey, list[int]]
    reason: str

    @property
    def fields(self) -> list[str]:
        return sorted({str(key.field) for key in self.keys})


def accept(
    session: Session, known_by: Collection[HardKey | None], *, by: Actor, besides: int | None, reason: str | None
) -> Accepted | None:
    """None: nobody has any of these. Until the transaction ends nobody else saves one of them.

    Raises DuplicateCustomerError when somebody has one and no reason is given, and InvalidInputError (field
    "duplicate_reason") for one that says nothing.
    """
    keys = {key for key in known_by if key is not None}
    if not keys:
        return None
    hard.hold(session, keys)
    found = {
        key: others for key, numbers in hard.holders(session, keys).items()
        if (others := [one for one in numbers if one != besides])
    }  # fmt: skip
    if not found:
        return None
    if not (reason or "").strip():
        raise DuplicateCustomerError(hard.matches(session, keys, who=by, besides=besides))
    return Accepted(found, _read(reason or ""))


def refuse_any(
    session: Session, problems: FieldMessages, known_by: Collection[HardKey | None], *, by: Actor, besides: int | None,
    reason: str | None,
) -> None:  # fmt: skip
    """Raises InvalidCustomerError where there are problems, with those who are known by the same: all is told at
    once."""
    if problems:
        keys = {key for key in known_by if key is not None}
        is_said = bool((reason or "").strip())
        raise InvalidCustomerError(problems, [] if is_said else hard.matches(session, keys, who=by, besides=besides))


def _read(typed: str) -> str:
    try:
        reason = rules.read_line(typed, REASON_LENGTH)
    except rules.UnreadableError as unreadable:
        raise InvalidInputError(fields={"duplicate_reason": [unreadable.sentence]}) from unreadable
    if len(reason) < SHORTEST_REASON:
        raise InvalidInputError(fields={"duplicate_reason": [_("Say in a few words why there are two of them.")]})
    return reason


def keep(
    session: Session, customer: Customer, accepted: Accepted, *, by: Actor, household: HardKey | None = None
) -> None:
    """Write down that it was saved all the same; the pairs are looked at again by whoever looks after duplicates, but
    not for a number that they were said to share (`household`)."""
    reasons: dict[int, list[str]] = {}
    for key, numbers in accepted.keys.items():
        if key == household:
            continue
        for number in numbers[:MOST_TOLD]:
            reasons.setdefault(number, []).append(f"hard_{key.field}")
    for number, agreeing in sorted(reasons.items()):
        first, second = sorted((customer.id, number))
        asked = select(DuplicatePair).where(DuplicatePair.first_id == first, DuplicatePair.second_id == second)
        pair = session.scalars(asked).one_or_none()
        if pair is None:
            pair = DuplicatePair(first_id=first, second_id=second, score=_SURE, reasons=[])
            session.add(pair)
        elif pair.state is not PairState.open:
            continue
        pair.reasons = sorted({*pair.reasons, *agreeing})
        pair.note = accepted.reason
    audit.record(
        session, f"customer.{SAVED}", table="customer", record_id=customer.id, by=by, reason=accepted.reason,
        changes={"fields": [None, ", ".join(accepted.fields)]},
    )  # fmt: skip
