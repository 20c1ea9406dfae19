"""What stands against publishing is told by REST in Vietnamese, with the name of the element; a warning does not."""

from __future__ import annotations

import re

import pytest

from tests.processes.engine.drawing import bpmn
from tests.rest import Rest

XML = "application/xml"

#: what is wrong → (arrows, more), element, code, what is said of it
WRONG = {
    "a step that is never reached": (
        ("start > ask > end", "lost > end"), {}, "lost", "unreachable", "“Bước lost” không bao giờ được đi tới.",
    ),
    "a parallel join behind a choice": (
        ("start > ask > xor1", "xor1 > a > and1 if x = 1", "xor1 > b > and1 by default", "and1 > end"), {}, "and1",
        "dead-join", "“Bước and1” có thể chờ mãi một nhánh không được chọn.",
    ),
    "a join that waits for what comes after it": (
        ("start > and1 > a > xor1", "xor1 > and1 if x = 1", "xor1 > end by default"), {}, "and1", "dead-join",
        "“Bước and1” có thể chờ mãi",
    ),
    "a token that is left behind": (
        ("start > and1 > a > xor1 > and2 > end", "and1 > b > xor1", "and1 > c > and2"), {}, "and2", "dead-join",
        "“Bước and2” có thể chờ mãi",
    ),
    "a branch that goes round without end": (
        ("start > a > xor1", "xor1 > a if x = 1", "xor1 > b > a by default", "start2 > end"), {}, "a", "no-way-out",
        "Từ “Bước a”",
    ),
    "a choice without a default": (
        ("start > ask > xor1", "xor1 > a if x = 1", "xor1 > end2 if x = 2", "a > end"), {}, "xor1", "no-default",
        "“Bước xor1” chưa có mũi tên mặc định",
    ),
    "several ways without a default": (
        ("start > ask > ior1", "ior1 > a if x = 1", "ior1 > b if y = 2", "a > end", "b > end2"), {}, "ior1",
        "no-default", "“Bước ior1” chưa có mũi tên mặc định",
    ),
    "a loop that nobody interrupts": (
        ("start > xor1 > xor2", "xor2 > xor1 if x = 1", "xor2 > end by default"), {}, "xor1", "automatic-loop",
        "“Bước xor1”",
    ),
    "a step that nobody does": (
        ("start > ask > end",), {"tasks": {"ask": 'due="PT1H"'}}, "ask", "no-assignee", "Chưa ai làm “Bước ask”",
    ),
}  # fmt: skip


@pytest.fixture
def hoa(app):
    rest = Rest(app, "hoa")
    assert rest.post("processes/", {"code": "thu", "name": "Thử"}).status_code == 201
    return rest


def named(*arrows, **more):
    """Every element has a name that is not its id."""
    return re.sub(
        r'(<(?!sequenceFlow|process|tt:|definitions)\w+ id="(\w+)")', r'\1 name="Bước \2"', bpmn(*arrows, **more)
    )


def publish(hoa, xml):
    kept = hoa.put("processes/thu/draft", data=xml.encode(), content_type=XML)
    assert kept.status_code == 200, kept.text
    return hoa.post("processes/thu/publish")


@pytest.mark.parametrize("what", WRONG)
def test_it_is_refused_with_a_sentence_that_names_the_element(hoa, what):
    arrows, more, element, code, said = WRONG[what]
    refused = publish(hoa, named(*arrows, **more))
    assert (refused.status_code, refused.json["error"]) == (422, "process_not_publishable")
    told = [(one["element"], one["code"]) for one in refused.json["problems"] if one["severity"] == "error"]
    assert (element, code) in told
    (sentence,) = {
        one["message"] for one in refused.json["problems"] if (one["element"], one["code"]) == (element, code)
    }
    assert sentence.startswith(said)
    assert hoa.get("processes/thu").json["active_version"] is None


def test_warnings_do_not_keep_it_from_being_published(hoa):
    xml = named("start > ask > xor1", "xor1 > a if nobody_asks = 1", "xor1 > end2 by default", "a > end",
                tasks={"ask": 'assign="initiator"'})  # fmt: skip
    done = publish(hoa, xml)
    assert (done.status_code, done.json["version"]) == (200, 1)
    assert {one["code"] for one in done.json["warnings"]} == {"unknown-key", "no-due"}


@pytest.mark.parametrize(
    ("xml", "status", "said"),
    [
        ("", 422, "Tệp không phải XML"),
        ("xin chào", 422, "Tệp không phải XML"),
        ("<quy-trinh/>", 422, "Tệp không phải BPMN 2.0"),
        ("<!DOCTYPE definitions><definitions/>", 422, "Tệp có khai báo DOCTYPE"),
        ('<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>', 422, "Tệp có khai báo DOCTYPE"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', 422, "Tệp có khai báo DOCTYPE"),
    ],
)
def test_a_draft_that_is_none_is_refused_with_a_sentence(hoa, xml, status, said):
    refused = hoa.put("processes/thu/draft", data=xml.encode(), content_type=XML)
    assert refused.status_code == status
    (problem,) = refused.json["problems"]
    assert problem["message"].startswith(said)
    assert "draft" not in hoa.get("processes/thu").json or hoa.get("processes/thu").json["draft"] is None
