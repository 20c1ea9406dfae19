"""How is a process drawn in a test? As arrows; what an element is follows from how its id begins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
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
}
_ARROW = re.compile(r"(?P<path>.+?)(?: if (?P<condition>.+)| by (?P<default>default))?")


def bpmn(*arrows: str, tasks: Mapping[str, str] | None = None, inside: str = "", around: str = "") -> str:
    """BPMN of "start > ask > xor1", "xor1 > pay if amount > 5", "xor1 > end by default".

    `tasks` gives the attributes of tt:task by element id, `inside` more XML in the process, `around` beside it.
    """
    tasks = tasks or {}
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
    drawn = [_element(element, default, tasks) for element, default in elements.items()]
    return document(f'<process id="p" name="P">{"".join(drawn)}{"".join(flows)}{inside}</process>{around}')


def document(content: str) -> str:
    """A BPMN document around a content; BPMN is the default namespace."""
    return (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"'
        ' xmlns:tt="https://tantam.vn/schema/bpmn/1" targetNamespace="test">' + content + "</definitions>"
    )


def drawn(*arrows: str, tasks: Mapping[str, str] | None = None, inside: str = "") -> Definition:
    """The definition of such a drawing, which must be readable."""
    definition, problems = read(bpmn(*arrows, tasks=tasks, inside=inside))
    assert definition is not None, problems
    assert not has_errors(problems), problems
    return definition


def _element(element: str, default: str | None, tasks: Mapping[str, str]) -> str:
    tag = next((tag for prefix, tag in _TAGS.items() if element.startswith(prefix)), "userTask")
    attributes = tasks.get(element, TASK if tag == "userTask" else "")
    extension = f"<extensionElements><tt:task {attributes}/></extensionElements>" if attributes else ""
    default_attribute = f" default={quoteattr(default)}" if default else ""
    return f'<{tag} id="{element}"{default_attribute}>{extension}</{tag}>'
