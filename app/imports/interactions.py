"""How do the rows of a file become calls, mails, visits and notes? The same contact twice is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues.shipped import CALL_RESULT, CHANNEL
from app.core import clock
from app.core.access import Actor
from app.core.formats import typed_day
from app.core.i18n import _
from app.core.sheet_values import Habits
from app.customers import rules
from app.customers.former import kept
from app.customers.interactions import is_two_way, last_contact, retell
from app.customers.models import Customer, TimelineEntry
from app.customers.profile_models import Direction, Interaction, InteractionKind
from app.imports.models import Finding, ImportJob, OnDuplicate, OnUpdate, Outcome
from app.imports.queries import told_by
from app.imports.rows import Row, cells_of, label_of, read_word, with_cell
from app.imports.whose import find_customers, read_whose

_KINDS = {
    **dict.fromkeys(("call", "goi", "goidien", "cuocgoi", "dienthoai", "phone", "phonecall"), InteractionKind.call),
    **dict.fromkeys(("mail", "email", "thu", "thudientu"), InteractionKind.mail),
    **dict.fromkeys(("message", "tinnhan", "nhantin", "zalo", "sms", "chat", "facebook", "messenger"),
                    InteractionKind.message),
    **dict.fromkeys(("visit", "gap", "gapmat", "thamkhach", "tham", "ghetham", "dengap", "meeting"),
                    InteractionKind.visit),
    **dict.fromkeys(("note", "ghichu", "khac", "other"), InteractionKind.note),
}  # fmt: skip
_DIRECTIONS = {
    **dict.fromkeys(("inbound", "in", "den", "goiden", "vao", "khachgoi", "nhan"), Direction.inbound),
    **dict.fromkeys(("outbound", "out", "di", "goidi", "ra", "gui", "goira"), Direction.outbound),
}


@dataclass
class Said:
    whose: str = ""
    at: datetime | None = None
    kind: InteractionKind = InteractionKind.note
    direction: Direction | None = None
    channel: str | None = None
    result: str | None = None
    text: str | None = None
    next_on: date | None = None
    customer_id: int = 0

    @property
    def contact(self) -> tuple[Any, ...]:
        """What tells one contact from another."""
        return self.customer_id, self.at, self.kind, self.text


class InteractionTarget:
    """Writes contacts for one person from one file."""

    def __init__(self, session: Session, job: ImportJob, who: Actor, habits: Sequence[Habits]) -> None:
        self._job, self._who, self._now = job, who, clock.now()
        self._cells = cells_of(session, job, who, habits, (CHANNEL, CALL_RESULT))
        self._met: dict[tuple[Any, ...], int] = {}
        self._present: dict[tuple[Any, ...], Interaction] = {}
        self._customers: dict[int, Customer] = {}

    def read(self, number: int, cells: Sequence[str]) -> Row:
        row, known = Row(number), self._cells
        if not known.has_values(row, cells):
            row.values = Said()
            return row
        said = row.values = Said(read_whose(row, cells, known))
        said.at = known.moment(row, cells, "at", "time")
        if said.at is None and row.is_good:
            row.wrong(known.labels["at"], _("Please fill this in."))
        if said.at is not None and said.at > self._now and said.at != known.noon:
            row.wrong(known.labels["at"], with_cell(known.text(cells, "at"), _("This moment has not come yet.")))
        said.result = known.code(row, cells, "result", CALL_RESULT)
        said.channel = known.code(row, cells, "channel", CHANNEL)
        said.text = known.read(row, cells, "text", lambda text: rules.read_note(text) or None)
        said.next_on = known.day(row, cells, "next_on")
        kind = known.read(row, cells, "kind", lambda text: read_word(text, _KINDS))
        said.kind = kind or (InteractionKind.call if said.result else InteractionKind.note)
        if said.kind is not InteractionKind.note:
            said.direction = known.read(row, cells, "direction", lambda text: read_word(text, _DIRECTIONS))
            said.direction = said.direction or Direction.outbound
        if said.kind is InteractionKind.call and said.result is None and row.is_good:
            row.wrong(known.labels["result"], _("Choose how the call ended."))
        elif said.kind is not InteractionKind.call and said.text is None and row.is_good:
            row.wrong(known.labels["text"], _("Please fill this in."))
        row.label = label_of(typed_day(said.at.date()) if said.at else None, said.text)
        return row

    def judge(self, session: Session, rows: Sequence[Row], *, is_written: bool) -> None:
        codes = [row.values.whose for row in rows]
        self._customers = find_customers(session, rows, codes, self._who, lock=is_written)
        good = [row for row in rows if row.is_good]
        for row in good:
            customer = self._customers[row.number]
            row.values.customer_id = customer.id
            row.label = label_of(customer.name, row.label)
        self._present = _present(session, good)
        made = told_by(session, self._job, [one.id for one in self._present.values()]) if is_written else {}
        for row in good:
            present = self._present.get(row.values.contact)
            row_of = made.get(present.id) if present is not None else None
            earlier = row_of or self._met.setdefault(row.values.contact, row.number)
            if earlier != row.number:
                row.finding = Finding.duplicate
                row.reasons.append(str(_("The same contact stands in row %(number)d.", number=earlier)))
            elif present is not None:
                row.record_id = present.id
                row.finding = Finding.update if self._changes(row, present) else Finding.unchanged

    def _changes(self, row: Row, present: Interaction) -> dict[str, Any]:
        said, overwrites = row.values, self._job.on_update is OnUpdate.overwrite
        return {
            key: getattr(said, key) for key in ("direction", "channel", "result", "next_on")
            if getattr(said, key) is not None and getattr(present, key) != getattr(said, key)
            and (overwrites or getattr(present, key) is None)
        }  # fmt: skip

    def write(self, session: Session, rows: Sequence[Row]) -> None:
        made: list[tuple[Row, Interaction]] = []
        changed: list[Interaction] = []
        makes_doubles = self._job.on_duplicate is OnDuplicate.make
        for row in rows:
            said: Said = row.values
            if row.finding is Finding.new or (row.finding is Finding.duplicate and makes_doubles):
                one = Interaction(
                    customer_id=said.customer_id, kind=said.kind, at=said.at, direction=said.direction,
                    channel=said.channel, result=said.result, text=said.text, next_on=said.next_on,
                )  # fmt: skip
                session.add(one)
                made.append((row, one))
                row.outcome, row.before = Outcome.made, self._speak(self._customers[row.number], said)
            elif row.finding is Finding.update:
                present = self._present[said.contact]
                new = self._changes(row, present)
                row.before = {"columns": {key: [kept(getattr(present, key)), kept(value)]
                                          for key, value in new.items()}}  # fmt: skip
                for key, value in new.items():
                    setattr(present, key, value)
                row.outcome = Outcome.changed
                changed.append(present)
                row.before |= self._promise(self._customers[row.number], new.get("next_on"))
            elif row.is_good:
                row.outcome = Outcome.skipped
        session.flush()
        for row, one in made:
            row.record_id = one.id
            session.add(self._entry(one))
        retell(session, changed)
        customers = {one.id: one for one in self._customers.values()}
        for number in sorted({one.customer_id for one in changed}):
            customers[number].last_contact_at = last_contact(session, number)

    def _speak(self, customer: Customer, said: Said) -> dict[str, Any]:
        """What a contact changes of the customer himself."""
        assert said.at is not None
        if is_two_way(said.kind, said.direction, said.result):
            at = min(said.at, self._now)  # a day without a time of day is its noon, which may lie ahead
            customer.last_contact_at = max(customer.last_contact_at or at, at)
        return self._promise(customer, said.next_on)

    def _promise(self, customer: Customer, next_on: date | None) -> dict[str, Any]:
        if next_on is None or next_on < self._cells.today or next_on == customer.next_contact_on:
            return {}
        before = [kept(customer.next_contact_on), kept(next_on)]
        customer.next_contact_on = next_on
        return {"next_contact_on": before}

    def _entry(self, one: Interaction) -> TimelineEntry:
        next_on = one.next_on.isoformat() if one.next_on else None
        return TimelineEntry(
            customer_id=one.customer_id, at=one.at, kind=one.kind.value, actor_id=self._who.user_id,
            subject_type="interaction", subject_id=one.id, channel=one.channel,
            data={"direction": one.direction, "result": one.result, "next_on": next_on},
        )  # fmt: skip


def _present(session: Session, rows: Sequence[Row]) -> dict[tuple[Any, ...], Interaction]:
    """The contacts of these customers at these moments."""
    if not rows:
        return {}
    found = session.scalars(
        select(Interaction).where(
            Interaction.customer_id.in_(sorted({row.values.customer_id for row in rows})),
            Interaction.at.in_(sorted({row.values.at for row in rows})), Interaction.archived_at.is_(None),
        ).order_by(Interaction.id.desc())
    )  # fmt: skip
    return {(one.customer_id, one.at, one.kind, one.text): one for one in found}
