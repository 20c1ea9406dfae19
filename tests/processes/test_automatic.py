"""What a process does by itself is written down in the browser: no XML, nothing typed is lost, the rest stays."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select, update

from app.core.access import SYSTEM, Scope
from app.core.accounts import Permission, PermissionView, ViewMenu
from app.core.db import db, transaction
from app.processes import automatic, drawing, queries, receivers
from app.processes.engine import redrawing
from app.processes.engine.bpmn import read
from app.processes.engine.redrawing import NoPlaceError
from app.processes.models import Process, ProcessVersion, Receiver
from app.security.models import RoleScope
from app.security.queries import member_by_username, role_by_code
from app.security.services import rights_changed
from tests.cast import Cast
from tests.processes.drawn import Drawn
from tests.processes.engine.drawing import bpmn
from tests.rest import Rest

HTTP = {"receiver": "kho", "path": "/orders", "body": "amount", "takes": "stock=result.count"}


# ── the drawing ──
def test_a_task_is_put_between_two_steps_and_the_rest_stays():
    before = bpmn(
        "start > ask > call > end", inside="<!-- của tôi --><textAnnotation id='x'><text>Ơ</text></textAnnotation>"
    )
    flow = next(one.id for one in read(before)[0].flows.values() if one.source == "ask")
    after, task = redrawing.insert(before, flow, "Báo kho", "http", [HTTP])
    definition, problems = read(after)
    assert definition is not None, problems
    node = definition.nodes[task]
    assert [definition.flows[flow].source for flow in node.ins] == ["ask"]
    assert [definition.flows[flow].target for flow in node.outs] == ["call"]
    assert (node.name, node.outside.receiver, node.outside.takes) == ("Báo kho", "kho", (("stock", "result.count"),))
    assert "<!-- của tôi -->" in after
    assert "<text>Ơ</text>" in after
    # and out of it again
    again = read(redrawing.take_out(after, task))[0]
    assert set(again.nodes) == set(read(before)[0].nodes)
    assert {(one.source, one.target) for one in again.flows.values()} == {
        (one.source, one.target) for one in read(before)[0].flows.values()
    }


@pytest.mark.parametrize("place", ["nan", "giữa", "1e999", ""])
def test_an_arrow_that_lies_nowhere_is_no_way_to_change(place):
    diagram = (
        '<d:BPMNDiagram xmlns:d="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:w="http://www.omg.org/spec/DD/20100524/DI">'
        '<d:BPMNPlane bpmnElement="p">'
        + "".join(f'<d:BPMNEdge bpmnElement="f{number}"><w:waypoint x="100" y="50"/><w:waypoint x="{place}" y="50"/>'
                  "</d:BPMNEdge>" for number in (0, 1))
        + "</d:BPMNPlane></d:BPMNDiagram>"
    )  # fmt: skip
    drawing = bpmn("start > serve > end", services={"serve": "set field='a' value='1'"}, around=diagram)
    with pytest.raises(NoPlaceError):
        redrawing.insert(drawing, "f1", "Báo kho", "set", [{"field": "a", "value": "1"}])
    with pytest.raises(NoPlaceError):
        redrawing.take_out(drawing, "serve")


def test_a_diagram_follows_and_a_lane_takes_it_in():
    shown = (
        "<laneSet id='l'><lane id='lane1'><flowNodeRef>ask</flowNodeRef></lane></laneSet>"
    )  # fmt: skip
    diagram = (
        '<d:BPMNDiagram xmlns:d="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:w="http://www.omg.org/spec/DD/20100524/DI">'
        '<d:BPMNPlane bpmnElement="p"><d:BPMNEdge bpmnElement="f1">'
        '<w:waypoint x="100" y="50"/><w:waypoint x="500" y="50"/>'
        "</d:BPMNEdge></d:BPMNPlane></d:BPMNDiagram>"
    )  # fmt: skip
    before = bpmn("start > ask > call > end", inside=shown, around=diagram)
    after, task = redrawing.insert(before, "f1", "Báo kho", "set", [{"field": "a", "value": "1"}])
    assert f'bpmnElement="{task}"' in after
    assert f'bpmnElement="{task}_out"' in after
    assert f"<flowNodeRef>{task}</flowNodeRef>" in after
    assert read(after)[0] is not None
    out = redrawing.take_out(after, task)
    assert task not in out
    assert 'x="500"' in out


def test_what_holds_others_is_not_taken_out():
    drawing = bpmn("start > ask > serve > end", "edge > end", edges={"edge": "serve"}, errors={"edge": ""},
                   services={"serve": "http receiver='kho'"})  # fmt: skip
    for task in ("serve", "ask", "gibt-es-nicht", ""):
        with pytest.raises(NoPlaceError):
            redrawing.take_out(drawing, task)
    with pytest.raises(NoPlaceError):
        redrawing.tell(drawing, "ask", "X", "http", [HTTP])


# ── the pages ──
@pytest.fixture
def hoa(app, client):
    with app.app_context():
        cast = Cast(db.session())
        with transaction(cast.hoa) as inside:
            receivers.save(inside, None, code="kho", name="Kho hàng", url="https://kho.example.vn", by=cast.hoa)
        Drawn(db.session(), cast, "start > ask > call > end")
    return client("hoa")


@pytest.fixture
def tasks(app):
    """The tasks of the draft by now, by their names."""

    def found():
        with app.app_context():
            drawn = automatic.drawn(db.session(), queries.process_by_code(db.session(), "thu-nghiem"))
            return {one.name: one for one in drawn.tasks}

    return found


@pytest.fixture
def kept(app):
    """kept(lambda session: …): what stands in the database by now."""

    def asked(question):
        with app.app_context():
            return question(db.session())

    return asked


PAGE = "/tu-dong/thu-nghiem/"
BLANK = {
    "http": {"receiver": "kho", "method": "POST", "seconds": "10", "tries": "1, 5"},
    "mail": {"template": "process_news", "to": "initiator"},
    "message": {"message": "paid", "known_by": "order_code", "kept_for": "2", "pairs": "amount = total\nwho = buyer"},
    "set": {"pairs": "priority = 'high'"},
}  # fmt: skip


def typed(kind, **more):
    return {"rev": "0", "name": "Báo kho", "place": "f1", **BLANK[kind], **more}


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("http", {"receiver": "kho", "method": "POST", "limit": "PT10S", "tries": "PT1M, PT5M"}),
        ("mail", {"template": "process_news", "to": "initiator"}),
        ("message", {"name": "paid", "key": "order_code", "gives": "amount = total, who = buyer", "ttl": "P2D"}),
        ("set", {"field": "priority", "value": "'high'"}),
    ],
)
def test_each_kind_is_added_changed_published_and_taken_out(hoa, tasks, kept, kind, written):
    assert hoa.get(f"{PAGE}moi/{kind}").status_code == 200
    assert hoa.post(f"{PAGE}moi/{kind}", data=typed(kind)).status_code == 302
    made = tasks()["Báo kho"]
    assert (made.kind, list(made.words)) == (kind, [written])
    shown = hoa.get(f"{PAGE}{made.id}").text
    assert "Báo kho" in shown
    assert hoa.post(f"{PAGE}{made.id}", data={**typed(kind), "rev": "1", "name": "Báo cho kho"}).status_code == 302
    assert list(tasks()["Báo cho kho"].words) == [written]
    assert hoa.post(f"{PAGE}{made.id}", data=typed(kind, rev="1")).status_code == 409
    assert hoa.post(f"{PAGE}phat-hanh").status_code == 302
    versions = kept(lambda session: [(one.number, str(one.state)) for one in session.scalars(select(ProcessVersion))])
    assert (2, "published") in versions
    assert "Báo cho kho" in hoa.get(PAGE).text
    assert hoa.post(f"{PAGE}{made.id}/bo").status_code == 302
    assert tasks() == {}


@pytest.mark.parametrize(
    ("kind", "wrong", "beside"),
    [
        ("http", {"receiver": "", "url": "http://kho.example.vn"}, "url"),
        ("http", {"receiver": "", "url": "https://127.0.0.1/"}, "url"),
        ("http", {"receiver": "", "url": ""}, "receiver"),
        ("http", {"receiver": "khong-co"}, "receiver"),
        ("http", {"path": "orders"}, "path"),
        ("http", {"pairs": "a b = c"}, "pairs"),
        ("http", {"kept": "stock = result..count"}, "kept"),
        ("http", {"headers": "Host = x"}, "headers"),
        ("http", {"seconds": "600"}, "seconds"),
        ("http", {"seconds": "mười"}, "seconds"),
        ("http", {"tries": "1, hai"}, "tries"),
        ("http", {"name": ""}, "name"),
        ("http", {"name": "x" * 201}, "name"),
        ("http", {"place": ""}, "place"),
        ("mail", {"template": ""}, "template"),
        ("mail", {"template": "customer_thanks"}, "template"),
        ("mail", {"to": "field", "address": "a b"}, "to"),
        ("mail", {"to": "boss"}, "to"),
        ("mail", {"words": "a b"}, "words"),
        ("message", {"message": ""}, "message"),
        ("message", {"message": "x" * 101}, "message"),
        ("message", {"known_by": "a b"}, "known_by"),
        ("message", {"pairs": "a b = c"}, "pairs"),
        ("message", {"kept_for": "45"}, "kept_for"),
        ("message", {"kept_for": "mai"}, "kept_for"),
        ("set", {"pairs": ""}, "pairs"),
        ("set", {"pairs": "customer.name = 'x'"}, "pairs"),
        ("set", {"pairs": "customer.stage = 5"}, "pairs"),
        ("set", {"pairs": "customer.next_contact_on = 'mai'"}, "pairs"),
        ("set", {"pairs": "priority"}, "pairs"),
        ("set", {"pairs": "priority = 1.000.000"}, "pairs"),
    ],
)
def test_what_is_wrong_is_told_beside_the_field_and_nothing_typed_is_lost(hoa, tasks, kind, wrong, beside):
    answer = hoa.post(f"{PAGE}moi/{kind}", data=typed(kind, **wrong))
    assert answer.status_code == 422
    page = BeautifulSoup(answer.text, "lxml")
    assert page.select_one(f"#{beside}-error") is not None, page.select(".tt-err")
    for key, text in wrong.items():
        one = page.select_one(f"[name={key}]")
        kept = one.get("value") if one.name == "input" else one.text.strip()
        assert one.name == "select" or kept == text
    assert tasks() == {}


@pytest.mark.parametrize(
    "service",
    [
        "mail template='process_news' to='initiator' wait='sent'",
        "mail template='process_news' to='field:email' words='note'",
        "message name='paid' key='order_code' gives='amount, who = buyer' ttl='PT6H'",
        "message name='paid'",
        "http receiver='kho' method='POST' path='/a' body='amount, code=order_code' takes='stock = a.b'"
        " headers='X-Shop=hn' limit='PT5S' tries='PT90S, PT5M'",
    ],
)
def test_a_form_that_is_saved_as_it_came_changes_nothing_of_what_is_drawn(app, hoa, tasks, service):
    element = "serve" if service.startswith("http") else "send"
    with app.app_context():
        by = Cast(db.session()).hoa
        with transaction(by) as inside:
            process = queries.process_by_code(inside, "thu-nghiem")
            drawing.save_draft(
                inside, process, bpmn(f"start > ask > {element} > end", services={element: service}), by=by
            )
    (before,) = tasks().values()
    page = BeautifulSoup(hoa.get(f"{PAGE}{element}").text, "lxml").select_one("form[data-guard]")
    sent = {one["name"]: one.get("value", "") for one in page.select("input[name]") if one.get("type") != "checkbox"}
    sent |= {one["name"]: one.get("value", "y") for one in page.select("input[type=checkbox][checked]")}
    sent |= {one["name"]: one.text.lstrip("\r\n") for one in page.select("textarea[name]")}
    sent |= {one["name"]: one.select_one("option[selected]")["value"] for one in page.select("select[name]")
             if one.select_one("option[selected]")}  # fmt: skip
    answer = hoa.post(f"{PAGE}{element}", data=sent)
    assert answer.status_code == 302
    (after,) = tasks().values()
    assert normal(after.words) == normal(before.words)


def normal(words):
    """Without the spaces that mean nothing."""
    return [{key: "".join(text.split()) for key, text in one.items()} for one in words]


def test_a_draft_with_problems_is_not_published_and_says_why(app, hoa):
    assert hoa.post(f"{PAGE}moi/http", data=typed("http")).status_code == 302
    with app.app_context():
        by = Cast(db.session()).hoa
        with transaction(by) as inside:
            receivers.retire(inside, inside.scalars(select(Receiver)).one(), by=by)
    answer = hoa.post(f"{PAGE}phat-hanh")
    assert answer.status_code == 422
    assert "công ty không có nơi nhận nào như vậy" in answer.text


@pytest.mark.parametrize("path", ["khong-co/", "thu-nghiem/khong-co", "thu-nghiem/moi/xml", "thu-nghiem/ask"])
def test_what_is_not_there_has_no_page(hoa, path):
    assert hoa.get(f"/tu-dong/{path}").status_code == 404


def test_only_who_may_draw_processes_sees_it(hoa, client):
    assert client("lan").get(PAGE).status_code == 403
    assert client("minh").post(f"{PAGE}moi/http", data=typed("http")).status_code == 403


# ── the receivers ──
KHO = {"rev": "0", "name": "Kho hàng", "code": "kho", "url": "https://kho.example.vn/api",
       "headers": "Authorization: Bearer bi-mat-9"}  # fmt: skip


def test_a_receiver_is_added_changed_put_away_and_its_secret_never_shown(client, kept):
    hoa = client("hoa")
    assert hoa.post("/noi-nhan/", data=KHO).status_code == 302
    path = f"/noi-nhan/{kept(lambda session: session.scalars(select(Receiver.id)).one())}"
    assert "bi-mat" not in hoa.get(path).text + hoa.get("/noi-nhan/").text
    changed = {**KHO, "rev": "1", "headers": "", "name": "Kho Hà Nội", "code": "khac"}
    assert hoa.post(path, data=changed).status_code == 302

    def now(session):
        row = session.scalars(select(Receiver)).one()
        return row.name, row.code, receivers.headers_of(row), row.archived_at is None

    assert kept(now) == ("Kho Hà Nội", "kho", {"Authorization": "Bearer bi-mat-9"}, True)
    assert hoa.post(path, data=changed).status_code == 409
    assert hoa.post(f"{path}/ngung").status_code == 302
    assert kept(now)[3] is False
    assert hoa.post(f"{path}/dung-lai").status_code == 302
    assert kept(now)[3] is True
    assert "bi-mat" not in hoa.get("/nhat-ky/list/").text


@pytest.mark.parametrize(
    ("wrong", "beside"),
    [
        ({"url": "http://10.0.0.7/"}, "url"), ({"url": "https://10.0.0.7/"}, "url"), ({"url": ""}, "url"),
        ({"url": "https://lan:x@kho.vn/"}, "url"), ({"code": "Kho Hàng"}, "code"), ({"name": ""}, "name"),
        ({"headers": "bi-mat-9"}, "headers"), ({"headers": "A: b\n" * 11}, "headers"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_receiver_is_told_beside_it(client, kept, wrong, beside):
    answer = client("hoa").post("/noi-nhan/", data={**KHO, **wrong})
    assert answer.status_code == 422
    page = BeautifulSoup(answer.text, "lxml")
    assert page.select_one(f"#{beside}-error") is not None
    assert page.select_one("[name=name]")["value"] == {**KHO, **wrong}["name"]
    assert kept(lambda session: session.scalars(select(Receiver.id)).all()) == []


def test_one_inside_is_kept_only_when_it_is_said_so(client):
    assert (
        client("hoa").post("/noi-nhan/", data={**KHO, "url": "http://10.0.0.7:8080", "may_be_inside": "y"}).status_code
        == 302
    )
    assert client("minh").post("/noi-nhan/", data=KHO).status_code == 403
    assert client("lan").get("/noi-nhan/").status_code == 403


# ── whose process it is ──
def test_who_may_draw_his_own_changes_and_publishes_nothing_of_others(app, hoa, client):
    """The right and how far it reaches are two things: Minh sees every process, and draws what he made."""
    with app.app_context(), transaction(SYSTEM) as session:
        role = role_by_code(session, "Manager")
        rights = (
            select(PermissionView).join(PermissionView.permission).join(PermissionView.view_menu)
            .where(Permission.name.in_(("can_edit", "can_approve")), ViewMenu.name == "Process")
        )  # fmt: skip
        role.permissions.extend(session.scalars(rights))
        for action in ("edit", "approve"):
            session.add(RoleScope(role_id=role.id, resource="Process", action=action, scope=Scope.own))
        rights_changed(session, [member_by_username(session, "minh").id])
    minh, program = client("minh"), Rest(app, "minh")
    sent = {"data": bpmn("start > call > end").encode(), "content_type": "application/xml"}
    assert "draft" not in program.get("processes/thu-nghiem").json
    assert program.put("processes/thu-nghiem/draft", **sent).status_code == 403
    assert program.post("processes/thu-nghiem/publish").status_code == 403
    assert minh.get(PAGE).status_code == 403
    assert minh.post(f"{PAGE}moi/set", data={**BLANK, "name": "Của tôi"}).status_code == 403
    with app.app_context():
        process = queries.process_by_code(db.session(), "thu-nghiem")
        assert queries.draft_of(db.session(), process.id) is None
        with transaction(SYSTEM) as session:
            session.execute(update(Process).values(created_by_id=member_by_username(session, "minh").id))
    assert program.put("processes/thu-nghiem/draft", **sent).status_code == 200
    assert program.post("processes/thu-nghiem/publish").status_code == 200
    assert minh.get(PAGE).status_code == 200
