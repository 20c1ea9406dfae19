"""A field that a role holds back: is it nowhere, in no list, count, file, answer, history or search?"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup

from app.administration.services import send_test_mail
from app.core.access import SYSTEM, FieldRight, FieldRule, Scope
from app.core.audit import AuditEvent, AuditSensitive
from app.core.db import db, transaction
from app.core.errors import BusinessError, ConflictError, InvalidInputError
from app.core.leases import LeaseState
from app.customers import search, services
from app.customers.models import ContactKind, Customer
from app.notifications.models import Outbox
from app.security import field_rights, queries
from app.security.models import RoleField, RoleProfile
from app.security.role_services import assign_roles, change_rights, create_role
from app.security.services import rights_changed
from tests.cast import Cast
from tests.rest import Rest, statements

PHONE, SHOWN, COVERED = "+84912345321", "0912 345 321", "09•• ••• 321"
EMAIL, EMAIL_COVERED = "bichngoc@huongtram.vn", "b•••@h•••.vn"
NOTE = "Dị ứng tôm"
#: what a reader without the right must never be sent, in any spelling
CANARIES = ("912345321", "0912 345 321", "345 321", "bichngoc", "huongtram", "Dị ứng")
HIDDEN, MASKED, READ_ONLY = (FieldRule(one) for one in (FieldRight.hidden, FieldRight.masked, FieldRight.read_only))
OPENED = FieldRule(FieldRight.masked, may_reveal=True)


def hold_back(role: str, rule: FieldRule, *fields: str, resource: str = "Customer") -> None:
    with transaction(SYSTEM) as session:
        found = queries.role_by_code(session, role)
        version = field_rights.version_of(field_rights.rules_of(session, found.id))
        wanted = {(resource, field): rule for field in fields}
        field_rights.change(session, found, wanted, version=version, by=SYSTEM)


@pytest.fixture
def customer(app) -> int:
    """One of Lan's, with a phone, an e-mail and a note; changed once, so that the history has old values."""
    with app.app_context():
        lan = Cast(db.session()).lan
        with transaction(lan) as session:
            made = services.create_customer(
                session, by=lan, name="Trần Bích", phone=PHONE, email=EMAIL, note=NOTE,
                contact_points=[(ContactKind.other, f"gọi {SHOWN} buổi tối")],
            )  # fmt: skip
            services.change_customer(session, made, by=lan, rev=made.rev, note=f"{NOTE}, thích gọi sớm")
            return made.id


@pytest.fixture
def held(app, customer):
    """held(rule): Lan's role holds phone, e-mail and note back."""

    def hold(rule: FieldRule, *fields: str) -> int:
        with app.app_context():
            hold_back("Staff", rule, *(fields or ("phone", "email", "note")))
        return customer

    return hold


PAGES = (
    "/khach-hang/list/", "/khach-hang/list/?columns=name,phone,email", "/khach-hang/show/{id}",
    "/khach-hang/show/{id}?phan=lich-su", "/khach-hang/panel/{id}", "/khach-hang/edit/{id}", "/tim/?q=Bích",
    "/tim/goi-y?q=Bích", "/tim/khach-hang?q=Bích", "/tim/khach-hang", "/khach-hang/fields",
)  # fmt: skip


@pytest.mark.parametrize("rule", [HIDDEN, MASKED], ids=["hidden", "masked"])
def test_no_page_sends_what_is_held_back(client, held, rule):
    number, lan = held(rule), client("lan")
    told = ""
    for path in PAGES:
        if rule is HIDDEN and "columns=" in path:
            continue
        answer = lan.get(path.format(id=number), headers={"X-Part": "1"} if "panel" in path else {})
        assert answer.status_code == 200, path
        for canary in CANARIES:
            assert canary not in answer.text, (path, canary)
        told += answer.text
    assert "Bích" in told
    assert (COVERED in told, EMAIL_COVERED in told) == ((True, True) if rule is MASKED else (False, False))


@pytest.mark.parametrize("rule", [HIDDEN, MASKED], ids=["hidden", "masked"])
def test_work_for_a_customer_tells_no_more_of_him(app, client, begun, rule):
    lan, rest = client("lan"), Rest(app, "lan")
    task = f"/cong-viec/{begun['task']}"
    with app.app_context():
        shown = db.session.get(Customer, begun["customer"]).phone
        hold_back("Staff", rule, "phone", "email")
    told = lan.get(task).text + lan.get(f"/ho-so/{begun['instance']}").text + lan.get("/cong-viec/").text
    told += json.dumps(rest.get(f"tasks/{begun['task']}").json, ensure_ascii=False)
    assert shown not in told
    assert shown.replace(" ", "")[1:] not in told
    assert ("•• •••" in told) is (rule is MASKED)
    assert shown in client("minh").get(task).text


def test_everybody_else_reads_it_as_before(client, held):
    number, minh = held(HIDDEN), client("minh")
    told = minh.get(f"/khach-hang/show/{number}").text
    assert SHOWN in told
    assert EMAIL in told
    assert NOTE in told


@pytest.mark.parametrize("rule", [HIDDEN, MASKED], ids=["hidden", "masked"])
@pytest.mark.parametrize("query", ["where=phone contains '345'", "order=source", "where=note contains 'tôm'",
                                   "where=email = 'bichngoc@huongtram.vn'"])  # fmt: skip
def test_nobody_narrows_or_orders_by_what_he_does_not_read(app, client, held, rule, query):
    held(rule, "phone", "email", "note", "source")
    name, _equals, value = query.partition("=")
    refused = client("lan").get("/khach-hang/list/", query_string={name: value})
    assert refused.status_code == 400
    if name == "where":  # an order that cannot be had leaves the rows in their usual one
        assert "Trần Bích" not in refused.text
    rest = Rest(app, "lan")
    assert rest.get("customers/", **{name: value}).status_code == 400


@pytest.mark.parametrize(
    ("typed", "by_masked", "by_hidden"),
    [
        ("Bích", True, True),
        ("bich tran", True, True),
        ("KH000001", True, True),
        ("912345", False, False),
        ("5321", False, False),
        ("09123", False, False),
        ("bichngoc", False, False),
        ("huongtram", False, False),
        ("0912 345 321", True, False),
        ("+84 912 345 321", True, False),
        ("Bích 5321", False, False),
        ("SĐT: 0912.345.321", True, False),
        ("BichNgoc@huongtram.vn", True, False),
    ],
)
@pytest.mark.both_databases
def test_a_number_is_found_whole_or_not_at_all(app, held, typed, by_masked, by_hidden):
    number = held(MASKED)

    def is_found() -> bool:
        with app.app_context():
            cast = Cast(db.session())
            assert db.session.scalars(search.found(typed, cast.minh)).all(), "others find it"
            hits = search.find_customers(db.session(), cast.lan, typed, 5)
            assert [hit.id for hit in hits] == db.session.scalars(search.found_ids(typed, cast.lan)).all()
            assert not any(canary in hit.hint for hit in hits for canary in CANARIES)
            return [hit.id for hit in hits] == [number]

    assert is_found() is by_masked
    held(HIDDEN)
    assert is_found() is by_hidden


@pytest.mark.parametrize("rule", [HIDDEN, MASKED], ids=["hidden", "masked"])
def test_no_file_takes_it_away(app, client, held, rule):
    held(rule)
    with app.app_context(), transaction(SYSTEM) as session:
        role = queries.role_by_code(session, "Staff")
        profile = session.get(RoleProfile, role.id)
        change_rights(session, profile, {("Customer", "export"): Scope.team}, rev=profile.rev, by=SYSTEM)
    lan = client("lan")
    for columns in ("", "all"):
        answer = lan.post("/khach-hang/export", data={"format": "csv", "query": "", "columns": columns})
        assert answer.status_code == 200
        told = answer.get_data().decode("utf-8-sig")
        answer.close()
        assert "Trần Bích" in told
        assert not any(canary in told for canary in CANARIES)
        assert "•" not in told


@pytest.mark.parametrize("rule", [HIDDEN, MASKED, READ_ONLY], ids=["hidden", "masked", "read-only"])
def test_programs_read_what_people_read_and_write_no_more(app, held, rule):
    number, rest = held(rule), Rest(app, "lan")
    row, listed = rest.get(f"customers/{number}").json, rest.rows("customers/")[0]
    assert row == listed
    told = json.dumps(row, ensure_ascii=False)
    if rule is READ_ONLY:
        assert row["phone"] == PHONE
    else:
        assert not any(canary in told for canary in CANARIES)
        assert row.get("phone") == (COVERED if rule is MASKED else None)
        assert ("phone" in row, "note" in row) == (rule is MASKED, rule is MASKED)
    for body in ({"phone": "0987 000 111"}, {"email": None}, {"note": "khác"}, {"phone": SHOWN}):
        refused = rest.put(f"customers/{number}", {"rev": row["rev"], **body})
        assert refused.status_code == 422
        assert set(refused.json["fields"]) == set(body)
    assert rest.put(f"customers/{number}", {"rev": row["rev"], "name": "Trần Ngọc"}).status_code == 200
    with app.app_context():
        known = db.session.get(Customer, number)
        assert (known.name, known.phone, known.email) == ("Trần Ngọc", SHOWN, EMAIL)


def test_a_new_customer_takes_a_number_that_stays_covered_and_none_that_is_hidden(app, held):
    held(MASKED)
    rest = Rest(app, "lan")
    made = rest.post("customers/", {"name": "Mai", "phone": "0987 654 321"})
    assert (made.status_code, made.json["phone"]) == (201, "09•• ••• 321")
    held(HIDDEN)
    refused = rest.post("customers/", {"name": "Mai", "phone": "0987 654 321"})
    assert (refused.status_code, set(refused.json["fields"])) == (422, {"phone"})
    refused = rest.post("customers/", {"name": "Mai", "contact_points": [{"kind": "zalo", "value": "0987654321"}]})
    assert (refused.status_code, set(refused.json["fields"])) == (422, {"contact_points.0"})


def test_a_repeated_request_is_answered_with_no_more_than_is_read_by_now(app, held):
    """What stands deeper in the kept answer falls under rights that nobody knows of it any more."""
    held(MASKED, "source")
    rest, body = Rest(app, "lan"), {"name": "Mai", "phone": PHONE, "contact_points": [{"kind": "zalo", "value": PHONE}]}
    body |= {"duplicate_reason": "Một người, hai hồ sơ"}
    first = rest.post("customers/", body, key="k1")
    assert (first.status_code, first.json["phone"], len(first.json["contact_points"])) == (201, PHONE, 2)
    assert rest.post("customers/", body, key="k1").json == first.json
    held(MASKED, "phone")
    again = rest.post("customers/", body, key="k1")
    assert (again.status_code, again.json["id"], again.json["phone"]) == (201, first.json["id"], COVERED)
    assert "912345321" not in again.text
    covered = rest.post("customers/", body, key="k2")
    assert covered.json["contact_points"][0]["value"] == COVERED
    assert rest.post("customers/", body, key="k2").json == covered.json


def test_a_shared_view_does_not_tell_what_it_compares_a_number_with(app, client, held):
    rest = Rest(app, "lan")
    body = {"list": "customers", "name": "Số lạ", "where": "phone = '0912345321' and kind = 'person'"}
    kept = rest.post("views/", body).json
    held(MASKED, "phone")
    for told in (rest.get(f"views/{kept['id']}"), rest.get("views/", list="customers"),
                 client("lan").get(f"/khach-hang/list/?view={kept['id']}")):  # fmt: skip
        assert told.status_code == 200
        assert "912345321" not in told.text
    assert "kind" in json.dumps(rest.get(f"views/{kept['id']}").json["where"])


@pytest.mark.parametrize("rule", [HIDDEN, MASKED], ids=["hidden", "masked"])
def test_outgoing_mail_tells_no_address_that_is_held_back(app, client, rule):
    with app.app_context(), transaction(SYSTEM) as inside:
        role = queries.role_by_code(inside, "Auditor")
        profile = inside.get(RoleProfile, role.id)
        rights = {("Outbox", "view"): Scope.all, ("Setting", "view"): Scope.all}
        change_rights(inside, profile, rights, rev=profile.rev, by=SYSTEM)
        assign_roles(inside, Cast(inside).member("lan"), ["Auditor"], by=SYSTEM)
        own = send_test_mail(inside, by=Cast(inside).hoa)
        own.status, own.last_error = LeaseState.dead, f"550 <{own.to_address.upper()}> unknown"
        inside.add(Outbox(message_id="m2", from_address="a@b.vn", to_address=EMAIL, subject="Xin chào", body_text="…",
                          next_at=own.next_at))  # fmt: skip
        address, number = own.to_address, own.id
    rest, browser = Rest(app, "lan"), client("lan")
    assert {row["to"] for row in rest.rows("outbox/")} == {address, EMAIL}
    assert len(rest.rows("outbox/", to=EMAIL)) == 1
    with app.app_context():
        hold_back("Auditor", rule, "email")
        hold_back("Auditor", rule, "email", resource="Member")
    for told in (browser.get("/thu-di/"), browser.get(f"/thu-di/{number}"), browser.get("/quan-tri/"),
                 rest.get("outbox/"), rest.get(f"outbox/{number}")):  # fmt: skip
        assert told.status_code == 200
        assert address.lower() not in told.text.lower()
        assert EMAIL not in told.text
    covered = {None} if rule is HIDDEN else {"h•••@p•••.example", EMAIL_COVERED}
    assert {row["to"] for row in rest.rows("outbox/")} == covered
    assert rest.get("outbox/", to=EMAIL).status_code == 400


def form_of(browser, path):
    page = BeautifulSoup(browser.get(path).text, "html.parser")
    form = page.select_one("form[data-guard]")
    boxes = 'input[name]:not([type="checkbox"]), input[type="checkbox"][checked]'
    sent = {one["name"]: one.get("value", "") for one in form.select(boxes)}
    sent |= {one["name"]: one.text.lstrip("\n") for one in form.select("textarea[name]")}
    for one in form.select("select[name]"):
        chosen = one.select_one("option[selected]")
        sent[one["name"]] = chosen["value"] if chosen else ""
    return form, sent


@pytest.mark.parametrize("rule", [HIDDEN, MASKED, READ_ONLY], ids=["hidden", "masked", "read-only"])
def test_a_form_shows_no_more_than_may_be_read_and_takes_no_more_than_may_be_written(app, client, held, rule):
    number, lan = held(rule), client("lan")
    form, sent = form_of(lan, f"/khach-hang/edit/{number}")
    assert not {"phone", "email", "note"} & set(sent)
    assert (SHOWN in form.text, COVERED in form.text) == (rule is READ_ONLY, rule is MASKED)
    saved = lan.post(f"/khach-hang/edit/{number}", data={**sent, "name": "Trần Ngọc"})
    assert saved.status_code == 302, saved.text
    _form, sent = form_of(lan, f"/khach-hang/edit/{number}")
    around = lan.post(f"/khach-hang/edit/{number}", data={**sent, "name": "Trần Lan", "phone": "0987 000 111"})
    assert around.status_code == 422
    assert "Số điện thoại" in around.text
    with app.app_context():
        known = db.session.get(Customer, number)
        assert (known.name, known.phone, known.note) == ("Trần Ngọc", SHOWN, f"{NOTE}, thích gọi sớm")


@pytest.mark.parametrize("rule", [MASKED, HIDDEN], ids=["masked", "hidden"])
def test_two_at_one_record_are_not_shown_what_one_of_them_may_not_read(app, client, held, rule):
    number, lan = held(rule), client("lan")
    _form, sent = form_of(lan, f"/khach-hang/edit/{number}")
    with app.app_context():
        minh = Cast(db.session()).minh
        with transaction(minh) as session:
            known = session.get(Customer, number)
            services.change_customer(session, known, by=minh, rev=known.rev, name="Trần Minh", phone="0987 000 222")
    answer = lan.post(f"/khach-hang/edit/{number}", data={**sent, "name": "Trần Lan"})
    assert answer.status_code == 409
    assert "Trần Minh" in answer.text
    assert not any(canary in answer.text for canary in (*CANARIES, "0987 000 222", "987000222"))


def test_a_way_to_reach_that_is_covered_is_neither_changed_nor_added(app, cast, session):
    hold_back("Staff", MASKED, "phone")
    with transaction(cast.minh) as inside:
        made = services.create_customer(inside, by=cast.minh, name="Mai", phone=PHONE)
        point = made.all_contact_points[0]
        for act in (
            lambda: services.remove_contact_point(inside, point, by=cast.lan),
            lambda: services.prefer_contact_point(inside, point, by=cast.lan),
            lambda: services.add_contact_point(inside, made, by=cast.lan, kind=ContactKind.zalo, text="0987 654 321"),
        ):
            with pytest.raises(BusinessError):
                act()
        services.add_contact_point(inside, made, by=cast.lan, kind=ContactKind.email, text="mai@phosen.vn")


# ── opening ──
def test_a_covered_value_is_opened_with_a_reason_which_the_log_keeps(app, client, held):
    number, lan = held(OPENED), client("lan")
    page = BeautifulSoup(lan.get(f"/khach-hang/show/{number}").text, "html.parser")
    address = page.select_one("[data-uncover]")["href"]
    part = {"X-Part": "1"}
    assert SHOWN not in lan.get(address).text
    for reason in ("", "  ", "abc", "12345678"):
        refused = lan.post(address, data={"reason": reason}, headers=part)
        assert refused.status_code == 422
        assert "Gọi" in refused.text
        assert SHOWN not in refused.text
    opened = lan.post(address, data={"reason": "Gọi lại cho khách"}, headers=part)
    assert opened.json == {"value": SHOWN}
    for reason in ("Gọi lại cho khách", "Gọi lại cho khách", "Sửa hồ sơ"):  # loaded again: still one opening
        assert SHOWN in lan.post(address, data={"reason": reason}).text
    assert SHOWN not in lan.get(f"/khach-hang/show/{number}").text
    with app.app_context():
        told = db.session.query(AuditEvent).filter_by(name="field.revealed").all()
        assert {(one.table_name, one.changes["field"][1], one.reason) for one in told} == {
            ("contact_point", "phone", None)
        }
        beside = db.session.query(AuditSensitive).filter(AuditSensitive.event_id.in_([one.id for one in told])).all()
        assert [(one.field, one.new) for one in beside] == [("reason", "Gọi lại cho khách"), ("reason", "Sửa hồ sơ")]
        assert told[0].actor_id == Cast(db.session()).lan.user_id
    assert "Gọi lại cho khách" in client("minh").get(f"/khach-hang/show/{number}?phan=lich-su").text


def test_covered_and_not_to_be_opened_stays_covered(client, held):
    number, lan = held(MASKED), client("lan")
    page = lan.get(f"/khach-hang/show/{number}")
    assert "data-uncover" not in page.text
    for path in (f"/khach-hang/mo/{number}/note", f"/khach-hang/{number}/lien-he/1/mo"):
        refused = lan.post(path, data={"reason": "Gọi lại cho khách"})
        assert refused.status_code == 403
        assert not any(canary in refused.text for canary in CANARIES)
    held(HIDDEN)
    for path in (f"/khach-hang/mo/{number}/note", f"/khach-hang/{number}/lien-he/1/mo"):
        assert lan.post(path, data={"reason": "Gọi lại cho khách"}).status_code == 404


def test_a_record_out_of_sight_is_not_opened(client, held):
    number = held(OPENED)
    assert client("tuan").post(f"/khach-hang/mo/{number}/note", data={"reason": "Gọi lại cho khách"}).status_code == 404


# ── who gives it ──
def test_of_several_roles_the_widest_right_counts(session, cast):
    assert cast.lan.reads("Customer", "phone")
    hold_back("Staff", MASKED, "phone")
    hold_back("Manager", HIDDEN, "phone")
    assert cast.lan.field_right("Customer", "phone") is FieldRight.masked
    assert cast.minh.field_right("Customer", "phone") is FieldRight.hidden
    with transaction(SYSTEM) as inside:
        lan = cast.member("lan")
        lan.user.roles.append(queries.role_by_code(inside, "Auditor"))
        inside.flush()
        rights_changed(inside, [lan.id])
    assert cast.lan.field_right("Customer", "phone") is FieldRight.full


def test_a_role_that_does_not_come_into_a_part_has_no_say_in_its_fields(session, cast):
    hold_back("Staff", MASKED, "phone")
    hold_back("Manager", MASKED, "phone")
    with transaction(SYSTEM) as inside:
        made = create_role(inside, label_vi="Xem lịch", by=SYSTEM)
        change_rights(inside, made, {("Calendar", "view"): Scope.all}, rev=made.rev, by=SYSTEM)
        assign_roles(inside, cast.member("lan"), ["Staff", made.name], by=SYSTEM)
    assert cast.lan.field_right("Customer", "phone") is FieldRight.masked
    minh = replace(cast.minh, permissions=cast.minh.permissions | {("assign", "Role"), ("edit", "Role")})
    minh = replace(minh, scopes={**minh.scopes, ("Role", "assign"): Scope.all, ("Role", "edit"): Scope.all})
    with transaction(minh) as inside:  # nor is it more than he holds
        assign_roles(inside, cast.member("tuan"), ["Staff", made.name], by=minh)
    with transaction(minh) as inside:  # it would open the phones to all who hold it
        one = inside.get_one(RoleProfile, made.id)
        with pytest.raises(BusinessError):
            change_rights(inside, one, {("Customer", "view"): Scope.own}, rev=one.rev, by=minh)
    assert cast.lan.field_right("Customer", "phone") is FieldRight.masked


def test_a_new_role_reads_no_more_than_its_maker(session, cast):
    hold_back("Manager", MASKED, "phone")
    minh = replace(cast.minh, permissions=cast.minh.permissions | {("add", "Role"), ("edit", "Role")})
    with transaction(minh) as inside:
        made = create_role(inside, label_vi="Trực đêm", by=minh)
        change_rights(inside, made, {("Customer", "view"): Scope.team}, rev=made.rev, by=minh)
        assert field_rights.rules_of(inside, made.id) == {("Customer", "phone"): MASKED}


def test_nobody_gives_more_than_he_holds_and_administrators_read_all(session, cast):
    hold_back("Manager", MASKED, "phone")
    role, admin = (queries.role_by_code(session, code) for code in ("Staff", "Admin"))
    minh = replace(cast.minh, permissions=cast.minh.permissions | {("edit", "Role")})
    place = ("Customer", "phone")
    empty = field_rights.version_of({})
    with transaction(minh) as inside:
        with pytest.raises(InvalidInputError) as refused:
            field_rights.change(inside, role, {place: HIDDEN}, version=empty, by=minh)
        assert set(refused.value.fields) == {"Customer.phone"}
    hold_back("Staff", HIDDEN, "phone")
    version = field_rights.version_of({place: HIDDEN})
    with transaction(minh) as inside:
        for wider in (READ_ONLY, FieldRule(FieldRight.full), OPENED):
            with pytest.raises(InvalidInputError):
                field_rights.change(inside, role, {place: wider}, version=version, by=minh)
        with pytest.raises(ConflictError):
            field_rights.change(inside, role, {place: MASKED}, version=empty, by=minh)
        assert field_rights.change(inside, role, {place: MASKED}, version=version, by=minh) == [place]
        with pytest.raises(BusinessError):
            field_rights.change(inside, admin, {place: MASKED}, version=empty, by=SYSTEM)


def test_a_copied_role_holds_back_the_same_and_a_role_that_reads_more_is_not_given(session, cast):
    hold_back("Staff", MASKED, "phone")
    hold_back("Manager", HIDDEN, "phone")
    staff = session.get(RoleProfile, queries.role_by_code(session, "Staff").id)
    with transaction(SYSTEM) as inside:
        made = create_role(inside, label_vi="Tổng đài", like=staff, by=SYSTEM)
        assert field_rights.rules_of(inside, made.id) == {("Customer", "phone"): MASKED}
        minh = replace(
            cast.minh, permissions=cast.minh.permissions | {("assign", "Role"), ("add", "Role")},
            scopes={**cast.hoa.scopes}, fields={("Customer", "phone"): HIDDEN},
        )  # fmt: skip
        lan = cast.member("lan")
        with pytest.raises(InvalidInputError):
            assign_roles(inside, lan, {"Staff", made.role.name}, by=minh)
        with pytest.raises(InvalidInputError):
            create_role(inside, label_vi="Tổng đài 2", like=staff, by=minh)


def test_phone_and_mail_of_colleagues_are_held_back_too(app, client):
    with app.app_context():
        with transaction(SYSTEM) as session:
            member = Cast(session).member("minh")
            member.phone = PHONE
            session.flush()
            member.user.email = EMAIL
            number = member.id
        hold_back("Staff", MASKED, "phone", "email", resource="Member")
    lan = client("lan")
    told = ""
    for path in (f"/nhan-su/show/{number}", f"/nhan-su/show/{number}?tab=lich-su", f"/nhan-su/panel/{number}",
                 "/nhan-su/list/?columns=name,phone,user.email", "/tim/?q=minh"):  # fmt: skip
        answer = lan.get(path, headers={"X-Part": "1"} if "panel" in path else {})
        assert answer.status_code == 200, path
        assert not any(canary in answer.text for canary in CANARIES), path
        told += answer.text
    assert COVERED in told
    assert EMAIL_COVERED in told
    assert not any(canary in json.dumps(Rest(app, "lan").rows("users/")) for canary in CANARIES)


def test_the_page_of_a_role_sets_the_rights_to_its_fields(app, client):
    hoa = client("hoa")
    with app.app_context():
        number = queries.role_by_code(db.session(), "Staff").id
    path = f"/vai-tro/{number}/truong"
    form, sent = form_of_rights(hoa, path)
    rows = [row.select_one("input[type=radio]")["name"] for row in form.select("tbody tr:has(input[type=radio])")]
    kinds = ("phone", "email", "note", "said", "bought", "proof", "source", "owner", "team")
    assert {*(f"Customer.{field}" for field in kinds), "Member.phone", "Member.email"} <= set(rows)
    told = form.get_text(" ", strip=True)
    for plain, covered in (("0912 345 321", "09•• ••• 321"), ("0312 345 321", "••• 321"), ("21/03/1990", "•••")):
        assert f"{plain} hiện thành {covered}" in told
    assert rows.index("Customer.said") < rows.index("Customer.owner"), "what is personal stands first"
    saved = hoa.post(path, data={**sent, "Customer.phone": "masked", "mo.Customer.phone": "1"})
    assert saved.status_code == 302
    with app.app_context():
        row = db.session.query(RoleField).one()
        assert (row.resource, row.field, row.right, row.may_reveal) == ("Customer", "phone", FieldRight.masked, True)
    stale = hoa.post(path, data={**sent, "Customer.email": "hidden"})
    assert stale.status_code == 409
    chosen = {one["name"]: one["value"] for one in BeautifulSoup(stale.text, "html.parser").select("input[checked]")}
    assert (chosen["Customer.phone"], chosen["Customer.email"]) == ("masked", "hidden")  # the other's, and one's own
    for wrong in ({"Customer.phone": "all"}, {"Customer.khong": "full"}, {"Task.phone": "full"}):
        assert hoa.post(path, data={**sent, **wrong}).status_code == 400
    assert hoa.get("/vai-tro/99999999999/truong").status_code == 404
    assert client("lan").get(path).status_code == 403


def form_of_rights(browser, path):
    page = BeautifulSoup(browser.get(path).text, "html.parser")
    form = page.select_one("form[data-guard]")
    sent = {one["name"]: one["value"] for one in form.select("input[type=hidden]")}
    sent |= {one["name"]: one["value"] for one in form.select("input[checked]")}
    return form, sent


def test_the_list_asks_no_more_queries_for_a_reader_with_held_back_fields(app, client, held):
    held(MASKED)
    lan = client("lan")
    lan.get("/khach-hang/list/")
    with statements(app) as asked:
        assert lan.get("/khach-hang/list/").status_code == 200
    assert len(asked) <= 8
