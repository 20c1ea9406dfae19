"""Which record is used by which, in which words? The index of core.uses: every foreign key is placed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues.models import CatalogueEntry
from app.comments.models import Comment, CommentMention
from app.core import links, uses
from app.core.accounts import Role
from app.core.audit import AuditSensitive
from app.core.i18n import _, ngettext
from app.core.repeats import IdempotentAnswer
from app.core.uses import Mention, UserKind
from app.customers.models import SOURCES, ContactPoint, Customer, TimelineEntry
from app.deadlines.models import CalendarException, CalendarExceptionInterval, CalendarInterval
from app.forms.models import Form, FormVersion, Submission, SubmissionValue
from app.notifications.models import Alert, Notification, Outbox
from app.processes.models import (
    Process,
    ProcessEvent,
    ProcessInstance,
    ProcessToken,
    ProcessVersion,
    VersionState,
)
from app.security.models import Grant, Member, RoleScope, SignIn, Team, TeamMember
from app.tasks.models import OPEN_STATES, Task, TaskEvent

#: Tables whose rows use others.
KINDS = (
    UserKind(
        Task, _("Tasks"), lambda n: ngettext("%(num)d task", "%(num)d tasks", n),
        is_open=Task.state.in_(OPEN_STATES),
        counted_open=lambda n: ngettext("%(num)d open task", "%(num)d open tasks", n),
        path=links.task_path,
    ),
    UserKind(
        ProcessInstance, _("Process files"), lambda n: ngettext("%(num)d process file", "%(num)d process files", n),
        is_open=ProcessInstance.ended_at.is_(None),
        counted_open=lambda n: ngettext("%(num)d running process file", "%(num)d running process files", n),
        path=links.instance_path,
    ),
    UserKind(
        Customer, _("Customers"), lambda n: ngettext("%(num)d customer", "%(num)d customers", n),
        path=links.customer_path,
    ),
    UserKind(Submission, _("Submissions"), lambda n: ngettext("%(num)d submission", "%(num)d submissions", n)),
    UserKind(Team, _("Teams"), lambda n: ngettext("%(num)d team", "%(num)d teams", n)),
    UserKind(TeamMember, _("Members"), lambda n: ngettext("%(num)d member", "%(num)d members", n)),
    UserKind(
        CatalogueEntry, _("Catalogue entries"),
        lambda n: ngettext("%(num)d catalogue entry", "%(num)d catalogue entries", n),
    ),
)  # fmt: skip

#: Tables whose rows belong to what these columns point to: they come and stay with it.
PARTS: Sequence[tuple[type[Any], tuple[str, ...]]] = (
    (Alert, ("recipient_id",)),
    (AuditSensitive, ("event_id",)),
    (CalendarException, ("calendar_id",)),
    (CalendarExceptionInterval, ("exception_id",)),
    (CalendarInterval, ("calendar_id",)),
    (Comment, ("author_id", "archived_by_id")),
    (CommentMention, ("comment_id", "member_id")),
    (ContactPoint, ("customer_id",)),
    (FormVersion, ("form_id",)),
    (Grant, ("member_id", "team_id")),
    (IdempotentAnswer, ("user_id",)),
    (Member, ("id",)),
    (Notification, ("user_id", "alert_id")),
    (Outbox, ("to_user_id",)),
    (ProcessEvent, ("instance_id", "task_id")),
    (ProcessToken, ("instance_id",)),
    (ProcessVersion, ("process_id",)),
    (RoleScope, ("role_id",)),
    (SignIn, ("member_id",)),
    (SubmissionValue, ("submission_id",)),
    (TaskEvent, ("task_id",)),
    (TeamMember, ("member_id",)),
    (TimelineEntry, ("customer_id",)),
)


def _drawn_with(session: Session, *words: str) -> list[Mention]:
    """Published processes in whose drawing one of these attributes stands."""
    drawings = session.execute(
        select(Process.id, Process.name, ProcessVersion.bpmn)
        .join(ProcessVersion, ProcessVersion.process_id == Process.id)
        .where(ProcessVersion.state == VersionState.published, Process.archived_at.is_(None))
        .order_by(Process.name)
    )
    return [
        Mention(name, links.process_path(process_id))
        for process_id, name, bpmn in drawings
        if any(word in bpmn for word in words)
    ]


def _drawn_for_team(session: Session, team: Team) -> list[Mention]:
    """Processes that give work to the team or to its head."""
    return _drawn_with(session, f'team:{team.code}"', f'head:{team.code}"')


def _drawn_for_role(session: Session, role: Role) -> list[Mention]:
    return _drawn_with(session, f'role:{role.name}"', f'role="{role.name}"')


def _drawn_with_form(session: Session, form: Form) -> list[Mention]:
    return _drawn_with(session, f'form="{form.code}"')


def _is_channel(entry: CatalogueEntry) -> bool:
    return entry.catalogue.code == SOURCES


def register() -> None:
    """Called by create_app."""
    for kind in KINDS:
        uses.declare(kind)
    for model, columns in PARTS:
        uses.declare_part(model, *columns)
    uses.declare_code(CatalogueEntry, Customer, Customer.source, _is_channel)
    uses.declare_mentions(Team, _drawn_for_team)
    uses.declare_mentions(Role, _drawn_for_role)
    uses.declare_mentions(Form, _drawn_with_form)
