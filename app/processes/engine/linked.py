"""How does BPMN say that another process is called, and which error an event is about?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.i18n import _
from app.processes.engine.calling import CallSpec, parse_keys, parse_version
from app.processes.engine.elements import BPMN, TT, extensions, id_of, tag, title

if TYPE_CHECKING:
    from lxml import etree

    from app.processes.engine.bpmn import _Reader

CALL = TT + "call"
ERROR = BPMN + "errorEventDefinition"

_CALLS = BPMN + "callActivity"
_ATTRIBUTES = {"version", "in", "out"}
LONGEST_ERROR = 60


def call_of(reader: _Reader, element: etree._Element) -> CallSpec | None:
    """`calledElement` is the code of the process; tt:call says its version and which values go in and come back."""
    if tag(element) != _CALLS:
        return None
    process = element.get("calledElement", "").strip()
    if not process:
        reader._error(id_of(element), "no-process-called", _("“%(name)s” calls no process.", name=title(element)))
    specs = [extension for extension in extensions(element) if tag(extension) == CALL]
    if not specs:
        return CallSpec(process)
    for attribute in sorted(set(map(str, specs[0].attrib)) - _ATTRIBUTES):
        message = _("“%(name)s”: “%(attribute)s” has no meaning here.", name=title(element), attribute=attribute)
        reader._warning(id_of(element), "unknown-attribute", message)
    return CallSpec(
        process=process,
        takes=reader._attribute(element, specs[0], "in", parse_keys) or (),
        gives=reader._attribute(element, specs[0], "out", parse_keys) or (),
        pinned=bool(reader._attribute(element, specs[0], "version", parse_version)),
    )


def errors_of(root: etree._Element) -> dict[str, str]:
    """By the id of each error that the file names: its code."""
    return {id_of(one): one.get("errorCode", "").strip() or title(one) for one in root.findall(BPMN + "error")}


def error_of(reader: _Reader, element: etree._Element) -> str | None:
    """The code of the error that the event is about, "" where it says none; None where it is about none."""
    found = element.find(ERROR)
    if found is None:
        return None
    reference = found.get("errorRef", "").strip().rpartition(":")[2]
    code = reader.errors.get(reference, reference)
    if len(code) > LONGEST_ERROR:
        message = _("“%(name)s”: the code of an error has %(most)d characters at most.", name=title(element),
                    most=LONGEST_ERROR)  # fmt: skip
        reader._error(id_of(element), "bad-error", message)
    return code
