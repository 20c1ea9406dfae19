"""Which words of BPMN 2.0 and of tt: are understood, and what may stand in which element?"""

from __future__ import annotations

from lxml import etree

from app.processes.engine.elements import BPMN, TT, extensions, tag
from app.processes.engine.graph import EndKind, NodeKind
from app.processes.engine.linked import CALL, ERROR
from app.processes.engine.several import MANY, SEVERAL

KINDS = {
    BPMN + "startEvent": NodeKind.start_event,
    BPMN + "userTask": NodeKind.user_task,
    BPMN + "exclusiveGateway": NodeKind.exclusive_gateway,
    BPMN + "parallelGateway": NodeKind.parallel_gateway,
    BPMN + "inclusiveGateway": NodeKind.inclusive_gateway,
    BPMN + "intermediateCatchEvent": NodeKind.catch_event,
    BPMN + "intermediateThrowEvent": NodeKind.throw_event,
    BPMN + "receiveTask": NodeKind.receive_task,
    BPMN + "eventBasedGateway": NodeKind.event_gateway,
    BPMN + "sendTask": NodeKind.send_task,
    BPMN + "serviceTask": NodeKind.service_task,
    BPMN + "boundaryEvent": NodeKind.boundary_event,
    BPMN + "callActivity": NodeKind.call_activity,
    BPMN + "endEvent": NodeKind.end_event,
}
TIMER, MESSAGE = BPMN + "timerEventDefinition", BPMN + "messageEventDefinition"
ENDS = {
    BPMN + "terminateEventDefinition": EndKind.terminate,
    ERROR: EndKind.error,
}
# What a kind of element may hold besides, and the extension that it understands.
PARTS = {
    NodeKind.user_task: {SEVERAL},
    NodeKind.start_event: {TIMER, MESSAGE},
    NodeKind.catch_event: {TIMER, MESSAGE},
    NodeKind.boundary_event: {TIMER, MESSAGE, ERROR},
    NodeKind.throw_event: {MESSAGE},
    NodeKind.end_event: {*ENDS, MESSAGE},
}
EXTENSIONS = {
    NodeKind.user_task: {TT + "task", MANY},
    NodeKind.start_event: {TT + "task", TT + "timer", TT + "message"},
    NodeKind.catch_event: {TT + "timer", TT + "message"},
    NodeKind.boundary_event: {TT + "timer", TT + "message"},
    NodeKind.receive_task: {TT + "message"},
    NodeKind.call_activity: {CALL},
    NodeKind.throw_event: {TT + "message"},
    NodeKind.end_event: {TT + "message"},
    NodeKind.send_task: {TT + "mail", TT + "message"},
    NodeKind.service_task: {TT + "set", TT + "http"},
}
# At whose edge an event may sit.
HOSTS = {
    NodeKind.user_task, NodeKind.receive_task, NodeKind.call_activity, NodeKind.send_task, NodeKind.service_task,
}  # fmt: skip
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
    """Whether it waits for a message."""
    return element.find(MESSAGE) is not None


def all_extensions(element: etree._Element, name: str) -> list[dict[str, str]]:
    """The attributes of each extension of that name."""
    found = (one for one in extensions(element) if tag(one) == TT + name)
    return [{str(key): str(value) for key, value in one.attrib.items()} for one in found]


def extension_of(element: etree._Element, name: str) -> dict[str, str]:
    """The attributes of the first extension of that name."""
    return next(iter(all_extensions(element, name)), {})
