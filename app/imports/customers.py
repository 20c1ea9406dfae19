"""How do the rows of a file become customers? Many at once: one flush for those that are new, one for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.access import Actor, visible
from app.core.accounts import User
from app.core.db import Entity
from app.core.errors import Sentence
from app.core.i18n import _
from app.core.numbering import next_ids, next_numbers
from app.core.screens import extra
from app.core.sheet_values import Habits
from app.core.vietnamese import fold
from app.customers import indexing, matching, reach, rules, stages
from app.customers.duplicates import warning
from app.customers.forgotten import keeping
from app.customers.former import kept
from app.customers.models import ContactPoint, Customer, TimelineEntry
from app.customers.profile import FIXED, FOLLOWING
from app.customers.profile_models import CustomerStage, CustomerTag, Tag
from app.customers.tags import MOST_TAGS
from app.imports.customer_judging import OWN, CustomerJudge, Known, is_made, tag_key
from app.imports.customer_reading import USED, Typed, read_customer
from app.imports.fields import plain
from app.imports.models import Finding, ImportJob, OnDuplicate, Outcome
from app.imports.once import OnceJudge
from app.imports.rows import Row, cells_of, label_of
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
        defaults = job.defaults
        self._owner_id: int | None = defaults.get("owner_id") or who.user_id
        self._team_id: int | None = defaults.get("team_id") or who.primary_team_id
        self._source: str | None = defaults.get("source")
        self._tags: Sequence[str] = defaults.get("tags") or ()
        added = extra.extra_of("Customer")
        self._own = added.texts(session, who) if added is not None else {}
        self._judge = CustomerJudge(job, who, self._own)
        self._once = OnceJudge()
        self._people = _people(session, who) if "owner" in job.mapping else {}

    def read(self, number: int, cells: Sequence[str]) -> Row:
        row = Row(number)
        if not self._cells.has_values(row, cells):
            row.values = Typed()
            return row
        typed = row.values = read_customer(row, cells, self._cells, self._own)
        typed.tags = list({tag_key(name): name for name in (*typed.tags, *self._tags)}.values())
        if len(typed.tags) > MOST_TAGS:
            row.wrong(_("Tags"), _("A customer has at most %(count)d tags.", count=MOST_TAGS))
        if self._source:
            typed.columns.setdefault("source", self._source)
        if typed.owner:
            number_and_name = self._people.get(plain(typed.owner))
            if number_and_name is None:
                row.wrong(_("Person in charge"), _("Nobody here is called “%(name)s”, or several are.",
                                                   name=typed.owner[:60]))  # fmt: skip
            else:
                typed.columns["owner_id"], name = number_and_name
                row.label = label_of(row.label, name)
        return row

    def judge(self, session: Session, rows: Sequence[Row], *, is_written: bool) -> None:
        self._judge.judge(session, rows, is_written=is_written)
        self._sift_own(session, [row for row in rows if is_made(self._job, row) and row.values.own])
        self._once.judge(session, [(row, said) for row in rows if (said := self._own_said(row))])
        if not is_written:  # what becomes of them is not decided yet
            alike = [row for row in rows if row.finding is Finding.duplicate and row.values.own]
            self._once.foretell(session, [(row, row.values.own) for row in alike])
        for row in rows:
            if is_made(self._job, row):
                self._judge.tell_lacking(row)

    def _own_said(self, row: Row) -> Mapping[str, Any]:
        """Bare key → what the row would write there."""
        typed: Typed = row.values
        if is_made(self._job, row):
            return typed.own
        known = self._judge.known.get(row.record_id or 0) if row.finding is Finding.update else None
        own: dict[str, Any] = {} if known is None or not typed.own else self._judge.changes(row, known).get(OWN, {})
        return own

    def _sift_own(self, session: Session, rows: Sequence[Row]) -> None:
        """What cannot be kept of the own fields of new customers is told on their rows, and left out."""
        added = extra.extra_of("Customer") if rows else None
        if added is None:
            return
        found = added.left_out(session, {row.number: row.values.own for row in rows}, by=self._who)
        for row in rows:
            refused = found.get(row.number, {})
            row.values.own = {key: value for key, value in row.values.own.items() if key not in refused}
            _tell_own(row, refused)

    def write(self, session: Session, rows: Sequence[Row]) -> None:
        made = [row for row in rows if is_made(self._job, row)]
        self._add(session, made)
        changed: list[tuple[Row, Known, dict[str, Any]]] = []
        own = _OwnChanges(session, self._who)
        for row in rows:
            if row.finding is Finding.duplicate and self._job.on_duplicate is OnDuplicate.update:
                known = self._to_update(session, row)
            elif row.finding is Finding.update:
                known = self._judge.known[row.record_id or 0]
            else:
                if row.outcome is None and row.finding in (Finding.duplicate, Finding.unchanged):
                    row.outcome = Outcome.skipped
                continue
            if known is not None:
                own.write_of(known.customer.id)
            new = self._judge.changes(row, known) if known is not None else {}
            if known is None or not new:
                row.outcome = Outcome.skipped
                continue
            changed.append((row, known, new))
            self._change(session, row, known, new)
            own.add(row, known, new.get(OWN, {}))
        own.write()
        session.flush()
        if changed:
            indexing.renew(session, [known.customer.id for _row, known, _new in changed])
            if renamed := [known.customer.id for _row, known, new in changed if "name" in new]:
                indexing.changed(session, Customer.company_id.in_(renamed))
        self._tell(session, changed)

    def _to_update(self, session: Session, row: Row) -> Known | None:
        """Like whom it looks: a customer, or the one that an earlier row has just become."""
        twin, known = row.twin, self._judge.known
        number = twin.record_id if twin is not None and twin.record_id is not None else row.record_id
        if number is not None and number not in known and twin is not None:
            tags = {tag_key(name) for name in twin.values.tags}
            added = extra.extra_of("Customer")
            own = dict(added.values(session, [number], self._who)[number]) if added is not None else {}
            customer = session.get_one(Customer, number)
            known[number] = Known(customer, is_seen=True, is_editable=True, tags=tags, own=own)
        found = known.get(number or 0)
        row.record_id = number
        return found if found is not None and found.is_editable and not found.customer.is_archived else None

    # ── new ones ──
    def _add(self, session: Session, rows: Sequence[Row]) -> None:
        """Past the mapper, which would make every row a statement of its own."""
        if not rows:
            return
        now, me = clock.now(), self._who.user_id
        stamps = {"created_at": now, "updated_at": now, "created_by_id": me, "updated_by_id": me}
        columns = dict.fromkeys(key for row in rows for key in row.values.columns)
        tags = _tags(session, {name for row in rows for name in row.values.tags})
        made: list[dict[str, Any]] = []
        # Asked for late: the counter's row stays locked until the end.
        for row, number in zip(rows, next_numbers(session, "customer", len(rows)), strict=True):
            typed: Typed = row.values
            code = rules.customer_code(number)
            made.append({
                **columns, "do_not_contact": False,
                "owner_id": self._owner_id, "team_id": self._team_id, **typed.columns, "code": code,
                "name": typed.name, "kind": typed.likely_kind, "rev": 1, "tier_is_fixed": "tier" in typed.columns,
                "behaviour_is_fixed": "behaviour" in typed.columns,
                **found_by(code, typed), **stamps,
            })  # fmt: skip
        _insert(session, Customer, made)
        keeping.renew(session, [values["id"] for values in made])
        said = {values["id"]: row.values.own for row, values in zip(rows, made, strict=True) if row.values.own}
        if said and (added := extra.extra_of("Customer")) is not None:
            refused = added.add_many(session, said, by=self._who, aside=self._once.put_away)
            for row, values in zip(rows, made, strict=True):
                _tell_own(row, refused.get(values["id"], {}))
        points: list[dict[str, Any]] = []
        worn: list[dict[str, Any]] = []
        entered: list[dict[str, Any]] = []
        for row, values in zip(rows, made, strict=True):
            number = row.record_id = values["id"]
            row.outcome = Outcome.made
            points += [
                {"customer_id": number, "kind": one.kind, "value": one.value, "shown": one.shown,
                 "is_preferred": place == 0, "is_shared": False, **stamps}
                for place, one in enumerate(row.values.contacts)
            ]  # fmt: skip
            worn += [{"customer_id": number, "tag_id": tags[tag_key(name)].id, **stamps} for name in row.values.tags]
            if values.get("stage"):
                entered.append({"customer_id": number, "stage": values["stage"], "since": now, **stamps})
        _insert(session, ContactPoint, points)
        _insert(session, CustomerTag, worn)
        _insert(session, CustomerStage, entered)
        session.execute(insert(TimelineEntry), [
            {"customer_id": values["id"], "at": now, "kind": "created", "actor_id": me, "subject_type": SUBJECT,
             "subject_id": self._job.id, "data": {}}
            for values in made
        ])  # fmt: skip
        for row, values in zip(rows, made, strict=True):
            like = {key: held for key in row.keys if (held := list(self._judge.who_has(key)))}
            if like:
                accepted = warning.Accepted(like, self._job.reason or "")
                warning.keep(session, session.get_one(Customer, values["id"]), accepted, by=self._who)
            self._judge.take(row, values["id"])

    # ── those that are here ──
    def _change(self, session: Session, row: Row, known: Known, new: dict[str, Any]) -> None:
        customer = known.customer
        columns = {key: value for key, value in new.items() if key not in ("contacts", "tags", OWN)}
        before: dict[str, Any] = {"columns": {key: [kept(getattr(customer, key)), kept(value)]
                                              for key, value in columns.items()}}  # fmt: skip
        if "stage" in columns:
            stages.enter(session, customer, columns.pop("stage"), reason=None)
        for column in FIXED.keys() & columns.keys():
            before["columns"][FIXED[column]] = [getattr(customer, FIXED[column]), True]
            setattr(customer, FIXED[column], True)
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
            known.tags.update(map(tag_key, new["tags"]))
        if _KEYED & columns.keys():
            indexing.index(session, customer)
        session.flush()
        before["contacts"] = [point.id for point in points]
        before["tags"] = [one.tag_id for one in worn]
        row.before, row.record_id, row.outcome = before, customer.id, Outcome.changed

    def _tell(self, session: Session, changed: Iterable[tuple[Row, Known, dict[str, Any]]]) -> None:
        for _row, known, new in changed:
            fields = {"phone" if key == "contacts" else key for key in new if key != OWN} - FOLLOWING
            fields |= {extra.PREFIX + key for key in new.get(OWN, ())}
            entry = self._entry(known.customer, "changed")
            entry.data = {"fields": sorted(fields)}
            session.add(entry)

    def _entry(self, customer: Customer, kind: str) -> TimelineEntry:
        return TimelineEntry(
            customer_id=customer.id, at=clock.now(), kind=kind, actor_id=self._who.user_id, subject_type=SUBJECT,
            subject_id=self._job.id, data={},
        )  # fmt: skip


class _OwnChanges:
    """What is said of customers who are here to the company's own fields: written together."""

    def __init__(self, session: Session, who: Actor) -> None:
        self._session, self._who = session, who
        self._added = extra.extra_of("Customer")
        #: customer → the row, and what it says
        self._waiting: dict[int, tuple[Row, Known, Mapping[str, Any]]] = {}

    def add(self, row: Row, known: Known, said: Mapping[str, Any]) -> None:
        if said and self._added is not None:
            self._waiting[known.customer.id] = row, known, said

    def write_of(self, number: int) -> None:
        """Another row is about the same customer: it goes by what this one has left."""
        if number in self._waiting:
            self.write()

    def write(self) -> None:
        """What of it cannot be kept is told on the rows."""
        waiting, self._waiting = self._waiting, {}
        if not waiting or self._added is None:
            return
        said = {number: said for number, (_row, _known, said) in waiting.items()}
        found = self._added.change_many(self._session, said, by=self._who)
        for number, (row, known, own) in waiting.items():
            one = found[number]
            _tell_own(row, one.refused)
            known.own.update(one.now)
            changed = {key: [one.before.get(key), one.now.get(key)] for key in own}
            row.before = (row.before or {}) | {OWN: {key: pair for key, pair in changed.items() if pair[0] != pair[1]}}


def _tell_own(row: Row, refused: Mapping[str, Iterable[Sentence]]) -> None:
    """`refused`: bare keys of own fields, with the sentences."""
    labels = extra.fields_of("Customer")
    for key, told in refused.items():
        label = labels[extra.PREFIX + key].label if extra.PREFIX + key in labels else key
        row.tell(label, " ".join(map(str, told)))


def _people(session: Session, who: Actor) -> dict[str, tuple[int, str] | None]:
    """Plain user name, e-mail or name → the member's number and name; None: several."""
    found: dict[str, tuple[int, str] | None] = {}
    rows = session.execute(
        select(Member.id, Member.name, User.username, User.email)
        .join(User, User.id == Member.id).where(User.active.is_(True), visible(Member, who))
    )  # fmt: skip
    for number, name, username, email in rows:
        for word in {plain(username), plain(email or ""), plain(name)} - {""}:
            found[word] = (number, name) if found.get(word, (number, name)) == (number, name) else None
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


def found_by(code: str, typed: Typed) -> dict[str, Any]:
    """What customers.indexing works out of a customer, for one who is new and has no object."""
    name, kind, columns = typed.name, typed.likely_kind, typed.columns
    contacts = [(one.kind, one.value) for one in typed.contacts]
    lives_at = (columns.get(key) for key in ("street", "ward_code", "province_code", "old_address"))
    return {
        "sort_key": rules.name_order(name, kind),
        "search_text": rules.search_text(code, name, contacts, typed.tags),
        # The name of where he works is among his words: the worker puts it there within seconds.
        "search_is_stale": "company_id" in columns,
        "name_key": matching.name_key(name, kind),
        "addr_key": matching.addr_key(*lives_at) or None,
    }


def _insert(session: Session, model: type[Entity], rows: list[dict[str, Any]]) -> None:
    """All of them by one statement, told to the audit; each gets its id."""
    if not rows:
        return
    session.flush()
    for row, number in zip(rows, next_ids(session, model.__table__, len(rows)), strict=True):
        row["id"] = number
    session.execute(insert(model), rows)
    audit.record_made(session, model, rows)
