from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from app.core.leases import WORN_OUT
from app.notifications import rules, shipped
from app.notifications.rules import MessageTemplateError, TemplateKind, check_template, render

KIND = TemplateKind("hello", "Hello", {"name": "Name", "c": "C", "task": "Task", "link": "Link"}, {})
ATTACKS = json.loads((Path(__file__).parents[1] / "vectors" / "template_attacks.json").read_text("utf-8"))
HOSTILE = "<img src=x onerror=alert(1)>\r\nBcc: everyone@x.vn {{ link }} {{#if c}} {% x %} ${y}\0\u2028\u202e&amp;"


def written(body: str, subject: str = "s", **values: str) -> rules.Rendered:
    return render(KIND, subject=subject, body=body, values=values, language="vi")


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack["name"] for attack in ATTACKS])
def test_attacks_are_refused_or_inert(attack):
    if attack["name"] != "xss":
        with pytest.raises(MessageTemplateError) as refused:
            check_template(KIND, subject="ok", body=attack["template"])
        assert refused.value.details["keys"] == ["c", "link", "name", "task"]
        assert "{{ name }}" in str(refused.value.fields["body"][0])
        with pytest.raises(MessageTemplateError):
            check_template(KIND, subject=attack["template"], body="ok")
        return
    message = written(attack["template"], subject=attack["template"], name=HOSTILE)
    assert BeautifulSoup(message.html, "lxml").find("img") is None
    assert "&lt;img src=x onerror=alert(1)&gt;" in message.html
    assert "&amp;amp;" in message.html
    assert "{{ link }} {{#if c}} {% x %} ${y}" in message.text
    assert not set(message.subject) & set("\r\n\0\u2028\u202e")
    assert not set(message.text) & set("\r\0\u2028\u202e")


@pytest.mark.parametrize(
    "template",
    [
        "{{ unknown }}",
        "{{name",
        "name }}",
        "{{ }}",
        "{{{ name }}}",
        "{{ name.upper }}",
        "{{ name() }}",
        "{{ name | safe }}",
        "{{ Name }}",
        "{{ name }",
        "{{ na\nme }}",
        "{{#if name}}open",
        "{{/if}}",
        "{{#if unknown}}x{{/if}}",
        "{{#if name}}x{{else}}y{{/if}}",
        "{{#unless name}}x{{/unless}}",
        "{{#if name == 1}}x{{/if}}",
        "{{#each name}}x{{/each}}",
        "{{> partial}}",
        "{{& name}}",
        "{{! remark }}",
        "{# remark #}",
        "${name}",
        "<%= name %>",
        "{{#if name}}" * 4 + "{{/if}}" * 4,
        "x" * 20_001,
        "{{" * 5_000,
    ],
)
def test_any_other_syntax_is_refused(template):
    with pytest.raises(MessageTemplateError):
        check_template(KIND, subject="ok", body=template)


def test_a_refusal_names_each_wrong_field():
    with pytest.raises(MessageTemplateError) as refused:
        check_template(KIND, subject=" ", body="{{ x }}")
    assert set(refused.value.fields) == {"subject", "body"}
    with pytest.raises(MessageTemplateError) as refused:
        check_template(KIND, subject="x" * 201, body="fine")
    assert set(refused.value.fields) == {"subject"}


def test_keys_are_filled_in_and_missing_ones_are_empty():
    assert written("Chào {{name}}, {{ task }}{{ c }}.", name="Lan", task="gọi lại").text == "Chào Lan, gọi lại.\n"


def test_blocks_stand_when_there_is_a_value():
    body = "A{{#if name}}[{{ name }}{{#if task}}/{{ task }}{{/if}}]{{/if}}B"
    assert written(body).text == "AB\n"
    assert written(body, name="Lan").text == "A[Lan]B\n"
    assert written(body, name="Lan", task="x").text == "A[Lan/x]B\n"
    assert written(body, name="  ", task="x").text == "AB\n"


def test_block_marks_on_their_own_lines_leave_no_empty_lines():
    body = "Một\n{{#if name}}\nTên: {{ name }}\n{{/if}}\nHai"
    assert written(body, name="Lan").text == "Một\nTên: Lan\nHai\n"
    assert written(body).text == "Một\nHai\n"
    assert written(body.replace("\n", "\r\n")).text == "Một\nHai\n"


def test_only_our_own_links_become_clickable():
    page = written("{{ name }}\n\n{{ link }}", name="http://evil.example", link="https://a.vn/?a=1&b=2").html
    soup = BeautifulSoup(page, "lxml")
    assert [(a["href"], a.text) for a in soup.find_all("a")] == [("https://a.vn/?a=1&b=2",) * 2]
    assert len(soup.find_all("p")) == 2
    assert not BeautifulSoup(written("{{ link }}", link="javascript:alert(1)").html, "lxml").find("a")


def test_a_value_that_the_message_does_not_know_is_a_bug():
    with pytest.raises(KeyError, match="colour"):
        written("x", colour="red")


def test_long_values_and_subjects_are_cut():
    message = written("{{ name }}", subject="{{ name }}", name="ễ" * 5_000)
    assert len(message.text) == rules.LONGEST_VALUE + 1
    assert len(message.subject) == rules.LONGEST_SUBJECT
    assert message.subject.endswith("…")


@given(st.text(max_size=60))
def test_any_template_is_rendered_or_refused(template):
    try:
        check_template(KIND, subject="s", body=template)
    except MessageTemplateError:
        return
    written(template, name=template, task=template)


@given(st.text(alphabet="{}#/ifname% \n", max_size=40), st.text(max_size=40))
def test_a_value_stands_in_the_message_as_it_is_and_is_never_a_tag(noise, value):
    message = written("{{ name }}|{{ name }}", subject="{{ name }}", name=noise + value)
    left, _, right = message.text.rstrip("\n").partition("|") if "|" not in value else ("", "", "")
    assert left.strip() == right.strip()
    assert not any(letter in message.subject for letter in "\r\n\x0b\x0c\x1c\x85\u2028")
    assert BeautifulSoup(message.html, "lxml").find(["script", "img", "a"]) is None


@pytest.mark.parametrize(
    ("address", "possible"),
    [
        ("lan@phosen.example", True),
        ("lan.nguyen+tt@mail.phosen.vn", True),
        ("nguyễn@phosen.vn", True),
        ("", False),
        ("lan", False),
        ("@x", False),
        ("lan@", False),
        ("a@b@c", False),
        ("lan@x.vn, minh@x.vn", False),
        ("lan@x.vn,minh@x.vn", False),
        ("Lan <lan@x.vn>", False),
        ("lan@x.vn\nBcc: a@b.vn", False),
        ("lan@x.vn\r\n", False),
        ("l an@x.vn", False),
        ("lan\u200b@x.vn", False),
        ("a" * 250 + "@x.vn", False),
    ],
)
def test_what_can_be_an_address(address, possible):
    assert rules.is_address(address) is possible


def test_shipped_wordings_hold_the_name_of_the_task_in_the_subject():
    for language in ("vi", "en"):
        subject, body = shipped.TASK_OVERDUE.shipped[language]
        values = {"task": "Gọi lại", "due": "22/11 09:00", "link": "http://x/1", "customer": "Chị Hoa", "process": "P"}
        message = render(shipped.TASK_OVERDUE, subject=subject, body=body, values=values, language=language)
        assert "Gọi lại" in message.subject
        for value in values.values():
            assert value in message.text
            assert value in message.html
        assert "\n\n\n" not in message.text
    assert shipped.TASK_OVERDUE.shipped["vi"][0] == "Quá hạn: {{ task }}"


def test_a_wrong_shipped_wording_stops_the_start():
    with pytest.raises(MessageTemplateError):
        rules.register_template(TemplateKind("broken", "Broken", {}, {"vi": ("{{ x }}", "y")}))
    assert "broken" not in rules.template_kinds
    with pytest.raises(RuntimeError, match="twice"):
        rules.register_template(shipped.TASK_OVERDUE)


def test_bell_lines_read_as_their_kind_says():
    kind = "test_kind_of_rules"
    rules.register_bell_kind(kind, lambda data: f"{data['task']} is overdue")
    with pytest.raises(RuntimeError, match="twice"):
        rules.register_bell_kind(kind, lambda _data: "")
    assert rules.bell_text(SimpleNamespace(kind=kind, data={"task": "Gọi lại"})) == "Gọi lại is overdue"
    assert str(rules.bell_text(SimpleNamespace(kind="forgotten", data={})))


NINE = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "failing_for", "dead"),
    [
        (1, None, False),
        (11, timedelta(hours=23), False),
        (12, timedelta(hours=1), True),
        (3, timedelta(hours=24), True),
    ],
)
def test_a_mail_dies_after_twelve_tries_or_a_day_of_failing(attempts, failing_for, dead):
    since = None if failing_for is None else NINE - failing_for
    again = rules.next_try_at(attempts, since, NINE, Random(1))
    assert (again is None) is dead
    assert again is None or again > NINE


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        (rules.NO_ADDRESS, "This is not an e-mail address."),
        (rules.STRANGE_LETTERS, "The mail server takes no address with such letters."),
        (rules.UNWRITABLE + "no sender", "The mail cannot be written: no sender"),
        (rules.SILENT + "timed out", "The mail server fell silent: timed out"),
        (rules.UNREACHABLE + "mail.x.vn:25: refused", "There is no mail server at mail.x.vn:25: refused"),
        (WORN_OUT, "The worker stopped over it each time."),
        ("RCPT: 550 No such user", "The mail server said: RCPT: 550 No such user"),
    ],
)
def test_why_a_mail_did_not_go_out_is_told_to_the_admin(kept, shown):
    assert str(rules.why_not_sent(kept)) == shown
