"""One record handed to somebody by hand: does it work everywhere, for as long as it was meant, and no further?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup

from app.comments.models import Comment
from app.core import clock
from app.core.access import SYSTEM, Scope, get_visible, visible
from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.errors import InvalidInputError, NotAllowedError, NotFoundError
from app.customers import services as customers
from app.customers.models import ContactPoint, Customer, TimelineEntry
from app.jobs import end_shares
from app.notifications.models import Notification
from app.processes.models import ProcessInstance
from app.security import queries, shares
from app.security.models import Grant, Right, RoleProfile
from app.security.role_services import assign_roles, change_rights, create_role
from app.tasks.models import Task
from tests.cast import Cast
from tests.rest import Rest
from tests.story import MONDAY

CANARY = "Trần Bích Chi"
WHY = "Làm thay mình tuần này"


def give(session, resource, number, *, by, right=Right.view, until=None, note=WHY, **receiver):
    with transaction(by) as inside:
        return shares.share(
            inside, resource, number, right=right, until=until, note=note, by=by, **receiver
        ).id  # fmt: skip


@pytest.fixture
def mine(session, cast):
    """A customer of Lan's, of whom Vận hành sees nothing."""
    with transaction(cast.lan) as inside:
        return customers.create_customer(inside, by=cast.lan, name=CANARY, phone="0912 345 678", note="Dị ứng").id


def sees(session, model, number, who, right="view"):
    try:
        get_visible(session, model, number, who, right)
    except (NotFoundError, NotAllowedError):
        return False
    return True


def test_a_share_shows_the_whole_record_and_nothing_else(session, cast, mine):
    with transaction(cast.lan) as inside:
        other = customers.create_customer(inside, by=cast.lan, name="Không chia sẻ").id
    assert not sees(session, Customer, mine, cast.tuan)
    give(session, "Customer", mine, by=cast.lan, member=cast.member("tuan"))
    assert sees(session, Customer, mine, cast.tuan)
    assert not sees(session, Customer, mine, cast.tuan, "edit")
    assert not sees(session, Customer, mine, cast.binh)
    assert not sees(session, Customer, other, cast.tuan)
    for model in (ContactPoint, TimelineEntry):
        seen = session.query(model).filter(visible(model, cast.tuan)).all()
        assert {row.customer_id for row in seen} == {mine}


def test_a_share_to_edit_lets_one_change_and_a_team_is_all_its_members(session, cast, mine):
    give(session, "Customer", mine, by=cast.lan, team=cast.team("van-hanh"), right=Right.edit)
    for who in (cast.tuan, cast.binh):
        assert sees(session, Customer, mine, who, "edit")
    assert not sees(session, Customer, mine, cast.tuan, "export")
    told = session.query(Notification).filter_by(kind="record_shared").all()
    assert {line.user_id for line in told} >= {cast.tuan.user_id, cast.binh.user_id}
    assert cast.lan.user_id not in {line.user_id for line in told}


def test_work_and_process_files_are_shared_too(session, cast, story):
    number = story.start()
    task = story.task(number, "receive").id
    assert not sees(session, Task, task, cast.tuan)
    give(session, "Task", task, by=cast.lan, member=cast.member("tuan"))
    assert sees(session, Task, task, cast.tuan)
    assert not sees(session, Task, task, cast.tuan, "edit")
    assert not sees(session, ProcessInstance, number, cast.tuan)
    give(session, "Instance", number, by=cast.lan, member=cast.member("tuan"), right=Right.edit)
    assert sees(session, ProcessInstance, number, cast.tuan, "edit")
    with transaction(cast.lan) as inside:
        inside.add(Comment(resource="Instance", record_id=number, author_id=cast.lan.user_id, text="Ghi chú"))
    said = session.query(Comment).filter(Comment.resource == "Instance")
    assert [row.text for row in said.filter(visible(Comment, cast.tuan))] == ["Ghi chú"]
    assert not said.filter(visible(Comment, cast.binh)).all()


def test_a_share_ends_by_itself_and_the_log_tells_of_it(session, cast, mine):
    with clock.at(MONDAY):
        number = give(
            session, "Customer", mine, by=cast.lan, member=cast.member("tuan"), until=MONDAY + timedelta(hours=1)
        )
        assert sees(session, Customer, mine, cast.tuan)
    who = cast.tuan
    with clock.at(MONDAY + timedelta(hours=1)):
        assert not sees(session, Customer, mine, who), "without a worker, and with the rules remembered"
        assert shares.of_record(session, "Customer", mine) == []
        end_shares()
        end_shares()
    session.expire_all()
    told = session.query(AuditEvent).filter_by(table_name="access_grant", record_id=number).all()
    assert [(one.action, one.actor_id) for one in told[1:]] == [("change", None)]
    assert "ended_at" in told[1].changes
    assert session.get(Grant, number).ended_at == MONDAY + timedelta(hours=1)


def test_whoever_gave_it_takes_it_back_and_nobody_else_below_him(session, cast, mine):
    number = give(session, "Customer", mine, by=cast.lan, member=cast.member("tuan"))
    with transaction(cast.tuan) as inside, pytest.raises(NotAllowedError):
        shares.end(inside, number, by=cast.tuan)
    with transaction(cast.binh) as inside, pytest.raises(NotFoundError):
        shares.end(inside, number, by=cast.binh)
    with transaction(cast.lan) as inside:
        shares.end(inside, number, by=cast.lan)
    assert not sees(session, Customer, mine, cast.tuan)
    again = give(session, "Customer", mine, by=cast.lan, member=cast.member("tuan"))
    with transaction(cast.minh) as inside:
        shares.end(inside, again, by=cast.minh)
    assert not sees(session, Customer, mine, cast.tuan)


def test_a_grant_that_work_brought_is_no_share_to_be_ended(session, cast, story):
    story.start()
    work = session.query(Grant).filter(Grant.reason != shares.SHARE).first()
    with transaction(cast.hoa) as inside, pytest.raises(NotFoundError):
        shares.end(inside, work.id, by=cast.hoa)


def test_nobody_shares_what_was_only_handed_to_him_or_more_than_he_may(session, cast, mine):
    give(session, "Customer", mine, by=cast.lan, member=cast.member("tuan"), right=Right.edit)
    for right in (Right.view, Right.edit):
        with pytest.raises(InvalidInputError) as refused:
            give(session, "Customer", mine, by=cast.tuan, member=cast.member("binh"), right=right)
        assert set(refused.value.fields) == {"right"}
    with pytest.raises(NotFoundError):
        give(session, "Customer", mine, by=cast.binh, member=cast.member("tuan"))
    with pytest.raises(NotFoundError):
        give(session, "Customer", 2**31, by=cast.lan, member=cast.member("tuan"))
    with pytest.raises(NotFoundError):
        give(session, "Outbox", 1, by=cast.hoa, member=cast.member("tuan"))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"note": "   "}, "reason"),
        ({"note": "abcd"}, "reason"),
        ({"note": "x" * 301}, "reason"),
        ({"until": MONDAY - timedelta(seconds=1)}, "until"),
        ({"until": MONDAY}, "until"),
        ({"right": Right.header}, "right"),
        ({"member": "lan"}, "receiver"),
        ({"member": None}, "receiver"),
        ({"team": "van-hanh"}, "receiver"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(session, cast, mine, wrong, field):
    said = {"member": "tuan", "team": None, **wrong}
    said["member"] = cast.member(said["member"]) if said["member"] else None
    said["team"] = cast.team(said["team"]) if said["team"] else None
    with clock.at(MONDAY), pytest.raises(InvalidInputError) as refused:
        give(session, "Customer", mine, by=cast.lan, **said)
    assert set(refused.value.fields) == {field}
    assert not session.query(Grant).filter_by(reason=shares.SHARE).all()


def test_a_second_share_to_the_same_person_is_refused_while_the_first_lives(session, cast, mine):
    give(session, "Customer", mine, by=cast.lan, member=cast.member("tuan"))
    with pytest.raises(InvalidInputError) as refused:
        give(session, "Customer", mine, by=cast.minh, member=cast.member("tuan"), right=Right.edit)
    assert set(refused.value.fields) == {"receiver"}


# ── on the screen and for programs ──
@pytest.fixture
def shown(app):
    """The customer's number, and the person's: for tests that look at pages."""
    with app.app_context():
        cast = Cast(db.session())
        with transaction(cast.lan) as inside:
            made = customers.create_customer(inside, by=cast.lan, name=CANARY, phone="0912 345 678")
            return made.id, cast.member("tuan").id


@pytest.fixture
def given_to_tuan(app, shown):
    """Lan shares the customer with him; his number."""
    number, tuan = shown
    with app.app_context():
        cast = Cast(db.session())
        give(db.session(), "Customer", number, by=cast.lan, member=cast.member("tuan"))
    return tuan


def test_the_tab_of_the_record_shares_lists_and_ends(app, client, shown):
    number, tuan = shown
    lan, page = client("lan"), f"/khach-hang/show/{number}?phan=chia-se"
    assert client("tuan").get(f"/khach-hang/show/{number}").status_code == 404
    form = BeautifulSoup(lan.get(page).text, "lxml").select_one('form[action^="/chia-se/"]')
    sent = {one["name"]: one["value"] for one in form.select("input[type=hidden]")}
    wrong = {"member": "999999", "until": "31/02/2026", "reason": "x", "right": "all"}
    refused = lan.post(form["action"], data={**sent, **wrong})
    assert refused.status_code == 422
    assert 'value="31/02/2026"' in refused.text
    assert len(BeautifulSoup(refused.text, "lxml").select(".tt-field .tt-err")) == 3
    done = lan.post(
        form["action"], data={**sent, "member": tuan, "right": "view", "until": "31/12/2099", "reason": WHY}
    )
    assert done.status_code == 302
    told = lan.get(page).text
    assert WHY in told
    assert CANARY in client("tuan").get(f"/khach-hang/show/{number}").text
    assert CANARY in client("tuan").get("/chia-se/").text
    assert CANARY in client("tuan").get("/thong-bao/").text
    assert CANARY not in client("binh").get("/chia-se/").text
    end = BeautifulSoup(told, "lxml").select_one('form[action$="/ket-thuc"]')["action"]
    assert client("tuan").post(end).status_code == 302
    assert client("tuan").get(f"/khach-hang/show/{number}").status_code == 200, "the receiver cannot end it"
    assert lan.post(end, data={"back": page}).status_code == 302
    assert client("tuan").get(f"/khach-hang/show/{number}").status_code == 404


def test_whoever_sees_a_record_by_a_share_alone_is_not_shown_to_whom_it_is_shared(client, shown, given_to_tuan):
    page = f"/khach-hang/show/{shown[0]}"
    assert "phan=chia-se" in client("lan").get(page).text
    tuan = client("tuan")
    assert "phan=chia-se" not in tuan.get(page).text
    assert tuan.get(f"{page}?phan=chia-se").status_code == 404


def test_a_members_page_tells_what_is_shared_with_him(client, given_to_tuan):
    told = client("hoa").get(f"/nhan-su/show/{given_to_tuan}?tab=chia-se")
    assert told.status_code == 200
    assert CANARY in told.text
    assert client("lan").get(f"/nhan-su/show/{given_to_tuan}?tab=chia-se").status_code == 404


def test_why_something_is_shared_is_told_with_what_is_shared(app, client, given_to_tuan):
    with app.app_context():
        with transaction(SYSTEM) as inside:  # Bình looks after the people of Vận hành, and sees no customer of CSKH
            profile = inside.get(RoleProfile, queries.role_by_code(inside, "Manager").id)
            change_rights(inside, profile, {("Member", "edit"): Scope.team}, rev=profile.rev, by=SYSTEM)
        lan_id = Cast(db.session()).member("lan").id
    told = client("binh").get(f"/nhan-su/show/{given_to_tuan}?tab=chia-se")
    assert told.status_code == 200
    assert "Mục mà bạn không được xem" in told.text
    assert WHY not in told.text
    assert client("binh").get(f"/nhan-su/show/{lan_id}?tab=chia-se").status_code == 403


def test_whoever_has_no_right_to_such_records_is_not_told_that_his_team_got_one(session, cast, mine):
    with transaction(SYSTEM) as inside:
        made = create_role(inside, label_vi="Kho", by=SYSTEM)
        assign_roles(inside, cast.member("tuan"), [made.name], by=SYSTEM)
    give(session, "Customer", mine, by=cast.lan, team=cast.team("van-hanh"))
    told = {line.user_id for line in session.query(Notification).filter_by(kind="record_shared")}
    assert cast.binh.user_id in told
    assert cast.tuan.user_id not in told


def test_programs_share_list_and_end(app, shown):
    number, _tuan = shown
    lan, tuan, binh = (Rest(app, name) for name in ("lan", "tuan", "binh"))
    body = {"resource": "Customer", "record": number, "member": "tuan", "right": "view", "reason": WHY}
    for wrong, field in (
        ({"member": "nobody"}, "receiver"),
        ({"member": None}, "receiver"),
        ({"right": "header"}, "right"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": "soon"}, "until"),
        ({"until": "9999-12-31T23:59:59-01:00"}, "until"),
        ({"until": "9999-12-31T23:59:59Z"}, "until"),
        ({"reason": ""}, "reason"),
        ({"reason": "abc"}, "reason"),
        ({"resource": "Outbox"}, "resource"),
    ):
        refused = lan.post("shares/", {**body, **wrong})
        assert refused.status_code == 422, wrong
        assert set(refused.json["fields"]) == {field}
    assert binh.post("shares/", body).status_code == 404
    made = lan.post("shares/", {**body, "until": "2099-01-01T00:00:00Z"})
    assert made.status_code == 201, made.text
    assert (made.json["to"], made.json["until"], made.json["reason"]) == ("tuan", "2099-01-01T00:00:00Z", WHY)
    assert lan.rows("shares/", resource="Customer", record=number) == [made.json]
    assert tuan.rows("shares/", resource="Customer", record=number) == [made.json]
    assert binh.get("shares/", resource="Customer", record=number).status_code == 404
    assert tuan.get(f"customers/{number}").json["name"] == CANARY
    assert tuan.post(f"shares/{made.json['id']}/end").status_code == 403
    assert binh.post(f"shares/{made.json['id']}/end").status_code == 404
    assert lan.post(f"shares/{made.json['id']}/end").status_code == 200
    assert tuan.get(f"customers/{number}").status_code == 404
    assert lan.rows("shares/", resource="Customer", record=number) == []


def test_the_system_sees_the_shares_of_all(session, cast, mine):
    give(session, "Customer", mine, by=SYSTEM, member=cast.member("tuan"))
    assert [one.to for one in shares.of_record(session, "Customer", mine)] == [cast.member("tuan").name]
