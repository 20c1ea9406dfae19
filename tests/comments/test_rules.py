"""What is typed becomes text, links and names; nothing that a browser would run."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string

from app.comments.rules import Piece, as_text, called_in, excerpt, pieces, read_text, written_as
from app.core.errors import InvalidInputError

LAN = {"lan": "Nguyễn Ngọc Lan"}


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("@lan ơi", ["lan"]), ("Nhờ @Lan, @minh.", ["lan", "minh"]), ("@lan @lan", ["lan"]), ("(@lan)", ["lan"]),
        ("@nguyen.van-a xem", ["nguyen.van-a"]), ("@[lan@phosen.example] xem", ["lan@phosen.example"]),
        ("duyen@lan.vn", []), ("https://x.vn/@lan", []), ("a @ b", []), ("@", []), ("@@lan", []), ("@[]", []),
    ],
)  # fmt: skip
def test_who_is_called(text, called):
    assert called_in(text) == called


def test_a_crowd_is_not_called():
    with pytest.raises(InvalidInputError):
        called_in(" ".join(f"@a{number}" for number in range(21)))


@pytest.mark.parametrize("username", ["lan", "nguyen.van-a", "lan_2", "lan@phosen.example", "lan.", "-lan"])
def test_what_the_list_writes_is_read_as_the_same_person(username):
    assert called_in(f"Nhờ {written_as(username)} xem") == [username]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Xem https://phosen.example/a?b=1.", "https://phosen.example/a?b=1"),
        ("(https://x.vn/a)", "https://x.vn/a"), ("https://vi.wikipedia.org/wiki/Phở_(món_ăn)",) * 2,
        ("www.phosen.example, nhé", "www.phosen.example"), ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
    ],
)  # fmt: skip
def test_an_address_becomes_a_link_without_the_sentence_around_it(text, address):
    (link,) = [piece for piece in pieces(text, {}) if piece.kind == "link"]
    assert link.text == address
    assert link.url.startswith(("https://", "http://"))
    assert "".join(piece.text for piece in pieces(text, {})) == text


ATTACKS = [
    "<script>alert(1)</script>", "javascript:alert(1)", "https://x.vn/\"onmouseover=\"alert(1)", "data:text/html,<b>",
    "https://x.vn/<img src=x onerror=alert(1)>", "@lan<svg onload=alert(1)>", "JaVaScRiPt://x.vn/%0aalert(1)",
    "https://x.vn/'><script>", "vbscript:msgbox(1)", "{{ 7*7 }}", "www.x.vn/\"><b>", "@[<b>x</b>]",
]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_that_is_typed_runs(app: Flask, text):
    source = (
        "{% for p in pieces %}{% if p.kind == 'link' %}<a href=\"{{ p.url }}\">{{ p.text }}</a>"
        "{% else %}{{ p.text }}{% endif %}{% endfor %}"
    )
    found = pieces(text, LAN)
    with app.app_context():
        shown = render_template_string(source, pieces=found)
    assert "<script" not in shown
    assert "<img" not in shown
    assert "<svg" not in shown
    assert "<b>" not in shown
    for piece in found:
        assert piece.kind != "link" or (piece.url.startswith(("http://", "https://")) and '"' not in piece.url)


def test_a_mention_shows_the_name_and_a_stranger_stays_text():
    assert pieces("@lan hỏi @ai", LAN) == [Piece("mention", "Nguyễn Ngọc Lan"), Piece("text", " hỏi @ai")]
    assert as_text("@lan hỏi @ai", LAN) == "@Nguyễn Ngọc Lan hỏi @ai"


def test_the_beginning_is_one_line():
    assert excerpt("@lan\nxem\n\nnhé", LAN) == "@Nguyễn Ngọc Lan xem nhé"
    assert len(excerpt("a" * 500, {})) == 140


@pytest.mark.parametrize("typed", ["", " \r\n ", "x" * 10_001, "a\0b"])
def test_nothing_and_too_much_are_refused_beside_the_text(typed):
    with pytest.raises(InvalidInputError) as refused:
        read_text(typed, has_files=False)
    assert list(refused.value.fields) == ["text"]


def test_line_ends_are_one_kind_and_files_may_speak_alone():
    assert read_text(" a\r\nb\rc ", has_files=False) == "a\nb\nc"
    assert read_text("  ", has_files=True) == ""
