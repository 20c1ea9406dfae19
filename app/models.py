"""Which tables are there? The index of the schema: each table is imported, with a remark; none is defined."""

from __future__ import annotations

from app.care.models import CareRound  # care tasks that were made together
from app.catalogues.models import Catalogue, CatalogueEntry  # the small lists that admins keep
from app.comments.models import Comment, CommentMention  # what was said about a record, and to whom
from app.core.audit import AuditEvent, AuditSeal, AuditSensitive  # who changed what; the chain; erasable values
from app.core.exports import Export  # lists that people took away as files
from app.core.files import StoredFile  # uploaded files, each owned by a record
from app.core.models import (  # the pulse of every scheduled job; how people look at their lists
    JobHeartbeat,
    SavedView,
    SavedViewDefault,
)
from app.core.numbering import Counter  # the next KH000001, HS-000001
from app.core.removing import RemovalPermit  # rows that may be deleted although their table keeps its rows
from app.core.repeats import IdempotentAnswer  # what was answered to a repeated request
from app.core.settings import Setting  # what the company set for itself
from app.customers.bulk.models import BulkEdit, BulkEditRow  # customers who are changed together, and each of them
from app.customers.classes.models import ClassMove, ClassRule, ClassRun  # tiers and groups worked out by rules
from app.customers.duplicates.models import CustomerMerge, DuplicatePair, DuplicateRun  # who is in here twice
from app.customers.forgotten.models import ContactTarget  # how long one may go without a contact
from app.customers.models import ContactPoint, Customer, TimelineEntry  # people and companies, and what happened
from app.customers.profile_models import (  # what they agreed to, bought, said, and how far they are on their way
    ConsentEvent,
    CustomerStage,
    CustomerTag,
    Interaction,
    Purchase,
    Tag,
)
from app.customers.promise_models import Promise  # what they were promised
from app.customers.segments.models import Segment, SegmentMember  # groups of customers under a name
from app.deadlines.models import (  # when the company works
    Calendar,
    CalendarException,
    CalendarExceptionInterval,
    CalendarInterval,
)
from app.demo.models import DemoRemoval  # the demo company goes
from app.forms.models import (  # dynamic forms and their answers
    AnswerFile,
    AnswerIndexing,
    Form,
    FormVersion,
    Submission,
    SubmissionDraft,
    SubmissionRevision,
    SubmissionValue,
)
from app.forms.own_fields.models import CustomerAnswers, CustomerValue  # fields that the company added to customers
from app.forms.public.models import PublicEntry, PublicLink  # forms that everybody answers, and what came in
from app.imports.models import ImportJob, ImportKey, ImportRow  # files that are brought in, what became of their rows
from app.notifications.models import (  # warnings, texts, bell, mails and through which server they go
    Alert,
    MailServer,
    MessageTemplate,
    Notification,
    Outbox,
)
from app.processes.models import (  # how work runs through the company
    AssignTurn,
    AwaitedMail,
    CallPin,
    Process,
    ProcessCall,
    ProcessEvent,
    ProcessInstance,
    ProcessMessage,
    ProcessRequest,
    ProcessSubscription,
    ProcessTimer,
    ProcessToken,
    ProcessVersion,
    Receiver,
    RequestCount,
    VersionMove,
)
from app.security.models import (  # who works here and who may see what
    Grant,
    Look,
    Member,
    MemberInvitation,
    RoleField,
    RoleProfile,
    RoleScope,
    SetupLink,
    SignIn,
    SignInFailure,
    Team,
    TeamMember,
)
from app.tasks.models import Task, TaskEvent  # what somebody has to do by when

__all__ = [
    "Alert", "AnswerFile", "AnswerIndexing", "AssignTurn", "AuditEvent", "AuditSeal", "AuditSensitive", "AwaitedMail",
    "BulkEdit",
    "BulkEditRow", "Calendar", "CalendarException", "CalendarExceptionInterval", "CalendarInterval", "CallPin",
    "CareRound", "Catalogue", "CatalogueEntry", "ClassMove", "ClassRule", "ClassRun", "Comment", "CommentMention",
    "ConsentEvent",
    "ContactPoint", "ContactTarget", "Counter", "Customer", "CustomerAnswers", "CustomerMerge", "CustomerStage",
    "CustomerTag", "CustomerValue", "DemoRemoval", "DuplicatePair", "DuplicateRun", "Export", "Form", "FormVersion",
    "Grant", "IdempotentAnswer", "ImportJob", "ImportKey", "ImportRow", "Interaction", "JobHeartbeat", "Look",
    "MailServer", "Member", "MemberInvitation", "MessageTemplate", "Notification", "Outbox", "Process",
    "ProcessCall", "ProcessEvent", "ProcessInstance", "ProcessMessage", "ProcessRequest", "ProcessSubscription",
    "ProcessTimer",
    "ProcessToken", "ProcessVersion", "Promise", "PublicEntry",
    "PublicLink", "Purchase", "Receiver", "RemovalPermit", "RequestCount", "RoleField", "RoleProfile", "RoleScope",
    "SavedView", "SavedViewDefault", "Segment", "SegmentMember", "Setting", "SetupLink", "SignIn", "SignInFailure",
    "StoredFile", "Submission", "SubmissionDraft", "SubmissionRevision",
    "SubmissionValue", "Tag", "Task", "TaskEvent", "Team", "TeamMember", "TimelineEntry", "VersionMove",
]  # fmt: skip
