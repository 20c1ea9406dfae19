"""Why is this work for him? The chain that led to whoever has it, in short sentences, as it was then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.core.errors import Sentence
from app.core.i18n import _, ngettext
from app.tasks.models import TaskEvent, TaskEventKind

#: code of a Reason → its sentence, of the names that were kept with it
SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], Sentence]] = {
    # what the step says
    "role": lambda said: _("This step is for the role “%(name)s” (%(people)s).", people=_people(said), **_name(said)),
    "team": lambda said: _("This step is for the team “%(name)s” (%(people)s).", people=_people(said), **_name(said)),
    "user": lambda said: _("This step is given to %(name)s by name.", **_name(said)),
    "initiator": lambda said: _("This step is for whoever began the process: %(name)s.", **_name(said)),
    "owner": lambda said: _("This step is for whoever looks after the customer: %(name)s.", **_name(said)),
    "head": lambda said: _("This step is for the head of “%(team)s”: %(name)s.", team=said["team"], **_name(said)),
    "field": lambda said: _("Who does this step was chosen in “%(key)s”: %(name)s.", key=said["key"], **_name(said)),
    "same_as": lambda said: _("Whoever did “%(step)s” does this step too: %(name)s.", step=said["step"], **_name(said)),
    "again": lambda said: _("The work came back to this step, and %(name)s did it before.", **_name(said)),
    "one_of_several": lambda said: _("Several people are asked at this step, each by himself."),
    "round_robin": lambda said: _(
        "People take turns in “%(pool)s” (%(people)s); it is the turn of %(name)s.", pool=said["pool"],
        people=_people(said), **_name(said),
    ),
    "least_open": lambda said: ngettext(
        "%(name)s has the least open work in “%(pool)s”: %(num)d task.",
        "%(name)s has the least open work in “%(pool)s”: %(num)d tasks.", said["num"], pool=said["pool"], **_name(said),
    ),
    # what stood in the way
    "no_rule": lambda said: _("The step does not say who does it."),
    "unknown": lambda said: _("The step names “%(name)s”, which does not exist any more.", **_name(said)),
    "role_empty": lambda said: _("This step is for the role “%(name)s”, which nobody has.", **_name(said)),
    "team_empty": lambda said: _("Nobody in the team “%(name)s” can do it.", **_name(said)),
    "no_customer": lambda said: _("The process file has no customer, so nobody looks after one."),
    "no_owner": lambda said: _("Nobody looks after this customer."),
    "no_team": lambda said: _("%(name)s, who began the process, is in no team.", **_name(said)),
    "no_head": lambda said: _("The team “%(team)s” has no head.", team=said["team"]),
    "field_empty": lambda said: _("Nobody who works here was chosen in “%(key)s”.", key=said["key"]),
    "not_done_yet": lambda said: _("Nobody has done the step “%(step)s” yet.", step=said["step"]),
    "gone": lambda said: _("%(name)s no longer works here.", **_name(said)),
    "may_not": lambda said: _("%(name)s may look at work, but not do it.", **_name(said)),
    "did_other": lambda said: _(
        "%(name)s did “%(step)s”, so somebody else has to do this.", step=said["step"], **_name(said)
    ),
    # who takes it instead
    "team_instead": lambda said: _("So the team “%(name)s” does it.", **_name(said)),
    "head_instead": lambda said: _("So the head of “%(team)s” does it: %(name)s.", team=said["team"], **_name(said)),
    "nobody": lambda said: _("Nobody was found, so an administrator gives it to somebody."),
}  # fmt: skip


def _people(said: Mapping[str, Any]) -> Sentence:
    """How many are in the team or role."""
    return ngettext("%(num)d person", "%(num)d people", said.get("num", 0))


def _name(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": said.get("name", "")}


def why(history: Sequence[TaskEvent], name_of: Callable[[int | None], str]) -> list[Sentence]:
    """The sentences in order: how it was first offered, and every change of hands since. Empty for older work."""
    told: list[Sentence] = []
    for event in history:
        match event.kind:
            case TaskEventKind.opened:
                said = event.data.get("why") or ()
                told += [SENTENCES[one["code"]](one) for one in said if one["code"] in SENTENCES]
            case TaskEventKind.claimed:
                told.append(_("%(name)s took the task", name=name_of(event.actor_id)))
            case TaskEventKind.released:
                told.append(_("%(name)s gave the task back to the team", name=name_of(event.actor_id)))
            case TaskEventKind.reassigned:
                told.append(_handed_on(event, name_of))
    return told


def _handed_on(event: TaskEvent, name_of: Callable[[int | None], str]) -> Sentence:
    who, to, reason = name_of(event.actor_id), name_of(event.data.get("to")), event.data.get("reason")
    if reason:
        return _("%(name)s gave the task to %(to)s: %(reason)s", name=who, to=to, reason=reason)
    return _("%(name)s gave the task to %(to)s", name=who, to=to)
