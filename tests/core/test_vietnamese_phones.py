from __future__ import annotations

import pytest

from app.core.vietnamese import MOBILE_RENUMBERING_2018, phone_e164, show_phone


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
