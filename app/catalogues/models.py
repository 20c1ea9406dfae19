"""Which small lists does the company keep, and what stands in them?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Entity, Revisioned, Stamped, UtcDateTime, stored
from app.core.ddl import refuse_changes
from app.core.i18n import reader_language

CODE_LENGTH = 60
LABEL_LENGTH = 80


class Colour(StrEnum):
    """The palette of labels; none of them means late, soon or on time."""

    grey = auto()
    teal = auto()
    blue = auto()
    violet = auto()
    rose = auto()
    orange = auto()
    olive = auto()


class Catalogue(Stamped, Entity):
    """A small list of the company: channels, touchpoints, results of calls, products, reasons."""

    __tablename__ = "catalogue"

    code: Mapped[str] = mapped_column(String(CODE_LENGTH), unique=True)
    label_vi: Mapped[str] = mapped_column(String(LABEL_LENGTH))
    label_en: Mapped[str] = mapped_column(String(LABEL_LENGTH))
    #: what it is for, in one line
    purpose_vi: Mapped[str] = mapped_column(String(200), default="")
    purpose_en: Mapped[str] = mapped_column(String(200), default="")
    position: Mapped[int] = mapped_column()
    #: shipped with the product, which reads it by its code
    is_system: Mapped[bool] = mapped_column(default=False)

    @property
    def label(self) -> str:
        return self.label_en if reader_language() == "en" else self.label_vi

    @property
    def purpose(self) -> str:
        return self.purpose_en if reader_language() == "en" else self.purpose_vi

    def __str__(self) -> str:
        return self.label


class CatalogueEntry(Revisioned, Stamped, Entity):
    """One thing to choose. Records keep its code, which never changes; its labels may."""

    __tablename__ = "catalogue_entry"
    __table_args__: ClassVar = (
        UniqueConstraint("catalogue_id", "code"),
        Index("ix_catalogue_entry_order", "catalogue_id", "position", "id"),
        {"extend_existing": False},
    )

    catalogue_id: Mapped[int] = mapped_column(ForeignKey("catalogue.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(CODE_LENGTH))
    label_vi: Mapped[str] = mapped_column(String(LABEL_LENGTH))
    #: empty: the Vietnamese one serves both
    label_en: Mapped[str] = mapped_column(String(LABEL_LENGTH), default="")
    colour: Mapped[Colour] = mapped_column(stored(Colour), default=Colour.grey)
    position: Mapped[int] = mapped_column()
    #: since then it is not chosen any more; records that have it keep it
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    catalogue: Mapped[Catalogue] = relationship()

    @property
    def label(self) -> str:
        return (reader_language() == "en" and self.label_en) or self.label_vi

    @property
    def is_retired(self) -> bool:
        return self.retired_at is not None

    def __str__(self) -> str:
        return self.label


refuse_changes(
    CatalogueEntry.__table__,
    when="NEW.code <> OLD.code OR NEW.catalogue_id <> OLD.catalogue_id",
    events=("UPDATE",),
    why="the code of a catalogue entry never changes",
)
