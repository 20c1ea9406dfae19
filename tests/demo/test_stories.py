"""At whatever moment the demo is loaded: what is late is late, and nothing more falls due for half an hour."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.deadlines.rules import DayException, Interval, WorkCalendar, due_at, vietnamese_days
from app.demo.past import WorkingPast
from app.demo.stories import CALM, FINISHED, RUNNING, Stand, opened_at, stories
from app.processes import library
from app.processes.engine import bpmn

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
OFFICE = (Interval(8 * 60, 12 * 60), Interval(13 * 60 + 30, 17 * 60 + 30))
CALENDAR = WorkCalendar(
    "Asia/Ho_Chi_Minh",
    (*[OFFICE] * 5, (), ()),
    tuple(
        DayException(public.day, public.day, OFFICE if public.worked else ())
        for year in (2025, 2026, 2027)
        for public in vietnamese_days(year)
    ),
)
SPECS = {
    node.id: node.task for node in bpmn.read(library.load("giao-hang-cham"))[0].nodes.values() if node.task is not None
}


def at(*wall_clock):
    return datetime(*wall_clock, tzinfo=VIETNAM).astimezone(UTC)


def told(now, **counts):
    rng = random.Random(7)
    past = WorkingPast(CALENDAR, now)
    for story in stories(rng, past, **counts):
        yield story, {step: past.ago(minutes) for step, minutes in opened_at(story, rng).items()}


def open_deadlines(now):
    """(story, due soon at, due at) of every task that is open at that moment."""
    for story, opened in told(now, finished=0):
        spec = SPECS[story.step]
        begin = opened[story.step]
        yield (
            story,
            due_at(begin, spec.due - spec.warn, spec.clock, CALENDAR),
            due_at(begin, spec.due, spec.clock, CALENDAR),
        )


@given(st.datetimes(datetime(2026, 7, 1), datetime(2027, 4, 1)).map(lambda moment: moment.replace(tzinfo=UTC)))
@example(at(2026, 11, 23, 8, 0))
@example(at(2026, 11, 23, 8, 3))
@example(at(2026, 11, 23, 7, 24))
@example(at(2026, 11, 23, 7, 31))
@example(at(2026, 11, 23, 11, 45))
@example(at(2026, 11, 23, 12, 0))
@example(at(2026, 11, 23, 12, 30))
@example(at(2026, 11, 23, 12, 54))
@example(at(2026, 11, 23, 13, 10))
@example(at(2026, 11, 20, 17, 29))
@example(at(2026, 11, 21, 10, 0))
@example(at(2026, 11, 24, 9, 20))
@example(at(2026, 11, 25, 23, 59))
@example(at(2026, 12, 31, 17, 15))
@example(at(2027, 2, 7, 6, 0))
def test_nothing_falls_due_or_becomes_due_soon_soon_after_loading(now):
    late = ahead = 0
    for story, warn, due in open_deadlines(now):
        assert not now - timedelta(minutes=1) < due <= now + CALM, (story, due)
        assert not now < warn <= now + CALM, (story, warn)
        late += due < now
        ahead += due > now
    assert late >= 10
    assert ahead >= 10


def test_only_while_nobody_works_does_a_new_complaint_wait():
    during_work, at_night = at(2026, 11, 23, 10, 0), at(2026, 11, 23, 22, 0)
    fresh = [{story for story, _warn, due in open_deadlines(now) if story.step == "receive" and due > now}
             for now in (during_work, at_night)]  # fmt: skip
    assert [len(found) for found in fresh] == [0, 1]


def test_steps_follow_each_other_through_the_whole_path():
    for story, opened in told(at(2026, 11, 23, 10, 0)):
        assert list(opened) == list(reversed(story.path))
        moments = [opened[step] for step in story.path]
        assert moments == sorted(set(moments))


def test_a_large_compensation_goes_to_the_head():
    for story, _opened in told(at(2026, 11, 23, 10, 0)):
        if story.step == "call-back":
            assert ("approve" in story.path) == (story.compensation > 500_000)
    stands = [story.stand for story, _opened in told(at(2026, 11, 23, 10, 0))]
    assert len(stands) == RUNNING + FINISHED
    assert set(stands) == set(Stand)


@pytest.mark.parametrize(("running", "finished"), [(0, 0), (3, 2), (3, 9)])
def test_a_small_company_has_as_few_as_it_was_asked_for(running, finished):
    found = [story for story, _opened in told(at(2026, 11, 23, 10, 0), running=running, finished=finished)]
    assert len(found) == running + finished


def test_the_oldest_story_is_younger_than_the_company():
    oldest = min(moment for _story, opened in told(at(2026, 11, 23, 10, 0)) for moment in opened.values())
    assert oldest.astimezone(VIETNAM).date() > date(2026, 7, 1)
