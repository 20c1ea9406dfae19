"""Can a program find, read, make and change customers, and only those it may see?"""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.customers.models import Customer
from app.customers.services import archive_customer
from tests.rest import Rest, finish, install_late_delivery, statements

HEADER = {"id", "code", "name", "contact_points", "do_not_contact", "do_not_contact_reason"}


@pytest.fixture
def lan(app: Flask) -> Rest:
    return Rest(app, "lan")


def names(rest: Rest, **query: object) -> list[str]:
    return [row["name"] for row in rest.rows("customers/", **query)]


# ── making ──


@pytest.mark.both_databases
def test_a_customer_is_made_and_read(lan):
    made = lan.post(
        "customers/",
        {
            "name": "  Nguyễn   Thị Hoa ", "phone": "0912.345.678", "email": "Hoa@Example.com", "source": "facebook",
            "note": "Thích gọi buổi sáng", "contact_points": [{"kind": "zalo", "value": "0987 654 321"}],
        },
    )  # fmt: skip
    assert made.status_code == 201
    customer = made.json
    assert customer["name"] == "Nguyễn Thị Hoa"
    assert (customer["code"], customer["kind"], customer["rev"]) == ("KH000001", "person", 1)
    assert (customer["phone"], customer["email"]) == ("+84912345678", "Hoa@Example.com")
    assert [(point["kind"], point["value"]) for point in customer["contact_points"]] == [
        ("phone", "+84912345678"), ("email", "hoa@example.com"), ("zalo", "+84987654321"),
    ]  # fmt: skip
    assert (customer["owner"], customer["team"]) == ("lan", "cskh")
    assert customer["created_at"].endswith("Z")
    assert lan.get(f"customers/{customer['id']}").json == customer


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({}, {"name"}),
        ({"name": None}, {"name"}),
        ({"name": "   "}, {"name"}),
        ({"name": 5}, {"name"}),
        ({"name": ["A"]}, {"name"}),
        ({"name": "x" * 201}, {"name"}),
        ({"name": "A\0B"}, {"name"}),
        ({"name": "A", "phone": "abc", "email": "x@"}, {"phone", "email"}),
        ({"name": "A", "phone": 912345678}, {"phone"}),
        ({"name": "A", "kind": "robot"}, {"kind"}),
        ({"name": "A", "kind": None}, {"kind"}),
        ({"name": "A", "code": "KH9", "id": 7, "created_by": {"password": 1}}, {"code", "id", "created_by"}),
        ({"name": "A", "source": "x" * 61, "note": "x" * 10_001}, {"source", "note"}),
        ({"name": "A", "contact_points": {}}, {"contact_points"}),
        ({"name": "A", "contact_points": [5]}, {"contact_points.0"}),
        ({"name": "A", "contact_points": [{"kind": "fax", "value": "1"}]}, {"contact_points.0.kind"}),
        ({"name": "A", "contact_points": [{"kind": "zalo"}]}, {"contact_points.0.value"}),
        ({"name": "A", "contact_points": [{"kind": "zalo", "value": "a"}] * 21}, {"contact_points"}),
        ({"name": "A", "contact_points": [{"kind": "email", "value": "a"}]}, {"contact_points.0"}),
    ],
)
def test_every_problem_is_told_beside_its_key(lan, body, keys):
    answer = lan.post("customers/", body)
    assert (answer.status_code, answer.json["error"]) == (422, "invalid")
    assert set(answer.json["fields"]) == keys
    assert names(lan) == []


def test_a_company_is_a_customer_too(lan):
    assert lan.customer("Công ty Gốm Chu Đậu", "", kind="company")["kind"] == "company"


# ── changing ──


@pytest.mark.both_databases
def test_what_is_sent_changes_and_the_rest_stays(lan):
    customer = lan.customer(note="cũ")
    changed = lan.put(f"customers/{customer['id']}", {"rev": 1, "phone": "0977000111", "note": None})
    assert changed.status_code == 200
    assert (changed.json["name"], changed.json["phone"], changed.json["note"]) == (
        customer["name"],
        "+84977000111",
        None,
    )
    assert changed.json["rev"] == 2


def test_a_stale_rev_tells_who_was_faster_and_when(app, lan):
    customer = lan.customer()
    Rest(app, "minh").put(f"customers/{customer['id']}", {"rev": 1, "name": "Đặng Mỹ Duyên"})
    stale = lan.put(f"customers/{customer['id']}", {"rev": 1, "name": "Chị Duyên"})
    assert (stale.status_code, stale.json["by"], stale.json["rev"]) == (409, "Phạm Quang Minh", 2)
    assert stale.json["at"].endswith("Z")
    assert lan.get(f"customers/{customer['id']}").json["name"] == "Đặng Mỹ Duyên"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"name": "A"}, "rev"),
        ({"rev": "1", "name": "A"}, "rev"),
        ({"rev": 1, "name": None}, "name"),
        ({"rev": 1, "kind": None}, "kind"),
        ({"rev": 1, "owner": "khong-ai"}, "owner"),
        ({"rev": 1, "team": "khong-co"}, "team"),
        ({"rev": 1, "archived_at": None}, "archived_at"),
    ],
)
def test_a_wrong_change_is_told_by_key(lan, body, key):
    answer = lan.put(f"customers/{lan.customer()['id']}", body)
    assert answer.status_code == 422
    assert key in answer.json["fields"]


def test_only_who_may_assign_gives_a_customer_to_another(app, lan):
    address = f"customers/{lan.customer()['id']}"
    assert lan.put(address, {"rev": 1, "owner": "minh"}).status_code == 403
    given = Rest(app, "minh").put(address, {"rev": 1, "owner": "minh", "team": "cskh"})
    assert (given.status_code, given.json["owner"]) == (200, "minh")


# ── finding ──


@pytest.mark.both_databases
def test_customers_are_found_however_they_are_typed(lan):
    lan.customer("Nguyễn Thị Đào", "0912 345 678")
    lan.customer("Trần Văn Bảo", "0987 654 321")
    for q in ("nguyen dao", "ĐÀO", "0912345678", "+84 912 345 678", "84912345678", "5678", "KH000001"):
        assert names(lan, q=q) == ["Nguyễn Thị Đào"], q
    for q in ("Trần Đào", "%", "'; DROP TABLE customer;--", '"', "*", "()", "٣"):
        assert names(lan, q=q) == [], q
    assert len(names(lan, q="  ")) == 2
    assert names(lan, phone="0987.654.321") == ["Trần Văn Bảo"]
    assert names(lan, phone="5678") == names(lan, phone="không") == []
    assert names(lan, code="KH000002", q="bao") == ["Trần Văn Bảo"]
    assert names(lan, kind="company") == []
    assert names(lan, owner="lan", team="cskh") == ["Trần Văn Bảo", "Nguyễn Thị Đào"]
    assert names(lan, owner="khong-ai") == names(lan, team="van-hanh") == []


@pytest.mark.both_databases
def test_the_order_is_that_of_given_names(lan):
    for name in ("Trần Văn Đạt", "Lê Ái", "Phạm Văn Dũng", "Ngô Anh"):
        lan.customer(name, "")
    assert names(lan) == ["Lê Ái", "Ngô Anh", "Phạm Văn Dũng", "Trần Văn Đạt"]
    assert names(lan, order="-name") == names(lan, order="name")[::-1]
    assert names(lan, order="created")[0] == names(lan, order="code")[0] == "Trần Văn Đạt"
    assert names(lan, order="-created_at")[0] == "Ngô Anh"
    assert names(lan, page=2, page_size=3) == ["Trần Văn Đạt"]


def test_archived_customers_leave_the_list(app, lan):
    customer = lan.customer()
    with app.app_context(), transaction(SYSTEM) as session:
        archive_customer(session, session.get_one(Customer, customer["id"]), by=SYSTEM)
        db.session.flush()
    assert names(lan) == []
    assert lan.get(f"customers/{customer['id']}").json["archived_at"]


# ── rights ──


@pytest.mark.parametrize("number", ["999", "0", "-1", "x", "2147483648", "99999999999999999999", "1.0", "%00"])
def test_a_customer_that_is_not_there(lan, number):
    assert lan.get(f"customers/{number}").status_code == 404
    assert lan.put(f"customers/{number}", {"rev": 1}).status_code == 404


@pytest.mark.both_databases
@pytest.mark.parametrize("who", ["tuan", "binh"])
def test_another_teams_customer_is_nowhere_to_be_seen(app, lan, who):
    customer, stranger = lan.customer(), Rest(app, who)
    assert stranger.get(f"customers/{customer['id']}").status_code == 404
    assert stranger.put(f"customers/{customer['id']}", {"rev": 1, "name": "A"}).status_code == 404
    for query in ({}, {"q": "duyen"}, {"q": "5678"}, {"code": customer["code"]}, {"phone": "0912345678"}):
        listed = stranger.get("customers/", **query).json
        assert (listed["result"], listed["count"]) == ([], 0)


def test_work_on_a_customer_shows_his_header_and_no_more(app, lan):
    install_late_delivery(app)
    customer, tuan = lan.customer(note="riêng của CSKH"), Rest(app, "tuan")
    instance = finish(app, lan.start(customer["id"]))
    shown = tuan.get(f"customers/{customer['id']}")
    assert (shown.status_code, set(shown.json)) == (200, HEADER)
    assert shown.json["contact_points"] == customer["contact_points"]
    assert names(tuan) == names(tuan, q="duyen") == []
    assert tuan.put(f"customers/{customer['id']}", {"rev": 1, "name": "A"}).status_code == 404
    lan.post(f"instances/{instance['id']}/cancel", {"reason": "Khách đổi ý"})
    assert tuan.get(f"customers/{customer['id']}").status_code == 404


def test_a_colleague_and_the_head_see_the_teams_customers(app, lan):
    customer = lan.customer()
    for who in ("minh", "hoa"):
        assert Rest(app, who).get(f"customers/{customer['id']}").json["phone"] == "+84912345678"


def test_a_list_costs_few_queries_however_long_it_is(app, lan):
    for number in range(5):
        lan.customer(f"Khách {number}", f"09123456{number}0")
    lan.get("customers/")
    for query in ({}, {"q": "khach"}, {"order": "-created"}, {"phone": "0912345600"}):
        with statements(app) as seen:
            assert lan.get("customers/", **query).status_code == 200
        assert len(seen) <= 8, seen
