"""What is signed, judged and read about somebody who has no account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InvalidInputError
from app.forms.public import rules
from app.forms.rules import Answers, check_definition, default_of, read_definition
from tests.story import MONDAY

KEY = "a" * 22


def signed(at=MONDAY, key=KEY):
    return rules.sign_page("secret", key, at)


def test_a_page_says_when_it_was_opened_and_no_two_say_the_same():
    first, second = (rules.read_page("secret", KEY, signed(), MONDAY + timedelta(seconds=9)) for _ in range(2))
    assert first.at == MONDAY
    assert len(first.nonce) == 32
    assert first.nonce != second.nonce


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        (signed(), MONDAY + rules.PAGE_LASTS + timedelta(minutes=1)),
        (signed(MONDAY + timedelta(hours=1)), MONDAY),
        (signed(key="b" * 22), MONDAY),
        (rules.sign_page("another", KEY, MONDAY), MONDAY),
        ("", MONDAY), ("\x00", MONDAY), ("a.b", MONDAY), (signed()[:-1], MONDAY), ("Ế" * 999, MONDAY),
    ],
)  # fmt: skip
def test_what_is_old_or_not_ours_is_sent_once_more(sent, at):
    with pytest.raises(rules.PageTooOldError):
        rules.read_page("secret", KEY, sent, at)


@given(st.text(max_size=200))
def test_whatever_is_sent_for_a_page_is_refused_and_breaks_nothing(sent):
    with pytest.raises(rules.PageTooOldError):
        rules.read_page("secret", KEY, sent, MONDAY)


def judged(answers=None, trap="", seconds=20, of_address=0, of_form=0):
    took = timedelta(seconds=seconds)
    return rules.looks_odd(answers or {}, trap=trap, took=took, of_address=of_address, of_form=of_form)


def test_people_go_their_way_and_programs_are_looked_at():
    assert judged({"what": "Phở nguội, xem https://phosen.vn nhé", "n": 3}) == []
    assert judged(trap="https://buy.example") == ["trap"]
    assert judged(seconds=2) == ["fast"]
    assert judged({"rows": [{"a": "http://a http://b"}, {"a": "www.c.example"}]}) == ["links"]
    assert judged({"what": "https://www.a.vn và http://WWW.b.vn"}) == []
    assert judged({"what": "https://www.a.vn www.b.vn https://c.vn"}) == ["links"]
    assert judged(of_address=rules.MANY) == ["many"]
    assert judged(of_address=rules.MANY - 1) == []
    assert judged(of_form=rules.FLOOD_OF_FORM) == ["flood"]
    assert set(judged(trap="x", seconds=0, of_address=9, of_form=999)) <= set(rules.REASONS)


DRAWN = {
    "name": "Góp ý",
    "fields": [
        {"key": "who", "type": "text", "label": "Tên", "maps_to": "name", "required": True},
        {"key": "call", "type": "phone", "label": "Số", "maps_to": "phone"},
        {"key": "ok", "type": "yes_no", "label": "Nhận tin?", "consent": "marketing", "consent_channel": "sms"},
        {"key": "what", "type": "long_text", "label": "Góp ý"},
    ],
}


def test_the_answers_say_who_it_is_and_to_what_he_agrees():
    drawn = read_definition(DRAWN)
    person = rules.person_in(drawn, Answers({"who": "Ánh", "call": "+84912345678", "ok": True, "what": "Ngon"}))
    assert person.values == {"name": "Ánh", "phone": "+84912345678"}
    assert person.can_be_made
    assert person.consents == [rules.Consent("marketing", "sms")]
    assert rules.person_in(drawn, Answers({"who": "Ánh", "ok": False})).consents == []
    assert not rules.person_in(drawn, Answers({"who": "Ánh"})).can_be_known


def codes(**changed):
    fields = [{**one, **(changed if one["key"] == "ok" else {})} for one in DRAWN["fields"]]
    return [problem.code for problem in check_definition({**DRAWN, "fields": fields})]


def test_all_addresses_of_one_line_are_one():
    def key(address):
        return rules.address_key("secret", address)

    assert key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9") == key("2001:0db8:1:2::1%eth0")
    assert key("::ffff:203.0.113.7") == key("203.0.113.7")
    several = ("2001:db8:1:2::1", "2001:db8:1:3::1", "203.0.113.7", "203.0.113.8", "-")
    assert len({key(one) for one in several}) == len(several)


def test_nobody_agrees_beforehand_and_nothing_hangs_on_it():
    assert codes() == []
    for answer in ("yes", "Có ", "1", True, False, "không"):
        assert codes(default=answer) == ["consent_ticked"], answer
    assert codes(required=True) == ["consent_forced"]
    assert codes(required=False, default="") == []
    assert codes(required_if={"field": "who", "op": "=", "value": "An"}) == ["consent_forced"]
    assert codes(consent_channel=None) == ["no_channel"]
    assert codes(consent="Không!") == ["bad_purpose"]


def test_what_was_published_before_that_was_refused_begins_empty_too():
    fields = [{**one, "default": "có"} if one["key"] == "ok" else one for one in DRAWN["fields"]]
    ok = next(one for one in read_definition({**DRAWN, "fields": fields}).fields if one.key == "ok")
    assert default_of(ok) is None


def test_a_customer_has_one_name_and_no_rows_of_it():
    twice = {**DRAWN, "fields": [*DRAWN["fields"], {**DRAWN["fields"][0], "key": "again"}]}
    assert [one.code for one in check_definition(twice)] == ["mapped_twice"]
    inside = {"key": "r", "type": "rows", "label": "Hàng", "fields": [DRAWN["fields"][1], DRAWN["fields"][2]]}
    told = [one.code for one in check_definition({**DRAWN, "fields": [inside]})]
    assert told == ["not_in_rows", "not_in_rows"]


@pytest.mark.parametrize(
    ("typed", "sites"),
    [
        ("https://phosen.vn", ["https://phosen.vn"]),
        ("https://PhoSen.vn/\n\n http://localhost:8080 ", ["http://localhost:8080", "https://phosen.vn"]),
        ("", []),
    ],
)
def test_sites_are_named_as_browsers_name_them(typed, sites):
    assert rules.read_sites(typed) == sites


@pytest.mark.parametrize(
    "typed",
    ["phosen.vn", "https://phosen.vn/menu", "javascript:alert(1)", "https://a.vn;script-src", "https://u:p@a.vn", "*",
     "https://*.vn", "https://a_b.vn", "https://a.vn:99999", "https://[::1", "https://" + "a" * 300, "'self'"],
)  # fmt: skip
def test_what_could_say_more_in_a_header_is_no_site(typed):
    with pytest.raises(InvalidInputError) as refused:
        rules.read_sites(typed)
    assert list(refused.value.fields) == ["sites"]


@given(st.text(max_size=300))
def test_whatever_an_address_says_of_where_it_stood_is_one_short_line(text):
    line, host = rules.one_line(text), rules.host_of(text)
    assert len(line) <= 200
    assert line == " ".join(line.split())
    assert line.isprintable()
    assert len(host) <= 200
