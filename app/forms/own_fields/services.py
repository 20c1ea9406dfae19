"""What is said to the own fields of a customer, and kept: checked as in every form, audited, told on his timeline."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, insert, select
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.access import Actor, FieldRight
from app.core.db import queue_up_all
from app.core.errors import InvalidInputError, Sentence
from app.core.guarded import NOT_YOURS
from app.core.i18n import _
from app.core.numbering import next_ids
from app.core.screens.extra import PREFIX, Changed, Once, refused_of
from app.core.vietnamese import sort_key
from app.customers.duplicates.queries import live_merge
from app.customers.models import Customer
from app.customers.services import record_timeline
from app.forms import rules
from app.forms.asked_once import knowing
from app.forms.fields.base import Context, FormField, Kind, Value
from app.forms.fields.definition import Reading
from app.forms.own_fields import queries
from app.forms.own_fields.models import SORT_LENGTH, TEXT_LENGTH, CustomerAnswers, CustomerValue
from app.forms.own_fields.queries import Drawn
from app.forms.words import say

Values = Mapping[str, Value]

#: values that are looked up by one statement
_LOT = 500
_NOT_ASKED = _("This is not asked with these answers. Leave it out.")


def change(
    session: Session, customer_id: int, said: Mapping[str, object], *, by: Actor, is_new: bool, is_whole: bool = True,
    is_page: bool = False, is_told: bool = True,
) -> list[str]:  # fmt: skip
    """Keep what is `said` (key → value) of a customer whom the caller has locked, and leave the rest; which changed.

    `is_whole`: what is required has to be there. Raises InvalidInputError by "own.KEY".
    """
    drawn = queries.drawn(session)
    if drawn is None:
        unknown = {PREFIX + str(key): [_("There is no such field.")] for key in said}
        if unknown:
            raise InvalidInputError(fields=unknown)
        return []
    row = None if is_new else queries.kept_for(session, customer_id)
    before: Values = {} if row is None else row.answers
    found = read(session, drawn, said, before, by=by, is_new=is_new, is_whole=is_whole, is_page=is_page)
    return _keep(session, customer_id, drawn, row, found, by=by, is_told=is_told and not is_new)


def add_many(
    session: Session, said: Mapping[int, Mapping[str, Any]], *, by: Actor, aside: Collection[int] = ()
) -> dict[int, dict[str, list[Sentence]]]:
    """The same of customers who are new and nobody has seen yet, all at once. What would not stand is left out, as
    `left_out` tells: each value was judged alone before, and what is asked depends on the others. Customer → key → why
    what somebody else has already was left out too; customers `aside` do not count as somebody."""
    drawn = queries.drawn(session)
    if drawn is None or not said:
        return {}
    definition = drawn.definition_for(by)
    context = knowing(queries.context(session, by, None), definition.fields, said.values())
    read = {
        number: dict(rules.read_answers(definition, one, context=context, is_page=True).values)
        for number, one in said.items()
    }
    told: dict[int, dict[str, list[Sentence]]] = {}
    for key, number in _taken(session, drawn, read, aside):
        del read[number][key]
        told.setdefault(number, {})[key] = [_told_twice(drawn.fields[key])]
    found: dict[int, Values] = {number: values for number, values in read.items() if values}
    if not found:
        return told
    _insert(session, drawn, found, by)
    _index(session, drawn, found)
    return told


def _insert(session: Session, drawn: Drawn, found: Mapping[int, Values], by: Actor) -> None:
    """The answers of customers who have none yet: past the mapper, which would make each a statement of its own."""
    now = clock.now()
    session.flush()
    ids = next_ids(session, CustomerAnswers.__table__, len(found))
    rows = [
        {"id": row_id, "customer_id": number, "form_version_id": drawn.version_id, "answers": dict(values), "rev": 1,
         "created_at": now, "updated_at": now, "created_by_id": by.user_id, "updated_by_id": by.user_id}
        for row_id, (number, values) in zip(ids, found.items(), strict=True)
    ]  # fmt: skip
    session.execute(insert(CustomerAnswers), rows)
    audit.record_made(session, CustomerAnswers, rows)


def _taken(session: Session, drawn: Drawn, of: Mapping[int, Values], aside: Collection[int]) -> list[tuple[str, int]]:
    """(key, customer) of what is wanted only once among all customers and somebody has, or an earlier one of these."""
    found = []
    wanted = _wanted_once(drawn, of)
    _queue_up_for(session, wanted)
    for key, values in wanted.items():
        holders = _holders(session, key, drawn.fields[key], values.values())
        has = {value for value, numbers in holders.items() if not numbers <= set(aside)}
        for number, value in values.items():
            if value in has:
                found.append((key, number))
            has.add(value)
    return found


def once(session: Session, said: Mapping[int, Mapping[str, Any]]) -> dict[int, dict[str, Once]]:
    """Of these values (record → key → value as OneText.read gives it) those that only one customer may have."""
    drawn = queries.drawn(session)
    found: dict[int, dict[str, Once]] = {}
    if drawn is None:
        return found
    for key, values in _wanted_once(drawn, said).items():
        one = drawn.fields[key]
        holders = _holders(session, key, one, values.values())
        for number, value in values.items():
            found.setdefault(number, {})[key] = Once(value, holders.get(value, ()), _told_twice(one))
    return found


def _wanted_once(drawn: Drawn, of: Mapping[int, Mapping[str, Any]]) -> dict[str, dict[int, Any]]:
    """Key → record → value as it is compared, of what only one customer may have."""
    found = {
        key: {number: one.type.indexed(said[key])[0] for number, said in of.items() if said.get(key) is not None}
        for key, one in drawn.fields.items() if _is_once(one)
    }  # fmt: skip
    return {key: values for key, values in found.items() if values}


def _queue_up_for(session: Session, keys: Iterable[str]) -> None:
    """Of two that say at the same moment what only one may have, the second one waits here for the first; all keys
    together, so that no two wait for each other."""
    queue_up_all(session, [f"own field {key}" for key in keys])


def _holders(session: Session, key: str, one: FormField, values: Iterable[Any]) -> dict[Any, set[int]]:
    """Value → the customers who have it."""
    column, wanted = _column_of(one), list(set(values))
    found: dict[Any, set[int]] = {}
    for place in range(0, len(wanted), _LOT):
        rows = _who_has(key, column.in_(wanted[place : place + _LOT])).with_only_columns(
            column, CustomerValue.customer_id
        )
        for value, number in session.execute(rows):
            found.setdefault(value, set()).add(number)
    return found


def change_many(
    session: Session, said: Mapping[int, Mapping[str, Any]], *, by: Actor
) -> dict[int, Changed]:  # fmt: skip
    """`change` for many customers who are here and locked, all at once and without a word on their timelines. What
    cannot be kept of one stays as it is, and is told."""
    drawn = queries.drawn(session)
    if drawn is None or not said:
        return {}
    rows = {row.customer_id: row for row in _kept_for_all(session, said)}
    context = knowing(queries.context(session, by, None), drawn.definition.fields, said.values())
    taken = _Taken(session, drawn, said)
    found: dict[int, Changed] = {}
    new: dict[int, Values] = {}
    keys: set[str] = set()
    for number, one in said.items():
        row = rows.get(number)
        before: Values = {} if row is None else row.answers
        now, refused = _what_goes(session, drawn, number, one, before, taken, by=by, context=context)
        found[number] = Changed(before, now, refused)
        changed = {key for key in {*before, *now} if before.get(key) != now.get(key)}
        if not changed:
            continue
        keys |= changed
        if row is None:
            new[number] = now
        else:
            row.answers, row.form_version_id = dict(now), drawn.version_id
        session.get_one(Customer, number).updated_at = clock.now()
    if new:
        _insert(session, drawn, new, by)
    session.flush()
    reindex(session, drawn, {number: one.now for number, one in found.items() if one.before != one.now}, keys=keys)
    return found


def _kept_for_all(session: Session, ids: Collection[int]) -> Iterable[CustomerAnswers]:
    return session.scalars(select(CustomerAnswers).where(CustomerAnswers.customer_id.in_(ids)))


class _Taken:
    """Whose is what only one customer may have, while many say what is theirs?"""

    def __init__(self, session: Session, drawn: Drawn, said: Mapping[int, Mapping[str, Any]]) -> None:
        self._drawn = drawn
        self._holders: dict[str, dict[Any, set[int]]] = {}
        wanted = _wanted_once(drawn, said)
        _queue_up_for(session, wanted)
        for key, values in wanted.items():
            self._holders[key] = _holders(session, key, drawn.fields[key], values.values())

    def refused(self, number: int, said: Mapping[str, Any]) -> dict[str, Sequence[Sentence]]:
        """Bare key → why it cannot be his."""
        return {
            key: [_told_twice(self._drawn.fields[key])] for key, value in self._of(number, said)
            if not self._holders[key].get(value, set()) <= {number}
        }  # fmt: skip

    def give(self, number: int, values: Values) -> None:
        for key, value in self._of(number, values):
            if key in self._holders:
                self._holders[key].setdefault(value, set()).add(number)

    def _of(self, number: int, said: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        return ((key, values[number]) for key, values in _wanted_once(self._drawn, {number: said}).items())


def _what_goes(
    session: Session, drawn: Drawn, number: int, said: Mapping[str, Any], before: Values, taken: _Taken, *,
    by: Actor, context: Context,
) -> tuple[Values, dict[str, Sequence[Sentence]]]:  # fmt: skip
    """What the answers come to with as much of this as can be kept, and by bare key why the rest cannot."""
    refused = taken.refused(number, said)
    while left := {key: value for key, value in said.items() if key not in refused}:
        try:
            now = read(session, drawn, left, before, by=by, is_new=False, is_whole=False, context=context)
            worked_out = {key: value for key, value in now.items() if key not in left and before.get(key) != value}
            _must_be_alone(session, number, drawn, worked_out, worked_out)
        except InvalidInputError as error:
            refused |= refused_of(error, left)
        else:
            taken.give(number, now)
            return now, refused
    return before, refused


def left_out(
    session: Session, said: Mapping[int, Mapping[str, Any]], *, by: Actor
) -> dict[int, dict[str, tuple[Sentence, ...]]]:
    """What `add_many` would leave out of the same: customer → key → why."""
    drawn = queries.drawn(session)
    if drawn is None:
        return {}
    definition = drawn.definition_for(by)
    context = knowing(queries.context(session, by, None), definition.fields, said.values())
    found: dict[int, dict[str, tuple[Sentence, ...]]] = {}
    for number, one in said.items():
        reading = rules.read_answers(definition, one, context=context, is_page=True)
        told = {
            key: tuple(reading.problems.get(key) or (_NOT_ASKED,))
            for key, value in one.items() if value not in (None, "", []) and key not in reading.values
        }  # fmt: skip
        if told:
            found[number] = told
    return found


def read(
    session: Session, drawn: Drawn, said: Mapping[str, object], before: Values, *, by: Actor, is_new: bool,
    is_whole: bool = True, is_page: bool = False, context: Context | None = None,
) -> dict[str, Value]:  # fmt: skip
    """What the answers come to with these changes. Raises InvalidInputError by "own.KEY"."""
    context = replace(context or queries.context(session, by, None), before=None if is_new else before)
    # What nobody speaks of stays as it is; only a new customer begins with the defaults.
    silent = {} if is_new else dict.fromkeys(key for key, one in drawn.fields.items() if not one.type.is_worked_out)
    kept = {key: value for key, value in before.items() if key in silent}
    found = rules.read_answers(
        drawn.definition_for(by), {**silent, **kept, **said}, context=context, is_page=is_page or not is_new
    )
    problems = {key: told for key, told in found.problems.items() if not _stays(key, drawn, said, before, context)}
    values = {**found.values, **{
        key: before[key] for key in found.problems if key in before and _stays(key, drawn, said, before, context)
    }}  # fmt: skip
    if not is_page:
        problems |= _out_of_place(drawn, said, before, found, by)
    if not is_whole:  # only what was said is judged; what is missing is missed by whoever fills in the whole
        problems = {key: told for key, told in problems.items() if key.partition(".")[0] in said}
    if problems:
        raise InvalidInputError(fields={PREFIX + key: list(told) for key, told in problems.items()})
    return {**{key: value for key, value in before.items() if key not in drawn.fields}, **values}


def _stays(key: str, drawn: Drawn, said: Mapping[str, object], before: Values, context: Context) -> bool:
    """Is it what stood there before, though it would not be taken today (an option that is no longer offered)?"""
    key = key.partition(".")[0]
    if key not in before or key not in drawn.fields:
        return False
    one = drawn.fields[key]
    return key not in said or said[key] in (before[key], one.type.write(before[key], one.spec, context))


def _out_of_place(
    drawn: Drawn, said: Mapping[str, object], before: Values, found: Reading, by: Actor
) -> dict[str, tuple[Sentence, ...]]:
    """What a program says though nobody asks, or it is not for him to say."""
    told: dict[str, tuple[Sentence, ...]] = {}
    for key in (one for one in said if one in drawn.fields):
        state = found.states[key]
        if not queries.may(by, drawn.fields[key], FieldRight.full):
            told[key] = (NOT_YOURS,)
        elif not state.is_shown and said[key] not in (None, "", before.get(key)) and key not in found.values:
            told[key] = (_NOT_ASKED,)
        elif state.is_locked and said[key] != before.get(key):
            told[key] = (_("This can only be read with these answers. Leave it out."),)
    return told


def _keep(
    session: Session,
    customer_id: int,
    drawn: Drawn,
    row: CustomerAnswers | None,
    values: Values,
    *,
    by: Actor,
    is_told: bool,
) -> list[str]:
    before: Values = {} if row is None else row.answers
    changed = sorted(key for key in {*before, *values} if before.get(key) != values.get(key))
    if not changed:
        return []
    _must_be_alone(session, customer_id, drawn, values, changed)
    if row is None:
        row = CustomerAnswers(customer_id=customer_id, form_version_id=drawn.version_id, answers=dict(values))
        session.add(row)
    else:
        row.answers, row.form_version_id = dict(values), drawn.version_id
    # Whoever has the customer's page open is told that it is an older one.
    customer = session.get_one(Customer, customer_id)
    customer.updated_at = clock.now()
    session.flush()
    reindex(session, drawn, {customer_id: values}, keys=changed)
    if is_told:
        fields = [PREFIX + key for key in changed]
        record_timeline(session, customer_id, kind="changed", by=by, data={"fields": fields})
    session.flush()
    return changed


def _must_be_alone(session: Session, customer_id: int, drawn: Drawn, values: Values, changed: Collection[str]) -> None:
    """Answers that are wanted only once among all customers."""
    problems = _not_alone(session, customer_id, drawn, {key: values.get(key) for key in changed}, ())
    if problems:
        raise InvalidInputError(fields=problems)


def not_alone(session: Session, customer_id: int) -> dict[str, list[Sentence]]:
    """Of what only one customer may have, by "own.KEY": what somebody in use has as well, with whom he was not compared
    while he was put away."""
    drawn, row = queries.drawn(session), queries.kept_for(session, customer_id)
    if drawn is None or row is None:
        return {}
    return _not_alone(session, customer_id, drawn, row.answers, (_in_use(CustomerValue.customer_id),))


def _not_alone(
    session: Session, customer_id: int, drawn: Drawn, values: Mapping[str, Value | None], among: Sequence[Any]
) -> dict[str, list[Sentence]]:  # fmt: skip
    problems: dict[str, list[Sentence]] = {}
    wanted = _wanted_once(drawn, {customer_id: values})
    _queue_up_for(session, wanted)
    for key, value in wanted.items():
        one = drawn.fields[key]
        same = _who_has(key, _column_of(one) == value[customer_id])
        if session.scalar(same.where(CustomerValue.customer_id != customer_id, *among).limit(1)) is not None:
            problems[PREFIX + key] = [_told_twice(one)]
    return problems


def _in_use(customer_id: Any) -> ColumnElement[bool]:
    return select(Customer.id).where(Customer.id == customer_id, Customer.archived_at.is_(None)).exists()


def _is_once(one: FormField) -> bool:
    return one.spec.unique == "form" and one.type.index is not None


def _column_of(one: FormField) -> Any:
    return getattr(CustomerValue, str(one.type.index))


def _told_twice(one: FormField) -> Sentence:
    return say(one.spec.twice_message) or _("Another customer has this already.")


def _who_has(key: str, alike: ColumnElement[bool]) -> Select[int]:
    """Whoever became part of somebody else has what he had, for the case that they are parted again: it is not his
    alone."""
    row = CustomerValue
    is_merged = live_merge(row.customer_id).correlate(row).exists()
    return select(row.id).where(row.field_key == key, alike, ~is_merged)


# ── the values by which customers are found ──


def reindex(session: Session, drawn: Drawn, of: Mapping[int, Values], *, keys: Collection[str] | None = None) -> None:
    """Make the compared values of these customers what their answers say; of these fields, or of all."""
    gone = delete(CustomerValue).where(CustomerValue.customer_id.in_(of))
    session.execute(gone if keys is None else gone.where(CustomerValue.field_key.in_(keys)))
    _index(session, drawn, of, keys)


def _index(
    session: Session, drawn: Drawn, of: Mapping[int, Values], keys: Collection[str] | None = None
) -> None:  # fmt: skip
    fields = {**drawn.former, **drawn.fields}
    rows = [
        {"customer_id": customer_id, **row}
        for customer_id, values in of.items() for key, value in values.items()
        if (keys is None or key in keys) and key in fields for row in value_rows(fields[key], value)
    ]  # fmt: skip
    if rows:
        # The table, not the class: which would leave out what is empty, and begin anew with every other kind of value.
        session.execute(insert(CustomerValue.__table__), rows)


def is_right(one: FormField, value: Value) -> bool:
    """Can the field, as it is drawn now, show and compare this value? One that was emptied everywhere may be of
    another type by now."""
    try:
        one.type.show(value, one.spec, Context())
        value_rows(one, value)
    except (ValueError, TypeError, AttributeError, ArithmeticError, LookupError):
        return False
    return True


def value_rows(one: FormField, value: Value) -> list[dict[str, Any]]:
    """One answer as rows of CustomerValue, without whose it is."""
    kind = one.type.index
    if kind is None:
        return []
    parts = [one.type.show(value, one.spec, Context())] if one.spec.type == "address" else one.type.indexed(value)
    rows: list[dict[str, Any]] = []
    for item, part in enumerate(parts):
        row: dict[str, Any] = {"field_key": one.key, "item": item} | dict.fromkeys(
            ("text", "number", "date", "moment", "sort")
        )
        row[str(kind)] = str(part)[:TEXT_LENGTH] if kind is Kind.text else part
        if kind is Kind.text:
            row["sort"] = sort_key(str(part), person=False)[:SORT_LENGTH]
        rows.append(row)
    return rows
