"""Which words of BPMN 2.0 and of tt: are understood, and where in an element do they stand?"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from app.processes.engine.graph import EndKind, NodeKind

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
TT = "{https://tantam.vn/schema/bpmn/1}"

KINDS = {
    BPMN + "startEvent": NodeKind.start_event,
    BPMN + "userTask": NodeKind.user_task,
    BPMN + "exclusiveGateway": NodeKind.exclusive_gateway,
    BPMN + "parallelGateway": NodeKind.parallel_gateway,
    BPMN + "inclusiveGateway": NodeKind.inclusive_gateway,
    BPMN + "intermediateCatchEvent": NodeKind.catch_event,
    BPMN + "receiveTask": NodeKind.receive_task,
    BPMN + "eventBasedGateway": NodeKind.event_gateway,
    BPMN + "boundaryEvent": NodeKind.boundary_event,
    BPMN + "endEvent": NodeKind.end_event,
}
TIMER, MESSAGE = BPMN + "timerEventDefinition", BPMN + "messageEventDefinition"
ENDS = {
    BPMN + "terminateEventDefinition": EndKind.terminate,
    BPMN + "errorEventDefinition": EndKind.error,
}
# What a kind of element may hold besides, and the extension that it understands.
PARTS = {
    NodeKind.start_event: {TIMER, MESSAGE},
    NodeKind.catch_event: {TIMER, MESSAGE},
    NodeKind.boundary_event: {TIMER, MESSAGE},
    NodeKind.end_event: set(ENDS),
}
EXTENSIONS = {
    NodeKind.user_task: {TT + "task"},
    NodeKind.start_event: {TT + "task", TT + "timer", TT + "message"},
    NodeKind.catch_event: {TT + "timer", TT + "message"},
    NodeKind.boundary_event: {TT + "timer", TT + "message"},
    NodeKind.receive_task: {TT + "message"},
}
# At whose edge an event may sit.
HOSTS = {NodeKind.user_task, NodeKind.receive_task}
# Drawing and remarks: they say nothing about how the process runs.
SILENT = {
    BPMN + name
    for name in (
        "documentation", "extensionElements", "laneSet", "textAnnotation", "association", "group", "auditing",
        "monitoring", "incoming", "outgoing",
    )
}  # fmt: skip
# Kept in the file and never read at run time.
NOT_READ = {
    BPMN + name
    for name in (
        "dataObject", "dataObjectReference", "dataStoreReference", "ioSpecification", "property",
        "dataInputAssociation", "dataOutputAssociation", "potentialOwner", "humanPerformer", "performer", "rendering",
        "resourceRole",
    )
}  # fmt: skip
TIMES = {BPMN + "timeDuration", BPMN + "timeDate", BPMN + "timeCycle"}


def listens(element: etree._Element) -> bool:
    return element.find(MESSAGE) is not None


def extension_of(element: etree._Element, name: str) -> dict[str, str]:
    """The attributes of the first extension of that name."""
    found = next((one for one in extensions_of(element) if tag_of(one) == TT + name), None)
    return {} if found is None else {str(key): str(value) for key, value in found.attrib.items()}


def children_of(element: etree._Element) -> Iterator[etree._Element]:
    # Comments and entity references are children too; their tag is no text.
    return (child for child in element if isinstance(child.tag, str))


def extensions_of(element: etree._Element) -> list[etree._Element]:
    return [child for holder in element.findall(BPMN + "extensionElements") for child in children_of(holder)]


def tag_of(element: etree._Element) -> str:
    return str(element.tag)


def id_of(element: etree._Element) -> str:
    return element.get("id", "")


def title_of(element: etree._Element) -> str:
    return element.get("name", "").strip() or id_of(element)


def local_name(element: etree._Element) -> str:
    return etree.QName(element).localname
