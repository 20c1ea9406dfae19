"""Which record is used by which, in which words? The index of core.uses: every foreign key is placed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues.models import CatalogueEntry
from app.catalogues.shipped import CALL_RESULT, CONSENT_PURPOSE, JOURNEY_STAGE
from app.core import links, uses
from app.core.access import Actor, visible
from app.core.accounts import Role
from app.core.db import Entity, db
from app.core.errors import Sentence
from app.core.formats import day_text, local
from app.core.i18n import _, ngettext
from app.core.models import SavedView
from app.core.uses import Mention, UserKind
from app.customers.models import SOURCES, Customer
from app.customers.profile import CATALOGUES as PROFILE_CATALOGUES
from app.customers.profile_models import ConsentEvent, CustomerStage, Interaction
from app.customers.queries import names_seen
from app.customers.screens import CustomerScreen
from app.customers.segments.models import Segment
from app.forms.models import Form, FormPurpose, Submission
from app.forms.public.models import PublicEntry
from app.forms.queries import FieldOf
from app.forms.submissions.screens import KEYED
from app.processes.engine.graph import Definition
from app.processes.engine.outside import OF_CUSTOMER, OWN
from app.processes.engine.used import Use, uses_of, writes_to
from app.processes.models import (
    Process,
    ProcessInstance,
    ProcessVersion,
    VersionState,
)
from app.processes.queries import definition_of
from app.security.models import Member, RoleProfile, Team, TeamMember
from app.tasks.models import OPEN_STATES, Task


def _day_of(row: Task | Submission, who: Actor) -> Sentence:
    """When it came to be; several of one name are told apart by it."""
    return day_text(local(row.created_at, who.time_zone).date())


def _task_among_others(row: Task, who: Actor) -> str:
    """Several tasks of one name are told apart: in which file, for whom (as far as he may know), since when."""
    his = {row.customer_id} if row.customer_id is not None else set()
    customer = row.customer.name if row.customer and names_seen(db.session(), his, who) else ""
    return " · ".join(filter(None, (row.name, row.context, customer, str(_day_of(row, who)))))


#: Tables whose rows use others, or are counted in words.
KINDS = (
    UserKind(
        Task, _("Tasks"), lambda n: ngettext("%(num)d task", "%(num)d tasks", n),
        is_open=Task.state.in_(OPEN_STATES),
        counted_open=lambda n: ngettext("%(num)d open task", "%(num)d open tasks", n),
        path=links.task_path, titled=_task_among_others,
    ),
    UserKind(
        ProcessInstance, _("Process files"), lambda n: ngettext("%(num)d process file", "%(num)d process files", n),
        is_open=ProcessInstance.ended_at.is_(None),
        counted_open=lambda n: ngettext("%(num)d running process file", "%(num)d running process files", n),
        path=links.instance_path,
    ),
    UserKind(
        Customer, _("Customers"), lambda n: ngettext("%(num)d customer", "%(num)d customers", n),
        path=links.customer_path, is_aside=Customer.archived_at.is_not(None),
        counted_aside=lambda n: ngettext("%(num)d archived", "%(num)d archived", n),
    ),
    UserKind(
        Interaction, _("Contacts with customers"),
        lambda n: ngettext("%(num)d contact with a customer", "%(num)d contacts with customers", n),
    ),
    UserKind(
        ConsentEvent, _("Consents"), lambda n: ngettext("%(num)d consent", "%(num)d consents", n),
    ),
    UserKind(
        CustomerStage, _("Stages of customers"),
        lambda n: ngettext("%(num)d stage of a customer", "%(num)d stages of customers", n),
    ),
    UserKind(Form, _("Forms"), lambda n: ngettext("%(num)d form", "%(num)d forms", n)),
    UserKind(Process, _("Processes"), lambda n: ngettext("%(num)d process", "%(num)d processes", n)),
    UserKind(
        Submission, _("Submissions"), lambda n: ngettext("%(num)d submission", "%(num)d submissions", n),
        path=links.submission_path,
        titled=lambda one, who: _("No. %(number)s, %(day)s", number=one.id, day=_day_of(one, who)),
    ),
    UserKind(
        PublicEntry, _("Answers from outside"),
        lambda n: ngettext("%(num)d answer from outside", "%(num)d answers from outside", n),
    ),
    UserKind(Team, _("Teams"), lambda n: ngettext("%(num)d team", "%(num)d teams", n)),
    UserKind(Member, _("Staff"), lambda n: ngettext("%(num)d member", "%(num)d members", n)),
    UserKind(RoleProfile, _("Roles"), lambda n: ngettext("%(num)d role", "%(num)d roles", n)),
    UserKind(
        TeamMember, _("Members"), lambda n: ngettext("%(num)d member", "%(num)d members", n),
        is_aside=TeamMember.member_id.in_(select(Member.id).where(Member.deactivated_at.is_not(None))),
        counted_aside=lambda n: ngettext("%(num)d has left", "%(num)d have left", n),
    ),
    UserKind(
        CatalogueEntry, _("Catalogue entries"),
        lambda n: ngettext("%(num)d catalogue entry", "%(num)d catalogue entries", n),
    ),
)  # fmt: skip

#: what a process does with the answer to a field
_OF_PROCESSES: Mapping[Use, Sentence] = {
    Use.goes: _("Process “%(name)s” goes on by its answer"),
    Use.gives: _("Process “%(name)s” gives work to whom it names"),
    Use.repeats: _("Process “%(name)s” does a step for each part of its answer"),
    Use.waits: _("Process “%(name)s” waits by its answer"),
    Use.mails: _("Process “%(name)s” sends a mail with its answer, or to it"),
    Use.sets: _("Process “%(name)s” sets a value from its answer"),
    Use.calls: _("Process “%(name)s” sends its answer to another program"),
    Use.tells: _("Process “%(name)s” tells its answer to another process"),
    Use.hands: _("Process “%(name)s” hands its answer on to a linked process"),
}
_SETS_OWN = _("Process “%(name)s” sets it")

#: Columns by table: rows belong to what these point to, they come and stay with it.
PARTS: Mapping[str, tuple[str, ...]] = {
    "access_grant": ("member_id", "team_id"),
    "alert": ("recipient_id",),
    "answer_file": ("form_version_id", "submission_id"),
    "answer_indexing": ("form_id",),
    "audit_sensitive": ("event_id",),
    "bulk_edit": ("member_id", "acting_id"),
    "bulk_edit_row": ("job_id", "customer_id"),
    "calendar_exception": ("calendar_id",),
    "calendar_exception_interval": ("exception_id",),
    "calendar_interval": ("calendar_id",),
    "care_round": ("made_by_id",),
    "class_move": ("customer_id", "run_id"),
    "class_run": ("asked_by_id",),
    "comment_mention": ("comment_id", "member_id"),
    "consent_event": ("customer_id", "file_id"),
    "contact_point": ("customer_id",),
    "customer_answers": ("customer_id", "form_version_id"),
    "customer_merge": ("kept_id", "merged_id", "by_id", "undone_by_id"),
    "customer_stage": ("customer_id",),
    "customer_tag": ("customer_id", "tag_id"),
    "customer_value": ("customer_id",),
    "demo_removal": ("member_id",),
    "duplicate_pair": ("first_id", "second_id", "decided_by_id"),
    "export": ("member_id",),
    "field_right": ("role_id",),
    "form_version": ("form_id",),
    "idempotent_answer": ("user_id",),
    "import_job": ("member_id", "acting_id", "file_id"),
    "import_key": ("job_id",),
    "import_row": ("job_id",),
    "interaction": ("customer_id", "contact_point_id"),
    "look": ("sign_in_id", "member_id"),
    "member": ("id",),
    "member_invitation": ("member_id",),
    "notification": ("user_id", "alert_id"),
    "outbox": ("to_user_id",),
    "call_pin": ("version_id", "pinned_id"),
    "process_call": ("parent_id", "child_id", "root_id"),
    "process_event": ("instance_id", "task_id"),
    "assign_turn": ("process_id",),
    "process_message": ("instance_id", "sent_by_id"),
    "process_request": ("instance_id",),
    "awaited_mail": ("instance_id",),
    "process_subscription": ("instance_id", "version_id"),
    "process_timer": ("instance_id", "version_id"),
    "process_token": ("instance_id",),
    "process_version": ("process_id",),
    "version_move": ("member_id", "version_id"),
    "promise": ("customer_id", "owner_id", "interaction_id"),
    "purchase": ("customer_id",),
    "public_entry": ("link_id", "form_version_id", "team_id", "submission_id", "decided_by_id"),
    "public_link": ("form_id", "team_id"),
    "role_profile": ("id",),
    "role_scope": ("role_id",),
    "saved_view": ("owner_id", "role_id"),
    "saved_view_default": ("member_id", "role_id", "view_id"),
    "segment": ("owner_id", "team_id", "frozen_by_id"),
    "segment_member": ("segment_id", "customer_id"),
    "sign_in": ("member_id",),
    "submission_draft": ("member_id", "form_id", "form_version_id", "customer_id"),
    "submission_revision": ("submission_id", "given_by_id"),
    "submission_value": ("submission_id",),
    "task_event": ("task_id",),
    "team_member": ("member_id",),
    "timeline_entry": ("customer_id",),
}


def _drawn_with(session: Session, words: Mapping[int, Sequence[str]], who: Actor) -> dict[int, list[Mention]]:
    """Record id → published processes in whose drawing one of its attributes stands."""
    drawings = session.execute(
        select(Process.name, ProcessVersion.bpmn, visible(Process, who).label("is_seen"))
        .join(ProcessVersion, ProcessVersion.process_id == Process.id)
        .where(ProcessVersion.state == VersionState.published, Process.archived_at.is_(None))
        .order_by(Process.name)
    ).all()
    return {
        record_id: [
            Mention(name if is_seen else None)
            for name, bpmn, is_seen in drawings
            if any(word in bpmn for word in attributes)
        ]
        for record_id, attributes in words.items()
    }


def _drawn_for_teams(session: Session, teams: Sequence[Team], who: Actor) -> dict[int, list[Mention]]:
    """Processes that give work to a team or to its head."""
    return _drawn_with(session, {team.id: (f'team:{team.code}"', f'head:{team.code}"') for team in teams}, who)


def _drawn_for_members(session: Session, members: Sequence[Member], who: Actor) -> dict[int, list[Mention]]:
    """Processes that give work to this very person."""
    return _drawn_with(session, {member.id: (f'user:{member.username}"',) for member in members}, who)


def _drawn_for_roles(session: Session, roles: Sequence[Role], who: Actor) -> dict[int, list[Mention]]:
    return _drawn_with(session, {role.id: (f'role:{role.name}"', f'role="{role.name}"') for role in roles}, who)


def _drawn_with_forms(session: Session, forms: Sequence[Form], who: Actor) -> dict[int, list[Mention]]:
    return _drawn_with(session, {form.id: (f'form="{form.code}"',) for form in forms}, who)


def _drawn_with_fields(session: Session, fields: Sequence[FieldOf], who: Actor) -> dict[int, list[Mention]]:
    """Processes that ask the form and make use of the answer to the field; of an own field, those that set it."""
    drawings = session.execute(
        select(ProcessVersion, Process.name, visible(Process, who).label("is_seen"))
        .join(Process, ProcessVersion.process_id == Process.id)
        .where(ProcessVersion.state == VersionState.published, Process.archived_at.is_(None))
        .order_by(Process.name)
    ).all()
    found: dict[int, list[Mention]] = {one.id: [] for one in fields}
    for version, name, is_seen in drawings:
        for one in fields:
            for told in _told_of(definition_of(version), one):
                found[one.id].append(Mention(str(told) % {"name": name} if is_seen else None))
    return found


def _told_of(process: Definition, field: FieldOf) -> list[Sentence]:
    if field.form.purpose is FormPurpose.customers:
        return [_SETS_OWN] if writes_to(process, f"{OF_CUSTOMER}{OWN}{field.key}") else []
    asking = [node.id for node in process.nodes.values() if node.task is not None and node.task.form == field.form.code]
    named = {field.key, *(f"{step}.{field.key}" for step in asking)} if asking else set()
    return [_OF_PROCESSES[use] for use in uses_of(process, named)]


def _looked_at(session: Session, fields: Sequence[FieldOf], who: Actor) -> dict[int, list[Mention]]:
    """Saved views and segments that narrow, order or show by the answers to the field."""
    views = session.scalars(select(SavedView).where(SavedView.archived_at.is_(None)).order_by(SavedView.name)).all()
    segments = session.execute(
        select(Segment, visible(Segment, who).label("is_seen"))
        .where(Segment.archived_at.is_(None)).order_by(Segment.name)
    ).all()  # fmt: skip
    found: dict[int, list[Mention]] = {}
    for one in fields:
        is_own = one.form.purpose is FormPurpose.customers
        list_key = CustomerScreen.__name__ if is_own else f"{KEYED}{one.form.code}"
        named = f"own.{one.key}" if is_own else f"answers.{one.key}"
        told = found[one.id] = []
        for view in views:
            if view.list_key == list_key and _names(view.wanted, named):
                is_seen = view.owner_id == who.user_id or view.role_id is not None
                told.append(Mention(str(_("The view “%(name)s” of a list", name=view.name)) if is_seen else None))
        for segment, is_seen in segments if is_own else ():
            if _names(segment.condition, named):
                told.append(Mention(str(_("The segment “%(name)s”", name=segment.name)) if is_seen else None))
    return found


def _names(kept: Any, key: str) -> bool:
    """Does this key of a list stand anywhere in what was kept as JSON, also as an order (-key)?"""
    match kept:
        case str():
            return kept.removeprefix("-") == key
        case dict():
            return any(_names(part, key) for name, part in kept.items() if name != "labels")
        case list():
            return any(_names(part, key) for part in kept)
    return False


def _is_of(catalogue: str) -> Callable[[CatalogueEntry], bool]:
    return lambda entry: entry.catalogue.code == catalogue


def register() -> None:
    """Called by create_app."""
    for kind in KINDS:
        uses.declare(kind)
    for table, columns in PARTS.items():
        uses.declare_part(table, *columns)
    codes: tuple[tuple[type[Entity], Any, str], ...] = (
        (Customer, Customer.source, SOURCES),
        *((Customer, getattr(Customer, name), catalogue) for name, catalogue in PROFILE_CATALOGUES.items()),
        (CustomerStage, CustomerStage.stage, JOURNEY_STAGE),
        (ConsentEvent, ConsentEvent.purpose, CONSENT_PURPOSE),
        (Interaction, Interaction.channel, SOURCES),
        (Interaction, Interaction.result, CALL_RESULT),
    )
    for model, column, catalogue in codes:
        uses.declare_code(CatalogueEntry, model, column, _is_of(catalogue))
    uses.declare_mentions(Team, _drawn_for_teams)
    uses.declare_mentions(Member, _drawn_for_members)
    uses.declare_mentions(Role, _drawn_for_roles)
    uses.declare_mentions(Form, _drawn_with_forms)
    uses.declare_mentions(FieldOf, _drawn_with_fields)
    uses.declare_mentions(FieldOf, _looked_at)
