"""Which fields can be set for many customers at once, by whom, to what? Never what tells one person from another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, auto
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.core.access import Actor, visible
from app.core.conditions.fields import Kind
from app.core.db import db
from app.core.errors import InvalidInputError, Sentence
from app.core.formats import day_text
from app.core.guarded import NOT_YOURS, key_of
from app.core.i18n import _
from app.core.screens import extra
from app.core.screens.columns import readable
from app.customers import profile, rules, tags
from app.customers.former import kept
from app.customers.labels import FIELD_LABELS
from app.customers.models import SOURCES, Customer
from app.customers.profile import Problems, code_of
from app.security.models import Member, Team
from app.security.queries import actor_of

TAGS_ADD, TAGS_REMOVE = "tags_add", "tags_remove"


class BulkKind(StrEnum):
    person = auto()
    team = auto()
    code = auto()
    day = auto()
    text = auto()
    yes_no = auto()
    tags = auto()


@dataclass(frozen=True)
class BulkField:
    """Something that can be set. `reason` is the key of the words that may, or must, stand beside it."""

    key: str
    label: Sentence
    kind: BulkKind
    #: the column, None for tags
    column: str | None = None
    catalogue: str = ""
    reason: str = ""
    reason_label: Sentence = ""
    #: what an empty value means, or how it is typed
    when_empty: Sentence = ""
    #: what there is to choose from, where no catalogue says it
    choices: Sequence[tuple[str, str]] = ()


def _code(key: str, catalogue: str, label: Sentence, when_empty: Sentence = "", **more: Any) -> BulkField:
    return BulkField(key, label, BulkKind.code, key, catalogue, when_empty=when_empty, **more)


_SEVERAL = _("Several separated by commas.")
_NONE = _("Empty: takes away what stands there.")
FIELDS: Mapping[str, BulkField] = {
    one.key: one for one in (
        BulkField("owner", _("Person in charge"), BulkKind.person, "owner_id", when_empty=_("Empty: nobody.")),
        BulkField("team", _("Team"), BulkKind.team, "team_id", when_empty=_("Empty: no team.")),
        _code("stage", profile.CATALOGUES["stage"], FIELD_LABELS["stage"], _NONE, reason="stage_reason",
              reason_label=_("Why, in the history of stages")),
        _code("tier", profile.CATALOGUES["tier"], FIELD_LABELS["tier"], _("Empty: the rules choose it again.")),
        _code("behaviour", profile.CATALOGUES["behaviour"], FIELD_LABELS["behaviour"], _NONE),
        _code("source", SOURCES, _("Came through"), _NONE),
        _code("touchpoint", profile.CATALOGUES["touchpoint"], FIELD_LABELS["touchpoint"], _NONE),
        BulkField("next_contact_on", FIELD_LABELS["next_contact_on"], BulkKind.day, "next_contact_on",
                  when_empty=_NONE),
        BulkField(TAGS_ADD, _("Add tags"), BulkKind.tags, when_empty=_SEVERAL),
        BulkField(TAGS_REMOVE, _("Take tags off"), BulkKind.tags, when_empty=_SEVERAL),
        BulkField("risk_reason", FIELD_LABELS["risk_reason"], BulkKind.text, "risk_reason",
                  when_empty=_("Say why they may be about to leave. Empty: no risk any more.")),
        BulkField("do_not_contact", FIELD_LABELS["do_not_contact"], BulkKind.yes_no, "do_not_contact",
                  reason="do_not_contact_reason", reason_label=FIELD_LABELS["do_not_contact_reason"]),
    )
}  # fmt: skip
#: whom a customer is given to
HANDED = ("owner", "team")
REASONS = tuple(one.reason for one in FIELDS.values() if one.reason)
#: column → those that change with it: they are given back together or not at all
_TOGETHER = {
    "tier": ("tier_is_fixed",), "behaviour": ("behaviour_is_fixed",), "risk_reason": ("risk_since",),
    "do_not_contact": ("do_not_contact_reason",),
}  # fmt: skip
#: column → its field, of all that a bulk edit may touch
COLUMNS: Mapping[str, BulkField] = {
    column: one for one in FIELDS.values() if one.column for column in (one.column, *_TOGETHER.get(one.column, ()))
}


def own_texts(who: Actor) -> Mapping[str, extra.OneText]:
    """The fields that the company added, as far as he may set them for many at once."""
    added = extra.extra_of("Customer")
    texts = {} if added is None else added.texts(db.session(), who)
    return {key: one for key, one in texts.items() if not one.is_unique and one.find is None}


def _own(one: extra.OneText) -> BulkField:
    kind = BulkKind.code if one.choices else BulkKind.day if one.kind is Kind.date else BulkKind.text
    return BulkField(one.key, one.label, kind, when_empty=_NONE, choices=one.choices)


def fields_for(who: Actor) -> Mapping[str, BulkField]:
    """Those that this person may set."""
    return {**_plain_for(who), **{key: _own(one) for key, one in own_texts(who).items()}}


def _plain_for(who: Actor) -> Mapping[str, BulkField]:
    return {
        key: one for key, one in FIELDS.items()
        if all(who.writes("Customer", key_of(name)) for name in (key, one.column or key, one.reason or key))
        and (key not in HANDED or who.may("assign", "Customer"))
    }  # fmt: skip


def read(session: Session, typed: Mapping[str, Any], by: Actor) -> dict[str, Any]:
    """What is set, as plain JSON, of what was typed: key → value. Codes, ids of people and teams, days, texts, names
    of tags; None empties a field.

    Raises InvalidInputError beside each key; beside "set" where nothing is set at all.
    """
    offered, problems = fields_for(by), Problems()
    own = own_texts(by)
    for key in typed:
        if key not in offered and key not in REASONS:
            with problems.beside(key):
                raise rules.UnreadableError(NOT_YOURS)
    said = [key for one in offered.values() if one.key in typed for key in (one.key, one.reason) if key in typed]
    wanted = {key: typed[key] for key in said}
    if not problems.fields and not wanted:
        raise InvalidInputError(fields={"set": [_("Choose at least one field to set.")]})
    changes: dict[str, Any] = {}
    # As for a customer of whom nothing is known yet: every rule of the profile holds.
    new = profile.read_profile(session, Customer(), {k: v for k, v in wanted.items() if k in profile.KEYS}, problems,
                               by=by)  # fmt: skip
    changes |= {key: kept(new[key]) for key in wanted if key in new}
    if "source" in wanted:
        with problems.beside("source"):
            changes["source"] = code_of(session, SOURCES, wanted["source"])
    for key, check in (("owner", _owner), ("team", _team)):
        if key in wanted:
            with problems.beside(key):
                changes[key] = check(session, wanted[key], by)
    for key in (TAGS_ADD, TAGS_REMOVE):
        if key in wanted:
            with _tags_beside(key, problems):
                changes[key] = list(tags.read_names(wanted[key]).values())
                if not changes[key]:
                    raise rules.UnreadableError(_("Please fill this in."))
    for key in own.keys() & wanted.keys():
        said = wanted[key].isoformat() if isinstance(wanted[key], date) else wanted[key]
        try:
            changes[key] = None if said in (None, "", []) else own[key].read(said)
        except InvalidInputError as refusal:
            problems.fields.setdefault(key, []).append(refusal.message)
    problems.refuse_any()
    return changes


@contextmanager
def _tags_beside(key: str, problems: Problems) -> Iterator[None]:
    with problems.beside(key):
        try:
            yield
        except InvalidInputError as refusal:
            problems.fields.setdefault(key, []).extend(refusal.fields.get("tags", [refusal.message]))


def _owner(session: Session, number: int | None, by: Actor) -> int | None:
    if number is None:
        return None
    member = session.scalars(select(Member).where(Member.id == number, visible(Member, by))).one_or_none()
    if member is None or not member.is_active:
        raise rules.UnreadableError(_("Choose somebody who works here."))
    if not actor_of(session, member).may("edit", "Customer"):
        raise rules.UnreadableError(_("%(name)s may not look after customers.", name=member.name))
    return number


def _team(session: Session, number: int | None, by: Actor) -> int | None:
    known = select(Team.id).where(Team.id == number, Team.archived_at.is_(None), visible(Team, by))
    if number is not None and session.scalar(known) is None:
        raise rules.UnreadableError(_("Choose one of the teams."))
    return number


def values_of(session: Session, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What services.change_customer takes of it."""
    values = {
        key: changes[key] for key in changes if key not in (TAGS_ADD, TAGS_REMOVE) and not key.startswith(extra.PREFIX)
    }
    if values.get("next_contact_on"):
        values["next_contact_on"] = date.fromisoformat(values["next_contact_on"])
    for key, model in (("owner", Member), ("team", Team)):
        if values.get(key) is not None:
            values[key] = session.get_one(model, values[key])
    return values


def own_of(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Of the fields that the company added: bare key → value."""
    return {key.removeprefix(extra.PREFIX): value for key, value in changes.items() if key.startswith(extra.PREFIX)}


def together(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns that were written, in groups of those that belong together."""
    groups: dict[str, dict[str, Any]] = {}
    for column, value in columns.items():
        groups.setdefault(COLUMNS[column].key, {})[column] = value
    return list(groups.values())


# ── in words ──
def told(session: Session, changes: Mapping[str, Any], who: Actor) -> list[tuple[Sentence, str]]:
    """(label, value with its reason) of what is set, as this person may read it."""
    return [
        (one.label, " · ".join(part for part in (_shown(session, one, changes[key]), changes.get(one.reason)) if part))
        for key, one in FIELDS.items() if key in changes and who.reads("Customer", key_of(key))
    ] + [
        (one.label, _own_shown(one, changes[key])) for key, one in own_texts(who).items() if key in changes
    ]  # fmt: skip


def _own_shown(one: extra.OneText, value: Any) -> str:
    if value is None:
        return str(_("(empty)"))
    labels = dict(one.choices)
    if labels:
        return ", ".join(labels.get(str(part), str(part)) for part in (value if isinstance(value, list) else [value]))
    if one.kind is Kind.date:
        return str(day_text(date.fromisoformat(value)))
    return str(readable(one.kind, value, {}))


def _shown(session: Session, one: BulkField, value: Any) -> str:
    if value is None:
        return str(_("(empty)"))
    match one.kind:
        case BulkKind.person:
            return session.get_one(Member, value).name
        case BulkKind.team:
            return session.get_one(Team, value).name
        case BulkKind.code:
            return catalogues.label_of(session, one.catalogue, value)
        case BulkKind.day:
            return str(day_text(date.fromisoformat(value)))
        case BulkKind.yes_no:
            return str(_("yes") if value else _("no"))
        case BulkKind.tags:
            return ", ".join(value)
        case BulkKind.text:
            return str(value)
