"""Submissions for programs: the same rules as on the pages."""

from __future__ import annotations

import pytest

from app.core.access import SYSTEM
from app.core.db import transaction
from tests.cast import Cast
from tests.forms.submissions.conftest import publish, submit
from tests.rest import Rest

ANSWERS = {"fault": "cold", "amount": 70000, "on": "2026-11-20", "note": "Phở nguội", "illness": "Dị ứng", "stars": 2}


def sent(app, number, who="lan", **changes):
    body = {"answers": ANSWERS, "reason": "Khách đọc lại số tiền", "rev": 1} | changes
    return Rest(app, who).put(f"submissions/{number}", body)


def test_answers_are_corrected_with_their_rev_and_the_revision_before_is_kept(app, given):
    answer = sent(app, given.first)
    assert (answer.status_code, answer.json["revision"], answer.json["answers"]["amount"]) == (200, 2, 70000)
    assert sent(app, given.first).status_code == 409
    before = Rest(app, "hoa").get(f"submissions/{given.first}/revisions").json["result"]
    assert [(one["revision"], one["answers"]["amount"], one["given_by"]) for one in before] == [(1, 50000, "lan")]
    assert before[0]["answers"]["inside"] == "Khách quen"
    assert "inside" not in Rest(app, "lan").get(f"submissions/{given.first}/revisions").json["result"][0]["answers"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"answers": {**ANSWERS, "zzz": 1}}, "zzz"),
        ({"answers": {**ANSWERS, "amount": "nhiều"}}, "amount"),
        ({"answers": {**ANSWERS, "amount": {"a": []}}}, "amount"),
        ({"answers": {**ANSWERS, "fault": "hot"}}, "fault"),
        ({"answers": {**ANSWERS, "inside": "Lén sửa"}}, "inside"),
        ({"reason": "x"}, "reason"),
        ({"zzz": 1}, "zzz"),
    ],
)
def test_what_is_not_right_is_told_under_its_key_and_nothing_is_changed(app, given, changes, field):
    answer = sent(app, given.first, **changes)
    assert (answer.status_code, list(answer.json["fields"])) == (422, [field])
    assert Rest(app, "lan").get(f"submissions/{given.first}").json["revision"] == 1


def test_answers_are_locked_opened_voided_and_taken_back(app, given):
    minh, path = Rest(app, "minh"), f"submissions/{given.first}"
    why = {"reason": "Đã đối chiếu"}
    assert minh.post(f"{path}/lock", why).json["state"] == "locked"
    assert sent(app, given.first, rev=2).status_code == 422
    assert minh.post(f"{path}/void", why).json["error"] == "answers_locked"
    assert minh.post(f"{path}/unlock", why).json["state"] == "submitted"
    assert minh.post(f"{path}/void", why).json["state"] == "voided"
    assert minh.post(f"{path}/restore", why).json["state"] == "submitted"
    assert Rest(app, "lan").post(f"{path}/lock", why).status_code == 403
    assert Rest(app, "tuan").post(f"{path}/void", why).status_code in (403, 404)


def test_a_form_s_answers_are_narrowed_and_ordered_by_what_they_say(app, given):
    hoa = Rest(app, "hoa")
    late = hoa.get("forms/mon-an/submissions?where=[answers.fault] = 'late'&order=-answers.amount").json
    assert [one["id"] for one in late["result"]] == [given.second, given.other]
    assert [
        one["id"] for one in hoa.get("submissions/?state=submitted&source=page&order=id").json["result"]
    ] == given.ids
    assert hoa.get("submissions/?state=zzz").status_code == 400
    assert hoa.get("forms/mon-an/submissions?where=answers.zzz = 1").status_code == 400
    posted = hoa.post("forms/mon-an/submissions", {"answers": {"fault": "late"}})
    assert (posted.status_code, posted.json["source"]) == (201, "api")


def test_what_was_read_may_be_sent_back_and_what_is_left_out_is_empty(app):
    with app.app_context(), transaction(SYSTEM) as session:
        publish(session, {"name": "Tính", "fields": [
            {"key": "a", "type": "integer", "label": "A", "default": 7},
            {"key": "b", "type": "integer", "label": "B"},
            {"key": "double", "type": "calculated", "label": "Gấp đôi", "formula": "b * 2"},
            {"key": "inside", "type": "text", "label": "Nội bộ", "edit_roles": ["Manager"], "default": "thường"},
        ]}, code="tinh")  # fmt: skip
        number = submit(session, {"a": "", "b": 1}, by=Cast(session).lan, code="tinh").id
    lan = Rest(app, "lan")
    read = lan.get(f"submissions/{number}").json
    assert read["answers"] == {"b": 1, "double": 2, "inside": "thường"}
    body = {"rev": read["rev"], "reason": "Đọc lại", "answers": {**read["answers"], "b": 5}}
    told = lan.put(f"submissions/{number}", body)
    assert told.status_code == 200, told.text
    assert told.json["answers"] == {"b": 5, "double": 10, "inside": "thường"}
    for wrong in ({"double": 11}, {"inside": "khác"}):
        again = {**body, "rev": told.json["rev"], "answers": {"b": 5, **wrong}}
        assert list(lan.put(f"submissions/{number}", again).json["fields"]) == list(wrong)
