"""How do two customers look side by side, as far as this person may read them: what is alike, what has to be chosen?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.core import guarded
from app.core.access import Actor, FieldRight, has_row_rule, visible
from app.core.db import Entity
from app.core.errors import Sentence
from app.core.formats import day_text
from app.core.i18n import _
from app.core.screens import extra
from app.customers import places, queries
from app.customers.duplicates import children, fields
from app.customers.duplicates.fields import Choice, Side, Why
from app.customers.labels import FIELD_LABELS, GENDER_LABELS
from app.customers.matching import REASON_WORDS, Reason
from app.customers.models import SOURCES, Customer
from app.customers.profile import CATALOGUES
from app.security.models import Member, Team

LABELS: Mapping[str, Sentence] = {
    "name": _("Name"), "company_id": FIELD_LABELS["company_id"], "address": _("Postal address"),
    "owner_id": _("Person in charge"), "team_id": _("Team"), "source": _("Came through"), "note": _("Note"),
    **FIELD_LABELS,
}  # fmt: skip
_HARD: Mapping[str, Sentence] = {
    "hard_phone": _("same phone number"), "hard_email": _("same e-mail"), "hard_tax_code": _("same tax code"),
}  # fmt: skip
#: what is counted of each, in this order: table → words
_COUNTED: Sequence[tuple[str, Sentence]] = (
    ("purchase", _("Purchases")), ("interaction", _("Contacts")), ("task", _("Tasks")),
    ("process_instance", _("Process files")), ("submission", _("Submissions")),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A field in which the two differ. `values` are those of the first and the second as he reads them, `chosen` says
    which is taken (0, 1, or 2: both), `why` by which rule, unless he chose it himself. `beforehand`: what the rule
    takes when the first stays, and when the second does. One that he may not write follows the rule. `was`: what stood
    there when he chose, where somebody has changed it since; then nothing is chosen (-1) but what loses nothing."""

    key: str
    label: Sentence
    values: tuple[str, str]
    chosen: int
    may_choose: bool
    takes_both: bool
    beforehand: tuple[int, int]
    why: Sentence | None
    was: tuple[str, str] | None = None

    @property
    def follows(self) -> bool:
        """It is another one according to who stays."""
        return self.beforehand[0] != self.beforehand[1]

    @property
    def value(self) -> str:
        """What it will be."""
        return "\n".join(self.values) if self.chosen == 2 else self.values[self.chosen]


WHY: Mapping[Why, Sentence] = {
    Why.stays: _("of the record that stays"), Why.other_empty: _("the other one has none"),
    Why.newer: _("of the record that was changed last"), Why.nothing_lost: _("so that nothing is lost"),
}  # fmt: skip


def reason_words(codes: Sequence[str]) -> list[Sentence]:
    """What agrees, in words; a code that is no longer known is left out."""
    known = {str(reason): told for reason, told in REASON_WORDS.items()} | dict(_HARD)
    return [known[code] for code in codes if code in known]


def may_be_told(codes: Sequence[str], who: Actor) -> list[str]:
    """Without what would tell a field that is kept from this person."""
    about = {
        Reason.same_birthday: "birthday", Reason.turned_birthday: "birthday", Reason.same_address: "address",
        Reason.similar_address: "address", Reason.same_phone_tail: "phone", Reason.same_id_number: "id_number",
    }  # fmt: skip
    fields_of = {str(reason): key for reason, key in about.items()}
    fields_of |= {"hard_phone": "phone", "hard_email": "email", "hard_tax_code": "tax_code"}
    return [
        code for code in codes
        if code not in fields_of or who.field_right("Customer", fields_of[code]) is not FieldRight.hidden
    ]  # fmt: skip


def rows(
    session: Session, first: Customer, second: Customer, who: Actor, taken: Mapping[str, str], *, keeps_first: bool,
    seen: Mapping[str, tuple[str, str]] | None = None,
) -> list[Row]:  # fmt: skip
    """The fields in which they differ. `taken`: field → "0", "1" or "2", as chosen before; `seen`: what stood in each
    row when that was chosen."""
    found = _rows(session, first, second, who, taken, keeps_first=keeps_first)
    if seen is None:
        return found
    return [row if _lines(row.values) == seen.get(row.key) else _changed(row, seen.get(row.key)) for row in found]


def _lines(values: tuple[str, str]) -> tuple[str, str]:
    """As a browser sends them back."""
    first, second = ("\n".join(one.splitlines()) for one in values)
    return first, second


def _changed(row: Row, was: tuple[str, str] | None) -> Row:
    """Somebody changed it after it was chosen: it is chosen once more."""
    if was is None:  # both were alike
        was = ("", "")
    return replace(row, was=was, chosen=2 if row.takes_both else -1, why=None) if row.may_choose else row


def _rows(
    session: Session, first: Customer, second: Customer, who: Actor, taken: Mapping[str, str], *, keeps_first: bool
) -> list[Row]:  # fmt: skip
    found = []
    for choice in fields.CHOICES:
        if who.field_right("Customer", choice.guarded) is FieldRight.hidden:
            continue
        if not fields.differs(first, second, choice):
            continue
        side, why = fields.decided(*((first, second) if keeps_first else (second, first)), choice)
        other = fields.beforehand(*((second, first) if keeps_first else (first, second)), choice)
        here, there = _place(side, keeps_first=keeps_first), _place(other, keeps_first=not keeps_first)
        may = fields.may_choose(who, choice)
        asked = taken.get(choice.key, "") if may else ""
        takes_both = Side.both in choice.sides
        chosen = int(asked) if asked in ("0", "1", *(["2"] if takes_both else [])) else here
        values = (told(session, first, choice, who), told(session, second, choice, who))
        if values[0] != values[1] or choice.key != "tier":
            beforehand = (here, there) if keeps_first else (there, here)
            told_why = WHY[why] if chosen == here else None
            found.append(Row(choice.key, LABELS[choice.key], values, chosen, may, takes_both, beforehand, told_why))
    return [*found, *_own_rows(session, first, second, who, taken)]


def _own_pairs(session: Session, first: Customer, second: Customer, who: Actor) -> Sequence[extra.Pair]:
    added = extra.extra_of("Customer")
    return () if added is None else added.pairs(session, first.id, second.id, who)


def _own_rows(
    session: Session, first: Customer, second: Customer, who: Actor, taken: Mapping[str, str]
) -> list[Row]:  # fmt: skip
    """The same for the fields that the company added."""
    found = []
    for one in _own_pairs(session, first, second, who):
        if not one.is_alike:
            asked = taken.get(one.key, "") if one.may_choose else ""
            chosen = int(asked) if asked in ("0", "1") else one.taken
            why = Why.newer if all(one.texts) else Why.other_empty
            told_why = WHY[why] if chosen == one.taken else None
            beforehand = (one.taken, one.taken)
            found.append(Row(one.key, one.label, one.texts, chosen, one.may_choose, False, beforehand, told_why))
    return found


def _place(side: Side, *, keeps_first: bool) -> int:
    """0 the first, 1 the second, 2 both."""
    return 2 if side is Side.both else int((side is Side.merged) is keeps_first)


def alike(session: Session, first: Customer, second: Customer, who: Actor) -> list[tuple[Sentence, str]]:
    """(label, value) of what both have."""
    return [
        (LABELS[choice.key], told(session, first, choice, who)) for choice in fields.CHOICES
        if not fields.differs(first, second, choice) and not fields.is_empty(first, choice)
        and who.field_right("Customer", choice.guarded) is not FieldRight.hidden
    ] + [(one.label, one.texts[0]) for one in _own_pairs(session, first, second, who) if one.is_alike]  # fmt: skip


def told(session: Session, customer: Customer, choice: Choice, who: Actor) -> str:
    """The value of a field as this person reads it; "" where there is none."""
    shown = guarded.seen(who, "Customer", choice.guarded, _words(session, customer, choice.key, who) or None)
    return str(shown or "")


def _words(session: Session, customer: Customer, key: str, who: Actor) -> str:
    if key == "address":
        line = places.address_line(customer.street, customer.ward_code, customer.province_code)
        return " · ".join(filter(None, (line, customer.old_address)))
    value = getattr(customer, key)
    if value is None:
        return ""
    if key in CATALOGUES:
        return catalogues.label_of(session, CATALOGUES[key], value)
    match key:
        case "source":
            return catalogues.label_of(session, SOURCES, value)
        case "gender":
            return str(GENDER_LABELS[value])
        case "birthday" | "next_contact_on":
            return day_text(value)
        case "company_id":
            return customer.company.name if queries.names_seen(session, {value}, who) and customer.company else ""
        case "owner_id":
            return session.get_one(Member, value).name
        case "team_id":
            return session.get_one(Team, value).name
    return str(value)


def contacts(customer: Customer, who: Actor) -> list[str]:
    """The ways to reach him in use, the preferred one first."""
    return [one.shown for one in queries.contacts_seen(customer.contact_points, who)]


def counted(session: Session, customer_id: int, who: Actor) -> list[tuple[Sentence, int]]:
    """How much of what belongs to him, as far as this person sees it; what there is nothing of is left out."""
    links = {link.table.name: link for link in children.links() if link.column.name == "customer_id"}
    models = {mapper.local_table.name: mapper.class_ for mapper in Entity.registry.mappers}
    found = []
    for table, label in _COUNTED:
        if table in links:
            column, model = links[table].column, models[table]
            rows = select(func.count()).select_from(model).where(column == customer_id)
            if has_row_rule(model):
                rows = rows.where(visible(model, who))
            number = session.scalar(rows) or 0
            if number:
                found.append((label, number))
    return found


def label_of(key: str) -> Sentence:
    """What a field of a merge is called."""
    own = extra.fields_of("Customer").get(key)
    return LABELS.get(key, key) if own is None else own.label


def sides(taken: Mapping[str, Any], *, keeps_first: bool) -> dict[str, Side]:
    """What was chosen by first and second (0, 1, 2), by kept and merged. What cannot be meant is left out."""
    by_place = {"0": Side.kept if keeps_first else Side.merged, "1": Side.merged if keeps_first else Side.kept}
    known = {choice.key: choice for choice in fields.CHOICES}
    found: dict[str, Side] = {}
    for key, value in taken.items():
        side = Side.both if value == "2" else by_place.get(str(value))
        is_own = key.startswith(extra.PREFIX) and side is not Side.both
        if side is not None and (is_own or (key in known and side in known[key].sides)):
            found[key] = side
    return found
