"""What is there to choose from? Read once a process, and again when an admin has changed something."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.orm import Session

from app.catalogues.models import Catalogue, CatalogueEntry, Colour
from app.core.access import Actor, row_rule
from app.core.db import db
from app.core.i18n import _, reader_language
from app.core.remembered import Remembered

VERSION = "catalogues"


@dataclass(frozen=True)
class Entry:
    """An entry as screens need it."""

    code: str
    label_vi: str
    label_en: str
    colour: Colour
    retired: bool

    @property
    def label(self) -> str:
        """In the language of whoever reads."""
        return (reader_language() == "en" and self.label_en) or self.label_vi


def entries(session: Session, catalogue: str) -> tuple[Entry, ...]:
    """All entries of the catalogue in their order, retired ones too; () where there is no such catalogue."""
    return _entries_by_code(session).get(catalogue, ())


def _read(session: Session) -> dict[str, tuple[Entry, ...]]:
    found: dict[str, list[Entry]] = {}
    rows = session.execute(
        select(Catalogue.code, CatalogueEntry.code, CatalogueEntry.label_vi, CatalogueEntry.label_en,
               CatalogueEntry.colour, CatalogueEntry.retired_at)
        .join(Catalogue, Catalogue.id == CatalogueEntry.catalogue_id)
        .order_by(CatalogueEntry.catalogue_id, CatalogueEntry.position, CatalogueEntry.id)
    )  # fmt: skip
    for catalogue, code, label_vi, label_en, colour, retired_at in rows:
        found.setdefault(catalogue, []).append(Entry(code, label_vi, label_en, colour, retired_at is not None))
    return {catalogue: tuple(listed) for catalogue, listed in found.items()}


# All entries by code of the catalogue: a few hundred rows, replaced as a whole.
_entries_by_code = Remembered(VERSION, _read)


def label_of(session: Session, catalogue: str, code: str | None) -> str:
    """What people call it, a retired one too; a code that nobody knows is shown as it is."""
    if code is None:
        return ""
    return next((one.label for one in entries(session, catalogue) if one.code == code), code)


def offered(session: Session, catalogue: str, present: str | None = None) -> list[tuple[str, str]]:
    """(code, label) for a select: what is in use, and the record's own one even when it is retired."""
    return [
        (one.code, str(_("%(name)s (no longer used)", name=one.label)) if one.retired else one.label)
        for one in entries(session, catalogue)
        if not one.retired or one.code == present
    ]


class Choices(Mapping[str, str]):
    """code → label of one catalogue, as a list column or a filter needs them: read when looked at, in the reader's
    language. Retired ones are among them, for old records still have them."""

    def __init__(self, catalogue: str, session: Callable[[], Session] = lambda: db.session()) -> None:
        self._catalogue, self._session = catalogue, session

    def __getitem__(self, code: str) -> str:
        for one in entries(self._session(), self._catalogue):
            if one.code == code:
                return one.label
        raise KeyError(code)

    def __iter__(self) -> Iterator[str]:
        return iter([one.code for one in entries(self._session(), self._catalogue)])

    def __len__(self) -> int:
        return len(entries(self._session(), self._catalogue))

    def items(self) -> ItemsView[str, str]:
        """All of them from one look."""
        return {one.code: one.label for one in entries(self._session(), self._catalogue)}.items()


# ── rows ──
def catalogues() -> Select[Catalogue]:
    return select(Catalogue).order_by(Catalogue.position, Catalogue.id)


def catalogue_by_code(session: Session, code: str) -> Catalogue | None:
    return session.scalars(select(Catalogue).where(Catalogue.code == code)).one_or_none()


def entries_of(catalogue: Catalogue) -> Select[CatalogueEntry]:
    """Its rows in their order."""
    rows = select(CatalogueEntry).where(CatalogueEntry.catalogue_id == catalogue.id)
    return rows.order_by(CatalogueEntry.position, CatalogueEntry.id)


def counts_of(session: Session) -> dict[int, int]:
    """Entries in use by catalogue."""
    rows = session.execute(
        select(CatalogueEntry.catalogue_id, func.count())
        .where(CatalogueEntry.retired_at.is_(None))
        .group_by(CatalogueEntry.catalogue_id)
    )
    return {row[0]: row[1] for row in rows}


@row_rule(Catalogue)
def _by_code(_actor: Actor, _action: str) -> ColumnElement[bool]:
    """What there is to choose from is no secret; who may change it is a right."""
    return true()


@row_rule(CatalogueEntry)
def _entries(_actor: Actor, _action: str) -> ColumnElement[bool]:
    return true()
