"""What becomes of the own fields when two customers become one, and two again? One by one, as people chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor, FieldRight
from app.core.masking import masked
from app.core.screens.extra import PREFIX, Pair
from app.forms.displays import display
from app.forms.fields.base import FormField, Value
from app.forms.own_fields import queries, services
from app.forms.own_fields.columns import mask_of
from app.forms.own_fields.models import CustomerAnswers
from app.forms.own_fields.queries import Drawn
from app.forms.words import say


def pairs(session: Session, first_id: int, second_id: int, who: Actor) -> Sequence[Pair]:
    """The fields of which at least one has a value, as this person reads them; hidden ones are left out."""
    drawn = queries.drawn(session)
    if drawn is None:
        return ()
    rows = [queries.kept_for(session, number) for number in (first_id, second_id)]
    first, second = ({} if row is None else row.answers for row in rows)
    context = queries.context(session, who, None)

    def told(one: FormField, value: Value | None) -> str:
        if value is None:
            return ""
        text = display(one, value, context)
        return masked(mask_of(one), text) if queries.right(who, one) is FieldRight.masked else text

    return [
        Pair(
            PREFIX + key, say(one.spec.label), (told(one, first.get(key)), told(one, second.get(key))),
            is_alike=first.get(key) == second.get(key),
            taken=_beforehand(key, *rows),
            may_choose=queries.may(who, one, FieldRight.full),
        )
        for key, one in drawn.fields.items()
        if (first.get(key) is not None or second.get(key) is not None)
        and queries.right(who, one) is not FieldRight.hidden
    ]  # fmt: skip


def _beforehand(key: str, first: CustomerAnswers | None, second: CustomerAnswers | None) -> int:
    """0 or 1: an empty one never wins; of two the one that was said last."""
    if second is None or second.answers.get(key) is None:
        return 0
    if first is None or first.answers.get(key) is None:
        return 1
    return int(second.updated_at > first.updated_at)


def join(
    session: Session, kept_id: int, merged_id: int, chosen: Mapping[str, bool], *, by: Actor
) -> dict[str, Any] | None:
    """The one who stays has what was chosen (key → is it the other one's?); what the other one had stays with him.

    Gives back what `part` needs, as plain JSON; None: neither has any.
    """
    drawn = queries.drawn(session)
    kept, merged = queries.kept_for(session, kept_id), queries.kept_for(session, merged_id)
    if drawn is None or merged is None:
        return None
    before = {} if kept is None else dict(kept.answers)
    after: dict[str, Value] = {}
    for key in dict.fromkeys((*before, *merged.answers)):
        one = drawn.fields.get(key)
        is_his_choice = one is not None and PREFIX + key in chosen and queries.may(by, one, FieldRight.full)
        is_other = chosen[PREFIX + key] if is_his_choice else bool(_beforehand(key, kept, merged))
        value = merged.answers.get(key) if is_other else before.get(key)
        if value is not None:
            after[key] = value
    if after != before:
        _write(session, kept_id, kept, after, drawn, version_id=merged.form_version_id)
    return {"before": before, "after": after}


def part(session: Session, kept_id: int, told: Mapping[str, Any]) -> list[str]:
    """What stood there before stands there again, as far as nobody changed it since, nor the type of its
    field; which do not."""
    drawn, row = queries.drawn(session), queries.kept_for(session, kept_id)
    if row is None:
        return []
    before, after, now = told["before"], told["after"], dict(row.answers)
    left = [key for key in {*now, *after} if now.get(key) != after.get(key) and after.get(key) != before.get(key)]
    back = {key: value for key, value in now.items() if now.get(key) != after.get(key)}
    back |= {key: value for key, value in before.items() if now.get(key) == after.get(key)}
    fields = {} if drawn is None else {**drawn.former, **drawn.fields}
    lost = [key for key, value in back.items() if key in fields and not services.is_right(fields[key], value)]
    back = {key: value for key, value in back.items() if key not in lost}
    if back != now:
        _write(session, kept_id, row, back, drawn, version_id=row.form_version_id)
    return sorted(PREFIX + key for key in {*left, *lost})


def _write(
    session: Session, customer_id: int, row: CustomerAnswers | None, answers: dict[str, Value], drawn: Drawn | None,
    *, version_id: int,
) -> None:  # fmt: skip
    if row is None:
        session.add(CustomerAnswers(customer_id=customer_id, form_version_id=version_id, answers=answers))
    else:
        row.answers, row.updated_at = answers, clock.now()
    session.flush()
    if drawn is not None:
        services.reindex(session, drawn, {customer_id: answers})
