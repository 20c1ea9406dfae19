"""The log on the screen: who sees which of it, what is told, what is kept from him, and what is erased."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from openpyxl import load_workbook
from sqlalchemy import event, select

from app.audit import details, entries, erasing
from app.audit.kinds import KINDS
from app.audit.records import words_of
from app.audit.search import from_address_like, search
from app.comments.services import write_comment
from app.core import audit, chain, clock, exports
from app.core.access import FieldRight, FieldRule, get_visible
from app.core.audit import AuditAction, AuditEvent, AuditSensitive
from app.core.db import db, transaction
from app.core.errors import InvalidInputError, NotAllowedError, NotFoundError
from app.customers.models import Customer
from app.customers.services import archive_customer, change_customer, create_customer
from app.security.models import Grant, Member, Right
from app.tasks.services import comment_task

BOTH = pytest.mark.both_databases
NAME, NEW_NAME, PHONE = "Đặng Thị Mỹ Duyên", "Đặng Mỹ Duyên", "0912 345 678"


def a_customer(session, cast) -> int:
    """Added and renamed by Lan."""
    customer = create_customer(session, by=cast.lan, name=NAME, phone=PHONE, note="Gọi sau 14:30")
    session.flush()
    change_customer(session, customer, by=cast.lan, rev=customer.rev, name=NEW_NAME, note="Gọi buổi sáng")
    return customer.id


@pytest.fixture
def customer_id(app, change):
    made = []
    with app.app_context():
        from tests.cast import Cast

        with transaction(Cast(db.session()).lan) as inside:
            made.append(a_customer(inside, Cast(inside)))
    return made[0]


def last(session, table, action=AuditAction.change, **values):
    rows = select(AuditEvent).where(AuditEvent.table_name == table, AuditEvent.action == action)
    return session.scalars(rows.order_by(AuditEvent.id.desc()).limit(1)).first()


def rows_of(answer) -> list[list[str]]:
    page = BeautifulSoup(answer.text, "lxml")
    return [[" ".join(cell.text.split()) for cell in row("td")] for row in page("tr") if row("td")]


def the_list(browser, where="", **more):
    asked = "&".join([f"where={quote(where)}", "view=0", *(f"{name}={quote(text)}" for name, text in more.items())])
    return browser.get(f"/nhat-ky/list/?{asked}")


# ── the list ──
def test_the_list_tells_who_did_what_to_which_record(client, customer_id):
    found = rows_of(the_list(client("hoa"), f"kind = 'customer' and record_id = {customer_id}"))
    assert [row[1:6] for row in found] == [
        ["Nguyễn Ngọc Lan", "Sửa", "Khách hàng", NEW_NAME, f"Tên: {NAME} → {NEW_NAME}, Ghi chú"],
        ["Nguyễn Ngọc Lan", "Tạo mới", "Khách hàng", NEW_NAME,
         "Tên, Mã: KH000001, Loại: Cá nhân, Người phụ trách: Nguyễn Ngọc Lan, Bộ phận, Ghi chú"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "is_found"),
    [
        ("actor = me()", False),
        ("what = 'change' and kind = 'customer'", True),
        ("what = 'create' and kind in ('contact_point', 'task')", True),
        ("at = today() and origin = 'command'", True),
        ("at = yesterday()", False),
        ("address contains '10.0'", False),
        ("on_behalf_of not empty", False),
        ("what = 'archived'", False),
        ("what in ('archived', 'restored') or kind = 'customer'", True),
    ],
)
def test_it_is_narrowed_by_all_that_is_known_of_an_entry(client, customer_id, where, is_found):
    browser = client("hoa")
    answer = the_list(browser, f"{where} and kind != 'member' and what != 'sign_in'")
    assert answer.status_code == 200
    assert (len(rows_of(answer)) > 0) is is_found, where


@BOTH
def test_words_find_people_kinds_events_codes_and_reasons(session, cast):
    with transaction(cast.lan) as inside:
        number = a_customer(inside, cast)
        archive_customer(inside, inside.get_one(Customer, number), by=cast.minh)
        audit.record(inside, "export", table="export", reason="đối soát cuối tháng", by=cast.minh)
    code = session.get_one(Customer, number).code

    def found(text, who=cast.hoa):
        rows = select(AuditEvent.table_name, AuditEvent.record_id).where(search(session, who, text))
        return set(map(tuple, session.execute(rows)))

    assert ("customer", number) in found("khach lan")
    assert found(code) == {("customer", number)}
    assert found("doi soat") == set()  # a reason is found as it was written
    assert found("đối soát") == found("minh đối") == {("export", None)}
    assert found("lưu trữ khách") == {("customer", number)}
    assert found("khongcoai") == set()


@BOTH
@pytest.mark.parametrize("many", [20_000, 0])
def test_a_part_of_an_address_is_looked_for_among_those_that_there_are(session, cast, monkeypatch, many):
    monkeypatch.setattr("app.audit.search._MANY", many)
    for address in ("10.0.3.24", "10.0.3.240", "192.168.7.7", None):
        with transaction(replace(cast.lan, address=address)) as inside:
            audit.record(inside, "export")

    def found(typed):
        return set(session.scalars(select(AuditEvent.address).where(from_address_like(session, typed))))

    assert found("0.3.24") == {"10.0.3.24", "10.0.3.240"}
    assert found("192.168.7.7") == {"192.168.7.7"}
    assert found("%") == found("7.8") == set()


@BOTH
@pytest.mark.parametrize("scope", ["own", "team", "all", "none"])
def test_how_far_one_sees_is_measured_by_who_did_it(session, cast, scope):
    from dataclasses import replace

    from app.core.access import Scope, visible

    with transaction(cast.tuan) as inside:
        audit.record(inside, "export", by=cast.tuan)
        audit.record(inside, "export", by=cast.lan)
        audit.record(inside, "export", by=cast.minh)
        audit.record(inside, "export", by=replace(cast.tuan, real_user_id=cast.hoa.user_id, user_id=cast.minh.user_id))
    reader = replace(
        cast.minh, permissions=cast.minh.permissions | {("view", "Audit")},
        scopes={**cast.minh.scopes, ("Audit", "view"): Scope(scope)},
    )  # fmt: skip
    rows = select(AuditEvent.actor_id).where(AuditEvent.name == "export", visible(AuditEvent, reader))
    names = {cast.tuan.user_id: "tuan", cast.lan.user_id: "lan", cast.minh.user_id: "minh", cast.hoa.user_id: "hoa"}
    seen = {names[one] for one in session.scalars(rows)}
    assert seen == {"own": {"minh", "hoa"}, "team": {"lan", "minh", "hoa"}, "none": set()}.get(
        scope, {"tuan", "lan", "minh", "hoa"}
    )


def test_whoever_has_no_right_to_the_log_is_refused(client, token, customer_id):
    for path in ("/nhat-ky/list/", "/nhat-ky/show/1", f"/nhat-ky/xoa/customer/{customer_id}"):
        assert client("lan").get(path).status_code == 403
    assert client("lan").get("/api/v1/audit/", headers=token("lan")).status_code == 403
    assert client().get("/nhat-ky/list/").status_code == 302


def test_a_page_of_the_list_asks_as_often_however_many_kinds_stand_on_it(app, client, customer_id):
    browser, counted = client("hoa"), []
    the_list(browser)
    for where in ("", "kind = 'customer'"):
        statements = []
        with app.app_context():
            engine = db.engine
        listen = lambda *told, into=statements: into.append(told[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", listen)
        the_list(browser, where)
        event.remove(engine, "before_cursor_execute", listen)
        counted.append(len([one for one in statements if not one.startswith("PRAGMA")]))
    assert max(counted) <= 8, counted


def test_work_handed_over_and_shares_are_told_with_names_and_shares_of_work_leave_the_tab_of_rights(
    client, change, customer_id
):
    def hand_over(session, cast):
        audit.record(session, "member_deactivated", table="member", record_id=cast.tuan.user_id, by=cast.hoa,
                     changes={"lan": {"tasks": 3, "customers": 59}})  # fmt: skip
        for reason in ("share", "task:17"):
            grant = Grant(resource="Customer", record_id=customer_id, member_id=cast.minh.user_id, right=Right.view,
                          reason=reason)  # fmt: skip
            session.add(grant)
            session.flush()
            grant.ended_at = clock.now()
            session.flush()

    change(hand_over)
    browser = client("hoa")
    (row,) = rows_of(the_list(browser, "what = 'member_deactivated'"))
    assert row[5].startswith("Bàn giao cho Nguyễn Ngọc Lan: 3 ")
    assert "59 khách hàng" in row[5]
    ended = rows_of(the_list(browser, "kind = 'access_grant' and what = 'change' and record_id > 0"))
    assert [(one[4], "Minh" in one[5]) for one in ended] == [(NEW_NAME, True)] * 2
    assert len(rows_of(the_list(browser, "kind = 'access_grant' and is_automatic = false"))) == 2


# ── one entry ──
def the_entry(app, browser, table="customer", action=AuditAction.change):
    with app.app_context():
        number = last(db.session(), table, action).id
    answer = browser.get(f"/nhat-ky/show/{number}")
    assert answer.status_code == 200
    return BeautifulSoup(answer.text, "lxml")


def changes_on(page) -> dict[str, list[str]]:
    for unseen in page.select(".tt-changes .tt-vh"):
        unseen.decompose()
    return {
        one.dt.text: [part.text.strip() for part in one.dd(["del", "ins"])] for one in page.select(".tt-changes > div")
    }


def test_an_entry_tells_from_what_to_what_with_a_link_to_the_record(app, client, customer_id):
    page = the_entry(app, client("hoa"))
    assert changes_on(page) == {"Tên": [NAME, NEW_NAME], "Ghi chú": ["Gọi sau 14:30", "Gọi buổi sáng"]}
    assert page.select_one(f'a[href="/khach-hang/show/{customer_id}"]').text == NEW_NAME
    assert "Chưa niêm phong" in page.text


def test_the_same_stands_in_the_panel_beside_the_list(app, client, customer_id):
    with app.app_context():
        number = last(db.session(), "customer").id
    browser = client("hoa")
    panel = browser.get(f"/nhat-ky/panel/{number}", headers={"X-Part": "1"})
    assert NEW_NAME in panel.text
    assert "<html" not in panel.text
    assert browser.get(f"/nhat-ky/panel/{number}").location == f"/nhat-ky/show/{number}"


@BOTH
def test_personal_values_are_told_to_whoever_sees_the_record_and_reads_the_field(session, cast):
    from dataclasses import replace

    with transaction(cast.lan) as inside:
        number = a_customer(inside, cast)
    changed = last(session, "customer")
    everything = replace(cast.hoa, permissions=cast.hoa.permissions)
    strangers = replace(cast.hoa, permissions=cast.hoa.permissions - {("view", "Customer")})
    partial = replace(cast.hoa, fields={("Customer", "note"): FieldRule(FieldRight.masked)})
    read = {
        name: {str(line.label): line.new for line in entries.told(session, [changed], who)[0].lines}
        for name, who in (("all", everything), ("none", strangers), ("some", partial))
    }
    assert set(read["all"].values()) == {NEW_NAME, "Gọi buổi sáng"}
    assert not {NEW_NAME, "Gọi buổi sáng"} & set(map(str, read["none"].values()))
    assert NEW_NAME in read["some"].values()
    assert "Gọi buổi sáng" not in map(str, read["some"].values())
    assert entries.told(session, [changed], strangers)[0].record is None
    assert number


def test_an_event_without_words_is_told_by_its_name_and_a_lost_table_by_its_own(session, cast):
    with transaction(cast.hoa) as inside:
        audit.record(inside, "never.heard", table="never_there", record_id=7, changes={"a": [1, 2]})
    (told,) = entries.told(session, session.scalars(select(AuditEvent).where(AuditEvent.name == "never.heard")).all(),
                           cast.hoa)  # fmt: skip
    assert (told.what, told.kind, [(line.old, line.new) for line in told.lines]) == (
        "never.heard", "never_there", [(1, 2)],
    )  # fmt: skip


# ── the file ──
def test_the_file_tells_from_what_to_what_and_no_personal_value(app, client, customer_id):
    browser = client("hoa")
    asked = "view=0&where=" + quote("kind = 'customer'")
    sent = {"format": "xlsx", "query": asked, "columns": "all"}
    answer = browser.post("/nhat-ky/export", data=sent)
    assert answer.status_code == 200, answer.text
    sheet = load_workbook(io.BytesIO(answer.data)).active
    answer.close()
    told = [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    everything = "\n".join(" ".join(row) for row in told)
    assert "Khách hàng: KH" in everything
    assert "Người phụ trách: Nguyễn Ngọc Lan" in everything
    for secret in (NAME, NEW_NAME, "hmac", "Gọi buổi sáng"):
        assert secret not in everything
    with app.app_context():
        assert db.session.scalar(select(AuditEvent.name).order_by(AuditEvent.id.desc()).limit(1)) == "export"


# ── the interface ──
def test_programs_read_the_same_with_the_same_filters(client, token, customer_id):
    browser, headers = client(), token("hoa")
    answer = browser.get(f"/api/v1/audit/?table=customer&record={customer_id}&action=change", headers=headers)
    (one,) = answer.json["result"]
    assert (one["actor"], one["origin"], one["table"], one["record"]) == ("lan", "command", "customer", customer_id)
    assert {change["field"]: change["new"] for change in one["changes"]} == {"name": NEW_NAME, "note": "Gọi buổi sáng"}
    assert browser.get(f"/api/v1/audit/{one['id']}", headers=headers).json == one
    narrowed = browser.get("/api/v1/audit/?where=" + quote("what = 'sign_in'"), headers=headers).json
    assert {row["event"] for row in narrowed["result"]} == {"sign_in"}
    assert browser.get("/api/v1/audit/?action=paint", headers=headers).status_code == 400
    assert browser.get("/api/v1/audit/99999999999", headers=headers).status_code == 404


# ── bringing back ──
def test_an_old_value_comes_back_by_the_records_own_form_and_the_log_says_from_where(app, client, customer_id):
    browser = client("lan")
    history = BeautifulSoup(browser.get(f"/khach-hang/show/{customer_id}?phan=lich-su").text, "lxml")
    (way,) = [one["href"] for one in history("a") if "/khoi-phuc/" in one.get("href", "")]
    preview = BeautifulSoup(browser.get(way).text, "lxml")
    assert [one.dt.text for one in preview.select(".tt-changes > div")] == ["Tên", "Ghi chú"]
    rev = preview.select_one("input[name=rev]")["value"]
    assert browser.post(way, data={"rev": rev}).status_code == 302
    with app.app_context():
        session = db.session()
        restored = session.get_one(Customer, customer_id)
        assert (restored.name, restored.note) == (NAME, "Gọi sau 14:30")
        taken_back = last(session, "customer")
        assert taken_back.name == audit.BROUGHT_BACK
        (entry,) = entries.told(session, [taken_back], _hoa())
        assert (str(entry.what), "trước lúc" in str(entry.reason)) == ("Khôi phục giá trị cũ", True)
    (row,) = rows_of(the_list(client("hoa"), f"what = 'brought_back' and record_id = {customer_id}"))
    assert row[2] == "Khôi phục giá trị cũ"
    told = browser.get(f"/khach-hang/show/{customer_id}?phan=lich-su").text
    assert f"số {way.rsplit('/', 1)[1]}" in told
    assert "Không có gì để khôi phục" in browser.get(way).text


def test_what_changed_meanwhile_is_shown_and_nothing_is_overwritten(app, client, change, customer_id):
    browser = client("lan")
    with app.app_context():
        way = f"/khach-hang/khoi-phuc/{customer_id}/{last(db.session(), 'customer').id}"
    rev = BeautifulSoup(browser.get(way).text, "lxml").select_one("input[name=rev]")["value"]

    def rename(session, cast):
        customer = session.get_one(Customer, customer_id)
        change_customer(session, customer, by=cast.minh, rev=customer.rev, name="Tên của Minh")

    change(rename)
    answer = browser.post(way, data={"rev": rev})
    assert answer.status_code == 409
    assert "Tên của Minh" in answer.text
    with app.app_context():
        assert db.session.get_one(Customer, customer_id).name == "Tên của Minh"


def test_only_whoever_may_edit_the_record_brings_values_back(app, client, customer_id):
    with app.app_context():
        session = db.session()
        changed, made = last(session, "customer").id, last(session, "customer", AuditAction.create).id
        other = last(session, "contact_point", AuditAction.create).id
    assert client("tuan").get(f"/khach-hang/khoi-phuc/{customer_id}/{changed}").status_code == 404
    browser = client("lan")
    for number in (made, other, 10**9, "0"):
        assert browser.get(f"/khach-hang/khoi-phuc/{customer_id}/{number}").status_code == 404


# ── erasing ──
@BOTH
def test_erased_values_are_gone_with_those_of_the_parts_and_the_chain_holds(session, cast):
    from tests.core.test_chain import seal_everything

    with transaction(cast.lan) as inside:
        number = a_customer(inside, cast)
    seal_everything()
    with transaction(cast.hoa) as inside:
        count = erasing.erase_sensitive(inside, "customer", number, "khách yêu cầu ngày 12/11", by=cast.hoa)
    assert count == 6
    seal_everything()
    assert chain.verify(session)[1] is None
    session.rollback()
    kept = [str(row) for row in session.execute(select(AuditSensitive.old, AuditSensitive.new))]
    assert not any(secret in " ".join(kept) for secret in (NAME, NEW_NAME, "912345678", "Gọi sau"))
    (told,) = entries.told(session, [last(session, "customer")], cast.hoa)
    assert {str(line.new) for line in told.lines} == {"(đã xóa theo yêu cầu)"}
    erasures = session.scalars(select(AuditEvent).where(AuditEvent.name == audit.ERASED)).all()
    assert {(one.table_name, one.actor_id, one.reason) for one in erasures} == {
        ("customer", cast.hoa.user_id, "khách yêu cầu ngày 12/11"),
        ("contact_point", cast.hoa.user_id, "khách yêu cầu ngày 12/11"),
    }
    with pytest.raises(erasing.NothingKeptError), transaction(cast.hoa) as inside:
        erasing.erase_sensitive(inside, "customer", number, "nữa", by=cast.hoa)


def test_what_people_typed_as_a_reason_or_a_search_is_told_like_a_field_and_erased_like_one(session, cast):
    with transaction(cast.lan) as inside:
        number = a_customer(inside, cast)
        point = last(inside, "contact_point", AuditAction.create).record_id
        audit.record(inside, "field.revealed", table="contact_point", record_id=point, by=cast.lan,
                     changes={"field": [None, "phone"]}, personal={"reason": "gọi chị Duyên"})  # fmt: skip
        wanted = exports.Wanted("CustomerScreen", exports.Format.csv, (("where", "name = 'Đặng Mỹ Duyên'"),))
        exports.tell_audit(inside, wanted, rows=1, by=cast.minh)
    opened, taken = session.scalars(select(AuditEvent).where(AuditEvent.action == AuditAction.event)).all()
    assert "Duyên" not in json.dumps([opened.changes, taken.changes], ensure_ascii=False)

    def read(event, who):
        (told,) = entries.told(session, [event], who)
        return " ".join(map(str, [told.reason, *(line.new for line in told.lines)]))

    assert "gọi chị Duyên" in read(opened, cast.hoa)
    assert "Duyên" in read(taken, cast.hoa)
    blind = replace(cast.hoa, fields={("Customer", "name"): FieldRule(FieldRight.masked)})
    assert "(riêng tư)" in read(taken, blind)
    assert "Duyên" not in read(taken, blind)
    assert "gọi chị Duyên" not in read(opened, cast.tuan)  # not his customer
    with transaction(cast.hoa) as inside:
        erasing.erase_sensitive(inside, "customer", number, "khách yêu cầu", by=cast.hoa)
    assert "(đã xóa theo yêu cầu)" in read(opened, cast.hoa)


def test_nobody_forges_that_a_change_was_taken_back(session, cast):
    with transaction(cast.lan) as inside:
        audit.record(inside, "field.revealed", table="customer", record_id=1, reason="restores:123", by=cast.lan)
    event = session.scalars(select(AuditEvent).where(AuditEvent.name == "field.revealed")).one()
    (told,) = entries.told(session, [event], cast.hoa)
    assert told.reason == "restores:123"
    assert session.scalar(select(details.reason_of()).where(AuditEvent.id == event.id)) == "“restores:123”"


@BOTH
def test_all_that_tells_of_a_customer_is_erased_from_whichever_of_its_entries(session, cast, story):
    """Answers, data of the process, notes, comments and shares, asked for at an entry of his phone number."""
    instance_id = story.start()
    story.run_to(instance_id, "call-back", compensation=777_123)
    with transaction(cast.lan) as inside:
        write_comment(inside, "Customer", story.customer_id, "Chị ấy đang bực", by=cast.lan)
        comment_task(inside, story.task(instance_id, "call-back").id, "Gọi sau giờ làm", by=cast.lan)
    point = last(session, "contact_point", AuditAction.create)
    whole = erasing.whole_of(session, "contact_point", point.record_id)
    assert whole == ("customer", story.customer_id)
    with transaction(cast.hoa) as inside:
        erasing.erase_sensitive(inside, "contact_point", point.record_id, "khách yêu cầu", by=cast.hoa)
    session.rollback()
    kept = json.dumps([tuple(row) for row in session.execute(select(AuditSensitive.old, AuditSensitive.new))],
                      ensure_ascii=False)  # fmt: skip
    for secret in (NAME, "912345678", "Chị ấy đang bực", "Gọi sau giờ làm", "777123", "Xe hỏng", "Đơn trễ"):
        assert secret not in kept, secret


@BOTH
def test_of_a_person_the_account_and_what_lies_beside_it_are_erased_together(session, cast):
    with transaction(cast.hoa) as inside:
        lan = inside.get_one(Member, cast.lan.user_id)
        lan.phone, lan.user.email = "+84912345678", "lan.moi@phosen.example"
    with transaction(cast.hoa) as inside:
        erasing.erase_sensitive(inside, "ab_user", cast.lan.user_id, "nghỉ việc", by=cast.hoa)
    session.rollback()
    rows = select(AuditEvent.id).join(AuditSensitive, AuditSensitive.event_id == AuditEvent.id)
    of_lan = rows.where(AuditEvent.table_name.in_(["ab_user", "member"]), AuditEvent.record_id == cast.lan.user_id)
    assert session.scalars(of_lan).all() == []


def test_erasing_wants_the_right_a_reason_and_a_table_that_is_known(session, cast):
    member = cast.lan.user_id
    for who, table, reason, refusal in (
        (cast.minh, "member", "x", NotAllowedError), (cast.hoa, "member", "  ", InvalidInputError),
        (cast.hoa, "member", "x" * 501, InvalidInputError), (cast.hoa, "sqlite_master", "x", NotFoundError),
    ):  # fmt: skip
        with pytest.raises(refusal), transaction(who) as inside:
            erasing.erase_sensitive(inside, table, member, reason, by=who)


def test_erasing_on_the_screen_wants_the_word_typed(app, client, customer_id):
    browser, path = client("hoa"), f"/nhat-ky/xoa/customer/{customer_id}"
    assert "6" in browser.get(path).text
    refused = browser.post(path, data={"reason": "khách yêu cầu", "typed": "thôi"})
    assert refused.status_code == 422
    assert "khách yêu cầu" in refused.text
    assert browser.post(path, data={"reason": "", "typed": "xóa"}).status_code == 422
    assert browser.post(path, data={"reason": "khách yêu cầu", "typed": " XÓA"}).status_code == 302
    assert "không còn giữ" in browser.get(path).text
    entry = the_entry(app, browser)
    assert "đã xóa theo yêu cầu" in entry.text
    assert not entry.select('a[href*="/khoi-phuc/"]')
    assert "/khoi-phuc/" not in client("lan").get(f"/khach-hang/show/{customer_id}?phan=lich-su").text
    with app.app_context():
        assert get_visible(db.session(), Customer, customer_id, _hoa()).name == NEW_NAME


def _hoa():
    from tests.cast import Cast

    return Cast(db.session()).hoa


def test_the_record_pages_of_members_tell_of_looking_in_anothers_name(app, client, change):
    from dataclasses import replace

    def rename(session, cast):
        session.info["actor"] = replace(cast.lan, real_user_id=cast.hoa.user_id)
        session.get_one(Member, cast.lan.user_id).title = "Chuyên viên"

    change(rename)
    with app.app_context():
        lan = _hoa() and last(db.session(), "member").record_id
    told = client("hoa").get(f"/nhan-su/show/{lan}?tab=lich-su").text
    assert "khi đang xem như Nguyễn Ngọc Lan" in told


def test_rows_about_records_of_a_kind_are_about_the_one_table_that_bears_its_name():
    words = [word for table in KINDS for word in words_of(table)]
    assert len(words) == len(set(words))
    assert words_of("customer") == ("Customer", "customer")
