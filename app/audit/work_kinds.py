"""What does the log say of work, processes, forms, comments and files?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.audit.words import PUT_AWAY, TECHNICAL, Kind, resource_label
from app.core import links
from app.core.i18n import _, ngettext
from app.processes.shown import STATUS_LABELS
from app.security.role_names import role_label
from app.tasks.rules import OUTCOME_DONE
from app.tasks.shown import STATE_LABELS


def _drawing(_value: Any) -> Any:
    return _("(a drawing)")


def _of_answers(value: Any) -> Any:
    """How many: what they say stands in the record, under the labels of its form."""
    return ngettext("%(num)d answer", "%(num)d answers", len(value)) if isinstance(value, dict) else value


_VERSION_STATES = {"draft": _("Draft"), "published": _("In use"), "archived": _("Replaced")}
_SUBMISSION_STATES = {"submitted": _("Sent"), "locked": _("Locked"), "voided": _("Voided")}

_OWNERS = {
    "comment": _("Comment"), "setting": _("Settings"), "task": _("Task"), "customer": _("Customer"),
    "import_job": _("File brought in"), "answer_file": _("Answer to a form"),
}  # fmt: skip

WORK_KINDS: Mapping[str, Kind] = {
    "task": Kind(
        _("Task"), "Task",
        {"name": _("Task"), "context": _("Process file"), "customer_id": _("Customer"), "state": _("State"),
         "assignee_id": _("Person in charge"), "offered_team_id": _("Offered to the team"),
         "offered_role": _("Offered to the role"), "team_id": _("Team"), "outcome": _("Decision"), "note": _("Note"),
         "due_at": _("Due"), "warn_at": _("Due soon from"), "opened_at": _("Opened"), "claimed_at": _("Claimed"),
         "completed_at": _("Finished"), "completed_by_id": _("Finished by"), "cancelled_at": _("Called off"),
         "attempt": _("Time round"),
         "nobody_found": _("Found nobody to do it")},
        silent=frozenset({"owner_type", "owner_id", "step", "token", "outcomes", "form_version_id", "submission_id",
                          "next_alert_at", "orphan_since"}),
        choices={"state": STATE_LABELS, "outcome": OUTCOME_DONE}, show={"offered_role": role_label}, title="name",
        path=links.task_path, tells_of={"customer_id": "customer"}, about=("owner_type", "owner_id"),
    ),
    "process_instance": Kind(
        _("Process file"), "Instance",
        {"code": _("Code"), "status": _("State"), "customer_id": _("Customer"), "initiator_id": _("Begun by"),
         "team_id": _("Team"), "data": _("Answers"), "incident": _("Incident"), "started_at": _("Opened"),
         "ended_at": _("Ended")},
        silent=frozenset({"version_id", "start_submission_id", "incident_at"}),
        choices={"status": STATUS_LABELS}, show={"data": _of_answers}, title="code", path=links.instance_path,
        tells_of={"customer_id": "customer"},
    ),
    "process": Kind(
        _("Process"), "Process", {"name": _("Name"), "code": _("Code"), **PUT_AWAY}, title="name",
        path=links.process_path,
    ),
    "receiver": Kind(
        _("Receiver of calls"), "Setting",
        {"name": _("Name"), "code": _("Code"), "url": _("Web address"), "may_be_inside": _("In one's own network"),
         "headers": _("Headers"), **PUT_AWAY},
        title="name", path=lambda _row_id: "/noi-nhan/",
    ),
    "process_version": Kind(
        _("Version of a process"), "Process",
        {"process_id": _("Process"), "number": _("Number"), "state": _("State"), "bpmn": _("Drawing"),
         "published_at": _("Published"), "published_by_id": _("Published by")},
        silent=frozenset({"form_pins"}), choices={"state": _VERSION_STATES}, show={"bpmn": _drawing},
        part_of=("process_id", "process"),
    ),
    "form": Kind(
        _("Form"), "Form", {"name": _("Name"), "code": _("Code"), "purpose": _("What it is for"), **PUT_AWAY},
        title="name", path=links.form_path,
        choices={"purpose": {"answers": _("To be filled in"), "customers": _("Fields of customers")}},
    ),
    "customer_answers": Kind(
        _("Own fields"), "Customer", {"customer_id": _("Customer"), "answers": _("Answers")},
        silent=frozenset({"form_version_id"}), show={"answers": _of_answers}, part_of=("customer_id", "customer"),
    ),
    "form_version": Kind(
        _("Version of a form"), "Form",
        {"form_id": _("Form"), "number": _("Number"), "edition": _("Edition"), "state": _("State"),
         "definition": _("Drawing"), "published_at": _("Published"), "published_by_id": _("Published by")},
        silent=frozenset({"checksum"}), choices={"state": _VERSION_STATES}, show={"definition": _drawing},
        part_of=("form_id", "form"),
    ),
    "public_link": Kind(
        _("Public form"), "Form",
        {"form_id": _("Form"), "opened_at": _("Open since"), "source": _("Came through"), "team_id": _("Team"),
         "thanks": _("What is said afterwards"), "sites": _("Sites that may show it")},
        silent=frozenset({"key"}), part_of=("form_id", "form"),
    ),
    "submission": Kind(
        _("Filled-in form"), "Submission",
        {"customer_id": _("Customer"), "team_id": _("Team"), "answers": _("Answers"), "state": _("State"),
         "reason": _("Reason"), "correction": _("Reason of the correction"), "revision": _("Revision"),
         "corrected_by_id": _("Corrected by"), "locked_by_id": _("Locked by"), "voided_by_id": _("Voided by")},
        silent=frozenset({"form_version_id", "form_id", "source", "rev", "subject_type", "subject_id", "corrected_at",
                          "locked_at", "voided_at"}),
        show={"answers": _of_answers}, choices={"state": _SUBMISSION_STATES}, path=links.submission_path,
        tells_of={"customer_id": "customer"}, about=("subject_type", "subject_id"),
    ),
    "comment": Kind(
        _("Comment"), "Comment",
        {"resource": _("Kind of record"), "author_id": _("Written by"), "text": _("Text of the comment"),
         "edited_at": _("Last change"), **PUT_AWAY},
        silent=TECHNICAL | {"record_id"}, show={"resource": resource_label}, path=links.comment_path,
        about=("resource", "record_id"),
    ),
    "comment_mention": Kind(
        _("Mention in a comment"), "Comment", {"member_id": _("Member")}, silent=frozenset({"comment_id", "called"}),
        part_of=("comment_id", "comment"),
    ),
    "stored_file": Kind(
        _("Attached file"), "Comment",
        {"name": _("Name"), "owner_type": _("Belongs to"), "size": _("Size in bytes")},
        silent=frozenset({"owner_id", "content_type", "sha256", "path"}), choices={"owner_type": _OWNERS},
    ),
}  # fmt: skip
