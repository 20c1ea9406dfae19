"""/nhan-su: who works here, and what does one see and change of him?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import jsonify, redirect, request, url_for
from sqlalchemy import Select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.core import clock, edge, history, links
from app.core.access import Actor, get_visible
from app.core.accounts import User
from app.core.db import db, refuse_nul, row_id
from app.core.errors import BadRequestError, BusinessError, ConflictError, NotAllowedError, NotFoundError
from app.core.i18n import LANGUAGES, _, ngettext
from app.core.masking import Mask
from app.core.pages import done, page_number, trail
from app.core.screens import Derived, Interface, Kind, Screen, action, route
from app.core.screens.listing import Preset
from app.core.screens.records import NextAction
from app.core.screens.saving import saving
from app.core.timewords import moment_inside
from app.core.vietnamese import show_phone
from app.security import admission, columns, entrance, leaving, members, queries, rules
from app.security import member_queries as about
from app.security.cells import drawn
from app.security.events import duties
from app.security.member_dialogs import BY_HAND, BY_MAIL, ENTRANCE, FIELDS, typed
from app.security.member_queries import Standing
from app.security.models import Member, RoleProfile, Team
from app.security.roles import STAFF

#: people that a look-up brings at a time
CHOICES = 20
_FORM = ["family_name", "given_name", "title", "email", "phone", "username", "team_id", "more_team_ids", "role_codes",
         "language", "time_zone", "signature"]  # fmt: skip

#: columns that colleagues do not see on his page either
_OWN = frozenset({"signature", "must_change_password"})
_SIGNS = {
    Standing.active: ("circle-check", "ok"),
    Standing.invited: ("clock", "soon"),
    Standing.waiting: ("mail", "none"),
    Standing.gone: ("lock", "done"),
}
_SENT_AGAIN = _("No new password was made: this person was changed after the page had been opened. A password that you"
                " have handed on keeps working.")  # fmt: skip
HISTORY_EVENTS = {
    "member_invited": _("Invitation sent"),
    "invitation_withdrawn": _("Invitation taken back"),
    "invitation_accepted": _("Came in by the invitation"),
    "first_password_given": _("First password given"),
    "member_deactivated": _("Work handed over, no longer works here"),
    "look_began": _("Began to look as this person"),
    "look_ended": _("Stopped looking as this person"),
    "member_reactivated": _("Works here again"),
}


class MemberScreen(Screen):
    """The list, the forms, the ways in and out. Which roles he holds stands in a tab, for those who may see roles."""

    resource = "Member"
    collection = "users"
    datamodel = Interface(Member)
    empty_text = _("Nobody works here yet. Colleagues stand here as soon as they can sign in.")
    empty_art = "people"
    route_base = "/nhan-su"
    list_title = _("Staff")
    show_title = _("Member")
    add_title = _("New colleague")
    edit_title = _("Change member")
    list_template = "security/members.html"
    add_template = edit_template = "security/member_form.html"
    list_columns = ["name", "title", "memberships", "phone", "standing"]
    more_columns = ["user.username", "user.email", "roles"]
    show_columns = ["title", "memberships", "phone", "user.email", "user.username", "standing"]
    add_columns = [*_FORM, "entrance"]
    edit_columns = _FORM
    form_fields = {**FIELDS, "entrance": ENTRANCE}
    order_columns = ["name", "title"]
    search_columns = [
        "name", "title", "memberships", "roles", "phone", "user.username", "user.email", "standing",
    ]  # fmt: skip
    derived = {
        "name": Derived(Kind.text, Member.name, order=Member.sort_key, show=lambda name: drawn("who", {"name": name})),
        "memberships": Derived(Kind.team, columns.team_names(Member.id), compared=columns.team_ids(Member.id),
                               show=lambda names: names or ""),
        "roles": columns.roles(Member.id),
        "phone": Derived(Kind.phone, Member.phone, show=lambda phone: show_phone(phone) if phone else ""),
        "standing": columns.standing(lambda standing: drawn("standing", _standing(standing))),
    }  # fmt: skip
    guarded = {"phone": Mask.phone, "user.email": Mask.email}
    sensitive = frozenset(guarded)
    base_order = ("name", "asc")
    presets_in_tabs = False  # teams and roles tell of those who work here
    presets = (
        Preset(_("Work here"), "standing != 'gone'"),
        Preset(_("Have left"), "standing = 'gone'"),
        Preset(_("All")),
    )
    related_by = {
        "TeamScreen": lambda member: Team.id.in_(queries.teams_of(member.id)),
        "RoleScreen": lambda member: RoleProfile.id.in_(queries.roles_of(member.id)),
    }
    label_columns = {
        "name": _("Name"),
        "title": _("Title"),
        "memberships": _("Teams"),
        "roles": _("Roles"),
        "user.username": _("User name"),
        "user.email": _("E-mail"),
        "standing": _("Standing"),
        "phone": _("Phone number"),
        "family_name": _("Family name"),
        "given_name": _("Given name"),
        "username": _("User name"),
        "email": _("E-mail"),
        "team_id": _("Main team"),
        "more_team_ids": _("Other teams"),
        "role_codes": _("Roles"),
        "language": _("Language"),
        "time_zone": _("Time zone"),
        "signature": _("Signature"),
        "entrance": _("How does the person come in?"),
    }
    history_events = HISTORY_EVENTS

    # ── shown ──
    def state(self, item: Member) -> tuple[str, Any] | None:
        """How he stands to the company, where that is not simply: he works here."""
        invitation = about.live_invitation(db.session(), item.id)
        match about.standing(db.session(), item):
            case Standing.gone:
                return "done", _("No longer works here")
            case Standing.invited if invitation is not None:
                until = moment_inside(invitation.expires_at, clock.now(), edge.time_zone())
                return "soon", _("Invited, the link works until %(time)s", time=until)
            case Standing.waiting if about.last_invitation(db.session(), item.id) is not None:
                return "late", _("The invitation has run out")
            case Standing.waiting | Standing.invited:
                return "soon", _("Cannot sign in yet")
        if not item.must_change_password:
            return None
        if not item.lets_in:
            return "late", _("The first password has run out")
        return "soon", _("Has to change the first password")

    def next_action(self, item: Member, who: Actor) -> NextAction | None:
        """Somebody who has no way in gets one."""
        if about.standing(db.session(), item) is not Standing.waiting or not who.may("add", "Member"):
            return None
        was_invited = about.last_invitation(db.session(), item.id) is not None
        label = _("Send the invitation again") if was_invited else _("Send the invitation")
        return NextAction(label, url_for("MemberScreen.action", name="invite", pk=item.id), "mail", post=True)

    def history_subjects(self, item: Member, who: Actor) -> list[history.Subject]:
        """With what of him stands in FAB's table."""
        labels = {"last_name": _("Family name"), "first_name": _("Given name"), "username": _("User name")}
        if self._is_read(who, "user.email"):
            labels["email"] = _("E-mail")
        subjects = [one for one in super().history_subjects(item, who) if one.model is not User]
        if not who.may("edit", self.resource):
            # What he signs with, how he came in and who looked as him: for those who look after people.
            subjects = [
                replace(one, events={}, labels={name: told for name, told in one.labels.items() if name not in _OWN})
                for one in subjects
            ]
        return [*subjects, history.Subject(User, item.id, labels)]

    def _readable(self, column: str, value: Any) -> Any:
        words = {"language": LANGUAGES, "time_zone": rules.TIME_ZONES}.get(column)
        return words.get(value, value) if words is not None else super()._readable(column, value)

    def search(self, rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(Member.name.icontains(text, autoescape=True) | Member.title.icontains(text, autoescape=True))

    # ── added and changed ──
    def prefill(self, form: Any) -> None:
        form.role_codes.process_data([one.value for one in form.role_codes.offered() if one.value == STAFF])

    def create(self, session: Session, form: Any, *, by: Actor) -> Member:
        member = members.add_member(session, by=by, **typed(form, None))
        if form.entrance.data == BY_MAIL:
            admission.invite_member(session, member, by=by)
        return member

    def change(self, session: Session, item: Member, form: Any, *, by: Actor) -> None:
        members.change_member(session, item, by=by, rev=item.rev, **typed(form, item))

    def after_adding(self, item: Member, form: Any) -> str:
        if form.entrance.data == BY_HAND:
            return url_for("MemberScreen.first_password", pk=item.id)
        return super().after_adding(item, form)

    @route("/ten-dang-nhap", right="view")
    def username(self) -> Response:
        """What somebody of this name could be called, or why a typed user name will not do; for the form."""
        if not (edge.actor().may("add", self.resource) or edge.actor().may("edit", self.resource)):
            raise NotAllowedError
        asked = {name: request.args.get(name, "")[:100] for name in ("family_name", "given_name", "typed")}
        refuse_nul(*asked.values())
        besides = row_id(request.args["besides"]) if request.args.get("besides") else None
        session, wanted = db.session(), asked["typed"].strip()
        if not wanted:
            made = rules.username_of(asked["family_name"], asked["given_name"])
            return jsonify(username=members.free_username(session, made, besides=besides), problem="")
        problem = rules.username_problem(wanted) or members.username_taken(session, wanted, besides=besides)
        return jsonify(username=wanted, problem=str(problem or ""))

    # ── the way in ──
    def offers(self, name: str, item: Member) -> bool:
        is_new = not item.is_active and item.deactivated_at is None
        is_me = item.id == edge.actor().user_id
        offered = {
            "invite": is_new,
            "withdraw": is_new and about.live_invitation(db.session(), item.id) is not None,
            "password": item.deactivated_at is None and not is_me,
            "leave": item.deactivated_at is None and not is_me,
            "reactivate": item.deactivated_at is not None,
        }
        return offered.get(name, super().offers(name, item))

    @action(
        "invite", _("Send the invitation"), right="add", icon="mail", question=_("Invite %(rows)s?"),
        done=_("%(rows)s invited"),
        confirmation=_("A mail with a link to their own password goes out. An earlier link stops working."),
    )  # fmt: skip
    def invite(self, session: Session, item: Member, *, by: Actor) -> None:
        admission.invite_member(session, item, by=by)

    @action(
        "withdraw", _("Take the invitation back"), right="add", icon="ban", multiple=False,
        question=_("Take the invitation of %(rows)s back?"), done=_("The invitation of %(rows)s is taken back"),
        confirmation=_("The link that was sent stops working."),
    )  # fmt: skip
    def withdraw(self, session: Session, item: Member, *, by: Actor) -> None:
        admission.withdraw_invitation(session, item, by=by)

    @action("password", _("Give a first password"), right="edit", done="", icon="key", multiple=False)
    def password(self, _session: Session, item: Member, *, by: Actor) -> Response:
        """Nothing is changed yet: the page asks."""
        return redirect(url_for("MemberScreen.first_password", pk=item.id))

    @route("/mat-khau-dau/<pk>", right="edit", methods=("GET", "POST"))
    def first_password(self, pk: str) -> Any:
        """A password to hand on, shown in the answer to the click that makes it, and never again."""
        who, key = edge.actor(), row_id(pk)
        item = get_visible(db.session(), Member, key, who, "edit")
        password = ""
        if request.method == "POST":
            seen = request.form.get("rev", "")
            password = rules.first_password()
            password_hash = entrance.new_hash(password)
            try:
                with saving() as session:
                    item = self._locked(session, key, who, "edit")
                    if str(item.rev) != seen:  # the page was loaded once more: what was handed on keeps working
                        raise ConflictError(_SENT_AGAIN)
                    admission.give_first_password(session, item, password_hash=password_hash, by=who)
            except NotFoundError:
                raise
            except BusinessError as refusal:
                return self._password_page(item, "", refusal.message), refusal.status
        return self._password_page(item, password, ""), 200, {"Cache-Control": "no-store"}

    def _password_page(self, item: Member, password: str, problem: Any) -> str:
        page: str = self.render_template(
            "security/first_password.html", member=item, password=password, problem=problem, back=self.row_url(item),
            is_new=not item.is_active, rev=item.rev, crumbs=self._trail(item, _("First password")),
        )  # fmt: skip
        return page

    # ── leaving and coming back ──
    @action("leave", _("Hand over and deactivate"), right="edit", done="", icon="logout", multiple=False)
    def leave(self, _session: Session, item: Member, *, by: Actor) -> Response:
        """Nothing is changed yet: the page tells what is in hand and asks who takes it over."""
        return redirect(url_for("MemberScreen.leaving", pk=item.id))

    @route("/ngung/<pk>", right="edit", methods=("GET", "POST"))
    def leaving(self, pk: str) -> Any:
        """What he has in hand goes to one person, or kind by kind to several; then he can no longer sign in."""
        who, key = edge.actor(), row_id(pk)
        item = get_visible(db.session(), Member, key, who, "edit")
        if request.method == "GET":
            return self._leaving_page(item, who)
        chosen = {name: request.form.get(name, "").strip() for name in ("to", *(f"to-{one.key}" for one in duties()))}
        refuse_nul(*chosen.values())
        receivers, unknown = _receivers(db.session(), chosen)
        if unknown:
            problems = {name: [_("Please choose one from the list.")] for name in unknown}
            return self._leaving_page(item, who, chosen, problems, status=422)
        ids = {duty: receiver.id for duty, receiver in receivers.items()}
        try:
            with saving() as session:
                item = self._locked(session, key, who, "edit")
                taken = {duty: session.get_one(Member, receiver) for duty, receiver in ids.items()}
                handed = leaving.deactivate_member(session, item, receivers=taken, by=who)
                name, count = item.name, sum(sum(one.values()) for one in handed.values())
                receiving = ", ".join(sorted({one.name for one in taken.values() if one.username in handed}))
        except NotFoundError:
            raise
        except BusinessError as refusal:
            told = {f"to-{key}": sentences for key, sentences in refusal.fields.items()}
            if isinstance(refusal, leaving.OpenWorkError):
                told = {name: [_("Choose who takes this over.")] for name in told}
            return self._leaving_page(item, who, chosen, told, refusal.message, status=refusal.status)
        if not count:
            return done(links.member_path(key), _("%(name)s no longer works here.", name=name))
        told_of = ngettext(
            "%(name)s no longer works here. %(num)d item was handed over to %(people)s.",
            "%(name)s no longer works here. %(num)d items were handed over to %(people)s.",
            count, name=name, people=receiving,
        )  # fmt: skip
        return done(links.member_path(key), told_of)

    def _leaving_page(
        self,
        item: Member,
        who: Actor,
        chosen: Mapping[str, str] | None = None,
        problems: Mapping[str, Sequence[Any]] | None = None,
        problem: Any = "",
        *,
        status: int = 200,
    ) -> tuple[str, int]:
        session, typed_ids = db.session(), chosen or {}
        item = get_visible(session, Member, item.id, who, "edit")
        names = {
            name: session.get(Member, int(value)) for name, value in typed_ids.items()
            if value.isascii() and value.isdigit() and len(value) <= 9
        }  # fmt: skip
        told = self.render_template(
            "security/leaving.html", member=item, work=leaving.open_work(session, item, who, titles=3),
            going_on=leaving.going_on(session, item, who), chosen={name: one for name, one in names.items() if one},
            problems=problems or {}, problem=problem,
            closed=None if problem else leaving.why_stays(session, item, who),
            lookup=url_for("MemberScreen.receivers", pk=item.id), back=self.row_url(item),
            crumbs=self._trail(item, _("Hand over and deactivate")),
        )  # fmt: skip
        return told, status

    @route("/nguoi-nhan/<pk>", right="edit")
    def receivers(self, pk: str) -> Response:
        """Colleagues who could take the work over."""
        key = row_id(pk)
        get_visible(db.session(), Member, key, edge.actor(), "edit")
        text = request.args.get("q", "").strip()
        refuse_nul(text)
        if len(text) > 100 or set(request.args) - {"q", "page"}:
            raise BadRequestError
        start = (page_number() - 1) * CHOICES
        found = about.receivers_named(db.session(), text, besides=key)[start : start + CHOICES + 1]
        results = [{"id": one.id, "text": one.name, "hint": one.hint} for one in found[:CHOICES]]
        return jsonify(results=results, more=len(found) > CHOICES)

    @action(
        "reactivate", _("Let work here again"), right="edit", icon="user-check", multiple=False,
        question=_("Let %(rows)s work here again?"), done=_("%(rows)s works here again"),
        confirmation=_("The person signs in with the password of before, and has the roles and teams of before."),
    )  # fmt: skip
    def reactivate(self, session: Session, item: Member, *, by: Actor) -> None:
        leaving.reactivate_member(session, item, by=by)

    def _trail(self, item: Member, here: Any) -> Any:
        return trail((self.list_title, self._list_url()), (item.name, self.row_url(item)), here=here)


def _standing(standing: str) -> dict[str, Any]:
    sign, kind = _SIGNS[Standing(standing)]
    return {"words": columns.STANDINGS[standing], "sign": sign, "kind": kind}


def _receivers(session: Session, chosen: Mapping[str, str]) -> tuple[dict[str, Member], list[str]]:
    """Duty → who takes it over: whoever was chosen for it, else whoever takes everything; and what names nobody."""
    found: dict[str, Member | None] = {}
    for name, value in chosen.items():
        possible = value.isascii() and value.isdigit() and len(value) <= 9
        found[name] = session.get(Member, int(value)) if possible else None
    unknown = [name for name, value in chosen.items() if value and found[name] is None]
    everything = found["to"]
    receivers = {
        duty.key: receiver for duty in duties() if (receiver := found[f"to-{duty.key}"] or everything) is not None
    }
    return receivers, unknown
