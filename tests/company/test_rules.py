"""A logo is a whole picture of a sensible size that can carry no program."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.company.rules import LARGEST, name_problem, picture_problem, picture_size
from tests.company.pictures import jpeg, png, webp

WHOLE = {
    "png": png(120, 48),
    "jpeg": jpeg(120, 48),
    "webp lossy": webp(b"VP8 ", 120, 48),
    "webp lossless": webp(b"VP8L", 120, 48),
    "webp extended": webp(b"VP8X", 120, 48),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_picture_tells_its_size(kind):
    assert picture_size(WHOLE[kind]) == (120, 48)
    assert picture_problem(WHOLE[kind]) is None


@pytest.mark.parametrize("kind", WHOLE)
def test_a_picture_that_was_cut_off_will_not_do(kind):
    content = WHOLE[kind]
    assert [length for length in range(len(content)) if picture_size(content[:length]) is not None] == []


def test_a_png_with_a_turned_bit_will_not_do():
    content = bytearray(WHOLE["png"])
    content[40] ^= 1
    assert picture_size(bytes(content)) is None


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF\0\0\0\0WEBP"]))
def test_no_bytes_whatever_break_it(content, start):
    picture_problem(start + content)


@pytest.mark.parametrize("content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b"hello"])
def test_what_is_no_picture_of_ours_will_not_do(content):
    assert picture_problem(content) is not None


@pytest.mark.parametrize(
    ("content", "will_do"),
    [
        (png(32, 32), True), (png(31, 400), False), (png(400, 31), False), (png(4000, 32), True),
        (png(4001, 32), False), (png(64, 64).ljust(LARGEST + 1, b"\0"), False), (jpeg(0, 0), False),
    ],
    ids=["smallest", "narrow", "flat", "longest", "too long", "too heavy", "nothing"],
)  # fmt: skip
def test_size_has_limits_both_ways(content, will_do):
    assert (picture_problem(content) is None) is will_do


@pytest.mark.parametrize("name", ["logo.png", "LOGO.PNG", "a.b.jpg", "x.jpeg", "x.webp"])
def test_names_of_pictures(name):
    assert name_problem(name) is None


@pytest.mark.parametrize("name", ["logo.svg", "logo.SVG", "logo.gif", "logo.heic", "logo.pdf", "logo", "", "png"])
def test_names_of_other_things(app, name):
    with app.test_request_context():
        assert "logo.png" in str(name_problem(name)) if name != "png" else name_problem(name) is None
