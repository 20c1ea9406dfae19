from __future__ import annotations

import re
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.vietnamese import (
    MOBILE_RENUMBERING_2018,
    begun_number,
    phone_e164,
    phone_tail,
    phones,
    read_phone,
    show_phone,
    stored_phone,
    without_labels,
)


@pytest.mark.parametrize(
    ("typed", "stored", "shown"),
    [
        ("0912.345.678", "+84912345678", "0912 345 678"),
        ("+84 912 345 678", "+84912345678", "0912 345 678"),
        ("84912345678", "+84912345678", "0912 345 678"),
        ("0084912345678", "+84912345678", "0912 345 678"),
        ("+84 (0) 912-345-678", "+84912345678", "0912 345 678"),
        ("(+84) 912 345 678", "+84912345678", "0912 345 678"),
        ("(028) 3823 4567", "+842838234567", "028 3823 4567"),
        ("0168 123 4567", "+84381234567", "0381 234 567"),
        ("+841681234567", "+84381234567", "0381 234 567"),
        ("84 168 123 4567", "+84381234567", "0381 234 567"),
        ("０９１２３４５６７８", "+84912345678", "0912 345 678"),
        ("\u202a0912\u00a0345\u00a0678\u202c", "+84912345678", "0912 345 678"),
        ("1900 1234", "19001234", "1900 1234"),
        ("1800-6601", "18006601", "1800 6601"),
        ("+84 1900 1234", "19001234", "1900 1234"),
        ("+1 650-253-0000", "+16502530000", "+1 650-253-0000"),
        ("84 0912 345 678", "+84912345678", "0912 345 678"),
        ("0912,345,678", "+84912345678", "0912 345 678"),
        ("0912_345_678", "+84912345678", "0912 345 678"),
        ("0912−345‐678", "+84912345678", "0912 345 678"),
        ("912345678", "+84912345678", "0912 345 678"),  # Excel took the 0
    ],
)
def test_normalising(typed, stored, shown):
    assert phone_e164(typed) == stored
    assert show_phone(stored) == shown
    assert phone_e164(shown) == stored


# Written out a second time, from spec §6, so that a slip in the table shows.
RENUMBERED = {
    "0120": "070", "0121": "079", "0122": "077", "0126": "076", "0128": "078",
    "0123": "083", "0124": "084", "0125": "085", "0127": "081", "0129": "082",
    "0162": "032", "0163": "033", "0164": "034", "0165": "035", "0166": "036", "0167": "037",
    "0168": "038", "0169": "039",
    "0186": "056", "0188": "058", "0199": "059",
}  # fmt: skip


def test_the_table_of_2018_is_complete():
    assert {f"0{old}": f"0{new}" for old, new in MOBILE_RENUMBERING_2018.items()} == RENUMBERED


@pytest.mark.parametrize(("old", "new"), RENUMBERED.items())
def test_an_old_mobile_number_is_stored_as_today(old, new):
    assert phone_e164(f"{old} 2345678") == phone_e164(f"{new} 2345678") == f"+84{new[1:]}2345678"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "+",
        "113",
        "0912 345 67",
        "0912 345 6789",
        "0912 345 67O",  # a letter O: the library would dial 6
        "0912345678 / 0987654321",
        "0912 345 678 ext 12",
        "1800 FLOWERS",
        "gọi 0912345678",
        "0161 234 5678",  # never given out
        "٠٩١٢٣٤٥٦٧٨",
        "0" * 400,
    ],
)
def test_what_is_no_single_number_is_refused(typed):
    assert phone_e164(typed) is None


def test_what_cannot_be_read_is_shown_as_it_is():
    assert show_phone("chưa có") == "chưa có"


# ── what stands around a number ──
MOBILES = st.builds(
    lambda start, rest: f"{start}{rest:07}",
    st.sampled_from(["032", "056", "070", "083", "091", "098"]), st.integers(0, 9_999_999),
)  # fmt: skip
SIGNS = st.sampled_from(["", " ", ".", "-", ",", "_", "–", "\u00a0", " . "])
COUNTRY = st.sampled_from(["0", "+84", "84", "0084", "+84 (0)", "(+84) ", "84 0"])


@given(MOBILES, COUNTRY, SIGNS, SIGNS, st.booleans(), st.sampled_from(["", "SĐT: ", "đt ", "Điện thoại: ", "tel:"]))
def test_every_spelling_of_a_mobile_is_the_same_number(mobile, country, one, other, is_wide, label):
    spelled = f"{country}{mobile[1:4]}{one}{mobile[4:7]}{other}{mobile[7:]}"
    if is_wide:
        spelled = "".join(chr(ord(sign) + 0xFEE0) if sign.isdigit() else sign for sign in spelled)
    assert read_phone(label + spelled).stored == f"+84{mobile[1:]}"


@pytest.mark.parametrize(
    "typed",
    ["028 3823 4567 - máy lẻ 102", "(028) 38234567 (ext. 102)", "028.3823.4567 x102", "02838234567#102",
     "+842838234567;ext=102", "ĐT: 028 3823 4567, nhánh 102", "028 3823 4567 ma\u0301y le\u0309: 102"],
)  # fmt: skip
def test_an_extension_is_read_kept_and_shown(typed):
    phone = read_phone(typed)
    assert (phone.number, phone.extension, phone.stored) == ("+842838234567", "102", "+842838234567;ext=102")
    assert stored_phone(phone.stored) == read_phone(show_phone(phone.stored)) == phone
    assert show_phone(phone.stored) == "028 3823 4567 máy lẻ 102"
    assert phone_tail(phone.stored, 4) == "4567"


@pytest.mark.parametrize(
    "typed", ["ext 12", "gọi 0912345678", "0912 345 678 12", "SĐT", "0912345678 / 0987654321", "x" * 9_999]
)
def test_words_around_a_number_do_not_make_one(typed):
    assert read_phone(typed) is None


@given(st.text(max_size=60))
def test_any_text_is_a_number_or_none(text):
    phone = read_phone(text)
    assert phone is None or stored_phone(phone.stored) == phone


@pytest.mark.parametrize(
    ("typed", "begun"),
    [("+84 91", "8491"), ("0168 1", "0381"), ("(+84) 0168", "8438"), ("0084 1681", "84381"), ("0912", "0912"),
     ("84124", "84124"), ("1900 1", "19001"), ("", "")],
)  # fmt: skip
def test_a_number_that_is_still_typed_begins_like_a_stored_one(typed, begun):
    assert begun_number(typed) == begun


@given(MOBILES.filter(lambda mobile: mobile[:3] in {"032", "070", "083"}), st.integers(4, 11))
def test_whoever_types_an_old_number_finds_the_new_one_with_every_key(mobile, length):
    old = next(old for old, new in MOBILE_RENUMBERING_2018.items() if f"0{new}" == mobile[:3])
    assert mobile.startswith(begun_number(f"0{old}{mobile[3:]}"[:length]))


def test_words_around_numbers_are_left_out_of_a_search():
    assert without_labels("lan sdt 0912 345 678 ext 12").split() == ["lan", "0912", "345", "678", ";", "12"]
    assert without_labels("tel aviv, so nha 5") == "tel aviv, so nha 5"


@given(st.from_regex(r"(\+ ?84|84|0|)[1-9][0-9 .-]{7,11}", fullmatch=True), st.integers(100, 999))
def test_the_short_way_for_mobiles_ends_where_the_long_one_does(typed, start):
    for text in (typed, f"0{start}1234567", f"+84 {start} 123 456", f"84{start}123456"):
        found = phone_e164(text)
        with mock.patch.object(phones, "_mobile", return_value=re.compile("none")):
            assert phone_e164(text) == found
        if found and found.startswith("+84"):
            shown = show_phone(found)
            with mock.patch.object(phones, "_STORED_MOBILE", re.compile("none")):
                assert show_phone(found) == shown
