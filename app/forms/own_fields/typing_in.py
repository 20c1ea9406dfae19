"""How is one own field written in a cell of a file, or set for many customers: as one text?"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.core.access import Actor, FieldRight
from app.core.conditions.fields import Kind
from app.core.errors import InvalidInputError
from app.core.i18n import _
from app.core.screens.extra import PREFIX, OneText
from app.core.vietnamese import fold
from app.customers.models import Customer
from app.customers.queries import header_visible
from app.forms.compared import KINDS
from app.forms.fields.base import Context, FormField
from app.forms.own_fields import queries
from app.forms.words import say

#: what one text cannot hold
_NOT_AS_TEXT = frozenset({"calculated", "rows"})
#: customers who are looked up by one statement
_LOT = 500
_BETWEEN = re.compile(r"[;,\n|]")


def texts(session: Session, who: Actor) -> Mapping[str, OneText]:
    """Those that this person may set, by key."""
    drawn = queries.drawn(session)
    if drawn is None:
        return {}
    context = queries.context(session, who, None)
    return {
        PREFIX + key: OneText(
            PREFIX + key, say(one.spec.label), KINDS[one.spec.type], _offered(one, context), _reader(one, context),
            is_unique=bool(one.spec.unique), is_required=one.spec.required and not one.shown_if,
            find=partial(_customers, who=who) if one.spec.type == "customer" else None,
        )
        for key, one in drawn.fields.items()
        if one.spec.type in KINDS and one.spec.type not in _NOT_AS_TEXT
        and queries.may(who, one, FieldRight.full)
    }  # fmt: skip


def _offered(one: FormField, context: Context) -> tuple[tuple[str, str], ...]:
    if KINDS[one.spec.type] not in (Kind.choice, Kind.person, Kind.team, Kind.yes_no):
        return ()
    return tuple((str(option.value), say(option.label)) for option in one.type.possible(one.spec, context))


def _reader(one: FormField, context: Context) -> Callable[[Any], Any]:
    offered = _offered(one, context)
    by_word = {_plain(word): value for value, label in reversed(offered) for word in (value, label)}

    def coded(text: str) -> str:
        return by_word.get(_plain(text), text.strip())

    def read(said: Any) -> Any:
        raw: Any = said
        if isinstance(said, str) and offered:
            raw = [coded(part) for part in _parts(said)] if one.spec.type == "choices" else coded(said)
        if one.spec.type == "dependent_choice":
            return _among(offered, raw)
        if one.spec.type == "customer" and isinstance(said, str):
            return said.strip() or None
        if one.spec.type == "address" and isinstance(said, str):
            raw = address_in(said)
        found = one.type.parse(raw, one.spec, context)
        if found.problems:
            raise InvalidInputError(found.problems[0])
        return found.value

    return read


def address_in(text: str) -> Any:
    """An address in one line, as one writes and exports it: street, ward, province. "" for nothing."""
    parts = [part for part in (one.strip() for one in re.split(r"[,;\n]", text)) if part]
    if not parts:
        return ""
    province, ward = parts[-1], parts[-2] if len(parts) > 1 else ""
    return {"province": province, "ward": ward, "street": ", ".join(parts[:-2])}


def _customers(session: Session, texts: Collection[str], *, who: Actor) -> dict[str, Any]:
    """Text → the id of the customer whose code it is, or whose name alone; or why it is nobody."""
    found: dict[str, Any] = {}
    wanted = sorted(texts)
    for place in range(0, len(wanted), _LOT):
        lot = wanted[place : place + _LOT]
        known_as = or_(Customer.code.in_({text.upper() for text in lot}), Customer.name.in_(lot))
        rows = select(Customer.id, Customer.code, Customer.name).where(
            known_as, Customer.archived_at.is_(None), header_visible(who)
        )
        named: dict[str, list[int]] = {}
        coded: dict[str, int] = {}
        for number, code, name in session.execute(rows):
            coded[code] = number
            named.setdefault(name, []).append(number)
        for text in lot:
            several = named.get(text, [])
            if text.upper() in coded:
                found[text] = coded[text.upper()]
                continue
            found[text] = several[0] if len(several) == 1 else InvalidInputError(
                _("Several customers are called so. Write the code of the customer.") if several else
                _("There is no customer with this code or name, or you may not see it.")
            )  # fmt: skip
    return found


def _among(offered: Iterable[tuple[str, str]], raw: Any) -> Any:
    """The other answer that it depends on is not known here: it is judged when it is kept."""
    if raw in (None, ""):
        return None
    if raw not in {value for value, _label in offered}:
        raise InvalidInputError(_("Please choose one of the answers offered."))
    return raw


def _parts(text: str) -> list[str]:
    return [part for part in (one.strip() for one in _BETWEEN.split(text)) if part]


def _plain(text: str) -> str:
    return " ".join(fold(text).split())
