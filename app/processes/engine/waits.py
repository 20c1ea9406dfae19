"""For what does a token wait on an element: for which moments, and for which messages with which key?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from app.processes.engine.graph import Definition, Node, NodeKind
from app.processes.engine.outside import SetSpec
from app.processes.engine.state import Data, IncidentCode
from app.processes.engine.timing import parse_moment

#: a longer key of a message is taken for a mistake
LONGEST_KEY = 200


def armed_at(definition: Definition, node: Node) -> Iterator[Node]:
    """The events of which the first ends the waiting there, or which happen beside it: of an event gateway those that
    it leads to, of anything else itself and what sits at its edge."""
    if node.kind is NodeKind.event_gateway:
        yield from (definition.follow(flow) for flow in node.outs)
    elif node.timer is not None or node.message is not None:
        yield node
    yield from (event for event in definition.edges.get(node.id, ()) if event.error is None)


def moment_or_key(event: Node, data: Data, today: date) -> str | IncidentCode:
    """Of a message its key, of a clock the moment that a value names ("" where the drawing says it all); a reason why
    it cannot be waited for where the value is no moment, or no key."""
    if event.message is not None:
        value = event.message.key.value(data, today=today) if event.message.key else None
        return correlation(value) or IncidentCode.no_key
    if event.timer is None or not event.timer.key:
        return ""
    value = data.get(event.timer.key)
    try:
        return parse_moment(value).isoformat() if isinstance(value, str) else IncidentCode.no_moment
    except ValueError:
        return IncidentCode.no_moment


def correlation(value: object) -> str:
    """A value as messages are compared by it: 12, 12.0 and " 12 " are the same; "" for what is none."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(str(value).split()) if isinstance(value, str | int | float | date) else ""
    return text if len(text) <= LONGEST_KEY and "\0" not in text else ""


def set_values(node: Node, data: Data, today: date) -> dict[str, object]:
    """What tt:set writes there, by its fields: texts, numbers, true, false, lists of them, or None."""
    values = node.outside.values if isinstance(node.outside, SetSpec) else ()
    return {key: _plain(expression.value(data, today=today)) for key, expression in values}


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def taken(node: Node, values: Data) -> Data:
    """Of the values that came those that the drawing asks for."""
    takes = node.message.takes if node.message else ()
    return {key: values[key] for key in takes if key in values}
