from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.customers import rules
from app.customers.models import CONTACT_LENGTH, ContactKind, CustomerKind


@pytest.mark.parametrize(
    ("typed", "value", "shown"),
    [
        # the cases of the product's specification (§5.8)
        ("0912.345.678", "+84912345678", "0912 345 678"),
        ("+84 912 345 678", "+84912345678", "0912 345 678"),
        ("84912345678", "+84912345678", "0912 345 678"),
        ("(028) 3823 4567", "+842838234567", "028 3823 4567"),
        ("0168 123 4567", "+84381234567", "0381 234 567"),
        ("０９１２３４５６７８", "+84912345678", "0912 345 678"),
        ("1900 1234", "19001234", "1900 1234"),
        ("ĐT: 028 3823 4567 - máy lẻ 102", "+842838234567;ext=102", "028 3823 4567 máy lẻ 102"),
    ],
)
def test_a_phone_has_one_normal_form_however_it_is_typed(typed: str, value: str, shown: str):
    contact = rules.read_contact(ContactKind.phone, typed)
    assert (contact.value, contact.shown) == (value, shown)


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (ContactKind.email, " Lan@PhoSen.Example ", "lan@phosen.example"),
        (ContactKind.email, "ｌａｎ＠phosen.example", "lan@phosen.example"),
        (ContactKind.zalo, "0912 345 678", "+84912345678"),
        (ContactKind.zalo, "Lan Pho Sen", "lan pho sen"),
        (ContactKind.facebook, "https://www.facebook.com/pho.sen/", "facebook.com/pho.sen"),
        (ContactKind.facebook, "m.facebook.com/pho.sen?ref=1", "facebook.com/pho.sen"),
        (ContactKind.website, "HTTP://PhoSen.example", "phosen.example"),
        (ContactKind.website, "http://[::1", "http://[::1"),  # no address, still kept as typed
        (ContactKind.other, "Shop 24", "shop 24"),
    ],
)
def test_equal_contacts_have_equal_values(kind: ContactKind, typed: str, value: str):
    assert rules.read_contact(kind, typed).value == value


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (ContactKind.phone, "12345"),
        (ContactKind.phone, "0912 345 67"),
        (ContactKind.phone, "gọi tôi"),
        (ContactKind.phone, "0912\x00345678"),
        (ContactKind.email, "lan@phosen"),
        (ContactKind.email, "lan phosen.example"),
        (ContactKind.email, "lan@pho sen.example"),
        (ContactKind.email, "lan@@phosen.example"),
        (ContactKind.email, "a@b.example, c@d.example"),
        (ContactKind.email, "a" * CONTACT_LENGTH + "@b.example"),
        (ContactKind.other, "\ud800"),
        (ContactKind.other, "   "),
    ],
)
def test_what_is_no_contact_is_refused(kind: ContactKind, typed: str):
    with pytest.raises(rules.UnreadableError):
        rules.read_contact(kind, typed)


@given(st.sampled_from(ContactKind), st.text(max_size=400))
def test_a_contact_is_refused_or_fits_its_column(kind: ContactKind, typed: str):
    try:
        contact = rules.read_contact(kind, typed)
    except rules.UnreadableError:
        return
    assert 0 < len(contact.value) <= CONTACT_LENGTH
    assert 0 < len(contact.shown) <= CONTACT_LENGTH
    assert "\0" not in contact.value + contact.shown


def test_a_name_is_composed_and_has_single_spaces():
    assert rules.read_name("  Nguye\u0302\u0303n \t Ngọc\u00a0Lan ") == "Nguyễn Ngọc Lan"


@pytest.mark.parametrize("typed", ["", " \n ", "\u200b", "\u2066\u00ad\u3164", "Lan\0", "L" * 201, "\udfff"])
def test_a_name_that_cannot_be_kept_is_refused(typed: str):
    with pytest.raises(rules.UnreadableError):
        rules.read_name(typed)


def test_people_stand_under_their_given_name_and_companies_under_their_first_word():
    people = ["Trần Bình", "Đỗ Văn An", "Nguyễn Ánh"]
    assert sorted(people, key=lambda name: rules.name_order(name, CustomerKind.person)) == [
        "Đỗ Văn An", "Nguyễn Ánh", "Trần Bình",
    ]  # fmt: skip
    companies = ["Phở Sen", "An Bình"]
    assert sorted(companies, key=lambda name: rules.name_order(name, CustomerKind.company)) == ["An Bình", "Phở Sen"]


@given(st.text(max_size=200), st.sampled_from(CustomerKind))
def test_every_name_has_a_sort_key_that_fits_its_column(name: str, kind: CustomerKind):
    assert len(rules.name_order(name, kind)) <= 400


def test_codes_have_six_digits_until_there_are_more():
    assert [rules.customer_code(number) for number in (1, 999_999, 1_000_000)] == ["KH000001", "KH999999", "KH1000000"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("Đặng  ÁNH", ["dang", "anh"]),
        ("anh anh", ["anh"]),
        ("lan@phosen.example", ["lan", "phosen", "example"]),
        ("0912 345 678", ["84912345678"]),
        ("+84 (912) 345-678", ["84912345678"]),
        ("0168 123 4567", ["84381234567"]),
        ("Lan 0912.345.678", ["lan", "84912345678"]),
        ("0912 34", ["091234"]),
        ("+84 912", ["84912"]),
        ("0168 12", ["03812"]),
        ("Lan, SĐT: 0912_345_678", ["lan", "84912345678"]),
        ("tel:028 3823 4567 máy lẻ 102", ["842838234567", "102"]),
        ("912 345 678", ["84912345678"]),
        ("9123 45678 9123", ["9123456789123"]),
        ("1900 12", ["190012"]),
        ("5678", ["5678"]),
        ("Tổ 19 5", ["to", "19", "5"]),
        ("KH000001", ["kh000001"]),
        ("* \" ' : ( ^ -- \0", []),
        ("🙂", []),
        ("x" * 10_000, ["x" * rules.LONGEST_WORD]),
    ],
)
def test_what_is_typed_becomes_word_beginnings(typed: str, words: list[str]):
    assert rules.search_words(typed) == words


@given(st.text(max_size=500))
def test_search_words_hold_nothing_that_a_query_language_could_read(typed: str):
    words = rules.search_words(typed)
    assert len(words) <= rules.MOST_WORDS
    assert all(word.isalnum() and len(word) <= rules.LONGEST_WORD for word in words)


NAMES = st.text(max_size=100) | st.from_regex(r"[a-zđ]{0,5}[ .@]?[0-9 .()+-]{1,20}[ .@]?[a-z]{0,5}", fullmatch=True)


@given(NAMES)
@example("chị Lan 0912 345 678")
@example("lan.0912345678@phosen.example")
def test_whoever_types_a_name_as_it_is_written_finds_it(name: str):
    stored = rules.search_text("KH000001", name, []).split()
    assert all(any(word.startswith(typed) for word in stored) for typed in rules.search_words(name))


def test_a_number_is_found_by_its_last_four_digits_and_by_its_extension():
    stored = rules.search_text("KH000001", "Lan", [(ContactKind.phone, "+842838234567;ext=102")]).split()
    assert stored[stored.index(rules.NAME_ENDS) + 1 :] == [
        "842838234567", "02838234567", "2838234567", "4567", "102",
    ]  # fmt: skip


def test_a_mask_shows_initials_only():
    assert rules.masked("Nguyễn Ngọc Lan") == "N… N… L…"
