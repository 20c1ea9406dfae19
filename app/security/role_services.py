"""Make, copy, rename and archive roles, change what they may do, give them to members and take them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Select, delete, insert, select
from sqlalchemy.orm import Session

from app.core import audit, clock, uses, versions
from app.core.access import Actor, Scope
from app.core.accounts import (
    Permission,
    PermissionView,
    Role,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_role,
)
from app.core.db import queue_up
from app.core.errors import BadRequestError, BusinessError, ConflictError, InvalidInputError, Sentence
from app.core.i18n import LANGUAGES, _, in_language
from app.core.models import SavedView
from app.core.vietnamese import as_typed, fold
from app.security import field_rights, queries, services
from app.security.models import ROLE_LABEL_LENGTH, Member, RoleProfile, RoleScope
from app.security.role_names import VERSION, RoleName, role_label, role_names
from app.security.role_rules import Cell, Matrix, Place, beyond, may_give
from app.security.roles import ACTION_LABELS, ADMIN, RESOURCE_LABELS, ROLE_LABELS, is_plain, reaches

LONGEST_PURPOSE = 200
#: rights that a sentence names one by one
_MOST_NAMED = 5
_NOT_IN_CODES = re.compile(r"[^a-z0-9]+")

ADMIN_IS_WHOLE = _(
    "An administrator may do everything, always: so nobody locks the company out. Copy the role and narrow the copy."
)
LAST_ADMINISTRATOR = _("This is the last administrator. Give somebody else the role first.")


# ── what a role gives ──
def right_words(cell: Cell) -> Sentence:
    """Customers: export"""
    resource, action = cell
    return _("%(part)s: %(right)s", part=RESOURCE_LABELS[resource], right=ACTION_LABELS[action])


def _named(cells: Iterable[Cell]) -> str:
    told = [str(right_words(cell)) for cell in cells]
    more = len(told) - _MOST_NAMED
    return ", ".join(told[:_MOST_NAMED]) + (str(_(" and %(count)d more", count=more)) if more > 0 else "")


# ── roles ──
def create_role(
    session: Session, *, label_vi: str, label_en: str = "", purpose: str = "", like: RoleProfile | None = None,
    by: Actor,
) -> RoleProfile:  # fmt: skip
    """A new role that may do nothing yet and reads no more than its maker, or may do what the role `like` may do.

    Raises InvalidInputError by field for a name that is missing, too long or taken, and for a role to copy that may
    do more than he may himself.
    """
    by.must("add", "Role")
    named = _read_names(session, label_vi, label_en, purpose)
    copied: dict[Cell, Scope] = {}
    held_back: field_rights.Rules = by.fields
    if like is not None:
        copied = queries.rights_of_role(session, like.role)
        too_much = beyond(by, copied)
        if too_much:
            sentence = _("You cannot copy it: it may do more than you (%(rights)s).", rights=_named(too_much))
            raise InvalidInputError(fields={"like": [sentence]})
        held_back = field_rights.rules_of(session, like.id)
        fields = field_rights.beyond(by, held_back, queries.parts_of(copied))
        if fields:
            sentence = _("You cannot copy it: it reads more than you (%(fields)s).", fields=field_rights.named(fields))
            raise InvalidInputError(fields={"like": [sentence]})
    role = Role(name=_free_code(session, named["label_vi"] or ""))
    session.add(role)
    session.flush()
    profile = RoleProfile(id=role.id, **named)
    session.add(profile)
    session.flush()
    _write(session, profile, copied, before={})
    field_rights.hold_back(session, profile.id, held_back)
    versions.changed(session, VERSION)
    return profile


def rename_role(
    session: Session, profile: RoleProfile, *, label_vi: str, label_en: str = "", purpose: str = "", rev: int, by: Actor
) -> None:
    """Call the role otherwise: only its words change. Raises InvalidInputError by field, ConflictError for an old rev.

    A shipped role called by nothing of the company's own is called as we ship it again.
    """
    by.must("edit", "Role")
    _at_rev(session, profile, rev)
    is_shipped = profile.name in ROLE_LABELS
    if is_shipped and not as_typed(label_vi) and not as_typed(label_en):
        profile.label_vi = profile.label_en = None
        profile.purpose = as_typed(purpose)[:LONGEST_PURPOSE] or None
    else:
        for key, value in _read_names(session, label_vi, label_en, purpose, but=profile.id).items():
            setattr(profile, key, value)
    session.flush()
    versions.changed(session, VERSION)


def change_rights(
    session: Session, profile: RoleProfile, cells: Matrix, *, rev: int, by: Actor
) -> dict[Cell, tuple[Scope, Scope]]:
    """Give the role these rights; what is not named stays. Returns what changed, from what to what.

    Every holder has them with his next click. Raises BusinessError for the administrators' role, for a right that
    reaches further than his own, and in a part of which the role reads more than he does; ConflictError for an old rev,
    BadRequestError for a right or reach that there is not.
    """
    by.must("edit", "Role")
    _at_rev(session, profile, rev)
    known = queries.matrix_of(session, profile.role)
    changed: dict[Cell, tuple[Scope, Scope]] = {}
    for (resource, action), scope in cells.items():
        before = known.get(resource, {}).get(action)
        if before is None or scope not in reaches(resource, action):
            raise BadRequestError(_("There is no such right, or it does not reach like that."))
        is_same = (before is Scope.none) is (scope is Scope.none) if is_plain(resource, action) else before is scope
        if not is_same:
            changed[resource, action] = (before, scope)
    if not changed:
        return {}
    if profile.name == ADMIN:
        raise BusinessError(ADMIN_IS_WHOLE)
    if profile.archived_at is not None:
        raise BusinessError(_("This role is archived. Restore it first."))
    too_much = [cell for cell, scopes in changed.items() if not all(may_give(by, cell, scope) for scope in scopes)]
    if too_much:
        raise BusinessError(
            _("You can only change rights that you have yourself: %(rights)s.", rights=_named(too_much))
        )
    parts = {resource for resource, _action in changed}
    fields = field_rights.beyond(by, field_rights.rules_of(session, profile.id), parts)
    if fields:
        raise BusinessError(
            _("You cannot change these rights: the role reads more than you (%(fields)s).",
              fields=field_rights.named(fields))
        )  # fmt: skip
    _write(session, profile, {cell: new for cell, (_old, new) in changed.items()},
           before={cell: old for cell, (old, _new) in changed.items()})  # fmt: skip
    profile.updated_at = clock.now()
    session.flush()
    services.rights_changed(session, _holder_ids(session, profile.id))
    return changed


def archive_role(session: Session, profile: RoleProfile, *, by: Actor) -> None:
    """Nobody is given it any more. Raises InUseError with the names while somebody or something needs it."""
    by.must("delete", "Role")
    queue_up(session, "member")
    for hindrance in role_hindrances(session, [profile], by).values():
        raise uses.InUseError(hindrance)
    profile.archived_at = profile.archived_at or clock.now()
    session.flush()
    versions.changed(session, VERSION)


def restore_role(session: Session, profile: RoleProfile, *, by: Actor) -> None:
    """The role can be given again."""
    by.must("delete", "Role")
    profile.archived_at = None
    session.flush()
    versions.changed(session, VERSION)


def role_hindrances(session: Session, profiles: Sequence[RoleProfile], who: Actor) -> dict[int, Sentence]:
    """Role id → who would be left without it: holders, also those who left; views of its; processes.

    Roles that nobody needs are not in it.
    """
    told: dict[int, list[str]] = {profile.id: [] for profile in profiles}
    holding = (
        select(assoc_user_role.c.role_id, Member.name)
        .join(Member, Member.id == assoc_user_role.c.user_id)
        .where(assoc_user_role.c.role_id.in_(told))
    )
    for role_id, name in session.execute(holding.order_by(Member.sort_key)):
        told[role_id].append(name)
    views = select(SavedView.role_id, SavedView.name).where(SavedView.role_id.in_(told)).order_by(SavedView.name)
    for role_id, name in session.execute(views):
        told[role_id or 0].append(str(_("the view %(name)s", name=name)))
    for role_id, mentions in uses.mentions_of_each(session, [profile.role for profile in profiles], who).items():
        told[role_id] += uses.mentioned(mentions, lambda name: _("the process %(name)s", name=name))
    found = {role_id: _needed_by(users) for role_id, users in told.items() if users}
    stays = _("The role of administrators stays: somebody has to look after the company.")
    return found | {profile.id: stays for profile in profiles if profile.name == ADMIN}


def _needed_by(users: Sequence[str]) -> Sentence:
    more = len(users) - _MOST_NAMED
    named = "; ".join(users[:_MOST_NAMED]) + (str(_(" and %(count)d more", count=more)) if more > 0 else "")
    return _("This role is still needed by: %(users)s.", users=named)


# ── members ──
def assign_roles(session: Session, member: Member, codes: Collection[str], *, by: Actor) -> None:
    """From now on the member holds exactly these roles; his sessions end, so that he begins with his new rights.

    Raises InvalidInputError at "roles" for a role that is not there or not given any more, one that may do more than
    the giver, and when the last administrator would lose his; for oneself nobody but an administrator adds one.
    """
    by.must("assign", "Role")
    queue_up(session, "member")
    names = role_names(session)
    held = {role.name: role for role in member.user.roles}
    given, taken = set(codes) - set(held), set(held) - set(codes)
    if not given and not taken:
        return
    unknown = sorted(code for code in given if code not in names or names[code].is_archived)
    if unknown:
        raise _refused(_("There is no such role to give: %(names)s.", names=", ".join(unknown)))
    if member.id == by.user_id and given and ADMIN not in by.roles:
        raise _refused(_("You cannot give a role to yourself. Ask an administrator."))
    moved = {role.name: role for role in session.scalars(select(Role).where(Role.name.in_(given | taken)))}
    beyond_him = _beyond_of_each(session, by, [role.id for role in moved.values()])
    for code in sorted(moved):
        too_much, fields = beyond_him[moved[code].id]
        if too_much:
            raise _refused(
                _("You can neither give nor take the role %(name)s: it may do more than you (%(rights)s).",
                  name=role_label(code), rights=_named(too_much))
            )  # fmt: skip
        if fields:
            raise _refused(
                _("You can neither give nor take the role %(name)s: it reads more than you (%(fields)s).",
                  name=role_label(code), fields=field_rights.named(fields))
            )  # fmt: skip
    if ADMIN in taken and _is_last_administrator(session, member):
        raise _refused(LAST_ADMINISTRATOR)
    member.user.roles = [role for code, role in {**held, **moved}.items() if code in set(codes)]
    session.flush()
    services.rights_changed(session, [member.id])
    services.end_sign_ins(session, member.id, reason="roles")


def _is_last_administrator(session: Session, member: Member) -> bool:
    queue_up(session, "member")
    return [one.id for one in queries.members_with_role(session, ADMIN)] == [member.id]


def roles_to_choose(session: Session, by: Actor, member: Member | None = None) -> list[tuple[RoleName, bool, Sentence]]:
    """Every role that can be given, and those that the member holds: (role, does he hold it, why it cannot be changed).

    The last is "" where it can.
    """
    held = {role.name for role in member.user.roles} if member is not None else set()
    offered = [name for code, name in role_names(session).items() if code in held or not name.is_archived]
    is_himself = member is not None and member.id == by.user_id and ADMIN not in by.roles
    beyond_him = _beyond_of_each(session, by, [name.id for name in offered])

    def why_not(name: RoleName) -> Sentence:
        if not by.may("assign", "Role"):
            return _("You do not have the right to do this.")
        if is_himself and name.code not in held:
            return _("You cannot give a role to yourself. Ask an administrator.")
        too_much, fields = beyond_him[name.id]
        if too_much:
            return _("It may do more than you: %(rights)s.", rights=_named(too_much))
        return _("It reads more than you: %(fields)s.", fields=field_rights.named(fields)) if fields else ""

    return [(name, name.code in held, why_not(name)) for name in offered]


def _beyond_of_each(
    session: Session, by: Actor, role_ids: Collection[int]
) -> dict[int, tuple[list[Cell], list[Place]]]:
    """Role id → the rights and the fields with which it may do more than this person. Two queries for all of them."""
    held_back = field_rights.rules_of_each(session, role_ids)
    return {
        role_id: (beyond(by, rights), field_rights.beyond(by, held_back[role_id], queries.parts_of(rights)))
        for role_id, rights in queries.rights_of_roles(session, role_ids).items()
    }


def _refused(sentence: Sentence) -> InvalidInputError:
    return InvalidInputError(fields={"roles": [sentence]})


# ── rows ──
def _at_rev(session: Session, profile: RoleProfile, rev: int) -> None:
    session.refresh(profile, with_for_update={"of": RoleProfile})
    if profile.rev != rev:
        raise ConflictError(_("Someone has changed this role in the meantime. Compare, then save again."),
                            rev=profile.rev, at=profile.updated_at)  # fmt: skip


def _read_names(
    session: Session, label_vi: str, label_en: str, purpose: str, *, but: int | None = None
) -> dict[str, str | None]:
    """The names as they are kept. Raises InvalidInputError by field; `but` is the role that may keep its own."""
    typed = {"label_vi": as_typed(label_vi), "label_en": as_typed(label_en), "purpose": as_typed(purpose)}
    problems: dict[str, list[Sentence]] = {}
    if not any(sign.isalnum() for sign in typed["label_vi"]):
        problems["label_vi"] = [_("Type what the role is called. Example: Trưởng ca")]
    taken = _called(session, but)
    for key in ("label_vi", "label_en"):
        if len(typed[key]) > ROLE_LABEL_LENGTH:
            problems[key] = [_("At most %(most)d characters.", most=ROLE_LABEL_LENGTH)]
        elif fold(typed[key]) in taken:
            problems[key] = [_("Another role is called like that already.")]
    if len(typed["purpose"]) > LONGEST_PURPOSE:
        problems["purpose"] = [_("At most %(most)d characters.", most=LONGEST_PURPOSE)]
    if problems:
        raise InvalidInputError(fields=problems)
    return {key: value or None for key, value in typed.items()}


def _called(session: Session, but: int | None) -> set[str]:
    """What roles are called in either language, folded."""
    taken: set[str] = set()
    for name in role_names(session).values():
        if name.id == but:
            continue
        for language in LANGUAGES:
            with in_language(language):
                taken.add(fold(str(name.label)))
    return taken


def _free_code(session: Session, label: str) -> str:
    """A stable name for processes and programs to speak of it: "Trưởng ca" → "truong-ca"."""
    stem = _NOT_IN_CODES.sub("-", fold(label)).strip("-")[:50] or "role"
    taken = {code.lower() for code in role_names(session)}
    return next(code for code in (stem, *(f"{stem}-{n}" for n in range(2, 10_000))) if code not in taken)


def _holding(role_id: int) -> Select[int]:
    return select(assoc_user_role.c.user_id).where(assoc_user_role.c.role_id == role_id)


def _holder_ids(session: Session, role_id: int) -> list[int]:
    return list(session.scalars(_holding(role_id)))


def _write(session: Session, profile: RoleProfile, rights: Matrix, *, before: Matrix) -> None:
    """The rows of rights and reaches, as rows; one line of the audit log tells all of it in the words of roles.py."""
    if not rights:
        return
    role_id = profile.id
    permission_ids = {
        (resource, name.removeprefix("can_")): key
        for key, name, resource in session.execute(
            select(PermissionView.id, Permission.name, ViewMenu.name)
            .join(Permission, Permission.id == PermissionView.permission_id)
            .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
            .where(ViewMenu.name.in_({resource for resource, _action in rights}))
        )
    }
    for (resource, action), scope in rights.items():
        link = {"permission_view_id": permission_ids[resource, action], "role_id": role_id}
        of_cell = (RoleScope.role_id == role_id, RoleScope.resource == resource, RoleScope.action == action)
        session.execute(delete(assoc_permissionview_role).filter_by(**link))
        session.execute(delete(RoleScope).where(*of_cell))
        if scope is not Scope.none:
            session.execute(insert(assoc_permissionview_role).values(**link))
            session.execute(insert(RoleScope).values(role_id=role_id, resource=resource, action=action, scope=scope))
    session.expire(profile.role, ["permissions"])
    told = {f"{resource}.{action}": [before.get((resource, action), Scope.none).value, scope.value]
            for (resource, action), scope in rights.items()}  # fmt: skip
    audit.record(session, "role.rights_changed", table="role_profile", record_id=role_id, changes=told)
