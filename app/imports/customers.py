"""How do the rows of a file become customers? Many at once: one flush for those that are new, one for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor, visible
from app.core.accounts import User
from app.core.i18n import _
from app.core.numbering import next_numbers
from app.core.sheet_values import Habits
from app.core.vietnamese import fold
from app.customers import indexing, reach, rules, stages
from app.customers.duplicates import warning
from app.customers.models import ContactPoint, Customer, TimelineEntry
from app.customers.profile import FOLLOWING
from app.customers.profile_models import CustomerStage, CustomerTag, Tag
from app.imports.customer_judging import CustomerJudge, Known, is_made, tag_key
from app.imports.customer_reading import USED, Typed, read_customer
from app.imports.fields import plain
from app.imports.models import Finding, ImportJob, OnDuplicate, Outcome
from app.imports.rows import Row, cells_of
from app.security.models import Member

#: of the timeline: the import that wrote it
SUBJECT = "import_job"
#: from which keys are made
_KEYED = {"name", "kind", "street", "ward_code", "province_code", "old_address"}


class CustomerTarget:
    """Writes customers for one person from one file."""

    def __init__(self, session: Session, job: ImportJob, who: Actor, habits: Sequence[Habits]) -> None:
        self._job, self._who = job, who
        self._cells = cells_of(session, job, who, habits, USED)
        self._judge = CustomerJudge(job, who)
        defaults = job.defaults
        self._owner_id: int | None = defaults.get("owner_id") or who.user_id
        self._team_id: int | None = defaults.get("team_id") or who.primary_team_id
        self._source: str | None = defaults.get("source")
        self._tags: Sequence[str] = defaults.get("tags") or ()
        self._people = _people(session, who) if "owner" in job.mapping else {}

    def read(self, number: int, cells: Sequence[str]) -> Row:
        row = Row(number)
        typed = row.values = read_customer(row, cells, self._cells)
        typed.tags = list({tag_key(name): name for name in (*typed.tags, *self._tags)}.values())
        if self._source:
            typed.columns.setdefault("source", self._source)
        if typed.owner:
            owner = self._people.get(plain(typed.owner))
            if owner is None:
                row.wrong(_("Person in charge"), _("Nobody here is called “%(name)s”, or several are.",
                                                   name=typed.owner[:60]))  # fmt: skip
            else:
                typed.columns["owner_id"] = owner
        return row

    def judge(self, session: Session, rows: Sequence[Row], *, is_written: bool) -> None:
        self._judge.judge(session, rows, is_written=is_written)

    def write(self, session: Session, rows: Sequence[Row]) -> None:
        made = [row for row in rows if is_made(self._job, row)]
        added = self._add(session, made)
        changed: list[tuple[Row, Known, dict[str, Any]]] = []
        for row in rows:
            if row.finding is Finding.duplicate and self._job.on_duplicate is OnDuplicate.update:
                known = self._to_update(row, added)
            elif row.finding is Finding.update:
                known = self._judge.known[row.record_id or 0]
            else:
                if row.outcome is None and row.finding in (Finding.duplicate, Finding.unchanged):
                    row.outcome = Outcome.skipped
                continue
            new = self._judge.changes(row, known) if known is not None else {}
            if known is None or not new:
                row.outcome = Outcome.skipped
                continue
            changed.append((row, known, new))
            self._change(session, row, known.customer, new)
        session.flush()
        if changed:
            indexing.renew(session, [known.customer.id for _row, known, _new in changed])
        self._tell(session, changed)

    def _to_update(self, row: Row, added: Mapping[int, Customer]) -> Known | None:
        """Like whom it looks: a customer, or the one that an earlier row has just become."""
        if row.twin is not None and row.twin.number in added:
            customer = added[row.twin.number]
            return Known(customer, is_seen=True, is_editable=True)
        known = self._judge.known.get(row.record_id or 0)
        return known if known is not None and known.is_editable and not known.customer.is_archived else None

    # ── new ones ──
    def _add(self, session: Session, rows: Sequence[Row]) -> dict[int, Customer]:
        """Row → its customer."""
        now, who = clock.now(), self._who
        added: dict[int, Customer] = {}
        for row in rows:
            typed: Typed = row.values
            columns = {"owner_id": self._owner_id, "team_id": self._team_id, **typed.columns}
            customer = Customer(name=typed.name, kind=typed.likely_kind, created_by_id=who.user_id, **columns)
            customer.tier_is_fixed = customer.tier is not None
            customer.all_contact_points = [
                ContactPoint(kind=one.kind, value=one.value, shown=one.shown, is_preferred=place == 0, is_shared=False)
                for place, one in enumerate(typed.contacts)
            ]
            added[row.number] = customer
        # Asked for last: its row stays locked until the end.
        for number, customer in zip(next_numbers(session, "customer", len(added)), added.values(), strict=True):
            customer.code = rules.customer_code(number)
            indexing.index(session, customer)
        for row in rows:
            # Its tags are among the words that it is found by: the worker puts them there within seconds.
            added[row.number].search_is_stale = bool(row.values.tags)
        session.add_all(added.values())
        session.flush()
        tags = _tags(session, {name for row in rows for name in row.values.tags})
        for row in rows:
            customer = added[row.number]
            row.record_id, row.outcome = customer.id, Outcome.made
            if customer.stage is not None:
                session.add(CustomerStage(customer_id=customer.id, stage=customer.stage, since=now))
            session.add_all(CustomerTag(customer_id=customer.id, tag_id=tags[tag_key(name)].id)
                            for name in row.values.tags)  # fmt: skip
            session.add(self._entry(customer, "created"))
            if row.like:
                accepted = warning.Accepted(row.like, self._job.reason or "")
                warning.keep(session, customer, accepted, by=who)
        return added

    # ── those that are here ──
    def _change(self, session: Session, row: Row, customer: Customer, new: dict[str, Any]) -> None:
        columns = {key: value for key, value in new.items() if key not in ("contacts", "tags")}
        before: dict[str, Any] = {"columns": {key: [_plain(getattr(customer, key)), _plain(value)]
                                              for key, value in columns.items()}}  # fmt: skip
        if "stage" in columns:
            stages.enter(session, customer, columns.pop("stage"), reason=None)
        if "tier" in columns:
            before["columns"]["tier_is_fixed"] = [customer.tier_is_fixed, True]
            customer.tier_is_fixed = True
        for key, value in columns.items():
            setattr(customer, key, value)
        points = [reach.put_in_use(customer, one) for one in new.get("contacts", ())]
        if points and not any(one.is_preferred for one in customer.contact_points):
            reach.prefer(customer, points[0])
        worn = []
        if "tags" in new:
            tags = _tags(session, new["tags"])
            worn = [CustomerTag(customer_id=customer.id, tag_id=tags[tag_key(name)].id) for name in new["tags"]]
            session.add_all(worn)
        if _KEYED & columns.keys():
            indexing.index(session, customer)
        session.flush()
        before["contacts"] = [point.id for point in points]
        before["tags"] = [one.tag_id for one in worn]
        row.before, row.record_id, row.outcome = before, customer.id, Outcome.changed

    def _tell(self, session: Session, changed: Iterable[tuple[Row, Known, dict[str, Any]]]) -> None:
        for _row, known, new in changed:
            fields = {"phone" if key == "contacts" else key for key in new} - FOLLOWING
            entry = self._entry(known.customer, "changed")
            entry.data = {"fields": sorted(fields)}
            session.add(entry)

    def _entry(self, customer: Customer, kind: str) -> TimelineEntry:
        return TimelineEntry(
            customer_id=customer.id, at=clock.now(), kind=kind, actor_id=self._who.user_id, subject_type=SUBJECT,
            subject_id=self._job.id, data={},
        )  # fmt: skip


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _people(session: Session, who: Actor) -> dict[str, int | None]:
    """Plain user name, e-mail or name → the member; None: several."""
    found: dict[str, int | None] = {}
    rows = session.execute(
        select(Member.id, Member.name, User.username, User.email)
        .join(User, User.id == Member.id).where(User.active.is_(True), visible(Member, who))
    )  # fmt: skip
    for number, name, username, email in rows:
        for word in {plain(username), plain(email or ""), plain(name)} - {""}:
            found[word] = None if found.get(word, number) != number else number
    return found


def _tags(session: Session, names: Iterable[str]) -> dict[str, Tag]:
    """Key → the tag of that name; those that are not there yet are made, archived ones come back."""
    wanted = {tag_key(name): name for name in names if fold(name)}
    if not wanted:
        return {}
    known = {tag.key: tag for tag in session.scalars(select(Tag).where(Tag.key.in_(sorted(wanted))).with_for_update())}
    for key, name in wanted.items():
        if key not in known:
            known[key] = Tag(name=name, key=key)
            session.add(known[key])
        known[key].archived_at = None
    session.flush()
    return known
