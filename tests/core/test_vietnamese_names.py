from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.vietnamese import SORT_KEY_LENGTH, fold, sort_key


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Tôi được đi học Đặng Thị Ưu", "toi duoc di hoc dang thi uu"),
        ("ĐẶNG", "dang"),
        ("Ð\u1eb6NG", "dang"),  # Eth: looks like Đ in capitals, stands in old files
        ("D\u0323a\u0306\u0323ng", "dang"),  # already decomposed
        ("  Phở \u00a0 Sen\n", "pho sen"),
        ("０９１２ Ａｎ", "0912 an"),
        ("\u202aLan\u202c", "lan"),
        ("", ""),
    ],
)
def test_folding_keeps_what_one_searches_by(text, folded):
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxyàảãáạằẩễốợựỵĐƯ "))
def test_vietnamese_folds_to_plain_letters(text):
    assert set(fold(text)) <= set("abcdefghijklmnopqrstuvwxyz ")


def in_order(names: list[str], *, person: bool = True) -> bool:
    """Whether byte-wise comparison of the keys gives this very order, strictly."""
    keys = [sort_key(name, person=person).encode() for name in names]
    return keys == sorted(set(keys))


def test_the_alphabet_is_vietnamese_with_foreign_letters_in_their_latin_place():
    assert in_order(list("aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"))


def test_a_letter_counts_before_all_that_follows_it():
    assert in_order(["Azz", "Ăn", "Ân", "Bao", "Dung", "Dzung", "Đan", "Em", "Oanh", "Ôn", "Ơn", "Uyên", "Ưng", "Yến"])


def test_tones_stand_in_the_order_ngang_huyen_hoi_nga_sac_nang():
    assert in_order(["Ma", "Mà", "Mả", "Mã", "Má", "Mạ"])
    assert in_order(["Hương", "Hường", "Hưởng", "Hưỡng", "Hướng", "Hượng"])


def test_tones_decide_only_between_equal_spellings():
    assert in_order(["Má", "Mai", "Mạn", "Mang"])
    assert in_order(["Bùi Thị Hạnh", "Lê Thị Hạnh", "Trần Thị Hanh"])


def test_d_with_stroke_stands_after_d_and_before_e_instead_of_behind_y():
    assert in_order(["Dương", "Đặng", "Em", "Yến"], person=False)


def test_people_stand_under_given_name_then_family_then_middle():
    assert in_order(
        ["An", "Lê An", "Nguyễn An", "Nguyễn Thị An", "Nguyễn Văn An", "Đặng Bình", "Đinh Bình", "Lê Anh Yến"]
    )
    assert in_order(["Trần Thị An", "Nguyễn Văn Anh"])


def test_companies_stand_under_their_first_word():
    assert in_order(["An Phát Yến", "Bình Minh An", "Phở 24", "Phở Sen"], person=False)


def test_a_shorter_name_stands_before_its_continuation_whatever_its_tone():
    assert in_order(["Hạ", "Ha Anh", "Hà Ảnh"], person=False)


def test_case_width_and_way_of_composing_do_not_matter():
    assert sort_key("ĐẶNG THỊ ƯU") == sort_key("Đa\u0323\u0306ng  Thị\u00a0Ưu") == sort_key("đặng thị ưu")


def test_punctuation_only_parts_words():
    assert sort_key("Nguyễn-Văn. An") == sort_key("Nguyễn Văn An")
    assert sort_key("?!") == sort_key("") == ""


@given(st.text(max_size=200))
def test_keys_fit_their_column_and_hold_no_nul(name):
    key = sort_key(name)
    assert len(key) <= SORT_KEY_LENGTH
    assert "\0" not in key


def test_shuffled_people_come_back_in_order():
    people = ["Bùi Văn An", "Đỗ Ân", "Trần Bích", "Phạm Dung", "Võ Đạt", "Hồ Giang", "Lý Ơn", "Ngô Uyên", "Mai Ưng"]
    shuffled = random.Random(7).sample(people, len(people))
    assert sorted(shuffled, key=sort_key) == people
