"""What do the answers to a form come to? Counted by the database over the index, by kind of value."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    String,
    any_,
    case,
    column,
    func,
    literal,
    select,
    union_all,
)  # fmt: skip
from sqlalchemy.orm import Session

from app.core.access import Actor, Scope, visible
from app.core.errors import Sentence
from app.core.formats import local, money_text, number_text
from app.core.i18n import LazySentence, _
from app.forms import queries, reading
from app.forms.fields.base import Context, FormField, Kind
from app.forms.fields.choice import ChoiceType, all_options
from app.forms.fields.decimal import MOST_DECIMALS, rounded
from app.forms.models import FormVersion, Submission, SubmissionState, SubmissionValue
from app.forms.submissions import index
from app.forms.words import say

#: bars of a number whose values lie far apart
BARS = 10
#: values of a choice that are drawn; the rest is one bar
MOST_BARS = 30
#: months that are drawn, the last ones
MOST_MONTHS = 36
#: Submissions of whoever sees only some of them that are looked at, the last ones: his rights are asked row by row.
MOST_LOOKED_AT = 20_000
#: values of all number questions together that are read one by one
MOST_VALUES = 5_000
#: decimals of an average
_OF_MEAN = 2
_SMALL = frozenset({"stars", "nps"})


@dataclass(frozen=True)
class Bar:
    """One value, or one range of them, and how many answers it has."""

    label: str
    count: int
    #: of all answers to the question, 0–100
    percent: int


@dataclass(frozen=True)
class Chart:
    """What was answered to one question. `facts`: average, least, most, … in words."""

    key: str
    label: str
    #: how many answered it
    count: int
    bars: Sequence[Bar]
    facts: Sequence[tuple[Sentence, str]]


@dataclass(frozen=True)
class Charts:
    """All of a form. `is_cut`: only the last MOST_LOOKED_AT submissions that he sees were counted."""

    charts: Sequence[Chart]
    is_cut: bool


def charts_of(session: Session, form_id: int, version: FormVersion, who: Actor, context: Context) -> Charts:
    """A chart for each question whose answers he reads as they are; voided ones are not counted."""
    fields = [
        one for one in queries.read_over_versions(session, version).fields.values()
        if one.type.code in index.COUNTED and index.is_indexed(one) and reading.is_read(one, context)
    ]  # fmt: skip
    among, is_cut = _among(session, form_id, who)
    counted = _Counted(session, form_id, among)
    by_text = counted.texts([one.key for one in fields if one.type.index is Kind.text])
    few = {one.key for one in fields if one.type.code in _SMALL or one.type.code == "yes_no"}
    numbers = [one.key for one in fields if one.type.index is Kind.number]
    by_number, spread = counted.numbers(few, [key for key in numbers if key not in few])
    by_month = counted.months([one.key for one in fields if one.type.index is Kind.date])
    by_month |= counted.months_of_moments(
        [one.key for one in fields if one.type.index is Kind.moment], context.time_zone
    )
    totals = counted.answered([one.key for one in fields if one.type.code == "choices"])
    drawn = []
    for one in fields:
        match one.type.index:
            case Kind.text:
                drawn.append(_choice(one, by_text.get(one.key, {}), totals.get(one.key), context))
            case Kind.number if one.key in few:
                drawn.append(_few(one, by_number.get(one.key, {})))
            case Kind.number:
                drawn.append(_spread(one, spread.get(one.key)))
            case _:
                drawn.append(_months(one, by_month.get(one.key, {})))
    return Charts([one for one in drawn if one.count], is_cut)


def _among(session: Session, form_id: int, who: Actor) -> tuple[Sequence[int] | None, bool]:
    """The submissions that count for him; None: all of them, so that nobody needs to be asked. Looked for once: which
    they are costs more than to count among them."""
    if who.scope(reading.RESOURCE) is Scope.all:
        return None, False
    mine = select(Submission.id).where(
        Submission.form_id == form_id, Submission.state != SubmissionState.voided, visible(Submission, who)
    )  # fmt: skip
    latest = mine.order_by(Submission.id.desc()).limit(MOST_LOOKED_AT + 1)
    ids = session.scalars(latest).all()
    return ids[:MOST_LOOKED_AT], len(ids) > MOST_LOOKED_AT


#: key of a question → value → how often it was given
_Counts: TypeAlias = dict[str, dict[Any, int]]


class _Counted:
    def __init__(self, session: Session, form_id: int, among: Sequence[int] | None) -> None:
        self._session, self._form_id = session, form_id
        self._among: ColumnElement[bool] | None = None
        if among is not None and session.get_bind().dialect.name == "sqlite":
            listed = func.json_each(json.dumps(list(among))).table_valued(column("value", Integer))
            self._among = SubmissionValue.submission_id.in_(select(listed.c.value))
        elif among is not None:
            self._among = SubmissionValue.submission_id == any_(literal(list(among), ARRAY(Integer)))

    def _rows(self, keys: Sequence[str], *columns: Any) -> Select[Any]:
        rows = select(SubmissionValue.field_key, *columns).where(
            SubmissionValue.form_id == self._form_id, SubmissionValue.field_key.in_(keys), SubmissionValue.counts
        )
        return rows if self._among is None else rows.where(self._among)

    def _grouped(self, keys: Sequence[str], by: Any, *where: ColumnElement[bool]) -> _Counts:
        if not keys:
            return {}
        rows = self._rows(keys, by.label("by"), func.count().label("count")).where(*where)
        return _by_key(self._session.execute(rows.group_by(SubmissionValue.field_key, by)))

    def _each(self, keys: Sequence[str], by: Any, *, most: int | None = None) -> Sequence[Any]:
        """Key, value, and how often it was given; at most so many values of all the questions together.

        Of whoever sees all answers the index leaps from one value to the next and counts the entries between, which
        takes a half of the time in which each entry is put where it belongs. Where all are voided the count is 0.
        """
        if not keys:
            return ()
        if self._among is None:
            return self._session.execute(self._leaping(keys, by).limit(most)).all()
        rows = self._rows(keys, by, func.count()).where(by.is_not(None))
        return self._session.execute(rows.group_by(SubmissionValue.field_key, by).limit(most)).all()

    def _leaping(self, keys: Sequence[str], by: Any) -> Select[Any]:
        def of(key: Any) -> Sequence[ColumnElement[bool]]:
            return SubmissionValue.form_id == self._form_id, SubmissionValue.field_key == key, by.is_not(None)

        def least(key: Any, *where: ColumnElement[bool]) -> ColumnElement[Any]:
            return select(func.min(by)).where(*of(key), *where).scalar_subquery()

        asked = union_all(*(select(literal(key, String).label("key")) for key in keys)).subquery("asked")
        leaps = select(asked.c.key, least(asked.c.key).label("value")).cte("leaps", recursive=True)
        onward = select(leaps.c.key, least(leaps.c.key, by > leaps.c.value)).where(leaps.c.value.is_not(None))
        leaps = leaps.union_all(onward)
        given = select(func.count()).where(*of(leaps.c.key), by == leaps.c.value, SubmissionValue.counts)
        return select(leaps.c.key, leaps.c.value, given.scalar_subquery()).where(leaps.c.value.is_not(None))

    def texts(self, keys: Sequence[str]) -> _Counts:
        return _by_key(self._each(keys, SubmissionValue.text))

    def numbers(
        self, few: Collection[str], spread: Sequence[str]
    ) -> tuple[Mapping[str, Mapping[float, int]], Mapping[str, _Spread]]:
        """Each value of the `few`; and of the others how far theirs lie apart. Looked through once, unless there are
        so many values that the database rather puts them in tenths itself."""
        number = SubmissionValue.number
        each = self._each([*few, *spread], number, most=MOST_VALUES + 1)
        if len(each) > MOST_VALUES:
            return self._grouped(list(few), number, number.is_not(None)), self._spreads(spread)
        found = _by_key(each)
        return found, {key: _spread_of(found[key]) for key in spread if key in found}

    def answered(self, keys: Sequence[str]) -> dict[str, int]:
        """How many answered a question to which one answer has several parts."""
        if not keys:
            return {}
        first = SubmissionValue.text.is_not(None), SubmissionValue.item == 0
        rows = self._rows(keys, func.count()).where(*first).group_by(SubmissionValue.field_key)
        return {row[0]: row[1] for row in self._session.execute(rows)}

    def months(self, keys: Sequence[str]) -> dict[str, dict[str, int]]:
        """Days by "2026-11"."""
        found: dict[str, dict[str, int]] = {}
        for key, days in _by_key(self._each(keys, SubmissionValue.date)).items():
            months = found[key] = defaultdict(int)
            for day, count in days.items():
                months[day.isoformat()[:7]] += count
        return found

    def months_of_moments(self, keys: Sequence[str], time_zone: str) -> dict[str, dict[str, int]]:
        """Moments by "2026-11", as the calendar of the reader hangs."""
        at = SubmissionValue.moment
        if not keys:
            return {}
        asked = self._rows(keys, func.min(at), func.max(at)).where(at.is_not(None))
        ends = self._session.execute(asked.group_by(SubmissionValue.field_key))
        known = {row[0]: (row[1], row[2]) for row in ends if row[1] is not None}
        if not known:
            return {}
        first = local(min(low for low, _high in known.values()), time_zone).date()
        last = local(max(high for _low, high in known.values()), time_zone).date()
        months = [
            date(number // 12, number % 12 + 1, 1)
            for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        ]
        begins = [datetime.combine(month, time(), ZoneInfo(time_zone)).astimezone(UTC) for month in months]
        found = self._grouped(list(known), _place_among(at, begins, 0, len(begins) - 1), at.is_not(None))
        return {
            key: {months[place].isoformat()[:7]: count for place, count in places.items()}
            for key, places in found.items()
        }

    def _spreads(self, keys: Sequence[str]) -> Mapping[str, _Spread]:
        """Two statements: how far the values lie apart, then how many are in each tenth of that."""
        if not keys:
            return {}
        number = SubmissionValue.number
        asked = self._rows(keys, func.count(number), func.min(number), func.max(number), func.avg(number))
        ends = {
            row[0]: (row[1], row[2], row[3], row[4])
            for row in self._session.execute(asked.where(number.is_not(None)).group_by(SubmissionValue.field_key))
        }  # fmt: skip
        places = {
            key: _place_among(number, _edges(low, high), 0, BARS - 1)
            for key, (_count, low, high, _mean) in ends.items() if high > low
        }  # fmt: skip
        place = case(*((SubmissionValue.field_key == key, one) for key, one in places.items()), else_=0)
        bars = self._grouped(list(places), place, number.is_not(None)) if places else {}
        return {key: _Spread(*told, bars.get(key) or {0: told[0]}) for key, told in ends.items()}


def _by_key(rows: Iterable[Any]) -> _Counts:
    """Key → value → how often it was given. Without what nobody gave."""
    found: _Counts = {}
    for key, value, count in rows:
        if count:
            found.setdefault(key, {})[value] = count
    return found


def _edges(low: float, high: float) -> Sequence[float]:
    """Where each bar begins."""
    return [low + (high - low) / BARS * place for place in range(BARS)]


def _spread_of(counts: Mapping[float, int]) -> _Spread:
    low, high, count = min(counts), max(counts), sum(counts.values())
    edges, bars = _edges(low, high), dict.fromkeys(range(BARS), 0)
    for value, number in counts.items():
        bars[bisect_right(edges, value) - 1 if high > low else 0] += number
    return _Spread(count, low, high, sum(value * number for value, number in counts.items()) / count, bars)


def _place_among(column: Any, begins: Sequence[Any], low: int, high: int) -> Any:
    """In which of the stretches between these values it lies: halved again and again, so that a hundred of them take
    seven comparisons. The same on every database, whatever the clocks of the zone did in between."""
    if low == high:
        return literal(low)
    middle = (low + high + 1) // 2
    lower, upper = _place_among(column, begins, low, middle - 1), _place_among(column, begins, middle, high)
    return case((column < begins[middle], lower), else_=upper)


@dataclass(frozen=True)
class _Spread:
    count: int
    low: float
    high: float
    mean: float
    bars: Mapping[int, int]


def _bar(label: str, count: int, total: int) -> Bar:
    return Bar(label, count, round(100 * count / total) if total else 0)


def _choice(one: FormField, counts: Mapping[str, int], answered: int | None, context: Context) -> Chart:
    assert isinstance(one.type, ChoiceType)
    labels = {option.value: say(option.label) for option in all_options(one.spec, context)}
    total = sum(counts.values()) if answered is None else answered
    ordered = [value for value in labels if counts.get(value)] + sorted(set(counts) - set(labels))
    shown = ordered if len(ordered) <= MOST_BARS else sorted(ordered, key=lambda value: -counts[value])[: MOST_BARS - 1]
    bars = [_bar(labels.get(value, value), counts[value], total) for value in shown]
    rest = sum(counts.values()) - sum(bar.count for bar in bars)
    if rest:
        bars.append(_bar(str(_("All others")), rest, total))
    return Chart(one.key, say(one.spec.label), total, bars, ())


def _few(one: FormField, counts: Mapping[float, int]) -> Chart:
    """Stars, NPS, yes and no: a bar for each."""
    total = sum(counts.values())
    label = say(one.spec.label)
    if one.type.code == "yes_no":
        told = [(str(_("Yes")), counts.get(1.0, 0)), (str(_("No")), counts.get(0.0, 0))]
        return Chart(one.key, label, total, [_bar(name, count, total) for name, count in told], ())
    lowest, highest = (0, 10) if one.type.code == "nps" else (1, 5)
    bars = [_bar(str(value), counts.get(float(value), 0), total) for value in range(lowest, highest + 1)]
    facts: list[tuple[Sentence, str]] = []
    if total:
        mean = sum(value * count for value, count in counts.items()) / total
        facts.append((_("Average"), number_text(Decimal(f"{mean:.1f}"))))
        if one.type.code == "nps":
            promoting = sum(count for value, count in counts.items() if value >= 9)
            against = sum(count for value, count in counts.items() if value <= 6)
            facts.append((_("NPS score"), number_text(round(100 * (promoting - against) / total))))
    return Chart(one.key, label, total, bars, facts)


def _spread(one: FormField, found: _Spread | None) -> Chart:
    label = say(one.spec.label)
    if found is None:
        return Chart(one.key, label, 0, (), ())

    def told(value: float, places: int = MOST_DECIMALS) -> str:
        number = rounded(Decimal(repr(float(value))), places)
        shown_as = one.spec.own.get("shown_as", one.type.code)
        if shown_as == "money":
            return money_text(int(rounded(number, 0)))
        number = number.normalize() if number % 1 else Decimal(int(number))
        return LazySentence(lambda: f"{number_text(number)}%") if shown_as == "percent" else number_text(number)

    # What was said is told as it was said.
    facts = ((_("Average"), told(found.mean, _OF_MEAN)), (_("Least"), told(found.low)), (_("Most"), told(found.high)))
    if found.high == found.low:
        return Chart(one.key, label, found.count, [_bar(told(found.low), found.count, found.count)], facts)
    edges = [*_edges(found.low, found.high), found.high]
    bars = [
        _bar(f"{told(round(edges[place], 2))} – {told(round(edges[place + 1], 2))}", found.bars.get(place, 0),
             found.count)
        for place in range(BARS)
    ]  # fmt: skip
    return Chart(one.key, label, found.count, bars, facts)


def _months(one: FormField, counts: Mapping[str, int]) -> Chart:
    total = sum(counts.values())
    months = sorted(counts)[-MOST_MONTHS:]
    bars = [_bar(f"{month[5:7]}/{month[:4]}", counts[month], total) for month in months]
    return Chart(one.key, say(one.spec.label), total, bars, ())
