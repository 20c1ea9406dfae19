"""How is a process drawn in a test? As arrows; what an element is follows from how its id begins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import quoteattr

from app.processes.engine.bpmn import read
from app.processes.engine.graph import Definition
from app.processes.engine.problems import has_errors

TASK = 'assign="initiator" due="PT1H"'

_TAGS = {
    "start": "startEvent",
    "end": "endEvent",
    "xor": "exclusiveGateway",
    "and": "parallelGateway",
    "ior": "inclusiveGateway",
    "wait": "intermediateCatchEvent",
    "hear": "receiveTask",
    "race": "eventBasedGateway",
    "send": "sendTask",
    "throw": "intermediateThrowEvent",
    "serve": "serviceTask",
    "edge": "boundaryEvent",
}
_ARROW = re.compile(r"(?P<path>.+?)(?: if (?P<condition>.+)| by (?P<default>default))?")


def bpmn(
    *arrows: str,
    tasks: Mapping[str, str] | None = None,
    timers: Mapping[str, str] | None = None,
    edges: Mapping[str, str] | None = None,
    ends: Mapping[str, str] | None = None,
    messages: Mapping[str, str] | None = None,
    many: Mapping[str, str] | None = None,
    calls: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    services: Mapping[str, str] | None = None,
    inside: str = "",
    around: str = "",
) -> str:
    """BPMN of "start > ask > xor1", "xor1 > pay if amount > 5", "xor1 > end by default".

    `tasks` gives the attributes of tt:task by element id, `timers` when events happen ("PT1H wall", "R3/PT1H", a
    moment or a key), `edges` at which step an event sits ("ask", or "ask beside" when it does not end the work),
    `messages` for which message an element waits ("paid order_code", "paid order_code amount,paid_at", of a start event
    "paid - amount"), `ends` what else an end ends ("terminate", "error"), `many` steps done several times with the
    attributes of tt:many ('collection="3" rule="any"', first "sequential" where it is one after the other), `calls`
    which process a call links to and the attributes of tt:call ('kiem-tra in="amount"'), `errors` the error that an end
    is or an event at the edge of a call catches ("" for any), `services` what a send or service task does (several by
    |), `inside` more XML in the process, `around` beside it.
    """
    tasks, timers, edges, ends, messages = tasks or {}, timers or {}, edges or {}, ends or {}, messages or {}
    many, calls, errors, services = many or {}, calls or {}, errors or {}, services or {}
    elements: dict[str, str | None] = {}
    flows = []
    for arrow in arrows:
        match = _ARROW.fullmatch(arrow)
        assert match is not None, arrow
        path = [part.strip() for part in match["path"].split(">")]
        elements.update({element: None for element in path if element not in elements})
        for source, target in pairwise(path):
            flow = f"f{len(flows)}"
            if match["default"]:
                elements[source] = flow
            condition = f"<conditionExpression><![CDATA[{match['condition']}]]></conditionExpression>"
            flows.append(
                f'<sequenceFlow id="{flow}" sourceRef="{source}" targetRef="{target}">'
                f"{condition if match['condition'] else ''}</sequenceFlow>"
            )
    drawn = [
        _element(
            element, default, tasks, _timer(timers[element]) if element in timers else "", edges.get(element, ""),
            (f"<{ends[element]}EventDefinition/>" if element in ends else _error(errors, element))
            + (_message(element, messages[element]) if element in messages else "")
            + (_service(services[element]) if element in services else "")
            + ("<messageEventDefinition/>" if element in services and element.startswith(("throw", "end")) else ""),
            many.get(element, ""), calls.get(element),
        )
        for element, default in elements.items()
    ]  # fmt: skip
    return document(f'<process id="p" name="P">{"".join(drawn)}{"".join(flows)}{inside}</process>{around}')


def document(content: str) -> str:
    """A BPMN document around a content; BPMN is the default namespace."""
    return (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"'
        ' xmlns:tt="https://tantam.vn/schema/bpmn/1" targetNamespace="test">' + content + "</definitions>"
    )


def drawn(*arrows: str, **more: Any) -> Definition:
    """The definition of such a drawing, which must be readable."""
    definition, problems = read(bpmn(*arrows, **more))
    assert definition is not None, problems
    assert not has_errors(problems), problems
    return definition


def _error(errors: Mapping[str, str], element: str) -> str:
    reference = f' errorRef="{errors[element]}"' if errors.get(element) else ""
    return f"<errorEventDefinition{reference}/>" if element in errors else ""


def _timer(text: str) -> str:
    when, _, clock = text.partition(" ")
    written = {"P": "timeDuration", "R": "timeCycle"}.get(when[0], "timeDate")
    extension = f'<extensionElements><tt:timer clock="{clock}"/></extensionElements>' if clock else ""
    return f"{extension}<timerEventDefinition><{written}>{when}</{written}></timerEventDefinition>"


def _service(text: str) -> str:
    return f"<extensionElements>{''.join(f'<tt:{one.strip()}/>' for one in text.split('|'))}</extensionElements>"


def _message(element: str, text: str) -> str:
    name, key, takes = [*text.split(" "), "", ""][:3]
    attributes = f"name={quoteattr(name)}" + (f" key={quoteattr(key)}" if key not in ("", "-") else "")
    extension = f"<extensionElements><tt:message {attributes} takes={quoteattr(takes)}/></extensionElements>"
    return extension + ("" if element.startswith("hear") else "<messageEventDefinition/>")


def _element(
    element: str,
    default: str | None,
    tasks: Mapping[str, str],
    timer: str,
    edge: str,
    ending: str,
    many: str,
    call: str | None,
) -> str:
    tag = next(
        (tag for prefix, tag in _TAGS.items() if element.startswith(prefix)),
        "userTask" if call is None else "callActivity",
    )
    attributes = tasks.get(element, TASK if tag == "userTask" else "")
    more = f" default={quoteattr(default)}" if default else ""
    several = f"<tt:many {many.removeprefix('sequential')}/>" if many else ""
    marker = f'<multiInstanceLoopCharacteristics isSequential="{str(many.startswith("sequential")).lower()}"/>'
    called, _space, keys = (call or "").partition(" ")
    more += f' calledElement="{called}"' if called else ""
    several += f"<tt:call {keys}/>" if keys else ""
    told = (f"<tt:task {attributes}/>" if attributes else "") + several
    extension = f"<extensionElements>{told}</extensionElements>" if told else ""
    if edge:
        host, _, beside = edge.partition(" ")
        more += f' attachedToRef="{host}"' + (' cancelActivity="false"' if beside else "")
    return f'<{tag} id="{element}"{more}>{extension}{timer}{ending}{marker if many else ""}</{tag}>'
