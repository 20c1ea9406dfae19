"""The administrative units of 2026: how many, where, what they are called, and which one is meant."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.vietnamese import fold
from app.customers import places
from tools import places as renewing


def names(found: list[places.Place]) -> list[str]:
    return [one.name for one in found]


def test_there_are_34_provinces_and_3321_wards_each_in_its_province():
    every = places.provinces()
    wards = [ward for one in every for ward in places.wards_of(one.code)]
    assert (len(every), len(wards)) == (34, 3321)
    assert len({ward.code for ward in wards}) == 3321
    assert sorted({one.type for one in (*every, *wards)}) == ["Phường", "Thành phố", "Tỉnh", "Xã", "Đặc khu"]
    assert sum(ward.type == "Đặc khu" for ward in wards) == 13
    # of a sum over all provinces, three by hand
    assert [len(places.wards_of(code)) for code in ("01", "79", "48")] == [126, 168, 94]
    assert places.state() == "2026-10-10"


def test_the_63_provinces_of_old_are_all_read():
    old = [name for one in places.provinces() for name in one.formerly.split(";") if name]
    assert len(old) + len(places.provinces()) == 63
    assert all(places.read_province(f"tỉnh {name}").formerly for name in old)


def test_what_changed_in_2026_is_in_it():
    cities = {one.short for one in places.provinces() if one.type == "Thành phố"}
    assert cities >= {"Đồng Nai", "Quảng Ninh", "Bắc Ninh", "Huế", "Hồ Chí Minh"}
    assert [places.place(code).name for code in ("26485", "09319", "00004")] == [
        "Phường Nhơn Trạch", "Phường Tiên Du", "Phường Ba Đình",
    ]  # fmt: skip


def test_lists_stand_in_vietnamese_order_of_the_names_themselves():
    assert [one.short for one in places.provinces()][:8] == [
        "An Giang", "Bắc Ninh", "Cà Mau", "Cao Bằng", "Cần Thơ", "Đà Nẵng", "Đắk Lắk", "Điện Biên",
    ]  # fmt: skip
    assert places.wards_of("99") == places.wards_of("") == ()


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("ba dinh ha noi", "Phường Ba Đình"),
        ("Bến Thành", "Phường Bến Thành"),
        ("p.ben thanh tphcm", "Phường Bến Thành"),
        ("hà nội", "Thành phố Hà Nội"),
        ("TP.HCM", "Thành phố Hồ Chí Minh"),
        ("sài gòn", "Thành phố Hồ Chí Minh"),
        ("hue", "Thành phố Huế"),
        ("dao con", "Đặc khu Côn Đảo"),
        ("Nha Trang Khánh", "Phường Nha Trang"),
        ("kiên giang", "Tỉnh An Giang"),
    ],
)
def test_a_place_is_found_by_words_in_any_order(typed, first):
    assert names(places.search(typed))[0] == first


def test_a_name_with_its_accents_comes_first_and_only_so_many_come():
    assert {one.short for one in places.search("Tân Lập", 4)} == {"Tân Lập"}
    assert [one.short for one in places.search("ba đình", 3)] == ["Ba Đình", "Ba Đình", "Ba Dinh"]
    assert names(places.search("xã ba đình"))[0] == "Xã Ba Đình"
    assert len(places.search("x", 7)) == 7
    assert {one.province_code for one in places.search("tan", 5, province_code="79")} == {"79"}
    assert places.search("") == places.search("?!") == places.search("không có nơi này") == []


@given(st.text(max_size=150))
def test_any_text_may_be_searched(typed):
    assert len(places.search(typed, 5)) <= 5
    places.read_province(typed)
    places.read_ward(typed, "79")


def test_every_name_is_read_back_as_its_own_unit():
    for province in places.provinces():
        assert places.read_province(fold(province.name)) == places.read_province(province.short) == province
    for ward in (ward for code in ("01", "79", "86") for ward in places.wards_of(code)):
        assert places.read_ward(ward.name.upper(), ward.province_code) == ward


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("TP. HCM", "79"),
        ("Sài Gòn", "79"),
        ("tỉnh đắc lắc", "66"),
        ("Bình Dương", "79"),
        ("ba ria vung tau", "79"),
        ("Tỉnh Hòa Bình", "25"),
        ("Bình Dường", "79"),
        ("Atlantis", None),
        ("tp", None),
    ],
)
def test_a_province_is_read_from_what_people_write(typed, code):
    read = places.read_province(typed)
    assert (read and read.code) == code


def test_an_address_is_written_with_the_province_of_its_ward():
    assert places.address_line(" 12  Lê Lợi, ", "26743", "01") == "12 Lê Lợi, Phường Bến Thành, Thành phố Hồ Chí Minh"
    assert places.address_line("12 Lê Lợi", None, "46") == "12 Lê Lợi, Thành phố Huế"
    assert places.address_line(None, "99999", "") == ""


def test_a_ward_of_another_province_is_refused():
    assert places.place_problem("79", "26743") is None
    assert places.place_problem(None, None) is places.place_problem("79", None) is None
    assert "Phường Bến Thành" in str(places.place_problem("01", "26743"))
    assert places.place_problem("26743", None) is not None
    assert places.place_problem("01", "79") is not None


def test_a_unit_that_is_gone_keeps_its_name_and_is_no_longer_offered(monkeypatch):
    head, known = renewing.read(renewing.FILE)
    given_now = {code: unit for code, unit in known.items() if code != "26743"}
    assert renewing.wrong(given_now) == ""
    assert renewing.changes(known, given_now) == [f"gone: {known['26743']}"]
    lines = ["\t".join(unit) for unit in renewing.renew(known, given_now, date(2027, 1, 1))]
    units = {one.code: one for one in places._read([*head, *lines])}
    assert (units["26743"].name, units["26743"].gone) == ("Phường Bến Thành", "2027-01-01")
    assert "26743" not in {one.code for one in places._in_order(units.values())}


def test_a_source_that_lacks_half_of_the_country_is_refused():
    _head, known = renewing.read(renewing.FILE)
    assert renewing.wrong({code: unit for code, unit in known.items() if not unit.province})
    assert renewing.wrong(known | {"1": renewing.Unit("1", "01", "Xã Sai")})
    assert renewing.wrong(known | {"00001": renewing.Unit("00001", "03", "Xã Sai")})
