"""Can a program draw, publish and fill in a form?"""

from __future__ import annotations

import pytest
from flask import Flask

from tests.rest import Rest, statements

COMPLAINT = {
    "name": {"vi": "Phản ánh", "en": "Complaint"},
    "fields": [
        {"key": "happened", "type": "long_text", "label": {"vi": "Chuyện gì", "en": "What"}, "required": True},
        {"key": "amount", "type": "money", "label": "Số tiền", "min": 0},
        {"key": "channel", "type": "choice", "label": "Kênh", "options": [
            {"value": "zalo", "label": "Zalo"}, {"value": "phone", "label": {"vi": "Điện thoại", "en": "Phone"}},
        ]},
        {"key": "whom", "type": "customer", "label": "Khách"},
    ],
}  # fmt: skip


@pytest.fixture
def hoa(app: Flask) -> Rest:
    """Hoa, with an empty form."""
    rest = Rest(app, "hoa")
    assert rest.post("forms/", {"code": "phan-anh", "name": "Phản ánh"}).status_code == 201
    return rest


@pytest.fixture
def published(hoa: Rest) -> Rest:
    assert hoa.put("forms/phan-anh/draft", COMPLAINT).status_code == 200
    answer = hoa.post("forms/phan-anh/publish")
    assert (answer.status_code, answer.json["version"]) == (200, 1)
    return hoa


# ── drawing ──


@pytest.mark.both_databases
def test_the_schema_of_a_published_form(app, published):
    schema = Rest(app, "lan", **{"Accept-Language": "en"}).get("forms/phan-anh/schema").json
    assert schema["title"] == "Complaint"
    assert schema["type"] == "object"
    assert schema["required"] == ["happened"]
    assert schema["properties"]["happened"]["title"] == "What"
    assert schema["properties"]["amount"]["type"] == "integer"
    assert schema["properties"]["channel"]["oneOf"] == [
        {"const": "zalo", "title": "Zalo"},
        {"const": "phone", "title": "Phone"},
    ]
    assert schema["additionalProperties"] is False
    assert Rest(app, "lan", **{"Accept-Language": "vi"}).get("forms/phan-anh/schema").json["title"] == "Phản ánh"


def test_a_form_that_was_never_published_has_no_schema(app, hoa):
    hoa.put("forms/phan-anh/draft", COMPLAINT)
    assert hoa.get("forms/phan-anh/schema").status_code == 404
    assert hoa.get("forms/khong-co/schema").status_code == 404


def test_a_draft_comes_bare_or_in_an_envelope(hoa):
    bare = hoa.put("forms/phan-anh/draft", COMPLAINT)
    wrapped = hoa.put("forms/phan-anh/draft", {"schema": COMPLAINT, "rev": bare.json["draft"]["rev"]})
    assert bare.json["draft"]["schema"] == wrapped.json["draft"]["schema"] == COMPLAINT
    assert wrapped.json["draft"]["problems"] == []


def test_a_draft_may_be_unfinished_and_says_what_is_missing(hoa):
    draft = hoa.put("forms/phan-anh/draft", {"fields": [{"key": "A B", "type": "text", "label": "A"}]}).json["draft"]
    assert [problem["path"] for problem in draft["problems"]] == ["fields[0].key"]
    refused = hoa.post("forms/phan-anh/publish")
    assert (refused.status_code, refused.json["error"]) == (422, "form_not_publishable")
    assert set(refused.json["fields"]) == {"fields[0].key"}
    assert refused.json["problems"][0]["code"] == "bad_key"


def test_a_draft_that_another_changed_meanwhile_is_a_conflict(hoa):
    rev = hoa.get("forms/phan-anh").json["draft"]["rev"]
    hoa.put("forms/phan-anh/draft", {**COMPLAINT, "rev": rev})
    stale = hoa.put("forms/phan-anh/draft", {**COMPLAINT, "rev": rev})
    assert (stale.status_code, stale.json["by"]) == (409, "Lê Thị Hoa")
    assert stale.json["at"].endswith("Z")
    assert "mine" not in stale.json

    def renamed(number, name):
        fields = [{**one, "label": name} if place == number else one for place, one in enumerate(COMPLAINT["fields"])]
        return {**COMPLAINT, "fields": fields}

    rev = hoa.get("forms/phan-anh").json["draft"]["rev"]
    assert hoa.put("forms/phan-anh/draft", {"schema": renamed(0, "Của họ"), "rev": rev}).status_code == 200
    mine = renamed(1, "Của tôi")
    mine["fields"].append({"key": "HALF", "type": "text", "label": ""})
    apart = hoa.put("forms/phan-anh/draft", {"schema": mine, "rev": rev, "base": COMPLAINT})
    assert apart.status_code == 409
    assert [len(apart.json[side]) for side in ("mine", "theirs")] == [1, 1]
    assert ("Của tôi" in apart.json["mine"][0], "Của họ" in apart.json["theirs"][0]) == (True, True)
    for odd in ({"fields": "x"}, {"name": 5, "fields": [1, {"key": []}]}, {}):
        assert hoa.put("forms/phan-anh/draft", {"schema": mine, "rev": rev, "base": odd}).status_code == 409


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"schema": []}, "schema"),
        ({"schema": None}, "schema"),
        ({"schema": {}, "rev": "1"}, "rev"),
        ({"schema": {}, "fields": []}, "fields"),
        ({"name": "A", "fields": ["\0"]}, ""),
    ],
)
def test_what_cannot_be_a_draft_is_refused(hoa, body, key):
    answer = hoa.put("forms/phan-anh/draft", body)
    assert answer.status_code == 422
    assert key in answer.json["fields"]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"code": "Phản Ánh", "name": "A"}, "code"),
        ({"code": "phan-anh", "name": "A"}, "code"),
        ({"code": "a"}, "name"),
        ({"code": "a", "name": "x" * 201}, "name"),
        ({"code": "a", "name": "a\0"}, "name"),
        ({"code": "a", "name": "A", "id": 1}, "id"),
    ],
)
def test_a_wrong_form_is_told_beside_its_key(hoa, body, key):
    answer = hoa.post("forms/", body)
    assert answer.status_code == 422
    assert key in answer.json["fields"]


def test_what_was_drawn_on_since_it_was_looked_at_is_not_published(published):
    seen = published.put("forms/phan-anh/draft", COMPLAINT).json["draft"]["rev"]
    published.put("forms/phan-anh/draft", {**COMPLAINT, "fields": COMPLAINT["fields"][:1]})
    refused = published.post("forms/phan-anh/publish", {"rev": seen})
    assert (refused.status_code, refused.json["error"]) == (409, "conflict")
    now = published.get("forms/phan-anh").json["draft"]["rev"]
    assert published.post("forms/phan-anh/publish", {"rev": now}).status_code == 200


def test_a_draft_may_hold_anything_in_the_place_of_words(hoa, client):
    hoa.post("forms/", {"code": "la", "name": "Lạ"})
    drawn = {"name": 5, "fields": [{"key": "a", "type": "text", "label": 5}, {"key": "b", "label": {"vi": ["x"]}}]}
    assert hoa.put("forms/la/draft", drawn).status_code == 200
    number = hoa.get("forms/la").json["id"]
    page = client("hoa")
    for path in (
        f"/bieu-mau/show/{number}?tab=truong",
        f"/bieu-mau/show/{number}?tab=phien-ban",
        "/bieu-mau/la/truong/a",
        "/bieu-mau/la/ve",
    ):
        assert page.get(path).status_code == 200, path


def test_publishing_again_makes_an_edition_and_once_it_was_answered_the_next_version(published):
    assert published.post("forms/phan-anh/publish").json["error"] == "nothing_to_publish"
    published.put("forms/phan-anh/draft", COMPLAINT)
    again = published.post("forms/phan-anh/publish").json
    assert (again["version"], again["edition"]) == (1, 2)
    assert published.post("forms/phan-anh/submissions", {"answers": {"happened": "Trễ"}}).status_code == 201
    other = {**COMPLAINT, "fields": [{**COMPLAINT["fields"][1], "required": True}]}
    draft = published.put("forms/phan-anh/draft", other).json["draft"]
    assert (draft["version"], draft["edition"]) == (2, 1)
    assert [(one["field"], one["code"]) for one in draft["changes"]] == [
        ("amount", "required_changed"), ("happened", "removed"), ("channel", "removed"), ("whom", "removed"),
    ]  # fmt: skip
    assert published.post("forms/phan-anh/publish").json["version"] == 2
    assert published.get("forms/phan-anh").json["active_version"] == 2
    versions = published.get("forms/phan-anh/versions").json["result"]
    assert [(one["version"], one["edition"], one["state"], one["answers"]) for one in versions] == [
        (2, 1, "published", 0), (1, 2, "archived", 1), (1, 1, "archived", 0),
    ]  # fmt: skip


def test_a_field_is_asked_who_uses_it_retired_and_asked_again(published):
    assert (
        published.post("forms/phan-anh/submissions", {"answers": {"happened": "Trễ", "amount": 0}}).status_code == 201
    )
    uses = published.get("forms/phan-anh/fields/amount/uses").json
    assert uses == {
        "field": "amount",
        "retired": False,
        "answers": 1,
        "answers_capped": False,
        "fields": [],
        "uses": [],
    }
    assert published.post("forms/phan-anh/fields/khong/retire").status_code == 404
    retired = published.post("forms/phan-anh/fields/amount/retire").json["draft"]
    assert [one["code"] for one in retired["changes"]] == ["retired"]
    assert published.post("forms/phan-anh/publish").json["version"] == 2
    assert "amount" not in published.get("forms/phan-anh/schema").json["properties"]
    back = published.post("forms/phan-anh/fields/amount/bring-back").json["draft"]
    assert [one["code"] for one in back["changes"]] == ["brought_back"]


def test_a_form_is_copied_and_travels_as_a_file(app, published):
    copied = published.post("forms/phan-anh/copy", {"code": "ban-sao", "name": "Bản sao"})
    assert (copied.status_code, copied.json["draft"]["schema"]) == (201, {**COMPLAINT, "name": "Bản sao"})
    file = published.get("forms/phan-anh/export").json
    assert file == {
        "kind": "tantam.form", "format": 2, "code": "phan-anh", "purpose": "answers", "definition": COMPLAINT
    }  # fmt: skip
    assert "code" in published.post("forms/import", {"file": file}).json["fields"]
    assert published.post("forms/import", {"file": file, "code": "tu-tep"}).json["draft"]["schema"] == COMPLAINT
    for wrong in ({}, {**file, "kind": "x"}, {**file, "definition": []}, {**file, "definition": {"name": ["a"]}},
                  {**file, "purpose": ["customers"]}, {**file, "purpose": "x"}, {**file, "format": True}):  # fmt: skip
        assert published.post("forms/import", {"file": wrong, "code": "khac"}).status_code == 422
    newer = published.post("forms/import", {"file": {**file, "format": 3, "more": 1}, "code": "khac"})
    assert "3" in newer.json["fields"]["file"][0]
    before = {"kind": "tantam.form", "code": "cu", "definition": COMPLAINT}
    assert published.post("forms/import", {"file": before}).json["purpose"] == "answers"
    own = {**file, "code": "rieng", "purpose": "customers"}
    assert published.post("forms/import", {"file": own}).json["purpose"] == "customers"
    lan = Rest(app, "lan")
    assert lan.get("forms/phan-anh/export").status_code == 403
    assert lan.post("forms/phan-anh/copy", {"code": "b", "name": "B"}).status_code == 403
    assert lan.get("forms/phan-anh/versions").status_code == 200


def test_only_administrators_draw_and_see_drafts(app, published):
    published.put("forms/phan-anh/draft", COMPLAINT)
    lan = Rest(app, "lan")
    assert lan.post("forms/", {"code": "moi", "name": "Mới"}).status_code == 403
    assert lan.put("forms/phan-anh/draft", COMPLAINT).status_code == 403
    assert lan.post("forms/phan-anh/publish").status_code == 403
    assert "draft" not in lan.get("forms/phan-anh").json


def test_forms_are_found_without_accents(hoa):
    hoa.post("forms/", {"code": "goi-lai", "name": "Gọi lại"})
    assert [row["code"] for row in hoa.rows("forms/", q="goi lai")] == ["goi-lai"]
    assert [row["code"] for row in hoa.rows("forms/", code="phan-anh")] == ["phan-anh"]


# ── filling in ──


@pytest.mark.both_databases
def test_answers_are_kept_under_the_version_that_asked(app, published):
    lan = Rest(app, "lan")
    customer = lan.customer()
    body = {"answers": {"happened": "Trễ", "amount": "500.000 ₫", "channel": "zalo"}, "customer_id": customer["id"]}
    kept = lan.post("forms/phan-anh/submissions", body)
    assert kept.status_code == 201
    assert kept.json["answers"] == {"happened": "Trễ", "amount": 500_000, "channel": "zalo"}
    assert (kept.json["form"], kept.json["version"], kept.json["created_by"]) == ("phan-anh", 1, "lan")
    assert lan.rows("submissions/", form="phan-anh", customer=customer["id"]) == [kept.json]
    assert lan.get(f"submissions/{kept.json['id']}").json == kept.json
    assert lan.rows("submissions/", form="khac") == []


def test_wrong_answers_are_told_by_key(app, published):
    lan = Rest(app, "lan")
    answers = {"amount": 1.5, "channel": "fax", "whom": 999, "more": 1}
    refused = lan.post("forms/phan-anh/submissions", {"answers": answers})
    assert refused.status_code == 422
    assert set(refused.json["fields"]) == {"happened", "amount", "channel", "whom", "more"}
    assert lan.rows("submissions/") == []


def test_another_teams_customer_cannot_be_named(app, published):
    customer, tuan = Rest(app, "lan").customer(), Rest(app, "tuan")
    about = {"answers": {"happened": "x"}, "customer_id": customer["id"]}
    assert tuan.post("forms/phan-anh/submissions", about).status_code == 404
    inside = tuan.post("forms/phan-anh/submissions", {"answers": {"happened": "x", "whom": customer["id"]}})
    assert set(inside.json["fields"]) == {"whom"}


def test_answers_of_others_are_not_there(app, published):
    kept = Rest(app, "lan").post("forms/phan-anh/submissions", {"answers": {"happened": "x"}}).json
    tuan = Rest(app, "tuan")
    assert tuan.get(f"submissions/{kept['id']}").status_code == 404
    assert tuan.rows("submissions/") == []
    assert Rest(app, "minh").get(f"submissions/{kept['id']}").status_code == 200


@pytest.mark.parametrize("body", [{}, {"answers": None}, {"answers": [1]}, {"answers": {"happened": "x"}, "id": 1}])
def test_a_submission_is_answers_and_a_customer(app, published, body):
    assert Rest(app, "lan").post("forms/phan-anh/submissions", body).status_code == 422


def test_a_draft_takes_no_answers(app, hoa):
    answer = Rest(app, "lan").post("forms/phan-anh/submissions", {"answers": {}})
    assert (answer.status_code, answer.json["error"]) == (422, "form_not_published")
    assert Rest(app, "lan").post("forms/khong-co/submissions", {"answers": {}}).status_code == 404


def test_a_list_costs_few_queries_however_long_it_is(app, published):
    for number in range(3):
        published.post("forms/", {"code": f"f{number}", "name": "A"})
        published.post("forms/phan-anh/submissions", {"answers": {"happened": "x"}})
    for path in ("forms/", "submissions/"):
        published.get(path)
        with statements(app) as seen:
            assert published.get(path, page_size=100).status_code == 200
        assert len(seen) <= 8, seen


def test_an_answer_is_not_told_to_those_who_may_not_read_it(app, hoa):
    fields = [
        {"key": "note", "type": "text", "label": "Ghi chú"},
        {"key": "secret", "type": "text", "label": "Riêng", "read_roles": ["Admin"]},
    ]
    hoa.put("forms/phan-anh/draft", {"name": "Phản ánh", "fields": fields})
    hoa.post("forms/phan-anh/publish")
    sent = {"answers": {"note": "a", "secret": "b"}}
    told = Rest(app, "lan").post("forms/phan-anh/submissions", sent).json
    assert told["answers"] == {"note": "a"}
    assert hoa.get(f"submissions/{told['id']}").json["answers"] == sent["answers"]
