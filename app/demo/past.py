"""When was that, if only working time counts? The demo company's past, measured back from the moment of loading."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.deadlines.rules import LONGEST_SEARCH_DAYS, CalendarHasNoTimeError, WorkCalendar

#: the working minutes of a usual day
DAY = 8 * 60


class WorkingPast:
    """The moments before `now` at which the company worked.

    Whatever happens `ago(m)` happens in working hours, and a deadline that counts working time has used up exactly
    `m` minutes of it by now, whether it is Monday morning, lunch time or Tết.
    """

    def __init__(self, calendar: WorkCalendar, now: datetime) -> None:
        self.calendar = calendar
        self.now = now.replace(microsecond=0)
        local = self.now.astimezone(ZoneInfo(calendar.time_zone))
        midnight = local.replace(hour=0, minute=0, second=0)
        # Midnights, going back, each with the working time from then until now.
        self._midnights = [midnight]
        self._worked = [calendar.working_time_between(midnight, self.now)]

    def ago(self, minutes: float) -> datetime:
        """The moment since which so many working minutes have passed. Raises CalendarHasNoTimeError past two years."""
        amount = timedelta(seconds=round(minutes * 60))
        while self._worked[-1] <= amount:
            self._look_back_one_day()
        place = bisect_right(self._worked, amount)
        return self.calendar.add_working_time(self._midnights[place], self._worked[place] - amount)

    def is_quiet_for(self, amount: timedelta) -> bool:
        """Is nobody at work from now on, for so long?"""
        return not self.calendar.working_time_between(self.now, self.now + amount)

    def _look_back_one_day(self) -> None:
        if len(self._midnights) > LONGEST_SEARCH_DAYS:
            raise CalendarHasNoTimeError
        day, before = self._midnights[-1], self._midnights[-1] - timedelta(days=1)
        self._midnights.append(before)
        self._worked.append(self._worked[-1] + self.calendar.working_time_between(before, day))
