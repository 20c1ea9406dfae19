"""Roles for programs: list, read, make, rename, change what they may do, archive and restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import edge
from app.core.access import Actor, Scope, visible
from app.core.accounts import Role
from app.core.api import Api, listing, moment, verb
from app.core.db import db
from app.core.errors import BadRequestError, InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.schema import free_object, maybe, record, text, whole_number
from app.security import queries, role_matrix, role_services
from app.security.models import ROLE_LABEL_LENGTH, RoleProfile
from app.security.role_names import role_purpose
from app.security.role_rules import Cell

_NAMES = {
    "label_vi": maybe(text(ROLE_LABEL_LENGTH)), "label_en": maybe(text(ROLE_LABEL_LENGTH)),
    "purpose": maybe(text(role_services.LONGEST_PURPOSE)),
}  # fmt: skip
_RIGHTS = free_object('part → right → reach, as in {"Customer": {"view": "team", "export": "none"}}')
_NEW = record(required=("label_vi",), **_NAMES, like=maybe(text()), rights=_RIGHTS)
_NAMED = record(required=("rev",), rev=whole_number(), **_NAMES)
_CHANGED = record(required=("rev", "rights"), rev=whole_number(), rights=_RIGHTS)
_ORDERS = {"id": RoleProfile.id, "created_at": RoleProfile.created_at}


class RoleApi(Api):
    """A role is named by its code, which never changes. Who holds which is told and changed with the members."""

    resource_name = "roles"
    resource = "Role"

    @verb("/", "GET", "Roles with what they may do, archived ones too", query=listing(_ORDERS))
    def index(self) -> dict[str, Any]:
        rows = select(RoleProfile).where(visible(RoleProfile, edge.actor()))
        return self.page(rows, show_all=_all_shown, orders=_ORDERS, default_order="id", key=RoleProfile.id)

    @verb("/<code>", "GET", "One role with what it may do")
    def get(self, code: str) -> dict[str, Any]:
        return _shown(_role(db.session(), code, edge.actor()))

    @verb("/", "POST", "A new role; as another one may (like: its code), then as rights say", right="add", body=_NEW,
          status=201)  # fmt: skip
    def post(self) -> dict[str, Any]:
        body, who = self.read(), edge.actor()
        cells = _cells(body.get("rights") or {})

        def make(session: Session) -> dict[str, Any]:
            like = _known(session, body["like"], who) if body.get("like") else None
            profile = role_services.create_role(session, **_names(body), like=like, by=who)
            if cells:
                role_services.change_rights(session, profile, cells, rev=profile.rev, by=who)
            return _shown(profile)

        return self.write(make)

    @verb("/<code>", "PUT", "Call the role otherwise; what is not sent stays; rev as read", right="edit", body=_NAMED)
    def put(self, code: str) -> dict[str, Any]:
        body = self.read()

        def rename(session: Session, profile: RoleProfile, who: Actor) -> None:
            kept = {key: getattr(profile, key) for key in _NAMES}
            role_services.rename_role(session, profile, **_names({**kept, **body}), rev=body["rev"], by=who)

        return self._do(code, rename)

    @verb("/<code>/rights", "PATCH", "Change what the role may do; what is not sent stays; rev as read", right="edit",
          body=_CHANGED)  # fmt: skip
    def patch(self, code: str) -> dict[str, Any]:
        body = self.read()
        cells = _cells(body["rights"])
        return self._do(
            code,
            lambda session, profile, who: role_services.change_rights(session, profile, cells, rev=body["rev"], by=who),
        )

    @verb("/<code>/archive", "POST", "Nobody is given the role any more; refused while somebody holds it",
          right="delete")  # fmt: skip
    def archive(self, code: str) -> dict[str, Any]:
        return self._do(code, lambda session, profile, who: role_services.archive_role(session, profile, by=who))

    @verb("/<code>/restore", "POST", "The role can be given again", right="delete")
    def restore(self, code: str) -> dict[str, Any]:
        return self._do(code, lambda session, profile, who: role_services.restore_role(session, profile, by=who))

    def _do(self, code: str, act: Callable[[Session, RoleProfile, Actor], object]) -> dict[str, Any]:
        who = edge.actor()

        def run(session: Session) -> dict[str, Any]:
            profile = _role(session, code, who)
            act(session, profile, who)
            session.flush()
            return _shown(profile)

        return self.write(run)


def _role(session: Session, code: str, who: Actor) -> RoleProfile:
    """Raises NotFoundError when there is none, or none for him."""
    rows = select(RoleProfile).join(Role, Role.id == RoleProfile.id).where(Role.name == code)
    found = session.scalars(rows.where(visible(RoleProfile, who))).one_or_none()
    if found is None:
        raise NotFoundError
    return found


def _known(session: Session, code: str, who: Actor) -> RoleProfile:
    try:
        return _role(session, code, who)
    except NotFoundError:
        raise InvalidInputError(fields={"like": [_("There is no role %(code)s.", code=code)]}) from None


def _names(body: Mapping[str, Any]) -> dict[str, str]:
    return {key: body.get(key) or "" for key in _NAMES}


def _cells(rights: Mapping[str, Any]) -> dict[Cell, Scope]:
    """Raises InvalidInputError at "rights.Customer.view" for what is no right, or no reach of it."""
    cells: dict[Cell, Scope] = {}
    for part, reaches in rights.items():
        if not isinstance(reaches, Mapping):
            raise InvalidInputError(fields={f"rights.{part}"[:200]: [_("This must be a JSON object.")]})
        for right, reach in reaches.items():
            try:
                cells |= role_matrix.read({f"{part}.{right}": reach if isinstance(reach, str) else ""})
            except BadRequestError as error:
                raise InvalidInputError(fields={f"rights.{part}.{right}"[:200]: [error.message]}) from None
    return cells


def _all_shown(profiles: Sequence[RoleProfile]) -> list[dict[str, Any]]:
    matrices = queries.matrix_of_each(db.session(), [profile.id for profile in profiles])
    return [_told(profile, matrices[profile.id]) for profile in profiles]


def _shown(profile: RoleProfile) -> dict[str, Any]:
    return _all_shown([profile])[0]


def _told(profile: RoleProfile, matrix: Mapping[str, Mapping[str, Scope | None]]) -> dict[str, Any]:
    """`label` and `purpose` are in the language of the request; `rights` have the reach of every right there is."""
    return {
        "id": profile.id,
        "code": profile.name,
        "label": str(profile.label),
        "label_vi": profile.label_vi,
        "label_en": profile.label_en,
        "purpose": str(role_purpose(profile.name)),
        "archived_at": moment(profile.archived_at),
        "rights": {
            part: {right: scope.value for right, scope in reaches.items() if scope is not None}
            for part, reaches in matrix.items()
        },
        "rev": profile.rev,
    }
