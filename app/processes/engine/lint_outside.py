"""Does what a process hears from outside, and does there, fit together and exist?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from app.core.conditions.expression import Expression
from app.core.i18n import _
from app.processes.engine.graph import Definition, Node, NodeKind
from app.processes.engine.http import HttpSpec
from app.processes.engine.known import Known
from app.processes.engine.outside import OF_CUSTOMER, OWN, MailSpec, MessageSpec, SetSpec, keys_asked
from app.processes.engine.problems import Problem, Severity
from app.processes.engine.timing import parse_moment

#: what an event gateway may lead to
_WAITED_FOR = {NodeKind.catch_event, NodeKind.receive_task}


def check(definition: Definition, *, known: Known, keys: Collection[str]) -> Iterator[Problem]:
    """`keys` are those under which the process can hold data."""
    for node in definition.nodes.values():
        if node.kind is NodeKind.event_gateway:
            yield from _event_gateway(definition, node)
        for key in keys_asked(node.outside):
            if key not in keys:
                message = _(
                    "“%(name)s” makes use of “%(key)s”, which no form of this process has.", name=node.title, key=key
                )
                yield Problem(node.id, "unknown-key", message, Severity.warning)
        yield from _exists(node, known)
        yield from _several(definition, node, known)
    yield from _starts(definition, known)


def _exists(node: Node, known: Known) -> Iterator[Problem]:
    match node.outside:
        case MailSpec(template=template, to=to) if template:
            whom = "customer" if to == "customer" else "colleague"
            if template not in known.texts.get(whom, ()):
                message = _(
                    "“%(name)s” sends “%(template)s”, which is no message text for this. Known are: %(known)s",
                    name=node.title,
                    template=template,
                    known=", ".join(sorted(known.texts.get(whom, ()))) or "–",
                )
                yield Problem(node.id, "unknown-template", message)
        case HttpSpec(receiver=receiver) if receiver and receiver not in known.receivers:
            message = _(
                "“%(name)s” calls “%(receiver)s”, which is no receiver of this company.",
                name=node.title,
                receiver=receiver,
            )
            yield Problem(node.id, "unknown-receiver", message)
        case SetSpec(values):
            for key, value in values:
                field = key.removeprefix(OF_CUSTOMER)
                if field != key and field not in known.customer_fields:
                    message = _(
                        "“%(name)s” sets “%(field)s” of the customer, which a process cannot set. Known are: %(known)s",
                        name=node.title,
                        field=field,
                        known=", ".join(sorted(known.customer_fields)),
                    )
                    yield Problem(node.id, "unknown-field", message)
                elif _is_told(field, known) and field != key and not _fits(value, is_day=field in known.customer_days):
                    told = {"name": node.title, "field": field}
                    message = (
                        _("“%(name)s”: “%(field)s” of the customer is a day. Example: '2026-12-01'", **told)
                        if field in known.customer_days
                        else _("“%(name)s”: “%(field)s” of the customer is a text in quotes. Example: 'vip'", **told)
                    )
                    yield Problem(node.id, "wrong-type", message)


def _is_told(field: str, known: Known) -> bool:
    """A field of the company's own is judged by its kind when it is set, a list of values where lists are."""
    return not field.startswith(OWN) and field not in known.customer_lists


def _fits(value: Expression, *, is_day: bool) -> bool:
    """What is always the same can be judged now; what comes from an answer only when it is there."""
    always = value.value({}, today=date(2000, 1, 1)) if not value.keys else None
    if always is None or isinstance(always, date):
        return always is None or is_day
    if not isinstance(always, str):
        return False
    try:
        return not is_day or parse_moment(always.strip().replace(" ", "T", 1)) is not None
    except ValueError:
        return False


def _several(definition: Definition, node: Node, known: Known) -> Iterator[Problem]:
    """Can what is set be taken where it goes: several values as several?"""
    for target, value in node.outside.values if isinstance(node.outside, SetSpec) else ():
        step, _dot, plain = value.key.rpartition(".")
        asking = [one.task.form for one in definition.nodes.values()
                  if one.task is not None and one.task.form and step in ("", one.id)]  # fmt: skip
        field = target.removeprefix(OF_CUSTOMER)
        if any(plain in known.wholes.get(form, ()) for form in asking):
            message = _(
                "“%(name)s” sets “%(field)s” to “%(key)s”, which is no single value: an address, rows or files."
                " Name one of its parts, or another field.",
                name=node.title,
                field=target,
                key=value.key,
            )
            yield Problem(node.id, "no-value", message)
        elif (
            field != target
            and field in known.customer_fields - known.customer_lists
            and any(plain in known.lists.get(form, ()) for form in asking)
        ):
            message = _(
                "“%(name)s” sets “%(field)s” of the customer, which takes one value, to “%(key)s”, which has several."
                " Several are taken by: %(known)s",
                name=node.title,
                field=field,
                key=value.key,
                known=", ".join(sorted(known.customer_lists)),
            )
            yield Problem(node.id, "several-values", message)


def _event_gateway(definition: Definition, gateway: Node) -> Iterator[Problem]:
    if len(gateway.outs) < 2:
        message = _("“%(name)s” waits for what happens first: at least two things have to lead on.", name=gateway.title)
        yield Problem(gateway.id, "no-choice", message)
    for flow in gateway.outs:
        event = definition.follow(flow)
        if event.kind not in _WAITED_FOR:
            message = _(
                "From “%(gateway)s” flows may only lead to a time or a message that is waited for; “%(name)s” is not.",
                gateway=gateway.title,
                name=event.title,
            )
            yield Problem(event.id, "not-waited-for", message)
        elif len(event.ins) > 1:
            message = _(
                "“%(name)s” is waited for at “%(gateway)s”, so no other flow may lead to it.",
                gateway=gateway.title,
                name=event.title,
            )
            yield Problem(event.id, "waited-for-twice", message)
        elif definition.edges.get(event.id):
            message = _("“%(name)s” is waited for at a gateway, so nothing can sit at its edge.", name=event.title)
            yield Problem(event.id, "edge-of-waited-for", message)


def _starts(definition: Definition, known: Known) -> Iterator[Problem]:
    names: set[str] = set()
    for start in definition.starts:
        if not isinstance(start.outside, MessageSpec):
            continue
        name = start.outside.name
        if name in names:
            message = _("Two start events wait for the message “%(name)s”: one of them is enough.", name=name)
            yield Problem(start.id, "message-taken", message)
        elif name in known.begun_by:
            message = _(
                "The message “%(name)s” begins the process “%(process)s” already. One message begins one process.",
                name=name,
                process=known.begun_by[name],
            )
            yield Problem(start.id, "message-taken", message)
        names.add(name)
