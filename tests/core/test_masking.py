"""What is left of a value to recognise it by?"""

from __future__ import annotations

import pytest

from app.core.masking import Mask, masked


@pytest.mark.parametrize(
    ("mask", "value", "left"),
    [
        (Mask.phone, "+84912345321", "09•• ••• 321"),
        (Mask.phone, "0912 345 321", "09•• ••• 321"),
        (Mask.phone, "+16502530000", "+1•• ••• 000"),
        (Mask.phone, "19001234", "19•• ••• 234"),
        (Mask.phone, "113", "•••"),
        (Mask.phone, "Lan bán phở", "L•••"),
        (Mask.email, "lan@phosen.vn", "l•••@p•••.vn"),
        (Mask.email, "lan.nguyen@mail.phosen.com.vn", "l•••@m•••.vn"),
        (Mask.email, "khong phai thu", "k•••"),
        (Mask.number, "001 099 012 321", "••• 321"),
        (Mask.number, "12345", "•••"),
        (Mask.text, "Thích gọi buổi sáng", "T•••"),
        (Mask.text, "Đặng", "Đ•••"),
        (Mask.text, "0912345321", "•••"),
        (Mask.text, "   ", "•••"),
        (Mask.text, 1_250_000, "•••"),
        (Mask.text, True, "•••"),
        (Mask.text, "•• gọi 0912 345 678", "•••"),  # dots that somebody typed cover nothing
        (Mask.phone, "0912 345 321 ••", "•••"),
        (Mask.phone, "", ""),
        (Mask.phone, None, ""),
    ],
)
def test_a_value_keeps_what_one_recognises_it_by(mask, value, left):
    assert masked(mask, value) == left


@pytest.mark.parametrize("mask", Mask)
@pytest.mark.parametrize("value", ["+84912345321", "lan@phosen.vn", "Thích gọi buổi sáng", 5])
def test_what_is_masked_stays_as_it_is(mask, value):
    once = masked(mask, value)
    assert masked(mask, once) == once
