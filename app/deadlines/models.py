"""When does the company work? Its calendars: the usual week and the days that differ."""

from __future__ import annotations

from datetime import date
from enum import StrEnum, auto
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Entity, Revisioned, Stamped, stored
from app.core.i18n import DEFAULT_TIME_ZONE

#: The code of the calendar that everybody's deadlines follow.
COMPANY = "company"
WITHIN_DAY = "start_minute >= 0 AND start_minute < end_minute AND end_minute <= 1440"


class ExceptionKind(StrEnum):
    """Why a day differs from its week: nobody works, a day off is worked (swapped), or the hours are others."""

    holiday = auto()
    worked = auto()
    hours = auto()


class Calendar(Revisioned, Stamped, Entity):
    """The working time of a company in its time zone. Its `rev` also grows when its week or its exceptions change."""

    __tablename__ = "calendar"

    code: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    time_zone: Mapped[str] = mapped_column(String(60), default=DEFAULT_TIME_ZONE)

    intervals: Mapped[list[CalendarInterval]] = relationship(
        back_populates="calendar",
        cascade="all, delete-orphan",
        order_by="CalendarInterval.weekday, CalendarInterval.start_minute",
    )
    exceptions: Mapped[list[CalendarException]] = relationship(
        back_populates="calendar", cascade="all, delete-orphan", order_by="CalendarException.date_from"
    )

    def __str__(self) -> str:
        return self.name


class CalendarInterval(Entity):
    """Working time on one weekday, in minutes after midnight on the wall; several a day, for lunch is not worked."""

    __tablename__ = "calendar_interval"
    __table_args__: ClassVar = (
        UniqueConstraint("calendar_id", "weekday", "start_minute"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_known"),
        CheckConstraint(WITHIN_DAY, name="within_day"),
        {"extend_existing": False},
    )

    calendar_id: Mapped[int] = mapped_column(ForeignKey("calendar.id", ondelete="RESTRICT"))
    #: 0 is Monday
    weekday: Mapped[int] = mapped_column(SmallInteger)
    start_minute: Mapped[int] = mapped_column(SmallInteger)
    #: not worked any more; 1440 is midnight
    end_minute: Mapped[int] = mapped_column(SmallInteger)

    calendar: Mapped[Calendar] = relationship(back_populates="intervals")


class CalendarException(Entity):
    """Days that differ from their week, both ends included. Days of two exceptions never overlap."""

    __tablename__ = "calendar_exception"
    __table_args__: ClassVar = (
        UniqueConstraint("calendar_id", "date_from"),
        CheckConstraint("date_from <= date_to", name="dates_in_order"),
        {"extend_existing": False},
    )

    calendar_id: Mapped[int] = mapped_column(ForeignKey("calendar.id", ondelete="RESTRICT"))
    date_from: Mapped[date]
    date_to: Mapped[date]
    kind: Mapped[ExceptionKind] = mapped_column(stored(ExceptionKind))
    note: Mapped[str] = mapped_column(String(200), default="")

    calendar: Mapped[Calendar] = relationship(back_populates="exceptions")
    intervals: Mapped[list[CalendarExceptionInterval]] = relationship(
        back_populates="exception",
        cascade="all, delete-orphan",
        order_by="CalendarExceptionInterval.start_minute",
    )


class CalendarExceptionInterval(Entity):
    """Working time on each day of an exception; a holiday has none."""

    __tablename__ = "calendar_exception_interval"
    __table_args__: ClassVar = (
        UniqueConstraint("exception_id", "start_minute"),
        CheckConstraint(WITHIN_DAY, name="within_day"),
        {"extend_existing": False},
    )

    exception_id: Mapped[int] = mapped_column(ForeignKey("calendar_exception.id", ondelete="RESTRICT"))
    start_minute: Mapped[int] = mapped_column(SmallInteger)
    end_minute: Mapped[int] = mapped_column(SmallInteger)

    exception: Mapped[CalendarException] = relationship(back_populates="intervals")
