"""What is meant by words that are typed into the search of the log?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, func, literal, literal_column, or_, select, true, union_all
from sqlalchemy.orm import Session, aliased

from app.audit.details import WHAT
from app.audit.kinds import KINDS
from app.audit.records import CODES
from app.core import audit, history
from app.core.access import Actor, visible
from app.core.audit import AuditEvent
from app.core.vietnamese import fold
from app.security.models import Member

#: a code that somebody typed into the search names at most this many records
_MOST_NAMED = 50
#: members whose name is looked through for a search
_MOST_PEOPLE = 2000
#: a word that more entries hold is compared row by row: the newest of so many are soon found
_MANY = 20_000
_ADDRESS = re.compile(r"[0-9a-fA-F:.]{3,45}")


@dataclass(frozen=True)
class _Word:
    """What a typed word can stand for."""

    #: each of them has an index
    found: Sequence[ColumnElement[bool]]
    #: the same without one, for rows that are read anyway
    compared: Sequence[ColumnElement[bool]]

    def count(self) -> ColumnElement[int]:
        """In how many entries, up to _MANY for each thing that it stands for."""
        few = (select(AuditEvent.id).where(one).limit(_MANY + 1).subquery() for one in self.found)
        return sum((select(func.count()).select_from(one).scalar_subquery() for one in few), literal(0))


def search(session: Session, who: Actor, text: str) -> ColumnElement[bool]:
    """Every word is in what happened, in the kind of record, in the name of who did it or in the reason, or it is an
    address, or the code of a record that the reader may see."""
    people = session.execute(select(Member.id, Member.name).where(visible(Member, who)).limit(_MOST_PEOPLE)).all()
    codes = _by_code(session, who, text.split()[:5])
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    words = [_word(one, people, codes, is_sqlite) for one in text.split()[:8]]
    if not words:
        return true()
    # An index on any word but the rarest would lead through far more entries than are meant.
    counts = session.execute(select(*(one.count() for one in words))).one()
    rarest = min(range(len(words)), key=counts.__getitem__)
    return and_(
        *(
            or_(*(word.found if place == rarest and counts[place] <= _MANY else word.compared))
            for place, word in enumerate(words)
        )
    )


def _word(word: str, people: Sequence[Any], codes: Mapping[str, Sequence[tuple[str, int]]], is_sqlite: bool) -> _Word:
    if word in codes:
        records = [_is_about(table, row_id) for table, row_id in codes[word]]
        return _Word(records, records)
    typed = fold(word)
    ids = [row.id for row in people if typed in fold(row.name)]
    meant: list[tuple[Any, list[Any]]] = [
        (AuditEvent.table_name, [table for table, one in KINDS.items() if typed in fold(str(one.label))]),
        (audit.WHAT, [key for key, label in WHAT.items() if typed in fold(str(label))]),
        (AuditEvent.actor_id, ids),
        (AuditEvent.on_behalf_of_id, ids),
        (AuditEvent.address, [word] if _ADDRESS.fullmatch(word) else []),
    ]
    meant = [(column, values) for column, values in meant if values]
    said = _says(AuditEvent, word)
    found: ColumnElement[bool] = said
    if is_sqlite:  # it goes through the few entries that have a reason only where that is a question of its own
        few = aliased(AuditEvent)
        found = AuditEvent.id.in_(select(few.id).where(_says(few, word)))
    return _Word(
        [found, *(column.in_(values) for column, values in meant)],
        [said, *(_unindexed(column).in_(values) for column, values in meant)],
    )


def _says(entry: Any, word: str) -> ColumnElement[bool]:
    return and_(entry.reason.is_not(None), entry.reason.icontains(word, autoescape=True))


def _unindexed(column: Any) -> Any:
    return column + literal_column("0") if isinstance(column.type, Integer) else column + literal_column("''")


def _is_about(table: str, row_id: int) -> ColumnElement[bool]:
    return and_(AuditEvent.table_name == table, AuditEvent.record_id == row_id)


def _by_code(session: Session, who: Actor, words: Collection[str]) -> dict[str, list[tuple[str, int]]]:
    """Word → the records that have it as their code."""
    typed = {word.upper(): word for word in words} | {word: word for word in words}
    parts = []
    for table, column in CODES.items():
        model = history.model_of(table)
        code = getattr(model, column)
        parts.append(select(literal(table), model.id, code).where(code.in_(list(typed)), visible(model, who)))
    found: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for table, row_id, code in session.execute(union_all(*parts).limit(_MOST_NAMED)) if typed else ():
        found[typed.get(code, code)].append((table, row_id))
    return found


def from_address_like(session: Session, typed: str) -> ColumnElement[bool]:
    """Entries from an address that holds this. It is looked for among the addresses that there are: far fewer, and read
    one after the other off their index."""
    address = AuditEvent.address
    known = select(func.min(address).label("address")).where(address.is_not(None)).cte("known", recursive=True)
    after = select(func.min(address)).where(address > known.c.address).correlate(known).scalar_subquery()
    known = known.union_all(select(after).where(known.c.address.is_not(None)))
    found = session.scalars(select(known.c.address).where(known.c.address.icontains(typed, autoescape=True))).all()
    some = select(AuditEvent.id).where(address.in_(found)).limit(_MANY + 1).subquery()
    count = session.scalar(select(func.count()).select_from(some)) or 0
    return (address if count <= _MANY else _unindexed(address)).in_(found)
