"""What is an element of a BPMN file made of? The few looks at XML that reading it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
TT = "{https://tantam.vn/schema/bpmn/1}"
#: how the data name a value: amount, approve.outcome
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*){0,3}")


def children(element: etree._Element) -> Iterator[etree._Element]:
    # Comments and entity references are children too; their tag is no text.
    return (child for child in element if isinstance(child.tag, str))


def extensions(element: etree._Element) -> list[etree._Element]:
    return [child for holder in element.findall(BPMN + "extensionElements") for child in children(holder)]


def tag(element: etree._Element) -> str:
    return str(element.tag)


def id_of(element: etree._Element) -> str:
    return element.get("id", "")


def title(element: etree._Element) -> str:
    return element.get("name", "").strip() or id_of(element)


def local(element: etree._Element) -> str:
    return etree.QName(element).localname
