"""/vai-tro/<id>/truong: what a role may do with each field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import request

from app.core import edge, guarded
from app.core.access import FULL, Actor, FieldRight, FieldRule, get_visible
from app.core.accounts import Role
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError, ConflictError, InvalidInputError, NotFoundError, Sentence
from app.core.formats import money_text
from app.core.i18n import _, ngettext
from app.core.masking import DOTS, Mask, masked
from app.core.pages import Page, done, page, show, trail
from app.security import field_rights
from app.security.field_rights import Rules
from app.security.role_names import role_label
from app.security.role_rules import Place, may_give_field
from app.security.roles import ADMIN, RESOURCE_LABELS

#: an invented value of each field as people read it, for those who set what is covered; of other fields by its mask
SAMPLES: Mapping[str, str] = {
    "address": "12 Lê Lợi, Bến Thành",
    "birthday": "21/03/1990",
    "bought": money_text(1_250_000),
    "gender": "Nữ",
    "id_number": "001 090 012 321",
    "note": "Thích giao buổi sáng",
    "owner": "Nguyễn Ngọc Lan",
    "proof": "Ghi âm cuộc gọi",
    "said": "Khách hẹn gọi lại",
    "source": "Facebook",
    "tax_code": "0312 345 321",
    "team": "Chăm sóc",
}
SAMPLE_BY_MASK = {
    Mask.phone: "0912 345 321",
    Mask.email: "lan@phosen.vn",
    Mask.number: "001 090 012 321",
    Mask.text: "Lan",
}
#: fields whose values are no texts: nothing of them is left to recognise
_NO_TEXTS = frozenset({"birthday", "bought", "gender", "source"})
_REVEALS = "mo."


class FieldRightPages(Page):
    resource = "Role"
    route_base = "/vai-tro"
    default_view = "fields"

    @page("/<role_id>/truong")
    def fields(self, role_id: str) -> Any:
        role = _role(role_id)
        return _page(role, {})

    @page("/<role_id>/truong", "POST", right="edit")
    def change(self, role_id: str) -> Any:
        role = _role(role_id)
        shown = _read(dict(parse_qsl(request.form.get("was", ""))))
        wanted = {place: rule for place, rule in _read(request.form).items() if shown.get(place) != rule}
        number, label = role.id, role_label(role.name)
        try:
            with edge.transaction() as session:
                role = get_visible(session, Role, number, edge.actor())
                changed = field_rights.change(
                    session, role, wanted, version=request.form.get("version", ""), by=edge.actor()
                )
        except (BadRequestError, NotFoundError):
            raise
        except ConflictError as conflict:
            told = _("Somebody changed these rights meanwhile. Below they stand as they are now, with your own choices"
                     " in them. Compare, then save again.")  # fmt: skip
            return _page(_role(role_id), wanted, refusal=told, status=conflict.status)
        except InvalidInputError as error:
            return _page(_role(role_id), wanted, problems=error.fields, status=error.status)
        except BusinessError as error:
            return _page(_role(role_id), wanted, refusal=error.message, status=error.status)
        if not changed:
            return done(_address(number), _("Nothing was changed."))
        return done(
            _address(number),
            ngettext("%(role)s: %(num)d field changed.", "%(role)s: %(num)d fields changed.", len(changed), role=label),
        )


def _address(role_id: int) -> str:
    return f"/vai-tro/{role_id}/truong"


def _role(typed: str) -> Role:
    return get_visible(db.session(), Role, row_id(typed), edge.actor())


def _read(sent: Mapping[str, str]) -> dict[Place, FieldRule]:
    """The rights as the form sends them: Customer.phone=masked, mo.Customer.phone=1. Raises BadRequestError."""
    wanted = {}
    for name, value in sent.items():
        resource, dot, field = name.partition(".")
        if not dot or name.startswith(_REVEALS):
            continue
        if value not in set(FieldRight) or guarded.field_of(resource, field) is None:
            raise BadRequestError
        wanted[resource, field] = FieldRule(FieldRight(value), sent.get(_REVEALS + name) == "1")
    return wanted


def _page(role: Role, chosen: Rules, *, refusal: Any = None, problems: Any = None, status: int = 200) -> Any:
    """The role as it is, and in it what was chosen a moment ago."""
    who, label = edge.actor(), role_label(role.name)
    known = field_rights.rules_of(db.session(), role.id)
    rules = {**known, **chosen}
    may_edit = who.may("edit", "Role") and role.name != ADMIN
    groups = [
        {
            "key": resource,
            "label": RESOURCE_LABELS[resource],
            # what one may give to every field of the part
            "offered": [
                right for right in FieldRight
                if all(may_give_field(who, (resource, key), FieldRule(right)) for key in fields)
            ],
            "rows": [_row(one, rules, problems or {}, who) for one in field_rights.in_order(fields.values())],
        }
        for resource, fields in guarded.guarded().items() if fields
    ]  # fmt: skip
    return show(
        "security/fields.html", status, role=role, label=label, groups=groups, may_edit=may_edit,
        is_admin=role.name == ADMIN, rights=field_rights.RIGHT_LABELS, refusal=refusal, has_problems=bool(problems),
        version=field_rights.version_of(known), was=_shown(known),
        whole=field_rights.ADMIN_READS_ALL, action=_address(role.id), role_url=f"/vai-tro/show/{role.id}",
        crumbs=trail((_("Roles"), "/vai-tro/list/"), (label, f"/vai-tro/show/{role.id}"), here=_("Rights to fields")),
    )  # fmt: skip


def _shown(rules: Rules) -> str:
    """The fields as the form is about to show them, as it sends them back."""
    told: dict[str, str] = {}
    for resource, fields in guarded.guarded().items():
        for key in fields:
            rule, name = rules.get((resource, key), FULL), f"{resource}.{key}"
            told |= {name: rule.right} | ({_REVEALS + name: "1"} if _reveals(rule) else {})
    return urlencode(told)


def _reveals(rule: FieldRule) -> bool:
    return rule.may_reveal and rule.right is FieldRight.masked


def _sample(field: guarded.GuardedField) -> Sentence:
    plain = SAMPLES.get(field.key, SAMPLE_BY_MASK[field.mask])
    covered = DOTS if field.key in _NO_TEXTS else masked(field.mask, plain)
    return _("%(plain)s is read as %(covered)s", plain=plain, covered=covered)


def _row(field: guarded.GuardedField, rules: Rules, problems: Mapping[str, Any], who: Actor) -> dict[str, Any]:
    place = field.resource, field.key
    rule, name = rules.get(place, FULL), ".".join(place)
    return {
        "name": name,
        "label": field.label,
        "is_sensitive": field.is_sensitive,
        "sample": _sample(field),
        "right": rule.right,
        "may_reveal": _reveals(rule),
        "offered": {right for right in FieldRight if may_give_field(who, place, FieldRule(right))},
        "may_offer_reveal": may_give_field(who, place, FieldRule(FieldRight.masked, may_reveal=True)),
        "problem": " ".join(str(sentence) for sentence in problems.get(name, ())),
    }
