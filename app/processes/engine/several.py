"""How does BPMN say that a step is done several times? Reads the marker, tt:many, and approvals by more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.i18n import _
from app.processes.engine.elements import BPMN, KEY, TT, children, extensions, id_of, local, tag, title
from app.processes.engine.graph import AssignRule
from app.processes.engine.many import MOST_ELEMENTS, ManySpec, parse_rule
from app.processes.engine.problems import Problem, Severity

if TYPE_CHECKING:
    from lxml import etree

    from app.processes.engine.bpmn import _Reader
    from app.processes.engine.graph import TaskSpec

SEVERAL = BPMN + "multiInstanceLoopCharacteristics"
MANY = TT + "many"

_CARDINALITY = BPMN + "loopCardinality"
_CANNOT_RUN = {BPMN + "completionCondition", BPMN + "complexBehaviorDefinition"}
_ATTRIBUTES = {"collection", "rule", "reject"}


def many_of(reader: _Reader, element: etree._Element, task: TaskSpec | None) -> ManySpec | None:
    """How often the step is done; None where it is once. An approval by several people asks those for whom it is."""
    markers = element.findall(SEVERAL)
    specs = [extension for extension in extensions(element) if tag(extension) == MANY]
    approval = task.approval if task is not None and task.approval not in (None, "any", "1") else None
    if not markers and not specs and approval is None:
        return None
    _name_what_cannot_run(reader, element, markers)
    spec = specs[0] if specs else None
    over = reader._attribute(element, spec, "collection", _collection) if spec is not None else None
    if over is None:
        over = _cardinality(reader, element, markers)
    rule = reader._attribute(element, spec, "rule", parse_rule) if spec is not None else None
    counts = reader._attribute(element, spec, "reject", _counts) if spec is not None else None
    if over is None and approval is None and id_of(element) not in {one.element for one in reader.problems}:
        message = _("“%(name)s” is done several times: say for whom.", name=title(element))
        reader._error(id_of(element), "no-collection", message)
    is_sequential = any(marker.get("isSequential", "").strip() in {"true", "1"} for marker in markers)
    return ManySpec(over, rule or approval or "all", is_sequential, bool(counts))


def _collection(text: str) -> AssignRule | int | str:
    """Read `5`, `team:cskh` and the like, or the key of a value; else ValueError."""
    if text.isdecimal():
        if not 1 <= int(text) <= MOST_ELEMENTS:
            raise ValueError(text)
        return int(text)
    try:
        rule = AssignRule.parse(text)
    except ValueError:
        if KEY.fullmatch(text):
            return text
        raise
    if rule.picker is not None:
        raise ValueError(text)
    return rule


def _counts(text: str) -> bool:
    """Read `ends` or `counts`: what a decision against it does; else ValueError."""
    if text not in {"ends", "counts"}:
        raise ValueError(text)
    return text == "counts"


def _cardinality(reader: _Reader, element: etree._Element, markers: list[etree._Element]) -> int | None:
    for marker in markers:
        for part in marker.findall(_CARDINALITY):
            text = "".join(map(str, part.itertext())).strip()
            if text.isdecimal() and 1 <= int(text) <= MOST_ELEMENTS:
                return int(text)
            message = _("“%(name)s”: it can be done 1 to %(most)d times.", name=title(element), most=MOST_ELEMENTS)
            reader._error(id_of(element), "bad-collection", message)
    return None


def _name_what_cannot_run(reader: _Reader, element: etree._Element, markers: list[etree._Element]) -> None:
    for part in (part for marker in markers for part in children(marker)):
        if tag(part) in _CANNOT_RUN:
            message = _("“%(name)s”: “%(kind)s” cannot be run yet.", name=title(element), kind=local(part))
            reader.problems.append(Problem(id_of(element), "not-executable", message))
    for spec in (extension for extension in extensions(element) if tag(extension) == MANY):
        for attribute in sorted(set(map(str, spec.attrib)) - _ATTRIBUTES):
            message = _("“%(name)s”: “%(attribute)s” has no meaning here.", name=title(element), attribute=attribute)
            reader.problems.append(Problem(id_of(element), "unknown-attribute", message, Severity.warning))
