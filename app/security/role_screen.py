"""/vai-tro: which roles are there, who holds them, and what may each of them do with whose rows?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import g, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from wtforms import SelectField

from app.core import edge, history
from app.core.access import Actor, Scope, get_visible, visible
from app.core.accounts import Role, User, assoc_user_role
from app.core.audit import AuditEvent
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError, ConflictError
from app.core.i18n import _, ngettext
from app.core.pages import done
from app.core.screens import Derived, Interface, Kind, Screen, action, route
from app.security import columns, field_rights, looking, queries, role_matrix, role_services
from app.security.cells import drawn
from app.security.models import Member, RoleField, RoleProfile
from app.security.role_names import LABELS, role_label, role_names, role_purpose
from app.security.roles import ACTION_LABELS, ADMIN, RESOURCES, SCOPE_LABELS

_CODE = select(Role.name).where(Role.id == RoleProfile.id).correlate(RoleProfile).scalar_subquery()
#: holders that a page names one by one
_MOST_NAMED = 4
#: roles that the page of one leads to
_MOST_CARDS = 12
#: holders who are tried before the page offers no look with the eyes of one
_EYES_TRIED = 3


class LikeField(SelectField):
    """The role that a new one begins as; or nothing at all."""

    def __init__(self, label: Any = None, validators: Any = None, **more: Any) -> None:
        super().__init__(label, validators, coerce=str, **{"default": "", **more})

    def process(self, formdata: Any, *args: Any, **more: Any) -> None:
        names = role_names(db.session()).values()
        self.choices = [("", _("Nothing: I choose every right myself")), *(
            (str(one.id), one.label) for one in names if not one.is_archived
        )]  # fmt: skip
        super().process(formdata, *args, **more)


class RoleScreen(Screen):
    """The roles as a list; the page of one is its matrix, to change for those who may."""

    resource = "Role"
    collection = "roles"
    datamodel = Interface(RoleProfile)
    empty_text = _("No role yet. Without a role, a member sees nothing.")
    empty_art = "lock"
    route_base = "/vai-tro"
    list_title = _("Roles")
    show_title = _("Role")
    add_title = _("New role")
    edit_title = _("Rename the role")
    show_template = "security/role.html"
    list_columns = ["name", "user"]
    show_columns = ["name"]
    add_columns = ["label_vi", "label_en", "purpose", "like"]
    edit_columns = ["label_vi", "label_en", "purpose"]
    order_columns = ["id"]
    base_order = ("id", "asc")
    derived = {
        "name": Derived(Kind.text, _CODE, choices=LABELS, show=lambda code: drawn("role", _role_words(code))),
        "user": Derived(Kind.text, columns.holder_names(RoleProfile.id),
                        show=lambda names: drawn("holders", _lines(names))),
    }  # fmt: skip
    form_fields = {"like": LikeField(_("May do at first"))}
    related_by = {"MemberScreen": lambda role: Member.id.in_(queries.holders(role.id))}
    related_titles = {"MemberScreen": _("Members with this role")}
    related_empty = {
        "MemberScreen": (_("Nobody holds this role yet. It is given on the page of a person: Edit, then Roles."),
                         _("Choose a person"), "/nhan-su/list/"),
    }  # fmt: skip
    history_events = {"role.rights_changed": _("Rights changed")}
    label_columns = {
        "name": _("Role"),
        "user": _("Held by"),
        "label_vi": _("Name in Vietnamese"),
        "label_en": _("Name in English"),
        "purpose": _("What it is for"),
        "like": _("May do at first"),
    }
    description_columns = {
        "label_vi": _("Example: Trưởng ca"),
        "label_en": _("For those who use the product in English. Empty: the Vietnamese name."),
        "purpose": _("One line below the name. Example: Xếp ca và duyệt đổi ca."),
        "like": _("A copy of this role, which you then change."),
    }
    #: for templates/security/role.html
    words = {"actions": ACTION_LABELS, "scopes": SCOPE_LABELS}

    def history_subjects(self, item: RoleProfile, who: Actor) -> list[history.Subject]:
        """With every right from what to what, those to fields too."""
        own, *others = super().history_subjects(item, who)
        fields = history.Subject(
            RoleField, select(RoleField.id).where(RoleField.role_id == item.id),
            {"right": _("What it allows"), "may_reveal": _("May open covered values")}, _field_right_told,
            kind=_("Right to a field"), title=RoleField.place, called=field_rights.place_words,
        )  # fmt: skip
        return [replace(own, event_lines=_rights_told), *others, fields]

    # ── rows ──
    def row_title(self, item: Any) -> str:
        return str(item.label)

    def title_of(self, value: Any) -> str:
        return str(role_label(value))

    def purpose(self, item: RoleProfile) -> Any:
        return role_purpose(item.name)

    # ── making and naming ──
    def prefill(self, form: Any) -> None:
        asked = request.args.get("like", "")
        if any(asked == value for value, _label in form.like.choices):
            form.like.data = asked

    def create(self, session: Session, form: Any, *, by: Actor) -> Any:
        like = get_visible(session, RoleProfile, row_id(form.like.data), by) if form.like.data else None
        return role_services.create_role(session, by=by, like=like, **_typed(form))

    def change(self, session: Session, item: Any, form: Any, *, by: Actor) -> None:
        role_services.rename_role(session, item, by=by, rev=item.rev, **_typed(form))

    # ── the matrix ──
    def editor(self, item: RoleProfile) -> dict[str, Any]:
        """What the template draws of the matrix: rows, and whether and why not they can be changed."""
        who = edge.actor()
        typed = g.get("typed_rights", {})
        locked: Any = ""
        if not who.may("edit", "Role"):
            locked = _("You may look at roles, not change them.")
        elif item.name == ADMIN:
            locked = role_services.ADMIN_IS_WHOLE
        elif item.archived_at is not None:
            locked = _("This role is archived. Restore it first.")
        groups = role_matrix.drawn(queries.matrix_of(db.session(), item.role), typed, who)
        every = [cell for _heading, rows in groups for row in rows for cell in row.cells.values() if cell is not None]
        return {
            "groups": groups, "was": role_matrix.shown(groups), "locked": locked, "rev": item.rev,
            "unsaved": bool(typed),
            "problem": g.get("rights_problem"), "has_closed": any(cell.closed for cell in every),
            "holders": self._holders_told(item), "roles": _cards(item, who), "eyes": _eyes(item, who),
            "may_copy": who.may("add", "Role"), "may_rename": who.may("edit", "Role"),
        }  # fmt: skip

    @route("/rights/<pk>", right="edit", methods=("POST",))
    def rights(self, pk: str) -> Any:
        """Keep what was chosen in the matrix; a refusal shows it again with all that was chosen."""
        key = row_id(pk)
        get_visible(db.session(), RoleProfile, key, edge.actor(), "edit")
        sent = request.form.to_dict()
        rev, was = sent.pop("rev", ""), sent.pop("was", "")
        sent.pop("csrf_token", None)
        if not (rev.isascii() and rev.isdigit()) or len(rev) > 9:
            raise BadRequestError
        cells = role_matrix.touched(role_matrix.read(sent), was)
        try:
            with edge.transaction() as session:
                profile = get_visible(session, RoleProfile, key, edge.actor(), "edit")
                changed = role_services.change_rights(session, profile, cells, rev=int(rev), by=edge.actor())
        except BadRequestError:
            raise
        except BusinessError as error:
            problem = error.message
            if isinstance(error, ConflictError):
                problem = _("Someone has changed this role in the meantime. Below stands what it may do now, with your"
                            " own choices in it. Compare, then save again.")  # fmt: skip
            g.typed_rights, g.rights_problem = cells, problem
            return self.show(str(key)), error.status
        if not changed:
            return done(url_for("RoleScreen.show", pk=key), _("Nothing was changed."))
        told = ngettext("%(num)d right changed. It holds from the next click.",
                        "%(num)d rights changed. They hold from the next click.", len(changed))  # fmt: skip
        return done(url_for("RoleScreen.show", pk=key), told)

    def _holders_told(self, item: RoleProfile) -> Any:
        """Whom a change concerns."""
        rows = db.session().scalars(select(Member.name).where(Member.id.in_(queries.holders(item.id)))
                                    .order_by(Member.sort_key)).all()  # fmt: skip
        if not rows:
            return _("Nobody holds this role yet.")
        named = ", ".join(rows[:_MOST_NAMED])
        more = len(rows) - _MOST_NAMED
        if more > 0:
            return ngettext("Concerns %(all)d members at once: %(names)s and %(num)d more.",
                            "Concerns %(all)d members at once: %(names)s and %(num)d more.", more,
                            all=len(rows), names=named)  # fmt: skip
        return ngettext("Concerns %(num)d member at once: %(names)s.", "Concerns %(num)d members at once: %(names)s.",
                        len(rows), names=named)  # fmt: skip

    # ── in use or not ──
    def hinders_of(self, session: Session, name: str, items: Sequence[RoleProfile]) -> Mapping[int, Any]:
        return role_services.role_hindrances(session, items, edge.actor()) if name == "archive" else {}

    def offers(self, name: str, item: Any) -> bool:
        return super().offers(name, item) and not (name == "archive" and item.name == ADMIN)

    @action(
        "archive", _("Archive"), right="delete", done=_("%(rows)s archived"), undo="restore", icon="archive",
        confirmation=_("Nobody is given it any more."),
    )  # fmt: skip
    def archive(self, session: Session, item: RoleProfile, *, by: Actor) -> None:
        role_services.archive_role(session, item, by=by)

    @action("restore", _("Restore"), right="delete", done=_("%(rows)s restored"), icon="refresh")
    def restore(self, session: Session, item: RoleProfile, *, by: Actor) -> None:
        role_services.restore_role(session, item, by=by)


def _cards(item: RoleProfile, who: Actor) -> list[dict[str, Any]]:
    """The roles that are given, and this one: to walk from one to the next. One query."""
    counted = func.count(User.id).filter(User.active.is_(True))
    rows = db.session().execute(
        select(RoleProfile.id, Role.name, counted).join(Role, Role.id == RoleProfile.id)
        .outerjoin(assoc_user_role, assoc_user_role.c.role_id == Role.id)
        .outerjoin(User, User.id == assoc_user_role.c.user_id)
        .where(visible(RoleProfile, who), RoleProfile.archived_at.is_(None) | (RoleProfile.id == item.id))
        .group_by(RoleProfile.id, Role.name).order_by(RoleProfile.id).limit(_MOST_CARDS)
    )  # fmt: skip
    return [
        {"label": role_label(code), "url": url_for("RoleScreen.show", pk=key), "is_here": key == item.id,
         "holders": ngettext("%(num)d person", "%(num)d people", count)}
        for key, code, count in rows
    ]  # fmt: skip


def _eyes(item: RoleProfile, who: Actor) -> dict[str, str] | None:
    """A holder as whom he may look, to see what the role shows; None where there is none."""
    if not who.is_himself or not looking.may_look(who):
        return None
    session = db.session()
    few = session.scalars(select(Member).where(Member.id.in_(queries.holders(item.id)), visible(Member, who))
                          .order_by(Member.sort_key).limit(_EYES_TRIED)).all()  # fmt: skip
    found = next((one for one in few if looking.why_not(session, one, who) is None), None)
    return None if found is None else {"name": found.name, "url": url_for("LookPages.begin", member_id=found.id)}


def _rights_told(event: AuditEvent) -> Iterator[history.Line]:
    for name, (old, new) in event.changes.items():
        resource, _dot, action = name.partition(".")
        if action in RESOURCES.get(resource, ()):
            cell = (resource, action)
            yield history.Line(
                role_services.right_words(cell), *(role_matrix.words(cell, Scope(one)) for one in (old, new))
            )


def _field_right_told(column: str, value: Any) -> Any:
    if column == "right":
        return field_rights.RIGHT_LABELS.get(value, value)
    return (_("Yes") if value else _("No")) if isinstance(value, bool) else value


def _typed(form: Any) -> dict[str, str]:
    return {key: form[key].data or "" for key in ("label_vi", "label_en", "purpose")}


def _role_words(code: str) -> dict[str, Any]:
    return {"label": role_label(code), "purpose": role_purpose(code)}


def _lines(names: str | None) -> list[str]:
    return names.split("\n") if names else []
