"""How is a drawing changed without drawing it anew? Single tasks are added, told what to do and taken out again.

The file stays as it is but for what has to change: names, remarks, the words of others and the diagram are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite

from lxml import etree

from app.processes.engine.elements import BPMN, TT, children, extensions, id_of, tag

_DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
_DC = "{http://www.omg.org/spec/DD/20100524/DC}"
_DD = "{http://www.omg.org/spec/DD/20100524/DI}"
#: by the extension that says what it does: the kind of task
TASKS = {"mail": "sendTask", "message": "sendTask", "set": "serviceTask", "http": "serviceTask"}
_WIDTH, _HEIGHT = 100, 80

Words = Sequence[Mapping[str, str]]


class NoPlaceError(Exception):
    """What is to be changed is not in the drawing, or not so that it can be done here."""


def words_in(xml: str) -> dict[str, tuple[str, list[dict[str, str]]]]:
    """By the id of each task what it does: mail, message, set or http, and the attributes of each of its lines."""
    found: dict[str, tuple[str, list[dict[str, str]]]] = {}
    for task in _root(xml).iter(*{BPMN + name for name in TASKS.values()}):
        for kind, name in TASKS.items():
            words = [dict(one.attrib) for one in extensions(task) if tag(one) == TT + kind]
            if tag(task) == BPMN + name and words:
                found[id_of(task)] = (kind, [{str(key): str(text) for key, text in one.items()} for one in words])
    return found


def tell(xml: str, element_id: str, name: str, kind: str, words: Words) -> str:
    """The task of that id is called `name` and does what `words` say: the attributes of each tt:`kind`."""
    root = _root(xml)
    task = _by_id(root, element_id)
    if tag(task) != BPMN + TASKS[kind]:
        raise NoPlaceError(element_id)
    _tell(task, name, kind, words)
    return _text(root)


def insert(xml: str, flow_id: str, name: str, kind: str, words: Words) -> tuple[str, str]:
    """A new task on the flow. Returns the drawing, and the task's id."""
    root = _root(xml)
    flow = _by_id(root, flow_id)
    process = flow.getparent()
    if tag(flow) != BPMN + "sequenceFlow" or process is None:
        raise NoPlaceError(flow_id)
    taken = {id_of(element) for element in root.iter() if isinstance(element.tag, str)}
    number = next(n for n in range(1, len(taken) + 2) if not {f"auto_{n}", f"auto_{n}_out"} & taken)
    new, way = f"auto_{number}", f"auto_{number}_out"
    target = flow.get("targetRef", "")
    task = etree.Element(BPMN + TASKS[kind], id=new)
    _tell(task, name, kind, words)
    for side, ref in (("incoming", flow_id), ("outgoing", way)):
        etree.SubElement(task, BPMN + side).text = ref
    process.insert(process.index(flow), task)
    flow.set("targetRef", new)
    flow.addnext(etree.Element(BPMN + "sequenceFlow", id=way, sourceRef=new, targetRef=target))
    for incoming in _by_id(root, target).findall(BPMN + "incoming"):
        if (incoming.text or "").strip() == flow_id:
            incoming.text = way
    for reference in root.iter(BPMN + "flowNodeRef"):
        if (reference.text or "").strip() == flow.get("sourceRef"):
            beside = etree.Element(BPMN + "flowNodeRef")
            beside.text = new
            reference.addnext(beside)
            break
    _show(root, flow_id, new, way)
    return _text(root), new


def take_out(xml: str, element_id: str) -> str:
    """Whatever led to the task leads on to where it led. Raises NoPlaceError where events sit at its edge, or more than
    one flow leaves it."""
    root = _root(xml)
    task = _by_id(root, element_id)
    if tag(task) not in {BPMN + kind for kind in TASKS.values()}:
        raise NoPlaceError(element_id)
    outs = [flow for flow in root.iter(BPMN + "sequenceFlow") if flow.get("sourceRef") == element_id]
    held = any(event.get("attachedToRef") == element_id for event in root.iter(BPMN + "boundaryEvent"))
    if len(outs) != 1 or held:
        raise NoPlaceError(element_id)
    target, way = outs[0].get("targetRef", ""), id_of(outs[0])
    ins = [flow for flow in root.iter(BPMN + "sequenceFlow") if flow.get("targetRef") == element_id]
    for incoming in _by_id(root, target).findall(BPMN + "incoming"):
        if (incoming.text or "").strip() == way:
            _remove(incoming)
    for flow in ins:
        flow.set("targetRef", target)
        etree.SubElement(_by_id(root, target), BPMN + "incoming").text = id_of(flow)
        _in_order(_by_id(root, target))
        _lead_on(root, id_of(flow), way)
    gone = {element_id, way}
    for reference in list(root.iter(BPMN + "flowNodeRef")):
        if (reference.text or "").strip() in gone:
            _remove(reference)
    for shown in [*root.iter(_DI + "BPMNShape"), *root.iter(_DI + "BPMNEdge")]:
        if shown.get("bpmnElement") in gone:
            _remove(shown)
    _remove(task)
    _remove(outs[0])
    return _text(root)


# ── one task ──
def _tell(task: etree._Element, name: str, kind: str, words: Words) -> None:
    task.set("name", name)
    holder = task.find(BPMN + "extensionElements")
    if holder is None:
        holder = etree.Element(BPMN + "extensionElements")
        documentation = task.findall(BPMN + "documentation")
        task.insert(len(documentation), holder)
    for old in [child for child in children(holder) if tag(child) in {TT + other for other in TASKS}]:
        holder.remove(old)
    for attributes in words:
        etree.SubElement(holder, TT + kind, {key: text for key, text in attributes.items() if text})


def _in_order(element: etree._Element) -> None:
    """BPMN wants what comes in before what goes out."""
    for outgoing in element.findall(BPMN + "outgoing"):
        element.remove(outgoing)
        last = element.findall(BPMN + "incoming")[-1]
        last.addnext(outgoing)


# ── the diagram ──
def _show(root: etree._Element, flow_id: str, new: str, way: str) -> None:
    """In the middle of the arrow; a drawing without a diagram stays without."""
    edge = next((one for one in root.iter(_DI + "BPMNEdge") if one.get("bpmnElement") == flow_id), None)
    points = edge.findall(_DD + "waypoint") if edge is not None else []
    plane = edge.getparent() if edge is not None else None
    if edge is None or plane is None or len(points) < 2:
        return
    first, last = _place(points[0]), _place(points[-1])
    x, y = (first[0] + last[0]) / 2, (first[1] + last[1]) / 2
    shape = etree.SubElement(plane, _DI + "BPMNShape", id=f"{new}_di", bpmnElement=new)
    etree.SubElement(
        shape, _DC + "Bounds", x=f"{x - _WIDTH / 2:g}", y=f"{y - _HEIGHT / 2:g}", width=str(_WIDTH), height=str(_HEIGHT)
    )
    for point in points[1:]:
        edge.remove(point)
    _points(edge, [(x - _WIDTH / 2, y)])
    onward = etree.SubElement(plane, _DI + "BPMNEdge", id=f"{way}_di", bpmnElement=way)
    _points(onward, [(x + _WIDTH / 2, y), last])


def _lead_on(root: etree._Element, flow_id: str, way: str) -> None:
    """The arrow ends where the next one did."""
    edges = {one.get("bpmnElement"): one for one in root.iter(_DI + "BPMNEdge")}
    edge, onward = edges.get(flow_id), edges.get(way)
    if edge is None or onward is None:
        return
    for point in edge.findall(_DD + "waypoint")[1:]:
        edge.remove(point)
    points = onward.findall(_DD + "waypoint")[-1:]
    _points(edge, [_place(point) for point in points])


def _place(point: etree._Element) -> tuple[float, float]:
    """Raises NoPlaceError where it is none: then the arrow can be led nowhere."""
    try:
        x, y = float(point.get("x", 0)), float(point.get("y", 0))
    except ValueError:
        raise NoPlaceError(point.get("x", "")) from None
    if not isfinite(x) or not isfinite(y):
        raise NoPlaceError(point.get("x", ""))
    return x, y


def _points(edge: etree._Element, points: Sequence[tuple[float, float]]) -> None:
    for x, y in points:
        place = len(edge.findall(_DD + "waypoint"))
        edge.insert(place, etree.Element(_DD + "waypoint", x=f"{x:g}", y=f"{y:g}"))


# ── the file ──
def _root(xml: str) -> etree._Element:
    """Of a drawing that was read before, so without a DOCTYPE; comments stay."""
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(xml.encode(), parser)


def _text(root: etree._Element) -> str:
    return etree.tostring(root.getroottree(), encoding="unicode")


def _by_id(root: etree._Element, element_id: str) -> etree._Element:
    found: Iterator[etree._Element] = (one for one in root.iter(BPMN + "*") if element_id and id_of(one) == element_id)
    element = next(found, None)
    if element is None:
        raise NoPlaceError(element_id)
    return element


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
