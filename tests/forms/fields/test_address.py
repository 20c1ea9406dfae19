from __future__ import annotations

from app.forms.fields import TYPES
from tests.forms.examples import Examples, told

EXAMPLES = Examples(
    "address",
    right=(
        ({"province": "01", "ward": "00004"}, {"province": "01", "ward": "00004"},
         "Phường Ba Đình, Thành phố Hà Nội"),
        ({"province": "ha noi", "ward": "P. Ba Dinh", "street": " 12  Lê Lợi "},
         {"province": "01", "ward": "00004", "street": "12 Lê Lợi"}, "12 Lê Lợi, Phường Ba Đình, Thành phố Hà Nội"),
        ({"ward": "00004"}, {"province": "01", "ward": "00004"}, "Phường Ba Đình, Thành phố Hà Nội"),
    ),
    wrong=({"province": "01"}, {"street": "12 Lê Lợi"}, {"province": "79", "ward": "00004"}, {"province": "99"},
           {"province": "01", "ward": "00004", "street": "a" * 201}, {"province": "01", "ward": "00004", "city": "x"},
           {"province": 1, "ward": 4}, "12 Lê Lợi, Hà Nội"),
    is_typed_as_shown=False,
)  # fmt: skip


def test_the_street_can_be_asked_for():
    assert "12 Lê Lợi" in told("address", {"province": "01", "ward": "00004"}, with_street=True)


def test_it_is_found_by_its_province_and_by_its_ward():
    assert TYPES["address"].indexed({"province": "01", "ward": "00004", "street": "x"}) == ["01", "00004"]


def test_a_ward_that_its_province_does_not_have_is_told_with_one_that_it_has():
    assert "Thành phố Hà Nội" in told("address", {"province": "01", "ward": "Bến Thành"})
