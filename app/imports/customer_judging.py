"""Is the customer of a row new, here already, or like somebody who is? Asked for many rows at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.core.access import Actor, visible
from app.core.errors import InvalidInputError
from app.core.guarded import key_of
from app.core.i18n import _
from app.core.screens import extra
from app.core.vietnamese import fold, show_phone
from app.customers import matching, places, reach, rules
from app.customers.duplicates.hard import HardField, HardKey, contact_key, hold, holders, tax_key
from app.customers.labels import FIELD_LABELS
from app.customers.models import Customer, CustomerKind
from app.customers.profile import ADDRESS
from app.customers.profile_models import TAG_LENGTH, CustomerTag, Tag
from app.customers.queries import header_visible
from app.customers.tags import MOST_TAGS
from app.imports import met, queries
from app.imports.customer_reading import Typed
from app.imports.fields import DO_NOT_CONTACT
from app.imports.models import Finding, ImportJob, OnDuplicate, OnUpdate
from app.imports.rows import Row

#: customers that one number leads to and that are looked at; one shared by more tells nothing
_MOST_LIKE = 10
_LABELS = {
    **FIELD_LABELS, "name": _("Name"), "kind": _("Kind"), "note": _("Note"), "source": _("Came through"),
    "owner_id": _("Person in charge"), "tags": _("Tags"), "contacts": _("Ways to reach"),
}  # fmt: skip
_OTHER = _("Other information")
#: of a change: what is said to the company's own fields
OWN = "own"
_FIELDS = {HardField.phone: _("Phone number"), HardField.email: _("E-mail"), HardField.tax_code: _("Tax code")}


@dataclass(frozen=True)
class Known:
    """A customer who is here, as the importer may use him."""

    customer: Customer
    #: he sees the name
    is_seen: bool
    is_editable: bool
    #: keys of those that he has; the rows of a lot add theirs
    tags: set[str] = field(default_factory=set)
    #: what was said to the company's own fields; the rows of a lot add theirs
    own: dict[str, Any] = field(default_factory=dict)

    def told(self) -> str:
        one = self.customer
        if not self.is_seen:
            return str(_("%(name)s, a customer of others", name=rules.masked(one.name)))
        told = f"{one.name} ({one.code})"
        return str(_("%(name)s, archived", name=told)) if one.is_archived else told


class CustomerJudge:
    """Knows which keys were met in the file so far."""

    def __init__(self, job: ImportJob, who: Actor, own: Mapping[str, extra.OneText]) -> None:
        self._job, self._who = job, who
        #: the company's own fields that this person may set
        self._own = {key: one for key, one in own.items() if key in job.mapping}
        self._has_own = any(key.startswith(extra.PREFIX) for key in job.mapping)
        #: key → the first row that has it; numbers alone, for a look through keeps them for the whole file
        self._met: dict[HardKey, int] = {}
        #: key → the customer that a row of this file is about, who may not have it yet
        self._claimed: dict[HardKey, int] = {}
        #: key → who has it, in the present lot
        self._held: dict[HardKey, list[int]] = {}
        #: rows of the present lot
        self._lot: dict[int, Row] = {}
        #: of the rows that were judged last
        self.known: dict[int, Known] = {}
        #: plain name or code of a company → its id
        self._companies: dict[str, int | None] = {}

    def judge(self, session: Session, rows: Sequence[Row], *, is_written: bool) -> None:
        self._find_own(session, [row for row in rows if row.is_good])
        good = [row for row in rows if row.is_good]
        if is_written:
            # Whoever saves one of these numbers just now is waited for, and found below; whoever comes later waits.
            hold(session, {key for row in good for key in row.keys})
        good = [row for row in rows if row.is_good]
        met_before: Collection[HardKey] = ()
        if is_written:
            keys = {key for row in good for key in row.keys}
            self._met, self._claimed = met.met_before(session, self._job.id, keys)
            met_before = frozenset(self._met)
        self._lot = {row.number: row for row in good}
        held = holders(session, {key for row in good for key in row.keys})
        coded = queries.ids_by_code(session, {row.values.code for row in good if row.values.code})
        alike = self._ids_by_name(session, good)
        ids = {number for numbers in held.values() for number in numbers[:_MOST_LIKE]} | set(coded.values())
        ids |= {number for numbers in alike.values() for number in numbers}
        ids |= {self._claimed[key] for row in good for key in row.keys if key in self._claimed}
        self._load(session, ids)
        gone = queries.taken_back(session, [one for one, known in self.known.items() if known.customer.is_archived])
        made = queries.told_by(session, self._job, ids) if is_written and ids else {}
        self._held = {
            key: [one for one in numbers[:_MOST_LIKE] if one in self.known and one not in gone]
            for key, numbers in held.items()
        }  # fmt: skip
        self._find_companies(session, good)
        for row in good:
            self._place_at_work(row)
            if not row.is_good:
                continue
            typed: Typed = row.values
            if typed.code:
                self._judge_coded(row, typed, coded)
            else:
                self._judge_found(row, typed, self._hits(row), made)
            if row.finding is Finding.new and not row.keys:
                self._judge_nameless(row, typed, alike)
            if row.is_good:
                self._remember(row)
        if is_written:
            new = {key: number for key, number in self._met.items() if key not in met_before}
            met.keep(session, self._job.id, new, self._claimed)

    def _remember(self, row: Row) -> None:
        """Its keys are taken, for whatever row comes later."""
        for key in row.keys:
            self._met.setdefault(key, row.number)
            if row.finding is Finding.update and row.record_id is not None and not self.who_has(key):
                self._claimed[key] = row.record_id

    def who_has(self, key: HardKey) -> list[int]:
        """The customers who have it, those among them that earlier rows of the lot have made or given it."""
        claimed = self._claimed.get(key)
        held = self._held.get(key, [])
        return held if claimed is None or claimed in held else [*held, claimed]

    def take(self, row: Row, number: int) -> None:
        """The row has become this customer."""
        for key in row.keys:
            self._held.setdefault(key, []).append(number)

    def _hits(self, row: Row) -> list[int]:
        return list(dict.fromkeys(number for key in row.keys for number in self.who_has(key)))

    def _judge_coded(self, row: Row, typed: Typed, coded: Mapping[str, int]) -> None:
        known = self.known.get(coded.get(typed.code, 0))
        if known is None or not known.is_seen:
            row.wrong("", _("There is no customer %(code)s, or you may not see it.", code=typed.code[:20]))
            return
        if known.customer.is_archived:
            row.wrong("", _("The customer %(code)s is archived.", code=typed.code))
            return
        if not known.is_editable:
            row.wrong("", _("You may not change the customer %(code)s.", code=typed.code))
            return
        customer = known.customer
        hits = self._hits(row)
        others = [number for number in hits if number != customer.id]
        earlier = next((self._met[key] for key in row.keys
                        if key in self._met and customer.id not in self.who_has(key)), None)  # fmt: skip
        # A file of another system has codes of its own. Whoever overwrites may rename, unless numbers tell otherwise.
        is_same = not typed.name or matching.name_key(typed.name, customer.kind) == customer.name_key
        is_renamed = self._job.on_update is OnUpdate.overwrite and (not row.keys or customer.id in hits)
        if others or earlier is not None or not (is_same or is_renamed):
            row.finding, row.record_id = Finding.duplicate, customer.id
        if not (is_same or is_renamed):
            row.reasons.append(str(_("The code %(code)s is that of %(who)s.", code=typed.code, who=known.told())))
        self._tell_likeness(row, others, earlier)
        if row.finding is not Finding.duplicate:
            self._is_about(row, known)

    def _tell_likeness(self, row: Row, others: Sequence[int], earlier: int | None) -> None:
        if earlier is not None:
            row.reasons.append(str(_("The same %(what)s as in row %(number)d.", what=self._shared(row, earlier),
                                     number=earlier)))  # fmt: skip
            return
        for number in others[:3]:
            row.reasons.append(str(_("The same %(what)s as %(who)s.", what=self._shared(row, None, number),
                                     who=self.known[number].told())))  # fmt: skip

    def _judge_found(self, row: Row, typed: Typed, hits: Sequence[int], made: Mapping[int, int]) -> None:
        earlier = next((self._met[key] for key in row.keys if key in self._met), None)
        if earlier is not None:
            row.finding, row.twin = Finding.duplicate, self._lot.get(earlier)
            row.record_id = next((number for number in hits if number in made), None)
            self._tell_likeness(row, hits, earlier)
            return
        if not hits:
            return
        first = self.known[hits[0]]
        is_his = not typed.name or matching.name_key(typed.name, first.customer.kind) == first.customer.name_key
        if len(hits) == 1 and is_his and first.is_editable and not first.customer.is_archived:
            self._is_about(row, first)
            return
        row.finding = Finding.duplicate
        usable = (one for one in hits if self.known[one].is_editable and not self.known[one].customer.is_archived)
        row.record_id = next(usable, None)
        self._tell_likeness(row, hits, None)

    def _shared(self, row: Row, earlier: int | None, number: int | None = None) -> str:
        """The first key that the row has in common with that row, or with that customer."""
        key = next((
            key for key in row.keys
            if (earlier is None or self._met.get(key) == earlier) and (number is None or number in self.who_has(key))
        ), None)  # fmt: skip
        if key is None:
            return str(_FIELDS[HardField.phone])
        shown = show_phone(key.value) if key.field is HardField.phone else key.value
        return f"{str(_FIELDS[key.field]).lower()} {shown}"

    def _judge_nameless(self, row: Row, typed: Typed, alike: Mapping[str, Sequence[int]]) -> None:
        """Without a number or address: is there somebody of this name of whom the row says nothing new?"""
        for number in alike.get(matching.name_key(typed.name, typed.likely_kind), ()):
            known = self.known.get(number)
            if known and known.is_editable and not known.customer.is_archived and not self.changes(row, known):
                row.finding, row.record_id = Finding.unchanged, number
                return

    def _is_about(self, row: Row, known: Known) -> None:
        row.record_id = known.customer.id
        new = self.changes(row, known)
        row.finding = Finding.update if new else Finding.unchanged
        if new:
            told = dict.fromkeys(str(_LABELS.get(key, _OTHER)) for key in new)
            row.reasons.append(str(_("New: %(fields)s", fields=", ".join(told))))
        if row.values.tags and len(known.tags) + len(self._new_tags(row, known)) > MOST_TAGS:
            row.reasons.append(str(_("A customer has at most %(count)d tags.", count=MOST_TAGS)))

    def changes(self, row: Row, known: Known) -> dict[str, Any]:
        """Column → new value, "contacts" → those to be added, "tags" → words to be added; what he may not change is
        left out, and what another customer has."""
        typed, customer, who = row.values, known.customer, self._who
        overwrites = self._job.on_update is OnUpdate.overwrite
        columns = dict(typed.columns)
        if typed.name and overwrites:
            columns["name"] = typed.name
        if typed.kind and overwrites:
            columns["kind"] = typed.kind
        _fit_address(columns, customer, overwrites=overwrites)
        if columns.get("kind", customer.kind) is CustomerKind.company:
            columns.pop("company_id", None)
            if customer.company_id is not None:
                columns.pop("kind", None)  # only a person works at a company
        if self._is_of_another(tax_key(columns.get("tax_code")), customer):
            del columns["tax_code"]
        new: dict[str, Any] = {}
        for column, value in columns.items():
            present = getattr(customer, column)
            # Whoever is not to be contacted is not, whatever else stays as it is.
            is_open = present in (None, "") or column == DO_NOT_CONTACT
            if present == value or not (is_open or overwrites):
                continue
            if column in ("owner_id", "team_id") and not who.may("assign", "Customer"):
                continue
            if who.writes("Customer", key_of(column)):
                new[column] = value
        contacts = [
            one for one in typed.contacts
            if reach.same(customer, one, customer.contact_points) is None and reach.may_write(who, one)
            and not self._is_of_another(contact_key(one.kind, one.value), customer)
        ]  # fmt: skip
        tags = self._new_tags(row, known)[: max(0, MOST_TAGS - len(known.tags))]
        own = {key: value for key, value in typed.own.items() if overwrites or known.own.get(key) in (None, "", [])}
        own = {key: value for key, value in own.items() if known.own.get(key) != value}
        new |= {OWN: own} if own else {}
        return new | ({"contacts": contacts} if contacts else {}) | ({"tags": tags} if tags else {})

    def _new_tags(self, row: Row, known: Known) -> list[str]:
        return [name for name in row.values.tags if tag_key(name) not in known.tags]

    def _is_of_another(self, key: HardKey | None, customer: Customer) -> bool:
        return key is not None and any(number != customer.id for number in self.who_has(key))

    # ── what is here ──
    def _ids_by_name(self, session: Session, rows: Iterable[Row]) -> dict[str, list[int]]:
        names = {
            matching.name_key(row.values.name, row.values.likely_kind) for row in rows
            if not row.keys and not row.values.code and row.values.name
        }  # fmt: skip
        found: dict[str, list[int]] = {}
        if names:
            rows_of = select(Customer.name_key, Customer.id).where(
                Customer.name_key.in_(sorted(names)), Customer.archived_at.is_(None)
            ).order_by(Customer.id)  # fmt: skip
            for key, number in session.execute(rows_of):
                if key is not None and len(found.setdefault(key, [])) < _MOST_LIKE:
                    found[key].append(number)
        return found

    def _load(self, session: Session, ids: Collection[int]) -> None:
        self.known = {}
        if not ids:
            return
        who = self._who
        rows = session.execute(
            select(Customer, header_visible(who).label("seen"), visible(Customer, who, "edit").label("editable"))
            .where(Customer.id.in_(sorted(ids)))
            .options(selectinload(Customer.all_contact_points))
        ).all()
        tagged: dict[int, set[str]] = {}
        worn = select(CustomerTag.customer_id, Tag.key).join(Tag, Tag.id == CustomerTag.tag_id)
        for number, key in session.execute(worn.where(CustomerTag.customer_id.in_(sorted(ids)))):
            tagged.setdefault(number, set()).add(key)
        added = extra.extra_of("Customer")
        own = added.values(session, sorted(ids), who) if added is not None and self._has_own else {}
        for customer, seen, editable in rows:
            self.known[customer.id] = Known(
                customer, bool(seen), bool(editable), tagged.get(customer.id, set()), dict(own.get(customer.id, {}))
            )

    def _find_companies(self, session: Session, rows: Iterable[Row]) -> None:
        wanted = {row.values.company for row in rows if row.values.company} - self._companies.keys()
        if not wanted:
            return
        keys = {text: matching.name_key(text, CustomerKind.company) for text in wanted}
        by_key: dict[str, list[int]] = {}
        found = session.execute(
            select(Customer.id, Customer.code, Customer.name_key)
            .where(Customer.kind == CustomerKind.company, Customer.archived_at.is_(None), visible(Customer, self._who))
            .where(Customer.name_key.in_(sorted(keys.values())) | Customer.code.in_(sorted(wanted)))
        )
        for number, code, key in found:
            for word in (code, key or ""):
                by_key.setdefault(word, []).append(number)
        for text in wanted:
            several = by_key.get(text) or by_key.get(keys[text], [])
            self._companies[text] = several[0] if len(several) == 1 else -1 if several else None

    def _find_own(self, session: Session, rows: Sequence[Row]) -> None:
        """What is said to the company's own fields by a code or a name is looked up, for all rows at once."""
        for full, one in self._own.items():
            key = full.removeprefix(extra.PREFIX)
            said = [row for row in rows if isinstance(row.values.own.get(key), str)] if one.find else []
            found = one.find(session, {row.values.own[key] for row in said}) if one.find and said else {}
            for row in said:
                value = found[row.values.own[key]]
                if isinstance(value, InvalidInputError):
                    row.wrong(one.label, f"“{row.values.own[key][:60]}” – {value.message}")
                else:
                    row.values.own[key] = value

    def tell_lacking(self, row: Row) -> None:
        """A new customer is taken without what the company asks of every one; whoever brings the file is told."""
        for full, one in self._own.items():
            if one.is_required and row.values.own.get(full.removeprefix(extra.PREFIX)) is None:
                row.tell(one.label, _("is missing: every customer has it. Taken without it."))

    def _place_at_work(self, row: Row) -> None:
        text = row.values.company
        if not text:
            return
        number = self._companies.get(text)
        if number is None:
            row.wrong(_("Works at"), _("There is no company called “%(name)s”. Bring the companies in first.",
                                       name=text[:60]))  # fmt: skip
        elif number < 0:
            row.wrong(_("Works at"), _("Several companies are called “%(name)s”. Write the code.", name=text[:60]))
        elif row.values.likely_kind is CustomerKind.person:
            row.values.columns["company_id"] = number


def _fit_address(columns: dict[str, Any], customer: Customer, *, overwrites: bool) -> None:
    """An address is one thing: it is not put together of two. Changes `columns`."""
    given = {key: columns[key] for key in ADDRESS if key in columns}
    present = {key: getattr(customer, key) for key in ADDRESS}
    if not overwrites and any(present[key] not in (None, "", value) for key, value in given.items()):
        for key in given:
            del columns[key]
        return
    whole = present | given
    if places.place_problem(whole["province_code"], whole["ward_code"]) is None:
        return
    if overwrites and "province_code" in given and "ward_code" not in given:
        columns["ward_code"] = None  # it was one of the former province
        return
    for key in ("province_code", "ward_code"):
        columns.pop(key, None)


def tag_key(name: str) -> str:
    """By what a tag is known."""
    return fold(name)[:TAG_LENGTH]


def is_made(job: ImportJob, row: Row) -> bool:
    """Does the row become a record of its own?"""
    return row.finding is Finding.new or (
        row.finding is Finding.duplicate and job.on_duplicate is OnDuplicate.make
    )  # fmt: skip
