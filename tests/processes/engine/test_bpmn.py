"""Is BPMN read as design and standard say, and is a bad file refused with a sentence instead of a crash?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.processes.engine.bpmn import MAX_BYTES, MAX_NODES, read
from app.processes.engine.graph import AssignKind, AssignRule, EndKind, Lane, NodeKind, Stage, TaskSpec
from app.processes.engine.problems import Severity
from app.processes.engine.timing import Clock, TimerSpec
from tests.processes.engine.drawing import bpmn, document, drawn

SIMPLE = bpmn("start > ask > end")


def refusal(xml):
    """The one problem of a file that gives no definition."""
    definition, problems = read(xml)
    assert definition is None
    (problem,) = problems
    assert problem.severity is Severity.error
    return problem


def findings(xml):
    _definition, problems = read(xml)
    return [(problem.element, problem.code) for problem in problems]


# What is read.


def test_elements_and_flows_become_a_graph():
    definition = drawn("start > ask > xor1", "xor1 > pay if amount > 5", "xor1 > end by default", "pay > end")

    assert {node.id: node.kind for node in definition.nodes.values()} == {
        "start": NodeKind.start_event,
        "ask": NodeKind.user_task,
        "xor1": NodeKind.exclusive_gateway,
        "pay": NodeKind.user_task,
        "end": NodeKind.end_event,
    }
    gateway = definition.nodes["xor1"]
    assert (gateway.ins, gateway.outs, gateway.default) == (("f1",), ("f2", "f3"), "f3")
    flow = definition.flows["f2"]
    assert (flow.source, flow.target, flow.text) == ("xor1", "pay", "amount > 5")
    assert flow.condition.holds({"amount": 6})
    assert definition.flows["f3"].condition is None


def test_task_extension_is_read_whole():
    attributes = (
        'stage="duyet" form="phieu-duyet" assign="head" due="PT4H" clock="wall" warn="PT1H" '
        'approval="any" outcomes="approve,reject" notBy="propose, check"'
    )
    definition = drawn("start > approve > end", tasks={"approve": attributes})

    assert definition.nodes["approve"].task == TaskSpec(
        form="phieu-duyet",
        assign=AssignRule(AssignKind.head),
        due=timedelta(hours=4),
        clock=Clock.wall,
        warn=timedelta(hours=1),
        approval="any",
        outcomes=("approve", "reject"),
        not_by=("propose", "check"),
        stage="duyet",
    )


def test_approval_without_outcomes_offers_the_usual_three():
    definition = drawn("start > approve > end", tasks={"approve": 'assign="head" approval="any"'})

    assert definition.nodes["approve"].task.outcomes == ("approve", "reject", "return")


def test_step_without_approval_has_no_outcomes():
    assert drawn("start > ask > end").nodes["ask"].task.outcomes == ()


def test_start_form_stands_on_the_start_event():
    assert drawn("start > ask > end", tasks={"start": 'form="phan-anh"'}).start_form == "phan-anh"
    assert drawn("start > ask > end").start_form is None


def test_empty_attributes_count_as_absent():
    definition = drawn("start > ask > end", tasks={"ask": 'assign="" due="" form="" outcomes="" warn="" stage=""'})

    assert definition.nodes["ask"].task == TaskSpec()


def test_lane_role_does_the_steps_that_name_nobody():
    lanes = """<laneSet id="l"><lane id="outer" name="CSKH" tt:role="Staff"><flowNodeRef>a</flowNodeRef>
        <childLaneSet id="i"><lane id="inner" name="Trưởng" tt:role="Manager"><flowNodeRef>b</flowNodeRef></lane>
        <lane id="plain" name="Chung"><flowNodeRef>c</flowNodeRef></lane></childLaneSet></lane></laneSet>"""
    tasks = {"a": "", "b": 'due="PT1H"', "c": 'assign="initiator"'}
    definition = drawn("start > a > b > c > end", tasks=tasks, inside=lanes)

    assert definition.nodes["a"].lane == Lane("outer", "CSKH", "Staff")
    assert definition.nodes["a"].assignment == AssignRule(AssignKind.role, "Staff")
    assert definition.nodes["b"].assignment == AssignRule(AssignKind.role, "Manager")
    assert definition.nodes["c"].lane == Lane("plain", "Chung", "Staff")
    assert definition.nodes["c"].assignment == AssignRule(AssignKind.initiator)


def test_stages_come_in_their_order():
    stages = """<extensionElements><tt:stage key="sau" name="Sau" order="2"/>
        <tt:stage key="truoc" name="Trước" order="1" limit="PT8H"/></extensionElements>"""

    assert drawn("start > ask > end", inside=stages).stages == (
        Stage("truoc", "Trước", 1, timedelta(hours=8)),
        Stage("sau", "Sau", 2),
    )


def test_remarks_comments_and_foreign_elements_are_passed_over():
    remarks = """<!-- ghi chú --><?pi x?><documentation>Vì sao</documentation>
        <textAnnotation id="n"><text>x</text></textAnnotation>
        <association id="as" sourceRef="ask" targetRef="n"/><x:note xmlns:x="urn:x" id="xn"/>"""

    assert findings(bpmn("start > ask > end", inside=remarks)) == []


def test_diagram_information_is_accepted():
    diagram = """<di:BPMNDiagram xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" id="d">
        <di:BPMNPlane id="plane" bpmnElement="p"><di:BPMNShape id="ask_di" bpmnElement="ask"/></di:BPMNPlane>
        </di:BPMNDiagram>"""

    assert findings(bpmn("start > ask > end", around=diagram)) == []


def test_prefix_of_the_namespace_does_not_matter():
    xml = SIMPLE.replace("xmlns=", "xmlns:b=").replace("</", "</b:").replace("<", "<b:").replace("<b:/b:", "</b:")
    definition, problems = read(xml.replace("b:tt:", "tt:"))

    assert problems == []
    assert definition.nodes["ask"].task.due == timedelta(hours=1)


def test_the_executable_process_of_a_collaboration_is_taken():
    other = """<process id="khach" isExecutable="false"/>
        <collaboration id="c"><participant id="x" processRef="p"/></collaboration>"""
    definition, problems = read(bpmn("start > ask > end", around=other).replace('id="p"', 'id="p" isExecutable="true"'))

    assert problems == []
    assert definition.id == "p"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_declared_encodings_are_understood(encoding):
    xml = f'<?xml version="1.0" encoding="{encoding}"?>' + SIMPLE.replace('name="P"', 'name="Café"')
    definition, problems = read(xml.encode(encoding))

    assert (definition.name, problems) == ("Café", [])


def test_text_is_read_whatever_encoding_it_declares():
    definition, problems = read(
        '<?xml version="1.0" encoding="UTF-16"?>' + SIMPLE.replace('name="P"', 'name="Giao hàng"')
    )

    assert (definition.name, problems) == ("Giao hàng", [])


# Files that are refused whole.

BILLION_LAUGHS = (
    '<!DOCTYPE d [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]>"
    + SIMPLE.replace('name="P"', 'name="&a11;"')
)
QUADRATIC = f'<!DOCTYPE d [<!ENTITY a "{"x" * 100_000}">]>' + SIMPLE.replace('name="P"', f'name="{"&a;" * 100_000}"')


@pytest.mark.parametrize(
    ("xml", "codes"),
    [
        ("", {"not-xml"}),
        (b"", {"not-xml"}),
        (b"\x00\x00\x00", {"not-xml"}),
        ("giao hàng chậm", {"not-xml"}),
        (b"PK\x03\x04" + b"\x00" * 50, {"not-xml"}),
        (SIMPLE[:-5], {"not-xml"}),
        (SIMPLE.replace("<process", "<process <", 1), {"not-xml"}),
        ("<a>&unknown;</a>", {"not-xml"}),
        ("\ud800" + SIMPLE, {"not-xml"}),
        (SIMPLE.replace('name="P"', 'name="\x00"'), {"not-xml"}),
        (SIMPLE.replace('name="P"', 'name="Giao hàng"').encode("latin-1"), {"not-xml"}),
        (('<?xml version="1.0" encoding="utf-16"?>' + SIMPLE).encode(), {"not-xml"}),
        (('<?xml version="1.0" encoding="klingon"?>' + SIMPLE).encode(), {"not-xml"}),
        ("<a>" * 10_000 + "</a>" * 10_000, {"not-xml"}),
        (b" " * (MAX_BYTES + 1), {"too-large"}),
        (SIMPLE + "<!--" + "x" * 3_000_000 + "-->", {"too-large"}),
        ("<!DOCTYPE definitions>" + SIMPLE, {"doctype"}),
        ('<!DOCTYPE definitions SYSTEM "http://evil.example/x.dtd">' + SIMPLE, {"doctype"}),
        ('<!DOCTYPE d [<!ENTITY x "y">]>' + SIMPLE.replace('name="P"', 'name="&x;"'), {"doctype"}),
        (
            '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + SIMPLE.replace("<process", "&x;<process", 1),
            {"doctype"},
        ),
        (BILLION_LAUGHS, {"doctype", "not-xml"}),
        (QUADRATIC, {"doctype", "not-xml"}),
        ("<definitions/>", {"not-bpmn"}),
        ("<html><body/></html>", {"not-bpmn"}),
        (document(""), {"no-process"}),
        (document('<process id="a"/><process id="b"/>'), {"several-processes"}),
        (document('<process id="a" isExecutable="true"/><process id="b" isExecutable="true"/>'), {"several-processes"}),
        (document(f'<process id="p">{"<userTask/>" * (MAX_NODES + 1)}</process>'), {"too-large"}),
        (document(f'<process id="p">{"<sequenceFlow/>" * (2 * MAX_NODES + 1)}</process>'), {"too-large"}),
    ],
    ids=range(29),
)
def test_bad_file_gives_one_clear_problem(xml, codes):
    problem = refusal(xml)

    assert problem.code in codes
    assert problem.element == ""


def test_external_entities_are_never_fetched(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("mat-khau-bi-mat")
    xml = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]>' + SIMPLE.replace(
        "<process", "<documentation>&x;</documentation><process", 1
    )

    assert "mat-khau" not in repr(refusal(xml).message)


# Elements that are refused by name.


def test_ids_that_are_used_twice_are_named():
    assert findings(document('<process id="p"><userTask id="a"/><userTask id="a"/></process>')) == [
        ("a", "duplicate-id")
    ]
    assert findings(document('<process id="p"><lane id="a"/><userTask id="a"/></process>')) == [("a", "duplicate-id")]


def test_ids_outside_the_process_do_not_matter():
    assert findings(bpmn("start > ask > end", around='<message id="ask"/>')) == []


@pytest.mark.parametrize(
    "tag",
    ["task", "manualTask", "scriptTask", "businessRuleTask",
     "subProcess", "transaction", "adHocSubProcess", "complexGateway",
     "somethingNew"],
)  # fmt: skip
def test_elements_that_cannot_run_yet_are_named(tag):
    inside = f'<{tag} id="t"/><sequenceFlow id="x" sourceRef="ask" targetRef="t"/>'
    definition, problems = read(bpmn("start > ask > end", inside=inside))

    assert definition is None
    assert [(problem.element, problem.code) for problem in problems] == [("t", "not-executable")]


@pytest.mark.parametrize(
    ("element", "part"),
    [
        ("end", "<signalEventDefinition/>"),
        ("end", "<timerEventDefinition/>"),
        ("ask", "<timerEventDefinition/>"),
        ("ask", "<standardLoopCharacteristics/>"),
        ("end", "<extensionElements><tt:task form='x'/></extensionElements>"),
        ("end", "<extensionElements><tt:mail template='x'/></extensionElements>"),
    ],
)
def test_parts_that_cannot_run_yet_are_named_with_their_element(element, part):
    tags = {"start": "startEvent", "ask": "userTask", "end": "endEvent"}
    content = "".join(f'<{tag} id="{name}">{part if name == element else ""}</{tag}>' for name, tag in tags.items())
    flows = """<sequenceFlow id="f0" sourceRef="start" targetRef="ask"/>
        <sequenceFlow id="f1" sourceRef="ask" targetRef="end"/>"""
    xml = document(f'<process id="p">{content}{flows}</process>')

    assert findings(xml) == [(element, "not-executable")]


def test_data_objects_are_kept_but_not_read():
    definition, problems = read(bpmn("start > ask > end", inside='<dataObject id="don-hang"/>'))

    assert definition is not None
    assert [(problem.element, problem.code, problem.severity) for problem in problems] == [
        ("don-hang", "not-read", Severity.warning)
    ]


@pytest.mark.parametrize("element", ["", "x" * 101, "a]b", "a b"])
def test_ids_that_no_condition_could_name_are_refused(element):
    assert findings(document(f'<process id="p"><userTask id="{element}"/></process>')) == [(element[:100], "bad-id")]


def test_names_that_are_too_long_are_refused():
    assert findings(document(f'<process id="p"><userTask id="a" name="{"x" * 201}"/></process>')) == [
        ("a", "name-too-long")
    ]


@pytest.mark.parametrize("ends", ['sourceRef="ask"', 'targetRef="ask"', 'sourceRef="ask" targetRef="nowhere"'])
def test_flow_that_connects_nothing_is_named(ends):
    assert findings(bpmn("start > ask > end", inside=f'<sequenceFlow id="loose" {ends}/>')) == [("loose", "loose-flow")]


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ('due="5 minutes"', "bad-duration"),
        ('warn="P1M"', "bad-duration"),
        ('assign="everybody"', "bad-assign"),
        ('clock="sun"', "bad-clock"),
        ('outcomes="Duyệt"', "bad-outcomes"),
        ('approval="some"', "bad-approval"),
    ],
)
def test_malformed_attribute_is_named_and_the_rest_still_read(attributes, code):
    definition, problems = read(bpmn("start > ask > end", tasks={"ask": f'form="f" {attributes}'}))

    assert [(problem.element, problem.code) for problem in problems] == [("ask", code)]
    assert definition.nodes["ask"].task.form == "f"
    assert definition.faulty == {"ask"}


def test_attribute_without_a_meaning_is_a_warning():
    _definition, problems = read(bpmn("start > ask > end", tasks={"ask": 'sla="PT1H"', "start": 'form="f" due="PT1H"'}))

    assert [(problem.element, problem.code, problem.severity) for problem in problems] == [
        ("start", "unknown-attribute", Severity.warning),
        ("ask", "unknown-attribute", Severity.warning),
    ]


def test_condition_that_cannot_be_read_is_named():
    definition, problems = read(bpmn("start > xor1", "xor1 > a if amount == 5", "xor1 > end by default", "a > end"))

    assert [(problem.element, problem.code) for problem in problems] == [("f1", "bad-condition")]
    assert (definition.flows["f1"].condition, definition.flows["f1"].text) == (None, "amount == 5")


def test_default_flow_that_leaves_another_element_is_named():
    xml = bpmn("start > xor1 > end").replace('id="xor1"', 'id="xor1" default="f0"')

    assert findings(xml) == [("xor1", "bad-default")]


def test_task_that_is_described_twice_is_named():
    xml = SIMPLE.replace("</extensionElements>", "<tt:task/></extensionElements>")

    assert findings(xml) == [("ask", "duplicate-task")]


@pytest.mark.parametrize("stages", ['<tt:stage name="x"/>', '<tt:stage key="a"/><tt:stage key="a"/>'])
def test_stages_need_a_key_of_their_own(stages):
    assert findings(bpmn("start > ask > end", inside=f"<extensionElements>{stages}</extensionElements>")) == [
        ("p", "bad-stage")
    ]


# Timers.


def timer_of(element, text, **more):
    arrows = ["start > ask > wait > end", "edge > end2"] if element != "start" else ["start > ask > end"]
    timers = {"wait": "PT1H", "edge": "PT1H", element: text} if element != "start" else {"start": text}
    definition = drawn(*arrows, timers=timers, edges={"edge": "ask", **more})
    return definition.nodes[element].timer


@pytest.mark.parametrize(
    ("element", "text", "edge", "expected"),
    [
        ("wait", "PT2H", "ask", TimerSpec(timedelta(hours=2))),
        ("wait", "P2D wall", "ask", TimerSpec(timedelta(days=2), Clock.wall)),
        ("wait", "2026-11-23T09:00:00+07:00", "ask", TimerSpec(moment=datetime(2026, 11, 23, 2, tzinfo=UTC))),
        ("wait", "2026-11-24", "ask", TimerSpec(moment=datetime(2026, 11, 24))),
        ("wait", "appointment", "ask", TimerSpec(key="appointment")),
        ("wait", "book.appointment", "ask", TimerSpec(key="book.appointment")),
        ("edge", "PT2H", "ask", TimerSpec(timedelta(hours=2))),
        ("edge", "R3/PT1H", "ask beside", TimerSpec(timedelta(hours=1), repeats=True, times=3)),
        ("edge", "R/PT1H", "ask beside", TimerSpec(timedelta(hours=1), repeats=True, times=None)),
        ("start", "R/P1D wall", "ask", TimerSpec(timedelta(days=1), Clock.wall, repeats=True, times=None)),
        ("start", "2026-12-01", "ask", TimerSpec(moment=datetime(2026, 12, 1))),
        (
            "start", "R/2026-11-23T08:00/P7D wall", "ask",
            TimerSpec(timedelta(days=7), Clock.wall, datetime(2026, 11, 23, 8), repeats=True, times=None),
        ),
    ],
)  # fmt: skip
def test_timers_are_read(element, text, edge, expected):
    assert timer_of(element, text, edge=edge) == expected


def test_whether_an_event_at_the_edge_ends_the_work():
    beside = drawn("start > ask > end", "edge > end2", timers={"edge": "PT1H"}, edges={"edge": "ask beside"})
    ending = drawn("start > ask > end", "edge > end2", timers={"edge": "PT1H"}, edges={"edge": "ask"})

    assert [(d.nodes["edge"].host, d.nodes["edge"].interrupting) for d in (beside, ending)] == [
        ("ask", False),
        ("ask", True),
    ]
    assert [node.id for node in beside.edges["ask"]] == ["edge"]


@pytest.mark.parametrize(
    ("element", "text", "edge"),
    [
        ("wait", "P1M", "ask"), ("wait", "PT0S", "ask"), ("wait", "R3/PT1H", "ask"), ("wait", "2026-13-01", "ask"),
        ("wait", "9999-12-31", "ask"), ("edge", "R3/PT1H", "ask"), ("edge", "R0/PT1H", "ask beside"),
        ("edge", "R3/PT1S", "ask beside"), ("edge", "2026-12-01", "ask"), ("edge", "appointment", "ask"),
        ("edge", "R/2026-12-01/P1D", "ask beside"), ("start", "PT1H", "ask"), ("start", "appointment", "ask"),
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_waited_for_is_named(element, text, edge):
    arrows = ["start > ask > end"] if element == "start" else ["start > ask > wait > end", "edge > end2"]
    timers = {element: text} if element == "start" else {"wait": "PT1H", "edge": "PT1H", element: text}

    assert findings(bpmn(*arrows, timers=timers, edges={"edge": edge})) == [(element, "bad-timer")]


def test_an_event_without_a_timer_is_named():
    assert findings(bpmn("start > wait > end")) == [("wait", "no-timer")]
    assert findings(bpmn("start > ask > end", "edge > end2", edges={"edge": "ask"})) == [("edge", "no-timer")]
    two = (
        "<timerEventDefinition><timeDuration>PT1H</timeDuration><timeDate>2026-12-01</timeDate></timerEventDefinition>"
    )
    xml = bpmn("start > wait > end").replace(
        '<intermediateCatchEvent id="wait">', f'<intermediateCatchEvent id="wait">{two}'
    )
    assert findings(xml) == [("wait", "no-timer")]


def test_an_event_at_the_edge_of_nothing_is_named():
    for host in ("nothing", "end", "start"):
        xml = bpmn("start > ask > end", "edge > end2", timers={"edge": "PT1H"}, edges={"edge": host})
        assert findings(xml) == [("edge", "no-host")]


def test_ends_that_end_everything_are_read():
    definition = drawn(
        "start > and1 > a > end1", "and1 > b > end2", "and1 > c > end3", ends={"end1": "terminate", "end2": "error"}
    )

    assert [definition.nodes[end].end for end in ("end1", "end2", "end3")] == [
        EndKind.terminate,
        EndKind.error,
        EndKind.branch,
    ]
