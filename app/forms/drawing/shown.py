"""What does the builder begin with? The kinds of fields and their settings, the draft, and the words of its script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import null
from sqlalchemy.orm import Session

from app.catalogues.queries import catalogues, offered
from app.catalogues.shipped import CONSENT_PURPOSE
from app.core import clock
from app.core.access import Actor
from app.core.conditions import Condition
from app.core.conditions.editor import field_offer, offers
from app.core.conditions.fields import Field, Kind
from app.core.errors import BadRequestError
from app.core.i18n import LANGUAGES, _
from app.core.lists import read_condition
from app.core.screens import chooser
from app.core.timewords import moment_inside
from app.forms import company_words, queries, rules
from app.forms.compared import ASKED_IF_THERE, IN_FORMS, misfits
from app.forms.drawing.words import WORDS
from app.forms.fields import TYPES
from app.forms.fields.base import Context, FieldSpec, FieldType, FormField, Group, words_flaws
from app.forms.fields.choice import ChoiceType
from app.forms.fields.settings import Purpose, Setting
from app.forms.fields.shared import SHARED
from app.forms.layout import layout_problems, placed
from app.forms.meaning import changes
from app.forms.models import Form, FormPurpose
from app.forms.words import say
from app.security.role_names import role_names

GROUPS: Mapping[Group, Any] = {
    Group.words: _("Words"),
    Group.numbers: _("Numbers"),
    Group.days: _("Days and times"),
    Group.choices: _("To choose"),
    Group.vietnam: _("Vietnam"),
    Group.links: _("People and files"),
    Group.parts: _("Tables and sums"),
}
#: what stands before a kind in the palette; one that is not named here has the sign of all forms
_SIGNS = {
    "text": "cursor-text", "long_text": "align-left", "email": "mail", "note": "info-circle",
    "integer": "list-details", "decimal": "decimal", "percent": "percentage", "money": "coin",
    "date": "calendar", "time": "clock", "date_time": "calendar-time",
    "yes_no": "toggle-left", "choice": "circle-dot", "choices": "checkbox", "dependent_choice": "hierarchy",
    "stars": "star", "nps": "gauge",
    "phone": "phone", "citizen_id": "id", "tax_code": "building", "address": "map-pin",
    "customer": "user", "member": "user-check", "team": "users-group", "file": "paperclip", "photo": "photo",
    "rows": "table", "calculated": "sum", "signature": "signature",
}  # fmt: skip
_OTHER_SIGN = "forms"
#: differences that are told when two drew at once
MOST_TOLD_APART = 20
_PROPERTIES = frozenset(part.name for part in fields(FieldSpec))
_FIELD = re.compile(r"fields\[(\d+)\]")
#: the conditions that a field may have, in the order in which the panel shows them
_CONDITIONS = ("visible_if", "required_if", "readonly_if")


def begun(session: Session, form: Form, who: Actor) -> dict[str, Any]:
    """All that the script needs, ready for JSON."""
    draft, published = queries.draft_of(session, form), queries.published_version(session, form.code)
    purposes = offered(session, CONSENT_PURPOSE)
    return {
        "code": form.code,
        "is_own": form.purpose is FormPurpose.customers,
        "rev": draft.rev if draft else 0,
        "published": published.number if published else None,
        "saved_at": draft.updated_at.isoformat() if draft else None,
        "time_zone": who.time_zone,
        "saved_moment": str(moment_inside(draft.updated_at, clock.now(), who.time_zone)) if draft else "",
        "definition": queries.drawn_of(session, form),
        "problems": problems(session, queries.drawn_of(session, form)),
        "may_publish": queries.may_with(session, form, who, "approve"),
        "languages": [[code, str(name)] for code, name in LANGUAGES.items()],
        "groups": [{"key": str(group), "label": str(label)} for group, label in GROUPS.items()],
        "types": [_type(TYPES[code], purposes) for code in (*_SIGNS, *TYPES.keys() - _SIGNS.keys()) if code in TYPES],
        "shared": [_setting(one) for one in SHARED],
        "conditions": [name for name in _CONDITIONS if name in _PROPERTIES],
        "catalogues": [[one.code, str(one)] for one in session.scalars(catalogues())],
        "roles": [[one.code, str(one.label)] for one in role_names(session).values() if not one.is_archived],
        "words": {name: str(sentence) for name, sentence in WORDS.items()},
    }


def problems(session: Session, definition: Mapping[str, Any]) -> list[dict[str, str]]:
    """What keeps it from being published, as the API tells it."""
    found = company_words.problems(session, definition)
    return [{"path": one.path, "code": one.code, "message": str(one.message)} for one in found]


def _type(kind: FieldType, purposes: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "code": kind.code,
        "label": str(kind.label),
        "group": str(kind.group),
        "icon": _SIGNS.get(kind.code, _OTHER_SIGN),
        "control": str(kind.face.control),
        "unit": kind.face.unit,
        "placeholder": str(kind.face.placeholder),
        # what its default is chosen from, whatever its settings
        "answers": [[one.value, say(one.label)] for one in kind.choices(FieldSpec("", kind.code, ""), Context())]
        if kind.takes_default
        else [],
        "takes_default": kind.takes_default and not kind.is_worked_out,
        "is_answered": kind.has_answer and not kind.is_worked_out,
        "fits_rows": kind.fits_rows,
        "is_number": str(kind.index) == "number" and kind.group is not Group.links,
        "is_one_choice": isinstance(kind, ChoiceType) and kind.code != "choices",
        "can_be_unique": kind.can_be_unique,
        "searchable": kind.index is not None,
        "settings": [
            _setting(replace(one, choices=tuple(purposes)) if isinstance(one, Purpose) else one)
            for one in kind.settings
        ],
    }


def _setting(setting: Setting) -> dict[str, Any]:
    """{"editor", "name", "label", "help", "is_needed"} and what its own class knows more: least, most, choices, …"""
    told = {one.name: getattr(setting, one.name) for one in fields(setting)}
    if "choices" in told:
        told["choices"] = [[value, str(label)] for value, label in told["choices"]]
        told["none"] = str(told["none"])
    return {**told, "editor": setting.editor, "label": str(setting.label), "help": str(setting.help)}


# ── what stands by itself in a draft that is not finished ──


def sound(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The draft without the fields in which something is wrong, and without its layout when that is: it can be read."""
    drawn: dict[str, Any] = {"name": definition.get("name") or "", "fields": _objects(definition.get("fields"))}
    parts = {name: definition[name] for name in ("pages", "sections") if definition.get(name)}
    if any(one.path.startswith(("pages", "sections")) for one in layout_problems(parts)):
        parts = {}
    if not parts.get("sections"):
        drawn["fields"] = [{key: value for key, value in one.items() if key != "section"} for one in drawn["fields"]]
    drawn |= parts
    while drawn["fields"]:
        wrong = {int(found[1]) for one in rules.check_definition(drawn) if (found := _FIELD.match(one.path))}
        if not wrong:
            break
        drawn["fields"] = [one for number, one in enumerate(drawn["fields"]) if number not in wrong]
    return drawn


def _objects(drawn: object) -> list[dict[str, Any]]:
    return [one for one in drawn if isinstance(one, dict)] if isinstance(drawn, list) else []


# ── conditions ──


def comparable(
    definition: Mapping[str, Any], context: Context, *, field: str = "", section: str = ""
) -> dict[str, Field]:
    """Key → the field as a condition compares it, for a condition of this field, or of this section: what stands in it
    is asked only when it holds."""
    drawn = rules.read_definition(sound(definition))
    own = {field} | {
        one.key for _page, parts in placed(drawn.pages, drawn.sections, drawn.fields)
        for part in parts for one in part.fields if section and part.section.key == section
    }  # fmt: skip
    return {
        one.key: Field(one.key, say(one.spec.label), IN_FORMS[one.spec.type], null(), choices=_choices(one, context))
        for one in drawn.fields if one.key not in own and one.spec.type in IN_FORMS
    }  # fmt: skip


def _choices(one: FormField, context: Context) -> dict[str, str]:
    if IN_FORMS[one.spec.type] is not Kind.choice:
        return {}
    return {option.value: say(option.label) for option in one.type.choices(one.spec, context)}


def condition_offers(fields: Mapping[str, Field]) -> dict[str, Any]:
    """As core.conditions.editor says."""
    addresses = chooser.addresses()
    found = offers()
    for code in ASKED_IF_THERE:
        kind = str(IN_FORMS[code])
        found["operators"][kind] = [one for one in found["operators"][kind] if one["value"] == "none"]
    return {**found, "fields": [field_offer(one, addresses.get(one.kind)) for one in fields.values()]}


def read(typed: str, fields: Mapping[str, Field]) -> Condition | None:
    """A condition that was typed, or its stored form. Raises BadRequestError with what is wrong in it."""
    condition = read_condition(typed, fields)
    if condition is not None:
        kinds = {key: (str(one.label), one.kind) for key, one in fields.items()}
        for refusal in misfits(condition, kinds):
            raise BadRequestError(refusal.message)
    return condition


def told(condition: Condition | None, fields: Mapping[str, Field], who: Actor) -> dict[str, Any]:
    """A condition as the editor draws it and as one reads it."""
    if condition is None:
        return {"stored": None, "names": {}, "text": "", "sentence": ""}
    labels = {key: str(one.label) for key, one in fields.items()}
    return {
        "stored": condition.to_json(),
        "names": chooser.names_in(condition, fields, who),
        "text": condition.text,
        "sentence": condition.sentence(labels, chooser.values_of(condition, fields, who)),
    }


def told_apart(
    session: Session, form: Form, mine: Mapping[str, Any], base: Mapping[str, Any] | None
) -> dict[str, list[str]]:
    """What is different in `mine`, and in what is kept by now, from what both began from; in sentences, as far as the
    three can be read. {}: it is not told what they began from."""
    if base is None or rules.check_storable(base):
        return {}
    sides = {"mine": mine, "theirs": queries.drawn_of(session, form)}
    return {
        side: [str(one.message) for one in changes(*_both(base, drawn, form.name))][:MOST_TOLD_APART]
        for side, drawn in sides.items()
    }


def _both(base: Mapping[str, Any], drawn: Mapping[str, Any], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two as far as they can be compared: without the fields that are half drawn in one of them."""
    raw, whole = (base, drawn), (sound(base), sound(drawn))
    keys = [({one["key"] for one in queries.drawn_fields(of)}, {one["key"] for one in read["fields"]})
            for of, read in zip(raw, whole, strict=True)]  # fmt: skip
    half = {key for all_keys, sound_keys in keys for key in all_keys - sound_keys}
    for read in whole:
        read["fields"] = [one for one in read["fields"] if one["key"] not in half]
        read["name"] = name if any(words_flaws(read["name"], "name")) else read["name"]
    return whole
