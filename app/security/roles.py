"""Which rights do the four shipped roles begin with? Data: an admin changes the roles themselves later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.core.access import ACTIONS, Scope
from app.core.errors import Sentence
from app.core.i18n import _

#: resource → the actions that exist for it. A screen or API names one of these resources, or it cannot start.
RESOURCES: Mapping[str, tuple[str, ...]] = {
    "Customer": ("view", "add", "edit", "delete", "export", "assign"),
    # add: to bring in files of customers, purchases and contacts, and to take that back
    "Import": ("view", "add"),
    "Task": ("view", "edit", "assign", "approve", "export"),
    # approve: to lead on what cannot go on by itself
    "Instance": ("view", "add", "edit", "approve", "export"),
    "Process": ("view", "add", "edit", "delete", "approve", "export"),
    # what other programs tell processes. add: to tell them
    "Message": ("view", "add"),
    "Form": ("view", "add", "edit", "delete", "approve", "export"),
    # edit: to correct answers; approve: to lock and open them; delete: to void them
    "Submission": ("view", "add", "edit", "delete", "approve", "export"),
    # what came in through a public form. approve: to take it in or to refuse it
    "PublicEntry": ("view", "export", "approve"),
    # read with the record that they are about
    "Comment": ("add",),
    # everybody keeps views of his own; this is about those that a role shares
    "SavedView": ("assign",),
    "Alert": ("view",),
    "Notification": ("view",),
    "Member": ("view", "add", "edit", "export"),
    "Team": ("view", "add", "edit", "delete", "export"),
    # assign: to give roles to members and take them
    "Role": ("view", "add", "edit", "delete", "export", "assign"),
    "Calendar": ("view", "edit"),
    "Outbox": ("view", "edit"),
    "MessageTemplate": ("view", "edit"),
    "Catalogue": ("view", "edit", "export"),
    "Setting": ("view", "edit"),
    # delete: to erase personal values from it
    "Audit": ("view", "delete", "export"),
}

ROLE_LABELS = {
    "Admin": _("Administrator"),
    "Manager": _("Manager"),
    "Staff": _("Staff member"),
    "Auditor": _("Auditor"),
}

#: What each shipped role is for, in one line.
ROLE_PURPOSES = {
    "Admin": _("Sets up the company: people, processes, forms, settings."),
    "Manager": _("Heads a team: assigns, approves, sees the work of everyone below."),
    "Staff": _("Cares for customers and does the work that falls to them."),
    "Auditor": _("Looks at everything and changes nothing."),
}

ACTION_LABELS = {
    "view": _("View"),
    "add": _("Add"),
    "edit": _("Edit"),
    "delete": _("Archive"),
    "export": _("Export"),
    "assign": _("Assign"),
    "approve": _("Approve"),
}

SCOPE_LABELS = {
    Scope.none: _("None"),
    Scope.own: _("Own"),
    Scope.team: _("Team"),
    Scope.subtree: _("All below"),
    Scope.all: _("All"),
}


#: The role that may do everything, always: its matrix is not changed, it is not archived, somebody active holds it.
ADMIN = "Admin"
#: what somebody new begins with
STAFF = "Staff"

RESOURCE_LABELS = {
    "Customer": _("Customers"),
    "Import": _("Bringing in files"),
    "Task": _("Tasks"),
    "Instance": _("Process files"),
    "Process": _("Processes"),
    "Message": _("Messages to processes"),
    "Form": _("Forms"),
    "Submission": _("Submissions"),
    "PublicEntry": _("Answers from outside"),
    "Comment": _("Comments"),
    "SavedView": _("Views that a role shares"),
    "Alert": _("Alerts"),
    "Notification": _("Notifications"),
    "Member": _("Staff"),
    "Team": _("Teams"),
    "Role": _("Roles"),
    "Calendar": _("Working calendars"),
    "Outbox": _("Outgoing mail"),
    "MessageTemplate": _("Message texts"),
    "Catalogue": _("Catalogues"),
    "Setting": _("Settings"),
    "Audit": _("Audit log"),
}

_WHOLE = (Scope.none, Scope.all)
_OWN_OR_ALL = (Scope.none, Scope.own, Scope.all)
_EVERY = tuple(Scope)

#: Where a right is more than yes or no: how far it may reach over the rows of that resource. It follows the row rules.
_REACHES: Mapping[str, tuple[Sequence[Scope], tuple[str, ...]]] = {
    "Customer": (_EVERY, ("view", "edit", "delete", "export", "assign")),
    "Import": (_OWN_OR_ALL, ("view", "add")),
    "Task": (_EVERY, ("view", "edit", "assign", "approve", "export")),
    "Instance": (_EVERY, ("view", "edit", "approve", "export")),
    "Submission": (_EVERY, ("view", "edit", "delete", "approve", "export")),
    # nobody of the company is its author
    "PublicEntry": ((Scope.none, Scope.team, Scope.subtree, Scope.all), ("view", "export", "approve")),
    "Team": (_EVERY, ("view", "edit", "delete", "export")),
    "Process": (_OWN_OR_ALL, ("view", "edit", "delete", "approve", "export")),
    "Form": (_OWN_OR_ALL, ("view", "edit", "delete", "approve", "export")),
    "Member": (_EVERY, ("view", "edit", "export")),
    "SavedView": (_OWN_OR_ALL, ("assign",)),
    "Alert": (_OWN_OR_ALL, ("view",)),
    "Calendar": (_OWN_OR_ALL, ("view", "edit")),
    # whose deeds one reads: what is erased is erased of a record, whoever wrote it
    "Audit": (_EVERY, ("view", "export")),
}


def reaches(resource: str, action: str) -> Sequence[Scope]:
    """How far the right may reach; none and all alone: it is there or not."""
    scopes, actions = _REACHES.get(resource, (_WHOLE, ()))
    return scopes if action in actions else _WHOLE


def is_plain(resource: str, action: str) -> bool:
    """Is the right a yes or no, without a reach?"""
    return len(reaches(resource, action)) == len(_WHOLE)


#: How the resources stand together when people look at them: (heading, resource → icon).
RESOURCE_GROUPS: Sequence[tuple[Sentence, Mapping[str, str]]] = (
    (
        _("Customer care"),
        {"Customer": "users", "Import": "upload", "Task": "checklist", "Comment": "message-2", "Alert": "bell-ringing",
         "Notification": "bell"},
    ),
    (
        _("Processes and forms"),
        {"Instance": "route", "Submission": "file-text", "PublicEntry": "world", "Process": "versions",
         "Message": "message-2", "Form": "forms"},
    ),
    (
        _("The company"),
        {"Member": "user", "Team": "users-group", "Role": "key", "Calendar": "calendar", "Outbox": "mail",
         "MessageTemplate": "message-circle", "Catalogue": "list-details", "SavedView": "bookmark",
         "Setting": "adjustments", "Audit": "history"},
    ),
)  # fmt: skip

_own, _team, _subtree, _all = Scope.own, Scope.team, Scope.subtree, Scope.all

#: role → resource → action → how far
SHIPPED: Mapping[str, Mapping[str, Mapping[str, Scope]]] = {
    "Admin": {resource: dict.fromkeys(actions, _all) for resource, actions in RESOURCES.items()},
    "Manager": {
        "Customer": {"view": _subtree, "add": _all, "edit": _subtree, "delete": _subtree, "export": _subtree,
                     "assign": _subtree},
        "Import": {"view": _own, "add": _own},
        "Task": {"view": _subtree, "edit": _own, "assign": _subtree, "approve": _own, "export": _subtree},
        "Instance": {"view": _subtree, "add": _all, "edit": _subtree, "export": _subtree},
        "Process": {"view": _all},
        "Form": {"view": _all},
        "Submission": {
            "view": _subtree, "add": _all, "edit": _subtree, "delete": _subtree, "approve": _subtree,
            "export": _subtree,
        },
        "PublicEntry": {"view": _subtree, "export": _subtree, "approve": _subtree},
        "Comment": {"add": _all},
        "SavedView": {"assign": _own},
        "Alert": {"view": _own},
        "Notification": {"view": _own},
        "Member": {"view": _all},
        "Team": {"view": _all},
        "Calendar": {"view": _all},
        "Catalogue": {"view": _all},
    },
    "Staff": {
        "Customer": {"view": _team, "add": _all, "edit": _team},
        "Task": {"view": _own, "edit": _own, "approve": _own},
        "Instance": {"view": _own, "add": _all, "edit": _own},
        "Process": {"view": _all},
        "Form": {"view": _all},
        "Submission": {"view": _own, "add": _all, "edit": _own},
        "Comment": {"add": _all},
        "Alert": {"view": _own},
        "Notification": {"view": _own},
        "Member": {"view": _all},
        "Team": {"view": _all},
        "Calendar": {"view": _all},
        "Catalogue": {"view": _all},
    },
    "Auditor": {
        resource: {action: _all for action in actions if action in ("view", "export")}
        for resource, actions in RESOURCES.items()
    },
}  # fmt: skip

assert all(set(actions) <= set(ACTIONS) for actions in RESOURCES.values())
